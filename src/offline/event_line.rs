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
        write!(
            f,
            "{}  {}  {colour}{}{colour:#} ({}): {}",
            event.fired_at,
            harmless(&event.ticket_id),
            what(event),
            harmless(&event.plan),
            why(event),
        )?;
        self.listeners(f)
    }
}

impl Told<'_> {
    fn listeners(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.event.notify_suppressed {
            return f.write_str("; nobody told, it is too late");
        }
        let mut before: Option<&Notify> = None;
        for emitted in self.notifications {
            let Event::Notify(notify) = &emitted.event else {
                continue;
            };
            let is_same =
                |before: &Notify| before.to == notify.to && before.to_kind == notify.to_kind;
            match before {
                Some(before) if is_same(before) => write!(f, "+{}", harmless(&notify.channel))?,
                Some(_) => write!(f, ", {}", listener(notify))?,
                None => write!(f, "; told {}", listener(notify))?,
            }
            before = Some(notify);
        }
        Ok(())
    }
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
