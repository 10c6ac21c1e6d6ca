//! Days on which the clock is changed.

use super::*;

#[test]
fn days_with_a_clock_change_count_what_really_passes() {
    // In Berlin the clock goes from 02:00 to 03:00 on 29 March, and back on 25 October.
    let nights = every_day("Europe/Berlin", "00:00-06:00");
    assert_eq!(
        between(&nights, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        "5h"
    );
    assert_eq!(
        between(&nights, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        "7h"
    );
    assert_eq!(
        between(&nights, "2026-06-01T12:00:00Z", "2026-06-02T12:00:00Z"),
        "6h"
    );
    let all_day = every_day("Europe/Berlin", "00:00-24:00");
    check(
        &all_day,
        &[
            ("2026-03-28T12:00:00Z", "1d", "2026-03-29T12:00:00Z"),
            ("2026-03-28T12:00:00Z", "1wd", "2026-03-29T11:00:00Z"),
            ("2026-10-24T12:00:00Z", "1wd", "2026-10-25T13:00:00Z"),
        ],
    );
}

#[test]
fn local_times_in_a_gap_move_forward_by_it() {
    // 2026-03-29 in Berlin: 02:00 does not exist, 03:00 is 01:00 in UTC.
    let table = [
        // Opens in the gap: at 03:30.
        ("02:30-06:00", "2026-03-29T01:30:00Z", "2h30m"),
        // Closes in the gap: at 03:30.
        ("00:00-02:30", "2026-03-28T23:00:00Z", "2h30m"),
        // Both: moved as a whole.
        ("02:15-02:45", "2026-03-29T01:15:00Z", "30m"),
        // Closes right after the gap: moved behind its end, empty.
        ("02:30-03:00", "2026-03-30T00:30:00Z", "0s"),
        ("02:00-03:00", "2026-03-30T00:00:00Z", "0s"),
        ("01:00-03:00", "2026-03-29T00:00:00Z", "1h"),
    ];
    for (hours, opens, working) in table {
        let calendar = every_day("Europe/Berlin", hours);
        let from = "2026-03-28T12:00:00Z";
        assert_eq!(add(&calendar, from, "0s"), opens, "{hours}");
        assert_eq!(
            between(&calendar, from, "2026-03-29T12:00:00Z"),
            working,
            "{hours}"
        );
    }
    // A day whose only opening vanishes is no working day.
    let short = every_day("Europe/Berlin", "02:00-03:00");
    check(
        &short,
        &[("2026-03-28T12:00:00Z", "1wd", "2026-03-30T11:00:00Z")],
    );
    // The deadline itself lies in the gap.
    let office = every_day("Europe/Berlin", "08:00-18:00");
    check(
        &office,
        &[("2026-03-28T01:30:00Z", "1wd", "2026-03-29T01:30:00Z")],
    );
}

#[test]
fn of_a_local_time_that_occurs_twice_an_opening_takes_the_first_and_a_closing_the_second() {
    // 2026-10-25 in Berlin: 02:00 to 03:00 occurs from 00:00 and again from 01:00 in UTC.
    let table = [
        ("02:30-06:00", "2026-10-25T00:30:00Z", "4h30m"),
        ("00:00-02:30", "2026-10-24T22:00:00Z", "3h30m"),
        ("02:15-02:45", "2026-10-25T00:15:00Z", "1h30m"),
        ("02:00-03:00", "2026-10-25T00:00:00Z", "2h"),
        // The first closes after the second opens: what is open twice counts once.
        ("01:00-02:30 02:30-04:00", "2026-10-24T23:00:00Z", "4h"),
    ];
    for (hours, opens, working) in table {
        let calendar = every_day("Europe/Berlin", hours);
        let from = "2026-10-24T12:00:00Z";
        assert_eq!(add(&calendar, from, "0s"), opens, "{hours}");
        assert_eq!(
            between(&calendar, from, "2026-10-25T12:00:00Z"),
            working,
            "{hours}"
        );
    }
    let office = every_day("Europe/Berlin", "08:00-18:00");
    check(
        &office,
        &[("2026-10-24T00:30:00Z", "1wd", "2026-10-25T00:30:00Z")],
    );
}

#[test]
fn clocks_that_change_at_midnight_lose_no_day() {
    // Sao Paulo skipped the first hour of 2015-10-18 and repeated the last of 2015-02-21.
    let all_day = every_day("America/Sao_Paulo", "00:00-24:00");
    check(
        &all_day,
        &[
            ("2015-10-18T01:00:00Z", "7h", "2015-10-18T08:00:00Z"),
            ("2015-02-22T00:10:05Z", "4d5h20m15s", "2015-02-26T05:30:20Z"),
            ("2015-10-17T03:00:00Z", "1wd", "2015-10-18T03:00:00Z"),
        ],
    );
    let late = every_day("America/Sao_Paulo", "22:00-24:00");
    assert_eq!(
        between(&late, "2015-02-21T12:00:00Z", "2015-02-22T12:00:00Z"),
        "3h"
    );
    assert_eq!(
        between(&late, "2015-10-17T12:00:00Z", "2015-10-18T12:00:00Z"),
        "2h"
    );
    // Samoa skipped the whole of 2011-12-30; its hours fall together with those of the 31st.
    let samoa = every_day("Pacific/Apia", "09:00-17:00");
    assert_eq!(
        between(&samoa, "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"),
        "16h"
    );
}
