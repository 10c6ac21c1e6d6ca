//! Days and times of day as people write them, without any time zone.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Seconds of a day whose clock does not change.
pub(super) const DAY_S: u32 = 86_400;

/// Milliseconds of a day whose clock does not change.
pub(super) const DAY_MS: i64 = DAY_S as i64 * 1000;

/// The years that calendars know: wide around every ticket and every promise, and few enough that
/// a search through all of them ends soon.
pub const YEARS: std::ops::RangeInclusive<i16> = 1900..=2299;

/// A date, counted in days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The date of that year, month and day; none when there is no such date in [`YEARS`].
    #[must_use]
    pub fn from_civil(year: i16, month: i8, day: i8) -> Option<Self> {
        if !YEARS.contains(&year) {
            return None;
        }
        let midnight = Date::new(year, month, day).ok()?.to_datetime(Time::MIN);
        let second = Offset::UTC.to_timestamp(midnight).ok()?.as_second();
        i32::try_from(second.div_euclid(i64::from(DAY_S)))
            .ok()
            .map(Self)
    }

    /// Reads `2026-12-24`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = two_numbers(rest)?;
        (year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Self::from_civil(year.parse().ok()?, month, day))
            .flatten()
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The date so many days after 1970-01-01.
    pub(super) const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Year, month and day.
    #[must_use]
    pub fn civil(self) -> (i16, i8, i8) {
        let second = i64::from(self.0) * i64::from(DAY_S);
        let date = jiff::Timestamp::from_second(second)
            .map_or(Date::ZERO, |at| Offset::UTC.to_datetime(at).date());
        (date.year(), date.month(), date.day())
    }

    /// The date so many days later, or earlier when negative.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The day of the week.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        // The first day of 1970 was a Thursday, the fourth day of its week.
        Weekday::ALL[(self.0 as i64 + 3).rem_euclid(7) as usize]
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the days of the week speak for themselves")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All days, from Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The word in plan files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monday => "mon",
            Self::Tuesday => "tue",
            Self::Wednesday => "wed",
            Self::Thursday => "thu",
            Self::Friday => "fri",
            Self::Saturday => "sat",
            Self::Sunday => "sun",
        }
    }
}

/// A day of every year; 29 February comes in leap years only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct YearDay {
    month: i8,
    day: i8,
}

impl YearDay {
    /// Reads `12-25`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Any leap year has every day that some year has.
        const LEAP_YEAR: i16 = 2000;
        let (month, day) = two_numbers(text)?;
        Day::from_civil(LEAP_YEAR, month, day).map(|_| Self { month, day })
    }

    /// The place of this day among 12 months of 32 days.
    pub(super) const fn place(self) -> usize {
        place(self.month, self.day)
    }
}

/// The place of a day among 12 months of 32 days, which have room for every day.
pub(super) const fn place(month: i8, day: i8) -> usize {
    (month as usize - 1) * 32 + day as usize
}

/// Reads `12-25`.
fn two_numbers(text: &str) -> Option<(i8, i8)> {
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let (first, second) = text.split_once('-')?;
    (is_number(first) && is_number(second))
        .then(|| Some((first.parse().ok()?, second.parse().ok()?)))
        .flatten()
}

/// Opening hours within one day, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    opens_s: u32,
    closes_s: u32,
}

/// Why a text is no opening hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Something else stands there.
    #[error("these are no opening hours")]
    Unreadable,
    /// They open and close at the same time.
    #[error("these hours close when they open")]
    Empty,
    /// They close on the next day.
    #[error("these hours close before they open")]
    Overnight,
}

