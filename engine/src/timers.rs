//! Which tickets have to be looked at when: a cache over the wake times kept with the tickets.
//!
//! Far wake times lie unsorted in coarse buckets and are sorted when their bucket comes near, so
//! that arming a timer costs a push and cancelling one costs nothing: an entry counts only while
//! the ticket still has that wake time. The whole index is rebuilt from the tickets on restore and
//! dropped with the partition.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::step::Step;
use crate::ticket::Text;
use crate::time::Timestamp;

/// The width of a bucket: 10 minutes. Wide enough that a week has about a thousand buckets, narrow
/// enough that sorting one stays in the milliseconds with millions of timers.
const BUCKET_MS: i64 = 600_000;

/// The timers of one partition.
#[derive(Debug, Default)]
pub struct Timers {
    far: BTreeMap<i64, Vec<u32>>,
    /// Everything in buckets before this one is near.
    near_before: i64,
    near: BinaryHeap<Reverse<Timer>>,
}

/// One timer; the order is that of the events that it brings about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// What the ticket decides then.
    pub step: Step,
    /// The ticket.
    pub ticket_id: Text,
    /// Its slot.
    pub slot: u32,
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

    /// Arms a timer; [`Step::NEVER`] arms nothing.
    pub fn arm(&mut self, step: Step, ticket_id: &Text, slot: u32) {
        if step == Step::NEVER {
            return;
        }
        if bucket(step.at) < self.near_before {
            self.near.push(Reverse(Timer {
                step,
                ticket_id: ticket_id.clone(),
                slot,
            }));
        } else {
            self.far.entry(bucket(step.at)).or_default().push(slot);
        }
    }

    /// Takes out the first timers, at most `count`, whose ticket an evaluation at `to` has to look
    /// at. `next` is the true next step of a slot and its ticket; timers that no longer agree with it
    /// are dropped.
    pub fn take_until<'a>(
        &mut self,
        to: Timestamp,
        count: usize,
        next: impl Fn(u32) -> (Step, &'a Text),
    ) -> Vec<Timer> {
        let mut taken: Vec<Timer> = Vec::new();
        loop {
            while let Some(Reverse(timer)) = self.near.peek() {
                if timer.step.wake() > to || taken.len() == count {
                    return taken;
                }
                let is_live = timer.is_live(&next) && taken.last() != Some(timer);
                if let Some(Reverse(timer)) = self.near.pop()
                    && is_live
                {
                    taken.push(timer);
                }
            }
            match self.far.first_key_value() {
                Some((first, _)) if *first <= bucket(to) => self.promote(&next),
                Some(_) | None => return taken,
            }
        }
    }

    /// Sorts the first bucket into the near timers.
    fn promote<'a>(&mut self, next: &impl Fn(u32) -> (Step, &'a Text)) {
        if let Some((number, mut slots)) = self.far.pop_first() {
            self.near_before = number + 1;
            slots.sort_unstable();
            slots.dedup();
            let timers = slots.into_iter().map(|slot| {
                let (step, ticket_id) = next(slot);
                (step, ticket_id, slot)
            });
            let live = timers.filter(|(step, ..)| bucket(step.at) == number);
            self.near.extend(live.map(|(step, ticket_id, slot)| {
                Reverse(Timer {
                    step,
                    ticket_id: ticket_id.clone(),
                    slot,
                })
            }));
        }
    }

    /// Makes [`Timers::next`] exact: drops timers in front that no longer agree with the true next
    /// step of their slot, and sorts the first bucket when nothing else is near.
    pub fn settle<'a>(&mut self, next: impl Fn(u32) -> (Step, &'a Text)) {
        loop {
            while let Some(Reverse(timer)) = self.near.peek() {
                if timer.is_live(&next) {
                    return;
                }
                self.near.pop();
            }
            if self.far.is_empty() {
                return;
            }
            self.promote(&next);
        }
    }

    /// When the first armed ticket has to be looked at: exact after [`Timers::settle`], else perhaps
    /// one that is not armed any more, or the beginning of a bucket; never too late.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        let near = self.near.peek().map(|Reverse(timer)| timer.step.wake());
        let far = self.far.first_key_value();
        near.or_else(|| far.map(|(number, _)| Timestamp::from_millis(number * BUCKET_MS)))
    }
}

