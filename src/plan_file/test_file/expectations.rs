//! `expect:` what must come out: one event out each, by time, type and ticket, with further fields.

use std::collections::BTreeSet;

use escalator_engine::effect::EscalatedType;
use escalator_engine::ticket::Text;

use super::fields::{ESCALATED, NOTIFY, wanted};
use super::times::{Times, is_instant};
use super::{Expectation, ExpectedField, ExpectedKind};
use crate::plan_file::node::{Entry, Node, Value};
use crate::plan_file::problem::{Code, Problem};
use crate::plan_file::reader::{Reader, did_you_mean};
use crate::plan_file::suggest::closest;

/// Targets of one `notify`; an event tells fewer.
const TOLD_MAX: usize = 1000;

/// Reads one expectation of a test with these tickets; none when it is not known which there are.
pub(super) fn expectation(
    reader: &mut Reader,
    times: &Times,
    tickets: Option<&BTreeSet<&str>>,
    node: &Node,
) -> Option<Expectation> {
    let Value::Map(entries) = &node.value else {
        // Reports what stands there instead.
        reader.map(node, "an expectation", &[]);
        return None;
    };
    let (kind, subject) = kind(reader, node, entries)?;
    let table = match kind {
        ExpectedKind::Escalated(_) => ESCALATED,
        ExpectedKind::Notify => NOTIFY,
    };
    let mut keys = vec!["at", "notify"];
    // A second type is reported as such, not as an unknown key.
    keys.extend(EscalatedType::ALL.map(EscalatedType::name));
    keys.extend(table.iter().map(|field| field.key));
    let fields = reader.map(node, "an expectation", &keys);
    let at = reader.required(&fields, "at", "an expectation");
    let at = at.map(|node| (times.instant(reader, node, "`at`"), is_instant(node)));
    let ticket_id = ticket_id(reader, tickets, kind, subject)?;
    let expected = table.iter().filter_map(|field| {
        let node = fields.get(field.key)?;
        Some(ExpectedField {
            name: field.name,
            wanted: wanted(reader, times, field, node),
        })
    });
    let expected = expected.collect();
    let told = fields
        .get("notify")
        .filter(|_| kind != ExpectedKind::Notify)
        .map(|node| told(reader, node));
    let (at, is_instant) = at?;
    Some(Expectation {
        place: node.place,
        at,
        is_instant,
        kind,
        ticket_id,
        fields: expected,
        told,
    })
}

/// What an expectation is about, and the entry that says so. `notify` with a list belongs to
/// another type; with a ticket it is one itself.
fn kind<'n>(
    reader: &mut Reader,
    node: &Node,
    entries: &'n [Entry],
) -> Option<(ExpectedKind, &'n Entry)> {
    let mut found: Option<(ExpectedKind, &Entry)> = None;
    for entry in entries {
        let Some(kind) = EscalatedType::ALL
            .into_iter()
            .find(|kind| kind.name() == entry.key)
        else {
            continue;
        };
        match found {
            // The same key twice is reported as such.
            Some((_, first)) if first.key != entry.key => reader.push(
                Problem::new(
                    Code::BadExpectation,
                    entry.place,
                    "an expectation has one type",
                    "write an expectation of its own for each event that must come out",
                )
                .with_other(first.place, "the first type"),
            ),
            Some(_) => {}
            None => found = Some((ExpectedKind::Escalated(kind), entry)),
        }
    }
    let notify = || {
        let entry = entries.iter().find(|entry| entry.key == "notify")?;
        let is_type = matches!(entry.node.value, Value::Scalar(_) | Value::Null);
        is_type.then_some((ExpectedKind::Notify, entry))
    };
    let found = found.or_else(notify);
    if found.is_none() {
        no_type(reader, node, entries);
    }
    found
}

/// Reports an expectation without a type, at the key that was probably meant as one.
fn no_type(reader: &mut Reader, node: &Node, entries: &[Entry]) {
    let mut names: Vec<&str> = EscalatedType::ALL.map(EscalatedType::name).to_vec();
    names.push("notify");
    let message = "an expectation names no type";
    let close = entries
        .iter()
        .find_map(|entry| Some((entry.place, closest(&entry.key, names.iter().copied())?)));
    let (place, remedy) = match close {
        Some((place, meant)) => (place, format!("did you mean `{meant}`?")),
        None => (
            node.place,
            did_you_mean(
                "",
                &names,
                "write one of them with its ticket, as in `raised: T1`, or `notify: null` for a digest:",
            ),
        ),
    };
    reader.report(Code::BadExpectation, place, message, &remedy);
}

/// The ticket of an expectation; one that no event of the test speaks of is a typing error.
fn ticket_id(
    reader: &mut Reader,
    tickets: Option<&BTreeSet<&str>>,
    kind: ExpectedKind,
    entry: &Entry,
) -> Option<Option<Text>> {
    if kind == ExpectedKind::Notify && matches!(entry.node.value, Value::Null) {
        return Some(None);
    }
    let id = reader.scalar(&entry.node, "the ticket of an expectation")?;
    if let Some(known) = tickets
        && !known.contains(id)
    {
        let known: Vec<&str> = known.iter().copied().collect();
        let message = format!("no event of this test is about the ticket `{id}`");
        let (code, place) = (Code::BadExpectation, entry.node.place);
        if known.is_empty() {
            let remedy = "add an event of this ticket to `events`";
            reader.report(code, place, &message, remedy);
        } else if kind == ExpectedKind::Notify {
            let meant = did_you_mean(id, &known, "the tickets of this test are");
            let remedy = format!("{meant} (a digest is of no ticket: write `notify: null`)");
            reader.report(code, place, &message, &remedy);
        } else {
            let all = "the tickets of this test are";
            reader.report_unknown(code, place, &message, (id, all), &known);
        }
    }
    Some(Some(id.into()))
}

/// The entries of a `notify` that lists who is told.
fn told(reader: &mut Reader, node: &Node) -> Vec<Text> {
    let nodes = reader.list_of(node, "`notify`", TOLD_MAX, "entries").iter();
    nodes.map(|node| reader.name(node, "who is told")).collect()
}
