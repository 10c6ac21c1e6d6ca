//! Texts and hashes in a stored state, copied once and straight out of the record.

use std::fmt;

use escalator_engine::decision::Identity;
use escalator_engine::ticket::Text;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A text that is copied once, straight out of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(pub(super) Text);

impl Word {
    pub(super) fn into_text(self) -> Text {
        self.0
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;
        impl Visitor<'_> for WordVisitor {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(Text::from(text)))
            }
        }
        deserializer.deserialize_str(WordVisitor)
    }
}

/// The identity of a decision.
#[derive(Default)]
pub(super) struct IdentityRecord(pub(super) Identity);

impl<'de> Deserialize<'de> for IdentityRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = [u8; 16];

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("16 bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; 16], E> {
                bytes
                    .try_into()
                    .map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        let bytes = deserializer.deserialize_bytes(BytesVisitor)?;
        Ok(Self(Identity(bytes)))
    }
}
