//! Edits of the plans under running tickets: in time or late, whatever the batches.

use std::collections::BTreeSet;
use std::sync::Arc;

use escalator_engine::effect::Escalated;
use escalator_engine::emission::{Emission, Emitted};
use escalator_engine::engine::Engine;
use escalator_engine::explain::{ClockReading, explain};
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::machine::Counts;
use escalator_engine::plan::InFlight;
use escalator_engine::rules::Rules;
use escalator_engine::ticket::{Change, TextField};
use escalator_engine::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::support::{Edited, crowd, edited, edited_stormy, escalated, lives, minute};
use super::{
    END, HORIZON, config, invariant_ids_are_unique, invariant_nothing_is_due_before_now,
    invariant_timers_agree_with_the_tickets, levels, levels_seen, machines, oracle, restarted,
};

/// What reaches a service, and when.
pub(super) enum Arrival {
    Fact(TicketFact),
    /// So many edits are known now.
    Edits(usize),
}

/// Facts and edits by their arrival; at one instant edits come first.
pub(super) fn arrivals(
    edits: &[Timestamp],
    facts: impl Iterator<Item = (Timestamp, TicketFact)>,
) -> Vec<(Timestamp, Arrival)> {
    let edits = edits.iter().zip(1..);
    let edits = edits.map(|(at, nth)| (*at, Arrival::Edits(nth)));
    let facts = facts.map(|(at, fact)| (at, Arrival::Fact(fact)));
    let mut all: Vec<_> = edits.chain(facts).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Facts that arrive so many minutes late.
pub(super) fn late(
    facts: &[TicketFact],
    delays: &[i64],
) -> impl Iterator<Item = (Timestamp, TicketFact)> {
    let late = facts.iter().zip(delays);
    late.map(|(fact, delay)| {
        let at = fact.fact.occurred_at.plus_millis(delay * 60_000);
        (at, fact.clone())
    })
}

/// The same facts some milliseconds apart: what begins anew at the instant of the last folded fact
/// cannot be told from what began there before.
fn each_at_its_own_instant(facts: &[TicketFact]) -> Vec<TicketFact> {
    let apart = (0..).zip(facts).map(|(ms, fact)| TicketFact {
        ticket_id: fact.ticket_id.clone(),
        fact: Arc::new(Fact {
            occurred_at: fact.fact.occurred_at.plus_millis(ms),
            ..Fact::clone(&fact.fact)
        }),
    });
    apart.collect()
}

/// What goes on while a service runs.
pub(super) struct Life<'a> {
    edited: &'a Edited,
    pub(super) engine: Engine,
    pub(super) events: Vec<Emitted>,
    pub(super) counts: Counts,
    /// About so many tickets are decided in a batch.
    limit: usize,
}

impl<'a> Life<'a> {
    pub(super) fn new(edited: &'a Edited, limit: usize) -> Self {
        Self {
            edited,
            engine: Engine::new(edited.known(0)),
            events: Vec::new(),
            counts: Counts::default(),
            limit,
        }
    }

    pub(super) fn take(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::Fact(fact) => {
                self.engine.apply(fact.clone());
            }
            Arrival::Edits(count) => self.engine.set_rules(self.edited.known(*count)),
        }
    }

    /// A batch: everything before `to`, or as much of it as the limit lets through.
    fn decide(&mut self, to: Timestamp) {
        let emission = Emission::on_virtual_clock();
        let advanced = self.engine.advance(to, self.limit, &emission);
        self.events.extend(advanced.events);
        self.counts += advanced.counts;
        self.engine.commit();
        // A late edit makes many tickets wait, and not all of them fit into one batch.
        if !advanced.is_more_left {
            invariant_nothing_is_due_before_now(&self.engine);
        }
    }

    pub(super) fn advance(&mut self, to: Timestamp) {
        self.decide(to);
        invariant_timers_agree_with_the_tickets(&self.engine);
    }

    pub(super) fn run_to_the_end(&mut self) {
        let end = minute(END).plus_millis(1);
        while self.engine.evaluated_to() < end
            || self.engine.next_wake().is_some_and(|at| at <= end)
        {
            self.advance(end);
        }
    }
}

/// The facts of one ticket.
fn facts_of(facts: &[TicketFact], ticket: &str) -> Vec<Arc<Fact>> {
    let own = facts.iter().filter(|fact| *fact.ticket_id == *ticket);
    own.map(|fact| Arc::clone(&fact.fact)).collect()
}

