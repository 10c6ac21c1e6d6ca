//! The record of the partition itself, among the states of its tickets.
//!
//! It is written with every transaction, so it is a second copy of the committed offsets that
//! expires with nothing but the state. Where the group's own offsets are gone, or are ahead of the
//! state, this one tells.

use escalator_engine::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Keys of the partition's own records begin with this byte, which no ticket id does: it occurs
/// nowhere in UTF-8.
pub const OWN_KEY: u8 = 0xFF;

/// The key of the record.
pub const KEY: &[u8] = b"\xFFpartition";

/// The version of the record. A release that gives its fields another meaning raises it.
const VERSION: u32 = 1;

/// Why the record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what the service writes.
    #[error("reading what the partition knows of itself")]
    Shape(#[from] serde_json::Error),
    /// A newer release wrote it, and its fields may mean something else.
    #[error("its version is {found}, and this release knows {VERSION}")]
    Version {
        /// The version.
        found: u32,
    },
}

/// What a partition knows of itself as of a committed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The version of this record; the first ones had none.
    #[serde(default = "first_version")]
    version: u32,
    /// The next offsets to read: of created events, of updates.
    pub offsets: [i64; 2],
    /// How many owners the partition has had.
    pub epoch: u64,
    /// Everything before this instant is decided, in milliseconds since 1970.
    pub evaluated_to_ms: i64,
    /// What was due before this instant is not told, in milliseconds since 1970.
    pub notify_from_ms: i64,
    /// The replica that wrote it.
    pub instance: String,
    /// The transaction that it was written with.
    pub transaction: String,
    /// How many tickets have a state; records that have none were written before it was counted.
    #[serde(default)]
    pub tickets: Option<u64>,
}

const fn first_version() -> u32 {
    1
}

impl Meta {
    /// What a partition knows of itself before its first transaction.
    #[must_use]
    pub const fn fresh(offsets: [i64; 2], notify_from: Timestamp) -> Self {
        Self {
            version: VERSION,
            offsets,
            epoch: 0,
            evaluated_to_ms: i64::MIN,
            notify_from_ms: notify_from.as_millis(),
            instance: String::new(),
            transaction: String::new(),
            tickets: Some(0),
        }
    }

    /// The value of the record.
    ///
    /// # Panics
    /// Never: the record consists of numbers and texts.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and texts can be written as JSON")
    }

    /// Reads the value of the record.
    ///
    /// # Errors
    /// When a newer release wrote it, or something else did.
    pub fn decode(value: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(default = "first_version")]
            version: u32,
        }
        let Versioned { version: found } = serde_json::from_slice(value)?;
        if found > VERSION {
            return Err(Error::Version { found });
        }
        Ok(serde_json::from_slice(value)?)
    }

    /// See [`Meta::evaluated_to_ms`].
    #[must_use]
    pub const fn evaluated_to(&self) -> Timestamp {
        Timestamp::from_millis(self.evaluated_to_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_records_are_read_for_ever() {
        let stored = br#"{"offsets":[7,9],"epoch":3,"evaluated_to_ms":1700000000000,
            "notify_from_ms":-5,"instance":"a","transaction":"t-1","added_later":true}"#;
        let meta = Meta::decode(stored).unwrap();
        assert_eq!(meta.offsets, [7, 9]);
        assert_eq!(
            meta.evaluated_to(),
            Timestamp::from_millis(1_700_000_000_000)
        );
        assert_eq!(Meta::decode(&meta.encode()).unwrap(), meta);
    }

    #[test]
    fn a_record_of_a_later_version_is_refused_whatever_it_holds() {
        let error = Meta::decode(br#"{"version":2,"offsets":{"created":7}}"#).unwrap_err();
        assert!(matches!(error, Error::Version { found: 2 }), "{error}");
    }

    #[test]
    fn its_key_is_no_ticket_id() {
        assert_eq!(KEY[0], OWN_KEY);
        assert!(String::from_utf8(KEY.to_vec()).is_err());
    }
}
