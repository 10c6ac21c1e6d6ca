//! Facts that arrive: whether there is room for them, what becomes of them, and what they leave to be
//! done.

use std::sync::Arc;

use super::{Acceptance, FACTS_BYTES_MAX, FACTS_MAX, Reread, TicketState, WAITING_MAX};
use crate::fact::Fact;
use crate::ticket::OwnFields;
use crate::time::Timestamp;

impl TicketState {
    /// Whether there is room for a fact. Those before `evaluated_to` only pass through; others
    /// wait, and what waits has a limit.
    #[must_use]
    pub fn has_room(&self, fact: &Fact, evaluated_to: Timestamp) -> bool {
        if fact.occurred_at < evaluated_to {
            return true;
        }
        let waiting = self.facts.before(evaluated_to)..self.facts.len();
        let fits = || {
            let fits_beside = |taken| taken + fact.bytes() <= FACTS_BYTES_MAX;
            waiting.len() < WAITING_MAX
                && (fits_beside(self.facts.bytes())
                    || fits_beside(self.facts.bytes_of(waiting.clone())))
        };
        let is_known = || self.facts.find(fact, waiting.clone()).is_some();
        // The first may be as large as a record can be, and one that is known takes no more room.
        waiting.is_empty() || fits() || is_known()
    }

    /// Takes a fact in. `evaluated_to` is the time up to which the partition was evaluated.
    pub fn accept(&mut self, fact: Arc<Fact>, evaluated_to: Timestamp) -> Acceptance {
        if self
            .fold
            .as_ref()
            .is_some_and(|fold| fact.key() <= fold.key)
        {
            return Acceptance::LateDropped;
        }
        let mut place = self.facts.place_for(&fact);
        let beside = place.saturating_sub(FACTS_MAX)..place + FACTS_MAX;
        if let Some((other, known)) = self.facts.find(&fact, beside)
            && self.are_kept_together(other, place)
        {
            if !fact.precedes_content(&known) {
                return Acceptance::Duplicate;
            }
            self.take_out(other, &fact);
            place = self.facts.place_for(&fact);
        }
        if place == 0 {
            self.forget_own_fields();
        }
        let occurred_at = fact.occurred_at;
        self.facts.insert(place, Arc::clone(&fact));
        if place < self.evaluated {
            self.evaluated += 1;
        }
        if place < self.evaluated || self.machine.is_past_facts_at(occurred_at) {
            self.read_anew(occurred_at, &fact);
        }
        if occurred_at < evaluated_to {
            Acceptance::Late
        } else {
            Acceptance::Accepted
        }
    }

    /// Whether the fact at a place is kept still when one that would be put in at another is read, or
    /// the other way round: what waits may be much more than is kept then.
    fn are_kept_together(&self, one: usize, other: usize) -> bool {
        let between = one.min(other)..one.max(other);
        between.len() <= 1
            || self.facts.bytes() <= FACTS_BYTES_MAX
            || self.facts.bytes_of(between) <= FACTS_BYTES_MAX
    }

    /// Removes the larger content of a fact that was sent twice, in favour of the smaller.
    fn take_out(&mut self, place: usize, smaller: &Arc<Fact>) {
        let gone = self.facts.remove(place);
        if place == 0 {
            self.forget_own_fields();
        }
        if place < self.evaluated {
            self.evaluated -= 1;
            self.read_anew(gone.occurred_at, smaller);
        }
    }

    /// Forgets which fields may differ from those of the first fact, or of the fold, since that
    /// becomes another one.
    pub(super) fn forget_own_fields(&mut self) {
        self.machine.own = OwnFields::default();
    }

    fn read_anew(&mut self, from: Timestamp, fact: &Arc<Fact>) {
        let earlier = self.reread.take();
        self.reread = Some(Reread {
            from: earlier.map_or(from, |other| other.from.min(from)),
            fact: Arc::clone(fact),
        });
    }
}
