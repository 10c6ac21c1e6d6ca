//! Levels that nobody hears of, waits that lead nowhere, and keys that do nothing where they stand.

use escalator_engine::calendar::Calendar;
use escalator_engine::length::Length;
use escalator_engine::plan::{Level, Plan};
use escalator_engine::time::Duration;

use crate::plan_file::node::Node;
use crate::plan_file::plans::{Placed, name_place};
use crate::plan_file::problem::{Code, Problem};
use crate::plan_file::reader::Reader;

/// Warns of the ladder of one plan.
pub(super) fn of_plan(reader: &mut Reader, placed: &Placed<'_>) {
    let Placed { plan, node, .. } = placed;
    without_path(reader, plan, node);
    for (number, (level, node)) in plan.path.iter().zip(node.list("path")).enumerate() {
        of_level(reader, plan, number, level, node);
    }
    for (trigger, node) in plan.triggers.iter().zip(node.list("triggers")) {
        if trigger.hold.is_none() {
            idle(
                reader,
                node,
                "calendar",
                "on a trigger that waits for nothing",
                "give the trigger a time `for` which it has to hold, or leave it out",
            );
        }
    }
    if let Some(resolution) = node.get("resolution") {
        if plan.resolution.close_within.is_none() {
            idle(
                reader,
                resolution,
                "calendar",
                "without `close_within`",
                "leave it out",
            );
        }
        slow(reader, plan, resolution, node);
    }
}

/// Notes a key that does nothing at its place.
fn idle(reader: &mut Reader, node: &Node, key: &str, place: &str, remedy: &str) {
    if let Some(entry) = node.entry(key) {
        let message = format!("`{key}` has no effect {place}");
        reader.report(Code::KeyWithoutEffect, entry.place, &message, remedy);
    }
}

/// What is about escalations, in a plan that has none.
fn without_path(reader: &mut Reader, plan: &Plan, node: &Node) {
    const REMEDY: &str = "add a `path` whose levels marks and triggers ask for, or leave it out";
    if plan.path.is_empty() {
        for key in ["communication", "resolution", "acknowledgement_lasts"] {
            idle(reader, node, key, "in a plan without levels", REMEDY);
        }
    }
    if plan.path.len() < 2 && plan.notify_skipped {
        let place = "in a plan that has no level to jump over";
        idle(reader, node, "notify_skipped", place, "leave it out");
    }
}

fn of_level(reader: &mut Reader, plan: &Plan, number: usize, level: &Level, node: &Node) {
    let is_last = number + 1 == plan.path.len();
    if level.is_empty() {
        // A ladder of one step may be there to keep the customer informed.
        if !(plan.communication.is_some() && plan.path.len() == 1) {
            empty(reader, number, is_last, level, node);
        }
        return;
    }
    if is_last {
        let remedy = "add a level to go to, or leave it out";
        idle(reader, node, "next_after", "at the last level", remedy);
    }
    if level.next_after.is_none() {
        let remedy = "give the level a `next_after`, which is what it is about, or leave it out";
        idle(reader, node, "unless", "without `next_after`", remedy);
    }
    let waits = level.next_after.is_some() || level.repeat.is_some();
    if !waits && plan.acknowledgement_lasts.is_none() {
        for key in ["calendar", "pause"] {
            idle(
                reader,
                node,
                key,
                "on a level that waits for nothing",
                "give the level a `next_after` or a `repeat`, or leave it out",
            );
        }
    }
}

fn empty(reader: &mut Reader, number: usize, is_last: bool, level: &Level, node: &Node) {
    let what = format!("level {} `{}` tells nobody", number + 1, level.name);
    let message = if is_last {
        format!("{what} and assigns nothing, and it is the last one")
    } else {
        format!("{what} and assigns nothing, so that it is left at once for the next")
    };
    reader.report(
        Code::EmptyLevel,
        name_place(node),
        &message,
        "add `notify: [TARGET]` or `assign: { queue: NAME }`, or remove the level",
    );
}

/// `close_within` that cuts off a ladder which nobody has stopped.
fn slow(reader: &mut Reader, plan: &Plan, resolution: &Node, node: &Node) {
    let (Some(limit), Some(path)) = (resolution.entry("close_within"), node.entry("path")) else {
        return;
    };
    let Some(Length::Working(close_within)) = plan.resolution.close_within else {
        return;
    };
    let Some((first, climb)) = climb(plan) else {
        return;
    };
    if climb <= close_within {
        return;
    }
    reader.push(
        Problem::new(
            Code::SlowLadder,
            limit.node.place,
            &format!(
                "`close_within` raises to the last level after {close_within}, but from level {first} on the path takes {climb} to get there"
            ),
            "give it more time than the path, or make the path's `next_after` shorter",
        )
        .with_other(path.place, "the path"),
    );
}

/// The lowest level that a mark or a trigger asks for, and how long the path takes at least from
/// there to the last level; none when it does not lead there by itself, or by calendars that cannot
/// be compared.
fn climb(plan: &Plan) -> Option<(u32, Duration)> {
    let marks = plan.timeframes.iter().flat_map(|it| &it.marks);
    let asked = marks.filter_map(|mark| mark.level);
    let asked = asked.chain(plan.triggers.iter().map(|trigger| trigger.level));
    let first = asked.min()?;
    let (_, steps) = plan.path.split_last()?;
    let mut total_ms = 0_i64;
    for level in steps.iter().skip(first.saturating_sub(1) as usize) {
        if level.is_empty() {
            continue;
        }
        let Length::Working(wait) = level.next_after? else {
            return None;
        };
        // Working time never takes less than the same time around the clock.
        let is_comparable = plan.resolution.calendar == Calendar::Always
            || plan.resolution.calendar == level.calendar;
        if !is_comparable {
            return None;
        }
        total_ms = total_ms.saturating_add(wait.as_millis());
    }
    Some((first, Duration::from_millis(total_ms)))
}
