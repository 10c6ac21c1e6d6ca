//! A real cluster as the log of a shard: group member, lanes, the log of plan edits and a thread
//! that restores.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::client::ClientSettings;
use super::consumer::{Change, Committed, GroupConsumer, InputPartition, Polled};
use super::edits::{EditReader, Edits};
use super::error::Error;
use super::lanes::{Lanes, Outcome, Transaction};
use super::log::{End, Ends, Log, Restoration};
use super::native::OffsetOf;
use super::restore::{Finished, RestoreReader, Sink};

/// Longer than a broker takes that is well, shorter than a session.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The group knows within this time that this member has gone.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// A restore waits this long for records before it looks for new requests.
const STEP: Duration = Duration::from_millis(20);

/// Progress is told this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// The last value of every key of a partition, tombstones applied.
pub type Compacted = HashMap<Vec<u8>, Vec<u8>>;

/// Builds a state from the records of a partition and the group's offsets; runs on the thread that
/// restores.
pub type Builder<S> = Box<dyn Fn(i32, Compacted, &[Committed]) -> S + Send>;

/// The clients of one shard.
pub struct Cluster<S> {
    member: GroupConsumer,
    lanes: Lanes,
    edits: EditReader,
    plans_topic: String,
    requests: Option<Sender<Request>>,
    news: Receiver<Restoration<S>>,
    thread: Option<JoinHandle<()>>,
}

/// The topics that a shard reads.
#[derive(Clone, Copy, Debug)]
pub struct ReadTopics<'a> {
    /// The inputs.
    pub inputs: [&'a str; 2],
    /// The state.
    pub state: &'a str,
    /// The log of plan edits.
    pub plans: &'a str,
}

enum Request {
    Restore { partition: i32, request: u64 },
    Cancel { partition: i32 },
}

impl<S: Send + 'static> Cluster<S> {
    /// Joins the group and makes ready to restore; nothing happens before the first poll.
    ///
    /// # Errors
    /// When a property is not accepted.
    ///
    /// # Panics
    /// When the system has no thread left.
    pub fn new(
        settings: &ClientSettings,
        shard: usize,
        topics: ReadTopics<'_>,
        build: Builder<S>,
    ) -> Result<Self, Error> {
        let reader = RestoreReader::open(settings, topics.state, &topics.inputs)?;
        let (requests, received) = channel();
        let (tell, news) = channel();
        let restorer = Restorer {
            reader,
            requests: received,
            news: tell,
            collected: Collected {
                partitions: HashMap::new(),
                finished: Vec::new(),
            },
            asked: HashMap::new(),
            told_at: Instant::now(),
            build,
        };
        let thread = std::thread::Builder::new()
            .name(format!("restore-{shard}"))
            .spawn(move || restorer.run())
            .expect("a thread can be started while the service starts");
        Ok(Self {
            member: GroupConsumer::subscribe(settings, &topics.inputs)?,
            lanes: Lanes::new(settings, shard),
            edits: EditReader::open(settings, topics.plans)?,
            plans_topic: topics.plans.to_owned(),
            requests: Some(requests),
            news,
            thread: Some(thread),
        })
    }

    fn ask(&self, request: Request) {
        let requests = self.requests.as_ref().expect("requests end with the log");
        requests
            .send(request)
            .expect("the restoring thread ends after its requests do");
    }
}

