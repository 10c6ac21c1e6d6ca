//! The member of the group that reads the inputs.
//!
//! A rebalance callback runs inside [`GroupConsumer::poll`]. It waits until the transaction under way has
//! landed before it gives partitions up, and notes what changed; the cycle takes the notes after the
//! poll and acts on them with nothing under way. A partition that was assigned
//! is not read before the cycle has restored its state and names the offset to go on from: only
//! then the library hears of it, always with that offset.
//!
//! Rejected: assigning at once, paused, and seeking later. At a logical offset (end, or committed)
//! the answer to the library's own look-up may come after the seek, and moves the position away
//! again in silence; at offset 0 a fetch may be under way before the pause and end in an error.
//!
//! Rejected: reading in native batches. The wrapper asks the library for rebalances as events, and
//! the batch call answers such an event by dropping the assignment in silence. Records are copied
//! out of the library's memory because they may wait for records of the other input, and one
//! record left behind would hold the whole fetched block.

mod ends;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{
    BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata, RebalanceProtocol,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::ClientSettings;
use super::error::{Error, is_transient};
use super::flight::Flight;
use super::group::GroupContext;
use super::native::{self, OffsetOf};
use crate::record::Record;

/// A partition of an input: the index of its topic in the subscription, and its number.
pub type InputPartition = (usize, i32);

/// What a rebalance changed, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These are ours now, and wait for [`GroupConsumer::start`]; none for one member too many.
    Assigned(Vec<InputPartition>),
    /// These are no longer ours; the next owner begins only after this member has agreed.
    Revoked(Vec<InputPartition>),
    /// These were taken away without asking; another owner may be at work already.
    Lost(Vec<InputPartition>),
}

/// A stable committed offset and what was noted with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read; none when nothing was ever committed.
    pub offset: Option<i64>,
    /// The metadata string of the commit.
    pub metadata: String,
}

/// What one poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// Records in the order of their partitions.
    pub records: Vec<Record>,
    /// What went wrong meanwhile; the records beside it are good.
    pub problem: Option<Error>,
}

/// How often the library is hastened while nothing is assigned: a twentieth of the second that it
/// would wait by itself.
const HASTE: Duration = Duration::from_millis(50);

/// The group member; used by one thread.
pub struct GroupConsumer {
    consumer: BaseConsumer<GroupContext>,
    topics: Vec<String>,
    brokers: String,
    instance: String,
    is_static: bool,
}

