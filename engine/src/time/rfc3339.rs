//! Texts of instants: RFC 3339, all of it and nothing besides.
//!
//! Every record has such a text, so it is read where it lies, byte by byte. A time library would be
//! more forgiving than what two senders agree on: it takes basic forms, times without minutes, names of
//! zones and of calendars.

use jiff::civil::{Date, DateTime, Time};

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// The first and the last instant that have four digits of a year, in milliseconds since 1970.
const WRITABLE_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// The milliseconds since 1970 of a text in RFC 3339 whose instant can be written in UTC.
pub(super) fn read(text: &[u8]) -> Option<i64> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        ref rest @ ..,
    ] = text
    else {
        return None;
    };
    let year = number([y1, y2])? * 100 + number([y3, y4])?;
    let month = number([m1, m2]).filter(|month| (1..=12).contains(month))?;
    let day = number([d1, d2]).filter(|day| (1..=days_of(year, month)).contains(day))?;
    let hour = number([h1, h2]).filter(|hour| *hour < 24)?;
    let minute = number([n1, n2]).filter(|minute| *minute < 60)?;
    // A leap second is the one before it: the days that are counted here have none.
    let second = number([s1, s2]).filter(|second| *second <= 60)?.min(59);
    let (fraction_ms, rest) = fraction_ms(rest)?;
    let offset_minutes = offset_minutes(rest)?;
    let of_day_ms = ((hour * 60 + minute - offset_minutes) * 60 + second) * 1_000 + fraction_ms;
    let ms = days_since_1970(year, month, day) * DAY_MS + of_day_ms;
    WRITABLE_MS.contains(&ms).then_some(ms)
}

/// Date and time in UTC of an instant on the last day that has four digits of a year.
pub(super) fn last_day(ms: i64) -> Option<DateTime> {
    const FIRST_MS: i64 = *WRITABLE_MS.end() + 1 - 2 * DAY_MS;
    let of_days_ms = ms.checked_sub(FIRST_MS).filter(|it| *it >= 0)?;
    if !WRITABLE_MS.contains(&ms) {
        return None;
    }
    let date = Date::new(9999, 12, if of_days_ms < DAY_MS { 30 } else { 31 }).ok()?;
    let since = jiff::SignedDuration::from_millis(of_days_ms % DAY_MS);
    date.to_datetime(Time::midnight()).checked_add(since).ok()
}

/// Two digits.
fn number(digits: [u8; 2]) -> Option<i64> {
    let [tens, ones] = digits.map(|digit| digit.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// What follows the seconds: the milliseconds of a fraction, if there is one, and the rest.
fn fraction_ms(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', rest @ ..] = text else {
        return Some((0, text));
    };
    let digits = rest.iter().take_while(|it| it.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(digits);
    let of = |place: usize| digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    (!digits.is_empty()).then(|| (of(0) * 100 + of(1) * 10 + of(2), rest))
}

/// The minutes by which a local time is ahead of UTC.
fn offset_minutes(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = number([h1, h2]).filter(|hours| *hours < 24)?;
            let minutes = number([m1, m2]).filter(|minutes| *minutes < 60)?;
            let ahead = hours * 60 + minutes;
            Some(if sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Years that begin in March have their odd day at the end, so the days before a month follow one
/// line.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_TO_1970: i64 = 719_468;
    let is_before_march = month <= 2;
    let year = if is_before_march { year - 1 } else { year };
    let months = if is_before_march {
        month + 9
    } else {
        month - 3
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let of_year = (153 * months + 2) / 5 + day - 1;
    year * 365 + leap_days + of_year - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        read(text.as_bytes())
    }

    #[test]
    fn every_form_of_the_standard_is_read() {
        // 2026-11-23T10:00:00Z
        const AT: i64 = 1_795_428_000_000;
        for (text, expected) in [
            ("2026-11-23T10:00:00Z", AT),
            ("2026-11-23t10:00:00z", AT),
            ("2026-11-23 10:00:00Z", AT),
            ("2026-11-23T10:00:00+00:00", AT),
            ("2026-11-23T10:00:00-00:00", AT),
            ("2026-11-23T11:30:00+01:30", AT),
            ("2026-11-22T10:01:00-23:59", AT),
            ("2026-11-24T09:59:00+23:59", AT),
            ("2026-11-23T10:00:00.5Z", AT + 500),
            ("2026-11-23T10:00:00.05Z", AT + 50),
            ("2026-11-23T10:00:00.0019Z", AT + 1),
            ("2026-11-23T10:00:00.123456789123456789Z", AT + 123),
            ("2026-11-23T09:59:60Z", AT - 1_000),
            ("2026-11-23T09:59:60.5Z", AT - 500),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("0000-01-01T00:00:00Z", *WRITABLE_MS.start()),
            ("9999-12-31T23:59:59.999Z", *WRITABLE_MS.end()),
        ] {
            assert_eq!(ms(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_instant() {
        for text in [
            "",
            "2026-11-23",
            "20261123T100000Z",
            "2026-11-23T10Z",
            "2026-11-23T10:00Z",
            "2026-11-23T10:00:00",
            "2026-11-23T10:00:00,5Z",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00 Z",
            "2026-11-23T10:00:00+01",
            "2026-11-23T10:00:00+0100",
            "2026-11-23T10:00:00+25:00",
            "2026-11-23T10:00:00+24:00",
            "2026-11-23T10:00:00+01:60",
            "2026-11-23T10:00:00\u{2212}01:00",
            "2026-11-23T10:00:00+01:00[Europe/Berlin]",
            "2026-11-23T10:00:00Z[u-ca=hebrew]",
            " 2026-11-23T10:00:00Z",
            "2026-11-23T10:00:00Z ",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:60:00Z",
            "2026-11-23T10:00:61Z",
            "2026-13-23T10:00:00Z",
            "2026-00-23T10:00:00Z",
            "2026-11-31T10:00:00Z",
            "2026-11-00T10:00:00Z",
            "2026-02-29T10:00:00Z",
            "2100-02-29T10:00:00Z",
            "2026-1a-23T10:00:00Z",
            "2026-11-23Tzz:00:00Z",
            "yyyy-mm-ddThh:mm:ssZ",
            "+002026-11-23T10:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = WRITABLE_MS.start() / DAY_MS;
        for year in 0..=9999 {
            for month in 1..=12 {
                for day in 1..=days_of(year, month) {
                    assert_eq!(days_since_1970(year, month, day), expected);
                    expected += 1;
                }
            }
        }
        assert_eq!(expected, (WRITABLE_MS.end() + 1) / DAY_MS);
    }
}