impl Hours {
    /// Reads `08:00-13:00`; a day ends with `24:00`.
    ///
    /// # Errors
    /// The text has another form, or the hours do not lie within one day.
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let (opens, closes) = text.split_once('-').ok_or(HoursError::Unreadable)?;
        let time = |text: &str| time_of_day_s(text.trim()).ok_or(HoursError::Unreadable);
        let (opens_s, closes_s) = (time(opens)?, time(closes)?);
        match opens_s.cmp(&closes_s) {
            std::cmp::Ordering::Less => Ok(Self { opens_s, closes_s }),
            std::cmp::Ordering::Equal => Err(HoursError::Empty),
            std::cmp::Ordering::Greater => Err(HoursError::Overnight),
        }
    }

    /// All of a day.
    pub(super) const ALL_DAY: Self = Self {
        opens_s: 0,
        closes_s: DAY_S,
    };

    /// Seconds from midnight to the opening.
    #[must_use]
    pub const fn opens_s(self) -> u32 {
        self.opens_s
    }

    /// Seconds from midnight to the closing.
    #[must_use]
    pub const fn closes_s(self) -> u32 {
        self.closes_s
    }

    /// Whether some time of day lies in both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.opens_s < other.closes_s && other.opens_s < self.closes_s
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opens, closes) = (TimeOfDay(self.opens_s), TimeOfDay(self.closes_s));
        write!(f, "{opens}-{closes}")
    }
}

/// Seconds since midnight as people write them.
struct TimeOfDay(u32);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, seconds) = (self.0 / 60, self.0 % 60);
        write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)?;
        if seconds > 0 {
            write!(f, ":{seconds:02}")?;
        }
        Ok(())
    }
}

/// Reads `08:00`, `08:00:30` and `24:00`.
fn time_of_day_s(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let mut part = |max: u32| {
        let digits = parts.next()?;
        let is_number = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = is_number.then(|| digits.parse().ok()).flatten()?;
        (number <= max).then_some(number)
    };
    let (hour, minute) = (part(24)?, part(59)?);
    let second = if text.len() > 5 { part(59)? } else { 0 };
    let total = hour * 3600 + minute * 60 + second;
    (parts.next().is_none() && total <= DAY_S).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_and_print() {
        for (text, number, weekday) in [
            ("1970-01-01", 0, Weekday::Thursday),
            ("1969-12-31", -1, Weekday::Wednesday),
            ("2026-11-23", 20_780, Weekday::Monday),
            ("2024-02-29", 19_782, Weekday::Thursday),
        ] {
            let day = Day::parse(text).unwrap();
            assert_eq!((day.number(), day.weekday()), (number, weekday), "{text}");
            assert_eq!(day.to_string(), text);
        }
        for text in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-1-1",
            "1899-12-31",
            "2300-01-01",
            "",
            "2026-01-01T00:00:00Z",
            "+026-01-01",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_of_every_year_exist_in_some_year() {
        for text in ["01-01", "12-31", "02-29"] {
            assert!(YearDay::parse(text).is_some(), "{text}");
        }
        for text in [
            "02-30", "04-31", "13-01", "00-10", "1-1", "12-00", "-12-25", "",
        ] {
            assert_eq!(YearDay::parse(text), None, "{text}");
        }
    }

    #[test]
    fn hours_lie_within_one_day() {
        let hours = |opens_s, closes_s| Ok(Hours { opens_s, closes_s });
        for (text, expected) in [
            ("08:00-13:00", hours(28_800, 46_800)),
            ("00:00-24:00", hours(0, 86_400)),
            ("08:00 - 13:00:30", hours(28_800, 46_830)),
            ("22:00-06:00", Err(HoursError::Overnight)),
            ("24:00-24:00", Err(HoursError::Empty)),
            ("08:00-08:00", Err(HoursError::Empty)),
            ("08:00-24:01", Err(HoursError::Unreadable)),
            ("08:00-25:00", Err(HoursError::Unreadable)),
            ("08:60-09:00", Err(HoursError::Unreadable)),
            ("8:00-13:00", Err(HoursError::Unreadable)),
            ("08:00", Err(HoursError::Unreadable)),
            ("08:00-13:00-14:00", Err(HoursError::Unreadable)),
            ("08:00:00:00-13:00", Err(HoursError::Unreadable)),
            ("", Err(HoursError::Unreadable)),
        ] {
            assert_eq!(Hours::parse(text), expected, "{text}");
        }
        for text in ["08:00-13:00", "00:00-24:00", "08:00:05-13:00"] {
            assert_eq!(Hours::parse(text).unwrap().to_string(), text);
        }
    }
}
