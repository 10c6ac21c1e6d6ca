//! Working time: which instants count, and where a length of it ends.
//!
//! `always` counts every instant; a business calendar counts its opening hours. Everything that
//! measures time asks four questions and knows no more: [`Calendar::add`], [`Calendar::between`],
//! [`Calendar::after_days`] and [`Calendar::before_days`].
//!
//! # How a business calendar answers
//!
//! The rule says the hours of a day in local time (`rule.rs`), the time zone turns them into
//! instants (`zone.rs`), and the opening hours of about a year at a time become one sorted list
//! with running sums (`blocks.rs`). What lies in a gap of the clock, occurs twice or overlaps is
//! settled while the list is built: afterwards working time is plain subtraction, so days with a
//! change of the clock count what really passes. Lists are built when they are first asked for and
//! kept; they depend on the rule alone, so which question came first changes no answer. Days with
//! any opening are kept as bits (`open_days.rs`), by which working days are counted.
//!
//! Rejected: going from day to day at every question (a promise of thirty days would cost thirty
//! times one of a day), and building everything from 1900 to 2299 at load (6 MB and 0.15 s for
//! office hours with a break, of which a ticket uses a year).
//!
//! # What it costs
//!
//! Measured with office hours with a break in Berlin, optimized, on one core of a shared machine:
//! `between` 40 ns, `add` 65 ns for hours and for a month alike, `after_days` 240 ns (650 ns to
//! closing time), most of which is the time zone's. A calendar takes 11 kB and 50 µs to load, and
//! each list that is built 17 kB and 0.2 ms, once for every 398 days that are asked about.
//!
//! # Limits
//!
//! A business calendar knows the years of [`YEARS`] and answers `None` where a deadline would lie
//! beyond; all searches end there.

mod blocks;
mod business;
mod day;
mod open_days;
mod rule;
#[cfg(test)]
mod tests;
mod zone;

use std::sync::Arc;

pub use self::business::{Business, CalendarError, DayReading};
use self::day::DAY_MS;
pub use self::day::{Day, Hours, HoursError, Weekday, YEARS, YearDay};
pub use self::rule::{AtClose, CalendarRule, DayKind};
pub use self::zone::{ClockChange, time_zones};
use crate::length::{Length, WorkingDays};
use crate::time::{Duration, Timestamp};

/// Which time counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Calendar {
    /// Around the clock, every day; its days are those of UTC.
    #[default]
    Always,
    /// The opening hours of a business calendar.
    Business(Arc<Business>),
}

impl Calendar {
    /// The business calendar of a rule.
    ///
    /// # Errors
    /// Its time zone is not known, or it never opens.
    pub fn business(rule: CalendarRule) -> Result<Self, CalendarError> {
        Business::new(rule).map(|business| Self::Business(Arc::new(business)))
    }

    /// The instant at which `working` time has passed since `from`: the next opening when there is
    /// nothing to wait for. None when the calendar has not that much time left.
    #[must_use]
    pub fn add(&self, from: Timestamp, working: Duration) -> Option<Timestamp> {
        match self {
            Self::Always => within_time(from.plus_millis(working.as_millis())),
            Self::Business(business) => business.add(from, working),
        }
    }

    /// The working time from `from` to `to`; none when `to` is the earlier.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        match self {
            Self::Always => Duration::from_millis(to.millis_since(from).max(0)),
            Self::Business(business) => business.between(from, to),
        }
    }

    /// The same time of day on the day that is so many days with any opening after the date of
    /// `from`, or that day's last closing time. None when the calendar has not that many days left.
    #[must_use]
    pub fn after_days(&self, from: Timestamp, days: WorkingDays) -> Option<Timestamp> {
        match self {
            Self::Always => always_days(from, i64::from(days.count()), days.is_at_close()),
            Self::Business(business) => business.after_days(from, days),
        }
    }

    /// Like [`Calendar::after_days`], but so many days before the date of `from`.
    #[must_use]
    pub fn before_days(&self, from: Timestamp, days: WorkingDays) -> Option<Timestamp> {
        match self {
            Self::Always => always_days(from, -i64::from(days.count()), days.is_at_close()),
            Self::Business(business) => business.before_days(from, days),
        }
    }

    /// The date at an instant.
    #[must_use]
    pub fn day_at(&self, at: Timestamp) -> Day {
        match self {
            Self::Always => {
                let number = at.as_millis().div_euclid(DAY_MS);
                Day::from_number(i32::try_from(number).unwrap_or_default())
            }
            Self::Business(business) => business.day_at(at),
        }
    }

    /// One day, for people to look at.
    #[must_use]
    pub fn read_day(&self, day: Day) -> DayReading {
        match self {
            Self::Always => {
                let begins = Timestamp::from_millis(i64::from(day.number()) * DAY_MS);
                DayReading {
                    day,
                    kind: DayKind::Week,
                    hours: vec![Hours::ALL_DAY],
                    openings: vec![(begins, begins.plus_millis(DAY_MS))],
                    clock_changes: Vec::new(),
                    working: Duration::from_millis(DAY_MS),
                }
            }
            Self::Business(business) => business.read_day(day),
        }
    }

    /// The instant at which a length that begins at `from` ends.
    #[must_use]
    pub fn end(&self, from: Timestamp, length: Length) -> Option<Timestamp> {
        match length {
            Length::Working(working) => self.add(from, working),
            Length::Days(days) => self.after_days(from, days),
        }
    }
}

/// An instant that can be written; there is no deadline after the year 9999.
fn within_time(at: Timestamp) -> Option<Timestamp> {
    const END_MS: i64 = 253_402_300_800_000;
    (at.as_millis() < END_MS).then_some(at)
}

/// Every day of UTC is a working day and closes at its end.
fn always_days(from: Timestamp, days: i64, is_at_close: bool) -> Option<Timestamp> {
    let at = from.plus_millis(days * DAY_MS);
    let ms = if is_at_close {
        (at.as_millis().div_euclid(DAY_MS) + 1).saturating_mul(DAY_MS)
    } else {
        at.as_millis()
    };
    within_time(Timestamp::from_millis(ms))
}
