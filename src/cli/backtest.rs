//! `backtest`: what another plan set would have fired over recorded events.

use std::path::PathBuf;

use clap::Args;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation};
use escalator_engine::time::Timestamp;

use super::inputs::{Inputs, instant, plans, simulation_progress};
use super::{Output, Verdict, print};
use crate::backtest::{Difference, Outcome, Read, Shown, text};
use crate::offline::Recording;
use crate::plan_file::PlanSet;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator backtest --plans plans --against edited-plans --events events.jsonl
  escalator backtest --plans old.yaml --against new.yaml --events - --output json
  escalator backtest --plans plans --against refactored --events events.jsonl --deny-differences
  escalator backtest --plans plans --against edited-plans --brokers kafka:9092";

/// The command `backtest`.
#[derive(Args)]
pub(super) struct Backtest {
    #[command(flatten)]
    inputs: Inputs,
    /// The plans to compare with: a plan file, or a directory of plan files.
    #[arg(long, value_name = "PATH")]
    against: PathBuf,
    /// Where the virtual clock stops, this instant included [default: the last event].
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Timestamp>,
    /// Exits with 1 when anything differs.
    #[arg(long)]
    deny_differences: bool,
    /// How many tickets are named for each kind of change.
    #[arg(long, value_name = "N", default_value_t = 5)]
    tickets: usize,
    /// Form of what is printed: tables, or one JSON object with every ticket that differs.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Backtest {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let (Some(old), Some(new)) = (self.inputs.plans()?, plans(&self.against)?) else {
            return Ok(Verdict::Bad);
        };
        let recording = self.inputs.recording()?;
        let until = self.until.or(recording.last_at);
        let (old, read) = fired("old plans", &old, &recording, until);
        let (new, _) = fired("new plans", &new, &recording, until);
        let difference = Difference::between(&old, &new, read);
        match self.output {
            Output::Json => print::json(&difference)?,
            Output::Text => {
                let shown = Shown {
                    old: &self.inputs.plans_name(),
                    new: &self.against.display().to_string(),
                    tickets_max: self.tickets,
                };
                print::text(&text(&difference, shown))?;
            }
        }
        if self.deny_differences && difference.differs {
            Ok(Verdict::Bad)
        } else {
            Ok(Verdict::Good)
        }
    }
}

/// Simulates one plan set and keeps what it comes to.
fn fired(
    what: &str,
    plans: &PlanSet,
    recording: &Recording,
    until: Option<Timestamp>,
) -> (Outcome, Read) {
    let rules = Rules::new(plans.revision().clone()).into();
    let facts = recording.facts.iter().cloned();
    let end = until.unwrap_or(Timestamp::MIN);
    let mut simulation = Simulation::new(&rules, facts, end, FACTS_PER_STEP);
    let mut outcome = Outcome::new(plans.revision().clone());
    let progress = simulation_progress(what, recording.facts.len());
    while let Some(events) = simulation.next() {
        outcome.add(&events);
        progress.set_position(simulation.tally().facts);
    }
    progress.finish_and_clear();
    let read = Read {
        facts: simulation.tally().facts,
        duplicates: simulation.tally().duplicates,
        tickets: simulation.tickets(),
        until,
    };
    (outcome, read)
}
