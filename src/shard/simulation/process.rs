//! One process of an instance: the real shard, what the operating system does to it, and how its
//! clock goes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use escalator_engine::time::Timestamp;

use super::connection::Connection;
use super::flight::Flight;
use super::restorer::Restorer;
use super::schedule::{Blow, Mishap};
use crate::clock::Clock;
use crate::shard::Shard;

/// The clock of an instance: the time of the world, and how far it is ahead.
pub(super) struct InstanceClock {
    pub(super) now_ms: Arc<AtomicI64>,
    pub(super) ahead_ms: Arc<AtomicI64>,
}

impl Clock for InstanceClock {
    fn now(&self) -> Timestamp {
        let now = self.now_ms.load(Ordering::Relaxed);
        Timestamp::from_millis(now + self.ahead_ms.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        let now = self.now_ms.load(Ordering::Relaxed);
        Duration::from_millis(u64::try_from(now).unwrap())
    }
}

/// What a dying process unwinds with.
pub(super) struct Killed;

/// A blow, and how many steps are left until it falls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) steps: u32,
    /// Whether only steps of a transaction count.
    pub(super) in_transaction: bool,
    pub(super) blow: Blow,
}

/// A process.
pub(super) struct Process {
    pub(super) instance: usize,
    /// None while it is in a turn.
    pub(super) shard: Option<Box<Shard<Connection>>>,
    pub(super) stop: Arc<AtomicBool>,
    /// When its next turn begins.
    pub(super) wakes_ms: i64,
    pub(super) restorer: Restorer,
    /// When the part of it that restores goes on.
    pub(super) restores_ms: i64,
    /// Its member of the group.
    pub(super) member: Option<u64>,
    pub(super) is_asleep: bool,
    /// The transaction under way, or that has landed and was not looked at since. Only a mistake has
    /// more than one.
    pub(super) flights: Vec<Flight>,
    pub(super) blows: Vec<Pending>,
    pub(super) mishaps: VecDeque<(u32, Mishap)>,
    pub(super) cut_until_ms: i64,
    /// Until when its calls are slow, and how slow.
    pub(super) slow: (i64, i64),
}

impl Process {
    pub(super) fn new(instance: usize, restorer: Restorer, now: i64) -> Self {
        Self {
            instance,
            shard: None,
            stop: Arc::default(),
            wakes_ms: now,
            restorer,
            restores_ms: now,
            member: None,
            is_asleep: false,
            flights: Vec::new(),
            blows: Vec::new(),
            mishaps: VecDeque::new(),
            cut_until_ms: i64::MIN,
            slow: (i64::MIN, 0),
        }
    }

    /// Whether a transaction is under way.
    pub(super) fn is_flying(&self) -> bool {
        self.flies().is_some()
    }

    /// When a transaction under way goes on.
    pub(super) fn flies(&self) -> Option<i64> {
        self.flights.iter().filter_map(Flight::wakes).min()
    }

    /// The next blow, if it falls now.
    pub(super) fn take_blow(&mut self) -> Option<Blow> {
        let is_in_transaction = self.is_flying();
        let mut fallen = None;
        self.blows.retain_mut(|pending| {
            if (pending.in_transaction && !is_in_transaction) || fallen.is_some() {
                return true;
            }
            if pending.steps > 0 {
                pending.steps -= 1;
                return true;
            }
            fallen = Some(pending.blow);
            false
        });
        fallen
    }

    /// What goes wrong with the transaction that begins now.
    pub(super) fn take_mishap(&mut self) -> Option<Mishap> {
        let (skip, mishap) = self.mishaps.front_mut()?;
        if *skip > 0 {
            *skip -= 1;
            return None;
        }
        let mishap = *mishap;
        self.mishaps.pop_front();
        Some(mishap)
    }

    /// Ends everything that was to go wrong.
    pub(super) fn calm(&mut self) {
        self.blows.clear();
        self.mishaps.clear();
        self.cut_until_ms = i64::MIN;
        self.slow = (i64::MIN, 0);
    }
}
