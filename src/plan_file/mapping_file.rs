//! Mapping files: how records of ticketing systems are read. Read with the same care as plans: every
//! problem has its place, a code and a remedy.

mod conditions;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use escalator_engine::fact::ActivityKind;
use escalator_engine::ticket::{NumberField, Text, TextField};

use self::conditions::condition;
use self::values::{Wants, value};
use super::node::{self, Node};
use super::problem::{self, Code, Place, Problem, Severity};
use super::reader::{Fields, Reader};
use super::scope::twice;
use super::source::Sources;
use super::{Error, Refused, render};
use crate::mapping::{Activity, Field, Head, Mapping, Mappings, Value};

/// Mappings of a set; each is tried for every record that those before it are not for.
const MAPPINGS_MAX: usize = 100;

/// Activities of a mapping; there are eight kinds, each of which may be told in some ways.
const ACTIVITIES_MAX: usize = 100;

/// Labels of a mapping, as many as an event may have.
const LABELS_MAX: usize = 200;

/// Mapping files that were checked.
#[derive(Clone, Debug)]
pub struct CheckedMappings {
    /// The files.
    pub sources: Sources,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
    /// The mappings, unless there is an error.
    pub mappings: Option<Mappings>,
}

impl CheckedMappings {
    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        problem::count(&self.problems, Severity::Error)
    }

    /// The mappings, whatever the warnings.
    ///
    /// # Errors
    /// There are errors.
    pub fn into_mappings(self) -> Result<Mappings, Refused> {
        let errors = self.errors();
        self.mappings.ok_or_else(|| Refused {
            what: "mappings",
            errors,
            report: render::texts(&self.problems, &self.sources, false),
        })
    }
}

/// Checks mapping files; the mappings of all are one list, in the order of the files.
#[must_use]
pub fn check_mappings(sources: Sources) -> CheckedMappings {
    let mut reader = Reader::default();
    let mut list = Collected::default();
    for (file, source) in sources.files().iter().enumerate() {
        match node::parse(file, source) {
            Ok(tree) => list.add_file(&mut reader, &tree),
            Err(problem) => reader.push(*problem),
        }
    }
    let is_sound = reader.error_count() == 0;
    CheckedMappings {
        sources,
        problems: reader.into_problems(),
        mappings: is_sound.then(|| Mappings::new(list.mappings)),
    }
}

/// Reads and checks a file or a directory of mappings.
///
/// # Errors
/// The path cannot be read, or the mappings have errors.
pub fn load_mappings(path: &Path) -> Result<Mappings, Error> {
    Ok(check_mappings(Sources::read(path)?).into_mappings()?)
}

#[derive(Default)]
struct Collected {
    mappings: Vec<Mapping>,
    names: BTreeMap<Text, Place>,
}

impl Collected {
    fn add_file(&mut self, reader: &mut Reader, tree: &Node) {
        let fields = reader.map(tree, "a mapping file", &["version", "mappings"]);
        reader.version(&fields, "mapping files");
        let Some(node) = reader.required(&fields, "mappings", "a mapping file") else {
            return;
        };
        let nodes = reader.list(node, "`mappings`");
        if node.is_empty_list() {
            reader.report(
                Code::MissingKey,
                node.place,
                "the file holds no mappings",
                "add one with `name`, `match`, `ticket_id` and `occurred_at`, or remove the file",
            );
        }
        for node in nodes {
            if let Some(mapping) = self.mapping(reader, node) {
                self.mappings.push(mapping);
                reader.at_most(self.mappings.len(), MAPPINGS_MAX, node.place, "mappings");
            }
        }
    }

    fn mapping(&mut self, reader: &mut Reader, node: &Node) -> Option<Mapping> {
        let what = "a mapping";
        let fields = reader.map(node, what, &KEYS);
        let name = reader.required(&fields, "name", what);
        let name = name.map(|node| (reader.name(node, "the mapping's name"), node.place));
        if let Some((name, place)) = &name {
            match self.names.get(name) {
                Some(first) => reader.push(twice("mapping", name, *place, *first)),
                None => {
                    self.names.insert(name.clone(), *place);
                }
            }
        }
        let matches = reader.required(&fields, "match", what);
        let matches = matches.map(|node| condition(reader, node, "`match`"));
        let other = |reader: &mut Reader, key: &str| {
            let node = fields.get(key)?;
            Some(condition(reader, node, &format!("`{key}`")))
        };
        let ignore = other(reader, "ignore");
        let created = other(reader, "created");
        let source = fields.get("source");
        let source = source.map(|node| reader.name(node, "`source`"));
        let head = head(reader, &fields);
        let ticket = fields.get("ticket");
        let ticket = ticket.map(|node| ticket_fields(reader, node));
        let activities = fields.get("activities");
        let activities = activities.map(|node| activities_of(reader, node));
        let (name, _) = name?;
        Some(Mapping {
            matches: matches?,
            ignore,
            created,
            source: source.unwrap_or_else(|| name.clone()).to_string(),
            name: name.to_string(),
            head: head?,
            fields: ticket.unwrap_or_default(),
            activities: activities.unwrap_or_default(),
        })
    }
}

