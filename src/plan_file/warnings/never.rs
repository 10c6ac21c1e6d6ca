//! What never comes by itself: repeats behind the end of their level, levels that nothing leads to, and
//! clocks that begin where every clock ends.

use escalator_engine::length::Length;
use escalator_engine::moment::{Moment, Moments};
use escalator_engine::plan::{Level, Plan, TimeframeKind};

use crate::plan_file::node::Node;
use crate::plan_file::plans::{Placed, name_place};
use crate::plan_file::problem::Code;
use crate::plan_file::reader::Reader;

/// Warns of what never comes in one plan.
pub(super) fn of_plan(reader: &mut Reader, placed: &Placed<'_>) {
    let Placed { plan, node, .. } = placed;
    // Of several levels in a row the first is told of: what leads there may go on from there.
    let mut is_before_by_hand = false;
    for (number, (level, node)) in plan.path.iter().zip(node.list("path")).enumerate() {
        // At the last level `next_after` does nothing.
        if number + 1 < plan.path.len() {
            late_repeat(reader, level, node);
        }
        let is_by_hand = is_only_by_hand(plan, number);
        if is_by_hand && !is_before_by_hand {
            reader.report(
                Code::UnledLevel,
                name_place(node),
                &format!(
                    "nothing but an escalation by hand leads to level {} `{}`",
                    number + 1,
                    level.name
                ),
                &format!(
                    "give level {number} a `next_after`, or ask for `level: {}` in a mark or a trigger",
                    number + 1
                ),
            );
        }
        is_before_by_hand = is_by_hand;
    }
    for (timeframe, node) in placed.timeframes() {
        if timeframe.kind == TimeframeKind::Custom
            && begins_at_the_end(&timeframe.moments)
            && let Some(start) = node.get("start")
        {
            reader.report(
                Code::IdleClock,
                start.place,
                &format!(
                    "the clock of `{}` never counts, since resolved and closed stop every clock",
                    timeframe.name
                ),
                "start it where a ticket is still open, or add a `reset` that begins its next cycle",
            );
        }
    }
}

/// A level that is left before it is told again: `next_after` and `repeat` begin together, and
/// whatever stops the former stops the latter.
fn late_repeat(reader: &mut Reader, level: &Level, node: &Node) {
    let (Some(repeat), Some(next_after)) = (level.repeat, level.next_after) else {
        return;
    };
    let is_late = match (repeat.every, next_after) {
        (Length::Working(every), Length::Working(next)) => every >= next,
        (Length::Days(every), Length::Days(next)) => {
            every.count() >= next.count() && every.is_at_close() == next.is_at_close()
        }
        (Length::Working(_), Length::Days(_)) | (Length::Days(_), Length::Working(_)) => false,
    };
    let every = node.get("repeat").and_then(|node| node.get("every"));
    if let Some(every) = every.filter(|_| is_late && !level.is_empty()) {
        reader.report(
            Code::LateRepeat,
            every.place,
            &format!(
                "level `{}` is never told again: it is left after {next_after}, and `every` is {}",
                level.name, repeat.every
            ),
            "make `every` shorter than `next_after`, or leave `repeat` out",
        );
    }
}

/// Whether nothing of a plan leads to a level behind the first, where something raises at all: who
/// escalates by hand alone may do so from level to level.
fn is_only_by_hand(plan: &Plan, number: usize) -> bool {
    let Some(before) = number.checked_sub(1).and_then(|at| plan.path.get(at)) else {
        return false;
    };
    let marks = plan.timeframes.iter().flat_map(|it| &it.marks);
    let asked = marks.filter_map(|mark| mark.level);
    let asked = asked.chain(plan.triggers.iter().map(|trigger| trigger.level));
    let asked: Vec<usize> = asked.map(|level| level as usize).collect();
    let level = number + 1;
    let is_last = level == plan.path.len();
    let is_told = asked.contains(&level)
        || (plan.notify_skipped && asked.iter().any(|asked| *asked > level))
        || before.next_after.is_some()
        || before.is_empty()
        || plan.resolution.close_within.is_some() && (is_last || plan.notify_skipped);
    !asked.is_empty() && !is_told
}

/// Whether every moment that begins a cycle stops it as well.
fn begins_at_the_end(moments: &Moments) -> bool {
    let mut begins = moments.start.iter().chain(&moments.reset);
    !moments.start.is_empty()
        && begins.all(|moment| matches!(moment, Moment::Status(category) if category.is_done()))
}
