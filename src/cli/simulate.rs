//! `simulate`: what plans would have done about recorded events.

use std::io::{self, Write};

use clap::Args;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation};
use escalator_engine::time::Timestamp;

use super::inputs::{Edits, Inputs, instant};
use super::{Output, Verdict, print};
use crate::offline::{Summary, told};
use crate::wire::events::write_line;
use crate::wire::murmur2_partition;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator simulate --plans plans --events events.jsonl
  escalator simulate --plans plans --events - --until 2026-11-23T18:00:00Z --output json
  escalator simulate --plans old --edit 2026-11-23T12:00:00Z=new --events events.jsonl
  escalator simulate --plans plans --brokers kafka:9092 --output json

With --brokers or --config the input topics of the service are read to their present ends, and
nothing is written. Records that the service would make dead letters of are left out, and told.";

/// The command `simulate`.
#[derive(Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    edits: Edits,
    /// Where the virtual clock stops, this instant included [default: the last event].
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Timestamp>,
    /// Over how many partitions the tickets are spread, as by Kafka's own partitioner: the limits of
    /// targets (`at_most`) are those of a partition.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    partitions: u16,
    /// Form of what is printed: lines and a summary, or one JSON line per event out.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let Some(plans) = self.inputs.plans()? else {
            return Ok(Verdict::Bad);
        };
        let Some(rules) = self.edits.rules(&plans)? else {
            return Ok(Verdict::Bad);
        };
        let recording = self.inputs.recording()?;
        let until = self.until.or(recording.last_at);
        let end = until.unwrap_or(Timestamp::MIN);
        let mut summary = Summary::default();
        summary.add_facts(&recording.facts, end, plans.revision());
        let mut simulation = Simulation::new(&rules.into(), recording.facts, end, FACTS_PER_STEP)
            .with_partitions(self.partitions, murmur2_partition);
        match self.output {
            Output::Json => print::stream(|out| json(simulation, out))?,
            Output::Text => print::styled_stream(|out| {
                let mut is_silent = true;
                for events in simulation.by_ref() {
                    summary.add(&events);
                    is_silent &= events.is_empty();
                    for told in told(&events) {
                        writeln!(out, "{told}")?;
                    }
                }
                summary.finish(&simulation, until);
                let blank = if is_silent { "" } else { "\n" };
                write!(out, "{blank}{summary}")
            })?,
        }
        Ok(Verdict::Good)
    }
}

/// A line at a time in one piece: a writer is called for every value otherwise.
fn json(simulation: Simulation, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    for emitted in simulation.flatten() {
        write_line(&mut line, &emitted.event)?;
        out.write_all(&line)?;
        line.clear();
    }
    Ok(())
}
