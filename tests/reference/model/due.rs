//! What falls due, and in which order.

use super::{Acknowledged, Model};
use crate::plan::{Calendar, Minute};

/// What can fall due.
#[derive(Clone, Debug)]
enum Due {
    Mark(usize, usize),
    Hold(usize),
    NextAfter,
    Repeat,
    Acknowledgement,
    CloseWithin,
    Communication,
}

impl Model {
    /// When a wait of the present level, or one from another minute, was over, if it is by now.
    fn waited(&self, from: Minute, need: usize) -> Option<Minute> {
        let step = self.step()?;
        let mut counted = 0;
        let mut comes_from = false;
        for minute in from..=self.now {
            let status = self.statuses.get(minute).unwrap_or(&self.status);
            let goes_on = !step.pause.contains(status);
            let is_open = step.calendar.is_open(minute);
            let stays = step.calendar != Calendar::NextOpen && comes_from;
            if counted == need && goes_on && (stays || is_open) {
                return Some(minute);
            }
            comes_from = goes_on && is_open;
            counted += usize::from(comes_from);
        }
        None
    }

    fn next_after_due(&self) -> Option<Minute> {
        let (step, escalation) = (self.step()?, self.escalation.as_ref()?);
        let counts = escalation.acknowledged.is_none() || step.unless_resolved;
        let is_last = self.level == self.applied()?.path.len();
        let need = step.next_after.filter(|_| counts && !is_last)?;
        self.waited(escalation.waits_from, need)
    }

    fn repeat_due(&self, nth: usize) -> Option<Minute> {
        let (step, escalation) = (self.step()?, self.escalation.as_ref()?);
        let (every, times) = step.repeat?;
        let counts = escalation.acknowledged.is_none() && nth <= times;
        self.waited(escalation.waits_from, every * nth)
            .filter(|_| counts)
    }

    /// What is due by now, with the order in which it fires.
    fn due(&self) -> Vec<((Minute, usize, String, usize), Due)> {
        let Some(plan) = self.applied() else {
            return Vec::new();
        };
        let mut due = Vec::new();
        let mut offer = |at: Option<Minute>, order: usize, what: Due| {
            due.extend(at.map(|at| ((at, order, String::new(), 0), what)));
        };
        for (nth, trigger) in plan.triggers.iter().enumerate() {
            let hold = self.holds.get(trigger.name);
            let hold = hold.filter(|hold| hold.holds && !hold.has_fired);
            let at = hold.and_then(|hold| Some(hold.since + trigger.hold?));
            offer(at.filter(|at| *at <= self.now), 1, Due::Hold(nth));
        }
        if let Some(escalation) = &self.escalation {
            offer(self.next_after_due(), 2, Due::NextAfter);
            offer(self.repeat_due(escalation.repeats + 1), 3, Due::Repeat);
            let acknowledged = escalation.acknowledged.and_then(|it| match it {
                Acknowledged::Until(until) => Some(until).filter(|until| *until <= self.now),
                Acknowledged::From(from) => self.waited(from, plan.acknowledgement_lasts?),
            });
            offer(acknowledged, 4, Due::Acknowledgement);
            let close = plan.close_within.filter(|_| !escalation.is_overdue);
            let close = close.map(|within| escalation.begun + within);
            offer(close.filter(|at| *at <= self.now), 5, Due::CloseWithin);
            let update = plan
                .communication
                .map(|(_, every)| escalation.updated + every);
            offer(update.filter(|at| *at <= self.now), 6, Due::Communication);
        }
        for (nth, clock) in self.clocks[self.plan.unwrap_or_default()]
            .iter()
            .enumerate()
        {
            let (within, high) = clock.timeframe.within;
            let within = high.filter(|_| self.priority == "high").unwrap_or(within);
            for (place, mark) in clock.timeframe.marks.iter().enumerate() {
                let key = (clock.timeframe.name.clone(), clock.cycle, mark.text);
                if clock.runs && !self.fired.contains(&key) {
                    let threshold = mark.threshold(within);
                    let at = clock.reached(threshold, self.now);
                    due.extend(at.map(|at| {
                        let order = (at, 0, clock.timeframe.name.clone(), threshold);
                        (order, Due::Mark(nth, place))
                    }));
                }
            }
        }
        due
    }

    pub(super) fn fire_next(&mut self) -> bool {
        let next = self
            .due()
            .into_iter()
            .min_by(|(one, _), (other, _)| one.cmp(other));
        let Some(((at, ..), what)) = next else {
            return false;
        };
        match what {
            Due::Mark(nth, place) => self.fire_mark(nth, place, at),
            Due::Hold(nth) => {
                let trigger = self.applied().unwrap().triggers[nth].clone();
                self.fire_trigger(&trigger, at);
            }
            Due::NextAfter => self.raise(self.level + 1, "waiting next_after", at),
            Due::Repeat => {
                let escalation = self.escalation.as_mut().unwrap();
                escalation.repeats += 1;
                let successor = escalation.repeats + 1;
                // The next one is due already, and nothing comes between.
                let up = self.next_after_due();
                let successor = self.repeat_due(successor);
                let is_overtaken = successor.is_some_and(|at| up.is_none_or(|up| at < up));
                self.decide("repeated", self.level, "waiting repeat", at);
                if !is_overtaken {
                    self.tell_level("repeat", self.level);
                }
            }
            Due::Acknowledgement => {
                self.restart_waits();
                self.decide(
                    "unacknowledged",
                    self.level,
                    "waiting acknowledgement_lasts",
                    at,
                );
                self.tell_level("repeat", self.level);
            }
            Due::CloseWithin => {
                self.escalation.as_mut().unwrap().is_overdue = true;
                let top = self.applied().unwrap().path.len();
                self.raise(top, "waiting close_within", at);
            }
            Due::Communication => {
                self.escalation.as_mut().unwrap().updated = at;
                self.update();
            }
        }
        true
    }

    fn fire_mark(&mut self, nth: usize, place: usize, due: Minute) {
        let clock = &self.clocks[self.plan.unwrap()][nth];
        let mark = clock.timeframe.marks[place].clone();
        let (name, cycle) = (clock.timeframe.name.clone(), clock.cycle);
        let cause = format!("timeframe {name} {} {cycle}", mark.text);
        self.fired.insert((name, cycle, mark.text));
        if !mark.warn.is_empty() {
            self.decide("warned", self.level, &cause, due);
            self.tell("warning", self.level, &mark.warn);
        }
        if let Some(level) = mark.level {
            self.raise(level, &cause, due);
        }
    }
}
