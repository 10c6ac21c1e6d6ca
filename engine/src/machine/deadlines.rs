//! What falls due without a fact: marks, holds of triggers, waits of a level.

use super::levels::{Reason, level_of};
use super::{Fired, InForce, Machine, Outcome};
use crate::decision::{Anchor, Decision};
use crate::effect::{Cause, CauseKind, EscalatedType, Purpose};
use crate::ladder::Wait;
use crate::plan::{Mark, Nature, Plan, Timeframe};
use crate::rules::Rules;
use crate::time::{Duration, Timestamp};

/// Something that will fall due, or has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// The order at one instant: kind, place in the plan, threshold in milliseconds.
    order: (u8, usize, i64),
}

/// What falls due; the numbers are places in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// When a clock reaches a mark.
    Mark {
        /// The timeframe.
        timeframe: usize,
        /// The mark.
        mark: usize,
    },
    /// When a trigger has held long enough.
    Hold {
        /// The trigger.
        trigger: usize,
    },
    /// When a wait of the level is over.
    Wait(Wait),
}

impl Machine {
    /// Lets everything fall due that lies before `limit`, in the contract's order. What a fact has
    /// moved into the past falls due at that fact's instant, after the last fact of the instant:
    /// with a limit not after the last fact nothing happens. Returns what falls due next, as far as that
    /// may be before a horizon.
    pub fn fire(
        &mut self,
        limit: Timestamp,
        horizon: Timestamp,
        rules: &Rules,
        out: &mut Outcome,
    ) -> Option<Due> {
        if limit <= self.last_fact_at {
            return self.next_due_before(horizon, rules);
        }
        let in_force = self.in_force(rules)?;
        let mut next = self.next_due_in(&in_force.plan, horizon);
        while let Some(due) = next.filter(|due| due.at < limit) {
            let due = self.past_overtaken(due, limit, horizon, &in_force.plan, out);
            self.fire_one(due, &in_force, out);
            next = self.next_due_in(&in_force.plan, horizon);
        }
        out.trace_decisions();
        next
    }

    /// What falls due next if nothing more happens.
    #[must_use]
    pub fn next_due(&self, rules: &Rules) -> Option<Due> {
        self.next_due_before(Timestamp::MAX, rules)
    }

    fn next_due_before(&self, horizon: Timestamp, rules: &Rules) -> Option<Due> {
        let (_, plan) = rules.resolve(self.plan.as_ref()?)?;
        self.next_due_in(plan, horizon)
    }

    /// The same for those who look on: without updates while they would reach nobody, and without the
    /// way to the last level for a ticket that is there.
    #[must_use]
    pub fn next_seen(&self, rules: &Rules) -> Option<Due> {
        let (revision, plan) = rules.resolve(self.plan.as_ref()?)?;
        self.first_due(plan, Timestamp::MAX, |wait| match wait {
            Wait::Communication => self.reaches_somebody(plan, revision),
            Wait::CloseWithin => (self.level() as usize) < plan.path.len(),
            Wait::NextAfter | Wait::Repeat | Wait::AcknowledgementEnd => true,
        })
    }

    fn next_due_in(&self, plan: &Plan, horizon: Timestamp) -> Option<Due> {
        self.first_due(plan, horizon, |_| true)
    }

    /// Of the updates of a customer from this one on, with nothing else between them, the first that
    /// may be told: an escalation may have lasted for decades when its ticket is heard of, and what
    /// others overtake is withheld.
    fn past_overtaken(
        &self,
        due: Due,
        limit: Timestamp,
        horizon: Timestamp,
        plan: &Plan,
        out: &Outcome,
    ) -> Due {
        let (Some(escalation), Some(communication)) = (&self.escalation, &plan.communication)
        else {
            return due;
        };
        // By what is due up to here it is overtaken when it is decided.
        let past = due.at.max(self.last_fact_at).plus_millis(1);
        let past = out
            .leaves_out_updates_before
            .map_or(past, |to| past.max(to));
        let past = past.min(limit);
        let is_overtaken = || {
            let successor = escalation.update_due_after(due.at, communication);
            successor.is_some_and(|at| at < past)
        };
        if due.what != What::Wait(Wait::Communication) || !is_overtaken() {
            return due;
        }
        let other = self.first_due(plan, horizon, |wait| wait != Wait::Communication);
        let past = other.map_or(past, |other| past.min(other.at));
        let at = escalation.update_due_before(past, communication);
        Due {
            at: at.map_or(due.at, |at| at.max(due.at)),
            ..due
        }
    }

