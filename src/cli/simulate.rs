//! `simulate`: what plans would have done about recorded events.

use std::io::{self, Write};

use clap::Args;
use escalator_engine::emission::Emitted;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::time::Timestamp;

use super::inputs::{Inputs, instant};
use super::{Output, Verdict, print};
use crate::offline::{Summary, told};
use crate::wire::events::write_line;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator simulate --plans plans --events events.jsonl
  escalator simulate --plans plans --events - --until 2026-11-23T18:00:00Z --output json";

/// The command `simulate`.
#[derive(Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    inputs: Inputs,
    /// Where the virtual clock stops, this instant included [default: the last event].
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Timestamp>,
    /// Form of what is printed: lines and a summary, or one JSON line per event out.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let Some(plans) = self.inputs.plans()? else {
            return Ok(Verdict::Bad);
        };
        let recording = self.inputs.recording()?;
        let until = self.until.or(recording.last_at);
        let rules = Rules::new(plans.revision().clone()).into();
        let facts = recording.facts.iter().cloned();
        let (simulated, engine) = simulate(&rules, facts, until.unwrap_or(Timestamp::MIN));
        match self.output {
            Output::Json => print::stream(|out| json(&simulated.events, out))?,
            Output::Text => {
                let summary = Summary::of(&simulated, engine.len(), until)
                    .with_unknown_statuses(&recording.facts, plans.revision());
                print::styled_stream(|out| text(&simulated.events, &summary, out))?;
            }
        }
        Ok(Verdict::Good)
    }
}

fn json(events: &[Emitted], out: &mut dyn Write) -> io::Result<()> {
    for emitted in events {
        write_line(&mut *out, &emitted.event)?;
    }
    Ok(())
}

fn text(events: &[Emitted], summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mut is_silent = true;
    for told in told(events) {
        writeln!(out, "{told}")?;
        is_silent = false;
    }
    if !is_silent {
        writeln!(out)?;
    }
    write!(out, "{summary}")
}
