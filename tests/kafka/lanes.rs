//! Transactions: what becomes visible, and what an outcome says.

use std::sync::mpsc::channel;
use std::time::Duration;

use escalator::kafka::consumer::GroupConsumer;
use escalator::kafka::lanes::{Lanes, Outcome, OutgoingOffset, Transaction};
use escalator::record::OutgoingRecord;

use crate::consumer::{assigned, inputs, join, member};
use crate::support::broker::{Broker, broker};
use crate::support::client::{create_topic, read_committed, settings, unique};
use crate::support::{PATIENCE, wait_until};

fn record(topic: &str, value: &str) -> OutgoingRecord {
    OutgoingRecord {
        topic: topic.into(),
        partition: 0,
        key: Some(b"key".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: vec![("header".to_owned(), Some(b"h".to_vec()))],
        timestamp_ms: Some(1_700_000_000_456),
    }
}

fn transaction(records: Vec<OutgoingRecord>, input: &str, offset: i64, name: &str) -> Transaction {
    Transaction {
        records,
        offsets: vec![OutgoingOffset {
            topic: input.to_owned(),
            partition: 0,
            offset,
        }],
        identity: name.to_owned(),
    }
}

fn ready(group: &str, instance: &str) -> Lanes {
    let mut lanes = Lanes::new(&settings(&broker().address, group, instance), 0);
    prepare(&mut lanes);
    lanes
}

fn prepare(lanes: &mut Lanes) {
    wait_until("the lanes", PATIENCE, || lanes.prepare().ok());
}

struct Scene {
    group: String,
    inputs: [String; 2],
    output: String,
    member: GroupConsumer,
}

fn scene() -> Scene {
    let (group, inputs, output) = (unique("group"), inputs(1), unique("output"));
    create_topic(&broker().address, &output, 1, &[]);
    let member = member(&group, &inputs);
    Scene {
        group,
        inputs,
        output,
        member,
    }
}

/// What a transaction comes to when the broker has gone after the lanes were made ready. The threads
/// of the client outlive the test where the answer does not come.
fn outcome_without_broker() -> Option<Outcome> {
    let mut own = Broker::start();
    let (group, topics) = (unique("group"), [unique("created"), unique("updated")]);
    for topic in &topics {
        create_topic(&own.address, topic, 1, &[]);
    }
    let mut settings = settings(&own.address, &group, "one");
    settings.transaction_timeout = Duration::from_secs(2);
    let member = join(&settings, &[&topics[0], &topics[1]]);
    assigned(&member);
    let mut lanes = Lanes::new(&settings, 0);
    prepare(&mut lanes);
    own.kill();
    let nothing_but_offsets = transaction(Vec::new(), &topics[0], 1, "alone");
    let (tell, answer) = channel();
    std::thread::spawn(move || tell.send(lanes.transact(nothing_but_offsets.into(), &member)));
    answer.recv_timeout(PATIENCE).ok()
}

#[test]
fn a_broker_that_went_away_is_not_waited_for_without_end() {
    let outcome = outcome_without_broker();
    assert!(matches!(outcome, Some(Outcome::Unknown(_))), "{outcome:?}");
}

fn values(topic: &str) -> Vec<String> {
    read_committed(&broker().address, topic)
        .iter()
        .map(|record| record.text().1)
        .collect()
}

#[test]
fn transactions_of_both_lanes_become_visible_once_and_in_order() {
    let scene = scene();
    let mut lanes = ready(&scene.group, "one");
    for number in 0..20 {
        let name = format!("transaction {number}");
        let records = vec![record(&scene.output, &name)];
        let transaction = transaction(records, &scene.inputs[0], number, &name);
        let outcome = lanes.transact(transaction.into(), &scene.member);
        assert!(matches!(outcome, Outcome::Committed), "{outcome:?}");

        let committed = scene.member.committed(&[(0, 0), (1, 0)], PATIENCE).unwrap();
        assert_eq!(committed[0].offset, Some(number));
        assert_eq!(committed[0].metadata, name);
        assert_eq!(committed[1].offset, None);
    }
    let expected: Vec<String> = (0..20)
        .map(|number| format!("transaction {number}"))
        .collect();
    assert_eq!(values(&scene.output), expected);

    let first = &read_committed(&broker().address, &scene.output)[0];
    assert_eq!(first.timestamp_ms, 1_700_000_000_456);
    assert_eq!(first.headers, [("header".to_owned(), Some(b"h".to_vec()))]);
}

#[test]
fn a_refused_record_takes_the_whole_transaction_with_it() {
    let scene = scene();
    let mut lanes = ready(&scene.group, "one");
    // The topic's limit is the broker's usual one, below what the producer lets through.
    let mut large = record(&scene.output, "");
    // Noise, so that it stays large when it is compressed.
    let mut noise = 1_u64;
    let bytes = std::iter::repeat_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise.to_le_bytes()[3]
    });
    large.value = Some(bytes.take(2_000_000).collect());
    let records = vec![record(&scene.output, "small"), large];
    let refused = transaction(records, &scene.inputs[0], 1, "refused");

    let outcome = lanes.transact(refused.into(), &scene.member);
    let Outcome::Refused { why, partition } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        why.starts_with(&format!("topic `{}`, partition 0: ", scene.output)),
        "{why}"
    );
    assert_eq!(partition, Some(0));
    let committed = scene.member.committed(&[(0, 0)], PATIENCE).unwrap();
    assert_eq!(committed[0].offset, None);
    assert_eq!(values(&scene.output), [""; 0]);

    prepare(&mut lanes);
    let again = vec![record(&scene.output, "small")];
    let again = transaction(again, &scene.inputs[0], 1, "again");
    let outcome = lanes.transact(again.into(), &scene.member);
    assert!(matches!(outcome, Outcome::Committed), "{outcome:?}");
    assert_eq!(values(&scene.output), ["small"]);
}

#[test]
fn a_member_that_is_no_longer_one_commits_nothing() {
    let scene = scene();
    let mut lanes = ready(&scene.group, "one");
    scene.member.leave(PATIENCE);
    let records = vec![record(&scene.output, "late")];
    let late = transaction(records, &scene.inputs[0], 1, "late");

    // Somebody else is the group now, so the generation of the one that left means nothing.
    let successor = member(&scene.group, &scene.inputs);
    let outcome = lanes.transact(late.into(), &scene.member);
    assert!(matches!(outcome, Outcome::Aborted(_)), "{outcome:?}");
    assert_eq!(values(&scene.output), [""; 0]);
    let committed = successor.committed(&[(0, 0)], PATIENCE).unwrap();
    assert_eq!(committed[0].offset, None);
}

#[test]
fn a_producer_that_was_replaced_is_fenced() {
    let scene = scene();
    let mut old = ready(&scene.group, "same");
    let first = transaction(
        vec![record(&scene.output, "first")],
        &scene.inputs[0],
        1,
        "first",
    );
    assert!(matches!(
        old.transact(first.into(), &scene.member),
        Outcome::Committed
    ));
    let mut new = ready(&scene.group, "same");

    let late = transaction(
        vec![record(&scene.output, "late")],
        &scene.inputs[0],
        2,
        "late",
    );
    let outcome = old.transact(late.into(), &scene.member);
    assert!(matches!(outcome, Outcome::Fenced(_)), "{outcome:?}");
    assert!(!old.are_ready());

    let second = transaction(
        vec![record(&scene.output, "second")],
        &scene.inputs[0],
        2,
        "second",
    );
    assert!(matches!(
        new.transact(second.into(), &scene.member),
        Outcome::Committed
    ));
    assert_eq!(values(&scene.output), ["first", "second"]);
}
