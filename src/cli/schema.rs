//! `schema`: the schemas of the records that the service reads and writes.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Output, Verdict, print};
use crate::wire::SchemaName;

/// The commands under `schema`.
#[derive(Subcommand)]
pub(super) enum Schema {
    /// Prints Avro schemas as they are built in.
    #[command(after_help = EXAMPLES)]
    Print(Print),
}

const EXAMPLES: &str = "\
Examples:
  escalator schema print Escalated > Escalated.avsc
  escalator schema print --all --output json";

#[derive(Args)]
pub(super) struct Print {
    /// The record's name.
    #[arg(required_unless_present = "all", value_parser = names())]
    name: Option<SchemaName>,
    /// Every schema.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Form of what is printed: the schemas' texts, or one object that names their fingerprints.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn names() -> impl TypedValueParser<Value = SchemaName> {
    PossibleValuesParser::new(SchemaName::ALL.map(SchemaName::name))
        .map(|name| SchemaName::named(&name).expect("only the names of schemas are possible"))
}

#[derive(Serialize)]
struct Listing {
    schemas: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    /// CRC-64-AVRO, as a number in hexadecimal digits.
    fingerprint: String,
    schema: serde_json::Value,
}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Print(command) => command.run(),
        }
    }
}

impl Print {
    fn run(self) -> anyhow::Result<Verdict> {
        let chosen = |name: &SchemaName| self.name.is_none_or(|wanted| wanted == *name);
        let schemas = SchemaName::ALL.into_iter().filter(chosen);
        match self.output {
            Output::Text => print::text(&schemas.map(SchemaName::text).collect::<String>())?,
            Output::Json => print::json(&Listing {
                schemas: schemas.map(entry).collect::<Result<_, _>>()?,
            })?,
        }
        Ok(Verdict::Good)
    }
}

fn entry(name: SchemaName) -> Result<Entry, serde_json::Error> {
    Ok(Entry {
        name: name.name(),
        fingerprint: format!("{:016x}", u64::from_le_bytes(name.fingerprint())),
        schema: serde_json::from_str(name.text())?,
    })
}
