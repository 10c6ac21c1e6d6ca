//! The thread that restores what is owned and follows what others own.
//!
//! It collects the last value of every key. When a restore is at its end it has the state built from
//! them, on other threads, so that neither the cycle nor the reading of other partitions waits for
//! that. A partition that is released is followed again, from its beginning, if this instance is to
//! have a copy of it.

mod builders;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::consumer::Committed;
use super::error::Error;
use super::log::Restoration;
use super::restore::{Finished, RestoreReader, Sink};
use super::standby::Standby;
use crate::record::{Compacted, compact};
use builders::{Builders, Task};

/// A reading waits this long for records before it looks for new requests.
const STEP: Duration = Duration::from_millis(20);

/// Progress is told this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// The members of the group and the ends of the copies are asked for this often: instances come and
/// go rarely, and a copy that nobody has for some seconds is one that a crash finds cold.
const ROUND: Duration = Duration::from_secs(5);

/// The same while an instance waits for its copies before it joins the group.
const ROUND_BEFORE: Duration = Duration::from_millis(200);

/// Builds a state from the records of a partition and the group's offsets; runs on threads of its own.
pub type Builder<S> = Arc<dyn Fn(i32, Compacted, &[Committed]) -> S + Send + Sync>;

/// What the cycle asks for.
pub(super) enum Request {
    /// The partition is owned.
    Restore { partition: i32, request: u64 },
    /// It is no longer owned.
    Release { partition: i32 },
}

/// The thread that restores.
pub(super) struct Restorer<S> {
    reader: RestoreReader,
    requests: Receiver<Request>,
    news: Sender<Restoration<S>>,
    collected: Collected,
    /// The latest request of every restore under way.
    asked: HashMap<i32, u64>,
    /// What is restored or was; the rest may be followed.
    owned: BTreeSet<i32>,
    standby: Standby,
    /// The client id of this instance.
    own: String,
    /// Set once this instance may join the group.
    may_join: Arc<AtomicBool>,
    started_at: Instant,
    arranged_at: Option<Instant>,
    told_at: Instant,
    builders: Builders,
    build: Builder<S>,
}

