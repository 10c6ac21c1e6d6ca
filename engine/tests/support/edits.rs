//! Random edits of random plans, and when each becomes known.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::condition::Condition;
use escalator_engine::plan::{InFlight, Plan, Revision};
use escalator_engine::rules::Rules;
use escalator_engine::status::StatusCategory;
use escalator_engine::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{STATUSES, condition, minute, minutes, plan, revision, stormy};

/// Plans with their edits, in the order of their instants.
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    pub(crate) first: Arc<Revision>,
    pub(crate) edits: Vec<Edit>,
}

/// From an instant on another revision is in force.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) at: Timestamp,
    /// So many minutes later it becomes known.
    pub(crate) delay: i64,
    pub(crate) revision: Arc<Revision>,
}

/// What an edit does to a revision.
#[derive(Clone, Debug)]
enum Change {
    Replace(usize, Box<Plan>),
    Timeframes(usize, Box<Plan>),
    Remove(usize),
    Rename(usize),
    Swap,
    Match(usize, u8),
    Priorities,
    Status(usize, usize),
    Back,
    Nothing,
}

impl Edited {
    /// The rules as they are once so many edits are known.
    pub(crate) fn known(&self, count: usize) -> Arc<Rules> {
        let rules = Rules::new(Arc::clone(&self.first));
        let edits = self.edits[..count].iter();
        Arc::new(edits.fold(rules, |rules, edit| {
            rules.with_edit(edit.at, Arc::clone(&edit.revision))
        }))
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.known(self.edits.len())
    }

    /// The same with another answer to what becomes of running tickets, everywhere.
    pub(crate) fn with_in_flight(&self, in_flight: InFlight) -> Self {
        let mut all = self.clone();
        let edits = all.edits.iter_mut().map(|edit| &mut edit.revision);
        for revision in edits.chain([&mut all.first]) {
            let revision = Arc::make_mut(revision);
            for plan in &mut revision.plans {
                Arc::make_mut(plan).in_flight = in_flight;
            }
        }
        all
    }

    /// The same with tickets that are forgotten so many minutes after they are done.
    pub(crate) fn with_forget_after(&self, forget_after: i64) -> Self {
        let mut all = self.clone();
        let edits = all.edits.iter_mut().map(|edit| &mut edit.revision);
        for revision in edits.chain([&mut all.first]) {
            Arc::make_mut(revision).forget_after = Some(minutes(forget_after));
        }
        all
    }

    /// The same with its first plan alone, for every ticket and for all time, and without updates:
    /// of these only the last escalations are remembered.
    pub(crate) fn with_one_plan(&self) -> Self {
        let mut first = Revision::clone(&self.first);
        first.plans.truncate(1);
        for plan in &mut first.plans {
            let plan = Arc::make_mut(plan);
            plan.matching = Condition::default();
            plan.communication = None;
        }
        Self {
            first: Arc::new(first),
            edits: Vec::new(),
        }
    }

    /// When each edit becomes known: late by its delay, and never before the one ahead of it.
    pub(crate) fn arrivals(&self) -> Vec<Timestamp> {
        let mut last = Timestamp::MIN;
        let arrivals = self.edits.iter().map(|edit| {
            last = last.max(edit.at.plus_millis(edit.delay * 60_000));
            last
        });
        arrivals.collect()
    }
}

/// Boxed, as everything large here: a plan by value fills the stack of a test.
fn change() -> BoxedStrategy<Change> {
    let which = || 0_usize..2;
    let plan = || plan("other").prop_map(Box::new).boxed();
    prop_oneof![
        3 => (which(), plan()).prop_map(|(which, plan)| Change::Replace(which, plan)),
        3 => (which(), plan()).prop_map(|(which, plan)| Change::Timeframes(which, plan)),
        1 => which().prop_map(Change::Remove),
        1 => which().prop_map(Change::Rename),
        1 => Just(Change::Swap),
        2 => (which(), any::<u8>()).prop_map(|(which, number)| Change::Match(which, number)),
        1 => Just(Change::Priorities),
        2 => (0..STATUSES.len(), 0..STATUSES.len()).prop_map(|(word, category)| Change::Status(word, category)),
        1 => Just(Change::Back),
        1 => Just(Change::Nothing),
    ]
    .boxed()
}

