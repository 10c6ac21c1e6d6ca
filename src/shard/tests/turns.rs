//! Which partitions a transaction takes.

use super::super::MUCH;
use super::*;
use crate::clock::Clock;

/// Two partitions that take turns as those of the service do.
fn with_turns() -> (Scene, Shard<ModelLog>) {
    let mut scene = Scene::new();
    scene.much = MUCH;
    let mut shard = scene.owner(&[0, 1]);
    scene.begin(&mut shard);
    (scene, shard)
}

/// The partitions of each transaction that was written, but for those that the partitions begin with.
fn partitions_of_transactions(scene: &Scene) -> Vec<Vec<i32>> {
    let mut transactions: Vec<(String, Vec<i32>)> = Vec::new();
    for record in &scene.brokers.borrow().written {
        if &*record.topic != STATE || record.key.as_deref() != Some(meta::KEY) {
            continue;
        }
        let identity = Meta::decode(record.value.as_deref().unwrap())
            .unwrap()
            .transaction;
        match transactions.last_mut() {
            Some((last, partitions)) if *last == identity => partitions.push(record.partition),
            _ => transactions.push((identity, vec![record.partition])),
        }
    }
    transactions
        .into_iter()
        .skip(2)
        .map(|(_, partitions)| partitions)
        .collect()
}

#[test]
fn while_there_is_little_to_write_partitions_take_turns() {
    let (scene, mut shard) = with_turns();
    for round in 0..3 {
        scene.create(0, &format!("T{round}-0"), 0);
        scene.create(1, &format!("T{round}-1"), 0);
    }
    scene.run(&mut shard, 1);
    for minute in 1..4 {
        scene.reply(0, "T0-0", minute);
        scene.reply(1, "T0-1", minute);
        scene.run(&mut shard, minute + 1);
    }
    let transactions = partitions_of_transactions(&scene);
    assert_eq!(transactions, [[0], [1]].repeat(4), "each in its turn");
}

#[test]
fn when_there_is_much_to_write_a_transaction_takes_all_partitions() {
    let (scene, mut shard) = with_turns();
    for number in 0..MUCH as i32 {
        scene.create(number % 2, &format!("T{number}"), 0);
    }
    scene.run(&mut shard, 1);
    assert_eq!(partitions_of_transactions(&scene), [[0, 1]]);
}

#[test]
fn whoever_has_to_wait_for_a_turn_waits_for_nothing_else() {
    let (scene, mut shard) = with_turns();
    for partition in 0..2 {
        scene.create(partition, &format!("T{partition}"), 0);
    }
    scene.run(&mut shard, 14);
    let mut wait = Duration::ZERO;
    // One is written, and the other is on its way.
    while scene.count("escalated") < 1 || !shard.is_under_way() {
        wait = shard.turn(wait, &scene.stop).unwrap();
    }
    let late_ms = scene.clock.now().as_millis() - NINE - 15 * MINUTE;
    assert!(late_ms < 20, "the second came {late_ms} ms late");
}
