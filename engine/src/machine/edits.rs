//! What an edit of the plans does to a ticket under way.
//!
//! An edit counts as a fact at its instant, before the ticket's own facts of that instant. A ticket
//! that is done is never rewritten; it takes the revision in force when it is reopened.

use std::sync::Arc;

use super::{InForce, Machine, Outcome, Past};
use crate::decision::Anchor;
use crate::moment::Occurrence;
use crate::plan::{InFlight, Plan, Revision};
use crate::rules::Rules;
use crate::time::Timestamp;

/// Restarts that are remembered: an older one began a cycle that is long over.
const RESTARTS_MAX: usize = 64;

impl Machine {
    /// The revision that the ticket is read by at an instant.
    pub(crate) fn revision_at<'a>(&self, at: Timestamp, rules: &'a Rules) -> &'a Arc<Revision> {
        let kept = self.kept.as_ref().filter(|_| !self.category.is_done());
        let revision = kept.and_then(|id| rules.revision(id));
        revision.unwrap_or_else(|| rules.at(at))
    }

    /// Applies the edits up to an instant that were not applied yet, each after what falls due
    /// before it. Those that meet a ticket that is done, or not known yet, are left to its next
    /// fact.
    pub fn apply_edits(
        &mut self,
        until: Timestamp,
        past: Past<'_>,
        rules: &Rules,
        out: &mut Outcome,
    ) {
        while self.is_open()
            && let Some(edited_at) = rules.next_edit(self.edited_at).filter(|at| *at <= until)
        {
            // What was folded away stays as it was read: an older edit comes right behind it.
            let at = edited_at.max(self.last_fact_at);
            self.fire(at, at, rules, out);
            self.apply_edit(at, rules.at(edited_at), past, rules, out);
            self.edited_at = edited_at;
        }
    }

    fn apply_edit(
        &mut self,
        at: Timestamp,
        revision: &Arc<Revision>,
        past: Past<'_>,
        rules: &Rules,
        out: &mut Outcome,
    ) {
        let before = self.in_force(rules);
        let in_flight = before.as_ref().map_or(InFlight::Adopt, |before| {
            let edited = revision.plan(&before.plan.name);
            edited.map_or(InFlight::Adopt, |plan| plan.in_flight)
        });
        if in_flight == InFlight::Keep {
            let revision = before.map(|before| before.revision.id.clone());
            self.kept = self.kept.take().or(revision);
            return;
        }
        let is_restart = in_flight == InFlight::Restart
            && before.is_some_and(|before| is_changed(&before.plan, &before.revision, revision));
        self.kept = None;
        self.last_fact_at = at;
        let level_before = self.level();
        self.enter_category(revision.category(self.ticket.status.as_deref()).0, at);
        let clocks_before = match out.trace {
            Some(_) => self.clocks.clone(),
            None => Vec::new(),
        };
        let mut occurrence = self.edit_occurrence(at, revision);
        let lost = self.rematch(&mut occurrence, past, revision, rules, out);
        let in_force = self.in_force(rules);
        if let Some(in_force) = &in_force {
            // What a status means now holds for clocks, too, whose start was folded away.
            self.apply_to_clocks(&occurrence, in_force);
            if is_restart {
                self.restart_clocks(&occurrence, in_force);
            }
            self.pause_waits(at, in_force);
        }
        let plan = in_force.as_ref().or(lost.as_ref());
        self.end_when_done(Anchor::beginning(at), at, plan, out);
        if let Some(in_force) = &in_force {
            self.evaluate_triggers(at, in_force, out);
        }
        self.trace_edit(at, level_before, &clocks_before, in_force.as_ref(), out);
    }

    fn restart_clocks(&mut self, occurrence: &Occurrence, in_force: &InForce) {
        let restart = Occurrence {
            is_restart: true,
            ..occurrence.clone()
        };
        self.apply_to_clocks(&restart, in_force);
        if self.restarts.len() == RESTARTS_MAX {
            self.restarts.remove(0);
        }
        self.restarts.push(occurrence.at);
    }

    /// How many of the remembered restarts an earlier machine of the same ticket has had.
    pub(super) fn restarts_shared_with(&self, earlier: &Self) -> usize {
        let had = earlier.restarts.iter();
        let first = self.restarts.first();
        had.filter(|at| first.is_some_and(|first| *at >= first))
            .count()
    }

    /// The edit as clocks see it: the ticket as it stands.
    pub(super) fn edit_occurrence(&self, at: Timestamp, revision: &Arc<Revision>) -> Occurrence {
        Occurrence {
            at,
            begins: false,
            is_update: false,
            is_assigned: false,
            ..self.standing(revision)
        }
    }
}

/// Whether an edit has changed a plan or what it is read by: its calendars are part of it.
fn is_changed(plan: &Plan, old: &Revision, new: &Revision) -> bool {
    let edited = new.plan(&plan.name);
    edited.is_none_or(|edited| !edited.says_the_same_as(plan))
        || old.statuses != new.statuses
        || old.priorities != new.priorities
}