/// Whether a fact has a status that is spelled as resolved or closed.
fn makes_done(fact: &Fact) -> bool {
    let done =
        ["resolved", "closed"].map(|word| Change::Text(TextField::Status, Some(word.into())));
    fact.changes.iter().any(|change| done.contains(change))
}

fn is_done(category: &str) -> bool {
    matches!(category, "resolved" | "closed")
}

fn clocks_at(facts: &[Arc<Fact>], at: Timestamp, rules: &Rules) -> Vec<ClockReading> {
    let explained = explain(&"T1".into(), facts, at, rules);
    explained.map_or_else(Vec::new, |it| it.clocks)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn edits_in_time_give_the_same_whatever_the_batches_and_restarts(
        edited in edited(HORIZON, 0),
        facts in lives(HORIZON, 40),
        lead in vec(0_i64..30, 40),
        crashes in vec(0_u8..4, 44),
        limit in prop_oneof![Just(1), Just(2), Just(usize::MAX)],
    ) {
        let (expected, whole) = oracle(&edited.rules(), &facts);
        let early = |at: Timestamp, lead: i64| at.plus_millis(-lead * 60_000);
        let own = facts.iter().zip(&lead).map(|(fact, lead)| (early(fact.fact.occurred_at, *lead), fact.clone()));
        let mut known: Vec<_> = edited.edits.iter().zip(&lead).map(|(edit, lead)| early(edit.at, *lead)).collect();
        for later in (1..known.len()).rev() {
            known[later - 1] = known[later - 1].min(known[later]);
        }
        let mut life = Life::new(&edited, limit);
        for ((at, arrival), crash) in arrivals(&known, own).iter().zip(crashes) {
            life.take(arrival);
            if crash == 0 {
                life.engine.advance(*at, limit, &Emission::on_virtual_clock());
                life.engine.rollback();
                life.take(arrival);
            }
            life.advance(*at);
            if crash == 1 {
                life.engine = restarted(&life.engine);
            }
        }
        life.run_to_the_end();
        prop_assert_eq!(machines(&life.engine), machines(&whole));
        prop_assert_eq!(&life.events, &expected);
        invariant_ids_are_unique(&expected);
    }

    #[test]
    fn late_facts_and_edits_leave_the_same_decisions_and_add_only_corrections(
        edited in edited(HORIZON, 120),
        facts in lives(HORIZON, 25),
        delays in vec(prop_oneof![2 => Just(0), 1 => 0_i64..90], 25),
        restarts in vec(any::<bool>(), 30),
        limit in prop_oneof![Just(1), Just(usize::MAX)],
    ) {
        let (expected, whole) = oracle(&edited.rules(), &facts);
        let arrivals = arrivals(&edited.arrivals(), late(&facts, &delays));
        let mut life = Life::new(&edited, limit);
        for ((at, arrival), is_restart) in arrivals.iter().zip(restarts) {
            life.take(arrival);
            life.advance(*at);
            if is_restart {
                life.engine = restarted(&life.engine);
            }
        }
        life.run_to_the_end();
        prop_assert_eq!(machines(&life.engine), machines(&whole));
        invariant_ids_are_unique(&life.events);
        // Where it is the same decision a second time, a correction says so.
        let is_again = |event: &Escalated| event.kind.moves_level() && event.ordinal > 0;
        for event in escalated(&expected).filter(|event| !is_again(event)) {
            let is_emitted = escalated(&life.events).any(|e| {
                e.id == event.id || (e.kind, &e.cause, e.level, e.due_at, &e.ticket_id)
                    == (event.kind, &event.cause, event.level, event.due_at, &event.ticket_id)
            });
            prop_assert!(is_emitted, "{:?} was never emitted", event);
        }
        prop_assert_eq!(levels_seen(&life.events), levels(&life.engine));
    }

    #[test]
    fn long_histories_fold_the_same_whatever_the_batches_also_under_edits(
        edited in edited(HORIZON, 0),
        facts in lives(HORIZON, 250),
        cut in 1_usize..40,
    ) {
        let (expected, whole) = oracle(&edited.rules(), &facts);
        let mut life = Life::new(&edited, usize::MAX);
        for batch in facts.chunks(cut) {
            let to = batch.last().map_or(Timestamp::MIN, |fact| fact.fact.occurred_at);
            let known = edited.edits.partition_point(|edit| edit.at <= to);
            life.take(&Arrival::Edits(known));
            for fact in batch.iter().rev() {
                life.engine.apply(fact.clone());
            }
            life.advance(to);
            life.engine = restarted(&life.engine);
        }
        life.take(&Arrival::Edits(edited.edits.len()));
        life.run_to_the_end();
        prop_assert_eq!(machines(&life.engine), machines(&whole));
        prop_assert_eq!(&life.events, &expected);
    }

    #[test]
    fn nothing_is_told_twice_of_a_long_history_that_is_read_anew(
        edited in edited(HORIZON, 0),
        facts in lives(HORIZON, 250),
        delays in vec(prop_oneof![9 => Just(0), 1 => 0_i64..90], 250),
    ) {
        // One plan for all time: whose clocks are read anew under another one, where their history
        // was folded away, may be told again.
        let steady = edited.with_one_plan();
        let facts = each_at_its_own_instant(&facts);
        let mut life = Life::new(&steady, usize::MAX);
        for (at, arrival) in &arrivals(&[], late(&facts, &delays)) {
            life.take(arrival);
            life.advance(*at);
        }
        life.run_to_the_end();
        invariant_ids_are_unique(&life.events);
        prop_assert_eq!(levels_seen(&life.events), levels(&life.engine));
    }

    #[test]
    fn the_level_that_is_seen_is_the_true_one_whatever_is_late_of_a_long_history(
        edited in edited(HORIZON, 120),
        facts in lives(HORIZON, 250),
        delays in vec(prop_oneof![9 => Just(0), 1 => 0_i64..90], 250),
    ) {
        let mut life = Life::new(&edited, usize::MAX);
        for (at, arrival) in &arrivals(&edited.arrivals(), late(&facts, &delays)) {
            life.take(arrival);
            life.advance(*at);
        }
        life.run_to_the_end();
        prop_assert_eq!(levels_seen(&life.events), levels(&life.engine));
    }

    #[test]
    fn an_instant_is_the_same_wherever_it_is_cut_also_in_a_storm(
        edited in edited_stormy(HORIZON),
        facts in crowd(HORIZON, 60),
        limit in 1_usize..5,
        cut in 1_usize..20,
        restarts in vec(any::<bool>(), 60),
    ) {
        let (expected, whole) = oracle(&edited.rules(), &facts);
        let mut life = Life::new(&edited, limit);
        life.take(&Arrival::Edits(edited.edits.len()));
        for (batch, is_restart) in facts.chunks(cut).zip(restarts) {
            let to = batch.last().map_or(Timestamp::MIN, |fact| fact.fact.occurred_at);
            for fact in batch {
                life.engine.apply(fact.clone());
            }
            life.decide(to);
            if is_restart {
                life.engine = restarted(&life.engine);
            }
        }
        while life.engine.evaluated_to() <= minute(END) {
            let to = minute(END).plus_millis(1);
            life.engine.advance(to, limit, &Emission::on_virtual_clock());
            life.engine.rollback();
            life.decide(to);
        }
        prop_assert_eq!(machines(&life.engine), machines(&whole));
        prop_assert_eq!(&life.events, &expected);
        prop_assert_eq!(life.engine.storms().next(), whole.storms().next());
    }

    #[test]
    fn a_kept_ticket_ends_wholly_on_the_revision_it_has(
        edited in edited(HORIZON, 0), facts in lives(HORIZON, 30),
    ) {
        let mut kept = edited.with_in_flight(InFlight::Keep);
        kept.edits.truncate(1);
        let edit = &kept.edits[0];
        let (with, _) = oracle(&kept.rules(), &facts);
        let (without, _) = oracle(&kept.known(0), &facts);
        for ticket in ["T1", "T2"] {
            let own = facts_of(&facts, ticket);
            let Some(then) = explain(&ticket.into(), &own, edit.at.plus_millis(-1), &kept.known(0)) else {
                continue;
            };
            let is_there = then.plan.as_ref().is_some_and(|plan| edit.revision.plan(plan).is_some());
            if is_done(then.status_category) || !is_there {
                continue;
            }
            // Until it is done: a reopened one moves on.
            let later = own.iter().filter(|fact| fact.occurred_at >= edit.at);
            let done_at = later.into_iter().find(|fact| makes_done(fact)).map(|fact| fact.occurred_at);
            let until = done_at.unwrap_or_else(|| minute(END));
            let own = |events: &[Emitted]| -> Vec<_> {
                let own = escalated(events).filter(|e| &*e.ticket_id == ticket && e.fired_at < until);
                own.cloned().collect()
            };
            prop_assert_eq!(own(&with), own(&without));
        }
    }

    #[test]
    fn a_restart_begins_one_next_cycle_of_what_runs_where_the_plan_has_changed(
        edited in edited(HORIZON, 0), facts in lives(HORIZON, 30),
    ) {
        let mut adopting = edited.with_in_flight(InFlight::Adopt);
        let mut restarting = edited.with_in_flight(InFlight::Restart);
        adopting.edits.truncate(1);
        restarting.edits.truncate(1);
        let edit = &restarting.edits[0];
        for ticket in ["T1", "T2"] {
            // As the edit leaves it: without what happens at its very instant.
            let own: Vec<_> = facts_of(&facts, ticket).into_iter().filter(|fact| fact.occurred_at < edit.at).collect();
            let before = explain(&ticket.into(), &own, edit.at.plus_millis(-1), &edited.known(0));
            let Some(plan) = before.as_ref().and_then(|it| it.plan.clone()) else { continue };
            let first = &restarting.first;
            let is_changed = edit.revision.plan(&plan).is_some_and(|new| {
                let old = first.plan(&plan).expect("it had it");
                new != old || first.statuses != edit.revision.statuses || first.priorities != edit.revision.priorities
            });
            let is_done = before.is_some_and(|it| is_done(it.status_category));
            let adopted = clocks_at(&own, edit.at, &adopting.rules());
            let restarted = clocks_at(&own, edit.at, &restarting.rules());
            prop_assert_eq!(adopted.len(), restarted.len());
            for (adopted, restarted) in adopted.iter().zip(&restarted) {
                let runs = matches!(adopted.state, "running" | "paused");
                let begins = is_changed && !is_done && runs;
                prop_assert_eq!(restarted.cycle, adopted.cycle + u32::from(begins));
                let started_at = if begins { Some(edit.at) } else { adopted.started_at };
                prop_assert_eq!(restarted.started_at, started_at);
            }
        }
    }

    #[test]
    fn no_mark_fires_twice_in_a_cycle_whatever_is_edited(
        edited in edited(HORIZON, 0), facts in lives(HORIZON, 40),
    ) {
        let (events, _) = oracle(&edited.rules(), &facts);
        let mut fired = BTreeSet::new();
        for event in escalated(&events).filter(|event| event.cause.mark.is_some()) {
            let cause = &event.cause;
            let mark = (&event.ticket_id, event.kind, &cause.name, &cause.mark, cause.cycle, event.level);
            prop_assert!(fired.insert(mark), "{:?} fired twice", mark);
        }
    }

    #[test]
    fn explain_agrees_with_simulate_about_every_mark_under_edits(
        edited in edited(HORIZON, 0), facts in lives(HORIZON, 40), at in 0..HORIZON,
    ) {
        let (simulated, engine) = escalator_engine::simulate::simulate(&edited.rules(), facts.iter().cloned(), minute(at));
        for ticket in ["T1", "T2"] {
            let own = facts_of(&facts, ticket);
            let explained = explain(&ticket.into(), &own, minute(at), &edited.rules());
            let Some(state) = engine.ticket(ticket) else {
                prop_assert!(explained.is_none());
                continue;
            };
            let explained = explained.expect("simulate knows it");
            prop_assert_eq!(explained.level, state.machine.level());
            let fired = |timeframe: &str, cycle: u32, mark: &str| {
                let fired = state.machine.fired.iter();
                let mut fired = fired.filter(|it| it.cycle == cycle && *it.mark == *mark && *it.timeframe == *timeframe);
                fired.next().map(|it| it.at)
            };
            for clock in &explained.clocks {
                for mark in &clock.marks {
                    prop_assert_eq!(mark.fired_at, fired(&clock.timeframe, clock.cycle, &mark.at));
                }
            }
            for event in escalated(&simulated.events).filter(|event| &*event.ticket_id == ticket) {
                let cause = &event.cause;
                if let (Some(name), Some(mark), Some(cycle)) = (&cause.name, &cause.mark, cause.cycle) {
                    prop_assert_eq!(fired(name, cycle, mark), Some(event.fired_at), "{:?}", event);
                }
            }
        }
    }
}
