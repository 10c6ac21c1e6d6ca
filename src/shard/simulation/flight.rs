//! One transaction under way, as `kafka/lanes/attempt.rs` makes it: the records, the offsets, the end.
//! Each comes at a time of its own, while its process does other things, and may go wrong in its own
//! way.

use std::sync::Arc;

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

/// A transaction between its begin and its outcome.
pub(super) struct Flight {
    /// The lane that it is on.
    pub(super) lane: usize,
    pub(super) producer: Producer,
    /// The member of the group as it was when the transaction began.
    pub(super) member: Option<Identity>,
    pub(super) transaction: Arc<Transaction>,
    pub(super) mishap: Option<Mishap>,
    step: Step,
    /// When it goes on.
    wakes_ms: i64,
    /// When what is asked for is given up.
    gives_up_ms: i64,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Records,
    Offsets,
    Commit,
    /// The answer to the commit has not come, so it is asked for again.
    CommitAgain,
    /// Nobody says what became of the commit.
    Wait,
    Abort(String),
    Landed(Outcome),
}

impl Flight {
    pub(super) fn new(
        (lane, producer): (usize, Producer),
        member: Option<Identity>,
        transaction: Arc<Transaction>,
        mishap: Option<Mishap>,
        now: i64,
    ) -> Self {
        Self {
            lane,
            producer,
            member,
            transaction,
            mishap,
            step: Step::Records,
            wakes_ms: now,
            gives_up_ms: now + TRANSACTION_TIMEOUT_MS,
        }
    }

    /// When it goes on; none when it has landed.
    pub(super) fn wakes(&self) -> Option<i64> {
        self.outcome().is_none().then_some(self.wakes_ms)
    }

    /// What became of it, when it has landed.
    pub(super) const fn outcome(&self) -> Option<&Outcome> {
        if let Step::Landed(outcome) = &self.step {
            Some(outcome)
        } else {
            None
        }
    }

    /// Does what is next; the step after that comes after `pause_ms` at the earliest.
    pub(super) fn go_on(&mut self, world: &World, process: u64, pause_ms: i64) {
        let now = world.now();
        let (next, after_ms) = match &self.step {
            Step::Records => self.produce(world, process),
            Step::Offsets => self.add_offsets(world, process),
            Step::Commit => self.commit(world, process),
            Step::CommitAgain => self.end(world, process, Outcome::Committed),
            Step::Wait => (unknown("the request is late"), 0),
            Step::Abort(_) if planted::is(Mistake::CommitRefused) => (Step::Commit, 0),
            Step::Abort(reason) => self.end(world, process, Outcome::Aborted(reason.clone())),
            Step::Landed(_) => return,
        };
        if next != self.step {
            self.gives_up_ms = now + TRANSACTION_TIMEOUT_MS;
        }
        self.wakes_ms = now + after_ms.max(pause_ms);
        self.step = next;
    }

    fn produce(&self, world: &World, process: u64) -> (Step, i64) {
        let now = world.now();
        let produce =
            |it: &mut Cluster| it.produce(&self.producer, process, &self.transaction, now);
        let next = match self.mishap {
            Some(Mishap::RecordsRefused) => Step::Abort("a record is refused".to_owned()),
            _ => Step::Offsets,
        };
        self.ask(world, process, produce).unwrap_or((next, 0))
    }

    fn add_offsets(&self, world: &World, process: u64) -> (Step, i64) {
        let member = match self.member {
            Some(member) => Some(member).filter(|_| !planted::is(Mistake::NoGeneration)),
            None => return (Step::Abort("not a member of the group".to_owned()), 0),
        };
        let add = |it: &mut Cluster| it.add_offsets(&self.producer, member);
        self.ask(world, process, add).unwrap_or((Step::Commit, 0))
    }

    fn commit(&self, world: &World, process: u64) -> (Step, i64) {
        match self.mishap {
            Some(Mishap::RequestLost) => (unknown("the request is lost"), 0),
            Some(Mishap::RequestLate { by_ms, waits_ms }) => {
                let at_ms = world.now() + by_ms;
                let producer = self.producer.clone();
                world.cluster().end_later(producer, true, at_ms);
                (Step::Wait, waits_ms)
            }
            Some(Mishap::AnswerLate { waits_ms }) => {
                let (next, after_ms) = self.end(world, process, Outcome::Committed);
                if matches!(next, Step::Landed(_)) {
                    (Step::CommitAgain, waits_ms)
                } else {
                    (next, after_ms)
                }
            }
            Some(Mishap::AnswerLost) => {
                let lost = Outcome::Unknown("the answer is lost".to_owned());
                self.end(world, process, lost)
            }
            Some(Mishap::RecordsRefused | Mishap::Disturbed) | None => {
                self.end(world, process, Outcome::Committed)
            }
        }
    }

    /// Ends the transaction, which comes to this outcome if that is answered well.
    fn end(&self, world: &World, process: u64, outcome: Outcome) -> (Step, i64) {
        let is_commit = !matches!(outcome, Outcome::Aborted(_));
        let now = world.now();
        let end = |it: &mut Cluster| it.end(&self.producer, is_commit, now);
        let ended = (Step::Landed(outcome), 0);
        self.ask(world, process, end).unwrap_or(ended)
    }

    /// Asks the brokers; none when they have answered well, else what is done instead, and after how
    /// long.
    fn ask(
        &self,
        world: &World,
        process: u64,
        ask: impl FnOnce(&mut Cluster) -> Result<(), Denied>,
    ) -> Option<(Step, i64)> {
        if world.now() >= self.gives_up_ms {
            return Some((unknown("no broker answers"), 0));
        }
        if !world.is_reachable(process) {
            return Some((self.step.clone(), AWAY_MS));
        }
        match ask(&mut world.cluster()).err()? {
            Denied::Busy => Some((self.step.clone(), BUSY_MS)),
            Denied::Fenced => {
                let fenced = Outcome::Fenced("a later epoch".to_owned());
                Some((Step::Landed(fenced), 0))
            }
            Denied::Group(refusal) => {
                world.reached.count(Path::ZombieRefused);
                Some((Step::Abort(format!("{refusal:?}")), 0))
            }
        }
    }
}

fn unknown(why: &str) -> Step {
    Step::Landed(Outcome::Unknown(why.to_owned()))
}
