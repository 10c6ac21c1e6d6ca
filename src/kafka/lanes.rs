//! Transactions on two producers used in turn.
//!
//! A producer that begins its next transaction while the broker still writes the markers of its
//! last one is put off for up to 90 ms. With two producers ("lanes", each with its own
//! transactional id) the markers of one are written while the other works. The commit of one lane
//! has been answered before the other begins, so the order of transactions is kept.
//!
//! Every outcome is one of five: see [`Outcome`]. The library's client knows no protocol by which
//! the broker could tell a late commit of one transaction from the commit of the next, so after
//! anything indefinite, even a connection that broke while the commit was answered well, the
//! producer is made anew: that raises its epoch, and whatever is still under way is refused.

mod context;

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::ClientSettings;
use super::consumer::GroupConsumer;
use super::error::Error;
use super::native::{self, TransactionError};
use super::writer::outgoing;
use crate::record::OutgoingRecord;
use context::LaneContext;

/// One call waits this long, so that a stop or a broken connection is noticed between calls.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes of records that are sent together, and the client's own measure. Less, where a topic
/// takes less: a broker refuses what is larger as a whole, and the client sends it no other way.
const BATCH_BYTES_MAX: usize = 1_000_000;

/// A commit without an answer is given up after this many times the transaction's timeout: the
/// broker has decided by then, and the committed offsets tell how.
const GIVE_UP_FACTOR: u32 = 2;

/// The offset to go on from after this transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingOffset {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
}

/// Everything that becomes visible together.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// The records, in order per partition.
    pub records: Vec<OutgoingRecord>,
    /// The offsets of every partition touched, unchanged ones included: without any offset the
    /// group does not fence the transaction.
    pub offsets: Vec<OutgoingOffset>,
    /// Committed with the offsets; tells later whether this very transaction was.
    pub identity: String,
}

/// What became of a transaction; all but the first say why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It is visible.
    Committed,
    /// It is not and never will be visible; the same batch may be tried again.
    Aborted(String),
    /// The same, because a broker found records larger than their topic takes.
    TooLarge(String),
    /// It may or may not be visible. The offsets' metadata decides, after [`Lanes::prepare`] has
    /// settled it by making the producer anew.
    Unknown(String),
    /// Another producer took over this transactional id, or the broker gave up on this one.
    /// Everything held in memory must be restored.
    Fenced(String),
}

/// The two lanes of one shard.
pub struct Lanes {
    settings: ClientSettings,
    batch_bytes_max: usize,
    lanes: [Lane; 2],
    next: usize,
}

#[derive(Default)]
struct Lane {
    transactional_id: String,
    producer: Option<ThreadedProducer<LaneContext>>,
    ready: bool,
}

impl Lanes {
    /// Names the lanes of a shard; no broker is asked before [`Lanes::prepare`].
    pub fn new(settings: &ClientSettings, shard: usize) -> Self {
        let lane = |lane: usize| Lane {
            transactional_id: format!("{}-{}-{shard}-{lane}", settings.group, settings.instance),
            producer: None,
            ready: false,
        };
        Self {
            settings: settings.clone(),
            batch_bytes_max: BATCH_BYTES_MAX,
            lanes: [lane(0), lane(1)],
            next: 0,
        }
    }

    /// Makes both lanes ready: whatever an earlier holder of their transactional ids left open is
    /// settled when this has answered well. Costs nothing for lanes that are ready.
    ///
    /// # Errors
    /// Retriable while no broker answers; waits at most a second a lane for that.
    pub fn prepare(&mut self) -> Result<(), Error> {
        for lane in &mut self.lanes {
            lane.prepare(&self.settings, self.batch_bytes_max)?;
        }
        Ok(())
    }

    /// Sends at most so many bytes of records together from now on: as many as every topic takes.
    pub fn keep_to(&mut self, batch_bytes_max: usize) {
        let bytes = batch_bytes_max.min(BATCH_BYTES_MAX);
        if bytes != self.batch_bytes_max {
            self.batch_bytes_max = bytes;
            self.discard();
        }
    }

