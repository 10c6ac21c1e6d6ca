//! Problems for people, programs and code review: text like the compiler's, JSON, and annotations.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::problem::{Place, Problem, Severity};
use super::source::Sources;

/// Columns of a text report, so that it is the same on every terminal.
const WIDTH: usize = 140;

/// Problems as a compiler shows them, with blank lines between.
#[must_use]
pub fn texts(problems: &[Problem], sources: &Sources, styled: bool) -> String {
    let texts = problems
        .iter()
        .map(|problem| text(problem, sources, styled));
    texts.collect::<Vec<_>>().join("\n")
}

/// A problem with its snippet, as a compiler shows it.
#[must_use]
pub fn text(problem: &Problem, sources: &Sources, styled: bool) -> String {
    let level = match problem.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(&*problem.message)
        .id(problem.code.id())
        .elements(snippet(
            sources,
            problem.place,
            None,
            AnnotationKind::Primary,
        ));
    if let Some((place, label)) = &problem.other {
        group = group.elements(snippet(
            sources,
            *place,
            Some(label),
            AnnotationKind::Context,
        ));
    }
    let group = group.element(Level::HELP.message(&*problem.remedy));
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = renderer.term_width(WIDTH).render(&[group]);
    out.push('\n');
    out
}

/// Bytes of a line before a place, and behind it, that are shown at most; the renderer looks at every
/// one of them, and a whole file may be one line.
const LINE_BYTES_MAX: usize = 2000;

/// The line of a place with the place marked, or the place alone where the line is too long to be
/// shown; nothing when the file is not known.
fn snippet<'a>(
    sources: &'a Sources,
    place: Place,
    label: Option<&'a str>,
    kind: AnnotationKind,
) -> Option<Element<'a>> {
    let source = sources.files().get(place.file)?;
    let place = place.within(&source.text);
    let (number, column) = place.line_column(&source.text);
    // Only the line goes to the renderer, so that a thousand problems do not cost a thousand files.
    let line_start = source.text[..place.start]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    if place.start - line_start > LINE_BYTES_MAX {
        let origin = Origin::path(&*source.path).line(number).char_column(column);
        return Some(origin.into());
    }
    let rest = beginning(&source.text[place.start..], LINE_BYTES_MAX);
    let rest = rest.lines().next().unwrap_or_default();
    let line = &source.text[line_start..place.start + rest.len()];
    let end = (place.end - line_start).min(line.len());
    let mut annotation = kind.span(place.start - line_start..end);
    if let Some(label) = label {
        annotation = annotation.label(label);
    }
    Some(
        Snippet::source(line)
            .line_start(number)
            .path(&*source.path)
            .annotation(annotation)
            .into(),
    )
}

/// The first bytes of a text, to the end of a letter.
fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[..end]
}

/// A problem as one JSON object.
#[must_use]
pub fn json(problem: &Problem, sources: &Sources) -> Value {
    let (file, line, column) = problem.position(sources);
    let mut object = json!({
        "code": problem.code.id(),
        "severity": problem.code.severity().name(),
        "message": problem.message,
        "help": problem.remedy,
        "file": file,
        "line": line,
        "column": column,
    });
    if let Some((place, label)) = &problem.other {
        let other = Problem::new(problem.code, *place, label, "");
        let (file, line, column) = other.position(sources);
        object["other"] = json!({"message": label, "file": file, "line": line, "column": column});
    }
    object
}

/// A problem as a workflow command, which code review shows at its line.
#[must_use]
pub fn github(problem: &Problem, sources: &Sources) -> String {
    let (file, line, column) = problem.position(sources);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "::{} file={},line={line},col={column},title={}::{}",
        problem.code.severity().name(),
        escaped(file, true),
        problem.code.id(),
        escaped(&format!("{}. {}", problem.message, problem.remedy), false),
    );
    out
}

fn escaped(text: &str, is_property: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            ':' if is_property => out.push_str("%3A"),
            ',' if is_property => out.push_str("%2C"),
            other => out.push(other),
        }
    }
    out
}
