//! The cycle on one OS thread: poll, decide, one transaction, while the last one is under way.
//!
//! ```text
//! turn:  poll          callbacks are served, records go to their partitions
//!        schemas       what the registry has answered; what records wait for
//!        changes       what a rebalance noted: drop what went, restore what came
//!        restorations  restored partitions begin to be read
//!        ends          proof that nothing is unread, where something waits for it; new plans
//!        decide        every partition fills its batch, side by side where there is much
//!        settle        the last transaction has landed; the next one begins, with all batches or
//!                      those of the partitions whose turn it is
//! ```
//!
//! One transaction is under way at a time, on a thread of the log's. Meanwhile the cycle reads into the
//! next batch, and once that is full decides it; a batch that is not full is decided when the
//! transaction has landed, so that it takes what comes until then. A batch becomes the state in memory
//! when its transaction is cut. So memory holds the last committed state, at most one transaction on top
//! of it, and one batch on top of that.
//!
//! Only the first attempt leaves the cycle free. An aborted transaction is sent again as it is, and an
//! unknown outcome is resolved by the identity in the committed offsets without reading anything again;
//! `settle.rs` does that with nothing else going on, serves callbacks only between attempts, and takes
//! out of the transaction what they took away. Whatever is neither, is restored, and what was read
//! since goes with it. No callback takes a partition away before the transaction under way has landed.
//!
//! The log is a trait, so that the very same code runs against a model of Kafka on a virtual clock.

mod beginning;
mod edits;
mod health;
mod held;
#[cfg(test)]
mod model;
mod ownership;
mod schemas;
mod settle;
#[cfg(test)]
mod simulation;
mod standing;
mod tally;
#[cfg(test)]
mod tests;
mod turns;

pub use turns::MUCH;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

use crate::causes::chain;
use crate::clock::Clock;
use crate::edits::EditLog;
use crate::http::Health;
use crate::kafka::consumer::{Committed, InputPartition};
use crate::kafka::log::Log;
use crate::kafka::{self, OffsetOf};
use crate::memory::Rush;
use crate::metrics::{Input, Metrics};
use crate::partition::{self, Partition, Restored, Shared};
use crate::record::Compacted;
use crate::registry::Desk;

use ownership::{Parked, Slot, each_live};
use tally::Tally;

/// About this many tickets are decided per transaction, of all partitions together, so that what is
/// overdue after an outage stays far below the transaction's timeout however many partitions there
/// are: half as many as records are read by default, since a due ticket writes several records.
const DECISIONS_MAX: usize = 5_000;

/// Records are taken in such portions, so that the clock is read now and then.
const POLL_RECORDS: usize = 500;

/// Without anything to do the cycle looks around this often: at the stop flag, at restores.
const IDLE: Duration = Duration::from_millis(100);

/// When something waits for a proof or a restore, it is asked for again after this.
const BUSY: Duration = Duration::from_millis(10);

/// While a transaction is under way, what has come is read and decided this often: a small part of
/// what a transaction takes, so that little of it is left to do when that has landed.
const MEANWHILE: Duration = Duration::from_millis(2);

/// The watermark of an idle partition is moved this often, so that its age means something.
const PROOF_EVERY: Duration = Duration::from_secs(5);

/// What a restore builds.
pub type RestoredState = Result<Restored, partition::Error>;

/// Builds the state of a partition from the records of a restore and the group's offsets.
///
/// # Errors
/// When the records cannot be read, or state and offsets contradict each other.
pub fn build(
    number: i32,
    rules: &Arc<Rules>,
    records: Compacted,
    committed: &[Committed],
) -> RestoredState {
    let offsets = [0, 1].map(|input| committed.get(input).and_then(|known| known.offset));
    let transaction = committed.first().map(|known| known.metadata.clone());
    let transaction = transaction.unwrap_or_default();
    Restored::build(number, rules, records, offsets, transaction)
}

/// Where reading begins while nothing was ever committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartAt {
    /// Which offset.
    pub offsets: OffsetOf,
    /// The setting of what is told; none means the first start.
    pub notify_from: Option<Timestamp>,
}

