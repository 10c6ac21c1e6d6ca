//! The occasion for which a template is rendered: the last thing that a ticket's people were told.

use std::sync::Arc;

use escalator_engine::effect::{Escalated, EscalatedType, Event, Purpose};
use escalator_engine::fact::TicketFact;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::template::Variables;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::Timestamp;

/// Purposes whose notifications can have a template.
pub const TEMPLATE_PURPOSES: [Purpose; 5] = [
    Purpose::Warning,
    Purpose::Level,
    Purpose::Repeat,
    Purpose::CustomerUpdate,
    Purpose::PostMortem,
];

/// The values of a template's variables, and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Occasion {
    /// The values.
    pub variables: Variables,
    /// Whether level, reason and instants are a sample, because nothing of the kind was decided.
    pub is_sample: bool,
}

impl Occasion {
    /// A ticket to look at.
    #[must_use]
    pub fn sample(purpose: Option<Purpose>) -> Self {
        let sample = Variables::sample();
        Self {
            variables: Variables {
                purpose: purpose.unwrap_or(sample.purpose),
                ..sample
            },
            is_sample: true,
        }
    }

    /// What a recorded ticket's people were told last up to an instant, or were told last for one
    /// purpose; where that is nothing, the ticket as it stands. None when nothing is known of the
    /// ticket by then.
    #[must_use]
    pub fn recorded(
        ticket_id: &Text,
        facts: Vec<TicketFact>,
        at: Timestamp,
        purpose: Option<Purpose>,
        rules: &Arc<Rules>,
    ) -> Option<Self> {
        let (simulated, engine) = simulate(rules, facts, at);
        let state = engine.ticket(ticket_id)?;
        state.machine.created_at?;
        let decided = simulated.events.iter().rev();
        let last = decided
            .filter_map(|emitted| match &emitted.event {
                Event::Escalated(event) => Some(event),
                Event::Notify(_) => None,
            })
            .find_map(|event| {
                let told = purpose_of(event.kind, purpose)?;
                purpose.is_none_or(|it| it == told).then_some((event, told))
            });
        Some(match last {
            Some((event, purpose)) => Self {
                variables: of_event(event, purpose),
                is_sample: false,
            },
            None => Self {
                variables: as_it_stands(ticket_id, &state, at, purpose),
                is_sample: true,
            },
        })
    }
}

/// Why an event's people are told, where what they read can come from a template. With some events
/// others are told, too, if that is asked for.
const fn purpose_of(kind: EscalatedType, asked: Option<Purpose>) -> Option<Purpose> {
    match (kind, asked) {
        (EscalatedType::Raised, Some(Purpose::CustomerUpdate)) => asked,
        (EscalatedType::Ended, Some(Purpose::PostMortem)) => asked,
        (EscalatedType::Warned, _) => Some(Purpose::Warning),
        (EscalatedType::Raised, _) => Some(Purpose::Level),
        (EscalatedType::Repeated | EscalatedType::Unacknowledged, _) => Some(Purpose::Repeat),
        (EscalatedType::Acknowledged | EscalatedType::Lowered | EscalatedType::Ended, _) => None,
    }
}

fn of_event(event: &Escalated, purpose: Purpose) -> Variables {
    Variables {
        ticket_id: event.ticket_id.clone(),
        ticket: Arc::clone(&event.ticket),
        plan: event.plan.clone(),
        level: if event.kind == EscalatedType::Ended {
            event.previous_level
        } else {
            event.level
        },
        level_name: event.level_name.clone(),
        purpose,
        cause: event.cause.clone(),
        actor: event.actor.clone(),
        note: event.note.clone(),
        due_at: event.due_at,
        // On a virtual clock an event is fired at the instant of its decision.
        now: event.fired_at,
    }
}

fn as_it_stands(
    ticket_id: &Text,
    state: &TicketState,
    at: Timestamp,
    purpose: Option<Purpose>,
) -> Variables {
    let sample = Occasion::sample(purpose).variables;
    let plan = state.machine.plan.as_ref().map(|plan| plan.name.clone());
    Variables {
        ticket_id: ticket_id.clone(),
        ticket: Arc::clone(&state.machine.ticket),
        plan: plan.unwrap_or_else(|| sample.plan.clone()),
        due_at: at,
        now: at,
        ..sample
    }
}