    /// Runs one transaction on the lane whose turn it is.
    ///
    /// # Panics
    /// When the lanes were not prepared since they were made or since an outcome other than
    /// [`Outcome::Committed`], [`Outcome::Aborted`] and [`Outcome::TooLarge`].
    pub fn transact(&mut self, transaction: &Transaction, member: &GroupConsumer) -> Outcome {
        let lane = &mut self.lanes[self.next];
        self.next = 1 - self.next;
        let producer = lane
            .producer
            .as_ref()
            .filter(|_| lane.ready)
            .expect("a lane is prepared before it is used");
        producer.context().ear.settle();
        let patience = self.settings.transaction_timeout;
        let attempt = Attempt {
            producer,
            patience,
            answer_patience: answer_patience(&self.settings),
        };
        let outcome = attempt.run(transaction, member);
        match &outcome {
            Outcome::Committed | Outcome::Aborted(_) | Outcome::TooLarge(_) => {
                if producer.context().ear.take_disturbed() {
                    lane.discard();
                }
            }
            Outcome::Fenced(_) => lane.discard(),
            // What did not answer this one will not answer the other, which would wait as long again.
            Outcome::Unknown(_) => self.discard(),
        }
        outcome
    }

    /// Gives both producers up; [`Lanes::prepare`] makes new ones, which settle whatever is open.
    pub fn discard(&mut self) {
        for lane in &mut self.lanes {
            lane.discard();
        }
    }

    /// Whether [`Lanes::prepare`] would have something to do.
    pub fn are_ready(&self) -> bool {
        self.lanes.iter().all(|lane| lane.ready)
    }
}

impl Lane {
    fn discard(&mut self) {
        self.producer = None;
        self.ready = false;
    }

    fn prepare(&mut self, settings: &ClientSettings, batch_bytes_max: usize) -> Result<(), Error> {
        if self.ready {
            return Ok(());
        }
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => create(settings, &self.transactional_id, batch_bytes_max)?,
        };
        match producer.init_transactions(CALL_TIMEOUT) {
            Ok(()) => {
                self.producer = Some(producer);
                self.ready = true;
                Ok(())
            }
            Err(error) => {
                let source = transaction_error(&error);
                if source.retriable {
                    // The library goes on in the background; the same producer is asked again.
                    self.producer = Some(producer);
                }
                Err(Error::Producer {
                    transactional_id: self.transactional_id.clone(),
                    source,
                })
            }
        }
    }
}

/// How long a broker may take to answer a producer: the library accepts no time that is longer than a
/// transaction.
fn answer_patience(settings: &ClientSettings) -> Duration {
    settings.answer_patience().min(settings.transaction_timeout)
}

fn create(
    settings: &ClientSettings,
    transactional_id: &str,
    batch_bytes_max: usize,
) -> Result<ThreadedProducer<LaneContext>, Error> {
    let timeout = settings.transaction_timeout.as_millis();
    let (timeout_ms, delivery_ms) = (timeout.to_string(), (timeout * 9 / 10).to_string());
    let answer_ms = answer_patience(settings).as_millis().to_string();
    let batch_bytes = batch_bytes_max.to_string();
    let tunable = [
        ("socket.timeout.ms", answer_ms.as_str()),
        ("transaction.timeout.ms", timeout_ms.as_str()),
        // Below the transaction's, so that an undeliverable record fails before the broker aborts.
        ("message.timeout.ms", delivery_ms.as_str()),
        // The commit follows the last record at once; waiting for company would only delay it.
        ("linger.ms", "0"),
        ("batch.size", batch_bytes.as_str()),
        ("compression.type", "lz4"),
        // More than a batch has with the default of `tuning.transaction_records`: sending waits for
        // room, and the cycle with it.
        ("queue.buffering.max.messages", "100000"),
    ];
    let fixed = [
        // The most that the library can be told. How large a record may be is each topic's to say: a
        // smaller limit here would stop the stream at a dead letter that its topic has room for.
        ("message.max.bytes", "1000000000"),
        ("transactional.id", transactional_id),
        ("enable.idempotence", "true"),
        ("acks", "all"),
        // The commit tells of what was delivered. Telling of each record as well took the producers'
        // own threads a twentieth of all CPU of a service that catches up.
        ("delivery.report.only.error", "true"),
    ];
    settings
        .config(&tunable, &fixed)
        .create_with_context(LaneContext::default())
        .map_err(|source| Error::Create {
            client: "transactional",
            source: source.into(),
        })
}

/// One transaction on its way; every way out is an outcome.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    producer: &'a ThreadedProducer<LaneContext>,
    /// How long the broker keeps the transaction open.
    patience: Duration,
    /// How long a broker may take to answer.
    answer_patience: Duration,
}

