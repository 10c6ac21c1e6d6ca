use std::collections::{BTreeMap, BTreeSet};

use escalator_engine::effect::{CauseKind, EscalatedType, Event};
use escalator_engine::emission::Emitted;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::time::Timestamp;

use super::*;
use crate::offline::Recording;
use crate::plan_file::{self, Sources};

fn outline(tickets: u32, seed: u64) -> Outline {
    Outline {
        morning: Timestamp::parse("2026-11-23T08:00:00Z").unwrap(),
        tickets,
        seed,
    }
}

fn simulated(story: &Story) -> Vec<Emitted> {
    let plans = plan_file::check(Sources::from_text(SHIPPED_PLAN_PATH, SHIPPED_PLAN));
    let rules = Rules::new(plans.into_set().unwrap().revision().clone()).into();
    let recording = Recording::read(&*event_file(&story.events)).unwrap();
    simulate(&rules, recording.facts, story.end).0.events
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let events = |seed| Story::new(outline(60, seed)).events;
    assert_eq!(events(1), events(1));
    assert_ne!(events(1), events(2));
}

#[test]
fn every_tickets_events_are_in_order_and_within_the_day() {
    let story = Story::new(outline(400, 1));
    assert!(story.events.is_sorted_by_key(|event| event.at));
    let mut last: BTreeMap<&str, (Timestamp, &[u8])> = BTreeMap::new();
    let mut sent_again = 0;
    let mut seen = BTreeSet::new();
    for event in &story.events {
        assert!((story.morning..=story.end).contains(&event.at));
        if !seen.insert(&event.value) {
            sent_again += 1;
            continue;
        }
        let before = last.insert(&event.ticket_id, (event.at, &event.value));
        assert!(before.is_none_or(|(at, _)| at < event.at), "{event:?}");
    }
    assert_eq!(last.len(), 400);
    assert!(sent_again > 0, "some events reach the brokers twice");
    let open: i64 = story.events.iter().map(|event| event.open_change).sum();
    assert!((0..100).contains(&open), "{open} tickets are left open");
}

#[test]
fn a_day_has_everything_that_can_happen() {
    // As few tickets as there are fates are enough.
    let story = Story::new(outline(21, 1));
    let text = String::from_utf8(event_file(&story.events)).unwrap();
    for part in [
        "agent_reply",
        "customer_reply",
        "internal_note",
        "\"acknowledge\"",
        "\"escalate\"",
        "deescalate",
        "snooze",
        "Awaiting User Info",
        "With the manufacturer",
        "Waiting for the maintenance window",
        "Reopened",
        "satisfaction",
        "\"priority\":\"high\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let (mut types, mut causes) = (BTreeSet::new(), BTreeSet::new());
    let mut names = BTreeSet::new();
    for emitted in simulated(&story) {
        if let Event::Escalated(event) = emitted.event {
            types.insert(event.kind);
            causes.insert(event.cause.kind);
            names.extend(event.cause.name.clone());
        }
    }
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    assert_eq!(types.len(), 7, "every type: {types:?}");
    assert!(types.contains(&EscalatedType::Lowered));
    for cause in [
        CauseKind::Timeframe,
        CauseKind::Trigger,
        CauseKind::Waiting,
        CauseKind::Manual,
        CauseKind::Resolved,
    ] {
        assert!(causes.contains(&cause), "{cause:?}");
    }
    assert_eq!(
        names,
        [
            "acknowledgement_lasts",
            "first_response",
            "legal",
            "major-incident",
            "next_after",
            "next_response",
            "nobody-has-it",
            "ping-pong",
            "reopened-again",
            "repeat",
            "resolution",
            "unhappy",
            "wants-more",
        ]
    );
}

#[test]
fn a_default_day_is_told_in_a_few_hundred_lines() {
    for seed in 1..4 {
        let story = Story::new(outline(400, seed));
        let events = simulated(&story);
        let mut kinds: BTreeMap<EscalatedType, usize> = BTreeMap::new();
        for emitted in &events {
            if let Event::Escalated(event) = &emitted.event {
                *kinds.entry(event.kind).or_default() += 1;
            }
        }
        let lines: usize = kinds.values().sum();
        assert!((200..=420).contains(&lines), "{lines} lines: {kinds:?}");
    }
}
