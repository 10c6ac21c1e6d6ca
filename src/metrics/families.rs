//! The metrics, one documented field each.

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
};

/// A metric's line in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The full name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells; the help text.
    pub meaning: &'static str,
}

/// What the macro needs to know of a type of metric.
trait Family: Collector + Clone + Sized + 'static {
    const KIND: &'static str;
    fn build(row: &Row, buckets: &[f64]) -> prometheus::Result<Self>;
}

macro_rules! family {
    ($type:ty, $kind:literal, |$row:ident, $buckets:ident| $build:expr) => {
        impl Family for $type {
            const KIND: &'static str = $kind;
            fn build($row: &Row, $buckets: &[f64]) -> prometheus::Result<Self> {
                $build
            }
        }
    };
}

family!(IntCounter, "counter", |row, _buckets| Self::new(
    row.name,
    row.meaning
));
family!(IntCounterVec, "counter", |row, _buckets| Self::new(
    Opts::new(row.name, row.meaning),
    row.labels
));
family!(IntGauge, "gauge", |row, _buckets| Self::new(
    row.name,
    row.meaning
));
family!(IntGaugeVec, "gauge", |row, _buckets| Self::new(
    Opts::new(row.name, row.meaning),
    row.labels
));
family!(Gauge, "gauge", |row, _buckets| Self::new(
    row.name,
    row.meaning
));
family!(GaugeVec, "gauge", |row, _buckets| Self::new(
    Opts::new(row.name, row.meaning),
    row.labels
));
family!(Histogram, "histogram", |row, buckets| Self::with_opts(
    HistogramOpts::new(row.name, row.meaning).buckets(buckets.to_vec())
));

macro_rules! families {
    ($(
        #[doc = $help:literal]
        $visibility:vis $field:ident: $type:ty = $name:literal
            $([$($label:literal),+])? $(in $buckets:expr)?;
    )+) => {
        /// Every metric of the service; those with labels are reached through the methods of
        /// [`Metrics`](super::Metrics), which bound the labels.
        #[derive(Clone)]
        pub struct Families {
            $(#[doc = $help] $visibility $field: $type,)+
        }

        impl Families {
            /// Makes and registers every metric.
            pub(super) fn new(registry: &Registry) -> Self {
                $(
                    let row = Row {
                        name: $name,
                        kind: <$type as Family>::KIND,
                        labels: &[$($($label),+)?],
                        meaning: $help.trim_ascii(),
                    };
                    let buckets: &[f64] = families!(@buckets $($buckets)?);
                    let $field = <$type as Family>::build(&row, buckets)
                        .expect("names and labels are literals that a test has seen");
                    registry
                        .register(Box::new($field.clone()))
                        .expect("no two metrics have one name, as a test has seen");
                )+
                Self { $($field),+ }
            }
        }

        /// Every metric with its labels and meaning, in the order of the code.
        #[must_use]
        pub fn documentation() -> Vec<Row> {
            vec![$(Row {
                name: $name,
                kind: <$type as Family>::KIND,
                labels: &[$($($label),+)?],
                meaning: $help.trim_ascii(),
            }),+]
        }
    };
    (@buckets) => { &[] };
    (@buckets $buckets:expr) => { $buckets };
}

/// From a tick on time to a restart, an outage over lunch and one over a weekend.
const LATENESS_S: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
    14_400.0, 86_400.0,
];

/// From one record to a transaction full of them.
const DECISION_S: &[f64] = &[
    0.000_01, 0.000_1, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];

/// From a broker that is near to the time at which the broker gives up.
const TRANSACTION_S: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

