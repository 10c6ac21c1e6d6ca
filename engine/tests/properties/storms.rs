//! Limits on notifications: whatever the batches, nothing is lost and nothing is told twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::effect::{Event, Notify, Purpose};
use escalator_engine::emission::{Emission, Emitted};
use escalator_engine::engine::Engine;
use escalator_engine::fact::TicketFact;
use escalator_engine::plan::AtMost;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{Simulation, simulate};
use escalator_engine::storms::{DigestItem, ITEMS_MAX, LOOK_BACK_MS};
use escalator_engine::time::Timestamp;
use proptest::prelude::*;

use super::support::{crowd, minute, notified, stormy_rules, without_limits};
use super::{HORIZON, config, restarted};

/// What somebody is told of: whom, the event, the ticket, why.
type Told = (String, String, String, String, Purpose);

fn until() -> Timestamp {
    minute(super::END)
}

/// What comes out, and the tickets and limits as they stand then.
fn storm(rules: &Arc<Rules>, facts: &[TicketFact]) -> (Vec<Emitted>, Engine) {
    let (simulated, engine) = simulate(rules, facts.iter().cloned(), until());
    (simulated.events, engine)
}

fn told(notify: &Notify) -> Told {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (
        notify.to.to_string(),
        notify.channel.to_string(),
        text(notify.escalation_event_id.as_deref()),
        text(notify.ticket_id.as_deref()),
        notify.purpose,
    )
}

/// What a digest tells of.
fn gathered(to: &str, channel: &str, items: &[DigestItem]) -> Vec<Told> {
    let told = |item: &DigestItem| {
        (
            to.to_owned(),
            channel.to_owned(),
            item.escalation_event_id.to_string(),
            item.ticket_id.to_string(),
            item.purpose,
        )
    };
    items.iter().map(told).collect()
}

/// What is still to be told when a window ends.
fn waiting(engine: &Engine) -> Vec<Told> {
    let pieces = engine.storms().pieces();
    let waiting = pieces
        .flat_map(|(key, piece)| gathered(&key.listener.to, &key.listener.channel, &piece.items));
    waiting.collect()
}

fn sorted(told: impl Iterator<Item = Told>) -> Vec<Told> {
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

/// The limit of a notification's target.
fn limit(rules: &Rules, notify: &Notify) -> Option<AtMost> {
    let target = rules.latest().targets.get(&notify.to)?;
    target.at_most.filter(|_| target.kind == notify.to_kind)
}

fn is_never_withheld(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Ended | Purpose::PostMortem)
}

fn invariant_no_window_has_more_than_its_limit(rules: &Rules, events: &[Emitted]) {
    let mut windows: BTreeMap<(&str, &str, i64), u32> = BTreeMap::new();
    for notify in notified(events) {
        let Some(limit) = limit(rules, notify) else {
            continue;
        };
        if is_never_withheld(notify.purpose) || notify.purpose == Purpose::Digest {
            continue;
        }
        let due_at = notify
            .due_at
            .max(notify.fired_at.plus_millis(-LOOK_BACK_MS));
        let window = due_at.as_millis().div_euclid(limit.per.as_millis());
        let sent = windows
            .entry((&notify.to, &notify.channel, window))
            .or_default();
        *sent += 1;
        assert!(*sent <= limit.count, "{} {window}", notify.to);
    }
}

