//! A difference as a text for people: what changed, from the totals down to single tickets.

use std::cmp::Reverse;
use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use escalator_engine::time::{Duration, Timestamp};

use super::difference::{
    Change, Count, Difference, HourCount, LevelCount, TargetCount, TicketDifference, TicketState,
};
use super::week::DAYS;
use crate::edits::first_digits;
use crate::offline::{Columns, Side, brief, counted, grouped, harmless, shortened, signed};

const BOLD: Style = Style::new().bold();
const MORE: Style = AnsiColor::Red.on_default();
const FEWER: Style = AnsiColor::Green.on_default();

/// Rows of a table; whoever wants them all asks for JSON.
const ROWS_MAX: usize = 20;

/// Hours that are told one by one under the table of the week.
const HOURS_SHOWN: usize = 3;

/// Characters of a ticket's id; the ids of ticketing systems have about ten.
const ID_WIDTH_MAX: usize = 24;

/// What a text says besides the difference itself.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Where the old plans come from.
    pub old: &'a str,
    /// Where the new plans come from.
    pub new: &'a str,
    /// How many tickets of each change are named.
    pub tickets_max: usize,
}

/// The difference for people, with colours that the printer may strip.
#[must_use]
pub fn text(difference: &Difference, shown: Shown<'_>) -> String {
    let mut text = Text(String::new());
    // Writing to a string cannot fail.
    let _ = text.headline(difference, shown);
    if difference.differs {
        let _ = text.totals(difference);
        let _ = text.levels(&difference.levels);
        let _ = text.targets(&difference.targets);
        let _ = text.week(&difference.hours);
        let _ = text.tickets(difference, shown.tickets_max);
    } else {
        let _ = text.no_difference(difference);
    }
    text.0
}

struct Text(String);

impl Text {
    fn headline(&mut self, it: &Difference, shown: Shown<'_>) -> fmt::Result {
        let facts = counted(it.read.facts, "fact");
        let tickets = counted(it.read.tickets as u64, "ticket");
        write!(self.0, "{facts} of {tickets}")?;
        if let Some(until) = it.read.until {
            write!(self.0, " up to {until}")?;
        }
        writeln!(self.0)?;
        let (old, new) = (&it.plan_revision.old, &it.plan_revision.new);
        let sets = [("old", shown.old, old), ("new", shown.new, new)];
        for (word, path, id) in sets {
            let path = harmless(path);
            writeln!(self.0, "  {word}  {path}, revision {}", first_digits(id))?;
        }
        Ok(())
    }

    fn no_difference(&mut self, it: &Difference) -> fmt::Result {
        let fired = counted(it.fired.old, "event");
        writeln!(self.0, "\nno difference: both fire the same {fired}")
    }

    fn heading(&mut self, heading: &str) -> fmt::Result {
        writeln!(self.0, "\n{BOLD}{heading}{BOLD:#}")
    }

    fn totals(&mut self, it: &Difference) -> fmt::Result {
        self.heading("What fires")?;
        let mut table = Columns::new(&[
            ("", Side::Left),
            ("old", Side::Right),
            ("new", Side::Right),
            ("change", Side::Right),
        ]);
        for row in &it.types {
            table.add(cells(row.kind, row.count));
        }
        if it.types.len() > 1 {
            table.add(cells("all", it.fired));
        }
        write!(self.0, "{table}")
    }

    fn levels(&mut self, all: &[LevelCount]) -> fmt::Result {
        self.heading("Raised, by plan and level")?;
        let (rows, unchanged) = most_changed(all, |row| row.count);
        let mut table = Columns::new(&[
            ("plan", Side::Left),
            ("level", Side::Left),
            ("old", Side::Right),
            ("new", Side::Right),
            ("change", Side::Right),
        ]);
        for row in &rows {
            let name = row.level_name.as_deref().unwrap_or_default();
            let level = format!("{} {name}", row.level);
            let [_, old, new, change] = cells("", row.count);
            table.add([row.plan.to_string(), level, old, new, change]);
        }
        self.rows(&table, all.len() - rows.len() - unchanged, unchanged)
    }

    fn targets(&mut self, all: &[TargetCount]) -> fmt::Result {
        self.heading("Notifications, by target")?;
        let (rows, unchanged) = most_changed(all, |row| row.count);
        let mut table = Columns::new(&[
            ("target", Side::Left),
            ("kind", Side::Left),
            ("old", Side::Right),
            ("new", Side::Right),
            ("change", Side::Right),
        ]);
        for row in &rows {
            let [_, old, new, change] = cells("", row.count);
            table.add([
                row.to.to_string(),
                row.to_kind.to_string(),
                old,
                new,
                change,
            ]);
        }
        self.rows(&table, all.len() - rows.len() - unchanged, unchanged)
    }

