//! Committed states as few bytes, for a partition has millions of them and touches few at a time.
//!
//! A state is packed as soon as its batch has decided it and unpacked when a batch decides of its
//! ticket again. That leaves the facts as they are (`Sealed`), as many as there may be: the usual fact
//! comes behind all others, and needs to know of them no more than their instants and identities. They
//! are copied, and only what came is written.
//!
//! What is packed is never stored: it is written bit by bit in the order of the types, it refers to
//! words that only this process has learned, and it changes with them. What it saves it saves by
//! four means: a word that many tickets have is kept once (`Words`); an instant that is one of a
//! fact is its number; of the fields of a ticket those are left out that its first fact, or the fold,
//! has as well; and a flag is a bit.
//!
//! Rejected, by estimate and not by measurement: compressing the stored form against a dictionary.
//! Random hashes and numbers are most of what is left, and references to a dictionary take more than
//! the numbers of words.

mod bits;
mod forms;
mod piece;
mod read;
mod sealed;
#[cfg(test)]
mod tests;
mod words;
mod write;

use self::forms::{Numbered, numbered_text, uuid, uuid_text};
pub use self::piece::{Made, Piece};
pub(crate) use self::sealed::Sealed;
use self::words::Words;
use crate::ticket::TextField;
use crate::ticket_state::TicketState;

/// The fields of a ticket by number: those of text as they are declared, then [`Field`].
const FIELD_BITS: u32 = 4;

/// The fields of a ticket that are no text.
#[derive(Clone, Copy, Debug)]
enum Field {
    Severity = TextField::ALL.len() as isize,
    Satisfaction,
    Tags,
    Label,
    Labels,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug)]
enum When {
    /// As the one before it.
    Last,
    /// As the beginning of time, which stands for none.
    Never,
    /// As the number of a fact of that instant.
    OfFact,
    /// As the distance to the one before it.
    Other,
}

/// How a text is written.
#[derive(Clone, Copy, Debug)]
enum TextForm {
    /// As the number of a learned word.
    Word,
    /// As a text and the number behind it.
    Numbered,
    /// As the 16 bytes of a UUID in lower case.
    Uuid,
    /// As it is.
    Plain,
}

impl Field {
    const fn of(number: u32) -> Self {
        match number {
            11 => Self::Severity,
            12 => Self::Satisfaction,
            13 => Self::Tags,
            14 => Self::Label,
            _ => Self::Labels,
        }
    }
}

impl When {
    const fn of(bits: u32) -> Self {
        match bits {
            0 => Self::Last,
            1 => Self::Never,
            2 => Self::OfFact,
            _ => Self::Other,
        }
    }
}

impl TextForm {
    const fn of(bits: u32) -> Self {
        match bits {
            0 => Self::Word,
            1 => Self::Numbered,
            2 => Self::Uuid,
            _ => Self::Plain,
        }
    }
}

/// Packs and unpacks the states of one partition.
#[derive(Debug, Default)]
pub struct Packer {
    words: Words,
}

impl Packer {
    /// Puts the bytes of a state behind others.
    /// `owner` tells the tickets apart, for a word is worth learning only when several have it.
    #[must_use]
    pub fn pack(&mut self, state: &TicketState, bytes: Vec<u8>, owner: u32) -> Vec<u8> {
        write::state(state, bytes, &mut self.words, owner)
    }

    /// The state that was packed into these bytes. Its facts stay packed until somebody needs them.
    #[must_use]
    pub fn unpack(&self, bytes: &[u8]) -> TicketState {
        read::state(bytes, self.words.table())
    }
}
