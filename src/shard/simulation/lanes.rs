//! The two producers of a process and one transaction on one of them, as `kafka/lanes.rs` does it:
//! the records, the offsets, the end, each of which may go wrong in its own way.

use std::rc::Rc;

use super::cluster::{Cluster, Denied, Producer, TRANSACTION_TIMEOUT_MS};
use super::group::Identity;
use super::planted::{self, Mistake};
use super::reached::Path;
use super::schedule::Mishap;
use super::world::World;
use crate::kafka::lanes::{Outcome, Transaction};

/// A broker that ends the last transaction is asked again after this.
const BUSY_MS: i64 = 20;

/// Brokers that do not answer are asked again after this.
const AWAY_MS: i64 = 400;

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

    /// Runs one transaction on the lane whose turn it is.
    pub(super) fn transact(
        &mut self,
        world: &Rc<World>,
        process: u64,
        member: Option<Identity>,
        transaction: &Transaction,
    ) -> Outcome {
        let lane = self.next;
        self.next = 1 - lane;
        let producer = self.ready[lane].clone().expect("a lane is prepared");
        let mishap = world.take_mishap(process);
        let attempt = Attempt {
            world,
            process,
            member,
            producer,
            mishap,
        };
        world.enter_transaction(process, true);
        let outcome = attempt.run(transaction);
        world.enter_transaction(process, false);
        let is_definite = matches!(outcome, Outcome::Committed | Outcome::Aborted(_));
        let is_kept = is_definite && mishap != Some(Mishap::Disturbed);
        if !is_kept && !planted::is(Mistake::KeepProducer) {
            self.ready[lane] = None;
            if matches!(outcome, Outcome::Unknown(_)) {
                self.discard();
            }
        }
        outcome
    }
}

/// One transaction on its way.
struct Attempt<'a> {
    world: &'a Rc<World>,
    process: u64,
    member: Option<Identity>,
    producer: Producer,
    mishap: Option<Mishap>,
}

impl Attempt<'_> {
    fn run(&self, transaction: &Transaction) -> Outcome {
        match self.begin(transaction) {
            Ok(()) => self.commit(),
            Err(outcome) => outcome,
        }
    }

    fn begin(&self, transaction: &Transaction) -> Result<(), Outcome> {
        self.world.step(self.process);
        let now = || self.world.now();
        self.ask(|cluster| cluster.produce(&self.producer, self.process, transaction, now()))?;
        self.world.step(self.process);
        if self.mishap == Some(Mishap::RecordsRefused) {
            return Err(self.abort("a record is refused"));
        }
        let member = match self.member {
            Some(member) => Some(member).filter(|_| !planted::is(Mistake::NoGeneration)),
            None => return Err(self.abort("not a member of the group")),
        };
        self.ask(|cluster| cluster.add_offsets(&self.producer, member))?;
        self.world.step(self.process);
        Ok(())
    }

    /// Asks until there is an answer, or the time is over.
    fn ask(&self, ask: impl Fn(&mut Cluster) -> Result<(), Denied>) -> Result<(), Outcome> {
        let deadline = self.world.now() + TRANSACTION_TIMEOUT_MS;
        while self.world.now() < deadline {
            if !self.world.is_reachable(self.process) {
                self.world.sleep(self.process, AWAY_MS);
                continue;
            }
            let answer = ask(&mut self.world.cluster());
            match answer {
                Ok(()) => return Ok(()),
                Err(Denied::Busy) => self.world.sleep(self.process, BUSY_MS),
                Err(Denied::Fenced) => return Err(Outcome::Fenced("a later epoch".to_owned())),
                Err(Denied::Group(refusal)) => {
                    self.world.reached.count(Path::ZombieRefused);
                    return Err(self.abort(&format!("{refusal:?}")));
                }
            }
        }
        Err(Outcome::Unknown("no broker answers".to_owned()))
    }

    fn abort(&self, reason: &str) -> Outcome {
        if planted::is(Mistake::CommitRefused) {
            return self.commit();
        }
        let now = || self.world.now();
        match self.ask(|cluster| cluster.end(&self.producer, false, now())) {
            Ok(()) => Outcome::Aborted(reason.to_owned()),
            Err(outcome) => outcome,
        }
    }

    fn commit(&self) -> Outcome {
        if self.mishap == Some(Mishap::RequestLost) {
            return Outcome::Unknown("the request is lost".to_owned());
        }
        if let Some(Mishap::RequestLate { by_ms, waits_ms }) = self.mishap {
            let at_ms = self.world.now() + by_ms;
            let producer = self.producer.clone();
            self.world.cluster().end_later(producer, true, at_ms);
            self.world.sleep(self.process, waits_ms);
            return Outcome::Unknown("the request is late".to_owned());
        }
        let now = || self.world.now();
        let mut answer = self.ask(|cluster| cluster.end(&self.producer, true, now()));
        self.world.step(self.process);
        if let Some(Mishap::AnswerLate { waits_ms }) = self.mishap {
            self.world.sleep(self.process, waits_ms);
            answer = self.ask(|cluster| cluster.end(&self.producer, true, now()));
        }
        match answer {
            Ok(()) if self.mishap == Some(Mishap::AnswerLost) => {
                Outcome::Unknown("the answer is lost".to_owned())
            }
            Ok(()) => Outcome::Committed,
            Err(outcome) => outcome,
        }
    }
}