impl Attempt<'_> {
    fn run(self, transaction: &Transaction, member: &GroupConsumer) -> Outcome {
        self.producer.context().take_failure();
        if let Err(error) = self.producer.begin_transaction() {
            return broken(transaction_error(&error));
        }
        for record in &transaction.records {
            if let Err(error) = self.send(record) {
                return self.abort(error);
            }
        }
        if let Err(error) = self.send_offsets(transaction, member) {
            return if error.fatal {
                broken(error)
            } else {
                self.abort(error)
            };
        }
        self.commit()
    }

    fn send(self, record: &OutgoingRecord) -> Result<(), TransactionError> {
        let mut outgoing = outgoing(record);
        let deadline = Instant::now() + self.patience;
        loop {
            match self.producer.send(outgoing) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned))
                    if Instant::now() < deadline =>
                {
                    outgoing = returned;
                    // The producer's own thread makes room as records are acknowledged.
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(transaction_error(&error)),
            }
        }
    }

    /// Adds the offsets, on a thread of their own: once the offsets are announced, the library waits
    /// for the broker that was the group's coordinator as long as it is away, whatever time the call is
    /// given, and asks nobody whether another is by now (`rd_kafka_coord_req` of librdkafka 2.12.1 has no
    /// timeout). Such a call is left behind with its producer, as soon as a broker that is there would
    /// have answered; it ends when that broker is back, and the producer made anew, which asks who the
    /// coordinator is, has the later epoch.
    fn send_offsets(
        self,
        transaction: &Transaction,
        member: &GroupConsumer,
    ) -> Result<(), TransactionError> {
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
            message: "this process is not a member of the group".to_owned(),
        })?;
        let (producer, patience) = (self.producer.clone(), self.answer_patience);
        let (tell, answer) = channel();
        std::thread::Builder::new()
            .name("offsets".to_owned())
            .spawn(move || {
                // Nobody listens any more when the call was left behind.
                drop(tell.send(add_offsets(&producer, &list, &metadata, patience)));
            })
            .map_err(|error| gave_up(&error.to_string()))?;
        // The last of the calls may begin just before the time is over.
        answer
            .recv_timeout(patience + CALL_TIMEOUT)
            .unwrap_or_else(|_| Err(gave_up("no broker answers")))
    }

    fn commit(self) -> Outcome {
        let deadline = Instant::now() + self.patience * GIVE_UP_FACTOR;
        loop {
            match native::commit_transaction(self.producer, CALL_TIMEOUT) {
                Ok(()) => return Outcome::Committed,
                // The commit goes on in the background, and no other call is allowed meanwhile.
                Err(error) if error.retriable && Instant::now() < deadline => {}
                Err(error) if error.requires_abort => return self.abort(error),
                Err(error) => return broken(error),
            }
        }
    }

    /// Gives the transaction up. The broker answers an abort well only when no commit has taken place,
    /// so an answer decides even after a commit was asked for.
    fn abort(self, cause: TransactionError) -> Outcome {
        match self.end() {
            Ok(()) => {
                let cause = self.producer.context().take_failure().unwrap_or(cause);
                if is_too_large(cause.code) {
                    Outcome::TooLarge(cause.to_string())
                } else {
                    Outcome::Aborted(cause.to_string())
                }
            }
            Err(error) => broken(error),
        }
    }

    fn end(self) -> Result<(), TransactionError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match native::abort_transaction(self.producer, CALL_TIMEOUT) {
                Err(error) if error.retriable && Instant::now() < deadline => {}
                answer => return answer,
            }
        }
    }
}

/// Makes the call until it answers or the time is over.
fn add_offsets(
    producer: &ThreadedProducer<LaneContext>,
    list: &TopicPartitionList,
    metadata: &ConsumerGroupMetadata,
    patience: Duration,
) -> Result<(), TransactionError> {
    let deadline = Instant::now() + patience;
    loop {
        match producer.send_offsets_to_transaction(list, metadata, CALL_TIMEOUT) {
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

/// A call that does not come back: nothing more can be done with its producer.
fn gave_up(reason: &str) -> TransactionError {
    TransactionError {
        code: RDKafkaErrorCode::OperationTimedOut,
        retriable: false,
        requires_abort: false,
        fatal: true,
        message: format!("the offsets could not be added to the transaction: {reason}"),
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

/// Whether a broker refuses records because of their size, one by one or sent together.
const fn is_too_large(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::MessageBatchTooLarge
    )
}

fn transaction_error(error: &KafkaError) -> TransactionError {
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
