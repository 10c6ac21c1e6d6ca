//! Up, down and over: how a ticket moves between levels and what is decided on the way.

use std::sync::Arc;

use super::{InForce, Machine, Outcome};
use crate::decision::{Anchor, Decision, Identity, Telling, Update};
use crate::effect::{Cause, CauseKind, EscalatedType, Purpose};
use crate::fact::{Activity, Fact};
use crate::ladder::Escalation;
use crate::plan::{Address, Level, Nature, Plan, Revision};
use crate::status::StatusCategory;
use crate::stopwatch::Stopwatch;
use crate::ticket::Text;
use crate::time::Timestamp;

/// Why and when something is decided.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    /// The cause that events show.
    pub(super) cause: Cause,
    /// Part of the identity.
    pub(super) anchor: Anchor,
    /// When it was due.
    pub(super) due_at: Timestamp,
    /// Where a mark is the cause, when the time of its timeframe is over.
    pub(super) deadline: Option<Timestamp>,
    /// When in-order reading decides it.
    pub(super) decided_at: Timestamp,
    /// Whether a deadline or a wait is the cause, rather than a fact.
    pub(super) is_due: bool,
    /// What a trigger or mark makes of the escalation; none keeps what it is.
    pub(super) nature: Option<Nature>,
    /// Who did it.
    pub(super) actor: Option<Text>,
    /// Why they did.
    pub(super) note: Option<Text>,
}

impl Reason {
    /// Something that a fact brings about by itself.
    pub(super) const fn fact(cause: Cause, at: Timestamp, anchor: Anchor) -> Self {
        Self {
            cause,
            anchor,
            due_at: at,
            deadline: None,
            decided_at: at,
            is_due: false,
            nature: None,
            actor: None,
            note: None,
        }
    }

    /// Something that somebody asks for.
    pub(super) fn manual(activity: &Activity, at: Timestamp, anchor: Anchor) -> Self {
        Self {
            actor: activity.actor.clone(),
            note: activity.note.clone(),
            ..Self::fact(Cause::plain(CauseKind::Manual), at, anchor)
        }
    }
}

/// Why the escalation of a ticket in this category is over; none where it goes on.
pub(super) const fn cause_when_done(category: StatusCategory) -> Option<Cause> {
    match category {
        StatusCategory::Resolved => Some(Cause::plain(CauseKind::Resolved)),
        StatusCategory::Closed => Some(Cause::plain(CauseKind::Closed)),
        StatusCategory::New
        | StatusCategory::Open
        | StatusCategory::WaitingCustomer
        | StatusCategory::WaitingVendor
        | StatusCategory::OnHold => None,
    }
}

impl Machine {
    /// Raises to at least a level. A level that is reached already decides nothing; an empty one
    /// is entered and falls through to the next.
    pub(super) fn raise(
        &mut self,
        asked: u32,
        reason: &Reason,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let (path, revision) = (&in_force.plan.path, &in_force.revision);
        let top = u32::try_from(path.len()).unwrap_or(u32::MAX);
        let begins = self.escalation.is_none();
        let mut skipped_from = self.level() + 1;
        let mut target = asked.min(top);
        while target > self.level() {
            let previous = self.level();
            self.enter(target, reason, in_force);
            let level = &path[target as usize - 1];
            let mut tellings = Vec::new();
            if in_force.plan.notify_skipped {
                for skipped in skipped_from..target {
                    let notify = &path[skipped as usize - 1].notify;
                    tellings.extend(self.tell(Purpose::Level, skipped, notify, revision, out));
                }
            }
            tellings.extend(self.tell(Purpose::Level, target, &level.notify, revision, out));
            let decision = Decision {
                assign: level.assign.clone(),
                tellings,
                ..self.decide(EscalatedType::Raised, previous, reason, in_force)
            };
            if previous == 0
                && let Some(escalation) = &mut self.escalation
            {
                escalation.begun_by = decision.identity();
            }
            out.decisions.push(decision);
            if level.is_empty() && target < top {
                target += 1;
                skipped_from = target;
            }
        }
        if begins {
            self.tell_update(reason.decided_at, reason, in_force, out);
        }
    }

