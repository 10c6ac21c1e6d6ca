//! One decision as a line: when, which ticket, what, which level, why, and who is told how.
//!
//! On a terminal the line fits its width: words are shorter below a hundred columns, and who is told
//! goes to a line of its own when there is no room. Without a terminal it is one line, whole.

use anstyle::{AnsiColor, Style};
use escalator_engine::effect::{CauseKind, EscalatedType};
use escalator_engine::time::Timestamp;

use super::heard::{Decision, Notification};
use crate::offline::harmless;

/// From here on there is room for whole words.
const WIDE_COLUMNS: usize = 100;

/// A narrower terminal is written to as if it had these.
const COLUMNS_MIN: usize = 60;

const DIM: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();

/// Where things go on a line.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The columns of the terminal; none when nobody looks.
    pub columns: Option<usize>,
    /// The length of a ticket's id.
    pub ticket_columns: usize,
}

impl Layout {
    fn is_wide(self) -> bool {
        self.columns.is_none_or(|columns| columns >= WIDE_COLUMNS)
    }

    fn kind_columns(self) -> usize {
        // The longest of the words: `unacknowledged`, `unacked`.
        if self.is_wide() { 14 } else { 7 }
    }

    const fn level_columns() -> usize {
        // The longest of the shipped plan: `3 duty manager`.
        14
    }

    fn lead_columns(self) -> usize {
        let time_columns = "08:00".len();
        let gaps = 4;
        time_columns + self.ticket_columns + self.kind_columns() + Self::level_columns() + gaps
    }
}

/// What the columns hold.
#[must_use]
pub fn header(layout: Layout) -> String {
    let columns = format!(
        "{:5} {:tickets$} {:kinds$} {:levels$} why → who is told/over which channels",
        "time",
        "ticket",
        "what",
        "level",
        tickets = layout.ticket_columns,
        kinds = layout.kind_columns(),
        levels = Layout::level_columns(),
    );
    format!("{DIM}{columns}{DIM:#}\n")
}

/// The line, or the lines, with colours that the printer may strip.
#[must_use]
pub fn line(decision: &Decision, notifications: &[Notification], layout: Layout) -> String {
    let (kind_columns, level_columns) = (layout.kind_columns(), Layout::level_columns());
    let style = style(decision);
    let kind = word(decision.kind, layout.is_wide());
    let level = cut(&level(decision), level_columns);
    let ticket = harmless(&decision.ticket_id);
    let time = time(decision.decided_at());
    let why = why(decision);
    let listeners = if decision.notify_suppressed {
        vec!["nobody, it is too late".to_owned()]
    } else {
        listeners(notifications)
    };
    let rest = if decision.kind == EscalatedType::Warned {
        DIM
    } else {
        PLAIN
    };
    let lead = format!(
        "{DIM}{time}{DIM:#} {rest}{ticket:tickets$}{rest:#} {style}{kind:kind_columns$} {level:level_columns$}{style:#} ",
        tickets = layout.ticket_columns,
    );
    let indent = layout.lead_columns();
    let room = layout
        .columns
        .map(|columns| columns.max(COLUMNS_MIN) - indent);
    let mut text = lead;
    for (number, part) in body(&why, &listeners, room).iter().enumerate() {
        if number > 0 {
            text.push_str(&format!("{:indent$}", ""));
        }
        text.push_str(&format!("{rest}{part}{rest:#}\n"));
    }
    text
}

/// Why and who, in lines that have room for so many columns.
fn body(why: &str, listeners: &[String], room: Option<usize>) -> Vec<String> {
    let Some(room) = room else {
        return vec![joined(why, &listeners.join(", "))];
    };
    let one = joined(why, &listeners.join(", "));
    if length(&one) <= room {
        return vec![one];
    }
    let mut lines = vec![cut(why, room)];
    let mut line = String::from("→ ");
    let mut is_empty = true;
    for listener in listeners {
        let more = if is_empty {
            listener.clone()
        } else {
            format!(", {listener}")
        };
        if !is_empty && length(&line) + length(&more) + 1 > room {
            lines.push(format!("{line},"));
            line = format!("  {listener}");
        } else {
            line.push_str(&more);
        }
        is_empty = false;
    }
    if !is_empty {
        lines.push(line);
    }
    lines.iter().map(|line| cut(line, room)).collect()
}

