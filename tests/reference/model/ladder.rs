//! Up, down and over, and who is told.

use super::{Acknowledged, Escalation, Model};
use crate::plan::{Address, Minute, TARGETS};

impl Model {
    pub(super) fn raise(&mut self, asked: usize, cause: &str, due: Minute) {
        let Some(plan) = self.applied().cloned() else {
            return;
        };
        let mut target = asked.min(plan.path.len());
        let begins = self.escalation.is_none();
        let mut skipped_from = self.level + 1;
        while target > self.level {
            let previous = self.level;
            if self.escalation.is_none() {
                self.escalations += 1;
                self.escalation = Some(Escalation {
                    begun: self.now,
                    updated: self.now,
                    ..Escalation::default()
                });
            }
            self.level = target;
            self.restart_waits();
            let highest = &mut self.escalation.as_mut().unwrap().highest;
            *highest = target.max(*highest);
            self.decide("raised", previous, cause, due);
            if plan.notify_skipped {
                for skipped in skipped_from..target {
                    self.tell_level("level", skipped);
                }
            }
            self.tell_level("level", target);
            if plan.path[target - 1].notify.is_empty() && target < plan.path.len() {
                target += 1;
                skipped_from = target;
            }
        }
        if begins && self.escalation.is_some() {
            self.update();
        }
    }

    pub(super) fn lower(&mut self, level: usize) {
        let previous = std::mem::replace(&mut self.level, level);
        self.restart_waits();
        self.decide("lowered", previous, "manual", self.now);
        let mut told = self.escalation.as_ref().unwrap().told.clone();
        for ((to, channel), highest) in &mut told {
            if *highest > level {
                self.note("lowered", level, to, channel);
                *highest = level;
            }
        }
        self.escalation.as_mut().unwrap().told = told;
    }

    pub(super) fn end(&mut self, cause: &str) {
        let Some(over) = self.escalation.take() else {
            return;
        };
        let previous = std::mem::take(&mut self.level);
        self.decide("ended", previous, cause, self.now);
        for ((to, channel), _) in &over.told {
            self.note("ended", previous, to, channel);
        }
        let post_mortem = self.applied().and_then(|plan| plan.post_mortem.clone());
        if let Some((_, whom)) = post_mortem.filter(|(from, _)| *from <= over.highest) {
            self.tell("post_mortem", previous, &whom);
        }
    }

    pub(super) fn acknowledge(&mut self, acknowledged: Acknowledged) {
        if let Some(escalation) = &mut self.escalation
            && escalation.acknowledged.replace(acknowledged).is_none()
        {
            self.decide("acknowledged", self.level, "manual", self.now);
        }
    }

    pub(super) fn restart_waits(&mut self) {
        let escalation = self.escalation.as_mut().unwrap();
        escalation.waits_from = self.now;
        escalation.repeats = 0;
        escalation.acknowledged = None;
    }

    pub(super) fn update(&mut self) {
        let communication = self.applied().and_then(|plan| plan.communication);
        if let Some((whom, _)) = communication {
            self.tell("customer_update", self.level, &[whom]);
        }
    }

    pub(super) fn decide(&mut self, kind: &str, previous: usize, cause: &str, due: Minute) {
        let (now, level, nth) = (self.now, self.level, self.escalations);
        let line = format!("{now} {kind} {previous}→{level} ({cause}) due {due} of {nth}");
        self.escalated.push(line);
    }

    pub(super) fn tell_level(&mut self, purpose: &str, level: usize) {
        let whom = self.applied().unwrap().path[level - 1].notify.clone();
        self.tell(purpose, level, &whom);
    }

    pub(super) fn tell(&mut self, purpose: &str, level: usize, whom: &[Address]) {
        let mut told: Vec<(String, String)> = Vec::new();
        for address in whom {
            let target = TARGETS.iter().find(|(name, _)| name == address);
            let (to, channels) = target.map_or(("carol", &["email"][..]), |(to, on)| (to, on));
            for channel in channels {
                let who = (to.to_owned(), (*channel).to_owned());
                if !told.contains(&who) {
                    self.note(purpose, level, &who.0, &who.1);
                    told.push(who);
                }
            }
        }
        let counts = ["level", "repeat", "customer_update"].contains(&purpose);
        if let Some(escalation) = self.escalation.as_mut().filter(|_| counts) {
            let level = if purpose == "customer_update" {
                0
            } else {
                level
            };
            for who in told {
                match escalation.told.iter_mut().find(|(known, _)| *known == who) {
                    Some((_, highest)) => *highest = level.max(*highest),
                    None => escalation.told.push((who, level)),
                }
            }
        }
    }

    fn note(&mut self, purpose: &str, level: usize, to: &str, channel: &str) {
        let now = self.now;
        self.notify
            .push(format!("{now} {purpose} {level} {to}/{channel}"));
    }
}
