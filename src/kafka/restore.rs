//! Reading the compacted state back, up to the fence behind the last owner.
//!
//! The order is what makes it right. First the stable committed offsets: asking for them waits for
//! transactions that are being committed. Then the high watermark, open transactions included:
//! everything that belongs to those offsets lies below it. Then the reader waits until the last
//! stable offset has reached that watermark, so that every transaction below it is decided; behind
//! a dead owner this is where its transaction's timeout is waited out. Only then it reads, to the
//! end. Stopping at the end that a reader of committed records saw at first would miss what the
//! last transactions wrote.
//!
//! One reader serves many partitions at once, on a thread of its own; it keeps no state of
//! tickets, it hands out bytes.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{ClientSettings, Ear};
use super::consumer::{self, Committed};
use super::error::Error;
use super::native::{self, BatchReader, OffsetOf};

/// How often the last stable offset is asked for while it is waited for.
const FENCE_INTERVAL: Duration = Duration::from_millis(50);

/// A request to a broker is given up after this, and made again by the next step.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A broker looks for transactions that have run out of time this often, unless told otherwise
/// (`transaction.abort.timed.out.transaction.cleanup.interval.ms`).
const BROKER_LOOKS_EVERY: Duration = Duration::from_secs(10);

/// How many records one batch call takes: enough to make its cost small, few enough to stay in the
/// processor's cache.
const BATCH_RECORDS: usize = 2_000;

/// What a reader does with one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Asking for committed offsets and the watermark. Becomes [`Stage::WaitingForFence`].
    Asking,
    /// A transaction below `until` is still open. Becomes [`Stage::Reading`].
    WaitingForFence {
        /// The high watermark that the last stable offset has to reach.
        until: i64,
    },
    /// Reading to `until`. Ends with [`Sink::finished`].
    Reading {
        /// The first offset.
        from: i64,
        /// The high watermark.
        until: i64,
        /// The offset that comes next; those that compaction removed are passed over.
        next: i64,
        /// How many records have been handed out.
        records: u64,
    },
}

impl Stage {
    /// The end of a reading that went through so many offsets.
    #[must_use]
    pub const fn read(offsets: i64) -> Self {
        Self::Reading {
            from: 0,
            until: offsets,
            next: offsets,
            records: 0,
        }
    }
}

/// What a finished restore rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The committed offsets of the inputs, in the order of [`RestoreReader::open`].
    pub committed: Vec<Committed>,
    /// How many records were handed out.
    pub records: u64,
    /// The offset after the last record of the state that was read.
    pub end: i64,
    /// How many offsets of the state it went through.
    pub offsets: i64,
}

/// Takes what is read.
pub trait Sink {
    /// One record in the order of the log; without a value it is a tombstone.
    fn record(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>);
    /// Everything of a partition has been handed out.
    fn finished(&mut self, partition: i32, finished: Finished);
}

/// Reads the state of any number of partitions.
pub struct RestoreReader {
    reader: BatchReader<Ear>,
    topic: String,
    inputs: Vec<String>,
    partitions: Vec<Restoring>,
    asked_at: Option<Instant>,
    /// Since when the committed offsets are not answered by brokers that answer all else.
    unanswered_since: Option<Instant>,
    /// A transaction that is open for longer than this will never end.
    patience: Duration,
}

struct Restoring {
    partition: i32,
    stage: Stage,
    committed: Vec<Committed>,
    /// When its watermark was known.
    waiting_since: Option<Instant>,
}

