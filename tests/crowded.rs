//! What a small event may cost a ticket about which thousands of things were decided, and how many
//! people are kept who were told of one escalation.
//!
//! What grows with the square of their number would take minutes here.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "support/heard.rs"]
mod heard;

use std::sync::Arc;

use escalator::offline::Recording;
use escalator_engine::effect::{EscalatedType, Event};
use escalator_engine::emission::{Emission, Emitted};
use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use heard::{line, revision};
use serde_json::{Value, json};

const PLANS: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans: [{ name: p, path: [{ notify: [noc] }, { notify: [noc] }] }]
";

/// Whoever has the ticket is told.
const PLANS_BY_ASSIGNEE: &str = "
version: 1
plans: [{ name: p, path: [{ notify: [assignee] }] }]
";

/// Plans that look at every tag, and whose clocks look at a field; the last takes what no other has.
fn plans_by_tags() -> String {
    let mut plans = "version: 1\nplans:\n".to_owned();
    for nth in 0..20 {
        let condition = format!("ticket.tags.exists(tag, tag == 'other {nth}')");
        let matching = format!("{condition} || ticket.category == 'c{nth}'");
        plans += &format!(
            "
  - name: p{nth}
    match: \"{matching}\"
    timeframes: {{ resolution: {{ within: 4h, pause: {{ when: {{ queue: parked }} }} }} }}
"
        );
    }
    plans
}

/// An update of that second.
fn update(second: i64, content: &Value) -> Recording {
    let at = Timestamp::from_millis(second * 1000).to_string();
    Recording::read(line("ticket-updated", &at, content).as_bytes()).unwrap()
}

struct Desk {
    engine: Engine,
}

impl Desk {
    fn new(plans: &str) -> Self {
        Self {
            engine: Engine::new(Arc::new(Rules::new(revision(plans)))),
        }
    }

    /// Hears of an update when everything before `to` can be decided, and answers with what is emitted.
    fn hear(&mut self, second: i64, content: &Value, to: i64) -> Vec<Emitted> {
        for fact in update(second, content).facts {
            self.engine.apply(fact);
        }
        let (to, emission) = (
            Timestamp::from_millis(to * 1000),
            Emission::on_virtual_clock(),
        );
        let events = self.engine.advance(to, usize::MAX, &emission).events;
        self.engine.commit();
        events
    }
}

fn last_kind(events: &[Emitted]) -> Option<EscalatedType> {
    let mut kinds = events.iter().filter_map(|emitted| match &emitted.event {
        Event::Escalated(event) => Some(event.kind),
        Event::Notify(_) => None,
    });
    kinds.next_back()
}

#[test]
fn what_was_wrong_of_thousands_of_decisions_is_found_at_once() {
    let mut desk = Desk::new(PLANS);
    desk.hear(0, &json!({ "changes": { "status": "open" } }), 1);
    let both = [
        json!({ "kind": "escalate", "level": 2 }),
        json!({ "kind": "deescalate", "level": 1 }),
    ];
    let activities: Vec<_> = both.iter().cycle().take(500).collect();
    for second in 1..30 {
        desk.hear(second, &json!({ "activities": activities }), second + 1);
    }
    for round in 0..15 {
        let second = 30 + round * 4;
        let raised = desk.hear(second + 1, &json!({ "activities": [both[0]] }), second + 2);
        assert_eq!(last_kind(&raised), Some(EscalatedType::Raised));
        // Of all that was ever raised it is asked whether it was right.
        let done = json!({ "changes": { "status": "resolved" } });
        let ended = desk.hear(second, &done, second + 2);
        assert_eq!(last_kind(&ended), Some(EscalatedType::Ended));
        desk.hear(
            second + 2,
            &json!({ "changes": { "status": "open" } }),
            second + 3,
        );
    }
}

#[test]
fn a_history_under_many_plans_is_read_anew_without_matching_all_of_them_for_each_fact_of_each() {
    let mut desk = Desk::new(&plans_by_tags());
    let tags: Vec<_> = (0..200).map(|nth| format!("tag {nth}")).collect();
    desk.hear(
        0,
        &json!({ "changes": { "status": "open", "tags": tags } }),
        1,
    );
    for second in 1..64 {
        let category = ["c18", "c19"][second as usize % 2];
        desk.hear(
            second * 10,
            &json!({ "changes": { "category": category } }),
            second * 10 + 1,
        );
    }
    for nth in 0..15 {
        let late = json!({ "changes": { "organization": "other" } });
        desk.hear(200 + nth, &late, 631);
        let plan = desk.engine.ticket("T1").unwrap().machine.plan;
        assert_eq!(&*plan.unwrap().name, "p19");
    }
}

#[test]
fn of_very_many_who_were_told_of_one_escalation_the_latest_hear_of_its_end() {
    let mut desk = Desk::new(PLANS_BY_ASSIGNEE);
    let agent = |nth: i64| format!("agent {nth} {}", "x".repeat(200));
    desk.hear(0, &json!({ "changes": { "status": "open" } }), 1);
    for nth in 1..=600 {
        let raised = json!({
            "changes": { "assignee": agent(nth) },
            "activities": [{ "kind": "escalate" }],
        });
        assert_eq!(told(&desk.hear(nth, &raised, nth + 1)), [agent(nth)]);
    }
    assert!(desk.engine.ticket("T1").unwrap().told.len() <= 512);
    let done = json!({ "changes": { "status": "resolved" } });
    let latest: Vec<_> = (89..=600).map(agent).collect();
    assert_eq!(told(&desk.hear(601, &done, 602)), latest);
}

/// Who is told, in that order.
fn told(events: &[Emitted]) -> Vec<String> {
    let mut told = Vec::new();
    for emitted in events {
        if let Event::Notify(event) = &emitted.event {
            told.push(event.to.to_string());
        }
    }
    told
}
