//! The transactions of a connection: begun, waited for, and what their outcomes mean to it.

use std::sync::Arc;
use std::time::Duration;

use super::super::flight::Flight;
use super::super::planted::{self, Mistake};
use super::super::reached::Path;
use super::Connection;
use crate::kafka::consumer::Committed;
use crate::kafka::lanes::{Landed, Outcome, Transaction};

impl Connection {
    /// Waits for the transaction under way, as the callback does that gives partitions up.
    pub(super) fn wait_for_flight(&mut self) {
        if planted::is(Mistake::ParkUnlanded) {
            let flight = self.flight.as_ref().filter(|_| self.is_flying());
            let committed = self.settled.identity.clone();
            let taken = flight.map(|(_, asked)| asked.identity.clone());
            self.mistaken = taken
                .map(|taken| [taken, committed])
                .or_else(|| self.mistaken.take());
            return;
        }
        if self.is_flying() {
            self.world.reached.count(Path::RebalanceUnderWay);
            self.world
                .note(|| format!("#{}: a rebalance waits", self.process));
        }
        while let Some(at_ms) = self.world.flies(self.process) {
            self.world.step(self.process);
            let ms = (at_ms - self.world.now()).max(1);
            self.world.sleep(self.process, ms);
        }
    }

    /// Whether a transaction is under way.
    pub(super) fn is_flying(&self) -> bool {
        self.world.flies(self.process).is_some()
    }

    /// Begins a transaction, with the member as it is now.
    pub(super) fn begin_transaction(&mut self, transaction: Arc<Transaction>) {
        assert!(self.flight.is_none(), "one transaction at a time");
        if self.first.identity != transaction.identity {
            self.first = Transaction::clone(&transaction);
        }
        let spoilt = planted::spoil(&transaction, &self.first, &self.settled);
        let asked = Arc::new(spoilt);
        let turn = self.lanes.take_turn();
        self.clear(turn.0);
        let mishap = self.world.take_mishap(self.process);
        let now = self.world.now();
        let flight = Flight::new(turn, self.member, Arc::clone(&asked), mishap, now);
        self.world.launch(self.process, flight);
        self.flight = Some((transaction, asked));
        self.has_read_ahead = false;
        self.world.step(self.process);
    }

    /// What became of the transaction under way.
    pub(super) fn look_at_transaction(&mut self, wait: Duration) -> Option<Landed> {
        let (transaction, asked) = self.flight.clone()?;
        let outcome = self.await_outcome(&asked, wait)?;
        self.flight = None;
        if outcome == Outcome::Committed {
            self.settled = Transaction::clone(&asked);
        }
        let outcome = planted::misread(outcome);
        let identity = &transaction.identity;
        self.world
            .note(|| format!("#{}: transaction {identity}: {outcome:?}", self.process));
        self.is_open = !matches!(outcome, Outcome::Committed | Outcome::Fenced(_));
        let path = match &outcome {
            Outcome::Committed => None,
            Outcome::Aborted(_) | Outcome::Refused { .. } => {
                Some((Path::SentAgain, Path::ReadAheadOfAborted))
            }
            Outcome::Unknown(_) => {
                self.unknown = Some(identity.clone());
                Some((Path::Unknown, Path::ReadAheadOfUnknown))
            }
            Outcome::Fenced(_) => Some((Path::Fenced, Path::ReadAheadOfFenced)),
        };
        if let Some((failed, ahead)) = path {
            self.world.reached.count(failed);
            if self.has_read_ahead {
                self.world.reached.count(ahead);
            }
        }
        let after = Duration::ZERO;
        Some(Landed { outcome, after })
    }

    /// Waits for the outcome of the transaction under way.
    fn await_outcome(&mut self, asked: &Transaction, wait: Duration) -> Option<Outcome> {
        let is_mistaken = matches!(&self.mistaken, Some([taken, _]) if *taken == asked.identity);
        if is_mistaken || planted::is(Mistake::CutBeforeLanded) {
            return Some(Outcome::Committed);
        }
        let until = self.world.now() + i64::try_from(wait.as_millis()).unwrap();
        loop {
            self.world.step(self.process);
            if let Some(flight) = self.world.take_landed(self.process, &asked.identity) {
                let outcome = flight.outcome().cloned().unwrap();
                self.lanes.judge(&flight, &outcome);
                return Some(outcome);
            }
            let now = self.world.now();
            if now >= until {
                return None;
            }
            let next = self.world.flies(self.process).unwrap_or(until);
            let ms = next.clamp(now + 1, until.max(now + 1)) - now;
            self.world.sleep(self.process, ms);
        }
    }

    /// A shard that does not wait for the end of a transaction begins on a lane that is free all the
    /// same; what became of the former one is not looked at.
    fn clear(&mut self, lane: usize) {
        while self.world.is_busy(self.process, lane) {
            self.world.step(self.process);
            self.world.sleep(self.process, 1);
        }
    }

    /// What a shard that has put a state aside too early takes committed offsets for.
    pub(super) fn mistake(&self, mut known: Vec<Committed>) -> Vec<Committed> {
        if let Some([taken, committed]) = &self.mistaken {
            for known in known.iter_mut().filter(|it| it.metadata == *committed) {
                known.metadata.clone_from(taken);
            }
        }
        known
    }
}
