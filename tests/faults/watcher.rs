//! A subscriber that notes when events arrive.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use escalator_engine::time::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

use super::load::now_ms;
use crate::PARTITIONS;

/// An event as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at_ms: i64,
    pub(crate) due_ms: i64,
    pub(crate) partition: i32,
}

/// What has come so far. Whoever asks must not take long: nothing is noted meanwhile, and what was not
/// noted looks as if it had not come.
#[derive(Default)]
struct Noted {
    arrivals: Vec<Arrival>,
    ids: HashSet<String>,
}

/// How long nothing came of a partition although something was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gap {
    pub(crate) length_ms: i64,
    pub(crate) end_ms: i64,
}

struct Quiet;

impl ClientContext for Quiet {
    // What brokers that are killed make a client say is no news.
    fn error(&self, _: KafkaError, _: &str) {}
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ConsumerContext for Quiet {}

/// Reads a topic of events until it goes out of scope.
pub(crate) struct Watcher {
    noted: Arc<Mutex<Noted>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Begins to read.
    pub(crate) fn start(address: &str, topic: &str) -> Self {
        let consumer: BaseConsumer<Quiet> = ClientConfig::new()
            .set("bootstrap.servers", address)
            .set("group.id", "watcher")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "20")
            // A broker that sleeps does not answer; whoever leads its partitions by then does.
            .set("socket.timeout.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "500")
            .set("reconnect.backoff.max.ms", "200")
            .set("allow.auto.create.topics", "false")
            .create_with_context(Quiet)
            .unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            let place = list.add_partition_offset(topic, partition, Offset::Beginning);
            place.unwrap();
        }
        consumer.assign(&list).unwrap();
        let noted = Arc::<Mutex<Noted>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (notes, is_over) = (Arc::clone(&noted), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !is_over.load(Ordering::Acquire) {
                // Errors come of brokers that are away, and pass.
                if let Some(Ok(record)) = consumer.poll(Duration::from_millis(20)) {
                    let (arrival, id) = arrival(record.partition(), record.payload().unwrap());
                    let mut noted = notes.lock().unwrap();
                    noted.arrivals.push(arrival);
                    noted.ids.insert(id);
                }
            }
        });
        Self {
            noted,
            stop,
            thread: Some(thread),
        }
    }

    /// How many different events have come.
    pub(crate) fn count(&self) -> usize {
        self.noted().ids.len()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap()
    }

    /// Whether every partition has published something within the last moment that was due within
    /// a second before.
    pub(crate) fn is_current(&self) -> bool {
        let since = now_ms() - 1_000;
        let arrivals = &self.noted().arrivals;
        let fresh = arrivals.iter().rev().take_while(|seen| seen.at_ms >= since);
        let fresh: BTreeSet<i32> = fresh
            .filter(|seen| seen.at_ms - seen.due_ms < 1_000)
            .map(|seen| seen.partition)
            .collect();
        fresh.len() == PARTITIONS as usize
    }

    /// How long the partition that has been silent for longest has been so.
    pub(crate) fn silence(&self) -> Duration {
        let arrivals = &self.noted().arrivals;
        let last_ms = (0..PARTITIONS).map(|partition| {
            let mut of_it = arrivals
                .iter()
                .rev()
                .filter(|seen| seen.partition == partition);
            of_it.next().map_or(0, |seen| seen.at_ms)
        });
        let silence_ms = now_ms() - last_ms.min().unwrap_or_default();
        Duration::from_millis(u64::try_from(silence_ms).unwrap_or_default())
    }

    /// The longest time since an instant that a partition published nothing while something was due.
    pub(crate) fn longest_gap(&self, since_ms: i64) -> Gap {
        let arrivals = &self.noted().arrivals;
        let gaps = (0..PARTITIONS).map(|partition| {
            let of_it = arrivals.iter().filter(|seen| seen.partition == partition);
            longest_gap(since_ms, &of_it.collect::<Vec<_>>())
        });
        gaps.max().unwrap_or_default()
    }
}

/// The same of what came of one partition, in order.
fn longest_gap(since_ms: i64, arrivals: &[&Arrival]) -> Gap {
    let mut longest = Gap::default();
    let mut before_ms = since_ms;
    // The earliest instant at which something was due that had not come by then.
    let mut due = vec![i64::MAX; arrivals.len() + 1];
    for at in (0..arrivals.len()).rev() {
        due[at] = due[at + 1].min(arrivals[at].due_ms);
    }
    for (seen, due_ms) in arrivals.iter().zip(due) {
        if seen.at_ms > since_ms {
            let gap = Gap {
                length_ms: seen.at_ms - before_ms.max(due_ms),
                end_ms: seen.at_ms,
            };
            longest = longest.max(gap);
            before_ms = seen.at_ms;
        }
    }
    longest
}

/// With its id.
fn arrival(partition: i32, value: &[u8]) -> (Arrival, String) {
    let event: Value = serde_json::from_slice(value).unwrap();
    let due = Timestamp::parse(event["due_at"].as_str().unwrap()).unwrap();
    let arrival = Arrival {
        at_ms: now_ms(),
        due_ms: due.as_millis(),
        partition,
    };
    (arrival, event["id"].as_str().unwrap().to_owned())
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        drop(self.thread.take().map(JoinHandle::join));
    }
}
