//! The limit: what reading, keeping and writing cost in transactions without any logic.
//!
//! It takes both inputs, counts in a hash map, writes a state record of 150 bytes for every event,
//! and one `notify` or `escalated` record for about one in twenty, with offsets, in one transaction
//! on two producers in turn, with the native calls for reading and for the commit. It does not
//! restore, does not follow rebalances, and does not survive an error: nothing may be faster.
//!
//! `raw_loop BROKERS GROUP EVENTS_PER_TRANSACTION`

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

const INPUTS: [&str; 2] = ["ticket-created", "ticket-updated"];
/// The event of a ticket with this first letter escalates; the driver waits for it.
const ESCALATING: u8 = b'E';
/// Of the others every so many writes something too.
const EVERY: u64 = 20;
/// The size of a state record.
const STATE_BYTES: usize = 150;
/// How long it waits for the first record of a batch.
const WAIT_MS: i32 = 5;

type Lane = ThreadedProducer<DefaultProducerContext>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, group, batch] = &arguments[..] else {
        bail!("raw_loop BROKERS GROUP EVENTS_PER_TRANSACTION");
    };
    let consumer = consumer(brokers, group)?;
    let lanes = [lane(brokers, group, 0)?, lane(brokers, group, 1)?];
    // Callbacks are served by the ordinary call until the partitions are there.
    while consumer.assignment()?.count() == 0 {
        ensure!(
            consumer.poll(Duration::from_millis(20)).is_none(),
            "a record before its time"
        );
    }
    let mut work = Loop {
        consumer,
        states: HashMap::new(),
        offsets: HashMap::new(),
        count: 0,
        messages: vec![std::ptr::null_mut(); batch.parse()?],
    };
    for lane in lanes.iter().cycle() {
        work.turn(lane)?;
    }
    Ok(())
}

fn consumer(brokers: &str, group: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("partition.assignment.strategy", "range")
        .set("fetch.queue.backoff.ms", "2")
        .set("fetch.wait.max.ms", "20")
        .set("queued.max.messages.kbytes", "262144")
        .create()?;
    consumer.subscribe(&INPUTS)?;
    Ok(consumer)
}

fn lane(brokers: &str, group: &str, number: usize) -> Result<Lane> {
    let producer: Lane = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", format!("{group}-{number}"))
        .set("linger.ms", "0")
        .set("queue.buffering.max.messages", "2000000")
        .create()?;
    producer.init_transactions(Timeout::Never)?;
    Ok(producer)
}

struct Loop {
    consumer: BaseConsumer,
    states: HashMap<Vec<u8>, (u32, i64, [u8; 64])>,
    /// The next offset of every partition of every input that this transaction moves.
    offsets: HashMap<(usize, i32), i64>,
    count: u64,
    messages: Vec<*mut rdkafka_sys::rd_kafka_message_t>,
}

impl Loop {
    /// One batch, if there is one.
    fn turn(&mut self, lane: &Lane) -> Result<()> {
        let read = self.read()?;
        if read == 0 {
            return Ok(());
        }
        lane.begin_transaction()?;
        for at in 0..read {
            let message = self.messages[at];
            let done = self.handle(message, lane);
            // SAFETY: the message came from the consumer, and nothing borrows from it any more.
            unsafe { rdkafka_sys::rd_kafka_message_destroy(message) };
            done?;
        }
        let mut list = TopicPartitionList::new();
        for ((input, partition), offset) in self.offsets.drain() {
            list.add_partition_offset(INPUTS[input], partition, Offset::Offset(offset))?;
        }
        let member = self.consumer.group_metadata().context("not a member")?;
        lane.send_offsets_to_transaction(&list, &member, Timeout::Never)?;
        let producer = lane.client().native_ptr();
        // SAFETY: the producer lives; the call waits until the transaction is committed. The wrapper's
        // own call takes 100 ms at least.
        let error = unsafe { rdkafka_sys::rd_kafka_commit_transaction(producer, -1) };
        ensure!(error.is_null(), "the commit failed");
        Ok(())
    }

    fn read(&mut self) -> Result<usize> {
        let consumer = self.consumer.client().native_ptr();
        // SAFETY: the queue belongs to a consumer that lives, and there is room for as many messages
        // as are asked for.
        let read = unsafe {
            let queue = rdkafka_sys::rd_kafka_queue_get_consumer(consumer);
            let room = self.messages.len();
            let read = rdkafka_sys::rd_kafka_consume_batch_queue(
                queue,
                WAIT_MS,
                self.messages.as_mut_ptr(),
                room,
            );
            rdkafka_sys::rd_kafka_queue_destroy(queue);
            read
        };
        usize::try_from(read).context("reading failed")
    }

    fn handle(&mut self, message: *mut rdkafka_sys::rd_kafka_message_t, lane: &Lane) -> Result<()> {
        // SAFETY: the message is valid until it is destroyed, and what it points to with it.
        let (message, key, value, is_update) = unsafe {
            let message = &*message;
            if message.err as i32 != 0 {
                return Ok(());
            }
            let key = std::slice::from_raw_parts(message.key.cast::<u8>(), message.key_len);
            let value = std::slice::from_raw_parts(message.payload.cast::<u8>(), message.len);
            let topic = std::ffi::CStr::from_ptr(rdkafka_sys::rd_kafka_topic_name(message.rkt));
            (
                message,
                key,
                value,
                topic.to_bytes() == INPUTS[1].as_bytes(),
            )
        };
        let partition = message.partition;
        if let Some(state) = self.states.get_mut(key) {
            state.0 += 1;
            state.1 = message.offset;
        } else {
            self.states
                .insert(key.to_vec(), (1, message.offset, [0; 64]));
        }
        send(
            lane,
            "raw-state",
            partition,
            key,
            &value[..value.len().min(STATE_BYTES)],
        )?;
        self.count += 1;
        if is_update && key.first() == Some(&ESCALATING) {
            send(lane, "escalated", partition, key, value)?;
        } else if self.count.is_multiple_of(EVERY) {
            send(
                lane,
                "notify",
                partition,
                key,
                &value[..value.len().min(200)],
            )?;
        }
        self.offsets
            .insert((usize::from(is_update), partition), message.offset + 1);
        Ok(())
    }
}

fn send(lane: &Lane, topic: &str, partition: i32, key: &[u8], value: &[u8]) -> Result<()> {
    let record = BaseRecord::to(topic)
        .partition(partition)
        .key(key)
        .payload(value);
    lane.send(record)
        .map_err(|(error, _)| error)
        .with_context(|| format!("writing to {topic}"))
}
