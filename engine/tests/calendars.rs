//! Calendars against an oracle that looks at every minute around a change of the clock.
//!
//! The oracle shares nothing with the calendar but the rule and the question "what does the clock
//! show at this instant": gaps and repeated hours are found by looking, working time by counting.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::BTreeMap;
use std::fmt;

use escalator_engine::calendar::{AtClose, Calendar, CalendarRule, Day, Hours, Weekday};
use escalator_engine::length::{Length, WorkingDays};
use escalator_engine::stopwatch::{Motion, Stopwatch};
use escalator_engine::time::{Duration, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{ToSpan, Unit};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const MINUTE_MS: i64 = 60_000;

/// Minutes of ten days on each side of a change.
const SPAN: i64 = 10 * 1440;

/// Changes of all kinds: by an hour, half an hour and a whole day, at night, at midnight, across
/// midnight, and none at all.
const CHANGES: &[(&str, &str)] = &[
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2024-11-03T06:00:00Z"),
    ("America/Sao_Paulo", "2015-02-22T02:00:00Z"),
    ("America/Sao_Paulo", "2015-10-18T03:00:00Z"),
    ("Australia/Lord_Howe", "2024-04-06T15:00:00Z"),
    ("Australia/Lord_Howe", "2024-10-05T15:30:00Z"),
    ("Asia/Tehran", "2015-03-21T20:30:00Z"),
    ("Asia/Tehran", "2015-09-21T19:30:00Z"),
    ("America/St_Johns", "2009-03-08T03:31:00Z"),
    ("America/St_Johns", "2009-11-01T02:31:00Z"),
    ("America/Havana", "2024-03-10T05:00:00Z"),
    ("America/Havana", "2024-11-03T05:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Asia/Kolkata", "2026-01-01T00:00:00Z"),
];

struct Oracle {
    zone: TimeZone,
    rule: CalendarRule,
    first: jiff::Timestamp,
    /// What the clock shows in each minute.
    shows: Vec<DateTime>,
    /// Whether it is open.
    open: Vec<bool>,
    /// The last closing minute of each date with an opening.
    closings: BTreeMap<Date, usize>,
}

impl fmt::Debug for Oracle {
    /// The rule says all; the minutes are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl Oracle {
    fn new(rule: CalendarRule, change: Timestamp) -> Self {
        let zone = TimeZoneDatabase::bundled().get(&rule.time_zone).unwrap();
        let change = jiff::Timestamp::from_millisecond(change.as_millis()).unwrap();
        let first = change - SPAN.minutes();
        let shows: Vec<_> = (0..2 * SPAN)
            .map(|minute| zone.to_datetime(first + minute.minutes()))
            .collect();
        let mut oracle = Self {
            zone,
            rule,
            first,
            open: vec![false; shows.len()],
            shows,
            closings: BTreeMap::new(),
        };
        // The first and the last date are cut, and are not asked about.
        let last = oracle.shows.last().unwrap().date();
        let mut date = oracle.shows[0].date().tomorrow().unwrap();
        while date < last {
            oracle.mark(date);
            date = date.tomorrow().unwrap();
        }
        oracle
    }

    fn hours(&self, date: Date) -> Vec<Hours> {
        let day = Day::parse(&date.to_string()).unwrap();
        if let Some(hours) = self.rule.exceptions.get(&day) {
            return hours.clone();
        }
        if self.rule.holidays.contains_key(&day) {
            return Vec::new();
        }
        let place = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap();
        self.rule.week[place].clone()
    }

    fn mark(&mut self, date: Date) {
        for hours in self.hours(date) {
            let time = |s: u32| date.to_datetime(jiff::civil::Time::MIN) + i64::from(s).seconds();
            let opens = self.minute(time(hours.opens_s()), false);
            let closes = self.minute(time(hours.closes_s()), true);
            let (opens, closes) = (opens.unwrap(), closes.unwrap());
            if opens < closes {
                self.open[opens..closes].fill(true);
                let closing = self.closings.entry(date).or_default();
                *closing = closes.max(*closing);
            }
        }
    }

    /// The minute that shows a time, the first or the last; moved forward where none does.
    fn minute(&self, time: DateTime, is_last: bool) -> Option<usize> {
        let found = if is_last {
            self.shows.iter().rposition(|shown| *shown == time)
        } else {
            self.shows.iter().position(|shown| *shown == time)
        };
        found.or_else(|| {
            let after = self
                .shows
                .windows(2)
                .position(|pair| pair[0] < time && time < pair[1])?;
            let gap = self.shows[after]
                .until((Unit::Minute, self.shows[after + 1]))
                .unwrap();
            let moved = time + (gap.get_minutes() - 1).minutes();
            self.shows.iter().position(|shown| *shown == moved)
        })
    }

    fn at(&self, minute: usize) -> Timestamp {
        let minute = i64::try_from(minute).unwrap();
        Timestamp::from_millis(self.first.as_millisecond() + minute * MINUTE_MS)
    }

    fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let mut total = 0;
        for minute in (0..self.open.len()).filter(|minute| self.open[*minute]) {
            let from = self.at(minute).max(from);
            let to = self.at(minute + 1).min(to);
            total += to.millis_since(from).max(0);
        }
        Duration::from_millis(total)
    }

    /// None when it ends after what is looked at.
    fn add(&self, from: Timestamp, working: Duration) -> Option<Timestamp> {
        let mut left = working.as_millis();
        for minute in (0..self.open.len()).filter(|minute| self.open[*minute]) {
            let begins = self.at(minute).max(from);
            let has = self.at(minute + 1).millis_since(begins).max(0);
            let moves_on = working.as_millis() == 0 || self.rule.at_close == AtClose::NextOpen;
            if left < has || (left == has && !moves_on && left > 0) {
                return Some(begins.plus_millis(left));
            }
            left -= has;
        }
        None
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.zone
            .to_datetime(jiff::Timestamp::from_millisecond(at.as_millis()).unwrap())
    }

    fn working_days(&self, from: Timestamp, count: i32, is_at_close: bool) -> Option<Timestamp> {
        let start = self.local(from);
        let mut dates: Vec<Date> = self.closings.keys().copied().collect();
        if count < 0 {
            dates.reverse();
        }
        let is_after = |date: &Date| {
            if count > 0 {
                *date > start.date()
            } else {
                *date < start.date()
            }
        };
        let nth = usize::try_from(count.unsigned_abs()).unwrap() - 1;
        let date = dates.into_iter().filter(is_after).nth(nth)?;
        let at = if is_at_close {
            self.at(self.closings[&date])
        } else {
            let minute = start
                .round(
                    jiff::civil::DateTimeRound::new()
                        .smallest(Unit::Minute)
                        .mode(jiff::RoundMode::Floor),
                )
                .unwrap();
            let rest = from.as_millis().rem_euclid(MINUTE_MS);
            let found = self.minute(
                minute.time().on(date.year(), date.month(), date.day()),
                false,
            )?;
            self.at(found).plus_millis(rest)
        };
        let minute = usize::try_from(at.millis_since(self.at(0)) / MINUTE_MS).unwrap();
        let is_closing = at == self.at(minute) && !self.open[minute] && self.open[minute - 1];
        if is_closing && self.rule.at_close == AtClose::NextOpen {
            return self.add(at, Duration::default());
        }
        Some(at)
    }
}

