//! Decision tables: office hours, holidays, closing times, working days.

mod clock_changes;

use super::*;

/// A calendar in one line: zone, then `mon-fri 08:00-13:00 14:00-18:00` and the like.
fn rule(zone: &str, week: &[(&str, &str)]) -> CalendarRule {
    let mut rule = CalendarRule {
        time_zone: zone.into(),
        ..CalendarRule::default()
    };
    for (days, hours) in week {
        let place = |name: &str| Weekday::ALL.iter().position(|day| day.name() == name);
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        for day in place(first).unwrap()..=place(last).unwrap() {
            rule.week[day] = parse(hours);
        }
    }
    rule
}

fn parse(hours: &str) -> Vec<Hours> {
    hours
        .split_whitespace()
        .map(|hours| Hours::parse(hours).unwrap())
        .collect()
}

fn calendar(rule: CalendarRule) -> Calendar {
    Calendar::business(rule).unwrap()
}

fn every_day(zone: &str, hours: &str) -> Calendar {
    calendar(rule(zone, &[("mon-sun", hours)]))
}

fn office() -> Calendar {
    let mut rule = rule(
        "Europe/Berlin",
        &[
            ("mon-fri", "08:00-13:00 14:00-18:00"),
            ("sat", "10:00-14:00"),
        ],
    );
    rule.holidays
        .insert(Day::parse("2026-12-24").unwrap(), "Heiligabend".into());
    rule.yearly_holidays
        .insert(YearDay::parse("12-25").unwrap());
    rule.yearly_holidays
        .insert(YearDay::parse("12-31").unwrap());
    rule.exceptions
        .insert(Day::parse("2026-12-31").unwrap(), parse("08:00-12:00"));
    calendar(rule)
}

