//! Who was told about the open escalation, and who hears of its lowering and of its end.

use serde::Serialize;

use crate::decision::{Decision, Listener, Telling};
use crate::effect::{EscalatedType, Purpose};
use crate::plan::RecipientField;

/// Of more who were told of one escalation, those who were told first are forgotten, and hear of no
/// end. Such as these have a name of at most 256 bytes, so that a state stays below 1 MiB; a plan
/// that tells hundreds names a group, and a field of a ticket that changes says who has it now.
const TOLD_MAX: usize = 512;

/// Somebody who was told about the open escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Who.
    #[serde(flatten)]
    pub listener: Listener,
    /// The highest level they were told of and not told lower since; 0 when they are kept informed
    /// only.
    pub level: u32,
}

/// Who is told of a decision: for endings and lowerings exactly those who were told before, and
/// after an ending those who look back at it.
pub(super) fn tellings(decision: &Decision, told: &[Told]) -> Vec<Telling> {
    match decision.kind {
        EscalatedType::Ended => {
            let level = decision.previous_level;
            let over = told.iter().map(|it| again(it, Purpose::Ended, level));
            over.chain(decision.tellings.iter().cloned()).collect()
        }
        EscalatedType::Lowered => {
            let above = told.iter().filter(|told| told.level > decision.level);
            above
                .map(|it| again(it, Purpose::Lowered, decision.level))
                .collect()
        }
        EscalatedType::Warned
        | EscalatedType::Raised
        | EscalatedType::Repeated
        | EscalatedType::Acknowledged
        | EscalatedType::Unacknowledged => decision.tellings.clone(),
    }
}

fn again(told: &Told, purpose: Purpose, level: u32) -> Telling {
    Telling {
        purpose,
        level,
        listener: told.listener.clone(),
        // An entry's template is of the entry's purpose, not of how it ends.
        template: None,
        // Whatever else they were told of: that may have been withheld for being late, and what is
        // read must not tell when it was sent.
        is_customer: *told.listener.kind == *RecipientField::Requester.name(),
    }
}

/// Remembers who is told of a decision.
pub(super) fn remember(decision: &Decision, tellings: &[Telling], told: &mut Vec<Told>) {
    match decision.kind {
        EscalatedType::Lowered => {
            for told in told {
                told.level = told.level.min(decision.level);
            }
        }
        EscalatedType::Raised
        | EscalatedType::Repeated
        | EscalatedType::Acknowledged
        | EscalatedType::Unacknowledged => {
            for telling in tellings {
                let level = if telling.is_customer {
                    0
                } else {
                    telling.level
                };
                match told
                    .iter_mut()
                    .find(|told| told.listener == telling.listener)
                {
                    Some(known) => known.level = known.level.max(level),
                    None => told.push(Told {
                        listener: telling.listener.clone(),
                        level,
                    }),
                }
            }
            told.drain(..told.len().saturating_sub(TOLD_MAX));
        }
        // Those only warned do not count as told; an ending leaves nobody to tell.
        EscalatedType::Warned | EscalatedType::Ended => {}
    }
}
