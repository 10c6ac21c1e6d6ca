//! What happens to what is read, and to the clock that it is read by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use escalator::clock::Clock;
use escalator::{plan_file, service, settings};
use escalator_engine::time::Timestamp;
use rdkafka::admin::{AdminOptions, NewPartitions};
use rdkafka::producer::Producer;

use super::load::{Event, now_ms};
use super::scenario::Scenario;
use super::stage::Stage;
use crate::PARTITIONS;
use crate::dice::Dice;
use crate::site::Site;
use crate::support::client::{PlainProducer, Sent, limit_records, producer, send, wait_for};
use crate::support::{PATIENCE, pass, wait_until};

/// Tickets whose deadlines are the same instant.
const TIMERS: i32 = 200_000;

/// Records that nobody can read.
const POISONS: usize = 50_000;

/// How far the clock goes wrong; the load is written longer ahead, so that nothing becomes late.
const STEP_MS: i64 = 20_000;

pub(super) const SCENARIOS: [Scenario; 6] = [
    Scenario::new(
        "more-partitions",
        "two partitions more for either input; a replica stopped",
        add_partitions,
    ),
    Scenario::new(
        "clock",
        "the clock of a replica 20 s forward, 6 s later back; then 20 s back and forward",
        step_clock,
    )
    .of(0)
    .ahead(30)
    .lasting(50),
    Scenario::new("poison", "50,000 unreadable records in the flow", |stage| {
        stage.inject();
        stage.dead_letters = POISONS;
        write_poison(stage, POISONS, 200);
        stage.wait_until_current();
        String::new()
    }),
    Scenario::new(
        "large-records",
        "six unreadable records of 9 MB, of which a dead letter takes 8",
        |stage| {
            stage.inject();
            stage.dead_letters = PARTITIONS as usize;
            write_poison(stage, PARTITIONS as usize, 9 << 20);
            stage.wait_until_current();
            String::new()
        },
    ),
    Scenario::new(
        "limit-lowered",
        "the largest dead letter lowered to 20 KB while running, six unreadable records of 100 KB",
        lower_limit,
    ),
    Scenario::new(
        "same-instant",
        "200,000 deadlines at one instant; SIGKILL of a replica at work on them",
        fire_together,
    )
    // `simulate` takes a minute for so many, built without optimisation, and must be done before they
    // fall due.
    .loaded(at_one_instant, 90),
];

/// Nobody has noticed the new partitions until the group shares them out.
fn add_partitions(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for input in ["created", "updated"] {
        let topic = stage.site.topic(input);
        let more = NewPartitions::new(&topic, PARTITIONS as usize + 2);
        let admin = stage.cluster.admin();
        let answers = wait_for(admin.create_partitions(&[more], &AdminOptions::new()));
        assert!(answers.unwrap()[0].is_ok());
    }
    stage.stop("c");
    wait_until("the refusal of both", PATIENCE, || {
        let refused = stage.metric("escalator_partitions{", "\"refused\"");
        (refused.iter().sum::<f64>() == 2.0).then_some(())
    });
    stage.wait_until_current();
    "both new ones are refused, the others served".to_owned()
}

/// A clock that can be set.
struct SteppedClock {
    off_ms: AtomicI64,
    begun: Instant,
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(now_ms() + self.off_ms.load(Ordering::Acquire))
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

fn step_clock(stage: &mut Stage<'_>) -> String {
    let clock = Arc::new(SteppedClock {
        off_ms: AtomicI64::new(0),
        begun: Instant::now(),
    });
    let stop = Arc::<AtomicBool>::default();
    let start = service::Start {
        settings: settings_of(&stage.site),
        plans: plan_file::load(&stage.site.path().join("plan.yaml")).unwrap(),
        mappings: Arc::default(),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        stop: Arc::clone(&stop),
        follows_files: false,
        hang_up: Arc::default(),
        run_number: std::process::id(),
    };
    let thread = std::thread::spawn(move || service::run(start));
    stage.guests.push(Box::new(move || {
        stop.store(true, Ordering::Release);
        thread.join().unwrap().unwrap();
    }));
    stage.inject();
    for off_ms in [STEP_MS, 0, -STEP_MS, 0] {
        clock.off_ms.store(off_ms, Ordering::Release);
        pass(Duration::from_secs(6));
    }
    stage.wait_until_current();
    String::new()
}

fn settings_of(site: &Site) -> settings::Settings {
    let path = site.path().join("escalator.toml");
    let sources = settings::Sources {
        file: Some(settings::SettingsFile {
            text: std::fs::read_to_string(&path).unwrap(),
            path,
        }),
        environment: BTreeMap::new(),
        flags: vec![("instance", "inside".to_owned())],
        host_name: String::new(),
        terminal: false,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    settings::load(&sources).unwrap().settings
}

fn write_poison(stage: &Stage<'_>, count: usize, bytes: usize) {
    let settings = [("acks", "all"), ("message.max.bytes", "20000000")];
    let producer: PlainProducer = producer(&stage.site.broker, &settings);
    let value = noise(bytes);
    let topic = stage.site.topic("created");
    for partition in (0..PARTITIONS).cycle().take(count) {
        let sent = Sent {
            partition,
            key: Some(b"poison"),
            value: Some(&value),
            ..Sent::default()
        };
        send(&producer, &topic, &[sent]);
    }
    producer.flush(PATIENCE).unwrap();
}

/// Bytes that nobody can read and no compression makes fewer.
fn noise(count: usize) -> Vec<u8> {
    let mut bytes = Dice::new(1).bytes(count);
    // No format begins with it.
    bytes[0] = b'?';
    bytes
}

fn lower_limit(stage: &mut Stage<'_>) -> String {
    stage.inject();
    stage.dead_letters = PARTITIONS as usize;
    limit_records(&stage.site.broker, &stage.site.topic("dead"), 20_000);
    write_poison(stage, PARTITIONS as usize, 100_000);
    stage.wait_until_current();
    String::new()
}

/// Tickets that are created at one instant and never answered.
fn at_one_instant(begin_ms: i64, _: Duration) -> Vec<Event> {
    let created = r#""ticket":{"status":"open","priority":"low"}"#;
    (0..TIMERS)
        .map(|number| Event::new(number, begin_ms, "created", created))
        .collect()
}

fn fire_together(stage: &mut Stage<'_>) -> String {
    let count = TIMERS as usize;
    wait_until("the first of them", 2 * PATIENCE, || {
        (stage.watcher.count() > count / 10).then_some(())
    });
    let begun = Instant::now();
    stage.kill("a");
    assert!(
        stage.watcher.count() < count,
        "all had come before the kill"
    );
    stage.start("a");
    wait_until("the last of them", 4 * PATIENCE, || {
        pass(Duration::from_millis(100));
        (stage.watcher.count() >= count).then_some(())
    });
    format!("the last came {:.0?} after the kill", begun.elapsed())
}