/// Some hours of a day: pieces between times of day that are drawn in order.
fn hours() -> impl Strategy<Value = Vec<Hours>> {
    let times = || {
        select(vec![
            0, 30, 60, 90, 120, 135, 150, 180, 210, 360, 540, 720, 1020, 1380, 1410, 1440,
        ])
    };
    vec(times(), 0..5).prop_map(|mut times: Vec<u32>| {
        times.sort_unstable();
        times.dedup();
        let text = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let pair = |pair: &[u32]| Hours::parse(&format!("{}-{}", text(pair[0]), text(pair[1])));
        times
            .chunks_exact(2)
            .map(|times| pair(times).unwrap())
            .collect()
    })
}

prop_compose! {
    fn rule()(
        (zone, change) in select(CHANGES),
        week in proptest::array::uniform7(hours()),
        holidays in vec(-9_i32..9, 0..4),
        exceptions in vec((-9_i32..9, hours()), 0..3),
        moves_on in any::<bool>(),
    ) -> (CalendarRule, Timestamp) {
        let middle = Day::parse(&change[..10]).unwrap();
        // A day or two of the calendar, whatever else is drawn, so that it opens at all.
        let mut week = week;
        week[Weekday::Tuesday as usize] = vec![Hours::parse("09:00-17:00").unwrap()];
        let rule = CalendarRule {
            time_zone: zone.into(),
            week,
            holidays: holidays.into_iter().map(|n| (middle.plus(n), "".into())).collect(),
            exceptions: exceptions.into_iter().map(|(n, hours)| (middle.plus(n), hours)).collect(),
            at_close: if moves_on { AtClose::NextOpen } else { AtClose::Stay },
            ..CalendarRule::default()
        };
        (rule, Timestamp::parse(change).unwrap())
    }
}

