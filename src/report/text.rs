//! A report as a text for people.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use escalator_engine::explain::Seconds;

use super::numbers::percent;
use super::promises::Standing;
use super::{CycleCounts, KindReport, Report, TimeframeReport};
use crate::edits::first_digits;
use crate::offline::{Columns, Side, brief, counted, grouped, harmless};

const BOLD: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default();
const GOOD: Style = AnsiColor::Green.on_default();

/// Rows of a table; whoever wants them all asks for JSON.
pub(super) const ROWS_MAX: usize = 20;

/// The report for people, with colours that the printer may strip.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = Text(String::new());
    // Writing to a string cannot fail.
    let _ = text.headline(report);
    let _ = text.tickets(report);
    let _ = text.promises(report);
    let _ = text.escalations(report);
    let _ = text.months(report);
    let _ = text.notifications(report);
    text.0
}

/// A length for people; a dash where there is none.
pub(super) fn length(seconds: Option<Seconds>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| brief(seconds.into()))
}

/// A number of happenings and of the tickets that they happened to.
pub(super) fn happened(happenings: super::Happenings) -> String {
    let times = counted(happenings.times, "time");
    let tickets = counted(happenings.tickets, "ticket");
    format!("{times} ({tickets})")
}

/// How many cycles are open beyond their limit; none where none is.
pub(super) fn over(cycles: &CycleCounts) -> Option<String> {
    match cycles.open_over {
        0 => None,
        1 => Some("1 open one is over".to_owned()),
        over => Some(format!("{} open ones are over", grouped(over))),
    }
}

/// A rating for people: two decimals.
pub(super) fn rating(mean: f64) -> String {
    format!("{mean:.2}")
}

struct Text(String);

impl Text {
    fn heading(&mut self, heading: &str) -> fmt::Result {
        writeln!(self.0, "\n{BOLD}{heading}{BOLD:#}")
    }

    fn headline(&mut self, it: &Report) -> fmt::Result {
        match (it.from, it.to) {
            (Some(from), Some(to)) => writeln!(self.0, "Report from {from} to {to}")?,
            (_, _) => writeln!(self.0, "Report of no events at all")?,
        }
        let revision = first_digits(&it.plan_revision);
        let plans: Vec<_> = it.plans.iter().map(|plan| harmless(plan)).collect();
        writeln!(self.0, "  plans {}, revision {revision}", plans.join(", "))
    }

    fn tickets(&mut self, it: &Report) -> fmt::Result {
        let tickets = &it.tickets;
        self.heading("Tickets")?;
        writeln!(
            self.0,
            "  {} active: {} created, {} resolved, {} open at the end",
            grouped(tickets.active),
            grouped(tickets.created),
            grouped(tickets.resolved),
            grouped(tickets.open),
        )?;
        let escalated = it.escalations.tickets as u64;
        let share = percent(escalated, tickets.active);
        writeln!(
            self.0,
            "  escalated: {} ({share})",
            counted(escalated, "ticket")
        )?;
        writeln!(self.0, "  reopened: {}", happened(tickets.reopened))?;
        writeln!(self.0, "  reassigned: {}", happened(tickets.reassigned))?;
        let rated = &it.satisfaction;
        match rated.mean {
            Some(mean) => writeln!(
                self.0,
                "  satisfaction: {} on average, {} at 0.3 or less, {}",
                rating(mean),
                percent(rated.low, rated.n as u64),
                counted(rated.n as u64, "rating"),
            ),
            None => writeln!(self.0, "  satisfaction: no ratings"),
        }
    }

    fn promises(&mut self, it: &Report) -> fmt::Result {
        self.heading("Promises")?;
        self.kind("first response", &it.first_response)?;
        self.kind("resolution", &it.resolution)?;
        if it.timeframes.is_empty() {
            return writeln!(self.0, "  the plans have no timeframes");
        }
        writeln!(self.0)?;
        let mut table = Columns::new(&[
            ("timeframe", Side::Left),
            ("priority", Side::Left),
            ("met", Side::Right),
            ("breached", Side::Right),
            ("share", Side::Right),
            ("open", Side::Right),
            ("over", Side::Right),
            ("median", Side::Right),
            ("p90", Side::Right),
        ]);
        for row in &it.timeframes {
            table.add(cells(&row.timeframe, "all", &row.cycles));
            for priority in &row.priorities {
                table.add(cells("", &priority.priority, &priority.cycles));
            }
        }
        write!(self.0, "{table}")?;
        for row in &it.timeframes {
            if row.cycles.without_limit > 0 {
                let cycles = counted(row.cycles.without_limit, "cycle");
                let name = harmless(&row.timeframe);
                writeln!(self.0, "  {name}: {cycles} without a limit, not judged")?;
            }
        }
        for row in &it.timeframes {
            self.goal(row)?;
        }
        writeln!(
            self.0,
            "  Cycles of clocks that ended in this time; open ones at its end are apart. Times are\n  \
             working time by each timeframe's calendar, without pauses; a day is 24 hours of it."
        )
    }

