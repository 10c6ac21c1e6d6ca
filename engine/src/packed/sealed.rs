//! Facts as they lie in a packed state, which none of the usual ways takes apart.
//!
//! Each fact lies there by itself, so that the first can be dropped and others put behind the last
//! without a look at the rest: its length, the mark of its identity, how much later it is than the one
//! before it, the identity, and everything else. Where each of them begins, its mark and its instant
//! are found when the state is unpacked.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::bits::BitReader;
use super::read::Reader;
use super::words::Table;
use crate::fact::Fact;
use crate::facts::Scribe;
use crate::ticket::{Text, Ticket};
use crate::time::Timestamp;

/// This length says that the true one follows in four bytes.
pub(super) const LONG: u8 = u8::MAX;

/// The facts of a committed state that are still as they were packed: at least one.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    table: Arc<Table>,
    bytes: Box<[u8]>,
    places: Vec<Place>,
    source: Text,
    origin: Option<Arc<Ticket>>,
}

/// Where a fact lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) at: Timestamp,
    /// The place of its length.
    begin: u32,
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
    /// The facts, from the first on.
    facts: &'a [u8],
    places: Vec<Place>,
    /// Everything else.
    pub(super) head: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut rest = bytes;
        let count = take_number(&mut rest) as usize;
        let mut at = match count {
            0 => 0,
            _ => signed(take_number(&mut rest)),
        };
        let facts = rest;
        // Each takes several bytes, however many there are said to be.
        let mut places: Vec<Place> = Vec::with_capacity(count.min(facts.len()));
        for place in 0..count {
            let begin = (facts.len() - rest.len()) as u32;
            let (mark, body) = take_body(&mut rest);
            if place > 0 {
                at = BitReader::new(body).delta().wrapping_add(at);
            }
            let at = Timestamp::from_millis(at);
            places.push(Place { at, begin, mark });
        }
        Self {
            facts: &facts[..facts.len() - rest.len()],
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
            origin: None,
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.places.is_empty()
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

    /// Has all of them written down from where they lie.
    pub(crate) fn dictate(&self, scribe: &mut impl Scribe) {
        for place in 0..self.places.len() {
            let (mut reader, at) = self.reader(place);
            reader.dictate(at, &self.source, scribe);
        }
    }

    /// A fact by itself.
    pub(crate) fn fact(&self, place: usize) -> Arc<Fact> {
        let (mut reader, at) = self.reader(place);
        Arc::new(reader.fact(at, Some(&self.source)))
    }

    /// Where the same fact is, see [`Fact::is_same`].
    pub(crate) fn find(&self, fact: &Fact) -> Option<usize> {
        let mark = mark_of(fact);
        let id = fact.event_id.as_deref();
        (0..self.places.len()).find(|place| {
            self.places[*place].mark == mark && {
                let (mut reader, _) = self.reader(*place);
                reader.is_identity(id, fact.record_hash)
            }
        })
    }

    /// Takes the first fact out; answers with whether others are left.
    pub(crate) fn drop_first(&mut self) -> bool {
        self.places.remove(0);
        self.origin = None;
        !self.places.is_empty()
    }

    /// What the first fact makes of a ticket, if that was needed before.
    pub(crate) const fn origin(&self) -> Option<&Arc<Ticket>> {
        self.origin.as_ref()
    }

    pub(super) fn make_origin(&self) -> Arc<Ticket> {
        let (mut reader, at) = self.reader(0);
        Arc::new(reader.origin(at, &self.source))
    }

    pub(super) fn set_origin(&mut self, origin: Arc<Ticket>) {
        self.origin = Some(origin);
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The bytes, if they name words of that table.
    pub(super) fn bytes(&self, table: &Arc<Table>) -> Option<&[u8]> {
        let begin = self.places.first()?.begin;
        Arc::ptr_eq(&self.table, table).then(|| &self.bytes[begin as usize..])
    }

    /// A reader behind the instant of a fact.
    fn reader(&self, place: usize) -> (Reader<'_>, Timestamp) {
        let Place { at, begin, .. } = self.places[place];
        let (_, body) = take_body(&mut &self.bytes[begin as usize..]);
        (Reader::of_fact(body, &self.table, at), at)
    }
}

/// The mark and the body of the next fact.
fn take_body<'a>(rest: &mut &'a [u8]) -> (u8, &'a [u8]) {
    let (length, mark, behind) = match **rest {
        [LONG, a, b, c, d, mark, ref behind @ ..] => {
            (u32::from_le_bytes([a, b, c, d]) as usize, mark, behind)
        }
        [length, mark, ref behind @ ..] => (usize::from(length), mark, behind),
        [_] | [] => (0, 0, &[][..]),
    };
    let (body, behind) = behind.split_at(length.min(behind.len()));
    *rest = behind;
    (mark, body)
}

/// A number of any length, seven bits in each byte.
pub(super) fn put_number(bytes: &mut Vec<u8>, value: u64) {
    let mut left = value;
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

fn take_number(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    let mut shift = 0;
    while let Some((byte, behind)) = rest.split_first() {
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 || shift > 63 {
            break;
        }
    }
    value
}

/// A number with a sign as one without.
pub(super) const fn unsigned(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

const fn signed(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
