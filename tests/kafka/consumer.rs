//! The group member: what a record carries, and what a rebalance leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use escalator::kafka::consumer::{Change, GroupConsumer, InputPartition};
use escalator::kafka::{ClientSettings, OffsetOf};
use escalator::record::Record;

use crate::support::broker::broker;
use crate::support::client::{Sent, create_topic, produce, settings, unique};
use crate::support::{PATIENCE, wait_until};

pub(crate) const POLL: Duration = Duration::from_millis(50);

/// Two input topics with equal partition counts.
pub(crate) fn inputs(partitions: i32) -> [String; 2] {
    let topics = [unique("created"), unique("updated")];
    for topic in &topics {
        create_topic(&broker().address, topic, partitions, &[]);
    }
    topics
}

/// A member of `group` that has its partitions.
pub(crate) fn member(group: &str, topics: &[String; 2]) -> GroupConsumer {
    let member = unassigned(group, topics);
    assigned(&member);
    member
}

fn unassigned(group: &str, topics: &[String; 2]) -> GroupConsumer {
    let settings = settings(&broker().address, group, "test");
    join(&settings, &[&topics[0], &topics[1]])
}

/// A member that has joined.
pub(crate) fn join(settings: &ClientSettings, topics: &[&str]) -> GroupConsumer {
    let member = GroupConsumer::open(settings, topics).unwrap();
    member.join().unwrap();
    member
}

/// Polls until an assignment is noted; nothing must be delivered meanwhile.
pub(crate) fn assigned(member: &GroupConsumer) -> Vec<InputPartition> {
    wait_until("the assignment", PATIENCE, || {
        assert_eq!(member.poll(100, POLL).records, []);
        member
            .take_changes()
            .into_iter()
            .find_map(|change| match change {
                Change::Assigned(partitions) if !partitions.is_empty() => Some(partitions),
                Change::Assigned(_) | Change::Revoked(_) | Change::Lost(_) => None,
            })
    })
}

fn take(member: &GroupConsumer, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    wait_until("the records", PATIENCE, || {
        records.extend(member.poll(100, POLL).records);
        (records.len() >= count).then_some(())
    });
    records
}

#[test]
fn a_record_comes_with_everything_it_carries() {
    let topics = inputs(1);
    let sent = Sent {
        timestamp_ms: Some(1_700_000_000_123),
        key: Some(b"T1"),
        value: Some(b"value"),
        headers: vec![("a", b"1"), ("b", b"")],
        ..Sent::default()
    };
    produce(&broker().address, &topics[1], &[sent]);

    let member = member(&unique("group"), &topics);
    member.start(&[((0, 0), 0), ((1, 0), 0)]).unwrap();

    let expected = Record {
        input: 1,
        partition: 0,
        offset: 0,
        timestamp_ms: 1_700_000_000_123,
        key: Some(b"T1".to_vec()),
        value: Some(b"value".to_vec()),
        headers: vec![
            ("a".to_owned(), Some(b"1".to_vec())),
            ("b".to_owned(), Some(Vec::new())),
        ],
    };
    assert_eq!(take(&member, 1), [expected]);
}

#[test]
fn nothing_is_read_before_a_position_is_named() {
    let topics = inputs(1);
    let records: Vec<Sent<'_>> = (0..10)
        .map(|_| Sent {
            value: Some(b"x"),
            ..Sent::default()
        })
        .collect();
    produce(&broker().address, &topics[0], &records);

    let member = member(&unique("group"), &topics);
    for _ in 0..5 {
        assert_eq!(member.poll(100, POLL).records, []);
    }
    member.start(&[((0, 0), 7)]).unwrap();

    let offsets: Vec<i64> = take(&member, 3)
        .iter()
        .map(|record| record.offset)
        .collect();
    assert_eq!(offsets, [7, 8, 9]);
}

#[test]
fn a_paused_partition_goes_on_where_delivery_stopped() {
    let topics = inputs(1);
    let records: Vec<Sent<'_>> = (0..100)
        .map(|_| Sent {
            value: Some(b"x"),
            ..Sent::default()
        })
        .collect();
    produce(&broker().address, &topics[0], &records);
    let member = member(&unique("group"), &topics);
    member.start(&[((0, 0), 0)]).unwrap();

    let mut offsets = Vec::new();
    while offsets.len() < 100 {
        let polled = member.poll(10, PATIENCE);
        offsets.extend(polled.records.iter().map(|record| record.offset));
        member.pause(&[(0, 0)]).unwrap();
        assert_eq!(member.poll(10, Duration::ZERO).records, []);
        member.resume(&[(0, 0)]).unwrap();
    }
    assert_eq!(offsets, (0..100).collect::<Vec<i64>>());
}

