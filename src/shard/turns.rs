//! Which partitions a transaction takes.
//!
//! The brokers are sent a request for each partition and topic of a transaction, and answer those of
//! one producer one after the other; nothing of a transaction is seen before all of it is. So while
//! there is little to write, a few partitions at a time take turns, and wait for themselves alone.

use super::{RestoredState, Shard};
use crate::kafka::log::Log;
use crate::partition::Partition;

/// What [`Pace::much`](super::Pace::much) is: more transactions would be more work for brokers that have
/// enough of it. By reckoning, 10,000 events a second are some 200 between two turns of a partition, or
/// 400 where the brokers are slow.
pub const MUCH: usize = 500;

impl<L: Log<State = RestoredState>> Shard<L> {
    /// All partitions, from the one whose turn is next, and how many of those with something to write
    /// the next transaction takes.
    ///
    /// Where each of `n` partitions costs `p`, and a transaction `f` beside them, an event waits for
    /// half a round of turns and for its own transaction, with `k` partitions in each:
    /// `(n / k * f + n * p) / 2 + f + k * p`, which is least for the root of `n * f / 2p`. Here `f` is
    /// taken for two `p`; it matters little: with two, three and four of twelve the waits were alike.
    pub(super) fn in_turn(&self) -> (Vec<i32>, usize) {
        let from_turn = self.slots.range(self.turn..);
        let in_turn = from_turn.chain(self.slots.range(..self.turn));
        let in_turn: Vec<i32> = in_turn.map(|(number, _)| *number).collect();
        let count_max = if self.is_much() {
            in_turn.len()
        } else {
            in_turn.len().isqrt()
        };
        (in_turn, count_max)
    }

    /// Whether there is much to decide and to write.
    pub(super) fn is_much(&self) -> bool {
        let batched: usize = self.live().map(Partition::batched).sum();
        self.is_more_left || batched >= self.parts.pace.much
    }
}