impl GroupConsumer {
    /// Makes the client; no broker is asked yet.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(settings: &ClientSettings, topics: &[&str]) -> Result<Self, Error> {
        let session_ms = settings.session_timeout.as_millis().to_string();
        let mut tunable = vec![
            // Small waits: a record is worth a commit within tens of milliseconds.
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.wait.max.ms", "50"),
            // Bounds what waits in the library; the cycle bounds what waits in its own buffers.
            ("queued.max.messages.kbytes", "32768"),
            ("check.crcs", "true"),
            // Partitions that were added to an input hold records that nobody reads; the library's five
            // minutes are long for that, and twice a minute costs nothing.
            ("topic.metadata.refresh.interval.ms", "30000"),
        ];
        if settings.has_consumer_protocol() {
            // Only `range` promises that equal numbers of both inputs go to one member.
            tunable.push(("group.remote.assignor", "range"));
        } else {
            tunable.push(("partition.assignment.strategy", "range"));
            tunable.push(("session.timeout.ms", session_ms.as_str()));
        }
        let mut fixed = vec![
            ("group.id", settings.group.as_str()),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("isolation.level", "read_committed"),
            // Every position is named by the cycle; a lost one must not be replaced by a guess.
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "false"),
        ];
        if settings.is_static {
            fixed.push(("group.instance.id", settings.instance.as_str()));
        }
        let context = GroupContext::new(topics);
        let consumer: BaseConsumer<GroupContext> = settings
            .config(&tunable, &fixed)
            .create_with_context(context)
            .map_err(|source| Error::Create {
                client: "group",
                source: source.into(),
            })?;
        Ok(Self {
            consumer,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            brokers: settings.brokers.clone(),
            instance: settings.instance.clone(),
            is_static: settings.is_static,
        })
    }

    /// Joins the group; nothing is assigned before the next poll.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn join(&self) -> Result<(), Error> {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.consumer
            .subscribe(&topics)
            .map_err(|source| self.call("subscribing to the inputs", source))
    }

    /// Serves callbacks and takes at most `limit` records; waits at most `wait` for the first.
    pub fn poll(&self, limit: usize, wait: Duration) -> Polled {
        let mut polled = Polled::default();
        let mut wait = self.hasten(wait);
        let before = GroupContext::before_callbacks(&self.consumer);
        while polled.records.len() < limit {
            match self.consumer.poll(wait) {
                None => {
                    GroupContext::served_since(&self.consumer, before);
                    break;
                }
                Some(Ok(message)) => polled.records.extend(self.record(&message)),
                Some(Err(error)) => {
                    polled.problem = self.problem(error).or(polled.problem);
                    if polled.problem.is_some() {
                        break;
                    }
                }
            }
            wait = Duration::ZERO;
        }
        polled
    }

    /// The library looks for the group's coordinator when its main thread has something to do, which
    /// while nothing is assigned is once a second; the first time, no broker is reached yet
    /// (`rd_kafka_cgrp_serve` of librdkafka 2.12.1). A question that this thread answers by itself is
    /// something to do. Answers with how long to wait for records.
    fn hasten(&self, wait: Duration) -> Duration {
        if !self.consumer.context().ledger().owned.is_empty() {
            return wait;
        }
        drop(self.consumer.subscription());
        wait.min(HASTE)
    }

    /// What rebalances changed since the last time this was asked.
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.consumer.context().ledger().changes)
    }

    /// Begins to read these partitions at these offsets. Under the classic protocol the library
    /// fetches anew what it had fetched ahead for the others, so start several at once.
    /// Those that were taken away meanwhile are passed over; those that were paused, whoever had them
    /// in between, are no more.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn start(&self, positions: &[(InputPartition, i64)]) -> Result<(), Error> {
        let context = self.consumer.context();
        let cooperative = matches!(
            self.consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        );
        let (mut paused, mut again) = (Vec::new(), Vec::new());
        let list = {
            let mut ledger = context.ledger();
            let begun: Vec<_> = positions
                .iter()
                .filter(|(partition, _)| ledger.owned.contains(partition))
                .copied()
                .collect();
            for (partition, offset) in &begun {
                if ledger.positions.insert(*partition, *offset).is_some() {
                    again.push(*partition);
                }
                if ledger.paused.remove(partition) {
                    paused.push(*partition);
                }
            }
            let all: Vec<_> = if cooperative {
                begun
            } else {
                ledger.positions.iter().map(|(at, to)| (*at, *to)).collect()
            };
            self.positioned(&all)?
        };
        if !paused.is_empty() {
            self.resume(&paused)?;
        }
        let applied = if !cooperative {
            self.consumer.assign(&list)
        } else if again.is_empty() {
            self.consumer.incremental_assign(&list)
        } else {
            // What is read already cannot be added at another place.
            let taken = self.consumer.incremental_unassign(&self.list(&again));
            taken.and_then(|()| self.consumer.incremental_assign(&list))
        };
        applied.map_err(|source| self.call("beginning to read", source))
    }

    /// Stops fetching these partitions; what was fetched ahead of time is thrown away and fetched
    /// again after [`GroupConsumer::resume`], so do this late.
    ///
    /// # Errors
    /// When one of them is not assigned.
    pub fn pause(&self, partitions: &[InputPartition]) -> Result<(), Error> {
        self.consumer.context().ledger().paused.extend(partitions);
        self.consumer
            .pause(&self.list(partitions))
            .map_err(|source| self.call("pausing partitions", source))
    }

    /// Fetches these partitions again from where delivery stopped.
    ///
    /// # Errors
    /// When one of them is not assigned.
    pub fn resume(&self, partitions: &[InputPartition]) -> Result<(), Error> {
        let is_resumed = |partition: &InputPartition| partitions.contains(partition);
        let context = self.consumer.context();
        context.ledger().paused.retain(|it| !is_resumed(it));
        self.consumer
            .resume(&self.list(partitions))
            .map_err(|source| self.call("resuming partitions", source))
    }

    /// The group's committed offsets, in the order asked; waits for transactions that are being
    /// committed.
    ///
    /// # Errors
    /// When the coordinator does not answer in time.
    pub fn committed(
        &self,
        partitions: &[InputPartition],
        timeout: Duration,
    ) -> Result<Vec<Committed>, Error> {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        committed(&self.consumer, &topics, partitions, timeout)
    }

    /// One offset of each partition, in the order asked, in one round trip per broker.
    ///
    /// # Errors
    /// When a broker does not answer in time.
    pub fn offsets(
        &self,
        partitions: &[InputPartition],
        of: OffsetOf,
        timeout: Duration,
    ) -> Result<Vec<i64>, Error> {
        let named = self.named(partitions);
        native::list_offsets(self.consumer.client(), &named, of, timeout).map_err(|source| {
            Error::Native {
                doing: format!("asking {} for offsets of the inputs", self.brokers),
                source,
            }
        })
    }

    /// Who this member is, for the offsets of a transaction; none while what it owns may be another's.
    pub fn group_metadata(&self) -> Option<ConsumerGroupMetadata> {
        GroupContext::metadata(&self.consumer)
    }

    /// Gives no partition up before this transaction has landed.
    pub(super) fn wait_for(&self, flight: Arc<Flight>) {
        *self.consumer.context().flight() = Some(flight);
    }

    /// Leaves the group, so that the others take over at once, and ends when that has happened or
    /// the time is over. A static member goes without a word: the group keeps its partitions for it
    /// until its session is over.
    pub fn leave(&self, timeout: Duration) {
        if self.is_static {
            return;
        }
        self.consumer.unsubscribe();
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            drop(self.consumer.poll(Duration::from_millis(10)));
            if self
                .consumer
                .assignment()
                .map_or(true, |list| list.count() == 0)
            {
                return;
            }
        }
    }

    fn named(&self, partitions: &[InputPartition]) -> Vec<(&str, i32)> {
        let partitions = partitions.iter();
        partitions
            .map(|(input, partition)| (self.topics[*input].as_str(), *partition))
            .collect()
    }

    fn list(&self, partitions: &[InputPartition]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (input, partition) in partitions {
            list.add_partition(&self.topics[*input], *partition);
        }
        list
    }

    fn positioned(&self, positions: &[(InputPartition, i64)]) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for ((input, partition), offset) in positions {
            list.add_partition_offset(&self.topics[*input], *partition, Offset::Offset(*offset))
                .map_err(|source| self.call("setting a read position", source))?;
        }
        Ok(list)
    }

    fn call(&self, doing: &str, source: KafkaError) -> Error {
        Error::Call {
            doing: format!("{doing} of {}", self.topics.join(" and ")),
            source,
        }
    }

    fn record(&self, message: &BorrowedMessage<'_>) -> Option<Record> {
        let context = self.consumer.context();
        let (input, partition) = context.input(message.topic(), message.partition())?;
        // Only what was started has a position; the ledger is locked by this thread alone.
        *context.ledger().positions.get_mut(&(input, partition))? = message.offset() + 1;
        Some(record_of(input, message))
    }

    /// What an error between the records means; the library goes on by itself after most.
    fn problem(&self, error: KafkaError) -> Option<Error> {
        let heard = self.consumer.context().ear.take_last();
        let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Some(Error::InputGone {
                    detail: heard.map_or_else(|| error.to_string(), |(_, reason)| reason),
                })
            }
            Some(code @ RDKafkaErrorCode::AllBrokersDown) if !fatal => {
                let heard = heard.unwrap_or_else(|| (code, error.to_string()));
                Some(Error::unreachable(
                    &self.brokers,
                    "reading the inputs",
                    Some(heard),
                ))
            }
            Some(RDKafkaErrorCode::FencedInstanceId) => Some(Error::Replaced {
                instance: self.instance.clone(),
            }),
            Some(code) if !fatal && is_transient(code) => None,
            _ => Some(self.call("reading", error)),
        }
    }
}