fn changed(before: &Revision, first: &Revision, change: &Change, id: usize) -> Revision {
    let mut plans: Vec<Plan> = before.plans.iter().map(|plan| Plan::clone(plan)).collect();
    let mut statuses = before.statuses.clone();
    let mut priorities = before.priorities.clone();
    match change {
        Change::Replace(which, plan) => {
            if let Some(old) = plans.get_mut(*which) {
                *old = Plan {
                    name: old.name.clone(),
                    ..Plan::clone(plan)
                };
            }
        }
        Change::Timeframes(which, plan) => {
            if let Some(old) = plans.get_mut(*which) {
                old.timeframes.clone_from(&plan.timeframes);
            }
        }
        Change::Remove(which) => {
            if *which < plans.len() {
                plans.remove(*which);
            }
        }
        Change::Rename(which) => {
            if let Some(plan) = plans.get_mut(*which) {
                plan.name = format!("renamed {id}").into();
            }
        }
        Change::Swap => plans.reverse(),
        Change::Match(which, number) => {
            if let Some(plan) = plans.get_mut(*which) {
                plan.matching = condition(*number);
            }
        }
        Change::Priorities => priorities.reverse(),
        Change::Status(word, category) => {
            statuses.insert(STATUSES[*word].to_owned(), StatusCategory::ALL[*category]);
        }
        Change::Back => {
            plans = first.plans.iter().map(|plan| Plan::clone(plan)).collect();
            statuses = BTreeMap::new();
            priorities.clone_from(&first.priorities);
        }
        Change::Nothing => {}
    }
    let edited = Revision::new(
        format!("r{id}").into(),
        priorities,
        statuses,
        before.targets.clone(),
        before.templates.clone(),
        plans.into_iter().map(Arc::new).collect(),
    );
    edited.with_forget_after(before.forget_after)
}

/// Up to three edits within `horizon` minutes, each known up to `late` minutes after its instant.
pub(crate) fn edited(horizon: i64, late: i64) -> impl Strategy<Value = Edited> {
    edits_of(revision().prop_map(Arc::new).boxed(), horizon, late)
}

/// The same with targets that are told a few times an hour at most.
pub(crate) fn edited_stormy(horizon: i64) -> impl Strategy<Value = Edited> {
    edits_of(stormy().prop_map(Arc::new).boxed(), horizon, 0)
}

fn edits_of(
    first: BoxedStrategy<Arc<Revision>>,
    horizon: i64,
    late: i64,
) -> impl Strategy<Value = Edited> {
    let in_flight = prop_oneof![
        Just(InFlight::Keep),
        Just(InFlight::Adopt),
        Just(InFlight::Restart)
    ];
    let edit = (
        0..horizon,
        0..=late,
        change(),
        [in_flight.clone(), in_flight],
    );
    (first, vec(edit, 1..4)).prop_map(|(first, mut edits)| {
        edits.sort_by_key(|(at, ..)| *at);
        edits.dedup_by_key(|(at, ..)| *at);
        let mut last = Arc::clone(&first);
        let mut edited = Vec::new();
        for (nth, (at, delay, change, in_flight)) in edits.into_iter().enumerate() {
            let mut next = changed(&last, &first, &change, nth + 2);
            for (plan, in_flight) in next.plans.iter_mut().zip(in_flight) {
                Arc::make_mut(plan).in_flight = in_flight;
            }
            last = Arc::new(next);
            edited.push(Edit {
                at: minute(at),
                delay,
                revision: Arc::clone(&last),
            });
        }
        Edited {
            first,
            edits: edited,
        }
    })
}