impl<S: Send + 'static> Restorer<S> {
    pub(super) fn new(
        reader: RestoreReader,
        (requests, news): (Receiver<Request>, Sender<Restoration<S>>),
        (own, standby): (String, Standby),
        may_join: Arc<AtomicBool>,
        build: Builder<S>,
    ) -> Self {
        Self {
            reader,
            requests,
            news,
            collected: Collected::default(),
            asked: HashMap::new(),
            owned: BTreeSet::new(),
            standby,
            own,
            may_join,
            started_at: Instant::now(),
            arranged_at: None,
            told_at: Instant::now(),
            builders: Builders::default(),
            build,
        }
    }

    /// Ends when the log has gone.
    pub(super) fn run(mut self) {
        if self.standby.copies == 0 {
            self.may_join.store(true, Ordering::Release);
        }
        while self.take_requests() {
            if let Err(error) = self.arrange() {
                let is_waited_for = !self.may_join.load(Ordering::Acquire);
                self.tell(if is_waited_for {
                    Restoration::Failed(error)
                } else {
                    Restoration::NotFollowed(error)
                });
            }
            let begun_at = Instant::now();
            if let Err(error) = self.reader.step(STEP, &mut self.collected) {
                // The broker is away; asking again at once would only fill the log.
                let rest = PROGRESS_EVERY.saturating_sub(begun_at.elapsed());
                std::thread::sleep(rest);
                self.tell(Restoration::Failed(error));
            }
            self.tell_progress();
            self.hand_over();
        }
    }

    /// Takes what was asked for; waits for something to do. False when the log has gone.
    fn take_requests(&mut self) -> bool {
        loop {
            let wait = if self.reader.is_idle() && self.standby.copies == 0 {
                Duration::from_secs(3600)
            } else if self.reader.is_idle() && self.arranged_at.is_some() {
                ROUND_BEFORE
            } else {
                Duration::ZERO
            };
            match self.requests.recv_timeout(wait) {
                Ok(request) => self.take(request),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, request: Request) {
        let done = match request {
            Request::Restore { partition, request } => {
                self.owned.insert(partition);
                self.asked.insert(partition, request);
                self.reader.add(partition)
            }
            Request::Release { partition } => {
                self.owned.remove(&partition);
                self.asked.remove(&partition);
                self.arranged_at = None;
                self.drop_copy(partition)
            }
        };
        if let Err(error) = done {
            self.tell(Restoration::Failed(error));
        }
    }

    fn drop_copy(&mut self, partition: i32) -> Result<(), Error> {
        self.collected.partitions.remove(&partition);
        self.reader.release(partition)
    }

    /// Follows what this instance is to have a copy of, and nothing else.
    fn arrange(&mut self) -> Result<(), Error> {
        let has_joined = self.may_join.load(Ordering::Acquire);
        let round = if has_joined { ROUND } else { ROUND_BEFORE };
        let soon = |arranged: Instant| arranged.elapsed() < round;
        if self.standby.copies == 0 || self.arranged_at.is_some_and(soon) {
            return Ok(());
        }
        let done = self.follow_others();
        // A question that nobody answers takes as long as a round.
        self.arranged_at = Some(Instant::now());
        done
    }

    fn follow_others(&mut self) -> Result<(), Error> {
        let mut others = self.reader.members()?;
        let is_awaited = others.remove(&self.own) && self.standby.is_awaited;
        let wanted = self.standby.of(&self.own, &others);
        let wanted: BTreeSet<i32> = wanted.difference(&self.owned).copied().collect();
        let unwanted = self.reader.followed().filter(|it| !wanted.contains(it));
        for partition in unwanted.collect::<Vec<_>>() {
            self.drop_copy(partition)?;
        }
        for partition in wanted {
            self.reader.follow(partition);
        }
        let copies = self.reader.measure()?;
        let is_warm = copies.partitions > 0 && copies.current == copies.partitions;
        let is_over = self.started_at.elapsed() >= self.standby.warm_up;
        if others.is_empty() || is_awaited || is_warm || is_over {
            self.may_join.store(true, Ordering::Release);
        }
        self.tell(Restoration::Copies {
            copies,
            is_before_joining: !self.may_join.load(Ordering::Acquire),
        });
        Ok(())
    }

    fn tell_progress(&mut self) {
        if self.told_at.elapsed() < PROGRESS_EVERY {
            return;
        }
        self.told_at = Instant::now();
        for (partition, stage) in self.reader.stages() {
            self.tell(Restoration::Progress { partition, stage });
        }
    }

    fn hand_over(&mut self) {
        for (partition, finished) in std::mem::take(&mut self.collected.finished) {
            let records = self.collected.partitions.remove(&partition);
            if let (Some(request), Some(records)) = (self.asked.remove(&partition), records) {
                let (build, news) = (Arc::clone(&self.build), self.news.clone());
                let task: Task = Box::new(move || {
                    let state = build(partition, records, &finished.committed);
                    // Nobody listens any more when the log is going.
                    drop(news.send(Restoration::Finished {
                        partition,
                        request,
                        offsets: finished.offsets,
                        state,
                    }));
                });
                self.builders.give(task);
            }
        }
    }

    fn tell(&self, news: Restoration<S>) {
        // Nobody listens any more when the log is going; then there is nothing left to tell.
        drop(self.news.send(news));
    }
}

/// The last value of every key, per partition.
#[derive(Default)]
struct Collected {
    partitions: HashMap<i32, Compacted>,
    finished: Vec<(i32, Finished)>,
}

impl Sink for Collected {
    fn begin(&mut self, partition: i32) {
        self.partitions.insert(partition, Compacted::default());
    }

    fn record(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) {
        if let Some(records) = self.partitions.get_mut(&partition) {
            compact(records, key, value);
        }
    }

    fn finished(&mut self, partition: i32, finished: Finished) {
        self.finished.push((partition, finished));
    }
}
