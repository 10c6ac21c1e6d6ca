//! What a batch has changed and not committed: the facts that came, and the tickets that it has
//! decided, packed like those of the committed state.
//!
//! A fact waits beside its ticket until that is decided, and then all of it happens at once: the state
//! is unpacked, takes its facts in, is evaluated, and packed again. So of thousands of tickets only one
//! is unpacked at a time, in memory that is at hand still.
//!
//! What is looked up or looked at among millions of tickets is far away. So that is done for several
//! tickets at once ([`ABREAST`]): one after the other, each would be waited for by itself.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;

use super::Framing;
use super::slots::{self, ABREAST, Kept, Slots};
use crate::fact::{Fact, TicketFact};
use crate::rules::Rules;
use crate::step::Step;
use crate::storms::Storms;
use crate::ticket::{Change, Text};
use crate::ticket_state::{Acceptance, TicketState};
use crate::time::Timestamp;
use crate::timers::{Tickets, Timer};

/// Tickets for whose places memory is kept between batches: a full transaction has about a thousand in
/// each of twelve partitions, and what it has beyond that is asked for anew.
const TICKETS_KEPT: usize = 5_000;

/// One batch.
#[derive(Debug, Default)]
pub(super) struct Batch {
    dirty: Vec<Dirty>,
    /// Places in `dirty`.
    by_id: HashTable<usize>,
    /// Facts that came and do not lie beside their tickets yet, in the order of their arrival, and the
    /// hashes of these.
    arrived: Vec<(u64, TicketFact)>,
    /// What became of the facts that were taken in.
    pub(super) accepted: Vec<Accepted>,
    pub(super) taken: Vec<Timer>,
    pub(super) evaluated_to: Option<Timestamp>,
    /// A copy, once something counts against a limit or a digest is due.
    pub(super) storms: Option<Storms>,
}

/// What became of a fact of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// See [`Fact::created`].
    pub created: bool,
    /// What became of it.
    pub acceptance: Acceptance,
}

/// A ticket that the batch has touched.
#[derive(Debug)]
pub(super) struct Dirty {
    pub(super) ticket_id: Text,
    pub(super) hash: u64,
    pub(super) slot: Option<u32>,
    /// Facts that came and are not part of the state yet, in the order of their arrival.
    facts: Vec<Arc<Fact>>,
    /// The state, while it has taken facts in that it has not decided, or was looked at.
    unpacked: Option<Box<TicketState>>,
    pub(super) now: Now,
    /// What is stored of a state that was decided.
    pub(super) stored: Vec<u8>,
    pub(super) next: Step,
    /// Whether it has to be looked at in this batch still, whatever its next step is.
    pub(super) is_fresh: bool,
}

/// What the batch has made of a ticket.
#[derive(Debug)]
pub(super) enum Now {
    /// It is as it was committed.
    Committed,
    /// It was decided.
    Decided(Kept),
    /// Nothing is known of it any more, or never was.
    Forgotten,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.dirty.len()
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = &Dirty> {
        self.dirty.iter()
    }

    pub(super) fn tickets_mut(&mut self) -> impl Iterator<Item = &mut Dirty> {
        self.dirty.iter_mut()
    }

    /// Whether every fact that came was decided, and every ticket that had to be looked at.
    fn is_decided(&self) -> bool {
        let is_waiting = |dirty: &Dirty| dirty.is_fresh || !dirty.facts.is_empty();
        self.arrived.is_empty() && !self.dirty.iter().any(is_waiting)
    }

