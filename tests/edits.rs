//! Edits of plans under running tickets, as `simulate` and `explain` show them.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A plan whose resolution takes some hours; `more` is put into the plan.
fn plan(name: &str, hours: u32, more: &str) -> String {
    format!(
        "version: 1
targets: {{ noc: {{ kind: team, channels: [chat] }} }}
plans:
  - name: {name}
    {more}
    timeframes:
      resolution: {{ within: {hours}h, marks: [ {{ at: 50%, warn: [noc] }}, {{ at: 100%, level: 1 }} ] }}
    path: [ {{ notify: [noc] }}, {{ assign: {{ queue: q }} }} ]
"
    )
}

struct Desk {
    directory: TempDir,
    edits: Vec<String>,
}

impl Desk {
    /// Tickets that live under these plans, with edits at some hours of the day.
    fn new(first: &str, events: &[Value], edits: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        write("first.yaml", first);
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        write("events.jsonl", &lines);
        let edits = edits.iter().enumerate().map(|(number, (at, text))| {
            let path = write(&format!("edit-{number}.yaml"), text);
            format!("--edit={}={path}", day(at))
        });
        let edits = edits.collect();
        Self { directory, edits }
    }

    fn run(&self, arguments: &[&str]) -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_escalator"))
            .args(arguments)
            .args(["--plans", "first.yaml", "--events", "events.jsonl"])
            .args(&self.edits)
            .args(["--output", "json"])
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let lines = printed.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// `escalated` events until the end of the day: instant, type, mark or name, due instant.
    fn told(&self) -> Vec<String> {
        let events = self.run(&["simulate", "--until", "2026-11-23T23:59:00Z"]);
        let escalated = events.iter().filter(|event| event["topic"] == "escalated");
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        escalated
            .map(|event| {
                let value = &event["value"];
                let cause = &value["cause"];
                let time = |field: &str| text(&value[field])[11..16].to_owned();
                let mark = if cause["mark"].is_null() {
                    &cause["kind"]
                } else {
                    &cause["mark"]
                };
                let cycle = cause["cycle"].as_u64().unwrap_or(0);
                let (fired, due) = (time("fired_at"), time("due_at"));
                let (kind, mark) = (text(&value["type"]), text(mark));
                format!(
                    "{fired} {} {kind} {mark} cycle {cycle} due {due}",
                    text(&event["key"])
                )
            })
            .collect()
    }

    fn explain(&self, ticket: &str, at: &str) -> Value {
        let at = day(at);
        self.run(&["explain", "--ticket", ticket, "--at", &at])
            .remove(0)
    }
}

fn day(time: &str) -> String {
    format!("2026-11-23T{time}:00Z")
}

fn created(ticket: &str, time: &str) -> Value {
    let value = json!({"ticket_id": ticket, "occurred_at": day(time), "event_id": format!("{ticket}-{time}"),
        "ticket": {"status": "open"}});
    json!({"topic": "ticket-created", "value": value})
}

fn status(ticket: &str, time: &str, status: &str) -> Value {
    let value = json!({"ticket_id": ticket, "occurred_at": day(time), "event_id": format!("{ticket}-{time}"),
        "changes": {"status": status}});
    json!({"topic": "ticket-updated", "value": value})
}

#[test]
fn adopting_recomputes_elapsed_time_and_fires_nothing_again() {
    let edits = [("11:30", &*plan("p", 2, "in_flight: adopt"))];
    let desk = Desk::new(&plan("p", 3, ""), &[created("T1", "10:00")], &edits);
    assert_eq!(
        desk.told(),
        [
            "11:30 T1 warned 50% cycle 1 due 11:00",
            "12:00 T1 raised 100% cycle 1 due 12:00"
        ],
        "at one instant the edit comes before what is due: 50 % of the new length was due at 11:00"
    );
}

#[test]
fn what_an_edit_moves_into_the_past_fires_at_once_with_its_true_instant() {
    let edits = [("12:30", &*plan("p", 2, ""))];
    let desk = Desk::new(&plan("p", 6, ""), &[created("T1", "10:00")], &edits);
    assert_eq!(
        desk.told(),
        [
            "12:30 T1 warned 50% cycle 1 due 11:00",
            "12:30 T1 raised 100% cycle 1 due 12:00"
        ]
    );
}

