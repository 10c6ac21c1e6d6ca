//! One transaction: cut, under way, and what is done until its outcome is known.
//!
//! A batch becomes the state in memory when its transaction is cut, so that the next batch can be
//! read and decided on top of it. What others are to hear of it waits in a [`Flight`] until it has
//! landed. Nothing has to be undone: an aborted transaction is sent again as it is, an unknown outcome
//! is resolved by the identity in the committed offsets, and what is neither is restored with
//! everything that was read since. Only the first attempt leaves the cycle free.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::ownership::Slot;
use super::standing::Standing;
use super::{Error, IDLE, RestoredState, Shard};
use crate::kafka::lanes::{Landed, Outcome, OutgoingOffset, Transaction};
use crate::kafka::log::Log;
use crate::metrics::TransactionResult;
use crate::partition::Counted;

/// After an aborted attempt the next one waits, from this…
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// …doubling up to this: short enough to be there when the cause has passed.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// After so many aborts in a row the producers are made anew: a state of theirs may be the cause.
const ABORTS_BEFORE_REBUILD: u32 = 5;

/// So many fencings within the time below mean a second process, not one that was asleep for a
/// while: each process that is fenced takes over again at once.
const FENCED_MAX: usize = 3;
const FENCED_WITHIN: Duration = Duration::from_secs(60);

/// A transaction that is not known to be committed, and what waits for that.
pub(super) struct Flight {
    transaction: Arc<Transaction>,
    parts: BTreeMap<i32, Part>,
    /// What became of it, if it was not committed.
    failed: Option<Outcome>,
}

/// What a transaction holds of one partition.
struct Part {
    /// The number of the ownership: a partition that went and came back is not the one whose batch
    /// this is.
    ownership: u64,
    counted: Counted,
    standing: Standing,
}

impl Flight {
    /// Leaves out of the transaction what belongs to none of its parts any more.
    fn shrink(&mut self) {
        let parts = &self.parts;
        let mut offsets = self.transaction.offsets.iter();
        if offsets.all(|offset| parts.contains_key(&offset.partition)) {
            return;
        }
        let transaction = Arc::make_mut(&mut self.transaction);
        transaction
            .records
            .retain(|record| parts.contains_key(&record.partition));
        transaction
            .offsets
            .retain(|offset| parts.contains_key(&offset.partition));
    }
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Whether a transaction is under way, or not known to be committed.
    pub(super) const fn is_under_way(&self) -> bool {
        self.flight.is_some()
    }

    /// Looks whether the transaction under way has landed; waits at most so long for that.
    pub(super) fn look(&mut self, wait: Duration) {
        if self.flight.as_ref().is_none_or(|it| it.failed.is_some()) {
            return;
        }
        let Some(landed) = self.log.landed(wait) else {
            return;
        };
        match self.observe(landed) {
            Outcome::Committed => {
                if let Some(flight) = self.flight.take() {
                    self.confirm_all(flight);
                }
            }
            failed @ (Outcome::Aborted(_)
            | Outcome::Refused { .. }
            | Outcome::Unknown(_)
            | Outcome::Fenced(_)) => {
                if let Some(flight) = &mut self.flight {
                    flight.failed = Some(failed);
                }
            }
        }
    }

    /// Waits for the transaction under way, whatever becomes of it: the process ends.
    pub(super) fn see_off(&mut self) {
        while self.flight.as_ref().is_some_and(|it| it.failed.is_none()) {
            self.look(IDLE);
        }
    }

    /// Begins a transaction with the batches of the partitions whose turn it is, once the last one has
    /// landed and is settled; not when the process is to stop.
    pub(super) fn settle(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        while self.flight.is_some() {
            self.look(IDLE);
            if !self.recover(stop)? {
                return Ok(());
            }
        }
        // What has landed in this turn may have taken its producer with it.
        while !self.prepare()? {
            if stop.load(Ordering::Acquire) {
                return Ok(());
            }
            self.pass_time(BACKOFF_MAX / 10)?;
        }
        if !stop.load(Ordering::Acquire) {
            self.cut();
        }
        Ok(())
    }

    /// Puts the batches of the partitions whose turn it is together, begins their transaction, and makes
    /// them the state.
    fn cut(&mut self) {
        let (in_turn, count_max) = self.in_turn();
        let deciding = std::mem::take(&mut self.deciding);
        let identity = format!("{}-{}", self.parts.run_id, self.transactions + 1);
        let shared = &self.parts.shared;
        let mut transaction = Transaction {
            identity,
            ..Transaction::default()
        };
        let mut numbers = Vec::new();
        for number in in_turn {
            if numbers.len() == count_max {
                self.turn = number;
                break;
            }
            let Some(Slot::Live(live)) = self.slots.get_mut(&number) else {
                continue;
            };
            let Some(batch) = live.partition.batch(&transaction.identity, shared) else {
                live.show(&live.standing(shared.grace));
                continue;
            };
            numbers.push(number);
            transaction.records.extend(batch.records);
            // Unchanged offsets too: only with them the group refuses a former owner.
            let topics = shared.writing.names.inputs.iter();
            let offsets = topics
                .zip(batch.offsets)
                .map(|(topic, offset)| OutgoingOffset {
                    topic: topic.clone(),
                    partition: number,
                    offset,
                });
            transaction.offsets.extend(offsets);
        }
        if numbers.is_empty() {
            return;
        }
        self.transactions += 1;
        let families = &self.parts.metrics.families;
        families.decision_duration.observe(deciding.as_secs_f64());
        let transaction = Arc::new(transaction);
        self.log.begin(Arc::clone(&transaction));
        let parts = self.merge(&numbers);
        self.flight = Some(Flight {
            transaction,
            parts,
            failed: None,
        });
    }

