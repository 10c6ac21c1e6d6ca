//! Where a partition begins that has no state yet, and from when somebody is told.

use super::*;

impl Scene {
    /// A shard as it starts by default, that owns a partition.
    fn starter(&mut self, offsets: OffsetOf) -> Shard<ModelLog> {
        let shard = self.shard(StartAt {
            offsets,
            notify_from: None,
        });
        self.brokers.borrow_mut().assign(&[0]);
        shard
    }
}

#[test]
fn a_start_at_the_end_reads_only_what_comes_after() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.create(0, "T2", 3);
    for (of, expected) in [
        (OffsetOf::HighWatermark, vec![]),
        (OffsetOf::Timestamp(NINE + 2 * MINUTE), vec!["T2"]),
        (OffsetOf::Timestamp(NINE + 9 * MINUTE), vec![]),
    ] {
        scene.clock.set(NINE + 5 * MINUTE);
        {
            let mut brokers = scene.brokers.borrow_mut();
            brokers.written.clear();
            brokers.state.clear();
            brokers.committed.clear();
        }
        let mut shard = scene.starter(of);
        scene.run(&mut shard, 30);
        assert_eq!(scene.raised_tickets(), expected, "{of:?}");
    }
}

#[test]
fn what_was_due_before_the_first_start_is_decided_but_not_told() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.clock.set(NINE + 60 * MINUTE);
    let mut shard = scene.starter(OffsetOf::Start);
    scene.turns(&mut shard, 10).unwrap();
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert_eq!(scene.count("notify"), 0);
    let first_start = scene.meta(0).notify_from_ms;
    assert!((first_start - (NINE + 60 * MINUTE)).abs() < MINUTE);
    drop(shard);

    scene.clock.set(NINE + 120 * MINUTE);
    let mut again = scene.starter(OffsetOf::Start);
    scene.create(0, "T2", 119);
    scene.turns(&mut again, 10).unwrap();
    assert_eq!(scene.meta(0).notify_from_ms, first_start, "it is kept");
}

#[test]
fn idle_partitions_write_nothing() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0, 1]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 1);
    let written = scene.brokers.borrow().transactions.len();
    scene.run(&mut shard, 14);
    assert_eq!(scene.brokers.borrow().transactions.len(), written);
}

#[test]
fn a_first_start_is_the_first_one_also_where_nothing_was_read_in_it() {
    let mut scene = Scene::new();
    let mut shard = scene.starter(OffsetOf::Start);
    scene.run(&mut shard, 1);
    drop(shard);
    // Falls due while nothing runs.
    scene.create(0, "T1", 30);
    scene.clock.set(NINE + 60 * MINUTE);
    let mut again = scene.starter(OffsetOf::Start);
    scene.turns(&mut again, 10).unwrap();
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert_eq!(scene.count("notify"), 1, "the service was started before");
}

#[test]
fn a_start_at_the_end_is_there_once_also_where_nothing_was_read_in_it() {
    let mut scene = Scene::new();
    scene.create(0, "T0", 0);
    let mut shard = scene.starter(OffsetOf::HighWatermark);
    scene.run(&mut shard, 1);
    drop(shard);
    scene.create(0, "T1", 2);
    let mut again = scene.starter(OffsetOf::HighWatermark);
    scene.run(&mut again, 30);
    assert_eq!(scene.raised_tickets(), ["T1"]);
}

#[test]
fn a_start_at_the_end_stays_where_it_was_when_the_state_is_read_anew() {
    let mut scene = Scene::new();
    let mut shard = scene.starter(OffsetOf::HighWatermark);
    scene.brokers.borrow_mut().faults = [Fault::LostRequest].into();
    // What begins the partition is under way, and will be lost.
    scene.until_under_way(&mut shard);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 30);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert_eq!(scene.count("notify"), 1);
}

#[test]
fn what_comes_while_the_first_offsets_are_asked_for_is_read() {
    let mut scene = Scene::new();
    scene.create(0, "T0", 0);
    scene.brokers.borrow_mut().arriving = Some(NINE + 3 * MINUTE);
    let mut shard = scene.starter(OffsetOf::Timestamp(NINE + 2 * MINUTE));
    scene.run(&mut shard, 30);
    assert_eq!(scene.raised_tickets(), ["arriving"]);
}