#[test]
fn a_partition_that_was_paused_when_it_went_is_read_when_it_is_back() {
    let topics = inputs(2);
    let sent = [0, 1].map(|partition| Sent {
        partition,
        value: Some(b"x"),
        ..Sent::default()
    });
    produce(&broker().address, &topics[0], &sent);
    let group = unique("group");
    let first = member(&group, &topics);
    let positions = [((0, 0), 0), ((0, 1), 0)];
    first.start(&positions).unwrap();
    assert_eq!(take(&first, 2).len(), 2);
    first.pause(&[(0, 0), (0, 1)]).unwrap();

    // Read from another place without having gone.
    first.start(&positions).unwrap();
    assert_eq!(take(&first, 2).len(), 2);
    first.pause(&[(0, 0), (0, 1)]).unwrap();

    // Half of it goes to a second member, which dies.
    let second = unassigned(&group, &topics);
    wait_until("the second's share", PATIENCE, || {
        first.poll(100, POLL);
        second.poll(100, POLL);
        let mut changes = second.take_changes().into_iter();
        changes.find(|change| matches!(change, Change::Assigned(has) if !has.is_empty()))
    });
    first.take_changes();
    second.leave(PATIENCE);
    wait_until("all again", PATIENCE, || {
        first.poll(100, POLL);
        let mut changes = first.take_changes().into_iter();
        changes.find(|change| matches!(change, Change::Assigned(has) if has.len() == 4))
    });
    first.start(&positions).unwrap();
    assert_eq!(take(&first, 2).len(), 2);
}

#[test]
fn a_partition_can_be_read_again_from_another_place_by_either_protocol() {
    for protocol in ["classic", "consumer"] {
        let topics = inputs(1);
        let records = [b"a", b"b", b"c"].map(|value| Sent {
            value: Some(value),
            ..Sent::default()
        });
        produce(&broker().address, &topics[0], &records);
        let mut settings = settings(&broker().address, &unique("group"), "test");
        let property = ("group.protocol".to_owned(), protocol.to_owned());
        settings.properties.extend([property]);
        let member = join(&settings, &[&topics[0], &topics[1]]);
        assigned(&member);
        for (from, count) in [(0, 3), (1, 2), (0, 3)] {
            member.start(&[((0, 0), from), ((1, 0), 0)]).unwrap();
            let offsets: Vec<_> = take(&member, count).iter().map(|it| it.offset).collect();
            assert_eq!(offsets, (from..3).collect::<Vec<_>>(), "{protocol}");
        }
    }
}

#[test]
fn starting_more_partitions_loses_and_repeats_nothing_of_the_others() {
    let topics = inputs(4);
    let records: Vec<Sent<'_>> = (0..4_000)
        .map(|number| Sent {
            partition: number % 4,
            value: Some(b"x"),
            ..Sent::default()
        })
        .collect();
    for topic in &topics {
        produce(&broker().address, topic, &records);
    }
    let member = member(&unique("group"), &topics);

    let mut next = BTreeMap::new();
    let mut waiting: Vec<InputPartition> = (0..2)
        .flat_map(|input| (0..4).map(move |partition| (input, partition)))
        .collect();
    wait_until("all records", PATIENCE, || {
        if let Some(partition) = waiting.pop() {
            member.start(&[(partition, 0)]).unwrap();
        }
        for record in member.poll(300, POLL).records {
            let expected = next.entry((record.input, record.partition)).or_insert(0);
            assert_eq!(record.offset, *expected);
            *expected += 1;
        }
        (next.values().sum::<i64>() == 8_000).then_some(())
    });
}

/// Who has which partitions once a second member has joined, and what the first had to give up.
#[derive(Default)]
struct Shared {
    first: BTreeSet<InputPartition>,
    second: BTreeSet<InputPartition>,
    revoked: usize,
}

