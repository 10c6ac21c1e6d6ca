//! Mistakes that can be planted between the shard and the brokers, to show that they are found.
//!
//! The service itself carries nothing of them: what it asks for and what it is told is changed on its
//! way, so that it behaves as if its code had the mistake.

use std::cell::Cell;

use super::topic_log::Topic;
use crate::kafka::lanes::{Outcome, Transaction};
use crate::partition::meta::{self, Meta};
use crate::record::Compacted;

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// The committed offsets are one too far.
    WrongOffset,
    /// A transaction in which no offset moves carries none, so that the group does not fence it.
    TimersWithoutOffsets,
    /// A new owner has the epoch of the last one.
    SameEpoch,
    /// One of the two inputs counts as read to its end, so deadlines fire while it is behind.
    SkipEnd,
    /// Edits of the plans are not asked for.
    MissEdits,
    /// A record that cannot be read is dropped.
    DropDeadLetter,
    /// A ticket is left out of a restore.
    ForgetTicket,
    /// How far limits are used up is left out of a restore.
    ForgetLimits,
    /// A batch counts as committed although its transaction was aborted.
    MergeAborted,
    /// A batch with an unknown outcome is taken for committed.
    MergeUnknown,
    /// A batch is sent again after an unknown outcome, without a look at what became of it.
    SendUnknownAgain,
    /// After a producer was fenced, what is in memory is sent again.
    TrustFenced,
    /// A partition that is revoked is kept.
    KeepRevoked,
    /// A partition that goes stays in the batch that is sent again.
    KeepInBatch,
    /// A restore reads to the last stable offset instead of the high watermark.
    RestoreToStable,
    /// A restore takes tombstones for nothing.
    IgnoreTombstones,
    /// Offsets are committed without the generation of the group.
    NoGeneration,
    /// A transaction is committed although the group refused its offsets.
    CommitRefused,
    /// A producer is used again after an unknown outcome.
    KeepProducer,
    /// The next batch is cut before the transaction of the last one has landed.
    CutBeforeLanded,
    /// The state of a partition that goes is put aside although its transaction has not landed.
    ParkUnlanded,
}

impl Mistake {
    /// All of them.
    pub(super) const ALL: [Self; 21] = [
        Self::WrongOffset,
        Self::TimersWithoutOffsets,
        Self::SameEpoch,
        Self::SkipEnd,
        Self::MissEdits,
        Self::DropDeadLetter,
        Self::ForgetTicket,
        Self::ForgetLimits,
        Self::MergeAborted,
        Self::MergeUnknown,
        Self::SendUnknownAgain,
        Self::TrustFenced,
        Self::KeepRevoked,
        Self::KeepInBatch,
        Self::RestoreToStable,
        Self::IgnoreTombstones,
        Self::NoGeneration,
        Self::CommitRefused,
        Self::KeepProducer,
        Self::CutBeforeLanded,
        Self::ParkUnlanded,
    ];
}

thread_local! {
    static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
}

/// Plants a mistake into all that this thread runs, in the place of the one before.
pub(super) fn plant(mistake: Option<Mistake>) {
    PLANTED.set(mistake);
}

/// Whether this mistake is planted.
pub(super) fn is(mistake: Mistake) -> bool {
    PLANTED.get() == Some(mistake)
}

/// What a shard with the mistake would have asked for instead of this transaction; `first` is what it
/// asked for when it first had this identity, and `settled` the offsets committed before.
pub(super) fn spoil(
    transaction: &Transaction,
    first: &Transaction,
    settled: &Transaction,
) -> Transaction {
    let mut spoilt = transaction.clone();
    if is(Mistake::WrongOffset) {
        spoilt.offsets.iter_mut().for_each(|it| it.offset += 1);
    }
    if is(Mistake::TimersWithoutOffsets) {
        let is_moved = !spoilt.offsets.iter().all(|it| settled.offsets.contains(it));
        spoilt.offsets.retain(|_| is_moved);
    }
    if is(Mistake::DropDeadLetter) {
        let topic = Topic::DeadLetters.name();
        spoilt.records.retain(|record| &*record.topic != topic);
    }
    if is(Mistake::KeepInBatch) && first.identity == spoilt.identity {
        spoilt = first.clone();
    }
    spoilt
}

/// How a shard with the mistake would have understood an outcome.
pub(super) fn misread(outcome: Outcome) -> Outcome {
    match (PLANTED.get(), outcome) {
        (Some(Mistake::MergeAborted), Outcome::Aborted(_))
        | (Some(Mistake::MergeUnknown), Outcome::Unknown(_)) => Outcome::Committed,
        (Some(Mistake::SendUnknownAgain), Outcome::Unknown(reason))
        | (Some(Mistake::TrustFenced), Outcome::Fenced(reason)) => Outcome::Aborted(reason),
        (_, outcome) => outcome,
    }
}

/// What a restore with the mistake would have made of the records of a partition.
pub(super) fn misremember(records: &mut Compacted) {
    if is(Mistake::SameEpoch)
        && let Some(value) = records.get_mut(meta::KEY)
    {
        let mut meta = Meta::decode(value).unwrap();
        meta.epoch -= 1;
        *value = meta.encode();
    }
    if is(Mistake::ForgetTicket) {
        let tickets = records.keys().filter(|key| key[0] != meta::OWN_KEY);
        if let Some(key) = tickets.min().cloned() {
            records.swap_remove(&key);
        }
    }
    if is(Mistake::ForgetLimits) {
        records.retain(|key, _| key == meta::KEY || key[0] != meta::OWN_KEY);
    }
}