fn next_open(calendar: &Calendar) -> Calendar {
    match calendar {
        Calendar::Always => Calendar::Always,
        Calendar::Business(business) => Calendar::business(CalendarRule {
            at_close: AtClose::NextOpen,
            ..business.rule().clone()
        })
        .unwrap(),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn add(calendar: &Calendar, from: &str, length: &str) -> String {
    let end = calendar.end(at(from), Length::parse(length).unwrap());
    end.map_or_else(|| "never".to_owned(), |end| end.to_string())
}

fn check(calendar: &Calendar, table: &[(&str, &str, &str)]) {
    for (from, length, expected) in table {
        assert_eq!(add(calendar, from, length), *expected, "{from} + {length}");
    }
}

fn between(calendar: &Calendar, from: &str, to: &str) -> String {
    calendar.between(at(from), at(to)).to_string()
}

#[test]
fn working_time_passes_in_opening_hours_alone() {
    // Monday is 2026-11-23; Berlin is an hour ahead of UTC in winter.
    check(
        &office(),
        &[
            ("2026-11-23T08:00:00Z", "1h", "2026-11-23T09:00:00Z"),
            ("2026-11-23T08:00:30.250Z", "4h", "2026-11-23T13:00:30.25Z"),
            ("2026-11-23T11:30:00Z", "1h", "2026-11-23T13:30:00Z"),
            ("2026-11-23T16:00:00Z", "2h", "2026-11-24T08:00:00Z"),
            ("2026-11-27T16:30:00Z", "5h", "2026-11-30T07:30:00Z"),
            ("2026-11-23T07:00:00Z", "2d", "2026-11-28T12:00:00Z"),
        ],
    );
}

#[test]
fn a_deadline_on_closing_time_stays_or_goes_to_the_next_opening() {
    let table = [
        (
            "2026-11-23T16:00:00Z",
            "1h",
            "2026-11-23T17:00:00Z",
            "2026-11-24T07:00:00Z",
        ),
        (
            "2026-11-23T11:00:00Z",
            "1h",
            "2026-11-23T12:00:00Z",
            "2026-11-23T13:00:00Z",
        ),
        (
            "2026-11-23T18:00:00Z",
            "9h",
            "2026-11-24T17:00:00Z",
            "2026-11-25T07:00:00Z",
        ),
        (
            "2026-11-23T16:00:00Z",
            "59m59s",
            "2026-11-23T16:59:59Z",
            "2026-11-23T16:59:59Z",
        ),
        (
            "2026-11-24T20:00:00Z",
            "1wd@close",
            "2026-11-25T17:00:00Z",
            "2026-11-26T07:00:00Z",
        ),
        (
            "2026-11-24T17:00:00Z",
            "1wd",
            "2026-11-25T17:00:00Z",
            "2026-11-26T07:00:00Z",
        ),
        (
            "2026-11-24T17:00:01Z",
            "1wd",
            "2026-11-25T17:00:01Z",
            "2026-11-25T17:00:01Z",
        ),
        // Around the clock nothing ever closes.
    ];
    for (from, length, stays, moves) in table {
        assert_eq!(add(&office(), from, length), stays, "{from} + {length}");
        let moving = next_open(&office());
        assert_eq!(add(&moving, from, length), moves, "{from} + {length}");
    }
    let around_the_clock = next_open(&every_day("Europe/Berlin", "00:00-24:00"));
    check(
        &around_the_clock,
        &[("2026-11-23T22:00:00Z", "1h", "2026-11-23T23:00:00Z")],
    );
}

#[test]
fn no_working_time_from_a_closed_instant_is_the_next_opening() {
    for calendar in [office(), next_open(&office())] {
        check(
            &calendar,
            &[
                ("2026-11-23T06:59:59Z", "0s", "2026-11-23T07:00:00Z"),
                ("2026-11-23T07:00:00Z", "0s", "2026-11-23T07:00:00Z"),
                ("2026-11-23T16:59:59.999Z", "0s", "2026-11-23T16:59:59.999Z"),
                // Opening hours are half-open: at closing time it is closed.
                ("2026-11-23T17:00:00Z", "0s", "2026-11-24T07:00:00Z"),
                ("2026-11-28T13:00:00Z", "0s", "2026-11-30T07:00:00Z"),
            ],
        );
    }
}

#[test]
fn exceptions_win_over_holidays_and_holidays_over_weekly_hours() {
    // Thursday 24 and Friday 25 are holidays, Saturday 26 is none; Thursday 31 is an exception,
    // and a holiday in every other year.
    let office = office();
    check(
        &office,
        &[
            ("2026-12-23T16:00:00Z", "2h", "2026-12-26T10:00:00Z"),
            ("2026-12-31T10:00:00Z", "2h", "2027-01-01T08:00:00Z"),
            ("2027-12-30T16:00:00Z", "2h", "2028-01-01T10:00:00Z"),
            ("2026-12-23T16:00:00Z", "1wd", "2026-12-26T16:00:00Z"),
            ("2026-12-30T16:00:00Z", "1wd@close", "2026-12-31T11:00:00Z"),
        ],
    );
    let kind = |day: &str| office.read_day(Day::parse(day).unwrap()).kind;
    assert_eq!(kind("2026-12-24"), DayKind::Holiday("Heiligabend".into()));
    assert_eq!(kind("2027-12-25"), DayKind::Holiday("".into()));
    assert_eq!(kind("2026-12-31"), DayKind::Exception);
    assert_eq!(kind("2026-12-30"), DayKind::Week);
}

#[test]
fn working_days_keep_the_time_of_day() {
    // Friday is 2026-11-27.
    check(
        &office(),
        &[
            ("2026-11-24T09:15:30.5Z", "1wd", "2026-11-25T09:15:30.5Z"),
            ("2026-11-24T22:15:00Z", "1wd", "2026-11-25T22:15:00Z"),
            ("2026-11-24T23:15:00Z", "1wd", "2026-11-25T23:15:00Z"),
            ("2026-11-26T09:00:00Z", "2wd", "2026-11-28T09:00:00Z"),
            ("2026-11-28T09:00:00Z", "1wd", "2026-11-30T09:00:00Z"),
            ("2026-11-29T03:00:00Z", "1wd", "2026-11-30T03:00:00Z"),
            ("2026-11-29T03:00:00Z", "1wd@close", "2026-11-30T17:00:00Z"),
            ("2026-11-27T03:00:00Z", "1wd@close", "2026-11-28T13:00:00Z"),
            // Friday in UTC, Saturday in Berlin.
            ("2026-11-27T23:30:00Z", "1wd", "2026-11-29T23:30:00Z"),
            ("2026-03-27T09:00:00Z", "2wd", "2026-03-30T08:00:00Z"),
        ],
    );
}

#[test]
fn working_days_are_counted_backwards_too() {
    let office = office();
    let back = |from: &str, count| {
        let days = WorkingDays::new(count, false).unwrap();
        office.before_days(at(from), days).map(|at| at.to_string())
    };
    for (from, count, expected) in [
        ("2026-11-25T09:15:00Z", 1, "2026-11-24T09:15:00Z"),
        ("2026-11-30T20:00:00Z", 1, "2026-11-28T20:00:00Z"),
        ("2026-11-29T09:00:00Z", 2, "2026-11-27T09:00:00Z"),
        ("2026-12-26T09:00:00Z", 1, "2026-12-23T09:00:00Z"),
    ] {
        assert_eq!(back(from, count).as_deref(), Some(expected), "{from}");
    }
    assert_eq!(back("1900-01-03T09:00:00Z", 10), None);
}

#[test]
fn a_night_is_written_as_two_days_and_counts_as_one_stretch() {
    let nights = calendar(rule(
        "UTC",
        &[("mon", "22:00-24:00"), ("tue", "00:00-06:00")],
    ));
    check(
        &nights,
        &[
            ("2026-11-23T22:00:00Z", "2h", "2026-11-24T00:00:00Z"),
            ("2026-11-23T22:00:00Z", "5h", "2026-11-24T03:00:00Z"),
            ("2026-11-23T22:00:00Z", "9h", "2026-11-30T23:00:00Z"),
            ("2026-11-22T12:00:00Z", "1wd@close", "2026-11-24T00:00:00Z"),
            ("2026-11-22T12:00:00Z", "2wd@close", "2026-11-24T06:00:00Z"),
        ],
    );
    let moving = next_open(&nights);
    // Midnight is no closing time when the next day opens with it.
    check(
        &moving,
        &[("2026-11-22T12:00:00Z", "1wd@close", "2026-11-24T00:00:00Z")],
    );
}

#[test]
fn always_has_days_of_utc() {
    check(
        &Calendar::Always,
        &[
            ("2026-11-28T09:00:00Z", "2wd", "2026-11-30T09:00:00Z"),
            ("2026-11-28T09:00:00Z", "1wd@close", "2026-11-30T00:00:00Z"),
            ("2026-11-28T09:00:00Z", "0s", "2026-11-28T09:00:00Z"),
            ("2026-11-28T09:00:00Z", "3000000d", "never"),
        ],
    );
    assert_eq!(
        between(
            &Calendar::Always,
            "2026-11-28T09:00:00Z",
            "2026-11-27T09:00:00Z"
        ),
        "0s"
    );
}

#[test]
fn a_calendar_has_an_end_and_every_search_ends_there() {
    let mut only_once = rule("UTC", &[]);
    only_once
        .exceptions
        .insert(Day::parse("2020-05-04").unwrap(), parse("09:00-10:00"));
    let once = calendar(only_once);
    check(
        &once,
        &[
            ("2020-01-01T00:00:00Z", "1h", "2020-05-04T10:00:00Z"),
            ("2020-01-01T00:00:00Z", "1h1s", "never"),
            ("2021-01-01T00:00:00Z", "0s", "never"),
            ("2021-01-01T00:00:00Z", "1wd", "never"),
            ("2020-01-01T00:00:00Z", "1wd@close", "2020-05-04T10:00:00Z"),
            ("2020-01-01T00:00:00Z", "2wd", "never"),
        ],
    );
    check(
        &next_open(&once),
        &[("2020-01-01T00:00:00Z", "1h", "never")],
    );
    check(
        &office(),
        &[
            ("2299-12-30T16:00:00Z", "1d", "never"),
            ("2400-01-01T00:00:00Z", "1h", "never"),
            ("2400-01-01T00:00:00Z", "1wd", "never"),
            ("1800-01-01T00:00:00Z", "0s", "1900-01-01T07:00:00Z"),
        ],
    );
    assert_eq!(
        between(&office(), "2300-01-01T00:00:00Z", "2310-01-01T00:00:00Z"),
        "0s"
    );
}

#[test]
fn the_seams_between_lists_do_not_show() {
    const FIRST_MS: i64 = -2_208_988_800_000;
    const HOUR_MS: i64 = 3_600_000;
    let all_day = every_day("UTC", "00:00-24:00");
    for calendar in [next_open(&all_day), all_day] {
        for seam in 1..367 {
            let seam = Timestamp::from_millis(FIRST_MS + (seam << 35));
            let before = seam.plus_millis(-HOUR_MS);
            for hours in 1..3 {
                let working = Duration::from_millis(hours * HOUR_MS);
                let after = before.plus_millis(hours * HOUR_MS);
                assert_eq!(calendar.add(before, working), Some(after), "{seam}");
                assert_eq!(calendar.between(before, after), working, "{seam}");
            }
            let nothing = Duration::default();
            assert_eq!(calendar.add(seam, nothing), Some(seam), "{seam}");
        }
    }
    // Two years and more of office hours, there and back.
    let office = office();
    for days in 0..400 {
        let from = at("2024-02-28T10:00:00Z").plus_millis(days * 24 * HOUR_MS);
        let working = Duration::from_millis(5_000 * HOUR_MS);
        let end = office.add(from, working).unwrap();
        assert_eq!(office.between(from, end), working, "{from}");
    }
}

#[test]
fn a_calendar_that_never_opens_is_none() {
    let mut empty = rule("UTC", &[("mon", "")]);
    empty
        .exceptions
        .insert(Day::parse("2026-01-01").unwrap(), Vec::new());
    let mut leap_day = rule("UTC", &[]);
    // 2026-03-29 has no such hour in Berlin.
    leap_day.time_zone = "Europe/Berlin".into();
    leap_day
        .exceptions
        .insert(Day::parse("2026-03-29").unwrap(), parse("02:00-03:00"));
    let mut always_holiday = rule("UTC", &[("mon-sun", "09:00-17:00")]);
    for month in 1..=12 {
        for day in 1..=31 {
            always_holiday
                .yearly_holidays
                .extend(YearDay::parse(&format!("{month:02}-{day:02}")));
        }
    }
    for rule in [rule("UTC", &[]), empty, leap_day, always_holiday.clone()] {
        assert_eq!(Calendar::business(rule), Err(CalendarError::NeverOpens));
    }
    always_holiday
        .yearly_holidays
        .remove(&YearDay::parse("02-29").unwrap());
    check(
        &calendar(always_holiday),
        &[("2021-01-01T00:00:00Z", "1wd", "2024-02-29T00:00:00Z")],
    );
}

#[test]
fn unknown_time_zones_are_refused() {
    for zone in [
        "Europe/Berln",
        "",
        "+01:00",
        "../etc/localtime",
        "EST5EDT,M3.2.0,M11.1.0",
    ] {
        let time_zone = zone.into();
        let error = CalendarError::UnknownTimeZone { time_zone };
        assert_eq!(
            Calendar::business(rule(zone, &[("mon", "09:00-17:00")])),
            Err(error)
        );
    }
    let names = time_zones();
    assert!(names.len() > 400 && names.is_sorted(), "{}", names.len());
}

#[test]
fn a_day_is_read_with_its_changes_of_the_clock() {
    let calendar = every_day("Europe/Berlin", "00:00-06:00");
    let reading = calendar.read_day(Day::parse("2026-10-25").unwrap());
    assert_eq!(reading.working, Duration::from_secs(7 * 3600));
    let change = ClockChange {
        at: at("2026-10-25T01:00:00Z"),
        forward_s: -3600,
    };
    assert_eq!(reading.clock_changes, [change]);
    let quiet = calendar.read_day(Day::parse("2026-10-26").unwrap());
    assert_eq!(quiet.clock_changes, []);
    assert_eq!(
        calendar.day_at(at("2026-10-26T23:30:00Z")).to_string(),
        "2026-10-27"
    );
}
