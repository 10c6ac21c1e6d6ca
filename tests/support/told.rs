//! What is told, by the service and by `simulate`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::site::Site;

/// Events out per topic and ticket, in order, without what is free to differ.
pub(crate) type Told = BTreeMap<(String, String), Vec<Value>>;

/// Adds an event.
pub(crate) fn tell(told: &mut Told, topic: &str, key: &str, mut value: Value) {
    let fields = value.as_object_mut().unwrap();
    for free in ["fired_at", "lateness_ms"] {
        assert!(fields.remove(free).is_some(), "{free} is always there");
    }
    told.entry((topic.to_owned(), key.to_owned()))
        .or_default()
        .push(value);
}

/// What `simulate` gives up to an instant, of the events of a file and with the plans of a directory,
/// into which the events are written.
pub(crate) fn simulated(directory: &Path, events: &str, until: &str) -> Told {
    let mut told = Told::new();
    for line in simulated_lines(directory, events, until) {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        tell(
            &mut told,
            &text("topic"),
            &text("key"),
            line["value"].clone(),
        );
    }
    told
}

/// The same as it is printed, in order.
pub(crate) fn simulated_lines(directory: &Path, events: &str, until: &str) -> Vec<Value> {
    let file = directory.join("events.jsonl");
    std::fs::write(&file, events).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_escalator"))
        .arg("simulate")
        .arg("--plans")
        .arg(directory.join("plan.yaml"))
        .arg("--events")
        .arg(&file)
        .args(["--until", until, "--output", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What the service has published.
pub(crate) fn published(site: &Site) -> Told {
    let mut told = Told::new();
    for topic in ["escalated", "notify"] {
        for record in site.read(topic) {
            let (key, value) = record.text();
            tell(
                &mut told,
                topic,
                &key,
                serde_json::from_str(&value).unwrap(),
            );
        }
    }
    told
}

/// How many events.
pub(crate) fn count(told: &Told) -> usize {
    told.values().map(Vec::len).sum()
}

/// Names the first that differ.
#[track_caller]
pub(crate) fn assert_same(actual: &Told, expected: &Told) {
    if let Err(found) = compare(actual, expected) {
        panic!("{found}");
    }
}

/// Compares them topic by topic and ticket by ticket, in order.
///
/// # Errors
/// How many differ, and the first of them.
pub(crate) fn compare(actual: &Told, expected: &Told) -> Result<(), String> {
    let keys: BTreeSet<_> = actual.keys().chain(expected.keys()).collect();
    let wrong: Vec<_> = keys
        .into_iter()
        .filter(|key| actual.get(*key) != expected.get(*key))
        .collect();
    let shown = wrong.iter().take(3).map(|key| {
        let lines = |told: &Told| {
            let values = told.get(*key).into_iter().flatten();
            values.map(|v| format!("    {v}\n")).collect::<String>()
        };
        format!(
            "{key:?}\n  expected\n{}  published\n{}",
            lines(expected),
            lines(actual)
        )
    });
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} of {} differ:\n{}",
        wrong.len(),
        expected.len(),
        shown.collect::<String>()
    ))
}

/// Whether everything was decided in the end that should have been, and the level that a
/// subscriber sees is the right one.
pub(crate) fn assert_corrected(ticket: &str, actual: &[Value], expected: &[Value]) {
    let decision = |event: &Value| {
        let what = ["type", "cause", "level", "due_at"].map(|field| event[field].clone());
        Value::from(what.to_vec()).to_string()
    };
    let made: BTreeSet<_> = actual.iter().map(decision).collect();
    let missing: Vec<_> = expected
        .iter()
        .map(decision)
        .filter(|d| !made.contains(d))
        .collect();
    assert!(missing.is_empty(), "{ticket} lacks {missing:?} of {made:?}");
    assert_eq!(level_seen(actual), level_seen(expected), "{ticket}");
}

/// The level of the decision that was made last, unless a correction says otherwise. In what is
/// compared lies no instant of firing: decisions are ordered by when they were due.
fn level_seen(events: &[Value]) -> u64 {
    let moves = ["raised", "lowered", "ended"];
    let mut seen = (String::new(), 0);
    for event in events {
        let kind = event["type"].as_str().unwrap();
        let level = event["level"].as_u64().unwrap();
        let due_at = event["due_at"].as_str().unwrap().to_owned();
        if event["cause"]["kind"] == "late_event" {
            seen.1 = level;
        } else if moves.contains(&kind) && due_at >= seen.0 {
            seen = (due_at, level);
        }
    }
    seen.1
}
