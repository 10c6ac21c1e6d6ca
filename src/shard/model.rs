//! A model of Kafka for one shard: logs in memory, a virtual clock, and outcomes by script.
//!
//! It keeps what the cycle relies on: a transaction is visible as a whole or not at all, offsets
//! and their metadata belong to it, a restore sees exactly what is committed, and only what was
//! started is delivered.

mod fault;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

pub(super) use self::fault::Fault;
use self::fault::hanging;
use super::RestoredState;
use crate::clock::Clock;
use crate::kafka::consumer::{Change, Committed, InputPartition, Polled};
use crate::kafka::edits::Edits;
use crate::kafka::lanes::{Landed, Outcome, Transaction};
use crate::kafka::log::{End, Ends, Log, Restoration};
use crate::kafka::{Error, OffsetOf};
use crate::record::{OutgoingRecord, Record, RecordLimits};

pub(super) const INPUTS: [&str; 2] = ["created", "updated"];
pub(super) const STATE: &str = "state";

/// What topics usually take.
pub(super) const LIMITS: RecordLimits = RecordLimits {
    escalated_bytes_max: 1_000_000,
    dead_letter_bytes_max: 1_000_000,
    batch_bytes_max: 1_000_000,
};

/// A clock that is moved by waiting.
#[derive(Clone, Default)]
pub(super) struct VirtualClock(Arc<AtomicI64>);

impl VirtualClock {
    pub(super) fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What the brokers hold; outlives the shards that work with it.
#[derive(Default)]
pub(super) struct Brokers {
    pub(super) inputs: BTreeMap<InputPartition, Vec<Record>>,
    /// Records that are written but not shown yet, as those of an open transaction are.
    pub(super) hidden: BTreeMap<InputPartition, usize>,
    /// The log of plan edits.
    pub(super) edits: Vec<Record>,
    /// Whether what is in it can be read, beyond its end being known.
    pub(super) are_edits_hidden: bool,
    pub(super) state: BTreeMap<i32, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Everything committed, in order, state included.
    pub(super) written: Vec<OutgoingRecord>,
    pub(super) committed: BTreeMap<InputPartition, Committed>,
    pub(super) faults: VecDeque<Fault>,
    /// The identities of committed transactions.
    pub(super) transactions: Vec<String>,
    pub(super) are_away: bool,
    /// Partitions whose ends nobody tells.
    pub(super) leaderless: Vec<InputPartition>,
    /// The partitions whose restore was asked for, in order.
    pub(super) restores: Vec<i32>,
    /// The partition whose restore a transaction holds back.
    pub(super) hanging: Option<i32>,
    /// How much the topics take, unless it is [`LIMITS`].
    pub(super) limits: Option<RecordLimits>,
    /// A ticket is created at this instant as soon as somebody has asked for offsets.
    pub(super) arriving: Option<i64>,
    changes: Vec<Change>,
}

impl Brokers {
    /// Writes a record to an input.
    pub(super) fn produce(
        &mut self,
        input: usize,
        partition: i32,
        timestamp_ms: i64,
        key: &str,
        value: &str,
    ) {
        let log = self.inputs.entry((input, partition)).or_default();
        log.push(Record {
            input,
            partition,
            offset: i64::try_from(log.len()).unwrap(),
            timestamp_ms,
            key: Some(key.as_bytes().to_vec()),
            value: Some(value.as_bytes().to_vec()),
            headers: Vec::new(),
        });
    }

    /// Appends to the log of plan edits.
    pub(super) fn edit(&mut self, at_ms: i64, record: OutgoingRecord) {
        self.edits.push(Record {
            input: 0,
            partition: 0,
            offset: i64::try_from(self.edits.len()).unwrap(),
            timestamp_ms: at_ms,
            key: record.key,
            value: record.value,
            headers: record.headers,
        });
    }

    /// Adds a header to the last record of an input.
    pub(super) fn add_header(&mut self, partition: InputPartition, name: &str, value: &str) {
        let log = self.inputs.get_mut(&partition).unwrap();
        let header = (name.to_owned(), Some(value.as_bytes().to_vec()));
        log.last_mut().unwrap().headers.push(header);
    }

