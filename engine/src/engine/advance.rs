//! Deciding on, a batch at a time.
//!
//! A batch takes about as many tickets as it is told to, and ends before an instant that does not fit
//! into it. An instant that fits into none, as that of an edit of the plans, which all open tickets
//! have in common, is cut in the order of its events: first what facts and edits do, then what falls
//! due, each by ticket id. So what comes out is the same wherever it is cut. Nothing is kept about a
//! cut: whoever goes on, restarted or not, finds in the tickets what is left of the instant.

use super::slots::ABREAST;
use super::{Advanced, Engine};
use crate::emission::{Emission, Emitted};
use crate::step::{Step, Until};
use crate::ticket::Text;
use crate::ticket_state::Context;
use crate::time::Timestamp;
use crate::timers::Timer;

/// What a batch has decided so far.
struct Decided<'a> {
    emission: &'a Emission,
    advanced: Advanced,
    /// With the ids of the tickets, in any order.
    fired: Vec<(Text, Emitted)>,
}

/// What a batch takes on.
struct Portion {
    /// Everything before this instant is decided.
    reached: Timestamp,
    /// The tickets to look at.
    timers: Vec<Timer>,
    /// Whether they all are of one instant that is cut behind the last of them.
    is_cut: bool,
    /// Whether others are left.
    is_more_left: bool,
}

impl Engine {
    /// Evaluates everything before `to`, which never goes back. With more than `limit` tickets that
    /// this batch has to look at it stops before an instant, or inside of one that has more than that
    /// by itself; every call takes one at least.
    pub fn advance(&mut self, to: Timestamp, limit: usize, emission: &Emission) -> Advanced {
        self.batch.place_arrived(&self.slots);
        let from = self.reached();
        let portion = self.portion(to, limit);
        let reached = portion.reached;
        let mut decided = Decided {
            emission,
            advanced: Advanced {
                reached,
                is_more_left: portion.is_more_left,
                ..Advanced::default()
            },
            fired: Vec::new(),
        };
        self.batch.evaluated_to = Some(reached);
        if portion.is_cut {
            self.advance_to(from, reached, &mut decided);
            self.advance_in(portion.timers, &mut decided);
        } else {
            for abreast in portion.timers.chunks(ABREAST) {
                let slots = abreast.iter().map(|timer| timer.slot);
                self.slots.foresee_ids(slots);
                for timer in abreast {
                    self.batch.ticket_in(timer.slot, &self.slots).is_fresh = true;
                    self.batch.taken.push(*timer);
                }
            }
            self.advance_to(from, reached, &mut decided);
        }
        let Decided {
            mut advanced,
            mut fired,
            ..
        } = decided;
        // Stable: what one ticket decides at one instant stays in its order.
        fired.sort_by(|(a_id, a), (b_id, b)| (a.at, a.is_due, a_id).cmp(&(b.at, b.is_due, b_id)));
        let events = fired.into_iter().map(|(_, event)| event).collect();
        advanced.events = self.judge(events, reached, emission);
        advanced.facts = std::mem::take(&mut self.batch.accepted);
        advanced
    }

    /// Takes the timers of a batch.
    fn portion(&mut self, to: Timestamp, limit: usize) -> Portion {
        let from = self.reached();
        let to = to.max(from);
        // A limit of 0 would never end. One more shows where the others begin.
        let limit = limit.saturating_sub(self.batch.taken.len()).max(1);
        let mut timers = self
            .timers
            .take_until(to, limit.saturating_add(1), &self.slots);
        let beyond = if timers.len() > limit {
            timers.pop()
        } else {
            None
        };
        let Some(beyond) = beyond else {
            return Portion {
                reached: to,
                timers,
                is_cut: false,
                is_more_left: false,
            };
        };
        // All of an instant, or nothing of it, unless there is nothing else.
        let at = beyond.step.at;
        let whole = timers.partition_point(|timer| timer.step.at < at);
        let is_cut = whole == 0;
        self.timers.put_back(beyond, &self.slots);
        if !is_cut {
            for timer in timers.drain(whole..).rev() {
                self.timers.put_back(timer, &self.slots);
            }
        }
        Portion {
            reached: at.max(from),
            timers,
            is_cut,
            is_more_left: true,
        }
    }

    /// Lets every ticket of the batch decide what it has to before an instant; what came for them came when
    /// everything before `from` was decided.
    fn advance_to(&mut self, from: Timestamp, to: Timestamp, decided: &mut Decided<'_>) {
        let places = self.batch.len();
        for begin in (0..places).step_by(ABREAST) {
            let abreast = begin..places.min(begin + ABREAST);
            self.batch.foresee(abreast.clone(), &self.slots);
            for place in abreast {
                self.look_at(place, from, to, decided);
            }
        }
    }

