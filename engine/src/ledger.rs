//! What was emitted about a ticket, kept beside its decisions so that a late fact can correct it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::decision::{Identity, Update};
use crate::effect::EscalatedType;
use crate::time::Timestamp;

/// One emitted decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Which decision.
    pub identity: Identity,
    /// What it did.
    pub kind: EscalatedType,
    /// The level after it.
    pub level: u32,
    /// When in-order reading decided it; the end of time when it does not, or not yet.
    pub decided_at: Timestamp,
    /// Whether a correction took it back.
    pub is_taken_back: bool,
    /// Whether it is itself a correction.
    pub is_correction: bool,
}

impl Entry {
    /// Whether it is one of these decisions; a correction never is.
    #[must_use]
    pub fn is_among(&self, decided: &BTreeSet<Identity>) -> bool {
        !self.is_correction && decided.contains(&self.identity)
    }
}

/// Beginnings that are remembered. Each is another `raised` that began an escalation; only a late
/// fact can bring an earlier one back, and then it is one of the last.
const BEGINNINGS_MAX: usize = 16;

/// Entries that are remembered although in-order reading does not decide them. What a late fact has
/// put off is decided soon after, or never.
const ASIDE_MAX: usize = 64;

/// A `raised` that began an escalation, and how far its updates have come. An escalation may last
/// for months, so its updates are counted rather than kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Beginning {
    /// The decision.
    pub identity: Identity,
    /// The ordinal of its event, which updates refer to.
    pub ordinal: u32,
    /// When the last update was due; none before the first.
    pub updated: Option<Timestamp>,
}

/// Everything emitted since the ticket's history was last folded, in the order of decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// The entries.
    #[serde(rename = "ledger")]
    pub entries: Vec<Entry>,
    /// The last escalations, in the order in which their beginnings were emitted; folding leaves
    /// them.
    pub beginnings: Vec<Beginning>,
}

impl Ledger {
    /// Notes that an escalation began with an event of this ordinal; nobody had an update yet.
    pub fn begin(&mut self, identity: Identity, ordinal: u32) {
        self.beginnings.retain(|other| other.identity != identity);
        if self.beginnings.len() == BEGINNINGS_MAX {
            self.beginnings.remove(0);
        }
        self.beginnings.push(Beginning {
            identity,
            ordinal,
            updated: None,
        });
    }

    /// Notes an update, and answers with the ordinal of the event that began its escalation; none
    /// when it, or a later one, was noted before.
    pub fn add_update(&mut self, update: Update) -> Option<u32> {
        let is_known = |it: &Beginning| it.identity == update.begun_by;
        if !self.beginnings.iter().any(is_known) {
            self.begin(update.begun_by, 0);
        }
        let beginning = self.beginnings.iter_mut().find(|it| is_known(it))?;
        if beginning.updated.is_some_and(|last| update.at <= last) {
            return None;
        }
        beginning.updated = Some(update.at);
        Some(beginning.ordinal)
    }

    /// Puts an entry behind everything that was decided up to its instant.
    pub fn insert(&mut self, entry: Entry) {
        let place = self
            .entries
            .partition_point(|other| other.decided_at <= entry.decided_at);
        self.entries.insert(place, entry);
    }

    /// Sets aside what was emitted and a new reading does not decide, or not yet: it stays whatever
    /// is folded away, so that it is not emitted again as if it were new.
    pub fn set_aside(&mut self, decided: &BTreeSet<Identity>) {
        let is_aside = |it: &Entry| !it.is_correction && !decided.contains(&it.identity);
        let (mut aside, rest): (Vec<_>, Vec<_>) = self.entries.drain(..).partition(is_aside);
        aside.drain(..aside.len().saturating_sub(ASIDE_MAX));
        for entry in &mut aside {
            entry.decided_at = Timestamp::MAX;
        }
        self.entries = rest;
        self.entries.extend(aside);
    }

    /// Moves an entry to where in-order reading has come to decide it, so that it stays as long as
    /// it can be decided again.
    pub fn move_to(&mut self, place: usize, decided_at: Timestamp) {
        if self.entries[place].decided_at != decided_at {
            let entry = self.entries.remove(place);
            self.insert(Entry {
                decided_at,
                ..entry
            });
        }
    }

    /// The place of a decision that was emitted and not taken back.
    #[must_use]
    pub fn standing(&self, identity: Identity) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.identity == identity && !entry.is_taken_back)
    }

    /// How often a decision was emitted since the fold; it is emitted again only once it was taken
    /// back, or was overtaken by an ending.
    #[must_use]
    pub fn times_emitted(&self, identity: Identity) -> u32 {
        let emitted = self
            .entries
            .iter()
            .filter(|entry| entry.identity == identity);
        u32::try_from(emitted.count()).unwrap_or(u32::MAX)
    }

    /// Drops what belongs to a folded fact, and everything before: nothing can decide it again.
    pub fn leave(&mut self, folded: &Folded) {
        for identity in &folded.decided {
            if let Some(place) = self.standing(*identity) {
                self.entries.remove(place);
            }
        }
        self.entries
            .retain(|entry| entry.decided_at >= folded.until);
    }
}

/// What a fact has left behind that was folded away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What it, and what fell due before it, has decided.
    pub decided: Vec<Identity>,
    /// Its instant.
    pub until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_decided_stays_whatever_is_folded_up_to_a_limit() {
        let mut ledger = Ledger::default();
        for number in 0..=ASIDE_MAX as u8 {
            ledger.insert(Entry {
                identity: Identity([number; 16]),
                kind: EscalatedType::Warned,
                level: 0,
                decided_at: Timestamp::from_millis(i64::from(number)),
                is_taken_back: false,
                is_correction: false,
            });
        }
        ledger.set_aside(&BTreeSet::new());
        ledger.leave(&Folded {
            decided: Vec::new(),
            until: Timestamp::from_millis(1_000),
        });
        assert_eq!(ledger.entries.len(), ASIDE_MAX);
        assert_eq!(ledger.standing(Identity([0; 16])), None, "the oldest goes");
        // Decided after all, it is folded as any other.
        ledger.move_to(5, Timestamp::from_millis(2_000));
        assert_eq!(ledger.entries[0].identity, Identity([6; 16]));
        ledger.leave(&Folded {
            decided: Vec::new(),
            until: Timestamp::from_millis(3_000),
        });
        assert_eq!(ledger.entries.len(), ASIDE_MAX - 1);
    }
}
