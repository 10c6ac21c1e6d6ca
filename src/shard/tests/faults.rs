//! What the brokers and other members can do to a shard.

use super::*;
use crate::http::Check;
use crate::metrics::{Input, Outcome};

/// Runs turns until a transaction of what was read is under way.
fn until_under_way(scene: &Scene, shard: &mut Shard<ModelLog>) {
    scene.begin(shard);
    scene.until_under_way(shard);
}

#[test]
fn every_fault_leaves_each_decision_made_exactly_once() {
    let faults = [
        Fault::Abort,
        Fault::LostAnswer,
        Fault::LostRequest,
        Fault::Fence,
    ];
    for first in faults {
        for second in faults {
            for at in 0..4 {
                let mut scene = Scene::new();
                scene.clock.set(NINE + 20 * MINUTE);
                scene.create(0, "T1", 0);
                scene.create(1, "T2", 1);
                let mut shard = scene.owner(&[0, 1]);
                let mut script = vec![Fault::Abort; at];
                script.extend([first, second]);
                scene.brokers.borrow_mut().faults.extend(script);
                scene.turns(&mut shard, 30).unwrap();
                let case = format!("{first:?}, {second:?} after {at}");
                assert_eq!(scene.raised_tickets(), ["T1", "T2"], "{case}");
                assert_eq!(scene.count("notify"), 2, "{case}");
                let brokers = scene.brokers.borrow();
                let mut transactions = brokers.transactions.clone();
                transactions.dedup();
                assert_eq!(transactions, brokers.transactions, "{case}: one came twice");
                drop(brokers);
                assert_eq!(scene.meta(0).offsets, [1, 0], "{case}");
            }
        }
    }
}

#[test]
fn what_is_read_while_a_transaction_is_under_way_survives_whatever_becomes_of_that() {
    for fault in Fault::OF_EACH_OUTCOME {
        let mut scene = Scene::new();
        let mut shard = scene.owner(&[0]);
        scene.begin(&mut shard);
        scene.create(0, "T1", 0);
        scene.brokers.borrow_mut().faults.push_back(fault);
        until_under_way(&scene, &mut shard);
        scene.create(0, "T2", 0);
        shard.turn(Duration::ZERO, &scene.stop).unwrap();
        scene.reply(0, "T1", 1);
        scene.run(&mut shard, 20);
        assert_eq!(scene.raised_tickets(), ["T2"], "{fault:?}");
        assert_eq!(scene.meta(0).offsets, [2, 1], "{fault:?}");
    }
}

#[test]
fn what_is_read_while_a_transaction_is_under_way_is_decided_before_that_has_landed() {
    let mut scene = Scene::new();
    scene.clock.set(NINE + 20 * MINUTE);
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    until_under_way(&scene, &mut shard);
    scene.create(0, "T2", 0);
    let transactions = scene.brokers.borrow().transactions.len();
    scene.turns(&mut shard, 2).unwrap();
    let landed = scene.brokers.borrow().transactions.len();
    assert_eq!(landed, transactions + 1, "and no other has begun");
    scene.clock.set(NINE + 50 * MINUTE);
    scene.run(&mut shard, 51);
    let [(first, early), (second, late)] = &scene.raised()[..] else {
        panic!("{:?}", scene.raised());
    };
    assert_eq!([first, second], ["T1", "T2"]);
    assert!(late - early < MINUTE, "{early} ms late, then {late}");
}

#[test]
fn a_partition_that_goes_while_its_transaction_is_under_way_has_landed_by_then() {
    for (fault, restores) in [(None, &[0][..]), (Some(Fault::Abort), &[0, 0])] {
        let mut scene = Scene::new();
        let mut shard = scene.owner(&[0]);
        scene.begin(&mut shard);
        scene.create(0, "T1", 0);
        scene.brokers.borrow_mut().faults.extend(fault);
        until_under_way(&scene, &mut shard);
        scene.brokers.borrow_mut().revoke(&[0]);
        scene.brokers.borrow_mut().assign(&[0]);
        scene.run(&mut shard, 20);
        assert_eq!(scene.brokers.borrow().restores, restores, "{fault:?}");
        assert_eq!(scene.raised_tickets(), ["T1"], "{fault:?}");
    }
}

#[test]
fn what_is_under_way_is_not_counted_before_it_has_landed() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    until_under_way(&scene, &mut shard);
    let metrics = Arc::clone(&shard.parts.metrics);
    let counted = metrics.events(Input::Created, Outcome::Processed);
    assert_eq!(counted.get(), 0);
    scene.turns(&mut shard, 2).unwrap();
    assert_eq!(counted.get(), 1);
}