    /// Lets one ticket take in what came for it, and decide if it has to.
    fn look_at(&mut self, place: usize, from: Timestamp, to: Timestamp, decided: &mut Decided<'_>) {
        self.batch.take_in_facts(place, from, &self.slots);
        let dirty = self.batch.at_mut(place);
        if dirty.is_fresh || dirty.next.wake() <= to {
            self.advance_one(place, Until::before(to), decided);
        } else {
            dirty.let_go();
        }
    }

    /// Decides of an instant what its first tickets have to do in its first part: those of the
    /// timers, and those of the batch that come before the last of these.
    fn advance_in(&mut self, timers: Vec<Timer>, decided: &mut Decided<'_>) {
        let place_of = |timer: &Timer| (timer.step, self.slots.ticket_id(timer.slot));
        let Some(last) = timers.last().map(place_of) else {
            return;
        };
        let of_batch = self.batch.tickets();
        let of_batch = of_batch.map(|dirty| (dirty.next, dirty.ticket_id.clone()));
        let mut first: Vec<(Step, Text)> = of_batch
            .filter(|place| place.0.at == last.0.at && *place <= last)
            .collect();
        let mut waiting = Vec::with_capacity(timers.len());
        for timer in timers {
            // Of its own tickets the batch knows better when they have to be looked at.
            let place = place_of(&timer);
            if self.batch.has(&place.1, &self.slots) {
                self.batch.taken.push(timer);
            } else {
                first.push(place);
                waiting.push(timer);
            }
        }
        let Some(step) = first.iter().map(|(step, _)| *step).min() else {
            return;
        };
        first.retain(|place| place.0 == step);
        for timer in waiting.into_iter().rev() {
            if timer.step == step {
                self.batch.taken.push(timer);
            } else {
                self.timers.put_back(timer, &self.slots);
            }
        }
        let until = Until::before(decided.advanced.reached).at_least(Until::through(step));
        for (_, ticket_id) in first {
            let hash = self.slots.hash(&ticket_id);
            let place = self.batch.place(&ticket_id, hash, &self.slots);
            self.advance_one(place, until, decided);
        }
    }

    /// Lets one ticket of the batch decide.
    fn advance_one(&mut self, place: usize, until: Until, decided: &mut Decided<'_>) {
        let dirty = self.batch.at_mut(place);
        let mut state = dirty.take_state(&self.slots);
        let context = Context {
            ticket_id: &dirty.ticket_id,
            rules: &self.rules,
            emission: decided.emission,
            quiet_until: dirty.next.at,
        };
        let mut events = Vec::new();
        let progress = state.advance(until, context, &mut events);
        decided.advanced.counts += progress.counts;
        dirty.decide(&state, progress.next, &mut self.slots, self.framing);
        let named = events
            .into_iter()
            .map(|event| (dirty.ticket_id.clone(), event));
        decided.fired.extend(named);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fact::{Fact, TicketFact};
    use crate::plan::Revision;
    use crate::rules::Rules;
    use crate::ticket_state::Acceptance;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn fact(seconds: i64) -> TicketFact {
        TicketFact {
            ticket_id: "T1".into(),
            fact: Arc::new(Fact::bare(at(seconds), seconds)),
        }
    }

    #[test]
    fn late_is_what_comes_behind_what_its_batch_has_decided() {
        let emission = Emission::on_virtual_clock();
        let mut engine = Engine::new(Arc::new(Rules::new(Arc::new(Revision::default()))));
        let mut accepted = |seconds: &[i64], to| {
            for seconds in seconds {
                // Where there is room is asked before, and takes in what came.
                assert!(engine.has_room(&fact(*seconds), at(to)));
                engine.apply(fact(*seconds));
            }
            engine.has_room(&fact(1_000), at(0));
            let facts = engine.advance(at(to), usize::MAX, &emission).facts;
            let acceptances = facts.iter().map(|it| it.acceptance);
            acceptances.collect::<Vec<_>>()
        };
        assert_eq!(accepted(&[10, 50], 100), [Acceptance::Accepted; 2]);
        assert_eq!(accepted(&[99], 200), [Acceptance::Late]);
        let both = [Acceptance::Late, Acceptance::Accepted];
        assert_eq!(accepted(&[199, 200], 300), both);
        engine.commit();
        assert_eq!(engine.evaluated_to(), at(300));
    }
}
