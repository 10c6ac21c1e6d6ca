//! The input topics of a service as a recording: both read to their ends, and nothing written.

use std::collections::BTreeMap;

use escalator_engine::time::Timestamp;

use crate::cli::pass::{BATCH_RECORDS, pass};
use crate::cli::schemas::Registry;
use crate::cli::{SystemClock, print};
use crate::clock::Clock as _;
use crate::kafka::sweep::{Span, Sweep};
use crate::mapping::Mappings;
use crate::offline::Recording;
use crate::record::Record;
use crate::settings::Settings;
use crate::wire::{self, Refusal, Unread, WriterSchemas};
use crate::{kafka, service};

/// Reads the inputs to their present ends. What the service would make dead letters of is left out
/// and told on stderr.
pub(super) fn recording(settings: &Settings) -> anyhow::Result<Recording> {
    let mut reading = Reading {
        now: SystemClock.now(),
        registry: Registry::of(settings)?,
        schemas: service::writer_schemas(settings),
        mappings: super::mappings(settings)?,
        recording: Recording::default(),
        refused: BTreeMap::new(),
        first: None,
    };
    let topics = &settings.topics;
    let inputs = wire::Input::ALL
        .into_iter()
        .zip([&topics.created, &topics.updated]);
    for (input, topic) in inputs {
        let sweep = open(settings, topic)?;
        reading.read(input, topic, sweep)?;
    }
    reading.tell();
    Ok(reading.recording)
}

fn open(settings: &Settings, topic: &str) -> Result<Sweep, kafka::Error> {
    Sweep::open(&service::client_settings(settings), topic)
}

struct Reading {
    now: Timestamp,
    registry: Registry,
    schemas: WriterSchemas,
    mappings: Mappings,
    recording: Recording,
    /// How many records were left out, by the reason.
    refused: BTreeMap<&'static str, u64>,
    /// The first of them: where it is, and why.
    first: Option<String>,
}

impl Reading {
    fn read(&mut self, input: wire::Input, topic: &str, mut sweep: Sweep) -> anyhow::Result<()> {
        let partitions = sweep.partitions();
        let spans: Vec<Span> = (0..partitions).map(Span::all).collect();
        let what = format!("reading {topic}");
        pass(&mut sweep, &spans, &what, BATCH_RECORDS, |records| {
            for record in records {
                match self.decode(input, &record, partitions)? {
                    Ok(Some(decoded)) => self.recording.add(decoded.fact),
                    Ok(None) => {}
                    Err(refusal) => self.leave_out(topic, &record, &refusal),
                }
            }
            Ok(())
        })
    }

    /// Decodes as the service does, but waits for the registry; none is a record that says nothing.
    fn decode(
        &mut self,
        input: wire::Input,
        record: &Record,
        partitions: i32,
    ) -> anyhow::Result<Result<Option<wire::Decoded>, Refusal>> {
        let read = wire::Record {
            input,
            partition: record.partition,
            partitions,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &wire::Header::all(&record.headers),
            sample: false,
        };
        loop {
            match wire::decode(&read, &self.schemas, &self.mappings, self.now) {
                Ok(decoded) => return Ok(Ok(Some(decoded))),
                Err(Unread::Ignored) => return Ok(Ok(None)),
                Err(Unread::Refused(refusal)) => return Ok(Err(refusal)),
                Err(Unread::Waiting(id)) => self.registry.teach(&mut self.schemas, id)?,
            }
        }
    }

    fn leave_out(&mut self, topic: &str, record: &Record, refusal: &Refusal) {
        *self.refused.entry(refusal.reason.name()).or_default() += 1;
        self.first.get_or_insert_with(|| {
            let (partition, offset) = (record.partition, record.offset);
            format!("{topic} {partition}:{offset}: {refusal}")
        });
    }

    /// Tells what was left out.
    fn tell(&self) {
        let Some(first) = &self.first else { return };
        let reasons = self.refused.iter();
        let reasons: Vec<_> = reasons
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let count: u64 = self.refused.values().sum();
        let s = if count == 1 { "" } else { "s" };
        print::error(&format!(
            "note: {count} record{s} could not be read and {} left out: {}\n  the first: {first}\n",
            if count == 1 { "is" } else { "are" },
            reasons.join(", "),
        ));
    }
}
