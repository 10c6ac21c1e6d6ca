//! Digests: notifications of no ticket, and what they tell of.

use super::*;

const STORMY: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat], at_most: { count: 1, per: 1h } } }
plans:
  - name: calls
    triggers: [ { name: vip, when: { tags: vip }, level: 1 } ]
    path: [ { notify: [noc] } ]
";

/// Whether the digest of two of three tickets that are raised in an hour meets an expectation.
fn is_met(expectation: &str) -> bool {
    let tests = format!(
        "
plans: plans.yaml
tests:
  - name: a storm
    start: 2026-11-23T09:00:00Z
    events:
      - {{ at: 0m, created: {{ ticket_id: T1, ticket: {{ tags: [vip] }} }} }}
      - {{ at: 1m, created: {{ ticket_id: T2, ticket: {{ tags: [vip] }} }} }}
      - {{ at: 2m, created: {{ ticket_id: T3, ticket: {{ tags: [vip] }} }} }}
    until: 1h
    expect:
      - {expectation}
"
    );
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plans.yaml"), STORMY).unwrap();
    fs::write(directory.path().join("plans.test.yaml"), tests).unwrap();
    let report = report_of(directory.path());
    let problems = &report.suites[0].checked.problems;
    assert!(problems.is_empty(), "{problems:?}");
    report.is_good()
}

#[test]
fn a_digest_is_a_notification_of_no_ticket_with_its_items() {
    for met in [
        "{ at: 1h, notify: null }",
        "{ at: 1h, notify: null, to: noc, purpose: digest }",
        "{ at: 1h, notify: null, items: [ { ticket_id: T2 }, { ticket_id: T3, purpose: level } ] }",
        "{ at: 1h, notify: null, items: [ {}, {} ] }",
    ] {
        assert!(is_met(met), "{met}");
    }
    for unmet in [
        "{ at: 1h, notify: T2 }",
        "{ at: 1h, notify: null, items: [ { ticket_id: T2 } ] }",
        "{ at: 1h, notify: null, items: [ { ticket_id: T3 }, { ticket_id: T2 } ] }",
        "{ at: 1h, notify: null, items: [ { ticket_id: T2, purpose: repeat }, {} ] }",
    ] {
        assert!(!is_met(unmet), "{unmet}");
    }
}