/// Lets a second member join the first, both with these properties.
fn share(properties: &[(&str, &str)]) -> Shared {
    let topics = inputs(4);
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let mut settings = settings(&broker().address, &unique("group"), "test");
    settings.properties = properties.iter().map(owned).collect();
    let topics = [&*topics[0], &*topics[1]];
    let first = join(&settings, &topics);
    let mut shared = Shared {
        first: assigned(&first).into_iter().collect(),
        ..Shared::default()
    };
    assert_eq!(shared.first.len(), 8, "one member has all");
    let second = join(&settings, &topics);
    wait_until("the rebalance", PATIENCE, || {
        first.poll(10, POLL);
        for change in first.take_changes() {
            match change {
                Change::Assigned(partitions) => shared.first.extend(partitions),
                Change::Revoked(partitions) | Change::Lost(partitions) => {
                    shared.revoked += partitions.len();
                    shared.first.retain(|it| !partitions.contains(it));
                }
            }
        }
        second.poll(10, POLL);
        for change in second.take_changes() {
            if let Change::Assigned(partitions) = change {
                shared.second.extend(partitions);
            }
        }
        (shared.first.len() == 4 && shared.second.len() == 4).then_some(())
    });
    shared
}

fn assert_together(shared: &Shared) {
    let numbers = |of: &BTreeSet<InputPartition>, input| -> Vec<i32> {
        let of_input = of.iter().filter(|(index, _)| *index == input);
        of_input.map(|(_, number)| *number).collect()
    };
    assert_eq!(numbers(&shared.first, 0), numbers(&shared.first, 1));
    assert_eq!(numbers(&shared.second, 0), numbers(&shared.second, 1));
    assert!(shared.first.is_disjoint(&shared.second));
}

#[test]
fn two_members_share_the_numbers_and_keep_both_inputs_together() {
    let shared = share(&[]);
    assert_eq!(
        shared.revoked, 8,
        "everything is given up before it is shared anew"
    );
    assert_together(&shared);
}

#[test]
fn two_members_whom_the_broker_assigns_move_only_what_moves() {
    let shared = share(&[("group.protocol", "consumer")]);
    assert_eq!(shared.revoked, 4);
    assert_together(&shared);
}

#[test]
fn one_member_too_many_is_told_so_by_either_protocol() {
    for protocol in ["classic", "consumer"] {
        let topics = inputs(1);
        let mut settings = settings(&broker().address, &unique("group"), "test");
        let property = ("group.protocol".to_owned(), protocol.to_owned());
        settings.properties.extend([property]);
        let topics = [&*topics[0], &*topics[1]];
        let members = [join(&settings, &topics), join(&settings, &topics)];
        let mut given = [None, None];
        wait_until("both having an answer", PATIENCE, || {
            for (member, given) in members.iter().zip(&mut given) {
                member.poll(100, POLL);
                for change in member.take_changes() {
                    if let Change::Assigned(has) = change {
                        *given = Some(has.len());
                    }
                }
            }
            let mut all: Vec<usize> = given.iter().flatten().copied().collect();
            all.sort_unstable();
            (all == [0, 2]).then_some(())
        });
    }
}

#[test]
fn offsets_of_many_partitions_come_in_the_order_asked() {
    let topics = inputs(3);
    for (partition, count) in [(0, 2), (2, 5)] {
        let records: Vec<Sent<'_>> = (0..count)
            .map(|index| Sent {
                partition,
                timestamp_ms: Some(1_700_000_000_000 + index),
                value: Some(b"x"),
                ..Sent::default()
            })
            .collect();
        produce(&broker().address, &topics[0], &records);
    }
    let member = member(&unique("group"), &topics);
    let asked = [(0, 2), (1, 0), (0, 0), (0, 1)];

    let of = |of| member.offsets(&asked, of, PATIENCE).unwrap();
    assert_eq!(of(OffsetOf::HighWatermark), [5, 0, 2, 0]);
    assert_eq!(of(OffsetOf::LastStable), [5, 0, 2, 0]);
    assert_eq!(of(OffsetOf::Start), [0, 0, 0, 0]);
    assert_eq!(of(OffsetOf::Timestamp(1_700_000_000_001)), [1, -1, 1, -1]);
}

#[test]
fn a_position_that_no_longer_exists_is_an_error_and_not_a_guess() {
    let topics = inputs(1);
    let member = member(&unique("group"), &topics);
    member.start(&[((0, 0), 1_000)]).unwrap();

    let problem = wait_until("the error", PATIENCE, || member.poll(10, POLL).problem);
    assert!(
        problem.to_string().contains("are gone"),
        "another error came: {problem}"
    );
    assert!(!problem.is_retriable());
}
