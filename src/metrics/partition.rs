//! The metrics of one assigned partition: they come with the assignment and go with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use escalator_engine::time::Timestamp;
use prometheus::IntGauge;

use super::{Input, Label, Metrics, PartitionState};

/// Instants that a shard thread leaves for whoever asks for an age.
pub(super) struct Instants {
    next_deadline_ms: AtomicI64,
    watermark_ms: AtomicI64,
}

/// What stands for no deadline: none is later.
const NO_DEADLINE: i64 = i64::MAX;
/// What stands for no watermark: none is earlier.
const NO_WATERMARK: i64 = i64::MIN;

impl Instants {
    pub(super) fn new() -> Self {
        Self {
            next_deadline_ms: AtomicI64::new(NO_DEADLINE),
            watermark_ms: AtomicI64::new(NO_WATERMARK),
        }
    }

    /// How long the next deadline has been due; 0 when it is still to come.
    pub(super) fn overdue_ms(&self, now: Timestamp) -> i64 {
        let next = Timestamp::from_millis(self.next_deadline_ms.load(Ordering::Relaxed));
        now.millis_since(next).max(0)
    }

    /// How far the watermark is behind; none until there is one.
    pub(super) fn watermark_age_ms(&self, now: Timestamp) -> Option<i64> {
        match self.watermark_ms.load(Ordering::Relaxed) {
            NO_WATERMARK => None,
            ms => Some(now.millis_since(Timestamp::from_millis(ms)).max(0)),
        }
    }
}

/// The metrics of one assigned partition, resolved once; dropping it takes them away.
pub struct PartitionMetrics {
    metrics: Arc<Metrics>,
    label: String,
    partition: i32,
    instants: Arc<Instants>,
    state: Option<PartitionState>,
    lag: [IntGauge; 2],
    timers_pending: IntGauge,
    tickets: IntGauge,
    restore_read: IntGauge,
    restore_target: IntGauge,
}

impl PartitionMetrics {
    pub(super) fn new(metrics: Arc<Metrics>, partition: i32, instants: Arc<Instants>) -> Self {
        let label = partition.to_string();
        let families = &metrics.families;
        let lag = [Input::Created, Input::Updated]
            .map(|input| families.lag.with_label_values(&[input.name(), &label]));
        Self {
            lag,
            timers_pending: families.timers_pending.with_label_values(&[&label]),
            tickets: families.tickets.with_label_values(&[&label]),
            restore_read: families.restore_read.with_label_values(&[&label]),
            restore_target: families.restore_target.with_label_values(&[&label]),
            metrics,
            label,
            partition,
            instants,
            state: None,
        }
    }

    /// Moves the partition to another state.
    pub fn enter(&mut self, state: PartitionState) {
        let partitions = &self.metrics.families.partitions;
        if let Some(left) = self.state.replace(state) {
            partitions.with_label_values(&[left.name()]).dec();
        }
        partitions.with_label_values(&[state.name()]).inc();
    }

    /// How many records of an input are written but not read.
    pub fn set_lag_records(&self, input: Input, records: i64) {
        self.lag[input.index()].set(records);
    }

    /// How many tickets wait for something.
    pub fn set_timers_pending(&self, count: i64) {
        self.timers_pending.set(count);
    }

    /// How many tickets' state is held.
    pub fn set_tickets(&self, count: i64) {
        self.tickets.set(count);
    }

    /// How many state records were read, and how many there are to read.
    pub fn set_restore_records(&self, read: i64, target: i64) {
        self.restore_read.set(read);
        self.restore_target.set(target);
    }

    /// When the earliest deadline fires that has not fired; whoever asks for its age gets it as of then.
    pub fn set_next_deadline(&self, deadline: Option<Timestamp>) {
        let ms = deadline.map_or(NO_DEADLINE, Timestamp::as_millis);
        self.instants.next_deadline_ms.store(ms, Ordering::Relaxed);
    }

    /// The instant up to which everything is known to have been read.
    pub fn set_watermark(&self, watermark: Timestamp) {
        let ms = watermark.as_millis();
        self.instants.watermark_ms.store(ms, Ordering::Relaxed);
    }
}

impl Drop for PartitionMetrics {
    fn drop(&mut self) {
        let families = &self.metrics.families;
        if let Some(left) = self.state {
            families.partitions.with_label_values(&[left.name()]).dec();
        }
        let mut registered = self.metrics.instants();
        // A newer handle of the same partition owns the series now.
        if registered
            .get(&self.partition)
            .is_none_or(|it| !Arc::ptr_eq(it, &self.instants))
        {
            return;
        }
        registered.remove(&self.partition);
        let label = [self.label.as_str()];
        // A series that was never shown cannot be removed, and need not be.
        for gauge in [
            &families.timers_pending,
            &families.tickets,
            &families.restore_read,
            &families.restore_target,
        ] {
            gauge.remove_label_values(&label).ok();
        }
        for gauge in [&families.partition_oldest_due, &families.watermark_age] {
            gauge.remove_label_values(&label).ok();
        }
        for input in Input::ALL {
            let labels = [input.name(), self.label.as_str()];
            families.lag.remove_label_values(&labels).ok();
        }
    }
}
