//! A virtual clock over recorded facts: what would have been decided, and when.

use std::sync::Arc;

use crate::emission::{Emission, Emitted};
use crate::engine::Engine;
use crate::fact::TicketFact;
use crate::machine::Counts;
use crate::rules::Rules;
use crate::time::Timestamp;

/// What a simulation brought about.
#[derive(Debug, Default)]
pub struct Simulated {
    /// Events out, in firing order.
    pub events: Vec<Emitted>,
    /// How many facts were read up to the end.
    pub facts: u64,
    /// How many of them changed nothing.
    pub duplicates: u64,
    /// What was ignored or cut.
    pub counts: Counts,
}

/// Reads facts in any order and decides as live reading would have until the end: the facts at
/// that instant, then what is due at it. Returns the tickets, too.
pub fn simulate(
    rules: &Arc<Rules>,
    facts: impl IntoIterator<Item = TicketFact>,
    until: Timestamp,
) -> (Simulated, Engine) {
    let mut engine = Engine::new(Arc::clone(rules));
    let mut simulated = Simulated::default();
    for fact in facts {
        if fact.fact.occurred_at > until {
            continue;
        }
        simulated.facts += 1;
        let acceptance = engine.apply(fact);
        simulated.duplicates += u64::from(acceptance == crate::ticket_state::Acceptance::Duplicate);
    }
    let advanced = engine.advance(
        until.plus_millis(1),
        usize::MAX,
        &Emission::on_virtual_clock(),
    );
    engine.commit();
    simulated.events = advanced.events;
    simulated.counts = advanced.counts;
    (simulated, engine)
}
