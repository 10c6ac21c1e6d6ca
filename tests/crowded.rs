//! What a small late event may cost a ticket about which thousands of things were decided.
//!
//! What grows with the square of their number would take minutes here.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::sync::Arc;

use escalator::offline::Recording;
use escalator::plan_file::{self, Sources};
use escalator_engine::effect::{EscalatedType, Event};
use escalator_engine::emission::{Emission, Emitted};
use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use serde_json::{Value, json};

const PLANS: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans: [{ name: p, path: [{ notify: [noc] }, { notify: [noc] }] }]
";

/// An update of that second.
fn update(second: i64, content: &Value) -> Recording {
    let at = Timestamp::from_millis(second * 1000).to_string();
    let mut value = json!({ "ticket_id": "T1", "occurred_at": at, "event_id": at });
    for (name, content) in content.as_object().unwrap() {
        value[name] = content.clone();
    }
    let line = json!({ "topic": "ticket-updated", "value": value }).to_string();
    Recording::read(line.as_bytes()).unwrap()
}

struct Desk {
    engine: Engine,
}

impl Desk {
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
    let set = plan_file::check(Sources::from_text("plans.yaml", PLANS)).into_set();
    let rules = Rules::new(Arc::clone(set.unwrap().revision()));
    let mut desk = Desk {
        engine: Engine::new(Arc::new(rules)),
    };
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
