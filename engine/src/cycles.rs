//! Every cycle of a ticket's clocks: how each of them ended, or how it stands.
//!
//! A machine keeps the latest cycle of a clock, which is all that deciding needs. Whoever counts
//! which promises were kept needs the earlier ones, too: here a ticket's facts are read once more,
//! and what each fact did to the clocks is written down. Nothing is decided and nothing emitted.
//!
//! A cycle is judged when a fact ends it (a stop, or the beginning of the next cycle), by the plan
//! and the fields of that moment. What changes later, such as the priority of a ticket that was
//! answered long ago, or what pauses its clock, does not judge it anew, as long as it began and ended
//! when it did; reopening does, when it resumes the clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::explain::clock_reading;
use crate::fact::Fact;
use crate::machine::Machine;
use crate::plan::{Plan, Timeframe, TimeframeKind};
use crate::rules::Rules;
use crate::ticket::Text;
use crate::ticket_state::TicketState;
use crate::time::{Duration, Timestamp};

/// One cycle of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The plan that it was judged by.
    pub plan: Text,
    /// The name of the timeframe.
    pub timeframe: Text,
    /// What starts and stops it.
    pub kind: TimeframeKind,
    /// Its number, from 1.
    pub number: u32,
    /// The priority of the ticket at that moment.
    pub priority: Option<Text>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs or is paused.
    pub ended_at: Option<Timestamp>,
    /// How long it may take; none when the escalation matrix has no row for the ticket.
    pub within: Option<Duration>,
    /// How much working time was counted.
    pub elapsed: Duration,
    /// Whether the deadline passed before the end. An end exactly at it is in time.
    pub breached: bool,
    /// Whether its time was seen. That of an adopted ticket was not when the first fact ended what it
    /// began: whatever was promised, nobody can say any more how it was kept.
    pub is_witnessed: bool,
}

/// Reads the facts of a ticket up to an instant, that instant included. Shows the machine after
/// each fact, and returns all cycles by timeframe and number: those that have ended, then those
/// that have not.
#[must_use]
pub fn cycles(
    facts: &[Arc<Fact>],
    until: Timestamp,
    rules: &Rules,
    mut watch: impl FnMut(&Machine),
) -> Vec<Cycle> {
    let mut state = TicketState::default();
    for fact in facts.iter().filter(|fact| fact.occurred_at <= until) {
        state.accept(Arc::clone(fact), Timestamp::MIN);
    }
    let mut history = History::default();
    state.advance_watched(until.plus_millis(1), rules, |machine| {
        history.add(machine, rules);
        watch(machine);
    });
    let open = history.open(&state.machine, until, rules);
    history.ended.into_values().chain(open).collect()
}

/// What the facts so far did to the clocks.
#[derive(Debug, Default)]
struct History {
    /// By timeframe, life of the ticket and number: what meets a forgotten ticket begins anew.
    ended: BTreeMap<(Text, u32, u32), Cycle>,
    life: u32,
    created_at: Option<Timestamp>,
    /// When the clocks of an adopted ticket started; none for a ticket that was seen from creation.
    adopted_at: Option<Timestamp>,
    /// The plan after the fact before, and its clocks.
    plan: Option<Text>,
    clocks: Vec<Clock>,
}

impl History {
    fn add(&mut self, machine: &Machine, rules: &Rules) {
        if self.created_at != machine.created_at {
            self.created_at = machine.created_at;
            self.life += 1;
            self.adopted_at = None;
            self.clocks.clear();
            self.plan = None;
        }
        if machine.is_partial && machine.has_begun && self.adopted_at.is_none() {
            self.adopted_at = Some(machine.last_fact_at);
        }
        let plan = plan(machine, rules);
        let had_same_plan = plan.is_some_and(|plan| self.plan.as_ref() == Some(&plan.name));
        if let Some(plan) = plan {
            for (clock, timeframe) in machine.clocks.iter().zip(&plan.timeframes) {
                let look = Look {
                    machine,
                    plan,
                    timeframe,
                };
                self.add_clock(look, clock, had_same_plan);
            }
        }
        // A clock that vanishes with its plan was withdrawn: it is neither kept nor broken.
        self.plan = plan.map(|plan| plan.name.clone());
        self.clocks.clone_from(&machine.clocks);
    }

