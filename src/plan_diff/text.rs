//! A preview in words: the sum of it, then a line for each ticket that differs.

use std::fmt::Write as _;

use escalator_engine::explain::Next;

use super::{Change, Counts, Firing, Preview};
use crate::edits::first_digits;
use crate::offline::{counted, harmless};

/// A preview for people, with so many tickets at most; `table` lines up its columns.
#[must_use]
pub fn text(
    preview: &Preview,
    tickets_max: usize,
    table: impl Fn(&[[String; 6]]) -> String,
) -> String {
    let Preview {
        at,
        old,
        new,
        running,
        ..
    } = preview;
    let (old, new) = (first_digits(old), first_digits(new));
    let Some(at) = at else {
        return format!("from {old} to {new}: there are no events\n");
    };
    let mut out = format!(
        "from {old} to {new} at {at}: {}\n",
        counted(*running as u64, "running ticket")
    );
    if !preview.differs {
        out.push_str("no difference\n");
        return out;
    }
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}\n", sum(preview.counts));
    let head = [
        "ticket",
        "plan",
        "level",
        "next before",
        "next after",
        "fires at once",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(preview.tickets.iter().take(tickets_max).map(row));
    out.push_str(&table(&rows));
    let left_out = preview.tickets.len().saturating_sub(tickets_max);
    if left_out > 0 {
        let _ = writeln!(out, "… and {left_out} more; --tickets shows them");
    }
    out
}

fn sum(counts: Counts) -> String {
    let parts = [
        (counts.fires_now, "fire something at once"),
        (counts.earlier, "have something earlier to come"),
        (counts.later, "have something later to come, or nothing"),
        (counts.other_plan, "change their plan"),
        (counts.other_level, "change their level"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let changed = format!("{} differ", counts.changed);
    if parts.is_empty() {
        changed
    } else {
        format!("{changed}: {}", parts.join(", "))
    }
}

fn row(change: &Change) -> [String; 6] {
    let plan = |plan: &Option<_>| {
        plan.as_deref()
            .map_or_else(|| "none".to_owned(), |name| harmless(name).to_string())
    };
    let (old, new) = (plan(&change.old_plan), plan(&change.new_plan));
    let fires: Vec<String> = change.fires_now.iter().map(firing).collect();
    [
        harmless(&change.ticket_id).to_string(),
        if old == new {
            format!("{new} ({})", change.in_flight)
        } else {
            format!("{old} → {new}")
        },
        if change.old_level == change.new_level {
            change.new_level.to_string()
        } else {
            format!("{} → {}", change.old_level, change.new_level)
        },
        next(change.old_next.as_ref()),
        next(change.new_next.as_ref()),
        fires.join(", "),
    ]
}

fn next(next: Option<&Next>) -> String {
    next.map_or_else(
        || "nothing".to_owned(),
        |next| format!("{} {}", next.at, harmless(&next.what)),
    )
}

fn firing(firing: &Firing) -> String {
    let name = firing.name.as_deref().unwrap_or(firing.cause);
    let mark = firing.mark.as_deref().unwrap_or_default();
    let kind = firing.kind;
    let level = if firing.moves_level {
        format!(" to {}", firing.level)
    } else {
        String::new()
    };
    let what = format!("{kind}{level}: {name} {mark}");
    format!("{} (due {})", harmless(what.trim_end()), firing.due_at)
}
