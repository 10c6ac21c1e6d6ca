//! The words that many tickets have: each is kept once and named by its number.
//!
//! A state names words by their places in a list of its own, and that list has the numbers. So what
//! names a word is one byte, and is the same in every process that knows the texts of the list.
//!
//! A word is learned when it is met in several tickets within a while, and then for ever, for the
//! states that name it are not looked through. So there is a limit to how many are learned; what
//! comes then is written out.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ticket::Text;

/// Words that are learned at most: with their places in tables, some megabytes.
const WORDS_MAX: usize = 1 << 15;

/// A longer text is hardly that of another ticket, too. It is also what a word can take in a stored
/// state that has named it once and does no more.
const BYTES_MAX: usize = 256;

/// Words that one state names at most; others are written out.
pub(super) const USED_MAX: usize = 255;

/// So many tickets make a word: what is kept of it takes as much as it saves in four of them.
const TICKETS_MIN: u8 = 4;

/// Places for words that may be learned; a newer one takes the place of an older one.
const CANDIDATES: usize = 4096;

/// Words of one piece of the table.
const PIECE_WORDS: usize = 1 << 8;

/// Learned words by number. Words are only ever added, so whoever has packed texts may share it.
#[derive(Debug)]
pub(crate) struct Table([OnceLock<Box<[OnceLock<Text>]>>; WORDS_MAX / PIECE_WORDS]);

impl Table {
    fn new() -> Self {
        Self([const { OnceLock::new() }; WORDS_MAX / PIECE_WORDS])
    }

    /// The word of a number.
    #[inline]
    pub(super) fn word(&self, number: usize) -> Option<&Text> {
        let piece = self.0.get(number / PIECE_WORDS)?.get()?;
        piece[number % PIECE_WORDS].get()
    }

    fn add(&self, number: usize, word: Text) {
        let empty = || (0..PIECE_WORDS).map(|_| OnceLock::new()).collect();
        let piece = self.0[number / PIECE_WORDS].get_or_init(empty);
        piece[number % PIECE_WORDS].get_or_init(|| word);
    }
}

/// The words that one state names, by their places: two bytes for the number of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used<'a> {
    numbers: &'a [[u8; 2]],
    table: &'a Table,
}

impl<'a> Used<'a> {
    /// The list in front of a packed state, and what follows it.
    pub(super) fn of(packed: &'a [u8], table: &'a Table) -> (Self, &'a [u8]) {
        let (count, rest) = packed.split_first().unwrap_or((&0, &[]));
        let length = 2 * usize::from(*count);
        let (numbers, rest) = rest.split_at_checked(length).unwrap_or_default();
        let (numbers, _) = numbers.as_chunks();
        (Self { numbers, table }, rest)
    }

    #[inline]
    pub(super) fn word(self, place: usize) -> Option<&'a Text> {
        let number = self.numbers.get(place)?;
        self.table.word(usize::from(u16::from_le_bytes(*number)))
    }

    pub(super) const fn len(self) -> usize {
        self.numbers.len()
    }

    pub(super) fn words(self) -> impl Iterator<Item = &'a Text> {
        let word = move |number| self.table.word(usize::from(number));
        self.numbers().filter_map(word)
    }

    pub(super) fn numbers(self) -> impl Iterator<Item = u16> {
        self.numbers.iter().copied().map(u16::from_le_bytes)
    }
}

/// The words that a state names while it is written, by their places.
#[derive(Debug, Default)]
pub(super) struct Named {
    numbers: Vec<u16>,
    /// The place of each word by its number, as far as any was asked for; [`NO_PLACE`] of those that
    /// are not named.
    places: Vec<u8>,
}

/// More than any place.
const NO_PLACE: u8 = USED_MAX as u8;

impl Named {
    /// Names none any more but these, in their order, even where one comes twice.
    pub(super) fn reset(&mut self, numbers: impl Iterator<Item = u16>) {
        for number in self.numbers.drain(..) {
            self.places[usize::from(number)] = NO_PLACE;
        }
        for number in numbers.take(USED_MAX) {
            self.add(number);
        }
    }

    fn add(&mut self, number: u16) -> usize {
        let (place, index) = (self.numbers.len(), usize::from(number));
        if self.places.len() <= index {
            self.places.resize(index + 1, NO_PLACE);
        }
        self.numbers.push(number);
        self.places[index] = place as u8;
        place
    }

