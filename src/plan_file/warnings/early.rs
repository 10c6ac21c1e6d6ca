//! Marks that are reached when their clock starts.
//!
//! How many hours a working day has is a matter of the day, so that what is told here is what holds on
//! every day of a calendar: by the least, and by the most, that can lie between a time of day and the
//! same time on the next open day.

use escalator_engine::calendar::{AtClose, Calendar, CalendarRule, Hours};
use escalator_engine::length::{Length, WorkingDays};
use escalator_engine::plan::{MarkAt, Within};
use escalator_engine::ticket::Text;

use crate::plan_file::plans::Placed;
use crate::plan_file::problem::Code;
use crate::plan_file::reader::Reader;

/// Kinds of days of a calendar, each of which is compared with each: seven of the week and some others.
const DAYS_MAX: usize = 12;

/// Warns of the marks of one plan.
pub(super) fn of_plan(reader: &mut Reader, placed: &Placed<'_>) {
    for (timeframe, node) in placed.timeframes() {
        let Some(day) = Day::of(&timeframe.calendar) else {
            continue;
        };
        for (mark, node) in timeframe.marks.iter().zip(node.list("marks")) {
            let rows = rows(&timeframe.within);
            let mut early = rows
                .iter()
                .filter(|(_, length)| day.is_early(mark.at, *length));
            if let (Some((row, length)), Some(at)) = (early.next(), node.get("at")) {
                let row = row.map_or_else(String::new, |row| format!(", as for `{row}`"));
                reader.report(
                    Code::EarlyMark,
                    at.place,
                    &format!(
                        "the mark `{}` is reached at the start already when `within` is {length}{row}",
                        mark.text
                    ),
                    "write a share of `within`, as in 80%, or make the offset smaller",
                );
            }
        }
    }
}

/// The rows of a matrix with their values.
fn rows(within: &Within) -> Vec<(Option<&Text>, Length)> {
    match within {
        Within::Fixed(length) => vec![(None, *length)],
        Within::By {
            values, default, ..
        } => {
            let values = values.iter().map(|(value, length)| (Some(value), *length));
            values.chain(default.map(|length| (None, length))).collect()
        }
    }
}

/// What a working day of a calendar has in working time, in milliseconds.
struct Day {
    least_ms: i64,
    most_ms: i64,
    at_close: AtClose,
}

impl Day {
    /// None for a calendar with too many kinds of days.
    fn of(calendar: &Calendar) -> Option<Self> {
        match calendar {
            Calendar::Always => Some(Self {
                least_ms: 86_400_000,
                most_ms: 86_400_000,
                at_close: AtClose::Stay,
            }),
            Calendar::Business(business) => Self::by(business.rule()),
        }
    }

    fn by(rule: &CalendarRule) -> Option<Self> {
        let days = rule.week.iter().chain(rule.exceptions.values());
        let mut days: Vec<&[Hours]> = days
            .map(Vec::as_slice)
            .filter(|hours| !hours.is_empty())
            .collect();
        days.sort_unstable();
        days.dedup();
        if days.len() > DAYS_MAX {
            return None;
        }
        // From one time of day to the next changes in a straight line between openings and closings.
        let pairs = days.iter().flat_map(|a| days.iter().map(move |b| (*a, *b)));
        let working = pairs.flat_map(|(a, b)| {
            let edges = a
                .iter()
                .chain(b)
                .flat_map(|it| [it.opens_s(), it.closes_s()]);
            edges.map(move |at_s| after(a, at_s) + before(b, at_s))
        });
        let working: Vec<u32> = working.collect();
        Some(Self {
            least_ms: i64::from(*working.iter().min()?) * 1_000,
            most_ms: i64::from(*working.iter().max()?) * 1_000,
            at_close: rule.at_close,
        })
    }

    /// Whether a mark lies at or before the start of every clock of this length.
    fn is_early(&self, at: MarkAt, length: Length) -> bool {
        let count = |days: WorkingDays| i64::from(days.count());
        match (at, length) {
            (MarkAt::Before(before), Length::Days(days)) => {
                let is_same_time = !before.is_at_close() && !days.is_at_close();
                before.count() > days.count() || (before.count() == days.count() && is_same_time)
            }
            (MarkAt::Before(before), Length::Working(working)) => {
                // The closing time of the day of the start may lie after it.
                let whole = count(before) - i64::from(before.is_at_close());
                let enough_ms = whole.saturating_mul(self.least_ms);
                match self.at_close {
                    AtClose::Stay => working.as_millis() <= enough_ms,
                    AtClose::NextOpen => working.as_millis() < enough_ms,
                }
            }
            (MarkAt::Offset(offset), Length::Days(days)) => {
                let whole = count(days) + i64::from(days.is_at_close());
                -offset.as_millis() >= whole.saturating_mul(self.most_ms)
            }
            (MarkAt::Offset(_), Length::Working(_)) | (MarkAt::Share(_) | MarkAt::After(_), _) => {
                false
            }
        }
    }
}

/// Seconds that are open from a time of day on.
fn after(hours: &[Hours], at_s: u32) -> u32 {
    let open = hours.iter();
    open.map(|it| it.closes_s().saturating_sub(it.opens_s().max(at_s)))
        .sum()
}

/// Seconds that are open up to a time of day.
fn before(hours: &[Hours], at_s: u32) -> u32 {
    let open = hours.iter();
    open.map(|it| it.closes_s().min(at_s).saturating_sub(it.opens_s()))
        .sum()
}
