//! Which plan takes a ticket, and what becomes of clocks and level when another one does.

use std::sync::Arc;

use super::{InForce, Machine, Outcome, Past};
use crate::clock::Clock;
use crate::decision::Anchor;
use crate::effect::{Cause, CauseKind};
use crate::fact::Fact;
use crate::ladder::Escalation;
use crate::machine::levels::{Reason, cause_when_done};
use crate::moment::{Act, Occurrence};
use crate::plan::{Plan, Revision};
use crate::rules::{PlanRef, Rules};
use crate::status::StatusCategory;
use crate::stopwatch::Stopwatch;
use crate::time::Timestamp;

impl Machine {
    /// Finds the first plan whose match holds and moves the ticket under it. Returns the plan that
    /// was lost when none matches and the same fact resolves the ticket, for the ending that
    /// follows.
    pub(super) fn rematch(
        &mut self,
        occurrence: &mut Occurrence,
        past: Past<'_>,
        revision: &Arc<Revision>,
        rules: &Rules,
        out: &mut Outcome,
    ) -> Option<InForce> {
        match self.matching_plan(revision) {
            Some(plan) => {
                let is_same = self
                    .plan
                    .as_ref()
                    .is_some_and(|had| had.name == plan.name && had.revision == revision.id);
                if !is_same {
                    self.take_plan(plan, revision, past, occurrence, rules, out);
                }
                // For clocks, nothing has happened to a ticket before it begins.
                occurrence.is_matched |= occurrence.begins;
                None
            }
            None => self.lose_plan(occurrence, rules, out),
        }
    }

