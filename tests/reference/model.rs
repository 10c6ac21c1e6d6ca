//! A second reading of the contract, kept as simple as it can be: minute by minute, from the first
//! one on, with lists where the engine has arithmetic.
//!
//! It shares no code with the engine, and knows less: everything lies on whole minutes, a ticket's
//! events come in order, and there are two plans that a ticket changes between.

mod clock;
mod due;
mod ladder;

use std::collections::{BTreeMap, BTreeSet};

use self::clock::Clock;
use crate::plan::{Activity, Fact, Level, Minute, Plan, Trigger};

/// The longest that somebody can snooze.
const SNOOZE_MAX: usize = 30 * 24 * 60;

#[derive(Clone, Copy, Debug)]
enum Acknowledged {
    From(Minute),
    Until(Minute),
}

#[derive(Clone, Debug, Default)]
struct Escalation {
    begun: Minute,
    waits_from: Minute,
    repeats: usize,
    acknowledged: Option<Acknowledged>,
    highest: usize,
    is_overdue: bool,
    updated: Minute,
    /// Who, on which channel, in the order in which they were told first; and the highest level.
    told: Vec<((String, String), usize)>,
}

#[derive(Clone, Debug, Default)]
struct Hold {
    holds: bool,
    since: Minute,
    has_fired: bool,
    cycle: usize,
}

/// A ticket's life.
pub(crate) struct Model {
    plans: Vec<Plan>,
    plan: Option<usize>,
    /// Of each plan, also of one that does not apply.
    clocks: Vec<Vec<Clock>>,
    fired: BTreeSet<(String, usize, &'static str)>,
    holds: BTreeMap<&'static str, Hold>,
    status: &'static str,
    /// The status of each minute that is over.
    statuses: Vec<&'static str>,
    priority: &'static str,
    tier: &'static str,
    assignee: &'static str,
    tags: Vec<&'static str>,
    level: usize,
    escalation: Option<Escalation>,
    escalations: usize,
    now: Minute,
    /// Every `escalated`, as text.
    pub(crate) escalated: Vec<String>,
    /// Every `notify`, as text.
    pub(crate) notify: Vec<String>,
}

fn is_done(status: &str) -> bool {
    matches!(status, "resolved" | "closed")
}

impl Model {
    pub(crate) fn new(plans: &[Plan]) -> Self {
        let clocks = |plan: &Plan| plan.timeframes.iter().map(Clock::new).collect();
        Self {
            plans: plans.to_vec(),
            plan: None,
            clocks: plans.iter().map(clocks).collect(),
            fired: BTreeSet::new(),
            holds: BTreeMap::new(),
            status: "",
            statuses: Vec::new(),
            priority: "",
            tier: "",
            assignee: "",
            tags: Vec::new(),
            level: 0,
            escalation: None,
            escalations: 0,
            now: 0,
            escalated: Vec::new(),
            notify: Vec::new(),
        }
    }

    /// Lives up to a minute, its facts and what is due at it included.
    pub(crate) fn live(&mut self, facts: &[Fact], until: Minute) {
        for now in 0..=until {
            self.now = now;
            for (nth, fact) in facts.iter().enumerate() {
                if fact.minute == now {
                    self.hear(fact, nth == 0);
                }
            }
            while self.fire_next() {}
            self.statuses.push(self.status);
            for clock in self.clocks.iter_mut().flatten() {
                clock.tick(now);
            }
        }
    }

    fn applied(&self) -> Option<&Plan> {
        Some(&self.plans[self.plan?])
    }

    fn step(&self) -> Option<&Level> {
        self.applied()?.path.get(self.level.checked_sub(1)?)
    }

    fn is_acknowledged(&self) -> bool {
        let escalation = self.escalation.as_ref();
        escalation.is_some_and(|it| it.acknowledged.is_some())
    }

    fn each(&mut self, kind: &str, mut act: impl FnMut(&mut Clock)) {
        for clock in self.clocks.iter_mut().flatten() {
            if clock.timeframe.kind == kind {
                act(clock);
            }
        }
    }

    fn hear(&mut self, fact: &Fact, is_created: bool) {
        let before = (self.status, is_done(self.status));
        let had_tags = self.tags.clone();
        self.status = fact.status.unwrap_or(self.status);
        self.priority = fact.priority.unwrap_or(self.priority);
        self.tier = fact.tier.unwrap_or(self.tier);
        if let Some(tags) = &fact.tags {
            self.tags.clone_from(tags);
        }
        let is_done = is_done(self.status);
        let reopens = before.1 && !is_done;
        if !(before.1 && is_done) {
            self.rematch();
        }
        if is_created {
            for kind in ["first_response", "update", "resolution"] {
                self.each(kind, Clock::begin);
            }
        }
        let mut moments = vec![if is_created { "created" } else { "updated" }];
        if fact.assignee.is_some_and(|who| who != self.assignee) {
            moments.push("assigned");
        }
        self.assignee = fact.assignee.unwrap_or(self.assignee);
        moments.extend(self.tags.iter().filter(|tag| !had_tags.contains(tag)));
        self.part_of_custom_clocks(&moments);
        for activity in &fact.activities {
            self.act(activity, before.1);
        }
        if is_created || self.status != before.0 {
            self.part_of_custom_clocks(&[self.status]);
        }
        self.clocks_by_status(before.0, reopens);
        if is_done {
            self.end(self.status);
        }
        self.look_at_triggers();
    }

