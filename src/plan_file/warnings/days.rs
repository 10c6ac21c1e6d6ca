//! Working days of a calendar that has no other days: they are days around the clock.

use escalator_engine::calendar::Calendar;
use escalator_engine::length::Length;
use escalator_engine::plan::{Mark, MarkAt};

use crate::plan_file::node::{Node, Value};
use crate::plan_file::plans::Placed;
use crate::plan_file::problem::Code;
use crate::plan_file::reader::Reader;
use crate::plan_file::scope::Scope;

/// Warns of lengths in working days that go by `always`.
pub(super) fn of_plan(reader: &mut Reader, scope: &Scope, placed: &Placed<'_>) {
    let Placed { plan, node, .. } = placed;
    let of_plan = node.get("calendar").and_then(text);
    let own = of_plan.filter(|name| scope.is_business(name));
    let meant = own.or_else(|| scope.business_name()).unwrap_or("NAME");
    timeframes(reader, placed, meant);
    let mut wait = |calendar: &Calendar, node: Option<&Node>, place: &str| {
        if let Some(node) = node.filter(|node| *calendar == Calendar::Always && is_days(node)) {
            let why = match own {
                Some(own) => format!("waits do not take the plan's calendar `{own}`"),
                None => "without a calendar every day is a working day".to_owned(),
            };
            report(reader, node, &why, &format!("`calendar: {meant}` {place}"));
        }
    };
    for (trigger, node) in plan.triggers.iter().zip(node.list("triggers")) {
        wait(&trigger.calendar, node.get("for"), "to the trigger");
    }
    for (level, node) in plan.path.iter().zip(node.list("path")) {
        let every = node.get("repeat").and_then(|node| node.get("every"));
        wait(&level.calendar, every, "to the level");
        wait(&level.calendar, node.get("next_after"), "to the level");
    }
    let levels = || plan.path.iter().map(|level| &level.calendar);
    if !plan.path.is_empty() && levels().all(|calendar| *calendar == Calendar::Always) {
        let lasts = node.get("acknowledgement_lasts");
        wait(&Calendar::Always, lasts, "to the levels");
    }
    if let (Some(communication), Some(node)) = (&plan.communication, node.get("communication")) {
        wait(
            &communication.calendar,
            node.get("every"),
            "to `communication`",
        );
    }
    if let Some(node) = node.get("resolution") {
        let close_within = node.get("close_within");
        wait(&plan.resolution.calendar, close_within, "to `resolution`");
    }
}

/// One warning a timeframe: a calendar puts all of its lengths right.
fn timeframes(reader: &mut Reader, placed: &Placed<'_>, meant: &str) {
    for (timeframe, node) in placed.timeframes() {
        if timeframe.calendar != Calendar::Always {
            continue;
        }
        let within = node.get("within").and_then(|within| match &within.value {
            Value::Map(rows) => rows.iter().map(|row| &row.node).find(|node| is_days(node)),
            Value::Null | Value::Scalar(_) | Value::List(_) => {
                Some(within).filter(|node| is_days(node))
            }
        });
        let mut marks = timeframe.marks.iter().zip(node.list("marks"));
        let mark = || {
            let (_, node) = marks.find(|(mark, _)| counts_days(mark))?;
            node.get("at")
        };
        if let Some(place) = within.or_else(mark) {
            report(
                reader,
                place,
                &format!("the clock of `{}` goes by `always`", timeframe.name),
                &format!("`calendar: {meant}` to the timeframe or its plan"),
            );
        }
    }
}

fn report(reader: &mut Reader, node: &Node, why: &str, calendar: &str) {
    let Some(text) = text(node) else {
        return;
    };
    let days = text.trim().replace("@close", "").replace("wd", "d");
    reader.report(
        Code::EverydayWorking,
        node.place,
        &format!("`{text}` counts every day of the week here: {why}"),
        &format!("add {calendar}, or write `{days}`"),
    );
}

/// Whether a value is a length in working days.
fn is_days(node: &Node) -> bool {
    text(node).is_some_and(|text| matches!(Length::parse(text), Ok(Length::Days(_))))
}

fn counts_days(mark: &Mark) -> bool {
    matches!(mark.at, MarkAt::After(_) | MarkAt::Before(_))
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(text) => Some(text),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
