//! What running test files gave, as a text for people and as JSON for programs.

use std::fmt::Write as _;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use serde_json::{Value, json};

use super::coverage::{Coverage, Unreached};
use super::run::run;
use super::suite::Suite;
use super::verdict::{Failure, FailureKind, verdict};
use crate::offline::{counted, harmless};
use crate::plan_file::{CheckedTests, Place, Severity, Sources, render};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const NOTE: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();

/// What became of one test.
#[derive(Clone, Debug)]
pub struct TestReport {
    /// Its name.
    pub name: Text,
    /// Where the name stands.
    pub place: Place,
    /// What is wrong; nothing when it passed.
    pub failures: Vec<Failure>,
}

/// What became of one test file.
#[derive(Debug)]
pub struct SuiteReport {
    /// The file.
    pub path: String,
    /// The file with its problems.
    pub checked: CheckedTests,
    /// Its tests; none when it has errors.
    pub tests: Vec<TestReport>,
}

/// What became of all test files.
#[derive(Debug, Default)]
pub struct Report {
    /// The files in their order.
    pub suites: Vec<SuiteReport>,
    /// What of the plans was reached.
    pub coverage: Coverage,
}

impl Report {
    /// Runs the tests of a file.
    pub fn add(&mut self, suite: Suite) {
        let mut tests = Vec::with_capacity(suite.cases.len());
        if let Some(plans) = &suite.plans {
            self.coverage.add(plans, None);
            let rules = Arc::new(Rules::new(Arc::clone(plans.set.revision())));
            for case in &suite.cases {
                let outcome = run(case, &rules);
                self.coverage.add(plans, Some(&outcome));
                tests.push(TestReport {
                    name: case.test.name.clone(),
                    place: case.test.place,
                    failures: verdict(case, &outcome, &rules),
                });
            }
        }
        self.suites.push(SuiteReport {
            path: suite.path,
            checked: suite.checked,
            tests,
        });
    }

    fn tests(&self) -> impl Iterator<Item = &TestReport> {
        self.suites.iter().flat_map(|suite| &suite.tests)
    }

    /// How many tests passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.tests().filter(|test| test.failures.is_empty()).count()
    }

    /// How many tests failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.tests().count() - self.passed()
    }

    /// How many files have errors, so that none of their tests ran.
    #[must_use]
    pub fn broken(&self) -> usize {
        let suites = self.suites.iter();
        suites.filter(|suite| suite.checked.file.is_none()).count()
    }

    /// Whether every file could be read and every test passed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failed() == 0 && self.broken() == 0
    }

    /// The report for people, with colours that the printer may strip.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for suite in &self.suites {
            suite.list(&mut out);
        }
        let failing = self.suites.iter().map(|suite| {
            let tests = suite.tests.iter();
            tests
                .filter(|test| !test.failures.is_empty())
                .map(move |test| (suite, test))
        });
        for (suite, test) in failing.flatten() {
            test.explain(&suite.checked.sources, &mut out);
        }
        self.unreached(&mut out);
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "{} passed, {} failed", self.passed(), self.failed());
        let warnings: usize = self.suites.iter().map(SuiteReport::warnings).sum();
        if self.broken() > 0 {
            let files = counted(self.broken() as u64, "test file");
            let _ = writeln!(out, "{files} could not be run");
        }
        if warnings > 0 {
            let _ = writeln!(out, "{}", counted(warnings as u64, "warning"));
        }
        out
    }

    fn unreached(&self, out: &mut String) {
        let unreached = self.coverage.unreached();
        for path in self.coverage.paths() {
            let plans: Vec<_> = unreached.iter().filter(|plan| plan.path == path).collect();
            if plans.is_empty() {
                let _ = writeln!(
                    out,
                    "every plan, level, trigger and mark of {path} was reached\n"
                );
                continue;
            }
            let _ = writeln!(out, "{NOTE}not reached by any test of {path}{NOTE:#}");
            for plan in plans {
                let _ = writeln!(out, "  {}: {}", harmless(&plan.plan), plan.words());
            }
            out.push('\n');
        }
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self, is_good: bool) -> Value {
        let unreached = self.coverage.unreached();
        json!({
            "good": is_good,
            "passed": self.passed(),
            "failed": self.failed(),
            "broken_files": self.broken(),
            "files": self.suites.iter().map(SuiteReport::json).collect::<Vec<_>>(),
            "unreached": unreached.iter().map(Unreached::json).collect::<Vec<_>>(),
        })
    }
}

impl SuiteReport {
    fn warnings(&self) -> usize {
        let problems = self.checked.problems.iter();
        problems
            .filter(|problem| problem.code.severity() == Severity::Warning)
            .count()
    }

    /// The problems of the file and one line a test.
    fn list(&self, out: &mut String) {
        let _ = writeln!(out, "{BOLD}{}{BOLD:#}", self.path);
        let CheckedTests {
            problems, sources, ..
        } = &self.checked;
        out.push_str(&render::texts(problems, sources, true));
        for test in &self.tests {
            let (style, word) = match test.failures.len() {
                0 => (GOOD, "ok  "),
                _ => (BAD, "FAIL"),
            };
            let _ = writeln!(out, "  {style}{word}{style:#}  {}", harmless(&test.name));
        }
        out.push('\n');
    }

