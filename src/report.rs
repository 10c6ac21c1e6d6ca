//! A report for people who answer for a service: which promises were kept, what escalated, who was
//! told, judged by the goals of the plans.
//!
//! Recorded events are read twice. Once they are simulated, and what fires is counted as it comes
//! (`escalations`). Then the facts of each ticket are read on their own, because a clock may have
//! many cycles and the state of a ticket keeps only the latest (`promises`, `tickets`). Nothing
//! is decided here, and every number says whether it counts events, cycles or tickets.
//!
//! A report is a value ([`Report`]): as JSON it is the object whose fields are described in
//! `docs/backtest-and-report.md`, [`text()`] tells it on a terminal, and `page` makes a page of it
//! that needs nothing but itself.

mod escalations;
mod numbers;
pub mod page;
pub mod period;
mod promises;
#[cfg(test)]
mod tests;
mod text;
mod tickets;

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::cycles::cycles;
use escalator_engine::emission::Emitted;
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::plan::TimeframeKind;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation};
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use self::escalations::Escalations;
use self::promises::Promises;
use self::tickets::{Life, Tickets};
use crate::plan_file::PlanSet;

pub use escalations::{
    CauseCount, EscalationReport, LevelCount, MonthCount, NotificationReport, PlanCount,
    TargetCount,
};
pub use numbers::{Bin, Times, distribution, percent, share};
pub use period::Period;
pub use promises::{CycleCounts, KindReport, PriorityReport, TimeframeReport};
pub use text::text;
pub use tickets::{Happenings, SatisfactionReport, TicketReport};

/// What happened in a period.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct Report {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub plan_revision: Text,
    pub plans: Vec<Text>,
    pub facts: u64,
    pub tickets: TicketReport,
    pub first_response: KindReport,
    pub resolution: KindReport,
    pub timeframes: Vec<TimeframeReport>,
    pub escalations: EscalationReport,
    pub notifications: NotificationReport,
    pub satisfaction: SatisfactionReport,
}

/// The time that is asked for; where it is left open, the events decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The first instant.
    pub from: Option<Timestamp>,
    /// The last instant.
    pub to: Option<Timestamp>,
}

impl Report {
    /// Reads events and counts. `progress` is told how many facts are simulated so far.
    #[must_use]
    pub fn of(
        facts: &[TicketFact],
        plans: &PlanSet,
        asked: Asked,
        mut progress: impl FnMut(u64),
    ) -> Self {
        let instants = || facts.iter().map(|fact| fact.fact.occurred_at);
        let asked = Asked {
            from: asked.from.or_else(|| instants().min()),
            to: asked.to.or_else(|| instants().max()),
        };
        let period = Period {
            from: asked.from.unwrap_or(Timestamp::MIN),
            to: asked.to.unwrap_or(Timestamp::MIN),
        };
        let rules = Arc::new(Rules::new(plans.revision().clone()));
        let mut escalations = Escalations::new(period, plans.revision());
        let simulated = simulate(&rules, facts, period, |events, facts| {
            escalations.add(events);
            progress(facts);
        });
        let mut promises = Promises::new(period, plans.revision());
        let mut tickets = Tickets::default();
        for facts in by_ticket(facts).into_values() {
            let mut life = Life::new(period);
            for cycle in cycles(&facts, period.to, &rules, |machine| life.add(machine)) {
                promises.add(&cycle);
            }
            tickets.add(&life);
        }
        let (escalations, notifications) = escalations.finish();
        let (tickets, satisfaction) = tickets.finish();
        let names = plans.revision().plans.iter().map(|plan| plan.name.clone());
        Self {
            from: asked.from,
            to: asked.to,
            plan_revision: plans.revision().id.clone(),
            plans: names.collect(),
            facts: simulated,
            tickets,
            first_response: promises.kind(TimeframeKind::FirstResponse),
            resolution: promises.kind(TimeframeKind::Resolution),
            timeframes: promises.finish(plans),
            escalations,
            notifications,
            satisfaction,
        }
    }
}

/// Shows what fires, a step at a time, and returns how many facts were read.
fn simulate(
    rules: &Arc<Rules>,
    facts: &[TicketFact],
    period: Period,
    mut step: impl FnMut(&[Emitted], u64),
) -> u64 {
    let facts = facts.iter().cloned();
    let mut simulation = Simulation::new(rules, facts, period.to, FACTS_PER_STEP);
    while let Some(events) = simulation.next() {
        step(&events, simulation.tally().facts);
    }
    simulation.tally().facts
}

/// The facts of each ticket; in the order of their ids, so that sums of ratings are always the
/// same.
fn by_ticket(facts: &[TicketFact]) -> BTreeMap<&Text, Vec<Arc<Fact>>> {
    let mut tickets: BTreeMap<&Text, Vec<Arc<Fact>>> = BTreeMap::new();
    for fact in facts {
        let of_ticket = tickets.entry(&fact.ticket_id).or_default();
        of_ticket.push(Arc::clone(&fact.fact));
    }
    tickets
}
