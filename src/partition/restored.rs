//! From the compacted records of a partition to its tickets, and whether they can be trusted.

use std::collections::HashMap;
use std::sync::Arc;

use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::storms::Storms;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::Timestamp;

use super::meta::{self, Meta};
use super::storm;
use crate::wire::{self, StateError};

/// The last value of every key of one partition of the state topic.
pub type Compacted = HashMap<Vec<u8>, Vec<u8>>;

/// Why a partition cannot be processed as it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A record of the state topic cannot be read.
    #[error("the state of a ticket in partition {partition} cannot be read")]
    State {
        /// The partition.
        partition: i32,
        /// Why.
        #[source]
        source: StateError,
    },
    /// The key of a record of the state topic is not a ticket id.
    #[error(
        "a key in partition {partition} of the state topic is no ticket id; something else writes there"
    )]
    Key {
        /// The partition.
        partition: i32,
    },
    /// The record of the partition itself cannot be read.
    #[error(
        "the record of partition {partition} in the state topic cannot be read; a newer release may have written it"
    )]
    Meta {
        /// The partition.
        partition: i32,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// There are offsets but no state.
    #[error(
        "the group has read partition {partition}, but the state topic holds nothing of it; bring \
         the state topic back, or delete the group's offsets to begin anew"
    )]
    StateMissing {
        /// The partition.
        partition: i32,
    },
    /// The group's offsets are beyond those of the state.
    #[error(
        "the group's offsets of partition {partition} ({committed:?}) are ahead of its state \
         ({state:?}), so records would be skipped; set the group's offsets back to the state's"
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
            .remove(meta::KEY)
            .map(|value| Meta::decode(&value))
            .transpose()
            .map_err(|source| Error::Meta { partition, source })?;
        check(partition, meta.as_ref(), committed)?;
        // In order of their ids: nothing that is written may depend on the order of a hash map.
        let mut records: Vec<_> = compacted.into_iter().collect();
        records.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        // Its own records come behind the tickets: no text begins with their first byte.
        let own = records.partition_point(|(key, _)| key.first() != Some(&meta::OWN_KEY));
        let mut pieces = Vec::new();
        for (key, value) in records.drain(own..) {
            // Records of the partition that a later release adds are none of this one's.
            let piece = storm::decode(&key, &value);
            pieces.extend(piece.map_err(|source| Error::Meta { partition, source })?);
        }
        let evaluated_to = meta.as_ref().map_or(Timestamp::MIN, Meta::evaluated_to);
        let mut failed = None;
        // One by one: as many states as a partition has take far more room than it keeps of them.
        let tickets = records.into_iter().map_while(|(key, value)| {
            let read = ticket(partition, &key, &value);
            read.map_err(|error| failed = Some(error)).ok()
        });
        let engine = Engine::restore(Arc::clone(rules), tickets, evaluated_to);
        match failed {
            Some(error) => Err(error),
            None => Ok(Self {
                engine: engine.with_storms(Storms::restore(pieces)),
                meta,
                transaction,
            }),
        }
    }
}

fn ticket(partition: i32, key: &[u8], value: &[u8]) -> Result<(Text, TicketState), Error> {
    let ticket_id = str::from_utf8(key).map_err(|_| Error::Key { partition })?;
    let state = wire::decode_state(value).map_err(|source| Error::State { partition, source })?;
    Ok((ticket_id.into(), state))
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
