//! The hours of a week in UTC: when people are disturbed.

use escalator_engine::time::Timestamp;

/// The hours of a week.
pub(super) const HOURS: usize = 7 * 24;

/// The days, from Monday.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The hour of the week of an instant: 0 is Monday from 00:00 to 01:00 in UTC.
pub(super) fn hour_of_week(at: Timestamp) -> usize {
    // 1970 began on a Thursday, three days after a Monday.
    let hours = at.as_millis().div_euclid(3_600_000) + 3 * 24;
    let hour = hours.rem_euclid(HOURS as i64);
    usize::try_from(hour).expect("a remainder of a positive number is not negative")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_on_monday_also_before_1970() {
        for (at, day, hour) in [
            ("1970-01-01T00:00:00Z", "thu", 0),
            ("1969-12-28T23:59:59.999Z", "sun", 23),
            ("2026-11-23T00:00:00Z", "mon", 0),
            ("2026-11-24T09:30:00+01:00", "tue", 8),
        ] {
            let found = hour_of_week(Timestamp::parse(at).unwrap());
            assert_eq!((DAYS[found / 24], found % 24), (day, hour), "{at}");
        }
    }
}
