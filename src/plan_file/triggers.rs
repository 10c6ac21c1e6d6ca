//! `triggers:` conditions that escalate at once, or after having held for a while.

use std::collections::BTreeMap;

use escalator_engine::calendar::Calendar;
use escalator_engine::condition::Condition;
use escalator_engine::plan::{Nature, Trigger};

use super::conditions::condition;
use super::node::{Node, Value};
use super::plans::Frame;
use super::reader::Reader;
use super::scope::twice;

/// Triggers of a plan; each is evaluated after every fact.
const TRIGGERS_MAX: usize = 100;

const KEYS: [&str; 6] = ["name", "when", "for", "level", "nature", "calendar"];

/// Reads the triggers of a plan.
pub(super) fn collect(reader: &mut Reader, frame: &Frame<'_>, node: &Node) -> Vec<Trigger> {
    let nodes = reader.list_of(node, "`triggers`", TRIGGERS_MAX, "triggers");
    let mut names = BTreeMap::new();
    let mut triggers = Vec::new();
    for node in nodes {
        let trigger = trigger(reader, frame, node);
        let place = super::plans::name_place(node);
        if matches!(node.value, Value::Map(_)) && !trigger.name.is_empty() {
            match names.get(&trigger.name) {
                Some(first) => reader.push(twice("trigger", &trigger.name, place, *first)),
                None => {
                    names.insert(trigger.name.clone(), place);
                }
            }
        }
        triggers.push(trigger);
    }
    triggers
}

fn trigger(reader: &mut Reader, frame: &Frame<'_>, node: &Node) -> Trigger {
    let fields = reader.map(node, "a trigger", &KEYS);
    let name = match reader.required(&fields, "name", "a trigger") {
        Some(node) => reader.name(node, "the trigger's name"),
        None => "".into(),
    };
    let when = match reader.required(&fields, "when", "a trigger") {
        Some(node) => condition(reader, frame.scope, node, "`when`"),
        None => Condition::default(),
    };
    let level = match reader.required(&fields, "level", "a trigger") {
        Some(node) => frame.level(reader, node, "`level`"),
        None => 1,
    };
    Trigger {
        name,
        when,
        hold: fields.get("for").map(|node| reader.wait(node, "`for`")),
        calendar: match fields.get("calendar") {
            Some(node) => frame.scope.calendar(reader, node),
            None => Calendar::Always,
        },
        level,
        nature: match fields.get("nature") {
            Some(node) => reader.word(node, "`nature`", &NATURES),
            None => Nature::default(),
        },
    }
}

const NATURES: [(&str, Nature); 2] = [
    ("problem", Nature::Problem),
    ("opportunity", Nature::Opportunity),
];
