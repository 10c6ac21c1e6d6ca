//! The commands under `calendar`: the vectors in `tests/data/vectors`, each through the program
//! itself, and how a person uses them.
//!
//! What a vector states is in the README beside the vectors.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use escalator_engine::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A calendar in a plan file of its own.
struct Calendar {
    directory: TempDir,
    name: &'static str,
}

impl Calendar {
    fn new(calendar: &Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (name, calendars) = match calendar.as_str() {
            Some(_) => ("always", json!({})),
            None => ("c", json!({ "c": calendar })),
        };
        let plans = json!({ "version": 1, "calendars": calendars });
        fs::write(directory.path().join("plans.json"), plans.to_string()).unwrap();
        Self { directory, name }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let (command, flags) = arguments.split_first().unwrap();
        escalator()
            .args(["calendar", command, "--calendar", self.name, "--plans"])
            .arg(self.directory.path())
            .args(flags)
            .output()
            .unwrap()
    }

    /// What a command prints, without the line break.
    fn answer(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.run(arguments);
        let printed = String::from_utf8(output.stdout).unwrap();
        match output.status.code() {
            Some(0) => Ok(printed.strip_suffix('\n').unwrap().to_owned()),
            _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn add(&self, from: &str, working: &str) -> Result<String, String> {
        self.answer(&["add", "--from", from, "--working", working])
    }

    fn between(&self, from: &str, to: &str) -> Result<String, String> {
        self.answer(&["between", "--from", from, "--to", to])
    }
}

fn escalator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
    // Whatever this machine has set must not reach the tests.
    command.env_clear();
    command
}

/// What differs from a vector, if anything does.
fn difference(row: &Value) -> Option<String> {
    let text = |name: &str| row[name].as_str().unwrap();
    let calendar = Calendar::new(&row["calendar"]);
    let differs = |expected: &str, found: &Result<String, String>| {
        let id = text("id");
        (found.as_deref() != Ok(expected)).then(|| format!("{id}: {found:?}, not {expected}"))
    };
    if row.get("expect_error").is_some() {
        let arguments = ["add", "--from", text("from"), "--working", text("working")];
        let output = calendar.run(&arguments);
        let is_refused = matches!(output.status.code(), Some(1 | 2)) && output.stdout.is_empty();
        return (!is_refused).then(|| format!("{}: {output:?}", text("id")));
    }
    match text("op") {
        "add" => differs(text("expect"), &calendar.add(text("from"), text("working"))),
        "between" => {
            let expected = row["expect_s"].as_i64().unwrap().to_string();
            differs(&expected, &calendar.between(text("from"), text("to")))
        }
        "roundtrip" => {
            let (from, to) = (text("from"), text("to"));
            let working = calendar.between(from, to).unwrap();
            let end = calendar.add(from, &format!("{working}s")).unwrap();
            let at = |text: &str| Timestamp::parse(text).unwrap();
            let early_s = at(to).millis_since(at(&end)) / 1000;
            if !(0..=row["max_early_s"].as_i64().unwrap()).contains(&early_s) {
                return Some(format!("{}: {end} is {early_s} s early", text("id")));
            }
            differs(&working, &calendar.between(from, &end))
        }
        other => Some(format!("{}: what is {other}?", text("id"))),
    }
}

#[test]
fn the_calendars_agree_with_the_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors/calendar.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let differences: Vec<_> = rows.iter().filter_map(difference).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(rows.len(), 127);
}

const PLANS: &str = r#"
version: 1
calendars:
  office:
    time_zone: Europe/Berlin
    hours: { mon-fri: ["08:00-13:00", "14:00-18:00"], sat: ["10:00-14:00"] }
    holidays: ["12-25", { ics: holidays/de.ics }]
    exceptions: { "2026-12-31": ["08:00-12:00"] }
  nights: { time_zone: Europe/Berlin, hours: { mon-sun: ["00:00-02:30"] } }
  moving: { time_zone: UTC, hours: { mon-fri: ["09:00-17:00"] }, at_close: next_open }
"#;

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b\r\nBEGIN:VEVENT\r\nUID:1\r\n\
    DTSTART;VALUE=DATE:20201224\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christmas Eve\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// A directory of plans with a file of holidays.
fn plans() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plans.yaml"), PLANS).unwrap();
    fs::create_dir(directory.path().join("holidays")).unwrap();
    fs::write(directory.path().join("holidays/de.ics"), HOLIDAYS).unwrap();
    directory
}

