//! Records as plain data: what is read from a log, and what is to be written to one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

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

/// A record on its way out, with its value or what that is made of.
#[derive(Clone, Debug)]
pub struct OutgoingRecord<V = Vec<u8>> {
    /// The topic; shared, because every record names one of a few.
    pub topic: Arc<str>,
    /// The partition; always explicit, since partitioners differ between clients.
    pub partition: i32,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value; none is a tombstone.
    pub value: Option<V>,
    /// The headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The record's timestamp in Unix milliseconds; none lets the client take the present.
    pub timestamp_ms: Option<i64>,
}

/// The value of a record of a transaction.
#[derive(Clone)]
pub enum Value {
    /// The bytes.
    Bytes(Vec<u8>),
    /// What the bytes are made of where the record is sent, which leaves the thread free that decides.
    Content(Arc<dyn Content>),
}

/// What the bytes of a value can be made of, on any thread and at any time: they are always the same.
pub trait Content: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> Vec<u8>;
}

impl Value {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Content(content) => Cow::Owned(content.bytes()),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

impl<V> OutgoingRecord<V> {
    /// The same record with its value made into another.
    #[must_use]
    pub fn map<W>(self, value: impl FnOnce(V) -> W) -> OutgoingRecord<W> {
        OutgoingRecord {
            topic: self.topic,
            partition: self.partition,
            key: self.key,
            value: self.value.map(value),
            headers: self.headers,
            timestamp_ms: self.timestamp_ms,
        }
    }
}

impl OutgoingRecord<Value> {
    /// The same record with the bytes of its value.
    #[must_use]
    pub fn written(&self) -> OutgoingRecord {
        self.clone().map(|value| value.bytes().into_owned())
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
