//! Files of holidays that are huge, or recur without end.

use std::fs;
use std::path::Path;

use escalator::plan_file::load;

use super::*;

/// A set whose calendar takes its holidays from `a.ics` with these events.
fn with_holidays(directory: &Path, events: &str) {
    let plan = "calendars: { c: { time_zone: UTC, hours: { mon: [\"08:00-12:00\"] },
  holidays: [{ ics: a.ics }] } }\n";
    fs::write(directory.join("plan.yaml"), plan).unwrap();
    let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
    fs::write(directory.join("a.ics"), text).unwrap();
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\n{lines}END:VEVENT\n")
}

#[test]
fn files_of_holidays_have_an_end() {
    let every_day = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28";
    let yearly = |days: usize| {
        event(&format!(
            "DTSTART;VALUE=DATE:19000101\nDURATION:P{days}D\nRRULE:FREQ=YEARLY;\
             BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTHDAY={every_day}\n"
        ))
    };
    let keep = "help: keep all-day events in it, once or by a yearly rule, and leave the rest out";
    let summary = format!(
        "DTSTART;VALUE=DATE:20260101\nSUMMARY:{}\n",
        "x".repeat(950_000)
    );
    for (name, events, message, remedy) in [
        (
            "every second without end",
            event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=SECONDLY\n"),
            "error[E0609]: event 1 of `a.ics` repeats in another way than every year",
            keep,
        ),
        (
            "every day of four hundred years, two thousand times",
            (0..2000).map(|n| yearly(300 + n % 60)).collect(),
            "error[E0609]: `a.ics` names more than 150,000 days",
            keep,
        ),
        (
            "events without end",
            event("DTSTART;VALUE=DATE:20260101\n").repeat(15_000),
            "error[E0609]: `a.ics` has more than 2000 events",
            keep,
        ),
        (
            "components in components",
            "BEGIN:X\n".repeat(100_000),
            "error[E0609]: `a.ics` is not in the iCalendar format",
            keep,
        ),
        (
            "a large file",
            event(&format!(
                "DTSTART;VALUE=DATE:20260101\nSUMMARY:{}\n",
                "x".repeat(3 * MIB)
            )),
            "error[E0608]: `a.ics` is larger than 1 MiB",
            "help: keep the holidays in it and leave the rest out",
        ),
        (
            "a long text",
            event(&summary),
            "error[E0102]: with `a.ics`, the files of holidays say more than a set of plans may",
            "help: leave past events out of it",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        with_holidays(directory.path(), &events);
        let sources = Sources::read(directory.path()).unwrap();
        assert_refused(name, sources, &refusal(message, "plan.yaml:2:21", remedy));
    }
}

#[test]
fn a_small_file_of_many_properties_is_read_in_one_pass() {
    // A parser that looks for the end of a line anywhere in the file would take minutes.
    let directory = tempfile::tempdir().unwrap();
    let properties = "X-A:b\n".repeat(150_000);
    with_holidays(
        directory.path(),
        &event(&format!("DTSTART;VALUE=DATE:20260105\n{properties}")),
    );
    let set = load(directory.path()).unwrap();
    assert!(set.content().contains("DTSTART;VALUE=DATE:20260105"));
    assert!(!set.content().contains("X-A"));
}

#[test]
fn holidays_of_many_files_and_calendars_add_up_to_a_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    // A file of 300 days of every year, named by each of many calendars.
    let all = event("DTSTART;VALUE=DATE:19000101\nDURATION:P300D\nRRULE:FREQ=YEARLY\n");
    fs::write(
        path("a.ics"),
        format!("BEGIN:VCALENDAR\n{all}END:VCALENDAR\n"),
    )
    .unwrap();
    let calendars = listed(100, |n| {
        format!(
            "c{n}: {{ time_zone: UTC, hours: {{ mon-sun: [\"08:00-12:00\"] }}, holidays: [{{ ics: a.ics }}] }}"
        )
    });
    fs::write(path("plan.yaml"), format!("calendars: {{ {calendars} }}\n")).unwrap();
    let refusal = refusal(
        "error[E0102]: with `a.ics`, the files of holidays say more than a set of plans may",
        "plan.yaml:1:",
        "end its yearly rules with `UNTIL`",
    );
    let sources = Sources::read(directory.path()).unwrap();
    assert_refused("many calendars", sources, &refusal);
}
