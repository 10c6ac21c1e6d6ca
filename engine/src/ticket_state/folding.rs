//! Folding: what the oldest facts leave when there is no room for them beside newer ones.

use super::{FACTS_BYTES_MAX, FACTS_MAX, Fold, TicketState};
use crate::fact::Fact;
use crate::facts::Facts;
use crate::ledger::Folded;
use crate::machine::{Machine, Outcome, Past};
use crate::moment::Entered;
use crate::rules::Rules;
use crate::time::Timestamp;

impl TicketState {
    /// Whether the next fact may not be kept beside all others. That depends on the facts up to this
    /// one alone, so it is the same whatever the batches.
    pub(super) fn needs_room(&self, next: &Fact) -> bool {
        let is_too_large = |kept| kept + next.bytes() > FACTS_BYTES_MAX;
        self.evaluated == FACTS_MAX
            || (self.evaluated > 0
                && is_too_large(self.facts.bytes())
                && is_too_large(self.facts.bytes_of(0..self.evaluated)))
    }

    /// Folds the oldest fact away, with the edits of the plans before it: its decisions can no longer
    /// change, and are returned for the ledger.
    pub(super) fn fold_oldest(&mut self, rules: &Rules) -> Folded {
        let fact = self.facts.remove(0);
        self.evaluated -= 1;
        self.forget_own_fields();
        let (mut machine, mut entries) = self.fold.take().map_or_else(
            || (Machine::new(), Vec::new()),
            |fold| (fold.machine, fold.entries),
        );
        // Updates leave the ledger with their escalation.
        let mut settled = Outcome::without_updates_before(Some(Timestamp::MAX));
        if rules
            .next_edit(machine.edited_at)
            .is_some_and(|at| at <= fact.occurred_at)
        {
            let before = machine.clone();
            machine.apply_edits(
                fact.occurred_at,
                past_of(&before, &entries),
                rules,
                &mut settled,
            );
        }
        machine.fire(fact.occurred_at, fact.occurred_at, rules, &mut settled);
        let before = machine.clone();
        machine.apply(&fact, past_of(&before, &entries), rules, &mut settled);
        if machine.has_begun && !(before.has_begun && before.category == machine.category) {
            entries.retain(|entered| entered.category != machine.category);
            entries.push(Entered {
                category: machine.category,
                at: fact.occurred_at,
            });
        }
        self.fold = Some(Box::new(Fold {
            key: fact.key(),
            machine,
            entries,
        }));
        let decided = settled.decisions.iter();
        Folded {
            decided: decided.map(|decision| decision.identity()).collect(),
            until: fact.occurred_at,
        }
    }
}

/// The past of a machine whose facts are folded away.
fn past_of<'a>(machine: &'a Machine, entries: &'a [Entered]) -> Past<'a> {
    Past {
        fold: machine.created_at.is_some().then_some(machine),
        entries,
        facts: Facts::none(),
        evaluated: 0,
    }
}
