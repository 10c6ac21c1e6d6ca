//! Days of a business calendar, for people and for programs.

use std::fmt;

use escalator_engine::calendar::{AtClose, Calendar, ClockChange, Day, DayKind, DayReading};
use escalator_engine::explain::Seconds;
use escalator_engine::time::{Duration, Timestamp};
use serde::Serialize;

use super::words::harmless;

/// Some days of a calendar.
#[derive(Debug, Serialize)]
pub struct CalendarDays {
    calendar: String,
    time_zone: String,
    at_close: &'static str,
    days: Vec<CalendarDay>,
}

#[derive(Debug, Serialize)]
struct CalendarDay {
    date: String,
    weekday: &'static str,
    /// `week`, `holiday` or `exception`: where its hours come from.
    from: &'static str,
    /// What a holiday is called.
    holiday: Option<String>,
    hours: Vec<String>,
    open: Vec<Opening>,
    working_s: Seconds,
    clock_changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Opening {
    from: Timestamp,
    to: Timestamp,
}

#[derive(Debug, Serialize)]
struct Change {
    at: Timestamp,
    forward_s: i32,
}

impl CalendarDays {
    /// So many days of a calendar of this name.
    #[must_use]
    pub fn new(name: &str, calendar: &Calendar, first: Day, count: u32) -> Self {
        let (time_zone, at_close) = match calendar {
            Calendar::Always => ("UTC", AtClose::Stay),
            Calendar::Business(business) => (&*business.rule().time_zone, business.rule().at_close),
        };
        let days = (0..count).filter_map(|offset| i32::try_from(offset).ok());
        let readings = days.map(|offset| calendar.read_day(first.plus(offset)));
        Self {
            calendar: name.to_owned(),
            time_zone: time_zone.to_owned(),
            at_close: at_close.name(),
            days: readings.map(CalendarDay::from).collect(),
        }
    }
}

impl From<DayReading> for CalendarDay {
    fn from(reading: DayReading) -> Self {
        let (from, holiday) = match reading.kind {
            DayKind::Week => ("week", None),
            DayKind::Holiday(name) => ("holiday", (!name.is_empty()).then(|| name.to_string())),
            DayKind::Exception => ("exception", None),
        };
        let opening = |(from, to)| Opening { from, to };
        let change = |change: ClockChange| Change {
            at: change.at,
            forward_s: change.forward_s,
        };
        Self {
            date: reading.day.to_string(),
            weekday: reading.day.weekday().name(),
            from,
            holiday,
            hours: reading.hours.iter().map(ToString::to_string).collect(),
            open: reading.openings.into_iter().map(opening).collect(),
            working_s: reading.working.into(),
            clock_changes: reading.clock_changes.into_iter().map(change).collect(),
        }
    }
}

impl fmt::Display for CalendarDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, zone) = (harmless(&self.calendar), &self.time_zone);
        writeln!(f, "{name} ({zone}, at_close: {})", self.at_close)?;
        let hours: Vec<String> = self.days.iter().map(|day| day.hours.join("  ")).collect();
        let width = hours
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max("closed".len());
        for (day, hours) in self.days.iter().zip(hours) {
            if day.weekday == "mon" {
                writeln!(f)?;
            }
            let hours = if day.hours.is_empty() {
                "closed"
            } else {
                &hours
            };
            let line = format!(
                "{} {}  {hours:width$}  {}",
                day.weekday,
                day.date,
                day.remark()
            );
            writeln!(f, "{}", line.trim_end())?;
            for change in &day.clock_changes {
                day.write_change(change, f)?;
            }
        }
        let total: i64 = self
            .days
            .iter()
            .map(|day| length(day.working_s).as_millis())
            .sum();
        let count = self.days.len();
        let s = if count == 1 { "" } else { "s" };
        let total = hours_long(total);
        writeln!(f, "\n{count} day{s}, {total} of working time")
    }
}

fn length(seconds: Seconds) -> Duration {
    seconds.into()
}

/// A length in hours: days of 24 hours would be mistaken for working days.
fn hours_long(ms: i64) -> String {
    const HOUR_MS: i64 = 3_600_000;
    match (ms / HOUR_MS, Duration::from_millis(ms % HOUR_MS)) {
        (0, rest) => rest.to_string(),
        (hours, rest) if rest == Duration::default() => format!("{hours}h"),
        (hours, rest) => format!("{hours}h{rest}"),
    }
}

impl CalendarDay {
    /// How much working time the day has, and why it is no ordinary one.
    fn remark(&self) -> String {
        let working = match length(self.working_s) {
            none if none == Duration::default() => String::new(),
            some => hours_long(some.as_millis()),
        };
        let why = match (self.from, &self.holiday) {
            ("holiday", Some(name)) => format!("holiday: {}", harmless(name)),
            ("week", _) => String::new(),
            (other, _) => other.to_owned(),
        };
        let parts = [working, why];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("  ")
    }

    /// On such a day the hours are not what they seem, so the instants are shown, too.
    fn write_change(&self, change: &Change, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = Duration::from_secs(i64::from(change.forward_s).abs());
        let way = if change.forward_s > 0 {
            "forward"
        } else {
            "back"
        };
        writeln!(f, "    the clock is set {way} by {by} at {}", change.at)?;
        for Opening { from, to } in &self.open {
            writeln!(f, "    open from {from} to {to}")?;
        }
        Ok(())
    }
}
