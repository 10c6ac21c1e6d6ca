//! All tickets of one partition, and one batch at a time on top of them.
//!
//! A batch is an overlay: facts are applied to copies, and the tickets of the last committed state
//! stay as they are until [`Engine::commit`]. [`Engine::rollback`] drops the overlay; the same
//! facts can then be applied again with the same result.

mod advance;

use std::collections::HashMap;
use std::sync::Arc;

use crate::emission::{Emission, Emitted};
use crate::fact::TicketFact;
use crate::machine::Counts;
use crate::rules::Rules;
use crate::step::Step;
use crate::storms::{self, Piece, PieceKey, Storms};
use crate::ticket::Text;
use crate::ticket_state::{Acceptance, TicketState};
use crate::time::Timestamp;
use crate::timers::{Timer, Timers};

/// The tickets of one partition.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<Rules>,
    slots: Vec<Slot>,
    /// Slots of tickets that were forgotten.
    free: Vec<u32>,
    by_id: HashMap<Text, u32>,
    timers: Timers,
    /// How many tickets have to be looked at again.
    pending: usize,
    evaluated_to: Timestamp,
    storms: Storms,
    batch: Batch,
}

#[derive(Debug)]
struct Slot {
    /// Empty, as no ticket id is, where a ticket was forgotten.
    ticket_id: Text,
    state: TicketState,
    next: Step,
}

/// What a batch has changed and not committed.
#[derive(Debug, Default)]
struct Batch {
    dirty: Vec<Dirty>,
    by_id: HashMap<Text, usize>,
    taken: Vec<Timer>,
    evaluated_to: Option<Timestamp>,
    /// A copy, once something counts against a limit or a digest is due.
    storms: Option<Storms>,
}