    /// The first plan whose match holds.
    fn matching_plan<'a>(&self, revision: &'a Revision) -> Option<&'a Arc<Plan>> {
        let subject = self.subject(revision);
        let mut plans = revision.plans.iter();
        plans.find(|plan| plan.matching.holds(&subject))
    }

    fn lose_plan(
        &mut self,
        occurrence: &Occurrence,
        rules: &Rules,
        out: &mut Outcome,
    ) -> Option<InForce> {
        let lost = self.in_force(rules);
        self.plan = None;
        self.clocks.clear();
        for hold in &mut self.holds {
            hold.since = None;
            hold.has_fired = false;
        }
        if occurrence.after.is_done() {
            return lost;
        }
        if let Some(lost) = lost {
            self.end(reason_without_plan(occurrence.at), &lost, out);
        }
        None
    }

    fn take_plan(
        &mut self,
        plan: &Arc<Plan>,
        revision: &Arc<Revision>,
        past: Past<'_>,
        occurrence: &mut Occurrence,
        rules: &Rules,
        out: &mut Outcome,
    ) {
        let before = self.in_force(rules);
        self.plan = Some(PlanRef {
            name: plan.name.clone(),
            revision: revision.id.clone(),
        });
        let (history, matched_before) = self.occurrences(plan, past, revision);
        occurrence.is_matched = !matched_before;
        self.clocks = plan
            .timeframes
            .iter()
            .map(|timeframe| {
                let mut clock = match past.fold {
                    None => Clock::idle(timeframe.name.clone()),
                    Some(fold) => fold
                        .clocks
                        .iter()
                        .find(|clock| clock.timeframe == timeframe.name)
                        .cloned()
                        .unwrap_or_else(|| {
                            Clock::at_fold(timeframe, &fold.folded_past(revision, past.entries))
                        }),
                };
                for earlier in &history {
                    clock.apply(timeframe, earlier);
                }
                clock
            })
            .collect();
        self.keep_holds_of(plan);
        if plan.path.is_empty()
            && let Some(before) = before
        {
            // No level is left to be at: whoever was told has to hear that it is over, and that it is
            // resolved, when the same fact says so.
            let mut reason = reason_without_plan(occurrence.at);
            reason.cause = cause_when_done(occurrence.after).unwrap_or(reason.cause);
            self.end(reason, &before, out);
        }
        let folded = past.fold.map(|fold| (fold.last_fact_at, fold.category));
        if let Some(escalation) = &mut self.escalation {
            escalation.level = escalation
                .level
                .min(u32::try_from(plan.path.len()).unwrap_or(u32::MAX));
            repause(escalation, plan, folded, &history);
        }
    }

    /// What the kept facts did, in order, as the clocks of a plan read it, and whether the plan
    /// matched after the last of them, if one of them asks for that; a ticket that stays done keeps what it
    /// has. The level that conditions see is the present one.
    fn occurrences(
        &self,
        plan: &Plan,
        past: Past<'_>,
        revision: &Arc<Revision>,
    ) -> (Vec<Occurrence>, bool) {
        let mut then = past.fold.map_or_else(Self::new, Self::clone);
        then.escalation.clone_from(&self.escalation);
        let matches = |then: &Self| {
            let found = then.matching_plan(revision);
            found.is_some_and(|found| found.name == plan.name)
        };
        // To match all plans anew for each fact costs the most by far, and few clocks begin by that.
        let is_asked = plan.timeframes.iter().any(|it| it.moments.name_matched());
        let mut matched = match past.fold.filter(|_| is_asked) {
            Some(fold) if fold.category.is_done() => fold
                .plan
                .as_ref()
                .is_some_and(|kept| kept.name == plan.name),
            Some(fold) => fold.has_begun && matches(&then),
            None => false,
        };
        let restart = |then: &Self, at: Timestamp| Occurrence {
            is_restart: true,
            ..then.edit_occurrence(at, revision)
        };
        let mut read = |then: &mut Self, fact: &Fact| {
            let mut occurrence = then.merge(fact, revision, &mut Outcome::default());
            if is_asked && occurrence.has_begun && !occurrence.stays_done() {
                let matches_now = matches(then);
                occurrence.is_matched = matches_now && !matched;
                matched = matches_now;
            }
            let replies = occurrence.acts.iter();
            let replies = replies.filter(|act| **act == Act::CustomerReply).count();
            then.customer_reply_count += u32::try_from(replies).unwrap_or(u32::MAX);
            occurrence
        };
        // What lies before the fold is in its clocks.
        let folded = past.fold.map_or(0, |fold| self.restarts_shared_with(fold));
        let mut restarts = self.restarts[folded..].iter().copied().peekable();
        let mut history = Vec::with_capacity(past.evaluated);
        for fact in past.facts.iter().take(past.evaluated) {
            while let Some(at) = restarts.next_if(|at| *at <= fact.occurred_at) {
                history.push(restart(&then, at));
            }
            history.push(read(&mut then, &fact));
        }
        history.extend(restarts.map(|at| restart(&then, at)));
        (history, matched)
    }

    fn keep_holds_of(&mut self, plan: &Plan) {
        for hold in &mut self.holds {
            if !plan
                .triggers
                .iter()
                .any(|trigger| trigger.name == hold.trigger)
            {
                hold.since = None;
                hold.has_fired = false;
            }
        }
    }
}

const fn reason_without_plan(at: Timestamp) -> Reason {
    Reason::fact(Cause::plain(CauseKind::NoPlan), at, Anchor::beginning(at))
}

/// Measures the waits of a level anew, from the same start with the pauses of the new plan. What
/// lies before the kept history keeps its old reading.
fn repause(
    escalation: &mut Escalation,
    plan: &Plan,
    folded: Option<(Timestamp, StatusCategory)>,
    history: &[Occurrence],
) {
    let Some(level) = escalation.level_of(plan) else {
        return;
    };
    let acknowledged = escalation
        .acknowledgement
        .iter_mut()
        .map(|ack| &mut ack.watch);
    for watch in std::iter::once(&mut escalation.waits).chain(acknowledged) {
        let started_at = watch.started_at;
        if folded.is_some_and(|(at, _)| at > started_at) {
            continue;
        }
        let at_start = history
            .iter()
            .rev()
            .find(|fact| fact.at <= started_at)
            .map(|fact| fact.after);
        let category = at_start.or_else(|| folded.map(|(_, category)| category));
        let is_paused = |category| level.pause.contains(category);
        *watch = Stopwatch::start(started_at, category.is_some_and(is_paused));
        for fact in history.iter().filter(|fact| fact.at > started_at) {
            watch.set_paused(fact.at, is_paused(fact.after), &level.calendar);
        }
    }
}
