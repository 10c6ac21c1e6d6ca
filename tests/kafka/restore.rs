//! Restoring: everything up to the fence, nothing of what was aborted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use escalator::kafka::Error;
use escalator::kafka::restore::{Finished, RestoreReader, Sink, Stage};
use rdkafka::producer::{DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::util::Timeout;

use crate::consumer::inputs;
use crate::support::broker::broker;
use crate::support::client::{
    Sent, create_topic, outsider, produce, producer, send, settings, unique,
};
use crate::support::{PATIENCE, wait_until};

const STEP: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Collected {
    records: BTreeMap<i32, Vec<(String, Option<String>)>>,
    finished: BTreeMap<i32, Finished>,
    under_way: BTreeSet<i32>,
    most_at_once: usize,
}

impl Sink for Collected {
    fn begin(&mut self, partition: i32) {
        self.under_way.insert(partition);
        self.most_at_once = self.most_at_once.max(self.under_way.len());
    }

    fn record(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.records
            .entry(partition)
            .or_default()
            .push((text(key), value.map(text)));
    }

    fn finished(&mut self, partition: i32, finished: Finished) {
        self.finished.insert(partition, finished);
        self.under_way.remove(&partition);
    }
}

fn state_topic(partitions: i32) -> String {
    let topic = unique("state");
    create_topic(
        &broker().address,
        &topic,
        partitions,
        &[("cleanup.policy", "compact")],
    );
    topic
}

fn reader(state: &str) -> RestoreReader {
    reader_of(&[state], Duration::from_secs(10))
}

/// One that expects transactions to last no longer than this.
fn reader_of(topics: &[&str], transaction_timeout: Duration) -> RestoreReader {
    let inputs = inputs(4);
    let mut settings = settings(&broker().address, &unique("group"), "test");
    settings.transaction_timeout = transaction_timeout;
    RestoreReader::open(&settings, topics, &[&inputs[0], &inputs[1]]).unwrap()
}

/// One step; the next one asks again where a broker was not ready to answer.
fn go_on(reader: &mut RestoreReader, collected: &mut Collected) {
    if let Err(error) = reader.step(STEP, collected) {
        assert!(error.is_retriable(), "{error}");
    }
}

fn restore(reader: &mut RestoreReader, partitions: &[i32]) -> Collected {
    let mut collected = Collected::default();
    for partition in partitions {
        reader.add(*partition).unwrap();
    }
    wait_until("the restore", PATIENCE, || {
        go_on(reader, &mut collected);
        reader.is_idle().then_some(())
    });
    collected
}

fn sent<'a>(partition: i32, key: &'a str, value: Option<&'a str>) -> Sent<'a> {
    Sent {
        partition,
        key: Some(key.as_bytes()),
        value: value.map(str::as_bytes),
        ..Sent::default()
    }
}

#[test]
fn several_partitions_come_back_at_once_with_tombstones() {
    let state = state_topic(3);
    produce(
        &broker().address,
        &state,
        &[
            sent(0, "a", Some("1")),
            sent(2, "b", Some("2")),
            sent(0, "a", None),
        ],
    );
    let collected = restore(&mut reader(&state), &[0, 1, 2]);

    let record = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
    assert_eq!(
        collected.records[&0],
        [record("a", Some("1")), record("a", None)]
    );
    assert_eq!(collected.records[&2], [record("b", Some("2"))]);
    assert_eq!(collected.finished.len(), 3);
    assert_eq!(collected.finished[&0].records, 2);
    assert_eq!(collected.finished[&0].end, 2);
    assert_eq!(collected.finished[&1].records, 0);
    let committed: Vec<_> = collected.finished[&0]
        .committed
        .iter()
        .map(|of| of.offset)
        .collect();
    assert_eq!(committed, [None, None]);
}

#[test]
fn two_partitions_are_read_at_once_however_many_are_asked_for() {
    let state = state_topic(6);
    let one_each: Vec<_> = (0..6).map(|number| sent(number, "a", Some("1"))).collect();
    produce(&broker().address, &state, &one_each);
    let collected = restore(&mut reader(&state), &[0, 1, 2, 3, 4, 5]);
    assert_eq!(collected.most_at_once, 2);
    assert_eq!(collected.records.len(), 6);
    assert_eq!(collected.finished.len(), 6);
}

#[test]
fn a_tail_that_was_aborted_is_passed_over() {
    let state = state_topic(1);
    produce(&broker().address, &state, &[sent(0, "a", Some("kept"))]);
    let writer = producer(
        &broker().address,
        &[("transactional.id", &unique("writer"))],
    );
    writer.init_transactions(Timeout::After(PATIENCE)).unwrap();
    writer.begin_transaction().unwrap();
    send(
        &writer,
        &state,
        &[sent(0, "a", Some("aborted")), sent(0, "b", Some("aborted"))],
    );
    writer.flush(PATIENCE).unwrap();
    writer.abort_transaction(PATIENCE).unwrap();

    let collected = restore(&mut reader(&state), &[0]);
    assert_eq!(
        collected.records[&0],
        [("a".to_owned(), Some("kept".to_owned()))]
    );
    assert_eq!(collected.finished[&0].end, 4);
}

#[test]
fn a_restore_waits_until_a_dead_owners_transaction_is_decided() {
    let state = state_topic(1);
    produce(&broker().address, &state, &[sent(0, "a", Some("kept"))]);
    let id = unique("dead");
    let dead = producer(
        &broker().address,
        &[
            ("transactional.id", &id),
            ("transaction.timeout.ms", "3000"),
        ],
    );
    dead.init_transactions(Timeout::After(PATIENCE)).unwrap();
    dead.begin_transaction().unwrap();
    send(&dead, &state, &[sent(0, "a", Some("open"))]);
    dead.flush(PATIENCE).unwrap();
    let begun = Instant::now();

    let mut reader = reader(&state);
    let mut collected = Collected::default();
    reader.add(0).unwrap();
    let mut waited = false;
    wait_until("the restore", PATIENCE, || {
        go_on(&mut reader, &mut collected);
        waited |= reader
            .stages()
            .any(|(_, stage)| matches!(stage, Stage::WaitingForFence { until: 2 }));
        reader.is_idle().then_some(())
    });
    assert!(waited, "the open transaction was not noticed");
    assert!(
        begun.elapsed() > Duration::from_secs(2),
        "it was not waited for"
    );
    assert_eq!(
        collected.records[&0],
        [("a".to_owned(), Some("kept".to_owned()))]
    );
}

/// A producer whose transaction holds back others for longer than anybody waits here.
fn open_transaction() -> ThreadedProducer<DefaultProducerContext> {
    let writer = producer(
        &broker().address,
        &[
            ("transactional.id", &unique("open")),
            ("transaction.timeout.ms", "600000"),
        ],
    );
    writer.init_transactions(Timeout::After(PATIENCE)).unwrap();
    writer.begin_transaction().unwrap();
    writer
}

/// What a reader that expects transactions to be short says until it says that one hangs.
fn complaint(reader: &mut RestoreReader) -> Error {
    let mut collected = Collected::default();
    reader.add(0).unwrap();
    let complaint = wait_until("a complaint", PATIENCE, || {
        let told = reader.step(STEP, &mut collected).err()?;
        matches!(told, Error::Hanging { .. }).then_some(told)
    });
    assert!(collected.finished.is_empty());
    assert!(complaint.is_retriable());
    complaint
}

#[test]
fn a_transaction_that_never_ends_is_named_with_the_remedy() {
    let state = state_topic(1);
    let writer = open_transaction();
    send(&writer, &state, &[sent(0, "a", Some("open"))]);
    writer.flush(PATIENCE).unwrap();

    let mut reader = reader_of(&[&state], Duration::ZERO);
    let told = complaint(&mut reader).to_string();
    assert!(told.contains(&format!("partition 0 of {state}")), "{told}");
    assert!(
        told.contains("kafka-transactions.sh find-hanging"),
        "{told}"
    );

    // Whoever ends it needs nothing else.
    writer.abort_transaction(PATIENCE).unwrap();
    let collected = restore(&mut reader, &[0]);
    assert_eq!(collected.finished[&0].records, 0);
}

#[test]
fn what_hangs_in_an_output_holds_its_partition_back_and_no_other() {
    let [state, escalated] = [state_topic(2), state_topic(2)];
    produce(
        &broker().address,
        &state,
        &[sent(0, "a", Some("1")), sent(1, "b", Some("1"))],
    );
    let writer = open_transaction();
    send(&writer, &escalated, &[sent(1, "b", Some("open"))]);
    writer.flush(PATIENCE).unwrap();

    let mut reader = reader_of(&[&state, &escalated], Duration::ZERO);
    let mut collected = Collected::default();
    reader.add(0).unwrap();
    reader.add(1).unwrap();
    let told = wait_until("a complaint and the other partition", PATIENCE, || {
        let told = reader.step(STEP, &mut collected).err()?;
        // A broker may be slow to answer before that.
        let hangs = matches!(told, Error::Hanging { .. });
        (hangs && collected.finished.contains_key(&0)).then(|| told.to_string())
    });
    assert!(
        told.contains(&format!("partition 1 of {escalated}")),
        "{told}"
    );
    assert!(!collected.finished.contains_key(&1));

    // Whoever ends it needs nothing else.
    writer.abort_transaction(PATIENCE).unwrap();
    wait_until("the rest", PATIENCE, || {
        go_on(&mut reader, &mut collected);
        collected.finished.contains_key(&1).then_some(())
    });
}

#[test]
fn offsets_that_are_never_settled_are_named_with_the_remedy() {
    let state = state_topic(1);
    let inputs = inputs(1);
    let mut settings = settings(&broker().address, &unique("group"), "test");
    settings.transaction_timeout = Duration::ZERO;
    let group = outsider(&broker().address, &settings.group);
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&inputs[0], 0, Offset::Offset(1))
        .unwrap();
    let writer = open_transaction();
    writer
        .send_offsets_to_transaction(&offsets, &group, PATIENCE)
        .unwrap();

    let inputs = [&*inputs[0], &*inputs[1]];
    let mut reader = RestoreReader::open(&settings, &[&state], &inputs).unwrap();
    let told = complaint(&mut reader).to_string();
    assert!(
        told.contains(&format!(
            "the committed offsets of partition 0 of {}",
            inputs[0]
        )),
        "{told}"
    );

    writer.abort_transaction(PATIENCE).unwrap();
    let collected = restore(&mut reader, &[0]);
    assert_eq!(collected.finished[&0].committed[0].offset, None);
}

#[test]
fn a_cancelled_partition_hands_out_nothing_more_and_can_begin_anew() {
    let state = state_topic(2);
    let keys: Vec<String> = (0..5_000).map(|number| format!("key {number}")).collect();
    let records: Vec<Sent<'_>> = keys.iter().map(|key| sent(0, key, Some("value"))).collect();
    produce(&broker().address, &state, &records);

    let mut reader = reader(&state);
    let mut collected = Collected::default();
    reader.add(0).unwrap();
    wait_until("the first records", PATIENCE, || {
        go_on(&mut reader, &mut collected);
        collected.records.contains_key(&0).then_some(())
    });
    reader.release(0).unwrap();
    let taken = collected.records[&0].len();
    reader.add(1).unwrap();
    wait_until("the other partition", PATIENCE, || {
        go_on(&mut reader, &mut collected);
        reader.is_idle().then_some(())
    });
    assert_eq!(collected.records[&0].len(), taken);

    let again = restore(&mut reader, &[0]);
    assert_eq!(again.records[&0].len(), 5_000);
    assert_eq!(again.records[&0][0].0, "key 0");
}
