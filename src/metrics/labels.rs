//! The values that labels can have, and counters that are resolved for all of them.

use std::marker::PhantomData;

use prometheus::{IntCounter, IntCounterVec};

/// A label whose values are known.
pub trait Label: Copy + 'static {
    /// Every value, in the order of the type.
    const ALL: &'static [Self];

    /// The value as it is shown.
    fn name(self) -> &'static str;

    /// The place in [`Self::ALL`].
    fn index(self) -> usize;
}

macro_rules! label {
    ($(#[$outer:meta])* $type:ident { $($(#[$inner:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$inner])* $variant,)+
        }

        impl Label for $type {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label! {
    /// Which of the two inputs a record came from.
    Input {
        /// Created events.
        Created = "created",
        /// Updated events.
        Updated = "updated",
    }
}

label! {
    /// What became of a record.
    Outcome {
        /// It is part of its ticket now.
        Processed = "processed",
        /// It was there already.
        Duplicate = "duplicate",
        /// It came after its instant had been decided, and corrected what it had to.
        Late = "late",
        /// It is older than what the ticket keeps, and changed nothing.
        LateDropped = "late_dropped",
        /// It could not be read.
        DeadLetter = "dead_letter",
    }
}

label! {
    /// How a transaction ended.
    TransactionResult {
        /// Its records are visible.
        Committed = "committed",
        /// None of its records will ever be visible.
        Aborted = "aborted",
        /// The broker did not say; the committed offsets decide.
        Unknown = "unknown",
        /// Another replica has taken over.
        Fenced = "fenced",
    }
}

label! {
    /// A change of the partitions that this replica owns.
    Rebalance {
        /// Partitions came.
        Assigned = "assigned",
        /// Partitions went in an orderly way.
        Revoked = "revoked",
        /// Partitions were taken while this replica was silent.
        Lost = "lost",
    }
}

label! {
    /// How far a partition is on its way to being live.
    PartitionState {
        /// When its state is being read. On the end of the state topic: waiting or catching up.
        Restoring = "restoring",
        /// When a transaction of a former owner is still open. On its end: restoring again.
        WaitingForFence = "waiting_for_fence",
        /// When its inputs hold more than was read. At their end: live.
        CatchingUp = "catching_up",
        /// When the next record was written with a schema that the registry has not answered with yet.
        /// When it has: catching up.
        WaitingForSchema = "waiting_for_schema",
        /// When decisions are made as facts arrive. Falls back to catching up when inputs run ahead.
        Live = "live",
        /// When it cannot be processed, for instance without its twin. Ends with the assignment.
        Refused = "refused",
    }
}

label! {
    /// What came of an attempt to load the plan files again.
    ReloadResult {
        /// They hold a new revision, which is in the log of edits now.
        Applied = "applied",
        /// The files hold what is in force already.
        Unchanged = "unchanged",
        /// The files have errors, or hold a revision that was in force before; nothing changes.
        Refused = "refused",
        /// The log of plan edits could not be read or written.
        Failed = "failed",
    }
}

label! {
    /// What became of a record of the log of plan edits.
    EditResult {
        /// It is an edit.
        Applied = "applied",
        /// Its revision was seen before, or is in force already.
        Repeated = "repeated",
        /// It cannot be used; the log goes on without it.
        Refused = "refused",
    }
}

label! {
    /// What came of asking the schema registry for a schema.
    SchemaResult {
        /// It is known now.
        Found = "found",
        /// There is none that events can be read with; its records become dead letters.
        Refused = "refused",
        /// The registry did not answer, or not well; it is asked again.
        Failed = "failed",
    }
}

label! {
    /// An activity that changes nothing because it cannot.
    IgnoredActivity {
        /// A snooze without a sensible end.
        Snooze = "snooze",
        /// An escalation of a ticket that has no plan or is over.
        Escalate = "escalate",
        /// One of a kind that the contract does not name.
        Unknown = "unknown",
    }
}

/// One counter for each value of a label.
pub(super) struct Resolved<L>(Vec<IntCounter>, PhantomData<L>);

impl<L: Label> Resolved<L> {
    pub(super) fn new(family: &IntCounterVec) -> Self {
        let counters = L::ALL
            .iter()
            .map(|value| family.with_label_values(&[value.name()]));
        Self(counters.collect(), PhantomData)
    }

    pub(super) fn at(&self, value: L) -> &IntCounter {
        &self.0[value.index()]
    }
}

/// One counter for each pair of values of two labels.
pub(super) struct ResolvedPairs<A, B>(Vec<IntCounter>, PhantomData<(A, B)>);

impl<A: Label, B: Label> ResolvedPairs<A, B> {
    pub(super) fn new(family: &IntCounterVec) -> Self {
        let pairs = A::ALL
            .iter()
            .flat_map(|first| B::ALL.iter().map(move |second| (first, second)));
        let counters =
            pairs.map(|(first, second)| family.with_label_values(&[first.name(), second.name()]));
        Self(counters.collect(), PhantomData)
    }

    pub(super) fn at(&self, first: A, second: B) -> &IntCounter {
        &self.0[first.index() * B::ALL.len() + second.index()]
    }
}
