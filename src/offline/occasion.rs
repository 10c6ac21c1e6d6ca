//! The occasion for which a template is rendered: the last thing that a ticket's people were told.

use std::sync::Arc;

use escalator_engine::effect::{
    Cause, CauseKind, Escalated, EscalatedType, Event, Notify, Purpose,
};
use escalator_engine::fact::TicketFact;
use escalator_engine::plan::Timeframe;
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
        let (simulated, engine) = simulate(rules, facts.iter().cloned(), at);
        let state = engine.ticket(ticket_id)?;
        state.machine.created_at?;
        let is_meant = |notify: &Notify| match purpose {
            Some(purpose) => notify.purpose == purpose,
            None => TEMPLATE_PURPOSES.contains(&notify.purpose),
        };
        let events = || simulated.events.iter().map(|emitted| &emitted.event);
        let last = events().rev().find_map(|event| match event {
            Event::Notify(notify) => is_meant(notify).then_some(&**notify),
            Event::Escalated(_) => None,
        });
        let told = last.and_then(|notify| {
            let event = events().find_map(|event| match event {
                Event::Escalated(event) => {
                    (notify.escalation_event_id.as_ref() == Some(&event.id)).then_some(&**event)
                }
                Event::Notify(_) => None,
            })?;
            // How the ticket stood when they were told: what came later is not in what they read.
            let (_, engine) = simulate(rules, facts.iter().cloned(), notify.fired_at);
            Some(as_told(notify, event, rules, &engine.ticket(ticket_id)?))
        });
        Some(match told {
            Some(variables) => Self {
                variables,
                is_sample: false,
            },
            None => Self {
                variables: as_it_stands(ticket_id, &state, at, purpose),
                is_sample: true,
            },
        })
    }
}

/// The values of a notification, of the event that it names, and of the ticket at that instant.
fn as_told(notify: &Notify, event: &Escalated, rules: &Rules, state: &TicketState) -> Variables {
    let of_event = Variables {
        ticket_id: event.ticket_id.clone(),
        ticket: Arc::clone(&event.ticket),
        plan: notify.plan.clone(),
        level: notify.level,
        level_name: level_name(notify, event, rules),
        purpose: notify.purpose,
        cause: event.cause.clone(),
        actor: event.actor.clone(),
        note: event.note.clone(),
        due_at: notify.due_at,
        deadline: deadline(event, rules, state),
        // On a virtual clock an event is fired at the instant of its decision.
        now: notify.fired_at,
    };
    // The first update comes of what began the escalation; the others name it, and come of waiting.
    if notify.purpose != Purpose::CustomerUpdate || notify.fired_at == event.fired_at {
        return of_event;
    }
    Variables {
        ticket: Arc::clone(&state.machine.ticket),
        cause: Cause::waiting("communication"),
        deadline: None,
        actor: None,
        note: None,
        ..of_event
    }
}

/// The name of the level that a notification is about, which need not be the one of the event.
fn level_name(notify: &Notify, event: &Escalated, rules: &Rules) -> Option<Text> {
    let of_event = match event.kind {
        EscalatedType::Ended => event.previous_level,
        EscalatedType::Warned
        | EscalatedType::Raised
        | EscalatedType::Repeated
        | EscalatedType::Acknowledged
        | EscalatedType::Unacknowledged
        | EscalatedType::Lowered => event.level,
    };
    if of_event == notify.level {
        return event.level_name.clone();
    }
    let index = (notify.level as usize).checked_sub(1)?;
    let plan = rules.latest().plan(&notify.plan)?;
    plan.path.get(index).map(|level| level.name.clone())
}

/// When the time of the timeframe is over whose mark an event is about.
fn deadline(event: &Escalated, rules: &Rules, state: &TicketState) -> Option<Timestamp> {
    if event.cause.kind != CauseKind::Timeframe {
        return None;
    }
    let machine = &state.machine;
    let (_, plan) = rules.resolve(machine.plan.as_ref()?)?;
    let is_meant = |timeframe: &&Timeframe| event.cause.name.as_ref() == Some(&timeframe.name);
    let timeframe = plan.timeframes.iter().find(is_meant)?;
    let clock = machine
        .clocks
        .iter()
        .find(|clock| clock.timeframe == timeframe.name)?;
    clock.deadline(timeframe, &machine.ticket)
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
        deadline: Some(at),
        now: at,
        ..sample
    }
}
