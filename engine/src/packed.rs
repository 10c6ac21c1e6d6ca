//! States as few bytes: what is kept of a ticket in memory, and what is stored of it.
//!
//! A partition has millions of tickets and touches few at a time, so each is packed as soon as its
//! batch has decided it, and unpacked when a batch decides of it again. That leaves the facts as they
//! are (`Sealed`), as many as there may be: the usual fact comes behind all others, and needs to know
//! of them no more than their instants and identities. They are copied, and only what came is written.
//!
//! What is packed is a list of words by number and a body. What is stored is the same body behind the
//! texts of these words: a record in Avro's binary encoding by the schema `EscalationState`, which says
//! what each value means. So storing a state, and taking a stored one in, is copying. What it saves it
//! saves by three means: a word that many tickets have is kept once (`Words`); an instant that is one
//! of a fact is its number; and of the fields of a ticket those are left out that its first fact, or
//! the fold, has as well.

mod binary;
mod forms;
mod piece;
mod read;
mod sealed;
#[cfg(test)]
mod tests;
mod words;
mod write;

use self::binary::{Bytes, put_bytes, put_long};
use self::forms::{Numbered, uuid};
use self::read::Form;
pub(crate) use self::sealed::Sealed;
use self::words::{USED_MAX, Used, Words};
use self::write::Scratch;
use crate::ticket_state::TicketState;

/// The numbers of what the schema unites, in its order. Where null and one other type are united,
/// that other one is 1.
mod union {
    /// In `Text`.
    pub(super) mod text {
        pub(in super::super) const NONE: i64 = 0;
        pub(in super::super) const WORD: i64 = 1;
        pub(in super::super) const PLAIN: i64 = 2;
        pub(in super::super) const NUMBERED: i64 = 3;
        pub(in super::super) const UUID: i64 = 4;
    }

    /// In `Instant`.
    pub(super) mod instant {
        pub(in super::super) const NONE: i64 = 0;
        pub(in super::super) const SAME: i64 = 1;
        pub(in super::super) const OF_FACT: i64 = 2;
        pub(in super::super) const AFTER: i64 = 3;
    }

    /// In `Change`.
    pub(super) mod change {
        pub(in super::super) const TEXT: i64 = 0;
        pub(in super::super) const NUMBER: i64 = 1;
        pub(in super::super) const TAGS: i64 = 2;
        pub(in super::super) const LABEL: i64 = 3;
        pub(in super::super) const NO_LABELS: i64 = 4;
        pub(in super::super) const WORD: i64 = 5;
    }

    /// In `motion` of `Stopwatch`.
    pub(super) mod motion {
        pub(in super::super) const RUNNING: i64 = 0;
        pub(in super::super) const PAUSED: i64 = 1;
        pub(in super::super) const STOPPED: i64 = 2;
    }
}

/// Bytes that are no stored state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those of a state from the first to the last")]
pub struct BrokenState;

/// The state that was stored by the schema before the present one, without its framing.
///
/// # Errors
/// It is not such a state to the last byte.
pub fn former(stored: &[u8]) -> Result<TicketState, BrokenState> {
    let (mut packer, mut bytes) = (Packer::default(), Vec::new());
    packer.take_in(stored, &mut bytes)?;
    packer.whole(&bytes, Form::Former)
}

/// Packs and unpacks the states of one partition.
#[derive(Debug, Default)]
pub struct Packer {
    words: Words,
    scratch: Scratch,
    /// The words of the states that were restored last, by place: the next one has most of them at the
    /// same places.
    restored: Vec<u16>,
}

impl Packer {
    /// Puts the bytes of a state behind others.
    /// `owner` tells the tickets apart, for a word is worth learning only when several have it.
    pub fn pack(&mut self, state: &TicketState, bytes: &mut Vec<u8>, owner: u32) {
        write::state(state, bytes, &mut self.words, &mut self.scratch, owner);
    }

    /// The state that was packed into these bytes. Its facts stay packed until somebody needs them.
    #[must_use]
    pub fn unpack(&self, packed: &[u8]) -> TicketState {
        read::state(packed, self.words.table(), Form::Present).0
    }

    /// Puts what is to be stored of a packed state behind the framing of a record.
    #[must_use]
    pub fn stored(&self, packed: &[u8], framing: &[u8]) -> Vec<u8> {
        let (used, body) = Used::of(packed, self.words.table());
        // Most words have fewer bytes than sixteen, with their length; where they have more it grows.
        let mut bytes = Vec::with_capacity(framing.len() + 16 * used.len() + 8 + body.len());
        bytes.extend_from_slice(framing);
        if used.len() > 0 {
            put_long(&mut bytes, used.len() as i64);
            for word in used.words() {
                put_bytes(&mut bytes, word.as_bytes());
            }
        }
        put_long(&mut bytes, 0);
        bytes.extend_from_slice(body);
        bytes
    }

    /// Puts the bytes of a state that was stored, without its framing, behind others, and answers
    /// with the state.
    ///
    /// # Errors
    /// It is not a stored state to the last byte.
    pub fn restored(
        &mut self,
        stored: &[u8],
        bytes: &mut Vec<u8>,
        owner: u32,
    ) -> Result<TicketState, BrokenState> {
        let begin = bytes.len();
        if !self.take_in(stored, bytes)? {
            // It is written anew, with those words that there is room for.
            bytes.truncate(begin);
            let state = Self::default().restored(stored, &mut Vec::new(), owner)?;
            self.pack(&state, bytes, owner);
            return Ok(state);
        }
        self.whole(&bytes[begin..], Form::Present)
    }

    /// Puts the bytes of a stored state behind others, with its words by number; answers with whether
    /// there was room for all of them.
    fn take_in(&mut self, stored: &[u8], bytes: &mut Vec<u8>) -> Result<bool, BrokenState> {
        let begin = bytes.len();
        let mut rest = Bytes::new(stored);
        bytes.push(0);
        let mut has_room = true;
        let mut count = 0_usize;
        while let Some(length) = rest.block() {
            for _ in 0..length {
                let text = rest.bytes();
                if rest.is_broken() || count == USED_MAX {
                    return Err(BrokenState);
                }
                match self.learn_at(count, text)? {
                    Some(number) => bytes.extend_from_slice(&number.to_le_bytes()),
                    None => has_room = false,
                }
                count += 1;
            }
        }
        bytes[begin] = count as u8;
        bytes.extend_from_slice(rest.rest());
        Ok(has_room)
    }

    /// The state that was packed into these bytes, if it is one to the last of them.
    fn whole(&self, packed: &[u8], form: Form) -> Result<TicketState, BrokenState> {
        let (state, is_whole) = read::state(packed, self.words.table(), form);
        let are_facts_whole = || state.facts.sealed_front().is_none_or(Sealed::is_whole);
        (is_whole && are_facts_whole())
            .then_some(state)
            .ok_or(BrokenState)
    }

    /// The number of a word of a stored state; none when there is no room for more words.
    fn learn_at(&mut self, place: usize, text: &[u8]) -> Result<Option<u16>, BrokenState> {
        let last = self.restored.get(place).copied();
        if let Some(number) = last.filter(|number| self.words.is_word(*number, text)) {
            return Ok(Some(number));
        }
        let text = str::from_utf8(text).map_err(|_| BrokenState)?;
        let learned = self.words.learn(text);
        if let Some(number) = learned {
            if self.restored.len() <= place {
                self.restored.resize(place + 1, number);
            }
            self.restored[place] = number;
        }
        Ok(learned)
    }
}
