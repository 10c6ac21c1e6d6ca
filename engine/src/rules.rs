//! Which plans are in force when: the log of plan edits, as the engine reads it.

use std::sync::Arc;

use serde::Serialize;

use crate::plan::{Plan, Revision};
use crate::ticket::Text;
use crate::time::Timestamp;

/// The revisions of the plan files with the instants from which they hold.
#[derive(Clone, Debug)]
pub struct Rules {
    first: Arc<Revision>,
    edits: Vec<(Timestamp, Arc<Revision>)>,
}

/// The plan that a ticket is under, by name, so that it can be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanRef {
    /// The name of the plan.
    pub name: Text,
    /// The revision that the ticket has it from.
    pub revision: Text,
}

impl Rules {
    /// One revision, in force at all times.
    #[must_use]
    pub const fn new(first: Arc<Revision>) -> Self {
        Self {
            first,
            edits: Vec::new(),
        }
    }

    /// Puts another revision into force from an instant on. Of two edits at one instant the one
    /// that is added later holds.
    #[must_use]
    pub fn with_edit(mut self, at: Timestamp, revision: Arc<Revision>) -> Self {
        let place = self.edits.partition_point(|(from, _)| *from <= at);
        self.edits.insert(place, (at, revision));
        self
    }

    /// The instant of the first edit after another instant.
    #[must_use]
    pub fn next_edit(&self, after: Timestamp) -> Option<Timestamp> {
        let later = self.edits.partition_point(|(from, _)| *from <= after);
        self.edits.get(later).map(|(from, _)| *from)
    }

    /// The instant of the last edit up to another instant; the beginning of time before the first.
    #[must_use]
    pub fn last_edit(&self, until: Timestamp) -> Timestamp {
        let later = self.edits.partition_point(|(from, _)| *from <= until);
        let last = later.checked_sub(1).map(|last| self.edits[last].0);
        last.unwrap_or(Timestamp::MIN)
    }

    /// The revision of that id.
    #[must_use]
    pub fn revision(&self, id: &str) -> Option<&Arc<Revision>> {
        self.all().find(|revision| *revision.id == *id)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Revision>> {
        std::iter::once(&self.first).chain(self.edits.iter().map(|(_, revision)| revision))
    }

    /// The revision in force at an instant; the first one also before it was ever loaded, so that
    /// recorded history has plans.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> &Arc<Revision> {
        let later = self.edits.partition_point(|(from, _)| *from <= at);
        later
            .checked_sub(1)
            .map_or(&self.first, |last| &self.edits[last].1)
    }

    /// The revision in force after all edits.
    #[must_use]
    pub fn latest(&self) -> &Arc<Revision> {
        self.edits
            .last()
            .map_or(&self.first, |(_, revision)| revision)
    }

    /// The plan that is meant, and its revision. A revision that is not at hand is read as the
    /// first one that has a plan of that name.
    #[must_use]
    pub fn resolve(&self, plan: &PlanRef) -> Option<(&Arc<Revision>, &Arc<Plan>)> {
        let exact = self.revision(&plan.revision);
        exact
            .and_then(|revision| Some((revision, revision.plan(&plan.name)?)))
            .or_else(|| {
                self.all()
                    .find_map(|revision| Some((revision, revision.plan(&plan.name)?)))
            })
    }
}