/// An instant around the change, on a minute more often than not.
fn around() -> impl Strategy<Value = i64> {
    let minute = (-6 * 1440_i64..6 * 1440).prop_map(|minute| minute * MINUTE_MS);
    (minute, select(vec![0, 0, 0, 1, 1_000, 59_999])).prop_map(|(minute, rest)| minute + rest)
}

proptest! {
    // Enough that every planted fault was found; some seconds.
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn calendars_agree_with_looking_at_every_minute(
        (rule, middle) in rule(),
        offsets in vec((around(), around(), select(vec![0, 1, 60, 3600, 3601, 28_800, 86_400])), 8),
        count in 1_u32..5,
        is_at_close in any::<bool>(),
    ) {
        let oracle = Oracle::new(rule.clone(), middle);
        let calendar = Calendar::business(rule).unwrap();
        for (from, to, working_s) in offsets {
            let (from, to) = (middle.plus_millis(from), middle.plus_millis(to));
            prop_assert_eq!(calendar.between(from, to), oracle.between(from, to), "{} to {}", from, to);
            let working = Duration::from_secs(working_s);
            if let Some(expected) = oracle.add(from, working) {
                prop_assert_eq!(calendar.add(from, working), Some(expected), "{} + {}", from, working);
            }
            let days = WorkingDays::new(count, is_at_close).unwrap();
            let signed = i32::try_from(count).unwrap();
            if let Some(expected) = oracle.working_days(from, signed, is_at_close) {
                prop_assert_eq!(calendar.after_days(from, days), Some(expected), "{} + {}", from, days);
            }
            if let Some(expected) = oracle.working_days(from, -signed, is_at_close) {
                prop_assert_eq!(calendar.before_days(from, days), Some(expected), "{} - {}", from, days);
            }
        }
    }

    #[test]
    fn adding_and_measuring_are_inverse_and_monotone(
        (rule, middle) in rule(),
        from in around(),
        to in around(),
        working_ms in 0..20 * 86_400_000_i64,
    ) {
        let calendar = Calendar::business(rule.clone()).unwrap();
        let (from, to) = (middle.plus_millis(from), middle.plus_millis(to));
        let working = Duration::from_millis(working_ms);
        let end = calendar.end(from, Length::Working(working)).unwrap();
        prop_assert!(end >= from);
        prop_assert_eq!(calendar.between(from, end), working);
        // What ends last is begun last, and takes at least as long.
        let more = Duration::from_millis(working_ms + 1);
        prop_assert!(calendar.add(from, more).unwrap() > end);
        if to > from {
            prop_assert!(calendar.add(to, working).unwrap() >= end);
            let measured = calendar.between(from, to);
            let again = calendar.add(from, measured).unwrap();
            prop_assert_eq!(calendar.between(from, again), measured);
            if rule.at_close == AtClose::Stay && measured > Duration::default() {
                prop_assert!(again <= to);
            }
        } else {
            prop_assert_eq!(calendar.between(from, to), Duration::default());
        }
        prop_assert_eq!(
            calendar.between(middle, from.max(middle)).as_millis()
                + calendar.between(from.max(middle), to.max(from).max(middle)).as_millis(),
            calendar.between(middle, to.max(from).max(middle)).as_millis()
        );
    }
    #[test]
    fn a_deadline_is_where_the_counted_time_is_full_and_lost_time_has_pushed_it(
        (rule, middle) in rule(),
        start in around(),
        mut turns in vec(0_i64..4 * 86_400_000, 0..7),
        length in select(vec!["1h", "8h", "1d", "1wd", "2wd", "1wd@close"]),
    ) {
        let calendar = Calendar::business(rule.clone()).unwrap();
        let start = middle.plus_millis(start);
        turns.sort_unstable();
        let length = Length::parse(length).unwrap();
        // Pauses begin and end in turns.
        let mut watch = Stopwatch::start(start, false);
        let mut due = watch.due(length, &calendar);
        for (turn, pauses) in turns.into_iter().zip([true, false].into_iter().cycle()) {
            let at = start.plus_millis(turn);
            if due.is_some_and(|due| due < at) {
                break;
            }
            watch.set_paused(at, pauses, &calendar);
            due = watch.due(length, &calendar);
        }
        let Some(due) = due else {
            prop_assert!(matches!(watch.motion, Motion::Paused { .. }), "it will be due");
            return Ok(());
        };
        let nominal = calendar.end(start, length).unwrap();
        let counted = watch.elapsed(due.max(start), &calendar);
        prop_assert_eq!(Some(counted), watch.working(length, &calendar));
        let lost = calendar.between(start, due).as_millis() - counted.as_millis();
        prop_assert_eq!(calendar.between(nominal, due).as_millis(), lost);
        prop_assert!(due >= nominal);
    }
}
