use escalator_engine::explain::Seconds;
use escalator_engine::time::Duration;
use serde_json::{Value, json};

use super::*;
use crate::offline::Recording;
use crate::plan_file::{Sources, check};

/// A report of events, each a ticket, a minute of one day, and what an update says; the first of a
/// ticket creates it.
fn report(plans: &str, events: &[(&str, i64, Value)], asked: Asked) -> Report {
    let plans = check(Sources::from_text("plans.yaml", plans))
        .into_set()
        .unwrap();
    let mut known = Vec::new();
    let mut lines = String::new();
    for (number, (ticket, minute, what)) in events.iter().enumerate() {
        let is_new = !known.contains(ticket);
        known.push(ticket);
        let mut value = json!({
            "ticket_id": ticket, "occurred_at": at(*minute).to_string(), "event_id": number.to_string(),
        });
        let topic = if is_new {
            value["ticket"] = what.clone();
            "ticket-created"
        } else {
            for (name, part) in what.as_object().unwrap() {
                value[name] = part.clone();
            }
            "ticket-updated"
        };
        lines += &json!({ "topic": topic, "value": value }).to_string();
        lines.push('\n');
    }
    let recording = Recording::read(lines.as_bytes()).unwrap();
    Report::of(&recording.facts, &plans, asked, |_| {})
}

fn at(minute: i64) -> Timestamp {
    Timestamp::parse("2026-11-23T09:00:00Z")
        .unwrap()
        .plus_millis(minute * 60_000)
}

fn minutes(n: i64) -> Option<Seconds> {
    Some(Duration::from_secs(n * 60).into())
}

fn status(word: &str) -> Value {
    json!({ "changes": { "status": word } })
}

fn activity(kind: &str) -> Value {
    json!({ "activities": [{ "kind": kind }] })
}

fn cycles_of<'a>(report: &'a Report, timeframe: &str) -> &'a CycleCounts {
    let mut rows = report.timeframes.iter();
    &rows
        .find(|row| &*row.timeframe == timeframe)
        .unwrap()
        .cycles
}

/// Met, breached, without a limit, open, open and over.
fn counts(cycles: &CycleCounts) -> [u64; 5] {
    let CycleCounts {
        met,
        breached,
        without_limit,
        open,
        open_over,
        ..
    } = cycles;
    [*met, *breached, *without_limit, *open, *open_over]
}

const ONE: &str = "
version: 1
goals: { first_response: 50%, next_response: 90% }
plans:
  - name: p
    match: { queue: { not: nobody } }
    timeframes:
      first_response: { within: { by: priority, high: 10m, low: 60m } }
      next_response: { within: 10m }
      update: { within: 20m }
      resolution: { within: 60m }
";

#[test]
fn every_cycle_of_a_clock_counts_and_an_end_at_the_limit_is_in_time() {
    let events = [
        ("T", 0, json!({ "priority": "high" })),
        ("T", 10, activity("agent_reply")),
        ("T", 20, activity("customer_reply")),
        ("T", 31, activity("agent_reply")),
        ("T", 40, activity("customer_reply")),
        ("T", 50, activity("agent_reply")),
        ("T", 61, activity("customer_reply")),
        ("T", 100, activity("internal_note")),
    ];
    let report = report(ONE, &events, Asked::default());
    assert_eq!(
        counts(cycles_of(&report, "first_response")),
        [1, 0, 0, 0, 0]
    );
    assert_eq!(counts(cycles_of(&report, "next_response")), [1, 1, 0, 1, 1]);
    // Answers at 10, 31 and 50 end the first three; the fourth is open for 50 of 20 minutes.
    assert_eq!(counts(cycles_of(&report, "update")), [2, 1, 0, 1, 1]);
    assert_eq!(counts(cycles_of(&report, "resolution")), [0, 0, 0, 1, 1]);
    let next = cycles_of(&report, "next_response");
    assert_eq!((next.median_s, next.p90_s), (minutes(10), minutes(11)));
    assert_eq!(report.first_response.times.n, 1);
    assert_eq!(report.resolution.times.n, 0);
}

