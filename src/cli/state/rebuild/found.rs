//! What is there of a partition, and up to where it was decided.

use std::collections::BTreeSet;

use escalator_engine::time::Timestamp;

use crate::cli::pass::{BATCH_RECORDS, pass};
use crate::cli::state::check;
use crate::cli::{SystemClock, dlq};
use crate::clock::Clock as _;
use crate::dead_letters::Letter;
use crate::kafka::consumer::Committed;
use crate::kafka::restore::RestoreReader;
use crate::kafka::sweep::{Span, Sweep};
use crate::partition::meta::{self, Meta};
use crate::rebuild;
use crate::record::Compacted;
use crate::service;
use crate::settings::Settings;
use crate::wire;

/// Why a partition cannot be rebuilt.
#[derive(Debug, thiserror::Error)]
pub(super) enum Obstacle {
    /// A transaction of somebody who is gone holds the state back.
    #[error("{0}")]
    Hanging(String),
    /// The group has read nothing of it.
    #[error("nothing was ever committed")]
    Untouched,
    /// The beginning of an input is gone.
    #[error("topic `{topic}` begins at offset {start}, its first records were deleted")]
    Truncated {
        /// The topic.
        topic: String,
        /// Its first offset.
        start: i64,
    },
    /// Nothing tells up to where decisions were made.
    #[error("neither its own record nor an event tells up to where it was decided")]
    Undated,
    /// Nothing tells since when people are told.
    #[error("its own record, which tells since when people are told, cannot be read")]
    NotifyFrom,
}

impl Obstacle {
    pub(super) const fn remedy(&self) -> &'static str {
        match self {
            Self::Hanging(_) => "end that transaction first",
            Self::Untouched => "start the service: it reads the partition from its beginning",
            Self::Truncated { .. } => {
                "bring the state topic back from a copy; whoever has none can delete the group's \
                 offsets and the state of this partition, and begin anew with what is left"
            }
            Self::Undated => "bring the state topic back from a copy",
            Self::NotifyFrom => "set start.notify_from to when the service was first started",
        }
    }
}

/// What is there of a partition.
pub(super) struct Found {
    /// The records of the state topic as they are.
    pub(super) present: Compacted,
    /// Up to where the inputs were read and decided.
    pub(super) committed: rebuild::Committed,
    /// The first offsets of the inputs.
    pub(super) starts: [i64; 2],
    /// Input records that were dead letters, by input and offset.
    pub(super) refused: BTreeSet<(usize, i64)>,
    /// Whether none of these dead letters was deleted.
    pub(super) is_refused_whole: bool,
    /// The ids of all decisions that were published and are still there.
    pub(super) published: BTreeSet<String>,
    /// Whether none of them was deleted.
    pub(super) is_published_whole: bool,
    /// What the transaction that writes it will be called.
    pub(super) identity: String,
}

/// The events of a partition that are still there.
struct Events {
    ids: BTreeSet<String>,
    latest: Option<Timestamp>,
    is_whole: bool,
}