families! {
    /// Records read from the inputs, by input and by what became of them.
    pub(super) events: IntCounterVec = "escalator_events_total" ["topic", "outcome"];
    /// Events written to `escalated`, by type.
    pub(super) escalated: IntCounterVec = "escalator_escalated_total" ["type"];
    /// Levels raised, by plan, level and kind of cause.
    pub(super) escalations: IntCounterVec = "escalator_escalations_total" ["plan", "level", "cause"];
    /// Notifications written, by kind of target and purpose.
    pub(super) notifications: IntCounterVec = "escalator_notifications_total" ["to_kind", "purpose"];
    /// Events written to `escalated` whose notifications were withheld, since they would have come too late to be of use.
    pub notifications_suppressed: IntCounter = "escalator_notifications_suppressed_total";
    /// Tickets that wait for a deadline, a wait or the instant of a fact, by partition; each counts once, however much lies behind its next.
    pub(super) timers_pending: IntGaugeVec = "escalator_timers_pending" ["partition"];
    /// Age of the oldest deadline, wait or fact that is due and not decided, counted from when `grace` lets it be, over all partitions; 0 when none is.
    pub(super) oldest_due: Gauge = "escalator_oldest_due_seconds";
    /// Age of the oldest deadline, wait or fact that is due and not decided, counted from when `grace` lets it be, by partition; 0 when none is.
    pub(super) partition_oldest_due: GaugeVec = "escalator_partition_oldest_due_seconds" ["partition"];
    /// How long after its instant a deadline or wait fired; what a fact brought about at once is not in it.
    pub timer_lateness: Histogram = "escalator_timer_lateness_seconds" in LATENESS_S;
    /// Time spent on deciding what one transaction will hold.
    pub decision_duration: Histogram = "escalator_decision_duration_seconds" in DECISION_S;
    /// Time from the begin of a transaction to the broker's answer to its commit.
    pub transaction_duration: Histogram = "escalator_transaction_duration_seconds" in TRANSACTION_S;
    /// Transactions, by how they ended.
    pub(super) transactions: IntCounterVec = "escalator_transactions_total" ["result"];
    /// Records that are written but not read yet, by input and partition.
    pub(super) lag: IntGaugeVec = "escalator_lag_records" ["topic", "partition"];
    /// How far the watermark, up to which everything is known to have been read, is behind the clock.
    pub(super) watermark_age: GaugeVec = "escalator_watermark_age_seconds" ["partition"];
    /// Partitions that this replica owns, by state.
    pub(super) partitions: IntGaugeVec = "escalator_partitions" ["state"];
    /// Records of the state topic, by their offsets, that the restore of a partition has gone through.
    pub(super) restore_read: IntGaugeVec = "escalator_restore_read_records" ["partition"];
    /// Records of the state topic, by their offsets, that the restore of a partition has to go through.
    pub(super) restore_target: IntGaugeVec = "escalator_restore_target_records" ["partition"];
    /// Partitions of other replicas of which this one keeps a warm copy.
    pub(super) standby_partitions: IntGauge = "escalator_standby_partitions";
    /// Warm copies that have everything that was committed some seconds ago.
    pub(super) standby_current: IntGauge = "escalator_standby_current_partitions";
    /// Records of the state topic, by their offsets, that all warm copies together are behind.
    pub(super) standby_lag: IntGauge = "escalator_standby_lag_records";
    /// Changes of the partitions that this replica owns.
    pub(super) rebalances: IntCounterVec = "escalator_rebalances_total" ["kind"];
    /// Records that could not be read and went to the dead letters, by reason.
    pub(super) dead_letters: IntCounterVec = "escalator_dead_letters_total" ["reason"];
    /// Status words that are neither built in nor in a plan file, and count as open.
    pub unknown_statuses: IntCounter = "escalator_unknown_statuses_total";
    /// Records of other systems that say nothing of a ticket, by the mapping that is for them.
    pub records_ignored: IntCounter = "escalator_records_ignored_total";
    /// Fields of input records that the contract does not know.
    pub unknown_fields: IntCounter = "escalator_unknown_fields_total";
    /// Labels left out because a ticket had too many.
    pub labels_left_out: IntCounter = "escalator_labels_left_out_total";
    /// Activities that changed nothing because they could not, by kind; `unknown` stands for all kinds that the contract does not name.
    pub(super) activities_ignored: IntCounterVec = "escalator_activities_ignored_total" ["kind"];
    /// Targets taken from a ticket's field that were skipped because the value is unfit.
    pub targets_skipped: IntCounter = "escalator_targets_skipped_total";
    /// Notifications told in the built-in text because their template failed.
    pub templates_failed: IntCounter = "escalator_templates_failed_total";
    /// Tickets whose state is held, by partition.
    pub(super) tickets: IntGaugeVec = "escalator_tickets" ["partition"];
    /// Whether the brokers answer: 1 or 0.
    pub broker_up: IntGauge = "escalator_broker_up";
    /// Whether a check of readiness passes, by check: 1 or 0; the reason is at `/readyz`.
    pub(super) checks: IntGaugeVec = "escalator_check_passing" ["check"];
    /// The revision of the plans that is in force; always 1.
    pub(super) plans_info: IntGaugeVec = "escalator_plans_info" ["revision"];
    /// Attempts to load the plan files again, by result.
    pub(super) plan_reloads: IntCounterVec = "escalator_plan_reloads_total" ["result"];
    /// Records read from the log of plan edits since the start, by what became of them.
    pub(super) plan_edits: IntCounterVec = "escalator_plan_edits_total" ["result"];
    /// Questions to the schema registry for a schema, by what came of them.
    pub(super) schemas: IntCounterVec = "escalator_registry_schemas_total" ["result"];
    /// The version of the program; always 1.
    pub(super) build_info: IntGaugeVec = "escalator_build_info" ["version"];
}
