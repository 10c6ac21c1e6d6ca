//! `simulate`, `explain` and `template` as a person or a script runs them.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "offline/templates.rs"]
mod templates;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PLANS: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat, email] }
plans:
  - name: gold
    match: { tier: gold }
    timeframes:
      first_response: { within: 30m, marks: [{ at: 100%, level: 1 }] }
      resolution: { within: 4h }
    triggers:
      - { name: legal, when: { tags: legal }, level: 1 }
    path:
      - { name: first, notify: [noc], repeat: { every: 10m, times: 2 } }
  - name: other
    match: { tier: silver }
";

const EVENTS: &str = r#"
{"topic":"ticket-created","value":{"ticket_id":"T1","occurred_at":"2026-11-23T10:00:00Z","event_id":"a","ticket":{"tier":"gold","status":"open"}}}
{"topic":"ticket-updated","value":{"ticket_id":"T1","occurred_at":"2026-11-23T10:50:00Z","event_id":"c","changes":{"status":"resolved"}}}
{"topic":"ticket-updated","value":{"ticket_id":"T1","occurred_at":"2026-11-23T10:10:00Z","event_id":"b","changes":{"status":"Galactic"}}}
{"topic":"ticket-updated","value":{"ticket_id":"T1","occurred_at":"2026-11-23T10:10:00Z","event_id":"b","changes":{"status":"Galactic"}}}
{"topic":"ticket-updated","value":{"ticket_id":"T2","occurred_at":"2026-11-23T10:20:00Z","event_id":"d","changes":{"status":"open","tier":"silver"}}}
"#;

/// A directory with plans and events.
struct Desk(TempDir);

