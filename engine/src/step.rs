//! Where reading in order stands: the next thing that a ticket decides, and up to where it is to
//! decide.
//!
//! An instant has two parts: facts, with the edits of the plans, come first, and then what falls
//! due. Within each part tickets follow each other by their ids. So a step, together with an id, is a
//! place in the order of everything that a partition decides.

use crate::time::Timestamp;

/// The next thing that a ticket decides if no fact arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The instant.
    pub at: Timestamp,
    /// Whether it falls due there, rather than being a fact or an edit of the plans.
    pub is_due: bool,
}

/// Up to where a ticket is to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// Facts and edits of the plans are read that lie before this instant.
    pub facts_before: Timestamp,
    /// What falls due before this instant does.
    pub due_before: Timestamp,
}

impl Step {
    /// Nothing is left.
    pub const NEVER: Self = Self::due(Timestamp::MAX);

    /// A fact, or an edit of the plans.
    #[must_use]
    pub const fn fact(at: Timestamp) -> Self {
        Self { at, is_due: false }
    }

    /// Something that falls due.
    #[must_use]
    pub const fn due(at: Timestamp) -> Self {
        Self { at, is_due: true }
    }

    /// The evaluation time that decides it: past its instant, because an instant is decided as a
    /// whole. The end of time when nothing is left.
    #[must_use]
    pub const fn wake(self) -> Timestamp {
        self.at.plus_millis(1)
    }
}

impl Until {
    /// Everything before an instant, and nothing at it.
    #[must_use]
    pub const fn before(at: Timestamp) -> Self {
        Self {
            facts_before: at,
            due_before: at,
        }
    }

    /// Everything up to the part of the instant in which the step lies, with that part.
    #[must_use]
    pub const fn through(step: Step) -> Self {
        let past = step.wake();
        Self {
            facts_before: past,
            due_before: if step.is_due { past } else { step.at },
        }
    }

    /// No less far than another.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        Self {
            facts_before: self.facts_before.max(other.facts_before),
            due_before: self.due_before.max(other.due_before),
        }
    }
}
