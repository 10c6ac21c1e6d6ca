//! The kept facts of a ticket, in their order.
//!
//! In front lie those of the committed state, sealed: as the bytes that they were packed into. Behind
//! them come those that are new. Whoever reads facts does not see the difference, but for the time
//! that it takes: a sealed fact is made anew whenever it is asked for, its instant is at hand. Only a
//! fact that has its place among sealed ones, or leaves them, breaks the seal of all of them; the
//! oldest one can be taken away by itself.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::fact::Fact;
use crate::packed::Sealed;
use crate::ticket::{Text, Ticket};
use crate::time::Timestamp;

/// The kept facts of a ticket.
#[derive(Clone, Default)]
pub struct Facts {
    sealed: Option<Sealed>,
    loose: Vec<Arc<Fact>>,
    /// What all of them take, see [`Fact::bytes`].
    bytes: usize,
}

static NONE: Facts = Facts {
    sealed: None,
    loose: Vec::new(),
    bytes: 0,
};

impl Facts {
    /// No facts, for ever.
    pub(crate) fn none() -> &'static Self {
        &NONE
    }

    /// Facts of a committed state, which take so many bytes.
    pub(crate) const fn sealed(sealed: Option<Sealed>, bytes: usize) -> Self {
        Self {
            sealed,
            loose: Vec::new(),
            bytes,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sealed_len() + self.loose.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instant of the fact at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<Timestamp> {
        match self.place_of(place) {
            Place::Sealed(sealed) => sealed.at(place),
            Place::Loose(place) => self.loose.get(place).map(|fact| fact.occurred_at),
        }
    }

    /// The fact at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<Arc<Fact>> {
        match self.place_of(place) {
            Place::Sealed(sealed) => Some(sealed.fact(place)),
            Place::Loose(place) => self.loose.get(place).cloned(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Arc<Fact>> + ExactSizeIterator {
        (0..self.len()).map(|place| self.fact(place))
    }

    /// What all of them take, see [`Fact::bytes`].
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What some of them take.
    pub(crate) fn bytes_of(&self, places: Range<usize>) -> usize {
        let bytes = |place| match self.place_of(place) {
            Place::Sealed(sealed) => sealed.fact(place).bytes(),
            Place::Loose(place) => self.loose[place].bytes(),
        };
        places.map(bytes).sum()
    }

    /// The same fact, see [`Fact::is_same`], if it is among those in some places, and where.
    pub(crate) fn find(&self, fact: &Fact, among: Range<usize>) -> Option<(usize, Arc<Fact>)> {
        let sealed = self.sealed.as_ref();
        let sealed = sealed.and_then(|sealed| sealed.find(fact, among.clone()));
        let place = sealed.or_else(|| {
            let sealed = self.sealed_len();
            let mut loose = among.start.max(sealed)..among.end.min(self.len());
            loose.find(|place| self.loose[place - sealed].is_same(fact))
        })?;
        Some((place, self.fact(place)))
    }

    /// How many come before a fact.
    pub(crate) fn place_for(&self, fact: &Fact) -> usize {
        self.partition_point(|facts, place| {
            let at = facts.at(place).unwrap_or(fact.occurred_at);
            at < fact.occurred_at
                || (at == fact.occurred_at && facts.fact(place).order(fact).is_lt())
        })
    }

    /// How many come before an instant.
    pub(crate) fn before(&self, at: Timestamp) -> usize {
        self.partition_point(|facts, place| facts.at(place).is_some_and(|other| other < at))
    }

    /// The place of the first fact of an instant.
    pub(crate) fn place_at(&self, at: Timestamp) -> Option<usize> {
        let place = self.before(at);
        (self.at(place) == Some(at)).then_some(place)
    }

    /// Puts a fact in, at its place.
    pub(crate) fn insert(&mut self, place: usize, fact: Arc<Fact>) {
        if place < self.sealed_len() {
            self.unseal();
        }
        self.bytes += fact.bytes();
        self.loose.insert(place - self.sealed_len(), fact);
    }

    /// Takes a fact out.
    pub(crate) fn remove(&mut self, place: usize) -> Arc<Fact> {
        let fact = self.fact(place);
        self.bytes -= fact.bytes();
        match &mut self.sealed {
            Some(sealed) if place == 0 => {
                if !sealed.drop_first() {
                    self.sealed = None;
                }
            }
            Some(sealed) if place < sealed.len() => {
                self.unseal();
                self.loose.remove(place);
            }
            Some(_) | None => {
                self.loose.remove(place - self.sealed_len());
            }
        }
        fact
    }

    /// Takes out those from a place on.
    pub(crate) fn split_off(&mut self, place: usize) -> Self {
        self.unseal();
        let split = Self::from(self.loose.split_off(place));
        self.bytes -= split.bytes;
        split
    }

    /// The source of the first fact, or of one before it.
    pub(crate) fn source(&self) -> Option<&Text> {
        let sealed = self.sealed.as_ref().map(Sealed::source);
        sealed.or_else(|| self.loose.first().map(|fact| &fact.source))
    }

    /// What the first fact makes of a ticket.
    pub(crate) fn origin(&self) -> Ticket {
        match (&self.sealed, self.loose.first()) {
            (Some(sealed), _) => sealed.origin(),
            (None, Some(first)) => {
                let mut ticket = Ticket::default();
                ticket.merge(&first.changes);
                ticket
            }
            (None, None) => Ticket::default(),
        }
    }

    /// Those in front that are still sealed.
    pub(crate) const fn sealed_front(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    /// The fact at a place that has one.
    pub(crate) fn fact(&self, place: usize) -> Arc<Fact> {
        match self.place_of(place) {
            Place::Sealed(sealed) => sealed.fact(place),
            Place::Loose(place) => Arc::clone(&self.loose[place]),
        }
    }

    fn unseal(&mut self) {
        if let Some(sealed) = self.sealed.take() {
            let facts = (0..sealed.len()).map(|place| sealed.fact(place));
            self.loose.splice(0..0, facts);
        }
    }

    fn sealed_len(&self) -> usize {
        self.sealed.as_ref().map_or(0, Sealed::len)
    }

    fn place_of(&self, place: usize) -> Place<'_> {
        match &self.sealed {
            Some(sealed) if place < sealed.len() => Place::Sealed(sealed),
            Some(sealed) => Place::Loose(place - sealed.len()),
            None => Place::Loose(place),
        }
    }

    fn partition_point(&self, is_before: impl Fn(&Self, usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        // The usual one comes last.
        if high > 0 && is_before(self, high - 1) {
            return high;
        }
        while low < high {
            let middle = usize::midpoint(low, high);
            if is_before(self, middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Where a fact is.
enum Place<'a> {
    /// Among the sealed ones, at the same place.
    Sealed(&'a Sealed),
    /// At this place among the loose ones.
    Loose(usize),
}

impl From<Vec<Arc<Fact>>> for Facts {
    fn from(loose: Vec<Arc<Fact>>) -> Self {
        let bytes = loose.iter().map(|fact| fact.bytes()).sum();
        Self {
            sealed: None,
            loose,
            bytes,
        }
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Arc::unwrap_or_clone))
    }
}

impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
