//! The schemas of producers, as a registry knows them, and whether events can be read by them.

use super::compatibility::{Fit, fit};
use super::{Parsed, UnreadableSchema};
use crate::wire::Input;

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
            Fit::Incompatible { because } => Some(because),
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
