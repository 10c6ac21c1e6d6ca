//! `templates:` texts of notifications: the engine checks them and tries them out, here its
//! refusals get their codes, places and remedies.

use std::ops::Range;
use std::sync::Arc;

use escalator_engine::calendar::time_zones;
use escalator_engine::effect::Purpose;
use escalator_engine::template::{
    FIELDS, FILTERS, Flaw, TESTS, Template, TemplateError, VARIABLES,
};
use escalator_engine::ticket::Text;

use super::node::{Entry, Node, Value};
use super::problem::{Code, Place};
use super::reader::{Reader, did_you_mean};
use super::scope::Scope;
use super::source::Sources;
use super::suggest::closest;

/// Templates of a set: some for each team of a large organization. Each is tried out at load, which
/// takes up to a few milliseconds.
const TEMPLATES_MAX: usize = 200;

/// Notes the templates of one file.
pub(super) fn collect(reader: &mut Reader, scope: &mut Scope, sources: &Sources, node: &Node) {
    let (before, what) = (scope.template_names().count(), "`templates`");
    let max = TEMPLATES_MAX.saturating_sub(before);
    for entry in reader.entries_of(node, what, max, "templates") {
        reader.check_name(&entry.key, entry.place, "the template's name");
        let template = template(reader, sources, entry);
        scope.add_template(reader, &entry.key, entry.place, template.map(Arc::new));
    }
}

fn template(reader: &mut Reader, sources: &Sources, entry: &Entry) -> Option<Template> {
    let fields = reader.map(&entry.node, "a template", &["subject", "body"]);
    let mut text = |key| {
        let node = reader.required(&fields, key, "a template")?;
        Some((node, reader.scalar(node, &format!("`{key}`"))?))
    };
    let (subject, body) = (text("subject"), text("body"));
    let ((_, subject), (_, body)) = (subject?, body?);
    match Template::new(&entry.key, subject, body) {
        Ok(template) => Some(template),
        Err(flaws) => {
            for flaw in flaws {
                if let Some(node) = fields.get(flaw.part.name()) {
                    report(reader, sources, node, &flaw);
                }
            }
            None
        }
    }
}

fn report(reader: &mut Reader, sources: &Sources, node: &Node, flaw: &Flaw) {
    let (code, mut remedy) = advice(&flaw.error);
    let mut range = flaw.range.clone();
    if let (TemplateError::Syntax { .. }, Value::Scalar(text)) = (&flaw.error, &node.value)
        && let Some(label) = quotable_label(text)
    {
        let name = &text[label.clone()];
        let label_name = name.strip_prefix(LABELS).unwrap_or(name);
        remedy = format!(
            "write `{LABELS_OF}['{label_name}']`, as for every name that has other letters than ASCII's"
        );
        range = label;
    }
    let place = place(sources, node, range);
    reader.report(code, place, &flaw.error.to_string(), &remedy);
}

/// What stands before the name of a label.
const LABELS: &str = "ticket.labels.";
const LABELS_OF: &str = "ticket.labels";

/// A label of a text that its name keeps from being written after a point.
fn quotable_label(text: &str) -> Option<Range<usize>> {
    let labels = text.match_indices(LABELS);
    let mut labels = labels.map(|(at, _)| {
        let rest = &text[at + LABELS.len()..];
        let name = rest
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next();
        let name = name.unwrap_or_default();
        (at, name)
    });
    let (at, name) = labels.find(|(_, name)| !name.is_ascii())?;
    Some(at..at + LABELS.len() + name.len())
}

/// Where a part of a text stands in its file. YAML may have indented, folded or quoted the text, so
/// that the part is looked for as it reads: the same part for the same time.
fn place(sources: &Sources, node: &Node, range: Range<usize>) -> Place {
    let found = || {
        let Value::Scalar(text) = &node.value else {
            return None;
        };
        let meant = text.get(range.clone())?.lines().next()?;
        let file = sources.files().get(node.place.file)?;
        let written = file.text.get(node.place.start..)?;
        if meant.is_empty() {
            return None;
        }
        let times_before = text.get(..range.start)?.matches(meant).count();
        let (at, _) = written.match_indices(meant).nth(times_before)?;
        let start = node.place.start + at;
        Some(Place::new(node.place.file, start, start + meant.len()))
    };
    found().unwrap_or(node.place)
}