    fn json(&self) -> Value {
        let sources = &self.checked.sources;
        let problems = self.checked.problems.iter();
        let problems = problems.map(|problem| render::json(problem, sources));
        let tests = self.tests.iter().map(|test| test.json(sources));
        json!({
            "file": self.path,
            "problems": problems.collect::<Vec<_>>(),
            "tests": tests.collect::<Vec<_>>(),
        })
    }
}

impl TestReport {
    /// Everything that is wrong with a test.
    pub(super) fn explain(&self, sources: &Sources, out: &mut String) {
        let name = harmless(&self.name);
        let place = shown(self.place, sources);
        let _ = writeln!(out, "{BAD}FAIL{BAD:#}  {BOLD}{name}{BOLD:#}  {place}\n");
        for failure in &self.failures {
            failure.explain(sources, out);
            out.push('\n');
        }
    }

    fn json(&self, sources: &Sources) -> Value {
        let (_, line, column) = position(self.place, sources);
        let failures = self.failures.iter().map(|it| it.json(sources));
        json!({
            "name": &*self.name,
            "line": line,
            "column": column,
            "passed": self.failures.is_empty(),
            "failures": failures.collect::<Vec<_>>(),
        })
    }
}

impl Failure {
    fn explain(&self, sources: &Sources, out: &mut String) {
        let place = shown(self.place, sources);
        let _ = writeln!(out, "  expected {}  ({place})", self.expected);
        match &self.instead {
            Some(instead) => {
                let _ = writeln!(out, "  came     {}", instead.line);
                for difference in &instead.differences {
                    let field = difference.field;
                    let (expected, came) = (&difference.expected, &difference.came);
                    let _ = writeln!(out, "    {GOOD}- {field} {}{GOOD:#}", harmless(expected));
                    let _ = writeln!(out, "    {BAD}+ {field} {}{BAD:#}", harmless(came));
                }
            }
            None if self.around.is_empty() => {
                let _ = writeln!(out, "  nothing came");
            }
            None => {}
        }
        if !self.around.is_empty() {
            let heading = match self.kind {
                FailureKind::Missing => "what came out around then:",
                FailureKind::Unexpected | FailureKind::Afterwards => "what came:",
            };
            let _ = writeln!(out, "  {heading}");
            let widths = self.around.iter().map(|(at, _)| at.len());
            let width = widths.max().unwrap_or(0);
            for (at, line) in &self.around {
                let _ = writeln!(out, "    {at:width$}  {line}");
            }
        }
        if !self.because.is_empty() {
            let _ = writeln!(out, "  to know:");
            for line in &self.because {
                let _ = writeln!(out, "    {line}");
            }
        }
    }

    fn json(&self, sources: &Sources) -> Value {
        let plain = |text: &str| anstream::adapter::strip_str(text).to_string();
        let (_, line, column) = position(self.place, sources);
        let instead = self.instead.as_ref().map(|instead| {
            let differences = instead.differences.iter();
            let differences = differences
                .map(|it| json!({"field": it.field, "expected": it.expected, "came": it.came}));
            json!({
                "what": plain(&instead.line),
                "differences": differences.collect::<Vec<_>>(),
            })
        });
        let around = self.around.iter();
        let around = around.map(|(at, what)| json!({"at": at, "what": plain(what)}));
        json!({
            "kind": self.kind.name(),
            "line": line,
            "column": column,
            "expected": self.expected,
            "instead": instead,
            "came": around.collect::<Vec<_>>(),
            "because": self.because,
        })
    }
}

impl Unreached {
    /// What was not reached, in one line.
    fn words(&self) -> String {
        if self.is_whole {
            return "no ticket was under this plan".to_owned();
        }
        let levels = self.levels.iter();
        let levels = levels.map(|(level, name)| format!("{level} {}", harmless(name)));
        let triggers = self.triggers.iter().map(|name| harmless(name).into_owned());
        let marks = self.marks.iter();
        let marks = marks.map(|(name, mark)| format!("{} {mark}", harmless(name)));
        let parts = [
            ("level", levels.collect::<Vec<_>>()),
            ("trigger", triggers.collect()),
            ("mark", marks.collect()),
        ];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts = parts.map(|(noun, names)| {
            let s = if names.len() == 1 { "" } else { "s" };
            format!("{noun}{s} {}", names.join(", "))
        });
        parts.collect::<Vec<_>>().join("; ")
    }

    fn json(&self) -> Value {
        let levels: Vec<_> = self.levels.iter().map(|(level, _)| level).collect();
        let triggers: Vec<_> = self.triggers.iter().map(|name| &**name).collect();
        let marks = self.marks.iter();
        let marks: Vec<_> = marks
            .map(|(name, mark)| json!({"timeframe": &**name, "at": &**mark}))
            .collect();
        json!({
            "plans": self.path,
            "plan": &*self.plan,
            "reached": !self.is_whole,
            "levels": levels,
            "triggers": triggers,
            "marks": marks,
        })
    }
}

fn position(place: Place, sources: &Sources) -> (&str, usize, usize) {
    let Some(source) = sources.files().get(place.file) else {
        return ("", 1, 1);
    };
    let (line, column) = place.line_column(&source.text);
    (&source.path, line, column)
}

/// A place as people and editors read it.
pub(super) fn shown(place: Place, sources: &Sources) -> String {
    let (file, line, column) = position(place, sources);
    format!("{file}:{line}:{column}")
}
