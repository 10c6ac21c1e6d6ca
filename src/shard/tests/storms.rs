//! A limit on notifications is kept exactly once, over failures, restarts and rebalances.

use super::*;

const LIMITED: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat], at_most: { count: 2, per: 1h } } }
plans:
  - name: p
    timeframes:
      first_response:
        within: 15m
        marks: [ { at: 100%, level: 1 } ]
    path: [ { notify: [noc] } ]
";

impl Scene {
    /// The tickets of which somebody was told at once, and those in digests, in order.
    fn told_of(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let brokers = self.brokers.borrow();
        let notify = brokers.written.iter().filter(|it| &*it.topic == "notify");
        let (mut out, mut digests) = (Vec::new(), Vec::new());
        for record in notify {
            let event: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let ticket = |value: &Value| value["ticket_id"].as_str().unwrap().to_owned();
            if event["purpose"] == "digest" {
                assert_eq!(record.key.as_deref(), Some(&b"digest:noc"[..]));
                digests.push(
                    event["items"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(ticket)
                        .collect(),
                );
            } else {
                out.push(ticket(&event));
            }
        }
        (out, digests)
    }

    /// Lets time pass in one go, as for a process that was asleep.
    pub(super) fn jump(&self, shard: &mut Shard<ModelLog>, minutes: i64) {
        self.clock.set(NINE + minutes * MINUTE);
        self.turns(shard, 10).unwrap();
    }

    fn create_some(&self, partition: i32, numbers: std::ops::Range<i64>, minutes: i64) {
        for number in numbers {
            self.create(partition, &format!("T{number}"), minutes);
        }
    }
}

fn names(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    let numbers = numbers.into_iter();
    numbers.map(|number| format!("T{number}")).collect()
}

#[test]
fn what_is_beyond_the_limit_comes_in_one_digest_at_the_end_of_the_window() {
    let mut scene = Scene::with_plan(LIMITED);
    let mut shard = scene.owner(&[0]);
    scene.create_some(0, 1..6, 0);
    scene.run(&mut shard, 59);
    assert_eq!(scene.told_of(), (names([1, 2]), vec![]));
    scene.run(&mut shard, 61);
    assert_eq!(scene.told_of(), (names([1, 2]), vec![names([3, 4, 5])]));
    scene.create_some(0, 6..8, 61);
    scene.run(&mut shard, 130);
    assert_eq!(
        scene.told_of().0,
        names([1, 2, 6, 7]),
        "the next window is another one"
    );
}

#[test]
fn the_limit_goes_with_the_partition_from_owner_to_owner() {
    let mut scene = Scene::with_plan(LIMITED);
    let mut first = scene.owner(&[0]);
    scene.create_some(0, 1..4, 0);
    scene.run(&mut first, 16);
    drop(first);
    let mut second = scene.owner(&[0]);
    scene.create_some(0, 4..6, 16);
    scene.run(&mut second, 17);
    scene.jump(&mut second, 40);
    drop(second);
    // The end of the window passes while nobody is there.
    scene.clock.set(NINE + 90 * MINUTE);
    let mut third = scene.owner(&[0]);
    scene.turns(&mut third, 10).unwrap();
    let expected = (names([1, 2]), vec![names([3, 4, 5])]);
    assert_eq!(scene.told_of(), expected);
    drop(third);
    let mut fourth = scene.owner(&[0]);
    scene.jump(&mut fourth, 200);
    assert_eq!(scene.told_of(), expected, "once is enough");
}

#[test]
fn failures_change_nothing_of_a_storm() {
    let faults = Fault::OF_EACH_OUTCOME;
    // When the limit is used up, and when the digest comes.
    for (fault, minutes) in faults.into_iter().flat_map(|it| [(it, 14), (it, 59)]) {
        let mut scene = Scene::with_plan(LIMITED);
        let mut shard = scene.owner(&[0, 1]);
        scene.create_some(0, 1..6, 0);
        scene.turns(&mut shard, 10).unwrap();
        for quarter in [14, 59] {
            scene.jump(&mut shard, quarter);
            if quarter == minutes {
                scene.brokers.borrow_mut().faults.push_back(fault);
            }
            scene.run(&mut shard, quarter + 3);
        }
        assert!(scene.brokers.borrow().faults.is_empty());
        let expected = (names([1, 2]), vec![names([3, 4, 5])]);
        assert_eq!(scene.told_of(), expected, "{fault:?} at {minutes}");
    }
}

#[test]
fn each_partition_has_its_own_limit() {
    let mut scene = Scene::with_plan(LIMITED);
    let mut shard = scene.owner(&[0, 1]);
    scene.create_some(0, 1..4, 0);
    scene.create_some(1, 4..7, 0);
    scene.run(&mut shard, 61);
    let (mut out, mut digests) = scene.told_of();
    out.sort();
    digests.sort();
    assert_eq!(
        (out, digests),
        (names([1, 2, 4, 5]), vec![names([3]), names([6])])
    );
}

#[test]
fn a_storm_that_is_larger_than_a_record_comes_in_several_digests() {
    let mut scene = Scene::with_plan(LIMITED);
    for number in 0..1_200 {
        scene.create(0, &format!("T{number:04}"), 0);
    }
    let mut first = scene.owner(&[0]);
    scene.run(&mut first, 30);
    drop(first);
    let mut second = scene.owner(&[0]);
    scene.run(&mut second, 61);
    let (out, digests) = scene.told_of();
    let sizes: Vec<usize> = digests.iter().map(Vec::len).collect();
    assert_eq!((out.len(), sizes), (2, vec![500, 500, 198]));
    let mut gathered: Vec<_> = digests.concat();
    gathered.sort();
    gathered.dedup();
    assert_eq!(gathered.len(), 1_198);
    let brokers = scene.brokers.borrow();
    let own = brokers.state[&0]
        .keys()
        .filter(|key| key[0] == meta::OWN_KEY);
    assert_eq!(
        own.count(),
        2,
        "the partition's own record and one of the window"
    );
}