#[test]
fn what_has_ended_is_not_judged_anew_by_what_changes_afterwards() {
    let plans = "
version: 1
plans:
  - name: paused
    match: { category: paused }
    timeframes: { first_response: { within: 20m, pause: [waiting_customer] } }
  - name: p
    timeframes: { first_response: { within: { by: priority, high: 20m, low: 60m } } }
";
    let changed = |field: &str, to: &str| json!({ "changes": { field: to } });
    for (ends, later) in [
        // Now it is answered, which the end was not.
        (status("resolved"), changed("priority", "high")),
        // Another plan pauses it, so it was shorter, and not short enough.
        (activity("agent_reply"), changed("category", "paused")),
    ] {
        let events = [
            ("T", 0, json!({ "priority": "low" })),
            ("T", 5, status("waiting_customer")),
            ("T", 15, status("open")),
            ("T", 50, ends),
            ("T", 55, later.clone()),
            ("T", 56, activity("agent_reply")),
        ];
        let report = report(plans, &events, Asked::default());
        let cycles = cycles_of(&report, "first_response");
        assert_eq!(counts(cycles), [1, 0, 0, 0, 0], "{later}");
        assert_eq!(cycles.median_s, minutes(50), "{later}");
    }
}

#[test]
fn goals_are_judged_by_what_was_kept_and_broken() {
    let events = [
        ("T", 0, json!({ "priority": "high" })),
        ("T", 11, activity("agent_reply")),
        ("U", 0, json!({ "priority": "low" })),
        ("U", 11, activity("agent_reply")),
    ];
    let report = report(ONE, &events, Asked::default());
    let judged = |name| {
        let row = report.timeframes.iter().find(|row| &*row.timeframe == name);
        row.map(|row| (row.goal, row.goal_met)).unwrap()
    };
    assert_eq!(judged("first_response"), (Some(50.0), Some(true)));
    assert_eq!(judged("next_response"), (Some(90.0), None), "nothing ended");
    assert_eq!(judged("update"), (None, None));
}

#[test]
fn a_goal_that_open_cycles_would_miss_is_met_by_those_that_ended_only() {
    let mut events = vec![
        ("T", 0, json!({ "priority": "high" })),
        ("T", 5, activity("agent_reply")),
        ("U", 0, json!({ "priority": "high" })),
    ];
    let goal = |report: &Report| {
        let row = &report.timeframes[0];
        (row.goal_met, row.goal_met_with_open, row.cycles.open_over)
    };
    let asked = Asked {
        to: Some(at(100)),
        ..Asked::default()
    };
    // One of two is the half that is promised.
    let half = report(ONE, &events, asked);
    assert_eq!(goal(&half), (Some(true), Some(true), 1));
    let said = "goal 50% of first_response: met (100.0%); 1 open one is over";
    let printed = |report: &Report| anstream::adapter::strip_str(&text(report)).to_string();
    assert!(printed(&half).contains(said), "{}", printed(&half));
    assert!(page::page(&half).contains("✓ goal 50% met<"));
    events.push(("V", 0, json!({ "priority": "high" })));
    let third = report(ONE, &events, asked);
    assert_eq!(goal(&third), (Some(true), Some(false), 2));
    let said = "goal 50% of first_response: met by those that ended (100.0%); 2 open ones are over";
    assert!(printed(&third).contains(said), "{}", printed(&third));
    let page = page::page(&third);
    assert!(page.contains("! goal 50% met by those that ended only"));
    assert!(page.contains("1 met, 0 breached, 2 open ones are over"));
    assert!(page.contains("of those that ended were in time"));
    assert!(!page.contains("mark met\""));
    // Where nothing ended at all, those that are over are told all the same.
    let open = report(ONE, &events[2..], asked);
    assert_eq!(goal(&open), (None, Some(false), 2));
    let said = "goal 50% of first_response: nothing to judge; 2 open ones are over";
    assert!(printed(&open).contains(said), "{}", printed(&open));
    assert!(page::page(&open).contains("0 met, 0 breached, 2 open ones are over"));
}