const KEYS: [&str; 11] = [
    "name",
    "match",
    "ignore",
    "source",
    "created",
    "ticket_id",
    "occurred_at",
    "event_id",
    "version",
    "ticket",
    "activities",
];

fn head(reader: &mut Reader, fields: &Fields<'_>) -> Option<Head> {
    let what = "a mapping";
    let ticket_id = reader.required(fields, "ticket_id", what);
    let ticket_id = ticket_id.and_then(|node| value(reader, node, "`ticket_id`", Wants::Text));
    let occurred_at = reader.required(fields, "occurred_at", what);
    let occurred_at =
        occurred_at.and_then(|node| value(reader, node, "`occurred_at`", Wants::Instant));
    let event_id = optional(reader, fields, "event_id", Wants::Text);
    let version = optional(reader, fields, "version", Wants::Instant);
    Some(Head {
        ticket_id: ticket_id?,
        occurred_at: occurred_at?,
        event_id,
        version,
    })
}

fn optional(reader: &mut Reader, fields: &Fields<'_>, key: &str, wants: Wants) -> Option<Value> {
    let node = fields.get(key)?;
    value(reader, node, &format!("`{key}`"), wants)
}

fn ticket_fields(reader: &mut Reader, node: &Node) -> Vec<(Field, Value)> {
    let mut keys: Vec<&str> = TextField::ALL.map(TextField::name).to_vec();
    keys.extend(NumberField::ALL.map(NumberField::name));
    keys.extend(["tags", "labels"]);
    let fields = reader.map(node, "a ticket", &keys);
    let mut found = Vec::new();
    for field in TextField::ALL {
        let value = optional(reader, &fields, field.name(), Wants::Text);
        found.extend(value.map(|value| (Field::Text(field), value)));
    }
    for field in NumberField::ALL {
        let value = optional(reader, &fields, field.name(), Wants::Text);
        found.extend(value.map(|value| (Field::Number(field), value)));
    }
    let tags = optional(reader, &fields, "tags", Wants::Texts);
    found.extend(tags.map(|value| (Field::Tags, value)));
    if let Some(node) = fields.get("labels") {
        for entry in reader.entries_of(node, "`labels`", LABELS_MAX, "labels") {
            reader.check_name(&entry.key, entry.place, "the label's name");
            let what = format!("the label `{}`", entry.key);
            let value = value(reader, &entry.node, &what, Wants::Text);
            found.extend(value.map(|value| (Field::Label(entry.key.clone()), value)));
        }
    }
    found
}

fn activities_of(reader: &mut Reader, node: &Node) -> Vec<Activity> {
    let nodes = reader.list_of(node, "`activities`", ACTIVITIES_MAX, "activities");
    nodes
        .iter()
        .filter_map(|node| activity(reader, node))
        .collect()
}

fn activity(reader: &mut Reader, node: &Node) -> Option<Activity> {
    let keys = ["when", "kind", "actor", "level", "until", "note"];
    let fields = reader.map(node, "an activity", &keys);
    let when = fields.get("when");
    let when = when.map(|node| condition(reader, node, "`when`"));
    let kinds = ActivityKind::ALL.map(|kind| (kind.name(), Some(kind)));
    let kind = reader.required(&fields, "kind", "an activity");
    let kind = kind.and_then(|node| reader.word(node, "`kind`", &kinds));
    let actor = optional(reader, &fields, "actor", Wants::Text);
    let level = optional(reader, &fields, "level", Wants::Text);
    let until = optional(reader, &fields, "until", Wants::Instant);
    let note = optional(reader, &fields, "note", Wants::Text);
    Some(Activity {
        when,
        kind: kind?.name().to_owned(),
        actor,
        level,
        until,
        note,
    })
}
