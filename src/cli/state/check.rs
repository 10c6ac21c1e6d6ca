//! `state check`: whether a service could take every partition over as it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use escalator_engine::plan::Revision;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::StateTopic;
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, print};
use crate::kafka;
use crate::kafka::restore::{Finished, RestoreReader, Sink};
use crate::offline::{Columns, Side, grouped, harmless};
use crate::partition::meta::Meta;
use crate::record::{Compacted, compact};
use crate::service;
use crate::settings::Settings;
use crate::shard;

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator state check --brokers kafka:9092
  escalator state check --config deploy/escalator.toml --output json

Every partition is read as a replica reads it that takes it over, beside the group's offsets, and \
nothing is written. It exits with 1 when a replica would refuse one.";

/// One step waits this long for records.
const STEP: Duration = Duration::from_millis(100);

/// Brokers that fail for so long are not electing a leader, they are away.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(in crate::cli) struct Check {
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    good: bool,
    partitions: Vec<Line>,
}

/// One partition.
#[derive(Default, Serialize)]
struct Line {
    partition: i32,
    good: bool,
    /// Why a replica would refuse it.
    defect: Option<String>,
    tickets: usize,
    /// Records that are read for them; many more mean that the brokers compact late.
    records: u64,
    /// The sum of the states.
    bytes: usize,
    /// The largest one.
    bytes_max: usize,
    /// Everything before this instant is decided.
    evaluated_to: Option<Timestamp>,
    /// The replica that wrote last.
    instance: Option<String>,
    /// How many owners it has had.
    epoch: Option<u64>,
}

/// The records of one partition.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) records: Compacted,
    pub(super) finished: Option<Finished>,
}

impl Sink for Collected {
    fn begin(&mut self, _: i32) {}

    fn record(&mut self, _: i32, key: &[u8], value: Option<&[u8]>) {
        compact(&mut self.records, key, value);
    }

    fn finished(&mut self, _: i32, finished: Finished) {
        self.finished = Some(finished);
    }
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let mut reader = open(&settings)?;
        let count = StateTopic::open(&settings)?.partitions();
        let mut partitions = Vec::new();
        for partition in 0..count {
            partitions.push(check(&mut reader, partition)?);
        }
        let good = partitions.iter().all(|line| line.good);
        let report = Report { good, partitions };
        match self.output {
            Output::Text => print::text(&text(&report))?,
            Output::Json => print::json(&report)?,
        }
        Ok(Verdict::of(good))
    }
}

pub(super) fn open(settings: &Settings) -> Result<RestoreReader, kafka::Error> {
    let topics = service::topic_names(&settings.topics);
    let clients = service::client_settings(settings);
    let inputs = [&*topics.created, &*topics.updated];
    RestoreReader::open(&clients, &topics.of_transactions(), &inputs)
}

/// Reads one partition as whoever takes it over, and builds its tickets.
fn check(reader: &mut RestoreReader, partition: i32) -> anyhow::Result<Line> {
    Ok(match collect(reader, partition)? {
        Ok((finished, records)) => built(partition, finished, records),
        // Whoever takes it over would wait for ever.
        Err(hanging) => Line {
            partition,
            defect: Some(hanging.to_string()),
            ..Line::default()
        },
    })
}

/// Reads the records of one partition behind the fence; the inner error is a transaction that hangs.
pub(super) fn collect(
    reader: &mut RestoreReader,
    partition: i32,
) -> anyhow::Result<Result<(Finished, Compacted), kafka::Error>> {
    let mut collected = Collected::default();
    let mut failing_since = None;
    reader.add(partition)?;
    loop {
        match reader.step(STEP, &mut collected) {
            Ok(()) => failing_since = None,
            Err(error @ kafka::Error::Hanging { .. }) => {
                reader.release(partition)?;
                return Ok(Err(error));
            }
            Err(error) => {
                let since = *failing_since.get_or_insert_with(Instant::now);
                if !error.is_retriable() || since.elapsed() > PATIENCE {
                    return Err(error.into());
                }
            }
        }
        if let Some(finished) = collected.finished.take() {
            return Ok(Ok((finished, collected.records)));
        }
    }
}

fn built(partition: i32, finished: Finished, records: Compacted) -> Line {
    let sizes = || records.values().map(Vec::len);
    let line = Line {
        partition,
        records: finished.records,
        bytes: sizes().sum(),
        bytes_max: sizes().max().unwrap_or(0),
        ..Line::default()
    };
    // Whether a state can be read does not depend on the plans.
    let rules = Arc::new(Rules::new(Arc::new(Revision::default())));
    match shard::build(partition, &rules, records, &finished.committed) {
        Ok(restored) => Line {
            good: true,
            tickets: restored.engine.len(),
            evaluated_to: restored.meta.as_ref().map(Meta::evaluated_to),
            epoch: restored.meta.as_ref().map(|meta| meta.epoch),
            instance: restored.meta.map(|meta| meta.instance),
            ..line
        },
        Err(error) => Line {
            defect: Some(format!("{:#}", anyhow::Error::from(error))),
            ..line
        },
    }
}

fn text(report: &Report) -> String {
    let mut table = Columns::new(&[
        ("partition", Side::Right),
        ("tickets", Side::Right),
        ("records", Side::Right),
        ("bytes", Side::Right),
        ("largest", Side::Right),
        ("decided up to", Side::Left),
        ("last written by", Side::Left),
    ]);
    let number = |number: usize| grouped(number as u64);
    for line in &report.partitions {
        let reached = line.evaluated_to.map(|at| at.to_string());
        table.add([
            line.partition.to_string(),
            number(line.tickets),
            grouped(line.records),
            number(line.bytes),
            number(line.bytes_max),
            reached.unwrap_or_else(|| "-".to_owned()),
            line.instance.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let mut text = table.to_string();
    for line in &report.partitions {
        if let Some(defect) = &line.defect {
            let defect = harmless(defect);
            text.push_str(&format!("bad: partition {}: {defect}\n", line.partition));
        }
    }
    if report.good {
        text.push_str("every partition can be taken over\n");
    }
    text
}
