//! The state of a ticket as it is stored: a single object of the schema `EscalationState`.
//!
//! What follows the framing is what the engine keeps of a ticket, so it is copied. What an earlier
//! release wrote is read by the schema that the record names, field by field with defaults, so that
//! every version that was ever written is read for ever. A change of the engine's form therefore needs
//! a new schema; the old one moves to the list of versions, and its reading to [`former`].

mod former;

use std::sync::LazyLock;

use escalator_engine::engine::Framing;
use escalator_engine::packed::{self, Packer};
use escalator_engine::ticket_state::TicketState;

use super::avro::{self, AvroError};
use super::schema::{FormerState, SchemaName, former_state};

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
pub struct BrokenState(Broken);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Broken {
    Present(packed::BrokenState),
    Former(AvroError),
}

impl From<packed::BrokenState> for StateError {
    fn from(broken: packed::BrokenState) -> Self {
        Self::Broken {
            source: BrokenState(Broken::Present(broken)),
        }
    }
}

impl From<AvroError> for StateError {
    fn from(broken: AvroError) -> Self {
        Self::Broken {
            source: BrokenState(Broken::Former(broken)),
        }
    }
}

/// A stored state.
#[derive(Debug)]
pub enum Stored<'a> {
    /// In the form of this release, without its framing.
    Present(&'a [u8]),
    /// Written by an earlier one.
    Former(Box<TicketState>),
}

static FRAMING: LazyLock<Framing> = LazyLock::new(|| {
    let mut framing = Framing::default();
    let (mark, fingerprint) = framing.split_at_mut(avro::SINGLE_OBJECT.len());
    mark.copy_from_slice(&avro::SINGLE_OBJECT);
    fingerprint.copy_from_slice(&SchemaName::EscalationState.fingerprint());
    framing
});

/// What stands in front of a state that this release stores.
#[must_use]
pub fn state_framing() -> Framing {
    *FRAMING
}

/// Takes the value of a ticket's record on the state topic out of its framing.
///
/// # Errors
/// The record is not a state, or not one that this release knows, or one of an earlier release that
/// is broken.
pub fn stored_state(value: &[u8]) -> Result<Stored<'_>, StateError> {
    if let Some(datum) = value.strip_prefix(&FRAMING[..]) {
        return Ok(Stored::Present(datum));
    }
    let framed = value.strip_prefix(&avro::SINGLE_OBJECT);
    let (fingerprint, datum) = framed
        .and_then(<[u8]>::split_first_chunk::<8>)
        .ok_or(StateError::Framing)?;
    let known = former_state(*fingerprint).ok_or_else(|| StateError::UnknownSchema {
        fingerprint: u64::from_le_bytes(*fingerprint),
    })?;
    let state = match known {
        FormerState::Typed(schema) => former::state(schema, datum)?,
        FormerState::Packed => packed::former(datum)?,
    };
    Ok(Stored::Former(Box::new(state)))
}

/// Reads the value of a ticket's record on the state topic by itself.
///
/// # Errors
/// The record is not a state, or not one that this release knows.
pub fn decode_state(value: &[u8]) -> Result<TicketState, StateError> {
    match stored_state(value)? {
        Stored::Former(state) => Ok(*state),
        Stored::Present(datum) => Ok(Packer::default().restored(datum, &mut Vec::new(), 0)?),
    }
}

/// The value of a ticket's record on the state topic, as it is written by itself.
#[must_use]
pub fn encode_state(state: &TicketState) -> Vec<u8> {
    let (mut packer, mut packed) = (Packer::default(), Vec::new());
    packer.pack(state, &mut packed, 0);
    packer.stored(&packed, &*FRAMING)
}

/// A stored state as JSON, for people and programs that look into the state topic. Instants are
/// RFC 3339 as everywhere. It is for looking: nothing reads it back.
///
/// # Errors
/// The record is not a state, or not one that this release knows.
pub fn state_json(value: &[u8]) -> Result<serde_json::Value, StateError> {
    let state = decode_state(value)?;
    Ok(serde_json::to_value(&state).expect("a state has no keys but texts"))
}

#[cfg(test)]
mod tests;
