//! Plan tests run from texts: when they pass, when they fail, and what a failure says.

mod apart;
mod digests;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::plan_file::{Code, Severity, Sources, check_tests, render};

const PLANS: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat, email] }
  lead: { kind: role, channels: [chat] }
plans:
  - name: gold
    match: { tier: gold }
    timeframes:
      first_response:
        within: { by: priority, high: 1h, default: 4h }
        marks:
          - { at: 80%, warn: [noc] }
          - { at: 100%, level: 1 }
    triggers:
      - { name: legal, when: { tags: legal }, level: 2 }
    path:
      - { name: first, notify: [noc], repeat: { every: 10m, times: 2 } }
      - { name: second, notify: [{ to: lead }, { to: noc, channel: chat }], assign: { queue: l2 } }
  - name: silver
    match: { tier: silver }
";

/// The beginning of every test file here: a ticket that nobody answers.
const HEAD: &str = "
plans: plans.yaml
tests:
  - name: it
    start: 2026-11-23T09:00:00Z
    events:
      - { at: 0m, created: { ticket_id: T1, ticket: { tier: gold, priority: high } } }
";

fn directory(tests: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plans.yaml"), PLANS).unwrap();
    fs::write(directory.path().join("plans.test.yaml"), tests).unwrap();
    directory
}

fn report_of(directory: &Path) -> Report {
    let mut loader = Loader::default();
    let mut report = Report::default();
    for path in find(&[directory.to_owned()]).unwrap() {
        report.add(loader.load(&path).unwrap());
    }
    report
}

/// The report of a test file that is sound.
fn run_text(tests: &str) -> Report {
    let directory = directory(tests);
    let report = report_of(directory.path());
    let problems = &report.suites[0].checked.problems;
    assert!(problems.is_empty(), "{problems:?}");
    report
}

/// The failures of the only test of a file with this end.
fn failures(tail: &str) -> Vec<Failure> {
    let mut report = run_text(&format!("{HEAD}{tail}"));
    report.suites.remove(0).tests.remove(0).failures
}

fn passes(tail: &str) {
    let failures = failures(tail);
    assert!(failures.is_empty(), "{tail}\n{failures:#?}");
}

/// What the only failure says of a field.
fn difference(tail: &str, field: &str) -> (String, String) {
    let failures = failures(tail);
    assert_eq!(failures.len(), 1, "{tail}\n{failures:#?}");
    let instead = failures[0].instead.as_ref().unwrap();
    let differences = instead.differences.iter();
    let found: Vec<_> = differences.filter(|it| it.field == field).collect();
    assert_eq!(found.len(), 1, "{tail}\n{failures:#?}");
    (found[0].expected.clone(), found[0].came.clone())
}

#[test]
fn what_comes_as_expected_passes() {
    passes(
        "    expect:
      - { at: 48m, warned: T1, cause: first_response 80%, level: 0, escalation: 0, notify: [noc] }
      - at: 60m
        raised: T1
        plan: gold
        level: 1
        previous_level: 0
        level_name: first
        level_kind: functional
        nature: problem
        cause: { kind: timeframe, name: first_response, mark: 100%, cycle: 1 }
        assign: null
        due_at: 1h
        lateness_ms: 0
        suppressed: false
        actor: null
        ticket: { tier: gold, priority: high, tags: [] }
        notify: [noc/email, noc/chat]
      - { at: 60m, notify: T1, to: noc, channel: chat, purpose: level, body: { contains: gold } }
      - { at: 2026-11-23T10:10:00Z, repeated: T1, ordinal: 1, cause: repeat }
      - { at: 80m, repeated: T1, ordinal: 2, cause: waiting }
    expect_only: true
    expect_none_after: 80m
",
    );
}