#[test]
fn a_cycle_is_judged_by_the_priority_that_the_ticket_had_when_it_ended() {
    let events = [
        ("T", 0, json!({ "priority": "low" })),
        ("T", 30, activity("agent_reply")),
        ("T", 40, json!({ "changes": { "priority": "high" } })),
        ("U", 0, json!({ "priority": "critical" })),
        ("U", 5, activity("agent_reply")),
        ("V", 0, json!({ "priority": "galactic" })),
        ("W", 0, json!({})),
    ];
    let report = report(ONE, &events, Asked::default());
    let row = &report.timeframes[0];
    let rows: Vec<_> = row
        .priorities
        .iter()
        .map(|row| (&*row.priority, counts(&row.cycles)))
        .collect();
    let expected = [
        ("critical", [0, 0, 1, 0, 0]),
        ("low", [1, 0, 0, 0, 0]),
        ("(other)", [0, 0, 0, 1, 0]),
        ("(none)", [0, 0, 0, 1, 0]),
    ];
    assert_eq!(rows, expected);
    assert_eq!(row.cycles.met_share, Some(1.0));
}

#[test]
fn a_reopening_takes_the_end_of_a_resumed_cycle_back() {
    let resolved = [
        ("T", 0, json!({ "status": "open" })),
        ("T", 50, status("resolved")),
    ];
    let reopened = [&resolved[..], &[("T", 500, status("open"))]].concat();
    let over = [&reopened[..], &[("T", 511, status("closed"))]].concat();
    for (events, expected, reopened) in [
        (&resolved[..], [1, 0, 0, 0, 0], 0),
        (&reopened, [0, 0, 0, 1, 0], 1),
        (&over, [0, 1, 0, 0, 0], 1),
    ] {
        let report = report(ONE, events, Asked::default());
        assert_eq!(counts(cycles_of(&report, "resolution")), expected);
        assert_eq!(report.tickets.reopened.times, reopened);
    }
    // The 450 minutes between resolving and reopening do not count.
    let report = report(ONE, &over, Asked::default());
    assert_eq!(report.resolution.times.median_s, minutes(61));
}

#[test]
fn a_restarted_clock_has_one_cycle_more() {
    let plans = ONE.replace("within: 60m }", "within: 60m, on_reopen: restart }");
    let events = [
        ("T", 0, json!({ "status": "open" })),
        ("T", 61, status("resolved")),
        ("T", 100, status("open")),
        ("T", 160, status("closed")),
    ];
    let report = report(&plans, &events, Asked::default());
    assert_eq!(counts(cycles_of(&report, "resolution")), [1, 1, 0, 0, 0]);
}

#[test]
fn a_clock_that_vanishes_with_its_plan_is_neither_kept_nor_broken() {
    let events = [
        ("T", 0, json!({ "priority": "high" })),
        ("T", 5, activity("agent_reply")),
        ("T", 200, json!({ "changes": { "queue": "nobody" } })),
    ];
    let report = report(ONE, &events, Asked::default());
    assert_eq!(counts(cycles_of(&report, "resolution")), [0; 5]);
    // What had ended before stays a promise that was kept.
    assert_eq!(
        counts(cycles_of(&report, "first_response")),
        [1, 0, 0, 0, 0]
    );
}

#[test]
fn two_answers_in_one_fact_are_two_cycles() {
    let two = json!({ "activities": [{ "kind": "agent_reply" }, { "kind": "agent_reply" }] });
    let events = [("T", 0, json!({})), ("T", 30, two)];
    let report = report(ONE, &events, Asked::default());
    assert_eq!(counts(cycles_of(&report, "update")), [1, 1, 0, 1, 0]);
}

