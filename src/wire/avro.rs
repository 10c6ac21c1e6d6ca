//! Avro's binary encoding over borrowed bytes: a cursor, a serde deserializer, and the writing side.
//!
//! The library's own deserializer reads from any `Read` and allocates each text before it knows
//! that the bytes are there. This one walks the writer's schema over a slice: texts are borrowed,
//! lengths are checked against what is left, and nothing is allocated at all.

mod read;
mod shapes;
mod write;

pub(super) use read::{AvroError, from_slice};
pub(super) use shapes::Shapes;
pub(super) use write::{SINGLE_OBJECT, Writer};

#[cfg(test)]
mod tests;
