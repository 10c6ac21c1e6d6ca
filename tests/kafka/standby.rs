//! Warm copies: what a takeover has to read when somebody followed the partition before.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use escalator::kafka::restore::{Copies, Finished, RestoreReader, Sink};

use crate::consumer::inputs;
use crate::observed::metrics;
use crate::service::{Ends, assert_once_each, keep_busy, site};
use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{Sent, create_topic, produce, settings, unique};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, pass, wait_until};

const STEP: Duration = Duration::from_millis(20);

/// The last values, and what a restore told at its end.
#[derive(Default)]
struct Kept {
    begun: usize,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    finished: Option<Finished>,
}

impl Sink for Kept {
    fn begin(&mut self, _: i32) {
        self.begun += 1;
        self.values.clear();
    }

    fn record(&mut self, _: i32, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => self.values.insert(key.to_vec(), value.to_vec()),
            None => self.values.remove(key),
        };
    }

    fn finished(&mut self, _: i32, finished: Finished) {
        self.finished = Some(finished);
    }
}

fn write(topic: &str, numbers: std::ops::Range<u32>) {
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    let records: Vec<Sent<'_>> = texts
        .iter()
        .map(|text| Sent {
            key: Some(text.as_bytes()),
            value: Some(text.as_bytes()),
            ..Sent::default()
        })
        .collect();
    produce(&broker().address, topic, &records);
}

fn follow(topic: &str) -> (RestoreReader, Kept) {
    let inputs = inputs(1);
    let settings = settings(&broker().address, &unique("group"), "test");
    let mut reader = RestoreReader::open(&settings, &[topic], &[&inputs[0], &inputs[1]]).unwrap();
    reader.follow(0);
    (reader, Kept::default())
}

fn wait_until_current(reader: &mut RestoreReader, kept: &mut Kept) {
    wait_until("a current copy", PATIENCE, || {
        reader.step(STEP, kept).unwrap();
        let current = Copies {
            partitions: 1,
            current: 1,
            lag: 0,
        };
        (reader.measure().unwrap() == current).then_some(())
    });
}

fn restore(reader: &mut RestoreReader, kept: &mut Kept) -> Finished {
    reader.add(0).unwrap();
    wait_until("the restore", PATIENCE, || {
        reader.step(STEP, kept).unwrap();
        kept.finished.take()
    })
}

fn topic() -> String {
    let topic = unique("state");
    let settings = [("cleanup.policy", "compact")];
    create_topic(&broker().address, &topic, 1, &settings);
    topic
}

#[test]
fn a_copy_is_taken_over_without_reading_it_again() {
    let topic = topic();
    write(&topic, 0..1_000);
    let (mut reader, mut kept) = follow(&topic);
    wait_until_current(&mut reader, &mut kept);
    assert_eq!(kept.values.len(), 1_000);

    let finished = restore(&mut reader, &mut kept);
    assert_eq!((finished.offsets, finished.end), (0, 1_000));
    assert_eq!((kept.begun, kept.values.len()), (1, 1_000));
    assert!(reader.is_idle());
}

#[test]
fn what_is_new_since_is_read_before_a_copy_is_taken_over() {
    let topic = topic();
    write(&topic, 0..1_000);
    let (mut reader, mut kept) = follow(&topic);
    wait_until_current(&mut reader, &mut kept);

    // Nothing is read of these before the restore begins: nobody makes a step.
    write(&topic, 1_000..1_010);
    let finished = restore(&mut reader, &mut kept);
    assert_eq!(finished.end, 1_010);
    assert!(finished.offsets <= 10, "{finished:?}");
    assert_eq!((kept.begun, kept.values.len()), (1, 1_010));
}

#[test]
fn a_restore_of_a_copy_that_has_just_begun_is_as_good_as_any() {
    let topic = topic();
    write(&topic, 0..1_000);
    let (mut reader, mut kept) = follow(&topic);
    let finished = restore(&mut reader, &mut kept);
    assert_eq!(finished.end, 1_000);
    assert_eq!(kept.values.len(), 1_000);
}

#[test]
fn a_released_copy_begins_anew() {
    let topic = topic();
    write(&topic, 0..100);
    let (mut reader, mut kept) = follow(&topic);
    wait_until_current(&mut reader, &mut kept);
    reader.release(0).unwrap();
    reader.follow(0);
    wait_until_current(&mut reader, &mut kept);
    assert_eq!((kept.begun, kept.values.len()), (2, 100));
}

/// How many offsets of the state this process has read in restores.
fn offsets_read(child: &Escalator) -> Vec<u64> {
    let log = child.log();
    let lines = log.lines().filter(|line| line.contains("was read"));
    lines
        .map(|line| {
            let (_, rest) = line.split_once("restore.offsets").expect("it is told");
            let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits.find(|c: char| !c.is_ascii_digit());
            digits[..end.unwrap_or(digits.len())].parse().unwrap()
        })
        .collect()
}

fn wait_for_copies(site: &Site, child: &Escalator) {
    wait_until("warm copies", PATIENCE, || {
        pass(Duration::from_millis(100));
        let metrics = metrics(child);
        let value = |name: &str| metrics.get(name).copied().unwrap_or_default();
        let half = f64::from(site.partitions / 2);
        (value("escalator_standby_current_partitions") >= half).then_some(())
    });
}

#[test]
fn whoever_takes_over_after_a_kill_reads_only_what_is_new() {
    let site = site(4);
    let stop = AtomicBool::new(false);
    let mut running = std::thread::scope(|scope| {
        let load = scope.spawn(|| keep_busy(&site, &stop));
        let ends = Ends(&stop);
        let first = site.start("a");
        wait_until("work", PATIENCE, || {
            pass(Duration::from_millis(100));
            site.has_committed(&first).then_some(())
        });
        pass(Duration::from_secs(3));
        let second = site.start("b");
        wait_for_copies(&site, &second);
        wait_until("its share", PATIENCE, || {
            pass(Duration::from_millis(100));
            (offsets_read(&second).len() >= 2).then_some(())
        });
        let before = offsets_read(&second).len();
        wait_for_copies(&site, &second);
        first.kill();
        wait_until("the takeover", PATIENCE, || {
            pass(Duration::from_millis(100));
            (offsets_read(&second).len() >= before + 2).then_some(())
        });
        let written = site.read("state").len() as u64;
        // The session has to pass before anybody takes over; half a second of load is new at most.
        let read: u64 = offsets_read(&second)[before..].iter().sum();
        assert!(read < written / 8, "{read} of {written}");
        let first = site.start("a");
        wait_until("work", PATIENCE, || {
            pass(Duration::from_millis(100));
            site.has_committed(&first).then_some(())
        });
        drop(ends);
        load.join().unwrap();
        [first, second]
    });
    assert_once_each(&site, &mut running);
    let log = running[0].log();
    assert!(
        log.contains("the warm copies are read, the group is joined"),
        "{log}"
    );
}
