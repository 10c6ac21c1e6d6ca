//! Files of holidays: where they may lie, what is understood of them, and what the hash sees.

use escalator_engine::calendar::Day;
use tempfile::TempDir;

use super::calendars::rule;
use super::ics::Why;
use super::*;

/// A directory with a plan file that imports `path`.
fn importing(path: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let plan = format!(
        "calendars: {{ c: {{ time_zone: UTC, hours: {{ mon-sun: [\"09:00-17:00\"] }}, holidays: [{{ ics: {path} }}] }} }}"
    );
    fs::write(directory.path().join("plan.yaml"), plan).unwrap();
    fs::create_dir(directory.path().join("holidays")).unwrap();
    directory
}

fn ics(events: &[&str]) -> String {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b\r\n".to_owned();
    for event in events {
        let lines = event.replace('|', "\r\n");
        text.push_str(&format!(
            "BEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20200101T000000Z\r\n{lines}\r\nEND:VEVENT\r\n"
        ));
    }
    text + "END:VCALENDAR\r\n"
}

/// What validating tells, when `write` has put something beside the plan file.
fn told(path: &str, write: impl FnOnce(&Path)) -> String {
    let directory = importing(path);
    write(directory.path());
    let checked = check(Sources::read(directory.path()).unwrap());
    match checked.problems.as_slice() {
        [] => String::new(),
        [problem] => problem.message.clone(),
        more => panic!("{more:?}"),
    }
}

#[test]
fn files_of_holidays_are_read_beside_the_plan_and_nowhere_else() {
    let christmas = ics(&["DTSTART;VALUE=DATE:20261225"]);
    let good = |path: &Path| fs::write(path.join("holidays/de.ics"), &christmas).unwrap();
    assert_eq!(told("holidays/de.ics", good), "");
    assert_eq!(told("./holidays/../holidays/de.ics", good), "");
    assert_eq!(
        told("holidays/none.ics", good),
        "`holidays/none.ics` is not there"
    );
    assert_eq!(told("holidays", good), "`holidays` is no file");
    for path in ["../de.ics", "/etc/passwd", "holidays/../../de.ics"] {
        let message = format!("`{path}` lies outside of the directory of the plans");
        assert_eq!(told(path, good), message);
    }
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.ics");
    fs::write(&secret, &christmas).unwrap();
    let link = |path: &Path| std::os::unix::fs::symlink(&secret, path.join("link.ics")).unwrap();
    assert_eq!(
        told("link.ics", link),
        "`link.ics` lies outside of the directory of the plans"
    );
    let inside = |path: &Path| {
        good(path);
        std::os::unix::fs::symlink("holidays/de.ics", path.join("link.ics")).unwrap();
    };
    assert_eq!(told("link.ics", inside), "");
    let latin = |path: &Path| fs::write(path.join("de.ics"), b"BEGIN:VCALENDAR\xe9").unwrap();
    assert_eq!(told("de.ics", latin), "`de.ics` is not UTF-8");
    let large = |path: &Path| fs::write(path.join("de.ics"), vec![b' '; 1 << 21]).unwrap();
    assert_eq!(told("de.ics", large), "`de.ics` is larger than 1 MiB");
}

/// The days of a file, or what is wrong with it.
fn days(events: &[&str]) -> Result<Vec<String>, Why> {
    match ics::read(&ics(events)) {
        Ok(holidays) => {
            let again = ics::read(&holidays.canonical).unwrap();
            assert_eq!(again, holidays, "the canonical text says the same");
            let day = |(day, name): (&Day, &_)| format!("{day} {name}").trim().to_owned();
            Ok(holidays.days.iter().map(day).collect())
        }
        Err(refusal) => {
            assert_eq!(refusal.event, Some(events.len()), "the last one is wrong");
            Err(refusal.why)
        }
    }
}

