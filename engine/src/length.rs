//! How long a promise or a wait may take, as plans write it: working time, or working days.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::time::{Duration, DurationError};

/// Working days a length may have: forty years of them, far beyond any promise.
const WORKING_DAYS_MAX: u32 = 10_000;

/// A count of working days, written `3wd` or `3wd@close`; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkingDays {
    count: u32,
    is_at_close: bool,
}

impl WorkingDays {
    /// So many working days, to the same time of day or to the last closing time; none is none,
    /// and neither is more than a calendar has.
    #[must_use]
    pub const fn new(count: u32, is_at_close: bool) -> Option<Self> {
        if count == 0 || count > WORKING_DAYS_MAX {
            return None;
        }
        Some(Self { count, is_at_close })
    }

    /// How many.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Whether the last closing time of the day is meant, rather than the same time of day.
    #[must_use]
    pub const fn is_at_close(self) -> bool {
        self.is_at_close
    }

    /// Reads `3wd` and `3wd@close`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (days, is_at_close) = match text.strip_suffix("@close") {
            Some(days) => (days, true),
            None => (text, false),
        };
        let count = days.strip_suffix("wd")?;
        let is_number = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        is_number
            .then(|| Self::new(count.parse().ok()?, is_at_close))
            .flatten()
    }
}

impl fmt::Display for WorkingDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let close = if self.is_at_close { "@close" } else { "" };
        write!(f, "{}wd{close}", self.count)
    }
}

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So much working time.
    Working(Duration),
    /// To an instant so many working days later.
    Days(WorkingDays),
}

/// A text that is no length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LengthError {
    /// It has another form, or is of no or too many working days.
    #[error(
        "`{text}` is no length of time; write 90s, 15m, 4h, 1h30m or 2d, or working days: 3wd or 3wd@close"
    )]
    Form {
        /// The text, or its beginning.
        text: String,
    },
    /// It is too long a duration.
    #[error(transparent)]
    TooLong(DurationError),
}

impl Length {
    /// Reads `90m`, `3wd` and the like.
    ///
    /// # Errors
    /// The text is neither a duration nor a count of working days.
    pub fn parse(text: &str) -> Result<Self, LengthError> {
        match WorkingDays::parse(text.trim()) {
            Some(days) => Ok(Self::Days(days)),
            None => Duration::parse(text)
                .map(Self::Working)
                .map_err(|error| match error {
                    DurationError::Form { text } => LengthError::Form { text },
                    DurationError::TooLong { .. } => LengthError::TooLong(error),
                }),
        }
    }

    /// This length so many times, one after the other; none when that is beyond any calendar.
    #[must_use]
    pub fn times(self, times: u32) -> Option<Self> {
        match self {
            Self::Working(each) => {
                let ms = each.as_millis().checked_mul(i64::from(times))?;
                Some(Self::Working(Duration::from_millis(ms)))
            }
            Self::Days(each) => {
                let count = each.count.checked_mul(times)?;
                WorkingDays::new(count, each.is_at_close).map(Self::Days)
            }
        }
    }
}

impl Default for Length {
    fn default() -> Self {
        Self::Working(Duration::default())
    }
}

impl From<Duration> for Length {
    fn from(working: Duration) -> Self {
        Self::Working(working)
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Working(working) => working.fmt(f),
            Self::Days(days) => days.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_and_print() {
        for text in ["1h30m", "0s", "3wd", "1wd@close", "10000wd"] {
            assert_eq!(Length::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "0wd",
            "0wd@close",
            "wd",
            "-1wd",
            "+1wd",
            "1.5wd",
            "3wd@open",
            "3wd@close@close",
            "1d2wd",
            "10001wd",
            "99999999999wd",
            "3 wd",
            "@close",
            "",
        ] {
            let error = Length::parse(text).unwrap_err();
            assert!(matches!(error, LengthError::Form { .. }), "{text}");
        }
        let error = Length::parse("99999999d").unwrap_err();
        assert!(matches!(error, LengthError::TooLong(_)), "{error}");
    }

    #[test]
    fn a_length_several_times_is_a_length() {
        let length = |text: &str| Length::parse(text).unwrap();
        assert_eq!(length("90m").times(2), Some(length("3h")));
        assert_eq!(length("2wd@close").times(3), Some(length("6wd@close")));
        assert_eq!(length("5000wd").times(3), None);
    }
}
