//! One transaction on one producer, step by step, on the thread of the lanes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::super::consumer::GroupConsumer;
use super::super::error::is_refusal;
use super::super::flight::Flight;
use super::super::native::{self, TransactionError};
use super::super::writer;
use super::context::Failure;
use super::{CALL_TIMEOUT, LaneContext, Outcome, Transaction};
use crate::record::OutgoingRecord;

/// A commit without an answer is given up after this many times the transaction's timeout: the
/// broker has decided by then, and the committed offsets tell how.
const GIVE_UP_FACTOR: u32 = 2;

/// The offsets of a transaction, and the member of the group that commits them.
pub(super) struct Offsets {
    list: TopicPartitionList,
    metadata: ConsumerGroupMetadata,
}

impl Offsets {
    /// Those of a transaction, by the generation that what the member owns belongs to.
    pub(super) fn of(
        transaction: &Transaction,
        member: &GroupConsumer,
    ) -> Result<Self, TransactionError> {
        let mut list = TopicPartitionList::with_capacity(transaction.offsets.len());
        for offset in &transaction.offsets {
            let mut element = list.add_partition(&offset.topic, offset.partition);
            element
                .set_offset(Offset::Offset(offset.offset))
                .map_err(|error| transaction_error(&error))?;
            element.set_metadata(&transaction.identity);
        }
        let metadata = member.group_metadata().ok_or_else(|| TransactionError {
            code: RDKafkaErrorCode::UnknownMemberId,
            retriable: false,
            requires_abort: true,
            fatal: false,
            message: "the group has changed, and what that means for this member is not known yet"
                .to_owned(),
        })?;
        Ok(Self { list, metadata })
    }
}

/// One transaction on its way; every way out is an outcome.
pub(super) struct Attempt {
    pub(super) producer: ThreadedProducer<LaneContext>,
    pub(super) transaction: Arc<Transaction>,
    pub(super) offsets: Offsets,
    /// How long the broker keeps the transaction open.
    pub(super) patience: Duration,
    /// How long a broker may take to answer.
    pub(super) answer_patience: Duration,
    pub(super) flight: Arc<Flight>,
}

/// Starts the thread that makes attempts, one after the other; it ends when nobody hands it any.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn thread() -> std::io::Result<Sender<Attempt>> {
    let (hand_over, attempts) = channel();
    std::thread::Builder::new()
        .name("lanes".to_owned())
        .spawn(move || make(&attempts))?;
    Ok(hand_over)
}

fn make(attempts: &Receiver<Attempt>) {
    for attempt in attempts {
        let landing = Landing(Arc::clone(&attempt.flight));
        let outcome = attempt.run();
        // Whoever hears of the outcome has the transaction for itself.
        drop(attempt);
        landing.0.land(outcome);
    }
}

/// Sees to it that a flight lands whatever happens to its thread.
struct Landing(Arc<Flight>);

impl Drop for Landing {
    fn drop(&mut self) {
        let outcome = Outcome::Unknown("the thread of the lanes ended".to_owned());
        self.0.land(outcome);
    }
}

impl Attempt {
    fn run(&self) -> Outcome {
        self.producer.context().take_failure();
        if let Err(error) = self.producer.begin_transaction() {
            return broken(transaction_error(&error));
        }
        for record in &self.transaction.records {
            if let Err(failure) = self.send(record) {
                return self.abort(failure);
            }
        }
        if let Err(error) = self.send_offsets() {
            return if error.fatal {
                broken(error)
            } else {
                self.abort(error.into())
            };
        }
        self.commit()
    }

    fn send(&self, record: &OutgoingRecord) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        let sent = writer::send(&self.producer, record, deadline);
        sent.map_err(|error| Failure::of_record(&error, &record.topic, record.partition))
    }

    /// Adds the offsets. Once these are announced, the library waits for the broker that was the
    /// group's coordinator as long as it is away, whatever time the call is given, and asks nobody
    /// whether another is by now (`rd_kafka_coord_req` of librdkafka 2.12.1 has no timeout). So whoever
    /// waits for the flight gives the call up as soon as a broker that is there would have answered,
    /// and leaves it behind with its producer and this thread. It ends when that broker is back, and
    /// the producer made anew, which asks who the coordinator is, has the later epoch.
    fn send_offsets(&self) -> Result<(), TransactionError> {
        // The last of the calls may begin just before the time is over.
        self.flight.bound(self.answer_patience + CALL_TIMEOUT);
        let added = self.add_offsets();
        if self.flight.unbound() {
            added
        } else {
            Err(TransactionError {
                code: RDKafkaErrorCode::OperationTimedOut,
                retriable: false,
                requires_abort: false,
                fatal: true,
                message: "the offsets could not be added to the transaction".to_owned(),
            })
        }
    }

    /// Makes the call until it answers or the time is over.
    fn add_offsets(&self) -> Result<(), TransactionError> {
        let Offsets { list, metadata } = &self.offsets;
        let deadline = Instant::now() + self.answer_patience;
        loop {
            let added = self
                .producer
                .send_offsets_to_transaction(list, metadata, CALL_TIMEOUT);
            match added {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let error = transaction_error(&error);
                    if !error.retriable || Instant::now() >= deadline {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn commit(&self) -> Outcome {
        let deadline = Instant::now() + self.patience * GIVE_UP_FACTOR;
        loop {
            match native::commit_transaction(&self.producer, CALL_TIMEOUT) {
                Ok(()) => return Outcome::Committed,
                // The commit goes on in the background, and no other call is allowed meanwhile.
                Err(error) if error.retriable && Instant::now() < deadline => {}
                Err(error) if error.requires_abort => return self.abort(error.into()),
                Err(error) => return broken(error),
            }
        }
    }

    /// Gives the transaction up. The broker answers an abort well only when no commit has taken place,
    /// so an answer decides even after a commit was asked for.
    fn abort(&self, cause: Failure) -> Outcome {
        match self.end() {
            Ok(()) => {
                let told = self.producer.context().take_failure();
                let Failure { error, partition } = told.unwrap_or(cause);
                let why = error.to_string();
                if is_refusal(error.code) {
                    Outcome::Refused { why, partition }
                } else {
                    Outcome::Aborted(why)
                }
            }
            Err(error) => broken(error),
        }
    }

    fn end(&self) -> Result<(), TransactionError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match native::abort_transaction(&self.producer, CALL_TIMEOUT) {
                Err(error) if error.retriable && Instant::now() < deadline => {}
                answer => return answer,
            }
        }
    }
}

/// The producer is of no more use; whether somebody else took over is all that is left to tell.
fn broken(error: TransactionError) -> Outcome {
    if matches!(
        error.code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
    ) {
        Outcome::Fenced(error.to_string())
    } else {
        Outcome::Unknown(error.to_string())
    }
}

/// What the library says of a transaction.
pub(super) fn transaction_error(error: &KafkaError) -> TransactionError {
    if let KafkaError::Transaction(native) = error {
        return native.into();
    }
    TransactionError {
        code: error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail),
        retriable: false,
        requires_abort: true,
        fatal: false,
        message: error.to_string(),
    }
}