    fn rematch(&mut self) {
        let takes = |plan: &Plan| plan.tier.is_none_or(|tier| tier == self.tier);
        let plan = self.plans.iter().position(takes);
        if plan.is_none() {
            let cause = if is_done(self.status) {
                self.status
            } else {
                "no_plan"
            };
            self.end(cause);
        }
        self.plan = plan;
        if let (Some(_), Some(plan)) = (&self.escalation, plan) {
            self.level = self.level.min(self.plans[plan].path.len());
        }
    }

    /// Fields, one activity and the new status are a part each: what it holds stops before it starts.
    fn part_of_custom_clocks(&mut self, moments: &[&'static str]) {
        let is_done = is_done(self.status);
        self.each("custom", |clock| {
            let [start, stop, reset] = clock.timeframe.moments.clone();
            let has = |of: &[&str]| moments.iter().any(|moment| of.contains(moment));
            if has(&stop) {
                clock.stop("answer");
            }
            let is_first = clock.cycle == 0;
            if is_done || !has(if is_first { &start } else { &reset }) {
                return;
            }
            clock.begin();
            let stops = |moment: &&str| *moment != "updated" && stop.contains(moment);
            if is_first && moments.iter().any(stops) {
                clock.stop("answer");
            }
        });
    }

    fn act(&mut self, activity: &Activity, was_done: bool) {
        let (now, is_done) = (self.now, is_done(self.status));
        let until = activity
            .until
            .filter(|until| now < *until && *until <= now + SNOOZE_MAX);
        let moment = match activity.kind {
            "acknowledge" => Some("acknowledged"),
            "snooze" => until.map(|_| "acknowledged"),
            reply @ ("agent_reply" | "customer_reply") => Some(reply),
            _ => None,
        };
        self.part_of_custom_clocks(moment.as_slice());
        match activity.kind {
            "agent_reply" => {
                self.each("first_response", |clock| {
                    clock.stop("answer");
                    clock.stopped_by = "answer";
                });
                self.each("next_response", |clock| clock.stop("answer"));
                if !was_done {
                    self.each("update", Clock::begin);
                }
            }
            "customer_reply" if !is_done => self.each("next_response", |clock| {
                if !clock.runs {
                    clock.begin();
                }
            }),
            "escalate" if self.plan.is_some() && !(was_done && is_done) => {
                let top = self.applied().unwrap().path.len();
                match activity.level {
                    None if self.level == top => {
                        self.decide("repeated", self.level, "manual", now);
                        self.tell_level("repeat", self.level);
                    }
                    level => self.raise(level.unwrap_or(self.level + 1), "manual", now),
                }
            }
            "deescalate" => match activity.level {
                None => self.end("manual"),
                Some(level) if level < self.level => self.lower(level),
                Some(_) => {}
            },
            "acknowledge" => self.acknowledge(Acknowledged::From(now)),
            "snooze" => {
                if let Some(until) = until {
                    self.acknowledge(Acknowledged::Until(until));
                }
            }
            "unacknowledge" if self.is_acknowledged() => {
                self.restart_waits();
                self.decide("unacknowledged", self.level, "manual", now);
            }
            _ => {}
        }
    }

    fn clocks_by_status(&mut self, before: &str, reopens: bool) {
        let status = self.status;
        for clock in self.clocks.iter_mut().flatten() {
            let is_resumable = ["first_response", "update", "resolution"];
            if is_done(status) {
                clock.stop("end");
            } else if clock.timeframe.kind == "vendor" {
                if status != "waiting_vendor" {
                    clock.stop("answer");
                } else if before != status {
                    clock.begin();
                }
            } else if reopens
                && is_resumable.contains(&clock.timeframe.kind)
                && clock.stopped_by == "end"
                && !clock.runs
            {
                match clock.timeframe.on_reopen {
                    "resume" => clock.runs = true,
                    "restart" => clock.begin(),
                    _ => {}
                }
            }
            clock.is_paused = clock.timeframe.pause.contains(&status);
        }
    }

    fn look_at_triggers(&mut self) {
        let triggers = self
            .applied()
            .map_or_else(Vec::new, |plan| plan.triggers.clone());
        let is_gone = |name: &str| triggers.iter().all(|trigger| trigger.name != name);
        for (name, hold) in &mut self.holds {
            hold.holds &= !is_gone(name);
        }
        for trigger in triggers {
            let holds = !is_done(self.status) && self.tags.contains(&trigger.tag);
            let hold = self.holds.entry(trigger.name).or_default();
            if holds && !hold.holds {
                (hold.since, hold.has_fired) = (self.now, false);
            }
            hold.holds = holds;
            if holds && !hold.has_fired && trigger.hold.is_none() {
                self.fire_trigger(&trigger, self.now);
            }
        }
    }

    fn fire_trigger(&mut self, trigger: &Trigger, due: Minute) {
        let hold = self.holds.entry(trigger.name).or_default();
        hold.cycle += 1;
        hold.has_fired = true;
        let cause = format!("trigger {} {}", trigger.name, hold.cycle);
        self.raise(trigger.level, &cause, due);
    }
}
