//! One layer of settings as it was written, before anything is checked.
//!
//! Every layer becomes a flat list of dotted names with texts and their source, so that a later
//! layer replaces exactly what it names.

use std::collections::BTreeMap;

use config::{FileFormat, Map, Source as _, Value, ValueKind};
use serde_saphyr::{Error as YamlError, Spanned};

use super::catalogue::{self, DEFINITIONS, Fallback};
use super::syntax::SyntaxError;
use super::{Error, SettingsFile, Source, Sources};
use crate::yaml::{Raw, as_written, bytes_of, is_beyond_limits};

/// The prefix of the names of Kafka properties.
pub(super) const PROPERTIES: &str = "kafka.properties.";

/// Dotted names with what was written for them.
#[derive(Debug, Default)]
pub(super) struct Layer(pub(super) BTreeMap<String, Entry>);

/// What was written for a name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) written: Written,
    pub(super) source: Source,
}

/// A value, or where to find it.
#[derive(Clone, Debug)]
pub(super) enum Written {
    /// The value itself.
    Text(String),
    /// `{file: PATH}`.
    InFile(String),
    /// `{env: NAME}`.
    InVariable(String),
}

impl Layer {
    /// Puts a later layer on top: what it names replaces what was there.
    pub(super) fn overlay(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// Adds one value.
    fn insert(&mut self, name: &str, written: Written, source: Source) {
        self.0.insert(name.to_owned(), Entry { written, source });
    }

    /// Adds a value of a file, which may hold others. A table of nothing but `file` or `env` says where
    /// the value is; a name that merely ends so is one of librdkafka's.
    fn insert_tree(&mut self, name: &str, value: Value, source: &Source) {
        if let ValueKind::Table(table) = value.kind {
            if let Some(written) = elsewhere(&table).filter(|_| !name.is_empty()) {
                return self.insert(name, written, source.clone());
            }
            for (key, inner) in table {
                if name.is_empty() {
                    self.insert_tree(&key, inner, source);
                } else {
                    self.insert_tree(&format!("{name}.{key}"), inner, source);
                }
            }
        } else if let ValueKind::Array(items) = value.kind {
            let mut texts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                match item.clone().into_string() {
                    Ok(text) => texts.push(text),
                    // No setting has such a name, so it is refused.
                    Err(_) => self.insert_tree(&format!("{name}.{index}"), item, source),
                }
            }
            self.insert(name, Written::Text(texts.join(",")), source.clone());
        } else if let Ok(text) = value.into_string() {
            // What is left out here is an empty value, as a section whose lines are all commented out.
            self.insert(name, Written::Text(text), source.clone());
        }
    }
}

/// Where a value is, if a table says that and nothing else.
fn elsewhere(table: &Map<String, Value>) -> Option<Written> {
    let (key, value) = table.iter().next().filter(|_| table.len() == 1)?;
    let refer = reference(key)?;
    value.clone().into_string().ok().map(refer)
}

/// What a key means that says where a value is, rather than being a part of its name.
fn reference(key: &str) -> Option<fn(String) -> Written> {
    match key {
        "file" => Some(Written::InFile),
        "env" => Some(Written::InVariable),
        _ => None,
    }
}

/// The defaults as texts; what is unset by default is absent.
pub(super) fn defaults(sources: &Sources<'_>) -> Layer {
    let mut layer = Layer::default();
    for definition in DEFINITIONS {
        let text = match definition.fallback {
            Fallback::Text(text) => text.to_owned(),
            Fallback::HostName => sources.host_name.clone(),
            Fallback::LogFormat if sources.terminal => "text".to_owned(),
            Fallback::LogFormat => "json".to_owned(),
            Fallback::Unset(_) => continue,
        };
        layer.insert(definition.name, Written::Text(text), Source::Default);
    }
    layer
}

