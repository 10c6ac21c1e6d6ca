//! Reading the inputs of a partition once more, in their order.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use escalator_engine::emission::tz_version;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

use super::found::Found;
use crate::cli::SystemClock;
use crate::cli::failure::Trouble;
use crate::cli::pass::BATCH_RECORDS;
use crate::clock::Clock as _;
use crate::kafka;
use crate::kafka::sweep::{Span, Sweep};
use crate::partition::{Shared, Writing};
use crate::rebuild::{Rebuild, Rebuilt};
use crate::registry::{Desk, News};
use crate::service::edits::EditTopic;
use crate::service::{self, schemas};
use crate::settings::Settings;
use crate::wire::{self, SchemaId};

/// A registry that does not answer for so long is away; a person waits.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(60);

/// Its answer is looked for this often.
const REGISTRY_STEP: Duration = Duration::from_millis(20);

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
    let mut desk = schemas::desk(settings.registry.as_ref())?;
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
            learn(&mut rebuild, desk.as_mut(), schema)?;
        }
        if is_over {
            let instance = &settings.instance;
            return Ok(rebuild.finish(instance, &found.identity));
        }
    }
}

/// Asks the registry for a schema and waits for its answer.
fn learn(rebuild: &mut Rebuild, desk: Option<&mut Desk>, schema: SchemaId) -> anyhow::Result<()> {
    let desk = desk.context("records wait for a schema only where there is a registry")?;
    let begun = Instant::now();
    loop {
        desk.ask(schema, begun.elapsed());
        for news in desk.take_news(begun.elapsed()) {
            match news {
                News::Known { id, schema: it, .. } => {
                    rebuild.shared().schemas.insert(id, it, None);
                    if id == schema {
                        return Ok(());
                    }
                }
                News::Failed { error } if begun.elapsed() > REGISTRY_PATIENCE => {
                    return Err(anyhow::Error::from(error).context(Trouble {
                        doing: format!("cannot ask the registry for schema {schema}"),
                        remedy: "check registry.url and try again",
                    }));
                }
                News::Failed { .. } => {}
            }
        }
        std::thread::sleep(REGISTRY_STEP);
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
        writing: Writing {
            names: service::names(topics),
            // Events are dropped.
            format: wire::OutputFormat::Json,
            cloud_events: false,
            escalated_bytes_max: usize::MAX,
            dead_letter_bytes_max: usize::MAX,
        },
        instance: settings.instance.clone(),
    })
}
