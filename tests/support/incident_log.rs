//! The incident log in `tests/data` as events: 24,918 tickets and 141,712 facts of a real help desk.
//!
//! Each incident is one ticket; its rows, ordered by (`sys_updated_at`, `sys_mod_count`, row), are
//! its facts. The first row is a created event dated `opened_at`, or `sys_updated_at` where that is
//! the earlier of the two. Each later row is an update whose `changes` hold what differs from the
//! row before; a field that went back to `?` is named in `unset`, a label that did is null.
//!
//! - `status` is the state's text (-100 means missing: the status before is kept), `priority` 1 to 4
//!   are critical, high, normal and low, `queue` is `assignment_group`, `assignee` `assigned_to`,
//!   `requester` `caller_id`, `channel` `contact_type`; `impact`, `urgency` and `subcategory` are
//!   labels. Times have no zone in the log and are taken as UTC.
//! - The log has no replies. By convention an `agent_reply` is the first row after the first in which
//!   `assigned_to` becomes set, or the state is Active and `assigned_to` is set; a `customer_reply`
//!   is every row after the first that leaves `Awaiting User Info`.
//!
//! Arrival can be disturbed from a seed: records twice, records late, records in any order.

#![expect(
    clippy::unwrap_used,
    reason = "a log that cannot be read fails the tests that need it"
)]

#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "dice.rs"]
pub(crate) mod dice;

use std::fs::File;
use std::path::Path;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use dice::Dice;

/// How much of the log, and how its records arrive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Only the first incidents of the file.
    pub(crate) limit: Option<usize>,
    /// The fraction of records that arrive twice, 0 to 1; the second up to 500 records later.
    pub(crate) duplicates: f64,
    /// How many records later a record may arrive at most.
    pub(crate) delay_records_max: usize,
    /// Whether records arrive in any order at all.
    pub(crate) shuffled: bool,
    /// Where the disturbance comes from.
    pub(crate) seed: u64,
}

/// One event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The ticket id, the record's key.
    pub(crate) ticket_id: String,
    /// When it happened, in RFC 3339; the order of the texts is that of the instants.
    pub(crate) occurred_at: String,
    /// The topic.
    pub(crate) topic: &'static str,
    /// The line of an event file, without its end.
    pub(crate) line: String,
}

/// Reads the log that lies beside the tests and gives its events in their order of arrival.
pub(crate) fn events(options: Options) -> Vec<Arrival> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/incident_event_log.zip");
    let mut events = Vec::new();
    for (number, rows) in incidents(&path, options.limit.unwrap_or(usize::MAX)) {
        events.extend(facts(&number, rows));
    }
    // The sort is stable, so the facts of one ticket and instant keep their order.
    events.sort_by(|a, b| (&a.occurred_at, &a.ticket_id).cmp(&(&b.occurred_at, &b.ticket_id)));
    disturb(events, options)
}

/// The fields of a ticket and the columns that they come from.
const FIELDS: [(&str, &str); 8] = [
    ("status", "incident_state"),
    ("priority", "priority"),
    ("category", "category"),
    ("queue", "assignment_group"),
    ("assignee", "assigned_to"),
    ("requester", "caller_id"),
    ("channel", "contact_type"),
    ("vendor", "vendor"),
];

/// The columns that become labels of the same name.
const LABELS: [&str; 3] = ["impact", "urgency", "subcategory"];

const STATUS: usize = 0;
const PRIORITY: usize = 1;
const ASSIGNEE: usize = 4;
const REQUESTER: usize = 5;

/// One value per field, then one per label.
type Values = [Option<String>; FIELDS.len() + LABELS.len()];

struct Row {
    index: usize,
    modifications: i64,
    opened_at: String,
    updated_at: String,
    values: Values,
}

