//! What an event costs from its bytes to the bytes of its ticket's state, without Kafka: the load of
//! `bench/`, through twelve partitions, in batches as transactions have them.
//!
//! `cargo bench --bench drain -- TICKETS UPDATES [BATCH] [zipf]` prints the CPU time of the thread for
//! each event of the second half of the updates, step by step, and what the process holds.

#![expect(clippy::print_stdout, reason = "what was measured is what it is for")]
#![expect(unreachable_pub, reason = "the load is that of another program")]

#[path = "support/cpu.rs"]
mod cpu;
#[expect(unused_imports, reason = "its tests run where it belongs")]
#[path = "../bench/src/event.rs"]
mod event;
#[expect(dead_code, reason = "the other program asks for more")]
#[path = "../bench/src/load.rs"]
mod load;
#[path = "support/memory.rs"]
mod memory;
#[path = "../bench/src/random.rs"]
mod random;

use std::hint::black_box;
use std::sync::Arc;

use cpu::cpu_ns;
use escalator::partition::{Fresh, Names, Partition, Restored, Shared, Writing};
use escalator::plan_file::{self, Sources};
use escalator::record::{Record, RecordLimits};
use escalator::wire::{OutputFormat, WriterSchemas};
use escalator_engine::rules::Rules;
use escalator_engine::time::{Duration, Timestamp};
use load::Load;
use memory::resident;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const PLAN: &str = include_str!("../bench/plans/bench.yaml");

const PARTITIONS: usize = 12;

/// Events of a transaction unless asked otherwise: the default of `tuning.transaction_records`.
const BATCH: usize = 10_000;

/// The steps of a batch, in their order.
const STEPS: [&str; 5] = ["read", "decide", "gather", "commit", "let go"];

fn main() {
    escalator::memory::ask_for_small_pages();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = arguments.iter().filter_map(|it| it.parse::<usize>().ok());
    let (Some(tickets), Some(updates)) = (numbers.next(), numbers.next()) else {
        println!("cargo bench --bench drain -- TICKETS UPDATES [BATCH] [zipf]");
        return;
    };
    let batch = numbers.next().unwrap_or(BATCH).max(1);
    let load = Load {
        tickets,
        updates,
        is_skewed: arguments.iter().any(|it| it == "zipf"),
        seed: 1,
    };
    let set = plan_file::check(Sources::from_text("bench.yaml", PLAN)).into_set();
    let set = set.unwrap_or_else(|refused| panic!("{refused}"));
    let mut drain = Drain::new(&Arc::new(Rules::new(Arc::clone(set.revision()))));
    let measured_from = tickets + updates / 2;
    let made = load.make(|topic, ticket, value| {
        drain.offer(usize::from(topic == event::UPDATED), ticket, value);
        if drain.offered.is_multiple_of(batch) {
            drain.batch();
        }
        if drain.offered == measured_from {
            drain.spent = [0; STEPS.len()];
        }
        Ok(())
    });
    let expected = made.unwrap_or_else(|error| panic!("{error}"));
    drain.batch();
    let measured = (drain.offered - measured_from).max(1) as u64;
    for (step, spent) in STEPS.iter().zip(drain.spent) {
        println!("{step:>8}: {:>6} ns", spent / measured);
    }
    let all: u64 = drain.spent.iter().sum();
    println!("{:>8}: {:>6} ns an event", "all", all / measured);
    println!(
        "{} records of the state with {} bytes each for {} events, {} MiB resident, {} tickets escalated",
        drain.states,
        drain.state_bytes / drain.states.max(1),
        drain.offered,
        resident() / (1 << 20),
        expected.len()
    );
}

struct Drain {
    shared: Shared,
    partitions: Vec<Partition>,
    offsets: [[i64; 2]; PARTITIONS],
    offered: usize,
    spent: [u64; STEPS.len()],
    states: usize,
    state_bytes: usize,
}

impl Drain {
    fn new(rules: &Arc<Rules>) -> Self {
        let limits = RecordLimits {
            escalated_bytes_max: 1_000_000,
            dead_letter_bytes_max: 1_000_000,
            batch_bytes_max: 1_000_000,
        };
        let shared = Shared {
            rules: Arc::clone(rules),
            tz_version: "2026a".into(),
            edits_until: Timestamp::MAX,
            grace: Duration::from_millis(0),
            partitions: PARTITIONS as i32,
            mappings: Arc::default(),
            schemas: WriterSchemas::default(),
            writing: Writing {
                names: Names {
                    inputs: [event::CREATED, event::UPDATED].map(str::to_owned),
                    state: "state".into(),
                    escalated: "escalated".into(),
                    notify: "notify".into(),
                    dead_letters: "dead-letters".into(),
                },
                format: OutputFormat::Avro,
                cloud_events: false,
                limits,
            },
            instance: "bench".to_owned(),
        };
        let fresh = Fresh {
            offsets: [0, 0],
            notify_from: Timestamp::MIN,
        };
        let partition = |number: usize| {
            Partition::new(
                number as i32,
                Restored::nothing(rules),
                fresh,
                None,
                &shared,
            )
        };
        Self {
            partitions: (0..PARTITIONS).map(partition).collect(),
            shared,
            offsets: [[0; 2]; PARTITIONS],
            offered: 0,
            spent: [0; STEPS.len()],
            states: 0,
            state_bytes: 0,
        }
    }

    fn offer(&mut self, input: usize, ticket: &str, value: &str) {
        let digits = ticket.trim_start_matches('T').parse::<usize>();
        let number = digits.unwrap_or_default() % PARTITIONS;
        let offset = &mut self.offsets[number][input];
        self.partitions[number].offer(Record {
            input,
            partition: number as i32,
            offset: *offset,
            timestamp_ms: event::now_ms(),
            key: Some(ticket.as_bytes().to_vec()),
            value: Some(value.as_bytes().to_vec()),
            headers: Vec::new(),
        });
        *offset += 1;
        self.offered += 1;
    }

    /// Everything that was offered, as one transaction.
    fn batch(&mut self) {
        let now = Timestamp::from_millis(event::now_ms());
        let begun = cpu_ns();
        for (partition, offsets) in self.partitions.iter_mut().zip(self.offsets) {
            for (input, end) in offsets.into_iter().enumerate() {
                partition.answer(input, now, end, end);
            }
            partition.read(usize::MAX, now, &self.shared);
        }
        let read = cpu_ns();
        for partition in &mut self.partitions {
            while partition.decide(usize::MAX, now, &self.shared) {}
        }
        let decided = cpu_ns();
        let batches = self.partitions.iter_mut();
        let batches = batches.filter_map(|it| it.batch("bench-1", &self.shared));
        let batches: Vec<_> = batches.collect();
        let gathered = cpu_ns();
        let records = batches.iter().flat_map(|batch| &batch.records);
        let states = records.filter(|it| it.topic == self.shared.writing.names.state);
        for state in states {
            self.states += 1;
            self.state_bytes += state.value.as_ref().map_or(0, Vec::len);
        }
        let counted = cpu_ns();
        for partition in &mut self.partitions {
            black_box(partition.commit());
        }
        let committed = cpu_ns();
        drop(batches);
        let spent = [
            read - begun,
            decided - read,
            gathered - decided,
            committed - counted,
            cpu_ns() - committed,
        ];
        for (sum, spent) in self.spent.iter_mut().zip(spent) {
            *sum += spent;
        }
    }
}