impl Timer {
    fn is_live<'a>(&self, next: &impl Fn(u32) -> (Step, &'a Text)) -> bool {
        next(self.slot) == (self.step, &self.ticket_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    fn due(minutes: i64) -> Step {
        Step::due(at(minutes))
    }

    /// Tickets by their slots, with what each has to do next.
    struct Tickets(Vec<(Step, Text)>);

    impl Tickets {
        fn new(steps: &[Step]) -> (Self, Timers) {
            let mut timers = Timers::new();
            let named = (0..).zip(steps).map(|(slot, step)| {
                let id: Text = format!("T{slot}").into();
                timers.arm(*step, &id, slot);
                (*step, id)
            });
            (Self(named.collect()), timers)
        }

        fn next(&self, slot: u32) -> (Step, &Text) {
            let (step, id) = &self.0[slot as usize];
            (*step, id)
        }

        fn move_to(&mut self, slot: u32, step: Step, timers: &mut Timers) {
            self.0[slot as usize].0 = step;
            timers.arm(step, &self.0[slot as usize].1, slot);
        }

        fn take(&self, timers: &mut Timers, minutes: i64, count: usize) -> Vec<(Step, u32)> {
            let to = at(minutes).plus_millis(1);
            let taken = timers.take_until(to, count, |slot| self.next(slot));
            taken.into_iter().map(|it| (it.step, it.slot)).collect()
        }
    }

    #[test]
    fn timers_come_in_order_and_stale_ones_never() {
        let (mut tickets, mut timers) = Tickets::new(&[due(5), due(3), due(90), due(3)]);
        tickets.move_to(2, due(40), &mut timers);
        let taken = tickets.take(&mut timers, 50, 100);
        assert_eq!(taken, [(due(3), 1), (due(3), 3), (due(5), 0), (due(40), 2)]);
        assert!(tickets.take(&mut timers, 200, 100).is_empty());
    }

    #[test]
    fn those_of_one_instant_come_in_the_order_of_their_events() {
        let fact = Step::fact(at(3));
        let (mut tickets, mut timers) = Tickets::new(&[due(3), due(3), due(3), fact, fact]);
        // The order is that of the tickets, not of their slots.
        let ids = ["E", "D", "C", "B", "A"];
        tickets.0 = tickets
            .0
            .iter()
            .zip(ids)
            .map(|(it, id)| (it.0, id.into()))
            .collect();
        assert_eq!(
            tickets.take(&mut timers, 3, 3),
            [(fact, 4), (fact, 3), (due(3), 2)]
        );
        assert_eq!(tickets.take(&mut timers, 3, 3), [(due(3), 1), (due(3), 0)]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_next_timer_is_exact_once_stale_ones_are_dropped() {
        let (mut tickets, mut timers) = Tickets::new(&[due(3), due(7), due(95)]);
        assert_eq!(timers.next(), Some(at(0)), "the beginning of the bucket");
        timers.settle(|slot| tickets.next(slot));
        assert_eq!(timers.next(), Some(due(3).wake()));
        tickets.move_to(0, Step::NEVER, &mut timers);
        timers.settle(|slot| tickets.next(slot));
        assert_eq!(timers.next(), Some(due(7).wake()));
        tickets.move_to(1, due(97), &mut timers);
        timers.settle(|slot| tickets.next(slot));
        assert_eq!(timers.next(), Some(due(95).wake()));
        let taken = tickets.take(&mut timers, 200, 9);
        assert_eq!(taken, [(due(95), 2), (due(97), 1)]);
        timers.settle(|slot| tickets.next(slot));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn timers_armed_into_the_near_past_still_come() {
        let (mut tickets, mut timers) = Tickets::new(&[due(10), Step::NEVER]);
        assert_eq!(tickets.take(&mut timers, 15, 9), [(due(10), 0)]);
        tickets.move_to(0, due(2), &mut timers);
        tickets.move_to(1, due(16), &mut timers);
        assert_eq!(timers.next(), Some(due(2).wake()));
        assert_eq!(
            tickets.take(&mut timers, 20, 9),
            [(due(2), 0), (due(16), 1)]
        );
    }

    #[test]
    fn a_timer_of_a_forgotten_ticket_is_none_of_the_next_one_in_its_slot() {
        let (mut tickets, mut timers) = Tickets::new(&[due(3)]);
        timers.settle(|slot| tickets.next(slot));
        tickets.0[0].1 = "other".into();
        timers.arm(due(3), &"other".into(), 0);
        assert_eq!(tickets.take(&mut timers, 5, 9), [(due(3), 0)]);
        assert_eq!(timers.next(), None);
    }
}
