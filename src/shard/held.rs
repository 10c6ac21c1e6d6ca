//! Partitions that no transaction can take: they are held up by themselves, and tried again.

use std::time::Duration;

use super::ownership::Slot;
use super::{Error, LABELS, RestoredState, Shard};
use crate::kafka::log::Log;
use crate::metrics::{PartitionMetrics, PartitionState};

/// A partition that is held up is read anew after this: soon enough for whoever has just raised a
/// limit, and each attempt costs a restore of it, and the others one transaction.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

impl Slot {
    /// One that cannot be processed, which is told; without an instant to try again it stays so for as
    /// long as it is owned.
    pub(super) fn refused(
        number: i32,
        reason: String,
        mut metrics: PartitionMetrics,
        again_at: Option<Duration>,
    ) -> Self {
        tracing::error!(kafka.partition = number, "{reason}");
        metrics.enter(PartitionState::Refused);
        Self::Refused {
            reason,
            again_at,
            metrics,
        }
    }
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Holds a partition up that has a record which its topic does not take: what was decided of it is
    /// dropped with its state, and decided anew when it is tried again.
    pub(super) fn hold_up(&mut self, number: i32, why: &str) -> Result<(), Error> {
        let Some(Slot::Live(live)) = self.slots.remove(&number) else {
            unreachable!("what a transaction holds is live until it is settled");
        };
        let seconds = AGAIN_AFTER.as_secs();
        let reason = format!(
            "partition {number} has a record that its topic does not take ({why}); let that topic take \
             it: what is too large by max.message.bytes, as `escalator topics check` says, what is too \
             young by message.timestamp.after.max.ms; it is tried again every {seconds} s"
        );
        let again_at = self.parts.clock.elapsed() + AGAIN_AFTER;
        let slot = Slot::refused(number, reason, live.metrics, Some(again_at));
        self.slots.insert(number, slot);
        for input in 0..LABELS.len() {
            self.log.pause((input, number), true)?;
        }
        Ok(())
    }

    /// Begins again with partitions that were held up long enough.
    pub(super) fn try_again(&mut self) {
        let now = self.parts.clock.elapsed();
        let is_over =
            |slot: &Slot| matches!(slot, Slot::Refused { again_at: Some(at), .. } if now >= *at);
        let over = self.slots.iter().filter(|(_, slot)| is_over(slot));
        let over: Vec<i32> = over.map(|(number, _)| *number).collect();
        for number in over {
            if let Some(Slot::Refused { metrics, .. }) = self.slots.remove(&number) {
                self.restore(number, metrics);
            }
        }
    }
}