    fn add_clock(&mut self, look: Look<'_>, clock: &Clock, had_same_plan: bool) {
        let at = look.machine.last_fact_at;
        let had = self
            .clocks
            .iter()
            .find(|had| had.timeframe == clock.timeframe);
        if had == Some(clock) {
            return;
        }
        let last = had.map_or(0, |had| had.cycle);
        let mut ended = Vec::new();
        if let Some(had) = had.filter(|had| had.cycle < clock.cycle && had.is_active()) {
            ended.extend(look.read(had, Some(at), at));
        }
        if had_same_plan {
            // Cycles that one fact began and ended, as when it holds two answers.
            let begun = (last + 1..clock.cycle).map(|cycle| Clock {
                cycle,
                ..clock.clone()
            });
            for clock in begun {
                ended.extend(look.read(&clock, Some(at), at).map(|cycle| Cycle {
                    started_at: at,
                    elapsed: Duration::default(),
                    breached: false,
                    ..cycle
                }));
            }
        }
        let key = (clock.timeframe.clone(), self.life, clock.cycle);
        if clock.is_active() {
            // It goes on after a reopening: it has not ended after all.
            self.ended.remove(&key);
        } else {
            let reading = clock_reading(look.machine, clock, look.timeframe, at);
            let span = (reading.started_at, reading.stopped_at);
            let judged = self.ended.get(&key);
            // What has changed may be how long it took or might have taken.
            if judged.is_none_or(|it| (Some(it.started_at), it.ended_at) != span) {
                ended.extend(look.read(clock, reading.stopped_at, at));
            }
        }
        for mut cycle in ended {
            let is_instant = cycle.ended_at == Some(cycle.started_at);
            cycle.is_witnessed = !(is_instant && self.adopted_at == cycle.ended_at);
            let key = (cycle.timeframe.clone(), self.life, cycle.number);
            self.ended.insert(key, cycle);
        }
    }

    fn open(&self, machine: &Machine, until: Timestamp, rules: &Rules) -> Vec<Cycle> {
        let Some(plan) = plan(machine, rules) else {
            return Vec::new();
        };
        let clocks = machine.clocks.iter().zip(&plan.timeframes);
        let open = clocks.filter(|(clock, _)| clock.is_active());
        open.filter_map(|(clock, timeframe)| {
            let look = Look {
                machine,
                plan,
                timeframe,
            };
            look.read(clock, None, until)
        })
        .collect()
    }
}

fn plan<'a>(machine: &Machine, rules: &'a Rules) -> Option<&'a Plan> {
    let (_, plan) = rules.resolve(machine.plan.as_ref()?)?;
    Some(plan)
}

/// How a clock is looked at.
#[derive(Clone, Copy, Debug)]
struct Look<'a> {
    machine: &'a Machine,
    plan: &'a Plan,
    timeframe: &'a Timeframe,
}

impl Look<'_> {
    /// The cycle that a clock is in; none before the first.
    fn read(&self, clock: &Clock, ended_at: Option<Timestamp>, at: Timestamp) -> Option<Cycle> {
        let reading = clock_reading(self.machine, clock, self.timeframe, at);
        // What ends a cycle at the very deadline comes before the breach.
        let is_before_end =
            |due_at: Timestamp| ended_at.map_or(due_at <= at, |ended_at| due_at < ended_at);
        Some(Cycle {
            plan: self.plan.name.clone(),
            timeframe: reading.timeframe,
            kind: self.timeframe.kind,
            number: reading.cycle,
            priority: self.machine.ticket.priority.clone(),
            started_at: reading.started_at?,
            ended_at,
            within: reading.within_s.map(Into::into),
            elapsed: reading.elapsed_s.into(),
            breached: reading.due_at.is_some_and(is_before_end),
            is_witnessed: true,
        })
    }
}
