//! Opening hours as sorted instants with running sums, built block by block when asked for.
//!
//! A block covers 2^35 ms, about 398 days: an instant finds its block by a shift, and within the
//! block a binary search over some hundred openings does the rest. Blocks know nothing of each
//! other; what lies between two instants far apart is the sum of the totals between.

use std::sync::OnceLock;

use super::day::{Day, YEARS};
use crate::time::Timestamp;

/// 2^35 ms: with two intervals a day a block has about 600 of them, which ten comparisons tell
/// apart, and the ticket of a year touches two blocks.
const BLOCK_BITS: u32 = 35;

/// The working time of a calendar from the first to the last of [`YEARS`].
#[derive(Debug)]
pub(super) struct Blocks {
    from_ms: i64,
    to_ms: i64,
    blocks: Box<[OnceLock<Box<Block>>]>,
}

/// Open from the first instant until before the second, in milliseconds.
pub(super) type Open = (i64, i64);

/// The openings of one block; the vectors are equally long.
#[derive(Debug, Default)]
struct Block {
    opens_ms: Vec<i64>,
    closes_ms: Vec<i64>,
    /// Working time of the block before each opening.
    before_ms: Vec<i64>,
    total_ms: i64,
}

/// Which of the instants with the same working time before them is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The first: closing time.
    Closing,
    /// The last: the next opening.
    Opening,
}

impl Blocks {
    /// Blocks that are not built yet.
    pub(super) fn new() -> Self {
        let midnight_ms = |year| {
            let day = Day::from_civil(year, 1, 1).map_or(0, Day::number);
            i64::from(day) * super::day::DAY_MS
        };
        let from_ms = midnight_ms(*YEARS.start());
        let to_ms = midnight_ms(*YEARS.end()) + 365 * super::day::DAY_MS;
        let count = ((to_ms - from_ms) >> BLOCK_BITS) + 1;
        Self {
            from_ms,
            to_ms,
            blocks: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Whether the calendar knows this instant.
    pub(super) const fn knows(&self, at: Timestamp) -> bool {
        self.from_ms <= at.as_millis() && at.as_millis() < self.to_ms
    }

    /// The instant after `working_ms` of working time from `from`; none when there is not that much
    /// before the end of the calendar.
    pub(super) fn add(
        &self,
        from: Timestamp,
        working_ms: i64,
        edge: Edge,
        open: &impl Fn(i64, i64) -> Vec<Open>,
    ) -> Option<Timestamp> {
        let from_ms = from.as_millis().max(self.from_ms);
        if from_ms >= self.to_ms {
            return None;
        }
        let first = self.place(from_ms);
        let mut target = self
            .block(first, open)
            .until(from_ms)
            .checked_add(working_ms)?;
        for place in first..self.blocks.len() {
            let block = self.block(place, open);
            if let Some(at) = block.at(target, edge) {
                return Some(Timestamp::from_millis(at));
            }
            target -= block.total_ms;
        }
        None
    }

    /// The working milliseconds between two instants; none when `to` is the earlier.
    pub(super) fn between(
        &self,
        from: Timestamp,
        to: Timestamp,
        open: &impl Fn(i64, i64) -> Vec<Open>,
    ) -> i64 {
        // The last instant that has a block.
        let last_ms = self.to_ms - 1;
        let from_ms = from.as_millis().clamp(self.from_ms, last_ms);
        let to_ms = to.as_millis().clamp(self.from_ms, last_ms);
        if to_ms <= from_ms {
            return 0;
        }
        let (first, last) = (self.place(from_ms), self.place(to_ms));
        let whole: i64 = (first..last)
            .map(|place| self.block(place, open).total_ms)
            .sum();
        whole + self.block(last, open).until(to_ms) - self.block(first, open).until(from_ms)
    }

    /// Whether an instant lies in opening hours.
    pub(super) fn is_open(&self, at: Timestamp, open: &impl Fn(i64, i64) -> Vec<Open>) -> bool {
        self.knows(at) && {
            let block = self.block(self.place(at.as_millis()), open);
            block.opening(at.as_millis()).is_some()
        }
    }

    /// Whether an instant is one at which opening hours have just ended.
    pub(super) fn is_closing(&self, at: Timestamp, open: &impl Fn(i64, i64) -> Vec<Open>) -> bool {
        !self.is_open(at, open) && self.is_open(at.plus_millis(-1), open)
    }

    const fn place(&self, ms: i64) -> usize {
        ((ms - self.from_ms) >> BLOCK_BITS) as usize
    }

    fn block(&self, place: usize, open: &impl Fn(i64, i64) -> Vec<Open>) -> &Block {
        self.blocks[place].get_or_init(|| {
            let from_ms = self.from_ms + ((place as i64) << BLOCK_BITS);
            let to_ms = (from_ms + (1 << BLOCK_BITS)).min(self.to_ms);
            Box::new(Block::new(open(from_ms, to_ms), from_ms, to_ms))
        })
    }
}

impl Block {
    /// Cuts, orders and joins intervals: around a change of the clock they may overlap, and what
    /// is adjacent is one opening.
    fn new(mut intervals: Vec<Open>, from_ms: i64, to_ms: i64) -> Self {
        intervals.sort_unstable();
        let mut block = Self::default();
        for (opens, closes) in intervals {
            let (opens, closes) = (opens.max(from_ms), closes.min(to_ms));
            if closes <= opens {
                continue;
            }
            match block.closes_ms.last_mut() {
                Some(last) if opens <= *last => *last = closes.max(*last),
                _ => {
                    block.opens_ms.push(opens);
                    block.closes_ms.push(closes);
                }
            }
        }
        for (opens, closes) in block.opens_ms.iter().zip(&block.closes_ms) {
            block.before_ms.push(block.total_ms);
            block.total_ms += closes - opens;
        }
        block.opens_ms.shrink_to_fit();
        block.closes_ms.shrink_to_fit();
        block
    }

    /// Working time of the block before an instant in it.
    fn until(&self, ms: i64) -> i64 {
        let after = self.opens_ms.partition_point(|opens| *opens <= ms);
        after.checked_sub(1).map_or(0, |last| {
            self.before_ms[last] + ms.min(self.closes_ms[last]) - self.opens_ms[last]
        })
    }

    /// The opening that an instant lies in.
    fn opening(&self, ms: i64) -> Option<usize> {
        let after = self.opens_ms.partition_point(|opens| *opens <= ms);
        after
            .checked_sub(1)
            .filter(|last| ms < self.closes_ms[*last])
    }

    /// The instant with so much working time of the block before it; none when it comes later.
    fn at(&self, target_ms: i64, edge: Edge) -> Option<i64> {
        let after = match edge {
            Edge::Closing if target_ms <= self.total_ms => {
                self.before_ms.partition_point(|before| *before < target_ms)
            }
            Edge::Opening if target_ms < self.total_ms => self
                .before_ms
                .partition_point(|before| *before <= target_ms),
            Edge::Closing | Edge::Opening => return None,
        };
        let opening = after.checked_sub(1)?;
        Some(self.opens_ms[opening] + target_ms - self.before_ms[opening])
    }
}
