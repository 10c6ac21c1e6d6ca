//! The difference between two outcomes; as JSON the object that `backtest` prints, whose fields
//! are described in `docs/backtest-and-report.md`.

use std::collections::{BTreeMap, BTreeSet};

use escalator_engine::plan::Revision;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::outcome::{Fate, Outcome};
use super::week::DAYS;

/// What was read for both outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Events up to the end.
    pub facts: u64,
    /// Those among them that changed nothing.
    pub duplicates: u64,
    /// Tickets that they are about.
    pub tickets: usize,
    /// The last instant.
    pub until: Option<Timestamp>,
}

/// What two plan sets fire differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What was read.
    pub read: Read,
    /// The revisions of both sets.
    pub plan_revision: Pair<Text>,
    /// How many `escalated` events there were.
    pub fired: Count,
    /// Whether anything differs for any ticket.
    pub differs: bool,
    /// Events by type.
    pub types: Vec<TypeCount>,
    /// Raised events by plan and level.
    pub levels: Vec<LevelCount>,
    /// Notifications by target.
    pub targets: Vec<TargetCount>,
    /// Warned, raised and repeated events by the hour of the week in UTC; hours without any are
    /// left out.
    pub hours: Vec<HourCount>,
    /// How many tickets have which change; one may have several.
    pub changes: BTreeMap<&'static str, u64>,
    /// Every ticket for which something differs, by id.
    pub tickets: Vec<TicketDifference>,
}

/// A value under the old and under the new plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pair<T> {
    /// Under the old plans.
    pub old: T,
    /// Under the new plans.
    pub new: T,
}

/// A number of events under both.
pub type Count = Pair<u64>;

impl Count {
    /// Whether both are the same.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.old == self.new
    }
}

/// Events of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct TypeCount {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(flatten)]
    pub count: Count,
}

/// Raised events of one plan to one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct LevelCount {
    pub plan: Text,
    pub level: u32,
    pub level_name: Option<Text>,
    #[serde(flatten)]
    pub count: Count,
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
    #[serde(flatten)]
    pub count: Count,
}

/// What fired in one hour of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct HourCount {
    pub day: &'static str,
    pub hour: usize,
    #[serde(flatten)]
    pub count: Count,
}

/// What differs for a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was raised under the old plans and is not under the new.
    NewlySilent,
    /// It is raised under the new plans and was not under the old.
    NewlyLoud,
    /// It is raised under both, to another highest level.
    HighestLevel,
    /// It is raised under both, for the first time at another instant.
    FirstRaise,
    /// Something else: other warnings, repeats, people told, or instants.
    Other,
    /// The same people are told the same in other words.
    Words,
}

impl Change {
    /// All changes.
    pub const ALL: [Self; 6] = [
        Self::NewlySilent,
        Self::NewlyLoud,
        Self::HighestLevel,
        Self::FirstRaise,
        Self::Other,
        Self::Words,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewlySilent => "newly_silent",
            Self::NewlyLoud => "newly_loud",
            Self::HighestLevel => "highest_level",
            Self::FirstRaise => "first_raise",
            Self::Other => "other",
            Self::Words => "words",
        }
    }
}

/// A ticket for which something differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct TicketDifference {
    pub ticket_id: Text,
    pub changes: Vec<Change>,
    pub old: Option<TicketState>,
    pub new: Option<TicketState>,
}

/// How far a ticket was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct TicketState {
    pub plan: Text,
    pub highest_level: u32,
    pub first_raised_at: Timestamp,
}

impl Difference {
    /// Compares two outcomes over the same events.
    #[must_use]
    pub fn between(old: &Outcome, new: &Outcome, read: Read) -> Self {
        let tickets = tickets(&old.tickets, &new.tickets);
        let mut changes: BTreeMap<_, u64> =
            Change::ALL.into_iter().map(|it| (it.name(), 0)).collect();
        for change in tickets.iter().flat_map(|ticket| &ticket.changes) {
            *changes.entry(change.name()).or_default() += 1;
        }
        let revision = |revision: &Revision| revision.id.clone();
        Self {
            read,
            plan_revision: Pair {
                old: revision(&old.revision),
                new: revision(&new.revision),
            },
            fired: Pair {
                old: old.fired(),
                new: new.fired(),
            },
            differs: !tickets.is_empty(),
            types: joined(&old.types, &new.types, |count| *count)
                .map(|(kind, _, count)| TypeCount {
                    kind: kind.name(),
                    count,
                })
                .collect(),
            levels: joined(&old.levels, &new.levels, |level| level.raised)
                .map(|((plan, number), level, count)| LevelCount {
                    plan: plan.clone(),
                    level: *number,
                    level_name: level.name.clone(),
                    count,
                })
                .collect(),
            targets: joined(&old.targets, &new.targets, |count| *count)
                .map(|(listener, _, count)| TargetCount {
                    to: listener.to.clone(),
                    to_kind: listener.kind.clone(),
                    count,
                })
                .collect(),
            hours: hours(old, new),
            changes,
            tickets,
        }
    }
}

/// Every key of two maps, in order, with its value under the new plans if it has one there, else
/// under the old, and with both counts.
fn joined<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
    count: impl Fn(&V) -> u64 + 'a,
) -> impl Iterator<Item = (&'a K, &'a V, Count)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter_map(move |key| {
        let (old, new) = (old.get(key), new.get(key));
        let counts = Count {
            old: old.map_or(0, &count),
            new: new.map_or(0, &count),
        };
        Some((key, new.or(old)?, counts))
    })
}

fn hours(old: &Outcome, new: &Outcome) -> Vec<HourCount> {
    let counts = old.hours.iter().zip(&new.hours).enumerate();
    counts
        .filter(|(_, (old, new))| **old > 0 || **new > 0)
        .map(|(hour, (old, new))| HourCount {
            day: DAYS[hour / 24],
            hour: hour % 24,
            count: Count {
                old: *old,
                new: *new,
            },
        })
        .collect()
}

fn tickets(old: &BTreeMap<Text, Fate>, new: &BTreeMap<Text, Fate>) -> Vec<TicketDifference> {
    let silent = Fate::default();
    let ids: BTreeSet<&Text> = old.keys().chain(new.keys()).collect();
    ids.into_iter()
        .filter_map(|id| {
            let old = old.get(id).unwrap_or(&silent);
            let new = new.get(id).unwrap_or(&silent);
            let changes = changes(old, new);
            (!changes.is_empty()).then(|| TicketDifference {
                ticket_id: id.clone(),
                changes,
                old: state(old),
                new: state(new),
            })
        })
        .collect()
}

fn changes(old: &Fate, new: &Fate) -> Vec<Change> {
    let mut changes = Vec::new();
    match (old.first_raised_at, new.first_raised_at) {
        (Some(_), None) => changes.push(Change::NewlySilent),
        (None, Some(_)) => changes.push(Change::NewlyLoud),
        (Some(old_at), Some(new_at)) => {
            if old.highest_level != new.highest_level {
                changes.push(Change::HighestLevel);
            }
            if old_at != new_at {
                changes.push(Change::FirstRaise);
            }
        }
        (None, None) => {}
    }
    let is_same = (old.decisions, old.told) == (new.decisions, new.told);
    if changes.is_empty() && !is_same {
        changes.push(Change::Other);
    } else if is_same && old.words != new.words {
        changes.push(Change::Words);
    }
    changes
}

fn state(fate: &Fate) -> Option<TicketState> {
    Some(TicketState {
        plan: fate.plan.clone()?,
        highest_level: fate.highest_level,
        first_raised_at: fate.first_raised_at?,
    })
}
