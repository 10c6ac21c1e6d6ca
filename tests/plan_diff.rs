//! What an edit would do to recorded tickets, as `plan diff` tells it.

#![expect(
    clippy::unwrap_used,
    reason = "the lint knows test functions but not the helpers beside them"
)]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, assert_stored, good};
use serde_json::{Value, json};

/// Plans with some minutes to the resolution of a ticket that is not gold.
fn plans(minutes: u32, in_flight: &str) -> String {
    format!(
        "version: 1
targets: {{ noc: {{ kind: team, channels: [chat] }} }}
plans:
  - name: gold
    match: {{ tier: gold }}
    timeframes:
      resolution: {{ within: 2h, marks: [ {{ at: 100%, level: 1 }} ] }}
    path: [ {{ notify: [noc] }} ]
  - name: rest
    in_flight: {in_flight}
    timeframes:
      resolution: {{ within: {minutes}m, marks: [ {{ at: 50%, warn: [noc] }}, {{ at: 100%, level: 1 }} ] }}
    path: [ {{ notify: [noc] }} ]
"
    )
}

fn event(topic: &str, ticket: &str, time: &str, content: Value) -> String {
    let mut value = json!({
        "ticket_id": ticket,
        "event_id": format!("{ticket}-{time}"),
        "occurred_at": format!("2026-11-23T{time}:00Z"),
    });
    let fields = value.as_object_mut().unwrap();
    fields.extend(content.as_object().unwrap().clone());
    format!("{}\n", json!({ "topic": topic, "value": value }))
}

/// A morning with four tickets, one of them resolved.
fn desk() -> Desk {
    let open = json!({ "ticket": { "status": "open" } });
    let gold = json!({ "ticket": { "status": "open", "tier": "gold" } });
    let resolved = json!({ "changes": { "status": "resolved" } });
    let events = [
        event("ticket-created", "T1", "10:00", open.clone()),
        event("ticket-created", "T2", "11:30", open.clone()),
        event("ticket-created", "T3", "09:00", open),
        event("ticket-updated", "T3", "09:30", resolved),
        event("ticket-created", "T4", "11:45", gold),
    ];
    let desk = Desk::new(&events.concat());
    desk.write("old.yaml", &plans(240, "adopt"));
    desk.write("new.yaml", &plans(90, "adopt"));
    desk.write("keep.yaml", &plans(90, "keep"));
    desk
}

const DIFF: [&str; 6] = [
    "plan",
    "diff",
    "old.yaml",
    "new.yaml",
    "--events",
    "events.jsonl",
];

#[test]
fn an_edit_is_previewed_for_each_running_ticket() {
    let desk = desk();
    assert_stored("plan-diff.txt", &good(&desk.run(&DIFF)));
    let printed = good(&desk.run(&[&DIFF[..], &["--output", "json"]].concat()));
    let preview: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(preview["running"], 3);
    let counts = json!({
        "changed": 2, "fires_now": 1, "earlier": 1, "later": 1, "other_plan": 0,
        "other_level": 1
    });
    assert_eq!(preview["counts"], counts);
    let first = &preview["tickets"][0];
    assert_eq!(first["ticket_id"], "T1");
    assert_eq!(first["old_next"]["at"], "2026-11-23T12:00:00Z");
    assert_eq!(first["new_next"], Value::Null);
    let fires = first["fires_now"].as_array().unwrap().iter();
    let fires: Vec<_> = fires
        .map(|firing| json!([firing["type"], firing["mark"], firing["due_at"]]))
        .collect();
    let expected = [
        json!(["warned", "50%", "2026-11-23T10:45:00Z"]),
        json!(["raised", "100%", "2026-11-23T11:30:00Z"]),
    ];
    assert_eq!(fires, expected);
    let second = &preview["tickets"][1];
    assert_eq!(second["old_next"]["at"], "2026-11-23T13:30:00Z");
    assert_eq!(second["new_next"]["at"], "2026-11-23T12:15:00Z");
}

