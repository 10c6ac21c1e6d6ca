//! `backtest` as a person or a script runs it, and two plan sets over the incident log.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/incident_log.rs"]
mod incident_log;

use std::path::Path;
use std::sync::LazyLock;

use desk::{Desk, assert_stored, good};
use escalator::backtest::{Change, Difference, Outcome, Read};
use escalator::offline::Recording;
use escalator::plan_file;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation};
use escalator_engine::ticket::Text;
use incident_log::{Options, events};
use serde_json::Value;

const OLD: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat, email] }
  boss: { kind: role, channels: [phone] }
plans:
  - name: gold
    match: { tier: gold }
    timeframes:
      first_response:
        within: 30m
        marks: [{ at: 50%, warn: [noc] }, { at: 100%, level: 1 }, { at: 200%, level: 2 }]
    path:
      - { name: first, notify: [noc] }
      - { name: boss, notify: [boss] }
  - name: other
    timeframes:
      resolution: { within: 4h, marks: [{ at: 100%, level: 1 }] }
    path:
      - { name: all, notify: [noc, assignee] }
";

/// Ten minutes more, no second level, and only high priorities are promised a resolution.
const NEW: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat, email] }
plans:
  - name: gold
    match: { tier: gold }
    timeframes:
      first_response:
        within: 40m
        marks: [{ at: 50%, warn: [noc] }, { at: 100%, level: 1 }]
    path:
      - { name: first, notify: [noc] }
  - name: other
    timeframes:
      resolution: { within: { by: priority, high: 4h }, marks: [{ at: 100%, level: 1 }] }
      first_response: { within: 1h, marks: [{ at: 100%, level: 1 }] }
    path:
      - { name: all, notify: [noc, assignee] }
";

/// One ticket for each kind of change, and one that stays as it is.
const EVENTS: &str = r#"
{"topic":"ticket-created","value":{"ticket_id":"LOWER","occurred_at":"2026-11-23T09:00:00Z","event_id":"1","ticket":{"tier":"gold"}}}
{"topic":"ticket-created","value":{"ticket_id":"SILENT","occurred_at":"2026-11-23T09:00:00Z","event_id":"2","ticket":{"tier":"gold"}}}
{"topic":"ticket-updated","value":{"ticket_id":"SILENT","occurred_at":"2026-11-23T09:35:00Z","event_id":"3","activities":[{"kind":"agent_reply"}]}}
{"topic":"ticket-created","value":{"ticket_id":"LOUD","occurred_at":"2026-11-23T10:00:00Z","event_id":"4","ticket":{"assignee":"ann"}}}
{"topic":"ticket-updated","value":{"ticket_id":"LOUD","occurred_at":"2026-11-23T11:30:00Z","event_id":"5","activities":[{"kind":"agent_reply"}],"changes":{"status":"resolved"}}}
{"topic":"ticket-created","value":{"ticket_id":"SAME","occurred_at":"2026-11-24T22:00:00Z","event_id":"6","ticket":{"priority":"high"}}}
{"topic":"ticket-updated","value":{"ticket_id":"SAME","occurred_at":"2026-11-24T22:30:00Z","event_id":"7","activities":[{"kind":"agent_reply"}]}}
{"topic":"ticket-created","value":{"ticket_id":"WARNED","occurred_at":"2026-11-24T22:00:00Z","event_id":"8","ticket":{"tier":"gold"}}}
{"topic":"ticket-updated","value":{"ticket_id":"WARNED","occurred_at":"2026-11-24T22:25:00Z","event_id":"9","activities":[{"kind":"agent_reply"}]}}
{"topic":"ticket-updated","value":{"ticket_id":"SAME","occurred_at":"2026-11-25T03:00:00Z","event_id":"10","changes":{"status":"closed"}}}
"#;

fn desk() -> Desk {
    let desk = Desk::new(EVENTS);
    desk.write("old.yaml", OLD);
    desk.write("new.yaml", NEW);
    desk
}

const BACKTEST: [&str; 7] = [
    "backtest",
    "--plans",
    "old.yaml",
    "--against",
    "new.yaml",
    "--events",
    "events.jsonl",
];

#[test]
fn what_differs_is_told_in_tables_from_totals_to_tickets() {
    let printed = good(&desk().run(&BACKTEST));
    assert_stored("backtest.txt", &printed);
    let longest = printed.lines().map(|line| line.chars().count()).max();
    assert!(longest.unwrap() <= 100, "{longest:?} columns");
}

#[test]
fn what_differs_is_one_json_object() {
    let desk = desk();
    let arguments = [&BACKTEST[..], &["--output", "json"]].concat();
    let printed = good(&desk.run(&arguments));
    assert_eq!(printed.lines().count(), 1);
    let it: Value = serde_json::from_str(&printed).unwrap();
    assert_stored("backtest.json", &format!("{it:#}\n"));
}

#[test]
fn a_set_against_itself_is_told_in_one_sentence() {
    let desk = desk();
    let itself = [
        "backtest",
        "--plans",
        "old.yaml",
        "--against",
        "old.yaml",
        "--events",
        "events.jsonl",
        "--deny-differences",
    ];
    let printed = good(&desk.run(&itself));
    assert!(
        printed.ends_with("\nno difference: both fire the same 8 events\n"),
        "{printed}"
    );
    let json = good(&desk.run(&[&itself[..], &["--output", "json"]].concat()));
    let it: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&it["differs"], &it["tickets"]),
        (&false.into(), &Value::Array(Vec::new()))
    );
}

