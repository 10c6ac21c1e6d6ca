//! The brokers: logs, the coordinator of transactions, and the group. Outlives every process.
//!
//! A transaction is decided by the coordinator, and its end comes to each log and to the committed
//! offsets by itself, later. Records and offsets are taken only of a transaction that is open under
//! the producer's present epoch, as brokers verify it.

use std::collections::{BTreeMap, BTreeSet};

use super::dice::Dice;
use super::group::{Group, Identity, Refusal};
use super::reached::{Path, Reached};
use super::schedule::Config;
use super::topic_log::{Payload, Place, Topic, TopicLog};
use crate::kafka::consumer::{Committed, InputPartition};
use crate::kafka::lanes::Transaction;
use crate::record::{OutgoingRecord, Record};

/// The coordinator aborts a transaction that is open for so long: longer than a session, so that others
/// take over behind it…
pub(super) const TRANSACTION_TIMEOUT_MS: i64 = 7_000;
/// …within this time, as it looks for such transactions now and then.
const SWEEP_MS: i64 = 1_000;

/// Tombstones are kept for so long, longer than any restore takes to read.
const TOMBSTONES_KEPT_MS: i64 = 8_000;

/// Why the brokers do not do what a producer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Another producer has a later epoch.
    Fenced,
    /// The last transaction is still being ended.
    Busy,
    /// The group refuses the offsets.
    Group(Refusal),
}

/// A producer as it shows itself to the brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) id: String,
    pub(super) epoch: u32,
}

/// A transaction that was decided, for whoever checks it.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    /// The process that has written it.
    pub(super) process: u64,
    /// The generation of the group that its offsets belong to; none when they were refused.
    pub(super) generation: Option<i32>,
    pub(super) transaction: Transaction,
}

#[derive(Debug)]
struct Open {
    number: u64,
    expires_ms: i64,
    places: BTreeSet<Place>,
    has_offsets: bool,
    content: Decided,
}

#[derive(Debug)]
enum State {
    Idle,
    Open(Box<Open>),
    /// So many ends have not come to their logs.
    Ending {
        is_commit: bool,
        left: usize,
    },
    Ended {
        is_commit: bool,
    },
}

#[derive(Debug)]
struct Held {
    epoch: u32,
    state: State,
}

/// The end of a transaction on its way to a log, or to the committed offsets.
#[derive(Debug)]
struct Marker {
    at_ms: i64,
    transaction: u64,
    place: Option<Place>,
    is_commit: bool,
    /// Whose transaction it is; none for the producers of the inputs.
    id: Option<String>,
}

/// All brokers.
pub(super) struct Cluster {
    pub(super) group: Group,
    /// The log of plan edits.
    pub(super) edits: Vec<Record>,
    /// Transactions that were committed since somebody looked, in their order.
    pub(super) decided: Vec<Decided>,
    /// Ends of transactions take at most so long to come.
    pub(super) marker_delay_ms: i64,
    /// No broker answers before this instant.
    pub(super) away_until_ms: i64,
    /// An input partition that has no leader before this instant.
    pub(super) leaderless: Option<(InputPartition, i64)>,
    /// How many transactions were open for too long.
    pub(super) timeouts: u64,
    logs: BTreeMap<Place, TopicLog>,
    held: BTreeMap<String, Held>,
    markers: Vec<Marker>,
    /// Requests to end a transaction that are still on their way.
    late: Vec<(i64, Producer, bool)>,
    transactions: u64,
    dice: Dice,
    reached: Reached,
}

impl Cluster {
    pub(super) fn new(config: &Config, seed: u64, reached: Reached) -> Self {
        Self {
            group: Group::new(config.partitions, config.is_incremental, reached.clone()),
            edits: Vec::new(),
            decided: Vec::new(),
            marker_delay_ms: 0,
            away_until_ms: i64::MIN,
            leaderless: None,
            timeouts: 0,
            logs: BTreeMap::new(),
            held: BTreeMap::new(),
            markers: Vec::new(),
            late: Vec::new(),
            transactions: 0,
            dice: Dice::new(seed, "cluster"),
            reached,
        }
    }

    /// Whether nobody tells of an input partition now.
    pub(super) fn is_leaderless(&self, partition: InputPartition, now: i64) -> bool {
        self.leaderless
            .is_some_and(|(which, until_ms)| which == partition && now < until_ms)
    }

    /// A log; one that was never written to is empty.
    pub(super) fn log(&mut self, place: Place) -> &mut TopicLog {
        self.logs.entry(place).or_default()
    }

