//! Where values come from, and what is done with them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::conditions::condition;
use crate::mapping::{Choice, Form, Origin, Path, Value};
use crate::plan_file::calendars::unknown_time_zone;
use crate::plan_file::node::{self, Node};
use crate::plan_file::problem::{Code, Place};
use crate::plan_file::reader::{Fields, Reader};

/// Texts of one table.
const TABLE_MAX: usize = 1000;

/// Places that are tried for one value.
const CHOICES_MAX: usize = 16;

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// One value.
    Text,
    /// A list of texts.
    Texts,
    /// An instant.
    Instant,
}

/// Reads a value: a path, a map that says more, or a list of these, of which the first that gives
/// something counts.
pub(super) fn value(reader: &mut Reader, node: &Node, what: &str, wants: Wants) -> Option<Value> {
    let node::Value::List(_) = &node.value else {
        return Some(Value::new(vec![choice(reader, node, what, wants)?]));
    };
    let nodes = reader.list_of(node, what, CHOICES_MAX, "choices");
    if nodes.is_empty() {
        bad_path(reader, node.place, &format!("{what} has an empty list"));
        return None;
    }
    let choices = nodes.iter();
    let choices: Vec<_> = choices
        .map(|node| choice(reader, node, what, wants))
        .collect();
    Some(Value::new(choices.into_iter().collect::<Option<_>>()?))
}

fn choice(reader: &mut Reader, node: &Node, what: &str, wants: Wants) -> Option<Choice> {
    if let node::Value::Scalar(text) = &node.value {
        return Some(Choice::of(Origin::Path(path(reader, text, node.place)?)));
    }
    let mut keys = vec!["when", "path", "value", "values", "default"];
    keys.extend(match wants {
        Wants::Text => &["prefix"][..],
        Wants::Texts => &["prefix", "split"][..],
        Wants::Instant => &["form", "time_zone"][..],
    });
    let fields = reader.map(node, what, &keys);
    let when = fields.get("when");
    let when = when.map(|node| condition(reader, node, "`when`"));
    let from = origin(reader, &fields, what);
    let table = fields.get("values");
    let table = table.map(|node| table_of(reader, node));
    let default = text(reader, &fields, "default");
    if let (Some(entry), None) = (fields.entry("default"), &table) {
        reader.report(
            Code::MissingKey,
            entry.place,
            "`default` is for what is not in `values`, of which there are none",
            "add `values: { FROM: TO }`, or leave `default` out",
        );
    }
    let prefix = text(reader, &fields, "prefix");
    let split = text(reader, &fields, "split");
    let form = form(reader, &fields);
    Some(Choice {
        when,
        table: table.unwrap_or_default(),
        default,
        prefix: prefix.unwrap_or_default(),
        form,
        split: split.filter(|split| !split.is_empty()),
        ..Choice::of(from?)
    })
}

fn text(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.get(key)?;
    Some(reader.scalar(node, &format!("`{key}`"))?.to_owned())
}

fn origin(reader: &mut Reader, fields: &Fields<'_>, what: &str) -> Option<Origin> {
    match (fields.get("path"), fields.get("value")) {
        (Some(node), None) => {
            let text = reader.scalar(node, "`path`")?;
            path(reader, text, node.place).map(Origin::Path)
        }
        (None, Some(_)) => text(reader, fields, "value").map(|text| Origin::Constant(text.into())),
        (path, _) => {
            let wrong = match path {
                Some(_) => "both `path` and `value`",
                None => "neither `path` nor `value`",
            };
            reader.report(
                Code::MissingKey,
                fields.place,
                &format!("{what} has {wrong}"),
                "write `path: …` for what stands in the record, or `value: …` for what is always \
                 the same",
            );
            None
        }
    }
}

/// Reads a path.
pub(super) fn path(reader: &mut Reader, text: &str, place: Place) -> Option<Path> {
    match text.parse() {
        Ok(path) => Some(path),
        Err(error) => {
            bad_path(reader, place, &format!("`{text}` is no path: {error}"));
            None
        }
    }
}

fn bad_path(reader: &mut Reader, place: Place, message: &str) {
    reader.report(
        Code::BadPath,
        place,
        message,
        "write names with dots between them, as in `issue.fields.labels[]` or \
         `items[field=status].to`",
    );
}

fn table_of(reader: &mut Reader, node: &Node) -> BTreeMap<String, Option<String>> {
    let entries = reader.entries_of(node, "`values`", TABLE_MAX, "values");
    let mut table = BTreeMap::new();
    for entry in entries {
        let to = match &entry.node.value {
            node::Value::Null => Some(None),
            node::Value::Scalar(_) | node::Value::List(_) | node::Value::Map(_) => {
                let what = format!("the value for `{}`", entry.key);
                reader
                    .scalar(&entry.node, &what)
                    .map(|to| Some(to.to_owned()))
            }
        };
        table.extend(to.map(|to| (entry.key.clone(), to)));
    }
    table
}

fn form(reader: &mut Reader, fields: &Fields<'_>) -> Form {
    let zone = fields.get("time_zone").and_then(|node| {
        let name = reader.scalar(node, "`time_zone`")?;
        let zone = TimeZone::get(name).ok();
        if zone.is_none() {
            unknown_time_zone(reader, node.place, name);
        }
        zone
    });
    let Some(node) = fields.get("form") else {
        idle_zone(reader, fields);
        return Form::Rfc3339;
    };
    let Some(text) = reader.scalar(node, "`form`") else {
        return Form::Rfc3339;
    };
    let form = match text {
        "rfc3339" => Form::Rfc3339,
        "millis" => Form::Millis,
        "seconds" => Form::Seconds,
        pattern => {
            let form = Form::pattern(pattern, zone.unwrap_or(TimeZone::UTC));
            return form.unwrap_or_else(|| {
                reader.report(
                    Code::BadForm,
                    node.place,
                    &format!("no instant can be read by `{pattern}`"),
                    "write rfc3339, millis or seconds, or a pattern with a date and a time, as in \
                     `%Y-%m-%d %H:%M:%S`",
                );
                Form::Rfc3339
            });
        }
    };
    idle_zone(reader, fields);
    form
}

/// A time zone that nothing is read in.
fn idle_zone(reader: &mut Reader, fields: &Fields<'_>) {
    if let Some(entry) = fields.entry("time_zone") {
        reader.report(
            Code::KeyWithoutEffect,
            entry.place,
            "`time_zone` has no effect here: only a pattern may leave open which one is meant",
            "leave it out, or write the pattern as `form`",
        );
    }
}
