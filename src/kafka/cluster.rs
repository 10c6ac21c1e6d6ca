//! A real cluster as the log of a shard: group member, lanes, the log of plan edits and the thread
//! that restores and keeps warm copies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::client::ClientSettings;
use super::consumer::{Change, Committed, GroupConsumer, InputPartition, Polled};
use super::edits::{EditReader, Edits};
use super::error::Error;
use super::lanes::{Landed, Lanes, Transaction};
use super::log::{Ends, Log, Restoration};
use super::native::OffsetOf;
use super::restore::RestoreReader;
use super::restorer::{Builder, Request, Restorer};
use super::standby::Standby;
use super::topics::{TopicNames, Topics};
use crate::record::RecordLimits;

/// Longer than a broker takes that is well, shorter than a session.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The group knows within this time that this member has gone.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The clients of one shard.
pub struct Cluster<S> {
    member: GroupConsumer,
    has_joined: bool,
    /// Set once this instance may join the group.
    may_join: Arc<AtomicBool>,
    lanes: Lanes,
    edits: EditReader,
    clients: ClientSettings,
    topics: TopicNames,
    requests: Option<Sender<Request>>,
    news: Receiver<Restoration<S>>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + 'static> Cluster<S> {
    /// Makes ready to read and to restore. The group is joined by a poll, once the copies of what
    /// others own are warm: whoever joins before takes partitions away and is slow to serve them.
    ///
    /// # Errors
    /// When a property is not accepted.
    ///
    /// # Panics
    /// When the system has no thread left.
    pub fn new(
        settings: &ClientSettings,
        shard: usize,
        topics: TopicNames,
        limits: RecordLimits,
        standby: Standby,
        build: Builder<S>,
    ) -> Result<Self, Error> {
        let inputs = [topics.created.as_str(), topics.updated.as_str()];
        let reader = RestoreReader::open(settings, &topics.of_transactions(), &inputs)?;
        let (requests, received) = channel();
        let (tell, news) = channel();
        let may_join = Arc::new(AtomicBool::new(false));
        let restorer = Restorer::new(
            reader,
            (received, tell),
            (settings.client_id(), standby),
            Arc::clone(&may_join),
            build,
        );
        let thread = std::thread::Builder::new()
            .name(format!("restore-{shard}"))
            .spawn(move || restorer.run())
            .expect("a thread can be started while the service starts");
        let mut lanes = Lanes::new(settings, shard);
        lanes.keep_to(limits.batch_bytes_max);
        Ok(Self {
            member: GroupConsumer::open(settings, &inputs)?,
            has_joined: false,
            may_join,
            lanes,
            edits: EditReader::open(settings, &topics.plans)?,
            clients: settings.clone(),
            topics,
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
        if !self.has_joined && self.may_join.load(Ordering::Acquire) {
            if let Err(error) = self.member.join() {
                return Polled {
                    problem: Some(error),
                    ..Polled::default()
                };
            }
            self.has_joined = true;
        }
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
        let plans = &self.topics.plans;
        self.member.ends(partitions, plans, REQUEST_TIMEOUT)
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

    fn begin(&mut self, transaction: Arc<Transaction>) {
        self.lanes.begin(transaction, &self.member);
    }

    fn landed(&mut self, wait: Duration) -> Option<Landed> {
        self.lanes.landed(wait)
    }

    fn limits(&mut self) -> Result<RecordLimits, Error> {
        let limits = Topics::new(&self.clients, &self.topics)?.limits()?;
        self.lanes.keep_to(limits.batch_bytes_max);
        Ok(limits)
    }

    fn discard_producers(&mut self) {
        self.lanes.discard();
    }

    fn restore(&mut self, partition: i32, request: u64) {
        self.ask(Request::Restore { partition, request });
    }

    fn release(&mut self, partition: i32) {
        self.ask(Request::Release { partition });
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
