//! A plain client of the broker, independent of the code under test.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{PATIENCE, wait_until};
use escalator::kafka::ClientSettings;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// A record as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    /// The key and the value as text, for comparing at a glance.
    pub(crate) fn text(&self) -> (String, String) {
        let text = |bytes: &Option<Vec<u8>>| {
            String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
        };
        (text(&self.key), text(&self.value))
    }
}

/// A record to be written by a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent<'a> {
    pub(crate) partition: i32,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Vec<(&'a str, &'a [u8])>,
}

/// A name that no other test uses.
pub(crate) fn unique(prefix: &str) -> String {
    let random = tempfile::Builder::new()
        .rand_bytes(10)
        .make(|path| Ok(path.to_owned()))
        .expect("a random name can be made");
    let name = random
        .path()
        .file_name()
        .expect("a path has a name")
        .to_string_lossy()
        .into_owned();
    format!("{prefix}-{}", name.trim_start_matches('.'))
}

/// Settings for the code under test.
pub(crate) fn settings(address: &str, group: &str, instance: &str) -> ClientSettings {
    ClientSettings {
        brokers: address.to_owned(),
        group: group.to_owned(),
        instance: instance.to_owned(),
        properties: BTreeMap::new(),
        session_timeout: Duration::from_secs(10),
        transaction_timeout: Duration::from_secs(10),
        is_static: false,
    }
}

fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    config
}

/// An administrator.
pub(crate) fn admin(address: &str) -> AdminClient<DefaultClientContext> {
    config(address)
        .create()
        .expect("an admin client can be made")
}

/// Waits for what an administrator is answered.
pub(crate) fn wait_for<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime can be made")
        .block_on(answer)
}

/// Makes a topic with these settings and as many copies as the cluster gives by itself.
pub(crate) fn create_topic(address: &str, name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let admin = admin(address);
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let answers = wait_for(admin.create_topics(&[topic], &options)).expect("the broker answers");
    for answer in answers {
        answer.expect("the topic can be made");
    }
    // A node learns of a new topic a moment after the controller has made it.
    wait_until("the topic", PATIENCE, || {
        let metadata = admin.inner().fetch_metadata(Some(name), PATIENCE).ok()?;
        (metadata.topics()[0].partitions().len() == usize::try_from(partitions).ok()?).then_some(())
    });
}

/// Gives a topic another limit for its records, and the defaults of the broker otherwise.
pub(crate) fn limit_records(address: &str, topic: &str, bytes: usize) {
    let bytes = bytes.to_string();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", &bytes);
    let (admin, options) = (admin(address), AdminOptions::new());
    let answers = wait_for(admin.alter_configs(&[change], &options));
    assert!(answers.expect("the broker answers")[0].is_ok());
    // The controller has answered; the broker that takes records hears of it by itself.
    wait_until("the limit", PATIENCE, || {
        let asked = [ResourceSpecifier::Topic(topic)];
        let answers = wait_for(admin.describe_configs(&asked, &options)).ok()?;
        let known = answers.first()?.as_ref().ok()?;
        let limit = known.get("max.message.bytes")?.value.as_ref()?;
        (*limit == bytes).then_some(())
    });
}

/// A producer that knows nothing of the code under test.
pub(crate) type PlainProducer = ThreadedProducer<DefaultProducerContext>;

/// A plain producer.
pub(crate) fn producer(address: &str, settings: &[(&str, &str)]) -> PlainProducer {
    let mut config = config(address);
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create().expect("a producer can be made")
}