/// What the settings file says.
pub(super) fn file(file: &SettingsFile) -> Result<Layer, Error> {
    let extension = file.path.extension().and_then(|it| it.to_str());
    // Some editors put this mark in front of a file.
    let text = file.text.trim_start_matches('\u{feff}');
    let refused = |format: &'static str, said: &str| Error::Syntax {
        path: file.path.clone(),
        format,
        source: SyntaxError::new(said, text),
    };
    let tree = match extension {
        Some("toml") => config::File::from_str(text, FileFormat::Toml)
            .collect()
            .map_err(|source| refused("TOML", &source.to_string()))?,
        Some("yaml" | "yml") => yaml(text).map_err(|said| refused("YAML", &said))?,
        _ => {
            return Err(Error::Extension {
                path: file.path.clone(),
            });
        }
    };
    let mut layer = Layer::default();
    for (key, value) in tree {
        layer.insert_tree(&key, value, &Source::File(file.path.clone()));
    }
    Ok(layer)
}

/// Reads YAML with every value by its text: a password of digits is no number. Only a truth value is one
/// in whatever letters. What is wrong is said
/// without what stands there.
fn yaml(text: &str) -> Result<Map<String, Value>, String> {
    let options = serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 1_000,
        },
        null_as_string: true,
        with_snippet: false,
    };
    let read = serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options);
    let raw = read.map_err(|error| {
        let what = if is_beyond_limits(&error) {
            "it has more in it, or is deeper, than settings may need"
        } else if matches!(error, YamlError::DuplicateMappingKey { .. }) {
            "a key is there for the second time"
        } else {
            "indentation, colons or quotes are not as they have to be"
        };
        error.location().map_or_else(
            || what.to_owned(),
            |at| format!("{what} at line {} column {}", at.line(), at.column()),
        )
    })?;
    let value = value_of(text, raw);
    let is_empty = matches!(value.kind, ValueKind::Nil);
    let table = value
        .into_table()
        .or_else(|error| if is_empty { Ok(Map::new()) } else { Err(error) });
    table.map_err(|_| "it has no names of settings with colons behind them".to_owned())
}

fn value_of(text: &str, raw: Spanned<Raw>) -> Value {
    let kind = match raw.value {
        Raw::Null => ValueKind::Nil,
        Raw::Text(text) => ValueKind::String(text),
        Raw::Typed(printed) => {
            let is_truth = matches!(&*printed, "true" | "false");
            let written = bytes_of(raw.defined).filter(|_| !is_truth);
            let written = written.and_then(|at| as_written(text, at));
            ValueKind::String(written.map_or(printed, str::to_owned))
        }
        Raw::List(items) => {
            let items = items.into_iter();
            ValueKind::Array(items.map(|item| value_of(text, item)).collect())
        }
        Raw::Map(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, inner)| (key.value, value_of(text, inner)));
            ValueKind::Table(entries.collect())
        }
    };
    Value::new(None, kind)
}

/// What the environment says; an empty variable says nothing.
pub(super) fn environment(variables: &BTreeMap<String, String>) -> Layer {
    let ours = variables
        .iter()
        .filter(|(name, _)| name.starts_with("ESCALATOR__"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let values = config::Environment::with_prefix("ESCALATOR")
        .prefix_separator("__")
        .separator("__")
        .ignore_empty(true)
        .source(Some(ours))
        .collect()
        .unwrap_or_default();
    let mut layer = Layer::default();
    for (variable, value) in values {
        let Ok(text) = value.into_string() else {
            continue;
        };
        let source = Source::Environment(catalogue::variable(&variable));
        let referring = variable.rsplit_once('.');
        let referring = referring.and_then(|(owner, key)| Some((owner, reference(key)?)));
        let (name, written) = match referring {
            Some((owner, refer)) => (owner, refer(text)),
            None => (&*variable, Written::Text(text)),
        };
        // The properties of librdkafka are dotted, names of variables cannot be.
        match name.strip_prefix(PROPERTIES) {
            Some(property) => {
                let name = format!("{PROPERTIES}{}", property.replace('_', "."));
                layer.insert(&name, written, source);
            }
            None => layer.insert(name, written, source),
        }
    }
    layer
}

/// What the command line says.
pub(super) fn flags(flags: &[(&'static str, String)]) -> Layer {
    let mut layer = Layer::default();
    for (name, text) in flags {
        let flag = catalogue::definition(name)
            .and_then(|definition| definition.flag)
            .unwrap_or(name);
        layer.insert(name, Written::Text(text.clone()), Source::Flag(flag));
    }
    layer
}