impl Found {
    pub(super) fn of(
        settings: &Settings,
        reader: &mut RestoreReader,
        number: i32,
    ) -> anyhow::Result<Result<Self, Obstacle>> {
        let (finished, present) = match check::collect(reader, number)? {
            Ok(collected) => collected,
            Err(hanging) => return Ok(Err(Obstacle::Hanging(hanging.to_string()))),
        };
        let topics = &settings.topics;
        let mut starts = [0, 0];
        for (start, topic) in starts.iter_mut().zip([&topics.created, &topics.updated]) {
            *start = sweep(settings, topic)?.start(number)?;
            if *start > 0 {
                let (topic, start) = (topic.clone(), *start);
                return Ok(Err(Obstacle::Truncated { topic, start }));
            }
        }
        let events = events(settings, number)?;
        let meta = present.get(meta::KEY).map(|value| Meta::decode(value));
        let meta = meta.and_then(Result::ok);
        let committed = match committed(settings, number, meta, &finished.committed, &events) {
            Ok(committed) => committed,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let now = SystemClock.now().as_millis();
        let mut letters = dlq::open(settings)?;
        Ok(Ok(Self {
            is_refused_whole: letters.start(number)? == 0,
            refused: refused(settings, &mut letters, number)?,
            present,
            committed,
            starts,
            published: events.ids,
            is_published_whole: events.is_whole,
            identity: format!("rebuild-{now}-{}", std::process::id()),
        }))
    }
}

/// The last transaction of the partition: by its own record, or where that is gone or older than the
/// group's offsets, by these and by the latest event.
fn committed(
    settings: &Settings,
    number: i32,
    meta: Option<Meta>,
    offsets: &[Committed],
    events: &Events,
) -> Result<rebuild::Committed, Obstacle> {
    let of_group = [0, 1].map(|input| offsets.get(input).and_then(|known| known.offset));
    let transaction = offsets.first().map_or("", |known| &known.metadata);
    // Offsets that were moved by hand carry no transaction.
    let is_last = |meta: &Meta| {
        transaction.is_empty() || meta.transaction == transaction || of_group == [None, None]
    };
    let notify_from = settings.start.notify_from;
    let epoch = meta.as_ref().map_or(0, |meta| meta.epoch);
    if let Some(meta) = meta.as_ref().filter(|meta| is_last(meta)) {
        return Ok(rebuild::Committed {
            number,
            offsets: meta.offsets,
            evaluated_to: meta.evaluated_to(),
            notify_from: Timestamp::from_millis(meta.notify_from_ms),
            epoch,
        });
    }
    let [Some(created), Some(updated)] = of_group else {
        return Err(Obstacle::Untouched);
    };
    let known = meta.as_ref().map(Meta::evaluated_to);
    // Whoever decides at an instant decides everything before the next.
    let latest = events.latest.map(|at| at.plus_millis(1));
    let evaluated_to = match known.max(latest) {
        Some(evaluated_to) => evaluated_to,
        None if events.is_whole => Timestamp::MIN,
        None => return Err(Obstacle::Undated),
    };
    let kept = meta.map(|meta| Timestamp::from_millis(meta.notify_from_ms));
    Ok(rebuild::Committed {
        number,
        offsets: [created, updated],
        evaluated_to,
        notify_from: kept.or(notify_from).ok_or(Obstacle::NotifyFrom)?,
        epoch,
    })
}

fn sweep(settings: &Settings, topic: &str) -> anyhow::Result<Sweep> {
    Ok(Sweep::open(&service::client_settings(settings), topic)?)
}

/// What was published of the partition.
fn events(settings: &Settings, number: i32) -> anyhow::Result<Events> {
    let mut sweep = sweep(settings, &settings.topics.escalated)?;
    let mut events = Events {
        ids: BTreeSet::new(),
        latest: None,
        is_whole: sweep.start(number)? == 0,
    };
    let (spans, what) = ([Span::all(number)], "reading what was published");
    pass(&mut sweep, &spans, what, BATCH_RECORDS, |records| {
        let values = records.into_iter().filter_map(|record| record.value);
        // Whatever is no event of this service is no decision of it.
        for event in values.filter_map(|value| wire::published(&value)) {
            events.latest = events.latest.max(Some(event.decided_at));
            events.ids.insert(event.id);
        }
        Ok(())
    })?;
    Ok(events)
}

/// The input records of the partition that are dead letters.
fn refused(
    settings: &Settings,
    letters: &mut Sweep,
    number: i32,
) -> anyhow::Result<BTreeSet<(usize, i64)>> {
    let topics = &settings.topics;
    let inputs = [&topics.created, &topics.updated];
    let mut refused = BTreeSet::new();
    dlq::each(letters, &[Span::all(number)], |record| {
        if let Some(about) = Letter::of(&record).about {
            let input = inputs.iter().position(|topic| **topic == about.topic);
            refused.extend(input.map(|input| (input, about.offset)));
        }
    })?;
    Ok(refused)
}
