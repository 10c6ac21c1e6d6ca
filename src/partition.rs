//! One assigned partition: records in, a decided batch out. No Kafka client in here.
//!
//! A partition holds the tickets of its state, and at most one batch on top of it.
//! [`Partition::decide`] fills the batch, [`Partition::batch`] tells everything that its transaction
//! must hold, and [`Partition::commit`] makes it the state. That may be done before the transaction is
//! committed, as long as it is sent again until it is: there is no way back from a batch but to drop
//! the partition and to restore it.
//!
//! ```text
//! offer ──► inputs, in order of record timestamp ──► decode ──┬─► engine ──► state, events
//!           end of input ──► watermark ──► evaluation time ───┘   refusal ──► dead letter
//! ```
//!
//! Rejected: one buffer for both inputs. Deadlines must not fire while an answer may lie unread,
//! and only the progress of each input by itself can tell.

mod inputs;
pub mod meta;
mod restored;
mod storm;
mod traces;
mod writing;

use std::sync::Arc;

use escalator_engine::emission::{Emission, Emitted, Firing};
use escalator_engine::engine::{Accepted, Engine};
use escalator_engine::machine::Counts;
use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use escalator_engine::time::{Duration, Timestamp};

use crate::mapping::Mappings;
use crate::record::{OutgoingRecord, Record};
use crate::wire::{self, SchemaId, Unread, WriterSchemas};

pub use inputs::Inputs;
use meta::Meta;
pub use restored::{Error, Restored};
use traces::Traces;
pub use writing::{Names, Writing};

/// So many keyed records of an input are looked at for the partitioner of their producer, so that
/// a wrong setting shows before it has done much…
const SAMPLES_FIRST: u32 = 64;

/// …and from then on one in so many, because a producer may change: that is cheap.
const SAMPLE_EVERY: i64 = 32;

/// An edit may be appended after a question about the end of the log and in its very millisecond,
/// so a question proves what lies before that.
const EDITS_BEHIND: Duration = Duration::from_millis(1);

/// What all partitions of a shard have in common.
pub struct Shared {
    /// The plans.
    pub rules: Arc<Rules>,
    /// The release of the time-zone data.
    pub tz_version: Text,
    /// Up to here the log of plan edits was read: deciding must not pass an edit.
    pub edits_until: Timestamp,
    /// How far evaluation stays behind the watermark.
    pub grace: Duration,
    /// How many partitions each input has.
    pub partitions: i32,
    /// The schemas of a registry that records were written with.
    pub schemas: WriterSchemas,
    /// How records of other systems are read.
    pub mappings: Arc<Mappings>,
    /// Where and how things are written.
    pub writing: Writing,
    /// The stable name of this replica.
    pub instance: String,
}

impl Shared {
    /// How far evaluation is behind the clock at best.
    #[must_use]
    pub fn behind(&self) -> Duration {
        self.grace.max(EDITS_BEHIND)
    }

    /// Takes an answer about the end of the log of plan edits: what was appended before this
    /// question was read.
    pub fn prove_edits(&mut self, asked_at: Timestamp) {
        let until = asked_at.plus_millis(-EDITS_BEHIND.as_millis());
        self.edits_until = self.edits_until.max(until);
    }
}

/// One partition that is being processed.
pub struct Partition {
    number: i32,
    engine: Engine,
    inputs: Inputs,
    /// As of the last transaction; before the first one, as it will be.
    meta: Meta,
    /// How many records the batch has read.
    taken: usize,
    /// The evaluation time that decides all facts of the batch.
    latest_fact: Timestamp,
    /// The evaluation time that the batch has reached.
    reached: Timestamp,
    counted: Counted,
    records: Vec<OutgoingRecord>,
    traces: Traces,
    /// How many records of each input were looked at for the partitioner of their producer.
    sampled: [u32; 2],
    /// The schema that the next record was written with, while it is not known.
    lacks: Option<SchemaId>,
    /// Whether there is more to decide up to the present evaluation time than a batch takes.
    is_behind: bool,
}

