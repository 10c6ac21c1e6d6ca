//! What is ignored or cut is counted once, however often a history is read.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "support/heard.rs"]
mod heard;

use std::sync::Arc;

use escalator::offline::Recording;
use escalator_engine::emission::Emission;
use escalator_engine::engine::Engine;
use escalator_engine::plan::Revision;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use heard::{line, revision};
use serde_json::{Value, json};

/// Plans that raise by these tags, and tell the assignee.
fn raising(tag: &str) -> Arc<Revision> {
    let text = format!(
        "
version: 1
plans:
  - name: p
    triggers: [{{ name: tagged, when: {{ tags: {tag} }}, level: 1 }}]
    path: [{{ notify: [assignee] }}]
"
    );
    revision(&text)
}

fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-23T{time}:00Z")).unwrap()
}

fn update(time: &str, changes: &Value) -> Recording {
    let changes = json!({ "changes": changes });
    let line = line("ticket-updated", &at(time).to_string(), &changes);
    Recording::read(line.as_bytes()).unwrap()
}

#[test]
fn what_an_edit_brings_about_is_counted_once_beside_a_late_fact() {
    let rules = Rules::new(raising("other")).with_edit(at("10:30"), raising("legal"));
    let mut engine = Engine::new(Arc::new(rules));
    let mut counted = |heard: &[(&str, Value)], to| {
        for (time, changes) in heard {
            for fact in update(time, changes).facts {
                engine.apply(fact);
            }
        }
        let advanced = engine.advance(at(to), usize::MAX, &Emission::on_virtual_clock());
        engine.commit();
        advanced.counts.recipients_skipped
    };
    let nobody = "a".repeat(300);
    let first = json!({ "status": "open", "tags": ["legal"], "assignee": nobody });
    // The edit raises it, and what the assignee is called is no address.
    assert_eq!(counted(&[("10:00", first)], "11:00"), 1);
    let late = ("10:10", json!({ "queue": "a" }));
    let next = ("12:00", json!({ "queue": "b" }));
    assert_eq!(counted(&[late, next], "13:00"), 0);
    assert_eq!(counted(&[("10:20", json!({ "queue": "c" }))], "13:00"), 0);
}
