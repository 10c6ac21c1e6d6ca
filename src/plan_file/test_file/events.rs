//! `events:` what goes in: the contract's events, with the time of the test in place of
//! `occurred_at`.
//!
//! A scalar of YAML has no type of its own, so each field says what its value becomes in JSON.

use escalator_engine::fact::ActivityKind;
use escalator_engine::ticket::{Text, TextField};
use serde_json::{Map, Value as Json};

use super::TestEvent;
use super::times::Times;
use crate::plan_file::node::{Entry, Node, Value};
use crate::plan_file::problem::{Code, Place};
use crate::plan_file::reader::Reader;

const CREATED_KEYS: [&str; 5] = ["ticket_id", "event_id", "version", "source", "ticket"];
const UPDATED_KEYS: [&str; 7] = [
    "ticket_id",
    "event_id",
    "version",
    "source",
    "changes",
    "unset",
    "activities",
];
const ACTIVITY_KEYS: [&str; 5] = ["kind", "actor", "level", "until", "note"];

/// Fields of a ticket that hold no text.
const OTHER_FIELDS: [&str; 4] = ["severity", "satisfaction", "tags", "labels"];

/// Numbers of versions and levels; no ticketing system counts further.
const NUMBER_MAX: i64 = 1_000_000_000;

/// Reads the event that stands at this index of the test.
pub(super) fn event(
    reader: &mut Reader,
    times: &Times,
    node: &Node,
    index: usize,
) -> Option<TestEvent> {
    let fields = reader.map(node, "an event", &["at", "created", "updated"]);
    let at = reader.required(&fields, "at", "an event");
    let at = at.map(|node| times.instant(reader, node, "`at`"));
    let (is_created, inner) = match (fields.get("created"), fields.get("updated")) {
        (Some(created), None) => (true, created),
        (None, Some(updated)) => (false, updated),
        (created, _) => {
            let wrong = match created {
                Some(_) => "both `created` and `updated`",
                None => "neither `created` nor `updated`",
            };
            reader.report(
                Code::BadTestEvent,
                node.place,
                &format!("an event is {wrong}"),
                "write one of the two with the ticket's id, as in \
                 `created: { ticket_id: T1, ticket: { status: new } }`",
            );
            return None;
        }
    };
    let before = reader.problem_count();
    let at = at?;
    let mut value = Map::new();
    value.insert("occurred_at".to_owned(), at.to_string().into());
    let status = body(reader, times, inner, is_created, &mut value);
    // Events without an id are told apart by it, and those of one instant keep their order. An id
    // that the test writes may be any text; one that begins with a control character is none that
    // people write.
    let id = format!("\u{1}{index:09}");
    value.entry("event_id").or_insert_with(|| id.into());
    let ticket_id = value.get("ticket_id").and_then(Json::as_str);
    let ticket_id = Text::from(ticket_id.unwrap_or_default());
    (reader.problem_count() == before).then_some(TestEvent {
        place: inner.place,
        at,
        is_created,
        ticket_id,
        value: Json::Object(value),
        status,
    })
}

/// The fields of a created event or an update; answers the status word among them.
fn body(
    reader: &mut Reader,
    times: &Times,
    node: &Node,
    is_created: bool,
    value: &mut Map<String, Json>,
) -> Option<(Text, Place)> {
    let (what, keys) = if is_created {
        ("a created event", &CREATED_KEYS[..])
    } else {
        ("an update", &UPDATED_KEYS[..])
    };
    let fields = reader.map(node, what, keys);
    if let Some(node) = reader.required(&fields, "ticket_id", what) {
        let id = reader.name(node, "the ticket's id");
        value.insert("ticket_id".to_owned(), id.to_string().into());
    }
    for key in ["event_id", "source"] {
        if let Some(node) = fields.get(key) {
            value.insert(key.to_owned(), text(reader, node, &format!("`{key}`")));
        }
    }
    if let Some(node) = fields.get("version") {
        let version = reader.number(node, "`version`", 0..=NUMBER_MAX);
        value.insert("version".to_owned(), version.into());
    }
    let key = if is_created { "ticket" } else { "changes" };
    let ticket = if is_created {
        reader.required(&fields, key, what)
    } else {
        fields.get(key)
    };
    let mut status = None;
    if let Some(node) = ticket {
        status = status_word(node);
        value.insert(key.to_owned(), self::ticket(reader, node));
    }
    if let Some(node) = fields.get("unset") {
        value.insert("unset".to_owned(), unset(reader, node));
    }
    if let Some(node) = fields.get("activities") {
        let activities = reader.list(node, "`activities`").iter();
        let activities = activities.map(|node| activity(reader, times, node));
        value.insert("activities".to_owned(), activities.collect());
    }
    status
}

