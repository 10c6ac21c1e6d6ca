//! Which promises of the day were kept: what `explain` says of every ticket's clocks at its end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use escalator_engine::engine::Engine;
use escalator_engine::explain::explain;
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Serialize;

/// Promises of one timeframe to tickets of one priority. A clock that runs again and again counts
/// by its latest cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Stopped in time.
    pub met: u64,
    /// Over, whether stopped by now or not.
    pub breached: u64,
    /// Still running, in time so far.
    pub open: u64,
}

/// Promises by timeframe and priority.
pub type Promises = BTreeMap<String, BTreeMap<String, Kept>>;

/// Reads the clocks of all tickets at an instant, at which they stand as `tickets` has them.
pub(super) fn promises(
    facts: &[TicketFact],
    at: Timestamp,
    rules: &Rules,
    tickets: &Engine,
) -> Promises {
    let mut by_ticket: HashMap<&Text, Vec<Arc<Fact>>> = HashMap::new();
    for fact in facts {
        let kept = by_ticket.entry(&fact.ticket_id).or_default();
        kept.push(Arc::clone(&fact.fact));
    }
    let mut promises = Promises::new();
    for (ticket_id, facts) in by_ticket {
        let Some(explanation) = explain(ticket_id, &facts, at, rules) else {
            continue;
        };
        let ticket = tickets.ticket(ticket_id);
        let priority = ticket.and_then(|ticket| ticket.machine.ticket.priority.clone());
        let priority = priority.as_deref().unwrap_or("none");
        for clock in explanation.clocks {
            // A clock that never started promises nothing.
            if clock.started_at.is_none() || clock.within_s.is_none() {
                continue;
            }
            let of = promises.entry(clock.timeframe.to_string()).or_default();
            let kept = of.entry(priority.to_owned()).or_default();
            if clock.breached {
                kept.breached += 1;
            } else if clock.stopped_at.is_some() {
                kept.met += 1;
            } else {
                kept.open += 1;
            }
        }
    }
    promises
}