#[test]
fn every_field_that_differs_is_told() {
    for (expected, field, told) in [
        ("level: 2", "level", ("2", "1")),
        (
            "cause: legal",
            "cause",
            ("legal", "first_response 100% (timeframe)"),
        ),
        (
            "cause: { mark: 80% }",
            "cause",
            ("{ mark: 80% }", "{ mark: 100% }"),
        ),
        ("assign: { queue: l2 }", "assign", ("{ queue: l2 }", "null")),
        (
            "ticket: { tier: silver }",
            "ticket",
            ("{ tier: silver }", "{ tier: gold }"),
        ),
        ("suppressed: true", "notify_suppressed", ("true", "false")),
        ("notify: []", "notify", ("[]", "[noc]")),
        ("notify: [lead]", "notify", ("[lead]", "[noc]")),
        ("notify: [noc, lead]", "notify", ("[noc, lead]", "[noc]")),
        (
            "notify: [noc/chat]",
            "notify",
            ("[noc/chat]", "[noc/chat, noc/email]"),
        ),
        ("note: { contains: x }", "note", ("containing “x”", "null")),
    ] {
        let tail = format!("    expect: [{{ at: 1h, raised: T1, {expected} }}]\n");
        let (wanted, came) = difference(&tail, field);
        assert_eq!((&*wanted, &*came), told, "{expected}");
    }
}

#[test]
fn an_event_at_another_time_is_shown_even_after_the_end() {
    let at = difference("    expect: [{ at: 50m, raised: T1 }]\n", "at");
    assert_eq!(at, ("50m".to_owned(), "1h".to_owned()));
    let failures = failures("    expect: [{ at: 50m, raised: T1 }]\n");
    let around: Vec<_> = failures[0].around.iter().map(|(at, _)| &**at).collect();
    assert_eq!(around, ["48m", "1h", "1h10m"]);
    assert!(
        failures[0].around[1]
            .1
            .ends_with("after the end of the test")
    );
}

#[test]
fn times_that_are_written_as_instants_are_told_as_instants() {
    let test = "    expect: [{ at: 2026-11-23T09:50:00Z, raised: T1 }]\n";
    let at = difference(test, "at");
    let written = |time: &str| format!("2026-11-23T{time}:00Z");
    assert_eq!(at, (written("09:50"), written("10:00")));
    let failure = &failures(test)[0];
    assert_eq!(
        failure.expected,
        format!("raised T1 at {}", written("09:50"))
    );
    assert_eq!(failure.around[0].0, written("09:48"));
    let due = format!("due at {}", written("10:00"));
    assert!(
        failure.because.iter().any(|line| line.ends_with(&due)),
        "{failure:?}"
    );
}

#[test]
fn a_failure_says_why() {
    let because = |tail: &str| failures(tail)[0].because.join("\n");
    let told = because("    expect: [{ at: 5m, raised: T1, cause: legal }]\n");
    assert_eq!(
        told,
        "T1 is then open, at level 0; gold applies\n\
         trigger legal does not hold: tags has none of legal\n\
         next, if nothing happens: at 48m first_response reaches 80%: warns"
    );
    let told = because("    expect: [{ at: 5m, raised: T1, plan: silver }]\n");
    assert!(
        told.contains("silver does not match: tier is gold, not silver"),
        "{told}"
    );
    let paused =
        "      - { at: 20m, updated: { ticket_id: T1, activities: [{ kind: agent_reply }] } }
    expect: [{ at: 1h, raised: T1, cause: first_response 100% }]
";
    let told = because(paused);
    assert!(
        told.contains("first_response was stopped at 20m: 20m of 1h counted"),
        "{told}"
    );
    assert!(
        told.ends_with("nothing is going to fire if nothing happens"),
        "{told}"
    );
}

#[test]
fn one_event_meets_one_expectation_and_none_takes_what_another_needs() {
    // The first expectation could take either notification, the second only one of them.
    passes(
        "    expect:
      - { at: 1h, notify: T1, to: noc }
      - { at: 1h, notify: T1, to: noc, channel: chat }
",
    );
    let failures = failures(
        "    expect:
      - { at: 1h, raised: T1 }
      - { at: 1h, raised: T1 }
",
    );
    assert_eq!(failures.len(), 1);
}

