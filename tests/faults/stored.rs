//! What happens to what is stored: disks, offsets, states.

use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::scenario::Scenario;
use super::stage::{NAMES, Stage};
use crate::PARTITIONS;
use crate::site::Site;
use crate::support::client::{create_topic, outsider, wait_for};
use crate::support::{PATIENCE, pass, wait_until};

/// Every second of work makes a segment that the cleaner takes at once.
const CLEANED: [(&str, &str); 6] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "1000"),
    ("segment.bytes", "1048576"),
    ("min.cleanable.dirty.ratio", "0.001"),
    ("max.compaction.lag.ms", "1000"),
    ("max.message.bytes", "8388608"),
];

pub(super) const SCENARIOS: [Scenario; 4] = [
    Scenario::new(
        "disk-full",
        "broker 3 can write no file any more",
        fill_disk,
    )
    .ahead(24),
    Scenario::new(
        "offsets-deleted-while-stopped",
        "the group and its offsets deleted between stop and start",
        delete_offsets,
    )
    .lasting(16),
    Scenario::new(
        "offsets-lost-while-running",
        "the group's offsets deleted, then set to 0 by an outsider, while all run; a replica stopped",
        rewind_offsets,
    ),
    Scenario::new(
        "compacted-restores",
        "the state compacted every second; six stops and starts, restored from the beginning",
        restore_often,
    )
    .on(|site| create_topic(&site.broker, &site.topic("state"), PARTITIONS, &CLEANED))
    .with("[standby]\ncopies = 0\n")
    .lasting(40),
];

/// Lowers the limit of the size of a file below every file that the broker has: every write fails, as
/// on a full disk.
fn fill_disk(stage: &mut Stage<'_>) -> String {
    stage.inject();
    let begun = Instant::now();
    let process = stage.cluster.brokers[2].process();
    let limited = Command::new("prlimit")
        .args(["--pid", &process, "--fsize=1024:unlimited"])
        .status();
    assert!(limited.unwrap().success());
    wait_until("the end of a broker that cannot write", PATIENCE, || {
        (!stage.cluster.brokers[2].is_running()).then_some(())
    });
    let lived = begun.elapsed();
    stage.wait_until_current();
    format!("the broker ended itself after {lived:.1?}, the others went on")
}

fn delete_offsets(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for name in NAMES {
        stage.stop(name);
    }
    assert_eq!(delete_group(stage), None, "nobody is in the group");
    for name in NAMES {
        stage.start(name);
    }
    stage.wait_until_current();
    String::new()
}

/// Deletes the group; why not, where brokers refuse.
fn delete_group(stage: &Stage<'_>) -> Option<String> {
    let admin = stage.cluster.admin();
    let answer = wait_for(admin.delete_groups(&[stage.site.group()], &AdminOptions::new()));
    let answers = answer.unwrap();
    answers[0].as_ref().err().map(|(_, why)| format!("{why:?}"))
}

fn rewind_offsets(stage: &mut Stage<'_>) -> String {
    stage.inject();
    let refusal = delete_group(stage).unwrap_or_else(|| "nothing".to_owned());
    let outsider = outsider(&stage.site.broker, stage.site.group());
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &stage.site.broker)
        .set(
            "transactional.id",
            format!("{}-outsider", stage.site.group()),
        )
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    let mut accepted = 0;
    for name in NAMES {
        producer.begin_transaction().unwrap();
        let sent = producer.send_offsets_to_transaction(&beginnings(stage), &outsider, PATIENCE);
        if sent.is_ok() && producer.commit_transaction(PATIENCE).is_ok() {
            accepted += 1;
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
        // Whoever takes over finds either the outsider's offsets or those of the next transaction.
        stage.stop(name);
        stage.start(name);
        stage.wait_until_shared();
    }
    stage.wait_until_current();
    format!("brokers refuse the deletion ({refusal}), take {accepted} of 3 resets")
}

fn beginnings(stage: &Stage<'_>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for input in ["created", "updated"] {
        for partition in 0..PARTITIONS {
            let topic = stage.site.topic(input);
            let place = list.add_partition_offset(&topic, partition, Offset::Offset(0));
            place.unwrap();
        }
    }
    list
}

fn restore_often(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for name in NAMES.into_iter().cycle().take(6) {
        pass(Duration::from_secs(2));
        stage.stop(name);
        stage.start(name);
        stage.wait_until_shared();
    }
    stage.wait_until_current();
    let (kept, written) = kept_states(&stage.site);
    format!("{kept} of {written} offsets of the state left by the cleaner")
}

/// How many records of the state are there, and how many offsets were given.
fn kept_states(site: &Site) -> (usize, i64) {
    let topic = site.topic("state");
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &site.broker)
        .create()
        .unwrap();
    let ends = (0..PARTITIONS).map(|partition| {
        let watermarks = consumer.fetch_watermarks(&topic, partition, PATIENCE);
        watermarks.unwrap().1
    });
    (site.read("state").len(), ends.sum())
}
