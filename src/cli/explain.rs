//! `explain`: why a ticket is where it is, and what comes next.

use clap::Args;
use escalator_engine::explain::{Explanation, explain, explain_state};
use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::Timestamp;

use super::inputs::{Edits, Inputs, instant};
use super::plan::read_log;
use super::state::{Lookup, StateTopic, refuse_forgotten, refuse_unknown, refuse_unreadable};
use super::{Output, SystemClock, Verdict, failure, print};
use crate::clock::Clock;
use crate::edits::first_digits;
use crate::offline::explanation_text;
use crate::settings::Settings;
use crate::wire;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator explain --plans plans --events events.jsonl --ticket INC0000045
  escalator explain --plans plans --events - --ticket T1 --at 2026-11-23T10:30:00Z --output json
  escalator explain --plans old --edit 2026-11-23T10:00:00Z=new --events events.jsonl --ticket T1
  escalator explain --plans plans --brokers kafka:9092 --ticket T1
  escalator explain --plans plans --config deploy/escalator.toml --ticket T1

Without --events the live state is explained: the ticket's record is read from the state topic, and \
nothing is written. Give those plans that the service runs: then its log of edits tells which were in \
force before. Others, or edits, show what they would make of the ticket.";

/// The command `explain`.
#[derive(Args)]
pub(super) struct Explain {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    edits: Edits,
    /// The ticket's id.
    #[arg(long, value_name = "ID")]
    ticket: String,
    /// The instant to explain, itself included [default: the last event of the file; of the live
    /// state the present].
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
        let Some(rules) = self.edits.rules(&plans)? else {
            return Ok(Verdict::Bad);
        };
        let explanation = if self.inputs.is_file() {
            self.recorded(&rules)?
        } else {
            self.live(&rules)?
        };
        let Some(explanation) = explanation else {
            return Ok(Verdict::Bad);
        };
        match self.output {
            Output::Json => print::json(&explanation)?,
            Output::Text => print::text(&explanation_text(&explanation))?,
        }
        Ok(Verdict::Good)
    }

    /// Explains by the events of a file; none when it has no such ticket, which is then told.
    fn recorded(&self, rules: &Rules) -> anyhow::Result<Option<Explanation>> {
        let recording = self.inputs.recording()?;
        let at = self.at.or(recording.last_at).unwrap_or(Timestamp::MIN);
        let ticket_id = Text::from(&*self.ticket);
        let facts = recording.facts_of(&ticket_id);
        let explanation = explain(&ticket_id, &facts, at, rules);
        if explanation.is_none() {
            let (what, help) = self.inputs.unknown_ticket(&recording, &self.ticket, at);
            failure::refuse(&what, &help);
        }
        Ok(explanation)
    }

    /// Explains by the record of the state topic; none when there is no such ticket, which is then
    /// told.
    fn live(&self, rules: &Rules) -> anyhow::Result<Option<Explanation>> {
        let settings = self.inputs.settings()?;
        let kept = match StateTopic::open(&settings)?.look_up(&self.ticket)? {
            Lookup::Kept(kept) => kept,
            Lookup::Forgotten => {
                refuse_forgotten(&self.ticket);
                return Ok(None);
            }
            Lookup::Unknown => {
                refuse_unknown(&self.ticket);
                return Ok(None);
            }
        };
        let state = match wire::decode_state(&kept.value) {
            Ok(state) => state,
            Err(error) => {
                refuse_unreadable(&self.ticket, &error);
                return Ok(None);
            }
        };
        let logged = self.logged(&settings, rules)?;
        let rules = logged.as_ref().unwrap_or(rules);
        tell_other_plans(&state, rules);
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        let begin = state.fold.as_ref().map(|fold| fold.key.occurred_at);
        let first = state.facts.at(0);
        let explanation = explain_state(&Text::from(&*self.ticket), state, at, rules);
        if explanation.is_none() {
            let since = begin.or(first).unwrap_or(at);
            failure::refuse(
                &format!("nothing is kept of ticket `{}` at {at}", self.ticket),
                &format!("what is kept of it begins at {since}; give a later --at, or none"),
            );
        }
        Ok(explanation)
    }

    /// What has been in force when, as the service knows it, where the plans that are given are those in
    /// force; none where other plans or edits are tried out.
    fn logged(&self, settings: &Settings, given: &Rules) -> anyhow::Result<Option<Rules>> {
        if !self.edits.is_empty() {
            return Ok(None);
        }
        let topic = read_log(settings)?;
        let in_force = topic.log().in_force();
        let is_given = in_force.is_some_and(|edit| edit.hash == given.latest().id);
        Ok(topic.log().rules().filter(|_| is_given))
    }
}

/// Says so when the plans are not those under which the ticket was decided.
fn tell_other_plans(state: &TicketState, rules: &Rules) {
    let plan = state.machine.plan.as_ref();
    if let Some(plan) = plan.filter(|plan| rules.revision(&plan.revision).is_none()) {
        let short = first_digits(&plan.revision);
        print::error(&format!(
            "note: the service has decided by revision {short} of the plans, which these are not; \
             what follows is by these\n"
        ));
    }
}
