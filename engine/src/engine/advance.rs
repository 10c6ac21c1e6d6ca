//! Deciding on, a batch at a time.
//!
//! A batch takes about as many tickets as it is told to, and ends before an instant that does not fit
//! into it. An instant that fits into none, as that of an edit of the plans, which all open tickets
//! have in common, is cut in the order of its events: first what facts and edits do, then what falls
//! due, each by ticket id. So what comes out is the same wherever it is cut. Nothing is kept about a
//! cut: whoever goes on, restarted or not, finds in the tickets what is left of the instant.

use super::{Advanced, Engine};
use crate::emission::{Emission, Emitted};
use crate::step::{Step, Until};
use crate::ticket::Text;
use crate::ticket_state::Context;
use crate::time::Timestamp;

/// What a batch has decided so far.
struct Decided<'a> {
    emission: &'a Emission,
    advanced: Advanced,
    /// With the ids of the tickets, in any order.
    fired: Vec<(Text, Emitted)>,
}

impl Engine {
    /// Evaluates everything before `to`, which never goes back. With more than `limit` tickets to
    /// look at it stops before an instant, or inside of one that has more than that by itself.
    pub fn advance(&mut self, to: Timestamp, limit: usize, emission: &Emission) -> Advanced {
        // A limit of 0 would never end.
        let limit = limit.max(1);
        let from = self.batch.evaluated_to.unwrap_or(self.evaluated_to);
        let to = to.max(from);
        let slots = &self.slots;
        let wake = |slot: u32| slots[slot as usize].next.wake();
        let mut taken = self.timers.take_until(to, limit, wake);
        let last = taken.last().map_or(to, |(at, _)| *at);
        // The last instant alone may be more than is wanted.
        let instant = if taken.len() > limit {
            taken.split_off(taken.partition_point(|(at, _)| *at < last))
        } else {
            Vec::new()
        };
        let reached = match (instant.is_empty(), taken.len() < limit) {
            (true, true) => to,
            (true, false) => last,
            (false, _) => last.plus_millis(-1),
        };
        let reached = reached.min(to).max(from);
        let mut decided = Decided {
            emission,
            advanced: Advanced {
                reached,
                is_more_left: reached < to || !instant.is_empty(),
                ..Advanced::default()
            },
            fired: Vec::new(),
        };
        self.batch.evaluated_to = Some(reached);
        let is_cut = taken.is_empty() && !instant.is_empty();
        for (at, slot) in taken {
            let ticket_id = self.slots[slot as usize].ticket_id.clone();
            self.dirty(ticket_id).is_fresh = true;
            self.batch.taken.push((at, slot));
        }
        self.advance_to(reached, &mut decided);
        if is_cut {
            self.advance_in(last, instant, limit, &mut decided);
        } else {
            for (at, slot) in instant {
                self.timers.arm(at, slot);
            }
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
        advanced
    }

    /// Lets every ticket of the batch decide what it has to before an instant.
    fn advance_to(&mut self, to: Timestamp, decided: &mut Decided<'_>) {
        for place in 0..self.batch.dirty.len() {
            let dirty = &self.batch.dirty[place];
            if dirty.is_fresh || dirty.next.wake() <= to {
                self.advance_one(place, Until::before(to), decided);
            }
        }
    }

    /// Decides a part of an instant that is too much for a batch: what at most `limit` tickets have
    /// to do in its first part, of those that a timer calls at it, and of the batch. Each batch looks
    /// through all that are left, which is about 20 ms for 100,000 tickets.
    fn advance_in(
        &mut self,
        wake: Timestamp,
        called: Vec<(Timestamp, u32)>,
        limit: usize,
        decided: &mut Decided<'_>,
    ) {
        let mut waiting: Vec<(Step, &Text, Option<u32>)> = Vec::with_capacity(called.len());
        for (at, number) in called {
            let slot = &self.slots[number as usize];
            if self.batch.by_id.contains_key(&slot.ticket_id) {
                // The batch knows better when it has to be looked at.
                self.batch.taken.push((at, number));
            } else {
                waiting.push((slot.next, &slot.ticket_id, Some(number)));
            }
        }
        let of_batch = self.batch.dirty.iter();
        let of_batch = of_batch.filter(|dirty| dirty.next.wake() == wake);
        waiting.extend(of_batch.map(|dirty| (dirty.next, &dirty.ticket_id, None)));
        let Some(first) = waiting.iter().map(|(step, ..)| *step).min() else {
            return;
        };
        if limit < waiting.len() {
            waiting.select_nth_unstable(limit);
        }
        let mut chosen: Vec<Text> = Vec::with_capacity(limit.min(waiting.len()));
        for (nth, (step, ticket_id, number)) in waiting.into_iter().enumerate() {
            let is_chosen = nth < limit && step == first;
            if is_chosen {
                chosen.push(ticket_id.clone());
            }
            match number {
                Some(number) if is_chosen => self.batch.taken.push((wake, number)),
                Some(number) => self.timers.arm(wake, number),
                None => {}
            }
        }
        let until = Until::before(decided.advanced.reached).at_least(Until::through(first));
        for ticket_id in chosen {
            let place = self.place(ticket_id);
            self.advance_one(place, until, decided);
        }
    }

    /// Lets one ticket of the batch decide.
    fn advance_one(&mut self, place: usize, until: Until, decided: &mut Decided<'_>) {
        let dirty = &mut self.batch.dirty[place];
        let context = Context {
            ticket_id: &dirty.ticket_id,
            rules: &self.rules,
            emission: decided.emission,
        };
        let mut events = Vec::new();
        decided.advanced.counts += dirty.state.advance(until, context, &mut events);
        dirty.next = dirty.state.next_step(&self.rules);
        dirty.is_fresh = false;
        dirty.is_changed = true;
        let named = events
            .into_iter()
            .map(|event| (dirty.ticket_id.clone(), event));
        decided.fired.extend(named);
    }
}
