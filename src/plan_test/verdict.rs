//! What came out against what must: every way in which a test fails, told so that the reader need
//! not run anything to understand it.

use std::sync::Arc;

use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;

use super::matching::{as_written, assign, differences, is_about, listed, offset, wanted};
use super::reasons::because;
use super::run::{Came, Outcome};
use super::suite::Case;
use crate::offline::harmless;
use crate::plan_file::{Expectation, Place};

/// Events before, at and after the time of a failure that are shown, each.
const AROUND_MAX: usize = 2;

/// Events that are shown where nothing or nothing else may come.
const SHOWN_MAX: usize = 5;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// What must come out did not, or was different.
    Missing,
    /// Something came out that is not expected.
    Unexpected,
    /// Something came out after the last that may.
    Afterwards,
}

impl FailureKind {
    /// The word in reports for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Afterwards => "afterwards",
        }
    }
}

/// One thing that is wrong with what came out.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which kind of thing.
    pub kind: FailureKind,
    /// The line of the test that asks for it.
    pub place: Place,
    /// What was expected, in one line.
    pub expected: String,
    /// What came instead.
    pub instead: Option<Instead>,
    /// What came out around that time, in order: time since the start, and a line.
    pub around: Vec<(String, String)>,
    /// Why it did not come, or what there is to know.
    pub because: Vec<String>,
}

/// An event that was probably meant.
#[derive(Clone, Debug)]
pub struct Instead {
    /// Its line.
    pub line: String,
    /// In what it differs.
    pub differences: Vec<Difference>,
}

/// A field that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which field.
    pub field: &'static str,
    /// What it must be.
    pub expected: String,
    /// What it was.
    pub came: String,
}

/// Everything that is wrong with what came out of a test; nothing when it passes.
#[must_use]
pub fn verdict(case: &Case, outcome: &Outcome, rules: &Arc<Rules>) -> Vec<Failure> {
    let test = &case.test;
    let assigned = assign(&test.expectations, &outcome.came);
    let mut is_explained: Vec<bool> = vec![false; outcome.came.len()];
    for event in assigned.iter().flatten() {
        is_explained[*event] = true;
    }
    let mut failures = Vec::new();
    for (expected, event) in test.expectations.iter().zip(&assigned) {
        if event.is_none() {
            let (failure, instead) = missing(case, outcome, rules, expected, &is_explained);
            failures.push(failure);
            // Shown as what came instead; under `expect_only` it need not be told again.
            if let Some(event) = instead.and_then(|event| is_explained.get_mut(event)) {
                *event = true;
            }
        }
    }
    if let Some(place) = test.only {
        let unexpected = outcome.came.iter().zip(&is_explained);
        let unexpected =
            unexpected.filter(|(came, is_explained)| !**is_explained && came.part_of.is_none());
        let unexpected: Vec<&Came> = unexpected.map(|(came, _)| came).collect();
        failures.extend(superfluous(
            FailureKind::Unexpected,
            test.start,
            place,
            "nothing else",
            &unexpected,
        ));
    }
    if let Some((limit, place)) = test.none_after {
        // Without `until` the test goes on until something comes or nothing can.
        let later = test.until.is_none().then_some(&outcome.later);
        let events = outcome.came.iter().chain(later.into_iter().flatten());
        let events: Vec<&Came> = events
            .filter(|came| came.at > limit && came.part_of.is_none())
            .collect();
        failures.extend(superfluous(
            FailureKind::Afterwards,
            test.start,
            place,
            &format!("nothing after {}", offset(test.start, limit)),
            &events,
        ));
    }
    failures
}

/// The failure of an expectation, and which event of the outcome came instead.
fn missing(
    case: &Case,
    outcome: &Outcome,
    rules: &Arc<Rules>,
    expected: &Expectation,
    is_explained: &[bool],
) -> (Failure, Option<usize>) {
    let start = case.test.start;
    let events = || outcome.came.iter().chain(&outcome.later);
    let is_free = |index: usize| !is_explained.get(index).is_some_and(|it| *it);
    let nearest = events()
        .enumerate()
        .filter(|(index, came)| is_free(*index) && is_about(expected, came))
        .min_by_key(|(_, came)| {
            let apart_ms = came.at.millis_since(expected.at).abs();
            (apart_ms, differences(start, expected, came).len())
        });
    let failure = Failure {
        kind: FailureKind::Missing,
        place: expected.place,
        expected: expectation(start, expected),
        instead: nearest.map(|(_, came)| Instead {
            line: came.line(),
            differences: differences(start, expected, came),
        }),
        around: around(start, outcome, expected),
        because: because(case, rules, expected),
    };
    (failure, nearest.map(|(index, _)| index))
}

/// An expectation in one line.
fn expectation(start: Timestamp, expected: &Expectation) -> String {
    let ticket = expected.ticket_id.as_ref();
    let ticket = ticket.map_or_else(|| "a digest".into(), |id| harmless(id));
    let mut line = format!(
        "{} {ticket} at {}",
        expected.kind.name(),
        as_written(expected, start, expected.at)
    );
    for field in &expected.fields {
        line.push_str(&format!(", {} {}", field.name, wanted(&field.wanted)));
    }
    if let Some(told) = &expected.told {
        let told = listed(told.iter().map(|entry| entry.to_string()));
        line.push_str(&format!(", notify {told}"));
    }
    line
}

/// What came out about the ticket of an expectation around its time.
fn around(start: Timestamp, outcome: &Outcome, expected: &Expectation) -> Vec<(String, String)> {
    let ticket_id: Option<&Text> = expected.ticket_id.as_ref();
    let came = outcome.came.iter().map(|came| (came, ""));
    let later = outcome.later.iter();
    let later = later.map(|came| (came, ", after the end of the test"));
    let mut events: Vec<(&Came, &str)> = came
        .chain(later)
        .filter(|(came, _)| came.ticket_id() == ticket_id && came.part_of.is_none())
        .collect();
    let before = events.partition_point(|(came, _)| came.at < expected.at);
    let until = events.partition_point(|(came, _)| came.at <= expected.at);
    let last = (until + AROUND_MAX).min(events.len());
    events.truncate(last);
    events.drain(..before.saturating_sub(AROUND_MAX));
    let lines = events.into_iter();
    lines
        .map(|(came, note)| {
            (
                as_written(expected, start, came.at),
                format!("{}{note}", came.line()),
            )
        })
        .collect()
}

/// The failure of a test in which something came that should not have.
fn superfluous(
    kind: FailureKind,
    start: Timestamp,
    place: Place,
    expected: &str,
    events: &[&Came],
) -> Option<Failure> {
    let more = events.len().saturating_sub(SHOWN_MAX);
    let shown = events.iter().take(SHOWN_MAX).map(|came| {
        let ticket = came.ticket_id().map_or("a digest", |id| &**id);
        let line = format!("{}  {}", harmless(ticket), came.line());
        (offset(start, came.at), line)
    });
    (!events.is_empty()).then(|| Failure {
        kind,
        place,
        expected: expected.to_owned(),
        instead: None,
        around: shown.collect(),
        because: (more > 0)
            .then(|| format!("and {more} more"))
            .into_iter()
            .collect(),
    })
}
