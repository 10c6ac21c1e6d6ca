//! A plain producer: what it has written is there, each record by itself.
//!
//! The service writes nothing with it, since what it writes belongs into a transaction; see
//! [`super::lanes`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use super::client::{ClientSettings, RECORD_BYTES_MAX};
use super::error::Error;
use crate::record::OutgoingRecord;

/// A record that no broker takes within this time is given up: long enough for a restart of one.
const DELIVERY_TIMEOUT_MS: &str = "30000";

/// The library's thread tells of every record within its own timeout; beyond this it never will.
const PATIENCE: Duration = Duration::from_secs(40);

/// A producer outside of transactions.
pub struct Writer {
    producer: ThreadedProducer<Deliveries>,
}

impl Writer {
    /// Makes the client; no broker is asked yet.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(settings: &ClientSettings) -> Result<Self, Error> {
        let tunable = [
            // Whoever waits for the answer has nothing else to send meanwhile.
            ("linger.ms", "0"),
            ("message.timeout.ms", DELIVERY_TIMEOUT_MS),
        ];
        let fixed = [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("message.max.bytes", RECORD_BYTES_MAX),
        ];
        let producer = settings
            .config(&tunable, &fixed)
            .create_with_context(Deliveries::default())
            .map_err(|source| Error::Create {
                client: "writing",
                source: source.into(),
            })?;
        Ok(Self { producer })
    }

    /// Writes records and waits until the brokers have all of them.
    ///
    /// # Errors
    /// When one of them was not taken; others may have been.
    pub fn write(&self, records: &[OutgoingRecord]) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let deliveries = self.producer.context();
        for record in records {
            deliveries.counts().pending += 1;
            let sent = send(&self.producer, record, deadline);
            if let Err(error) = sent {
                deliveries.counts().pending -= 1;
                return Err(failed(&record.topic, error));
            }
        }
        match deliveries.wait(deadline) {
            None => Ok(()),
            Some(error) => {
                let topic = records.first().map_or("", |record| &record.topic);
                Err(failed(topic, error))
            }
        }
    }
}

fn failed(topic: &str, source: KafkaError) -> Error {
    Error::Call {
        doing: format!("writing to {topic}"),
        source,
    }
}

/// Hands a record to a producer; waits for room until the deadline.
///
/// # Errors
/// When the producer does not take it.
pub(super) fn send<C>(
    producer: &ThreadedProducer<C>,
    record: &OutgoingRecord,
    deadline: Instant,
) -> Result<(), KafkaError>
where
    C: ProducerContext<DeliveryOpaque = ()> + 'static,
{
    let mut outgoing = outgoing(record);
    loop {
        match producer.send(outgoing) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned))
                if Instant::now() < deadline =>
            {
                outgoing = returned;
                // The producer's own thread makes room as records are acknowledged.
                std::thread::sleep(Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// A record as the library takes it.
fn outgoing(record: &OutgoingRecord) -> BaseRecord<'_, [u8], [u8]> {
    let mut outgoing = BaseRecord::to(&record.topic).partition(record.partition);
    if let Some(key) = &record.key {
        outgoing = outgoing.key(key.as_slice());
    }
    if let Some(value) = &record.value {
        outgoing = outgoing.payload(value.as_slice());
    }
    if let Some(timestamp_ms) = record.timestamp_ms {
        outgoing = outgoing.timestamp(timestamp_ms);
    }
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header {
                key,
                value: value.as_deref(),
            });
        }
        outgoing = outgoing.headers(headers);
    }
    outgoing
}

/// Counts what the brokers have answered.
#[derive(Debug, Default)]
struct Deliveries {
    counts: Mutex<Counts>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct Counts {
    pending: usize,
    failed: Option<KafkaError>,
}

impl Deliveries {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Each change is one assignment, so a panic elsewhere leaves nothing half written.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for every answer; tells one of the failures.
    fn wait(&self, deadline: Instant) -> Option<KafkaError> {
        let wait = deadline.saturating_duration_since(Instant::now());
        let (mut counts, _) = self
            .answered
            .wait_timeout_while(self.counts(), wait, |counts| counts.pending > 0)
            .unwrap_or_else(PoisonError::into_inner);
        let timed_out = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        let is_unanswered = counts.pending > 0;
        counts
            .failed
            .take()
            .or_else(|| is_unanswered.then_some(timed_out))
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut counts = self.counts();
        counts.pending = counts.pending.saturating_sub(1);
        if let Err((error, _)) = result {
            counts.failed = Some(error.clone());
        }
        if counts.pending == 0 {
            self.answered.notify_all();
        }
    }
}
