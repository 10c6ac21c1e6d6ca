//! `explain`: why a ticket is where it is, and what comes next.

use clap::Args;
use escalator_engine::explain::explain;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;

use super::failure;
use super::inputs::{Inputs, instant};
use super::{Output, Verdict, print};
use crate::offline::explanation_text;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator explain --plans plans --events events.jsonl --ticket INC0000045
  escalator explain --plans plans --events - --ticket T1 --at 2026-11-23T10:30:00Z --output json
  escalator explain --plans old --edit 2026-11-23T10:00:00Z=new --events events.jsonl --ticket T1";

/// The command `explain`.
#[derive(Args)]
pub(super) struct Explain {
    #[command(flatten)]
    inputs: Inputs,
    /// The ticket's id.
    #[arg(long, value_name = "ID")]
    ticket: String,
    /// The instant to explain, itself included [default: the last event of the file].
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    at: Option<Timestamp>,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let Some(plans) = self.inputs.plans()? else {
            return Ok(Verdict::Bad);
        };
        let Some(rules) = self.inputs.rules(&plans)? else {
            return Ok(Verdict::Bad);
        };
        let recording = self.inputs.recording()?;
        let at = self.at.or(recording.last_at).unwrap_or(Timestamp::MIN);
        let ticket_id = Text::from(&*self.ticket);
        let facts = recording.facts_of(&ticket_id);
        let Some(explanation) = explain(&ticket_id, &facts, at, &rules) else {
            let (what, help) = self.inputs.unknown_ticket(&recording, &self.ticket, at);
            failure::refuse(&what, &help);
            return Ok(Verdict::Bad);
        };
        match self.output {
            Output::Json => print::json(&explanation)?,
            Output::Text => print::text(&explanation_text(&explanation))?,
        }
        Ok(Verdict::Good)
    }
}
