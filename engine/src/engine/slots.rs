//! The committed tickets of a partition, each in one piece of memory.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::packed::Packer;
use crate::step::Step;
use crate::ticket::Text;
use crate::ticket_state::TicketState;
use crate::time::Timestamp;
use crate::timers::Tickets;

/// The tickets, by the numbers of their slots and by their ids.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// Slots of tickets that were forgotten.
    free: Vec<u32>,
    by_id: HashTable<u32>,
    /// Nobody outside can make ids that fall together.
    seed: u64,
    packer: Packer,
    /// A piece under way.
    piece: Vec<u8>,
}

/// One ticket.
#[derive(Debug)]
struct Slot {
    next: Next,
    /// The length of its id, the id, and its state; nothing where a ticket was forgotten.
    piece: Box<[u8]>,
}

/// A next step in half the room: twice the instant, and one more if something falls due. Instants
/// beyond some million years are never reached and count as the end of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Next(i64);

impl Next {
    const NEVER: Self = Self(i64::MAX);

    fn of(step: Step) -> Self {
        match step.at.as_millis().checked_mul(2) {
            Some(twice) => Self(twice | i64::from(step.is_due)),
            None if step.at > Timestamp::from_millis(0) => Self::NEVER,
            None => Self(i64::MIN),
        }
    }

    const fn step(self) -> Step {
        match self {
            Self::NEVER => Step::NEVER,
            Self(twice) => Step {
                at: Timestamp::from_millis(twice >> 1),
                is_due: twice & 1 == 1,
            },
        }
    }
}

impl Slot {
    fn parts(&self) -> (&[u8], &[u8]) {
        match self.piece.split_first_chunk::<2>() {
            Some((length, rest)) => {
                let length = usize::from(u16::from_le_bytes(*length));
                rest.split_at(length.min(rest.len()))
            }
            None => (&[], &[]),
        }
    }
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            seed: RandomState::new().hash_one(0),
            packer: Packer::default(),
            piece: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The hash by which tickets are found.
    pub(super) fn hash(&self, ticket_id: &str) -> u64 {
        xxh3_64_with_seed(ticket_id.as_bytes(), self.seed)
    }

    /// The slot of the ticket of an id with that hash.
    pub(super) fn find(&self, ticket_id: &str, hash: u64) -> Option<u32> {
        let is_it = |slot: &u32| self.id(*slot) == ticket_id.as_bytes();
        self.by_id.find(hash, is_it).copied()
    }

    pub(super) fn ticket_id(&self, slot: u32) -> Text {
        str::from_utf8(self.id(slot)).unwrap_or_default().into()
    }

    pub(super) fn state(&self, slot: u32) -> TicketState {
        self.packer.unpack(self.slots[slot as usize].parts().1)
    }

    /// The slots of all tickets.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let known = (0..).zip(&self.slots);
        known.filter_map(|(slot, it)| (!it.piece.is_empty()).then_some(slot))
    }

    /// Puts a new ticket in; answers with its slot.
    pub(super) fn insert(&mut self, ticket_id: &Text, state: &TicketState, next: Step) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                next: Next::NEVER,
                piece: Box::default(),
            });
            u32::try_from(self.slots.len() - 1).expect("a partition has fewer than 2^32 tickets")
        });
        self.write(number, ticket_id, state, next);
        let Self {
            slots, by_id, seed, ..
        } = self;
        let hash_of = |slot: &u32| xxh3_64_with_seed(slots[*slot as usize].parts().0, *seed);
        by_id.insert_unique(hash_of(&number), number, hash_of);
        number
    }

    /// Puts another state of a ticket into its slot; answers with what its next step was.
    pub(super) fn write(
        &mut self,
        number: u32,
        ticket_id: &Text,
        state: &TicketState,
        next: Step,
    ) -> Step {
        self.piece.clear();
        let length = u16::try_from(ticket_id.len()).expect("an id is shorter than a record");
        self.piece.extend_from_slice(&length.to_le_bytes());
        self.piece.extend_from_slice(ticket_id.as_bytes());
        self.piece
            .extend_from_slice(self.packer.pack(state, number));
        let slot = &mut self.slots[number as usize];
        if slot.piece.len() == self.piece.len() {
            slot.piece.copy_from_slice(&self.piece);
        } else {
            slot.piece = self.piece.as_slice().into();
        }
        std::mem::replace(&mut slot.next, Next::of(next)).step()
    }

    /// Notes another next step of a ticket; answers with what it was.
    pub(super) fn set_next(&mut self, slot: u32, next: Step) -> Step {
        let slot = &mut self.slots[slot as usize];
        std::mem::replace(&mut slot.next, Next::of(next)).step()
    }

    /// Frees the slot of a forgotten ticket; answers with what its next step was. Timers that are
    /// still armed for it count no more: a later ticket in the slot has a next step of its own.
    pub(super) fn vacate(&mut self, number: u32) -> Step {
        let hash = xxh3_64_with_seed(self.id(number), self.seed);
        if let Ok(entry) = self.by_id.find_entry(hash, |slot| *slot == number) {
            entry.remove();
        }
        let slot = &mut self.slots[number as usize];
        slot.piece = Box::default();
        self.free.push(number);
        std::mem::replace(&mut slot.next, Next::NEVER).step()
    }
}

impl Tickets for Slots {
    fn next(&self, slot: u32) -> Step {
        self.slots[slot as usize].next.step()
    }

    fn id(&self, slot: u32) -> &[u8] {
        self.slots[slot as usize].parts().0
    }
}
