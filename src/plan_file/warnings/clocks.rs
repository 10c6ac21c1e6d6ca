//! Clocks that never count, and marks that ask for nothing new.

use escalator_engine::length::Length;
use escalator_engine::moment::Pause;
use escalator_engine::plan::{Mark, MarkAt, OnReopen, Timeframe, TimeframeKind};
use escalator_engine::status::StatusCategory;

use crate::plan_file::node::{Entry, Node};
use crate::plan_file::plans::Placed;
use crate::plan_file::problem::{Code, Problem};
use crate::plan_file::reader::Reader;

/// Warns of the clocks of one plan.
pub(super) fn of_plan(reader: &mut Reader, placed: &Placed<'_>) {
    for (timeframe, node) in placed.timeframes() {
        standing(reader, timeframe, node);
        reopening(reader, timeframe, node);
        empty(
            reader,
            node.entry("start"),
            "without a moment the clock never runs",
        );
        if let Some(marks) = node.get("marks") {
            for mark in marks
                .items()
                .iter()
                .filter(|mark| mark.get("level").is_none())
            {
                empty(
                    reader,
                    mark.entry("warn"),
                    "without a target the mark does nothing",
                );
            }
            spent(reader, timeframe, marks.items());
        }
    }
}

/// A clock that pauses in every category in which it runs.
fn standing(reader: &mut Reader, timeframe: &Timeframe, node: &Node) {
    let Pause::In(pause) = &timeframe.pause else {
        return;
    };
    let mut running = StatusCategory::ALL.into_iter().filter(|category| {
        let runs = match timeframe.kind {
            TimeframeKind::Vendor => *category == StatusCategory::WaitingVendor,
            TimeframeKind::FirstResponse
            | TimeframeKind::NextResponse
            | TimeframeKind::Update
            | TimeframeKind::Resolution
            | TimeframeKind::Custom => !category.is_done(),
        };
        runs && !pause.contains(*category)
    });
    if running.next().is_none()
        && let Some(entry) = node.entry("pause")
    {
        reader.report(
            Code::StandingClock,
            entry.node.place,
            &format!(
                "the clock of `{}` never counts, since it pauses wherever it would run",
                timeframe.name
            ),
            "leave the categories out in which its time should count",
        );
    }
}

/// `on_reopen` of a clock that resolving does not merely interrupt.
fn reopening(reader: &mut Reader, timeframe: &Timeframe, node: &Node) {
    let is_for_it = match timeframe.kind {
        TimeframeKind::FirstResponse | TimeframeKind::Update | TimeframeKind::Resolution => true,
        TimeframeKind::NextResponse | TimeframeKind::Vendor | TimeframeKind::Custom => false,
    };
    if let Some(entry) = node.entry("on_reopen")
        && !is_for_it
        && timeframe.on_reopen != OnReopen::default()
    {
        reader.report(
            Code::KeyWithoutEffect,
            entry.place,
            &format!(
                "`on_reopen` has no effect on a clock of kind `{}`",
                timeframe.kind.name()
            ),
            "leave it out: it is for `first_response`, `update` and `resolution`, and others begin by their own moments",
        );
    }
}

/// A list that has to have something in it.
fn empty(reader: &mut Reader, entry: Option<&Entry>, message: &str) {
    if let Some(entry) = entry.filter(|entry| entry.node.is_empty_list()) {
        reader.report(
            Code::KeyWithoutEffect,
            entry.place,
            message,
            &format!(
                "write what belongs into `{}`, or leave the whole out",
                entry.key
            ),
        );
    }
}

/// Marks that ask for nothing but a level that an earlier one has asked for.
fn spent(reader: &mut Reader, timeframe: &Timeframe, nodes: &[Node]) {
    let place = |number: usize| nodes.get(number)?.get("at").map(|node| node.place);
    let lengths = timeframe.within.extremes();
    for (number, mark) in timeframe.marks.iter().enumerate() {
        let Some(level) = mark.level.filter(|_| mark.warn.is_empty()) else {
            continue;
        };
        let mut others = timeframe.marks.iter().enumerate();
        let earlier = others.find(|(_, other)| {
            other.level.is_some_and(|other| other >= level)
                && is_always_earlier(other, mark, &lengths)
        });
        let Some((first, earlier)) = earlier else {
            continue;
        };
        let (Some(here), Some(there)) = (place(number), place(first)) else {
            continue;
        };
        reader.push(
            Problem::new(
                Code::SpentMark,
                here,
                &format!(
                    "the mark `{}` asks for level {level} only, and `{}` before it for level {} already",
                    mark.text,
                    earlier.text,
                    earlier.level.unwrap_or(level)
                ),
                "ask for a higher level, warn somebody, or leave it out",
            )
            .with_other(there, "the earlier mark"),
        );
    }
}

/// Whether one mark comes before another whatever length the timeframe has.
fn is_always_earlier(a: &Mark, b: &Mark, lengths: &[Length]) -> bool {
    lengths.iter().all(|length| match length {
        Length::Working(working) => match (a.at.threshold(*working), b.at.threshold(*working)) {
            (Some(a), Some(b)) => a < b,
            (None, _) | (_, None) => is_earlier(a.at, b.at),
        },
        Length::Days(_) => is_earlier(a.at, b.at),
    })
}

/// Whether one mark comes before another on every day.
fn is_earlier(a: MarkAt, b: MarkAt) -> bool {
    match (a, b) {
        (MarkAt::Share(a), MarkAt::Share(b)) => a < b,
        (MarkAt::Offset(a), MarkAt::Offset(b)) => a < b,
        (MarkAt::After(a), MarkAt::After(b)) => a.count() < b.count(),
        (MarkAt::Before(a), MarkAt::Before(b)) => a.count() > b.count(),
        (a, b) => side(a) < side(b),
    }
}

/// Before the breach, the breach, or after it.
fn side(at: MarkAt) -> i8 {
    match at {
        _ if at.is_breach() => 0,
        MarkAt::Share(millionths) if millionths < 1_000_000 => -1,
        MarkAt::Offset(offset) if offset.as_millis() < 0 => -1,
        MarkAt::Before(_) => -1,
        MarkAt::Share(_) | MarkAt::Offset(_) | MarkAt::After(_) => 1,
    }
}
