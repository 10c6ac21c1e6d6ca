//! What recorded events say that nobody may have meant: words that the plans do not know, contents
//! that differ under one id, and tickets whose plan or clocks wait for something.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::plan::Revision;
use escalator_engine::simulate::Simulation;
use escalator_engine::ticket::{Change, Text, TextField};
use escalator_engine::time::Timestamp;

use super::words::{counted, harmless};

/// Words and tickets that are named one by one; a ticketing system has a dozen statuses of its own.
const NAMES_MAX: usize = 20;

/// What recorded events say that nobody may have meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    /// Status words that neither the plans nor the built-in spellings know.
    unknown_statuses: BTreeSet<Text>,
    /// Priorities that the plans do not list.
    unknown_priorities: BTreeSet<Text>,
    /// Ids of events of which there are several contents.
    ambiguous: BTreeSet<Text>,
    /// Tickets that were created.
    created: HashSet<Text>,
    /// Tickets that came back after they had been forgotten.
    returned: BTreeSet<Text>,
    /// Tickets that wait for a status.
    waiting: BTreeSet<Text>,
    /// Open tickets that no plan takes.
    without_plan: BTreeSet<Text>,
}

impl Oddities {
    /// What the facts up to an instant say.
    pub(super) fn add_facts(
        &mut self,
        facts: &[TicketFact],
        until: Timestamp,
        revision: &Revision,
    ) {
        let mut known: HashMap<(&Text, &Text), &Fact> = HashMap::new();
        for it in facts.iter().filter(|it| it.fact.occurred_at <= until) {
            if it.fact.created {
                self.created.insert(it.ticket_id.clone());
            }
            for change in &it.fact.changes {
                self.add_change(change, revision);
            }
            if let Some(event_id) = &it.fact.event_id {
                let first = known.entry((&it.ticket_id, event_id)).or_insert(&it.fact);
                if !says_the_same(first, &it.fact) {
                    self.ambiguous.insert(event_id.clone());
                }
            }
        }
    }

    fn add_change(&mut self, change: &Change, revision: &Revision) {
        match change {
            Change::Text(TextField::Status, Some(word)) if !revision.category(Some(word)).1 => {
                self.unknown_statuses.insert(word.clone());
            }
            Change::Text(TextField::Priority, Some(word))
                if !revision.priorities.contains(word) =>
            {
                self.unknown_priorities.insert(word.clone());
            }
            Change::Text(..)
            | Change::Number(..)
            | Change::Tags(_)
            | Change::Label(..)
            | Change::ClearLabels => {}
        }
    }

    /// How the tickets stand at the end.
    pub(super) fn add_tickets(&mut self, simulation: &Simulation) {
        for (ticket_id, state) in simulation.states() {
            let machine = &state.machine;
            if machine.is_partial && self.created.contains(&ticket_id) {
                self.returned.insert(ticket_id.clone());
            }
            if !machine.is_open() {
                continue;
            }
            if machine.plan.is_none() {
                self.without_plan.insert(ticket_id);
            } else if !machine.has_begun {
                self.waiting.insert(ticket_id);
            }
        }
    }

    /// Tells the words; so many changes were to a status that is not known.
    pub(super) fn tell_words(&self, statuses: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.unknown_statuses.is_empty() {
            let changes = counted(statuses, "change");
            let words = named(&self.unknown_statuses);
            writeln!(f, "{changes} to unknown statuses, taken as open: {words}")?;
            writeln!(f, "  help: add them to `statuses` of the plans")?;
        }
        if !self.unknown_priorities.is_empty() {
            let words = named(&self.unknown_priorities);
            writeln!(f, "priorities that the plans do not list: {words}")?;
            writeln!(
                f,
                "  help: add them to `priorities` of the plans, or send those that are listed"
            )?;
        }
        if !self.ambiguous.is_empty() {
            let events = counted(self.ambiguous.len() as u64, "event id");
            let ids = named(&self.ambiguous);
            writeln!(
                f,
                "{events} with several contents, of which one counts: {ids}"
            )?;
        }
        Ok(())
    }

    /// Tells the tickets.
    pub(super) fn tell_tickets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (tickets, what) in [
            (
                &self.returned,
                "heard of after being forgotten, and begun anew",
            ),
            (
                &self.waiting,
                "without a created event or a status, so that no clock runs",
            ),
            (&self.without_plan, "open and under no plan"),
        ] {
            if !tickets.is_empty() {
                let count = counted(tickets.len() as u64, "ticket");
                writeln!(f, "{count} {what}: {}", named(tickets))?;
            }
        }
        Ok(())
    }
}

/// Whether two facts of one id are the same one, however they were written.
fn says_the_same(a: &Fact, b: &Fact) -> bool {
    let said = |it: &Fact| (it.occurred_at, it.version, it.created, it.source.clone());
    said(a) == said(b) && a.changes == b.changes && a.activities == b.activities
}

fn named(names: &BTreeSet<Text>) -> String {
    let shown = names.iter().take(NAMES_MAX);
    let shown: Vec<_> = shown.map(|name| format!("`{}`", harmless(name))).collect();
    let more = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