/// A message as plain data; `input` is the index of its topic.
pub(super) fn record_of(input: usize, message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    });
    Record {
        input,
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}

/// The committed offsets of `partitions`, by any client that carries the group's name.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topics: &[&str],
    partitions: &[InputPartition],
    timeout: Duration,
) -> Result<Vec<Committed>, Error> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (input, partition) in partitions {
        list.add_partition(topics[*input], *partition);
    }
    let failed = |source| Error::Call {
        doing: format!(
            "asking for the committed offsets of {}",
            topics.join(" and ")
        ),
        source,
    };
    let answer = consumer.committed_offsets(list, timeout).map_err(failed)?;
    let mut found = Vec::with_capacity(partitions.len());
    for (input, partition) in partitions {
        let element = answer
            .find_partition(topics[*input], *partition)
            .ok_or_else(|| failed(KafkaError::OffsetFetch(RDKafkaErrorCode::Partial)))?;
        element.error().map_err(failed)?;
        found.push(Committed {
            offset: number(element.offset()),
            metadata: element.metadata().to_owned(),
        });
    }
    Ok(found)
}

/// The offset that is said by its number.
const fn number(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) => Some(offset),
        Offset::Beginning
        | Offset::End
        | Offset::Stored
        | Offset::Invalid
        | Offset::OffsetTail(_) => None,
    }
}
