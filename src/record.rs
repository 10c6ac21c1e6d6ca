//! Records as plain data: what is read from a log, and what is to be written to one.

use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use indexmap::IndexMap;
use indexmap::map::RawEntryApiV1 as _;
use indexmap::map::raw_entry_v1::RawEntryMut;

/// One record as it stood in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The index of the topic in the subscription.
    pub input: usize,
    /// The partition's number.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The record's timestamp in Unix milliseconds; -1 without one.
    pub timestamp_ms: i64,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A record on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// The topic; shared, because every record names one of a few.
    pub topic: Arc<str>,
    /// The partition; always explicit, since partitioners differ between clients.
    pub partition: i32,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The record's timestamp in Unix milliseconds; none lets the client take the present.
    pub timestamp_ms: Option<i64>,
}

/// The last value of every key of one partition, tombstones applied, in an order that the log
/// decides.
pub type Compacted = IndexMap<Vec<u8>, Vec<u8>, DefaultHashBuilder>;

/// Puts in the next record of the partition.
pub fn compact(records: &mut Compacted, key: &[u8], value: Option<&[u8]>) {
    let Some(value) = value else {
        records.swap_remove(key);
        return;
    };
    match records.raw_entry_mut_v1().from_key(key) {
        RawEntryMut::Occupied(mut known) => {
            let known = known.get_mut();
            known.clear();
            known.extend_from_slice(value);
        }
        RawEntryMut::Vacant(place) => {
            place.insert(key.to_vec(), value.to_vec());
        }
    }
}

/// How many bytes the topics that are written to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLimits {
    /// Of one record of the topic of `escalated` events.
    pub escalated_bytes_max: usize,
    /// Of one record of the topic of dead letters.
    pub dead_letter_bytes_max: usize,
    /// Of all records that are sent together, to any of the topics: brokers refuse a batch that is
    /// larger than a record may be.
    pub batch_bytes_max: usize,
}