/// The fields of a ticket, as events carry them.
pub(super) fn ticket(reader: &mut Reader, node: &Node) -> Json {
    let mut keys: Vec<&str> = TextField::ALL.map(TextField::name).to_vec();
    keys.extend(OTHER_FIELDS);
    let fields = reader.map(node, "a ticket", &keys);
    let mut ticket = Map::new();
    for key in keys {
        let Some(node) = fields.get(key) else {
            continue;
        };
        let what = format!("`{key}`");
        let value = match (&node.value, key) {
            (Value::Null, _) => Json::Null,
            (_, "severity") => real(reader, node, &what, None),
            (_, "satisfaction") => real(reader, node, &what, Some(1.0)),
            (_, "tags") => texts(reader, node, &what),
            (_, "labels") => {
                let labels = reader.entries(node, &what).into_iter();
                let labels = labels.map(|entry| label(reader, entry));
                labels.collect::<Map<_, _>>().into()
            }
            _ => text(reader, node, &what),
        };
        ticket.insert(key.to_owned(), value);
    }
    Json::Object(ticket)
}

fn label(reader: &mut Reader, entry: &Entry) -> (String, Json) {
    let what = format!("the label `{}`", entry.key);
    (entry.key.clone(), text(reader, &entry.node, &what))
}

/// A list of texts.
pub(super) fn texts(reader: &mut Reader, node: &Node, what: &str) -> Json {
    let nodes = reader.list(node, what).iter();
    let texts = nodes.map(|node| Json::from(reader.scalar(node, what).unwrap_or_default()));
    texts.collect()
}

/// A text or null.
pub(super) fn text(reader: &mut Reader, node: &Node, what: &str) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
            reader.scalar(node, what).map_or(Json::Null, Json::from)
        }
    }
}

/// A number with a fraction, from 0 to the bound when there is one.
fn real(reader: &mut Reader, node: &Node, what: &str, max: Option<f64>) -> Json {
    let Some(text) = reader.scalar(node, what) else {
        return Json::Null;
    };
    let number = text.parse().ok().filter(|number: &f64| match max {
        Some(max) => (0.0..=max).contains(number),
        None => number.is_finite(),
    });
    if number.is_none() {
        let remedy = match max {
            Some(max) => format!("write a number from 0 to {max}"),
            None => "write a number".to_owned(),
        };
        let message = format!("{what} cannot be `{text}`");
        reader.report(Code::BadNumber, node.place, &message, &remedy);
    }
    number.map_or(Json::Null, Json::from)
}

fn status_word(ticket: &Node) -> Option<(Text, Place)> {
    let Value::Map(entries) = &ticket.value else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key == "status")?;
    match &entry.node.value {
        Value::Scalar(word) => Some((word.as_str().into(), entry.node.place)),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn unset(reader: &mut Reader, node: &Node) -> Json {
    let mut names: Vec<&str> = TextField::ALL.map(TextField::name).to_vec();
    names.extend(OTHER_FIELDS);
    for node in reader.list(node, "`unset`") {
        let Some(name) = reader.scalar(node, "a field of `unset`") else {
            continue;
        };
        if !names.contains(&name) && !name.starts_with("labels.") {
            names.push("labels.NAME");
            let message = format!("tickets have no field `{name}`");
            let meant = (name, "the fields are");
            reader.report_unknown(Code::UnknownWord, node.place, &message, meant, &names);
            names.pop();
        }
    }
    texts(reader, node, "`unset`")
}

fn activity(reader: &mut Reader, times: &Times, node: &Node) -> Json {
    let fields = reader.map(node, "an activity", &ACTIVITY_KEYS);
    let mut activity = Map::new();
    if let Some(node) = reader.required(&fields, "kind", "an activity") {
        let kinds = ActivityKind::ALL.map(|kind| (kind.name(), ()));
        reader.word(node, "the kind of an activity", &kinds);
        activity.insert("kind".to_owned(), text(reader, node, "the kind"));
    }
    for key in ["actor", "note"] {
        if let Some(node) = fields.get(key) {
            activity.insert(key.to_owned(), text(reader, node, &format!("`{key}`")));
        }
    }
    if let Some(node) = fields.get("level") {
        let level = reader.number(node, "`level`", 0..=NUMBER_MAX);
        activity.insert("level".to_owned(), level.into());
    }
    if let Some(node) = fields.get("until") {
        let until = times.instant(reader, node, "`until`");
        activity.insert("until".to_owned(), until.to_string().into());
    }
    Json::Object(activity)
}
