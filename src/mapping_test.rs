//! Tests of mappings: what becomes of a record, held against what has to become of it.
//!
//! A record is decoded as the service decodes it, so that a test shows a dead letter, too.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use escalator_engine::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::causes::chain;
use crate::mapping::{Mapped, Mappings, Outcome};
use crate::offline::counted;
use crate::plan_file::{
    CheckedMappingTests, CheckedMappings, Code, Error, Expected, MappingTest, Problem, Sources,
    check_mappings, did_you_mean, load_mapping_tests, render,
};
use crate::wire::{self, DeadLetterReason, Input, Refusal, Unread, WriterSchemas};

/// What became of all test files.
#[derive(Debug, Default)]
pub struct Report {
    files: Vec<FileReport>,
    /// The mappings that the files name, each read once.
    mappings: BTreeMap<PathBuf, CheckedMappings>,
}

/// What became of one test file.
#[derive(Debug)]
struct FileReport {
    path: String,
    checked: CheckedMappingTests,
    tests: Vec<TestReport>,
}

/// What became of one test: what is wrong, nothing when it passed.
#[derive(Debug)]
struct TestReport {
    name: String,
    line: usize,
    wrong: Vec<String>,
}

/// What a record is to the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// An event that a mapping made.
    Event(Mapped),
    /// An event of the service's own, which no mapping is for.
    Own,
    /// It says nothing of a ticket.
    Ignored,
    /// A dead letter.
    Refused(Refusal),
}

/// Reads a record as the service does; without a key, it may lie in any partition.
#[must_use]
pub fn read(mappings: &Mappings, input: Input, key: Option<&str>, record: &Json) -> Read {
    let value = record.to_string();
    let read = wire::Record {
        input,
        partition: 0,
        partitions: 1,
        key: key.map(str::as_bytes),
        value: Some(value.as_bytes()),
        headers: &[],
        sample: false,
    };
    match wire::decode(&read, &WriterSchemas::default(), mappings, Timestamp::MAX) {
        Ok(_) => {}
        Err(Unread::Refused(refusal)) => return Read::Refused(refusal),
        // JSON waits for no schema.
        Err(Unread::Ignored | Unread::Waiting(_)) => return Read::Ignored,
    }
    let mapping = mappings.of(record);
    match mapping.map(|mapping| mapping.apply(input == Input::Created, record)) {
        Some(Ok(Outcome::Event(mapped))) => Read::Event(mapped),
        // What could not be mapped was refused.
        Some(Ok(Outcome::Ignored) | Err(_)) => Read::Ignored,
        None => Read::Own,
    }
}

impl Report {
    /// Runs the tests of a file.
    ///
    /// # Errors
    /// The file cannot be read. What is wrong in it, or in the mappings that it names, is reported.
    pub fn add(&mut self, path: &Path) -> Result<(), Error> {
        let mut checked = load_mapping_tests(path)?;
        let mut tests = Vec::new();
        if let Some(file) = checked.file.take() {
            unknown_reasons(&file.tests, &mut checked.problems);
            let directory = path.parent().unwrap_or_else(|| Path::new(""));
            match self.mappings(&directory.join(&*file.mappings)) {
                Ok(mappings) => {
                    let text = &checked.sources.files()[0].text;
                    let reports = file.tests.iter().map(|case| report(case, mappings, text));
                    tests = reports.collect();
                }
                Err(message) => checked.problems.push(Problem::new(
                    Code::TestedPlans,
                    file.mappings_place,
                    &message,
                    "name the mapping file, or the directory of mapping files, relative to this file",
                )),
            }
        }
        self.files.push(FileReport {
            path: path.display().to_string(),
            checked,
            tests,
        });
        Ok(())
    }

