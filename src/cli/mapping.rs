//! `mapping`: tries how records of ticketing systems are read.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::failure::Trouble;
use super::{Output, Verdict, inputs, print};
use crate::mapping::Mappings;
use crate::mapping_test::{self, Report};
use crate::offline::counted;
use crate::plan_file::{Sources, check_mappings, render};
use crate::plan_test::find;
use crate::wire::Input;
use crate::wire::events::{self, Lines};

/// The commands under `mapping`.
#[derive(Subcommand)]
pub(super) enum Mapping {
    /// Runs tests of mappings, or shows what they make of recorded records.
    #[command(after_help = EXAMPLES)]
    Test(Test),
}

const EXAMPLES: &str = "\
A test file stands beside the mapping files and its name ends in .test.yaml:

  mappings: jira.yaml
  tests:
    - name: an issue is closed
      record: { webhookEvent: jira:issue_updated, timestamp: 1795424400000,
                issue: { key: SUP-7, fields: { status: { name: Done } } } }
      expect: { updated: { ticket_id: jira-SUP-7, occurred_at: \"2026-11-23T09:00:00Z\", source: jira,
                           changes: { status: Done } } }

Examples:
  escalator mapping test mappings
  escalator mapping test mappings/jira.yaml --records webhooks.jsonl
  escalator mapping test mappings --records webhooks.jsonl --output json > events.jsonl";

#[derive(Args)]
pub(super) struct Test {
    /// Test files, mapping files with tests beside them, or directories, which are searched; with
    /// --records, mapping files or directories of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A file of records, one JSON value a line, to be shown as the events that they become, in JSON as
    /// lines for --events of other commands; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    records: Option<PathBuf>,
    /// The topic in which these records lie.
    #[arg(long, value_enum, default_value_t, requires = "records")]
    topic: Topic,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The topic of a record.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Topic {
    /// That of created events.
    TicketCreated,
    /// That of updates.
    #[default]
    TicketUpdated,
}

impl Mapping {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Test(command) => command.run(),
        }
    }
}

impl Test {
    fn run(self) -> anyhow::Result<Verdict> {
        match &self.records {
            Some(records) => self.show(records),
            None => self.test(),
        }
    }

    fn test(&self) -> anyhow::Result<Verdict> {
        let trouble = || Trouble {
            doing: "cannot run the tests of mappings".to_owned(),
            remedy: "name test files (NAME.test.yaml), or directories that hold some",
        };
        let mut report = Report::default();
        for file in find(&self.paths).with_context(trouble)? {
            report.add(&file).with_context(trouble)?;
        }
        match self.output {
            Output::Json => print::json(&report.json())?,
            Output::Text => print::text(&report.text())?,
        }
        Ok(Verdict::of(report.is_good()))
    }

    fn show(&self, records: &Path) -> anyhow::Result<Verdict> {
        let Some(mappings) = self.mappings()? else {
            return Ok(Verdict::Bad);
        };
        let trouble = || Trouble {
            doing: format!("cannot read the records in {}", records.display()),
            remedy: "name a file with one JSON value a line",
        };
        let reader = inputs::open(records).with_context(trouble)?;
        let mut shown = Shown {
            mappings,
            input: match self.topic {
                Topic::TicketCreated => Input::Created,
                Topic::TicketUpdated => Input::Updated,
            },
            output: self.output,
            ignored: 0,
            refused: 0,
        };
        let mut lines = Lines::new(BufReader::new(reader));
        while let Some(line) = lines.next_line() {
            match line {
                Ok((number, record)) => match serde_json::from_slice(record) {
                    Ok(record) => shown.show(number, &record)?,
                    Err(error) => shown.refuse(
                        number,
                        &format!("unreadable: the value is not JSON: {error}"),
                    ),
                },
                Err(error @ events::Error::Length { line }) => {
                    shown.refuse(line, &format!("too_large: {error}"));
                }
                Err(error) => return Err(error).with_context(trouble),
            }
        }
        shown.tell();
        Ok(Verdict::of(shown.refused == 0))
    }

    /// The mappings; none when they have errors, which are then told.
    fn mappings(&self) -> anyhow::Result<Option<Mappings>> {
        let sources = Sources::read_all(&self.paths).with_context(|| Trouble {
            doing: "cannot read the mappings".to_owned(),
            remedy: "name a mapping file, or a directory of mapping files, that exists and may be read",
        })?;
        let checked = check_mappings(sources);
        print::error(&render::texts(&checked.problems, &checked.sources, true));
        Ok(checked.mappings)
    }
}

/// What was shown so far.
struct Shown {
    mappings: Mappings,
    input: Input,
    output: Output,
    ignored: u64,
    refused: u64,
}

impl Shown {
    fn show(&mut self, line: u64, record: &Json) -> anyhow::Result<()> {
        use mapping_test::Read;
        match mapping_test::read(&self.mappings, self.input, None, record) {
            Read::Event(mapped) => {
                let name = format!("mapping `{}`", mapped.mapping);
                self.event(line, &name, Input::of(mapped.is_created), &mapped.value)?;
            }
            Read::Own => self.event(line, "no mapping", self.input, record)?,
            Read::Ignored => {
                self.ignored += 1;
                if let Output::Text = self.output {
                    print::text(&format!("line {line}: ignored\n"))?;
                }
            }
            Read::Refused(refusal) => {
                self.refuse(line, &format!("{}: {refusal}", refusal.reason.name()));
            }
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, why: &str) {
        self.refused += 1;
        print::error(&format!("line {line}: a dead letter: {why}\n"));
    }

    fn event(&self, line: u64, by: &str, input: Input, value: &Json) -> anyhow::Result<()> {
        let topic = input.topic();
        match self.output {
            Output::Json => print::text(&format!("{}\n", json!({"topic": topic, "value": value}))),
            Output::Text => print::text(&format!("line {line}: {topic}, by {by}\n{value:#}\n")),
        }
    }

    fn tell(&self) {
        let counts = [(self.ignored, "ignored"), (self.refused, "refused")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            print::error(&format!("note: {} {what}\n", counted(count, "record")));
        }
    }
}
