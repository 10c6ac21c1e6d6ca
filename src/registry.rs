//! A schema registry with Confluent's HTTP interface: schemas by id, and those of events out.
//!
//! Whatever is asked takes as long as the network does, so the cycle does not ask: it leaves word
//! with a [`Desk`], whose thread asks and answers, and goes on with what needs no answer. What
//! fails is told apart by what has to be done. A registry that is away, overloaded or refuses the
//! credentials says nothing about a record, which waits then; that there is no such schema, or none
//! that an event can be read with, is an answer, and the record becomes a dead letter.

mod client;
mod desk;
mod error;
#[cfg(test)]
mod tests;

pub use client::{Client, Found};
#[cfg(test)]
pub(crate) use desk::Answer;
pub use desk::{Compiled, Desk, News, UNKNOWN_FOR, compile};
pub use error::{Error, Kind};