    pub(super) fn assign(&mut self, numbers: &[i32]) {
        let both = numbers
            .iter()
            .flat_map(|number| [(0, *number), (1, *number)]);
        self.changes.push(Change::Assigned(both.collect()));
    }

    pub(super) fn assign_half(&mut self, half: InputPartition) {
        self.changes.push(Change::Assigned(vec![half]));
    }

    pub(super) fn revoke(&mut self, numbers: &[i32]) {
        let both = numbers
            .iter()
            .flat_map(|number| [(0, *number), (1, *number)]);
        self.changes.push(Change::Revoked(both.collect()));
    }

    pub(super) fn revoke_half(&mut self, half: InputPartition) {
        self.changes.push(Change::Revoked(vec![half]));
    }

    fn end(&self, partition: InputPartition) -> i64 {
        self.inputs
            .get(&partition)
            .map_or(0, |log| i64::try_from(log.len()).unwrap())
    }

    fn apply(&mut self, transaction: &Transaction) {
        for offset in &transaction.offsets {
            let input = INPUTS
                .iter()
                .position(|name| *name == offset.topic)
                .unwrap();
            let committed = Committed {
                offset: Some(offset.offset),
                metadata: transaction.identity.clone(),
            };
            self.committed.insert((input, offset.partition), committed);
        }
        for record in &transaction.records {
            if &*record.topic == STATE {
                let state = self.state.entry(record.partition).or_default();
                let key = record.key.clone().unwrap();
                match record.value.clone() {
                    Some(value) => state.insert(key, value),
                    None => state.remove(&key),
                };
            }
            self.written.push(record.clone());
        }
        self.transactions.push(transaction.identity.clone());
    }
}

/// One shard's connection to the brokers.
pub(super) struct ModelLog {
    brokers: Rc<RefCell<Brokers>>,
    clock: VirtualClock,
    rules: Arc<Rules>,
    positions: BTreeMap<InputPartition, i64>,
    paused: Vec<InputPartition>,
    owned: Vec<InputPartition>,
    restoring: Vec<(i32, u64)>,
    is_ready: bool,
    /// The transaction under way.
    flight: Option<Arc<Transaction>>,
    /// What became of it, once it was waited for.
    outcome: Option<Outcome>,
}

impl ModelLog {
    pub(super) fn new(
        brokers: Rc<RefCell<Brokers>>,
        clock: VirtualClock,
        rules: Arc<Rules>,
    ) -> Self {
        Self {
            brokers,
            clock,
            rules,
            positions: BTreeMap::new(),
            paused: Vec::new(),
            owned: Vec::new(),
            restoring: Vec::new(),
            is_ready: false,
            flight: None,
            outcome: None,
        }
    }

    fn answer<T>(&self, answer: impl FnOnce(&Brokers) -> T) -> Result<T, Error> {
        let brokers = self.brokers.borrow();
        if brokers.are_away {
            return Err(Error::unreachable("model", "asking", None));
        }
        Ok(answer(&brokers))
    }

    /// Lets the transaction under way come to its end.
    fn end(&mut self) {
        if let Some(transaction) = self.flight.take() {
            self.outcome = Some(self.transact(&transaction));
        }
    }

