//! The incident log becomes the events that it stands for, every one of them can be read, and what a
//! plan decides about them does not depend on how they arrive.

#[path = "support/incident_log.rs"]
mod incident_log;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use escalator::wire::events::Events;
use sha2::{Digest, Sha256};

use incident_log::{Arrival, Options, events};

/// Converted once for all tests: it is the slow part of them.
static WHOLE: LazyLock<Vec<Arrival>> = LazyLock::new(|| events(Options::default()));

fn tickets(events: &[Arrival]) -> usize {
    let ids: HashSet<&str> = events.iter().map(|event| &*event.ticket_id).collect();
    ids.len()
}

fn file(events: &[Arrival]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        bytes.extend_from_slice(event.line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
}

fn sorted(mut events: Vec<Arrival>) -> Vec<Arrival> {
    events.sort_by(|a, b| a.line.cmp(&b.line));
    events
}

#[test]
fn the_whole_log_is_converted_as_an_independent_conversion_does() {
    assert_eq!(WHOLE.len(), 141_712);
    assert_eq!(tickets(&WHOLE), 24_918);
    // The hashes of this and the next test are of the output of another implementation.
    assert_eq!(
        sha256(&file(&WHOLE)),
        "eda5530ff2e05cd09b63316d85760bc67eb7f916a944878b476a6fc674e977d9"
    );
}

#[test]
fn a_limit_takes_whole_incidents_from_the_beginning() {
    let events = events(Options {
        limit: Some(3000),
        ..Options::default()
    });
    assert_eq!(tickets(&events), 3000);
    assert_eq!(
        sha256(&file(&events)),
        "78698b49ba12eb8ccaf3239a353fa588043c6169553f99b7a14ce94cce13aba4"
    );
}

#[test]
fn every_event_of_the_log_is_read_and_keeps_its_ticket_and_instant() {
    let bytes = file(&WHOLE);
    let mut read = 0;
    for (item, event) in Events::new(bytes.as_slice()).zip(WHOLE.iter()) {
        let (line, fact) = item.unwrap();
        read += 1;
        assert_eq!(line, read);
        assert_eq!(*fact.ticket_id, event.ticket_id);
        assert_eq!(fact.fact.occurred_at.to_string(), event.occurred_at);
        assert_eq!(fact.fact.created, event.topic == "ticket-created");
    }
    assert_eq!(read, 141_712);
}

#[test]
fn a_disturbed_arrival_is_decided_by_its_seed_and_loses_nothing() {
    let with = |seed, shuffled| {
        events(Options {
            limit: Some(300),
            duplicates: 0.1,
            delay_records_max: 50,
            shuffled,
            seed,
        })
    };
    assert_eq!(with(1, false), with(1, false));
    assert_ne!(with(1, false), with(2, false));
    assert_ne!(with(1, false), with(1, true));

    let mut arrived = sorted(with(1, true));
    let duplicated = arrived.len();
    arrived.dedup();
    let undisturbed = sorted(events(Options {
        limit: Some(300),
        ..Options::default()
    }));
    assert!(duplicated > undisturbed.len() * 21 / 20);
    assert_eq!(arrived, undisturbed);
}

/// Business hours, working days, holidays, pauses, waits and a trigger.
const OFFICE: &str = include_str!("data/office.yaml");

/// What `simulate` prints for events that arrive in this way.
fn simulated(directory: &Path, arrivals: &[Arrival]) -> Vec<u8> {
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(directory.join(name), bytes).expect("a temporary file can be written");
    };
    write("plan.yaml", OFFICE.as_bytes());
    write("events.jsonl", &file(arrivals));
    let output = Command::new(env!("CARGO_BIN_EXE_escalator"))
        .current_dir(directory)
        .args([
            "simulate",
            "--plans",
            "plan.yaml",
            "--events",
            "events.jsonl",
        ])
        .args(["--output", "json"])
        .output()
        .expect("the command can be started");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    output.stdout
}

#[test]
fn the_whole_log_is_decided_alike_in_order_in_disorder_and_with_duplicates() {
    let directory = tempfile::TempDir::new().expect("a temporary directory can be made");
    let in_order = simulated(directory.path(), &WHOLE);
    let events_out = in_order.iter().filter(|byte| **byte == b'\n').count();
    assert!(
        events_out > 60_000,
        "the plan has much to say: {events_out}"
    );
    for duplicates in [0.0, 0.05] {
        let arrivals = events(Options {
            duplicates,
            shuffled: true,
            seed: 7,
            ..Options::default()
        });
        let disturbed = simulated(directory.path(), &arrivals);
        assert!(disturbed == in_order, "{duplicates} sent twice");
    }
}
