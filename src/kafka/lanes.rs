//! Transactions on two producers used in turn.
//!
//! A producer that begins its next transaction while the broker still writes the markers of its
//! last one is put off for up to 90 ms. With two producers ("lanes", each with its own
//! transactional id) the markers of one are written while the other works. The commit of one lane
//! has been answered before the other begins, so the order of transactions is kept.
//!
//! A transaction goes on by itself, on a thread that the lanes have for that, while the cycle reads and
//! decides. The next one begins only when it has landed.
//!
//! Every outcome is one of five: see [`Outcome`]. The library's client knows no protocol by which
//! the broker could tell a late commit of one transaction from the commit of the next, so after
//! anything indefinite, even a connection that broke while the commit was answered well, the
//! producer is made anew: that raises its epoch, and whatever is still under way is refused.

mod attempt;
mod context;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rdkafka::producer::{Producer, ThreadedProducer};

use super::client::{ClientSettings, RECORD_BYTES_MAX};
use super::consumer::GroupConsumer;
use super::error::Error;
use super::flight::Flight;
use super::native;
use crate::record::OutgoingRecord;
use context::LaneContext;

use attempt::{Attempt, Offsets, transaction_error};

/// One call waits this long, so that a stop or a broken connection is noticed between calls.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes of records that are sent together, and the client's own measure. Less, where a topic
/// takes less: a broker refuses what is larger as a whole, and the client sends it no other way.
const BATCH_BYTES_MAX: usize = 1_000_000;

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
    /// The same, because of a record that its topic does not take, such as one that is too large.
    Refused {
        /// Which topic, and what is said about it.
        why: String,
        /// The partition whose record it is, as far as that is known.
        partition: Option<i32>,
    },
    /// It may or may not be visible. The offsets' metadata decides, after [`Lanes::prepare`] has
    /// settled it by making the producer anew.
    Unknown(String),
    /// Another producer took over this transactional id, or the broker gave up on this one.
    /// Everything held in memory must be restored.
    Fenced(String),
}

/// The end of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    pub after: Duration,
}