#[test]
fn what_changes_nothing_for_running_tickets_is_no_difference() {
    let desk = desk();
    for new in ["old.yaml", "keep.yaml"] {
        let diff = ["plan", "diff", "old.yaml", new, "--events", "events.jsonl"];
        let printed = good(&desk.run(&[&diff[..], &["--deny-differences"]].concat()));
        assert!(printed.ends_with("no difference\n"), "{printed}");
    }
    let output = desk.run(&[&DIFF[..], &["--deny-differences"]].concat());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_level_that_falls_silently_is_a_difference() {
    let desk = desk();
    let plans = |path: &str| {
        format!(
            "version: 1
targets: {{ noc: {{ kind: team, channels: [chat] }} }}
plans:
  - name: rest
    triggers: [ {{ name: open, when: {{ status_category: open }}, level: 2 }} ]
    path: {path}
"
        )
    };
    desk.write(
        "old.yaml",
        &plans("[ { notify: [noc] }, { notify: [noc] } ]"),
    );
    let shorter = plans("[ { notify: [noc] } ]").replace("level: 2", "level: 1");
    desk.write("new.yaml", &shorter);
    let output = desk.run(&[&DIFF[..], &["--deny-differences"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains("3 differ: 3 change their level\n"),
        "{printed}"
    );
    assert!(
        printed.contains("T1      rest (adopt)  2 → 1  nothing"),
        "{printed}"
    );
    let printed = good(&desk.run(&[&DIFF[..], &["--output", "json"]].concat()));
    let preview: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(preview["at"], "2026-11-23T11:45:00Z");
    let first = &preview["tickets"][0];
    assert_eq!(
        (&first["old_level"], &first["new_level"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn an_edit_without_any_event_has_no_instant() {
    let desk = desk();
    let diff = [
        "plan",
        "diff",
        "old.yaml",
        "new.yaml",
        "--events",
        "/dev/null",
    ];
    let printed = good(&desk.run(&diff));
    assert!(printed.ends_with(": there are no events\n"), "{printed}");
    let printed = good(&desk.run(&[&diff[..], &["--output", "json"]].concat()));
    let preview: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&preview["at"], &preview["running"]),
        (&Value::Null, &json!(0))
    );
}

#[test]
fn an_instant_within_the_events_is_an_edit_at_that_time() {
    let desk = desk();
    let at = ["--at", "2026-11-23T10:30:00Z", "--output", "json"];
    let printed = good(&desk.run(&[&DIFF[..], &at].concat()));
    let preview: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&preview["running"], &preview["counts"]["fires_now"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(
        preview["tickets"][0]["new_next"]["at"],
        "2026-11-23T10:45:00Z"
    );
}

#[test]
fn a_customer_who_is_told_at_once_by_an_edit_is_shown() {
    let plans = |communication: &str| {
        format!(
            "version: 1
plans:
  - name: p
    path: [ {{ notify: [ {{ to: assignee, channel: chat }} ] }} ]
{communication}"
        )
    };
    let ticket = json!({ "ticket": { "status": "open", "requester": "joe", "assignee": "ann" } });
    let escalate = json!({ "activities": [ { "kind": "escalate" } ] });
    let note = json!({ "activities": [ { "kind": "internal_note" } ] });
    let events = [
        event("ticket-created", "T1", "10:00", ticket),
        event("ticket-updated", "T1", "10:10", escalate),
        event("ticket-updated", "T1", "12:30", note),
    ];
    let desk = Desk::new(&events.concat());
    desk.write("old.yaml", &plans(""));
    desk.write(
        "new.yaml",
        &plans("    communication: { to: requester, every: 1h }\n"),
    );
    let printed = good(&desk.run(&[&DIFF[..], &["--output", "json"]].concat()));
    let preview: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(preview["counts"]["fires_now"], 1, "{preview}");
    // That of 11:10 is overtaken.
    assert_eq!(
        preview["tickets"][0]["fires_now"],
        json!([{
            "type": "customer_update", "level": 1, "cause": "communication",
            "name": null, "mark": null, "due_at": "2026-11-23T12:10:00Z",
        }])
    );
    let printed = good(&desk.run(&DIFF));
    let told = "customer_update: communication (due 2026-11-23T12:10:00Z)";
    assert!(printed.contains(told), "{printed}");
}
