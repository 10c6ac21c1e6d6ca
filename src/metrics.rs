//! What the service shows of itself: every metric is one documented field of [`Families`].
//!
//! The doc comment of a field is the help text of its metric and its row in `docs/metrics.md`. Names
//! begin with `escalator_`, units are base units, counters end in `_total`. Labels are bounded: an enum, a
//! partition, or a name from the plan files; never a ticket. Everything that is bounded exists at
//! zero from the start, so that a rate has something to start from.
//!
//! Shard threads hold handles that were resolved once; counting is then one atomic addition. Ages
//! are not kept: threads leave instants, and the age is computed when somebody asks. So a thread
//! that hangs shows as an age that grows, and not as the last good value.

mod families;
mod labels;
mod partition;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use escalator_engine::effect::{CauseKind, EscalatedType, Purpose};
use escalator_engine::plan::Revision;
use escalator_engine::time::Timestamp;
use prometheus::{Registry, TextEncoder};

pub use families::{Families, Row, documentation};
pub use labels::{
    EditResult, IgnoredActivity, Input, Label, Outcome, PartitionState, Rebalance, ReloadResult,
    SchemaResult, TransactionResult,
};
pub use partition::PartitionMetrics;
/// A count that only grows.
pub use prometheus::IntCounter as Counter;
/// A whole number that goes up and down.
pub use prometheus::IntGauge as Gauge;

use labels::{Resolved, ResolvedPairs};
use partition::Instants;

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Causes that can raise a level; the others end an escalation.
const RAISING: [CauseKind; 5] = [
    CauseKind::Timeframe,
    CauseKind::Trigger,
    CauseKind::Waiting,
    CauseKind::Manual,
    CauseKind::LateEvent,
];

/// Kinds of target that exist without being declared in a plan file.
const BUILT_IN_TARGETS: [&str; 3] = ["requester", "assignee", "queue"];

/// All metrics of the process.
pub struct Metrics {
    /// The metrics themselves; those without labels are used directly.
    pub families: Families,
    registry: Registry,
    events: ResolvedPairs<Input, Outcome>,
    escalated: BTreeMap<EscalatedType, Counter>,
    transactions: Resolved<TransactionResult>,
    rebalances: Resolved<Rebalance>,
    reloads: Resolved<ReloadResult>,
    edits: Resolved<EditResult>,
    schemas: Resolved<SchemaResult>,
    ignored: Resolved<IgnoredActivity>,
    partitions: Mutex<BTreeMap<i32, Arc<Instants>>>,
}

