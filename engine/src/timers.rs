//! Which tickets have to be looked at when: a cache over the next steps kept with the tickets.
//!
//! Far steps lie unsorted in coarse buckets and are sorted when their bucket comes near, so that
//! arming a timer costs a push and cancelling one costs nothing: an entry counts only while the
//! ticket still has that next step. The others are left out whenever their bucket has no room for
//! one more. A timer names the slot of its ticket; the id, by which those of one step follow each
//! other, is looked up where they meet. The whole index is rebuilt from the tickets on restore and
//! dropped with the partition.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::step::Step;
use crate::time::Timestamp;

/// The width of a bucket: 10 minutes. Wide enough that a week has about a thousand buckets, narrow
/// enough that sorting one stays in the milliseconds with millions of timers.
const BUCKET_MS: i64 = 600_000;

/// A bucket begins with room for so many: 16 bytes, the least that memory comes in.
const ROOM_MIN: usize = 4;

/// The timers of one partition.
#[derive(Debug, Default)]
pub struct Timers {
    far: BTreeMap<i64, Vec<u32>>,
    /// Everything in buckets before this one is near.
    near_before: i64,
    /// Near timers in their order, the last one first.
    near: Vec<Timer>,
    /// Near timers that were armed since, in the order of their steps.
    late: BinaryHeap<Reverse<Timer>>,
}

/// One timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// What the ticket decides then.
    pub step: Step,
    /// The slot of the ticket.
    pub slot: u32,
}

/// What is true of the tickets.
pub trait Tickets {
    /// The next step of the ticket in a slot.
    fn next(&self, slot: u32) -> Step;
    /// The bytes of its id.
    fn id(&self, slot: u32) -> &[u8];
}

const fn bucket(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(BUCKET_MS)
}

impl Timers {
    /// Timers with nothing armed.
    #[must_use]
    pub fn new() -> Self {
        Self {
            near_before: i64::MIN,
            ..Self::default()
        }
    }

    /// Keeps no memory for more timers than there are.
    pub fn give_back(&mut self) {
        self.near.shrink_to_fit();
        self.late.shrink_to_fit();
        self.far.values_mut().for_each(Vec::shrink_to_fit);
    }

    /// Arms a timer for the next step of a ticket; [`Step::NEVER`] arms nothing.
    pub fn arm(&mut self, step: Step, slot: u32, tickets: &impl Tickets) {
        if step == Step::NEVER {
            return;
        }
        if bucket(step.at) < self.near_before {
            self.late.push(Reverse(Timer { step, slot }));
        } else {
            let number = bucket(step.at);
            let slots = self.far.entry(number).or_default();
            if slots.len() == slots.capacity() {
                make_room(slots, number, tickets);
            }
            slots.push(slot);
        }
    }

    /// Arms a timer that was taken, cheaply if it is the first one of all.
    pub fn put_back(&mut self, timer: Timer, tickets: &impl Tickets) {
        let is_before = |first: &Timer| {
            (first.step, tickets.id(first.slot)) > (timer.step, tickets.id(timer.slot))
        };
        if bucket(timer.step.at) < self.near_before && self.near.last().is_some_and(is_before) {
            self.near.push(timer);
        } else {
            self.arm(timer.step, timer.slot, tickets);
        }
    }

    /// Takes out the first timers, at most `count`, whose ticket an evaluation at `to` has to look
    /// at. They come in the order of the events that they bring about: by step, then by the id of
    /// the ticket. Timers that no longer agree with the true next step are dropped.
    pub fn take_until(
        &mut self,
        to: Timestamp,
        count: usize,
        tickets: &impl Tickets,
    ) -> Vec<Timer> {
        let mut taken: Vec<Timer> = Vec::new();
        while let Some(timer) = self.first(tickets) {
            if timer.step.wake() > to || taken.len() == count {
                break;
            }
            self.near.pop();
            if taken.last() != Some(&timer) {
                taken.push(timer);
            }
        }
        taken
    }

    /// Makes [`Timers::next`] exact: drops timers in front that no longer agree with the true next
    /// step of their slot, and sorts the first bucket when nothing else is near.
    pub fn settle(&mut self, tickets: &impl Tickets) {
        self.first(tickets);
    }