/// The first incidents in the order of the file, which is read no further.
fn incidents(path: &Path, limit: usize) -> Vec<(String, Vec<Row>)> {
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let name = archive
        .file_names()
        .find(|name| name.ends_with(".csv"))
        .unwrap()
        .to_owned();
    let mut reader = csv::Reader::from_reader(archive.by_name(&name).unwrap());
    let columns = Columns::find(reader.headers().unwrap());
    let mut incidents: Vec<(String, Vec<Row>)> = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let number = &record[columns.number];
        if incidents.last().is_none_or(|(last, _)| last != number) {
            if incidents.len() == limit {
                break;
            }
            incidents.push((number.to_owned(), Vec::new()));
        }
        let (_, rows) = incidents.last_mut().unwrap();
        rows.push(columns.row(index, &record));
    }
    incidents
}

struct Columns {
    number: usize,
    modifications: usize,
    opened_at: usize,
    updated_at: usize,
    values: [usize; FIELDS.len() + LABELS.len()],
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Self {
        let all = |name: &str| -> Vec<usize> {
            let found = header.iter().enumerate().filter(|(_, n)| *n == name);
            found.map(|(at, _)| at).collect()
        };
        // Both published spellings of the header are known.
        let at = |name: &str| match (name, all(name).first()) {
            (_, Some(at)) => *at,
            ("incident_state", None) => all("ident_state")[0],
            ("subcategory", None) => all("category")[1],
            (_, None) => panic!("the log has no column {name}"),
        };
        let names = FIELDS.iter().map(|(_, column)| *column).chain(LABELS);
        let values: Vec<usize> = names.map(at).collect();
        Self {
            number: at("number"),
            modifications: at("sys_mod_count"),
            opened_at: at("opened_at"),
            updated_at: at("sys_updated_at"),
            values: values.try_into().unwrap(),
        }
    }

    fn row(&self, index: usize, record: &csv::StringRecord) -> Row {
        Row {
            index,
            modifications: record[self.modifications].parse().unwrap(),
            opened_at: rfc3339(&record[self.opened_at]),
            updated_at: rfc3339(&record[self.updated_at]),
            values: std::array::from_fn(|at| {
                value(at, record[self.values[at]].trim()).map(str::to_owned)
            }),
        }
    }
}

/// What a cell means; `None` when it is missing.
fn value(at: usize, cell: &str) -> Option<&str> {
    match (at, cell) {
        (_, "?" | "") | (STATUS, "-100") => None,
        (PRIORITY, _) => match cell.as_bytes()[0] {
            b'1' => Some("critical"),
            b'2' => Some("high"),
            b'3' => Some("normal"),
            b'4' => Some("low"),
            _ => None,
        },
        _ => Some(cell),
    }
}

/// `dd/mm/yyyy HH:MM`, with or without leading zeros, as RFC 3339 in UTC.
fn rfc3339(text: &str) -> String {
    let numbers: Vec<u32> = text
        .split(['/', ' ', ':'])
        .map(|number| number.parse().unwrap())
        .collect();
    let [day, month, year, hour, minute, ..] = numbers[..] else {
        panic!("`{text}` is not a time of the log");
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")
}

/// The events of one incident, in order.
fn facts(number: &str, mut rows: Vec<Row>) -> Vec<Arrival> {
    rows.sort_by(|a, b| {
        (&a.updated_at, a.modifications, a.index).cmp(&(&b.updated_at, b.modifications, b.index))
    });
    let mut before: Option<Values> = None;
    let mut answered = false;
    let mut events = Vec::new();
    for mut row in rows {
        if row.values[STATUS].is_none() {
            row.values[STATUS] = before.as_ref().and_then(|before| before[STATUS].clone());
        }
        let occurred_at = match before {
            None => row.updated_at.clone().min(row.opened_at.clone()),
            Some(_) => row.updated_at.clone(),
        };
        let mut event = Event::new(number, &occurred_at, &row);
        match &before {
            None => event.ticket = Some(Fields::snapshot(&row.values)),
            Some(before) => {
                event.changes = Some(Fields::difference(before, &row.values));
                event.unset = unset(before, &row.values);
                event.activities = activities(before, &row.values, &mut answered);
            }
        }
        let topic = match &before {
            None => "ticket-created",
            Some(_) => "ticket-updated",
        };
        let line = serde_json::to_string(&Line {
            topic,
            value: &event,
        });
        events.push(Arrival {
            ticket_id: number.to_owned(),
            occurred_at,
            topic,
            line: line.unwrap(),
        });
        before = Some(row.values);
    }
    events
}

fn unset(before: &Values, now: &Values) -> Vec<&'static str> {
    let gone = |at: &usize| before[*at].is_some() && now[*at].is_none();
    (0..FIELDS.len())
        .filter(gone)
        .map(|at| FIELDS[at].0)
        .collect()
}

