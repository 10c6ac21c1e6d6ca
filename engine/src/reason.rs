//! Decisions in words: for the history, for `explain` and for the built-in messages.

use crate::decision::Decision;
use crate::effect::{Cause, CauseKind, EscalatedType};
use crate::time::Timestamp;

/// What a decision did.
#[must_use]
pub fn outcome(decision: &Decision) -> String {
    let level = || match &decision.level_name {
        Some(name) => format!("level {} ({name})", decision.level),
        None => format!("level {}", decision.level),
    };
    if decision.update.is_some() {
        return "told how it stands".to_owned();
    }
    match decision.kind {
        EscalatedType::Warned => "warned".to_owned(),
        EscalatedType::Raised => format!("raised to {}", level()),
        EscalatedType::Repeated => format!("told {} again", level()),
        EscalatedType::Acknowledged => format!("acknowledged at {}", level()),
        EscalatedType::Unacknowledged => format!("no longer acknowledged at {}", level()),
        EscalatedType::Lowered => format!("lowered to {}", level()),
        EscalatedType::Ended => format!("escalation ended (was level {})", decision.previous_level),
    }
}

/// Why it was decided.
#[must_use]
pub fn because(cause: &Cause, due_at: Timestamp, actor: Option<&str>) -> String {
    let name = cause.name.as_deref().unwrap_or_default();
    match cause.kind {
        CauseKind::Timeframe => {
            let mark = cause.mark.as_deref().unwrap_or_default();
            let reached = if let Some(before) = mark.strip_prefix('-') {
                format!("was {before} before its deadline")
            } else if let Some(past) = mark.strip_prefix('+') {
                format!("was {past} past its deadline")
            } else {
                format!("reached {mark} of its time")
            };
            match cause.cycle {
                Some(cycle) if cycle > 1 => format!("{name} {reached} at {due_at} (cycle {cycle})"),
                Some(_) | None => format!("{name} {reached} at {due_at}"),
            }
        }
        CauseKind::Trigger => format!("trigger {name} holds"),
        CauseKind::Waiting => match name {
            "next_after" => "nobody took care of the level in time".to_owned(),
            "repeat" => "the level still waits for somebody".to_owned(),
            "acknowledgement_lasts" => "the acknowledgement has lasted its time".to_owned(),
            "close_within" => "the escalation has not come to its end in time".to_owned(),
            "communication" => "it is time to tell again".to_owned(),
            other => format!("{other} is over"),
        },
        CauseKind::Manual => match actor {
            Some(actor) => format!("by hand, by {actor}"),
            None => "by hand".to_owned(),
        },
        CauseKind::Resolved => "the ticket is resolved".to_owned(),
        CauseKind::Closed => "the ticket is closed".to_owned(),
        CauseKind::NoPlan => "no plan matches the ticket any more".to_owned(),
        CauseKind::LateEvent => {
            "an event arrived late and changed what had been decided".to_owned()
        }
    }
}
