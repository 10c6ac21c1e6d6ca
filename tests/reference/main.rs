//! The engine beside a second reading of the contract that shares no code with it.
//!
//! Plans and lives of a ticket come by chance, always the same ones: two plans that the ticket changes
//! between, clocks of all kinds with calendars, pauses and reopening, ladders with waits,
//! acknowledgements and customer updates, triggers, and everything that people do by hand. Every
//! `escalated` and every `notify` has to be the same, in its minute.
//!
//! `SEEDS=20000 cargo test --test reference` looks at more of them.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod chance;
#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "../support/dice.rs"]
mod dice;
mod model;
mod plan;

use std::sync::Arc;

use dice::Dice;
use escalator::offline::Recording;
use escalator::plan_file::{Sources, check};
use escalator_engine::effect::{Escalated, Event, Notify};
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::time::Timestamp;
use model::Model;
use plan::{HOURS, Minute, Plan, TARGETS, instant};
use serde_json::{Value, json};

/// A few seconds. Faults that were planted in thresholds, waits, acknowledgements, triggers and marks
/// were found by the first 52 of them; rare ones, as in what a second lowering tells, take thousands.
const SEEDS: u64 = 1_000;

#[test]
fn everything_is_decided_as_a_second_reading_of_the_contract_decides_it() {
    let seeds = std::env::var("SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let mut decided = 0;
    for seed in 0..seeds {
        let mut dice = Dice::new(seed);
        let plans = chance::plans(&mut dice);
        let (facts, until) = chance::life(&mut dice);
        let mut model = Model::new(&plans);
        model.live(&facts, until);
        let plans = file(&plans);
        let lines: Vec<_> = (0..)
            .zip(&facts)
            .map(|(nth, fact)| fact.json(nth))
            .collect();
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (escalated, notify) = simulated(&plans, &lines, until);
        decided += escalated.len();
        let told = || format!("seed {seed}\n{plans:#}\n{lines}until {}", instant(until));
        assert_eq!(model.escalated, escalated, "{}", told());
        assert_eq!(by_minute(model.notify), by_minute(notify), "{}", told());
    }
    assert!(
        decided as u64 > 2 * seeds,
        "{decided} decisions are too few"
    );
}

/// The plans as a file.
fn file(plans: &[Plan]) -> Value {
    let clock = |minute: Minute| instant(minute)[11..16].to_owned();
    let mut days = [Vec::new(), Vec::new()];
    for (from, to) in HOURS {
        days[from / (24 * 60)].push(format!("{}-{}", clock(from), clock(to)));
    }
    let calendar = |at_close: &str| json!({ "time_zone": "UTC", "hours": { "mon": days[0], "tue": days[1] }, "at_close": at_close });
    let target = |(name, channels): (&str, &[&str])| {
        (
            name.to_owned(),
            json!({ "kind": "team", "channels": channels }),
        )
    };
    json!({
        "version": 1,
        "calendars": { "stay": calendar("stay"), "next_open": calendar("next_open") },
        "targets": Value::Object(TARGETS.into_iter().map(target).collect()),
        "plans": Value::from_iter(plans.iter().map(Plan::json)),
    })
}

/// What the engine makes of them, in the words of the model.
fn simulated(plans: &Value, lines: &str, until: Minute) -> (Vec<String>, Vec<String>) {
    let set = check(Sources::from_text("plans.yaml", &plans.to_string())).into_set();
    let set = set.unwrap_or_else(|refused| panic!("{refused}\n{plans:#}"));
    let rules = Arc::new(Rules::new(Arc::clone(set.revision())));
    let facts = Recording::read(lines.as_bytes()).unwrap().facts;
    let until = Timestamp::parse(&instant(until)).unwrap();
    let (simulated, _) = simulate(&rules, facts, until);
    let (mut escalated, mut notify) = (Vec::new(), Vec::new());
    for emitted in simulated.events {
        match emitted.event {
            Event::Escalated(event) => escalated.push(line(&event)),
            Event::Notify(event) => notify.push(note(&event)),
        }
    }
    (escalated, notify)
}

fn line(event: &Escalated) -> String {
    let (now, due) = (minute(event.fired_at), minute(event.due_at));
    let (before, after, nth) = (event.previous_level, event.level, event.escalation);
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let kind = word(json!(event.kind));
    let mut cause = word(json!(event.cause.kind));
    let parts = [&event.cause.name, &event.cause.mark];
    for part in parts.into_iter().flatten() {
        cause += &format!(" {part}");
    }
    cause += &event
        .cause
        .cycle
        .map_or_else(String::new, |cycle| format!(" {cycle}"));
    format!("{now} {kind} {before}→{after} ({cause}) due {due} of {nth}")
}

fn note(event: &Notify) -> String {
    let (now, purpose) = (minute(event.fired_at), event.purpose.name());
    format!(
        "{now} {purpose} {} {}/{}",
        event.level, event.to, event.channel
    )
}

fn minute(at: Timestamp) -> i64 {
    let beginning = Timestamp::parse(&instant(0)).unwrap();
    (at.as_millis() - beginning.as_millis()) / 60_000
}

/// At one minute the order of who is told is the engine's own.
fn by_minute(mut notify: Vec<String>) -> Vec<String> {
    let minute = |note: &String| note.split(' ').next().unwrap().parse::<i64>().unwrap();
    notify.sort_by(|one, other| (minute(one), one).cmp(&(minute(other), other)));
    notify
}