    /// Takes out the tickets that differ from the committed ones.
    ///
    /// # Panics
    /// When something was not decided: it would be lost.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Dirty> {
        assert!(self.is_decided(), "a batch is decided before it is kept");
        let dirty = self.dirty.drain(..);
        dirty.filter(|dirty| !matches!(dirty.now, Now::Committed))
    }

    /// Another batch, in the memory of this one.
    pub(super) fn emptied(mut self) -> Self {
        self.dirty.clear();
        self.by_id.clear();
        self.arrived.clear();
        self.taken.clear();
        self.accepted.clear();
        self.dirty.shrink_to(TICKETS_KEPT);
        // It is empty: nothing is hashed.
        self.by_id.shrink_to(TICKETS_KEPT, |_| 0);
        self.arrived.shrink_to(TICKETS_KEPT);
        self.taken.shrink_to(TICKETS_KEPT);
        self.accepted.shrink_to(TICKETS_KEPT);
        Self {
            evaluated_to: None,
            storms: None,
            ..self
        }
    }

    /// Keeps no memory for more than there is.
    pub(super) fn give_back(&mut self) {
        self.dirty.shrink_to_fit();
        self.arrived.shrink_to_fit();
        self.taken.shrink_to_fit();
        self.accepted.shrink_to_fit();
        let dirty = &self.dirty;
        self.by_id.shrink_to_fit(|place| dirty[*place].hash);
    }

    pub(super) fn at_mut(&mut self, place: usize) -> &mut Dirty {
        &mut self.dirty[place]
    }

    /// Whether the batch has touched a ticket.
    pub(super) fn has(&self, ticket_id: &str, slots: &Slots) -> bool {
        self.find(ticket_id, slots.hash(ticket_id)).is_some()
    }

    /// The ticket in a slot, which is put into the batch if it is not there yet.
    pub(super) fn ticket_in(&mut self, slot: u32, slots: &Slots) -> &mut Dirty {
        let ticket_id = str::from_utf8(slots.id(slot)).unwrap_or_default();
        let hash = slots.hash(ticket_id);
        let place = match self.find(ticket_id, hash) {
            Some(place) => place,
            None => self.take_in(ticket_id.into(), hash, Some(slot), slots),
        };
        &mut self.dirty[place]
    }

    /// Adds a fact that came.
    pub(super) fn arrive(&mut self, fact: TicketFact, slots: &Slots) {
        self.arrived.push((slots.hash(&fact.ticket_id), fact));
    }

    /// Lays the facts that came beside their tickets.
    pub(super) fn place_arrived(&mut self, slots: &Slots) {
        let mut arrived = std::mem::take(&mut self.arrived);
        let mut left = arrived.drain(..);
        while !left.as_slice().is_empty() {
            let hashes = left.as_slice().iter().map(|(hash, _)| *hash);
            slots.foresee(hashes.take(ABREAST));
            for (hash, TicketFact { ticket_id, fact }) in left.by_ref().take(ABREAST) {
                let place = self.place(&ticket_id, hash, slots);
                self.dirty[place].facts.push(fact);
            }
        }
        drop(left);
        self.arrived = arrived;
    }

    /// Has the memory bring the tickets in these places, which are decided next, and what came for them.
    pub(super) fn foresee(&self, places: Range<usize>, slots: &Slots) {
        let tickets = self.dirty[places].iter();
        let facts = tickets.clone().flat_map(|dirty| &dirty.facts);
        let changes = facts.flat_map(|fact| &fact.changes);
        // Whichever is looked for: to look at one has it brought.
        black_box(
            changes
                .filter(|it| matches!(it, Change::ClearLabels))
                .count(),
        );
        slots::foresee_all(tickets.filter_map(|dirty| dirty.kept(slots)));
    }

    /// The place of a ticket of an id with that hash in the batch, into which it is put if it is not
    /// there yet.
    pub(super) fn place(&mut self, ticket_id: &Text, hash: u64, slots: &Slots) -> usize {
        self.find(ticket_id, hash).unwrap_or_else(|| {
            let slot = slots.find(ticket_id, hash);
            self.take_in(ticket_id.clone(), hash, slot, slots)
        })
    }

    fn find(&self, ticket_id: &str, hash: u64) -> Option<usize> {
        let is_it = |place: &usize| {
            let dirty = &self.dirty[*place];
            dirty.hash == hash && *dirty.ticket_id == *ticket_id
        };
        self.by_id.find(hash, is_it).copied()
    }

    fn take_in(&mut self, ticket_id: Text, hash: u64, slot: Option<u32>, slots: &Slots) -> usize {
        let place = self.dirty.len();
        self.dirty.push(Dirty {
            ticket_id,
            hash,
            slot,
            facts: Vec::new(),
            unpacked: None,
            now: Now::Committed,
            stored: Vec::new(),
            next: slot.map_or(Step::NEVER, |slot| slots.next(slot)),
            is_fresh: false,
        });
        let dirty = &self.dirty;
        self.by_id
            .insert_unique(hash, place, |place| dirty[*place].hash);
        place
    }

    /// Looks anew at when its tickets have to be looked at.
    pub(super) fn set_rules(&mut self, rules: &Rules, slots: &Slots) {
        for dirty in &mut self.dirty {
            dirty.next = dirty.state(slots).next_step(rules);
        }
    }

    /// Lets a ticket take in the facts that came for it, if there are any.
    pub(super) fn take_in_facts(&mut self, place: usize, evaluated_to: Timestamp, slots: &Slots) {
        let dirty = &mut self.dirty[place];
        if dirty.facts.is_empty() {
            return;
        }
        let mut state = dirty.take_state(slots);
        for fact in std::mem::take(&mut dirty.facts) {
            let created = fact.created;
            let acceptance = state.accept(fact, evaluated_to);
            let is_known = matches!(acceptance, Acceptance::Duplicate | Acceptance::LateDropped);
            dirty.is_fresh |= !is_known;
            self.accepted.push(Accepted {
                created,
                acceptance,
            });
        }
        dirty.unpacked = Some(state);
    }
}

