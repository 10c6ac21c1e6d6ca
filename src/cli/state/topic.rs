//! The state topic as commands read it: the last committed state of a ticket, or of all.

use std::collections::BTreeMap;

use crate::cli::pass::{BATCH_RECORDS, pass};
use crate::kafka;
use crate::kafka::sweep::{Span, Sweep};
use crate::partition::meta;
use crate::service;
use crate::settings::Settings;
use crate::wire::{crc32_partition, murmur2_partition};

/// The state topic.
pub(in crate::cli) struct StateTopic {
    sweep: Sweep,
}

/// The last record of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Kept {
    /// The partition's number.
    pub(in crate::cli) partition: i32,
    /// The record's offset.
    pub(in crate::cli) offset: i64,
    /// The state as it is stored.
    pub(in crate::cli) value: Vec<u8>,
}

/// What was found of one ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Lookup {
    /// Its state.
    Kept(Kept),
    /// It was forgotten: its last record is a tombstone.
    Forgotten,
    /// Nothing.
    Unknown,
}

impl StateTopic {
    /// Connects, and looks the topic up.
    pub(in crate::cli) fn open(settings: &Settings) -> Result<Self, kafka::Error> {
        let clients = service::client_settings(settings);
        let sweep = Sweep::open(&clients, &settings.topics.state)?;
        Ok(Self { sweep })
    }

    /// How many partitions it has.
    pub(in crate::cli) const fn partitions(&self) -> i32 {
        self.sweep.partitions()
    }

    /// Looks for a ticket: where the usual partitioners put it, and then everywhere else.
    pub(in crate::cli) fn look_up(&mut self, ticket_id: &str) -> anyhow::Result<Lookup> {
        let id = ticket_id.as_bytes();
        let count = self.partitions();
        let mut likely = vec![murmur2_partition(id, count), crc32_partition(id, count)];
        likely.dedup();
        let others = (0..count).filter(|number| !likely.contains(number));
        let others: Vec<i32> = others.collect();
        for numbers in [likely, others] {
            let mut found = Lookup::Unknown;
            self.each(&numbers, |key, kept| {
                if key == id {
                    found = kept.map_or(Lookup::Forgotten, Lookup::Kept);
                }
            })?;
            if found != Lookup::Unknown {
                return Ok(found);
            }
        }
        Ok(Lookup::Unknown)
    }

    /// The last records of all tickets of a partition, by their ids.
    pub(in crate::cli) fn tickets(
        &mut self,
        partition: i32,
    ) -> anyhow::Result<BTreeMap<Vec<u8>, Kept>> {
        let mut tickets = BTreeMap::new();
        self.each(&[partition], |key, kept| {
            match kept {
                Some(kept) => tickets.insert(key, kept),
                None => tickets.remove(&key),
            };
        })?;
        Ok(tickets)
    }

    /// Hands every record of a ticket to a function, as they were written; none is a tombstone.
    fn each(
        &mut self,
        partitions: &[i32],
        mut take: impl FnMut(Vec<u8>, Option<Kept>),
    ) -> anyhow::Result<()> {
        let spans: Vec<Span> = partitions.iter().copied().map(Span::all).collect();
        let what = "reading the state";
        pass(&mut self.sweep, &spans, what, BATCH_RECORDS, |records| {
            for record in records {
                let key = record.key.unwrap_or_default();
                // The partition's own records are of no ticket.
                if key.first() == Some(&meta::OWN_KEY) {
                    continue;
                }
                let kept = record.value.map(|value| Kept {
                    partition: record.partition,
                    offset: record.offset,
                    value,
                });
                take(key, kept);
            }
            Ok(())
        })
    }
}
