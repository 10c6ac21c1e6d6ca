//! The fields of events out that expectations can ask for, and what may be written for each.

use escalator_engine::effect::{CauseKind, Purpose};
use serde_json::{Map, Value as Json};

use super::Wanted;
use super::events::{text, texts, ticket};
use super::times::Times;
use crate::plan_file::node::{Node, Value};
use crate::plan_file::reader::Reader;

/// Numbers of levels, escalations and cycles, and milliseconds of lateness: a thousand years.
const NUMBER_MAX: i64 = 1000 * 366 * 86_400_000;

/// A key of expectations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// As tests write it.
    pub(super) key: &'static str,
    /// As the event has it.
    pub(super) name: &'static str,
    shape: Shape,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field {
        key: name,
        name,
        shape,
    }
}

/// What may be written for a field.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Text,
    Number,
    Truth,
    Time,
    Nature,
    LevelKind,
    Purpose,
    Cause,
    Assign,
    Texts,
    Ticket,
    Items,
}

/// The fields of `escalated`, in the order of the contract.
pub(super) const ESCALATED: &[Field] = &[
    field("id", Shape::Text),
    field("ordinal", Shape::Number),
    field("source", Shape::Text),
    field("escalation", Shape::Number),
    field("plan", Shape::Text),
    field("plan_revision", Shape::Text),
    field("level", Shape::Number),
    field("previous_level", Shape::Number),
    field("level_name", Shape::Text),
    field("level_kind", Shape::LevelKind),
    field("cause", Shape::Cause),
    field("nature", Shape::Nature),
    field("due_at", Shape::Time),
    field("fired_at", Shape::Time),
    field("lateness_ms", Shape::Number),
    field("notify_suppressed", Shape::Truth),
    Field {
        key: "suppressed",
        name: "notify_suppressed",
        shape: Shape::Truth,
    },
    field("assign", Shape::Assign),
    field("resolution_steps", Shape::Texts),
    field("actor", Shape::Text),
    field("note", Shape::Text),
    field("tz_version", Shape::Text),
    field("ticket", Shape::Ticket),
];

/// The fields of `notify`, in the order of the contract.
pub(super) const NOTIFY: &[Field] = &[
    field("id", Shape::Text),
    field("escalation_event_id", Shape::Text),
    field("source", Shape::Text),
    field("to", Shape::Text),
    field("to_kind", Shape::Text),
    field("channel", Shape::Text),
    field("purpose", Shape::Purpose),
    field("level", Shape::Number),
    field("subject", Shape::Text),
    field("body", Shape::Text),
    field("due_at", Shape::Time),
    field("fired_at", Shape::Time),
    field("lateness_ms", Shape::Number),
    field("plan", Shape::Text),
    field("plan_revision", Shape::Text),
    field("items", Shape::Items),
];

/// Reads what a field must be.
pub(super) fn wanted(reader: &mut Reader, times: &Times, field: &Field, node: &Node) -> Wanted {
    if matches!(node.value, Value::Null) {
        return Wanted::Is(Json::Null);
    }
    let what = format!("`{}`", field.key);
    Wanted::Is(match field.shape {
        Shape::Text if matches!(node.value, Value::Map(_)) => return contains(reader, node, &what),
        Shape::Text => text(reader, node, &what),
        Shape::Number => reader.number(node, &what, 0..=NUMBER_MAX).into(),
        Shape::Truth => reader.truth(node, &what).into(),
        Shape::Time => times.instant(reader, node, &what).to_string().into(),
        Shape::Nature => word(reader, node, &what, &["problem", "opportunity"]),
        Shape::LevelKind => word(
            reader,
            node,
            &what,
            &["functional", "hierarchical", "external"],
        ),
        Shape::Purpose => word(reader, node, &what, &Purpose::ALL.map(Purpose::name)),
        Shape::Cause => return cause(reader, node),
        Shape::Assign => assign(reader, node),
        Shape::Texts => texts(reader, node, &what),
        Shape::Ticket => ticket(reader, node),
        Shape::Items => items(reader, node, &what),
    })
}

fn word(reader: &mut Reader, node: &Node, what: &str, words: &[&str]) -> Json {
    let words: Vec<_> = words.iter().map(|word| (*word, ())).collect();
    reader.word(node, what, &words);
    match &node.value {
        Value::Scalar(word) => word.as_str().into(),
        Value::Null | Value::List(_) | Value::Map(_) => Json::Null,
    }
}

/// A part of a text: bodies are long, and a test is about one thing in them.
fn contains(reader: &mut Reader, node: &Node, what: &str) -> Wanted {
    let fields = reader.map(node, what, &["contains"]);
    let part = reader.required(&fields, "contains", what);
    let part = part.and_then(|node| reader.scalar(node, "`contains`"));
    Wanted::Contains(part.unwrap_or_default().to_owned())
}

fn cause(reader: &mut Reader, node: &Node) -> Wanted {
    if !matches!(node.value, Value::Map(_)) {
        let text = reader.scalar(node, "`cause`").unwrap_or_default();
        return Wanted::Cause(text.to_owned());
    }
    let fields = reader.map(node, "`cause`", &["kind", "name", "mark", "cycle"]);
    let mut cause = Map::new();
    if let Some(node) = fields.get("kind") {
        let kinds = CauseKind::ALL.map(CauseKind::name);
        let kind = word(reader, node, "the kind of a cause", &kinds);
        cause.insert("kind".to_owned(), kind);
    }
    for key in ["name", "mark"] {
        if let Some(node) = fields.get(key) {
            cause.insert(key.to_owned(), text(reader, node, &format!("`{key}`")));
        }
    }
    if let Some(node) = fields.get("cycle") {
        let cycle = match node.value {
            Value::Null => Json::Null,
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
                reader.number(node, "`cycle`", 0..=NUMBER_MAX).into()
            }
        };
        cause.insert("cycle".to_owned(), cycle);
    }
    Wanted::Is(Json::Object(cause))
}

/// What a digest must tell of, in its order; of each item what is asked for.
fn items(reader: &mut Reader, node: &Node, what: &str) -> Json {
    let nodes = reader.list(node, what).iter();
    let items = nodes.map(|node| {
        let keys = ["escalation_event_id", "ticket_id", "purpose"];
        let fields = reader.map(node, "an item of a digest", &keys);
        let mut item = Map::new();
        for key in ["escalation_event_id", "ticket_id"] {
            if let Some(node) = fields.get(key) {
                item.insert(key.to_owned(), text(reader, node, &format!("`{key}`")));
            }
        }
        if let Some(node) = fields.get("purpose") {
            let purposes = Purpose::ALL.map(Purpose::name);
            item.insert(
                "purpose".to_owned(),
                word(reader, node, "`purpose`", &purposes),
            );
        }
        Json::Object(item)
    });
    items.collect()
}

fn assign(reader: &mut Reader, node: &Node) -> Json {
    let fields = reader.map(node, "`assign`", &["queue", "assignee"]);
    let mut assign = Map::new();
    for key in ["queue", "assignee"] {
        if let Some(node) = fields.get(key) {
            assign.insert(key.to_owned(), text(reader, node, &format!("`{key}`")));
        }
    }
    Json::Object(assign)
}
