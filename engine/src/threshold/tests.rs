//! Decision tables: where lengths and marks stand on a clock that is paused, closed and resumed.

use super::*;
use crate::calendar::{AtClose, CalendarRule, Hours};

/// Monday to Friday from nine to five in UTC, Saturday from ten to two.
fn office(at_close: AtClose) -> Calendar {
    let mut week: [Vec<Hours>; 7] = Default::default();
    for day in &mut week[..5] {
        day.push(Hours::parse("09:00-17:00").unwrap());
    }
    week[5].push(Hours::parse("10:00-14:00").unwrap());
    let rule = CalendarRule {
        time_zone: "UTC".into(),
        week,
        at_close,
        ..CalendarRule::default()
    };
    Calendar::business(rule).unwrap()
}

/// An instant of the week of Monday 2026-11-23: day of the month, then time of day.
fn on(text: &str) -> Timestamp {
    let (day, time) = text.split_once(' ').unwrap();
    Timestamp::parse(&format!("2026-11-{day}T{time}:00Z")).unwrap()
}

fn length(text: &str) -> Length {
    Length::parse(text).unwrap()
}

fn mark_at(text: &str) -> MarkAt {
    let days = |text: &str| WorkingDays::parse(text);
    match (&text[..1], &text[1..]) {
        ("+", rest) if rest.contains("wd") => MarkAt::After(days(rest).unwrap()),
        ("-", rest) if rest.contains("wd") => MarkAt::Before(days(rest).unwrap()),
        ("+", rest) => MarkAt::Offset(Duration::parse(rest).unwrap()),
        ("-", rest) => {
            let offset = Duration::parse(rest).unwrap();
            MarkAt::Offset(difference(Duration::default(), offset))
        }
        _ => MarkAt::Share(text.trim_end_matches('%').parse::<u64>().unwrap() * 10_000),
    }
}

/// A stopwatch with these pauses; one without an end lasts.
fn watch(start: &str, pauses: &[(&str, &str)], calendar: &Calendar) -> Stopwatch {
    let mut watch = Stopwatch::start(on(start), false);
    for (from, to) in pauses {
        watch.set_paused(on(from), true, calendar);
        if !to.is_empty() {
            watch.set_paused(on(to), false, calendar);
        }
    }
    watch
}

/// Start, pauses, length, mark, and when the mark is due; empty when it is not.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);

