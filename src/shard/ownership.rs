//! Which partitions are owned, and how far each is on its way to being processed.
//!
//! ```text
//! assigned ──► Restoring ──► Restored ──► Live      (any of them) ──► revoked or lost: gone
//!     └─ without its twin, or with a state that cannot be trusted ──► Refused
//! ```
//!
//! A partition that goes takes its state with it; the next owner restores it from the log. So an
//! owner that was replaced without noticing can decide whatever it likes: its transaction names a
//! generation of the group that is over, and is refused as a whole.

use escalator_engine::time::Duration;

use super::{Error, LABELS, RestoredState, Shard};
use crate::causes::chain;
use crate::kafka::consumer::{Change, InputPartition};
use crate::kafka::log::{Log, Restoration};
use crate::kafka::restore::Stage;
use crate::metrics::{PartitionMetrics, PartitionState, Rebalance};
use crate::partition::{Fresh, Partition, Restored};

/// An owned partition.
pub(super) enum Slot {
    /// It cannot be processed. Ends with the assignment.
    Refused {
        /// Why, and what to do.
        reason: String,
        _metrics: PartitionMetrics,
    },
    /// Its state is being read. Becomes [`Slot::Restored`], or [`Slot::Refused`].
    Restoring {
        /// The number of the request.
        request: u64,
        /// Whether a transaction of a former owner is being waited for.
        is_fenced: bool,
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

/// A partition that is being processed.
pub(super) struct Live {
    pub(super) partition: Partition,
    pub(super) metrics: PartitionMetrics,
    /// Tells this ownership from an earlier one of the same partition.
    pub(super) ownership: u64,
    /// The identity of the last transaction that is known to be committed.
    pub(super) settled: String,
    state: PartitionState,
}

impl Live {
    /// Shows how it stands; deadlines fire so much later than their instant.
    pub(super) fn show(&mut self, grace: Duration) {
        let state = if self.partition.inputs().are_at_end() {
            PartitionState::Live
        } else {
            PartitionState::CatchingUp
        };
        if state != self.state {
            self.state = state;
            self.metrics.enter(state);
        }
        let watermark = self.partition.inputs().watermark();
        self.metrics.set_watermark(watermark);
        for (label, lag) in LABELS.into_iter().zip(self.partition.inputs().lag()) {
            self.metrics.set_lag_records(label, lag);
        }
        let engine = self.partition.engine();
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.set_tickets(count(engine.len()));
        self.metrics.set_timers_pending(count(engine.pending()));
        let due = self.partition.next_due();
        let fires = due.map(|due| due.plus_millis(grace.as_millis()));
        self.metrics.set_next_deadline(fires);
    }
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Acts on what rebalances changed.
    pub(super) fn serve_changes(&mut self) {
        for change in self.log.take_changes() {
            let (kind, inputs) = match change {
                Change::Assigned(inputs) => (Rebalance::Assigned, inputs),
                Change::Revoked(inputs) => (Rebalance::Revoked, inputs),
                Change::Lost(inputs) => (Rebalance::Lost, inputs),
            };
            if inputs.is_empty() {
                continue;
            }
            self.parts.metrics.rebalances(kind).inc();
            let mut numbers: Vec<i32> = inputs.iter().map(|(_, number)| *number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let shown = ranges(&numbers);
            tracing::info!(kafka.partitions = shown, "partitions were {}", word(kind));
            for number in &numbers {
                if kind == Rebalance::Assigned {
                    let has = |input| inputs.contains(&(input, *number));
                    self.assign(*number, has(0) && has(1));
                } else {
                    self.drop_partition(*number);
                }
            }
        }
    }

    fn assign(&mut self, number: i32, has_both: bool) {
        let mut metrics = self.parts.metrics.partition(number);
        if has_both {
            self.restore(number, metrics);
            return;
        }
        let reason = format!(
            "partition {number} of one input was assigned without the other's; the group must be \
             assigned by `range`, which every replica of this service asks for: look for another \
             consumer in the group"
        );
        tracing::error!(kafka.partition = number, "{reason}");
        metrics.enter(PartitionState::Refused);
        let slot = Slot::Refused {
            reason,
            _metrics: metrics,
        };
        self.slots.insert(number, slot);
    }

    fn restore(&mut self, number: i32, mut metrics: PartitionMetrics) {
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
        if let Some(Slot::Restoring { .. }) = self.slots.remove(&number) {
            self.log.cancel(number);
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
                    self.take_state(partition, request, state);
                }
                Restoration::Failed(error) => self.allow(error)?,
            }
        }
        self.begin()
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
        let Some(Slot::Restoring { mut metrics, .. }) = self.slots.remove(&number) else {
            return;
        };
        let slot = match state {
            Ok(restored) => Slot::Restored {
                restored: Box::new(restored),
                metrics,
            },
            Err(error) => {
                let reason = chain(&error);
                tracing::error!(kafka.partition = number, "{reason}");
                metrics.enter(PartitionState::Refused);
                Slot::Refused {
                    reason,
                    _metrics: metrics,
                }
            }
        };
        self.slots.insert(number, slot);
    }

    /// Begins to read every restored partition, all at once.
    fn begin(&mut self) -> Result<(), Error> {
        let restored: Vec<i32> = self
            .slots
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Restored { .. }))
            .map(|(number, _)| *number)
            .collect();
        let mut positions: Vec<(InputPartition, i64)> = Vec::new();
        for number in restored {
            let needs_offsets = matches!(
                &self.slots[&number],
                Slot::Restored { restored, .. } if restored.meta.is_none()
            );
            let offsets = if needs_offsets {
                let Some(offsets) = self.first_offsets(number)? else {
                    continue;
                };
                offsets
            } else {
                [0, 0]
            };
            if let Some(Slot::Restored { restored, metrics }) = self.slots.remove(&number) {
                let live = self.enliven(number, *restored, offsets, metrics);
                positions.extend(live.positions());
                self.slots.insert(number, Slot::Live(Box::new(live)));
            }
        }
        if !positions.is_empty() {
            self.log.start(&positions)?;
        }
        Ok(())
    }

    fn enliven(
        &mut self,
        number: i32,
        restored: Restored,
        offsets: [i64; 2],
        mut metrics: PartitionMetrics,
    ) -> Live {
        let fresh = Fresh {
            offsets,
            notify_from: self.parts.clock.now(),
            notify_from_setting: self.parts.start.notify_from,
        };
        let settled = restored.transaction.clone();
        let tickets = restored.engine.len();
        let mut partition = Partition::new(number, restored, &fresh, &self.parts.shared);
        // The plans may have been edited while the state was read.
        partition.set_rules(&self.parts.shared.rules);
        let [created, updated] = partition.meta().offsets;
        tracing::info!(
            kafka.partition = number,
            kafka.offset.created = created,
            kafka.offset.updated = updated,
            state.tickets = tickets,
            state.epoch = partition.meta().epoch,
            "the partition goes on from its state"
        );
        metrics.enter(PartitionState::CatchingUp);
        self.requests += 1;
        Live {
            ownership: self.requests,
            partition,
            metrics,
            settled,
            state: PartitionState::CatchingUp,
        }
    }
}

impl Live {
    fn positions(&self) -> impl Iterator<Item = (InputPartition, i64)> {
        let number = self.partition.number();
        let offsets = self.partition.meta().offsets;
        (0..LABELS.len()).map(move |input| ((input, number), offsets[input]))
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