impl Metrics {
    /// All metrics at zero.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let families = Families::new(&registry);
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(
                prometheus::process_collector::ProcessCollector::for_self(),
            ))
            .expect("the registry is new and the process collector's names are not ours");
        families
            .build_info
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        for state in PartitionState::ALL {
            families.partitions.with_label_values(&[state.name()]);
        }
        let metrics = Self {
            events: ResolvedPairs::new(&families.events),
            escalated: EscalatedType::ALL
                .into_iter()
                .map(|kind| (kind, families.escalated.with_label_values(&[kind.name()])))
                .collect(),
            transactions: Resolved::new(&families.transactions),
            rebalances: Resolved::new(&families.rebalances),
            reloads: Resolved::new(&families.plan_reloads),
            edits: Resolved::new(&families.plan_edits),
            schemas: Resolved::new(&families.schemas),
            ignored: Resolved::new(&families.activities_ignored),
            partitions: Mutex::default(),
            families,
            registry,
        };
        metrics.declare_target_kinds(BUILT_IN_TARGETS);
        metrics
    }

    /// Records read from an input, by what became of them.
    #[must_use]
    pub fn events(&self, input: Input, outcome: Outcome) -> &Counter {
        self.events.at(input, outcome)
    }

    /// `escalated` events written, by type.
    #[must_use]
    pub fn escalated(&self, kind: EscalatedType) -> &Counter {
        &self.escalated[&kind]
    }

    /// Transactions, by how they ended.
    #[must_use]
    pub fn transactions(&self, result: TransactionResult) -> &Counter {
        self.transactions.at(result)
    }

    /// Changes of the partitions that this replica owns.
    #[must_use]
    pub fn rebalances(&self, kind: Rebalance) -> &Counter {
        self.rebalances.at(kind)
    }

    /// How many warm copies of partitions of other replicas there are, how many of them are at the
    /// end, and how many offsets all of them are behind.
    pub fn set_copies(&self, partitions: usize, current: usize, lag: i64) {
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.families.standby_partitions.set(count(partitions));
        self.families.standby_current.set(count(current));
        self.families.standby_lag.set(lag);
    }

    /// Attempts to load the plan files again.
    #[must_use]
    pub fn plan_reloads(&self, result: ReloadResult) -> &Counter {
        self.reloads.at(result)
    }

    /// Questions to the schema registry, by what came of them.
    #[must_use]
    pub fn schemas(&self, result: SchemaResult) -> &Counter {
        self.schemas.at(result)
    }

    /// Records of the log of plan edits, by what became of them.
    #[must_use]
    pub fn plan_edits(&self, result: EditResult) -> &Counter {
        self.edits.at(result)
    }

    /// Activities that change nothing because they cannot.
    #[must_use]
    pub fn activities_ignored(&self, kind: IgnoredActivity) -> &Counter {
        self.ignored.at(kind)
    }

    /// Levels raised; looked up by name, so keep the handle.
    #[must_use]
    pub fn escalations(&self, plan: &str, level: u32, cause: CauseKind) -> Counter {
        let level = level.to_string();
        self.families
            .escalations
            .with_label_values(&[plan, &level, cause.name()])
    }

    /// Notifications written; looked up by name, so keep the handle.
    #[must_use]
    pub fn notifications(&self, to_kind: &str, purpose: Purpose) -> Counter {
        self.families
            .notifications
            .with_label_values(&[to_kind, purpose.name()])
    }

    /// Records that could not be read; looked up by name, so keep the handle.
    #[must_use]
    pub fn dead_letters(&self, reason: &str) -> Counter {
        self.families.dead_letters.with_label_values(&[reason])
    }

    /// Makes the counters of plans exist: name and number of levels of each.
    pub fn declare_plans<'a>(&self, plans: impl IntoIterator<Item = (&'a str, u32)>) {
        for (plan, levels) in plans {
            for level in 1..=levels {
                for cause in RAISING {
                    drop(self.escalations(plan, level, cause));
                }
            }
        }
    }

    /// Makes the counters of kinds of target exist.
    pub fn declare_target_kinds<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) {
        for kind in kinds {
            for purpose in Purpose::ALL {
                drop(self.notifications(kind, purpose));
            }
        }
    }

    /// Makes the counters of reasons of dead letters exist.
    pub fn declare_dead_letter_reasons<'a>(&self, reasons: impl IntoIterator<Item = &'a str>) {
        for reason in reasons {
            drop(self.dead_letters(reason));
        }
    }

    /// Shows which revision of the plans is in force, and no other.
    pub fn show_plans(&self, revision: &str) {
        self.families.plans_info.reset();
        self.families
            .plans_info
            .with_label_values(&[revision])
            .set(1);
    }

    /// Shows which revision is in force, and makes the counters of its plans and targets exist.
    pub fn show_revision(&self, revision: &Revision) {
        self.show_plans(&revision.id);
        let addresses = revision.plans.iter().flat_map(|plan| plan.addresses());
        self.declare_target_kinds(addresses.map(|address| address.to.kind()));
        let levels = |levels: usize| u32::try_from(levels).unwrap_or(u32::MAX);
        let plans = revision.plans.iter();
        self.declare_plans(plans.map(|plan| (&*plan.name, levels(plan.path.len()))));
    }

    /// Shows whether a check of readiness passes.
    pub fn show_check(&self, check: &str, passing: bool) {
        self.families
            .checks
            .with_label_values(&[check])
            .set(i64::from(passing));
    }

    /// The metrics of one assigned partition; they are gone when the handle is dropped.
    #[must_use]
    pub fn partition(self: &Arc<Self>, partition: i32) -> PartitionMetrics {
        let instants = Arc::new(Instants::new());
        self.instants().insert(partition, Arc::clone(&instants));
        PartitionMetrics::new(Arc::clone(self), partition, instants)
    }

    /// Everything in Prometheus' text format, ages as of `now`.
    ///
    /// # Panics
    /// Never in practice: a family that cannot be printed would have been refused when it was registered.
    #[must_use]
    pub fn render(&self, now: Timestamp) -> String {
        self.age(now);
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("registered families have valid names, and text has room for them")
    }

    /// Turns instants that threads left into ages.
    fn age(&self, now: Timestamp) {
        let mut oldest_ms = 0;
        for (partition, instants) in self.instants().iter() {
            let partition = partition.to_string();
            let due_ms = instants.overdue_ms(now);
            oldest_ms = oldest_ms.max(due_ms);
            self.families
                .partition_oldest_due
                .with_label_values(&[&partition])
                .set(seconds(due_ms));
            if let Some(age_ms) = instants.watermark_age_ms(now) {
                self.families
                    .watermark_age
                    .with_label_values(&[&partition])
                    .set(seconds(age_ms));
            }
        }
        self.families.oldest_due.set(seconds(oldest_ms));
    }

    fn instants(&self) -> std::sync::MutexGuard<'_, BTreeMap<i32, Arc<Instants>>> {
        // The map is whole between any two statements, so a panic elsewhere does not spoil it.
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Milliseconds as seconds, the base unit of every duration that is shown.
fn seconds(ms: i64) -> f64 {
    // Exact up to 285,000 years.
    ms as f64 / 1000.0
}