#[test]
fn a_shard_that_stops_waits_for_its_transaction_and_begins_no_other() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    until_under_way(&scene, &mut shard);
    scene.create(0, "T2", 0);
    scene.stop.store(true, std::sync::atomic::Ordering::Release);
    shard.run(&scene.stop).unwrap();
    assert_eq!(scene.brokers.borrow().transactions.len(), 2);
    assert_eq!(scene.meta(0).offsets, [1, 0]);
}

#[test]
fn an_unknown_outcome_is_not_guessed_when_the_offsets_are_gone() {
    for committed_before in [0, 1] {
        let mut scene = Scene::new();
        scene.clock.set(NINE + 20 * MINUTE);
        scene.create(0, "T1", 0);
        let mut shard = scene.owner(&[0]);
        scene.begin(&mut shard);
        if committed_before > 0 {
            scene.turns(&mut shard, 10).unwrap();
            scene.create(0, "T2", 1);
        }
        let fault = Fault::LostAnswerAndOffsets;
        scene.brokers.borrow_mut().faults.push_back(fault);
        scene.turns(&mut shard, 20).unwrap();
        let tickets = &["T1", "T2"][..=committed_before];
        assert_eq!(scene.raised_tickets(), tickets);
        let brokers = scene.brokers.borrow();
        let transactions = 1 + tickets.len();
        assert_eq!(brokers.transactions.len(), transactions, "one came twice");
    }
}

#[test]
fn what_somebody_else_committed_is_restored_and_not_written_again() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.brokers.borrow_mut().faults.push_back(Fault::Usurped);
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    let first = scene.brokers.borrow().transactions[0].clone();
    assert_eq!(first, "somebody-else");
    assert_eq!(
        scene.meta(0).epoch,
        2,
        "the second ownership is another one"
    );
}

#[test]
fn a_partition_that_is_taken_away_leaves_the_open_batch() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    let mut shard = scene.owner(&[0, 1]);
    scene
        .brokers
        .borrow_mut()
        .faults
        .push_back(Fault::Rebalance(0));
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T2"]);
    assert!(!scene.brokers.borrow().state.contains_key(&0));

    scene.brokers.borrow_mut().assign(&[0]);
    scene.run(&mut shard, 21);
    assert_eq!(scene.raised_tickets(), ["T2", "T1"]);
}

#[test]
fn a_partition_that_comes_back_to_its_owner_is_not_read_again() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    let mut shard = scene.owner(&[0, 1]);
    scene.run(&mut shard, 5);
    {
        let mut brokers = scene.brokers.borrow_mut();
        assert_eq!(brokers.restores, [0, 1]);
        brokers.revoke(&[0, 1]);
        brokers.assign(&[1]);
    }
    scene.create(1, "T3", 6);
    scene.run(&mut shard, 21);
    assert_eq!(scene.brokers.borrow().restores, [0, 1]);
    assert_eq!(scene.raised_tickets(), ["T2", "T3"]);
    assert_eq!(scene.meta(1).epoch, 2, "it is another ownership");

    // The other one was not given back then, so nothing of it was kept.
    scene.brokers.borrow_mut().assign(&[0]);
    scene.run(&mut shard, 22);
    assert_eq!(scene.brokers.borrow().restores, [0, 1, 0]);
    assert_eq!(scene.raised_tickets(), ["T2", "T3", "T1"]);
}

#[test]
fn what_was_read_and_not_committed_is_read_again_by_whoever_comes_back() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 5);
    // These two are in a batch of which nothing is known when the partition goes.
    scene.create(0, "T2", 5);
    scene.create(0, "T3", 5);
    {
        let mut brokers = scene.brokers.borrow_mut();
        brokers.faults.push_back(Fault::Abort);
        brokers.revoke(&[0]);
        brokers.assign(&[0]);
    }
    scene.run(&mut shard, 30);
    assert_eq!(scene.raised_tickets(), ["T1", "T2", "T3"]);
    assert_eq!(scene.meta(0).offsets, [3, 0]);
}