#[test]
fn whole_days_become_holidays_once_or_every_year() {
    for (event, expected) in [
        (
            "DTSTART;VALUE=DATE:20261224|SUMMARY:Heiligabend\\, fr|  ueh",
            "2026-12-24 Heiligabend, fr ueh",
        ),
        (
            "DTSTART;VALUE=DATE:20261224|DTEND;VALUE=DATE:20261224",
            "2026-12-24",
        ),
        ("DTSTART:20261224|DURATION:P2D", "2026-12-24 2026-12-25"),
        (
            "DTSTART;VALUE=DATE:20261231|DTEND;VALUE=DATE:20270102",
            "2026-12-31 2027-01-01",
        ),
        (
            "DTSTART;VALUE=DATE:20240229|RRULE:FREQ=YEARLY;COUNT=2",
            "2024-02-29 2028-02-29",
        ),
        (
            "DTSTART;VALUE=DATE:20241225|RRULE:FREQ=YEARLY;UNTIL=20261225T000000Z",
            "2024-12-25 2025-12-25 2026-12-25",
        ),
        (
            "DTSTART;VALUE=DATE:20241225|RRULE:FREQ=YEARLY;INTERVAL=2;COUNT=2;WKST=MO",
            "2024-12-25 2026-12-25",
        ),
        (
            "DTSTART;VALUE=DATE:20241225|RRULE:FREQ=YEARLY;COUNT=3|EXDATE;VALUE=DATE:20251225",
            "2024-12-25 2026-12-25",
        ),
        (
            "DTSTART;VALUE=DATE:20251127|RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=2",
            "2025-11-27 2026-11-26",
        ),
        (
            "DTSTART;VALUE=DATE:20260525|RRULE:FREQ=YEARLY;COUNT=2;BYDAY=-1MO;BYMONTH=5",
            "2026-05-25 2027-05-31",
        ),
        (
            "DTSTART;VALUE=DATE:20260331|RRULE:FREQ=YEARLY;COUNT=2;BYMONTH=3,6;BYMONTHDAY=-1",
            "2026-03-31 2026-06-30",
        ),
        (
            "DTSTART;VALUE=DATE:20261115|RRULE:FREQ=YEARLY;COUNT=3;BYMONTHDAY=15",
            "2026-11-15 2026-12-15 2027-01-15",
        ),
        (
            "DTSTART;VALUE=DATE:18501225|RRULE:FREQ=YEARLY;UNTIL=19011225",
            "1900-12-25 1901-12-25",
        ),
        ("DTSTART;VALUE=DATE:20261224|STATUS:CANCELLED", ""),
    ] {
        assert_eq!(days(&[event]).unwrap().join(" "), expected, "{event}");
    }
    let for_ever = days(&["DTSTART;VALUE=DATE:20201225|RRULE:FREQ=YEARLY"]).unwrap();
    assert_eq!((for_ever.len(), &*for_ever[279]), (280, "2299-12-25"));
}

#[test]
fn what_is_no_whole_day_is_refused() {
    for (event, why) in [
        ("DTSTART:20261224T180000Z", Why::NotAllDay),
        ("DTSTART;TZID=Europe/Berlin:20261224T000000", Why::NotAllDay),
        ("DTSTART:20261224|DURATION:PT8H", Why::NotAllDay),
        ("DTSTART:20261224|EXDATE:20261224T000000Z", Why::NotAllDay),
        ("SUMMARY:nothing", Why::NoStart),
        ("DTSTART;VALUE=DATE:20261324", Why::BadDate),
        ("DTSTART:20261224|DTEND:20261223", Why::BadLength),
        ("DTSTART:20261224|DURATION:P2000D", Why::BadLength),
        ("DTSTART:20261224|RDATE;VALUE=DATE:20261225", Why::ManyDates),
        ("DTSTART:20261224|RECURRENCE-ID:20261225", Why::ManyDates),
    ] {
        assert_eq!(days(&["DTSTART:20261224", event]), Err(why), "{event}");
    }
}

#[test]
fn what_is_no_yearly_rule_is_refused() {
    for (rule, why) in [
        ("FREQ=WEEKLY", Why::NotYearly),
        ("FREQ=YEARLY;BYSETPOS=1", Why::ComplexRule),
        ("FREQ=YEARLY;BYDAY=TH", Why::ComplexRule),
        ("FREQ=YEARLY;BYDAY=4TH", Why::ComplexRule),
        (
            "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24;BYDAY=4TH",
            Why::ComplexRule,
        ),
        ("FREQ=YEARLY;COUNT=0", Why::ComplexRule),
        ("FREQ=YEARLY;COUNT=1;UNTIL=20270101", Why::ComplexRule),
        ("FREQ=YEARLY;BYMONTH=11", Why::OutOfStep),
        ("FREQ=YEARLY|RRULE:FREQ=YEARLY", Why::ManyDates),
    ] {
        let event = format!("DTSTART:20261224|RRULE:{rule}");
        assert_eq!(days(&["DTSTART:20261224", &event]), Err(why), "{rule}");
    }
}

