//! The state of a ticket as it is stored: a single object of the schema `EscalationState`.
//!
//! Writing is by hand, in the order of the schema's fields, because every event writes its
//! ticket's whole state. Reading follows the schema that the record names, field by field with
//! defaults, so that every version that was ever written is read for ever. A change of the engine's
//! types therefore needs a new schema; the old one moves to the list of versions.

mod decode;
mod encode;
mod json;

pub use decode::decode_state;
use decode::{broken, known_datum};
pub use encode::encode_state;
pub use json::state_json;

use super::avro::{self, AvroError};

/// Why a stored state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The record is not in single-object framing.
    #[error("decoding a ticket's state: the record is not an Avro single object")]
    Framing,
    /// The record was written with a schema that this program does not have.
    #[error(
        "decoding a ticket's state: no known schema has the fingerprint {fingerprint:016x}; \
         a newer release may have written it"
    )]
    UnknownSchema {
        /// The fingerprint in the record.
        fingerprint: u64,
    },
    /// The record does not hold what its schema says.
    #[error("decoding a ticket's state")]
    Broken {
        /// Why.
        #[source]
        source: BrokenState,
    },
}

/// What is broken in a stored state.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BrokenState(AvroError);

#[cfg(test)]
mod tests;