#[test]
fn a_partition_that_somebody_else_had_meanwhile_is_read_again() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 5);
    scene.brokers.borrow_mut().revoke(&[0]);
    scene.run(&mut shard, 6);
    let committed = |brokers: &mut Brokers, metadata: &str| {
        let committed = brokers.committed.get_mut(&(0, 0)).unwrap();
        committed.metadata = metadata.to_owned();
    };
    committed(&mut scene.brokers.borrow_mut(), "somebody-else");
    scene.brokers.borrow_mut().assign(&[0]);
    scene.run(&mut shard, 20);
    assert_eq!(scene.brokers.borrow().restores, [0, 0]);
    assert_eq!(scene.raised_tickets(), ["T1"]);
}

#[test]
fn a_replica_that_is_fenced_again_and_again_stops_and_names_its_instance() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.brokers.borrow_mut().faults.extend([Fault::Fence; 3]);
    let error = scene.turns(&mut shard, 20).unwrap_err();
    assert!(error.to_string().contains("`one`"), "{error}");
}

#[test]
fn a_partition_without_its_twin_is_refused_and_the_others_go_on() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    let mut shard = scene.owner(&[0]);
    scene.brokers.borrow_mut().assign_half((0, 1));
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert!(scene.fails(Check::Partitions));
    // The other half comes by itself.
    scene.brokers.borrow_mut().assign_half((1, 1));
    scene.run(&mut shard, 21);
    assert_eq!(scene.raised_tickets(), ["T1", "T2"]);
    assert!(!scene.fails(Check::Partitions));
}

#[test]
fn a_partition_that_loses_its_twin_is_refused_until_that_comes_back() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 1);
    scene.brokers.borrow_mut().revoke_half((1, 0));
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), [""; 0]);
    assert!(
        scene.fails(Check::Partitions),
        "one half of it is still owned"
    );
    scene.brokers.borrow_mut().assign_half((1, 0));
    scene.run(&mut shard, 21);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert!(!scene.fails(Check::Partitions));
}

#[test]
fn what_holds_a_restore_back_is_told_of_its_partition_and_not_of_the_brokers() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    scene.brokers.borrow_mut().hanging = Some(1);
    let mut shard = scene.owner(&[0, 1]);
    for _ in 0..10 {
        scene.turns(&mut shard, 1).unwrap();
        assert!(!scene.fails(Check::Broker));
    }
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert!(scene.fails(Check::Partitions));
    scene.brokers.borrow_mut().hanging = None;
    scene.run(&mut shard, 21);
    assert_eq!(scene.raised_tickets(), ["T1", "T2"]);
    assert!(!scene.fails(Check::Partitions));
}

#[test]
fn a_partition_that_was_added_is_refused_and_the_others_go_on() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    // The topics began with two, and only their states have a place.
    let mut shard = scene.owner(&[0, 2]);
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert!(!scene.health.is_ready());
}

#[test]
fn offsets_without_state_or_ahead_of_it_are_refused() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 5);
    drop(shard);
    for lose_state in [true, false] {
        let written = scene.brokers.borrow().written.len();
        let mut state = Vec::new();
        {
            let mut brokers = scene.brokers.borrow_mut();
            if lose_state {
                state.extend(brokers.state.remove(&0));
            } else {
                brokers.committed.get_mut(&(0, 0)).unwrap().offset = Some(100);
            }
        }
        let mut shard = scene.owner(&[0]);
        scene.turns(&mut shard, 20).unwrap();
        assert!(!scene.health.is_ready());
        let mut brokers = scene.brokers.borrow_mut();
        assert_eq!(brokers.written.len(), written, "nothing may be written");
        brokers.state.extend(state.pop().map(|state| (0, state)));
    }
}

#[test]
fn expired_offsets_are_replaced_by_those_of_the_state() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut first = scene.owner(&[0]);
    scene.run(&mut first, 5);
    drop(first);
    scene.brokers.borrow_mut().committed.clear();
    let mut second = scene.owner(&[0]);
    scene.run(&mut second, 20);
    assert_eq!(scene.raised_tickets(), ["T1"]);
}

#[test]
fn brokers_that_go_away_are_waited_for() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 5);
    assert!(scene.raised().is_empty());
    scene.brokers.borrow_mut().are_away = true;
    scene.run(&mut shard, 30);
    assert!(!scene.health.is_ready());
    assert_eq!(scene.raised(), []);
    scene.brokers.borrow_mut().are_away = false;
    scene.run(&mut shard, 31);
    let raised = scene.raised();
    assert_eq!(raised.len(), 1);
    assert!(raised[0].1 > 14 * MINUTE, "it says that it is late");
}