#[test]
fn a_file_as_programs_write_it_is_read() {
    let text = "\u{feff}BEGIN:VCALENDAR
PRODID:-//Some Inc//Some Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:Holidays in Germany
X-WR-TIMEZONE:UTC
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260403
DTEND;VALUE=DATE:20260404
DTSTAMP:20260101T120000Z
UID:20260403_60o30@example.org
CLASS:PUBLIC
DESCRIPTION:Public holiday\\nin all of Germany: a long text that goes on and
  on, over its line
SUMMARY;LANGUAGE=en:Good Friday
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-P1D
END:VALARM
END:VEVENT
END:VCALENDAR

";
    let holidays = ics::read(text).unwrap();
    let day = Day::parse("2026-04-03").unwrap();
    assert_eq!(holidays.days, [(day, "Good Friday".into())].into());
}

#[test]
fn other_files_are_no_files_of_holidays() {
    let deep = "BEGIN:VCALENDAR\n".repeat(100_000);
    for text in [
        "",
        "hello",
        "BEGIN:VEVENT\nEND:VEVENT\n",
        "BEGIN:VCALENDAR\n",
        &deep,
    ] {
        let refusal = ics::read(text).unwrap_err();
        assert_eq!(refusal.why, Why::NotICalendar);
    }
    let journal = "BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nSUMMARY:x\nEND:VJOURNAL\nEND:VCALENDAR\n";
    let refusal = ics::read(journal).unwrap_err();
    assert_eq!(refusal.why, Why::OtherComponent);
}

#[test]
fn problems_with_a_file_of_holidays_show_nothing_of_it() {
    let secret = "DTSTART:20261224T180000Z|SUMMARY:hunter2";
    let inline = ics(&[secret]).replace("\r\n", "\\n");
    let checked = checked(&format!(
        "calendars: {{ c: {{ time_zone: UTC, hours: {{ mon: [\"09:00-10:00\"] }}, holidays: [{{\n ics:\n  \"{inline}\" }}] }} }}"
    ));
    assert_eq!(codes(&checked), ["E0609"]);
    assert!(
        !checked.report(false).contains("hunter2"),
        "{}",
        checked.report(false)
    );
    for text in [ics(&[secret]), "hunter2 is no calendar".to_owned()] {
        let directory = importing("holidays/de.ics");
        fs::write(directory.path().join("holidays/de.ics"), text).unwrap();
        let checked = check(Sources::read(directory.path()).unwrap());
        assert_eq!(codes(&checked), ["E0609"]);
        assert!(
            !checked.report(false).contains("hunter2"),
            "{}",
            checked.report(false)
        );
    }
}

#[test]
fn the_hash_sees_the_days_of_a_file_of_holidays_and_not_its_form() {
    let read = |name: &str, text: &str| {
        let directory = importing(name);
        fs::write(directory.path().join(name), text).unwrap();
        load(directory.path()).unwrap()
    };
    let set = read(
        "holidays/de.ics",
        &ics(&["DTSTART;VALUE=DATE:20261225|SUMMARY:a"]),
    );
    let id = &set.revision().id;
    let again = PlanSet::from_content(set.content()).unwrap();
    assert_eq!(again.revision(), set.revision());
    assert_eq!(rule(&again, "c"), rule(&set, "c"));
    let same = ics(&["DTSTART;VALUE=DATE:20261225|LAST-MODIFIED:20260101T000000Z|SUMMARY:a"]);
    assert_eq!(&read("other.ics", &same).revision().id, id);
    for other in [
        ics(&["DTSTART;VALUE=DATE:20261226|SUMMARY:a"]),
        ics(&["DTSTART;VALUE=DATE:20261225|RRULE:FREQ=YEARLY|SUMMARY:a"]),
        ics(&[
            "DTSTART;VALUE=DATE:20261225|SUMMARY:a",
            "DTSTART;VALUE=DATE:20261226",
        ]),
    ] {
        assert_ne!(&read("other.ics", &other).revision().id, id, "{other}");
    }
}

proptest! {
    #[test]
    fn garbage_is_no_file_of_holidays_and_never_panics(
        cuts in prop::collection::vec((0_usize..400, 0_usize..20, "[A-Z0-9:;=,\\\\ \r\n-]{0,8}"), 1..5),
    ) {
        let text = ics(&[
            "DTSTART;VALUE=DATE:20261225|RRULE:FREQ=YEARLY;BYMONTH=12;COUNT=3|EXDATE;VALUE=DATE:20271225",
            "DTSTART;VALUE=DATE:20261124|RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TU|SUMMARY:a\\, b",
        ]);
        let mut text: Vec<char> = text.chars().collect();
        for (at, len, put) in cuts {
            let at = at % text.len();
            let end = (at + len).min(text.len());
            text.splice(at..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(holidays) = ics::read(&text) {
            prop_assert_eq!(ics::read(&holidays.canonical), Ok(holidays));
        }
    }
}
