//! Events out in one line each: instant, ticket, what, why, and who was told.

use std::fmt::{self, Write as _};

use anstyle::AnsiColor;
use escalator_engine::effect::{CauseKind, Escalated, EscalatedType, Event, Notify, Purpose};
use escalator_engine::emission::{Emitted, Held};

use super::words::harmless;

/// One line of events out: an `escalated` event with the notifications that tell of it, or
/// notifications that stand for themselves, as updates for customers do.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    first: &'a Emitted,
    others: &'a [Emitted],
}

/// Groups events out: each with the notifications behind it that belong to it.
pub fn told(mut events: &[Emitted]) -> impl Iterator<Item = Told<'_>> {
    std::iter::from_fn(move || {
        let (first, rest) = events.split_first()?;
        let belongs = |other: &&Emitted| belongs(&first.event, &other.event);
        let (others, rest) = rest.split_at(rest.iter().take_while(belongs).count());
        events = rest;
        Some(Told { first, others })
    })
}

fn belongs(first: &Event, other: &Event) -> bool {
    match (first, other) {
        (_, Event::Escalated(_)) => false,
        (Event::Escalated(event), Event::Notify(notify)) => {
            notify.escalation_event_id.as_ref() == Some(&event.id)
                && notify.purpose != Purpose::CustomerUpdate
        }
        (Event::Notify(first), Event::Notify(notify)) => {
            let of = |it: &Notify| (it.escalation_event_id.clone(), it.purpose, it.due_at);
            first.purpose == Purpose::CustomerUpdate && of(first) == of(notify)
        }
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.others.iter();
        let others = others.filter_map(|emitted| match &emitted.event {
            Event::Notify(notify) => Some(&**notify),
            Event::Escalated(_) => None,
        });
        match &self.first.event {
            Event::Escalated(event) => write!(
                f,
                "{}  {}  {}{}",
                event.fired_at,
                harmless(&event.ticket_id),
                sentence(event, others),
                held(&self.first.held),
            ),
            Event::Notify(notify) => {
                let what = alone(notify);
                let listeners = listeners(std::iter::once(&**notify).chain(others));
                let ticket_id = notify
                    .ticket_id
                    .as_deref()
                    .map_or_else(|| "-".into(), harmless);
                write!(f, "{}  {ticket_id}  {what}{listeners}", notify.fired_at)
            }
        }
    }
}

/// What a notification says that stands for itself.
fn alone(notify: &Notify) -> String {
    let what = match notify.purpose {
        Purpose::CustomerUpdate => "update on how it stands",
        Purpose::Warning
        | Purpose::Level
        | Purpose::Repeat
        | Purpose::Lowered
        | Purpose::Ended
        | Purpose::PostMortem
        | Purpose::Digest => notify.purpose.name(),
    };
    let mut out = what.to_owned();
    // Writing to a string cannot fail, here and below.
    let _ = if notify.items.is_empty() {
        write!(out, " ({})", harmless(&notify.plan))
    } else {
        write!(out, " of {}", notify.items.len())
    };
    if notify.due_at != notify.fired_at {
        let _ = write!(out, ": due {}", notify.due_at);
    }
    out
}

/// What an event says, why, and who was told: its line without instant and ticket.
#[must_use]
pub fn sentence<'a>(
    event: &Escalated,
    notifications: impl IntoIterator<Item = &'a Notify>,
) -> String {
    let colour = match event.kind {
        EscalatedType::Raised => AnsiColor::Red,
        EscalatedType::Warned | EscalatedType::Repeated | EscalatedType::Unacknowledged => {
            AnsiColor::Yellow
        }
        EscalatedType::Acknowledged | EscalatedType::Lowered | EscalatedType::Ended => {
            AnsiColor::Green
        }
    };
    let colour = colour.on_default();
    let mut out = format!(
        "{colour}{}{colour:#} ({}): {}",
        what(event),
        harmless(&event.plan),
        why(event),
    );
    if event.notify_suppressed {
        out.push_str("; nobody told, it is too late");
        return out;
    }
    out.push_str(&listeners(notifications));
    out
}

