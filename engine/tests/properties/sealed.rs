//! Facts stay packed from batch to batch, which shows nowhere but in the time that it takes: a
//! partition whose tickets are made anew after every batch does the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::emission::Emission;
use escalator_engine::engine::{Engine, Framing};
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::packed::Packer;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::{Duration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::support::{Edited, edited, lives, minute, with_note};
use super::{END, HORIZON, config, made_anew};

/// What is unusual about a fact.
#[derive(Clone, Copy, Debug)]
enum Twist {
    Nothing,
    /// Its record is its identity.
    NoId,
    /// It comes so many facts later.
    Late(usize),
    /// It comes again so many facts later.
    Twice(usize),
    /// It comes again with so many minutes less.
    Smaller(usize, i64),
    /// It is as large as a tenth of all that may be kept.
    Large,
    /// It is of the instant of the fact before it.
    SameInstant,
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        12 => Just(Twist::Nothing),
        2 => Just(Twist::NoId),
        2 => (1_usize..30).prop_map(Twist::Late),
        2 => (1_usize..80).prop_map(Twist::Twice),
        1 => (1_usize..20, 0_i64..20).prop_map(|(later, less)| Twist::Smaller(later, less)),
        1 => Just(Twist::Large),
        1 => Just(Twist::SameInstant),
    ]
}

/// The facts in the order of their arrival.
fn twisted(facts: &[TicketFact], twists: &[Twist]) -> Vec<TicketFact> {
    let mut arrivals: Vec<(usize, TicketFact)> = Vec::new();
    let mut before = Timestamp::MIN;
    for (place, (fact, twist)) in facts.iter().zip(twists).enumerate() {
        let like = |change: &dyn Fn(&mut Fact)| {
            let mut changed = fact.clone();
            change(Arc::make_mut(&mut changed.fact));
            changed
        };
        let same = fact.clone();
        match *twist {
            Twist::Nothing => arrivals.push((place, same)),
            Twist::NoId => arrivals.push((place, like(&|it| it.event_id = None))),
            Twist::Late(later) => arrivals.push((place + later, same)),
            Twist::Twice(later) => {
                arrivals.push((place, fact.clone()));
                arrivals.push((place + later, same));
            }
            Twist::Smaller(later, less) => {
                let smaller = like(&|it| {
                    it.occurred_at = it.occurred_at.plus_millis(-less * 60_000);
                    it.record_hash -= 1_000;
                });
                arrivals.push((place, same));
                arrivals.push((place + later, smaller));
            }
            Twist::Large => arrivals.push((place, with_note(fact, 50_000))),
            Twist::SameInstant => {
                let at = before.max(minute(0));
                arrivals.push((place, like(&|it| it.occurred_at = at)));
            }
        }
        before = fact.fact.occurred_at;
    }
    arrivals.sort_by_key(|(place, _)| *place);
    arrivals.into_iter().map(|(_, fact)| fact).collect()
}

fn forgetful(mut edited: Edited, after: i64) -> Edited {
    let edits = edited.edits.iter_mut().map(|edit| &mut edit.revision);
    for revision in edits.chain([&mut edited.first]) {
        Arc::make_mut(revision).forget_after = Some(Duration::from_secs(after * 60));
    }
    edited
}

/// What a transaction would store of the tickets.
fn changed(engine: &mut Engine) -> BTreeMap<&Text, Option<TicketState>> {
    let read = |stored: Vec<u8>| {
        let datum = stored.strip_prefix(&FRAMING).expect("its framing");
        let state = Packer::default().restored(datum, &mut Vec::new(), 0);
        state.expect("a state")
    };
    let changed = engine.take_changed();
    changed.map(|(id, stored)| (id, stored.map(read))).collect()
}

/// Stands in front of stored states.
const FRAMING: Framing = [0xc3; 10];

fn tickets(engine: &Engine) -> BTreeMap<Text, TicketState> {
    engine.tickets().collect()
}

/// Two partitions that are to do the same.
struct Pair {
    /// Its tickets stay as they were packed.
    sealed: Engine,
    /// Its tickets are restored after every batch.
    loose: Engine,
}

impl Pair {
    fn take(&mut self, batch: &[TicketFact], to: Timestamp) {
        for fact in batch {
            let has_room = self.sealed.has_room(fact, to);
            assert_eq!(has_room, self.loose.has_room(fact, to));
            self.sealed.apply(fact.clone());
            self.loose.apply(fact.clone());
        }
    }

    fn decide(&mut self, to: Timestamp) {
        let emission = Emission::on_virtual_clock();
        let sealed = self.sealed.advance(to, usize::MAX, &emission);
        let loose = self.loose.advance(to, usize::MAX, &emission);
        assert_eq!(sealed.events, loose.events);
        assert_eq!(sealed.counts, loose.counts);
        assert_eq!(sealed.facts, loose.facts);
        assert_eq!(sealed.reached, loose.reached);
        assert_eq!(changed(&mut self.sealed), changed(&mut self.loose));
    }

    fn commit(&mut self) {
        self.sealed.commit();
        self.loose.commit();
        self.loose = made_anew(&self.loose).stored_behind(FRAMING);
        assert_eq!(tickets(&self.sealed), tickets(&self.loose));
        assert_eq!(self.sealed.next_wake(), self.loose.next_wake());
        assert_eq!(self.sealed.pending(), self.loose.pending());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_ticket_that_stays_packed_goes_on_like_one_that_is_made_anew(
        edited in edited(HORIZON, 60),
        forget_after in 5_i64..400,
        facts in lives(HORIZON, 220),
        twists in vec(twist(), 220),
        cut in 1_usize..12,
        behind in vec(0_i64..20, 250),
        crashes in vec(0_u8..5, 250),
    ) {
        let edited = forgetful(edited, forget_after);
        let arrivals = twisted(&facts, &twists);
        let known = edited.arrivals();
        let mut pair = Pair {
            sealed: Engine::new(edited.known(0)).stored_behind(FRAMING),
            loose: Engine::new(edited.known(0)).stored_behind(FRAMING),
        };
        let mut latest = Timestamp::MIN;
        for ((batch, behind), crash) in arrivals.chunks(cut).zip(behind).zip(crashes) {
            let instants = batch.iter().map(|fact| fact.fact.occurred_at);
            latest = instants.fold(latest, Timestamp::max);
            let rules = edited.known(known.partition_point(|at| *at <= latest));
            pair.sealed.set_rules(Arc::clone(&rules));
            pair.loose.set_rules(rules);
            // What is not decided yet waits.
            let to = latest.plus_millis(-behind * 60_000);
            pair.take(batch, to);
            if crash == 0 {
                pair.decide(to);
                pair.sealed.rollback();
                pair.loose.rollback();
                pair.take(batch, to);
            }
            pair.decide(to);
            pair.commit();
        }
        pair.decide(minute(END));
        pair.commit();
    }
}
