//! Which partitions are owned, and how far each is on its way to being processed.
//!
//! ```text
//! assigned ──► Restoring ──► Restored ──► Live      (any of them) ──► revoked or lost: gone
//!     │                          ▲
//!     ├─ was live before ──► Returned ──► somebody else committed meanwhile: Restoring
//!     └─ added, without its twin, with a state that cannot be trusted, or (while Live, and to be
//!        tried again) with a record that no transaction takes ──► Refused
//! ```
//!
//! A partition that goes takes its state with it; the next owner restores it from the log. So an
//! owner that was replaced without noticing can decide whatever it likes: its transaction names a
//! generation of the group that is over, and is refused as a whole.
//!
//! A rebalance takes everything from everybody and gives most of it back. So the state of a partition
//! that goes with everything settled is put aside until it is known who has it next. If that is this
//! shard, the committed offsets tell whether anybody else had it meanwhile, by the identity of the
//! transaction that they carry; if nobody had, nothing has to be read.

use std::collections::BTreeMap;
use std::time::Duration;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::{Error, RestoredState, Shard};
use crate::causes::chain;
use crate::kafka;
use crate::kafka::consumer::{Change, InputPartition};
use crate::kafka::log::{Log, Restoration};
use crate::kafka::restore::{Copies, Stage};
use crate::memory;
use crate::metrics::{PartitionMetrics, PartitionState, Rebalance};
use crate::partition::{Partition, Restored};

/// A rebalance is over by then, or it does not concern this shard: it lasts as long as the slowest
/// member takes for a turn, and a member that is silent for longer than its session is expelled.
const PARKED_MAX: Duration = Duration::from_secs(60);

/// An owned partition.
pub(super) enum Slot {
    /// It cannot be processed. Ends with the assignment, or when it is time to try again.
    Refused {
        /// Why, and what to do.
        reason: String,
        /// By [`Clock::elapsed`](crate::clock::Clock::elapsed).
        again_at: Option<Duration>,
        metrics: PartitionMetrics,
    },
    /// Its state is being read. Becomes [`Slot::Restored`], or [`Slot::Refused`].
    Restoring {
        /// The number of the request.
        request: u64,
        /// Whether a transaction of a former owner is being waited for.
        is_fenced: bool,
        metrics: PartitionMetrics,
    },
    /// It was live before, and its state was put aside. Becomes [`Slot::Restored`], or
    /// [`Slot::Restoring`] when somebody else has committed meanwhile.
    Returned {
        restored: Box<Restored>,
        metrics: PartitionMetrics,
    },
    /// Its state is there, its first offsets may not be. Becomes [`Slot::Live`].
    Restored {
        restored: Box<Restored>,
        metrics: PartitionMetrics,
    },
    /// It is being processed.
    Live(Box<Live>),
}

/// The state of a partition that went, until it is known who has it next.
pub(super) struct Parked {
    restored: Box<Restored>,
    /// By [`Clock::elapsed`](crate::clock::Clock::elapsed).
    since: Duration,
}

/// A partition that is being processed.
pub(super) struct Live {
    pub(super) partition: Partition,
    pub(super) metrics: PartitionMetrics,
    /// Tells this ownership from an earlier one of the same partition.
    pub(super) ownership: u64,
    /// The identity of the last transaction that is known to be committed.
    pub(super) settled: String,
    /// The state that is shown.
    pub(super) state: PartitionState,
}

