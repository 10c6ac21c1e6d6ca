//! The time that a report is about, and its months.

use std::fmt;

use escalator_engine::time::Timestamp;

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A text that is neither a day nor an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is neither a day nor an instant; write a day as 2026-11-23, or an instant as \
     2026-11-23T09:00:00Z"
)]
pub struct DayError {
    text: String,
}

impl DayError {
    fn new(text: &str) -> Self {
        Self {
            text: text.chars().take(64).collect(),
        }
    }
}

/// From one instant to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub from: Timestamp,
    /// The last instant.
    pub to: Timestamp,
}

impl Period {
    /// Whether an instant lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// The first instant of what is written: a day in UTC, or an instant itself.
///
/// # Errors
/// The text is neither.
pub fn beginning(text: &str) -> Result<Timestamp, DayError> {
    within(text, 0)
}

/// The last instant of what is written: of a day in UTC its last millisecond, or an instant itself.
///
/// # Errors
/// The text is neither.
pub fn end(text: &str) -> Result<Timestamp, DayError> {
    within(text, DAY_MS - 1)
}

/// An instant as it is written, or so long after the first one of the day that is written.
fn within(text: &str, of_day_ms: i64) -> Result<Timestamp, DayError> {
    match Timestamp::parse(&format!("{}T00:00:00Z", text.trim())) {
        Ok(day) => Ok(day.plus_millis(of_day_ms)),
        Err(_) => Timestamp::parse(text).map_err(|_| DayError::new(text)),
    }
}

/// The day of an instant in UTC, as people write it: `7 March 2016`.
#[must_use]
pub fn day(at: Timestamp) -> String {
    date(at).strftime("%-d %B %Y").to_string()
}

fn date(at: Timestamp) -> jiff::civil::Date {
    // What decides is dated within the years that dates have; a far end is shown as their end.
    let at = jiff::Timestamp::from_millisecond(at.as_millis());
    let at = at.unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    /// From 1.
    month: i8,
}

impl Month {
    /// The month of an instant.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let date = date(at);
        Self {
            year: date.year(),
            month: date.month(),
        }
    }

    /// The month after it.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Self {
                year: self.year,
                month: self.month + 1,
            }
        }
    }

    /// The three letters that stand for it.
    #[must_use]
    pub fn letters(self) -> &'static str {
        const LETTERS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        LETTERS[usize::from(self.month.unsigned_abs()) - 1]
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }
}

/// `2016-03`
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_in_utc() {
        for (text, from, to) in [
            (
                "2016-02-29",
                "2016-02-29T00:00:00Z",
                "2016-02-29T23:59:59.999Z",
            ),
            (
                "2016-02-29T12:00:00+01:00",
                "2016-02-29T11:00:00Z",
                "2016-02-29T11:00:00Z",
            ),
        ] {
            assert_eq!(beginning(text).unwrap().to_string(), from);
            assert_eq!(end(text).unwrap().to_string(), to);
        }
        for text in ["2015-02-29", "yesterday", "2016-02"] {
            assert!(beginning(text).is_err() && end(text).is_err(), "{text}");
        }
    }

    #[test]
    fn months_are_those_of_utc() {
        let at = |text| Timestamp::parse(text).unwrap();
        let december = Month::of(at("2017-01-01T00:30:00+01:00"));
        assert_eq!(december.to_string(), "2016-12");
        let january = december.next();
        assert_eq!((january.letters(), january.year()), ("Jan", 2017));
        assert_eq!(Month::of(at("2017-01-01T00:00:00Z")), january);
        assert_eq!(day(at("2016-12-31T23:59:59Z")), "31 December 2016");
    }
}
