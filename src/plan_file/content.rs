//! The canonical content of a set, which its hash names and the log of edits keeps.
//!
//! It is a plan file itself: JSON with the keys in order, what several files say put together, and
//! nothing filled in but the priorities. Defaults stay out on purpose: a newer version of the
//! service that knows more keys must give the same plans the same hash, or its start would look
//! like an edit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use escalator_engine::calendar::Calendar;
use escalator_engine::plan::Revision;
use escalator_engine::ticket::Text;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::goals::Goal;
use super::node::{Node, Value};
use super::scope::Scope;
use super::source::Sources;
use super::{Refused, check};

/// Bytes of a content: Kafka takes records of 1 MiB by default, and key and headers need some room.
pub(super) const BYTES_MAX: usize = 900_000;

/// A set of plans that can be used: the revision and its canonical content.
#[derive(Clone, Debug)]
pub struct PlanSet {
    revision: Arc<Revision>,
    content: String,
    files: Vec<usize>,
    calendars: BTreeMap<Text, Calendar>,
    goals: BTreeMap<Text, Goal>,
}

impl PlanSet {
    pub(super) const fn new(
        revision: Arc<Revision>,
        content: String,
        files: Vec<usize>,
        calendars: BTreeMap<Text, Calendar>,
        goals: BTreeMap<Text, Goal>,
    ) -> Self {
        Self {
            revision,
            content,
            files,
            calendars,
            goals,
        }
    }

    /// What the engine reads; its id is the hash of the content.
    #[must_use]
    pub const fn revision(&self) -> &Arc<Revision> {
        &self.revision
    }

    /// The canonical content.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The declared calendars by name; `always` is not among them.
    #[must_use]
    pub const fn calendars(&self) -> &BTreeMap<Text, Calendar> {
        &self.calendars
    }

    /// For each plan, the index of its file.
    #[must_use]
    pub fn files(&self) -> &[usize] {
        &self.files
    }

    /// The shares of promises to be kept, by timeframe; reports judge them.
    #[must_use]
    pub const fn goals(&self) -> &BTreeMap<Text, Goal> {
        &self.goals
    }

    /// Reads a content again. The id is the hash of the text that was given, so that a content of
    /// another version of the service keeps its name.
    ///
    /// # Errors
    /// The content has problems; an older version of the service may know less than it says.
    pub fn from_content(content: &str) -> Result<Self, Refused> {
        let checked = check(Sources::from_text("the log of plan edits", content));
        let set = checked.into_set()?;
        let revision = Revision {
            id: hash(content).into(),
            ..(*set.revision).clone()
        };
        Ok(Self {
            revision: Arc::new(revision),
            content: content.to_owned(),
            files: set.files,
            calendars: set.calendars,
            goals: set.goals,
        })
    }
}

/// The hash that names a content: SHA-256 in hexadecimal digits.
#[must_use]
pub fn hash(content: &str) -> String {
    let mut out = String::new();
    for byte in Sha256::digest(content.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The content of checked trees.
pub(super) fn of(trees: &[Node], scope: &Scope) -> String {
    let mut top = Map::new();
    top.insert("version".to_owned(), Json::from(1));
    let priorities = scope.priorities().iter();
    top.insert(
        "priorities".to_owned(),
        priorities.map(|name| Json::from(&**name)).collect(),
    );
    for tree in trees {
        let Value::Map(entries) = &tree.value else {
            continue;
        };
        for entry in entries {
            if entry.key != "version" && entry.key != "priorities" {
                let merged = top.entry(entry.key.clone()).or_insert(Json::Null);
                merge(merged, json(&entry.node, scope));
            }
        }
    }
    sorted(Json::Object(top)).to_string()
}

/// Puts what another file says beside it; names do not repeat, that was checked. The words of one
/// status category may come from several files.
fn merge(into: &mut Json, from: Json) {
    match (into, from) {
        (Json::Object(into), Json::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Json::Null), value);
            }
        }
        (Json::Array(into), Json::Array(from)) => into.extend(from),
        (into, from) => *into = from,
    }
}

/// A node as JSON; a path stands for what the file behind it says.
fn json(node: &Node, scope: &Scope) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(text) => scope
            .imports
            .canonical(node.place)
            .map_or_else(|| scalar(text), Json::from),
        Value::List(nodes) => nodes.iter().map(|node| json(node, scope)).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), json(&entry.node, scope)))
            .collect(),
    }
}

/// A scalar means its text wherever it stands, so quotes carry no meaning: `1` and `"1"` are the
/// same content. Whole numbers and truth values are written without them, for people.
fn scalar(text: &str) -> Json {
    // Fifteen digits are exact in every reader of JSON.
    const DIGITS_MAX: usize = 15;
    let is_canonical = text == "0" || !text.starts_with('0');
    match text {
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        _ if is_canonical
            && text.len() <= DIGITS_MAX
            && !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            text.parse::<u64>().map_or_else(|_| text.into(), Json::from)
        }
        _ => text.into(),
    }
}

/// Keys in order, whichever order the map of the JSON library keeps.
fn sorted(json: Json) -> Json {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().collect()
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => other,
    }
}
