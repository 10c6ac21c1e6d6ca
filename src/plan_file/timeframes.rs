//! `timeframes:` promises with a clock: kind, length, pauses and marks.

use std::collections::BTreeMap;

use escalator_engine::condition::Field;
use escalator_engine::moment::Pause;
use escalator_engine::plan::{MatrixField, OnReopen, Timeframe, TimeframeKind, Within};
use escalator_engine::ticket::{Text, TextField};

use super::marks;
use super::moments;
use super::node::{Entry, Node, Value};
use super::plans::Frame;
use super::problem::Code;
use super::reader::Reader;
use super::scope::Scope;

/// Timeframes of a plan; each is a clock that every ticket of the plan carries.
const TIMEFRAMES_MAX: usize = 100;

/// Rows of an escalation matrix; one a priority, a tier or an organization.
const ROWS_MAX: usize = 1000;

const KEYS: [&str; 9] = [
    "kind",
    "within",
    "calendar",
    "pause",
    "on_reopen",
    "marks",
    "start",
    "stop",
    "reset",
];

/// Reads the timeframes of a plan, in order of name.
pub(super) fn collect(reader: &mut Reader, frame: &Frame<'_>, node: &Node) -> Vec<Timeframe> {
    let mut entries = reader.entries_of(node, "`timeframes`", TIMEFRAMES_MAX, "timeframes");
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
        .into_iter()
        .filter_map(|entry| timeframe(reader, frame, entry))
        .collect()
}

fn timeframe(reader: &mut Reader, frame: &Frame<'_>, entry: &Entry) -> Option<Timeframe> {
    reader.check_name(&entry.key, entry.place, "the timeframe's name");
    let fields = reader.map(&entry.node, "a timeframe", &KEYS);
    let kind = kind(reader, entry, fields.get("kind"));
    let moments = moments::collect(reader, frame.scope, entry, &fields, kind);
    let errors_before = reader.error_count();
    let within = match reader.required(&fields, "within", "a timeframe") {
        Some(node) => within(reader, frame.scope, node),
        None => Within::Fixed(escalator_engine::length::Length::default()),
    };
    // Marks are not measured by what stands in for a length that could not be read.
    let has_length = reader.error_count() == errors_before;
    let calendar = match fields.get("calendar") {
        Some(node) => frame.scope.calendar(reader, node),
        None => frame.calendar.clone(),
    };
    let pause = fields
        .get("pause")
        .map(|node| moments::pause(reader, frame.scope, node));
    let on_reopen = match fields.get("on_reopen") {
        Some(node) => reader.word(node, "`on_reopen`", &ON_REOPEN),
        None => OnReopen::default(),
    };
    let marks = match fields.get("marks") {
        Some(node) => marks::collect(reader, frame, node, has_length.then_some(&within)),
        None => Vec::new(),
    };
    let kind = kind?;
    Some(Timeframe {
        name: (&*entry.key).into(),
        kind,
        within,
        calendar,
        pause: pause.unwrap_or_else(|| Pause::In(kind.default_pause())),
        moments,
        on_reopen,
        marks,
    })
}

const ON_REOPEN: [(&str, OnReopen); 3] = [
    ("resume", OnReopen::Resume),
    ("restart", OnReopen::Restart),
    ("ignore", OnReopen::Ignore),
];

fn kind(reader: &mut Reader, entry: &Entry, node: Option<&Node>) -> Option<TimeframeKind> {
    let names = TimeframeKind::ALL.map(TimeframeKind::name);
    match node {
        Some(node) => {
            let text = reader.scalar(node, "`kind`")?;
            let kind = TimeframeKind::named(text);
            if kind.is_none() {
                reader.report_unknown(
                    Code::UnknownWord,
                    node.place,
                    &format!("the kind of a timeframe cannot be `{text}`"),
                    (text, "the kinds are"),
                    &names,
                );
            }
            kind
        }
        None => {
            let kind = TimeframeKind::named(&entry.key);
            if kind.is_none() {
                reader.report_unknown(
                    Code::UnknownKind,
                    entry.place,
                    &format!("`{}` is no kind of timeframe", entry.key),
                    (&entry.key, "give it a `kind:`; the kinds are"),
                    &names,
                );
            }
            kind
        }
    }
}

fn within(reader: &mut Reader, scope: &Scope, node: &Node) -> Within {
    if !matches!(node.value, Value::Map(_)) {
        return Within::Fixed(reader.length(node, "`within`"));
    }
    let mut field = None;
    let mut default = None;
    let mut values = BTreeMap::new();
    let entries = reader.entries_of(node, "`within`", ROWS_MAX, "rows of a matrix");
    if let Some(by) = entries.iter().find(|entry| entry.key == "by") {
        field = matrix_field(reader, &by.node);
    } else {
        reader.report(
            Code::MissingKey,
            node.place,
            "an escalation matrix needs the key `by`",
            "name the field that chooses the row, as in `by: priority`",
        );
    }
    let by_priority = field == Some(MatrixField::Text(TextField::Priority));
    for entry in entries {
        match &*entry.key {
            "by" => {}
            "default" => default = Some(reader.length(&entry.node, "`default`")),
            value => {
                if by_priority && !scope.has_priority(value) {
                    scope.unknown_priority(reader, entry.place, value);
                }
                let length = reader.length(&entry.node, "the length of a row");
                values.insert(Text::from(value), length);
            }
        }
    }
    if values.is_empty() && default.is_none() {
        reader.report(
            Code::BadMatrix,
            node.place,
            "the escalation matrix has no rows",
            "add a row a value, as in `{ by: priority, high: 1h, default: 4h }`",
        );
    }
    Within::By {
        field: field.unwrap_or(MatrixField::Text(TextField::Priority)),
        values,
        default,
    }
}

fn matrix_field(reader: &mut Reader, node: &Node) -> Option<MatrixField> {
    let name = reader.scalar(node, "`by`")?;
    match Field::named(name) {
        Some(Field::Text(field)) => return Some(MatrixField::Text(field)),
        Some(Field::Label(label)) => {
            reader.check_name(&label, node.place, "the label's name");
            return Some(MatrixField::Label(label));
        }
        Some(Field::Number(_) | Field::Tags | Field::StatusCategory | Field::Counter(_)) | None => {
        }
    }
    let mut names = TextField::ALL.map(TextField::name).to_vec();
    names.push("labels.NAME");
    reader.report_unknown(
        Code::BadMatrix,
        node.place,
        &format!("an escalation matrix cannot go by `{name}`"),
        (name, "it goes by a field that holds a text:"),
        &names,
    );
    None
}
