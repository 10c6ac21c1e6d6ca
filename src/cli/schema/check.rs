//! `schema check`: whether the schemas of producers and subscribers go with the service's, in files
//! and in a registry.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use crate::cli::failure::Trouble;
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, print};
use crate::offline::harmless;
use crate::registry::{Client, Kind};
use crate::settings::{Framing, Settings};
use crate::wire::{Fit, SchemaName, compare_schema};

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator schema check producer/TicketCreated.avsc
  escalator schema check schemas subscriber/avro
  escalator schema check --registry --config deploy/escalator.toml

Avro resolves what was written with one schema by another one, that of the reader. Of TicketCreated and
TicketUpdated the file is the writer's schema and the service reads; of Escalated, Notify and
EscalationState the service writes and the file is the reader's. A writer may have fields that the
reader lacks. A reader may have fields that the writer lacks if they have a default. The type of a field
must be the same, or wider at the reader: int to long, a type to a union with it. What the writer may
leave null, the reader must be able to.

With --registry the latest versions of the subjects of the four topics of events (TOPIC-value) are
checked in the registry that the settings name.

Exits with 1 when some record could not be read.";

/// What a producer has to know whose schema goes with the built-in one but is another.
const NOT_THE_SAME: &str = "in single-object framing a record names its schema by its fingerprint, \
     and of inputs only that of the built-in schema is known: write with that one, in Confluent \
     framing, or JSON";

#[derive(Args)]
pub(in crate::cli) struct Check {
    /// Schema files (.avsc), or directories of them.
    #[arg(required_unless_present = "registry", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Checks what the schema registry of the settings (`registry.url`) holds.
    #[arg(long)]
    registry: bool,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

#[derive(Serialize)]
struct Report {
    good: bool,
    schemas: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    /// The file, or the subject of the registry.
    path: String,
    /// The record; null when the file is about none of the service's.
    name: Option<&'static str>,
    good: bool,
    /// `same`, `compatible`, `incompatible`, `unknown`, or `absent` where a registry has none.
    fit: &'static str,
    because: Option<String>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let mut schemas = Vec::new();
        for path in schema_files(&self.paths)? {
            let text = fs::read_to_string(&path).with_context(|| unreadable(&path))?;
            let place = path.display().to_string();
            schemas.push(line(place, &text, &[], None, Some(NOT_THE_SAME)));
        }
        if self.registry {
            schemas.extend(registered(&self.settings.load()?.settings)?);
        }
        let good = schemas.iter().all(|line| line.good);
        let report = Report { good, schemas };
        match self.output {
            Output::Text => print::text(&text(&report))?,
            Output::Json => print::json(&report)?,
        }
        Ok(Verdict::of(good))
    }
}

/// The files that are meant, those of a directory in order of their names.
fn schema_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).with_context(|| unreadable(path))?;
        let mut found = Vec::new();
        for entry in entries {
            let file = entry.with_context(|| unreadable(path))?.path();
            if file.extension().is_some_and(|ending| ending == "avsc") {
                found.push(file);
            }
        }
        if found.is_empty() {
            let empty = anyhow::anyhow!("no file in it ends in .avsc");
            return Err(empty.context(unreadable(path)));
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn unreadable(path: &Path) -> Trouble {
    Trouble {
        doing: format!("cannot read schemas from {}", path.display()),
        remedy: "name a schema file, or a directory of files that end in .avsc",
    }
}

/// The latest versions of the subjects of events in and out.
fn registered(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let registry = settings.registry.as_ref().context(Trouble {
        doing: "cannot ask a schema registry".to_owned(),
        remedy: "set `registry.url`, in a file (--config) or as ESCALATOR__REGISTRY__URL",
    })?;
    let mut client = Client::new(registry)?;
    let topics = &settings.topics;
    // Whether events out need a schema that somebody else has to register.
    let writes = settings.output.framing == Framing::Confluent && !registry.register;
    let subjects = [
        (&topics.created, SchemaName::TicketCreated, false),
        (&topics.updated, SchemaName::TicketUpdated, false),
        (&topics.escalated, SchemaName::Escalated, writes),
        (&topics.notify, SchemaName::Notify, writes),
    ];
    let mut lines = Vec::new();
    for (topic, name, is_needed) in subjects {
        let subject = format!("{topic}-value");
        lines.push(match client.latest(&subject) {
            Ok(found) => line(subject, &found.text, &found.references, Some(name), None),
            Err(error) if error.is_retriable() => return Err(error.into()),
            Err(error) if error.kind() == Kind::Unknown => Line {
                path: subject,
                name: Some(name.name()),
                good: !is_needed,
                fit: "absent",
                because: Some(if is_needed {
                    "the service may not register it; do so, or set `registry.register`".to_owned()
                } else {
                    "the registry has none yet, which is no obstacle".to_owned()
                }),
            },
            Err(error) => Line {
                path: subject,
                name: Some(name.name()),
                good: false,
                fit: "unknown",
                because: Some(error.to_string()),
            },
        });
    }
    Ok(lines)
}

fn line(
    path: String,
    text: &str,
    references: &[String],
    name: Option<SchemaName>,
    note: Option<&str>,
) -> Line {
    let (name, fit) = match compare_schema(text, references, name) {
        Ok(compared) => compared,
        Err(error) => {
            let because = format!("{:#}", anyhow::Error::from(error));
            return Line {
                path,
                name: None,
                good: false,
                fit: "unknown",
                because: Some(because),
            };
        }
    };
    let (good, word, because) = match fit {
        Fit::Same => (true, "same", None),
        Fit::Compatible => {
            let note = note.filter(|_| name.is_read());
            (true, "compatible", note.map(str::to_owned))
        }
        Fit::Partial { because } | Fit::Incompatible { because } => {
            (false, "incompatible", Some(because))
        }
    };
    Line {
        path,
        name: Some(name.name()),
        good,
        fit: word,
        because,
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for line in &report.schemas {
        let verdict = if line.good { "good" } else { "bad" };
        let path = harmless(&line.path);
        text.push_str(&format!("{verdict}: {path}: {}", line.fit));
        if let Some(name) = line.name {
            let with = if line.fit == "absent" { "for" } else { "with" };
            text.push_str(&format!(" {with} {name}"));
        }
        if let Some(because) = &line.because {
            text.push_str(&format!(": {}", harmless(because)));
        }
        text.push('\n');
    }
    text
}