#[test]
fn nothing_else_may_come_where_that_is_asked() {
    let only = failures("    expect: [{ at: 1h, raised: T1 }]\n    expect_only: true\n");
    assert_eq!(only.len(), 1);
    assert_eq!(only[0].kind, FailureKind::Unexpected);
    assert_eq!(only[0].around[0].0, "48m");
    // What is shown as having come instead is not told a second time.
    let instead = failures(
        "    expect: [{ at: 48m, warned: T1 }, { at: 1h, raised: T1, level: 2 }]
    expect_only: true
",
    );
    assert_eq!(instead.len(), 1, "{instead:#?}");
    assert_eq!(instead[0].kind, FailureKind::Missing);
}

#[test]
fn nothing_may_come_later_than_is_said_however_late() {
    let after = failures("    expect_none_after: 75m\n");
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].kind, FailureKind::Afterwards);
    assert_eq!(after[0].expected, "nothing after 1h15m");
    assert_eq!(after[0].around[0].0, "1h20m");
    passes("    expect_none_after: 80m\n");
    // `until` ends the test, and what is asked of it.
    passes("    expect_none_after: 75m\n    until: 79m\n");
    assert_eq!(
        failures("    expect_none_after: 75m\n    until: 80m\n").len(),
        1
    );
}

#[test]
fn events_of_one_instant_count_in_the_order_in_which_they_are_written() {
    for (first, second, plan) in [("gold", "silver", "silver"), ("silver", "gold", "gold")] {
        let report = run_text(&format!(
            "
plans: plans.yaml
tests:
  - name: it
    start: 2026-11-23T09:00:00Z
    events:
      - {{ at: 0m, created: {{ ticket_id: T1, ticket: {{ tier: {first} }} }} }}
      - {{ at: 0m, updated: {{ ticket_id: T1, changes: {{ tier: {second} }} }} }}
    expect_only: true
"
        ));
        let unreached = report.coverage.unreached();
        let is_reached = unreached.iter().all(|it| *it.plan != *plan || !it.is_whole);
        assert!(is_reached, "{plan}: {unreached:?}");
    }
}

#[test]
fn what_no_test_reached_is_named() {
    let report = run_text(&format!("{HEAD}    expect: [{{ at: 1h, raised: T1 }}]\n"));
    let unreached = report.coverage.unreached();
    assert_eq!(unreached.len(), 2);
    assert_eq!(unreached[0].levels, [(2, "second".into())]);
    assert_eq!(unreached[0].triggers, ["legal"]);
    assert!(unreached[0].marks.is_empty() && !unreached[0].is_whole);
    assert!(unreached[1].is_whole);
    let text = anstream::adapter::strip_str(&report.text()).to_string();
    let told = "  gold: level 2 second; trigger legal\n  silver: no ticket was under this plan\n";
    assert!(text.contains(told), "{text}");
    assert!(text.ends_with("\n1 passed, 0 failed\n"), "{text}");
}

#[test]
fn files_are_found_below_directories_and_beside_plans() {
    let directory = directory(HEAD);
    let path = |name: &str| directory.path().join(name);
    for folder in ["deep/er", ".hidden"] {
        fs::create_dir_all(path(folder)).unwrap();
        fs::write(path(folder).join("a.test.yml"), HEAD).unwrap();
    }
    let top = path("plans.test.yaml");
    let deep = path("deep/er/a.test.yml");
    let found = find(&[directory.path().to_owned(), top.clone()]).unwrap();
    assert_eq!(found, [deep, top.clone()]);
    assert_eq!(
        find(&[path("plans.yaml")]).unwrap(),
        std::slice::from_ref(&top)
    );
    assert_eq!(in_directory(directory.path()).unwrap(), [top]);
    assert!(matches!(find(&[path("none")]), Err(Error::Read { .. })));
    fs::create_dir(path("empty")).unwrap();
    assert!(matches!(find(&[path("empty")]), Err(Error::NoTests { .. })));
}

