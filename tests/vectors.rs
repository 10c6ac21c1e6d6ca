//! The clock vectors in `tests/data/vectors`, each through the program itself.
//!
//! What a vector states and what it leaves open is in the README beside the vectors; nothing else
//! is checked here.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use escalator_engine::time::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

/// What is notified when a check does not say.
const PURPOSES: &[&str] = &["level", "repeat", "warning"];

struct Vector {
    id: String,
    row: Value,
    directory: TempDir,
}

fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors/clocks.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(Vector::new).collect()
}

impl Vector {
    fn new(line: &str) -> Self {
        let row: Value = serde_json::from_str(line).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let vector = Self {
            id: row["id"].as_str().unwrap().to_owned(),
            row,
            directory,
        };
        fs::write(vector.plans(), vector.row["plans"].to_string()).unwrap();
        let events = vector.row["events"].as_array().unwrap();
        let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
        fs::write(vector.events(), lines.concat()).unwrap();
        vector
    }

    fn plans(&self) -> PathBuf {
        self.directory.path().join("plans.json")
    }

    fn events(&self) -> PathBuf {
        self.directory.path().join("events.jsonl")
    }

    fn checks(&self) -> &[Value] {
        self.row["checks"].as_array().unwrap()
    }

    /// The command of a check, with JSON as output.
    fn run(&self, check: &Value) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
        command.env_clear();
        if let Some(explain) = check.get("explain") {
            command.args(["explain", "--ticket", explain["ticket"].as_str().unwrap()]);
            command.args(["--at", explain["at"].as_str().unwrap()]);
        } else {
            let until = check["simulate"]["until"].as_str().unwrap();
            command.args(["simulate", "--until", until]);
        }
        command.arg("--plans").arg(self.plans());
        command.arg("--events").arg(self.events());
        let edits = check.get("edits").and_then(Value::as_array);
        for (number, edit) in edits.into_iter().flatten().enumerate() {
            let path = self.directory.path().join(format!("edit-{number}.json"));
            fs::write(&path, edit["plans"].to_string()).unwrap();
            let at = edit["at"].as_str().unwrap();
            command
                .arg("--edit")
                .arg(format!("{at}={}", path.display()));
        }
        command.args(["--output", "json"]).output().unwrap()
    }

    /// The lines that a check prints.
    fn answer(&self, check: &Value) -> Vec<Value> {
        let output = self.run(check);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}: {told}", self.id);
        let printed = String::from_utf8(output.stdout).unwrap();
        let lines = printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }
}

/// Collects what differs, so that one run tells everything.
struct Differences {
    id: String,
    tolerance_s: f64,
    found: Vec<String>,
}

impl Differences {
    fn expect(&mut self, what: &str, expected: &Value, found: &Value) {
        if !self.agree(expected, found) {
            let id = &self.id;
            self.found
                .push(format!("{id}: {what} is {found}, not {expected}"));
        }
    }

    /// Whether two values are the same; instants and seconds within the tolerance.
    fn agree(&self, expected: &Value, found: &Value) -> bool {
        if let (Some(expected), Some(found)) = (expected.as_f64(), found.as_f64()) {
            return (expected - found).abs() <= self.tolerance_s;
        }
        let instant = |value: &Value| Timestamp::parse(value.as_str()?).ok();
        match (instant(expected), instant(found)) {
            (Some(expected), Some(found)) => {
                let apart_ms = expected.millis_since(found).abs();
                apart_ms as f64 <= self.tolerance_s * 1000.0
            }
            _ => expected == found,
        }
    }

    /// Whether a record has every field that is written.
    fn has(&self, record: &Value, written: &Value) -> bool {
        let fields = written.as_object().unwrap();
        fields
            .iter()
            .all(|(name, expected)| self.agree(expected, &record[name]))
    }

    fn explanation(&mut self, expected: &Value, found: &Value) {
        for (name, expected) in expected.as_object().unwrap() {
            match name.as_str() {
                "clocks" => self.clocks(expected, &found["clocks"]),
                "next_at" => self.expect("next.at", expected, &found["next"]["at"]),
                _ => self.expect(name, expected, &found[name]),
            }
        }
    }

