//! The schemas of producers, as a registry knows them, and whether events can be read by them.

use super::compatibility::{Fit, fit};
use super::{Parsed, UnreadableSchema};
use crate::wire::Input;

/// The longest explanation, in bytes: it holds names of the schema, which may have any length.
const OBSTACLE_BYTES_MAX: usize = 300;

/// A schema that a record was written with.
pub struct WriterSchema {
    parsed: Parsed,
    /// Why no event of an input can be read with it, if so, in the order of [`Input::ALL`].
    obstacles: [Option<String>; 2],
}

impl WriterSchema {
    /// Parses a schema; `references` are the schemas whose types it names, in any order.
    ///
    /// # Errors
    /// A text is no Avro schema, or a type is defined nowhere.
    pub fn parse(text: &str, references: &[String]) -> Result<Self, UnreadableSchema> {
        let parsed = Parsed::parse(text, references)?;
        let obstacles = Input::ALL.map(|input| match fit(&parsed, input.schema()) {
            // Of a partial fit it is the record that decides.
            Fit::Same | Fit::Compatible | Fit::Partial { .. } => None,
            Fit::Incompatible { mut because } => {
                because.truncate(because.floor_char_boundary(OBSTACLE_BYTES_MAX));
                Some(because)
            }
        });
        Ok(Self { parsed, obstacles })
    }

    /// What reads the records of an input.
    ///
    /// # Errors
    /// Why none of its events can have been written with this schema.
    pub(in crate::wire) fn reader(&self, input: Input) -> Result<&Parsed, &str> {
        match &self.obstacles[input as usize] {
            None => Ok(&self.parsed),
            Some(obstacle) => Err(obstacle),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::SchemaName;

    /// The words that schemas are made of.
    const WORDS: [&str; 16] = [
        "\"record\"",
        "\"enum\"",
        "\"fixed\"",
        "\"array\"",
        "\"map\"",
        "\"string\"",
        "\"bytes\"",
        "\"decimal\"",
        "\"uuid\"",
        "\"duration\"",
        "\"Ticket\"",
        "null",
        "[]",
        "{}",
        "-1",
        "\"\"",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_text_can_do_more_than_be_refused(
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..WORDS.len()), 1..8),
        ) {
            let text = SchemaName::TicketUpdated.text();
            let mut pieces: Vec<&str> = text.split_inclusive([':', ',', '[', ']', '{', '}']).collect();
            for (at, word) in edits {
                let at = at.index(pieces.len());
                pieces[at] = WORDS[word];
            }
            drop(WriterSchema::parse(&pieces.concat(), &[]));
        }
    }
}