    fn rows(&mut self, table: &Columns, left_out: usize, unchanged: usize) -> fmt::Result {
        if !table.is_empty() {
            write!(self.0, "{table}")?;
        }
        if left_out > 0 {
            writeln!(self.0, "  and {left_out} more, see --output json")?;
        }
        match (table.is_empty(), unchanged) {
            (true, _) => writeln!(self.0, "  no change"),
            (false, 0) => Ok(()),
            (false, unchanged) => writeln!(self.0, "  {unchanged} without change"),
        }
    }

    /// The change of every hour of the week in three characters, so that a week is seven lines of
    /// 78 characters; in four where some have two digits, so that they stand apart.
    fn week(&mut self, hours: &[HourCount]) -> fmt::Result {
        let difference =
            |row: &HourCount| row.count.new.cast_signed() - row.count.old.cast_signed();
        let largest = hours.iter().map(|row| difference(row).unsigned_abs()).max();
        let (scale, unit) = scale(largest.unwrap_or(0));
        self.heading(&format!("Change by hour of the week (UTC){unit}"))?;
        if largest.unwrap_or(0) == 0 {
            return writeln!(self.0, "  no change");
        }
        let is_wide = (largest.unwrap_or(0).cast_signed() + scale / 2) / scale > 9;
        let width = if is_wide { 4 } else { 3 };
        let heads: Vec<_> = (0..24).map(|hour| format!("{hour:>width$}")).collect();
        writeln!(self.0, "      {}", heads.concat())?;
        for day in DAYS {
            write!(self.0, "  {day} ")?;
            for hour in 0..24 {
                let row = hours.iter().find(|row| row.day == day && row.hour == hour);
                let change = row.map_or(0, difference);
                let rounded = (change.abs() + scale / 2) / scale;
                match change {
                    0 => write!(self.0, "{:>width$}", "·")?,
                    1.. => write!(self.0, "{MORE}{:>width$}{MORE:#}", format!("+{rounded}"))?,
                    _ => write!(self.0, "{FEWER}{:>width$}{FEWER:#}", format!("-{rounded}"))?,
                }
            }
            writeln!(self.0)?;
        }
        let (rows, _) = most_changed(hours, |row| row.count);
        let most = rows.iter().take(HOURS_SHOWN).map(|row| {
            let (old, new) = (row.count.old, row.count.new);
            let (day, hour) = (row.day, row.hour);
            format!("{day} {hour:02}:00 {} → {}", grouped(old), grouped(new))
        });
        writeln!(self.0, "  most: {}", most.collect::<Vec<_>>().join(", "))
    }

    fn tickets(&mut self, it: &Difference, tickets_max: usize) -> fmt::Result {
        let heading = format!("Tickets: {} differ", grouped(it.tickets.len() as u64));
        self.heading(&heading)?;
        for change in Change::ALL {
            let mut tickets: Vec<_> = it
                .tickets
                .iter()
                .filter(|ticket| ticket.changes.contains(&change))
                .collect();
            if tickets.is_empty() {
                continue;
            }
            let count = grouped(tickets.len() as u64);
            writeln!(
                self.0,
                "  {}: {count}{}",
                title(change),
                shifts(change, &tickets)
            )?;
            tickets.sort_by_key(|ticket| Reverse(weight(change, ticket)));
            for ticket in tickets.iter().take(tickets_max) {
                let id = harmless(&ticket.ticket_id);
                let id = shortened(&id, ID_WIDTH_MAX);
                writeln!(self.0, "    {id}{}", line(change, ticket))?;
            }
            let left_out = tickets.len().saturating_sub(tickets_max);
            if left_out > 0 && tickets_max > 0 {
                writeln!(self.0, "    and {} more", grouped(left_out as u64))?;
            }
        }
        Ok(())
    }
}

fn cells(name: &str, count: Count) -> [String; 4] {
    [
        name.to_owned(),
        grouped(count.old),
        grouped(count.new),
        signed(count.old, count.new),
    ]
}

/// The rows that changed, most of all first, and how many did not change at all.
fn most_changed<T>(all: &[T], count: impl Fn(&T) -> Count) -> (Vec<&T>, usize) {
    let mut changed: Vec<_> = all.iter().filter(|row| !count(row).is_same()).collect();
    let unchanged = all.len() - changed.len();
    changed.sort_by_key(|row| Reverse(count(row).old.abs_diff(count(row).new)));
    changed.truncate(ROWS_MAX);
    (changed, unchanged)
}