fn joined(why: &str, listeners: &str) -> String {
    if listeners.is_empty() {
        why.to_owned()
    } else {
        format!("{why} → {listeners}")
    }
}

/// An instant as the clock on a wall shows it.
#[must_use]
pub fn time(at: Timestamp) -> String {
    let minutes = at.as_millis().div_euclid(60_000).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn style(decision: &Decision) -> Style {
    match decision.kind {
        // The upper half of most ladders wakes somebody who can decide.
        EscalatedType::Raised if decision.level >= 3 => AnsiColor::Red.on_default().bold(),
        EscalatedType::Raised => AnsiColor::Red.on_default(),
        EscalatedType::Warned => DIM,
        EscalatedType::Repeated | EscalatedType::Unacknowledged => AnsiColor::Yellow.on_default(),
        EscalatedType::Acknowledged | EscalatedType::Lowered | EscalatedType::Ended => {
            AnsiColor::Green.on_default()
        }
    }
}

const fn word(kind: EscalatedType, is_wide: bool) -> &'static str {
    match kind {
        EscalatedType::Repeated if !is_wide => "again",
        EscalatedType::Acknowledged if !is_wide => "acked",
        EscalatedType::Unacknowledged if !is_wide => "unacked",
        EscalatedType::Warned
        | EscalatedType::Raised
        | EscalatedType::Repeated
        | EscalatedType::Acknowledged
        | EscalatedType::Unacknowledged
        | EscalatedType::Lowered
        | EscalatedType::Ended => kind.name(),
    }
}

fn level(decision: &Decision) -> String {
    match (decision.kind, decision.level, &decision.level_name) {
        (EscalatedType::Ended, _, _) => format!("was {}", decision.previous_level),
        (_, 0, _) => "-".to_owned(),
        (_, level, Some(name)) => format!("{level} {}", harmless(name)),
        (_, level, None) => level.to_string(),
    }
}

/// The cause in plain words.
#[must_use]
pub fn why(decision: &Decision) -> String {
    let name = decision.cause.name.as_deref().unwrap_or_default();
    let words = harmless(name).replace(['_', '-'], " ");
    let mark = decision.cause.mark.as_deref().unwrap_or_default();
    let mark = harmless(mark);
    match decision.cause.kind {
        CauseKind::Timeframe if mark == "100%" => format!("{words} overdue"),
        CauseKind::Timeframe => match mark.chars().next() {
            Some('-') => format!("{words}: {} left", &mark[1..]),
            Some('+') => format!("{words}: {} overdue", &mark[1..]),
            _ => format!("{words} {mark} used"),
        },
        CauseKind::Trigger => format!("trigger {}", harmless(name)),
        CauseKind::Waiting => match name {
            "next_after" => "nobody took care of it".to_owned(),
            "repeat" => format!("reminder {}", decision.ordinal),
            "acknowledgement_lasts" => "the acknowledgement is over".to_owned(),
            _ => format!("{words} is over"),
        },
        CauseKind::Manual => by_hand(decision),
        CauseKind::Resolved => "resolved".to_owned(),
        CauseKind::Closed => "closed".to_owned(),
        CauseKind::NoPlan => "no plan matches".to_owned(),
        CauseKind::LateEvent => "a late event".to_owned(),
    }
}

fn by_hand(decision: &Decision) -> String {
    let actor = decision.actor.as_deref().unwrap_or("somebody");
    match &decision.note {
        Some(note) => format!("{}: {}", harmless(actor), harmless(note)),
        None => format!("by {}", harmless(actor)),
    }
}

/// Who is told, each with all channels.
fn listeners(notifications: &[Notification]) -> Vec<String> {
    let mut listeners: Vec<(&str, String)> = Vec::new();
    for notification in notifications {
        let channel = harmless(&notification.channel);
        match listeners
            .iter_mut()
            .find(|(to, _)| *to == &*notification.to)
        {
            // Told for two purposes at once, over the same channel.
            Some((_, text)) if text.split(['/', '+']).skip(1).any(|it| it == channel) => {}
            Some((_, text)) => text.push_str(&format!("+{channel}")),
            None => {
                let text = format!("{}/{channel}", harmless(&notification.to));
                listeners.push((&notification.to, text));
            }
        }
    }
    listeners.into_iter().map(|(_, text)| text).collect()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The text, cut where there is no more room.
fn cut(text: &str, columns: usize) -> String {
    if length(text) <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests;
