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
//! The fence is that of the events out, too. What the last owner has written there is decided with its
//! state, unless a broker has lost the end of a transaction there; and then the next transaction of the
//! same producer would decide it, the other way perhaps. So such a partition stands still and is named.
//!
//! Partitions of other owners can be followed meanwhile, so that taking one over reads no more than
//! what is new: see `restore/copies.rs`.
//!
//! One reader serves many partitions at once, on a thread of its own; it keeps no state of
//! tickets, it hands out bytes.

mod copies;
mod fence;

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

pub use self::copies::Copies;
use super::client::{ClientSettings, Ear};
use super::consumer::Committed;
use super::error::Error;
use super::native::{self, BatchReader, OffsetOf};

/// A request to a broker is given up after this, and made again by the next step.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// While answers are held back, each partition is asked for by itself and as short as this: brokers
/// answer in a hundredth of it, and what is being read must not wait.
const ALONE_TIMEOUT: Duration = Duration::from_millis(500);

/// A broker looks for transactions that have run out of time this often, unless told otherwise
/// (`transaction.abort.timed.out.transaction.cleanup.interval.ms`).
const BROKER_LOOKS_EVERY: Duration = Duration::from_secs(10);

/// How many records one batch call takes: enough to make its cost small, few enough to stay in the
/// processor's cache.
const BATCH_RECORDS: usize = 2_000;

/// How many partitions are read at once, those that are followed included: one being read while the
/// next begins. With more of them no partition would be at its end before nearly all were, the states
/// of none could be built meanwhile, and the records of all would be in memory together.
const READ_AT_ONCE: usize = 2;

/// One that is followed and takes longer does not keep the others waiting: under a load that it does
/// not keep up with it may never be at its end.
const FIRST_FOR: Duration = Duration::from_secs(10);

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
    /// Reading to `until`, or about to when it is its turn. Ends with [`Sink::finished`].
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
    /// A partition is read from its beginning: what was handed out of it before counts no more.
    fn begin(&mut self, partition: i32);
    /// One record in the order of the log; without a value it is a tombstone.
    fn record(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>);
    /// Everything of a partition has been handed out.
    fn finished(&mut self, partition: i32, finished: Finished);
}

/// Reads the state of any number of partitions.
pub struct RestoreReader {
    reader: BatchReader<Ear>,
    /// What transactions write to, the state first.
    topics: Vec<String>,
    group: String,
    inputs: Vec<String>,
    partitions: Vec<Reading>,
    asked_at: Option<Instant>,
    /// Since when the committed offsets are not answered by brokers that answer all else.
    unanswered_since: Option<Instant>,
    /// Counts partitions that were asked for by themselves.
    alone: usize,
    /// A transaction that is open for longer than this will never end.
    patience: Duration,
}

/// A partition that is read.
struct Reading {
    partition: i32,
    /// None while it is followed for somebody else's end.
    restore: Option<Restore>,
    /// How far it is; none while its reading has not begun.
    place: Option<Place>,
}

impl Reading {
    /// What its restore is doing, if it has one.
    fn stage(&self) -> Option<Stage> {
        self.restore.as_ref().map(|restore| restore.stage)
    }

    fn is_reading(&self) -> bool {
        matches!(self.stage(), Some(Stage::Reading { .. }))
    }

    /// Whether others wait for it to be at its end.
    fn comes_first(&self) -> bool {
        self.place.as_ref().is_some_and(|place| {
            let is_behind = place.current_at.is_none();
            self.is_reading() || (is_behind && place.begun_at.elapsed() < FIRST_FOR)
        })
    }
}

/// How far a partition is read.
struct Place {
    /// The offset that comes next; none before the library has told of any.
    next: Option<i64>,
    /// When its reading began.
    begun_at: Instant,
    /// When everything that was stable had been read, as far as is known, or a moment before; none while
    /// it never was.
    current_at: Option<Instant>,
    /// The last stable offset, and when it was asked for.
    stable: Option<(Instant, i64)>,
}