impl Desk {
    fn new(plans: &str, events: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("plans.yaml"), plans).unwrap();
        fs::write(directory.path().join("events.jsonl"), events).unwrap();
        Self(directory)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
        command.env_clear().current_dir(self.0.path());
        command.args(arguments).args(["--plans", "plans.yaml"]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.args(["--events", "events.jsonl"]).output().unwrap()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn good(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(told, "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output, code: i32) -> String {
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(output.stdout.is_empty());
    told
}

#[test]
fn a_simulation_tells_each_decision_in_a_line_and_sums_up() {
    let printed = good(&Desk::new(PLANS, EVENTS).run(&["simulate"]));
    assert_eq!(
        printed,
        "\
2026-11-23T10:30:00Z  T1  raised 0 → 1 first (gold): first_response 100%; told noc/chat+email
2026-11-23T10:40:00Z  T1  told again, level 1 first (gold): repeat 1; told noc/chat+email
2026-11-23T10:50:00Z  T1  ended, was level 1 (gold): resolved; told noc/chat+email

5 facts of 2 tickets up to 2026-11-23T10:50:00Z, 1 duplicate
1 time raised
  gold
    level 1 first: 1
  besides 1 repeated, 1 ended
6 notifications: level 2, repeat 2, ended 2
1 change to unknown statuses, taken as open: `Galactic`
  help: add them to `statuses` of the plans
"
    );
}

#[test]
fn a_report_of_a_period_that_the_events_leave_empty_says_so() {
    let desk = Desk::new(PLANS, EVENTS);
    for (end, said) in [
        (
            ["--from", "2026-11-24"],
            "--from is 2026-11-24T00:00:00Z, after the last event, which is at 2026-11-23T10:50:00Z",
        ),
        (
            ["--to", "2026-11-22"],
            "--to is 2026-11-22T23:59:59.999Z, before the first event, which is at 2026-11-23T10:00:00Z",
        ),
    ] {
        let output = desk.run(&["report", end[0], end[1]]);
        assert!(refused(&output, 2).contains(said), "{output:?}");
    }
    good(&desk.run(&["report", "--from", "2026-11-24", "--to", "2026-11-25"]));
}

#[test]
fn only_commands_that_go_by_edits_take_them() {
    let desk = Desk::new(PLANS, EVENTS);
    let edit = ["--edit", "2026-11-23T10:00:00Z=plans.yaml"];
    for command in [&["report"][..], &["backtest", "--against", "plans.yaml"]] {
        let told = refused(&desk.run(&[command, &edit[..]].concat()), 2);
        assert!(told.contains("--edit"), "{told}");
    }
}

#[test]
fn a_simulation_counts_tickets_that_were_forgotten_by_its_end() {
    let until = ["simulate", "--until", "2026-12-31T00:00:00Z"];
    let printed = good(&Desk::new(PLANS, EVENTS).run(&until));
    assert!(
        printed.contains("\n5 facts of 2 tickets up to 2026-12-31T00:00:00Z"),
        "{printed}"
    );
}

#[test]
fn a_simulation_in_json_has_one_line_per_event_out_and_nothing_else() {
    let desk = Desk::new(PLANS, EVENTS);
    let until = [
        "simulate",
        "--output",
        "json",
        "--until",
        "2026-11-23T10:30:00Z",
    ];
    let printed = good(&desk.run(&until));
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (&line["topic"], &line["key"], &line["value"]["fired_at"]))
        .collect();
    let at = "2026-11-23T10:30:00Z";
    assert_eq!(told.len(), 3, "{printed}");
    for ((topic, key, fired_at), expected) in
        told.into_iter().zip(["escalated", "notify", "notify"])
    {
        assert_eq!(
            (topic, key, fired_at),
            (&expected.into(), &"T1".into(), &at.into())
        );
    }
}

#[test]
fn events_are_read_from_standard_input() {
    let desk = Desk::new(PLANS, "");
    let mut command = desk.command(&["simulate", "--events", "-", "--output", "json"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(EVENTS.as_bytes())
        .unwrap();
    let printed = good(&child.wait_with_output().unwrap());
    assert_eq!(printed.lines().count(), 9);
}

#[test]
fn an_explanation_reads_from_top_to_bottom() {
    let at = ["explain", "--ticket", "T1", "--at", "2026-11-23T10:35:00Z"];
    let printed = good(&Desk::new(PLANS, EVENTS).run(&at));
    for part in [
        "T1 at 2026-11-23T10:35:00Z: open, escalated to level 1\n  first_response is broken by 5m\n",
        "  gold matches: tier is gold\n  other does not match: tier is gold, not silver\n",
        "  first_response is running: 35m of 30m counted since 2026-11-23T10:00:00Z, broken at 2026-11-23T10:30:00Z\n    mark 100% at 30m: fired at 2026-11-23T10:30:00Z\n",
        "  resolution is running: 35m of 4h counted since 2026-11-23T10:00:00Z, due 2026-11-23T14:00:00Z\n",
        "  legal does not hold: tags has none of legal\n",
        "Next, if nothing happens\n  2026-11-23T10:40:00Z (in 5m): tells level 1 again\n",
        "  2026-11-23T10:00:00Z  created: status open, tier gold\n",
        "  2026-11-23T10:30:00Z  raised to level 1 (first): first_response reached 100% of its time at 2026-11-23T10:30:00Z\n",
    ] {
        assert!(printed.contains(part), "{part}\nis not in\n{printed}");
    }
    assert!(
        !printed.contains('\u{1b}'),
        "colours where nobody sees them"
    );
}

#[test]
fn an_explanation_in_json_is_the_contracts_object() {
    let printed =
        good(&Desk::new(PLANS, EVENTS).run(&["explain", "--ticket", "T2", "--output", "json"]));
    let it: Value = serde_json::from_str(&printed).unwrap();
    let names: Vec<_> = it.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "ticket_id",
        "at",
        "plan",
        "plan_revision",
        "status_category",
        "level",
        "acknowledged",
        "clocks",
        "triggers",
        "plans",
        "next",
        "history",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    // The last event of the file, whoever it is about.
    assert_eq!(it["at"], "2026-11-23T10:50:00Z");
    assert_eq!(it["history"][0]["what"], "adopted");
}

#[test]
fn a_change_of_category_heads_its_line_of_the_history() {
    let printed = good(&Desk::new(PLANS, EVENTS).run(&["explain", "--ticket", "T1"]));
    let line = "  2026-11-23T10:50:00Z  updated, now resolved: status resolved\n";
    assert!(printed.contains(line), "{printed}");
}

#[test]
fn an_unknown_ticket_is_refused_with_a_remedy() {
    let desk = Desk::new(PLANS, EVENTS);
    let told = refused(&desk.run(&["explain", "--ticket", "t1"]), 1);
    assert_eq!(
        told,
        "error: there is no ticket `t1` in events.jsonl\n  help: did you mean `T1`?\n"
    );
    let told = refused(&desk.run(&["explain", "--ticket", "X"]), 1);
    assert!(
        told.ends_with("help: give an id as the events have it, such as `T1`\n"),
        "{told}"
    );
    let early = ["explain", "--ticket", "T2", "--at", "2026-11-23T10:19:59Z"];
    let told = refused(&desk.run(&early), 1);
    assert!(
        told.contains("its first event is at 2026-11-23T10:20:00Z"),
        "{told}"
    );
}

#[test]
fn bad_lines_are_told_with_file_line_and_reason() {
    let events = format!(
        "{EVENTS}\n{{\"topic\":\"ticket-created\",\"value\":{{\"ticket_id\":\"T3\",\"ticket\":{{}}}}}}\nnonsense\n"
    );
    let told = refused(&Desk::new(PLANS, &events).run(&["simulate"]), 2);
    for part in [
        "error: cannot read the events in events.jsonl\n",
        "caused by: 2 lines are no events; the first of them\n",
        "caused by: line 8 of the events\n",
        "field `occurred_at` is missing",
    ] {
        assert!(told.contains(part), "{part}\nis not in\n{told}");
    }
}

#[test]
fn bad_plans_are_refused_with_every_problem() {
    let desk = Desk::new(
        "version: 1\nplans:\n  - name: a\n    pat: []\n  - nam: b\n",
        EVENTS,
    );
    for command in [&["simulate"][..], &["explain", "--ticket", "T1"]] {
        let told = refused(&desk.run(command), 1);
        assert!(told.contains("plans.yaml:4:5"), "{told}");
        assert!(told.contains("plans.yaml:5:5"), "{told}");
    }
}

#[test]
fn what_does_not_exist_and_what_is_no_instant_is_a_wrong_usage() {
    let desk = Desk::new(PLANS, EVENTS);
    refused(&desk.run(&["simulate", "--until", "noon"]), 2);
    let events = EVENTS.replace("T10:20:00Z", "T10:20Z");
    let told = refused(&Desk::new(PLANS, &events).run(&["simulate"]), 2);
    assert!(
        told.contains("line 6 of the events\n")
            && told.contains("`occurred_at` must be an instant"),
        "{told}"
    );
    assert!(!told.contains("help:"), "the file is one: {told}");
    let told = refused(&Desk::new(PLANS, "nonsense\n").run(&["simulate"]), 2);
    assert!(told.contains("help: name an event file"), "{told}");
    fs::remove_file(desk.path().join("events.jsonl")).unwrap();
    let told = refused(&desk.run(&["simulate"]), 2);
    assert!(
        told.contains("cannot read the events in events.jsonl"),
        "{told}"
    );
    fs::remove_file(desk.path().join("plans.yaml")).unwrap();
    let told = refused(&desk.run(&["simulate"]), 2);
    assert!(told.contains("cannot read the plans"), "{told}");
}

#[test]
fn a_reader_who_leaves_early_is_no_failure() {
    // More than a pipe holds, so that the program still writes when its reader has gone.
    let event = |n: u32| {
        let line = EVENTS.lines().nth(1).unwrap();
        line.replace("\"T1\"", &format!("\"T{n}\"")) + "\n"
    };
    let events: String = (0..2000).map(event).collect();
    let desk = Desk::new(PLANS, &events);
    for output in ["json", "text"] {
        let mut command = desk.command(&["simulate", "--events", "events.jsonl"]);
        command.args(["--until", "2026-11-24T00:00:00Z", "--output", output]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(first.contains("T0"), "{first}");
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
    }
}
