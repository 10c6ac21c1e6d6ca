//! What goes wrong with transactions, by script.

use std::time::Duration;

use crate::kafka::Error;

/// What becomes of the next transaction, other than being committed and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shard) enum Fault {
    Abort,
    /// It is aborted because a record is larger than its topic takes, of the partition of this number as
    /// far as that is known.
    Refused(Option<i32>),
    /// It is committed, but the answer is lost.
    LostAnswer,
    /// It is committed, but the answer is lost, and so are the group's offsets.
    LostAnswerAndOffsets,
    /// It never arrives, and nobody says so.
    LostRequest,
    /// It is aborted because somebody else took over, who commits under another identity.
    Usurped,
    Fence,
    /// It is aborted while a rebalance takes the partition of this number away.
    Rebalance(i32),
}

impl Fault {
    /// One for each way in which a transaction ends that is not committed and answered.
    pub(in crate::shard) const OF_EACH_OUTCOME: [Self; 5] = [
        Self::Abort,
        Self::LostAnswer,
        Self::LostRequest,
        Self::Usurped,
        Self::Fence,
    ];
}

/// What a restore says that a transaction holds back.
pub(super) fn hanging() -> Error {
    Error::Hanging {
        held_back: "partition 1 of notify".to_owned(),
        longer_than: Duration::ZERO,
    }
}
