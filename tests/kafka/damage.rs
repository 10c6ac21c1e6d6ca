//! State that is damaged in any way stops its partition, loudly and with the remedy, and no other;
//! nothing is guessed and nothing is written over it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::client::{commit_by_hand, unique};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const META: &[u8] = b"\xFFpartition";

/// What is done to the partition of that number, and what is told of it.
const DAMAGES: [&str; 8] = [
    "", // Nothing: it goes on.
    "the state of a ticket in partition 1 cannot be read",
    "no known schema has the fingerprint 3837363534333231; a newer release may have written it",
    "its version is 2, and this release knows 1",
    "the group's offsets of partition 4 ",
    "the group has read partition 5, but the state topic holds nothing of it",
    "holds 1 tickets of partition 6 instead of 2",
    "holds tickets of partition 7 but not the record of the partition itself",
];

fn damage(site: &Site) {
    site.write("state", 1, b"T1-0", Some(b"no state"));
    site.write("state", 2, b"T2-0", Some(b"\xC3\x0112345678 of the future"));
    site.write("state", 3, META, Some(br#"{"version":2,"offsets":{}}"#));
    let group = site.topic("").trim_end_matches('-').to_owned();
    commit_by_hand(&site.broker, &group, (&site.topic("created"), 4), 100);
    for key in [&b"T5-0"[..], b"T5-1", META] {
        site.write("state", 5, key, None);
    }
    site.write("state", 6, b"T6-0", None);
    site.write("state", 7, META, None);
}

/// How many records each partition of the state has.
fn written(site: &Site) -> BTreeMap<i32, usize> {
    let mut counts = BTreeMap::new();
    for record in site.read("state") {
        *counts.entry(record.partition).or_default() += 1;
    }
    counts
}

#[test]
fn every_damage_stops_its_partition_with_a_remedy_and_the_others_go_on() {
    let notify_from = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n";
    let partitions = i32::try_from(DAMAGES.len()).unwrap();
    let site = Site::new(TELLS_OF_EVERY_TICKET, partitions, notify_from);
    let open = json!({ "status": "open" });
    for partition in 0..partitions {
        site.create_in(partition, &format!("T{partition}-0"), &open);
        site.create_in(partition, &format!("T{partition}-1"), &open);
    }
    let service = site.start("before");
    wait_until("all escalations", PATIENCE, || {
        let is_up = service.log().contains("goes on from");
        (is_up && site.read("escalated").len() == 2 * DAMAGES.len()).then_some(())
    });
    assert!(service.stop().success());
    damage(&site);
    let before = written(&site);
    assert_checked(&site);

    let service = site.start("after");
    site.create_in(0, "T0-2", &open);
    site.create_in(1, "T1-2", &open);
    wait_until("the sound partition going on", PATIENCE, || {
        (site.read("escalated").len() == 2 * DAMAGES.len() + 1).then_some(())
    });
    let told = wait_until("the reasons", PATIENCE, || {
        let told = service.ask("GET /readyz", "")?;
        let has_all = DAMAGES.iter().all(|reason| told.contains(reason));
        has_all.then_some(told)
    });
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    let metrics = service.ask("GET /metrics", "").unwrap();
    let refused = "\nescalator_partitions{state=\"refused\"} 7\n";
    assert!(metrics.contains(refused), "{metrics}");
    let log = service.log();
    for (partition, reason) in DAMAGES.iter().enumerate().skip(1) {
        let errors = log.lines().map(serde_json::from_str::<Value>);
        let mut errors = errors
            .map(Result::unwrap)
            .filter(|it| it["level"] == "ERROR");
        let line = errors.find(|line| line["kafka.partition"] == partition);
        let line = line.unwrap_or_else(|| panic!("{partition}: {log}"));
        let told = line["message"].as_str().unwrap();
        assert!(told.contains(reason), "{told}");
        let remedy = format!("`escalator state rebuild --partition {partition}`");
        assert!(told.contains(&remedy), "{told}");
    }
    assert!(service.stop().success());
    let mut after = written(&site);
    assert!(after.remove(&0) > before.get(&0).copied());
    assert_eq!(
        after,
        before.into_iter().filter(|(it, _)| *it != 0).collect()
    );
    assert_eq!(site.read("escalated").len(), 2 * DAMAGES.len() + 1);
}

/// The same is found without a service, and by a program.
fn assert_checked(site: &Site) {
    let config = site.path().join("escalator.toml");
    let config = config.to_str().unwrap();
    let arguments = ["state", "check", "--config", config, "--output", "json"];
    let mut command = Escalator::start(site.path(), &unique("check"), &arguments);
    assert_eq!(command.wait().code(), Some(1), "{}", command.log());
    let checked: Value = serde_json::from_str(&command.log()).unwrap();
    assert_eq!(checked["good"], false);
    let lines = checked["partitions"].as_array().unwrap();
    for (line, reason) in lines.iter().zip(DAMAGES) {
        assert_eq!(line["good"], reason.is_empty(), "{line}");
        let defect = line["defect"].as_str().unwrap_or_default();
        assert!(defect.contains(reason), "{line}");
    }
    assert_eq!(lines.len(), DAMAGES.len());
}