/// Has something done with each partition that is being processed, and answers with what each came to.
/// Where there is much to do they are done side by side, on as many threads as there are processors:
/// no partition knows of another, so nothing comes of that but time.
pub(super) fn each_live<T: Send>(
    slots: &mut BTreeMap<i32, Slot>,
    is_much: bool,
    work: impl Fn(&mut Partition) -> T + Send + Sync,
) -> Vec<T> {
    let live = slots.values_mut().filter_map(|slot| {
        if let Slot::Live(live) = slot {
            Some(&mut live.partition)
        } else {
            None
        }
    });
    if is_much {
        let live: Vec<_> = live.collect();
        live.into_par_iter().with_max_len(1).map(work).collect()
    } else {
        live.map(work).collect()
    }
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// The partitions that are being processed.
    pub(super) fn live(&self) -> impl Iterator<Item = &Partition> {
        self.slots.values().filter_map(|slot| {
            if let Slot::Live(live) = slot {
                Some(&live.partition)
            } else {
                None
            }
        })
    }

    /// Gives back the memory that a rush of records has left behind.
    pub(super) fn give_back(&mut self) {
        each_live(&mut self.slots, false, Partition::give_back);
        memory::give_back();
    }

    /// Acts on what rebalances changed.
    pub(super) fn serve_changes(&mut self) {
        let changes = self.log.take_changes();
        if !changes.is_empty() {
            // What is given up has landed: a committed state can be put aside.
            self.look(Duration::ZERO);
        }
        for change in changes {
            let (kind, inputs) = match change {
                Change::Assigned(inputs) => (Rebalance::Assigned, inputs),
                Change::Revoked(inputs) => (Rebalance::Revoked, inputs),
                Change::Lost(inputs) => (Rebalance::Lost, inputs),
            };
            if kind == Rebalance::Assigned {
                self.health.join();
            }
            if inputs.is_empty() {
                continue;
            }
            self.parts.metrics.rebalances(kind).inc();
            let mut numbers: Vec<i32> = inputs.iter().map(|(_, number)| *number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let shown = ranges(&numbers);
            tracing::info!(kafka.partitions = shown, "partitions were {}", word(kind));
            if kind == Rebalance::Assigned {
                self.owned.extend(inputs);
            } else {
                self.owned.retain(|owned| !inputs.contains(owned));
            }
            for number in &numbers {
                let has = |input| self.owned.contains(&(input, *number));
                let (has_one, has_both) = (has(0) || has(1), has(0) && has(1));
                if kind != Rebalance::Assigned {
                    self.drop_partition(*number);
                }
                // Half a partition may be given or taken by itself, and the other half follow.
                if has_one {
                    self.assign(*number, has_both);
                }
            }
            if kind == Rebalance::Assigned {
                // What was not given back has gone.
                self.drop_parked(|_| true);
            }
        }
        let now = self.parts.clock.elapsed();
        self.drop_parked(|parked| now >= parked.since + PARKED_MAX);
    }

    fn assign(&mut self, number: i32, has_both: bool) {
        let mut metrics = self.parts.metrics.partition(number);
        let parked = self.parked.remove(&number);
        if let Some(reason) = self.unfit(number, has_both) {
            let slot = Slot::refused(number, reason, metrics, None);
            self.slots.insert(number, slot);
            return;
        }
        match parked {
            Some(Parked { restored, .. }) => {
                metrics.enter(PartitionState::Restoring);
                let slot = Slot::Returned { restored, metrics };
                self.slots.insert(number, slot);
            }
            None => self.restore(number, metrics),
        }
    }

    /// Why a partition cannot be processed, whatever its state is.
    fn unfit(&self, number: i32, has_both: bool) -> Option<String> {
        let count = self.parts.shared.partitions;
        if number >= count {
            return Some(format!(
                "partition {number} was added while the service runs, and the {count} that it began with \
                 go on; the events of a ticket may now be in two partitions: move to new topics that have \
                 as many from the beginning"
            ));
        }
        (!has_both).then(|| {
            format!(
                "partition {number} of one input was assigned without the other's; the group must be \
                 assigned by `range`, which every replica of this service asks for: look for another \
                 consumer in the group"
            )
        })
    }

    pub(super) fn restore(&mut self, number: i32, mut metrics: PartitionMetrics) {
        metrics.enter(PartitionState::Restoring);
        self.requests += 1;
        self.log.restore(number, self.requests);
        let slot = Slot::Restoring {
            request: self.requests,
            is_fenced: false,
            metrics,
        };
        self.slots.insert(number, slot);
    }

    fn drop_partition(&mut self, number: i32) {
        self.firsts.remove(&number);
        let restored = match self.slots.remove(&number) {
            None => return,
            Some(Slot::Live(live)) => live.partition.park(&live.settled),
            Some(Slot::Returned { restored, .. }) => Some(*restored),
            Some(Slot::Refused { .. } | Slot::Restoring { .. } | Slot::Restored { .. }) => None,
        };
        match restored.map(Box::new) {
            Some(restored) => {
                let since = self.parts.clock.elapsed();
                self.parked.insert(number, Parked { restored, since });
            }
            None => self.log.release(number),
        }
    }

    fn drop_parked(&mut self, is_over: impl Fn(&Parked) -> bool) {
        let over = self.parked.extract_if(.., |_, parked| is_over(parked));
        for (number, _) in over {
            self.log.release(number);
        }
    }

    /// Throws the state of a partition away that is still owned, and reads it again.
    pub(super) fn restore_again(&mut self, number: i32) {
        if let Some(Slot::Live(live)) = self.slots.remove(&number) {
            self.restore(number, live.metrics);
        }
    }

    /// Throws the state of all partitions away and reads it again.
    pub(super) fn restore_all_again(&mut self) {
        for number in self.slots.keys().copied().collect::<Vec<_>>() {
            if matches!(self.slots[&number], Slot::Live(_)) {
                self.restore_again(number);
            }
        }
    }

    /// Takes what restores have come to, and begins to read what is ready.
    pub(super) fn serve_restorations(&mut self) -> Result<(), Error> {
        for news in self.log.take_restorations() {
            match news {
                Restoration::Progress { partition, stage } => self.show_progress(partition, stage),
                Restoration::Finished {
                    partition,
                    request,
                    offsets,
                    state,
                } => {
                    self.show_progress(partition, Stage::read(offsets));
                    tracing::info!(
                        kafka.partition = partition,
                        restore.offsets = offsets,
                        "the state of the partition was read"
                    );
                    self.take_state(partition, request, state);
                }
                Restoration::Copies {
                    copies,
                    is_before_joining,
                } => self.show_copies(copies, is_before_joining),
                Restoration::Failed(
                    error @ (kafka::Error::HeldBack { .. } | kafka::Error::Hanging { .. }),
                ) => self.health.hold_back(chain(&error)),
                Restoration::NotFollowed(error) if error.is_retriable() => {
                    self.health.miss_copies(chain(&error));
                }
                Restoration::NotFollowed(error) | Restoration::Failed(error) => {
                    self.allow(error)?;
                }
            }
        }
        self.begin()
    }

    fn show_copies(&mut self, copies: Copies, is_before_joining: bool) {
        let Copies {
            partitions,
            current,
            lag,
        } = copies;
        self.parts.metrics.set_copies(partitions, current, lag);
        if self.health.is_warming_up() && !is_before_joining {
            tracing::info!(
                standby.partitions = partitions,
                standby.current = current,
                "the warm copies are read, the group is joined"
            );
        }
        self.health.warm_up(is_before_joining.then_some(copies));
    }

    fn show_progress(&mut self, number: i32, stage: Stage) {
        let Some(Slot::Restoring {
            is_fenced, metrics, ..
        }) = self.slots.get_mut(&number)
        else {
            return;
        };
        let waits = matches!(stage, Stage::WaitingForFence { .. });
        if waits != *is_fenced {
            *is_fenced = waits;
            metrics.enter(if waits {
                PartitionState::WaitingForFence
            } else {
                PartitionState::Restoring
            });
        }
        if let Stage::Reading {
            from, until, next, ..
        } = stage
        {
            metrics.set_restore_records(next - from, until - from);
        }
    }

    fn take_state(&mut self, number: i32, request: u64, state: RestoredState) {
        match self.slots.get(&number) {
            Some(Slot::Restoring {
                request: expected, ..
            }) if *expected == request => {}
            _ => return,
        }
        let Some(Slot::Restoring { metrics, .. }) = self.slots.remove(&number) else {
            return;
        };
        let slot = match state {
            Ok(restored) => Slot::Restored {
                restored: Box::new(restored),
                metrics,
            },
            Err(error) => Slot::refused(number, chain(&error), metrics, None),
        };
        self.slots.insert(number, slot);
    }

    /// Finds out whether anybody had the partitions that came back.
    pub(super) fn take_back(&mut self) -> Result<(), Error> {
        let is_returned = |slot: &Slot| matches!(slot, Slot::Returned { .. });
        let returned = self.slots.iter().filter(|(_, slot)| is_returned(slot));
        let asked: Vec<InputPartition> = returned.map(|(number, _)| (0, *number)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let answer = self.log.committed(&asked);
        let Some(committed) = self.allow_retriable(answer)? else {
            return Ok(());
        };
        for ((_, number), committed) in asked.into_iter().zip(committed) {
            let Some(Slot::Returned { restored, metrics }) = self.slots.remove(&number) else {
                continue;
            };
            // Without committed offsets only the state tells what became of a first transaction.
            let is_ours = committed.metadata == restored.transaction;
            if is_ours && committed.offset.is_some() {
                let slot = Slot::Restored { restored, metrics };
                self.slots.insert(number, slot);
            } else {
                self.restore(number, metrics);
            }
        }
        Ok(())
    }
}

const fn word(kind: Rebalance) -> &'static str {
    match kind {
        Rebalance::Assigned => "assigned",
        Rebalance::Revoked => "revoked",
        Rebalance::Lost => "lost",
    }
}

/// Numbers in ascending order, with those that follow each other as ranges.
fn ranges(numbers: &[i32]) -> String {
    let is_next = |a: &i32, b: &i32| a + 1 == *b;
    let parts: Vec<String> = numbers
        .chunk_by(is_next)
        .map(|run| match run {
            [first, .., last] => format!("{first}-{last}"),
            run => run.iter().map(i32::to_string).collect(),
        })
        .collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shown_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(ranges(&[3]), "3");
    }
}
