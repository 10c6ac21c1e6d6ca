//! How often each rare path was reached: a simulator that never gets there shows nothing.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

macro_rules! paths {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A rare path.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Path {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Path {
            /// All of them, in their order.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn words(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+),)+
                }
            }
        }
    };
}

paths! {
    /// an unknown outcome that turned out committed
    ResolvedCommitted,
    /// an unknown outcome that turned out aborted
    ResolvedAborted,
    /// a batch that was sent again after an abort
    SentAgain,
    /// an outcome that was not known
    Unknown,
    /// records that came while a transaction was under way which was then aborted
    ReadAheadOfAborted,
    /// records that came while a transaction was under way whose outcome was then not known
    ReadAheadOfUnknown,
    /// records that came while a transaction was under way whose producer was then fenced
    ReadAheadOfFenced,
    /// a rebalance that waited for a transaction under way
    RebalanceUnderWay,
    /// a producer that was fenced
    Fenced,
    /// a transaction of which the coordinator lost patience
    TimedOut,
    /// a commit that came after its producer was replaced, and was refused
    LateCommitRefused,
    /// a commit that came late, and was executed
    LateCommitExecuted,
    /// a producer that waited for the markers of its last transaction
    WaitedForMarkers,
    /// a restore that waited for the last stable offset
    RestoreWaited,
    /// a restore behind the timeout of a dead owner's transaction
    RestoreBehindDeadOwner,
    /// committed offsets that were held back by a pending transaction
    OffsetsHeldBack,
    /// committed offsets that a coordinator denied
    OffsetsDenied,
    /// a state that was ahead of the group's offsets
    StateAhead,
    /// a transaction of a zombie, refused by its generation
    ZombieRefused,
    /// a member that was expelled
    MemberExpelled,
    /// a member that lost its partitions without being asked
    PartitionsLost,
    /// a static member whose place another process took
    StaticMemberReplaced,
    /// offsets that came while a rebalance was under way
    OffsetsDuringRebalance,
    /// offsets of an older transaction that came after those of a newer
    OffsetsOutOfOrder,
    /// a rebalance that took partitions out of an open batch
    LeftOpenBatch,
    /// a process that stopped while the outcome of its batch was open
    StoppedWithOpenBatch,
    /// a partition that moved while others stayed
    MovedAlone,
    /// two live processes of one name, of which one stopped
    TwinStopped,
    /// a process killed between two steps of a transaction
    KilledInTransaction,
    /// a process asleep between two steps of a transaction
    AsleepInTransaction,
    /// a restore that compaction overtook
    CompactedDuringRestore,
    /// a tombstone that compaction removed
    TombstoneRemoved,
    /// records of an input that were held back by an open transaction
    InputHeldBack,
    /// records of an input whose transaction was aborted
    InputAborted,
    /// an edit of the plans while tickets ran
    Edited,
    /// an edit that came while a transaction was open
    EditedDuringTransaction,
    /// a clock that was set forward
    ClockForward,
    /// a clock that was set back
    ClockBack,
    /// brokers that were away for all
    BrokersAway,
    /// an input partition without a leader
    PartitionLeaderless,
    /// a process that was cut off from the brokers
    CutOff,
    /// a dead letter
    DeadLetter,
    /// a ticket that was forgotten
    Forgotten,
    /// an escalation
    Raised,
    /// a digest
    Digest,
    /// a partition that came back to its owner and was not read again
    CameBack,
    /// a partition that came back to a former owner and had to be read again
    CameBackToRestore,
    /// a partition that went to another process
    OwnerChanged,
}

/// The counts of a run; all its parts share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Reached(Rc<RefCell<Vec<u64>>>);

impl Reached {
    /// Counts a path.
    pub(super) fn count(&self, path: Path) {
        let mut counts = self.0.borrow_mut();
        counts.resize(Path::ALL.len(), 0);
        counts[path as usize] += 1;
    }

    /// The counts in the order of [`Path::ALL`].
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts = self.0.borrow().clone();
        counts.resize(Path::ALL.len(), 0);
        counts
    }
}

/// The counts of many runs.
#[derive(Clone, Debug)]
pub(super) struct Counts(Vec<u64>);

impl Counts {
    pub(super) fn new() -> Self {
        Self(vec![0; Path::ALL.len()])
    }

    /// Adds those of a run.
    pub(super) fn add(&mut self, counts: &[u64]) {
        for (sum, count) in self.0.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// Adds those of other runs.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(&other.0);
    }

    /// The paths that were never reached.
    pub(super) fn missing(&self) -> Vec<Path> {
        let counted = Path::ALL.iter().zip(&self.0);
        counted
            .filter(|(_, count)| **count == 0)
            .map(|(path, _)| *path)
            .collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, count) in Path::ALL.iter().zip(&self.0) {
            writeln!(f, "{count:>9} {}", path.words().trim())?;
        }
        Ok(())
    }
}
