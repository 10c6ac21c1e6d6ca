//! A report in the XML of JUnit, which build servers show.

use std::fmt::Write as _;

use super::report::{Report, SuiteReport, TestReport};
use crate::offline::xml;
use crate::plan_file::{CheckedTests, Problem, Severity, render};

/// The report as one XML document.
#[must_use]
pub fn junit(report: &Report) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let tests = report.passed() + report.failed() + report.broken();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        out,
        "<testsuites name=\"escalator test\" tests=\"{tests}\" failures=\"{}\" errors=\"{}\">",
        report.failed(),
        report.broken()
    );
    for suite in &report.suites {
        add_suite(&mut out, suite);
    }
    out.push_str("</testsuites>\n");
    out
}

fn add_suite(out: &mut String, suite: &SuiteReport) {
    let path = xml(&suite.path);
    let is_broken = suite.checked.file.is_none();
    let errors = usize::from(is_broken);
    let failures = suite.tests.iter().filter(|test| !test.failures.is_empty());
    let _ = writeln!(
        out,
        "  <testsuite name=\"{path}\" tests=\"{}\" failures=\"{}\" errors=\"{errors}\" skipped=\"0\">",
        suite.tests.len() + errors,
        failures.count(),
    );
    if is_broken {
        let _ = writeln!(out, "    <testcase classname=\"{path}\" name=\"the file\">");
        let CheckedTests {
            problems, sources, ..
        } = &suite.checked;
        let is_error = |problem: &&Problem| problem.code.severity() == Severity::Error;
        let first = problems.iter().find(is_error);
        let first = first.map_or("", |problem| &*problem.message);
        let texts = render::texts(problems, sources, false);
        add_cause(out, "error", first, &texts);
    }
    for test in &suite.tests {
        add_test(out, suite, test);
    }
    out.push_str("  </testsuite>\n");
}

fn add_test(out: &mut String, suite: &SuiteReport, test: &TestReport) {
    let path = xml(&suite.path);
    let name = xml(&test.name);
    let source = suite.checked.sources.files().first();
    let line = source.map_or(1, |source| test.place.line_column(&source.text).0);
    let _ = write!(
        out,
        "    <testcase classname=\"{path}\" name=\"{name}\" file=\"{path}\" line=\"{line}\""
    );
    let Some(first) = test.failures.first() else {
        out.push_str("/>\n");
        return;
    };
    out.push_str(">\n");
    let mut text = String::new();
    test.explain(&suite.checked.sources, &mut text);
    let text = anstream::adapter::strip_str(&text).to_string();
    add_cause(
        out,
        "failure",
        &format!("expected {}", first.expected),
        &text,
    );
}

/// The cause of a test case that did not pass, and the end of the case.
fn add_cause(out: &mut String, tag: &str, message: &str, text: &str) {
    let (message, text) = (xml(message), xml(text));
    let _ = writeln!(
        out,
        "      <{tag} message=\"{message}\" type=\"{tag}\">{text}</{tag}>\n    </testcase>"
    );
}