impl<S: Send + 'static> Log for Cluster<S> {
    type State = S;

    fn poll(&mut self, limit: usize, wait: Duration) -> Polled {
        self.member.poll(limit, wait)
    }

    fn take_changes(&mut self) -> Vec<Change> {
        self.member.take_changes()
    }

    fn start(&mut self, positions: &[(InputPartition, i64)]) -> Result<(), Error> {
        self.member.start(positions)
    }

    fn pause(&mut self, partition: InputPartition, is_paused: bool) -> Result<(), Error> {
        if is_paused {
            self.member.pause(&[partition])
        } else {
            self.member.resume(&[partition])
        }
    }

    fn ends(&mut self, partitions: &[InputPartition]) -> Result<Ends, Error> {
        let plans = &self.plans_topic;
        let (ends, edits) = self.member.ends(partitions, plans, REQUEST_TIMEOUT)?;
        let delivered = self.member.delivered(partitions)?;
        let both = ends.into_iter().zip(delivered);
        let inputs = both.map(|(high_watermark, delivered)| End {
            high_watermark,
            delivered,
        });
        Ok(Ends {
            inputs: inputs.collect(),
            edits,
        })
    }

    fn edits(&mut self, from: i64, until: i64) -> Result<Edits, Error> {
        self.edits.read(from, until)
    }

    fn offsets(&mut self, partitions: &[InputPartition], of: OffsetOf) -> Result<Vec<i64>, Error> {
        self.member.offsets(partitions, of, REQUEST_TIMEOUT)
    }

    fn committed(&mut self, partitions: &[InputPartition]) -> Result<Vec<Committed>, Error> {
        self.member.committed(partitions, REQUEST_TIMEOUT)
    }

    fn prepare(&mut self) -> Result<(), Error> {
        self.lanes.prepare()
    }

    fn transact(&mut self, transaction: &Transaction) -> Outcome {
        self.lanes.transact(transaction, &self.member)
    }

    fn discard_producers(&mut self) {
        self.lanes.discard();
    }

    fn restore(&mut self, partition: i32, request: u64) {
        self.ask(Request::Restore { partition, request });
    }

    fn cancel(&mut self, partition: i32) {
        self.ask(Request::Cancel { partition });
    }

    fn take_restorations(&mut self) -> Vec<Restoration<S>> {
        self.news.try_iter().collect()
    }

    fn leave(&mut self) {
        self.member.leave(LEAVE_TIMEOUT);
    }
}

impl<S> Drop for Cluster<S> {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the restoring thread panicked");
        }
    }
}

/// The thread that restores.
struct Restorer<S> {
    reader: RestoreReader,
    requests: Receiver<Request>,
    news: Sender<Restoration<S>>,
    collected: Collected,
    /// The latest request of every partition under way.
    asked: HashMap<i32, u64>,
    told_at: Instant,
    build: Builder<S>,
}

impl<S> Restorer<S> {
    /// Ends when the log has gone.
    fn run(mut self) {
        while self.take_requests() {
            if let Err(error) = self.reader.step(STEP, &mut self.collected) {
                // The broker is away; asking again at once would only fill the log.
                std::thread::sleep(PROGRESS_EVERY);
                self.tell(Restoration::Failed(error));
            }
            self.tell_progress();
            self.hand_over();
        }
    }

    /// Takes what was asked for; waits for something to do. False when the log has gone.
    fn take_requests(&mut self) -> bool {
        loop {
            let wait = if self.reader.is_idle() {
                Duration::from_secs(3600)
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
                self.asked.insert(partition, request);
                self.collected
                    .partitions
                    .insert(partition, Compacted::new());
                self.reader.add(partition)
            }
            Request::Cancel { partition } => {
                self.asked.remove(&partition);
                self.collected.partitions.remove(&partition);
                self.reader.cancel(partition)
            }
        };
        if let Err(error) = done {
            self.tell(Restoration::Failed(error));
        }
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
                let state = (self.build)(partition, records, &finished.committed);
                self.tell(Restoration::Finished {
                    partition,
                    request,
                    offsets: finished.offsets,
                    state,
                });
            }
        }
    }

    fn tell(&self, news: Restoration<S>) {
        // Nobody listens any more when the log is going; then there is nothing left to tell.
        drop(self.news.send(news));
    }
}

/// The last value of every key, per partition.
struct Collected {
    partitions: HashMap<i32, Compacted>,
    finished: Vec<(i32, Finished)>,
}

impl Sink for Collected {
    fn record(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let Some(records) = self.partitions.get_mut(&partition) else {
            return;
        };
        match (records.get_mut(key), value) {
            (Some(known), Some(value)) => {
                known.clear();
                known.extend_from_slice(value);
            }
            (None, Some(value)) => {
                records.insert(key.to_vec(), value.to_vec());
            }
            (_, None) => {
                records.remove(key);
            }
        }
    }

    fn finished(&mut self, partition: i32, finished: Finished) {
        self.finished.push((partition, finished));
    }
}