/// The two lanes of one shard.
pub struct Lanes {
    settings: ClientSettings,
    batch_bytes_max: usize,
    lanes: [Lane; 2],
    next: usize,
    /// The thread that makes attempts; none before the first, and after one was left behind.
    thread: Option<Sender<Attempt>>,
    /// The transaction under way, and its lane.
    flight: Option<(usize, Arc<Flight>)>,
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
            thread: None,
            flight: None,
        }
    }

    /// Makes both lanes ready: whatever an earlier holder of their transactional ids left open is
    /// settled when this has answered well. Costs nothing for lanes that are ready.
    ///
    /// # Errors
    /// Retriable while no broker answers; waits at most a second and a half for that.
    pub fn prepare(&mut self) -> Result<(), Error> {
        if self.are_ready() {
            return Ok(());
        }
        let (settings, bytes) = (&self.settings, self.batch_bytes_max);
        let [first, second] = &mut self.lanes;
        // Side by side: each waits half a second whenever its coordinator is busy.
        std::thread::scope(|scope| {
            let second = scope.spawn(|| second.prepare(settings, bytes));
            let first = first.prepare(settings, bytes);
            let second = second.join().unwrap_or_else(|panic| resume_unwind(panic));
            first.and(second)
        })
    }

    /// Sends at most so many bytes of records together from now on: as many as every topic takes.
    pub fn keep_to(&mut self, batch_bytes_max: usize) {
        let bytes = batch_bytes_max.min(BATCH_BYTES_MAX);
        if bytes != self.batch_bytes_max {
            self.batch_bytes_max = bytes;
            self.discard();
        }
    }

    /// Begins a transaction on the lane whose turn it is; it goes on by itself, and the member gives
    /// no partition up before it has landed.
    ///
    /// # Panics
    /// When the lanes were not prepared since they were made or since an outcome other than
    /// [`Outcome::Committed`], [`Outcome::Aborted`] and [`Outcome::Refused`], and when the transaction before has not landed.
    pub fn begin(&mut self, transaction: Arc<Transaction>, member: &GroupConsumer) {
        assert!(self.flight.is_none(), "one transaction at a time");
        let lane = &self.lanes[self.next];
        let producer = lane.producer.clone().filter(|_| lane.ready);
        let producer = producer.expect("a lane is prepared before it is used");
        producer.context().ear.settle();
        let flight = Arc::new(Flight::new());
        self.flight = Some((self.next, Arc::clone(&flight)));
        self.next = 1 - self.next;
        member.wait_for(Arc::clone(&flight));
        match Offsets::of(&transaction, member) {
            Ok(offsets) => self.hand_over(Attempt {
                producer,
                transaction,
                offsets,
                patience: self.settings.transaction_timeout,
                answer_patience: answer_patience(&self.settings),
                flight,
            }),
            Err(error) => flight.land(Outcome::Aborted(error.to_string())),
        }
    }

    /// Hands an attempt over to the thread, which is started if there is none.
    fn hand_over(&mut self, attempt: Attempt) {
        let thread = match self.thread.take() {
            Some(thread) => Ok(thread),
            None => attempt::thread(),
        };
        let flight = Arc::clone(&attempt.flight);
        let handed_over = thread
            .map_err(|error| error.to_string())
            .and_then(|thread| {
                let sent = thread.send(attempt).map_err(|error| error.to_string());
                sent.map(|()| self.thread = Some(thread))
            });
        if let Err(reason) = handed_over {
            // Nothing of it was begun.
            flight.land(Outcome::Aborted(reason));
        }
    }

    /// What became of the transaction that was begun, told once; waits at most so long for that. None
    /// while it is under way.
    pub fn landed(&mut self, wait: Duration) -> Option<Landed> {
        let (index, flight) = self.flight.as_ref()?;
        let landed = flight.landed(wait)?;
        let lane = &mut self.lanes[*index];
        self.flight = None;
        match &landed.outcome {
            Outcome::Committed | Outcome::Aborted(_) | Outcome::Refused { .. } => {
                let producer = lane.producer.as_ref();
                if producer.is_some_and(|it| it.context().ear.take_disturbed()) {
                    lane.discard();
                }
            }
            Outcome::Fenced(_) => lane.discard(),
            Outcome::Unknown(_) => {
                // What did not answer this one will not answer the other, which would wait as long
                // again; and the thread may be in a call that does not come back.
                self.discard();
                self.thread = None;
            }
        }
        Some(landed)
    }

    /// Runs one transaction to its end.
    ///
    /// # Panics
    /// As [`Lanes::begin`] does.
    pub fn transact(&mut self, transaction: Arc<Transaction>, member: &GroupConsumer) -> Outcome {
        self.begin(transaction, member);
        loop {
            if let Some(landed) = self.landed(CALL_TIMEOUT) {
                return landed.outcome;
            }
        }
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
            None => {
                let producer = create(settings, &self.transactional_id, batch_bytes_max)?;
                // The library gives up for half a second when it is to look for a coordinator before
                // it has reached a broker. Where there is none, what follows says so.
                drop(native::reach_broker(producer.client(), CALL_TIMEOUT / 2));
                producer
            }
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
        // The library sends a request for each partition as soon as it may, and a request costs it and the
        // broker more than the records in it. The commit, which follows the last record at once, waits no
        // longer than they need.
        ("linger.ms", "5"),
        ("batch.size", batch_bytes.as_str()),
        // More than a batch has with the default of `tuning.transaction_records`: sending waits for
        // room, and the next batch for that.
        ("queue.buffering.max.messages", "100000"),
    ];
    let fixed = [
        ("message.max.bytes", RECORD_BYTES_MAX),
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
