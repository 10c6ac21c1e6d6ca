//! Which tickets have to be looked at when: a cache over the wake times kept with the tickets.
//!
//! Far wake times lie unsorted in coarse buckets and are sorted when their bucket comes near, so
//! that arming a timer costs a push and cancelling one costs nothing: an entry counts only while
//! the ticket still has that wake time. The whole index is rebuilt from the tickets on restore and
//! dropped with the partition.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::time::Timestamp;

/// The width of a bucket: 10 minutes. Wide enough that a week has about a thousand buckets, narrow
/// enough that sorting one stays in the milliseconds with millions of timers.
const BUCKET_MS: i64 = 600_000;

/// The timers of one partition; a timer is the number of a ticket's slot.
#[derive(Debug, Default)]
pub struct Timers {
    far: BTreeMap<i64, Vec<u32>>,
    /// Everything in buckets before this one is near.
    near_before: i64,
    near: BinaryHeap<Reverse<(Timestamp, u32)>>,
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

    /// Arms a timer; [`Timestamp::MAX`] arms nothing.
    pub fn arm(&mut self, at: Timestamp, slot: u32) {
        if at == Timestamp::MAX {
            return;
        }
        if bucket(at) < self.near_before {
            self.near.push(Reverse((at, slot)));
        } else {
            self.far.entry(bucket(at)).or_default().push(slot);
        }
    }

    /// Takes out what is armed up to `to`, in order of instant, at most `limit` instants' worth:
    /// once `limit` timers are taken, only those of the same instant follow. `wake` is the true
    /// wake time of a slot; entries that no longer agree with it are dropped.
    pub fn take_until(
        &mut self,
        to: Timestamp,
        limit: usize,
        wake: impl Fn(u32) -> Timestamp,
    ) -> Vec<(Timestamp, u32)> {
        let mut taken: Vec<(Timestamp, u32)> = Vec::new();
        loop {
            while let Some(Reverse((at, slot))) = self.near.peek().copied() {
                let is_over = taken.len() >= limit && taken.last().is_some_and(|last| last.0 < at);
                if at > to || is_over {
                    return taken;
                }
                self.near.pop();
                if wake(slot) == at && taken.last() != Some(&(at, slot)) {
                    taken.push((at, slot));
                }
            }
            match self.far.first_key_value() {
                Some((first, _)) if *first <= bucket(to) => self.promote(&wake),
                Some(_) | None => return taken,
            }
        }
    }

    /// Sorts the first bucket into the near timers.
    fn promote(&mut self, wake: &impl Fn(u32) -> Timestamp) {
        if let Some((number, slots)) = self.far.pop_first() {
            self.near_before = number + 1;
            let mut live: Vec<_> = slots
                .into_iter()
                .map(|slot| (wake(slot), slot))
                .filter(|(at, _)| bucket(*at) == number)
                .collect();
            live.sort_unstable();
            live.dedup();
            self.near.extend(live.into_iter().map(Reverse));
        }
    }

    /// Makes [`Timers::next`] exact: drops entries in front that no longer agree with the true wake
    /// time of their slot, and sorts the first bucket when nothing else is near.
    pub fn settle(&mut self, wake: impl Fn(u32) -> Timestamp) {
        loop {
            while let Some(Reverse((at, slot))) = self.near.peek().copied() {
                if wake(slot) == at {
                    return;
                }
                self.near.pop();
            }
            if self.far.is_empty() {
                return;
            }
            self.promote(&wake);
        }
    }

    /// The earliest armed instant: exact after [`Timers::settle`], else perhaps one that is not
    /// armed any more, or the beginning of a bucket; never too late.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        let near = self.near.peek().map(|Reverse((at, _))| *at);
        let far = self.far.first_key_value();
        near.or_else(|| far.map(|(number, _)| Timestamp::from_millis(number * BUCKET_MS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    #[test]
    fn timers_come_in_order_and_stale_ones_never() {
        let mut timers = Timers::new();
        let mut wakes = [at(5), at(3), at(90), at(3)];
        for (slot, wake) in wakes.iter().enumerate() {
            timers.arm(*wake, slot as u32);
        }
        wakes[2] = at(40);
        timers.arm(at(40), 2);
        let taken = timers.take_until(at(50), 100, |slot| wakes[slot as usize]);
        assert_eq!(taken, [(at(3), 1), (at(3), 3), (at(5), 0), (at(40), 2)]);
        assert!(
            timers
                .take_until(at(200), 100, |slot| wakes[slot as usize])
                .is_empty()
        );
    }

    #[test]
    fn a_limit_never_splits_an_instant() {
        let mut timers = Timers::new();
        for slot in 0..10 {
            timers.arm(at(i64::from(slot / 4)), slot);
        }
        let wake = |slot: u32| at(i64::from(slot / 4));
        assert_eq!(timers.take_until(at(100), 1, wake).len(), 4);
        assert_eq!(timers.take_until(at(100), 5, wake).len(), 6);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_next_timer_is_exact_once_stale_ones_are_dropped() {
        let mut timers = Timers::new();
        let mut wakes = [at(3), at(7), at(95)];
        for (slot, wake) in wakes.iter().enumerate() {
            timers.arm(*wake, slot as u32);
        }
        assert_eq!(timers.next(), Some(at(0)), "the beginning of the bucket");
        timers.settle(|slot| wakes[slot as usize]);
        assert_eq!(timers.next(), Some(at(3)));
        wakes[0] = Timestamp::MAX;
        timers.settle(|slot| wakes[slot as usize]);
        assert_eq!(timers.next(), Some(at(7)));
        wakes[1] = at(97);
        timers.arm(wakes[1], 1);
        timers.settle(|slot| wakes[slot as usize]);
        assert_eq!(timers.next(), Some(at(95)));
        let taken = timers.take_until(at(200), 9, |slot| wakes[slot as usize]);
        assert_eq!(taken, [(at(95), 2), (at(97), 1)]);
        timers.settle(|slot| wakes[slot as usize]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn timers_armed_into_the_near_past_still_come() {
        let mut timers = Timers::new();
        timers.arm(at(10), 0);
        assert_eq!(timers.take_until(at(15), 9, |_| at(10)), [(at(10), 0)]);
        timers.arm(at(2), 1);
        timers.arm(at(16), 2);
        let wake = |slot: u32| if slot == 1 { at(2) } else { at(16) };
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(
            timers.take_until(at(20), 9, wake),
            [(at(2), 1), (at(16), 2)]
        );
    }
}