const ALARMS: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat, email] } }
plans:
  - name: p
    timeframes:
      resolution:
        within: 60m
        marks: [{ at: 50%, warn: [noc] }, { at: 100%, level: 1 }, { at: 200%, level: 2 }]
    triggers:
      - { name: chance, when: { tags: upsell }, nature: opportunity, level: 1 }
      - { name: unhappy, when: { satisfaction: { at_most: 0.3 } }, level: 2 }
    path:
      - { name: first, notify: [noc, assignee] }
      - { name: second, notify: [noc] }
";

#[test]
fn escalations_are_counted_by_plan_level_cause_month_and_target() {
    let events = [
        ("T", 0, json!({ "assignee": "ann" })),
        ("U", 0, json!({ "tags": ["upsell"], "assignee": "noc" })),
        ("U", 10, status("resolved")),
        ("T", 130, activity("internal_note")),
    ];
    let report = report(ALARMS, &events, Asked::default());
    let it = &report.escalations;
    assert_eq!((it.raised, it.opportunities, it.tickets), (3, 1, 2));
    let types = BTreeMap::from([("ended", 1), ("raised", 3), ("warned", 1)]);
    assert_eq!(it.types, types);
    let levels: Vec<_> = it.levels.iter().map(|row| (row.level, row.n)).collect();
    assert_eq!(levels, [(1, 2), (2, 1)]);
    let causes: Vec<_> = it
        .causes
        .iter()
        .map(|row| (row.kind, row.name.as_deref().unwrap(), row.n))
        .collect();
    assert_eq!(
        causes,
        [("timeframe", "resolution", 2), ("trigger", "chance", 1)]
    );
    assert_eq!(it.months.len(), 1);
    assert_eq!(it.months[0].levels, BTreeMap::from([(1, 2), (2, 1)]));
    // An assignee called like a target is still an assignee.
    let targets: Vec<_> = report
        .notifications
        .targets
        .iter()
        .map(|row| (&*row.to, &*row.to_kind, row.n))
        .collect();
    assert_eq!(targets, [("noc", "team", 10), ("assignee", "assignee", 3)]);
}

#[test]
fn tickets_are_counted_by_what_happened_to_them() {
    let rated = |rating: f64| json!({ "changes": { "satisfaction": rating } });
    let events = [
        ("T", 0, json!({ "queue": "a", "satisfaction": 0.9 })),
        ("T", 1, json!({ "changes": { "queue": "b" } })),
        ("T", 2, json!({ "changes": { "queue": "c" } })),
        ("T", 3, rated(0.3)),
        ("T", 4, status("resolved")),
        ("U", 0, json!({ "satisfaction": 0.5 })),
        ("V", 0, json!({ "status": "closed" })),
        ("V", 1, json!({ "changes": { "queue": "a" } })),
    ];
    let report = report(ALARMS, &events, Asked::default());
    let it = &report.tickets;
    assert_eq!((it.active, it.created, it.resolved, it.open), (3, 3, 2, 1));
    assert_eq!(
        it.reassigned,
        Happenings {
            times: 2,
            tickets: 1
        }
    );
    let it = &report.satisfaction;
    assert_eq!(
        (it.n, it.mean, it.low, it.low_share),
        (2, Some(0.4), 1, Some(0.5))
    );
}

#[test]
fn a_ticket_that_was_forgotten_and_comes_back_counts_on() {
    const DAY: i64 = 24 * 60;
    let assigned = |to: &str| json!({ "changes": { "assignee": to } });
    let events = [
        ("T", 0, json!({ "assignee": "ann" })),
        ("T", 1, assigned("ben")),
        ("T", 2, status("resolved")),
        ("T", 3, status("open")),
        ("T", 4, status("resolved")),
        // Forgotten a week after it was resolved: of what comes now it is the first that is known.
        ("T", 10 * DAY, status("open")),
        ("T", 10 * DAY + 1, assigned("eve")),
        ("T", 10 * DAY + 2, assigned("dan")),
    ];
    let tickets = report(ONE, &events, Asked::default()).tickets;
    let happened = |times| Happenings { times, tickets: 1 };
    assert_eq!(tickets.reopened, happened(1));
    assert_eq!(tickets.reassigned, happened(2));
    assert_eq!((tickets.active, tickets.open), (1, 1));
}

