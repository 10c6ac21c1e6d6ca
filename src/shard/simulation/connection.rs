//! What one process asks of the brokers: the same as a real cluster is asked in `kafka/`.
//!
//! Every call may be the last of its process, or may take so long that the others go on meanwhile.

mod transactions;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::cluster::Denied;
use super::dice::Dice;
use super::group::{Identity, Refusal};
use super::lanes::Lanes;
use super::planted::{self, Mistake};
use super::reached::Path;
use super::topic_log::Topic;
use super::world::World;
use crate::kafka::consumer::{Change, Committed, InputPartition, Polled};
use crate::kafka::edits::Edits;
use crate::kafka::lanes::{Landed, Transaction};
use crate::kafka::log::{End, Ends, Log, Restoration};
use crate::kafka::{Error, Obstacle, OffsetOf};
use crate::record::{Record, RecordLimits};
use crate::shard::RestoredState;
use crate::shard::model::LIMITS;

/// A poll brings at most so many records of a partition, so that batches differ.
const RECORDS_MAX: u64 = 4;

/// The clients of one process.
pub(super) struct Connection {
    world: Rc<World>,
    process: u64,
    /// The static name in the group.
    name: Option<usize>,
    member: Option<Identity>,
    owned: BTreeSet<InputPartition>,
    positions: BTreeMap<InputPartition, i64>,
    paused: BTreeSet<InputPartition>,
    changes: Vec<Change>,
    /// The partitions that were assigned and whose state was not asked for since.
    unread: BTreeSet<i32>,
    /// Those whose state was ever asked for.
    known: BTreeSet<i32>,
    lanes: Lanes,
    /// The last transaction that was committed, and the first with the identity of the last.
    settled: Transaction,
    first: Transaction,
    /// How long the log of edits was in the beginning.
    edits: i64,
    /// The transaction that the shard takes for under way, and what was asked for in its place.
    flight: Option<(Arc<Transaction>, Arc<Transaction>)>,
    /// Whether records came while it was.
    has_read_ahead: bool,
    /// What a shard that puts aside too early takes for committed, and what is.
    mistaken: Option<[String; 2]>,
    /// Whether a batch waits for another attempt, or for its outcome.
    is_open: bool,
    /// The transaction whose outcome is not known.
    unknown: Option<String>,
    dice: Dice,
}

impl Connection {
    pub(super) fn new(world: Rc<World>, process: u64, instance: usize, dice: Dice) -> Self {
        let edits = i64::try_from(world.cluster().edits.len()).unwrap();
        Self {
            name: world.config.is_static.then_some(instance),
            world,
            process,
            member: None,
            owned: BTreeSet::new(),
            positions: BTreeMap::new(),
            paused: BTreeSet::new(),
            changes: Vec::new(),
            unread: BTreeSet::new(),
            known: BTreeSet::new(),
            lanes: Lanes::new(instance),
            settled: Transaction::default(),
            first: Transaction::default(),
            edits,
            flight: None,
            has_read_ahead: false,
            mistaken: None,
            is_open: false,
            unknown: None,
            dice,
        }
    }

    /// A call to the brokers, which may not answer.
    fn call(&self) -> Result<(), Error> {
        self.world.step(self.process);
        if self.world.is_reachable(self.process) {
            Ok(())
        } else {
            Err(unreachable("no broker answers"))
        }
    }

    /// What the member learns from the coordinator.
    fn serve_group(&mut self) -> Result<(), Error> {
        let now = self.world.now();
        let mut cluster = self.world.cluster();
        let group = &mut cluster.group;
        let Some(identity) = self.member else {
            let member = group.join(self.name, now);
            self.member = Some(Identity {
                member,
                generation: -1,
            });
            drop(cluster);
            self.world.set_member(self.process, Some(member));
            return Ok(());
        };
        if self.world.config.is_incremental {
            let held = self.numbers();
            let answer = group.reconcile(identity.member, &held);
            drop(cluster);
            self.reconcile(identity.member, &held, answer);
            return Ok(());
        }
        match group.heartbeat(identity) {
            Err(Refusal::Replaced) => {
                // Stands for the library's fatal error: waiting does not mend it.
                let detail = "another process has this member's name".to_owned();
                return Err(Error::InputGone { detail });
            }
            Err(Refusal::Unknown | Refusal::OldGeneration) => {
                drop(cluster);
                self.lose_all();
            }
            Ok(true) => {
                drop(cluster);
                self.wait_for_flight();
                self.world.cluster().group.rejoin(identity.member);
                self.give_up(&self.numbers(), Change::Revoked);
            }
            Ok(false) => {
                let assignment = group.assignment(identity.member);
                drop(cluster);
                let Some((generation, numbers)) = assignment else {
                    return Ok(());
                };
                if generation != identity.generation {
                    self.take_over(identity.member, generation, &numbers);
                }
            }
        }
        Ok(())
    }

    /// The numbers of which both inputs are owned.
    fn numbers(&self) -> Vec<i32> {
        let created = self.owned.iter().filter(|(input, _)| *input == 0);
        created.map(|(_, number)| *number).collect()
    }

