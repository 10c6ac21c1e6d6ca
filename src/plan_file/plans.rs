//! `plans:` one plan: its match, its clocks, its triggers and its ladder.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::calendar::Calendar;
use escalator_engine::condition::Condition;
use escalator_engine::plan::{InFlight, Plan, Resolution, Timeframe};
use escalator_engine::ticket::Text;
use escalator_engine::time::Duration;

use super::conditions::condition;
use super::node::{Node, Value};
use super::problem::{Code, Place};
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

/// A plan and where it stands.
#[derive(Debug)]
pub(super) struct Placed<'n> {
    /// The plan.
    pub(super) plan: Arc<Plan>,
    /// Where its name stands.
    pub(super) place: Place,
    /// As it is written.
    pub(super) node: &'n Node,
    /// Whether it is without an error, so that it is what it is written as.
    pub(super) is_sound: bool,
}

impl Placed<'_> {
    /// Its timeframes, each as it is written.
    pub(super) fn timeframes(&self) -> impl Iterator<Item = (&Timeframe, &Node)> {
        let nodes = self.node.get("timeframes");
        let timeframes = self.plan.timeframes.iter();
        timeframes.filter_map(move |it| Some((it, nodes?.get(&it.name)?)))
    }
}

/// The plans of all files, in order.
#[derive(Debug, Default)]
pub(super) struct Plans<'n> {
    plans: Vec<Placed<'n>>,
    names: BTreeMap<Text, Place>,
}

impl<'n> Plans<'n> {
    /// Adds the plans of one file after those of the files before.
    pub(super) fn add(&mut self, reader: &mut Reader, scope: &Scope, node: &'n Node) {
        // Those of the files before count, too.
        let max = PLANS_MAX - self.plans.len();
        let items = match self.plans.len() {
            0 => "plans",
            _ => "plans after those of the files before",
        };
        for node in reader.list_of(node, "`plans`", max, items) {
            let errors = reader.error_count();
            let plan = plan(reader, scope, node);
            let is_sound = reader.is_sound_since(errors);
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
            self.plans.push(Placed {
                plan,
                place,
                node,
                is_sound,
            });
        }
    }

    /// The plans in order.
    pub(super) fn into_list(self) -> Vec<Placed<'n>> {
        self.plans
    }
}

/// Where the name of a plan, a trigger or a level stands; where it begins, when it has none.
pub(super) fn name_place(node: &Node) -> Place {
    node.get("name").map_or(node.place, |name| name.place)
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
