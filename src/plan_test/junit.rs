//! A report in the XML of JUnit, which build servers show.

use std::fmt::Write as _;

use super::report::{Report, SuiteReport, TestReport};
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
    let path = escaped(&suite.path);
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
    let path = escaped(&suite.path);
    let name = escaped(&test.name);
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
    let (message, text) = (escaped(message), escaped(text));
    let _ = writeln!(
        out,
        "      <{tag} message=\"{message}\" type=\"{tag}\">{text}</{tag}>\n    </testcase>"
    );
}

/// A text as XML may hold it, between tags and in quotes. Most control characters have no place in
/// XML 1.0 at all, not even escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(
            escaped("a < b && \"c\" > d\u{1b}[31m\u{ffff}\n"),
            "a &lt; b &amp;&amp; &quot;c&quot; &gt; d\u{fffd}[31m\u{fffd}\n"
        );
    }
}