    /// When the first armed ticket has to be looked at: exact after [`Timers::settle`], else perhaps
    /// one that is not armed any more, or the beginning of a bucket; never too late.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        let near = self.near.last().map(|timer| timer.step.wake());
        let late = self.late.peek().map(|Reverse(timer)| timer.step.wake());
        let far = self.far.first_key_value();
        let near = near.into_iter().chain(late).min();
        near.or_else(|| far.map(|(number, _)| Timestamp::from_millis(number * BUCKET_MS)))
    }

    /// The first timer that counts, which then is the last one in `near`.
    fn first(&mut self, tickets: &impl Tickets) -> Option<Timer> {
        loop {
            self.merge(tickets);
            while let Some(timer) = self.near.last() {
                if tickets.next(timer.slot) == timer.step {
                    break;
                }
                self.near.pop();
            }
            let first = self.near.last().copied();
            let late = self.late.peek().map(|Reverse(timer)| timer.step);
            if late.is_some_and(|late| first.is_none_or(|first| late <= first.step)) {
                continue;
            }
            if first.is_some() || self.far.is_empty() {
                return first;
            }
            self.promote(tickets);
        }
    }

    /// Puts the late timers of the first step among the others, if none of these comes before them.
    fn merge(&mut self, tickets: &impl Tickets) {
        let Some(Reverse(Timer { step, .. })) = self.late.peek().copied() else {
            return;
        };
        if self.near.last().is_some_and(|first| first.step < step) {
            return;
        }
        let rest = self.near.partition_point(|timer| timer.step > step);
        // A slot may have another ticket than it had when it was sorted: all of the step are sorted.
        let mut slots: Vec<u32> = self.near.drain(rest..).map(|timer| timer.slot).collect();
        while let Some(Reverse(timer)) = self.late.peek()
            && timer.step == step
        {
            slots.push(timer.slot);
            self.late.pop();
        }
        self.sort_in(slots, tickets, |next| next == step);
    }

    /// Sorts the first bucket into the near timers, of which there are none.
    fn promote(&mut self, tickets: &impl Tickets) {
        if let Some((number, slots)) = self.far.pop_first() {
            self.near_before = number + 1;
            self.sort_in(slots, tickets, |step| bucket(step.at) == number);
        }
    }

    /// Puts the timers of slots, which all come before the others, in their order, unless their next
    /// step has become another one. An id is looked up once: most differ in their first bytes.
    fn sort_in(&mut self, slots: Vec<u32>, tickets: &impl Tickets, is_live: impl Fn(Step) -> bool) {
        let key = |slot: u32| {
            let id = tickets.id(slot);
            let mut first = [0; 16];
            let length = id.len().min(first.len());
            first[..length].copy_from_slice(&id[..length]);
            (tickets.next(slot), u128::from_be_bytes(first), slot)
        };
        let live = slots
            .into_iter()
            .filter(|slot| is_live(tickets.next(*slot)));
        let mut keys: Vec<(Step, u128, u32)> = live.map(key).collect();
        keys.sort_unstable_by(|a, b| {
            let by_key = (b.0, b.1).cmp(&(a.0, a.1));
            by_key.then_with(|| (tickets.id(b.2), b.2).cmp(&(tickets.id(a.2), a.2)))
        });
        keys.dedup();
        let timers = keys.into_iter().map(|(step, _, slot)| Timer { step, slot });
        self.near.extend(timers);
    }
}

/// Makes room in a bucket for one more: leaves out what does not count in it any more, or twice.
fn make_room(slots: &mut Vec<u32>, number: i64, tickets: &impl Tickets) {
    slots.sort_unstable();
    slots.dedup();
    slots.retain(|slot| bucket(tickets.next(*slot).at) == number);
    // By half, not twice: there are a thousand buckets, and what is left free in them is memory.
    // With less than a quarter free the next look would come too soon to be worth its time.
    if slots.len() >= slots.capacity() / 4 * 3 {
        slots.reserve_exact((slots.len() / 2).max(ROOM_MIN));
    }
}

#[cfg(test)]
mod tests;
