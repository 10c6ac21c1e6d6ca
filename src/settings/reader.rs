//! Taking values out of the merged layers: every refusal is collected, none stops the reading.

use std::collections::BTreeMap;
use std::path::Path;

use escalator_engine::time::Duration;

use super::catalogue::{self, DEFINITIONS, Kind};
use super::layer::{Entry, Layer, PROPERTIES, Written};
use super::problem::{Problem, Problems, nearest};
use super::secret::{REDACTED, is_sensitive};
use super::{Effective, Loaded, Source, Sources};

/// Reads every setting out of the merged layers.
pub(super) fn read(merged: Layer, sources: &Sources<'_>) -> Result<Loaded, Problems> {
    let mut reader = Reader {
        entries: merged.0,
        sources,
        problems: Vec::new(),
    };
    reader.refuse_unknown_names();
    reader.refuse_misplaced_references();
    let settings = reader.settings();
    reader.check_together(&settings);
    if reader.problems.is_empty() {
        let values = reader.effective();
        Ok(Loaded { settings, values })
    } else {
        Err(Problems(reader.problems))
    }
}

/// Takes values out of the merged layers and collects what is refused.
pub(super) struct Reader<'a> {
    pub(super) entries: BTreeMap<String, Entry>,
    sources: &'a Sources<'a>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// A text that passes a check; the text is returned even when refused, for nobody will use it.
    pub(super) fn text(&mut self, name: &str, check: fn(&str) -> bool, remedy: &str) -> String {
        let text = self.written(name).unwrap_or_default();
        if !check(&text) {
            self.refuse(name, remedy);
        }
        text
    }

    /// A value of its own type; a refused one is replaced by the default, which nobody will use.
    pub(super) fn parse<T>(
        &mut self,
        name: &str,
        remedy: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        if let Some(value) = self.written(name).and_then(|text| parse(text.trim())) {
            return value;
        }
        self.refuse(name, remedy);
        super::layer::defaults(self.sources)
            .0
            .remove(name)
            .and_then(|entry| match entry.written {
                Written::Text(text) => parse(&text),
                Written::InFile(_) | Written::InVariable(_) => None,
            })
            .expect("every parsed setting has a default in the catalogue that it accepts")
    }

    /// A value that may be unset.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        remedy: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.written(name)?;
        let value = parse(text.trim());
        if value.is_none() {
            self.refuse(name, remedy);
        }
        value
    }

    /// A duration within limits, both included.
    pub(super) fn duration(
        &mut self,
        name: &str,
        remedy: &str,
        least_ms: u64,
        most_ms: u64,
    ) -> std::time::Duration {
        self.parse(name, remedy, |text| {
            let ms = u64::try_from(Duration::parse(text).ok()?.as_millis()).ok()?;
            (least_ms..=most_ms)
                .contains(&ms)
                .then(|| std::time::Duration::from_millis(ms))
        })
    }

    /// A value that may stand in a file or a variable of its own; a final line break is not part of it.
    pub(super) fn secret(&mut self, name: &str) -> Option<String> {
        let entry = self.entries.get(name)?.clone();
        match entry.written {
            Written::Text(text) => Some(text),
            Written::InFile(path) => match (self.sources.read_file)(Path::new(&path)) {
                Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    self.refuse(name, &format!("make {path} readable, which should hold the value and cannot be read: {error}"));
                    None
                }
            },
            Written::InVariable(variable) => {
                let value = self.sources.environment.get(&variable).cloned();
                if value.is_none() {
                    self.refuse(
                        name,
                        &format!("set the environment variable {variable}, which should hold the value and is not set"),
                    );
                }
                value
            }
        }
    }

    /// What the file of this path holds, if one is named.
    pub(super) fn content(&mut self, name: &str) -> Option<String> {
        let path = self.written(name)?;
        match (self.sources.read_file)(Path::new(&path)) {
            Ok(text) => Some(text),
            Err(error) => {
                self.refuse(
                    name,
                    &format!("name a readable file; it cannot be read: {error}"),
                );
                None
            }
        }
    }

    fn written(&self, name: &str) -> Option<String> {
        match &self.entries.get(name)?.written {
            Written::Text(text) => Some(text.clone()),
            Written::InFile(_) | Written::InVariable(_) => None,
        }
    }

    fn refuse_unknown_names(&mut self) {
        let unknown: Vec<String> = self
            .entries
            .keys()
            .filter(|name| !is_known(name))
            .cloned()
            .collect();
        for name in unknown {
            let is_map = catalogue::definition(&name).is_some();
            let remedy = match nearest(&name) {
                _ if is_map => format!(
                    "it holds names and values; write each by itself, as in {}__SECURITY_PROTOCOL or \
                     below [{name}] in a file",
                    catalogue::variable(&name)
                ),
                Some(known) => format!("there is no such setting; did you mean {known}?"),
                None => "there is no such setting; `escalator config print` lists all".to_owned(),
            };
            let entry = self.entries.remove(&name);
            self.problems.push(Problem {
                setting: name,
                // Whatever was meant may be a secret.
                value: None,
                source: entry.map_or(Source::Default, |entry| entry.source),
                remedy,
            });
        }
    }

    /// Only secrets may stand elsewhere; for all else a file is one layer more than anybody would look through.
    fn refuse_misplaced_references(&mut self) {
        let misplaced: Vec<String> = self
            .entries
            .iter()
            .filter(|(name, entry)| {
                !name.starts_with(PROPERTIES)
                    && !matches!(entry.written, Written::Text(_))
                    && catalogue::definition(name).is_none_or(|it| it.kind != Kind::Secret)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in misplaced {
            self.refuse(
                &name,
                "write the value itself; only http.admin_token, registry.password and the values of kafka.properties may stand in a file or variable",
            );
            let mut defaults = super::layer::defaults(self.sources);
            match defaults.0.remove(&name) {
                Some(default) => self.entries.insert(name, default),
                None => self.entries.remove(&name),
            };
        }
    }

    pub(super) fn refuse(&mut self, name: &str, remedy: &str) {
        let entry = self.entries.get(name);
        self.problems.push(Problem {
            setting: name.to_owned(),
            value: entry.and_then(|entry| shown(name, entry)),
            source: entry.map_or(Source::Default, |entry| entry.source.clone()),
            remedy: remedy.to_owned(),
        });
    }

    fn effective(&self) -> Vec<Effective> {
        let mut values = Vec::new();
        for definition in DEFINITIONS {
            if definition.kind == Kind::Map {
                let properties = self.entries.iter();
                let before = values.len();
                values.extend(
                    properties
                        .filter(|(name, _)| name.starts_with(PROPERTIES))
                        .map(|(name, entry)| effective(name, Some(entry))),
                );
                if values.len() == before {
                    values.push(effective(definition.name, None));
                }
            } else {
                values.push(effective(
                    definition.name,
                    self.entries.get(definition.name),
                ));
            }
        }
        values
    }
}

fn effective(name: &str, entry: Option<&Entry>) -> Effective {
    Effective {
        name: name.to_owned(),
        value: entry.map(|entry| shown(name, entry).unwrap_or_else(|| REDACTED.to_owned())),
        source: entry.map_or(Source::Default, |entry| entry.source.clone()),
    }
}

/// The value as it may be shown; none when it is a secret.
fn shown(name: &str, entry: &Entry) -> Option<String> {
    let secret = match name.strip_prefix(PROPERTIES) {
        Some(property) => is_sensitive(property),
        None => catalogue::definition(name).is_some_and(|it| it.kind == Kind::Secret),
    };
    match &entry.written {
        // An address with a password in it is refused, and must not be shown for that.
        Written::Text(text) if name == "registry.url" && text.contains('@') => None,
        Written::Text(text) if !secret => Some(text.clone()),
        Written::Text(_) | Written::InFile(_) | Written::InVariable(_) => None,
    }
}

fn is_known(name: &str) -> bool {
    name.strip_prefix(PROPERTIES)
        .is_some_and(|it| !it.is_empty())
        || catalogue::definition(name).is_some_and(|it| it.kind != Kind::Map)
}