#[test]
fn plans_that_are_not_there_are_told_of_beside_other_errors() {
    let text = HEAD.replace("plans: ", "plans: not-");
    let directory = directory(&text);
    let report = report_of(directory.path());
    let codes = report.suites[0].checked.problems.iter().map(|it| it.code);
    assert_eq!(
        codes.collect::<Vec<_>>(),
        [Code::TestedPlans, Code::MissingKey]
    );
}

#[test]
fn a_file_with_an_error_runs_nothing_and_the_others_run() {
    let directory = directory(&format!("{HEAD}    expect: [{{ at: 1h, raised: T1 }}]\n"));
    let broken = format!("{HEAD}    expect: [{{ at: 1h, raised: T2 }}]\n");
    fs::write(directory.path().join("a.test.yaml"), broken).unwrap();
    let report = report_of(directory.path());
    assert_eq!(
        (report.passed(), report.failed(), report.broken()),
        (1, 0, 1)
    );
    assert!(!report.is_good());
    assert_eq!(
        report.suites[0].checked.problems[0].code,
        Code::BadExpectation
    );
    let text = report.text();
    assert!(
        text.ends_with("1 passed, 0 failed\n1 test file could not be run\n"),
        "{text}"
    );
    let xml = junit(&report);
    assert!(
        xml.contains("tests=\"2\" failures=\"0\" errors=\"1\""),
        "{xml}"
    );
    assert!(xml.contains("<error message=\"no event of this test is about the ticket `T2`\""));
}

#[test]
fn a_report_for_build_servers_is_well_formed_whatever_is_in_a_name() {
    let tests = HEAD.replace("name: it", "name: \"<a> & 'b' \\\"c\\\"\"");
    let report = run_text(&format!(
        "{tests}    expect: [{{ at: 1h, raised: T1, level: 2 }}]\n"
    ));
    let xml = junit(&report);
    let case = "name=\"&lt;a&gt; &amp; 'b' &quot;c&quot;\"";
    assert!(xml.contains(case), "{xml}");
    assert!(
        xml.contains("<failure message=\"expected raised T1 at 1h, level 2\" type=\"failure\">")
    );
    assert!(!xml.contains('\u{1b}'), "{xml}");
    // Every tag that is opened is closed in order; text holds no angle bracket.
    let mut open: Vec<&str> = Vec::new();
    for tag in xml
        .split('<')
        .skip(2)
        .map(|part| part.split('>').next().unwrap())
    {
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{xml}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_report_for_programs_has_no_colours_and_all_places() {
    let report = run_text(&format!(
        "{HEAD}    expect: [{{ at: 1h, raised: T1, level: 2 }}]\n"
    ));
    let json = report.json(report.is_good());
    assert!(!json.to_string().contains("\\u001b"), "{json}");
    let failure = &json["files"][0]["tests"][0]["failures"][0];
    assert_eq!(failure["kind"], "missing");
    assert_eq!(failure["line"], 8);
    assert_eq!(failure["instead"]["differences"][0]["field"], "level");
    assert_eq!((&json["good"], &json["failed"]), (&false.into(), &1.into()));
}

proptest! {
    /// Good files with pieces cut out, doubled and exchanged reach far deeper than noise does.
    #[test]
    fn mutilated_tests_are_read_or_refused_with_their_places(
        cuts in prop::collection::vec((0_usize..9000, 0_usize..40, "[a-z0-9%:{}\\[\\]&*\"'|>~ \n-]{0,8}"), 1..6),
    ) {
        let mut text: Vec<char> = include_str!("../../plans/itil.test.yaml").chars().collect();
        for (at, len, put) in cuts {
            let at = at % text.len();
            let end = (at + len).min(text.len());
            text.splice(at..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        let checked = check_tests(Sources::from_text("a.test.yaml", &text));
        let is_error = |problem: &crate::plan_file::Problem| problem.code.severity() == Severity::Error;
        prop_assert_eq!(checked.file.is_none(), checked.problems.iter().any(is_error));
        for problem in &checked.problems {
            let (_, line, column) = problem.position(&checked.sources);
            prop_assert!(line >= 1 && column >= 1);
        }
        let _ = render::texts(&checked.problems, &checked.sources, true);
    }
}
