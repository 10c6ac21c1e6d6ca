//! What must be so for any plans and any lives of tickets.

#[path = "properties/edits.rs"]
mod edits;
#[path = "properties/forgetting.rs"]
mod forgetting;
#[path = "properties/sealed.rs"]
mod sealed;
#[path = "properties/storms.rs"]
mod storms;
mod support;
#[path = "properties/updates.rs"]
mod updates;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use escalator_engine::cycles::cycles;
use escalator_engine::effect::{EscalatedType, Event, Purpose};
use escalator_engine::emission::{Emission, Emitted, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::explain::explain;
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::machine::Machine;
use escalator_engine::packed::Packer;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::storms::Storms;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::{Acceptance, FACTS_BYTES_MAX, StoredState, TicketState};
use escalator_engine::time::Timestamp;
use proptest::prelude::*;
use support::{escalated, lives, minute, notified, rules, with_note};

const HORIZON: i64 = 240;
const END: i64 = 700;

fn config() -> ProptestConfig {
    ProptestConfig {
        // Enough that every planted fault in a clock or a ladder was found; a few seconds each.
        cases: 400,
        // A failing life is short after far fewer.
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    }
}

/// In-order reading in one go.
fn oracle(rules: &Arc<Rules>, facts: &[TicketFact]) -> (Vec<Emitted>, Engine) {
    let (simulated, engine) = simulate(rules, facts.iter().cloned(), minute(END));
    (simulated.events, engine)
}

fn machines(engine: &Engine) -> BTreeMap<String, Machine> {
    engine
        .tickets()
        .map(|(id, state)| (id.to_string(), state.machine))
        .collect()
}

/// A copy of a state in which no fact is packed.
fn loose(state: &TicketState) -> TicketState {
    let state = state.clone();
    TicketState::from(StoredState {
        facts: state.facts.iter().collect::<Vec<_>>().into(),
        evaluated: state.evaluated,
        fold: state.fold,
        machine: state.machine,
        ledger: state.ledger,
        told: state.told,
        last_voiced: state.last_voiced,
    })
}

/// The same partition after a restart, from what was stored of it.
fn restarted(engine: &Engine) -> Engine {
    let mut packer = Packer::default();
    restored(engine, |engine, id, state| {
        let mut packed = Vec::new();
        packer.pack(state, &mut packed, 0);
        let stored = packer.stored(&packed, &[]);
        engine.put_stored(id, &stored).expect("a state");
    })
}

/// The same partition with all of its tickets made anew.
fn made_anew(engine: &Engine) -> Engine {
    restored(engine, |engine, id, state| {
        engine.put(id, &loose(state));
    })
}

fn restored(engine: &Engine, mut put: impl FnMut(&mut Engine, &Text, &TicketState)) -> Engine {
    let mut restored = Engine::new(Arc::clone(engine.rules()));
    for (id, state) in engine.tickets() {
        put(&mut restored, &id, &state);
    }
    let pieces = engine.storms().pieces();
    let pieces: Vec<_> = pieces
        .map(|(key, piece)| (key.clone(), piece.clone()))
        .collect();
    restored
        .evaluated(engine.evaluated_to())
        .with_storms(Storms::restore(pieces))
}

/// The level of each ticket that was ever escalated, by its state.
fn levels(engine: &Engine) -> BTreeMap<String, u32> {
    let escalated = engine
        .tickets()
        .filter(|(_, state)| state.last_voiced.is_some());
    escalated
        .map(|(id, state)| (id.to_string(), state.machine.level()))
        .collect()
}

/// The level of each ticket as a subscriber sees it: where it was moved last.
fn levels_seen(events: &[Emitted]) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    for event in escalated(events) {
        let level = seen.entry(event.ticket_id.to_string()).or_default();
        if event.kind.moves_level() {
            *level = event.level;
        }
    }
    seen
}

fn invariant_nothing_is_due_before_now(engine: &Engine) {
    for (id, state) in engine.tickets() {
        assert!(
            state.wake(engine.rules()) > engine.evaluated_to(),
            "{id} should have been looked at"
        );
    }
}

fn invariant_timers_agree_with_the_tickets(engine: &Engine) {
    let wakes = engine
        .tickets()
        .map(|(_, state)| state.wake(engine.rules()))
        .filter(|wake| *wake != Timestamp::MAX);
    let wakes: Vec<Timestamp> = wakes.collect();
    assert_eq!(engine.next_wake(), wakes.iter().min().copied());
    assert_eq!(engine.pending(), wakes.len());
}