/// What trades latency for throughput.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A transaction is committed at this many input records.
    pub records_max: usize,
    /// A transaction is committed after this long.
    pub interval: Duration,
    /// With so much at hand, partitions are decided side by side and a transaction takes all of them;
    /// with less they take turns.
    pub much: usize,
}

/// What a shard is made of besides its log.
pub struct Parts {
    /// What all its partitions have in common.
    pub shared: Shared,
    /// The log of plan edits, as far as the rules know it.
    pub edits: EditLog,
    /// Who asks for the schemas of records; none without a registry.
    pub registry: Option<Desk>,
    /// Where a partition without state begins.
    pub start: StartAt,
    /// When a transaction is cut.
    pub pace: Pace,
    /// Tells transactions of this run from those of every other.
    pub run_id: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is told about readiness.
    pub health: Arc<Health>,
}

/// Why a shard cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka refuses something for good.
    #[error("the cycle cannot go on")]
    Kafka(#[from] kafka::Error),
    /// Somebody else uses the same transactional ids.
    #[error(
        "another live process runs as instance `{instance}`: both fence each other's \
         transactions; give each replica its own `instance`"
    )]
    TwoInstances {
        /// The name.
        instance: String,
    },
}

/// One shard: a group member with its partitions.
pub struct Shard<L> {
    log: L,
    parts: Parts,
    slots: BTreeMap<i32, Slot>,
    parked: BTreeMap<i32, Parked>,
    /// What the group has given to this member.
    owned: BTreeSet<InputPartition>,
    /// The first offsets of owned partitions for which there was no state.
    firsts: BTreeMap<i32, [i64; 2]>,
    /// The first start, for partitions for which there was no state.
    started_at: Timestamp,
    /// Numbers restore requests and ownerships, so that an older one is not taken for a newer.
    requests: u64,
    /// Numbers transactions of this run.
    transactions: u64,
    /// When producers were fenced lately, by [`Clock::elapsed`].
    fenced: VecDeque<Duration>,
    /// When all partitions were asked for proof last, by [`Clock::elapsed`].
    proved: Option<Duration>,
    /// The partition whose turn is next, or the first one behind it.
    turn: i32,
    /// Whether some of them were read since the batches were decided last.
    is_undecided: bool,
    /// How long the present batches took to decide.
    deciding: Duration,
    /// Whether they have left something to decide.
    is_more_left: bool,
    /// The transaction that is not known to be committed.
    flight: Option<settle::Flight>,
    tally: Tally,
    rush: Rush,
    health: health::Told,
    registry: schemas::Registry,
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// A shard that owns nothing yet.
    pub fn new(log: L, parts: Parts) -> Self {
        Self {
            log,
            started_at: parts.clock.now(),
            parts,
            slots: BTreeMap::new(),
            parked: BTreeMap::new(),
            owned: BTreeSet::new(),
            firsts: BTreeMap::new(),
            requests: 0,
            transactions: 0,
            fenced: VecDeque::new(),
            proved: None,
            turn: 0,
            is_undecided: false,
            deciding: Duration::ZERO,
            is_more_left: false,
            flight: None,
            tally: Tally::default(),
            rush: Rush::default(),
            health: health::Told::default(),
            registry: schemas::Registry::default(),
        }
    }

