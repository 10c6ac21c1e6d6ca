//! The lives of a ticket: what meets a forgotten ticket begins a new one.

use super::{Counted, Span, TicketState};
use crate::machine::{Machine, Outcome, Trace};
use crate::rules::Rules;
use crate::step::Until;
use crate::ticket::OwnFields;
use crate::time::Timestamp;

impl TicketState {
    /// Like [`TicketState::advance`], but tells the history in words and emits nothing.
    pub fn advance_traced(&mut self, to: Timestamp, rules: &Rules) -> Vec<Trace> {
        let mut outcome = Outcome::traced();
        self.read_lives(to, rules, &mut outcome, |_| {});
        outcome.trace.unwrap_or_default()
    }

    /// Like [`TicketState::advance`], but shows the machine after each fact and emits nothing.
    pub fn advance_watched(&mut self, to: Timestamp, rules: &Rules, watch: impl FnMut(&Machine)) {
        let mut outcome = Outcome::without_updates_before(Some(to));
        self.read_lives(to, rules, &mut outcome, watch);
    }

    /// Reads on through forgetting, but keeps the last life however long ago it was.
    fn read_lives(
        &mut self,
        to: Timestamp,
        rules: &Rules,
        outcome: &mut Outcome,
        mut watch: impl FnMut(&Machine),
    ) {
        let span = Span {
            counted: Counted::NOTHING,
            quiet_until: Timestamp::MIN,
            until: Until::before(to),
            is_one_life: false,
        };
        self.read(span, rules, outcome, &mut watch, |_, _, _| {});
        while let Some(at) = self.machine.forgotten_at(rules)
            && self.facts.at(self.evaluated).is_some_and(|at| at < to)
        {
            outcome.trace_forgetting(at);
            self.forget();
            self.read(span, rules, outcome, &mut watch, |_, _, _| {});
        }
    }

    /// Forgets what the kept facts were taken to mean, so that they are read anew.
    pub fn rewind(&mut self) {
        let fold = self.fold.as_ref();
        self.machine = fold.map_or_else(Machine::new, |fold| Machine {
            own: OwnFields::NONE,
            ..fold.machine.clone()
        });
        self.evaluated = 0;
    }

    /// Whether it is forgotten before an instant.
    pub(super) fn is_forgotten_before(&self, at: Timestamp, rules: &Rules) -> bool {
        let forgotten_at = self.machine.forgotten_at(rules);
        forgotten_at.is_some_and(|forgotten_at| forgotten_at < at)
    }

    /// Forgets everything but what is still to come, which will meet an unknown ticket.
    pub(super) fn forget(&mut self) {
        let facts = self.facts.split_off(self.evaluated);
        *self = Self {
            facts,
            ..Self::default()
        };
    }

    /// Whether nothing is known of the ticket, as of one that was forgotten.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.facts.is_empty() && self.machine.created_at.is_none()
    }
}
