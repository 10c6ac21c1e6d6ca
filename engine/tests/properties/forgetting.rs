//! Tickets that were done for long are forgotten in the order of events.

use std::sync::Arc;

use escalator_engine::emission::Emission;
use escalator_engine::engine::Engine;
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::simulate::simulate;
use escalator_engine::ticket::{Change, Text, TextField};
use escalator_engine::time::Timestamp;
use proptest::prelude::*;

use super::edits::{Arrival, Life, arrivals, late};
use super::support::{edited, forgetful_rules, lives, minute};
use super::{
    END, HORIZON, config, invariant_nothing_is_due_before_now,
    invariant_timers_agree_with_the_tickets, machines, oracle, restarted,
};

/// The same facts with a status that nobody knows, and an assignee that is no address.
fn with_what_is_counted(facts: &[TicketFact]) -> Vec<TicketFact> {
    let odd = |change: &Change| {
        let is =
            |field: TextField, text: &str| *change == Change::Text(field, Some(Text::from(text)));
        if is(TextField::Status, "on_hold") {
            Change::Text(TextField::Status, Some("odd".into()))
        } else if is(TextField::Assignee, "agent-2") {
            Change::Text(TextField::Assignee, Some("agent\n2".into()))
        } else {
            change.clone()
        }
    };
    let odd = facts.iter().map(|fact| TicketFact {
        ticket_id: fact.ticket_id.clone(),
        fact: Arc::new(Fact {
            changes: fact.fact.changes.iter().map(odd).collect(),
            ..Fact::clone(&fact.fact)
        }),
    });
    odd.collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tickets_are_forgotten_the_same_whatever_the_batches(
        rules in forgetful_rules(),
        facts in lives(HORIZON, 60),
        cut in 1_usize..20,
        crashes in proptest::collection::vec(0_u8..4, 60),
    ) {
        let (expected, whole) = oracle(&rules, &facts);
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut events = Vec::new();
        for (batch, crash) in facts.chunks(cut).zip(crashes) {
            let mut to = Timestamp::MIN;
            for fact in batch {
                to = fact.fact.occurred_at;
                engine.apply(fact.clone());
            }
            if crash == 0 {
                engine.rollback();
                for fact in batch {
                    engine.apply(fact.clone());
                }
            }
            events.extend(engine.advance(to, usize::MAX, &emission).events);
            engine.commit();
            if crash == 1 {
                engine = restarted(&engine);
            }
            invariant_nothing_is_due_before_now(&engine);
            invariant_timers_agree_with_the_tickets(&engine);
        }
        while engine.evaluated_to() <= minute(END) {
            events.extend(engine.advance(minute(END).plus_millis(1), 1, &emission).events);
            engine.commit();
        }
        prop_assert_eq!(machines(&engine), machines(&whole));
        prop_assert_eq!(events, expected);
        for (id, state) in engine.tickets() {
            let forgotten_at = state.machine.forgotten_at(&rules);
            prop_assert!(forgotten_at.is_none_or(|at| at > minute(END)), "{} is there still", id);
        }
    }

    #[test]
    fn tickets_are_forgotten_the_same_wherever_a_batch_ends_also_under_edits(
        edited in edited(HORIZON, 0),
        forget_after in 1_i64..60,
        facts in lives(HORIZON, 60),
        cut in 1_usize..20,
        limit in prop_oneof![Just(1), Just(usize::MAX)],
        restarts in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let edited = edited.with_forget_after(forget_after);
        let facts = with_what_is_counted(&facts);
        let (simulated, whole) = simulate(&edited.rules(), facts.iter().cloned(), minute(END));
        let mut life = Life::new(&edited, limit);
        for (batch, is_restart) in facts.chunks(cut).zip(restarts) {
            let to = batch.last().map_or(Timestamp::MIN, |fact| fact.fact.occurred_at);
            let known = edited.edits.partition_point(|edit| edit.at <= to);
            life.take(&Arrival::Edits(known));
            for fact in batch {
                life.take(&Arrival::Fact(fact.clone()));
            }
            life.advance(to);
            if is_restart {
                life.engine = restarted(&life.engine);
            }
        }
        life.take(&Arrival::Edits(edited.edits.len()));
        life.run_to_the_end();
        prop_assert_eq!(machines(&life.engine), machines(&whole));
        prop_assert_eq!(life.events, simulated.events);
        prop_assert_eq!(life.counts, simulated.tally.counts);
    }

    #[test]
    fn what_is_late_joins_the_same_life_and_counts_the_same_whenever_it_is_decided(
        edited in edited(HORIZON, 120),
        forget_after in 1_i64..60,
        facts in lives(HORIZON, 25),
        // Some wait for their instant, and are decided together with what is late.
        delays in proptest::collection::vec(prop_oneof![Just(0), 0_i64..90, -120_i64..0], 25),
        steps in proptest::collection::vec(0_i64..4, 30),
    ) {
        let edited = edited.with_forget_after(forget_after);
        let facts = with_what_is_counted(&facts);
        let arrivals = arrivals(&edited.arrivals(), late(&facts, &delays));
        let mut together = Life::new(&edited, usize::MAX);
        let mut apart = Life::new(&edited, usize::MAX);
        let mut from = minute(0);
        for ((at, arrival), steps) in arrivals.iter().zip(steps) {
            // Both have decided as much when they hear of it.
            together.advance(*at);
            let whole_ms = at.millis_since(from);
            for step in 0..=steps {
                apart.advance(from.plus_millis(whole_ms * step / steps.max(1)));
            }
            apart.advance(*at);
            from = *at;
            together.take(arrival);
            apart.take(arrival);
        }
        together.run_to_the_end();
        apart.run_to_the_end();
        prop_assert_eq!(machines(&apart.engine), machines(&together.engine));
        prop_assert_eq!(apart.counts, together.counts);
    }
}
