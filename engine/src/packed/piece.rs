//! A text as it lies in a packed state, before it is a piece of memory of its own.

use std::ops::Deref;

use crate::ticket::Text;

/// A text that was packed.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// A learned word.
    Word(&'a Text),
    /// A text that was put together again.
    Made(Made),
    /// A text that was packed as it is.
    Plain(&'a str),
}

/// A UUID is the longest text that is put together.
const MADE_BYTES_MAX: usize = 36;

/// A short text that was put together of a number, from its end.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    bytes: [u8; MADE_BYTES_MAX],
    begin: u8,
}

impl Made {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; MADE_BYTES_MAX],
            begin: MADE_BYTES_MAX as u8,
        }
    }

    /// Puts bytes in front; those that have no room there are left out.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let end = usize::from(self.begin);
        let fits = &bytes[bytes.len().saturating_sub(end)..];
        let begin = end - fits.len();
        self.bytes[begin..end].copy_from_slice(fits);
        self.begin = begin as u8;
    }

    /// Puts the digits of a number in front, none of 0.
    #[inline]
    pub(super) fn put_digits(&mut self, number: u64) {
        let mut left = number;
        while let (1.., Some(begin)) = (left, self.begin.checked_sub(1)) {
            self.bytes[usize::from(begin)] = b'0' + (left % 10) as u8;
            self.begin = begin;
            left /= 10;
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[usize::from(self.begin)..]
    }
}

impl Deref for Made {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(self.bytes()).unwrap_or_default()
    }
}

impl Piece<'_> {
    /// The bytes of the text.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Word(word) => word.as_bytes(),
            Self::Made(made) => made.bytes(),
            Self::Plain(text) => text.as_bytes(),
        }
    }
}

impl Deref for Piece<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Made(made) => made,
            Self::Plain(text) => text,
        }
    }
}

impl From<Piece<'_>> for Text {
    fn from(piece: Piece<'_>) -> Self {
        match piece {
            Piece::Word(word) => Self::clone(word),
            Piece::Made(_) | Piece::Plain(_) => Self::from(&*piece),
        }
    }
}
