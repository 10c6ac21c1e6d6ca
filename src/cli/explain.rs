//! `explain`: why a ticket is where it is, and what comes next.

use clap::Args;
use escalator_engine::explain::explain;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;

use super::failure;
use super::inputs::{Inputs, instant};
use super::{Output, Verdict, print};
use crate::offline::{Recording, explanation_text};

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
            let (what, help) = self.unknown(&recording, at);
            failure::refuse(&what, &help);
            return Ok(Verdict::Bad);
        };
        match self.output {
            Output::Json => print::json(&explanation)?,
            Output::Text => print::text(&explanation_text(&explanation))?,
        }
        Ok(Verdict::Good)
    }

    /// What to say of a ticket that is not known by then, and what to do about it.
    fn unknown(&self, recording: &Recording, at: Timestamp) -> (String, String) {
        let id = &self.ticket;
        let first_at = recording
            .facts_of(id)
            .iter()
            .map(|fact| fact.occurred_at)
            .min();
        if let Some(first_at) = first_at {
            return (
                format!("nothing is known of ticket `{id}` at {at}"),
                format!("its first event is at {first_at}; give a later --at, or none"),
            );
        }
        let events = self.inputs.events_name();
        let what = format!("there is no ticket `{id}` in {events}");
        let ids = || recording.facts.iter().map(|fact| &*fact.ticket_id);
        let close = ids().find(|other| other.trim().eq_ignore_ascii_case(id.trim()));
        let close = close.or_else(|| ids().find(|other| other.contains(id.as_str())));
        let help = match (close, ids().next()) {
            (Some(close), _) => format!("did you mean `{close}`?"),
            (None, Some(first)) => format!("give an id as the events have it, such as `{first}`"),
            (None, None) => "the event file is empty; name another with --events".to_owned(),
        };
        (what, help)
    }
}
