//! Notifications that stand beside the events: updates, digests, looks back.

use super::*;

const PLANS: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat], at_most: { count: 1, per: 1h } }
  quality: { kind: team, channels: [email] }
plans:
  - name: p
    triggers: [{ name: legal, when: { tags: legal }, level: 1 }]
    path: [{ notify: [noc] }]
    communication: { to: requester, every: 1h }
    resolution: { steps: [call], post_mortem: { from_level: 1, to: [quality] } }
";

const TESTS: &str = "
plans: plans.yaml
tests:
  - name: it
    start: 2026-11-23T09:00:00Z
    events:
      - { at: 0m, created: { ticket_id: T1, ticket: { tags: [legal], requester: joe } } }
      - { at: 5m, created: { ticket_id: T2, ticket: { tags: [legal], requester: eve } } }
      - { at: 70m, updated: { ticket_id: T1, changes: { status: resolved } } }
    expect:
      - { at: 0m, raised: T1, notify: [noc], resolution_steps: [call] }
      - { at: 0m, notify: T1, purpose: customer_update, to: joe }
      - { at: 5m, raised: T2, notify: [] }
      - { at: 5m, notify: T2, purpose: customer_update, to: eve }
      - { at: 60m, notify: T1, purpose: customer_update, to: joe }
      - { at: 60m, notify: ~, purpose: digest, to: noc, subject: { contains: '1 notification' } }
      - { at: 65m, notify: T2, purpose: customer_update }
      - { at: 70m, ended: T1, notify: [noc, joe, quality/email] }
      - { at: 70m, notify: T1, purpose: post_mortem, to: quality }
    expect_only: true
";

#[test]
fn updates_digests_and_looks_back_can_be_expected() {
    let directory = directory(TESTS);
    fs::write(directory.path().join("plans.yaml"), PLANS).unwrap();
    let mut report = report_of(directory.path());
    let problems = &report.suites[0].checked.problems;
    assert!(problems.is_empty(), "{problems:?}");
    let failures = report.suites.remove(0).tests.remove(0).failures;
    assert!(failures.is_empty(), "{failures:#?}");
}