    fn clocks(&mut self, expected: &Value, found: &Value) {
        for (timeframe, expected) in expected.as_object().unwrap() {
            let of_name = |clock: &&Value| clock["timeframe"] == **timeframe;
            let clock = found.as_array().unwrap().iter().find(of_name);
            let Some(fields) = expected.as_object() else {
                assert!(expected.is_null());
                self.expect(timeframe, expected, clock.unwrap_or(&Value::Null));
                continue;
            };
            let clock = clock.unwrap_or(&Value::Null);
            for (field, expected) in fields {
                self.expect(&format!("{timeframe}.{field}"), expected, &clock[field]);
            }
        }
    }

    /// All of these and no others, in this order.
    fn in_order(&mut self, expected: &Value, found: &[&Value]) {
        let expected = expected.as_array().unwrap();
        let agrees = expected.len() == found.len()
            && expected
                .iter()
                .zip(found)
                .all(|(expected, found)| self.has(found, expected));
        if !agrees {
            let id = &self.id;
            self.found
                .push(format!("{id}: raised {found:#?}, not {expected:#?}"));
        }
    }

    /// All of these and no others, in any order.
    fn in_any_order(&mut self, expected: &Value, found: &[&Value]) {
        let mut left = found.to_vec();
        for expected in expected.as_array().unwrap() {
            match left.iter().position(|found| self.has(found, expected)) {
                Some(place) => {
                    left.remove(place);
                }
                None => {
                    let id = &self.id;
                    self.found.push(format!("{id}: no notification {expected}"));
                }
            }
        }
        for found in left {
            let id = &self.id;
            self.found
                .push(format!("{id}: a notification too many: {found}"));
        }
    }

    fn simulation(&mut self, check: &Value, lines: &[Value]) {
        let of_topic = |topic: &str| {
            let lines = lines.iter().filter(|line| line["topic"] == *topic);
            lines.map(|line| &line["value"]).collect::<Vec<_>>()
        };
        let purposes: Vec<&str> = match check.get("purposes") {
            Some(purposes) => {
                let purposes = purposes.as_array().unwrap().iter();
                purposes.map(|purpose| purpose.as_str().unwrap()).collect()
            }
            None => PURPOSES.to_vec(),
        };
        let is_among = |value: &Value, names: &[&str]| names.contains(&value.as_str().unwrap());
        let escalated = of_topic("escalated");
        let mut notified = of_topic("notify");
        notified.retain(|notify| is_among(&notify["purpose"], &purposes));
        if let Some(expected) = check.get("expect_raised") {
            let raised = escalated.iter().filter(|event| event["type"] == "raised");
            self.in_order(expected, &raised.copied().collect::<Vec<_>>());
        }
        if let Some(expected) = check.get("expect_notify") {
            self.in_any_order(expected, &notified);
        }
        if let Some(after) = check.get("expect_none_after") {
            let instant = |value: &Value| Timestamp::parse(value.as_str().unwrap()).unwrap();
            let after = instant(after);
            let of_kind =
                |event: &&&Value| is_among(&event["type"], &["raised", "repeated", "warned"]);
            let events = escalated.iter().filter(of_kind).chain(&notified);
            for late in events.filter(|event| instant(&event["due_at"]) > after) {
                self.found
                    .push(format!("{}: after {after}: {late}", self.id));
            }
        }
    }
}

#[test]
fn the_clocks_agree_with_the_vectors() {
    let mut found = Vec::new();
    let mut checked = 0;
    for vector in &vectors() {
        for check in vector.checks() {
            let mut differences = Differences {
                id: vector.id.clone(),
                tolerance_s: check["tolerance_s"].as_f64().unwrap_or_default(),
                found: Vec::new(),
            };
            let answer = vector.answer(check);
            match check.get("expect") {
                Some(expected) => differences.explanation(expected, &answer[0]),
                None => differences.simulation(check, &answer),
            }
            found.append(&mut differences.found);
            checked += 1;
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(checked, 39, "the checks of the vectors");
}