#[derive(Debug)]
struct Dirty {
    ticket_id: Text,
    slot: Option<u32>,
    state: TicketState,
    next: Step,
    /// Whether it has to be looked at in this batch still.
    is_fresh: bool,
    /// Whether its state differs from the committed one.
    is_changed: bool,
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

impl Slot {
    fn next(&self) -> (Step, &Text) {
        (self.next, &self.ticket_id)
    }
}

impl Engine {
    /// A partition without tickets, evaluated up to nothing.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
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
            engine.insert(ticket_id, state, next);
        }
        engine.settle_timers();
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
        for (number, slot) in (0..).zip(&mut self.slots) {
            let next = slot.state.next_step(&self.rules);
            if next != slot.next {
                self.pending -= usize::from(slot.next != Step::NEVER);
                self.pending += usize::from(next != Step::NEVER);
                slot.next = next;
                self.timers.arm(next, &slot.ticket_id, number);
            }
        }
        for dirty in &mut self.batch.dirty {
            dirty.next = dirty.state.next_step(&self.rules);
        }
        self.settle_timers();
    }

    /// How many tickets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The committed state of a ticket.
    #[must_use]
    pub fn ticket(&self, ticket_id: &str) -> Option<&TicketState> {
        let slot = *self.by_id.get(ticket_id)?;
        Some(&self.slots[slot as usize].state)
    }

    /// Every ticket with its committed state, in no order that means anything.
    pub fn tickets(&self) -> impl Iterator<Item = (&Text, &TicketState)> {
        let known = self.slots.iter().filter(|slot| !slot.ticket_id.is_empty());
        known.map(|slot| (&slot.ticket_id, &slot.state))
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
    #[must_use]
    pub fn has_room(&self, fact: &TicketFact, evaluated_to: Timestamp) -> bool {
        let dirty = self.batch.by_id.get(&fact.ticket_id);
        let state = dirty
            .map(|place| &self.batch.dirty[*place].state)
            .or_else(|| self.ticket(&fact.ticket_id));
        state.is_none_or(|state| state.has_room(&fact.fact, evaluated_to))
    }

    /// Takes a fact into the batch. It decides nothing before [`Engine::advance`].
    pub fn apply(&mut self, fact: TicketFact) -> Acceptance {
        let evaluated_to = self.evaluated_to;
        let dirty = self.dirty(fact.ticket_id);
        let acceptance = dirty.state.accept(fact.fact, evaluated_to);
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
    /// forgotten.
    pub fn changed(&self) -> impl Iterator<Item = (&Text, Option<&TicketState>)> {
        let changed = self.batch.dirty.iter().filter(|dirty| dirty.is_changed);
        changed.filter_map(|dirty| {
            let state = Some(&dirty.state).filter(|state| !state.is_blank());
            // What came and went in one batch was never stored.
            (state.is_some() || dirty.slot.is_some()).then_some((&dirty.ticket_id, state))
        })
    }

    /// Makes the batch the committed state.
    pub fn commit(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.evaluated_to = batch.evaluated_to.unwrap_or(self.evaluated_to);
        if let Some(mut storms) = batch.storms {
            storms.commit();
            self.storms = storms;
        }
        for dirty in batch.dirty {
            match dirty.slot {
                None if dirty.state.is_blank() => {}
                None => self.insert(dirty.ticket_id, dirty.state, dirty.next),
                Some(number) if dirty.state.is_blank() => self.vacate(number),
                Some(number) => {
                    let slot = &mut self.slots[number as usize];
                    slot.state = dirty.state;
                    self.pending -= usize::from(slot.next != Step::NEVER);
                    self.pending += usize::from(dirty.next != Step::NEVER);
                    slot.next = dirty.next;
                    self.timers.arm(dirty.next, &slot.ticket_id, number);
                }
            }
        }
        self.settle_timers();
    }

    /// Drops the batch.
    pub fn rollback(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        for timer in batch.taken {
            self.put_back(timer);
        }
    }

    fn put_back(&mut self, timer: Timer) {
        self.timers.arm(timer.step, &timer.ticket_id, timer.slot);
    }

    fn settle_timers(&mut self) {
        let slots = &self.slots;
        self.timers.settle(|slot| slots[slot as usize].next());
    }

    /// Frees the slot of a forgotten ticket. Timers that are still armed for it count no more: a
    /// later ticket in the slot has a wake time of its own.
    fn vacate(&mut self, number: u32) {
        let slot = &mut self.slots[number as usize];
        self.pending -= usize::from(slot.next != Step::NEVER);
        slot.next = Step::NEVER;
        slot.state = TicketState::default();
        let ticket_id = std::mem::take(&mut slot.ticket_id);
        self.by_id.remove(&ticket_id);
        self.free.push(number);
    }

    fn insert(&mut self, ticket_id: Text, state: TicketState, next: Step) {
        let slot = Slot {
            ticket_id: ticket_id.clone(),
            state,
            next,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1)
                    .expect("a partition has fewer than 2^32 tickets")
            }
        };
        self.pending += usize::from(next != Step::NEVER);
        self.timers.arm(next, &ticket_id, number);
        self.by_id.insert(ticket_id, number);
    }

    fn dirty(&mut self, ticket_id: Text) -> &mut Dirty {
        let place = self.place(ticket_id);
        &mut self.batch.dirty[place]
    }

    /// The place of a ticket in the batch, into which it is put if it is not there yet.
    fn place(&mut self, ticket_id: Text) -> usize {
        match self.batch.by_id.get(&ticket_id) {
            Some(place) => *place,
            None => {
                let slot = self.by_id.get(&ticket_id).copied();
                let (state, next) = slot.map_or_else(
                    || (TicketState::default(), Step::NEVER),
                    |number| {
                        let slot = &self.slots[number as usize];
                        (slot.state.clone(), slot.next)
                    },
                );
                self.batch
                    .by_id
                    .insert(ticket_id.clone(), self.batch.dirty.len());
                self.batch.dirty.push(Dirty {
                    ticket_id,
                    slot,
                    state,
                    next,
                    is_fresh: false,
                    is_changed: false,
                });
                self.batch.dirty.len() - 1
            }
        }
    }
}
