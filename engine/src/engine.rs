//! All tickets of one partition, and one batch at a time on top of them.
//!
//! A batch is an overlay: facts are applied to copies, and the tickets of the last committed state
//! stay as they are until [`Engine::commit`]. [`Engine::rollback`] drops the overlay; the same
//! facts can then be applied again with the same result.
//!
//! Of the committed state every ticket is a few packed bytes; a batch unpacks what it touches, and
//! packs it again when it is committed.

mod advance;
mod batch;
mod slots;

use std::sync::Arc;

use self::batch::{Batch, Dirty};
use self::slots::Slots;

use crate::emission::{Emission, Emitted};
use crate::fact::TicketFact;
use crate::machine::Counts;
use crate::rules::Rules;
use crate::step::Step;
use crate::storms::{self, Piece, PieceKey, Storms};
use crate::ticket::Text;
use crate::ticket_state::{Acceptance, TicketState};
use crate::time::Timestamp;
use crate::timers::{Tickets, Timers};

/// The tickets of one partition.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<Rules>,
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
}

impl Engine {
    /// A partition without tickets, evaluated up to nothing.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            slots: Slots::new(),
            timers: Timers::new(),
            pending: 0,
            evaluated_to: Timestamp::MIN,
            storms: Storms::default(),
            batch: Batch::default(),
        }
    }

    /// A partition with the tickets of a committed state, evaluated up to an instant.
    #[must_use]
    pub fn restore(
        rules: Arc<Rules>,
        tickets: impl IntoIterator<Item = (Text, TicketState)>,
        evaluated_to: Timestamp,
    ) -> Self {
        let mut engine = Self::new(rules);
        engine.evaluated_to = evaluated_to;
        for (ticket_id, state) in tickets {
            let next = state.next_step(&engine.rules);
            engine.insert(&ticket_id, &state, next);
        }
        engine.timers.settle(&engine.slots);
        engine
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
        self.batch.set_rules(&self.rules);
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
        // Most only pass through, and of the others the ticket will be needed anyhow.
        fact.fact.occurred_at < evaluated_to
            || self
                .batch
                .ticket(&fact.ticket_id, &self.slots)
                .state
                .has_room(&fact.fact, evaluated_to)
    }

    /// Takes a fact into the batch. It decides nothing before [`Engine::advance`].
    pub fn apply(&mut self, fact: TicketFact) -> Acceptance {
        let dirty = self.batch.ticket(&fact.ticket_id, &self.slots);
        let acceptance = Arc::make_mut(&mut dirty.state).accept(fact.fact, self.evaluated_to);
        dirty.is_fresh |= !matches!(acceptance, Acceptance::Duplicate | Acceptance::LateDropped);
        acceptance
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

    /// The tickets that the batch has changed, with their new states; none of those that it has
    /// forgotten. Whoever keeps such a state may read it while the batch is committed.
    pub fn changed(&self) -> impl Iterator<Item = (&Text, Option<&Arc<TicketState>>)> {
        let changed = self.batch.tickets().filter(|dirty| dirty.is_changed);
        changed.filter_map(|dirty| {
            let state = Some(&dirty.state).filter(|state| !state.is_blank());
            // What came and went in one batch was never stored.
            (state.is_some() || dirty.slot.is_some()).then_some((&dirty.ticket_id, state))
        })
    }

    /// How many tickets there are once the batch is committed.
    #[must_use]
    pub fn len_after(&self) -> usize {
        let changed = self.batch.tickets().filter(|dirty| dirty.is_changed);
        changed.fold(self.len(), |count, dirty| {
            match (dirty.slot, dirty.state.is_blank()) {
                (None, false) => count + 1,
                (Some(_), true) => count - 1,
                (Some(_), false) | (None, true) => count,
            }
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
        for dirty in batch.take_touched() {
            match dirty.slot {
                None if dirty.state.is_blank() => {}
                None => self.insert(&dirty.ticket_id, &dirty.state, dirty.next),
                Some(slot) if dirty.state.is_blank() => {
                    let before = self.slots.vacate(slot);
                    self.pending -= usize::from(before != Step::NEVER);
                }
                Some(slot) => {
                    let Dirty {
                        ticket_id,
                        state,
                        next,
                        ..
                    } = &dirty;
                    let before = self.slots.write(slot, ticket_id, state, *next);
                    self.arm(slot, before);
                }
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

    fn insert(&mut self, ticket_id: &Text, state: &TicketState, next: Step) {
        let slot = self.slots.insert(ticket_id, state, next);
        self.arm(slot, Step::NEVER);
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