    /// What becomes of a transaction by the script.
    fn transact(&mut self, transaction: &Transaction) -> Outcome {
        let mut brokers = self.brokers.borrow_mut();
        let fault = brokers.faults.pop_front();
        let reason = format!("{fault:?}");
        match fault {
            None => {
                let is_member = |offset: &crate::kafka::lanes::OutgoingOffset| {
                    let owned = self.owned.iter();
                    owned
                        .into_iter()
                        .any(|(_, number)| *number == offset.partition)
                };
                assert!(
                    transaction.offsets.iter().all(is_member),
                    "not its partitions"
                );
                brokers.apply(transaction);
                Outcome::Committed
            }
            Some(Fault::Abort) => Outcome::Aborted(reason),
            Some(Fault::Refused(partition)) => Outcome::Refused {
                why: reason,
                partition,
            },
            Some(Fault::Rebalance(number)) => {
                brokers.revoke(&[number]);
                Outcome::Aborted(reason)
            }
            Some(Fault::LostAnswer) => {
                brokers.apply(transaction);
                self.is_ready = false;
                Outcome::Unknown(reason)
            }
            Some(Fault::LostAnswerAndOffsets) => {
                brokers.apply(transaction);
                brokers.committed.clear();
                self.is_ready = false;
                Outcome::Unknown(reason)
            }
            Some(Fault::LostRequest) => {
                self.is_ready = false;
                Outcome::Unknown(reason)
            }
            Some(Fault::Usurped) => {
                let other = Transaction {
                    identity: "somebody-else".to_owned(),
                    ..transaction.clone()
                };
                brokers.apply(&other);
                self.is_ready = false;
                Outcome::Unknown(reason)
            }
            Some(Fault::Fence) => {
                self.is_ready = false;
                Outcome::Fenced(reason)
            }
        }
    }
}

impl Log for ModelLog {
    type State = RestoredState;

    fn poll(&mut self, limit: usize, wait: Duration) -> Polled {
        let brokers = self.brokers.borrow();
        let mut polled = Polled::default();
        for (partition, position) in &mut self.positions {
            let Some(log) = brokers.inputs.get(partition) else {
                continue;
            };
            if brokers.are_away || self.paused.contains(partition) {
                continue;
            }
            let hidden = brokers.hidden.get(partition).copied().unwrap_or_default();
            let shown = &log[..log.len() - hidden];
            let from = usize::try_from(*position).unwrap().min(shown.len());
            let left = limit - polled.records.len();
            let taken: Vec<Record> = shown[from..].iter().take(left).cloned().collect();
            *position += i64::try_from(taken.len()).unwrap();
            polled.records.extend(taken);
        }
        if polled.records.is_empty() {
            let now = self.clock.now().as_millis();
            // A model that never moves on would let a cycle that spins run for ever.
            let wait = wait.max(Duration::from_millis(1));
            self.clock
                .set(now + i64::try_from(wait.as_millis()).unwrap());
        }
        polled
    }

    fn take_changes(&mut self) -> Vec<Change> {
        if !self.brokers.borrow().changes.is_empty() {
            self.end();
        }
        let changes = std::mem::take(&mut self.brokers.borrow_mut().changes);
        for change in &changes {
            match change {
                Change::Assigned(partitions) => self.owned.extend(partitions),
                Change::Revoked(partitions) | Change::Lost(partitions) => {
                    self.owned.retain(|owned| !partitions.contains(owned));
                    self.positions.retain(|at, _| !partitions.contains(at));
                }
            }
        }
        changes
    }

    fn start(&mut self, positions: &[(InputPartition, i64)]) -> Result<(), Error> {
        let owned = positions.iter().filter(|(at, _)| self.owned.contains(at));
        self.positions.extend(owned.copied());
        let is_started = |other: &InputPartition| positions.iter().any(|(at, _)| at == other);
        self.paused.retain(|other| !is_started(other));
        Ok(())
    }

    fn pause(&mut self, partition: InputPartition, is_paused: bool) -> Result<(), Error> {
        self.paused.retain(|other| *other != partition);
        if is_paused {
            self.paused.push(partition);
        }
        Ok(())
    }

    fn ends(&mut self, partitions: &[InputPartition]) -> Result<Ends, Error> {
        self.answer(|brokers| {
            let end = |at: &InputPartition| {
                (!brokers.leaderless.contains(at)).then(|| End {
                    high_watermark: brokers.end(*at),
                    delivered: self.positions.get(at).copied().unwrap_or_default(),
                })
            };
            let inputs: Vec<_> = partitions.iter().map(end).collect();
            let is_missing = inputs.contains(&None);
            Ends {
                inputs,
                edits: Some(i64::try_from(brokers.edits.len()).unwrap()),
                missing: is_missing.then(|| Error::unreachable("model", "asking", None)),
            }
        })
    }