/// Exit code, stdout and stderr of a command on these plans.
fn told(line: &str) -> (i32, String, String) {
    let directory = plans();
    let output = escalator()
        .arg("calendar")
        .args(line.split_whitespace())
        .arg("--plans")
        .arg(directory.path())
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn an_instant_and_seconds_are_all_that_is_printed() {
    for (line, expected) in [
        (
            "add --calendar office --from 2026-12-23T16:30:00Z --working 1h",
            "2026-12-26T09:30:00Z\n",
        ),
        (
            "add --calendar office --from 2026-12-23T16:30:00Z --working 1wd",
            "2026-12-26T16:30:00Z\n",
        ),
        (
            "add --calendar office --from 2026-12-23T16:30:00Z --working 2wd@close",
            "2026-12-28T17:00:00Z\n",
        ),
        (
            "add --calendar moving --from 2026-12-23T16:00:00+00:00 --working 1h",
            "2026-12-24T09:00:00Z\n",
        ),
        (
            "add --calendar always --from 2026-12-23T16:30:00.25Z --working 1wd",
            "2026-12-24T16:30:00.25Z\n",
        ),
        (
            "between --calendar office --from 2026-12-23T16:30:00Z --to 2026-12-26T09:30:00Z",
            "3600\n",
        ),
        (
            "between --calendar office --from 2026-12-23T16:30:00Z --to 2026-12-23T16:30:00.125Z",
            "0.125\n",
        ),
        (
            "between --calendar office --from 2026-12-23T16:30:00Z --to 2026-12-22T16:30:00Z",
            "0\n",
        ),
    ] {
        assert_eq!(
            told(line),
            (0, expected.to_owned(), String::new()),
            "{line}"
        );
    }
}

#[test]
fn programs_get_what_was_asked_and_what_is_answered() {
    let (code, printed, _) =
        told("add --calendar office --from 2026-12-23T16:30:00Z --working 60m --output json");
    assert_eq!(code, 0);
    assert_eq!(
        serde_json::from_str::<Value>(&printed).unwrap(),
        json!({ "calendar": "office", "from": "2026-12-23T16:30:00Z", "working": "1h", "at": "2026-12-26T09:30:00Z" })
    );
    let (_, printed, _) = told(
        "between --calendar office --from 2026-12-23T16:30:00Z --to 2026-12-26T09:30:00Z --output json",
    );
    assert_eq!(
        serde_json::from_str::<Value>(&printed).unwrap(),
        json!({ "calendar": "office", "from": "2026-12-23T16:30:00Z", "to": "2026-12-26T09:30:00Z", "working_s": 3600 })
    );
}

#[test]
fn what_is_refused_prints_nothing_but_why() {
    let add = "add --calendar office --from 2026-12-23T16:30:00Z --working";
    for (line, code, why) in [
        (format!("{add} 0wd"), 2, "no length of time"),
        (format!("{add} soon"), 2, "no length of time"),
        (format!("{add} -1wd"), 2, "unexpected argument"),
        (
            format!("{add} 300000d"),
            1,
            "calendars end with the year 2299",
        ),
        (
            "add --calendar ofice --from 2026-12-23T16:30:00Z --working 1h".to_owned(),
            1,
            "`moving`, `nights`, `office`",
        ),
        (
            "add --calendar office --from yesterday --working 1h".to_owned(),
            2,
            "no instant",
        ),
        (
            "show --calendar office --from 2026-12-24 --to 2026-12-23".to_owned(),
            1,
            "the same day or a later one",
        ),
        (
            "show --calendar office --from 2299-12-30 --days 3".to_owned(),
            1,
            "calendars end with the year 2299",
        ),
        (
            "show --calendar office --from 24.12.2026".to_owned(),
            2,
            "2026-12-21",
        ),
    ] {
        let (found, printed, told) = told(&line);
        assert_eq!((found, &*printed), (code, ""), "{line}: {told}");
        let why = why.replace("no instant", "is not an instant");
        assert!(told.contains(&why), "{line}: {told}");
    }
}

#[test]
fn a_calendar_with_errors_answers_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plans.yaml");
    fs::write(&path, PLANS).unwrap();
    let output = escalator()
        .args(["calendar", "show", "--calendar", "office", "--plans"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("error[E0608]: `holidays/de.ics` is not there"),
        "{told}"
    );
}

#[test]
fn the_calendar_always_needs_no_plans() {
    let always = |arguments: &[&str]| {
        let output = escalator()
            .arg("calendar")
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let from = "2026-11-27T15:30:00Z";
    let add = [
        "add",
        "--from",
        from,
        "--working",
        "2wd@close",
        "--calendar",
    ];
    assert_eq!(
        always(&[&add[..], &["always"]].concat()),
        (0, "2026-11-30T00:00:00Z\n".to_owned())
    );
    assert_eq!(
        always(&[&add[..], &["office"]].concat()),
        (1, String::new())
    );
}

#[test]
fn days_are_shown_with_holidays_exceptions_and_changes_of_the_clock() {
    let (code, printed, _) = told("show --calendar office --from 2026-12-23 --days 6");
    assert_eq!(code, 0);
    assert_eq!(
        printed,
        "\
office (Europe/Berlin, at_close: stay)
wed 2026-12-23  08:00-13:00  14:00-18:00  9h
thu 2026-12-24  closed                    holiday: Christmas Eve
fri 2026-12-25  closed                    holiday
sat 2026-12-26  10:00-14:00               4h
sun 2026-12-27  closed

mon 2026-12-28  08:00-13:00  14:00-18:00  9h

6 days, 22h of working time
"
    );
    let (_, printed, _) = told("show --calendar nights --from 2026-03-28 --to 2026-03-29");
    assert_eq!(
        printed,
        "\
nights (Europe/Berlin, at_close: stay)
sat 2026-03-28  00:00-02:30  2h30m
sun 2026-03-29  00:00-02:30  2h30m
    the clock is set forward by 1h at 2026-03-29T01:00:00Z
    open from 2026-03-28T23:00:00Z to 2026-03-29T01:30:00Z

2 days, 5h of working time
"
    );
    let (_, printed, _) = told("show --calendar office --from 2026-12-31 --days 1 --output json");
    assert_eq!(
        serde_json::from_str::<Value>(&printed).unwrap(),
        json!({
            "calendar": "office", "time_zone": "Europe/Berlin", "at_close": "stay",
            "days": [{
                "date": "2026-12-31", "weekday": "thu", "from": "exception", "holiday": null,
                "hours": ["08:00-12:00"],
                "open": [{ "from": "2026-12-31T07:00:00Z", "to": "2026-12-31T11:00:00Z" }],
                "working_s": 14400, "clock_changes": [],
            }],
        })
    );
    // Without a day it is the week from today on.
    let (code, printed, _) = told("show --calendar office");
    assert_eq!((code, printed.contains("7 days")), (0, true), "{printed}");
}
