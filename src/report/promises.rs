//! Which promises were kept: the cycles of clocks by timeframe and priority.

use std::collections::BTreeMap;

use escalator_engine::cycles::Cycle;
use escalator_engine::explain::Seconds;
use escalator_engine::plan::{Revision, TimeframeKind};
use escalator_engine::ticket::Text;
use escalator_engine::time::Duration;
use serde::Serialize;

use super::numbers::{Bin, Times, distribution, share};
use super::period::Period;
use crate::plan_file::{Goal, PlanSet};

/// Counts cycles that ended in a period, and those that are open at its end.
#[derive(Debug)]
pub(super) struct Promises<'a> {
    period: Period,
    revision: &'a Revision,
    timeframes: BTreeMap<Text, BTreeMap<Rank, Tally>>,
    kinds: BTreeMap<&'static str, Vec<Duration>>,
}

/// The place of a priority in tables: the most urgent comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// So far from the most urgent of the list.
    Listed(usize),
    /// A word that is not in the list of priorities. All such words are one row: they come from
    /// outside, and there may be many.
    Other,
    /// The ticket had none.
    None,
}

/// Cycles, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    met: u64,
    breached: u64,
    without_limit: u64,
    open: u64,
    open_over: u64,
    elapsed: Vec<Duration>,
}

/// The promises of one timeframe.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct TimeframeReport {
    pub timeframe: Text,
    #[serde(flatten)]
    pub cycles: CycleCounts,
    /// In percent.
    pub goal: Option<f64>,
    pub goal_met: Option<bool>,
    pub goal_met_with_open: Option<bool>,
    pub priorities: Vec<PriorityReport>,
}

/// How the goal of a timeframe stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is met, and stays so with the open cycles that are over.
    Met,
    /// It is met by the cycles that ended, and no more with the open ones that are over.
    MetByEnded,
    /// It is missed.
    Missed,
    /// No cycle ended that could be judged.
    NothingEnded,
}

/// The promises of one timeframe to tickets of one priority.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct PriorityReport {
    pub priority: Text,
    #[serde(flatten)]
    pub cycles: CycleCounts,
}

/// What became of some cycles.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct CycleCounts {
    pub met: u64,
    pub breached: u64,
    pub met_share: Option<f64>,
    pub without_limit: u64,
    pub open: u64,
    pub open_over: u64,
    pub median_s: Option<Seconds>,
    pub p90_s: Option<Seconds>,
}

/// How long one kind of promise took to be kept, over all plans.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindReport {
    /// How many cycles ended, and how long they took.
    #[serde(flatten)]
    pub times: Times,
    /// How these lengths are distributed.
    pub distribution: Vec<Bin>,
}

impl CycleCounts {
    /// Cycles that were kept or broken.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.met + self.breached
    }
}

impl TimeframeReport {
    /// How the goal stands; none without a goal.
    pub(super) fn standing(&self) -> Option<Standing> {
        self.goal?;
        Some(match (self.goal_met, self.goal_met_with_open) {
            (None, _) => Standing::NothingEnded,
            (Some(false), _) => Standing::Missed,
            (Some(true), Some(false)) => Standing::MetByEnded,
            (Some(true), Some(true) | None) => Standing::Met,
        })
    }
}

impl<'a> Promises<'a> {
    /// Nothing counted yet; every timeframe of the plans has its row.
    pub(super) fn new(period: Period, revision: &'a Revision) -> Self {
        let all = revision.plans.iter().flat_map(|plan| &plan.timeframes);
        Self {
            period,
            revision,
            timeframes: all
                .map(|timeframe| (timeframe.name.clone(), BTreeMap::new()))
                .collect(),
            kinds: BTreeMap::new(),
        }
    }

    /// Counts one cycle.
    pub(super) fn add(&mut self, cycle: &Cycle) {
        let is_outside = cycle.ended_at.is_some_and(|at| !self.period.contains(at));
        if is_outside || !cycle.is_witnessed {
            return;
        }
        let rank = self.rank(cycle.priority.as_ref());
        let priorities = self.timeframes.entry(cycle.timeframe.clone()).or_default();
        priorities.entry(rank).or_default().add(cycle);
        if cycle.ended_at.is_some() {
            let lengths = self.kinds.entry(cycle.kind.name()).or_default();
            lengths.push(cycle.elapsed);
        }
    }

    fn rank(&self, priority: Option<&Text>) -> Rank {
        let Some(priority) = priority else {
            return Rank::None;
        };
        let mut urgent_first = self.revision.priorities.iter().rev();
        urgent_first
            .position(|listed| listed == priority)
            .map_or(Rank::Other, Rank::Listed)
    }

    fn priority(&self, rank: Rank) -> Text {
        match rank {
            Rank::Listed(place) => {
                let listed = self.revision.priorities.iter().rev().nth(place);
                listed.cloned().expect("a rank is a place in the list")
            }
            Rank::Other => "(other)".into(),
            Rank::None => "(none)".into(),
        }
    }

    /// How long cycles of a kind took.
    pub(super) fn kind(&self, kind: TimeframeKind) -> KindReport {
        let lengths = self.kinds.get(kind.name()).cloned().unwrap_or_default();
        KindReport {
            distribution: distribution(&lengths),
            times: Times::of(lengths),
        }
    }

    /// The rows of all timeframes, judged by the goals.
    pub(super) fn finish(self, plans: &PlanSet) -> Vec<TimeframeReport> {
        let rows = self.timeframes.iter().map(|(timeframe, priorities)| {
            let mut all = Tally::default();
            for tally in priorities.values() {
                all.append(tally);
            }
            let cycles = all.counts();
            let goal: Option<Goal> = plans.goals().get(timeframe).copied();
            let priorities = priorities.iter().map(|(rank, tally)| PriorityReport {
                priority: self.priority(*rank),
                cycles: tally.clone().counts(),
            });
            // What is open beyond its limit is certain to be a breach when it ends.
            let certain = cycles.judged() + cycles.open_over;
            let is_met = |all: u64| {
                let goal = goal.filter(|_| all > 0);
                goal.map(|goal| goal.is_met(cycles.met, all))
            };
            TimeframeReport {
                timeframe: timeframe.clone(),
                goal: goal.map(Goal::percent),
                goal_met: is_met(cycles.judged()),
                goal_met_with_open: is_met(certain),
                priorities: priorities.collect(),
                cycles,
            }
        });
        rows.collect()
    }
}

impl Tally {
    fn add(&mut self, cycle: &Cycle) {
        if cycle.ended_at.is_none() {
            self.open += 1;
            self.open_over += u64::from(cycle.breached);
            return;
        }
        self.elapsed.push(cycle.elapsed);
        match (cycle.within, cycle.breached) {
            (None, _) => self.without_limit += 1,
            (Some(_), true) => self.breached += 1,
            (Some(_), false) => self.met += 1,
        }
    }

    fn append(&mut self, other: &Self) {
        self.met += other.met;
        self.breached += other.breached;
        self.without_limit += other.without_limit;
        self.open += other.open;
        self.open_over += other.open_over;
        self.elapsed.extend(&other.elapsed);
    }

    fn counts(self) -> CycleCounts {
        let times = Times::of(self.elapsed);
        CycleCounts {
            met: self.met,
            breached: self.breached,
            met_share: share(self.met, self.met + self.breached),
            without_limit: self.without_limit,
            open: self.open,
            open_over: self.open_over,
            median_s: times.median_s,
            p90_s: times.p90_s,
        }
    }
}
