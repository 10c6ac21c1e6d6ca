//! What a batch has changed and not committed: copies of the tickets that it touches.

use std::sync::Arc;

use hashbrown::HashTable;

use super::slots::Slots;
use crate::rules::Rules;
use crate::step::Step;
use crate::storms::Storms;
use crate::ticket::Text;
use crate::ticket_state::TicketState;
use crate::time::Timestamp;
use crate::timers::{Tickets, Timer};

/// Tickets for whose places memory is kept between batches: as many as a transaction takes as a rule.
const TICKETS_KEPT: usize = 5_000;

/// One batch.
#[derive(Debug, Default)]
pub(super) struct Batch {
    dirty: Vec<Dirty>,
    /// Places in `dirty`.
    by_id: HashTable<Place>,
    pub(super) taken: Vec<Timer>,
    pub(super) evaluated_to: Option<Timestamp>,
    /// A copy, once something counts against a limit or a digest is due.
    pub(super) storms: Option<Storms>,
}

/// A ticket that the batch has touched.
#[derive(Debug)]
pub(super) struct Dirty {
    pub(super) ticket_id: Text,
    pub(super) slot: Option<u32>,
    /// Whoever was given it by [`super::Engine::changed`] keeps it as it was.
    pub(super) state: Arc<TicketState>,
    pub(super) next: Step,
    /// Whether it has to be looked at in this batch still.
    pub(super) is_fresh: bool,
    /// Whether its state differs from the committed one.
    pub(super) is_changed: bool,
}

/// Where a ticket is, with the hash of its id.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u64,
    place: usize,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.dirty.len()
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = &Dirty> {
        self.dirty.iter()
    }

    /// Takes out the tickets that may differ from the committed ones.
    pub(super) fn take_touched(&mut self) -> impl Iterator<Item = Dirty> {
        let tickets = self.dirty.drain(..);
        tickets.filter(|dirty| dirty.is_fresh || dirty.is_changed)
    }

    /// Another batch, in the memory of this one.
    pub(super) fn emptied(mut self) -> Self {
        self.dirty.clear();
        self.by_id.clear();
        self.taken.clear();
        self.dirty.shrink_to(TICKETS_KEPT);
        self.by_id.shrink_to(TICKETS_KEPT, |it| it.hash);
        self.taken.shrink_to(TICKETS_KEPT);
        Self {
            evaluated_to: None,
            storms: None,
            ..self
        }
    }

    pub(super) fn at(&self, place: usize) -> &Dirty {
        &self.dirty[place]
    }

    pub(super) fn at_mut(&mut self, place: usize) -> &mut Dirty {
        &mut self.dirty[place]
    }

    /// Whether the batch has touched a ticket.
    pub(super) fn has(&self, ticket_id: &str, slots: &Slots) -> bool {
        self.find(ticket_id, slots.hash(ticket_id)).is_some()
    }

    /// A ticket, which is put into the batch if it is not there yet.
    pub(super) fn ticket(&mut self, ticket_id: &Text, slots: &Slots) -> &mut Dirty {
        let place = self.place(ticket_id, slots);
        &mut self.dirty[place]
    }

    /// The same for the ticket in a slot.
    pub(super) fn ticket_in(&mut self, slot: u32, slots: &Slots) -> &mut Dirty {
        let ticket_id = str::from_utf8(slots.id(slot)).unwrap_or_default();
        let hash = slots.hash(ticket_id);
        let place = match self.find(ticket_id, hash) {
            Some(place) => place,
            None => self.take_in(ticket_id.into(), hash, Some(slot), slots),
        };
        &mut self.dirty[place]
    }

    /// The place of a ticket in the batch, into which it is put if it is not there yet.
    pub(super) fn place(&mut self, ticket_id: &Text, slots: &Slots) -> usize {
        let hash = slots.hash(ticket_id);
        self.find(ticket_id, hash).unwrap_or_else(|| {
            let slot = slots.find(ticket_id, hash);
            self.take_in(ticket_id.clone(), hash, slot, slots)
        })
    }

    fn find(&self, ticket_id: &str, hash: u64) -> Option<usize> {
        let is_it = |it: &Place| it.hash == hash && *self.dirty[it.place].ticket_id == *ticket_id;
        self.by_id.find(hash, is_it).map(|it| it.place)
    }

    fn take_in(&mut self, ticket_id: Text, hash: u64, slot: Option<u32>, slots: &Slots) -> usize {
        let place = self.dirty.len();
        self.by_id
            .insert_unique(hash, Place { hash, place }, |it| it.hash);
        self.dirty.push(Dirty {
            ticket_id,
            slot,
            state: slot.map_or_else(Arc::default, |slot| Arc::new(slots.state(slot))),
            next: slot.map_or(Step::NEVER, |slot| slots.next(slot)),
            is_fresh: false,
            is_changed: false,
        });
        place
    }

    /// Looks anew at when its tickets have to be looked at.
    pub(super) fn set_rules(&mut self, rules: &Rules) {
        for dirty in &mut self.dirty {
            dirty.next = dirty.state.next_step(rules);
        }
    }
}
