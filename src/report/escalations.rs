//! What was escalated and who was told: events out by plan, level, cause, month and target.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use escalator_engine::effect::{CauseKind, Escalated, EscalatedType, Event};
use escalator_engine::emission::Emitted;
use escalator_engine::plan::{Nature, Revision};
use escalator_engine::ticket::Text;
use serde::Serialize;

use super::period::{Month, Period};
use crate::offline::Listener;

/// Counts events out that were fired in a period.
#[derive(Debug)]
pub(super) struct Escalations<'a> {
    period: Period,
    revision: &'a Revision,
    types: BTreeMap<EscalatedType, u64>,
    opportunities: u64,
    plans: BTreeMap<Text, u64>,
    levels: BTreeMap<u32, (BTreeSet<Text>, u64)>,
    causes: BTreeMap<(CauseKind, Option<Text>), u64>,
    months: BTreeMap<Month, BTreeMap<u32, u64>>,
    targets: BTreeMap<Listener, u64>,
    tickets: BTreeSet<Text>,
}

/// What was escalated in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct EscalationReport {
    pub raised: u64,
    pub opportunities: u64,
    pub tickets: usize,
    pub types: BTreeMap<&'static str, u64>,
    pub plans: Vec<PlanCount>,
    pub levels: Vec<LevelCount>,
    pub causes: Vec<CauseCount>,
    pub months: Vec<MonthCount>,
}

/// Raised events of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct PlanCount {
    pub plan: Text,
    pub n: u64,
}

/// Raised events to one level; its name differs from plan to plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct LevelCount {
    pub level: u32,
    pub names: Vec<Text>,
    pub n: u64,
}

/// Raised events of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct CauseCount {
    pub kind: &'static str,
    pub name: Option<Text>,
    pub n: u64,
}

/// Raised events of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonthCount {
    /// The month as a value.
    #[serde(skip)]
    pub at: Month,
    /// The month in digits.
    pub month: String,
    /// How many there were.
    pub n: u64,
    /// How many there were to each level.
    pub levels: BTreeMap<u32, u64>,
}

/// Who was told in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct NotificationReport {
    pub n: u64,
    pub targets: Vec<TargetCount>,
}

/// Notifications to one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct TargetCount {
    pub to: Text,
    pub to_kind: Text,
    pub n: u64,
}

impl<'a> Escalations<'a> {
    /// Nothing counted yet.
    pub(super) const fn new(period: Period, revision: &'a Revision) -> Self {
        Self {
            period,
            revision,
            types: BTreeMap::new(),
            opportunities: 0,
            plans: BTreeMap::new(),
            levels: BTreeMap::new(),
            causes: BTreeMap::new(),
            months: BTreeMap::new(),
            targets: BTreeMap::new(),
            tickets: BTreeSet::new(),
        }
    }

    /// Counts further events out.
    pub(super) fn add(&mut self, events: &[Emitted]) {
        for emitted in events {
            match &emitted.event {
                Event::Escalated(event) if self.period.contains(event.fired_at) => {
                    *self.types.entry(event.kind).or_default() += 1;
                    if event.kind == EscalatedType::Raised {
                        self.add_raised(event);
                    }
                }
                Event::Notify(event) if self.period.contains(event.fired_at) => {
                    let listener = Listener::of(event, self.revision);
                    *self.targets.entry(listener).or_default() += 1;
                }
                Event::Escalated(_) | Event::Notify(_) => {}
            }
        }
    }

    fn add_raised(&mut self, event: &Escalated) {
        self.tickets.insert(event.ticket_id.clone());
        self.opportunities += u64::from(event.nature == Nature::Opportunity);
        *self.plans.entry(event.plan.clone()).or_default() += 1;
        let (names, count) = self.levels.entry(event.level).or_default();
        names.extend(event.level_name.clone());
        *count += 1;
        let cause = (event.cause.kind, event.cause.name.clone());
        *self.causes.entry(cause).or_default() += 1;
        let month = self.months.entry(Month::of(event.fired_at)).or_default();
        *month.entry(event.level).or_default() += 1;
    }

    /// The counts, the largest first; levels and months in their order.
    pub(super) fn finish(self) -> (EscalationReport, NotificationReport) {
        let notifications = NotificationReport {
            n: self.targets.values().sum(),
            targets: largest_first(self.targets)
                .map(|(listener, n)| TargetCount {
                    to: listener.to,
                    to_kind: listener.kind,
                    n,
                })
                .collect(),
        };
        let escalations = EscalationReport {
            raised: self.plans.values().sum(),
            opportunities: self.opportunities,
            tickets: self.tickets.len(),
            types: self.types.iter().map(|(it, n)| (it.name(), *n)).collect(),
            plans: largest_first(self.plans)
                .map(|(plan, n)| PlanCount { plan, n })
                .collect(),
            levels: self
                .levels
                .into_iter()
                .map(|(level, (names, n))| LevelCount {
                    level,
                    names: names.into_iter().collect(),
                    n,
                })
                .collect(),
            causes: largest_first(self.causes)
                .map(|((kind, name), n)| CauseCount {
                    kind: kind.name(),
                    name,
                    n,
                })
                .collect(),
            months: every_month(self.months),
        };
        (escalations, notifications)
    }
}

fn largest_first<K: Ord>(counts: BTreeMap<K, u64>) -> impl Iterator<Item = (K, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    // Stable: equal counts stay in the order of their names.
    counts.sort_by_key(|(_, n)| Reverse(*n));
    counts.into_iter()
}

/// From the first month to the last, those without an escalation included: a quiet month is news.
fn every_month(mut months: BTreeMap<Month, BTreeMap<u32, u64>>) -> Vec<MonthCount> {
    let mut all = Vec::new();
    let last = months.keys().next_back().copied();
    let mut next = months.keys().next().copied();
    while let Some(month) = next {
        let levels = months.remove(&month).unwrap_or_default();
        all.push(MonthCount {
            at: month,
            month: month.to_string(),
            n: levels.values().sum(),
            levels,
        });
        next = Some(month.next()).filter(|month| Some(*month) <= last);
    }
    all
}

#[cfg(test)]
mod tests {
    use escalator_engine::time::Timestamp;

    use super::*;

    #[test]
    fn quiet_months_between_loud_ones_are_there() {
        let month = |text: &str| Month::of(Timestamp::parse(text).unwrap());
        let counts = BTreeMap::from([
            (
                month("2016-11-30T23:59:59Z"),
                BTreeMap::from([(1, 2), (3, 1)]),
            ),
            (month("2017-02-01T00:00:00Z"), BTreeMap::from([(1, 1)])),
        ]);
        let all: Vec<_> = every_month(counts)
            .into_iter()
            .map(|it| (it.month, it.n))
            .collect();
        let expected = [
            ("2016-11", 3),
            ("2016-12", 0),
            ("2017-01", 0),
            ("2017-02", 1),
        ];
        assert_eq!(all, expected.map(|(month, n)| (month.to_owned(), n)));
        assert_eq!(every_month(BTreeMap::new()), []);
    }

    #[test]
    fn counts_are_ordered_by_size_then_by_name() {
        let counts = BTreeMap::from([("a", 1), ("b", 5), ("c", 1)]);
        let names: Vec<_> = largest_first(counts).map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "c"]);
    }
}