    fn kind(&mut self, name: &str, kind: &KindReport) -> fmt::Result {
        let times = &kind.times;
        if times.n == 0 {
            return writeln!(self.0, "  time to {name}: none ended");
        }
        let (median, p90) = (length(times.median_s), length(times.p90_s));
        let n = counted(times.n as u64, "cycle");
        writeln!(
            self.0,
            "  time to {name}: median {median}, 90% within {p90} ({n})"
        )
    }

    fn goal(&mut self, row: &TimeframeReport) -> fmt::Result {
        let Some(goal) = row.goal else {
            return Ok(());
        };
        let Some(standing) = row.standing() else {
            return Ok(());
        };
        let name = harmless(&row.timeframe);
        let share = percent(row.cycles.met, row.cycles.judged());
        let over = over(&row.cycles).map_or_else(String::new, |over| format!("; {over}"));
        let goal = format!("goal {goal}% of {name}:");
        match standing {
            Standing::Met => writeln!(self.0, "  {GOOD}{goal} met{GOOD:#} ({share}){over}"),
            Standing::MetByEnded => {
                let met = "met by those that ended";
                writeln!(self.0, "  {BAD}{goal} {met}{BAD:#} ({share}){over}")
            }
            Standing::Missed => writeln!(self.0, "  {BAD}{goal} missed{BAD:#} ({share}){over}"),
            Standing::NothingEnded => writeln!(self.0, "  {goal} nothing to judge{over}"),
        }
    }

    fn escalations(&mut self, it: &Report) -> fmt::Result {
        let it = &it.escalations;
        let raised = counted(it.raised, "time");
        let chances = match it.opportunities {
            0 => String::new(),
            n => format!(", {} of them for an opportunity", grouped(n)),
        };
        self.heading(&format!("Escalations: raised {raised}{chances}"))?;
        if it.raised == 0 {
            return Ok(());
        }
        let plans = it.plans.iter().map(|row| (row.plan.to_string(), row.n));
        self.counts("plan", plans, it.raised)?;
        writeln!(self.0)?;
        let levels = it.levels.iter().map(|row| {
            let names = row.names.join(", ");
            (format!("{} {names}", row.level), row.n)
        });
        self.counts("level", levels, it.raised)?;
        writeln!(self.0)?;
        let causes = it.causes.iter().map(|row| {
            let name = row.name.as_deref().unwrap_or_default();
            (format!("{} {name}", row.kind), row.n)
        });
        self.counts("cause", causes, it.raised)
    }

    fn counts(
        &mut self,
        heading: &str,
        rows: impl ExactSizeIterator<Item = (String, u64)>,
        all: u64,
    ) -> fmt::Result {
        let left_out = rows.len().saturating_sub(ROWS_MAX);
        let mut table = Columns::new(&[
            (heading, Side::Left),
            ("n", Side::Right),
            ("share", Side::Right),
        ]);
        for (name, n) in rows.take(ROWS_MAX) {
            table.add([name.trim_end().to_owned(), grouped(n), percent(n, all)]);
        }
        write!(self.0, "{table}")?;
        if left_out > 0 {
            writeln!(self.0, "  and {left_out} more, see --output json")?;
        }
        Ok(())
    }

    fn months(&mut self, it: &Report) -> fmt::Result {
        if it.escalations.months.is_empty() {
            return Ok(());
        }
        self.heading("Raised by month (UTC)")?;
        let levels: Vec<_> = it.escalations.levels.iter().map(|row| row.level).collect();
        let names: Vec<_> = levels
            .iter()
            .map(|level| format!("level {level}"))
            .collect();
        let mut columns = vec![("month", Side::Left), ("n", Side::Right)];
        columns.extend(names.iter().map(|name| (name.as_str(), Side::Right)));
        let mut table = Columns::new(&columns);
        for row in &it.escalations.months {
            let count = |level| grouped(row.levels.get(level).copied().unwrap_or(0));
            let cells = [row.month.clone(), grouped(row.n)];
            table.add(cells.into_iter().chain(levels.iter().map(count)));
        }
        write!(self.0, "{table}")
    }

    fn notifications(&mut self, it: &Report) -> fmt::Result {
        let it = &it.notifications;
        self.heading(&format!("Notifications: {}", grouped(it.n)))?;
        if it.n == 0 {
            return Ok(());
        }
        let targets = it.targets.iter().map(|row| {
            let kind = if row.to == row.to_kind {
                "of the ticket"
            } else {
                &row.to_kind
            };
            (format!("{} ({kind})", row.to), row.n)
        });
        self.counts("target", targets, it.n)
    }
}

fn cells(timeframe: &str, priority: &str, cycles: &CycleCounts) -> [String; 9] {
    [
        timeframe.to_owned(),
        priority.to_owned(),
        grouped(cycles.met),
        grouped(cycles.breached),
        percent(cycles.met, cycles.judged()),
        grouped(cycles.open),
        grouped(cycles.open_over),
        length(cycles.median_s),
        length(cycles.p90_s),
    ]
}
