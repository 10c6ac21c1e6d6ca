//! Everything that speaks to Kafka; bytes in and out, no knowledge of tickets.
//!
//! - [`consumer`]: the member of the group that reads the two inputs
//! - [`lanes`]: transactions on two producers used in turn
//! - [`edits`]: the log of plan edits
//! - [`restore`]: the compacted state, read up to the fence behind the last owner, and followed where
//!   another instance is the owner ([`standby`])
//! - [`log`]: all of these as what a shard works with, and [`cluster`], the real one
//! - [`reader`] and [`writer`]: plain clients outside of the group and of transactions, for those who
//!   watch and who feed the service
//! - [`sole`]: the only member of the group, for what no replica may see half done
//! - [`sweep`]: one pass over a topic, for commands that look at it and are gone
//! - [`topics`]: what is checked, and on request made, before anything starts
//!
//! Deliberately not here: when to read, what to write, and what to do about an unknown outcome.
//! These are decided by the cycle, which has all the state; this module reports what happened.

mod batch;
mod client;
pub mod cluster;
pub mod consumer;
pub mod edits;
mod error;
mod flight;
mod group;
pub mod lanes;
pub mod log;
mod native;
pub mod reader;
pub mod restore;
pub mod restorer;
pub mod sole;
pub mod standby;
pub mod sweep;
pub mod topics;
pub mod writer;

pub use client::ClientSettings;
pub use error::{Error, Obstacle};
pub use native::{CallError, OffsetOf, TransactionError};
