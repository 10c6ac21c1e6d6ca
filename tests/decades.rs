//! What an old instant may cost: a ticket may be dated 1970, and its escalation last since then.
//!
//! Whatever goes from one update of the customer to the next would not come to an end here.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "support/heard.rs"]
mod heard;

use std::sync::Arc;

use escalator::offline::Recording;
use escalator_engine::cycles::cycles;
use escalator_engine::effect::{Event, Purpose};
use escalator_engine::emission::{Emission, Emitted, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use heard::{line, revision};
use serde_json::json;

const NOW: &str = "2026-11-23T12:00:00.500Z";

/// Plans of one path, under which a customer is informed like this.
fn rules(communication: &str) -> Arc<Rules> {
    let text = format!(
        "
version: 1
targets: {{ noc: {{ kind: team, channels: [chat] }} }}
calendars:
  office: {{ time_zone: Europe/Berlin, hours: {{ mon-fri: [\"08:00-13:00\", \"14:00-18:00\"] }} }}
plans:
  - name: p
    stale_after: none
    path: [{{ notify: [noc], next_after: 365d }}, {{ notify: [noc] }}]
    communication: {{ to: requester, {communication} }}
"
    );
    Arc::new(Rules::new(revision(&text)))
}

/// A ticket that is escalated in 1970, and of which so many updates are heard since.
fn events(updates: usize) -> Recording {
    let ticket = json!({ "ticket": { "status": "open", "requester": "joe" } });
    let mut lines = line("ticket-created", "1970-01-05T10:00:00Z", &ticket);
    let activity = |kind: &str| json!({ "activities": [{ "kind": kind }] });
    lines += &line(
        "ticket-updated",
        "1970-01-05T11:00:00Z",
        &activity("escalate"),
    );
    let note = activity("internal_note");
    for nth in 0..updates {
        let at = format!("{}-06-01T10:00:00Z", 1971 + nth % 50);
        let at = at.replace("10:00:00", &format!("10:{:02}:00", nth / 50));
        lines += &line("ticket-updated", &at, &note);
    }
    Recording::read(lines.as_bytes()).unwrap()
}

/// What is told, and a ticket with more facts than are kept, when all of it is read now.
fn told_now(rules: &Arc<Rules>, recording: &Recording) -> (Vec<Emitted>, Engine) {
    let now = Timestamp::parse(NOW).unwrap();
    let emission = Emission {
        firing: Firing::At(now),
        ..Emission::on_virtual_clock()
    };
    let mut engine = Engine::new(Arc::clone(rules));
    for fact in &recording.facts {
        engine.apply(fact.clone());
    }
    let events = engine.advance(now, usize::MAX, &emission).events;
    engine.commit();
    (events, engine)
}

/// The instants at which the updates were due that are told now.
fn updates(events: &[Emitted]) -> Vec<String> {
    let notified = events.iter().filter_map(|emitted| match &emitted.event {
        Event::Notify(notify) => Some(notify),
        Event::Escalated(_) => None,
    });
    let updates = notified.filter(|it| it.purpose == Purpose::CustomerUpdate);
    updates.map(|it| it.due_at.to_string()).collect()
}

#[test]
fn of_the_updates_of_decades_the_last_one_is_told() {
    for (communication, last) in [
        ("every: 1s", "2026-11-23T12:00:00Z"),
        ("every: 3s, calendar: office", "2026-11-23T12:00:00Z"),
        // There are ten thousand working days before the calendar has no more.
        ("every: 1wd, calendar: office", "2008-05-05T10:00:00Z"),
        ("every: 1wd", "1997-05-23T11:00:00Z"),
    ] {
        let rules = rules(communication);
        for facts in [0, 100] {
            let recording = events(facts);
            let (events, engine) = told_now(&rules, &recording);
            assert_eq!(updates(&events), [last], "{communication}");
            let escalation = engine.ticket("T1").unwrap().machine.escalation.unwrap();
            assert_eq!(escalation.level, 2);
            assert_eq!(escalation.updated_at.to_string(), last);
        }
    }
}

#[test]
fn a_report_of_decades_asks_for_no_update() {
    let recording = events(10);
    let facts = recording.facts_of("T1");
    let mut seen = 0;
    let now = Timestamp::parse(NOW).unwrap();
    let cycles = cycles(&facts, now, &rules("every: 1s"), |_| seen += 1);
    assert!(cycles.is_empty());
    assert_eq!(seen, 12);
}

#[test]
fn when_the_next_update_is_due_after_decades_is_found_at_once() {
    let rules = rules("every: 1wd, calendar: office");
    let (_, engine) = told_now(&rules, &events(0));
    let escalation = engine.ticket("T1").unwrap().machine.escalation.unwrap();
    let plan = &rules.latest().plans[0];
    let communication = plan.communication.as_ref().unwrap();
    let at = Timestamp::parse("2008-04-01T10:30:00Z").unwrap();
    for _ in 0..5_000 {
        let due = escalation.update_due_after(at, communication).unwrap();
        assert_eq!(due.to_string(), "2008-04-02T10:00:00Z");
    }
}