    fn edits(&mut self, from: i64, until: i64) -> Result<Edits, Error> {
        if self.brokers.borrow().are_edits_hidden {
            return Err(Error::unreachable("model", "reading edits", None));
        }
        self.answer(|brokers| {
            let index = |offset| usize::try_from(offset).unwrap();
            Edits {
                records: brokers.edits[index(from)..index(until)].to_vec(),
                next: until,
            }
        })
    }

    fn offsets(&mut self, partitions: &[InputPartition], of: OffsetOf) -> Result<Vec<i64>, Error> {
        let offsets = self.answer(|brokers| {
            let offset = |partition: &InputPartition| match of {
                OffsetOf::Start => 0,
                OffsetOf::HighWatermark | OffsetOf::LastStable => brokers.end(*partition),
                OffsetOf::Timestamp(at) => {
                    let log = brokers.inputs.get(partition);
                    log.and_then(|log| log.iter().find(|record| record.timestamp_ms >= at))
                        .map_or(-1, |record| record.offset)
                }
            };
            partitions.iter().map(offset).collect()
        })?;
        let mut brokers = self.brokers.borrow_mut();
        if let Some(at_ms) = brokers.arriving.take() {
            let at = Timestamp::from_millis(at_ms);
            let value = format!(
                r#"{{"ticket_id":"arriving","occurred_at":"{at}","ticket":{{"status":"open"}}}}"#
            );
            brokers.produce(0, 0, at_ms, "arriving", &value);
        }
        Ok(offsets)
    }

    fn committed(&mut self, partitions: &[InputPartition]) -> Result<Vec<Committed>, Error> {
        self.answer(|brokers| {
            let known = |at: &InputPartition| brokers.committed.get(at).cloned();
            partitions
                .iter()
                .map(|at| known(at).unwrap_or_default())
                .collect()
        })
    }

    fn prepare(&mut self) -> Result<(), Error> {
        self.answer(|_| ())?;
        self.is_ready = true;
        Ok(())
    }

    fn begin(&mut self, transaction: Arc<Transaction>) {
        assert!(self.is_ready, "the producers are not ready");
        assert!(!transaction.offsets.is_empty(), "nothing would fence this");
        let has_landed = self.flight.is_none() && self.outcome.is_none();
        assert!(has_landed, "one transaction at a time");
        self.flight = Some(transaction);
    }

    fn landed(&mut self, wait: Duration) -> Option<Landed> {
        // Whoever only looks finds it under way.
        if !wait.is_zero() {
            self.end();
        }
        let outcome = self.outcome.take()?;
        let after = Duration::ZERO;
        Some(Landed { outcome, after })
    }

    fn limits(&mut self) -> Result<RecordLimits, Error> {
        self.answer(|brokers| brokers.limits.unwrap_or(LIMITS))
    }

    fn discard_producers(&mut self) {
        self.is_ready = false;
    }

    fn restore(&mut self, partition: i32, request: u64) {
        self.restoring.push((partition, request));
        self.brokers.borrow_mut().restores.push(partition);
    }

    fn release(&mut self, partition: i32) {
        self.restoring.retain(|(other, _)| *other != partition);
    }

    fn take_restorations(&mut self) -> Vec<Restoration<RestoredState>> {
        if self.brokers.borrow().are_away {
            return Vec::new();
        }
        let brokers = self.brokers.borrow();
        let hangs = |(number, _): &mut (i32, u64)| brokers.hanging == Some(*number);
        let finished: Vec<_> = self.restoring.extract_if(.., |it| !hangs(it)).collect();
        let held_back = self
            .restoring
            .iter()
            .map(|_| Restoration::Failed(hanging()));
        finished
            .into_iter()
            .map(|(partition, request)| {
                let state = brokers.state.get(&partition).cloned().unwrap_or_default();
                let known = |input| brokers.committed.get(&(input, partition)).cloned();
                let committed = [0, 1].map(|input| known(input).unwrap_or_default());
                let offsets = i64::try_from(state.len()).unwrap();
                let compacted = state.into_iter().collect();
                Restoration::Finished {
                    partition,
                    request,
                    offsets,
                    state: super::build(partition, &self.rules, compacted, &committed),
                }
            })
            .chain(held_back)
            .collect()
    }

    fn leave(&mut self) {
        self.owned.clear();
    }
}