impl RestoreReader {
    /// Makes the client; no broker is asked yet.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(
        settings: &ClientSettings,
        state_topic: &str,
        inputs: &[&str],
    ) -> Result<Self, Error> {
        let tunable = [
            // Large blocks and no pauses: this reader is never in step with a producer.
            ("fetch.message.max.bytes", "8388608"),
            ("fetch.max.bytes", "67108864"),
            ("queued.min.messages", "1000000"),
            ("queued.max.messages.kbytes", "131072"),
            ("fetch.queue.backoff.ms", "1"),
            ("fetch.wait.max.ms", "50"),
            ("check.crcs", "true"),
        ];
        let fixed = [
            // Needed to assign and to ask for the group's offsets; this client never joins.
            ("group.id", settings.group.as_str()),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
            ("enable.partition.eof", "true"),
        ];
        let consumer: BaseConsumer<Ear> = settings
            .config(&tunable, &fixed)
            .create_with_context(Ear::default())
            .map_err(|source| Error::Create {
                client: "restoring",
                source,
            })?;
        Ok(Self {
            reader: BatchReader::new(consumer, BATCH_RECORDS),
            topic: state_topic.to_owned(),
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            partitions: Vec::new(),
            asked_at: None,
            unanswered_since: None,
            // Twice: the dead owner may have been configured otherwise than this one.
            patience: settings.transaction_timeout * 2 + BROKER_LOOKS_EVERY,
        })
    }

    /// Begins with a partition; one that is being read already begins anew.
    ///
    /// # Errors
    /// When the library refuses to stop reading it.
    pub fn add(&mut self, partition: i32) -> Result<(), Error> {
        self.cancel(partition)?;
        self.partitions.push(Restoring {
            partition,
            stage: Stage::Asking,
            committed: Vec::new(),
            waiting_since: None,
        });
        Ok(())
    }

    /// Stops with a partition; nothing more of it is handed out.
    ///
    /// # Errors
    /// When the library refuses to stop reading it.
    pub fn cancel(&mut self, partition: i32) -> Result<(), Error> {
        let Some(index) = self.index(partition) else {
            return Ok(());
        };
        let removed = self.partitions.swap_remove(index);
        match removed.stage {
            Stage::Reading { .. } => self.unassign(partition),
            Stage::Asking | Stage::WaitingForFence { .. } => Ok(()),
        }
    }

    /// What is being done, for health and metrics.
    pub fn stages(&self) -> impl Iterator<Item = (i32, Stage)> {
        self.partitions
            .iter()
            .map(|restoring| (restoring.partition, restoring.stage))
    }

    /// Whether nothing is asked for.
    pub fn is_idle(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Goes one step on with every partition and hands out what has arrived; waits at most `wait`.
    ///
    /// # Errors
    /// When a broker does not answer, or a transaction hangs. Nothing is lost then: the next step
    /// asks again.
    pub fn step(&mut self, wait: Duration, sink: &mut impl Sink) -> Result<(), Error> {
        self.ask()?;
        self.pass_fence(sink)?;
        self.read(wait, sink)?;
        self.blame_what_hangs()
    }

    /// Committed offsets first, the watermark after them: see the head of this file.
    fn ask(&mut self) -> Result<(), Error> {
        let asking: Vec<i32> = self.in_stage(|stage| stage == Stage::Asking);
        if asking.is_empty() {
            return Ok(());
        }
        let inputs: Vec<&str> = self.inputs.iter().map(String::as_str).collect();
        let wanted: Vec<(usize, i32)> = asking
            .iter()
            .flat_map(|partition| (0..inputs.len()).map(move |input| (input, *partition)))
            .collect();
        let committed =
            match consumer::committed(self.reader.consumer(), &inputs, &wanted, REQUEST_TIMEOUT) {
                Ok(committed) => committed,
                Err(error) => return Err(self.why_unanswered(&asking, error)),
            };
        self.unanswered_since = None;
        let ends = self.offsets(&asking, OffsetOf::HighWatermark)?;
        let per_partition = committed.chunks(inputs.len());
        for ((partition, until), committed) in asking.iter().zip(ends).zip(per_partition) {
            let committed = committed.to_vec();
            if let Some(index) = self.index(*partition) {
                self.partitions[index].committed = committed;
                self.partitions[index].stage = Stage::WaitingForFence { until };
                self.partitions[index].waiting_since = Some(Instant::now());
            }
        }
        self.asked_at = None;
        Ok(())
    }

    /// Why the committed offsets are not answered: the library asks again and again while a
    /// transaction holds them back, and then says no more than that the time is over.
    fn why_unanswered(&mut self, asking: &[i32], error: Error) -> Error {
        if self.offsets(asking, OffsetOf::HighWatermark).is_err() {
            // The brokers answer nothing else either.
            self.unanswered_since = None;
            return error;
        }
        let since = *self.unanswered_since.get_or_insert_with(Instant::now);
        if since.elapsed() < self.patience {
            return error;
        }
        Error::Hanging {
            held_back: format!("the committed offsets of {}", self.inputs.join(" and ")),
            longer_than: self.patience,
        }
    }

    /// An open transaction that should be over by now is told; waiting goes on.
    fn blame_what_hangs(&self) -> Result<(), Error> {
        let hanging = self.partitions.iter().find(|restoring| {
            let waiting = matches!(restoring.stage, Stage::WaitingForFence { .. });
            let since = restoring.waiting_since.filter(|_| waiting);
            since.is_some_and(|since| since.elapsed() > self.patience)
        });
        hanging.map_or(Ok(()), |restoring| {
            Err(Error::Hanging {
                held_back: format!("partition {} of {}", restoring.partition, self.topic),
                longer_than: self.patience,
            })
        })
    }

    /// Lets those read on whose last stable offset has reached their watermark.
    fn pass_fence(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        let waiting = self.in_stage(|stage| matches!(stage, Stage::WaitingForFence { .. }));
        let soon = |asked: Instant| asked.elapsed() < FENCE_INTERVAL;
        if waiting.is_empty() || self.asked_at.is_some_and(soon) {
            return Ok(());
        }
        self.asked_at = Some(Instant::now());
        let stable = self.offsets(&waiting, OffsetOf::LastStable)?;
        let starts = self.offsets(&waiting, OffsetOf::Start)?;
        let mut begun = TopicPartitionList::new();
        for ((partition, stable), start) in waiting.into_iter().zip(stable).zip(starts) {
            let index = self
                .index(partition)
                .expect("waiting partitions are listed");
            let Stage::WaitingForFence { until } = self.partitions[index].stage else {
                continue;
            };
            if stable < until {
                continue;
            }
            if start >= until {
                self.finish(partition, until, 0, 0, sink);
                continue;
            }
            self.partitions[index].stage = Stage::Reading {
                from: start,
                until,
                next: start,
                records: 0,
            };
            begun
                .add_partition_offset(&self.topic, partition, Offset::Offset(start))
                .map_err(|source| self.call("setting the first position", source))?;
        }
        if begun.count() > 0 {
            self.reader
                .consumer()
                .incremental_assign(&begun)
                .map_err(|source| self.call("beginning to read", source))?;
        }
        Ok(())
    }

    fn read(&mut self, wait: Duration, sink: &mut impl Sink) -> Result<(), Error> {
        let mut ended = Vec::new();
        let Self {
            reader, partitions, ..
        } = self;
        for message in reader.poll(wait).iter() {
            let Some(restoring) = partitions
                .iter_mut()
                .find(|restoring| restoring.partition == message.partition)
            else {
                continue;
            };
            let Stage::Reading {
                from,
                until,
                next,
                records,
            } = &mut restoring.stage
            else {
                continue;
            };
            if message.error.is_none() {
                sink.record(
                    message.partition,
                    message.key.unwrap_or_default(),
                    message.value,
                );
                *records += 1;
                *next = message.offset + 1;
            }
            // The end of the partition is told as an offset too, and it is told even when
            // compaction or an abort left nothing to hand out near the watermark.
            let reached = message.error.is_none() && message.offset + 1 >= *until
                || message.is_end_of_partition() && message.offset >= *until;
            if reached {
                ended.push((message.partition, *until, *until - *from, *records));
            }
        }
        for (partition, end, offsets, records) in ended {
            if self.index(partition).is_some() {
                self.unassign(partition)?;
                self.finish(partition, end, offsets, records, sink);
            }
        }
        Ok(())
    }

    fn finish(
        &mut self,
        partition: i32,
        end: i64,
        offsets: i64,
        records: u64,
        sink: &mut impl Sink,
    ) {
        let index = self.index(partition).expect("a partition finishes once");
        let committed = self.partitions.swap_remove(index).committed;
        sink.finished(
            partition,
            Finished {
                committed,
                records,
                end,
                offsets,
            },
        );
    }

    fn unassign(&self, partition: i32) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        self.reader
            .consumer()
            .incremental_unassign(&list)
            .map_err(|source| self.call("ending to read", source))
    }

    fn offsets(&self, partitions: &[i32], of: OffsetOf) -> Result<Vec<i64>, Error> {
        let named: Vec<(&str, i32)> = partitions
            .iter()
            .map(|partition| (self.topic.as_str(), *partition))
            .collect();
        let client = self.reader.consumer().client();
        native::list_offsets(client, &named, of, REQUEST_TIMEOUT).map_err(|source| Error::Native {
            doing: format!("asking for the offsets of {}", self.topic),
            source,
        })
    }

    fn in_stage(&self, wanted: impl Fn(Stage) -> bool) -> Vec<i32> {
        self.partitions
            .iter()
            .filter(|restoring| wanted(restoring.stage))
            .map(|restoring| restoring.partition)
            .collect()
    }

    fn index(&self, partition: i32) -> Option<usize> {
        self.partitions
            .iter()
            .position(|restoring| restoring.partition == partition)
    }

    fn call(&self, doing: &str, source: rdkafka::error::KafkaError) -> Error {
        Error::Call {
            doing: format!("{doing} of {}", self.topic),
            source,
        }
    }
}