/// What became of the records of one batch, to be counted once it is committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// What became of the facts.
    pub facts: Vec<Accepted>,
    /// Dead letters: the input, the offset, and why.
    pub dead_letters: Vec<(wire::Input, i64, wire::Refusal)>,
    /// Fields that the contract does not name.
    pub unknown_fields: u64,
    /// Activities of kinds that the contract does not name.
    pub unknown_activities: u64,
    /// Records that say nothing of a ticket.
    pub ignored: u64,
    /// Samples of which partitioner the producers use.
    pub partitioners: Vec<(wire::Input, wire::Partitioners)>,
    /// What the engine ignored or cut.
    pub counts: Counts,
    /// The events out.
    pub emitted: Vec<Emitted>,
}

/// What one transaction holds of one partition.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The records, in order.
    pub records: Vec<OutgoingRecord>,
    /// The next offsets to read of both inputs, moved or not.
    pub offsets: [i64; 2],
}

impl Partition {
    /// Gives back the memory that a rush of records has left behind.
    pub fn give_back(&mut self) {
        self.inputs.give_back();
        self.engine.give_back();
    }

    /// A partition that goes on from a restored state. `fresh` is how it begins where there is no
    /// such state. What was due before `notify_from` is not told, or else before what the state says.
    #[must_use]
    pub fn new(
        number: i32,
        restored: Restored,
        fresh: Fresh,
        notify_from: Option<Timestamp>,
        shared: &Shared,
    ) -> Self {
        let fresh_meta = || Meta::fresh(fresh.offsets, fresh.notify_from);
        let mut meta = restored.meta.unwrap_or_else(fresh_meta);
        meta.epoch += 1;
        meta.instance.clone_from(&shared.instance);
        if let Some(setting) = notify_from {
            meta.notify_from_ms = setting.as_millis();
        }
        Self {
            number,
            reached: restored.engine.evaluated_to(),
            engine: restored.engine.stored_behind(wire::state_framing()),
            inputs: Inputs::new(meta.offsets),
            meta,
            taken: 0,
            counted: Counted::default(),
            records: Vec::new(),
            traces: Traces::default(),
            latest_fact: Timestamp::MIN,
            sampled: [0; 2],
            lacks: None,
            is_behind: false,
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(&self) -> i32 {
        self.number
    }

    /// The tickets of the state.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The record of the partition as of the last transaction.
    #[must_use]
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// How many records the batch has read.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// How much there is in the batch: records that it has read, and those that it is to write beside
    /// states. A partition that has none yet has its first one to write.
    #[must_use]
    pub const fn batched(&self) -> usize {
        self.taken + self.records.len() + !self.has_begun() as usize
    }

    /// Whether anything of it was ever put into a transaction. Only then it is known where it began, and
    /// from when somebody is told, so it begins with a transaction, whether or not there is anything to
    /// read.
    const fn has_begun(&self) -> bool {
        !self.meta.transaction.is_empty()
    }

    /// What was read and not decided yet.
    #[must_use]
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Takes a record in.
    pub fn offer(&mut self, record: Record) {
        self.inputs.offer(record);
    }

    /// Takes an answer about the end of an input, see [`Inputs::answer`].
    pub fn answer(&mut self, input: usize, asked_at: Timestamp, end: i64, delivered: i64) {
        self.inputs.answer(input, asked_at, end, delivered);
    }

    /// Whether the reading of an input has to stop or may go on, see [`Inputs::pause`].
    pub fn pause(&mut self, input: usize) -> Option<bool> {
        self.inputs.pause(input)
    }

    /// Reads what may be read, at most `limit` records, into the batch; answers with how many. It
    /// stops at a record whose schema is not known yet, see [`Self::lacks`]. Nothing is read while there
    /// is more to decide than a batch takes: a fact beyond that would be stored undecided, and once more
    /// when it is decided.
    pub fn read(&mut self, limit: usize, now: Timestamp, shared: &Shared) -> usize {
        let mut count = 0;
        while count < limit
            && !self.is_behind
            && let Some(head) = self.inputs.head()
        {
            let has_few = self.sampled[head.input] < SAMPLES_FIRST;
            let read = match decode(head, has_few, now, shared) {
                Ok(decoded) => Ok(Some(decoded)),
                Err(Unread::Ignored) => Ok(None),
                Err(Unread::Refused(refusal)) => Err(refusal),
                Err(Unread::Waiting(schema)) => {
                    self.lacks = Some(schema);
                    break;
                }
            };
            self.lacks = None;
            if let Some(record) = self.inputs.next(now) {
                self.take(&record, read, shared);
            }
            count += 1;
        }
        self.taken += count;
        count
    }

    /// The schema that has to be known before anything more can be read, if so. It holds the
    /// watermark, as an unread record does.
    #[must_use]
    pub const fn lacks(&self) -> Option<SchemaId> {
        self.lacks
    }

    fn take(
        &mut self,
        record: &Record,
        read: Result<Option<wire::Decoded>, wire::Refusal>,
        shared: &Shared,
    ) {
        let input = wire::Input::ALL[record.input];
        let evaluable = self.evaluation_time(shared);
        match read {
            Ok(None) => self.counted.ignored += 1,
            Ok(Some(decoded)) if !self.engine.has_room(&decoded.fact, evaluable) => {
                self.refuse(record, wire::Refusal::no_room(), shared);
            }
            Ok(Some(decoded)) => {
                // It is decided once evaluation is past it.
                let decided_at = decoded.fact.fact.occurred_at.plus_millis(1);
                self.latest_fact = self.latest_fact.max(decided_at);
                self.traces.remember(&decoded.fact, record);
                self.engine.apply(decoded.fact);
                self.counted.unknown_fields +=
                    (decoded.ignored.fields + decoded.ignored.unset) as u64;
                self.counted.unknown_activities += decoded.ignored.activities as u64;
                if let Some(sample) = decoded.partitioners {
                    let sampled = &mut self.sampled[record.input];
                    *sampled = sampled.saturating_add(1);
                    self.counted.partitioners.push((input, sample));
                }
            }
            Err(refusal) => self.refuse(record, refusal, shared),
        }
    }

    fn refuse(&mut self, record: &Record, refusal: wire::Refusal, shared: &Shared) {
        let headers = wire::Header::all(&record.headers);
        let letter = shared.writing.dead_letter(record, &headers, &refusal);
        self.records.push(letter);
        let input = wire::Input::ALL[record.input];
        let seen = (input, record.offset, refusal);
        self.counted.dead_letters.push(seen);
    }

    /// Takes other rules over, see [`Engine::set_rules`].
    pub fn set_rules(&mut self, rules: &Arc<Rules>) {
        if !Arc::ptr_eq(rules, self.engine.rules()) {
            self.engine.set_rules(Arc::clone(rules));
        }
    }

    /// The instant before which everything can be decided now.
    fn evaluation_time(&self, shared: &Shared) -> Timestamp {
        self.inputs_time(shared).min(shared.edits_until)
    }

    /// The same, were it for the inputs alone.
    fn inputs_time(&self, shared: &Shared) -> Timestamp {
        let watermark = self.inputs.watermark();
        watermark.plus_millis(-shared.grace.as_millis())
    }

    /// Whether proof of the ends of the inputs would let something be read or decided now.
    pub fn wants_ends(&self, now: Timestamp, shared: &Shared) -> bool {
        // Not knowing whether there is more is reason enough; a stall of one input is another.
        if self.inputs.is_waiting() || (self.inputs.is_empty() && !self.inputs.are_at_end()) {
            return true;
        }
        // More records are at hand: these move the watermark without a question.
        self.inputs.is_empty() && self.inputs_time(shared) < self.wanted(now, shared)
    }

    /// Whether something can be decided as far as the inputs go, and only proof that no edit of the
    /// plans comes before it is missing.
    pub fn wants_edits(&self, now: Timestamp, shared: &Shared) -> bool {
        shared.edits_until < self.wanted(now, shared).min(self.inputs_time(shared))
    }

    /// Up to where there is something to decide that can be proved to be complete now.
    fn wanted(&self, now: Timestamp, shared: &Shared) -> Timestamp {
        let possible = now.plus_millis(-shared.behind().as_millis());
        let due = self.next_due().filter(|due| *due <= possible);
        let wanted = due.map_or(self.latest_fact, |due| due.max(self.latest_fact));
        wanted.min(possible)
    }

    /// When something falls due or a waiting fact's instant comes, if nothing else arrives.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.engine.next_wake()
    }

    /// Whether something has fallen due that can be decided now.
    #[must_use]
    pub fn is_due(&self, shared: &Shared) -> bool {
        let evaluation_time = self.evaluation_time(shared);
        self.next_due().is_some_and(|due| due <= evaluation_time)
    }

    /// Decides everything that can be decided now, for about `limit` tickets, into the batch.
    /// Answers with whether more is left.
    pub fn decide(&mut self, limit: usize, now: Timestamp, shared: &Shared) -> bool {
        let evaluation_time = self.evaluation_time(shared);
        let emission = Emission {
            firing: Firing::At(now),
            notify_from: Timestamp::from_millis(self.meta.notify_from_ms),
            tz_version: shared.tz_version.clone(),
        };
        let advanced = self.engine.advance(evaluation_time, limit, &emission);
        self.counted.counts += advanced.counts;
        self.counted.facts.extend(advanced.facts);
        for emitted in advanced.events {
            let trace = self.traces.of(&emitted);
            let record = shared.writing.event(self.number, &emitted.event, trace);
            self.records.push(record);
            self.counted.emitted.push(emitted);
        }
        self.reached = advanced.reached;
        self.is_behind = advanced.is_more_left;
        advanced.is_more_left
    }

    /// What the transaction must hold, or none when nothing has happened.
    #[must_use]
    pub fn batch(&mut self, transaction: &str, shared: &Shared) -> Option<Batch> {
        let mut records = std::mem::take(&mut self.records);
        records.extend(
            self.engine
                .take_changed()
                .map(|(ticket_id, state)| shared.writing.state(self.number, ticket_id, state)),
        );
        let pieces = self.engine.changed_pieces();
        records.extend(pieces.map(|(key, piece)| shared.writing.piece(self.number, key, piece)));
        if records.is_empty() && self.taken == 0 && self.has_begun() {
            // The evaluation time alone is not worth a transaction: nothing was decided before it.
            self.engine.commit();
            self.traces.forget_before(self.reached);
            self.latest_fact = Timestamp::MIN;
            return None;
        }
        self.meta.offsets = self.inputs.read();
        self.meta.evaluated_to_ms = self.reached.as_millis();
        self.meta.tickets = Some(self.engine.len_after() as u64);
        transaction.clone_into(&mut self.meta.transaction);
        records.push(shared.writing.meta(self.number, &self.meta));
        Some(Batch {
            records,
            offsets: self.meta.offsets,
        })
    }

    /// The state as of the last transaction, for whoever has the partition next, if `settled` is the
    /// identity of the transaction that was committed last. None when another one may be committed.
    #[must_use]
    pub fn park(mut self, settled: &str) -> Option<Restored> {
        // The batch of a transaction that is not known to be committed has named itself here.
        if self.meta.transaction != settled {
            return None;
        }
        self.engine.rollback();
        Some(Restored {
            engine: self.engine,
            meta: Some(self.meta),
            transaction: settled.to_owned(),
        })
    }

    /// Makes the batch the state, and answers with what is to be counted once its transaction is
    /// committed.
    pub fn commit(&mut self) -> Counted {
        self.engine.commit();
        self.traces.forget_before(self.reached);
        self.taken = 0;
        self.latest_fact = Timestamp::MIN;
        std::mem::take(&mut self.counted)
    }
}

fn decode(
    record: &Record,
    has_few: bool,
    now: Timestamp,
    shared: &Shared,
) -> Result<wire::Decoded, Unread> {
    wire::decode(
        &wire::Record {
            input: wire::Input::ALL[record.input],
            partition: record.partition,
            partitions: shared.partitions,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &wire::Header::all(&record.headers),
            sample: has_few || record.offset % SAMPLE_EVERY == 0,
        },
        &shared.schemas,
        &shared.mappings,
        now,
    )
}

/// How a partition begins that has no state yet.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// The first offsets to read.
    pub offsets: [i64; 2],
    /// What was due before this instant is not told.
    pub notify_from: Timestamp,
}
