//! `path:` the ladder of levels: who is told, what is asked of the ticketing system, and the waits.

use escalator_engine::calendar::Calendar;
use escalator_engine::plan::{Assign, Level, LevelKind, Repeat, Unless};
use escalator_engine::status::CategorySet;

use super::node::{Node, Value};
use super::problem::Code;
use super::reader::Reader;
use super::scope::Scope;
use super::statuses;

/// Levels of a path; real ladders have three to five.
pub(super) const LEVELS_MAX: usize = 100;

/// Repeats of a level; more is a mistake in the plan and a flood for those who are told.
const REPEATS_MAX: u32 = 1000;

const KEYS: [&str; 9] = [
    "name",
    "kind",
    "notify",
    "assign",
    "repeat",
    "next_after",
    "unless",
    "pause",
    "calendar",
];

/// Reads the levels of a plan; the first is level 1.
pub(super) fn collect(reader: &mut Reader, scope: &Scope, node: &Node) -> Vec<Level> {
    let nodes = reader.list_of(node, "`path`", LEVELS_MAX, "levels");
    nodes
        .iter()
        .zip(1..)
        .map(|(node, number)| level(reader, scope, node, number))
        .collect()
}

fn level(reader: &mut Reader, scope: &Scope, node: &Node, number: u32) -> Level {
    let fields = reader.map(node, "a level", &KEYS);
    Level {
        name: match fields.get("name") {
            Some(node) => reader.name(node, "the level's name"),
            None => format!("level {number}").into(),
        },
        kind: match fields.get("kind") {
            Some(node) => reader.word(node, "the kind of a level", &KINDS),
            None => LevelKind::default(),
        },
        notify: match fields.get("notify") {
            Some(node) => scope.addresses(reader, node, "`notify`"),
            None => Vec::new(),
        },
        assign: fields.get("assign").map(|node| assign(reader, node)),
        repeat: fields.get("repeat").map(|node| repeat(reader, node)),
        next_after: fields
            .get("next_after")
            .map(|node| reader.wait(node, "`next_after`")),
        unless: match fields.get("unless") {
            Some(node) => reader.word(node, "`unless`", &UNLESS),
            None => Unless::default(),
        },
        pause: match fields.get("pause") {
            Some(node) => statuses::categories(reader, node),
            None => CategorySet::default(),
        },
        calendar: match fields.get("calendar") {
            Some(node) => scope.calendar(reader, node),
            None => Calendar::Always,
        },
    }
}

const KINDS: [(&str, LevelKind); 3] = [
    ("functional", LevelKind::Functional),
    ("hierarchical", LevelKind::Hierarchical),
    ("external", LevelKind::External),
];

const UNLESS: [(&str, Unless); 2] = [
    ("acknowledged", Unless::Acknowledged),
    ("resolved", Unless::Resolved),
];

fn assign(reader: &mut Reader, node: &Node) -> Assign {
    let fields = reader.map(node, "`assign`", &["queue", "assignee"]);
    let assign = Assign {
        queue: fields
            .get("queue")
            .map(|node| reader.name(node, "the queue")),
        assignee: fields
            .get("assignee")
            .map(|node| reader.name(node, "the assignee")),
    };
    if assign == Assign::default() && matches!(&node.value, Value::Map(m) if m.is_empty()) {
        reader.report(
            Code::MissingKey,
            node.place,
            "`assign` needs a queue or an assignee",
            "write `assign: { queue: NAME }`, or leave `assign` out",
        );
    }
    assign
}

fn repeat(reader: &mut Reader, node: &Node) -> Repeat {
    let fields = reader.map(node, "`repeat`", &["every", "times"]);
    let every = match reader.required(&fields, "every", "`repeat`") {
        Some(node) => reader.wait(node, "`every`"),
        None => escalator_engine::length::Length::default(),
    };
    let times = match reader.required(&fields, "times", "`repeat`") {
        Some(node) => reader.number(node, "`times`", 1..=REPEATS_MAX),
        None => 1,
    };
    Repeat { every, times }
}
