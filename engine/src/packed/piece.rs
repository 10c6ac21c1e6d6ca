//! A text as it lies in a packed state, before it is one of its own.

use super::forms::{numbered_text, uuid_text};
use crate::ticket::Text;

/// A text that was packed. Many are passed over, so none is put together before somebody wants it.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// A learned word.
    Word(&'a Text),
    /// A learned word with a number behind it.
    Numbered(&'a str, u64),
    /// The text of a UUID.
    Uuid([u8; 16]),
    /// A text that was packed as it is.
    Plain(&'a str),
}

impl Piece<'_> {
    /// Whether it is this text.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        match self {
            Self::Word(word) => **word == *text,
            Self::Numbered(prefix, number) => *numbered_text(prefix, number) == *text,
            Self::Uuid(uuid) => *uuid_text(uuid) == *text,
            Self::Plain(plain) => plain == text,
        }
    }
}

impl From<Piece<'_>> for Text {
    fn from(piece: Piece<'_>) -> Self {
        match piece {
            Piece::Word(word) => Self::clone(word),
            Piece::Numbered(prefix, number) => (*numbered_text(prefix, number)).into(),
            Piece::Uuid(uuid) => (*uuid_text(uuid)).into(),
            Piece::Plain(text) => text.into(),
        }
    }
}