    /// Tells those who are kept informed how it stands; `at` is when the update was due, for the
    /// first one when the escalation began.
    pub(super) fn tell_update(
        &self,
        at: Timestamp,
        reason: &Reason,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let communication = in_force.plan.communication.as_ref();
        let (Some(escalation), Some(communication)) = (&self.escalation, communication) else {
            return;
        };
        let successor_due = escalation.update_due_after(at, communication);
        let is_overtaken = |limit| successor_due.is_some_and(|successor| successor < limit);
        if out.leaves_out_updates_before.is_some_and(is_overtaken) {
            return;
        }
        let (level, revision) = (escalation.level, &in_force.revision);
        let whom = std::slice::from_ref(&communication.address);
        let decision = Decision {
            update: Some(Update {
                begun_by: escalation.begun_by,
                at,
            }),
            tellings: self.tell(Purpose::CustomerUpdate, level, whom, revision, out),
            successor_due,
            ..self.decide(EscalatedType::Repeated, level, reason, in_force)
        };
        out.decisions.push(decision);
    }

    fn enter(&mut self, target: u32, reason: &Reason, in_force: &InForce) {
        let at = reason.decided_at;
        let is_paused = in_force.plan.path[target as usize - 1]
            .pause
            .contains(self.category);
        match &mut self.escalation {
            Some(escalation) => {
                escalation.level = target;
                escalation.announced_level = target;
                escalation.highest_level = escalation.highest_level.max(target);
                escalation.nature = reason.nature.unwrap_or(escalation.nature);
                escalation.acknowledgement = None;
                escalation.restart_waits(at, is_paused);
            }
            None => {
                self.escalations += 1;
                self.escalation = Some(Escalation {
                    begun_at: at,
                    level: target,
                    announced_level: target,
                    highest_level: target,
                    nature: reason.nature.unwrap_or_default(),
                    waits: Stopwatch::start(at, is_paused),
                    repeats_sent: 0,
                    acknowledgement: None,
                    begun_by: Identity::default(),
                    updated_at: at,
                    is_overdue: false,
                });
            }
        }
    }

    /// Tells the present level again.
    pub(super) fn repeat(
        &mut self,
        nth: u32,
        reason: &Reason,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let level = self.level();
        let Some(step) = level_of(in_force, level) else {
            return;
        };
        let successor_due = if nth == 0 {
            None
        } else {
            self.escalation
                .as_ref()
                .and_then(|open| open.repeat_after(nth, &in_force.plan))
        };
        let revision = &in_force.revision;
        let tellings = self.tell(Purpose::Repeat, level, &step.notify, revision, out);
        let decision = Decision {
            repeat: nth,
            tellings,
            successor_due,
            ..self.decide(EscalatedType::Repeated, level, reason, in_force)
        };
        out.decisions.push(decision);
    }

    /// Goes down to a level below the present one; its waits start afresh.
    pub(super) fn lower(
        &mut self,
        target: u32,
        reason: &Reason,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let previous = self.level();
        let category = self.category;
        let Some(escalation) = self.escalation.as_mut().filter(|open| target < open.level) else {
            return;
        };
        escalation.level = target;
        escalation.announced_level = target;
        escalation.acknowledgement = None;
        let is_paused =
            level_of(in_force, target).is_some_and(|level| level.pause.contains(category));
        escalation.restart_waits(reason.decided_at, is_paused);
        out.decisions
            .push(self.decide(EscalatedType::Lowered, previous, reason, in_force));
    }

    /// Ends the open escalation, if there is one.
    pub(super) fn end(&mut self, mut reason: Reason, in_force: &InForce, out: &mut Outcome) {
        let previous = self.level();
        if let Some(over) = self.escalation.take() {
            reason.nature = Some(over.nature);
            let post_mortem = in_force.plan.resolution.post_mortem.as_ref();
            let looking_back = post_mortem.filter(|it| it.from_level <= over.highest_level);
            let tellings = looking_back.map_or_else(Vec::new, |it| {
                let revision = &in_force.revision;
                self.tell(Purpose::PostMortem, previous, &it.to, revision, out)
            });
            let decision = Decision {
                tellings,
                ..self.decide(EscalatedType::Ended, previous, &reason, in_force)
            };
            out.decisions.push(decision);
        }
    }

