//! One test on the virtual clock: what came out until its end, and what would come next.

use std::collections::HashMap;
use std::sync::Arc;

use escalator_engine::effect::{Event, Notify};
use escalator_engine::emission::{Emission, Emitted};
use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde_json::Value as Json;

use super::suite::Case;
use crate::offline::{harmless, sentence};
use crate::plan_file::ExpectedKind;

/// Events that are read beyond the end: enough to show where a missed one went.
const LATER_MAX: usize = 20;

/// How long after the end nothing need be looked for any more: five years, longer than any promise.
const LATER_MS_MAX: i64 = 5 * 366 * 86_400_000;

/// Wake-ups beyond the end that need not bring anything about; a ticket has a few dozen marks.
const LATER_STEPS_MAX: usize = 100_000;

/// Purposes that tell on an account of their own, not as part of the event that they go with: a
/// communication plan's, and what was gathered over many events.
const APART: [&str; 2] = ["customer_update", "digest"];

/// One event out.
#[derive(Clone, Debug)]
pub struct Came {
    /// When it was fired.
    pub at: Timestamp,
    /// The event.
    pub event: Event,
    /// Its fields as its topic carries them.
    pub value: Json,
    /// Who was told by an `escalated` event.
    pub told: Vec<Notify>,
    /// The `escalated` event that a `notify` event is part of.
    pub part_of: Option<usize>,
}

impl Came {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ExpectedKind {
        match &self.event {
            Event::Escalated(event) => ExpectedKind::Escalated(event.kind),
            Event::Notify(_) => ExpectedKind::Notify,
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn ticket_id(&self) -> Option<&Text> {
        match &self.event {
            Event::Escalated(event) => Some(&event.ticket_id),
            Event::Notify(event) => event.ticket_id.as_ref(),
        }
    }

    /// What it says, in one line without time and ticket.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.event {
            Event::Escalated(event) => sentence(event, &self.told),
            Event::Notify(event) => format!(
                "notify {}/{} ({}): {}",
                harmless(&event.to),
                harmless(&event.channel),
                event.purpose.name(),
                harmless(&event.subject),
            ),
        }
    }
}

/// What a test brought about.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where the clock stopped.
    pub end: Timestamp,
    /// What came out until then, in firing order.
    pub came: Vec<Came>,
    /// What would come after the end if nothing more happened, as far as it was looked at.
    pub later: Vec<Came>,
    /// The plans that a ticket was under at the end, for those that emit nothing.
    pub plans: Vec<Text>,
}

/// Runs a test.
#[must_use]
pub fn run(case: &Case, rules: &Arc<Rules>) -> Outcome {
    let end = case.test.end();
    let (simulated, mut engine) = simulate(rules, case.facts.iter().cloned(), end);
    let plans = engine.tickets();
    let plans = plans.filter_map(|(_, state)| Some(state.machine.plan?.name));
    Outcome {
        end,
        plans: plans.collect(),
        came: came(simulated.events),
        later: came(later(&mut engine, end)),
    }
}

/// Goes on without further facts, to the first few events that come out.
fn later(engine: &mut Engine, end: Timestamp) -> Vec<Emitted> {
    let emission = Emission::on_virtual_clock();
    let last = end.plus_millis(LATER_MS_MAX);
    let mut events = Vec::new();
    for _ in 0..LATER_STEPS_MAX {
        let Some(wake) = engine.next_wake().filter(|wake| *wake <= last) else {
            break;
        };
        events.extend(engine.advance(wake, usize::MAX, &emission).events);
        engine.commit();
        if events.len() >= LATER_MAX {
            break;
        }
    }
    events
}

fn came(events: Vec<Emitted>) -> Vec<Came> {
    let mut list: Vec<Came> = Vec::with_capacity(events.len());
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for Emitted { at, event, .. } in events {
        let mut part_of = None;
        let value = match &event {
            Event::Escalated(escalated) => {
                by_id.insert(escalated.id.clone(), list.len());
                serde_json::to_value(escalated)
            }
            Event::Notify(notify) => {
                let id = notify.escalation_event_id.as_ref();
                let is_apart = APART.contains(&notify.purpose.name());
                part_of = id
                    .and_then(|id| by_id.get(id))
                    .filter(|_| !is_apart)
                    .copied();
                if let Some(index) = part_of {
                    list[index].told.push((**notify).clone());
                }
                serde_json::to_value(notify)
            }
        };
        list.push(Came {
            at,
            // A value of plain fields always has a JSON form.
            value: value.unwrap_or_default(),
            event,
            told: Vec::new(),
            part_of,
        });
    }
    list
}