/// How many events one in the table stands for, so that two digits are enough.
fn scale(largest: u64) -> (i64, String) {
    let mut scale = 1;
    while (largest + scale / 2) / scale > 99 {
        scale *= 10;
    }
    let unit = if scale == 1 {
        String::new()
    } else {
        format!(", in units of {}", grouped(scale))
    };
    (scale.cast_signed(), unit)
}

const fn title(change: Change) -> &'static str {
    match change {
        Change::NewlySilent => "newly silent (escalated before, not now)",
        Change::NewlyLoud => "newly loud (escalated now, not before)",
        Change::HighestLevel => "another highest level",
        Change::FirstRaise => "first raised at another time",
        Change::Other => "other differences only (warnings, repeats, who is told, when)",
        Change::Words => "other words only",
    }
}

/// In which direction the tickets of a change moved.
fn shifts(change: Change, tickets: &[&TicketDifference]) -> String {
    let moved = |by: &dyn Fn(&TicketState, &TicketState) -> bool| {
        let pairs = tickets
            .iter()
            .filter_map(|it| it.old.as_ref().zip(it.new.as_ref()));
        grouped(pairs.filter(|(old, new)| by(old, new)).count() as u64)
    };
    match change {
        Change::HighestLevel => {
            let higher = moved(&|old, new| new.highest_level > old.highest_level);
            let lower = moved(&|old, new| new.highest_level < old.highest_level);
            format!(" ({higher} higher, {lower} lower)")
        }
        Change::FirstRaise => {
            let earlier = moved(&|old, new| new.first_raised_at < old.first_raised_at);
            let later = moved(&|old, new| new.first_raised_at > old.first_raised_at);
            format!(" ({earlier} earlier, {later} later)")
        }
        Change::NewlySilent | Change::NewlyLoud | Change::Other | Change::Words => String::new(),
    }
}

/// How much a ticket is worth seeing: high levels and long shifts come first.
fn weight(change: Change, ticket: &TicketDifference) -> u64 {
    let level = |state: &Option<TicketState>| state.as_ref().map_or(0, |it| it.highest_level);
    match (change, &ticket.old, &ticket.new) {
        (Change::FirstRaise, Some(old), Some(new)) => {
            let shift_ms = new.first_raised_at.millis_since(old.first_raised_at);
            shift_ms.unsigned_abs()
        }
        (Change::HighestLevel, old, new) => level(old).abs_diff(level(new)).into(),
        (_, old, new) => level(old).max(level(new)).into(),
    }
}

fn line(change: Change, ticket: &TicketDifference) -> String {
    let raised = |state: &TicketState| {
        let plan = harmless(&state.plan);
        let level = state.highest_level;
        format!(": level {level} since {} ({plan})", state.first_raised_at)
    };
    match (change, &ticket.old, &ticket.new) {
        (Change::NewlySilent, Some(old), _) => raised(old),
        (Change::NewlyLoud, _, Some(new)) => raised(new),
        (Change::HighestLevel, Some(old), Some(new)) => {
            format!(": level {} → {}", old.highest_level, new.highest_level)
        }
        (Change::FirstRaise, Some(old), Some(new)) => {
            let (old, new) = (old.first_raised_at, new.first_raised_at);
            format!(": {old} → {new}, {}", shift(old, new))
        }
        (_, _, _) => String::new(),
    }
}

fn shift(old: Timestamp, new: Timestamp) -> String {
    let ms = new.millis_since(old);
    let word = if ms < 0 { "earlier" } else { "later" };
    format!(
        "{} {word}",
        brief(Duration::from_millis(ms.saturating_abs()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_with_two_digits_stand_apart() {
        let row = |hour, old, new| HourCount {
            day: "mon",
            hour,
            count: Count { old, new },
        };
        let week = |rows: &[HourCount]| {
            let mut text = Text(String::new());
            text.week(rows).unwrap();
            anstream::adapter::strip_str(&text.0).to_string()
        };
        let printed = week(&[row(0, 80, 0), row(1, 0, 43), row(2, 21, 0)]);
        assert!(printed.contains("  mon  -80 +43 -21   ·"), "{printed}");
        let printed = week(&[row(0, 1, 0)]);
        assert!(printed.contains("  mon  -1  ·  ·"), "{printed}");
    }
}
