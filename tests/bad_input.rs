//! Bad input by the hundred thousand: through decoding, the two inputs of a partition, the engine
//! and the batch, under an allocator that counts.
//!
//! Nothing may panic, every record is accounted for, and no record may take more memory than its
//! size allows. `ESCALATOR_BAD_RECORDS=5000000` asks for more records than the usual run, and
//! `ESCALATOR_BAD_SEED` for others.

#![expect(
    clippy::unwrap_used,
    reason = "the lint knows test functions but not the helpers beside them"
)]

#[path = "bad_input/counting.rs"]
mod counting;
#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "support/dice.rs"]
mod dice;
#[path = "bad_input/records.rs"]
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator::partition::{Fresh, Names, Partition, Restored, Shared, Writing};
use escalator::record::{Record, RecordLimits};
use escalator::wire::{
    DeadLetterReason, Input, OutputFormat, Refusal, SchemaName, WriterSchema, WriterSchemas,
};
use escalator_engine::emission::tz_version;
use escalator_engine::rules::Rules;
use escalator_engine::ticket_state::Acceptance;
use escalator_engine::time::{Duration, Timestamp};

use counting::{live, peak_since};
use records::{Maker, SCHEMA_OF_CREATED, SCHEMA_OF_UPDATED};

/// Enough for each kind to meet many places, and a quarter of a minute without optimisation.
const RECORDS: u64 = 200_000;

/// So many in one transaction.
const BATCH: usize = 500;

/// A partition is begun anew after so many transactions, since its tickets are to be kept.
const BATCHES: usize = 20;

/// What reading one record may take beside what is kept: for each byte of it (a list in JSON whose
/// items are shorter than what holds them)…
const PEAK_PER_BYTE: usize = 64;
/// …and for a ticket with all its facts, which is copied into the batch.
const PEAK_BESIDE: usize = 2 << 20;

/// What a transaction may take beside what it keeps: its states and events, before they are sent.
const PEAK_OF_BATCH: usize = 512 << 20;

/// What stays when everything is dropped: caches that were filled meanwhile.
const LEFT_OVER: usize = 4 << 20;

/// When a transaction of a partition is made: in two hours from ten to noon, so that some events are
/// late and some wait.
fn clock(batch: usize) -> Timestamp {
    let ten = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
    let step_ms = 2 * 3_600_000 / BATCHES;
    ten.plus_millis(i64::try_from(step_ms * (batch + 1)).unwrap())
}

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn shared() -> Shared {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");
    let plans = escalator::plan_file::load(std::path::Path::new(plans)).unwrap();
    let mut schemas = WriterSchemas::of_registry();
    for (id, name) in [
        (SCHEMA_OF_CREATED, SchemaName::TicketCreated),
        (SCHEMA_OF_UPDATED, SchemaName::TicketUpdated),
    ] {
        let schema = WriterSchema::parse(name.text(), &[]).unwrap();
        schemas.insert(id, Ok(Box::new(schema)), None);
    }
    Shared {
        rules: Arc::new(Rules::new(Arc::clone(plans.revision()))),
        tz_version: tz_version(),
        edits_until: Timestamp::MIN,
        grace: Duration::from_millis(0),
        // Some ids are of another partition, whose records have to have a key.
        partitions: 4,
        mappings: Arc::default(),
        schemas,
        writing: Writing {
            names: Names {
                inputs: Input::ALL.map(|input| input.topic().to_owned()),
                state: "state".into(),
                escalated: "escalated".into(),
                notify: "notify".into(),
                dead_letters: "dead".into(),
            },
            format: OutputFormat::Json,
            cloud_events: true,
            limits: RecordLimits {
                escalated_bytes_max: 8 << 20,
                dead_letter_bytes_max: 8 << 20,
                batch_bytes_max: 8 << 20,
            },
        },
        instance: "test".to_owned(),
    }
}

/// A partition without a past.
fn partition(shared: &Shared) -> Partition {
    let restored = Restored::nothing(&shared.rules);
    let fresh = Fresh {
        offsets: [0, 0],
        notify_from: Timestamp::MIN,
    };
    Partition::new(0, restored, fresh, None, shared)
}

/// What became of the records so far.
#[derive(Debug, Default)]
struct Account {
    offered: u64,
    processed: u64,
    duplicates: u64,
    late: u64,
    dead: BTreeMap<&'static str, u64>,
    /// The greatest that one record took beyond what its size allows, as a share of that.
    worst: f64,
}

/// A partition with what it was given.
struct Story<'a> {
    partition: Partition,
    shared: &'a mut Shared,
    account: &'a mut Account,
    offsets: [i64; 2],
    sizes: Vec<usize>,
}