fn invariant_ids_are_unique(events: &[Emitted]) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for emitted in events {
        let (id, shown) = match &emitted.event {
            Event::Escalated(e) => (
                &e.id,
                format!(
                    "{:?} {} level {} {:?} #{}",
                    e.kind, e.due_at, e.level, e.cause, e.ordinal
                ),
            ),
            Event::Notify(n) => (&n.id, format!("{:?} {} {}", n.purpose, n.due_at, n.to)),
        };
        if let Some(first) = seen.insert(id, shown.clone()) {
            panic!("emitted twice: {first} and {shown}");
        }
    }
}

fn invariant_levels_are_a_ladder(events: &[Emitted]) {
    let mut levels: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for event in escalated(events) {
        let (level, escalation) = levels.entry(&event.ticket_id).or_insert((0, 0));
        assert_eq!(event.previous_level, *level, "{event:?}");
        match event.kind {
            EscalatedType::Raised => assert!(event.level > *level),
            EscalatedType::Lowered => assert!(event.level > 0 && event.level < *level),
            EscalatedType::Ended => assert!(event.level == 0 && *level > 0),
            EscalatedType::Warned => assert_eq!(event.level, *level),
            EscalatedType::Repeated
            | EscalatedType::Acknowledged
            | EscalatedType::Unacknowledged => {
                assert!(event.level == *level && *level > 0);
            }
        }
        let begins = event.kind == EscalatedType::Raised && *level == 0;
        *escalation += u32::from(begins);
        assert_eq!(
            event.escalation, *escalation,
            "nothing is said of an escalation that is over"
        );
        *level = event.level;
    }
}

