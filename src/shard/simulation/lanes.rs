//! The two producers of a process, used in turn, as `kafka/lanes.rs` does it.

use super::cluster::{Cluster, Denied, Producer};
use super::flight::Flight;
use super::planted::{self, Mistake};
use super::schedule::Mishap;
use crate::kafka::lanes::Outcome;

/// The producers.
pub(super) struct Lanes {
    ids: [String; 2],
    ready: [Option<Producer>; 2],
    next: usize,
}

impl Lanes {
    pub(super) fn new(name: usize) -> Self {
        Self {
            ids: [0, 1].map(|lane| format!("{name}-{lane}")),
            ready: [None, None],
            next: 0,
        }
    }

    /// Makes both ready.
    pub(super) fn prepare(&mut self, cluster: &mut Cluster, now: i64) -> Result<(), Denied> {
        for (id, ready) in self.ids.iter().zip(&mut self.ready) {
            if ready.is_none() {
                *ready = Some(cluster.init(id, now)?);
            }
        }
        Ok(())
    }

    pub(super) fn discard(&mut self) {
        self.ready = [None, None];
    }

    /// The lane whose turn it is, and its producer.
    pub(super) fn take_turn(&mut self) -> (usize, Producer) {
        let lane = self.next;
        self.next = 1 - lane;
        let producer = self.ready[lane].clone().expect("a lane is prepared");
        (lane, producer)
    }

    /// Gives up what is of no more use after a transaction with this outcome.
    pub(super) fn judge(&mut self, flight: &Flight, outcome: &Outcome) {
        let is_definite = matches!(outcome, Outcome::Committed | Outcome::Aborted(_));
        let is_kept = is_definite && flight.mishap != Some(Mishap::Disturbed);
        if is_kept || planted::is(Mistake::KeepProducer) {
            return;
        }
        self.ready[flight.lane] = None;
        if matches!(outcome, Outcome::Unknown(_)) {
            self.discard();
        }
    }
}
