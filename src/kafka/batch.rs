//! What one batch call brought, as borrowed views.

use rdkafka::error::RDKafkaErrorCode;

use super::native::{CallError, NativeMessages};

/// The messages of one batch call; they go back to the library when it is dropped.
pub(super) struct Batch<'a>(NativeMessages<'a>);

impl<'a> Batch<'a> {
    pub(super) fn new(messages: NativeMessages<'a>) -> Self {
        Self(messages)
    }

    /// The entries in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        (0..self.0.len()).map(|index| self.0.get(index))
    }
}

/// One entry of a batch: a record, or an end or an error of its partition.
pub(super) struct Message<'a> {
    /// The partition's number.
    pub(super) partition: i32,
    /// The record's offset; at the end of a partition the offset the next record will have.
    pub(super) offset: i64,
    /// The key's bytes.
    pub(super) key: Option<&'a [u8]>,
    /// The value's bytes; none is a tombstone.
    pub(super) value: Option<&'a [u8]>,
    /// Set when this is not a record.
    pub(super) error: Option<CallError>,
}

impl Message<'_> {
    /// Whether this says that the partition has been read to its present end.
    pub(super) fn is_end_of_partition(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(|error| error.code == RDKafkaErrorCode::PartitionEOF)
    }
}
