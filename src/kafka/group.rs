//! The rebalance callbacks of the group member: they note what changed, and wait for the transaction
//! under way before they give anything up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{
    BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata, RebalanceProtocol,
};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::client::Ear;
use super::consumer::{Change, InputPartition};
use super::flight::Flight;
use super::native;

/// A member that was taken in and not called back within this time is given nothing: the library has
/// only to look up the topics of what it is given, which takes milliseconds.
const SILENCE: Duration = Duration::from_secs(2);

/// Notes what rebalances change.
pub(super) struct GroupContext {
    pub(super) ear: Ear,
    topics: Vec<String>,
    ledger: Mutex<Ledger>,
    /// The transaction that was begun last.
    flight: Mutex<Option<Arc<Flight>>>,
}

#[derive(Default)]
pub(super) struct Ledger {
    /// What was not acted on yet.
    pub(super) changes: Vec<Change>,
    /// What the group has given to this member.
    pub(super) owned: BTreeSet<InputPartition>,
    /// The next offset to be delivered of every partition that was started.
    pub(super) positions: BTreeMap<InputPartition, i64>,
    /// What is not fetched, as the library goes on to see it even when it goes and comes back.
    pub(super) paused: BTreeSet<InputPartition>,
    /// The generation that what is owned belongs to. The library may be in a later one already, and the
    /// callback that takes something away still wait in its queue.
    generation: i32,
    /// Whether the library is in another one, and no callback has said what that means.
    has_moved: bool,
    /// When the broker that assigns was found to have taken this member in.
    joined_at: Option<Instant>,
    /// Whether it was said for the first time what this member is given.
    has_answer: bool,
}

impl GroupContext {
    pub(super) fn new(topics: &[&str]) -> Self {
        Self {
            ear: Ear::default(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            ledger: Mutex::default(),
            flight: Mutex::default(),
        }
    }

    /// The transaction that was begun last, to be waited for.
    pub(super) fn flight(&self) -> MutexGuard<'_, Option<Arc<Flight>>> {
        let flight = self.flight.lock();
        flight.expect("nothing panics while it holds the flight")
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger
            .lock()
            .expect("nothing panics while it holds the ledger")
    }

    /// Who a member is, while the library is in the generation that what the member owns belongs to.
    pub(super) fn metadata(consumer: &BaseConsumer<Self>) -> Option<ConsumerGroupMetadata> {
        // Taken first: a later generation of the two is refused here, an earlier one by the brokers.
        let metadata = consumer.group_metadata();
        let generation = native::generation(consumer);
        let mut ledger = consumer.context().ledger();
        ledger.has_moved = generation != ledger.generation;
        metadata.filter(|_| !ledger.has_moved)
    }

    /// Before callbacks are served: the generation that means no change when there is none among them.
    pub(super) fn before_callbacks(consumer: &BaseConsumer<Self>) -> Option<i32> {
        let has_moved = consumer.context().ledger().has_moved;
        has_moved.then(|| native::generation(consumer))
    }

    /// All callbacks have been served since that.
    pub(super) fn served_since(consumer: &BaseConsumer<Self>, before: Option<i32>) {
        let mut ledger = consumer.context().ledger();
        // Where the broker assigns, there is no callback for who is given nothing, only its epoch
        // (`rd_kafka_cgrp_consumer_is_new_assignment_different` of librdkafka 2.12.1).
        if !ledger.has_answer
            && matches!(
                consumer.rebalance_protocol(),
                RebalanceProtocol::Cooperative
            )
            && native::generation(consumer) > 0
            && ledger.joined_at.get_or_insert_with(Instant::now).elapsed() >= SILENCE
        {
            ledger.has_answer = true;
            ledger.changes.push(Change::Assigned(Vec::new()));
        }
        if let Some(generation) = before.filter(|_| ledger.has_moved) {
            ledger.generation = generation;
            ledger.has_moved = false;
        }
    }

    pub(super) fn input(&self, topic: &str, partition: i32) -> Option<InputPartition> {
        let index = self.topics.iter().position(|known| known == topic)?;
        Some((index, partition))
    }

    fn inputs(&self, list: &TopicPartitionList) -> Vec<InputPartition> {
        list.elements()
            .iter()
            .filter_map(|element| self.input(element.topic(), element.partition()))
            .collect()
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let inputs = self.inputs(list);
        // Until it is answered, the library goes no further.
        let generation = native::generation(consumer);
        let mut ledger = self.ledger();
        (ledger.generation, ledger.has_moved) = (generation, false);
        ledger.has_answer = true;
        ledger.owned.extend(inputs.iter().copied());
        ledger.changes.push(Change::Assigned(inputs));
        drop(ledger);
        // The library waits for this answer; the partitions follow when they are started.
        let nothing = TopicPartitionList::new();
        let applied = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&nothing),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(&nothing),
        };
        if let Err(error) = applied {
            tracing::error!(reason = %error, "the assignment could not be taken over");
        }
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        // The generation that its offsets belong to ends with the answer to this callback.
        let flight = self.flight().take();
        if let Some(flight) = flight {
            flight.wait();
        }
        let inputs = self.inputs(list);
        let mut started = TopicPartitionList::new();
        let mut ledger = self.ledger();
        for partition in &inputs {
            ledger.owned.remove(partition);
            if ledger.positions.remove(partition).is_some() {
                started.add_partition(&self.topics[partition.0], partition.1);
            }
        }
        ledger.changes.push(if consumer.assignment_lost() {
            Change::Lost(inputs)
        } else {
            Change::Revoked(inputs)
        });
        drop(ledger);
        let applied = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(&started),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        };
        if let Err(error) = applied {
            tracing::error!(reason = %error, "the assignment could not be given up");
        }
    }
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.ear.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, list);
        } else {
            self.revoke(consumer, list);
        }
    }
}
