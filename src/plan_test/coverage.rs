//! What no test has reached: plans, levels, triggers and marks that could say anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use escalator_engine::effect::{CauseKind, Event};
use escalator_engine::plan::Plan;
use escalator_engine::ticket::Text;

use super::run::Outcome;
use super::suite::TestedPlans;

/// A part of a plan that tests can reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A ticket was under the plan.
    Plan,
    /// A ticket stood at the level.
    Level(u32),
    /// The trigger brought something about.
    Trigger(Text),
    /// The mark of a timeframe brought something about.
    Mark(Text, Text),
}

/// What of a set of plans was reached.
#[derive(Debug)]
struct Reached {
    plans: Arc<TestedPlans>,
    parts: BTreeSet<(Text, Part)>,
}

/// What was reached of all sets of plans that are tested, by revision: one set may be named in
/// several ways.
#[derive(Debug, Default)]
pub struct Coverage {
    sets: BTreeMap<Text, Reached>,
}

/// What no test has reached in one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// The set of plans, as the first test file to name it does.
    pub path: String,
    /// The plan.
    pub plan: Text,
    /// Whether no ticket was under it at all.
    pub is_whole: bool,
    /// Its levels, with their names.
    pub levels: Vec<(u32, Text)>,
    /// Its triggers.
    pub triggers: Vec<Text>,
    /// Its marks, each with its timeframe.
    pub marks: Vec<(Text, Text)>,
}

impl Coverage {
    /// Notes that plans are tested and what a test reached in them, by what came out.
    pub fn add(&mut self, plans: &Arc<TestedPlans>, outcome: Option<&Outcome>) {
        let id = &plans.set.revision().id;
        let reached = self.sets.entry(id.clone()).or_insert_with(|| Reached {
            plans: Arc::clone(plans),
            parts: BTreeSet::new(),
        });
        let Some(outcome) = outcome else {
            return;
        };
        let parts = &mut reached.parts;
        parts.extend(outcome.plans.iter().map(|plan| (plan.clone(), Part::Plan)));
        for came in &outcome.came {
            let Event::Escalated(event) = &came.event else {
                continue;
            };
            let mut reach = |part| parts.insert((event.plan.clone(), part));
            reach(Part::Plan);
            reach(Part::Level(event.level));
            let name = event.cause.name.clone().unwrap_or_default();
            match event.cause.kind {
                CauseKind::Timeframe => {
                    let mark = event.cause.mark.clone().unwrap_or_default();
                    reach(Part::Mark(name, mark));
                }
                CauseKind::Trigger => {
                    reach(Part::Trigger(name));
                }
                CauseKind::Waiting
                | CauseKind::Manual
                | CauseKind::Resolved
                | CauseKind::Closed
                | CauseKind::NoPlan
                | CauseKind::LateEvent => {}
            }
        }
    }

    /// The plans with something that no test has reached.
    #[must_use]
    pub fn unreached(&self) -> Vec<Unreached> {
        let sets = self.sets.values();
        let plans = sets.flat_map(|reached| {
            let plans = reached.plans.set.revision().plans.iter();
            plans.filter_map(|plan| reached.unreached(plan))
        });
        plans.collect()
    }

    /// The sets of plans that are tested.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.sets.values().map(|reached| &*reached.plans.path)
    }
}

impl Reached {
    fn unreached(&self, plan: &Plan) -> Option<Unreached> {
        let is_new = |part: Part| !self.parts.contains(&(plan.name.clone(), part));
        let levels = (1..).zip(plan.path.iter().map(|level| level.name.clone()));
        let triggers = plan.triggers.iter().map(|trigger| trigger.name.clone());
        let marks = plan.timeframes.iter().flat_map(|timeframe| {
            let marks = timeframe.marks.iter();
            marks.map(|mark| (timeframe.name.clone(), mark.text.clone()))
        });
        let unreached = Unreached {
            path: self.plans.path.clone(),
            plan: plan.name.clone(),
            is_whole: is_new(Part::Plan),
            levels: levels
                .filter(|(level, _)| is_new(Part::Level(*level)))
                .collect(),
            triggers: triggers
                .filter(|name| is_new(Part::Trigger(name.clone())))
                .collect(),
            marks: marks
                .filter(|(name, mark)| is_new(Part::Mark(name.clone(), mark.clone())))
                .collect(),
        };
        let is_reached = !unreached.is_whole
            && unreached.levels.is_empty()
            && unreached.triggers.is_empty()
            && unreached.marks.is_empty();
        (!is_reached).then_some(unreached)
    }
}