fn invariant_the_end_is_told_to_those_who_were_told(events: &[Emitted]) {
    let mut told: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    let mut ending: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for notify in notified(events) {
        let ticket = notify.ticket_id.as_deref().expect("a ticket");
        let who = (&*notify.to, &*notify.channel);
        match notify.purpose {
            Purpose::Level | Purpose::Repeat | Purpose::CustomerUpdate => {
                ending.remove(ticket);
                told.entry(ticket).or_default().insert(who);
            }
            Purpose::Ended => {
                let open = ending
                    .entry(ticket)
                    .or_insert_with(|| told.remove(ticket).unwrap_or_default());
                assert!(
                    open.remove(&who),
                    "{who:?} was told of an end without having been told before"
                );
            }
            Purpose::Lowered => assert!(told.get(ticket).is_some_and(|told| told.contains(&who))),
            Purpose::Warning | Purpose::PostMortem | Purpose::Digest => {}
        }
    }
    assert!(
        ending.values().all(BTreeSet::is_empty),
        "somebody was not told of the end"
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn arrival_order_batches_duplicates_and_crashes_change_nothing(
        rules in rules(),
        facts in lives(HORIZON, 40),
        lead in proptest::collection::vec(0_i64..30, 40),
        crashes in proptest::collection::vec(0_u8..4, 40),
    ) {
        let (expected, whole) = oracle(&rules, &facts);
        invariant_ids_are_unique(&expected);
        invariant_levels_are_a_ladder(&expected);
        invariant_the_end_is_told_to_those_who_were_told(&expected);

        // Facts arrive up to half an hour early, in an order of their own, each followed by some
        // duplicate; the evaluation time follows the slowest.
        let mut arrivals: Vec<_> = facts
            .iter()
            .zip(&lead)
            .map(|(fact, lead)| (fact.fact.occurred_at.plus_millis(-lead * 60_000), fact.clone()))
            .collect();
        arrivals.sort_by_key(|(at, _)| *at);
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut events = Vec::new();
        // Or several steps make one batch, of which nothing is crashed then.
        let mut is_committed = true;
        for (nth, (at, fact)) in arrivals.iter().enumerate() {
            let duplicate = arrivals[nth / 2].1.clone();
            for attempt in 0..2 {
                engine.apply(fact.clone());
                engine.apply(duplicate.clone());
                let advanced = engine.advance(at.plus_millis(-1), usize::MAX, &emission);
                let facts = advanced.facts.iter();
                let accepted = facts.filter(|it| it.acceptance == Acceptance::Accepted);
                prop_assert_eq!(accepted.count(), 1);
                prop_assert_eq!(advanced.facts.len(), 2);
                if attempt == 0 && crashes[nth] == 0 && is_committed {
                    engine.rollback();
                    continue;
                }
                events.extend(advanced.events);
                break;
            }
            is_committed = crashes[nth] != 2;
            if !is_committed {
                continue;
            }
            engine.commit();
            if crashes[nth] == 1 {
                engine = restarted(&engine);
            }
            invariant_nothing_is_due_before_now(&engine);
            invariant_timers_agree_with_the_tickets(&engine);
        }
        for step in 0..=END {
            // Few tickets at a time: the limit must not change the result either.
            let advanced = engine.advance(minute(step).plus_millis(1), 1, &emission);
            events.extend(advanced.events);
            engine.commit();
        }
        while engine.evaluated_to() <= minute(END) {
            events.extend(engine.advance(minute(END).plus_millis(1), 1, &emission).events);
            engine.commit();
        }
        prop_assert_eq!(machines(&engine), machines(&whole));
        prop_assert_eq!(&events, &expected);
    }

    #[test]
    fn late_facts_leave_the_same_decisions_and_add_only_corrections(
        rules in rules(),
        facts in lives(HORIZON, 25),
        delays in proptest::collection::vec(0_i64..60, 25),
    ) {
        let (expected, whole) = oracle(&rules, &facts);
        let mut arrivals: Vec<_> = facts
            .iter()
            .zip(&delays)
            .map(|(fact, delay)| (fact.fact.occurred_at.plus_millis(delay * 60_000), fact.clone()))
            .collect();
        arrivals.sort_by_key(|(at, _)| *at);
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut events = Vec::new();
        for (at, fact) in arrivals {
            engine.apply(fact);
            events.extend(engine.advance(at, usize::MAX, &emission).events);
            engine.commit();
            engine = restarted(&engine);
        }
        events.extend(engine.advance(minute(END).plus_millis(1), usize::MAX, &emission).events);
        engine.commit();
        prop_assert_eq!(machines(&engine), machines(&whole));
        invariant_ids_are_unique(&events);
        let emitted: BTreeSet<_> = escalated(&events).map(|event| &event.id).collect();
        for event in escalated(&expected) {
            let again = escalated(&events).any(|e| {
                (e.kind, &e.cause, e.level, e.due_at, &e.ticket_id)
                    == (event.kind, &event.cause, event.level, event.due_at, &event.ticket_id)
            });
            prop_assert!(emitted.contains(&event.id) || again, "{:?} was never emitted", event);
        }
        prop_assert_eq!(levels_seen(&events), levels(&engine));
    }

    #[test]
    fn long_histories_fold_the_same_whatever_the_batches(
        rules in rules(),
        facts in lives(HORIZON, 250),
        cut in 1_usize..40,
    ) {
        let (expected, whole) = oracle(&rules, &facts);
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut events = Vec::new();
        for batch in facts.chunks(cut) {
            let mut to = Timestamp::MIN;
            for fact in batch {
                to = fact.fact.occurred_at;
                engine.apply(fact.clone());
            }
            events.extend(engine.advance(to, usize::MAX, &emission).events);
            engine.commit();
            engine = restarted(&engine);
        }
        events.extend(engine.advance(minute(END).plus_millis(1), usize::MAX, &emission).events);
        engine.commit();
        for (id, state) in engine.tickets() {
            prop_assert!(state.facts.len() <= 64, "{} keeps {} facts", id, state.facts.len());
        }
        prop_assert_eq!(machines(&engine), machines(&whole));
        prop_assert_eq!(&events, &expected);
        for fact in &facts {
            engine.apply(fact.clone());
        }
        let again = engine.advance(minute(END).plus_millis(2), usize::MAX, &emission);
        prop_assert!(again.events.is_empty(), "a second reading emits nothing");
    }

    #[test]
    fn large_histories_fold_the_same_whatever_the_batches(
        rules in rules(),
        facts in lives(HORIZON, 60),
        sizes in proptest::collection::vec(0_usize..200_000, 60),
        cut in 1_usize..20,
    ) {
        let facts: Vec<_> =
            facts.iter().zip(sizes).map(|(fact, size)| with_note(fact, size)).collect();
        let (expected, whole) = oracle(&rules, &facts);
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut events = Vec::new();
        for batch in facts.chunks(cut) {
            // Inside a batch the last come first.
            let to = batch.last().map_or(Timestamp::MIN, |fact| fact.fact.occurred_at);
            for fact in batch.iter().rev() {
                engine.apply(fact.clone());
            }
            events.extend(engine.advance(to, usize::MAX, &emission).events);
            engine.commit();
            engine = restarted(&engine);
        }
        events.extend(engine.advance(minute(END).plus_millis(1), usize::MAX, &emission).events);
        engine.commit();
        for (id, state) in engine.tickets() {
            let bytes: usize = state.facts.iter().map(|fact| fact.bytes()).sum();
            prop_assert!(
                state.facts.len() == 1 || bytes <= FACTS_BYTES_MAX,
                "{} keeps {} bytes", id, bytes
            );
        }
        prop_assert_eq!(machines(&engine), machines(&whole));
        prop_assert_eq!(&events, &expected);
    }

    #[test]
    fn explain_agrees_with_simulate(rules in rules(), facts in lives(HORIZON, 30), at in 0..HORIZON) {
        let (expected, _) = oracle(&rules, &facts);
        for ticket in ["T1", "T2"] {
            let own: Vec<Arc<Fact>> =
                facts.iter().filter(|f| &*f.ticket_id == ticket).map(|f| Arc::clone(&f.fact)).collect();
            let Some(explained) = explain(&ticket.into(), &own, minute(at), &rules) else {
                prop_assert!(own.iter().all(|fact| fact.occurred_at > minute(at)));
                continue;
            };
            let until_then = escalated(&expected).filter(|e| &*e.ticket_id == ticket && e.fired_at <= minute(at));
            let level = until_then.last().map_or(0, |event| event.level);
            prop_assert_eq!(explained.level, level);
            for clock in &explained.clocks {
                let warned = |mark: &str| {
                    escalated(&expected).find(|e| {
                        &*e.ticket_id == ticket
                            && e.cause.name.as_deref() == Some(&*clock.timeframe)
                            && e.cause.mark.as_deref() == Some(mark)
                            && e.cause.cycle == Some(clock.cycle)
                    })
                };
                for mark in &clock.marks {
                    if let Some(event) = warned(&mark.at) {
                        let fired_at = Some(event.fired_at).filter(|at_fired| *at_fired <= minute(at));
                        prop_assert_eq!(mark.fired_at, fired_at, "{} {}", clock.timeframe, mark.at);
                    }
                }
                let running = clock.state == "running";
                prop_assert!(!running || clock.due_at.is_some() || clock.within_s.is_none());
            }
        }
    }

    #[test]
    fn what_people_read_does_not_tell_when_it_was_sent(
        rules in rules(),
        facts in lives(HORIZON, 40),
        outage in 0..END,
    ) {
        let (expected, _) = oracle(&rules, &facts);
        let texts: BTreeMap<_, _> =
            notified(&expected).map(|it| (&it.id, (&it.subject, &it.body))).collect();
        let emission = Emission {
            firing: Firing::At(minute(END + outage)),
            ..Emission::on_virtual_clock()
        };
        let mut engine = Engine::new(Arc::clone(&rules));
        for fact in &facts {
            engine.apply(fact.clone());
        }
        let advanced = engine.advance(minute(END).plus_millis(1), usize::MAX, &emission);
        prop_assert_eq!(advanced.counts.templates_failed, 0);
        for late in notified(&advanced.events) {
            prop_assert_eq!(texts.get(&late.id), Some(&(&late.subject, &late.body)));
        }
    }

    #[test]
    fn cycles_are_all_there_and_the_latest_is_the_one_that_explain_shows(
        rules in rules(), facts in lives(HORIZON, 30), at in 0..HORIZON,
    ) {
        for ticket in ["T1", "T2"] {
            let own: Vec<Arc<Fact>> =
                facts.iter().filter(|f| &*f.ticket_id == ticket).map(|f| Arc::clone(&f.fact)).collect();
            let mut seen = 0;
            let cycles = cycles(&own, minute(at), &rules, |_| seen += 1);
            prop_assert_eq!(seen, own.iter().filter(|fact| fact.occurred_at <= minute(at)).count());
            let explained = explain(&ticket.into(), &own, minute(at), &rules);
            let clocks = explained.iter().flat_map(|it| &it.clocks);
            for clock in clocks.clone().filter(|clock| clock.cycle > 0) {
                let latest = cycles
                    .iter()
                    .find(|cycle| cycle.timeframe == clock.timeframe && cycle.number == clock.cycle)
                    .expect("a clock that was started has its cycle");
                prop_assert_eq!(latest.ended_at, clock.stopped_at);
                prop_assert_eq!(Some(latest.started_at), clock.started_at);
                if latest.ended_at.is_none() {
                    prop_assert_eq!(latest.breached, clock.breached);
                    prop_assert_eq!(latest.elapsed, clock.elapsed_s.into());
                    prop_assert_eq!(latest.within, clock.within_s.map(Into::into));
                }
            }
            for cycle in &cycles {
                let is_open = clocks.clone().any(|clock| {
                    clock.timeframe == cycle.timeframe
                        && clock.cycle == cycle.number
                        && clock.stopped_at.is_none()
                });
                prop_assert_eq!(cycle.ended_at.is_none(), is_open);
                prop_assert!(cycle.ended_at.is_none_or(|ended_at| ended_at >= cycle.started_at));
            }
        }
    }
}