#[test]
fn differences_are_an_error_only_when_denied() {
    let desk = desk();
    assert_eq!(desk.run(&BACKTEST).status.code(), Some(0));
    let denied = [&BACKTEST[..], &["--deny-differences"]].concat();
    assert_eq!(desk.run(&denied).status.code(), Some(1));
    desk.write("new.yaml", "version: 1\nplan: []\n");
    assert_eq!(desk.run(&BACKTEST).status.code(), Some(1));
    let missing = [&BACKTEST[..4], &["nowhere.yaml"], &BACKTEST[5..]].concat();
    assert_eq!(desk.run(&missing).status.code(), Some(2));
}

#[test]
fn the_end_leaves_out_what_would_have_fired_later() {
    let until = ["--until", "2026-11-23T09:20:00Z", "--output", "json"];
    let printed = good(&desk().run(&[&BACKTEST[..], &until].concat()));
    let it: Value = serde_json::from_str(&printed).unwrap();
    // The warning at half of 40 minutes comes at the end itself, with five more minutes.
    assert_eq!(it["fired"], serde_json::json!({ "old": 2, "new": 2 }));
    assert_eq!(it["read"]["facts"], 2);
    assert_eq!(it["changes"]["other"], 2);
}

/// Plans of one level that tells these of every ticket.
fn telling(addresses: &str, limit: &str) -> String {
    format!(
        "version: 1
targets:
  noc: {{ kind: team, channels: [chat]{limit} }}
  boss: {{ kind: role, channels: [phone] }}
plans:
  - name: p
    timeframes: {{ resolution: {{ within: 1h, marks: [{{ at: 100%, level: 1 }}] }} }}
    path: [{{ notify: [{addresses}] }}]
"
    )
}

#[test]
fn the_order_of_people_is_no_difference_and_a_digest_is_one_of_its_tickets() {
    let desk = Desk::new(EVENTS);
    desk.write("old.yaml", &telling("noc, boss", ""));
    let differing = |new: &str| {
        desk.write("new.yaml", new);
        let printed = good(&desk.run(&[&BACKTEST[..], &["--output", "json"]].concat()));
        let it: Value = serde_json::from_str(&printed).unwrap();
        let tickets = it["tickets"].as_array().unwrap().iter();
        let ids: Vec<_> = tickets
            .map(|it| it["ticket_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(it["differs"], !ids.is_empty());
        ids
    };
    assert_eq!(differing(&telling("boss, noc", "")), [""; 0]);
    // Of the three that are raised in one hour the first is told by itself.
    let limited = telling("noc, boss", ", at_most: { count: 1, per: 1h }");
    assert_eq!(differing(&limited), ["SILENT", "WARNED"]);
}

/// The first incidents of the log.
static LOG: LazyLock<Recording> = LazyLock::new(|| {
    let arrivals = events(Options {
        limit: Some(3000),
        ..Options::default()
    });
    let lines: Vec<_> = arrivals.into_iter().map(|arrival| arrival.line).collect();
    Recording::read(lines.join("\n").as_bytes()).unwrap()
});

/// The shipped plans, with an edit of their text.
fn shipped(edit: impl Fn(String) -> String) -> plan_file::PlanSet {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/itil.yaml");
    let text = edit(std::fs::read_to_string(path).unwrap());
    let sources = plan_file::Sources::from_text("itil.yaml", &text);
    plan_file::check(sources).into_set().unwrap()
}

fn outcome(plans: &plan_file::PlanSet) -> Outcome {
    let rules = Rules::new(plans.revision().clone()).into();
    let facts = LOG.facts.iter().cloned();
    let simulation = Simulation::new(&rules, facts, LOG.last_at.unwrap(), FACTS_PER_STEP);
    let mut outcome = Outcome::new(plans.revision().clone());
    simulation.for_each(|events| outcome.add(&events));
    outcome
}

#[test]
fn plans_against_themselves_differ_for_no_incident_whatever_their_form() {
    let plans = outcome(&shipped(|text| text));
    let same = Difference::between(&plans, &plans.clone(), Read::default());
    assert!(same.fired.old > 1000, "{:?}", same.fired);
    assert!(!same.differs);
    assert_eq!(same.tickets, []);
    assert!(same.changes.values().all(|count| *count == 0));
    assert!(same.levels.iter().all(|level| level.count.is_same()));

    // Another revision that decides the same: the status word does not occur in the log.
    let renamed = outcome(&shipped(|text| {
        text.replace("With the manufacturer", "At the forge")
    }));
    let same = Difference::between(&plans, &renamed, Read::default());
    assert_ne!(same.plan_revision.old, same.plan_revision.new);
    assert!(!same.differs);
}

#[test]
fn changes_of_tickets_are_mirrored_when_the_sets_change_places() {
    let (old, new) = (
        outcome(&shipped(|text| text)),
        outcome(&shipped(|text| text.replace("normal: 24h", "normal: 60h"))),
    );
    let forth = Difference::between(&old, &new, Read::default());
    let back = Difference::between(&new, &old, Read::default());
    assert!(forth.differs && back.differs);
    assert_eq!(forth.tickets.len(), back.tickets.len());
    let count = |it: &Difference, change: Change| it.changes[change.name()];
    assert!(count(&forth, Change::NewlySilent) > 0);
    assert_eq!(
        count(&forth, Change::NewlySilent),
        count(&back, Change::NewlyLoud)
    );
    let raised = |it: &Difference, ticket: &Text| {
        let found = it.tickets.iter().find(|other| other.ticket_id == *ticket);
        found.map(|it| (it.old.clone(), it.new.clone()))
    };
    for ticket in &forth.tickets {
        let mirrored = (ticket.new.clone(), ticket.old.clone());
        assert_eq!(raised(&back, &ticket.ticket_id), Some(mirrored));
    }
}
