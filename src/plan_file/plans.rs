//! `plans:` one plan: its match, its clocks, its triggers and its ladder.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::calendar::Calendar;
use escalator_engine::condition::Condition;
use escalator_engine::plan::{InFlight, Plan, Resolution};
use escalator_engine::ticket::Text;
use escalator_engine::time::Duration;

use super::conditions::condition;
use super::node::{Node, Value};
use super::problem::{Code, Place, Problem};
use super::reader::{Fields, Reader};
use super::scope::{Scope, twice};
use super::{communication, path, resolution, timeframes, triggers};

/// Plans of a set; each may be tried for every ticket.
const PLANS_MAX: usize = 1000;

/// Decisions later than a day are history, not news.
const STALE_AFTER: Duration = Duration::from_secs(86_400);

const KEYS: [&str; 12] = [
    "name",
    "match",
    "calendar",
    "in_flight",
    "timeframes",
    "triggers",
    "path",
    "acknowledgement_lasts",
    "stale_after",
    "notify_skipped",
    "communication",
    "resolution",
];

/// What the parts of one plan need of it.
#[derive(Debug)]
pub(super) struct Frame<'s> {
    /// What can be referred to.
    pub(super) scope: &'s Scope,
    /// The calendar of timeframes that name none.
    pub(super) calendar: Calendar,
    /// How many levels the path has.
    levels: usize,
}

impl Frame<'_> {
    /// A level of the path that a mark or a trigger asks for.
    pub(super) fn level(&self, reader: &mut Reader, node: &Node, what: &str) -> u32 {
        let max = u32::try_from(path::LEVELS_MAX).unwrap_or(u32::MAX);
        let level = reader.number(node, what, 1..=max);
        if level as usize > self.levels && matches!(&node.value, Value::Scalar(_)) {
            let message = match self.levels {
                0 => "the plan has no path, so there is no level to ask for".to_owned(),
                1 => format!("there is no level {level}, the path has 1"),
                levels => format!("there is no level {level}, the path has {levels}"),
            };
            reader.report(
                Code::BeyondPath,
                node.place,
                &message,
                "add levels to `path`, or ask for one that is there",
            );
        }
        level
    }
}

/// A plan and where its name stands.
#[derive(Debug)]
pub(super) struct Placed {
    /// The plan.
    pub(super) plan: Arc<Plan>,
    /// Where its name stands.
    pub(super) place: Place,
}

/// The plans of all files, in order.
#[derive(Debug, Default)]
pub(super) struct Plans {
    plans: Vec<Placed>,
    names: BTreeMap<Text, Place>,
}

impl Plans {
    /// Adds the plans of one file after those of the files before.
    pub(super) fn add(&mut self, reader: &mut Reader, scope: &Scope, node: &Node) {
        for node in reader.list(node, "`plans`") {
            let plan = plan(reader, scope, node);
            let place = name_place(node);
            match self.names.get(&plan.name) {
                Some(first) => reader.push(twice("plan", &plan.name, place, *first)),
                // A plan without a name was reported and is no namesake of others.
                None if plan.name.is_empty() => {}
                None => {
                    self.names.insert(plan.name.clone(), place);
                }
            }
            let plan = Arc::new(plan);
            self.plans.push(Placed { plan, place });
        }
        reader.at_most(self.plans.len(), PLANS_MAX, node.place, "plans");
    }

    /// The plans in order.
    pub(super) fn into_list(self) -> Vec<Placed> {
        self.plans
    }
}

/// Where the name of a plan or a trigger stands.
pub(super) fn name_place(node: &Node) -> Place {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .find(|entry| entry.key == "name")
            .map_or(node.place, |entry| entry.node.place),
        Value::Null | Value::Scalar(_) | Value::List(_) => node.place,
    }
}

fn plan(reader: &mut Reader, scope: &Scope, node: &Node) -> Plan {
    let fields = reader.map(node, "a plan", &KEYS);
    let name = match reader.required(&fields, "name", "a plan") {
        Some(node) => reader.name(node, "the plan's name"),
        None => Text::from(""),
    };
    let matching = match fields.get("match") {
        Some(node) => condition(reader, scope, node, "`match`"),
        None => Condition::default(),
    };
    let calendar = match fields.get("calendar") {
        Some(node) => scope.calendar(reader, node),
        None => Calendar::Always,
    };
    let path = match fields.get("path") {
        Some(node) => path::collect(reader, scope, node),
        None => Vec::new(),
    };
    let frame = Frame {
        scope,
        calendar,
        levels: path.len(),
    };
    let timeframes = match fields.get("timeframes") {
        Some(node) => timeframes::collect(reader, &frame, node),
        None => Vec::new(),
    };
    let triggers = match fields.get("triggers") {
        Some(node) => triggers::collect(reader, &frame, node),
        None => Vec::new(),
    };
    let communication = fields
        .get("communication")
        .and_then(|node| communication::communication(reader, scope, node));
    let resolution = match fields.get("resolution") {
        Some(node) => resolution::resolution(reader, &frame, node),
        None => Resolution::default(),
    };
    Plan {
        name,
        matching,
        in_flight: match fields.get("in_flight") {
            Some(node) => reader.word(node, "`in_flight`", &IN_FLIGHT),
            None => InFlight::default(),
        },
        timeframes,
        triggers,
        path,
        acknowledgement_lasts: fields
            .get("acknowledgement_lasts")
            .map(|node| reader.wait(node, "`acknowledgement_lasts`")),
        stale_after: stale_after(reader, &fields),
        notify_skipped: match fields.get("notify_skipped") {
            Some(node) => reader.truth(node, "`notify_skipped`"),
            None => false,
        },
        communication,
        resolution,
    }
}

const IN_FLIGHT: [(&str, InFlight); 3] = [
    ("keep", InFlight::Keep),
    ("adopt", InFlight::Adopt),
    ("restart", InFlight::Restart),
];

fn stale_after(reader: &mut Reader, fields: &Fields<'_>) -> Option<Duration> {
    let Some(node) = fields.get("stale_after") else {
        return Some(STALE_AFTER);
    };
    match &node.value {
        Value::Scalar(text) if text == "none" => None,
        Value::Null | Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
            Some(reader.duration(node, "`stale_after`"))
        }
    }
}

/// Warns of plans that no ticket can reach.
pub(super) fn warn_of_unreachable(reader: &mut Reader, plans: &[Placed]) {
    for (index, later) in plans.iter().enumerate() {
        let earlier = plans[..index].iter().find(|earlier| {
            takes_all(&earlier.plan.matching) || earlier.plan.matching == later.plan.matching
        });
        if let Some(earlier) = earlier {
            reader.push(
                Problem::new(
                    Code::UnreachablePlan,
                    later.place,
                    &format!(
                        "no ticket reaches the plan `{}`: `{}` takes them all",
                        later.plan.name, earlier.plan.name
                    ),
                    "put the plan with the narrower `match` first",
                )
                .with_other(earlier.place, "this plan comes first"),
            );
        }
    }
}

fn takes_all(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(takes_all),
        Condition::Any(parts) => parts.iter().any(takes_all),
        Condition::Not(_) => false,
        Condition::Field(_, tests) => tests.is_empty(),
        Condition::Expression(expression) => expression.source().trim() == "true",
    }
}