fn check(at_close: AtClose, table: &[Row<'_>]) {
    let calendar = office(at_close);
    for (start, pauses, within, mark, due_at) in table {
        let watch = watch(start, pauses, &calendar);
        let course = watch.course(length(within), &calendar).unwrap();
        let place = watch.mark(mark_at(mark), &course, &calendar);
        let due_at = (!due_at.is_empty()).then(|| on(due_at));
        let found = place.unwrap().due_at;
        assert_eq!(
            found, due_at,
            "{start} {pauses:?} {within} {mark}: {found:?}"
        );
        let bound = course.threshold(mark_at(mark));
        let bound = bound.map(|threshold| watch.not_before(threshold));
        assert!(bound <= due_at || due_at.is_none(), "{bound:?}");
    }
}

#[test]
fn a_threshold_has_one_instant_wherever_it_lies() {
    let always = &Calendar::Always;
    let at = |s: i64| Timestamp::from_millis(s * 1000);
    let due =
        |watch: &Stopwatch, s: i64| watch.due(Length::Working(Duration::from_secs(s)), always);
    let mut watch = Stopwatch::start(at(0), false);
    watch.set_paused(at(10), true, always);
    assert_eq!(due(&watch, 5), Some(at(5)));
    assert_eq!(due(&watch, 10), None, "paused exactly at it");
    watch.set_paused(at(20), false, always);
    assert_eq!(due(&watch, 10), Some(at(20)), "reached as it goes on");
    assert_eq!(due(&watch, 12), Some(at(22)));
    watch.stop(at(22), false, always);
    assert_eq!(due(&watch, 12), None, "stopped exactly at it");
    assert_eq!(due(&watch, 11), Some(at(21)));
}

#[test]
fn working_time_is_reached_where_it_is_counted() {
    check(
        AtClose::Stay,
        &[
            ("23 10:00", &[], "4h", "100%", "23 14:00"),
            ("23 10:00", &[], "4h", "50%", "23 12:00"),
            ("23 10:00", &[], "7h", "100%", "23 17:00"),
            ("23 10:00", &[], "7h", "+1h", "24 10:00"),
            ("23 10:00", &[], "8h", "-90m", "23 16:30"),
            ("23 20:00", &[], "8h", "100%", "24 17:00"),
            // Closed hours inside a pause take nothing away.
            (
                "23 10:00",
                &[("23 16:00", "24 10:00")],
                "8h",
                "100%",
                "24 12:00",
            ),
            (
                "23 10:00",
                &[("23 18:00", "24 08:00")],
                "8h",
                "100%",
                "24 10:00",
            ),
            // Closing time is a deadline that a pause in the evening comes too late for.
            ("23 10:00", &[("23 18:00", "")], "7h", "100%", "23 17:00"),
            ("23 10:00", &[("23 17:00", "")], "7h", "100%", ""),
            (
                "23 10:00",
                &[("23 17:00", "23 19:00")],
                "7h",
                "100%",
                "24 09:00",
            ),
        ],
    );
    check(
        AtClose::NextOpen,
        &[
            ("23 10:00", &[], "7h", "100%", "24 09:00"),
            ("23 10:00", &[("23 18:00", "")], "7h", "100%", ""),
            (
                "23 10:00",
                &[("23 18:00", "24 08:00")],
                "7h",
                "100%",
                "24 09:00",
            ),
            (
                "23 10:00",
                &[("24 09:00", "24 11:00")],
                "7h",
                "100%",
                "24 11:00",
            ),
        ],
    );
}

#[test]
fn a_deadline_in_working_days_is_an_instant_that_lost_time_pushes_on() {
    check(
        AtClose::Stay,
        &[
            ("23 10:00", &[], "3wd", "100%", "26 10:00"),
            ("23 20:00", &[], "3wd", "100%", "26 20:00"),
            ("23 07:00", &[], "1wd", "100%", "24 07:00"),
            ("23 10:00", &[], "3wd@close", "100%", "26 17:00"),
            ("28 12:00", &[], "1wd", "100%", "30 12:00"),
            // Two hours of working time are lost, whenever they are.
            (
                "23 10:00",
                &[("23 11:00", "23 13:00")],
                "3wd",
                "100%",
                "26 12:00",
            ),
            (
                "23 10:00",
                &[("23 15:00", "23 20:00")],
                "3wd",
                "100%",
                "26 12:00",
            ),
            (
                "23 10:00",
                &[("25 16:00", "26 10:00")],
                "3wd",
                "100%",
                "26 12:00",
            ),
            (
                "23 20:00",
                &[("24 09:00", "24 10:00")],
                "3wd",
                "100%",
                "27 10:00",
            ),
            (
                "23 10:00",
                &[("23 16:00", "24 10:00")],
                "3wd@close",
                "100%",
                "27 11:00",
            ),
            // None is lost in the night.
            (
                "23 10:00",
                &[("23 18:00", "24 08:00")],
                "3wd",
                "100%",
                "26 10:00",
            ),
            // Reached before the pause, and exactly at its beginning.
            ("23 10:00", &[("26 10:01", "")], "3wd", "100%", "26 10:00"),
            ("23 10:00", &[("26 10:00", "")], "3wd", "100%", ""),
            (
                "23 10:00",
                &[("26 10:00", "26 11:00")],
                "3wd",
                "100%",
                "26 11:00",
            ),
        ],
    );
    check(
        AtClose::NextOpen,
        &[
            ("23 20:00", &[], "3wd", "100%", "26 20:00"),
            ("23 10:00", &[], "3wd@close", "100%", "27 09:00"),
            ("23 17:00", &[], "3wd", "100%", "27 09:00"),
        ],
    );
}

#[test]
fn a_pause_that_loses_no_time_ends_behind_a_deadline_in_it_or_in_none() {
    check(
        AtClose::Stay,
        &[
            ("23 20:00", &[("24 19:00", "")], "1wd", "100%", ""),
            (
                "23 20:00",
                &[("24 19:00", "24 20:30")],
                "1wd",
                "100%",
                "24 20:00",
            ),
            // Where it does not go on between, nothing is reached.
            (
                "23 20:00",
                &[("24 19:00", "24 20:30"), ("24 20:30", "")],
                "1wd",
                "100%",
                "",
            ),
            (
                "23 20:00",
                &[("24 19:00", "24 20:30"), ("24 20:30", "25 21:00")],
                "1wd",
                "100%",
                "25 17:00",
            ),
        ],
    );
}

#[test]
fn marks_are_relative_to_a_deadline_in_working_days() {
    check(
        AtClose::Stay,
        &[
            // From Monday at ten to Wednesday at ten are sixteen hours.
            ("23 10:00", &[], "2wd", "50%", "24 10:00"),
            ("23 10:00", &[], "2wd", "150%", "26 10:00"),
            ("23 10:00", &[], "2wd", "+0s", "25 10:00"),
            ("23 10:00", &[], "2wd", "+2h", "25 12:00"),
            ("23 10:00", &[], "2wd", "-2h", "24 16:00"),
            ("23 20:00", &[], "2wd", "+2h", "26 11:00"),
            ("23 20:00", &[], "2wd", "-2h", "25 15:00"),
            ("23 20:00", &[], "2wd", "100%", "25 20:00"),
        ],
    );
}

#[test]
fn marks_in_working_days_keep_the_time_of_day_of_the_deadline() {
    check(
        AtClose::Stay,
        &[
            ("23 10:00", &[], "4h", "+1wd", "24 14:00"),
            ("23 10:00", &[], "4h", "+1wd@close", "24 17:00"),
            ("23 10:00", &[], "2wd", "+1wd", "26 10:00"),
            ("23 10:00", &[], "3wd", "-1wd", "25 10:00"),
            ("27 16:00", &[], "3h", "+1wd", "30 12:00"),
            // What is lost before the deadline moves it and the mark, what is lost after it
            // only the mark.
            (
                "23 10:00",
                &[("23 11:00", "23 12:00")],
                "4h",
                "+1wd",
                "24 15:00",
            ),
            (
                "23 10:00",
                &[("23 16:00", "24 10:00")],
                "4h",
                "+1wd",
                "24 16:00",
            ),
            ("23 10:00", &[("24 10:00", "")], "4h", "+1wd", ""),
            ("23 10:00", &[("23 12:00", "")], "4h", "+1wd", ""),
            // Reached before the pause that moves the deadline.
            (
                "23 10:00",
                &[("25 11:00", "25 12:00")],
                "3wd",
                "-1wd",
                "25 10:00",
            ),
            (
                "23 10:00",
                &[("24 11:00", "24 12:00")],
                "3wd",
                "-1wd",
                "25 11:00",
            ),
            (
                "23 20:00",
                &[("24 19:00", "24 20:30"), ("24 20:30", "")],
                "2wd",
                "-1wd",
                "",
            ),
            // Before the start: due at once, even while paused from the beginning.
            ("24 10:00", &[], "4h", "-1wd", "23 14:00"),
            ("24 10:00", &[("24 10:00", "")], "4h", "-1wd", "23 14:00"),
            ("24 10:00", &[], "1wd", "-1wd", "24 10:00"),
        ],
    );
}

#[test]
fn thresholds_are_working_time_from_the_start() {
    let calendar = office(AtClose::Stay);
    for (start, pauses, within, mark, threshold_h) in [
        ("23 10:00", &[][..], "2wd", "100%", 16),
        ("23 10:00", &[], "2wd", "50%", 8),
        ("23 10:00", &[], "2wd", "+1wd", 24),
        ("23 10:00", &[], "2wd", "-1wd", 8),
        ("23 10:00", &[("23 11:00", "23 13:00")], "2wd", "+1wd", 24),
        ("23 10:00", &[("23 11:00", "")], "2wd", "+1wd", 24),
        ("26 20:00", &[], "2wd", "100%", 12),
        ("26 20:00", &[], "2wd@close", "+2h", 14),
        ("24 10:00", &[], "4h", "-1wd", -4),
    ] {
        let watch = watch(start, pauses, &calendar);
        let course = watch.course(length(within), &calendar).unwrap();
        let place = watch.mark(mark_at(mark), &course, &calendar);
        let expected = Duration::from_secs(threshold_h * 3600);
        assert_eq!(
            place.unwrap().threshold,
            expected,
            "{start} {within} {mark}"
        );
    }
}

#[test]
fn summing_old_gaps_up_keeps_deadlines_in_working_days() {
    let calendar = &Calendar::Always;
    let at = |m: i64| Timestamp::from_millis(m * 60_000);
    let mut watch = Stopwatch::start(at(0), false);
    for n in 0..100 {
        watch.set_paused(at(n * 10 + 5), true, calendar);
        watch.set_paused(at(n * 10 + 10), false, calendar);
    }
    assert!(watch.summed_to > at(0));
    // A day, and 500 minutes of pauses.
    assert_eq!(watch.due(length("1wd"), calendar), Some(at(1440 + 500)));
    assert_eq!(watch.due(length("24h"), calendar), Some(at(1440 + 500)));
}