#[test]
fn a_ticket_that_was_over_when_it_was_first_heard_of_has_kept_no_promise() {
    const DAY: i64 = 24 * 60;
    let events = [
        ("T", 0, json!({ "priority": "high" })),
        ("T", 20, status("resolved")),
        // Closed when it is forgotten already: nothing is known of its times any more.
        ("T", 10 * DAY, status("closed")),
    ];
    let first = report(ONE, &events, Asked::default());
    assert_eq!(counts(cycles_of(&first, "resolution")), [1, 0, 0, 0, 0]);
    assert_eq!(counts(cycles_of(&first, "first_response")), [0, 1, 0, 0, 0]);

    // A created event that is resolved at once is a promise kept, as by a call that solves it.
    let solved = [("T", 0, json!({ "priority": "high", "status": "resolved" }))];
    let solved = report(ONE, &solved, Asked::default());
    assert_eq!(counts(cycles_of(&solved, "resolution")), [1, 0, 0, 0, 0]);
}

#[test]
fn a_period_takes_what_ended_and_fired_in_it_and_both_its_ends_belong_to_it() {
    let events = [
        ("T", 0, json!({})),
        ("T", 200, status("resolved")),
        ("U", 90, json!({})),
        ("U", 150, status("resolved")),
        ("V", 0, json!({})),
        ("V", 10, status("resolved")),
        ("W", 201, json!({})),
    ];
    let asked = |from, to| Asked {
        from: Some(at(from)),
        to: Some(at(to)),
    };
    // Level 1 of T is at 60 and level 2 at 120; of U level 1 would be at 150, when it is resolved.
    let whole = report(ALARMS, &events, asked(60, 200));
    assert_eq!(whole.escalations.raised, 2);
    assert_eq!(counts(cycles_of(&whole, "resolution")), [1, 1, 0, 0, 0]);
    assert_eq!((whole.tickets.active, whole.tickets.created), (2, 1));
    assert_eq!(whole.facts, 6);
    let short = report(ALARMS, &events, asked(61, 119));
    assert_eq!(short.escalations.raised, 0);
    assert_eq!(counts(cycles_of(&short, "resolution")), [0, 0, 0, 2, 1]);
    assert_eq!((short.tickets.active, short.tickets.open), (2, 2));
}

#[test]
fn no_events_make_an_empty_report_in_every_form() {
    let empty = report(ONE, &[], Asked::default());
    assert_eq!((empty.facts, empty.from, empty.to), (0, None, None));
    assert!(text(&empty).contains("goal 50% of first_response: nothing to judge"));
    assert!(page::page(&empty).contains("no events"));
}

#[test]
fn a_ticket_that_comes_back_after_it_was_forgotten_keeps_what_was_counted_of_it() {
    let plans = "
version: 1
forget_after: 1h
plans: [{ name: p, timeframes: { resolution: { within: 60m } } }]
";
    let rated = json!({ "changes": { "status": "resolved", "satisfaction": 0.9 } });
    let events = [
        ("T", 0, json!({ "status": "open", "queue": "a" })),
        ("T", 10, json!({ "changes": { "queue": "b" } })),
        ("T", 20, rated),
        (
            "T",
            200,
            json!({ "changes": { "status": "open", "queue": "c" } }),
        ),
        ("T", 210, json!({ "changes": { "queue": "d" } })),
    ];
    let report = report(plans, &events, Asked::default());
    assert_eq!(
        (report.satisfaction.n, report.satisfaction.mean),
        (1, Some(0.9))
    );
    assert_eq!(report.tickets.reassigned.times, 2);
    assert_eq!((report.tickets.created, report.tickets.resolved), (1, 1));
}
