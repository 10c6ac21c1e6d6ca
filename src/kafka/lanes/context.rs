//! What a lane hears of its producer: failed deliveries, and whether a connection broke.

use std::sync::Mutex;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::attempt::transaction_error;
use crate::kafka::client::Ear;
use crate::kafka::native::TransactionError;

/// Keeps the first failed delivery: it says more than the failed commit that follows from it.
#[derive(Default)]
pub(super) struct LaneContext {
    pub(super) ear: Ear,
    failure: Mutex<Option<TransactionError>>,
}

impl LaneContext {
    /// Takes it out.
    pub(super) fn take_failure(&self) -> Option<TransactionError> {
        self.failure
            .lock()
            .expect("nothing panics while it holds the failure")
            .take()
    }
}

impl ClientContext for LaneContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.ear.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ProducerContext for LaneContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, _)) = result else { return };
        let code = error.rdkafka_error_code();
        // Purged records are the abort's doing, not its cause.
        if matches!(
            code,
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
        ) {
            return;
        }
        self.failure
            .lock()
            .expect("nothing panics while it holds the failure")
            .get_or_insert_with(|| transaction_error(error));
    }
}
