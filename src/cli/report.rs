//! `report`: which promises were kept, what escalated, and who was told.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use escalator_engine::time::Timestamp;

use super::failure::Trouble;
use super::inputs::{Inputs, simulation_progress};
use super::{Verdict, print};
use crate::offline::Recording;
use crate::report::page::page;
use crate::report::period::{beginning, end};
use crate::report::{self, text};

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator report --plans plans --events events.jsonl
  escalator report --plans plans --events events.jsonl --from 2026-10-01 --to 2026-10-31
  escalator report --plans plans --events events.jsonl --output html --out october.html
  escalator report --plans plans --config deploy/escalator.toml --from 2026-10-01 --to 2026-10-31";

/// The command `report`.
#[derive(Args)]
pub(super) struct Report {
    #[command(flatten)]
    inputs: Inputs,
    /// The first day in UTC, or the first instant [default: the first event].
    #[arg(long, value_name = "DAY", value_parser = beginning)]
    from: Option<Timestamp>,
    /// The last day in UTC, or the last instant, itself included [default: the last event].
    #[arg(long, value_name = "DAY", value_parser = end)]
    to: Option<Timestamp>,
    /// Form of the report.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
    /// Writes the report to a file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people, on a terminal.
    #[default]
    Text,
    /// For programs.
    Json,
    /// One page that needs nothing but itself.
    Html,
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(anyhow::Error::msg(Trouble {
                doing: format!("--from is {from}, after --to, which is {to}"),
                remedy: "let --from be the earlier of the two",
            }));
        }
        let Some(plans) = self.inputs.plans()? else {
            return Ok(Verdict::Bad);
        };
        let recording = self.inputs.recording()?;
        self.check_against(&recording)?;
        let asked = report::Asked {
            from: self.from,
            to: self.to,
        };
        let progress = simulation_progress("simulating", recording.facts.len());
        let report = report::Report::of(&recording.facts, &plans, asked, |facts| {
            progress.set_position(facts);
        });
        progress.finish_and_clear();
        let written = match self.output {
            Form::Text => text(&report),
            Form::Html => page(&report),
            Form::Json => {
                let json = serde_json::to_string(&report);
                json.context("cannot write the report as JSON")? + "\n"
            }
        };
        match &self.out {
            None => print::text(&written)?,
            Some(path) => {
                let plain = anstream::adapter::strip_str(&written).to_string();
                fs::write(path, plain).with_context(|| Trouble {
                    doing: format!("cannot write the report to {}", path.display()),
                    remedy: "name a file in a directory that exists and may be written to",
                })?;
            }
        }
        Ok(Verdict::Good)
    }

    /// Whether an end that is given alone leaves a period: the events give the other one.
    fn check_against(&self, recording: &Recording) -> anyhow::Result<()> {
        let instants = recording.facts.iter().map(|fact| fact.fact.occurred_at);
        if let (Some(from), None, Some(last)) = (self.from, self.to, recording.last_at)
            && from > last
        {
            return Err(anyhow::Error::msg(Trouble {
                doing: format!("--from is {from}, after the last event, which is at {last}"),
                remedy: "name an earlier one, or the end as well with --to",
            }));
        }
        if let (None, Some(to)) = (self.from, self.to)
            && let Some(first) = instants.min().filter(|first| to < *first)
        {
            return Err(anyhow::Error::msg(Trouble {
                doing: format!("--to is {to}, before the first event, which is at {first}"),
                remedy: "name a later one, or the beginning as well with --from",
            }));
        }
        Ok(())
    }
}
