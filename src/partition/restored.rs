//! From the compacted records of a partition to its tickets, and whether they can be trusted.

use std::sync::Arc;

use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::storms::Storms;
use escalator_engine::time::Timestamp;

use super::meta::{self, Meta};
use super::storm;
use crate::record::Compacted;
use crate::wire::{self, StateError, Stored};

/// Why a partition cannot be processed as it is. Each says what to do, and that is a person's to
/// decide: nothing is guessed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A record of the state topic cannot be read.
    #[error(
        "the state of a ticket in partition {partition} cannot be read (`escalator state export` \
         names it); start the release that wrote it, or stop all replicas and run `escalator state \
         rebuild --partition {partition}`"
    )]
    State {
        /// The partition.
        partition: i32,
        /// Why.
        #[source]
        source: StateError,
    },
    /// The key of a record of the state topic is not a ticket id.
    #[error(
        "a key in partition {partition} of the state topic is no ticket id; find what else writes \
         there, then stop all replicas and run `escalator state rebuild --partition {partition}`"
    )]
    Key {
        /// The partition.
        partition: i32,
    },
    /// The record of the partition itself cannot be read.
    #[error(
        "a record of partition {partition} itself in the state topic cannot be read; start the \
         release that wrote it, or stop all replicas and run `escalator state rebuild --partition \
         {partition}`"
    )]
    Meta {
        /// The partition.
        partition: i32,
        /// Why.
        #[source]
        source: meta::Error,
    },
    /// There are tickets and nothing that tells up to where they are decided.
    #[error(
        "the state topic holds tickets of partition {partition} but not the record of the partition \
         itself; bring that back, or stop all replicas and run `escalator state rebuild --partition \
         {partition}`"
    )]
    MetaMissing {
        /// The partition.
        partition: i32,
    },
    /// States are gone, or something else has written some.
    #[error(
        "the state topic holds {found} tickets of partition {partition} instead of {expected}, so \
         records of it were deleted or written by something else; look at its cleanup.policy, then \
         stop all replicas and run `escalator state rebuild --partition {partition}`"
    )]
    Count {
        /// The partition.
        partition: i32,
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// There are offsets but no state.
    #[error(
        "the group has read partition {partition}, but the state topic holds nothing of it; bring \
         the state topic back, or stop all replicas and run `escalator state rebuild --partition \
         {partition}`; whoever deletes the group's offsets to begin anew has everything told again"
    )]
    StateMissing {
        /// The partition.
        partition: i32,
    },
    /// The group's offsets are beyond those of the state.
    #[error(
        "the group's offsets of partition {partition} ({committed:?}) are ahead of its state \
         ({state:?}), so records would be skipped; set the group's offsets back to the state's if \
         they were moved by hand, else the state was: stop all replicas and run `escalator state \
         rebuild --partition {partition}`"
    )]
    OffsetsAhead {
        /// The partition.
        partition: i32,
        /// The group's offsets.
        committed: [Option<i64>; 2],
        /// The state's offsets.
        state: [i64; 2],
    },
}

/// A partition as it was committed last.
#[derive(Debug)]
pub struct Restored {
    /// The tickets.
    pub engine: Engine,
    /// The record of the partition itself; none when nothing was ever committed.
    pub meta: Option<Meta>,
    /// The identity of the transaction that committed the group's offsets last.
    pub transaction: String,
}

impl Restored {
    /// A partition of which nothing was ever committed.
    #[must_use]
    pub fn nothing(rules: &Arc<Rules>) -> Self {
        Self {
            engine: Engine::new(Arc::clone(rules)),
            meta: None,
            transaction: String::new(),
        }
    }

    /// Builds the tickets and compares the state with the group's committed offsets, which came
    /// with `transaction` as their metadata.
    ///
    /// # Errors
    /// When a record cannot be read, or state and offsets contradict each other.
    pub fn build(
        partition: i32,
        rules: &Arc<Rules>,
        mut compacted: Compacted,
        committed: [Option<i64>; 2],
        transaction: String,
    ) -> Result<Self, Error> {
        let meta = compacted
            .swap_remove(meta::KEY)
            .map(|value| Meta::decode(&value))
            .transpose()
            .map_err(|source| Error::Meta { partition, source })?;
        let has_ticket = |key: &Vec<u8>| key.first() != Some(&meta::OWN_KEY);
        if meta.is_none() && compacted.keys().any(has_ticket) {
            return Err(Error::MetaMissing { partition });
        }
        check(partition, meta.as_ref(), committed)?;
        let evaluated_to = meta.as_ref().map_or(Timestamp::MIN, Meta::evaluated_to);
        let mut engine = Engine::new(Arc::clone(rules));
        engine.reserve(compacted.len());
        let mut own = Vec::new();
        // One by one: as many states as a partition has take far more room than it keeps of them.
        for (key, value) in compacted {
            if !has_ticket(&key) {
                own.push((key, value));
                continue;
            }
            let ticket_id = str::from_utf8(&key).map_err(|_| Error::Key { partition })?;
            put(&mut engine, ticket_id, &value)
                .map_err(|source| Error::State { partition, source })?;
        }
        let engine = engine.evaluated(evaluated_to);
        // In order of their keys, as they were written.
        own.sort_unstable();
        let mut pieces = Vec::new();
        for (key, value) in own {
            // Records of the partition that a later release adds are none of this one's.
            let piece = storm::decode(&key, &value).map_err(|source| Error::Meta {
                partition,
                source: source.into(),
            })?;
            pieces.extend(piece);
        }
        let found = engine.len() as u64;
        let expected = meta.as_ref().and_then(|meta| meta.tickets);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(Error::Count {
                partition,
                expected,
                found,
            });
        }
        Ok(Self {
            engine: engine.with_storms(Storms::restore(pieces)),
            meta,
            transaction,
        })
    }
}

fn put(engine: &mut Engine, ticket_id: &str, value: &[u8]) -> Result<(), StateError> {
    match wire::stored_state(value)? {
        Stored::Present(datum) => engine.put_stored(ticket_id, datum)?,
        Stored::Former(state) => engine.put(ticket_id, &state),
    }
    Ok(())
}

fn check(partition: i32, meta: Option<&Meta>, committed: [Option<i64>; 2]) -> Result<(), Error> {
    let Some(meta) = meta else {
        return if committed.iter().any(Option::is_some) {
            Err(Error::StateMissing { partition })
        } else {
            Ok(())
        };
    };
    let is_ahead = |input: usize| committed[input].is_some_and(|known| known > meta.offsets[input]);
    if is_ahead(0) || is_ahead(1) {
        return Err(Error::OffsetsAhead {
            partition,
            committed,
            state: meta.offsets,
        });
    }
    Ok(())
}
