//! What the shell costs beside the core: every wire format in both directions, and a whole recording.
//!
//! `cargo bench --bench shell`

#[path = "../tests/support/incident_log.rs"]
mod incident_log;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use escalator::mapping::Mappings;
use escalator::plan_file::{Sources, check, check_mappings};
use escalator::wire::events::{Events, read_value};
use escalator::wire::{
    Input, OutputFormat, Record, WriterSchemas, decode, decode_state, encode_state, escalated,
    notify,
};
use escalator_engine::effect::Event;
use escalator_engine::engine::Engine;
use escalator_engine::fact::TicketFact;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation, simulate};
use escalator_engine::time::Timestamp;
use mimalloc::MiMalloc;

/// The one of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// 2026-11-23T09:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_424_400_000);

const CREATED: &str = r#"{"event_id":"c1","ticket_id":"T1","occurred_at":"2026-11-23T08:00:00Z",
    "ticket":{"status":"new","priority":"high","category":"network","queue":"noc","assignee":null,
    "requester":"u12345","organization":"acme","tier":"gold","channel":"email",
    "subject":"cannot reach the payment gateway since this morning","tags":["vip"],
    "labels":{"region":"eu"}}}"#;

const UPDATED: &str = r#"{"event_id":"u1","ticket_id":"T1","occurred_at":"2026-11-23T08:10:00Z",
    "changes":{"status":"pending","priority":"critical","assignee":"a7"},
    "activities":[{"kind":"internal_note","actor":"u77",
    "note":"we found the cause, a fix is on its way to the next maintenance window"}]}"#;

/// What a help desk of its own says of such an update, as a webhook.
const WEBHOOK: &str = r#"{"event":"ticket_noted","id":"u1","ticket":{"number":4711,
    "changed":"2026-11-23T08:10:00Z","state":"pending","urgency":1,"owner":{"name":"a7"}},
    "by":{"name":"u77"},
    "note":"we found the cause, a fix is on its way to the next maintenance window"}"#;

/// How it is read.
const DESK: &str = "
version: 1
mappings:
  - name: desk
    match: { event: { contains: ticket_ } }
    created: { event: ticket_new }
    ticket_id: { path: ticket.number, prefix: desk- }
    occurred_at: ticket.changed
    event_id: id
    ticket:
      status: ticket.state
      priority: { path: ticket.urgency, values: { 1: critical, 2: high }, default: low }
      assignee: ticket.owner.name
    activities:
      - { when: { event: ticket_noted }, kind: internal_note, actor: by.name }
";

/// The plan of the bench against others.
const PLAN: &str = include_str!("../bench/plans/bench.yaml");

/// Business hours, working days, pauses, waits and a trigger.
const OFFICE: &str = include_str!("../tests/data/office.yaml");

fn rules(plan: &str) -> Arc<Rules> {
    let checked = check(Sources::from_text("plan.yaml", plan));
    let set = checked.set.expect("the plan is good");
    Arc::new(Rules::new(Arc::clone(set.revision())))
}

fn record(input: Input, value: &[u8]) -> Record<'_> {
    Record {
        input,
        partition: 0,
        partitions: 1,
        key: None,
        value: Some(value),
        headers: &[],
        sample: false,
    }
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let created_avro = include_bytes!("../tests/data/golden/ticket_created.1.avro");
    let updated_avro = include_bytes!("../tests/data/golden/ticket_updated.1.avro");
    let schemas = WriterSchemas::default();
    let mappings = Mappings::default();
    let desk = check_mappings(Sources::from_text("desk.yaml", DESK));
    let desk = desk.into_mappings().expect("the mapping is good");
    let webhook = record(Input::Updated, WEBHOOK.as_bytes());
    assert!(
        decode(&webhook, &schemas, &desk, NOW).is_ok(),
        "it is mapped"
    );
    group.bench_function("updated JSON by a mapping", |b| {
        b.iter(|| decode(black_box(&webhook), &schemas, &desk, NOW))
    });
    for (name, input, value) in [
        ("created JSON", Input::Created, CREATED.as_bytes()),
        ("updated JSON", Input::Updated, UPDATED.as_bytes()),
        ("created Avro", Input::Created, &created_avro[..]),
        ("updated Avro", Input::Updated, &updated_avro[..]),
    ] {
        let record = record(input, value);
        assert!(
            decode(&record, &schemas, &mappings, NOW).is_ok(),
            "{name} is readable"
        );
        group.bench_function(name, |b| {
            b.iter(|| decode(black_box(&record), &schemas, &mappings, NOW))
        });
    }
    group.finish();
}

/// A ticket that became critical, and what was said about it.
fn escalation() -> (Engine, Vec<Event>) {
    let facts = [(Input::Created, CREATED), (Input::Updated, UPDATED)];
    let facts = facts.map(|(input, value)| read_value(input, value).expect("the event is good"));
    let (simulated, engine) = simulate(&rules(PLAN), facts, NOW);
    let events = simulated.events.into_iter().map(|emitted| emitted.event);
    (engine, events.collect())
}

fn writing(c: &mut Criterion) {
    let (engine, events) = escalation();
    let state = engine.ticket("T1").expect("the ticket is known");
    let bytes = encode_state(&state);
    let mut group = c.benchmark_group("state");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |b| b.iter(|| encode_state(black_box(&state))));
    group.bench_function("decode", |b| b.iter(|| decode_state(black_box(&bytes))));
    group.finish();
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    for event in &events {
        for (format, word) in [(OutputFormat::Avro, "Avro"), (OutputFormat::Json, "JSON")] {
            match event {
                Event::Escalated(event) => {
                    let name = format!("escalated {word}");
                    group.bench_function(name, |b| b.iter(|| escalated(black_box(event), format)));
                }
                Event::Notify(event) => {
                    let name = format!("notify {word}");
                    group.bench_function(name, |b| b.iter(|| notify(black_box(event), format)));
                }
            }
        }
    }
    group.finish();
}

/// The log of a help desk, without reading and writing its JSON.
fn recording(c: &mut Criterion) {
    let mut lines = Vec::new();
    for arrival in incident_log::events(incident_log::Options::default()) {
        lines.extend_from_slice(arrival.line.as_bytes());
        lines.push(b'\n');
    }
    let read = Events::new(lines.as_slice()).map(|item| item.expect("the log is good").1);
    let facts: Vec<TicketFact> = read.collect();
    let rules = rules(OFFICE);
    let mut group = c.benchmark_group("recording");
    group.sample_size(10);
    group.throughput(Throughput::Elements(facts.len() as u64));
    group.bench_function("read", |b| b.iter(|| Events::new(lines.as_slice()).count()));
    group.bench_function("simulate", |b| {
        b.iter_batched(
            || facts.clone(),
            |facts| {
                Simulation::new(&rules, facts, NOW, FACTS_PER_STEP)
                    .flatten()
                    .count()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, reading, writing, recording);
criterion_main!(benches);
