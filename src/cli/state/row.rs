//! What is told of a ticket at a glance.

use escalator_engine::rules::Rules;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::Kept;
use crate::cli::{inputs, print};
use crate::settings::Settings;
use crate::wire::{self, StateError};

/// One ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) ticket_id: String,
    pub(super) plan: Option<String>,
    pub(super) plan_revision: Option<String>,
    pub(super) level: u32,
    pub(super) acknowledged: bool,
    pub(super) status_category: &'static str,
    /// What falls due next by the plans at hand, if nothing more happens; null without plans.
    pub(super) next_due_at: Option<Timestamp>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) last_fact_at: Option<Timestamp>,
    /// How many facts are kept one by one.
    pub(super) facts: usize,
    /// How many of them wait for their instant.
    pub(super) facts_waiting: usize,
    /// The escalations that there were, an open one included.
    pub(super) escalations: u32,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) state_bytes: usize,
}

impl Row {
    /// Reads a ticket's record. Without rules nobody can say what falls due next.
    pub(super) fn of(
        ticket_id: &[u8],
        kept: &Kept,
        rules: Option<&Rules>,
    ) -> Result<Self, StateError> {
        let state = wire::decode_state(&kept.value)?;
        let machine = &state.machine;
        let open = machine.escalation.as_ref();
        let plan = machine.plan.as_ref();
        Ok(Self {
            ticket_id: String::from_utf8_lossy(ticket_id).into_owned(),
            plan: plan.map(|plan| plan.name.to_string()),
            plan_revision: plan.map(|plan| plan.revision.to_string()),
            level: machine.level(),
            acknowledged: open.is_some_and(|open| open.acknowledgement.is_some()),
            status_category: machine.category.name(),
            next_due_at: rules.and_then(|rules| next_due(&state, rules)),
            created_at: machine.created_at,
            last_fact_at: Some(machine.last_fact_at).filter(|at| *at != Timestamp::MIN),
            facts: state.facts.len(),
            facts_waiting: state.facts.len() - state.evaluated,
            escalations: machine.escalations,
            partition: kept.partition,
            offset: kept.offset,
            state_bytes: kept.value.len(),
        })
    }
}

fn next_due(state: &TicketState, rules: &Rules) -> Option<Timestamp> {
    let due = state.machine.next_due(rules)?;
    Some(due.at.max(state.machine.last_fact_at))
}

/// The plans of the settings, for what falls due next. Where there are none that can be read, that
/// is left open, and told.
pub(super) fn rules(settings: &Settings) -> Option<Rules> {
    let plans = &settings.plans;
    let read = plans.exists().then(|| inputs::plans(plans));
    let why = match read {
        Some(Ok(Some(set))) => return Some(Rules::new(set.revision().clone())),
        Some(Ok(None)) => "have errors",
        Some(Err(_)) => "cannot be read",
        None => "are not there",
    };
    let plans = plans.display();
    print::error(&format!(
        "note: what falls due next is not shown, since the plans at {plans} {why}; name those of the \
         service with --plans\n"
    ));
    None
}
