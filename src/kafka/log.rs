//! What the cycle asks of Kafka; a model of it stands in for it in the tests.

use std::sync::Arc;
use std::time::Duration;

use super::consumer::{Change, Committed, InputPartition, Polled};
use super::edits::Edits;
use super::lanes::{Landed, Transaction};
use super::restore::{Copies, Stage};
use super::{Error, OffsetOf};
use crate::record::RecordLimits;

/// The logs that one shard reads and writes. Used by one thread; every call may take as long as a
/// broker does, only [`Log::take_changes`], [`Log::take_restorations`], [`Log::begin`],
/// [`Log::restore`] and [`Log::release`] answer at once.
pub trait Log {
    /// What a restore builds.
    type State;

    /// Serves rebalances and takes at most `limit` records; waits at most `wait` for the first. No
    /// partition is given up before the transaction under way has landed, however long that takes.
    fn poll(&mut self, limit: usize, wait: Duration) -> Polled;

    /// What rebalances changed since the last time this was asked.
    fn take_changes(&mut self) -> Vec<Change>;

    /// Begins to read inputs at these offsets, also where they were paused; those lost meanwhile are
    /// passed over.
    ///
    /// # Errors
    /// When the client refuses.
    fn start(&mut self, positions: &[(InputPartition, i64)]) -> Result<(), Error>;

    /// Stops or continues the reading of one input partition; it stays stopped when it goes and comes
    /// back, until it is started.
    ///
    /// # Errors
    /// When it is not being read.
    fn pause(&mut self, partition: InputPartition, is_paused: bool) -> Result<(), Error>;

    /// The end of each input partition, in the order asked, and that of the log of plan edits; all
    /// in one question.
    ///
    /// # Errors
    /// When no broker answers in time.
    fn ends(&mut self, partitions: &[InputPartition]) -> Result<Ends, Error>;

    /// Reads the log of plan edits from an offset up to an end that [`Log::ends`] has told of.
    ///
    /// # Errors
    /// When it does not come in time; then it has to be read again from the same offset.
    fn edits(&mut self, from: i64, until: i64) -> Result<Edits, Error>;

    /// One offset of each input partition, in the order asked.
    ///
    /// # Errors
    /// When a broker does not answer in time.
    fn offsets(&mut self, partitions: &[InputPartition], of: OffsetOf) -> Result<Vec<i64>, Error>;

    /// The group's stable committed offsets, in the order asked.
    ///
    /// # Errors
    /// When the coordinator does not answer in time.
    fn committed(&mut self, partitions: &[InputPartition]) -> Result<Vec<Committed>, Error>;

    /// Makes the producers ready; whatever was open is settled when this has answered well.
    ///
    /// # Errors
    /// Retriable while no broker answers.
    fn prepare(&mut self) -> Result<(), Error>;

    /// Begins a transaction, which goes on by itself; the producers must be ready, and the one before
    /// must have landed. It belongs to the generation of the group that this member is in now.
    fn begin(&mut self, transaction: Arc<Transaction>);

    /// What became of the transaction that was begun, told once; waits at most `wait` for that. None
    /// while it is under way.
    fn landed(&mut self, wait: Duration) -> Option<Landed>;

    /// How much the topics take now; the producers keep to it from now on.
    ///
    /// # Errors
    /// When a broker does not answer in time.
    fn limits(&mut self) -> Result<RecordLimits, Error>;

    /// Gives the producers up, so that [`Log::prepare`] makes new ones.
    fn discard_producers(&mut self);

    /// Begins to restore a partition; `request` comes back with the answer.
    fn restore(&mut self, partition: i32, request: u64);

    /// A partition that [`Log::restore`] was asked for is no longer wanted; its restore is given up
    /// if it is still under way.
    fn release(&mut self, partition: i32);

    /// What restores have come to since the last time this was asked.
    fn take_restorations(&mut self) -> Vec<Restoration<Self::State>>;

    /// Leaves the group, so that others take over at once.
    fn leave(&mut self);
}

/// The answer of [`Log::ends`].
#[derive(Debug)]
pub struct Ends {
    /// Those of the inputs; none of a partition whose leader does not answer.
    pub inputs: Vec<Option<End>>,
    /// The high watermark of the log of plan edits; none when its leader does not answer.
    pub edits: Option<i64>,
    /// Why one of them is not there.
    pub missing: Option<Error>,
}

/// The end of an input partition, and how far it has been delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The high watermark at some moment after the question: one past the last record, those of
    /// open transactions included.
    pub high_watermark: i64,
    /// One past the last record delivered, or past what follows it and is never delivered.
    pub delivered: i64,
}

/// News of a restore.
#[derive(Debug)]
pub enum Restoration<S> {
    /// How far it is.
    Progress {
        /// The partition.
        partition: i32,
        /// What is being done.
        stage: Stage,
    },
    /// It is complete.
    Finished {
        /// The partition.
        partition: i32,
        /// What [`Log::restore`] was asked with.
        request: u64,
        /// How many offsets of the state it went through.
        offsets: i64,
        /// What was built.
        state: S,
    },
    /// How the warm copies of partitions of other owners stand.
    Copies {
        /// All of them.
        copies: Copies,
        /// Whether the group is joined only when they are at the end.
        is_before_joining: bool,
    },
    /// A broker does not say which copies are wanted; those that there are go on.
    NotFollowed(Error),
    /// A broker does not answer; the restores go on by themselves when it does.
    Failed(Error),
}