    /// Makes the batches of these partitions their state in memory.
    fn merge(&mut self, numbers: &[i32]) -> BTreeMap<i32, Part> {
        let mut parts = BTreeMap::new();
        for number in numbers {
            let Some(Slot::Live(live)) = self.slots.get_mut(number) else {
                continue;
            };
            let counted = live.partition.commit();
            let part = Part {
                ownership: live.ownership,
                counted,
                standing: live.standing(self.parts.shared.grace),
            };
            parts.insert(*number, part);
        }
        parts
    }

    /// Settles a transaction that has landed and was not committed: waits, sends it again, finds out
    /// what became of it, until nothing of it is open. Answers with whether that is so.
    ///
    /// Returns early when the process is to stop: whoever comes next finds out what became of it.
    pub(super) fn recover(&mut self, stop: &AtomicBool) -> Result<bool, Error> {
        let Some(mut flight) = self.flight.take_if(|flight| flight.failed.is_some()) else {
            return Ok(true);
        };
        let mut aborts: u32 = 0;
        let mut told = String::new();
        while let Some(outcome) = flight.failed.take() {
            match outcome {
                Outcome::Committed => {
                    self.confirm_all(flight);
                    return Ok(true);
                }
                Outcome::Refused { why, .. } if self.keeps_to_limits()? => {
                    tracing::warn!(
                        reason = why,
                        "topics take other records than before; what they refuse is read again and \
                         written as they take it"
                    );
                    // Also what was read meanwhile may hold records for what they took before.
                    self.restore_all_again();
                    return Ok(true);
                }
                Outcome::Refused {
                    why,
                    partition: Some(number),
                } if flight.parts.contains_key(&number) => {
                    self.leave_out(number, &why, &mut flight)?;
                    self.make_ready(&mut flight, stop)?;
                }
                Outcome::Aborted(reason) | Outcome::Refused { why: reason, .. } => {
                    aborts += 1;
                    // A cause that lasts is told ever more rarely.
                    if reason != told || aborts.is_power_of_two() {
                        tracing::warn!(
                            transaction.aborts = aborts,
                            reason,
                            "the transaction was aborted, it is sent again"
                        );
                        told.clone_from(&reason);
                    }
                    if aborts.is_multiple_of(ABORTS_BEFORE_REBUILD) {
                        self.health.broker_fails(&self.parts, &reason);
                        self.log.discard_producers();
                    }
                    let factor = 1 << (aborts - 1).min(10);
                    self.wait((BACKOFF_MIN * factor).min(BACKOFF_MAX), &mut flight)?;
                    self.make_ready(&mut flight, stop)?;
                }
                Outcome::Unknown(reason) => {
                    tracing::warn!(reason, "whether the transaction is committed is not known");
                    self.make_ready(&mut flight, stop)?;
                    self.resolve(&mut flight, stop)?;
                }
                Outcome::Fenced(reason) => {
                    tracing::warn!(reason, "the producer was replaced, all state is read again");
                    return self.after_fencing().map(|()| true);
                }
            }
            if flight.parts.is_empty() {
                break;
            }
            if stop.load(Ordering::Acquire) {
                let failed = Outcome::Unknown("the process stops".to_owned());
                flight.failed = Some(failed);
                self.flight = Some(flight);
                return Ok(false);
            }
            flight.failed = Some(self.attempt(&flight.transaction));
        }
        Ok(true)
    }

    /// Sends a transaction again, and waits for what becomes of it.
    fn attempt(&mut self, transaction: &Arc<Transaction>) -> Outcome {
        self.log.begin(Arc::clone(transaction));
        loop {
            if let Some(landed) = self.log.landed(IDLE) {
                return self.observe(landed);
            }
        }
    }

    /// Counts an outcome.
    fn observe(&mut self, landed: Landed) -> Outcome {
        let Landed { outcome, after } = landed;
        let metrics = &self.parts.metrics;
        let duration = &metrics.families.transaction_duration;
        duration.observe(after.as_secs_f64());
        let result = match &outcome {
            Outcome::Committed => TransactionResult::Committed,
            Outcome::Aborted(_) | Outcome::Refused { .. } => TransactionResult::Aborted,
            Outcome::Unknown(_) => TransactionResult::Unknown,
            Outcome::Fenced(_) => TransactionResult::Fenced,
        };
        metrics.transactions(result).inc();
        outcome
    }

