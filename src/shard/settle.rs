//! One transaction, until its outcome is known.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::ownership::Slot;
use super::{Error, RestoredState, Shard};
use crate::kafka::lanes::{Outcome, OutgoingOffset, Transaction};
use crate::kafka::log::Log;
use crate::metrics::TransactionResult;

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

/// A transaction that is not known to be committed, and of whose partitions.
struct Open {
    transaction: Transaction,
    /// The partitions with the number of their ownership: one that went and came back is not the
    /// one whose batch this is.
    owners: BTreeMap<i32, u64>,
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Commits the batches of all partitions in one transaction.
    ///
    /// Returns early, with nothing merged, when the process is to stop: whoever comes next finds
    /// out what became of the transaction.
    pub(super) fn settle(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        let Some(mut open) = self.cut() else {
            return Ok(());
        };
        let mut aborts: u32 = 0;
        let mut told = String::new();
        while !open.owners.is_empty() && !stop.load(Ordering::Acquire) {
            match self.attempt(&open.transaction) {
                Outcome::Committed => {
                    self.health.broker_answers(&self.parts);
                    let committed: Vec<i32> = open.owners.keys().copied().collect();
                    self.merge(&committed, &open.transaction.identity);
                    return Ok(());
                }
                Outcome::TooLarge(reason) if self.keeps_to_limits()? => {
                    tracing::warn!(
                        reason,
                        "topics take other records than before; what they refuse is read again and \
                         written as they take it"
                    );
                    for number in open.owners.into_keys() {
                        self.restore_again(number);
                    }
                    return Ok(());
                }
                Outcome::Aborted(reason) | Outcome::TooLarge(reason) => {
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
                    self.wait((BACKOFF_MIN * factor).min(BACKOFF_MAX), &mut open)?;
                    self.make_ready(&mut open, stop)?;
                }
                Outcome::Unknown(reason) => {
                    tracing::warn!(reason, "whether the transaction is committed is not known");
                    self.make_ready(&mut open, stop)?;
                    self.resolve(&mut open, stop)?;
                }
                Outcome::Fenced(reason) => {
                    tracing::warn!(reason, "the producer was replaced, all state is read again");
                    return self.after_fencing();
                }
            }
        }
        Ok(())
    }

    /// Puts the batches of all partitions together.
    fn cut(&mut self) -> Option<Open> {
        let identity = format!("{}-{}", self.parts.run_id, self.transactions + 1);
        let mut open = Open {
            transaction: Transaction {
                identity,
                ..Transaction::default()
            },
            owners: BTreeMap::new(),
        };
        let shared = &self.parts.shared;
        for (number, slot) in &mut self.slots {
            let Slot::Live(live) = slot else { continue };
            let identity = &open.transaction.identity;
            let Some(batch) = live.partition.batch(identity, shared) else {
                continue;
            };
            open.owners.insert(*number, live.ownership);
            open.transaction.records.extend(batch.records);
            // Unchanged offsets too: only with them the group refuses a former owner.
            let topics = shared.writing.names.inputs.iter();
            let offsets = topics
                .zip(batch.offsets)
                .map(|(topic, offset)| OutgoingOffset {
                    topic: topic.clone(),
                    partition: *number,
                    offset,
                });
            open.transaction.offsets.extend(offsets);
        }
        if open.owners.is_empty() {
            return None;
        }
        self.transactions += 1;
        let families = &self.parts.metrics.families;
        let deciding = self.deciding.as_secs_f64();
        families.decision_duration.observe(deciding);
        Some(open)
    }

    fn attempt(&mut self, transaction: &Transaction) -> Outcome {
        let started = Instant::now();
        let outcome = self.log.transact(transaction);
        let metrics = &self.parts.metrics;
        metrics
            .families
            .transaction_duration
            .observe(started.elapsed().as_secs_f64());
        let result = match &outcome {
            Outcome::Committed => TransactionResult::Committed,
            Outcome::Aborted(_) | Outcome::TooLarge(_) => TransactionResult::Aborted,
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

    /// Makes the batches of these partitions their state.
    fn merge(&mut self, committed: &[i32], identity: &str) {
        for number in committed {
            if let Some(Slot::Live(live)) = self.slots.get_mut(number) {
                identity.clone_into(&mut live.settled);
                let counted = live.partition.commit();
                self.tally.count(*number, &counted, &self.parts);
            }
        }
    }

    /// Waits while rebalances are served, and gives up the partitions that these took away.
    fn wait(&mut self, time: Duration, open: &mut Open) -> Result<(), Error> {
        self.gather(time, false)?;
        open.owners.retain(|number, ownership| {
            matches!(self.slots.get(number), Some(Slot::Live(live)) if live.ownership == *ownership)
        });
        let owners = &open.owners;
        let transaction = &mut open.transaction;
        transaction
            .records
            .retain(|record| owners.contains_key(&record.partition));
        transaction
            .offsets
            .retain(|offset| owners.contains_key(&offset.partition));
        Ok(())
    }

    /// Waits until transactions are possible, which settles the last one.
    fn make_ready(&mut self, open: &mut Open, stop: &AtomicBool) -> Result<(), Error> {
        while !self.prepare()? {
            if stop.load(Ordering::Acquire) {
                return Ok(());
            }
            self.wait(BACKOFF_MAX / 10, open)?;
        }
        Ok(())
    }

    /// Finds out by the committed offsets what became of the transaction: what was committed is
    /// merged, what was not stays open, and what somebody else has written is restored. So is what
    /// has no committed offsets: they may be those of before the first transaction, or they may have
    /// been deleted since, and then only the state tells.
    fn resolve(&mut self, open: &mut Open, stop: &AtomicBool) -> Result<(), Error> {
        let found = loop {
            let asked: Vec<_> = open.owners.keys().map(|number| (0, *number)).collect();
            let answer = self.log.committed(&asked);
            if let Some(committed) = self.allow_retriable(answer)? {
                break asked.into_iter().zip(committed);
            }
            if stop.load(Ordering::Acquire) {
                open.owners.clear();
                return Ok(());
            }
            self.wait(BACKOFF_MAX / 10, open)?;
        };
        for ((_, number), committed) in found {
            let Some(Slot::Live(live)) = self.slots.get(&number) else {
                continue;
            };
            if committed.metadata == open.transaction.identity {
                open.owners.remove(&number);
                self.merge(&[number], &committed.metadata);
            } else if committed.offset.is_none() || committed.metadata != live.settled {
                let reason = match committed.offset {
                    Some(_) => "somebody else committed meanwhile",
                    None => "there are no committed offsets to tell by",
                };
                tracing::warn!(
                    kafka.partition = number,
                    "{reason}, the state is read again"
                );
                open.owners.remove(&number);
                self.restore_again(number);
            }
        }
        self.wait(Duration::ZERO, open)
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
