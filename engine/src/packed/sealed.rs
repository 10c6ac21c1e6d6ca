//! Facts as they lie in a packed state, which none of the usual ways takes apart.
//!
//! Each is a block of its own in the array of facts, so that the first can be dropped and others put
//! behind the last without a look at the rest. Where each of them begins, the mark of its identity
//! and its instant are found when the state is unpacked.

use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::binary::Bytes;
use super::read::Reader;
use super::words::{Table, Used};
use crate::fact::Fact;
use crate::ticket::{Text, Ticket};
use crate::time::Timestamp;

/// The facts of a committed state that are still as they were packed: at least one.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    table: Arc<Table>,
    /// The words that they name, and they themselves.
    bytes: Box<[u8]>,
    places: Vec<Place>,
    source: Text,
}

/// Where a fact lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) at: Timestamp,
    /// Where its block begins, and where its content behind mark and instant does.
    block: u32,
    begin: u32,
    end: u32,
    /// See [`mark_of`].
    mark: u8,
}

/// What nearly all facts of other identities have differently: most of them need no other look.
pub(super) fn mark_of(fact: &Fact) -> u8 {
    let hash = match &fact.event_id {
        Some(id) => xxh3_64(id.as_bytes()),
        None => fact.record_hash.cast_unsigned(),
    };
    hash as u8
}

/// The parts of a packed state.
pub(super) struct Parts<'a> {
    pub(super) used: Used<'a>,
    /// From the list of words to the last fact.
    facts: &'a [u8],
    places: Vec<Place>,
    /// Everything else.
    pub(super) head: Bytes<'a>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(packed: &'a [u8], table: &'a Table) -> Self {
        let (used, body) = Used::of(packed, table);
        let mut rest = Bytes::new(body);
        let offset = |rest: &Bytes<'_>| (packed.len() - rest.rest().len()) as u32;
        let mut at = rest.long();
        let mut places: Vec<Place> = Vec::new();
        let mut end = offset(&rest);
        loop {
            let block = end;
            match rest.long() {
                0 => break,
                -1 => {}
                _ => rest.break_off(),
            }
            let mut content = Bytes::new(rest.bytes());
            end = offset(&rest);
            let [mark] = content.fixed();
            let after = content.long();
            if content.is_broken() {
                rest.break_off();
            }
            if rest.is_broken() {
                break;
            }
            if places.is_empty() {
                // As many as most tickets have, in one piece of memory.
                places.reserve_exact(8);
            } else {
                at = after.wrapping_add(at);
            }
            places.push(Place {
                at: Timestamp::from_millis(at),
                block,
                begin: end - content.rest().len() as u32,
                end,
                mark,
            });
        }
        Self {
            used,
            facts: &packed[..places.last().map_or(0, |place| place.end) as usize],
            places,
            head: rest,
        }
    }

    /// The facts; none if there are none. Those that say nothing of their source have this one.
    pub(super) fn seal(self, table: &Arc<Table>, source: Text) -> Option<Sealed> {
        (!self.places.is_empty()).then(|| Sealed {
            table: Arc::clone(table),
            bytes: self.facts.into(),
            places: self.places,
            source,
        })
    }
}

impl Sealed {
    pub(crate) const fn len(&self) -> usize {
        self.places.len()
    }

    /// The instant of a fact.
    pub(crate) fn at(&self, place: usize) -> Option<Timestamp> {
        self.places.get(place).map(|place| place.at)
    }

    /// The source of those that say nothing of it.
    pub(crate) const fn source(&self) -> &Text {
        &self.source
    }

    /// A fact by itself.
    pub(crate) fn fact(&self, place: usize) -> Arc<Fact> {
        let (mut reader, at) = self.reader(place);
        Arc::new(reader.fact(at, Some(&self.source)))
    }

    /// Where among some of them the same fact is, see [`Fact::is_same`].
    pub(crate) fn find(&self, fact: &Fact, mut among: Range<usize>) -> Option<usize> {
        let mark = mark_of(fact);
        let id = fact.event_id.as_deref();
        among.end = among.end.min(self.places.len());
        among.find(|place| {
            self.places[*place].mark == mark && {
                let (mut reader, _) = self.reader(*place);
                reader.is_identity(id, fact.record_hash)
            }
        })
    }

    /// Takes the first fact out; answers with whether others are left.
    pub(crate) fn drop_first(&mut self) -> bool {
        self.places.remove(0);
        !self.places.is_empty()
    }

    /// What the first fact makes of a ticket.
    pub(crate) fn origin(&self) -> Ticket {
        let (mut reader, _) = self.reader(0);
        reader.first_ticket()
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The words that they name, and they themselves; none when other words are meant.
    pub(super) fn bytes(&self, table: &Arc<Table>) -> Option<(Used<'_>, &[u8])> {
        let begin = self.places.first()?.block;
        let facts = || &self.bytes[begin as usize..];
        Arc::ptr_eq(&self.table, table).then(|| (self.used(), facts()))
    }

    /// Whether every fact is one to its last byte.
    pub(super) fn is_whole(&self) -> bool {
        (0..self.places.len()).all(|place| {
            let (mut reader, at) = self.reader(place);
            reader.is_fact(at)
        })
    }

    fn used(&self) -> Used<'_> {
        Used::of(&self.bytes, &self.table).0
    }

    /// A reader behind the instant of a fact.
    fn reader(&self, place: usize) -> (Reader<'_>, Timestamp) {
        let Place { at, begin, end, .. } = self.places[place];
        let content = Bytes::new(&self.bytes[begin as usize..end as usize]);
        (Reader::new(content, self.used(), at), at)
    }
}
