//! What a lane hears of its producer: failed deliveries, and whether a connection broke.

use std::sync::Mutex;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::attempt::transaction_error;
use crate::kafka::client::Ear;
use crate::kafka::native::TransactionError;

/// What went wrong in a transaction.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: TransactionError,
    /// The partition whose record was not taken, when it is that.
    pub(super) partition: Option<i32>,
}

impl Failure {
    /// A record that was not taken.
    pub(super) fn of_record(error: &KafkaError, topic: &str, partition: i32) -> Self {
        let mut failure = Self::from(transaction_error(error));
        let said = error
            .rdkafka_error_code()
            .map_or_else(|| error.to_string(), |code| code.to_string());
        failure.error.message = format!("topic `{topic}`, partition {partition}: {said}");
        failure.partition = Some(partition);
        failure
    }
}

impl From<TransactionError> for Failure {
    fn from(error: TransactionError) -> Self {
        Self {
            error,
            partition: None,
        }
    }
}

/// Keeps the first failed delivery: it says more than the failed commit that follows from it.
#[derive(Default)]
pub(super) struct LaneContext {
    pub(super) ear: Ear,
    failure: Mutex<Option<Failure>>,
}

impl LaneContext {
    /// Takes it out.
    pub(super) fn take_failure(&self) -> Option<Failure> {
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
        let Err((error, record)) = result else { return };
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
            .get_or_insert_with(|| Failure::of_record(error, record.topic(), record.partition()));
    }
}