    /// Runs until it is told to stop, waits for the transaction under way, and leaves the group.
    ///
    /// # Errors
    /// When waiting would not help.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        let mut result = Ok(());
        let mut wait = Duration::ZERO;
        while result.is_ok() && !stop.load(Ordering::Acquire) {
            match self.turn(wait, stop) {
                Ok(next) => wait = next,
                Err(error) => result = Err(error),
            }
        }
        self.see_off();
        self.slots.clear();
        self.log.leave();
        result
    }

    /// One round; answers with how long the next may wait for records.
    ///
    /// # Errors
    /// When waiting would not help.
    pub fn turn(&mut self, wait: Duration, stop: &AtomicBool) -> Result<Duration, Error> {
        let rest = self.go_round(wait, stop)?;
        self.adjust_reading()?;
        self.tell_health();
        Ok(rest)
    }

    fn go_round(&mut self, wait: Duration, stop: &AtomicBool) -> Result<Duration, Error> {
        let is_ready = self.prepare()?;
        self.serve_schemas();
        let taken = self.gather(wait, is_ready)?;
        if self.rush.is_over(taken, self.parts.clock.elapsed()) {
            self.give_back();
        }
        self.serve_changes();
        if !self.recover(stop)? {
            return Ok(Duration::ZERO);
        }
        self.try_again();
        self.serve_restorations()?;
        if !is_ready {
            return Ok(BUSY);
        }
        if self.has_to_wait(taken)? {
            return Ok(Duration::ZERO);
        }
        self.prove()?;
        self.decide();
        self.settle(stop)?;
        Ok(if self.is_more_left || taken > 0 {
            Duration::ZERO
        } else {
            self.rest()
        })
    }

    /// Whether transactions are possible.
    fn prepare(&mut self) -> Result<bool, Error> {
        let prepared = self.log.prepare();
        self.allow_retriable(prepared).map(|done| done.is_some())
    }

    /// Whether the batches have read as much as a transaction takes.
    fn is_full(&self) -> bool {
        self.taken() >= self.parts.pace.records_max
    }

    /// How many records the batches have read.
    fn taken(&self) -> usize {
        self.live().map(Partition::taken).sum()
    }

    /// Whether the batches go on being read because the transaction under way has not landed; `taken`
    /// is what was read last. When that was nothing, has what was read before decided, and waits for a
    /// while.
    fn has_to_wait(&mut self, taken: usize) -> Result<bool, Error> {
        if !self.is_under_way() || self.is_full() || self.is_more_left {
            return Ok(false);
        }
        if taken > 0 {
            self.look(Duration::ZERO);
            return Ok(self.is_under_way());
        }
        // Anything else waits for the end of the transaction; only reading must not stand still.
        let has_waiting = self.live().any(|it| it.inputs().is_waiting());
        if has_waiting {
            self.prove()?;
        }
        if self.is_undecided {
            self.decide();
        }
        // Brokers are not asked as often as that.
        self.look(if has_waiting { BUSY } else { MEANWHILE });
        // What came meanwhile belongs to the same batch.
        Ok(true)
    }

    /// Takes records until there are none, or enough for a transaction; answers with how many were
    /// read into batches.
    fn gather(&mut self, wait: Duration, may_read: bool) -> Result<usize, Error> {
        let begun = self.parts.clock.elapsed();
        let (mut taken, mut wait) = (0, wait);
        loop {
            let polled = self.log.poll(POLL_RECORDS, wait);
            wait = Duration::ZERO;
            let count = polled.records.len();
            for record in polled.records {
                if let Some(Slot::Live(live)) = self.slots.get_mut(&record.partition) {
                    live.partition.offer(record);
                }
            }
            match polled.problem {
                Some(problem) => self.allow(problem)?,
                None if count > 0 => self.health.broker_answers(&self.parts),
                None => {}
            }
            // A rebalance comes before the records behind it: nothing of a lost partition is read.
            self.serve_changes();
            let now = self.parts.clock.now();
            if may_read {
                taken += self.read(now);
            }
            let is_time = self.parts.clock.elapsed() >= begun + self.parts.pace.interval;
            if count == 0 || self.is_full() || !may_read || is_time {
                return Ok(taken);
            }
        }
    }

    /// Reads what may be read into the batches, and they have room for.
    fn read(&mut self, now: Timestamp) -> usize {
        let room = self.parts.pace.records_max.saturating_sub(self.taken());
        let mut left = room;
        for slot in self.slots.values_mut() {
            if let Slot::Live(live) = slot {
                left -= live.partition.read(left, now, &self.parts.shared);
            }
        }
        self.is_undecided |= room > left;
        room - left
    }

    /// Asks for the ends of the inputs where something waits for that, and of the log of plan edits,
    /// all in one question.
    fn prove(&mut self) -> Result<(), Error> {
        let now = self.parts.clock.now();
        let elapsed = self.parts.clock.elapsed();
        let is_time = self
            .proved
            .is_none_or(|proved| elapsed >= proved + PROOF_EVERY);
        let mut asked: Vec<InputPartition> = Vec::new();
        let mut wants_edits = is_time;
        for partition in self.live() {
            if is_time || partition.wants_ends(now, &self.parts.shared) {
                let number = partition.number();
                asked.extend([(0, number), (1, number)]);
            }
            wants_edits |= partition.wants_edits(now, &self.parts.shared);
        }
        if is_time {
            self.proved = Some(elapsed);
        }
        if asked.is_empty() && !wants_edits {
            return Ok(());
        }
        let answer = self.log.ends(&asked);
        let Some(ends) = self.allow_retriable(answer)? else {
            return Ok(());
        };
        self.health.broker_answers(&self.parts);
        self.health
            .miss_ends(ends.missing.map(|error| chain(&error)));
        if let Some(edits) = ends.edits {
            self.read_edits(now, edits)?;
        }
        for ((input, number), end) in asked.into_iter().zip(ends.inputs) {
            if let (Some(end), Some(Slot::Live(live))) = (end, self.slots.get_mut(&number)) {
                live.partition
                    .answer(input, now, end.high_watermark, end.delivered);
            }
        }
        // An input that turned out to be at its end lets the other go on.
        self.read(now);
        Ok(())
    }

    /// Decides what can be decided. Partitions that have much to decide have the same share of a
    /// transaction: none waits until another has done it all.
    fn decide(&mut self) {
        let now = self.parts.clock.now();
        let started = std::time::Instant::now();
        let shared = &self.parts.shared;
        let due = self.live().filter(|it| it.is_due(shared)).count();
        let share = DECISIONS_MAX.div_ceil(due.max(1));
        let is_much = self.is_much();
        let decide = |partition: &mut Partition| partition.decide(share, now, shared);
        self.is_more_left = each_live(&mut self.slots, is_much, decide).contains(&true);
        self.deciding += started.elapsed();
        self.is_undecided = false;
    }

    /// Stops or continues reading where a buffer is full or has room again.
    fn adjust_reading(&mut self) -> Result<(), Error> {
        for (number, slot) in &mut self.slots {
            let Slot::Live(live) = slot else { continue };
            for input in 0..2 {
                if let Some(is_paused) = live.partition.pause(input) {
                    self.log.pause((input, *number), is_paused)?;
                }
            }
        }
        Ok(())
    }

    /// How long nothing has to be done unless records arrive.
    fn rest(&self) -> Duration {
        let now = self.parts.clock.now();
        let shared = &self.parts.shared;
        let behind_ms = shared.behind().as_millis();
        let mut rest = IDLE;
        for slot in self.slots.values() {
            let wish = match slot {
                Slot::Refused { .. } => IDLE,
                Slot::Restoring { .. } | Slot::Returned { .. } | Slot::Restored { .. } => BUSY,
                // Its turn has not come.
                Slot::Live(live) if live.partition.batched() > 0 => Duration::ZERO,
                Slot::Live(live) if live.partition.lacks().is_some() => BUSY,
                Slot::Live(live) if live.partition.wants_ends(now, shared) => BUSY,
                Slot::Live(live) if live.partition.wants_edits(now, shared) => BUSY,
                Slot::Live(live) => live.partition.next_due().map_or(IDLE, |due| {
                    let due = due.plus_millis(behind_ms);
                    self.parts.clock.time_until(due).max(BUSY)
                }),
            };
            rest = rest.min(wish);
        }
        rest
    }

    /// Lets a passing failure pass: none means that it has to be tried again later.
    fn allow_retriable<T>(&mut self, result: Result<T, kafka::Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => self.allow(error).map(|()| None),
        }
    }

    /// Lets a passing failure pass.
    fn allow(&mut self, error: kafka::Error) -> Result<(), Error> {
        if !error.is_retriable() {
            return Err(error.into());
        }
        self.health.broker_fails(&self.parts, &chain(&error));
        Ok(())
    }
}

/// The labels of the inputs, in the order of their topics.
const LABELS: [Input; 2] = [Input::Created, Input::Updated];