    /// What falls due first, of the waits only those that count. Marks that cannot be reached before
    /// the horizon need not be looked for.
    fn first_due(
        &self,
        plan: &Plan,
        horizon: Timestamp,
        counts: impl Fn(Wait) -> bool,
    ) -> Option<Due> {
        let mut next: Option<Due> = None;
        let mut offer = |due: Due| {
            let is_earlier = next.is_none_or(|next| (due.at, due.order) < (next.at, next.order));
            if is_earlier {
                next = Some(due);
            }
        };
        for (place, timeframe) in plan.timeframes.iter().enumerate() {
            self.offer_marks(place, timeframe, horizon, &mut offer);
        }
        for (place, trigger) in plan
            .triggers
            .iter()
            .enumerate()
            .filter(|(_, t)| t.hold.is_some())
        {
            if let Some(at) = self.hold_due(trigger) {
                offer(Due {
                    at,
                    what: What::Hold { trigger: place },
                    order: (1, place, 0),
                });
            }
        }
        if let Some(escalation) = &self.escalation {
            for (place, wait) in Wait::ALL.into_iter().enumerate() {
                if let Some(at) = escalation.due(wait, plan).filter(|_| counts(wait)) {
                    offer(Due {
                        at,
                        what: What::Wait(wait),
                        order: (2, place, 0),
                    });
                }
            }
        }
        next
    }

    fn offer_marks(
        &self,
        place: usize,
        timeframe: &Timeframe,
        horizon: Timestamp,
        offer: &mut impl FnMut(Due),
    ) {
        let Some(clock) = self.clocks.get(place).filter(|clock| clock.is_active()) else {
            return;
        };
        let calendar = &timeframe.calendar;
        let (Some(watch), Some(within)) = (&clock.watch, timeframe.within.length(&self.ticket))
        else {
            return;
        };
        let Some(course) = watch.course(within, calendar) else {
            return;
        };
        let mut offer = |number: usize, mark: &Mark| {
            let stands = watch.mark(mark.at, &course, calendar);
            if let Some((place_ms, at)) = stands.and_then(|it| Some((it.threshold, it.due_at?))) {
                offer(Due {
                    at,
                    what: What::Mark {
                        timeframe: place,
                        mark: number,
                    },
                    order: (0, place, place_ms.as_millis()),
                });
            }
        };
        // What needs less working time is due no later, so of those only the first is looked for.
        let mut first: Option<(Duration, usize, &Mark)> = None;
        for (number, mark) in timeframe.marks.iter().enumerate() {
            if self.fired_at(clock, &mark.text).is_some() {
                continue;
            }
            match course.threshold(mark.at) {
                Some(threshold) => {
                    if first.is_none_or(|(earlier, ..)| threshold < earlier) {
                        first = Some((threshold, number, mark));
                    }
                }
                None => offer(number, mark),
            }
        }
        if let Some((threshold, number, mark)) = first
            && watch.not_before(threshold) < horizon
        {
            offer(number, mark);
        }
    }

    fn fire_one(&mut self, due: Due, in_force: &InForce, out: &mut Outcome) {
        let decided_at = due.at.max(self.last_fact_at);
        self.last_due_at = self.last_due_at.max(decided_at);
        match due.what {
            What::Mark { timeframe, mark } => {
                let timeframe = &in_force.plan.timeframes[timeframe];
                let mark = &timeframe.marks[mark];
                self.fire_mark(timeframe, mark, due.at, decided_at, in_force, out);
            }
            What::Hold { trigger } => {
                let trigger = &in_force.plan.triggers[trigger];
                let since = self
                    .hold_of(&trigger.name)
                    .and_then(|index| self.holds[index].since);
                if let Some(since) = since {
                    self.fire_trigger(trigger, since, due.at, decided_at, true, in_force, out);
                }
            }
            What::Wait(wait) => self.fire_wait(wait, due.at, decided_at, in_force, out),
        }
    }

