//! All tickets of one partition, and one batch at a time on top of them.
//!
//! A batch is an overlay: the tickets of the last committed state stay as they are until
//! [`Engine::commit`]. [`Engine::rollback`] drops the overlay; the same facts can then be applied again
//! with the same result.
//!
//! Every ticket is a few packed bytes, but for the one that is being decided.

mod advance;
mod batch;
mod slots;

use std::sync::Arc;

pub use self::batch::Accepted;
use self::batch::{Batch, Now};
use self::slots::{Kept, Slots};

use crate::emission::{Emission, Emitted};
use crate::fact::TicketFact;
use crate::machine::Counts;
use crate::packed::BrokenState;
use crate::rules::Rules;
use crate::step::Step;
use crate::storms::{self, Piece, PieceKey, Storms};
use crate::ticket::Text;
use crate::ticket_state::TicketState;
use crate::time::Timestamp;
use crate::timers::{Tickets, Timers};

/// What stands in front of a stored state and tells what follows.
pub type Framing = [u8; 10];

/// The tickets of one partition.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<Rules>,
    framing: Option<Framing>,
    slots: Slots,
    timers: Timers,
    /// How many tickets have to be looked at again.
    pending: usize,
    evaluated_to: Timestamp,
    storms: Storms,
    batch: Batch,
}

/// What advancing brought about.
#[derive(Debug, Default)]
pub struct Advanced {
    /// Events out, in firing order.
    pub events: Vec<Emitted>,
    /// The evaluation time that was reached: earlier than asked for when the limit was.
    pub reached: Timestamp,
    /// Whether the limit has left something to decide.
    pub is_more_left: bool,
    /// What was ignored or cut.
    pub counts: Counts,
    /// What became of the facts that were applied since the last time, in no order that means anything.
    pub facts: Vec<Accepted>,
}

