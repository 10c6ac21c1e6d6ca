//! `mapping test`: the shipped mappings, and what is shown of those that do something else.

#![expect(
    clippy::unwrap_used,
    reason = "the lint knows test functions but not the helpers beside them"
)]

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "other tests use what this one does not")]
mod desk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use desk::{Desk, good};
use escalator::mapping_test::{Read, read};
use escalator::plan_file::{Expected, check, load_mapping_tests, load_mappings};
use escalator::wire::Input;
use serde_json::{Value, json};

const MAPPING: &str = "
version: 1
mappings:
  - name: desk
    match: { event: { contains: ticket } }
    ignore: { event: ticket_seen }
    created: { event: ticket_new }
    ticket_id: ticket.number
    occurred_at: ticket.changed
    ticket: { status: ticket.state, queue: ticket.group }
";

const RECORDS: &str = r#"
{"event":"ticket_new","ticket":{"number":7,"changed":"2026-11-23T09:00:00Z","state":"new","group":"network"}}

{"event":"ticket_seen","ticket":{"number":7}}
{"ticket_id":"T1","occurred_at":"2026-11-23T09:05:00Z","changes":{"status":"closed"}}
"#;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings")
}

fn told(output: &Output) -> (Option<i32>, String) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), told)
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The test files beside the shipped mappings.
fn tests_beside() -> Vec<PathBuf> {
    let files = fs::read_dir(shipped()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.to_str().unwrap().ends_with(".test.yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_shipped_mappings_do_what_their_tests_say() {
    let desk = Desk::new("");
    let report = good(&desk.run(&["mapping", "test", shipped().to_str().unwrap()]));
    assert!(report.ends_with(" tests, 0 failed\n"), "{report}");
    let mappings = fs::read_dir(shipped()).unwrap().count() - 1 - tests_beside().len();
    assert_eq!(tests_beside().len(), mappings, "each has its tests");
}

#[test]
fn the_shipped_mappings_go_together_and_know_their_words() {
    let all = load_mappings(&shipped()).unwrap();
    let plans = check(escalator::plan_file::Sources::from_text(
        "plan.yaml",
        "plans: [{ name: p }]",
    ));
    let revision = plans.into_set().unwrap();
    let mut statuses = 0;
    for path in tests_beside() {
        let file = load_mapping_tests(&path).unwrap().file.unwrap();
        for test in file.tests {
            let Expected::Event { value, .. } = &test.expected else {
                continue;
            };
            let name = format!("{}: {}", path.display(), test.name);
            let input = Input::of(test.in_created);
            let Read::Event(mapped) = read(&all, input, None, &test.record) else {
                panic!("{name}: it is an event among all others, too");
            };
            assert_eq!(mapped.value, *value, "{name}");
            let fields = value.get("ticket").or_else(|| value.get("changes"));
            if let Some(status) = fields.and_then(|fields| fields["status"].as_str()) {
                statuses += 1;
                let (_, is_known) = revision.revision().category(Some(status));
                assert!(is_known, "{name}: `{status}`");
            }
        }
    }
    assert!(statuses > 40, "{statuses}");
}

#[test]
fn a_failed_test_says_what_came_instead() {
    let desk = Desk::new("");
    desk.write("desk.yaml", MAPPING);
    desk.write(
        "desk.test.yaml",
        "mappings: desk.yaml
tests:
  - name: another queue
    record: { event: ticket, ticket: { number: 7, changed: \"2026-11-23T09:00:00Z\", group: network } }
    expect: { updated: { ticket_id: \"7\", occurred_at: \"2026-11-23T09:00:00Z\", version: 1, changes: { queue: noc } } }
  - name: a created event
    record: { event: ticket, ticket: { number: 7, changed: \"2026-11-23T09:00:00Z\" } }
    expect: { created: { ticket_id: \"7\" } }
  - name: under another key
    key: \"8\"
    record: { event: ticket, ticket: { number: 7, changed: \"2026-11-23T09:00:00Z\" } }
    expect: { ignored: true }
  - name: a record of somebody else
    record: { call: 7 }
    expect: { refused: wrong_shape }
",
    );
    let output = desk.run(&["mapping", "test", "desk.yaml"]);
    assert_eq!(told(&output), (Some(1), String::new()));
    assert_eq!(
        printed(&output),
        "desk.test.yaml
  FAILED  another queue (line 3)
          `changes.queue` is \"network\"; expected is \"noc\"
          `source` is \"desk\"; it is not expected
          `version` is missing; expected is 1
  FAILED  a created event (line 6)
          it becomes an update; expected is a created event
  FAILED  under another key (line 9)
          it becomes a dead letter (key_mismatch: field `ticket_id` differs from the record's key); expected is that it is ignored
  passed  a record of somebody else
4 tests, 3 failed
"
    );
    let output = desk.run(&["mapping", "test", ".", "--output", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["good"], false);
    let tests = report["files"][0]["tests"].as_array().unwrap();
    let passed: Vec<_> = tests.iter().map(|test| &test["passed"]).collect();
    assert_eq!(json!(passed), json!([false, false, false, true]));
}

#[test]
fn errors_of_mappings_and_of_tests_have_their_place() {
    let desk = Desk::new("");
    desk.write("desk.yaml", &MAPPING.replace("queue:", "queu:"));
    desk.write(
        "desk.test.yaml",
        "mappings: desk.yaml
tests:
  - { name: nothing, record: {}, expect: { refused: wrong_shap } }
",
    );
    desk.write(
        "not.test.yaml",
        "mappings: desk.yaml
tests:
  - { name: not ignored, record: {}, expect: { ignored: false } }
",
    );
    desk.write("plan.test.yaml", "plans: plan.yaml\ntests: []\n");
    let output = desk.run(&["mapping", "test", "."]);
    assert_eq!(told(&output), (Some(1), String::new()));
    let report = printed(&output);
    for part in [
        "error[E0104]: unknown key `queu` in a ticket\n  --> ./desk.yaml:10:37",
        "error[E0802]: the mappings in ./desk.yaml have 1 error\n --> ./desk.test.yaml:1:11",
        "error[E0204]: `refused` cannot be `wrong_shap`\n --> ./desk.test.yaml:3:53",
        "= help: did you mean `wrong_shape`?",
        "error[E0204]: `ignored` cannot be `false`\n --> ./not.test.yaml:3:57",
        "error[E0106]: these are tests of plans, not of mappings\n --> ./plan.test.yaml:1:1",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let (code, told) = told(&desk.run(&["mapping", "test", "nowhere"]));
    assert_eq!(code, Some(2));
    assert!(told.contains("name test files"), "{told}");
}

#[test]
fn records_are_shown_as_the_events_that_they_become() {
    let desk = Desk::new("");
    desk.write("desk.yaml", MAPPING);
    desk.write("records.jsonl", RECORDS);
    let shown = |more: &[&str]| {
        desk.run(
            &[
                &["mapping", "test", "desk.yaml", "--records", "records.jsonl"],
                more,
            ]
            .concat(),
        )
    };
    let text = shown(&[]);
    assert_eq!(
        told(&text),
        (Some(0), "note: 1 record ignored\n".to_owned())
    );
    let text = printed(&text);
    for part in [
        "line 2: ticket-created, by mapping `desk`\n{\n",
        "\nline 4: ignored\n",
        "\nline 5: ticket-updated, by no mapping\n{\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let lines = printed(&shown(&["--output", "json"]));
    desk.write("events.jsonl", &lines);
    desk.write(
        "plan.yaml",
        "plans: [{ name: p, match: { queue: network } }]",
    );
    let explained = good(&desk.run(&[
        "explain",
        "--plans",
        "plan.yaml",
        "--events",
        "events.jsonl",
        "--ticket",
        "7",
        "--output",
        "json",
    ]));
    let explained: Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(
        (&explained["plan"], &explained["status_category"]),
        (&json!("p"), &json!("new"))
    );
    let created = shown(&["--topic", "ticket-created"]);
    let (code, told) = told(&created);
    assert_eq!(code, Some(1));
    assert!(
        told.contains("line 5: a dead letter: wrong_shape: field `ticket` is missing"),
        "{told}"
    );
    desk.write("records.jsonl", "{\"event\":\n");
    let output = shown(&[]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("line 1: a dead letter: unreadable: the value is not JSON"),
        "{told}"
    );
}
