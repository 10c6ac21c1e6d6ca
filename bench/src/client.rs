//! The driver's own clients, the same for every contender.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::event::CREATED;
use crate::load::{Escalation, Load};

/// Escalations out.
pub const ESCALATED: &str = "escalated";
/// Notifications out.
pub const NOTIFY: &str = "notify";
/// Partitions of every topic.
pub const PARTITIONS: i32 = 12;

/// Longer than a broker takes that is well.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends events to the partitions that Java's default partitioner would choose.
pub struct Sender {
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Sender {
    /// Connects.
    pub fn new(brokers: &str, linger_ms: u32) -> Result<Self> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("acks", "all")
            .set("linger.ms", linger_ms.to_string())
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "262144")
            .create()
            .context("making the driver's producer")?;
        Ok(Self { producer })
    }

    /// Sends one event; waits while the queue is full.
    pub fn send(&self, topic: &str, key: &str, value: &str) -> Result<()> {
        let partition = partition_of(key);
        let mut record = BaseRecord::to(topic)
            .partition(partition)
            .key(key)
            .payload(value);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_micros(500));
                }
                Err((error, _)) => bail!("sending to {topic}: {error}"),
            }
        }
    }

    /// Writes a load, all tickets before the updates of them; answers with what must be escalated.
    pub fn write(&self, load: &Load) -> Result<BTreeSet<Escalation>> {
        let mut last = CREATED;
        let expected = load.make(|topic, ticket, value| {
            if topic != last {
                self.flush()?;
                last = topic;
            }
            self.send(topic, ticket, value)
        })?;
        self.flush()?;
        Ok(expected)
    }

    /// Waits until everything is acknowledged.
    pub fn flush(&self) -> Result<()> {
        self.producer
            .flush(Duration::from_secs(120))
            .context("flushing the load")
    }
}

/// The partition of a key.
pub fn partition_of(key: &str) -> i32 {
    (murmur2(key.as_bytes()) & 0x7fff_ffff) % PARTITIONS
}

/// The hash of Java's default partitioner.
fn murmur2(bytes: &[u8]) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash: u32 = 0x9747_b28c ^ bytes.len() as u32;
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        let mut word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)) as i32
}

/// A client that joins no group; `group` only names whose committed offsets it may ask for. It reads
/// uncommitted, so that a transaction under way does not hold an answer about ends back.
pub fn asker(brokers: &str, group: &str) -> Result<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("isolation.level", "read_uncommitted")
        .set("enable.auto.commit", "false")
        .create()
        .context("making a client that asks for offsets")
}

/// Where every partition of a topic ends.
pub fn ends(client: &BaseConsumer, topic: &str) -> Result<Vec<i64>> {
    (0..PARTITIONS)
        .map(|partition| {
            let marks = client.fetch_watermarks(topic, partition, TIMEOUT);
            Ok(marks
                .with_context(|| format!("asking for the end of {topic}"))?
                .1)
        })
        .collect()
}

/// A reader of committed records that stands at these offsets of a topic, one a partition.
pub fn reader(brokers: &str, topic: &str, from: &[Offset]) -> Result<BaseConsumer> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench-reader")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        .create()
        .context("making a reader")?;
    let mut list = TopicPartitionList::new();
    for (partition, offset) in (0..).zip(from) {
        list.add_partition_offset(topic, partition, *offset)?;
    }
    client
        .assign(&list)
        .with_context(|| format!("reading {topic}"))?;
    Ok(client)
}

/// A reader that stands at the present ends, its connections open.
pub fn reader_at_the_end(brokers: &str, topic: &str) -> Result<BaseConsumer> {
    let ends = ends(&asker(brokers, "bench-reader")?, topic)?;
    let from: Vec<_> = ends.into_iter().map(Offset::Offset).collect();
    let client = reader(brokers, topic, &from)?;
    drop(client.poll(Duration::from_millis(300)));
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn the_hash_is_that_of_java() {
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()), hash, "{text}");
        }
    }
}
