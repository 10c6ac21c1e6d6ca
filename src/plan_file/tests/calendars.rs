//! Business calendars in plan files: what their keys become, and working days.

use escalator_engine::calendar::{AtClose, Calendar, CalendarRule, Day};
use escalator_engine::length::Length;
use escalator_engine::plan::{MarkAt, Plan, Within};

use super::*;

pub(super) fn rule(set: &PlanSet, name: &str) -> CalendarRule {
    match set.calendars().get(name) {
        Some(Calendar::Business(business)) => business.rule().clone(),
        other => panic!("{name} is {other:?}"),
    }
}

fn good(text: &str) -> PlanSet {
    let checked = checked(text);
    assert_eq!(
        checked.count(Severity::Error),
        0,
        "{}",
        checked.report(false)
    );
    checked.into_set().unwrap()
}

/// What `hours: …` makes of the days of the week.
fn week(hours: &str) -> [String; 7] {
    let set = good(&format!(
        "calendars: {{ c: {{ time_zone: UTC, hours: {hours} }} }}"
    ));
    let text = |hours: &Vec<_>| {
        let texts: Vec<_> = hours.iter().map(ToString::to_string).collect();
        texts.join(" ")
    };
    rule(&set, "c").week.each_ref().map(text)
}

#[test]
fn days_of_the_week_are_named_alone_in_ranges_and_in_lists() {
    let (a, b) = ("08:00-13:00", "14:00-18:00");
    let both = "08:00-13:00 14:00-18:00";
    for (hours, expected) in [
        (
            format!("{{ mon-fri: [\"{b}\", \"{a}\"], sat: [\"{a}\"] }}"),
            [both, both, both, both, both, a, ""],
        ),
        (format!("{{ sun-thu: [\"{a}\"] }}"), [a, a, a, a, "", "", a]),
        (
            format!("{{ \"mon, wed-thu\": [\"{a}\"], Fri: [] }}"),
            [a, "", a, a, "", "", ""],
        ),
        (
            format!("{{ sat-mon: [\"{a}\"], tue: [\"{b}\"] }}"),
            [a, b, "", "", "", a, a],
        ),
    ] {
        assert_eq!(week(&hours), expected.map(str::to_owned), "{hours}");
    }
}

#[test]
fn a_calendar_says_what_the_engine_gets() {
    let set = good(
        "calendars:
  office:
    time_zone: Europe/Berlin
    hours: { mon-fri: [\"08:00-18:00\"] }
    holidays: [2026-12-24, \"12-25\"]
    exceptions: { 2026-12-31: [\"08:00-12:00\"], \"2026-05-15\": [] }
    at_close: next_open
  round: always",
    );
    let rule = rule(&set, "office");
    assert_eq!(
        (&*rule.time_zone, rule.at_close),
        ("Europe/Berlin", AtClose::NextOpen)
    );
    let day = |text: &str| Day::parse(text).unwrap();
    assert!(rule.holidays.contains_key(&day("2026-12-24")));
    assert_eq!(rule.yearly_holidays.len(), 1);
    assert_eq!(rule.exceptions[&day("2026-05-15")], []);
    assert_eq!(set.calendars()["round"], Calendar::Always);
    assert!(set.revision().plans.is_empty(), "calendars alone are a set");
}

fn plan(keys: &str) -> Plan {
    let set = good(&format!(
        "targets: {{ noc: {{ kind: team, channels: [chat] }} }}
calendars: {{ office: {{ time_zone: UTC, hours: {{ mon-fri: [\"09:00-17:00\"] }} }} }}
plans: [{{ name: p, {keys} }}]"
    ));
    (*set.revision().plans[0]).clone()
}

#[test]
fn calendars_are_named_by_plan_timeframe_trigger_and_level() {
    let plan = plan(
        "calendar: office,
         timeframes: { resolution: { within: 4h }, update: { within: 1h, calendar: always } },
         triggers: [{ name: t, when: { tags: a }, for: 2h, calendar: office, level: 1 },
                    { name: u, when: { tags: b }, level: 1 }],
         path: [{ notify: [noc], calendar: office, next_after: 1wd }, { notify: [noc] }]",
    );
    let is_office = |calendar: &Calendar| matches!(calendar, Calendar::Business(_));
    let timeframes: Vec<_> = plan
        .timeframes
        .iter()
        .map(|t| is_office(&t.calendar))
        .collect();
    assert_eq!(timeframes, [true, false], "resolution, update");
    let triggers: Vec<_> = plan
        .triggers
        .iter()
        .map(|t| is_office(&t.calendar))
        .collect();
    assert_eq!(triggers, [true, false]);
    let levels: Vec<_> = plan
        .path
        .iter()
        .map(|level| is_office(&level.calendar))
        .collect();
    assert_eq!(levels, [true, false]);
    assert_eq!(plan.path[0].next_after, Length::parse("1wd").ok());
}

#[test]
fn lengths_and_marks_may_be_working_days() {
    let plan = plan(
        "acknowledgement_lasts: 1wd,
         timeframes: { resolution: { within: { by: priority, high: 1wd@close, default: 3wd },
           marks: [{ at: -1wd, warn: [noc] }, { at: 100%, level: 1 }, { at: +2wd@close, level: 1 }] } },
         path: [{ notify: [noc], repeat: { every: 1wd, times: 2 } }]",
    );
    let length = |text: &str| Length::parse(text).unwrap();
    let days = |text: &str| escalator_engine::length::WorkingDays::parse(text).unwrap();
    let Within::By {
        values, default, ..
    } = &plan.timeframes[0].within
    else {
        panic!("a matrix");
    };
    assert_eq!(
        (values["high"], *default),
        (length("1wd@close"), Some(length("3wd")))
    );
    let marks: Vec<_> = plan.timeframes[0]
        .marks
        .iter()
        .map(|mark| mark.at)
        .collect();
    let expected = [
        MarkAt::Before(days("1wd")),
        MarkAt::BREACH,
        MarkAt::After(days("2wd@close")),
    ];
    assert_eq!(marks, expected);
    assert_eq!(plan.acknowledgement_lasts, Some(length("1wd")));
}

#[test]
fn no_working_days_are_refused_everywhere() {
    let text = "
targets: { noc: { kind: team, channels: [chat] } }
forget_after: 3wd
plans:
  - name: p
    stale_after: 1wd
    timeframes:
      resolution:
        within: 0wd
        marks: [{ at: +0wd, warn: [noc] }, { at: 1wd, warn: [noc] }, { at: 0%, warn: [noc] }]
      update: { within: 1wd, marks: [{ at: -24h, warn: [noc] }, { at: -23h, warn: [noc] }] }
    path: [{ notify: [noc], next_after: 0wd@close }]
";
    let found: Vec<_> = checked(text)
        .problems
        .iter()
        .map(|problem| (problem.code.id(), problem.place.line_column(text).0))
        .collect();
    let expected = [
        ("E0203", 3),
        ("E0203", 6),
        ("E0203", 9),
        ("E0402", 10),
        ("E0402", 10),
        ("E0403", 11),
        ("E0203", 12),
    ];
    assert_eq!(
        found
            .iter()
            .filter(|(code, _)| *code != "W0901")
            .copied()
            .collect::<Vec<_>>(),
        expected
    );
}