    /// The group has expelled this member.
    fn lose_all(&mut self) {
        if !self.owned.is_empty() {
            self.world.reached.count(Path::PartitionsLost);
        }
        self.wait_for_flight();
        self.give_up(&self.numbers(), Change::Lost);
        self.member = None;
        self.world.set_member(self.process, None);
    }

    /// Takes over what the group gives, and gives up what it takes, one by one.
    fn reconcile(&mut self, member: u64, held: &[i32], answer: Result<(i32, Vec<i32>), Refusal>) {
        let Ok((epoch, numbers)) = answer else {
            self.lose_all();
            return;
        };
        let gone = held.iter().filter(|number| !numbers.contains(number));
        let gone: Vec<i32> = gone.copied().collect();
        if !gone.is_empty() {
            self.world.reached.count(Path::MovedAlone);
            self.wait_for_flight();
            self.give_up(&gone, Change::Revoked);
        }
        let is_new = self
            .member
            .is_none_or(|identity| identity.generation != epoch);
        if is_new || numbers.iter().any(|number| !held.contains(number)) {
            self.take_over(member, epoch, &numbers);
        }
    }

    fn take_over(&mut self, member: u64, generation: i32, numbers: &[i32]) {
        self.member = Some(Identity { member, generation });
        let both = numbers
            .iter()
            .flat_map(|number| [(0, *number), (1, *number)]);
        let both: Vec<InputPartition> = both.collect();
        self.world.note(|| {
            format!(
                "#{}: generation {generation} gives {numbers:?}",
                self.process
            )
        });
        let is_kept = |at: &InputPartition| self.owned.contains(at);
        let both: Vec<InputPartition> = both.into_iter().filter(|at| !is_kept(at)).collect();
        self.owned.extend(both.iter().copied());
        if !both.is_empty() {
            self.unread.extend(both.iter().map(|(_, number)| *number));
            self.changes.push(Change::Assigned(both));
        }
    }

    fn give_up(&mut self, numbers: &[i32], change: fn(Vec<InputPartition>) -> Change) {
        if numbers.is_empty() {
            return;
        }
        if planted::is(Mistake::KeepRevoked) {
            return;
        }
        let goes = |(_, number): &InputPartition| numbers.contains(number);
        let going: Vec<InputPartition> = self.owned.iter().copied().filter(goes).collect();
        self.world.note(|| {
            format!(
                "#{}: partitions go: {:?}",
                self.process,
                change(going.clone())
            )
        });
        self.owned.retain(|at| !goes(at));
        self.positions.retain(|at, _| !goes(at));
        self.changes.push(change(going));
        if self.is_open {
            self.world.reached.count(Path::LeftOpenBatch);
        }
    }

    fn fetch(&mut self, limit: usize) -> Vec<Record> {
        let mut records = Vec::new();
        for (partition, position) in &mut self.positions {
            let now = self.world.now();
            let has_leader = !self.world.cluster().is_leaderless(*partition, now);
            if self.paused.contains(partition) || !has_leader {
                continue;
            }
            let (input, number) = *partition;
            let most = usize::try_from(1 + self.dice.below(RECORDS_MAX)).unwrap();
            let most = most.min(limit - records.len());
            let mut cluster = self.world.cluster();
            let log = cluster.log((Topic::INPUTS[input], number));
            if log.last_stable() < log.high_watermark() {
                self.world.reached.count(Path::InputHeldBack);
            }
            let (shown, next) = log.read(*position, most);
            *position = next;
            records.extend(shown.into_iter().map(|entry| Record {
                input,
                partition: number,
                offset: entry.offset,
                timestamp_ms: entry.timestamp_ms,
                key: entry.key.clone(),
                value: entry.value.clone(),
                headers: Vec::new(),
            }));
        }
        records
    }
}

impl Log for Connection {
    type State = RestoredState;

    fn poll(&mut self, limit: usize, wait: Duration) -> Polled {
        self.world.step(self.process);
        if !wait.is_zero() {
            self.world
                .sleep(self.process, i64::try_from(wait.as_millis()).unwrap());
        }
        let mut polled = Polled::default();
        if !self.world.is_reachable(self.process) {
            polled.problem = Some(unreachable("reading"));
            return polled;
        }
        polled.problem = self.serve_group().err();
        if polled.problem.is_none() {
            polled.records = self.fetch(limit);
            self.has_read_ahead |= !polled.records.is_empty() && self.is_flying();
        }
        polled
    }

    fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn start(&mut self, positions: &[(InputPartition, i64)]) -> Result<(), Error> {
        for (at, offset) in positions.iter().filter(|(at, _)| self.owned.contains(at)) {
            self.positions.insert(*at, *offset);
            self.paused.remove(at);
        }
        for ((_, number), _) in positions {
            if self.unread.remove(number) {
                self.world.reached.count(Path::CameBack);
            }
        }
        Ok(())
    }

    fn pause(&mut self, partition: InputPartition, is_paused: bool) -> Result<(), Error> {
        if is_paused {
            self.paused.insert(partition);
        } else {
            self.paused.remove(&partition);
        }
        Ok(())
    }

