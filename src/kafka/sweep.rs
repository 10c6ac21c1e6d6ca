//! One pass over partitions of one topic, with an end: what is committed when it begins.
//!
//! It is for commands that look at a topic and are gone. A [`Reader`](super::reader::Reader) goes on
//! for ever, and a [`RestoreReader`](super::restore::RestoreReader) waits for open transactions,
//! since it takes a dead owner's place; this pass is nobody's successor, so it ends at the last
//! stable offset. It joins no group and commits nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{ClientSettings, Ear, heard};
use super::consumer::record_of;
use super::error::{Error, passes};
use super::native::{self, OffsetOf};
use super::topics::Defect;
use crate::record::Record;

/// A request to a broker is given up after this; a person waits for the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// One call waits for records this long, so that progress can be shown meanwhile.
const STEP: Duration = Duration::from_millis(100);

/// Brokers that say nothing for so long are away: longer than the election of a leader takes.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What is to be read of one partition; without ends, all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The partition's number.
    pub partition: i32,
    /// The first offset.
    pub from: Option<i64>,
    /// The offset after the last.
    pub until: Option<i64>,
}

impl Span {
    /// All of a partition.
    #[must_use]
    pub const fn all(partition: i32) -> Self {
        Self {
            partition,
            from: None,
            until: None,
        }
    }
}

/// How much of a pass is done, in offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What was gone through.
    pub done: u64,
    /// What has to be gone through.
    pub total: u64,
}

/// Reads partitions of a topic to their present ends; used by one thread.
pub struct Sweep {
    consumer: BaseConsumer<Ear>,
    brokers: String,
    topic: String,
    partitions: i32,
    left: BTreeMap<i32, Left>,
    progress: Progress,
    heard_at: Instant,
}

/// What is left of one partition.
#[derive(Clone, Copy, Debug)]
struct Left {
    next: i64,
    until: i64,
}

impl Sweep {
    /// Connects, and looks the topic up.
    ///
    /// # Errors
    /// When a property is not accepted, no broker answers, or there is no such topic.
    pub fn open(settings: &ClientSettings, topic: &str) -> Result<Self, Error> {
        let tunable = [
            // Whoever looks waits for the last record, and it is no use to let brokers gather more.
            ("fetch.wait.max.ms", "50"),
            ("fetch.queue.backoff.ms", "5"),
        ];
        let mut sweep = Self {
            consumer: settings.onlooker("reading", &tunable)?,
            brokers: settings.brokers.clone(),
            topic: topic.to_owned(),
            partitions: 0,
            left: BTreeMap::new(),
            progress: Progress::default(),
            heard_at: Instant::now(),
        };
        sweep.partitions = sweep.count(topic)?;
        if sweep.partitions == 0 {
            return Err(Error::Topics(vec![Defect::Missing {
                topic: topic.to_owned(),
                partitions: None,
            }]));
        }
        Ok(sweep)
    }

    /// How many partitions the topic has.
    #[must_use]
    pub const fn partitions(&self) -> i32 {
        self.partitions
    }

    /// The first offset of a partition that is still there.
    ///
    /// # Errors
    /// When a broker does not answer.
    pub fn start(&self, partition: i32) -> Result<i64, Error> {
        let starts = self.offsets(&[(&self.topic, partition)], OffsetOf::Start)?;
        Ok(starts.first().copied().unwrap_or_default())
    }

    /// Begins with these spans, one of a partition at most; what was begun before is given up.
    ///
    /// # Errors
    /// When a broker does not answer.
    pub fn begin(&mut self, spans: &[Span]) -> Result<(), Error> {
        let known = |span: &&Span| (0..self.partitions).contains(&span.partition);
        let spans: Vec<&Span> = spans.iter().filter(known).collect();
        let named: Vec<(&str, i32)> = spans
            .iter()
            .map(|span| (self.topic.as_str(), span.partition))
            .collect();
        let starts = self.offsets(&named, OffsetOf::Start)?;
        let ends = self.offsets(&named, OffsetOf::LastStable)?;
        self.left.clear();
        self.progress = Progress::default();
        let mut list = TopicPartitionList::new();
        for ((span, start), end) in spans.into_iter().zip(starts).zip(ends) {
            let next = span.from.map_or(start, |from| from.max(start));
            let until = span.until.map_or(end, |until| until.min(end));
            if next >= until {
                continue;
            }
            self.left.insert(span.partition, Left { next, until });
            self.progress.total += until.abs_diff(next);
            list.add_partition_offset(&self.topic, span.partition, Offset::Offset(next))
                .map_err(|source| self.call("setting the first position", source))?;
        }
        let assigned = self.consumer.assign(&list);
        assigned.map_err(|source| self.call("beginning to read", source))?;
        self.heard_at = Instant::now();
        Ok(())
    }

    /// Whether everything was handed out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// The next records, at most `limit`; none when none came for a moment, or when it is over.
    ///
    /// # Errors
    /// When a broker refuses, or all of them are silent.
    pub fn poll(&mut self, limit: usize) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let mut wait = STEP;
        while records.len() < limit && !self.is_over() {
            let reached = match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let is_wanted = |left: &Left| (left.next..left.until).contains(&offset);
                    if self.left.get(&partition).is_some_and(is_wanted) {
                        records.push(record_of(0, &message));
                    }
                    Some((partition, offset + 1))
                }
                // It is told at the last stable offset, which was not before the end of the span.
                Some(Err(KafkaError::PartitionEOF(partition))) => Some((partition, i64::MAX)),
                Some(Err(error)) if passes(&error) => None,
                Some(Err(error)) => return Err(self.call("reading", error)),
            };
            if let Some((partition, next)) = reached {
                self.reach(partition, next);
            }
            wait = Duration::ZERO;
        }
        if self.heard_at.elapsed() > SILENCE_MAX && !self.is_over() {
            return Err(self.unreachable("reading on"));
        }
        Ok(records)
    }

    /// Notes that everything of a partition before an offset was seen.
    fn reach(&mut self, partition: i32, next: i64) {
        self.heard_at = Instant::now();
        let Some(left) = self.left.get_mut(&partition) else {
            return;
        };
        let next = next.clamp(left.next, left.until);
        self.progress.done += next.abs_diff(left.next);
        left.next = next;
        if left.next == left.until {
            self.left.remove(&partition);
        }
    }

    /// How many partitions a topic has; none when it does not exist.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn count(&self, topic: &str) -> Result<i32, Error> {
        let asked = self.consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT);
        let metadata = asked.map_err(|source| {
            if passes(&source) {
                self.unreachable("asking for the topic")
            } else {
                self.call("asking for the partitions", source)
            }
        })?;
        let found = metadata.topics().iter().find(|it| it.name() == topic);
        let count = found.map_or(0, |topic| topic.partitions().len());
        // A count that does not fit is beyond what any cluster can hold.
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    fn offsets(&self, partitions: &[(&str, i32)], of: OffsetOf) -> Result<Vec<i64>, Error> {
        let client = self.consumer.client();
        native::list_offsets(client, partitions, of, REQUEST_TIMEOUT).map_err(|source| {
            Error::Native {
                doing: format!("asking for the offsets of {}", self.topic),
                source,
            }
        })
    }

    fn unreachable(&self, doing: &'static str) -> Error {
        Error::unreachable(&self.brokers, doing, heard(&self.consumer))
    }

    fn call(&self, doing: &str, source: KafkaError) -> Error {
        Error::Call {
            doing: format!("{doing} of {}", self.topic),
            source,
        }
    }
}
