//! How a partition stands, shown once what it stands on is committed.

use escalator_engine::time::{Duration, Timestamp};

use super::LABELS;
use super::ownership::Live;
use crate::metrics::PartitionState;

/// How a partition stands as of one transaction.
pub(super) struct Standing {
    state: PartitionState,
    watermark: Timestamp,
    lag: [i64; 2],
    tickets: usize,
    pending: usize,
    /// When the next deadline fires.
    fires: Option<Timestamp>,
}

impl Live {
    /// How it stands while it has no batch; deadlines fire so much later than their instant.
    pub(super) fn standing(&self, grace: Duration) -> Standing {
        let state = if self.partition.lacks().is_some() {
            PartitionState::WaitingForSchema
        } else if self.partition.inputs().are_at_end() {
            PartitionState::Live
        } else {
            PartitionState::CatchingUp
        };
        let inputs = self.partition.inputs();
        let engine = self.partition.engine();
        let due = self.partition.next_due();
        Standing {
            state,
            watermark: inputs.watermark(),
            lag: inputs.lag(),
            tickets: engine.len(),
            pending: engine.pending(),
            fires: due.map(|due| due.plus_millis(grace.as_millis())),
        }
    }

    /// Shows how it stands. Only what is committed is shown: a deadline whose transaction does not come
    /// through has not fired, and grows old.
    pub(super) fn show(&mut self, standing: &Standing) {
        if standing.state != self.state {
            self.state = standing.state;
            self.metrics.enter(standing.state);
        }
        self.metrics.set_watermark(standing.watermark);
        for (label, lag) in LABELS.into_iter().zip(standing.lag) {
            self.metrics.set_lag_records(label, lag);
        }
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.set_tickets(count(standing.tickets));
        self.metrics.set_timers_pending(count(standing.pending));
        self.metrics.set_next_deadline(standing.fires);
    }
}