impl Engine {
    /// A partition without tickets, evaluated up to nothing.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            framing: None,
            slots: Slots::new(),
            timers: Timers::new(),
            pending: 0,
            evaluated_to: Timestamp::MIN,
            storms: Storms::default(),
            batch: Batch::default(),
        }
    }

    /// Makes room for so many tickets of a committed state.
    pub fn reserve(&mut self, tickets: usize) {
        self.slots.reserve(tickets);
    }

    /// Gives back memory that is kept for more tickets, and for larger batches, than there are now.
    pub fn give_back(&mut self) {
        self.slots.give_back();
        self.timers.give_back();
        self.batch.give_back();
    }

    /// Puts in another ticket of a committed state.
    pub fn put(&mut self, ticket_id: &str, state: &TicketState) {
        let hash = self.slots.hash(ticket_id);
        let kept = self.slots.pack(ticket_id, hash, state);
        self.put_kept(hash, kept, state);
    }

    /// Puts in another ticket of a committed state, as it was stored, but for the framing.
    ///
    /// # Errors
    /// These are not the bytes of a state.
    pub fn put_stored(&mut self, ticket_id: &str, stored: &[u8]) -> Result<(), BrokenState> {
        let hash = self.slots.hash(ticket_id);
        let (kept, state) = self.slots.restored(ticket_id, hash, stored)?;
        self.put_kept(hash, kept, &state);
        Ok(())
    }

    fn put_kept(&mut self, hash: u64, kept: Kept, state: &TicketState) {
        let next = state.next_step(&self.rules);
        let slot = self.slots.insert(hash, kept, next);
        self.arm(slot, Step::NEVER);
    }

    /// The partition with all tickets put in that it has at its evaluation time.
    #[must_use]
    pub fn evaluated(mut self, evaluated_to: Timestamp) -> Self {
        self.evaluated_to = evaluated_to;
        self.timers.settle(&self.slots);
        self
    }

    /// The plans.
    #[must_use]
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Goes on under rules that have more edits than the ones so far: the tickets under way are
    /// looked at again when these come into force.
    pub fn set_rules(&mut self, rules: Arc<Rules>) {
        self.rules = rules;
        for slot in self.slots.iter().collect::<Vec<u32>>() {
            let next = self.slots.state(slot).next_step(&self.rules);
            let before = self.slots.set_next(slot, next);
            self.arm(slot, before);
        }
        self.batch.set_rules(&self.rules, &self.slots);
        self.timers.settle(&self.slots);
    }

    /// How many tickets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The committed state of a ticket.
    #[must_use]
    pub fn ticket(&self, ticket_id: &str) -> Option<TicketState> {
        let slot = self.slots.find(ticket_id, self.slots.hash(ticket_id))?;
        Some(self.slots.state(slot))
    }

    /// Every ticket with its committed state, in no order that means anything.
    pub fn tickets(&self) -> impl Iterator<Item = (Text, TicketState)> {
        let slots = self.slots.iter();
        slots.map(|slot| (self.slots.ticket_id(slot), self.slots.state(slot)))
    }

    /// The evaluation time of the committed state.
    #[must_use]
    pub const fn evaluated_to(&self) -> Timestamp {
        self.evaluated_to
    }

    /// How many tickets of the committed state have to be looked at again if no fact arrives.
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.pending
    }

    /// When a ticket of the committed state has to be looked at next, or a digest is due, if no fact
    /// arrives. While
    /// there is a batch, tickets that it has looked at are left out, and others may be told too
    /// early.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let digest = self.storms.next().map(|at| at.plus_millis(1));
        self.timers.next().into_iter().chain(digest).min()
    }

    /// Whether the fact's ticket has room for it, see [`TicketState::has_room`].
    pub fn has_room(&mut self, fact: &TicketFact, evaluated_to: Timestamp) -> bool {
        // Most only pass through.
        if fact.fact.occurred_at < evaluated_to {
            return true;
        }
        self.batch.place_arrived(&self.slots);
        let hash = self.slots.hash(&fact.ticket_id);
        let place = self.batch.place(&fact.ticket_id, hash, &self.slots);
        if self.batch.at_mut(place).is_unknown(&self.slots) {
            return true;
        }
        let reached = self.reached();
        self.batch.take_in_facts(place, reached, &self.slots);
        let state = self.batch.at_mut(place).state(&self.slots);
        state.has_room(&fact.fact, evaluated_to)
    }

    /// The evaluation time of what is decided: of the batch, or, before it has decided, of the committed
    /// state.
    fn reached(&self) -> Timestamp {
        self.batch.evaluated_to.unwrap_or(self.evaluated_to)
    }

    /// Takes a fact into the batch. What becomes of it is found by [`Engine::advance`], which has to
    /// come before what the batch has changed is taken or committed.
    pub fn apply(&mut self, fact: TicketFact) {
        self.batch.arrive(fact, &self.slots);
    }

    /// Holds back what is beyond the limits of targets, and puts in the digests that are due.
    fn judge(
        &mut self,
        events: Vec<Emitted>,
        reached: Timestamp,
        emission: &Emission,
    ) -> Vec<Emitted> {
        let storms = self.batch.storms.as_ref().unwrap_or(&self.storms);
        let is_due = storms.next().is_some_and(|next| next < reached);
        if !is_due && !storms::concerns(&events, &self.rules) {
            return events;
        }
        let copied = || self.storms.clone();
        let storms = self.batch.storms.get_or_insert_with(copied);
        storms::judge(storms, events, reached, &self.rules, emission)
    }

    /// Stores the states that are decided behind this framing, see [`Engine::take_changed`]. They are made
    /// while a ticket is at hand, since to look at thousands of them once more takes longer than to copy
    /// them.
    #[must_use]
    pub const fn stored_behind(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Takes over how far limits were used up, and what was gathered, as of a committed state.
    #[must_use]
    pub fn with_storms(mut self, storms: Storms) -> Self {
        self.storms = storms;
        self
    }

    /// How far limits are used up, as of the committed state.
    #[must_use]
    pub const fn storms(&self) -> &Storms {
        &self.storms
    }

    /// The pieces of storms that the batch has changed; none of those that are over.
    pub fn changed_pieces(&self) -> impl Iterator<Item = (&PieceKey, Option<&Piece>)> {
        self.batch.storms.iter().flat_map(Storms::changed)
    }

    /// The tickets that the batch has changed, with what is to be stored of them, which is taken out: their
    /// states, if these have a framing, and nothing of those that were forgotten.
    pub fn take_changed(&mut self) -> impl Iterator<Item = (&Text, Option<Vec<u8>>)> {
        let tickets = self.batch.tickets_mut();
        tickets.filter_map(|dirty| {
            let change = dirty.take_change()?;
            Some((&dirty.ticket_id, change))
        })
    }

    /// How many tickets there are once the batch is committed.
    #[must_use]
    pub fn len_after(&self) -> usize {
        let tickets = self.batch.tickets();
        tickets.fold(self.len(), |count, dirty| match (&dirty.now, dirty.slot) {
            (Now::Decided(_), None) => count + 1,
            (Now::Forgotten, Some(_)) => count - 1,
            (Now::Decided(_), Some(_)) | (Now::Forgotten, None) | (Now::Committed, _) => count,
        })
    }

    /// Makes the batch the committed state.
    pub fn commit(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.evaluated_to = batch.evaluated_to.unwrap_or(self.evaluated_to);
        if let Some(mut storms) = batch.storms.take() {
            storms.commit();
            self.storms = storms;
        }
        for dirty in batch.drain() {
            match (dirty.now, dirty.slot) {
                (Now::Decided(kept), None) => {
                    let slot = self.slots.insert(dirty.hash, kept, dirty.next);
                    self.arm(slot, Step::NEVER);
                }
                (Now::Decided(kept), Some(slot)) => {
                    let before = self.slots.write(slot, kept, dirty.next);
                    self.arm(slot, before);
                }
                (Now::Forgotten, Some(slot)) => {
                    let before = self.slots.vacate(slot);
                    self.pending -= usize::from(before != Step::NEVER);
                }
                (Now::Forgotten, None) | (Now::Committed, _) => {}
            }
        }
        // What is to be looked at again at the same step has lost its timer to the batch.
        for timer in &batch.taken {
            if self.slots.next(timer.slot) == timer.step {
                self.timers.arm(timer.step, timer.slot, &self.slots);
            }
        }
        self.batch = batch.emptied();
        self.timers.settle(&self.slots);
    }

    /// Drops the batch.
    pub fn rollback(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        for timer in batch.taken.iter().rev() {
            self.timers.put_back(*timer, &self.slots);
        }
        self.batch = batch.emptied();
    }

    /// Arms the timer of a ticket, unless its next step is what it was before.
    fn arm(&mut self, slot: u32, before: Step) {
        let next = self.slots.next(slot);
        self.pending -= usize::from(before != Step::NEVER);
        self.pending += usize::from(next != Step::NEVER);
        if next != before {
            self.timers.arm(next, slot, &self.slots);
        }
    }
}