/// The template that a key names: none for the built-in text, whose name is that of a purpose.
pub(super) fn reference(reader: &mut Reader, scope: &Scope, node: &Node) -> Option<Text> {
    let name = reader.scalar(node, "the name of a template")?;
    if scope.has_template(name) {
        return Some(name.into());
    }
    let built_in = Purpose::ALL.map(Purpose::name);
    if !built_in.contains(&name) && !scope.may_have_more {
        let names: Vec<&str> = scope.template_names().chain(built_in).collect();
        reader.report_unknown(
            Code::UnknownTemplate,
            node.place,
            &format!("there is no template `{name}`"),
            (name, "declare it under `templates:`; there are"),
            &names,
        );
    }
    None
}

fn advice(error: &TemplateError) -> (Code, String) {
    let (code, remedy) = match error {
        TemplateError::UnknownVariable { name } if FIELDS.contains(&&**name) => {
            let remedy = format!("did you mean `ticket.{name}`?");
            return (Code::UnknownInTemplate, remedy);
        }
        TemplateError::UnknownVariable { name }
            if name
                .strip_prefix("ticket_")
                .is_some_and(|field| FIELDS.contains(&field)) =>
        {
            let remedy = format!("did you mean `{}`?", name.replacen('_', ".", 1));
            return (Code::UnknownInTemplate, remedy);
        }
        TemplateError::UnknownVariable { name } => {
            return unknown(name, &VARIABLES, "the variables are");
        }
        TemplateError::UnknownField { name } => return unknown(name, &FIELDS, "the fields are"),
        TemplateError::UnknownFilter { name } => return unknown(name, &FILTERS, "the filters are"),
        TemplateError::UnknownTest { name } => return unknown(name, &TESTS, "the tests are"),
        TemplateError::UnknownZone { name } => return unknown_zone(name),
        TemplateError::BadFormat { .. } => (
            Code::UnknownInTemplate,
            "write it as in `%d.%m.%Y %H:%M`; a `%` of its own is `%%`",
        ),
        TemplateError::Syntax { .. } => (
            Code::BadTemplate,
            "values stand in `{{ … }}`, and `{% if … %}` and `{% for … %}` have their end",
        ),
        TemplateError::WholeTicket => (
            Code::BeyondTemplates,
            "ask for a field: `ticket.id`, `ticket.subject`",
        ),
        TemplateError::WholeLabels => (
            Code::BeyondTemplates,
            "ask for one label, as in `ticket.labels.NAME` (empty when there is none), or go through `ticket.labels | items`",
        ),
        TemplateError::NoParts { .. } => (
            Code::BeyondTemplates,
            "it is a value already; parts have `ticket`, `ticket.labels` and `loop`, and the level's name is `level_name`",
        ),
        TemplateError::Call { .. } => (
            Code::BeyondTemplates,
            "there are filters, as in `{{ ticket.subject | upper }}`, but neither functions nor methods",
        ),
        TemplateError::Statement { .. } => (
            Code::BeyondTemplates,
            "there are `if`, `for`, `set`, `with` and `filter`",
        ),
        TemplateError::OpenZone => (
            Code::BeyondTemplates,
            "write it as in `{{ due_at | local('Europe/Berlin', '%d.%m.%Y %H:%M') }}`",
        ),
        TemplateError::Reserved { .. } => (Code::BeyondTemplates, "take another name"),
        TemplateError::Failing { .. } => (
            Code::FailingTemplate,
            "an empty field is `none`, so write `(ticket.severity or 0)`; `severity` and `satisfaction` are numbers, `tags` is a list, the others are texts",
        ),
        TemplateError::TooLong { .. } | TemplateError::TooMany { .. } => {
            (Code::CostlyTemplate, "say less: people read it on a phone")
        }
        TemplateError::TooCostly { .. } => (
            Code::CostlyTemplate,
            "leave out loops in loops, and repeated texts",
        ),
    };
    (code, remedy.to_owned())
}

fn unknown(name: &str, names: &[&str], all: &str) -> (Code, String) {
    (Code::UnknownInTemplate, did_you_mean(name, names, all))
}

fn unknown_zone(name: &str) -> (Code, String) {
    let names = time_zones();
    let remedy = match closest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write an IANA name, as in `Europe/Berlin` or `UTC`".to_owned(),
    };
    (Code::UnknownInTemplate, remedy)
}
