//! Instants and durations as the contract writes them: UTC milliseconds and `1h30m`.
//!
//! Nothing here reads a clock. Instants are handed in by the caller and travel through the engine
//! as plain numbers, so that the same facts give the same decisions on any machine.

mod rfc3339;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in UTC milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an instant in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an instant; write RFC 3339, as in 2026-11-23T09:00:00Z")]
pub struct InstantError {
    text: String,
}

impl Timestamp {
    /// The earliest instant; before every fact.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant; after every deadline.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `ms` milliseconds after 1970 in UTC.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970 in UTC.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The instant `ms` milliseconds later; stays at the end of time rather than wrapping.
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when it is the later of the two.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 with any offset; fractions beyond milliseconds are cut off. Nothing else that
    /// looks like an instant is one: what a sender leaves out would have to be guessed.
    ///
    /// # Errors
    /// The text is not an instant.
    pub fn parse(text: &str) -> Result<Self, InstantError> {
        rfc3339::read(text.as_bytes())
            .map(Self)
            .ok_or_else(|| InstantError {
                text: text.chars().take(64).collect(),
            })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            // The time library leaves the last day of all years to local times.
            Err(_) => match rfc3339::last_day(self.0) {
                Some(local) => write!(f, "{local}Z"),
                None => write!(f, "{}ms", self.0),
            },
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

/// Writes a length as a number of milliseconds.
pub(crate) fn as_millis<S: Serializer>(length: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_i64(length.ms)
}

/// Writes an instant, or nothing for the beginning of time, which stands for none.
pub(crate) fn unless_never<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    (*at != Timestamp::MIN).then_some(at).serialize(to)
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            Self::parse(&text).map_err(de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

/// A length of time in milliseconds, written `90s`, `15m`, `4h`, `1h30m` or `2d` (a `d` is 24 h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    ms: i64,
}

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It has another form.
    #[error("`{text}` is not a duration; write 90s, 15m, 4h, 1h30m or 2d")]
    Form {
        /// The text, or its beginning.
        text: String,
    },
    /// It is one of more than [`Duration::MAX`].
    #[error("`{text}` is too long a duration; write at most {}", Duration::MAX)]
    TooLong {
        /// The text, or its beginning.
        text: String,
    },
}

impl Duration {
    /// The longest that is written: ten thousand years, far beyond any promise, and far from overflow.
    pub const MAX: Self = Self {
        ms: 10_000 * 366 * 86_400_000,
    };

    /// A length of `ms` milliseconds.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self { ms }
    }

    /// A length of `s` seconds.
    #[must_use]
    pub const fn from_secs(s: i64) -> Self {
        Self { ms: s * 1000 }
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.ms
    }

    /// Reads `1h30m` and the like: whole numbers, each with one of `ms`, `s`, `m`, `h`, `d`, the
    /// larger units first.
    ///
    /// # Errors
    /// The text has another form, repeats a unit, or is longer than ten thousand years.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let shown = || text.chars().take(64).collect();
        let form = || DurationError::Form { text: shown() };
        match Self::total_ms(text.trim()).ok_or_else(form)? {
            Some(ms) if ms <= Self::MAX.ms => Ok(Self { ms }),
            _ => Err(DurationError::TooLong { text: shown() }),
        }
    }

    /// The milliseconds of a text that has the form of a duration; none within when they are beyond
    /// any number.
    fn total_ms(text: &str) -> Option<Option<i64>> {
        let (mut rest, mut total, mut last_unit_ms) = (text, Some(0_i64), i64::MAX);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return None;
            }
            // Of digits only, so nothing but too many of them is in the way.
            let count: Option<i64> = rest[..digits].parse().ok();
            rest = &rest[digits..];
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit_ms = match &rest[..letters] {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return None,
            };
            rest = &rest[letters..];
            if unit_ms >= last_unit_ms {
                return None;
            }
            last_unit_ms = unit_ms;
            let part = count.and_then(|count| count.checked_mul(unit_ms));
            total = total
                .zip(part)
                .and_then(|(sum, part)| sum.checked_add(part));
        }
        (last_unit_ms != i64::MAX).then_some(total)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ms == 0 {
            return write!(f, "0s");
        }
        if self.ms < 0 {
            write!(f, "-")?;
        }
        let mut rest = self.ms.unsigned_abs();
        for (unit_ms, unit) in [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1000, "s"),
            (1, "ms"),
        ] {
            if rest >= unit_ms {
                write!(f, "{}{unit}", rest / unit_ms)?;
                rest %= unit_ms;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_print_as_they_are_written() {
        for text in [
            "0000-01-01T00:00:00Z",
            "9999-12-30T21:59:59.999Z",
            "9999-12-30T22:00:00Z",
            "9999-12-30T23:30:00.5Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        let beyond = Timestamp::from_millis(253_402_300_800_000);
        assert_eq!(beyond.to_string(), "253402300800000ms");
    }

    #[test]
    fn instants_print_in_utc_without_an_empty_fraction() {
        for (text, printed) in [
            ("2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00Z"),
            ("2026-11-23T09:00:00.250Z", "2026-11-23T09:00:00.25Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), printed);
        }
        assert!(Timestamp::parse("2026-11-23 09:00").is_err());
    }

    #[test]
    fn durations_read_and_print_the_contracts_forms() {
        for (text, ms, printed) in [
            ("90s", 90_000, "1m30s"),
            ("15m", 900_000, "15m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("2d", 172_800_000, "2d"),
            ("0s", 0, "0s"),
        ] {
            let d = Duration::parse(text).unwrap();
            assert_eq!((d.as_millis(), d.to_string().as_str()), (ms, printed));
        }
        for bad in ["", "5", "m5", "1m1h", "1h1h", "-5m", "5 m", "5x"] {
            let error = Duration::parse(bad).unwrap_err();
            assert!(matches!(error, DurationError::Form { .. }), "{bad}");
        }
        for long in [
            "3660000d1ms",
            "99999999d",
            "99999999999999999999s",
            "1d99999999999999999h",
        ] {
            let error = Duration::parse(long).unwrap_err();
            assert!(matches!(error, DurationError::TooLong { .. }), "{long}");
        }
        assert_eq!(Duration::parse("3660000d"), Ok(Duration::MAX));
    }
}
