//! `test` and `graph` as a person or a build server runs them, and the tests of the shipped plans.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

/// A test file that fails once and passes once.
const TESTS: &str = "
plans: itil.yaml
tests:
  - name: it is answered too late
    start: 2026-11-23T09:00:00Z
    events:
      - { at: 0m, created: { ticket_id: T1, ticket: { status: Galactic, priority: low } } }
    expect:
      - { at: 8h, raised: T1, level: 2 }
  - name: it is answered
    start: 2026-11-23T09:00:00Z
    events:
      - { at: 0m, created: { ticket_id: T1, ticket: { priority: low } } }
      - { at: 1h, updated: { ticket_id: T1, activities: [{ kind: agent_reply }] } }
    expect_only: true
";

fn escalator(directory: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
    command.env_clear().current_dir(directory);
    command.args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A directory with the shipped plan and these tests.
fn desk(tests: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/itil.yaml");
    fs::copy(plan, directory.path().join("itil.yaml")).unwrap();
    fs::write(directory.path().join("itil.test.yaml"), tests).unwrap();
    directory
}

#[test]
fn the_shipped_plans_pass_their_tests_and_every_part_of_them_is_reached() {
    let output = escalator(
        env!("CARGO_MANIFEST_DIR"),
        &["test", "plans", "--deny-unreached"],
    );
    let printed = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for plan in ["call-centre", "itil", "opportunity", "saas-support"] {
        let passed = format!("plans/{plan}.test.yaml\n  ok    ");
        assert!(printed.contains(&passed), "{printed}");
        let reached =
            format!("every plan, level, trigger and mark of plans/{plan}.yaml was reached");
        assert!(printed.contains(&reached), "{printed}");
    }
    assert!(printed.ends_with(" passed, 0 failed\n"), "{printed}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_shipped_plans_are_good_each_alone_and_all_together() {
    let files = [
        "call-centre.yaml",
        "itil.yaml",
        "opportunity.yaml",
        "saas-support.yaml",
    ];
    let files = files.map(|file| format!("plans/{file}"));
    for path in files.iter().map(|file| &**file).chain(["plans"]) {
        let output = escalator(
            env!("CARGO_MANIFEST_DIR"),
            &["validate", path, "--deny-warnings"],
        );
        assert_eq!(output.status.code(), Some(0), "{path}: {}", stdout(&output));
    }
}

#[test]
fn a_test_that_fails_is_told_with_what_came_instead() {
    let desk = desk(TESTS);
    let path = desk.path().to_str().unwrap();
    let output = escalator(path, &["test", "itil.test.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stdout(&output),
        "\
itil.test.yaml
warning[W0801]: the status `Galactic` is not known, so the ticket counts as open
 --> itil.test.yaml:7:63
  |
7 |       - { at: 0m, created: { ticket_id: T1, ticket: { status: Galactic, priority: low } } }
  |                                                               ^^^^^^^^
  |
  = help: add the word to `statuses` of the plans under the category that it means
  FAIL  it is answered too late
  ok    it is answered

FAIL  it is answered too late  itil.test.yaml:4:11

  expected raised T1 at 8h, level 2  (itil.test.yaml:9:9)
  came     raised 0 → 1 second line (incident): first_response 100%; told second-line/chat+email
    - level 2
    + level 1
  what came out around then:
    5h36m  warned (incident): first_response 70%; told service-desk/chat
    8h     raised 0 → 1 second line (incident): first_response 100%; told second-line/chat+email
    8h15m  told again, level 1 second line (incident): repeat 1; told second-line/chat+email, after the end of the test
    8h30m  told again, level 1 second line (incident): repeat 2; told second-line/chat+email, after the end of the test
  to know:
    T1 is then open, at level 1; incident applies
    first_response is running: 8h of 8h counted, broken at 8h
    resolution is running: 8h of 3d counted, due at 3d
    next, if nothing happens: at 8h15m tells level 1 again

not reached by any test of itil.yaml
  incident: levels 2 team lead, 3 duty manager, 4 head of IT; triggers major-incident, legal, reopened-again, ping-pong, nobody-has-it, unhappy; marks first_response 200%, next_response 100%, resolution 50%, resolution 80%, resolution 100%, resolution 150%, vendor 100%, vendor 200%
  request: no ticket was under this plan

1 passed, 1 failed
1 warning
"
    );
}

#[test]
fn build_servers_and_programs_get_their_reports() {
    let desk = desk(TESTS);
    let path = desk.path().to_str().unwrap();
    let output = escalator(
        path,
        &["test", ".", "--junit", "report.xml", "--output", "json"],
    );
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &1.into()));
    assert_eq!(json["files"][0]["problems"][0]["code"], "W0801");
    let xml = fs::read_to_string(desk.path().join("report.xml")).unwrap();
    assert!(
        xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "),
        "{xml}"
    );
    let case = "<testcase classname=\"./itil.test.yaml\" name=\"it is answered\" file=\"./itil.test.yaml\" line=\"10\"/>";
    assert!(xml.contains(case), "{xml}");
    let output = escalator(path, &["test", ".", "--junit", "nowhere/report.xml"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_no_test_reached_is_bad_only_where_it_is_denied() {
    let passing = TESTS.split("  - name: it is answered\n").last().unwrap();
    let tests = format!("plans: itil.yaml\ntests:\n  - name: it is answered\n{passing}");
    let desk = desk(&tests);
    let path = desk.path().to_str().unwrap();
    assert_eq!(escalator(path, &["test", "."]).status.code(), Some(0));
    let denied = escalator(path, &["test", ".", "--deny-unreached"]);
    assert_eq!(denied.status.code(), Some(1));
}

#[test]
fn files_with_errors_are_bad_and_paths_without_tests_are_a_wrong_usage() {
    let desk = desk("plans: itil.yaml\ntets: []\n");
    let path = desk.path().to_str().unwrap();
    let output = escalator(path, &["test", "itil.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let printed = stdout(&output);
    assert!(
        printed
            .contains("error[E0104]: unknown key `tets` in a test file\n --> itil.test.yaml:2:1\n"),
        "{printed}"
    );
    for wrong in [&["test", "nowhere"][..], &["test"]] {
        let output = escalator(path, wrong);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
    }
    let test = desk.path().join("itil.test.yaml");
    fs::rename(test, desk.path().join("other.test.yaml")).unwrap();
    let output = escalator(path, &["test", "itil.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = "itil.yaml has no tests beside it; they would be in itil.test.yaml\n";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn validate_reports_what_is_wrong_in_tests_beside_the_plans() {
    let desk = desk(TESTS);
    let path = desk.path().to_str().unwrap();
    for arguments in [&["."][..], &["itil.yaml", "itil.test.yaml"]] {
        let mut command = vec!["validate", "--output", "json"];
        command.extend(arguments);
        let output = escalator(path, &command);
        assert_eq!(output.status.code(), Some(0));
        let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(json["problems"][0]["code"], "W0801", "{json}");
        assert_eq!(json["problems"][0]["line"], 7);
        assert_eq!(json["sets"].as_array().unwrap().len(), 1);
        command.push("--deny-warnings");
        assert_eq!(escalator(path, &command).status.code(), Some(1));
    }
    fs::write(desk.path().join("itil.test.yaml"), "plans: itil.yaml\n").unwrap();
    let output = escalator(path, &["validate", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("error[E0105]"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn plans_are_drawn_in_the_form_that_is_asked_for() {
    let root = env!("CARGO_MANIFEST_DIR");
    let drawn = |arguments: &[&str]| {
        let output = escalator(
            root,
            &[&["graph", "--plans", "plans/itil.yaml"], arguments].concat(),
        );
        assert_eq!(output.status.code(), Some(0));
        stdout(&output)
    };
    assert_eq!(drawn(&[]), include_str!("../src/plan_graph/tests/itil.txt"));
    for (format, stored) in [
        ("mermaid", include_str!("../src/plan_graph/tests/itil.mmd")),
        ("dot", include_str!("../src/plan_graph/tests/itil.dot")),
        ("svg", include_str!("../src/plan_graph/tests/itil.svg")),
    ] {
        assert_eq!(drawn(&["--format", format]), stored, "{format}");
    }
    let one = drawn(&["--plan", "request", "--output", "json"]);
    let json: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(json["plans"].as_array().unwrap().len(), 1);
    assert_eq!(json["plans"][0]["path"][1]["name"], "team lead");
}

#[test]
fn a_plan_that_is_not_there_cannot_be_drawn() {
    let root = env!("CARGO_MANIFEST_DIR");
    const PLAN: &str = "plans/itil.yaml";
    let output = escalator(root, &["graph", "--plans", PLAN, "--plan", "incidents"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: there is no plan `incidents` in plans/itil.yaml\n  help: the plans are `incident`, `request`\n"
    );
    let output = escalator(root, &["graph", "--plans", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
}