impl Dirty {
    /// The packed state, if there is one.
    fn kept<'k>(&'k self, slots: &'k Slots) -> Option<&'k Kept> {
        match (&self.now, self.slot) {
            (Now::Decided(kept), _) => Some(kept),
            (Now::Committed, Some(slot)) => Some(slots.kept(slot)),
            (Now::Committed, None) | (Now::Forgotten, _) => None,
        }
    }

    /// Whether nothing is known of it, not even by a fact that came.
    pub(super) fn is_unknown(&self, slots: &Slots) -> bool {
        self.kept(slots).is_none() && self.facts.is_empty() && self.unpacked.is_none()
    }

    /// Takes the state out, or makes it.
    pub(super) fn take_state(&mut self, slots: &Slots) -> Box<TicketState> {
        let unpacked = self.unpacked.take();
        unpacked.unwrap_or_else(|| {
            let kept = self.kept(slots);
            Box::new(kept.map_or_else(TicketState::default, |kept| slots.unpack(kept)))
        })
    }

    /// The state.
    pub(super) fn state(&mut self, slots: &Slots) -> &TicketState {
        let state = self.take_state(slots);
        self.unpacked.insert(state)
    }

    /// Lets go of a state that nothing has changed.
    pub(super) fn let_go(&mut self) {
        self.unpacked = None;
    }

    /// Packs the state that was decided, and makes what is stored of it.
    pub(super) fn decide(
        &mut self,
        state: &TicketState,
        next: Step,
        slots: &mut Slots,
        framing: Option<Framing>,
    ) {
        if state.is_blank() {
            self.now = Now::Forgotten;
        } else {
            let kept = slots.pack(&self.ticket_id, self.hash, state);
            self.stored = framing.map_or_else(Vec::new, |framing| slots.stored(&kept, framing));
            self.now = Now::Decided(kept);
        }
        self.next = next;
        self.is_fresh = false;
    }

    /// What a transaction stores of it, if anything; nothing instead of a state where that is to be
    /// deleted.
    pub(super) fn take_change(&mut self) -> Option<Option<Vec<u8>>> {
        match (&self.now, self.slot) {
            (Now::Decided(_), _) => Some(Some(std::mem::take(&mut self.stored))),
            (Now::Forgotten, Some(_)) => Some(None),
            // What came and went in one batch was never stored.
            (Now::Forgotten, None) | (Now::Committed, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_not_decided_while_a_fact_waits_wherever_it_lies() {
        let fact = Fact {
            created: true,
            ..Fact::bare(Timestamp::from_millis(0), 1)
        };
        let mut batch = Batch::default();
        let slots = Slots::new();
        assert!(batch.is_decided());
        let fact = TicketFact {
            ticket_id: "T1".into(),
            fact: Arc::new(fact),
        };
        batch.arrive(fact, &slots);
        assert!(!batch.is_decided());
        batch.place_arrived(&slots);
        assert!(!batch.is_decided());
        batch.take_in_facts(0, Timestamp::MIN, &slots);
        assert!(!batch.is_decided());
        batch.at_mut(0).is_fresh = false;
        assert!(batch.is_decided());
    }
}
