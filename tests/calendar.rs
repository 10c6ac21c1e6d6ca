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