impl Story<'_> {
    /// One transaction of records.
    fn go_through(&mut self, maker: &mut Maker, now: Timestamp) {
        let written = BATCH;
        self.shared.edits_until = now;
        for _ in 0..written {
            let mut record = maker.record();
            record.offset = self.offsets[record.input];
            record.timestamp_ms = now.as_millis();
            self.offsets[record.input] += 1;
            self.sizes.push(size(&record));
            self.partition.offer(record);
        }
        self.account.offered += written as u64;
        for input in 0..2 {
            let end = self.offsets[input];
            self.partition.answer(input, now, end, end);
        }
        let largest = self.sizes.drain(..).max().unwrap_or(0);
        let before = live();
        self.read_all(largest, now);
        while self.partition.decide(usize::MAX, now, self.shared) {}
        let batch = self.partition.batch("t", self.shared).unwrap();
        assert_eq!(batch.offsets, self.offsets, "an offset stands still");
        let is_letter = |topic: &str| topic == "dead";
        let letters = batch.records.iter().filter(|it| is_letter(&it.topic));
        let letters = letters.count();
        drop(batch);
        let counted = self.partition.commit();
        let peak = peak_since(before);
        assert!(peak < PEAK_OF_BATCH, "a transaction took {peak} bytes");
        assert_eq!(counted.dead_letters.len(), letters);
        assert_eq!(counted.facts.len() + letters, written, "records are lost");
        for fact in counted.facts {
            *match fact.acceptance {
                Acceptance::Accepted => &mut self.account.processed,
                Acceptance::Duplicate => &mut self.account.duplicates,
                Acceptance::Late | Acceptance::LateDropped => &mut self.account.late,
            } += 1;
        }
        for (_, _, refusal) in counted.dead_letters {
            assert!(!refusal.error.is_empty());
            *self.account.dead.entry(refusal.reason.name()).or_default() += 1;
        }
    }

    /// Reads record by record; a schema that is not known is one that the registry does not have.
    fn read_all(&mut self, largest: usize, now: Timestamp) {
        let allowed = PEAK_PER_BYTE * largest + PEAK_BESIDE;
        loop {
            let before = live();
            let count = self.partition.read(1, now, self.shared);
            let peak = peak_since(before);
            assert!(
                peak <= allowed,
                "reading a record took {peak} bytes, the largest has {largest}"
            );
            let share = peak as f64 / allowed as f64;
            self.account.worst = self.account.worst.max(share);
            match self.partition.lacks() {
                Some(id) => {
                    let refusal = Refusal::new(DeadLetterReason::UnknownSchema, "nobody has it");
                    self.shared.schemas.insert(id, Err(refusal), None);
                }
                None if count == 0 => return,
                None => {}
            }
        }
    }
}

fn size(record: &Record) -> usize {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    length(&record.key) + length(&record.value)
}

#[test]
fn bad_input_is_accounted_for_and_takes_no_more_memory_than_its_size_allows() {
    let wanted = from_environment("ESCALATOR_BAD_RECORDS", RECORDS);
    let seed = from_environment("ESCALATOR_BAD_SEED", 1);
    let mut maker = Maker::new(seed);
    let mut account = Account::default();
    let mut shared = shared();
    let mut at_rest = None;
    while account.offered < wanted {
        let mut story = Story {
            partition: partition(&shared),
            shared: &mut shared,
            account: &mut account,
            offsets: [0, 0],
            sizes: Vec::new(),
        };
        for batch in 0..BATCHES {
            story.go_through(&mut maker, clock(batch));
        }
        drop(story);
        // What is filled once, such as caches, is full after the first partition.
        let at_rest = *at_rest.get_or_insert_with(live);
        assert!(
            live() < at_rest + LEFT_OVER,
            "{} bytes leak",
            live() - at_rest
        );
    }
    let dead: u64 = account.dead.values().sum();
    let told = account.processed + account.duplicates + account.late + dead;
    assert_eq!(told, account.offered);
    // A run that meets only one kind of fate tests nothing of the others.
    for count in [account.processed, account.duplicates, account.late] {
        assert!(count > wanted / 1_000, "{account:?}");
    }
    let never: Vec<_> = DeadLetterReason::ALL
        .into_iter()
        .map(DeadLetterReason::name)
        .filter(|reason| !account.dead.contains_key(reason))
        .collect();
    assert!(
        never.is_empty(),
        "no dead letter with {never:?}: {account:?}"
    );
    if wanted > RECORDS {
        std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("seed {seed}: {account:?}\n").as_bytes(),
        )
        .unwrap();
    }
}