    /// Asks how much the topics take. Whether that is something else than what the batches were
    /// written for, and is kept to from now on.
    fn keeps_to_limits(&mut self) -> Result<bool, Error> {
        let answer = self.log.limits();
        let Some(limits) = self.allow_retriable(answer)? else {
            return Ok(false);
        };
        let known = &mut self.parts.shared.writing.limits;
        let is_new = *known != limits;
        *known = limits;
        Ok(is_new)
    }

    /// All of a transaction is committed.
    fn confirm_all(&mut self, flight: Flight) {
        self.health.broker_answers(&self.parts);
        for (number, part) in flight.parts {
            self.confirm(number, &part, &flight.transaction.identity);
        }
    }

    /// What a transaction held of this partition is committed, and may be told.
    fn confirm(&mut self, number: i32, part: &Part, identity: &str) {
        if let Some(Slot::Live(live)) = self.slots.get_mut(&number)
            && live.ownership == part.ownership
        {
            identity.clone_into(&mut live.settled);
            live.show(&part.standing);
            self.tally.count(number, &part.counted, &self.parts);
        }
    }

    /// Serves rebalances for so long, and puts records aside that come meanwhile, as many as there is
    /// room for.
    fn pass_time(&mut self, time: Duration) -> Result<(), Error> {
        let until = self.parts.clock.elapsed() + time;
        loop {
            let left = until.saturating_sub(self.parts.clock.elapsed());
            self.gather(left, false)?;
            self.adjust_reading()?;
            if self.parts.clock.elapsed() >= until {
                return Ok(());
            }
        }
    }

    /// Waits while rebalances are served, and gives up the partitions that these took away.
    fn wait(&mut self, time: Duration, flight: &mut Flight) -> Result<(), Error> {
        self.pass_time(time)?;
        flight.parts.retain(|number, part| {
            matches!(self.slots.get(number), Some(Slot::Live(live)) if live.ownership == part.ownership)
        });
        flight.shrink();
        Ok(())
    }

    /// Takes a partition out of a transaction that has a record of it which is not taken.
    fn leave_out(&mut self, number: i32, why: &str, flight: &mut Flight) -> Result<(), Error> {
        // Not those that a rebalance has taken meanwhile.
        self.wait(Duration::ZERO, flight)?;
        if flight.parts.remove(&number).is_some() {
            self.hold_up(number, why)?;
            flight.shrink();
        }
        Ok(())
    }

    /// Waits until transactions are possible, which settles the last one.
    fn make_ready(&mut self, flight: &mut Flight, stop: &AtomicBool) -> Result<(), Error> {
        while !self.prepare()? {
            if stop.load(Ordering::Acquire) {
                return Ok(());
            }
            self.wait(BACKOFF_MAX / 10, flight)?;
        }
        Ok(())
    }

    /// Finds out by the committed offsets what became of the transaction: what was committed is
    /// confirmed, what was not stays open, and what somebody else has written is restored. So is what
    /// has no committed offsets: they may be those of before the first transaction, or they may have
    /// been deleted since, and then only the state tells.
    fn resolve(&mut self, flight: &mut Flight, stop: &AtomicBool) -> Result<(), Error> {
        let found = loop {
            if stop.load(Ordering::Acquire) {
                return Ok(());
            }
            let asked: Vec<_> = flight.parts.keys().map(|number| (0, *number)).collect();
            let answer = self.log.committed(&asked);
            if let Some(committed) = self.allow_retriable(answer)? {
                break asked.into_iter().zip(committed);
            }
            self.wait(BACKOFF_MAX / 10, flight)?;
        };
        let identity = flight.transaction.identity.clone();
        for ((_, number), committed) in found {
            let Some(Slot::Live(live)) = self.slots.get(&number) else {
                continue;
            };
            let is_settled = committed.offset.is_some() && committed.metadata == live.settled;
            if committed.metadata != identity && is_settled {
                continue;
            }
            let Some(part) = flight.parts.remove(&number) else {
                continue;
            };
            if committed.metadata == identity {
                self.confirm(number, &part, &identity);
                continue;
            }
            let reason = match committed.offset {
                Some(_) => "somebody else committed meanwhile",
                None => "there are no committed offsets to tell by",
            };
            tracing::warn!(
                kafka.partition = number,
                "{reason}, the state is read again"
            );
            self.restore_again(number);
        }
        self.wait(Duration::ZERO, flight)
    }

    /// A fenced producer may have been asleep for long, so nothing in memory counts any more. Again
    /// and again it means that two processes share one name.
    fn after_fencing(&mut self) -> Result<(), Error> {
        let now = self.parts.clock.elapsed();
        self.fenced.push_back(now);
        self.fenced.retain(|at| now < *at + FENCED_WITHIN);
        if self.fenced.len() >= FENCED_MAX {
            return Err(Error::TwoInstances {
                instance: self.parts.shared.instance.clone(),
            });
        }
        self.log.discard_producers();
        self.restore_all_again();
        Ok(())
    }
}
