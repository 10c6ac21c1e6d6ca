//! The committed tickets of a partition, each in one piece of memory.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Framing;
use crate::packed::{BrokenState, Packer};
use crate::step::Step;
use crate::ticket::Text;
use crate::ticket_state::TicketState;
use crate::time::Timestamp;
use crate::timers::Tickets;

/// So many tickets are looked for, or looked at, at once: about as many lines of memory as a core waits
/// for side by side, and few enough that the first is still at hand when the last has come.
pub(super) const ABREAST: usize = 16;

/// The bytes that memory brings at once.
const LINE: usize = 64;

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
    /// One of them under way.
    under_way: Vec<u8>,
}

/// A ticket in one piece of memory: the length of its id, the id, and its state.
#[derive(Debug, Default)]
pub(super) struct Kept(Box<[u8]>);

/// One ticket.
#[derive(Debug)]
struct Slot {
    next: Next,
    /// Nothing where a ticket was forgotten.
    kept: Kept,
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

impl Kept {
    /// The id and the state.
    fn parts(&self) -> (&[u8], &[u8]) {
        match self.0.split_first_chunk::<2>() {
            Some((length, rest)) => {
                let length = usize::from(u16::from_le_bytes(*length));
                rest.split_at(length.min(rest.len()))
            }
            None => (&[], &[]),
        }
    }
}

/// Has the memory bring these bytes, and what lies beside them.
fn bring<'b>(bytes: impl Iterator<Item = &'b u8>) {
    black_box(bytes.fold(0, |sum: u8, byte| sum ^ byte));
}

/// Has the memory bring all of at most [`ABREAST`] tickets.
pub(super) fn foresee_all<'k>(tickets: impl Iterator<Item = &'k Kept>) {
    bring(tickets.flat_map(|kept| kept.0.iter().step_by(LINE)));
}

/// The hashes by which tickets are found, by their slots; see [`Slots::hash`].
fn hasher(slots: &[Slot], seed: u64) -> impl Fn(&u32) -> u64 {
    move |slot| xxh3_64_with_seed(slots[*slot as usize].kept.parts().0, seed)
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            seed: RandomState::new().hash_one(0),
            packer: Packer::default(),
            under_way: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Makes room for so many more tickets, and no more than that.
    pub(super) fn reserve(&mut self, count: usize) {
        self.slots.reserve_exact(count);
        self.by_id.reserve(count, hasher(&self.slots, self.seed));
    }

    /// Keeps no memory for more tickets than there are.
    pub(super) fn give_back(&mut self) {
        self.slots.shrink_to_fit();
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

    /// Has the memory bring what will be looked at to find at most [`ABREAST`] tickets of these hashes.
    pub(super) fn foresee(&self, hashes: impl Iterator<Item = u64>) {
        let mut slots = [None; ABREAST];
        for (slot, hash) in slots.iter_mut().zip(hashes) {
            // Whichever comes first: it is nearly always the one.
            *slot = self.by_id.find(hash, |_| true).copied();
        }
        self.foresee_ids(slots.into_iter().flatten());
    }

    /// Has the memory bring the ids in at most [`ABREAST`] slots.
    pub(super) fn foresee_ids(&self, slots: impl Iterator<Item = u32>) {
        bring(slots.filter_map(|slot| self.kept(slot).0.first()));
    }

    /// The ticket in a slot.
    pub(super) fn kept(&self, slot: u32) -> &Kept {
        &self.slots[slot as usize].kept
    }

    pub(super) fn ticket_id(&self, slot: u32) -> Text {
        str::from_utf8(self.id(slot)).unwrap_or_default().into()
    }

    pub(super) fn state(&self, slot: u32) -> TicketState {
        self.unpack(self.kept(slot))
    }

    /// Its state.
    pub(super) fn unpack(&self, kept: &Kept) -> TicketState {
        self.packer.unpack(kept.parts().1)
    }

    /// A ticket of an id with that hash, for [`Self::insert`] or [`Self::write`].
    pub(super) fn pack(&mut self, ticket_id: &str, hash: u64, state: &TicketState) -> Kept {
        self.begin(ticket_id);
        self.packer.pack(state, &mut self.under_way, hash as u32);
        Kept(self.under_way.as_slice().into())
    }

    /// The same of a ticket as it was stored, and its state.
    pub(super) fn restored(
        &mut self,
        ticket_id: &str,
        hash: u64,
        stored: &[u8],
    ) -> Result<(Kept, TicketState), BrokenState> {
        self.begin(ticket_id);
        let state = self
            .packer
            .restored(stored, &mut self.under_way, hash as u32)?;
        Ok((Kept(self.under_way.as_slice().into()), state))
    }

    /// What is to be stored of a ticket.
    pub(super) fn stored(&self, kept: &Kept, framing: Framing) -> Vec<u8> {
        self.packer.stored(kept.parts().1, &framing)
    }

    fn begin(&mut self, ticket_id: &str) {
        let length = u16::try_from(ticket_id.len()).expect("an id is shorter than a record");
        self.under_way.clear();
        self.under_way.extend_from_slice(&length.to_le_bytes());
        self.under_way.extend_from_slice(ticket_id.as_bytes());
    }

    /// The slots of all tickets.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let known = (0..).zip(&self.slots);
        known.filter_map(|(slot, it)| (!it.kept.0.is_empty()).then_some(slot))
    }

    /// Puts in a new ticket, of an id with that hash; answers with its slot.
    pub(super) fn insert(&mut self, hash: u64, kept: Kept, next: Step) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                next: Next::NEVER,
                kept: Kept::default(),
            });
            u32::try_from(self.slots.len() - 1).expect("a partition has fewer than 2^32 tickets")
        });
        self.write(number, kept, next);
        self.by_id
            .insert_unique(hash, number, hasher(&self.slots, self.seed));
        number
    }

    /// Puts what a ticket is now into its slot; answers with what its next step was.
    pub(super) fn write(&mut self, number: u32, kept: Kept, next: Step) -> Step {
        let slot = &mut self.slots[number as usize];
        slot.kept = kept;
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
        let hash = hasher(&self.slots, self.seed)(&number);
        if let Ok(entry) = self.by_id.find_entry(hash, |slot| *slot == number) {
            entry.remove();
        }
        let slot = &mut self.slots[number as usize];
        slot.kept = Kept::default();
        self.free.push(number);
        std::mem::replace(&mut slot.next, Next::NEVER).step()
    }
}

impl Tickets for Slots {
    fn next(&self, slot: u32) -> Step {
        self.slots[slot as usize].next.step()
    }

    fn id(&self, slot: u32) -> &[u8] {
        self.kept(slot).parts().0
    }
}