#[test]
fn keeping_lets_tickets_end_on_the_revision_they_have_and_a_reopened_one_moves_on() {
    let events = [
        created("T1", "10:00"),
        status("T1", "13:00", "resolved"),
        status("T1", "14:00", "open"),
        created("T2", "12:00"),
    ];
    let kept = plan("p", 8, "in_flight: keep");
    let kept = format!("{kept}  - {{ name: other, match: {{ tier: gold }} }}\n");
    let edits = [("11:00", &*kept)];
    let desk = Desk::new(&plan("p", 4, ""), &events, &edits);
    assert_eq!(
        desk.told(),
        [
            "12:00 T1 warned 50% cycle 1 due 12:00",
            "16:00 T2 warned 50% cycle 1 due 16:00",
            "19:00 T1 raised 100% cycle 1 due 19:00",
            "20:00 T2 raised 100% cycle 1 due 20:00"
        ]
    );
    let revisions: Vec<Value> = ["12:30", "15:00"]
        .map(|at| desk.explain("T1", at)["plan_revision"].clone())
        .into();
    assert_ne!(revisions[0], revisions[1]);
    assert_eq!(desk.explain("T2", "15:00")["plan_revision"], revisions[1]);
    let plans = ["T1", "T2"].map(|ticket| desk.explain(ticket, "12:30")["plans"].clone());
    let plans = plans.map(|plans| plans.as_array().unwrap().len());
    assert_eq!(
        plans,
        [1, 2],
        "a kept ticket is matched in its old revision"
    );
}

#[test]
fn restarting_begins_the_next_cycle_of_what_runs_where_the_plan_changed() {
    let events = [
        created("T1", "10:00"),
        status("T1", "10:30", "waiting_customer"),
        status("T1", "12:00", "open"),
        created("T2", "10:00"),
        status("T2", "10:30", "resolved"),
        status("T2", "12:00", "open"),
    ];
    let restart = plan("p", 2, "in_flight: restart");
    // The second edit changes nothing of the plan, so it restarts nothing.
    let same = format!("{restart}  - {{ name: other, match: {{ tier: gold }} }}\n");
    let desk = Desk::new(
        &plan("p", 4, ""),
        &events,
        &[("11:00", &restart), ("12:30", &same)],
    );
    let clock = &desk.explain("T1", "13:00")["clocks"][0];
    assert_eq!(
        (&clock["cycle"], &clock["elapsed_s"], &clock["due_at"]),
        (&json!(2), &json!(3600), &json!(day("14:00")))
    );
    // A ticket that was resolved at the edit is not rewritten; reopened, it goes on.
    let clock = &desk.explain("T2", "13:00")["clocks"][0];
    assert_eq!(
        (&clock["cycle"], &clock["elapsed_s"]),
        (&json!(1), &json!(5400))
    );
}

#[test]
fn a_plan_that_is_gone_ends_its_escalations_or_hands_the_ticket_on() {
    let gone = "version: 1\nplans: [ { name: other, match: { tier: gold } } ]\n";
    let first = plan("p", 1, "");
    let desk = Desk::new(&first, &[created("T1", "10:00")], &[("12:00", gone)]);
    assert_eq!(
        desk.told(),
        [
            "10:30 T1 warned 50% cycle 1 due 10:30",
            "11:00 T1 raised 100% cycle 1 due 11:00",
            "12:00 T1 ended no_plan cycle 0 due 12:00"
        ]
    );
    // The fired marks are remembered by timeframe, cycle and text, whatever plan they were of.
    let next = plan("next", 1, "");
    let desk = Desk::new(&first, &[created("T1", "10:00")], &[("12:00", &next)]);
    assert_eq!(desk.told().len(), 2);
    assert_eq!(desk.explain("T1", "12:00")["plan"], "next");
}

#[test]
fn a_trigger_that_begins_to_hold_by_an_edit_fires_at_the_edit() {
    let more = "triggers: [ { name: open, when: { status: open }, level: 2 } ]";
    let edits = [
        ("11:00", &*plan("p", 9, more)),
        ("12:00", &*plan("p", 8, more)),
    ];
    let desk = Desk::new(&plan("p", 9, ""), &[created("T1", "10:00")], &edits);
    let told = desk.told();
    assert_eq!(told[0], "11:00 T1 raised trigger cycle 1 due 11:00");
    assert!(
        !told[1..].iter().any(|line| line.contains("trigger")),
        "{told:?}"
    );
}