    /// Ends the open escalation of a ticket that is done.
    pub(super) fn end_when_done(
        &mut self,
        anchor: Anchor,
        at: Timestamp,
        in_force: Option<&InForce>,
        out: &mut Outcome,
    ) {
        if let (Some(cause), Some(in_force)) = (cause_when_done(self.category), in_force) {
            self.end(Reason::fact(cause, at, anchor), in_force, out);
        }
    }

    /// Starts or ends nothing: a decision at the present level.
    pub(super) fn decide(
        &self,
        kind: EscalatedType,
        previous_level: u32,
        reason: &Reason,
        in_force: &InForce,
    ) -> Decision {
        let level = self.level();
        let step = level_of(in_force, level);
        let nature = self.escalation.as_ref().map(|open| open.nature);
        Decision {
            kind,
            cause: reason.cause.clone(),
            level,
            previous_level,
            escalation: self.escalations,
            anchor: reason.anchor,
            repeat: 0,
            due_at: reason.due_at,
            deadline: reason.deadline,
            decided_at: reason.decided_at,
            is_due: reason.is_due,
            fact: None,
            nature: nature.or(reason.nature).unwrap_or_default(),
            level_name: step.map(|step| step.name.clone()),
            level_kind: step.map(|step| step.kind),
            assign: None,
            actor: reason.actor.clone(),
            note: reason.note.clone(),
            tellings: Vec::new(),
            successor_due: None,
            update: None,
            plan: Arc::clone(&in_force.plan),
            plan_revision: in_force.revision.id.clone(),
            source: self.source.clone(),
            ticket: Arc::clone(&self.ticket),
        }
    }

    /// Whom an entry of the plan tells at this moment.
    pub(super) fn tell(
        &self,
        purpose: Purpose,
        level: u32,
        addresses: &[Address],
        revision: &Revision,
        out: &mut Outcome,
    ) -> Vec<Telling> {
        let templates = &revision.templates;
        let (tellings, unusable) = Telling::all(purpose, level, addresses, &self.ticket, templates);
        out.counts.recipients_skipped += unusable as u64;
        tellings
    }

    /// Whom a level tells at this moment.
    #[must_use]
    pub fn tell_level(&self, level: u32, step: &Level, revision: &Revision) -> Vec<Telling> {
        let mut uncounted = Outcome::default();
        self.tell(
            Purpose::Level,
            level,
            &step.notify,
            revision,
            &mut uncounted,
        )
    }

    /// Whether an update reaches somebody at this moment.
    pub(super) fn reaches_somebody(&self, plan: &Plan, revision: &Revision) -> bool {
        let mut uncounted = Outcome::default();
        plan.communication.as_ref().is_some_and(|it| {
            let whom = std::slice::from_ref(&it.address);
            let level = self.level();
            let tellings = self.tell(
                Purpose::CustomerUpdate,
                level,
                whom,
                revision,
                &mut uncounted,
            );
            !tellings.is_empty()
        })
    }

    /// Pauses the waits of the level by the present category, or lets them go on.
    pub(super) fn pause_waits(&mut self, at: Timestamp, in_force: &InForce) {
        let category = self.category;
        if let Some(escalation) = &mut self.escalation
            && let Some(level) = escalation.level_of(&in_force.plan)
        {
            escalation.set_paused(at, level.pause.contains(category), level);
        }
    }
}

/// The level of that number in the plan.
pub(super) fn level_of(in_force: &InForce, level: u32) -> Option<&Level> {
    in_force.plan.path.get((level as usize).checked_sub(1)?)
}

/// The anchor of what a fact does by itself; `nth` tells its activities apart.
pub(super) fn fact_anchor(fact: &Fact, nth: usize) -> Anchor {
    let identity = match &fact.event_id {
        Some(id) => crate::fact::record_hash(id.as_bytes()),
        None => fact.record_hash,
    };
    Anchor {
        at: fact.occurred_at,
        // An odd factor keeps different facts apart, and leaves room for their activities.
        fact: identity
            .wrapping_mul(1_000_003)
            .wrapping_add_unsigned(nth as u64 + 1),
    }
}