    /// Begins the work of a producer: what an earlier one left open is aborted, and its epoch is over.
    pub(super) fn init(&mut self, id: &str, now: i64) -> Result<Producer, Denied> {
        let held = self.held.entry(id.to_owned()).or_insert(Held {
            epoch: 0,
            state: State::Idle,
        });
        match held.state {
            State::Open(_) => {
                held.epoch += 1;
                self.decide(id, false, now);
                Err(Denied::Busy)
            }
            State::Ending { .. } => {
                self.reached.count(Path::WaitedForMarkers);
                Err(Denied::Busy)
            }
            State::Idle | State::Ended { .. } => {
                held.epoch += 1;
                held.state = State::Idle;
                Ok(Producer {
                    id: id.to_owned(),
                    epoch: held.epoch,
                })
            }
        }
    }

    /// Writes the records of a transaction, which begins with them.
    pub(super) fn produce(
        &mut self,
        producer: &Producer,
        process: u64,
        transaction: &Transaction,
        now: i64,
    ) -> Result<(), Denied> {
        let number = self.open(producer, process, transaction, now)?;
        for record in &transaction.records {
            let place = (Topic::named(&record.topic), record.partition);
            if let State::Open(open) = &mut self.held.get_mut(&producer.id).unwrap().state {
                open.places.insert(place);
            }
            let payload = Payload {
                timestamp_ms: record.timestamp_ms.unwrap_or(now),
                key: record.key.clone(),
                value: record.value.clone(),
            };
            self.log(place).append(Some(number), payload, now);
        }
        Ok(())
    }

    fn open(
        &mut self,
        producer: &Producer,
        process: u64,
        transaction: &Transaction,
        now: i64,
    ) -> Result<u64, Denied> {
        let held = self.held.get_mut(&producer.id).unwrap();
        if held.epoch != producer.epoch {
            return Err(Denied::Fenced);
        }
        if matches!(held.state, State::Ending { .. }) {
            self.reached.count(Path::WaitedForMarkers);
            return Err(Denied::Busy);
        }
        self.transactions += 1;
        held.state = State::Open(Box::new(Open {
            number: self.transactions,
            expires_ms: now + TRANSACTION_TIMEOUT_MS + self.dice.between(0, SWEEP_MS),
            places: BTreeSet::new(),
            has_offsets: false,
            content: Decided {
                process,
                generation: None,
                transaction: transaction.clone(),
            },
        }));
        Ok(self.transactions)
    }

    /// Adds the offsets to an open transaction; a member without identity is taken as it is.
    pub(super) fn add_offsets(
        &mut self,
        producer: &Producer,
        member: Option<Identity>,
    ) -> Result<(), Denied> {
        let held = self.held.get_mut(&producer.id).unwrap();
        let State::Open(open) = &mut held.state else {
            return Err(Denied::Fenced);
        };
        if held.epoch != producer.epoch {
            return Err(Denied::Fenced);
        }
        let transaction = &open.content.transaction;
        let offsets = transaction.offsets.iter().map(|offset| {
            let input = Topic::INPUTS
                .iter()
                .position(|topic| topic.name() == offset.topic);
            let committed = Committed {
                offset: Some(offset.offset),
                metadata: transaction.identity.clone(),
            };
            ((input.unwrap(), offset.partition), committed)
        });
        let offsets: Vec<(InputPartition, Committed)> = offsets.collect();
        open.has_offsets = true;
        match member {
            Some(member) => self
                .group
                .add_offsets(member, open.number, offsets)
                .map_err(Denied::Group)?,
            None => self.group.take_offsets(open.number, offsets),
        }
        open.content.generation = Some(self.group.generation());
        Ok(())
    }

    /// Ends the transaction of a producer.
    pub(super) fn end(
        &mut self,
        producer: &Producer,
        is_commit: bool,
        now: i64,
    ) -> Result<(), Denied> {
        let held = &self.held[&producer.id];
        if held.epoch != producer.epoch {
            return Err(Denied::Fenced);
        }
        match held.state {
            State::Open(_) => {
                self.decide(&producer.id, is_commit, now);
                Ok(())
            }
            State::Ending { is_commit: was, .. } | State::Ended { is_commit: was }
                if was == is_commit =>
            {
                Ok(())
            }
            State::Idle | State::Ending { .. } | State::Ended { .. } => Err(Denied::Fenced),
        }
    }

    /// Lets a request to end a transaction come at an instant.
    pub(super) fn end_later(&mut self, producer: Producer, is_commit: bool, at_ms: i64) {
        self.late.push((at_ms, producer, is_commit));
    }

