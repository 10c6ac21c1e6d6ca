//! When a shard says that it can serve.

use super::*;
use crate::http::Check;
use crate::wire::{crc32_partition, murmur2_partition};

fn beginner(scene: &mut Scene) -> Shard<ModelLog> {
    scene.shard(StartAt {
        offsets: OffsetOf::Start,
        notify_from: None,
    })
}

#[test]
fn whoever_waits_for_its_first_assignment_is_not_ready() {
    let mut scene = Scene::new();
    let mut shard = beginner(&mut scene);
    scene.turns(&mut shard, 5).unwrap();
    assert!(
        scene.fails(Check::Partitions),
        "the group has given nothing"
    );
    assert!(!scene.fails(Check::Broker));
    scene.brokers.borrow_mut().assign(&[0]);
    scene.begin(&mut shard);
    scene.turns(&mut shard, 1).unwrap();
    assert!(!scene.fails(Check::Partitions));
    // A rebalance that takes everything from everybody is no new beginning.
    scene.brokers.borrow_mut().revoke(&[0]);
    scene.turns(&mut shard, 1).unwrap();
    assert!(!scene.fails(Check::Partitions));
}

#[test]
fn one_replica_too_many_is_ready_with_nothing() {
    let mut scene = Scene::new();
    let mut shard = beginner(&mut scene);
    scene.turns(&mut shard, 1).unwrap();
    scene.brokers.borrow_mut().assign(&[]);
    scene.turns(&mut shard, 1).unwrap();
    assert!(!scene.fails(Check::Partitions));
}

#[test]
fn inputs_of_few_records_show_that_their_producers_disagree() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0, 1]);
    let ids = (0..).map(|number| format!("T{number}"));
    let apart = ids.filter(|id| {
        let id = id.as_bytes();
        murmur2_partition(id, 2) != crc32_partition(id, 2)
    });
    for id in apart.take(20) {
        scene.create(murmur2_partition(id.as_bytes(), 2), &id, 0);
        scene.reply(crc32_partition(id.as_bytes(), 2), &id, 1);
    }
    scene.run(&mut shard, 2);
    assert!(scene.fails(Check::Partitioners));
}

#[test]
fn a_partition_whose_end_nobody_tells_is_held_up_alone() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0, 1]);
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    scene.run(&mut shard, 5);
    scene.brokers.borrow_mut().leaderless.push((1, 0));
    scene.run(&mut shard, 16);
    assert_eq!(scene.raised_tickets(), ["T2"]);
    assert!(scene.fails(Check::Partitions));
    assert!(!scene.fails(Check::Broker));
    scene.brokers.borrow_mut().leaderless.clear();
    scene.run(&mut shard, 17);
    assert_eq!(scene.raised_tickets(), ["T2", "T1"]);
    assert!(!scene.fails(Check::Partitions));
}
