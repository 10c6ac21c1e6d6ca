//! Tickets that were done for long are forgotten in the order of events.

use std::sync::Arc;

use escalator_engine::emission::Emission;
use escalator_engine::engine::Engine;
use escalator_engine::time::Timestamp;
use proptest::prelude::*;

use super::support::{forgetful_rules, lives, minute};
use super::{
    END, HORIZON, config, invariant_nothing_is_due_before_now,
    invariant_timers_agree_with_the_tickets, machines, oracle, restarted,
};

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
}