fn activities(before: &Values, now: &Values, answered: &mut bool) -> Vec<Activity> {
    let mut activities = Vec::new();
    let waits = |values: &Values| values[STATUS].as_deref() == Some("Awaiting User Info");
    if waits(before) && !waits(now) {
        activities.push(Activity {
            kind: "customer_reply",
            actor: now[REQUESTER].clone(),
        });
    }
    let active = now[STATUS].as_deref() == Some("Active");
    if !*answered && now[ASSIGNEE].is_some() && (before[ASSIGNEE].is_none() || active) {
        *answered = true;
        activities.push(Activity {
            kind: "agent_reply",
            actor: now[ASSIGNEE].clone(),
        });
    }
    activities
}

#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    value: &'a Event<'a>,
}

#[derive(Serialize)]
struct Event<'a> {
    ticket_id: &'a str,
    occurred_at: &'a str,
    event_id: String,
    version: i64,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Fields>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    activities: Vec<Activity>,
}

#[derive(Serialize)]
struct Activity {
    kind: &'static str,
    actor: Option<String>,
}

impl<'a> Event<'a> {
    fn new(number: &'a str, occurred_at: &'a str, row: &Row) -> Self {
        Self {
            ticket_id: number,
            occurred_at,
            // Six digits make the order of the texts that of the rows.
            event_id: format!("{number}:{}:{:06}", row.modifications, row.index),
            version: row.modifications,
            source: "servicenow",
            ticket: None,
            changes: None,
            unset: Vec::new(),
            activities: Vec::new(),
        }
    }
}

/// Fields of a ticket, then its labels as an object of their own.
struct Fields {
    fields: Vec<(&'static str, String)>,
    labels: Vec<(&'static str, Option<String>)>,
}

impl Fields {
    fn snapshot(values: &Values) -> Self {
        Self::difference(&Values::default(), values)
    }

    /// What differs; labels that are gone come last, as null.
    fn difference(before: &Values, now: &Values) -> Self {
        let changed = |at: usize| now[at].clone().filter(|_| before[at] != now[at]);
        let (fields, labels) = (0..FIELDS.len(), FIELDS.len()..FIELDS.len() + LABELS.len());
        let gone = |at: &usize| before[*at].is_some() && now[*at].is_none();
        let label = |at: usize| LABELS[at - FIELDS.len()];
        Self {
            fields: fields
                .filter_map(|at| Some((FIELDS[at].0, changed(at)?)))
                .collect(),
            labels: labels
                .clone()
                .filter_map(|at| Some((label(at), Some(changed(at)?))))
                .chain(labels.filter(gone).map(|at| (label(at), None)))
                .collect(),
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Object<'a>(&'a [(&'static str, Option<String>)]);
        impl Serialize for Object<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
            }
        }
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        if !self.labels.is_empty() {
            map.serialize_entry("labels", &Object(&self.labels))?;
        }
        map.end()
    }
}

/// Disturbs the order of arrival.
fn disturb(events: Vec<Arrival>, options: Options) -> Vec<Arrival> {
    let mut dice = Dice::new(options.seed);
    let mut placed = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        if options.duplicates > 0.0 && dice.fraction() < options.duplicates {
            placed.push((at + dice.below(501), true, event.clone()));
        }
        placed.push((at + dice.below(options.delay_records_max + 1), false, event));
    }
    placed.sort_by_key(|(at, again, _)| (*at, *again));
    let mut events: Vec<Arrival> = placed.into_iter().map(|(_, _, event)| event).collect();
    if options.shuffled {
        for last in (1..events.len()).rev() {
            events.swap(last, dice.below(last + 1));
        }
    }
    events
}
