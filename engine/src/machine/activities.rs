//! What people do to an escalation by hand.

use super::levels::{Reason, fact_anchor};
use super::{InForce, Machine, Outcome};
use crate::decision::Decision;
use crate::effect::EscalatedType;
use crate::fact::{Activity, ActivityKind, Fact};
use crate::ladder::Acknowledgement;
use crate::moment::{Act, Occurrence};
use crate::stopwatch::Stopwatch;
use crate::time::Timestamp;

/// A snooze reaches at most 30 days ahead, says the contract.
const SNOOZE_MAX_MS: i64 = 30 * 86_400_000;

impl Machine {
    /// Does what the activities of a fact say, in their order.
    pub(super) fn apply_activities(
        &mut self,
        fact: &Fact,
        occurrence: &Occurrence,
        in_force: Option<&InForce>,
        out: &mut Outcome,
    ) {
        for (nth, activity) in fact.activities.iter().enumerate() {
            let reason = || Reason::manual(activity, fact.occurred_at, fact_anchor(fact, nth));
            match activity.kind {
                ActivityKind::AgentReply => self.last_agent_reply = Some(fact.occurred_at),
                ActivityKind::CustomerReply => {
                    self.last_customer_reply = Some(fact.occurred_at);
                    self.customer_reply_count += 1;
                }
                ActivityKind::InternalNote => {}
                ActivityKind::Acknowledge => self.acknowledge(None, reason(), in_force, out),
                ActivityKind::Unacknowledge => self.unacknowledge(reason(), in_force, out),
                ActivityKind::Escalate => match in_force {
                    Some(in_force) if !occurrence.stays_done() => {
                        self.escalate(activity, &reason(), in_force, out);
                    }
                    Some(_) | None => out.counts.escalations_ignored += 1,
                },
                ActivityKind::Deescalate => self.deescalate(activity, reason(), in_force, out),
                ActivityKind::Snooze => match snooze_end(activity, fact.occurred_at) {
                    Some(until) => self.acknowledge(Some(until), reason(), in_force, out),
                    None => out.counts.snoozes_ignored += 1,
                },
            }
        }
    }

    /// Stops the waits of the level. While acknowledged already, the time starts afresh.
    fn acknowledge(
        &mut self,
        until: Option<Timestamp>,
        reason: Reason,
        in_force: Option<&InForce>,
        out: &mut Outcome,
    ) {
        let category = self.category;
        let (Some(in_force), Some(escalation)) = (in_force, &mut self.escalation) else {
            return;
        };
        let is_paused = escalation
            .level_of(&in_force.plan)
            .is_some_and(|level| level.pause.contains(category));
        let acknowledgement = Acknowledgement {
            anchor: reason.anchor,
            watch: Stopwatch::start(reason.decided_at, is_paused),
            until,
        };
        let was_acknowledged = escalation
            .acknowledgement
            .replace(acknowledgement)
            .is_some();
        if !was_acknowledged {
            let level = self.level();
            out.decisions
                .push(self.decide(EscalatedType::Acknowledged, level, &reason, in_force));
        }
    }

    /// Ends an acknowledgement by hand: nobody is told again, the waits start afresh.
    fn unacknowledge(&mut self, reason: Reason, in_force: Option<&InForce>, out: &mut Outcome) {
        if let Some(in_force) = in_force
            && let Some(decision) = self.end_acknowledgement(&reason, in_force)
        {
            out.decisions.push(decision);
        }
    }

    /// Ends the acknowledgement, if there is one, and starts the waits of the level afresh.
    pub(super) fn end_acknowledgement(
        &mut self,
        reason: &Reason,
        in_force: &InForce,
    ) -> Option<Decision> {
        let category = self.category;
        let escalation = self.escalation.as_mut()?;
        escalation.acknowledgement.take()?;
        let level = escalation.level_of(&in_force.plan);
        let is_paused = level.is_some_and(|level| level.pause.contains(category));
        escalation.restart_waits(reason.decided_at, is_paused);
        Some(self.decide(
            EscalatedType::Unacknowledged,
            self.level(),
            reason,
            in_force,
        ))
    }

    /// Raises by hand: to a level, or one up; at the last level that level is told again.
    fn escalate(
        &mut self,
        activity: &Activity,
        reason: &Reason,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let top = u32::try_from(in_force.plan.path.len()).unwrap_or(u32::MAX);
        match activity.level {
            Some(level) => {
                let asked = u32::try_from(level.clamp(0, i64::from(top))).unwrap_or(top);
                self.raise(asked, reason, in_force, out);
            }
            None if self.level() < top => self.raise(self.level() + 1, reason, in_force, out),
            None => self.repeat(0, reason, in_force, out),
        }
    }

    /// Lowers by hand: to a level, or ends.
    fn deescalate(
        &mut self,
        activity: &Activity,
        reason: Reason,
        in_force: Option<&InForce>,
        out: &mut Outcome,
    ) {
        let Some(in_force) = in_force else {
            return;
        };
        match activity.level {
            Some(level) if level > 0 => {
                let target = u32::try_from(level).unwrap_or(u32::MAX);
                self.lower(target, &reason, in_force, out);
            }
            Some(_) | None => self.end(reason, in_force, out),
        }
    }
}

/// What people did in a fact, in order, as far as clocks ask.
pub(super) fn acts(fact: &Fact) -> Vec<Act> {
    let activities = fact.activities.iter();
    let acts = activities.filter_map(|activity| act(activity, fact.occurred_at));
    acts.collect()
}

fn act(activity: &Activity, at: Timestamp) -> Option<Act> {
    match activity.kind {
        ActivityKind::AgentReply => Some(Act::AgentReply),
        ActivityKind::CustomerReply => Some(Act::CustomerReply),
        ActivityKind::Acknowledge => Some(Act::Acknowledged),
        // One that is ignored is no moment either.
        ActivityKind::Snooze => snooze_end(activity, at).map(|_| Act::Acknowledged),
        ActivityKind::InternalNote
        | ActivityKind::Unacknowledge
        | ActivityKind::Escalate
        | ActivityKind::Deescalate => None,
    }
}

/// The end of a snooze that is one: after its beginning and not too far away.
fn snooze_end(activity: &Activity, at: Timestamp) -> Option<Timestamp> {
    activity
        .until
        .filter(|until| *until > at && until.millis_since(at) <= SNOOZE_MAX_MS)
}
