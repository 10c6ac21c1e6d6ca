//! What was emitted about a ticket, kept beside its decisions so that a late fact can correct it.

use crate::decision::{Decision, Identity};
use crate::effect::EscalatedType;
use crate::time::Timestamp;

/// One emitted decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which decision.
    pub identity: Identity,
    /// What it did.
    pub kind: EscalatedType,
    /// The level after it.
    pub level: u32,
    /// When in-order reading decided it.
    pub decided_at: Timestamp,
    /// Whether a correction took it back.
    pub is_taken_back: bool,
    /// Whether it is itself a correction.
    pub is_correction: bool,
}

/// Everything emitted since the ticket's history was last folded, in the order of decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// Writes down a decision that is emitted.
    pub fn note(&mut self, decision: &Decision) {
        self.insert(Entry {
            identity: decision.identity(),
            kind: decision.kind,
            level: decision.level,
            decided_at: decision.decided_at,
            is_taken_back: false,
            is_correction: false,
        });
    }

    /// Puts an entry behind everything that was decided up to its instant.
    pub fn insert(&mut self, entry: Entry) {
        let place = self
            .entries
            .partition_point(|other| other.decided_at <= entry.decided_at);
        self.entries.insert(place, entry);
    }

    /// The place of a decision that was emitted and not taken back.
    #[must_use]
    pub fn standing(&self, identity: Identity) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.identity == identity && !entry.is_taken_back)
    }

    /// How often a decision was emitted and taken back.
    #[must_use]
    pub fn times_taken_back(&self, identity: Identity) -> u32 {
        let taken_back = self
            .entries
            .iter()
            .filter(|e| e.identity == identity && e.is_taken_back);
        u32::try_from(taken_back.count()).unwrap_or(u32::MAX)
    }

    /// The level that a subscriber takes the ticket to be at, from what stands in the ledger.
    #[must_use]
    pub fn visible_level(&self, level_before: u32) -> u32 {
        let standing = self
            .entries
            .iter()
            .rev()
            .filter(|entry| !entry.is_taken_back);
        let mut moves = standing.filter(|entry| match entry.kind {
            EscalatedType::Raised | EscalatedType::Lowered | EscalatedType::Ended => true,
            EscalatedType::Warned
            | EscalatedType::Repeated
            | EscalatedType::Acknowledged
            | EscalatedType::Unacknowledged => false,
        });
        moves.next().map_or(level_before, |entry| entry.level)
    }

    /// Drops what was decided before an instant: those facts are folded away, so that nothing can
    /// decide it again.
    pub fn drop_before(&mut self, at: Timestamp) {
        self.entries.retain(|entry| entry.decided_at >= at);
    }
}