    /// The mappings behind a path, or why there are none.
    fn mappings(&mut self, path: &Path) -> Result<&Mappings, String> {
        let checked = match self.mappings.entry(path.to_owned()) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(new) => {
                let sources = Sources::read(path).map_err(|error| chain(&error))?;
                new.insert(check_mappings(sources))
            }
        };
        let errors = checked.errors();
        let shown = path.display();
        let message = || {
            format!(
                "the mappings in {shown} have {}",
                counted(errors as u64, "error")
            )
        };
        checked.mappings.as_ref().ok_or_else(message)
    }

    /// Whether every file could be read and every test passed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let mut files = self.files.iter();
        // What is wrong with mappings is a problem of each file that names them.
        files.all(|file| {
            file.checked.problems.is_empty() && file.tests.iter().all(|test| test.wrong.is_empty())
        })
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for checked in self.mappings.values() {
            out.push_str(&render::texts(&checked.problems, &checked.sources, false));
        }
        let (mut count, mut failed) = (0, 0);
        for file in &self.files {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}", file.path);
            out.push_str(&render::texts(
                &file.checked.problems,
                &file.checked.sources,
                false,
            ));
            for test in &file.tests {
                count += 1;
                if test.wrong.is_empty() {
                    let _ = writeln!(out, "  passed  {}", test.name);
                    continue;
                }
                failed += 1;
                let _ = writeln!(out, "  FAILED  {} (line {})", test.name, test.line);
                for wrong in &test.wrong {
                    let _ = writeln!(out, "          {wrong}");
                }
            }
        }
        let _ = writeln!(out, "{}, {failed} failed", counted(count, "test"));
        out
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Json {
        let files = self.files.iter().map(|file| {
            let problems = file.checked.problems.iter();
            let problems = problems.map(|problem| render::json(problem, &file.checked.sources));
            let tests = file.tests.iter().map(|test| {
                let is_good = test.wrong.is_empty();
                json!({"name": test.name, "line": test.line, "passed": is_good, "failures": test.wrong})
            });
            json!({
                "path": file.path,
                "problems": problems.collect::<Vec<_>>(),
                "tests": tests.collect::<Vec<_>>(),
            })
        });
        let of_mappings = self.mappings.values().flat_map(|checked| {
            let problems = checked.problems.iter();
            problems.map(|problem| render::json(problem, &checked.sources))
        });
        json!({
            "good": self.is_good(),
            "problems": of_mappings.collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
        })
    }
}

/// Reasons that no dead letter has.
fn unknown_reasons(cases: &[MappingTest], problems: &mut Vec<Problem>) {
    let names = DeadLetterReason::ALL.map(DeadLetterReason::name);
    for case in cases {
        if let Expected::Refused(reason, place) = &case.expected
            && !names.contains(&&**reason)
        {
            problems.push(Problem::new(
                Code::UnknownWord,
                *place,
                &format!("`refused` cannot be `{reason}`"),
                &did_you_mean(reason, &names, "the reasons are"),
            ));
        }
    }
}

fn report(case: &MappingTest, mappings: &Mappings, text: &str) -> TestReport {
    let input = Input::of(case.in_created);
    let read = read(mappings, input, case.key.as_deref(), &case.record);
    TestReport {
        name: case.name.to_string(),
        line: case.place.line_column(text).0,
        wrong: wrong(case, &read),
    }
}

/// What is wrong with what became of a record.
fn wrong(test: &MappingTest, read: &Read) -> Vec<String> {
    let came = match read {
        Read::Event(mapped) if mapped.is_created => "a created event".to_owned(),
        Read::Event(_) => "an update".to_owned(),
        Read::Own => "an event of the service's own form, which no mapping is for".to_owned(),
        Read::Ignored => "nothing: it is ignored".to_owned(),
        Read::Refused(refusal) => format!("a dead letter ({}: {refusal})", refusal.reason.name()),
    };
    match (&test.expected, read) {
        (Expected::Ignored, Read::Ignored) => Vec::new(),
        (Expected::Refused(reason, _), Read::Refused(refusal))
            if refusal.reason.name() == &**reason =>
        {
            Vec::new()
        }
        (Expected::Event { is_created, value }, Read::Event(mapped))
            if mapped.is_created == *is_created =>
        {
            let mut wrong = Vec::new();
            differences("", value, &mapped.value, &mut wrong);
            wrong
        }
        (expected, _) => {
            let expected = match expected {
                Expected::Event {
                    is_created: true, ..
                } => "a created event".to_owned(),
                Expected::Event { .. } => "an update".to_owned(),
                Expected::Ignored => "that it is ignored".to_owned(),
                Expected::Refused(reason, _) => format!("a dead letter ({reason})"),
            };
            vec![format!("it becomes {came}; expected is {expected}")]
        }
    }
}

/// Where two events differ, with both values.
fn differences(path: &str, expected: &Json, found: &Json, out: &mut Vec<String>) {
    if let (Json::Object(expected), Json::Object(found)) = (expected, found) {
        let missing = expected.keys().filter(|key| !found.contains_key(*key));
        let keys: Vec<_> = found.keys().chain(missing).collect();
        for key in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match (expected.get(key), found.get(key)) {
                (Some(expected), Some(found)) => differences(&path, expected, found, out),
                (Some(expected), None) => {
                    out.push(format!("`{path}` is missing; expected is {expected}"))
                }
                (None, found) => {
                    let found = found.unwrap_or(&Json::Null);
                    out.push(format!("`{path}` is {found}; it is not expected"));
                }
            }
        }
        return;
    }
    // One and 1.0 are the same number; whole ones are compared to their last digit.
    let are_whole = !expected.is_f64() && !found.is_f64();
    let is_same = expected == found
        || (!are_whole && expected.is_number() && expected.as_f64() == found.as_f64());
    if !is_same {
        out.push(format!("`{path}` is {found}; expected is {expected}"));
    }
}