    fn fire_mark(
        &mut self,
        timeframe: &Timeframe,
        mark: &Mark,
        due_at: Timestamp,
        decided_at: Timestamp,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let clock = self
            .clocks
            .iter()
            .find(|clock| clock.timeframe == timeframe.name);
        let Some((clock, watch)) = clock.and_then(|clock| Some((clock, clock.watch.as_ref()?)))
        else {
            return;
        };
        let (cycle, started_at) = (clock.cycle, watch.started_at);
        let deadline = if mark.at.is_breach() {
            Some(due_at)
        } else {
            clock.deadline(timeframe, &self.ticket)
        };
        self.remember_fired(Fired {
            timeframe: timeframe.name.clone(),
            cycle,
            mark: mark.text.clone(),
            at: decided_at,
        });
        let cause = Cause {
            kind: CauseKind::Timeframe,
            name: Some(timeframe.name.clone()),
            mark: Some(mark.text.clone()),
            cycle: Some(cycle),
        };
        let reason = Reason {
            due_at,
            deadline,
            is_due: true,
            nature: Some(Nature::Problem),
            ..Reason::fact(cause, decided_at, Anchor::beginning(started_at))
        };
        if !mark.warn.is_empty() {
            let level = self.level();
            let revision = &in_force.revision;
            let tellings = self.tell(Purpose::Warning, level, &mark.warn, revision, out);
            out.decisions.push(Decision {
                tellings,
                nature: Nature::Problem,
                ..self.decide(EscalatedType::Warned, level, &reason, in_force)
            });
        }
        if let Some(level) = mark.level {
            self.raise(level, &reason, in_force, out);
        }
    }

    fn fire_wait(
        &mut self,
        wait: Wait,
        due_at: Timestamp,
        decided_at: Timestamp,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let Some(escalation) = &mut self.escalation else {
            return;
        };
        let reason = |name: &str, anchor: Anchor| Reason {
            due_at,
            is_due: true,
            ..Reason::fact(Cause::waiting(name), decided_at, anchor)
        };
        let waits_from = Anchor::beginning(escalation.waits.started_at);
        let lasts_from = Anchor::beginning(escalation.begun_at);
        match wait {
            Wait::NextAfter => {
                let next = escalation.level + 1;
                self.raise(next, &reason("next_after", waits_from), in_force, out);
            }
            Wait::Repeat => {
                escalation.repeats_sent += 1;
                let nth = escalation.repeats_sent;
                self.repeat(nth, &reason("repeat", waits_from), in_force, out);
            }
            Wait::AcknowledgementEnd => {
                let began = escalation
                    .acknowledgement
                    .as_ref()
                    .map_or(waits_from, |ack| ack.anchor);
                let reason = reason("acknowledgement_lasts", began);
                let Some(decision) = self.end_acknowledgement(&reason, in_force) else {
                    return;
                };
                let level = self.level();
                let tellings = level_of(in_force, level).map_or_else(Vec::new, |step| {
                    let revision = &in_force.revision;
                    self.tell(Purpose::Repeat, level, &step.notify, revision, out)
                });
                out.decisions.push(Decision {
                    tellings,
                    ..decision
                });
            }
            Wait::CloseWithin => {
                escalation.is_overdue = true;
                let last = u32::try_from(in_force.plan.path.len()).unwrap_or(u32::MAX);
                self.raise(last, &reason("close_within", lasts_from), in_force, out);
            }
            Wait::Communication => {
                escalation.updated_at = due_at;
                self.tell_update(due_at, &reason("communication", lasts_from), in_force, out);
            }
        }
    }
}
