//! The broker inside the process does what the service asks of one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use escalator::kafka::OffsetOf;
use escalator::kafka::consumer::Change;
use escalator::kafka::lanes::{Lanes, Outcome, OutgoingOffset, Transaction};
use escalator::kafka::reader::Reader;
use escalator::kafka::restore::{Finished, RestoreReader, Sink};
use escalator::kafka::topics::{TopicNames, Topics};
use escalator::kafka::writer::Writer;
use escalator::record::OutgoingRecord;
use rdkafka::producer::Producer;

use crate::consumer::{assigned, join};
use crate::support::client::{
    Sent, create_topic, produce, producer, read_committed, send, settings,
};
use crate::support::{PATIENCE, wait_until};

struct Counted(u64);

impl Sink for Counted {
    fn begin(&mut self, _: i32) {}

    fn record(&mut self, _: i32, _: &[u8], _: Option<&[u8]>) {}

    fn finished(&mut self, _: i32, finished: Finished) {
        self.0 = finished.records;
    }
}

#[test]
fn a_transaction_passes_through_the_embedded_broker() {
    let address = escalator::embedded::start().unwrap().to_string();
    assert_eq!(escalator::embedded::start().unwrap().to_string(), address);
    let settings = settings(&address, "embedded", "one");
    let names = TopicNames {
        created: "ticket-created".to_owned(),
        updated: "ticket-updated".to_owned(),
        state: "escalation-state".to_owned(),
        escalated: "escalated".to_owned(),
        notify: "notify".to_owned(),
        dead_letters: "escalation-dead-letters".to_owned(),
        plans: "escalation-plans".to_owned(),
    };
    let topics = Topics::new(&settings, &names).unwrap();
    assert_eq!(topics.create(2, Some(1)).unwrap().len(), 7);
    assert_eq!(topics.check().unwrap().partitions, 2);

    let inputs = [names.created.as_str(), names.updated.as_str()];
    let member = join(&settings, &inputs);
    wait_until("the assignment", PATIENCE, || {
        member.poll(10, Duration::from_millis(20));
        let mut changes = member.take_changes().into_iter();
        changes
            .find(|change| matches!(change, Change::Assigned(partitions) if partitions.len() == 4))
    });
    let mut lanes = Lanes::new(&settings, 0);
    wait_until("the lanes", PATIENCE, || lanes.prepare().ok());
    let transaction = Transaction {
        records: vec![OutgoingRecord {
            topic: names.state.as_str().into(),
            partition: 1,
            key: Some(b"T1".to_vec()),
            value: Some(b"state".to_vec()),
            headers: Vec::new(),
            timestamp_ms: None,
        }],
        offsets: vec![OutgoingOffset {
            topic: names.created.clone(),
            partition: 1,
            offset: 7,
        }],
        identity: "first".to_owned(),
    };
    for _ in 0..4 {
        let outcome = lanes.transact(transaction.clone().into(), &member);
        assert!(matches!(outcome, Outcome::Committed), "{outcome:?}");
    }
    let committed = member.committed(&[(0, 1)], PATIENCE).unwrap();
    assert_eq!(committed[0].offset, Some(7));
    assert_eq!(committed[0].metadata, "first");
    let ends = member
        .offsets(&[(0, 0), (1, 1)], OffsetOf::HighWatermark, PATIENCE)
        .unwrap();
    assert_eq!(ends, [0, 0]);

    let mut reader = RestoreReader::open(&settings, &[&names.state], &inputs).unwrap();
    let mut counted = Counted(0);
    reader.add(1).unwrap();
    wait_until("the restore", PATIENCE, || {
        reader
            .step(Duration::from_millis(20), &mut counted)
            .unwrap();
        reader.is_idle().then_some(())
    });
    assert_eq!(counted.0, 4);
}

#[test]
fn what_a_plain_client_writes_is_read_by_another_with_its_timestamp() {
    let address = escalator::embedded::start().unwrap().to_string();
    let settings = settings(&address, "plain", "one");
    for topic in ["plain-a", "plain-b"] {
        create_topic(&address, topic, 2, &[]);
    }
    let reader = Reader::open(&settings, &["plain-a", "plain-b"], 2).unwrap();
    let record = |topic: &str, partition, timestamp_ms| OutgoingRecord {
        topic: topic.into(),
        partition,
        key: Some(b"T1".to_vec()),
        value: Some(b"value".to_vec()),
        headers: Vec::new(),
        timestamp_ms: Some(timestamp_ms),
    };
    // As of the test's own day: the broker expires what is older than a week.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(now.as_millis()).unwrap();
    let records = [
        record("plain-b", 1, now_ms - 1),
        record("plain-a", 0, now_ms),
    ];
    let writer = Writer::open(&settings).unwrap();
    writer.write(&records).unwrap();
    let mut read = Vec::new();
    wait_until("the end of both topics", PATIENCE, || {
        read.extend(reader.poll(10, Duration::from_millis(20)).unwrap());
        reader.is_at_end().unwrap().then_some(())
    });
    read.sort_by_key(|record| record.timestamp_ms);
    let read: Vec<_> = read
        .iter()
        .map(|record| (record.input, record.partition, record.timestamp_ms))
        .collect();
    assert_eq!(read, [(1, 1, now_ms - 1), (0, 0, now_ms)]);
}

#[test]
fn a_member_that_is_gone_without_a_word_leaves_its_partitions_to_others() {
    let address = escalator::embedded::start().unwrap().to_string();
    create_topic(&address, "left", 2, &[]);
    let mut first = settings(&address, "left", "one");
    // Such a member does not say that it leaves.
    first.is_static = true;
    let member = join(&first, &["left"]);
    assert_eq!(assigned(&member).len(), 2);
    drop(member);
    let member = join(&settings(&address, "left", "two"), &["left"]);
    assert_eq!(assigned(&member).len(), 2);
}

#[test]
fn what_a_producer_has_begun_that_is_gone_without_a_word_holds_nobody_up() {
    let address = escalator::embedded::start().unwrap().to_string();
    create_topic(&address, "begun", 1, &[]);
    let begun = Sent {
        value: Some(b"begun"),
        ..Sent::default()
    };
    let producer = producer(&address, &[("transactional.id", "begun")]);
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, "begun", &[begun]);
    producer.flush(PATIENCE).unwrap();
    // It says nothing of its transaction.
    drop(producer);

    let said = Sent {
        value: Some(b"said"),
        ..Sent::default()
    };
    produce(&address, "begun", &[said]);
    let read = wait_until("what is committed", PATIENCE, || {
        let read = read_committed(&address, "begun");
        (!read.is_empty()).then_some(read)
    });
    let read: Vec<_> = read.iter().map(|record| record.value.as_deref()).collect();
    assert_eq!(read, [Some(&b"said"[..])]);
}
