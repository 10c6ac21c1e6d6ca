//! A mark fires once in each cycle of its clock, however many others fire beside it.

#![expect(
    clippy::unwrap_used,
    reason = "the lint knows test functions but not the helpers beside them"
)]

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "nothing here is compared with a file")]
mod desk;

use desk::{Desk, good};
use serde_json::{Value, json};

/// What a simulation of these events escalates, as mark and cycle.
fn marks(plans: &str, events: &[Value], until: &str) -> Vec<(String, u64)> {
    let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
    let desk = Desk::new(&lines.concat());
    desk.write("plans.yaml", plans);
    let files = ["--plans", "plans.yaml", "--events", "events.jsonl"];
    let options = ["--until", until, "--output", "json"];
    let printed = good(&desk.run(&[&["simulate"][..], &files, &options].concat()));
    let lines = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let fired = lines.filter_map(|line: Value| {
        let cause = &line["value"]["cause"];
        let name = cause["name"].as_str()?;
        let mark = cause["mark"].as_str()?;
        Some((format!("{name} {mark}"), cause["cycle"].as_u64()?))
    });
    fired.collect()
}

fn event(topic: &str, at: &str, id: &str, name: &str, content: Value) -> Value {
    json!({ "topic": topic, "value": { "ticket_id": "T1", "occurred_at": at, "event_id": id, name: content } })
}

fn activity(at: &str, id: &str, kind: &str) -> Value {
    let content = json!([{ "kind": kind }]);
    event("ticket-updated", at, id, "activities", content)
}

/// So many questions of the customer from January the seventh on, each answered after two hours.
fn answered(questions: usize) -> impl Iterator<Item = Value> {
    (0..questions).flat_map(|reply| {
        let (day, hour) = (7 + reply / 7, reply % 7 * 3);
        let asked = format!("2026-01-{day:02}T{hour:02}:00:00Z");
        let answered = format!("2026-01-{day:02}T{:02}:00:00Z", hour + 2);
        [
            activity(&asked, &format!("c{reply}"), "customer_reply"),
            activity(&answered, &format!("r{reply}"), "agent_reply"),
        ]
    })
}

#[test]
fn more_marks_than_are_remembered_of_former_cycles_fire_once_each() {
    let mut plans = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
"
    .to_owned();
    for clock in 0..3 {
        plans += &format!("      t{clock}: {{ kind: resolution, within: 10h, marks: [\n");
        for percent in 1..=100 {
            plans += &format!("        {{ at: {percent}%, warn: [noc] }},\n");
        }
        plans += "      ] }\n";
    }
    let created = json!({ "status": "open" });
    let at = "2026-01-05T00:00:00Z";
    let events = [event("ticket-created", at, "a", "ticket", created)];
    let mut fired = marks(&plans, &events, "2026-01-06T00:00:00Z");
    assert_eq!(fired.len(), 300);
    fired.sort();
    fired.dedup();
    assert_eq!(fired.len(), 300, "one fired twice");
}

#[test]
fn a_clock_that_goes_on_keeps_its_marks_while_another_has_many_cycles() {
    let plans = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      resolution: { within: 60d, marks: [{ at: 1%, level: 1 }] }
      next_response: { within: 1h, marks: [{ at: 50%, warn: [noc] }, { at: 100%, warn: [noc] }] }
    path: [{ notify: [noc] }]
";
    let created = json!({ "status": "open" });
    let at = "2026-01-05T00:00:00Z";
    let mut events = vec![event("ticket-created", at, "a", "ticket", created)];
    events.push(activity("2026-01-06T10:00:00Z", "b", "deescalate"));
    events.extend(answered(140));
    let fired = marks(plans, &events, "2026-02-01T00:00:00Z");
    assert_eq!(fired.len(), 1 + 2 * 140);
    let raised = ("resolution 1%".to_owned(), 1);
    assert_eq!(fired.iter().filter(|it| **it == raised).count(), 1);
}

#[test]
fn a_mark_of_a_clock_that_another_plan_has_not_fires_once_whatever_that_one_fires_meanwhile() {
    let plans = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: talks
    match: { category: talk }
    timeframes:
      next_response: { within: 1h, marks: [{ at: 50%, warn: [noc] }, { at: 100%, warn: [noc] }] }
  - name: solves
    timeframes:
      resolution: { within: 60d, marks: [{ at: 1%, warn: [noc] }, { at: 50%, warn: [noc] }] }
";
    let changed =
        |at: &str, id: &str, content: Value| event("ticket-updated", at, id, "changes", content);
    let created = json!({ "status": "open" });
    let at = "2026-01-05T00:00:00Z";
    let mut events = vec![event("ticket-created", at, "a", "ticket", created)];
    let talk = json!({ "category": "talk" });
    events.push(changed("2026-01-06T10:00:00Z", "b", talk));
    events.extend(answered(140));
    let solve = json!({ "category": "solve" });
    events.push(changed("2026-01-28T10:00:00Z", "z", solve));
    let fired = marks(plans, &events, "2026-03-30T00:00:00Z");
    let count = |mark: &str| {
        let meant = (mark.to_owned(), 1);
        fired.iter().filter(|it| **it == meant).count()
    };
    assert_eq!(count("resolution 1%"), 1);
    assert_eq!(count("resolution 50%"), 1);
    assert_eq!(fired.len(), 2 + 2 * 140);
}