/// Hands records to a producer without waiting for them.
pub(crate) fn send(producer: &PlainProducer, topic: &str, records: &[Sent<'_>]) {
    for sent in records {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(sent.partition);
        if let Some(key) = sent.key {
            record = record.key(key);
        }
        if let Some(value) = sent.value {
            record = record.payload(value);
        }
        if let Some(timestamp_ms) = sent.timestamp_ms {
            record = record.timestamp(timestamp_ms);
        }
        let mut headers = OwnedHeaders::new();
        for (key, value) in &sent.headers {
            headers = headers.insert(Header {
                key,
                value: Some(*value),
            });
        }
        record = record.headers(headers);
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("a record is accepted");
    }
}

/// Writes records and waits until the broker has them.
pub(crate) fn produce(address: &str, topic: &str, records: &[Sent<'_>]) {
    let producer = producer(address, &[("acks", "all")]);
    send(&producer, topic, records);
    producer
        .flush(Duration::from_secs(30))
        .expect("the broker acknowledges");
}

/// Moves the offset of a group that has no members, as a person does.
pub(crate) fn commit_by_hand(address: &str, group: &str, at: (&str, i32), offset: i64) {
    let consumer: BaseConsumer = config(address)
        .set("group.id", group)
        .create()
        .expect("a consumer can be made");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(at.0, at.1, Offset::Offset(offset))
        .expect("an offset can be set");
    consumer
        .commit(&list, CommitMode::Sync)
        .expect("the broker takes the offset");
}

/// Everything in a topic that a reader of committed records sees, partition by partition.
pub(crate) fn read_committed(address: &str, topic: &str) -> Vec<Seen> {
    read(address, topic, "read_committed")
}

/// Everything in a topic, aborted records included.
pub(crate) fn read_uncommitted(address: &str, topic: &str) -> Vec<Seen> {
    read(address, topic, "read_uncommitted")
}

fn reader(address: &str, isolation: &str) -> BaseConsumer {
    config(address)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "20")
        .create()
        .expect("a consumer can be made")
}

fn read(address: &str, topic: &str, isolation: &str) -> Vec<Seen> {
    let consumer = reader(address, isolation);
    let partitions = partitions(&consumer, topic);
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .expect("a position can be set");
    }
    consumer.assign(&list).expect("partitions can be assigned");
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut ended = vec![false; usize::try_from(partitions).expect("a count is positive")];
    let mut seen = Vec::new();
    while ended.iter().any(|ended| !ended) {
        assert!(Instant::now() < deadline, "reading {topic} took too long");
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => seen.push(Seen {
                partition: message.partition(),
                offset: message.offset(),
                timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    headers
                        .iter()
                        .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                        .collect()
                }),
            }),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended[usize::try_from(partition).expect("a number is positive")] = true;
            }
            // A broker that has just come up; the client connects again.
            Some(Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure,
            )))
            | None => {}
            Some(Err(error)) => panic!("reading {topic} failed: {error}"),
        }
    }
    seen.sort_by_key(|record| (record.partition, record.offset));
    seen
}

/// The end of each partition of a topic, records of open transactions included.
pub(crate) fn ends(address: &str, topic: &str) -> Vec<i64> {
    ends_for(address, topic, "read_uncommitted")
}

/// Where the first open transaction of each partition of a topic begins, or else its end.
pub(crate) fn stable_ends(address: &str, topic: &str) -> Vec<i64> {
    ends_for(address, topic, "read_committed")
}

fn ends_for(address: &str, topic: &str, isolation: &str) -> Vec<i64> {
    let consumer = reader(address, isolation);
    let ends = (0..partitions(&consumer, topic)).map(|partition| {
        let (_, end) = consumer
            .fetch_watermarks(topic, partition, Duration::from_secs(10))
            .expect("the broker tells where a partition ends");
        end
    });
    ends.collect()
}

/// Somebody who speaks for a group without being a member of it.
pub(crate) fn outsider(address: &str, group: &str) -> ConsumerGroupMetadata {
    let consumer: BaseConsumer = config(address)
        .set("group.id", group)
        .create()
        .expect("a consumer can be made");
    consumer
        .group_metadata()
        .expect("a consumer with a group has its metadata")
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> i32 {
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(30))
        .expect("the broker answers");
    let count = metadata.topics()[0].partitions().len();
    assert!(count > 0, "topic {topic} does not exist");
    i32::try_from(count).expect("a count of partitions is small")
}
