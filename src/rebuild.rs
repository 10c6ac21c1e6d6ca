//! The states of one partition, recomputed from its inputs with nothing told.
//!
//! The same partition runs as in the service, over the same records in the same order, up to the
//! offsets and the evaluation time that were committed. What it decides on the way was published
//! already, under the same ids, so events and dead letters are dropped and only the states are kept.
//! What was a dead letter then is passed over, for whether an instant is too far ahead depends on
//! when it is read; what was none and cannot be read now, as where a registry has lost a schema, is
//! told. Decisions are compared with what was published by whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use escalator_engine::effect::Event;
use escalator_engine::time::Timestamp;

use crate::partition::meta::{self, Meta};
use crate::partition::{Fresh, Partition, Restored, Shared};
use crate::record::Record;
use crate::wire::{Refusal, SchemaId, decode_state};

/// Tickets are decided in portions of about so many.
const DECISIONS: usize = 2_000;

/// What a partition had committed.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The partition's number.
    pub number: i32,
    /// The next offsets to read.
    pub offsets: [i64; 2],
    /// Everything before this instant is decided.
    pub evaluated_to: Timestamp,
    /// What was due before is not told.
    pub notify_from: Timestamp,
    /// How many owners it has had.
    pub epoch: u64,
}

/// A recomputation under way.
pub struct Rebuild {
    partition: Partition,
    shared: Shared,
    committed: Committed,
    /// Records that were dead letters, by input and offset.
    refused: BTreeSet<(usize, i64)>,
    is_full: [bool; 2],
    rebuilt: Rebuilt,
}

/// What it has come to.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// The last value of every key; none where it was forgotten.
    pub records: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// The ids of what was decided.
    pub decided: BTreeSet<String>,
    /// How many records were read.
    pub read: u64,
    /// Records that were no dead letters and cannot be read now.
    pub unreadable: Vec<Unreadable>,
}

/// A record that was read once and cannot be read any more.
#[derive(Debug)]
pub struct Unreadable {
    /// Its input: 0 created events, 1 updates.
    pub input: usize,
    /// Its offset.
    pub offset: i64,
    /// Why.
    pub refusal: Refusal,
}

impl Rebuild {
    /// Begins with the first records that the inputs hold; `refused` were dead letters.
    #[must_use]
    pub fn new(
        committed: Committed,
        starts: [i64; 2],
        refused: BTreeSet<(usize, i64)>,
        mut shared: Shared,
    ) -> Self {
        // Nothing is decided that was not decided then.
        shared.edits_until = committed.evaluated_to;
        let restored = Restored::nothing(&shared.rules);
        let fresh = Fresh {
            offsets: starts,
            notify_from: committed.notify_from,
        };
        Self {
            partition: Partition::new(committed.number, restored, fresh, None, &shared),
            shared,
            committed,
            refused,
            is_full: [false; 2],
            rebuilt: Rebuilt::default(),
        }
    }

    /// Takes a record in.
    pub fn offer(&mut self, mut record: Record) {
        if self.refused.contains(&(record.input, record.offset)) {
            // Without a value it is refused again, whatever the clock says now.
            record.value = None;
        }
        self.partition.offer(record);
    }

    /// Notes that an input was read to the committed offset.
    pub fn end(&mut self, input: usize) {
        let end = self.committed.offsets[input];
        self.partition.answer(input, Timestamp::MIN, end, end);
    }

    /// Whether an input is read far enough ahead of the other.
    #[must_use]
    pub fn is_full(&mut self, input: usize) -> bool {
        if let Some(is_full) = self.partition.pause(input) {
            self.is_full[input] = is_full;
        }
        self.is_full[input]
    }

    /// Reads and decides what can be; answers with the schema that has to be known before it goes on.
    pub fn go_on(&mut self, now: Timestamp) -> Option<SchemaId> {
        self.rebuilt.read += self.partition.read(usize::MAX, now, &self.shared) as u64;
        self.decide();
        self.partition.lacks()
    }

    /// What is known of schemas, to be added to.
    pub const fn shared(&mut self) -> &mut Shared {
        &mut self.shared
    }

    /// Decides up to the committed evaluation time, once everything was read.
    #[must_use]
    pub fn finish(mut self, instance: &str, transaction: &str) -> Rebuilt {
        let grace = self.shared.grace.as_millis();
        let until = self.committed.evaluated_to.plus_millis(grace);
        for input in 0..2 {
            let end = self.committed.offsets[input];
            self.partition.answer(input, until, end, end);
        }
        self.decide();
        let mut meta = Meta::fresh(self.committed.offsets, self.committed.notify_from);
        meta.epoch = self.committed.epoch + 1;
        meta.evaluated_to_ms = self.committed.evaluated_to.as_millis();
        instance.clone_into(&mut meta.instance);
        transaction.clone_into(&mut meta.transaction);
        meta.tickets = Some(self.rebuilt.tickets() as u64);
        let own = (meta::KEY.to_vec(), Some(meta.encode()));
        self.rebuilt.records.extend([own]);
        self.rebuilt
    }

    fn decide(&mut self) {
        loop {
            // At the earliest of all nows each decision is made at its own instant, as it was.
            let is_more_left = self
                .partition
                .decide(DECISIONS, Timestamp::MIN, &self.shared);
            if let Some(batch) = self.partition.batch("", &self.shared) {
                let state = &self.shared.writing.names.state;
                let kept = batch.records.into_iter().filter(|it| it.topic == *state);
                let kept = kept.filter_map(|record| Some((record.key?, record.value)));
                self.rebuilt.records.extend(kept);
            }
            let counted = self.partition.commit();
            for emitted in counted.emitted {
                if let Event::Escalated(event) = emitted.event {
                    self.rebuilt.decided.insert(event.id.to_string());
                }
            }
            for (input, offset, refusal) in counted.dead_letters {
                let input = input as usize;
                if !self.refused.contains(&(input, offset)) {
                    self.rebuilt.unreadable.push(Unreadable {
                        input,
                        offset,
                        refusal,
                    });
                }
            }
            if !is_more_left {
                return;
            }
        }
    }
}

/// Whether two records hold the same: one state can be packed in several ways.
fn is_same(old: &[u8], new: &[u8]) -> bool {
    let states = || Some((decode_state(old).ok()?, decode_state(new).ok()?));
    old == new || states().is_some_and(|(old, new)| old == new)
}

impl Rebuilt {
    /// What has to be written to turn what is there into this: changed values, and tombstones for
    /// keys that do not belong. The partition's own record comes last.
    #[must_use]
    pub fn changes(&self, present: &crate::record::Compacted) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut changes = Vec::new();
        for key in present.keys() {
            if self.records.get(key).is_none_or(Option::is_none) {
                changes.push((key.clone(), None));
            }
        }
        changes.sort_unstable();
        let own = self.records.iter().filter(|(key, _)| *key == meta::KEY);
        let others = self.records.iter().filter(|(key, _)| *key != meta::KEY);
        for (key, value) in others.chain(own) {
            if let Some(new) = value
                && present.get(key).is_none_or(|old| !is_same(old, new))
            {
                changes.push((key.clone(), value.clone()));
            }
        }
        changes
    }

    /// How many tickets have a state.
    #[must_use]
    pub fn tickets(&self) -> usize {
        let tickets = self.records.iter();
        tickets
            .filter(|(key, value)| value.is_some() && key.first() != Some(&meta::OWN_KEY))
            .count()
    }
}
