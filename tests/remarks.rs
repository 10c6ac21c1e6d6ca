//! What `simulate` remarks, and how it tells who hears of something later.

#![expect(
    clippy::unwrap_used,
    reason = "the lint knows test functions but not the helpers beside them"
)]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, assert_stored, good};
use serde_json::{Value, json};

const PLANS: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat, email], at_most: { count: 1, per: 1h } }
  boss: { kind: role, channels: [phone, email] }
plans:
  - name: gold
    match: { tier: gold }
    timeframes:
      resolution:
        within: { by: priority, high: 5wd }
        calendar: office
        marks: [{ at: 100%, level: 1 }]
    triggers:
      - { name: alert, when: { tags: alert }, level: 1 }
    path:
      - { name: first, notify: [noc, boss] }
    resolution: { post_mortem: { from_level: 1, to: [boss] } }
    communication: { to: requester, every: 1d }
calendars:
  office: { time_zone: UTC, hours: { mon-thu: ['08:00-16:00'], fri: ['08:00-14:30'] } }
";

/// A line of an event file.
fn event(topic: &str, ticket: &str, id: &str, at: &str, content: Value) -> String {
    let mut value = json!({ "ticket_id": ticket, "event_id": id, "occurred_at": at });
    let fields = value.as_object_mut().unwrap();
    fields.extend(content.as_object().unwrap().clone());
    format!("{}\n", json!({ "topic": topic, "value": value }))
}

fn created(ticket: &str, id: &str, at: &str, fields: Value) -> String {
    event(
        "ticket-created",
        ticket,
        id,
        at,
        json!({ "ticket": fields }),
    )
}

fn changed(ticket: &str, id: &str, at: &str, fields: Value) -> String {
    event(
        "ticket-updated",
        ticket,
        id,
        at,
        json!({ "changes": fields }),
    )
}

fn run(events: &[String], arguments: &[&str]) -> String {
    let desk = Desk::new(&events.concat());
    desk.write("plans.yaml", PLANS);
    let files = ["--plans", "plans.yaml", "--events", "events.jsonl"];
    good(&desk.run(&[arguments, &files[..]].concat()))
}

#[test]
fn what_nobody_may_have_meant_is_remarked() {
    let gold = |priority: &str| json!({ "tier": "gold", "priority": priority });
    let events = [
        created("A", "1", "2026-11-02T10:00:00Z", gold("High")),
        changed(
            "A",
            "2",
            "2026-11-02T11:00:00Z",
            json!({ "status": "resolved" }),
        ),
        // A week later nothing is known of it any more.
        changed(
            "A",
            "3",
            "2026-11-12T10:00:00Z",
            json!({ "status": "open" }),
        ),
        created("B", "4", "2026-11-12T10:00:00Z", gold("high")),
        created("B", "4", "2026-11-12T10:00:00Z", gold("low")),
        changed("C", "5", "2026-11-12T10:00:00Z", json!({ "tier": "gold" })),
        created(
            "D",
            "6",
            "2026-11-12T10:00:00Z",
            json!({ "tier": "silver" }),
        ),
    ];
    let printed = run(&events, &["simulate"]);
    assert_stored("remarks.txt", &printed);
    for said in [
        "priorities that the plans do not list: `High`\n  help: add them to `priorities`",
        "1 event id with several contents, of which one counts: `4`\n",
        "1 ticket heard of after being forgotten, and begun anew: `A`\n",
        "1 ticket without a created event or a status, so that no clock runs: `C`\n",
        "2 tickets open and under no plan: `A`, `D`\n",
    ] {
        assert!(printed.contains(said), "{said}\nis not in\n{printed}");
    }
}

#[test]
fn who_hears_of_something_in_a_digest_or_looks_back_is_told_apart() {
    let alert = json!({ "tier": "gold", "tags": ["alert"], "requester": "kim" });
    let events = [
        created("A", "1", "2026-11-23T10:00:00Z", alert.clone()),
        created("B", "2", "2026-11-23T10:10:00Z", alert),
        changed(
            "A",
            "3",
            "2026-11-23T10:20:00Z",
            json!({ "status": "resolved" }),
        ),
    ];
    let printed = run(&events, &["simulate"]);
    for said in [
        "trigger alert; told noc/chat+email, boss/phone+email\n",
        "A  update on how it stands (gold); told kim/email\n",
        "trigger alert; told boss/phone+email; in the digest at 2026-11-23T11:00:00Z noc/chat+email\n",
        "resolved; told noc/chat+email, boss/phone+email, kim/email; asked to look back boss/phone+email\n",
    ] {
        assert!(printed.contains(said), "{said}\nis not in\n{printed}");
    }
}

#[test]
fn a_promise_of_working_days_is_explained_as_it_is_written() {
    let of = |priority: &str| json!({ "tier": "gold", "priority": priority });
    let events = [
        created("A", "1", "2026-11-23T08:00:00Z", of("high")),
        created("B", "2", "2026-11-23T08:00:00Z", of("low")),
    ];
    let at = "2026-11-23T10:00:00Z";
    let explain = |ticket: &str| run(&events, &["explain", "--ticket", ticket, "--at", at]);
    let said = "2h of 5wd (38h30m of working time) counted";
    assert!(explain("A").contains(said), "{}", explain("A"));
    let printed = run(
        &events,
        &["explain", "--ticket", "B", "--at", at, "--output", "json"],
    );
    let it: Value = serde_json::from_str(&printed).unwrap();
    let never = "mark 100%: never, no row for priority low and no default\n";
    assert!(explain("B").contains(never), "{}", explain("B"));
    assert_eq!(
        it["clocks"][0]["no_limit"],
        "no row for priority low and no default"
    );
}
