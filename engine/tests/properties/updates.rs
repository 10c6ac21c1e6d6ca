//! Updates of a customer: when they are due, and those that nobody is told any more.

use std::sync::Arc;

use escalator_engine::emission::{Emission, Emitted, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::fact::TicketFact;
use escalator_engine::ladder::Escalation;
use escalator_engine::plan::Communication;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use proptest::prelude::*;

use super::support::{lives, minute, rules};
use super::{END, HORIZON, config, machines, oracle};

/// What is told when it is evaluated after the end, so many facts at a time.
fn read_afterwards(rules: &Arc<Rules>, facts: &[TicketFact], cut: usize) -> (Vec<Emitted>, Engine) {
    let end = minute(END).plus_millis(1);
    let emission = Emission {
        firing: Firing::At(end),
        ..Emission::on_virtual_clock()
    };
    let mut engine = Engine::new(Arc::clone(rules));
    let mut events = Vec::new();
    for batch in facts.chunks(cut) {
        let last = batch.last().map(|fact| fact.fact.occurred_at);
        for fact in batch {
            engine.apply(fact.clone());
        }
        let advanced = engine.advance(last.unwrap_or(end), usize::MAX, &emission);
        events.extend(advanced.events);
        engine.commit();
    }
    events.extend(engine.advance(end, usize::MAX, &emission).events);
    engine.commit();
    (events, engine)
}

/// The first update after an instant, found by going from one to the next.
fn next_by_steps(open: &Escalation, at: Timestamp, plan: &Communication) -> Option<Timestamp> {
    let due = |nth| plan.calendar.end(open.begun_at, plan.every.times(nth)?);
    (1..).map_while(due).find(|due| *due > at)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn updates_that_are_overtaken_can_be_left_out(
        rules in rules(), facts in lives(HORIZON, 40), cut in 1_usize..20,
    ) {
        let (_, whole) = oracle(&rules, &facts);
        let (expected, at_once) = read_afterwards(&rules, &facts, usize::MAX);
        let (events, cut) = read_afterwards(&rules, &facts, cut);
        prop_assert_eq!(machines(&at_once), machines(&whole));
        prop_assert_eq!(machines(&cut), machines(&whole));
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn an_update_is_due_when_going_from_one_to_the_next_finds_it(
        rules in rules(), facts in lives(HORIZON, 20), after in 0..END,
    ) {
        let (_, engine) = oracle(&rules, &facts);
        let at = minute(after);
        for (_, state) in engine.tickets() {
            let plan = state.machine.plan.as_ref().and_then(|plan| rules.resolve(plan));
            let plan = plan.and_then(|(_, plan)| plan.communication.as_ref());
            let (Some(open), Some(plan)) = (&state.machine.escalation, plan) else { continue };
            let next = next_by_steps(open, at, plan);
            prop_assert_eq!(open.update_due_after(at, plan), next);
            let before = open.update_due_before(at, plan);
            prop_assert!(before.is_none_or(|before| before < at));
            let last = before.unwrap_or(open.begun_at);
            let following = next_by_steps(open, last, plan);
            prop_assert!(following.is_none_or(|following| following >= at));
        }
    }
}
