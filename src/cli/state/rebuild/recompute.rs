//! Reading the inputs of a partition once more, in their order.

use anyhow::Context as _;
use escalator_engine::emission::tz_version;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

use super::found::Found;
use crate::cli::SystemClock;
use crate::cli::failure::Trouble;
use crate::cli::inputs;
use crate::cli::pass::BATCH_RECORDS;
use crate::cli::schemas::Registry;
use crate::clock::Clock as _;
use crate::kafka;
use crate::kafka::sweep::{Span, Sweep};
use crate::partition::{Shared, Writing};
use crate::rebuild::{Rebuild, Rebuilt};
use crate::record::RecordLimits;
use crate::service::{self, edits::EditTopic};
use crate::settings::Settings;
use crate::wire;

/// Reads and decides everything that was committed; `between` is called between portions.
pub(super) fn recompute(
    settings: &Settings,
    found: &Found,
    between: &mut dyn FnMut() -> Result<(), kafka::Error>,
) -> anyhow::Result<Rebuilt> {
    let clients = service::client_settings(settings);
    let topics = &settings.topics;
    let number = found.committed.number;
    let mut rebuild = Rebuild::new(
        found.committed.clone(),
        found.starts,
        found.refused.clone(),
        shared(settings)?,
    );
    let mut registry = Registry::of(settings)?;
    let mut sweeps = Vec::new();
    for (topic, until) in [&topics.created, &topics.updated]
        .into_iter()
        .zip(found.committed.offsets)
    {
        let mut sweep = Sweep::open(&clients, topic)?;
        sweep.begin(&[Span {
            partition: number,
            from: None,
            until: Some(until),
        }])?;
        sweeps.push(sweep);
    }
    loop {
        between()?;
        let mut is_over = true;
        for (input, sweep) in sweeps.iter_mut().enumerate() {
            if sweep.is_over() {
                rebuild.end(input);
                continue;
            }
            is_over = false;
            if rebuild.is_full(input) {
                continue;
            }
            for mut record in sweep.poll(BATCH_RECORDS)? {
                record.input = input;
                rebuild.offer(record);
            }
        }
        while let Some(schema) = rebuild.go_on(SystemClock.now()) {
            registry.teach(&mut rebuild.shared().schemas, schema)?;
        }
        if is_over {
            let instance = &settings.instance;
            return Ok(rebuild.finish(instance, &found.identity));
        }
    }
}

/// What the partition has in common with those of a service with these settings.
fn shared(settings: &Settings) -> anyhow::Result<Shared> {
    let topics = &settings.topics;
    let clients = service::client_settings(settings);
    let mut edits = EditTopic::open(&clients, &topics.plans)?;
    edits.read()?;
    let rules: Rules = edits.log().rules().context(Trouble {
        doing: format!("the log of plan edits, topic `{}`, is empty", topics.plans),
        remedy: "bring it back from a copy: without it nobody knows by which plans was decided",
    })?;
    let partitions = Sweep::open(&clients, &topics.created)?.partitions();
    Ok(Shared {
        rules: rules.into(),
        edits_until: Timestamp::MIN,
        tz_version: tz_version(),
        grace: settings.grace,
        partitions,
        schemas: service::writer_schemas(settings),
        mappings: inputs::mappings(settings)?.into(),
        writing: Writing {
            names: service::names(topics),
            // Events are dropped.
            format: wire::OutputFormat::Json,
            cloud_events: false,
            limits: RecordLimits {
                escalated_bytes_max: usize::MAX,
                dead_letter_bytes_max: usize::MAX,
                batch_bytes_max: usize::MAX,
            },
        },
        instance: settings.instance.clone(),
    })
}