/// Who was told.
fn listeners<'a>(notifications: impl IntoIterator<Item = &'a Notify>) -> String {
    let mut out = String::new();
    let mut before: Option<&Notify> = None;
    for notify in notifications {
        let is_same = |before: &Notify| before.to == notify.to && before.to_kind == notify.to_kind;
        let looks_back = |notify: &Notify| notify.purpose == Purpose::PostMortem;
        let is_first_back = looks_back(notify) && !before.is_some_and(looks_back);
        // Writing to a string cannot fail.
        let _ = match before {
            _ if is_first_back => write!(out, "; asked to look back {}", listener(notify)),
            Some(before) if is_same(before) => write!(out, "+{}", harmless(&notify.channel)),
            Some(_) => write!(out, ", {}", listener(notify)),
            None => write!(out, "; told {}", listener(notify)),
        };
        before = Some(notify);
    }
    out
}

/// Who is told in a digest only.
fn held(held: &[Held]) -> String {
    let mut out = String::new();
    let mut before: Option<&Held> = None;
    for it in held {
        let (to, channel) = (harmless(&it.to), harmless(&it.channel));
        let is_same = |before: &Held| before.to == it.to && before.until == it.until;
        // Writing to a string cannot fail.
        let _ = match before {
            Some(before) if is_same(before) => write!(out, "+{channel}"),
            Some(_) | None => write!(out, "; in the digest at {} {to}/{channel}", it.until),
        };
        before = Some(it);
    }
    out
}

fn listener(notify: &Notify) -> String {
    format!("{}/{}", harmless(&notify.to), harmless(&notify.channel))
}

fn what(event: &Escalated) -> String {
    let level = || match &event.level_name {
        Some(name) => format!("{} {}", event.level, harmless(name)),
        None => event.level.to_string(),
    };
    match event.kind {
        EscalatedType::Warned => "warned".to_owned(),
        EscalatedType::Raised | EscalatedType::Lowered => {
            let verb = event.kind.name();
            format!("{verb} {} → {}", event.previous_level, level())
        }
        EscalatedType::Repeated => format!("told again, level {}", level()),
        EscalatedType::Acknowledged => format!("acknowledged, level {}", level()),
        EscalatedType::Unacknowledged => format!("no longer acknowledged, level {}", level()),
        EscalatedType::Ended => format!("ended, was level {}", event.previous_level),
    }
}

fn why(event: &Escalated) -> String {
    let name = event.cause.name.as_deref().unwrap_or_default();
    let name = harmless(name);
    let mut out = match event.cause.kind {
        CauseKind::Timeframe => {
            let mark = event.cause.mark.as_deref().unwrap_or_default();
            format!("{name} {mark}")
        }
        CauseKind::Trigger => format!("trigger {name}"),
        CauseKind::Waiting if event.kind == EscalatedType::Repeated => {
            format!("{name} {}", event.ordinal)
        }
        CauseKind::Waiting => name.into_owned(),
        CauseKind::Manual => "by hand".to_owned(),
        CauseKind::Resolved => "resolved".to_owned(),
        CauseKind::Closed => "closed".to_owned(),
        CauseKind::NoPlan => "no plan matches".to_owned(),
        CauseKind::LateEvent => "a late event".to_owned(),
    };
    // Writing to a string cannot fail, here and below.
    if let Some(cycle) = event.cause.cycle.filter(|cycle| *cycle > 1) {
        let _ = write!(out, ", cycle {cycle}");
    }
    if let Some(actor) = &event.actor {
        let _ = write!(out, ", {}", harmless(actor));
    }
    if let Some(note) = &event.note {
        let _ = write!(out, ", “{}”", harmless(note));
    }
    if event.due_at != event.fired_at {
        let _ = write!(out, ", due {}", event.due_at);
    }
    out
}