    fn ends(&mut self, partitions: &[InputPartition]) -> Result<Ends, Error> {
        self.call()?;
        let now = self.world.now();
        let mut cluster = self.world.cluster();
        let edits = i64::try_from(cluster.edits.len()).unwrap();
        let misses = planted::is(Mistake::MissEdits);
        let ends = partitions.iter().map(|partition| {
            if cluster.is_leaderless(*partition, now) {
                return None;
            }
            let log = cluster.log((Topic::INPUTS[partition.0], partition.1));
            let high_watermark = log.high_watermark();
            let is_skipped = partition.0 == 1 && planted::is(Mistake::SkipEnd);
            let delivered = self.positions.get(partition).copied();
            Some(End {
                high_watermark,
                delivered: match is_skipped {
                    true => high_watermark,
                    false => delivered.unwrap_or_default(),
                },
            })
        });
        let inputs: Vec<_> = ends.collect();
        let is_missing = inputs.iter().any(Option::is_none);
        Ok(Ends {
            inputs,
            edits: Some(if misses { self.edits } else { edits }),
            missing: is_missing.then(|| unreachable("no leader")),
        })
    }

    fn edits(&mut self, from: i64, until: i64) -> Result<Edits, Error> {
        self.call()?;
        let cluster = self.world.cluster();
        let index = |offset| usize::try_from(offset).unwrap();
        Ok(Edits {
            records: cluster.edits[index(from)..index(until)].to_vec(),
            next: until,
        })
    }

    fn offsets(&mut self, partitions: &[InputPartition], of: OffsetOf) -> Result<Vec<i64>, Error> {
        self.call()?;
        let mut cluster = self.world.cluster();
        let offset = |(input, number): &InputPartition| {
            let log = cluster.log((Topic::INPUTS[*input], *number));
            match of {
                OffsetOf::Start => 0,
                OffsetOf::HighWatermark => log.high_watermark(),
                OffsetOf::LastStable => log.last_stable(),
                OffsetOf::Timestamp(at) => log.at(at).unwrap_or(-1),
            }
        };
        Ok(partitions.iter().map(offset).collect())
    }

    fn committed(&mut self, partitions: &[InputPartition]) -> Result<Vec<Committed>, Error> {
        self.call()?;
        let now = self.world.now();
        let committed = self.world.cluster().group.committed(partitions, now);
        match (&committed, self.unknown.take()) {
            (None, unknown) => {
                self.unknown = unknown;
                self.world.reached.count(Path::OffsetsHeldBack);
            }
            (Some(known), Some(identity)) => {
                let is_committed = known.iter().any(|known| known.metadata == identity);
                self.world.reached.count(if is_committed {
                    Path::ResolvedCommitted
                } else {
                    Path::ResolvedAborted
                });
            }
            (Some(_), None) => {}
        }
        let committed = committed.map(|known| self.mistake(known));
        committed.ok_or_else(|| unreachable("a transaction holds the offsets back"))
    }

    fn prepare(&mut self) -> Result<(), Error> {
        self.call()?;
        let now = self.world.now();
        let prepared = self.lanes.prepare(&mut self.world.cluster(), now);
        prepared.map_err(|denied| match denied {
            Denied::Busy | Denied::Fenced | Denied::Group(_) => unreachable("it is busy"),
        })
    }

    fn begin(&mut self, transaction: Arc<Transaction>) {
        self.begin_transaction(transaction);
    }

    fn landed(&mut self, wait: Duration) -> Option<Landed> {
        self.look_at_transaction(wait)
    }

    fn limits(&mut self) -> Result<RecordLimits, Error> {
        self.call()?;
        Ok(LIMITS)
    }

    fn discard_producers(&mut self) {
        self.lanes.discard();
    }

    fn restore(&mut self, partition: i32, request: u64) {
        if self.unread.remove(&partition) && self.known.contains(&partition) {
            self.world.reached.count(Path::CameBackToRestore);
        }
        self.known.insert(partition);
        self.world
            .restorer(self.process, |restorer| restorer.add(partition, request));
    }

    fn release(&mut self, partition: i32) {
        self.world
            .restorer(self.process, |restorer| restorer.cancel(partition));
    }

    fn take_restorations(&mut self) -> Vec<Restoration<RestoredState>> {
        self.is_open = false;
        let mut news = Vec::new();
        self.world
            .restorer(self.process, |restorer| news = restorer.take_news());
        news
    }

    fn leave(&mut self) {
        if self.is_open {
            self.world.reached.count(Path::StoppedWithOpenBatch);
        }
        // A static member only falls silent, so that it finds its partitions again.
        if let Some(identity) = self.member.take()
            && self.name.is_none()
        {
            self.world.cluster().group.leave(identity.member);
        }
        self.world.set_member(self.process, None);
    }
}

/// Any failure that passes.
fn unreachable(why: &str) -> Error {
    Error::Unreachable {
        obstacle: Obstacle::Silence,
        brokers: "simulation".to_owned(),
        doing: "asking",
        why: why.to_owned(),
    }
}
