//! Events out in one line each: instant, ticket, what, why, and who was told.

use std::fmt::{self, Write as _};

use anstyle::AnsiColor;
use escalator_engine::effect::{CauseKind, Escalated, EscalatedType, Event, Notify};
use escalator_engine::emission::Emitted;

use super::words::harmless;

/// An `escalated` event with the notifications that tell of it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    event: &'a Escalated,
    notifications: &'a [Emitted],
}

/// Groups events out: each decision with its notifications, which follow it.
pub fn told(mut events: &[Emitted]) -> impl Iterator<Item = Told<'_>> {
    let is_notification = |emitted: &&Emitted| matches!(emitted.event, Event::Notify(_));
    std::iter::from_fn(move || {
        while let Some((first, rest)) = events.split_first() {
            let count = rest.iter().take_while(is_notification).count();
            let (notifications, rest) = rest.split_at(count);
            events = rest;
            if let Event::Escalated(event) = &first.event {
                return Some(Told {
                    event,
                    notifications,
                });
            }
        }
        None
    })
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.event;
        let notifications = self.notifications.iter();
        let notifications = notifications.filter_map(|emitted| match &emitted.event {
            Event::Notify(notify) => Some(&**notify),
            Event::Escalated(_) => None,
        });
        write!(
            f,
            "{}  {}  {}",
            event.fired_at,
            harmless(&event.ticket_id),
            sentence(event, notifications),
        )
    }
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
    let mut before: Option<&Notify> = None;
    for notify in notifications {
        let is_same = |before: &Notify| before.to == notify.to && before.to_kind == notify.to_kind;
        // Writing to a string cannot fail.
        let _ = match before {
            Some(before) if is_same(before) => write!(out, "+{}", harmless(&notify.channel)),
            Some(_) => write!(out, ", {}", listener(notify)),
            None => write!(out, "; told {}", listener(notify)),
        };
        before = Some(notify);
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
