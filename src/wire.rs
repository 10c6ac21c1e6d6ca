//! Framing and formats: bytes to events and effects to bytes.
//!
//! Records come in as borrowed bytes and leave as a [`Decoded`] fact or as a [`Refusal`] that says
//! why they become a dead letter; what the engine asks for leaves as bytes. Nothing here knows the
//! broker: keys, values, headers and partition numbers are plain data. Nothing here reads a clock.
//!
//! ```text
//! value ── (CloudEvent) ── decode ──┬─ JSON ─┐
//!                                   └─ Avro ─┴─ raw event ── the contract's rules ── TicketFact
//! ```
//!
//! Both formats are read straight out of the record's bytes by the same visitors, so a rule is
//! written once and holds for both.

mod avro;
mod cloud_events;
mod confluent;
mod convert;
mod dead_letter;
mod decode;
pub mod events;
mod output;
mod partitioner;
mod published;
mod raw;
mod schema;
mod state;
#[cfg(test)]
mod testing;

pub use confluent::{ConfluentIds, SchemaId, WriterSchemas};
pub use convert::Ignored;
pub use dead_letter::{Address, DeadLetter, DeadLetterReason, Origin, Refusal};
pub use decode::{Decoded, Header, Input, Record, Unread, VALUE_BYTES_MAX, decode};
pub use output::{OutputFormat, cloud_event_headers, escalated, notify};
pub use partitioner::{Partitioners, crc32_partition, murmur2_partition};
pub use published::{Published, published};
pub use schema::{
    Fit, ForeignSchema, SchemaName, UnreadableSchema, WriterSchema, compare as compare_schema,
};
pub use state::{
    BrokenState, StateError, Stored, decode_state, encode_state, state_framing, state_json,
    stored_state,
};