fn invariant_digests_come_at_the_end_of_their_window(rules: &Rules, events: &[Emitted]) {
    for digest in notified(events).filter(|it| it.purpose == Purpose::Digest) {
        let limit = limit(rules, digest).expect("only a target with a limit has digests");
        assert_eq!(digest.due_at.as_millis() % limit.per.as_millis(), 0);
        assert!(digest.fired_at >= digest.due_at);
        assert!(!digest.items.is_empty() && digest.items.len() <= ITEMS_MAX);
        assert!(digest.ticket_id.is_none() && digest.escalation_event_id.is_none());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_storm_loses_nothing_and_tells_nothing_twice(
        rules in stormy_rules(), facts in crowd(HORIZON, 60),
    ) {
        let (limited, engine) = storm(&rules, &facts);
        let (unlimited, _) = storm(&without_limits(&rules), &facts);
        super::invariant_ids_are_unique(&limited);
        invariant_no_window_has_more_than_its_limit(&rules, &limited);
        invariant_digests_come_at_the_end_of_their_window(&rules, &limited);
        let out = notified(&limited).filter(|it| it.purpose != Purpose::Digest).map(told);
        let in_digests = notified(&limited).flat_map(|it| gathered(&it.to, &it.channel, &it.items));
        let all = out.chain(in_digests).chain(waiting(&engine));
        prop_assert_eq!(sorted(all), sorted(notified(&unlimited).map(told)));
        let ends = |events: &[Emitted]| -> Vec<Told> {
            sorted(notified(events).filter(|it| is_never_withheld(it.purpose)).map(told))
        };
        prop_assert_eq!(ends(&limited), ends(&unlimited));
        let decided = |events: &[Emitted]| -> Vec<Emitted> {
            let decided = events.iter().filter(|it| matches!(it.event, Event::Escalated(_)));
            // Who hears of it in a digest only is no part of what is decided.
            let decided = decided.map(|it| Emitted { held: Vec::new(), ..it.clone() });
            decided.collect()
        };
        prop_assert_eq!(decided(&limited), decided(&unlimited));
    }

    #[test]
    fn batches_crashes_and_restarts_change_nothing_in_a_storm(
        rules in stormy_rules(),
        facts in crowd(HORIZON, 60),
        cut in 1_usize..20,
        crashes in proptest::collection::vec(0_u8..4, 60),
    ) {
        let (expected, whole) = storm(&rules, &facts);
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut events = Vec::new();
        for (batch, crash) in facts.chunks(cut).zip(crashes) {
            let mut to = Timestamp::MIN;
            for attempt in 0..2 {
                for fact in batch {
                    to = fact.fact.occurred_at;
                    engine.apply(fact.clone());
                }
                let advanced = engine.advance(to, usize::MAX, &emission);
                if crash == 0 && attempt == 0 {
                    engine.rollback();
                    continue;
                }
                events.extend(advanced.events);
                engine.commit();
                break;
            }
            if crash == 1 {
                engine = restarted(&engine);
            }
        }
        while engine.evaluated_to() <= until() {
            // The next wake-up is enough to miss nothing.
            let wake = engine.next_wake().unwrap_or(Timestamp::MAX);
            let to = wake.min(until().plus_millis(1));
            events.extend(engine.advance(to, 1, &emission).events);
            engine.commit();
        }
        prop_assert_eq!(events, expected);
        prop_assert_eq!(waiting(&engine), waiting(&whole));
        prop_assert_eq!(engine.storms().next(), whole.storms().next());
    }

    #[test]
    fn each_partition_has_limits_of_its_own(
        rules in stormy_rules(), facts in crowd(HORIZON, 60), count in 1_u16..4,
    ) {
        let partition_of = |key: &[u8], count: i32| i32::from(key[key.len() - 1]) % count;
        let together = Simulation::new(&rules, facts.iter().cloned(), until(), 16)
            .with_partitions(count, partition_of);
        let mut together: Vec<Emitted> = together.flatten().collect();
        let mut apart = Vec::new();
        for partition in 0..i32::from(count) {
            let own = facts.iter().filter(|fact| {
                partition_of(fact.ticket_id.as_bytes(), i32::from(count)) == partition
            });
            apart.extend(storm(&rules, &own.cloned().collect::<Vec<_>>()).0);
        }
        let by_text = |events: &mut Vec<Emitted>| events.sort_by_key(|it| format!("{it:?}"));
        prop_assert!(together.is_sorted_by_key(|it| (it.at, it.is_due)));
        by_text(&mut together);
        by_text(&mut apart);
        prop_assert_eq!(together, apart);
    }
}