impl Place {
    fn beginning() -> Self {
        Self {
            next: None,
            begun_at: Instant::now(),
            current_at: None,
            stable: None,
        }
    }
}

/// A restore under way.
struct Restore {
    stage: Stage,
    committed: Vec<Committed>,
    /// The high watermarks of the partition in all topics.
    ends: Vec<i64>,
    /// The topic in which a transaction below them was open when it was last asked for.
    open_in: usize,
    /// When its watermarks were known.
    waiting_since: Option<Instant>,
}

impl RestoreReader {
    /// Makes the client; no broker is asked yet. The first of the topics is that of the state, the
    /// others are those that the same transactions write to.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(
        settings: &ClientSettings,
        topics: &[&str],
        inputs: &[&str],
    ) -> Result<Self, Error> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
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
                source: source.into(),
            })?;
        Ok(Self {
            reader: BatchReader::new(consumer, BATCH_RECORDS),
            topics: owned(topics),
            group: settings.group.clone(),
            inputs: owned(inputs),
            partitions: Vec::new(),
            asked_at: None,
            unanswered_since: None,
            alone: 0,
            // Twice: the dead owner may have been configured otherwise than this one.
            patience: settings.transaction_timeout * 2 + BROKER_LOOKS_EVERY,
        })
    }

    /// Begins to restore a partition: from where it was followed to, or else from its beginning.
    /// One that is being restored already is read anew.
    ///
    /// # Errors
    /// When the library refuses to stop reading it.
    pub fn add(&mut self, partition: i32) -> Result<(), Error> {
        let restore = Restore {
            stage: Stage::Asking,
            committed: Vec::new(),
            ends: Vec::new(),
            open_in: 0,
            waiting_since: None,
        };
        let followed = self.index(partition).filter(|index| self.is_fit(*index));
        if let Some(index) = followed {
            self.partitions[index].restore = Some(restore);
            return Ok(());
        }
        self.release(partition)?;
        self.partitions.push(Reading {
            partition,
            restore: Some(restore),
            place: None,
        });
        Ok(())
    }

    /// Stops with a partition; nothing more of it is handed out.
    ///
    /// # Errors
    /// When the library refuses to stop reading it.
    pub fn release(&mut self, partition: i32) -> Result<(), Error> {
        let Some(index) = self.index(partition) else {
            return Ok(());
        };
        match self.partitions.swap_remove(index).place {
            Some(_) => self.unassign(partition),
            None => Ok(()),
        }
    }

    /// What restores are doing, for health and metrics.
    pub fn stages(&self) -> impl Iterator<Item = (i32, Stage)> {
        let readings = self.partitions.iter();
        readings.filter_map(|reading| Some((reading.partition, reading.stage()?)))
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
        // What is not answered holds up nothing that is being read.
        let asked = self.ask();
        let passed = self.pass_fence(sink);
        // What is followed does not come before what is waited for.
        self.begin(sink, Reading::is_reading)?;
        self.begin(sink, |reading| reading.restore.is_none())?;
        self.read(wait, sink)?;
        asked.and(passed)?;
        self.blame_what_hangs()
    }

    fn read(&mut self, wait: Duration, sink: &mut impl Sink) -> Result<(), Error> {
        let mut ended = Vec::new();
        let Self {
            reader, partitions, ..
        } = self;
        for message in reader.poll(wait).iter() {
            let of_partition = |reading: &&mut Reading| reading.partition == message.partition;
            let Some(reading) = partitions.iter_mut().find(of_partition) else {
                continue;
            };
            let Some(place) = &mut reading.place else {
                continue;
            };
            if message.error.is_none() {
                sink.record(
                    message.partition,
                    message.key.unwrap_or_default(),
                    message.value,
                );
                place.next = Some(message.offset + 1);
            } else if message.is_end_of_partition() {
                // The end is told as an offset too, and it is told even when compaction or an abort
                // left nothing to hand out near the watermark.
                place.next = place.next.max(Some(message.offset));
                place.current_at.get_or_insert(place.begun_at);
            } else {
                continue;
            }
            let stage = reading.restore.as_mut().map(|restore| &mut restore.stage);
            if let Some(Stage::Reading {
                from,
                until,
                next,
                records,
            }) = stage
            {
                *records += u64::from(message.error.is_none());
                *next = place.next.unwrap_or(*next);
                if *next >= *until {
                    ended.push((message.partition, *until, *until - *from, *records));
                }
            }
        }
        for (partition, end, offsets, records) in ended {
            self.finish(partition, end, offsets, records, sink)?;
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
    ) -> Result<(), Error> {
        let Some(index) = self.index(partition) else {
            return Ok(());
        };
        let restore = self.partitions[index].restore.take();
        self.release(partition)?;
        sink.finished(
            partition,
            Finished {
                committed: restore.map_or_else(Vec::new, |restore| restore.committed),
                records,
                end,
                offsets,
            },
        );
        Ok(())
    }

    /// Begins to read some of those whose reading has not begun, from their beginning, a few at a time.
    fn begin(
        &mut self,
        sink: &mut impl Sink,
        is_wanted: impl Fn(&Reading) -> bool,
    ) -> Result<(), Error> {
        let first = self.partitions.iter().filter(|it| it.comes_first());
        let room = READ_AT_ONCE.saturating_sub(first.count());
        let waiting = self.partitions.iter_mut().filter(|it| it.place.is_none());
        let mut begun = Vec::new();
        for reading in waiting.filter(|it| is_wanted(it)).take(room) {
            reading.place = Some(Place::beginning());
            sink.begin(reading.partition);
            // Whatever is deleted meanwhile, the reading begins with what is left.
            begun.push((reading.partition, Offset::Beginning));
        }
        self.assign(&begun)
    }

    /// Begins to read partitions from these offsets.
    fn assign(&self, begun: &[(i32, Offset)]) -> Result<(), Error> {
        if begun.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for (partition, from) in begun {
            list.add_partition_offset(self.state(), *partition, *from)
                .map_err(|source| self.call("setting the first position", source))?;
        }
        self.reader
            .consumer()
            .incremental_assign(&list)
            .map_err(|source| self.call("beginning to read", source))
    }

    fn unassign(&self, partition: i32) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition(self.state(), partition);
        self.reader
            .consumer()
            .incremental_unassign(&list)
            .map_err(|source| self.call("ending to read", source))
    }

    /// Those of the state.
    fn offsets(&self, partitions: &[i32], of: OffsetOf) -> Result<Vec<i64>, Error> {
        self.offsets_in(&self.topics[..1], partitions, of)
    }

    /// Those of each partition in each of these topics, partition by partition.
    fn offsets_in(
        &self,
        topics: &[String],
        partitions: &[i32],
        of: OffsetOf,
    ) -> Result<Vec<i64>, Error> {
        let named: Vec<(&str, i32)> = partitions
            .iter()
            .flat_map(|partition| topics.iter().map(|topic| (topic.as_str(), *partition)))
            .collect();
        let client = self.reader.consumer().client();
        native::list_offsets(client, &named, of, REQUEST_TIMEOUT).map_err(|source| Error::Native {
            doing: format!("asking for the offsets of {}", topics.join(" and ")),
            source,
        })
    }

    /// The topic of the state.
    fn state(&self) -> &str {
        &self.topics[0]
    }

    fn index(&self, partition: i32) -> Option<usize> {
        self.partitions
            .iter()
            .position(|restoring| restoring.partition == partition)
    }

    fn call(&self, doing: &str, source: rdkafka::error::KafkaError) -> Error {
        Error::Call {
            doing: format!("{doing} of {}", self.state()),
            source,
        }
    }
}
