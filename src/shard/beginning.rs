//! Where a restored partition goes on, and where one begins that has no state.
//!
//! The first offsets and the first start of a partition are known to nobody before its first transaction
//! is committed, so that is made at once, whether or not there is anything to read.

use super::ownership::{Live, Slot};
use super::{Error, LABELS, RestoredState, Shard};
use crate::kafka::OffsetOf;
use crate::kafka::consumer::InputPartition;
use crate::kafka::log::Log;
use crate::metrics::{PartitionMetrics, PartitionState};
use crate::partition::{Fresh, Partition, Restored};

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Begins to read every restored partition, all at once.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        self.take_back()?;
        let restored: Vec<i32> = self
            .slots
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Restored { .. }))
            .map(|(number, _)| *number)
            .collect();
        let mut positions: Vec<(InputPartition, i64)> = Vec::new();
        for number in restored {
            let is_new = matches!(
                &self.slots[&number],
                Slot::Restored { restored, .. } if restored.meta.is_none()
            );
            if is_new && !self.firsts.contains_key(&number) {
                let Some(offsets) = self.first_offsets(number)? else {
                    continue;
                };
                self.firsts.insert(number, offsets);
            }
            if let Some(Slot::Restored { restored, metrics }) = self.slots.remove(&number) {
                let live = self.enliven(number, *restored, metrics);
                positions.extend(live.positions());
                self.slots.insert(number, Slot::Live(Box::new(live)));
            }
        }
        if !positions.is_empty() {
            self.log.start(&positions)?;
        }
        Ok(())
    }

    fn enliven(&mut self, number: i32, restored: Restored, mut metrics: PartitionMetrics) -> Live {
        let fresh = Fresh {
            offsets: self.firsts.get(&number).copied().unwrap_or_default(),
            notify_from: self.started_at,
        };
        let notify_from = self.parts.start.notify_from;
        let settled = restored.transaction.clone();
        let tickets = restored.engine.len();
        let shared = &self.parts.shared;
        let mut partition = Partition::new(number, restored, fresh, notify_from, shared);
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

    /// The offsets to begin with where nothing was ever committed.
    fn first_offsets(&mut self, number: i32) -> Result<Option<[i64; 2]>, Error> {
        let inputs = [(0, number), (1, number)];
        let of = self.parts.start.offsets;
        // Where no record is as young as asked for, the next one is to be read; asked for afterwards,
        // this could be behind one that came meanwhile.
        let ends = match of {
            OffsetOf::Timestamp(_) => {
                let answer = self.log.offsets(&inputs, OffsetOf::HighWatermark);
                let Some(ends) = self.allow_retriable(answer)? else {
                    return Ok(None);
                };
                ends
            }
            OffsetOf::Start | OffsetOf::HighWatermark | OffsetOf::LastStable => vec![0; 2],
        };
        let answer = self.log.offsets(&inputs, of);
        let Some(offsets) = self.allow_retriable(answer)? else {
            return Ok(None);
        };
        let known = |input: usize| match offsets[input] {
            -1 => ends[input],
            offset => offset,
        };
        Ok(Some([known(0), known(1)]))
    }
}

impl Live {
    fn positions(&self) -> impl Iterator<Item = (InputPartition, i64)> {
        let number = self.partition.number();
        let offsets = self.partition.meta().offsets;
        (0..LABELS.len()).map(move |input| ((input, number), offsets[input]))
    }
}