    /// The place of a word, which is named from now on; none when there is no room for it.
    #[inline]
    pub(super) fn place_of(&mut self, number: u16) -> Option<usize> {
        match self.places.get(usize::from(number)) {
            Some(&place) if place != NO_PLACE => Some(place.into()),
            _ => (self.numbers.len() < USED_MAX).then(|| self.add(number)),
        }
    }

    pub(super) fn numbers(&self) -> &[u16] {
        &self.numbers
    }
}

/// The words that were learned.
#[derive(Debug)]
pub(super) struct Words {
    table: Arc<Table>,
    /// How many there are.
    count: usize,
    numbers: HashTable<u16>,
    /// Empty until something is to be learned.
    candidates: Box<[Candidate]>,
    /// Nobody outside can make texts that fall together.
    seed: u64,
}

/// A text that may become a word.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    mark: u32,
    /// The ticket that had it last.
    owner: u32,
    tickets: u8,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            table: Arc::new(Table::new()),
            count: 0,
            numbers: HashTable::new(),
            candidates: Box::default(),
            seed: RandomState::new().hash_one(0),
        }
    }
}

impl Words {
    /// Whether these bytes are the text of that word.
    #[inline]
    pub(super) fn is_word(&self, number: u16, text: &[u8]) -> bool {
        let word = self.table.word(usize::from(number));
        word.is_some_and(|word| word.as_bytes() == text)
    }

    /// The number of a word, or none of a text that is not learned yet.
    pub(super) fn find(&mut self, text: &str, owner: u32) -> Option<u16> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let hash = self.hash(text);
        let known = self.find_hashed(text, hash);
        if known.is_some() || !self.is_met_often(hash, owner) {
            return known;
        }
        self.add(text.into(), hash)
    }

    /// The same for a text that is a word elsewhere: it is learned at once, however long it is. None
    /// only when there is no room for more words.
    pub(super) fn learn(&mut self, text: &str) -> Option<u16> {
        let hash = self.hash(text);
        self.find_hashed(text, hash)
            .or_else(|| self.add(text.into(), hash))
    }

    fn hash(&self, text: &str) -> u64 {
        xxh3_64_with_seed(text.as_bytes(), self.seed)
    }

    fn find_hashed(&self, text: &str, hash: u64) -> Option<u16> {
        let text_of = |number: &u16| self.table.word(usize::from(*number)).map(|word| &**word);
        let is_it = |number: &u16| text_of(number) == Some(text);
        self.numbers.find(hash, is_it).copied()
    }

    /// Another word, if there is room for it.
    fn add(&mut self, word: Text, hash: u64) -> Option<u16> {
        if self.count == WORDS_MAX {
            return None;
        }
        let number = self.count as u16;
        self.table.add(self.count, word);
        self.count += 1;
        let Self {
            table,
            numbers,
            seed,
            ..
        } = self;
        let hash_of = |number: &u16| {
            let word = table.word(usize::from(*number));
            xxh3_64_with_seed(word.map_or(&[][..], |word| word.as_bytes()), *seed)
        };
        numbers.insert_unique(hash, number, hash_of);
        Some(number)
    }

    /// Whether so many tickets have a text that it is worth learning.
    fn is_met_often(&mut self, hash: u64, owner: u32) -> bool {
        if self.count == WORDS_MAX {
            return false;
        }
        if self.candidates.is_empty() {
            self.candidates = vec![Candidate::default(); CANDIDATES].into();
        }
        let candidate = &mut self.candidates[hash as usize % CANDIDATES];
        let mark = (hash >> 32) as u32;
        if candidate.mark != mark {
            *candidate = Candidate {
                mark,
                owner,
                tickets: 1,
            };
        } else if candidate.owner != owner {
            candidate.owner = owner;
            candidate.tickets += 1;
        }
        candidate.tickets >= TICKETS_MIN
    }

    /// The words by number.
    pub(super) const fn table(&self) -> &Arc<Table> {
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_when_there_are_words_enough_is_written_out_however_often() {
        let mut words = Words::default();
        for number in 0..WORDS_MAX {
            for owner in 0..u32::from(TICKETS_MIN) {
                words.find(&format!("w{number}"), owner);
            }
        }
        assert_eq!(words.count, WORDS_MAX);
        for owner in 0..1_000 {
            assert_eq!(words.find("one more", owner), None);
        }
    }
}