    fn decide(&mut self, id: &str, is_commit: bool, now: i64) {
        let held = self.held.get_mut(id).unwrap();
        let state = std::mem::replace(&mut held.state, State::Idle);
        let State::Open(open) = state else { return };
        let places = open.places.iter().copied().map(Some);
        let offsets = open.has_offsets.then_some(None);
        let targets: Vec<Option<Place>> = places.chain(offsets).collect();
        held.state = State::Ending {
            is_commit,
            left: targets.len(),
        };
        for place in targets {
            self.markers.push(Marker {
                at_ms: now + self.dice.between(0, self.marker_delay_ms),
                transaction: open.number,
                place,
                is_commit,
                id: Some(id.to_owned()),
            });
        }
        if is_commit {
            self.decided.push(open.content);
        }
        self.deliver(now);
    }

    /// A producer of the inputs writes a record in a transaction that is ended later.
    pub(super) fn hold(&mut self, place: Place, payload: Payload, end: (i64, bool), now: i64) {
        self.transactions += 1;
        let transaction = self.transactions;
        self.log(place).append(Some(transaction), payload, now);
        self.markers.push(Marker {
            at_ms: end.0,
            transaction,
            place: Some(place),
            is_commit: end.1,
            id: None,
        });
    }

    /// Writes an edit of the plans.
    pub(super) fn edit(&mut self, record: OutgoingRecord, now: i64) {
        if self.is_any_open() {
            self.reached.count(Path::EditedDuringTransaction);
        }
        self.edits.push(Record {
            input: 0,
            partition: 0,
            offset: i64::try_from(self.edits.len()).unwrap(),
            timestamp_ms: now,
            key: record.key,
            value: record.value,
            headers: record.headers,
        });
    }

    fn is_any_open(&self) -> bool {
        let mut held = self.held.values();
        held.any(|held| matches!(held.state, State::Open(_) | State::Ending { .. }))
    }

    /// Compacts a partition of the state.
    pub(super) fn compact(&mut self, partition: i32, now: i64) {
        let reached = self.reached.clone();
        let log = self.log((Topic::State, partition));
        let tombstones = log.tombstones();
        log.compact(now - TOMBSTONES_KEPT_MS);
        if log.tombstones() < tombstones {
            reached.count(Path::TombstoneRemoved);
        }
    }

    /// When something happens by itself the next time.
    pub(super) fn next_event(&self) -> Option<i64> {
        let markers = self.markers.iter().map(|marker| marker.at_ms);
        let late = self.late.iter().map(|(at_ms, _, _)| *at_ms);
        let expiries = self.held.values().filter_map(|held| match &held.state {
            State::Open(open) => Some(open.expires_ms),
            State::Idle | State::Ending { .. } | State::Ended { .. } => None,
        });
        let events = markers.chain(late).chain(expiries);
        let next = events.chain(self.group.next_expiry()).min();
        next.map(|at_ms| at_ms.max(self.away_until_ms))
    }

    /// Lets happen what happens by itself.
    pub(super) fn tick(&mut self, now: i64) {
        if now < self.away_until_ms {
            return;
        }
        self.deliver(now);
        let (due, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at_ms, _, _)| *at_ms <= now);
        self.late = later;
        let due: Vec<(i64, Producer, bool)> = due;
        for (_, producer, is_commit) in due {
            let path = match self.end(&producer, is_commit, now) {
                Ok(()) => Path::LateCommitExecuted,
                Err(_) => Path::LateCommitRefused,
            };
            self.reached.count(path);
        }
        let expired = self
            .held
            .iter()
            .filter(|(_, held)| matches!(&held.state, State::Open(open) if open.expires_ms <= now));
        for id in expired.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.reached.count(Path::TimedOut);
            self.timeouts += 1;
            self.held.get_mut(&id).unwrap().epoch += 1;
            self.decide(&id, false, now);
        }
        self.group.expire(now);
    }

    fn deliver(&mut self, now: i64) {
        let (due, later) = std::mem::take(&mut self.markers)
            .into_iter()
            .partition(|marker| marker.at_ms <= now);
        self.markers = later;
        let due: Vec<Marker> = due;
        for marker in due {
            match marker.place {
                Some(place) => self
                    .log(place)
                    .end(marker.transaction, marker.is_commit, now),
                None => self.group.end(marker.transaction, marker.is_commit),
            }
            let Some(held) = marker.id.and_then(|id| self.held.get_mut(&id)) else {
                continue;
            };
            if let State::Ending { is_commit, left } = &mut held.state {
                *left -= 1;
                if *left == 0 {
                    let is_commit = *is_commit;
                    held.state = State::Ended { is_commit };
                }
            }
        }
    }
}
