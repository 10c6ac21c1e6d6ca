//! The check of the topics names each defect, and making them cures it.

use std::time::Duration;

use escalator::kafka::Error;
use escalator::kafka::topics::{Defect, RECORD_BYTES_MAX, TopicNames, Topics};

use serde_json::{Value, json};

use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{create_topic, settings, unique};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

fn names() -> TopicNames {
    TopicNames {
        created: unique("created"),
        updated: unique("updated"),
        state: unique("state"),
        escalated: unique("escalated"),
        notify: unique("notify"),
        dead_letters: unique("dead-letters"),
        plans: unique("plans"),
    }
}

fn defects(names: &TopicNames) -> Vec<Defect> {
    let settings = settings(&broker().address, "group", "test");
    match Topics::new(&settings, names).unwrap().check() {
        Err(Error::Topics(defects)) => defects,
        other => panic!("the check found no defects: {other:?}"),
    }
}

#[test]
fn every_missing_topic_is_named_and_then_made() {
    let names = names();
    let found = defects(&names);
    assert_eq!(found.len(), 7);
    for (topic, defect) in [&names.created, &names.plans]
        .into_iter()
        .zip([&found[0], &found[6]])
    {
        let text = defect.to_string();
        assert!(
            text.contains(topic.as_str()) && text.contains("topics create"),
            "{text}"
        );
    }

    let settings = settings(&broker().address, "group", "test");
    let topics = Topics::new(&settings, &names).unwrap();
    assert_eq!(topics.create(5, None).unwrap().len(), 7);
    wait_until("the topics", PATIENCE, || {
        topics.check().ok().filter(|facts| facts.partitions == 5)
    });
    assert_eq!(topics.create(5, None).unwrap(), [""; 0]);
}

#[test]
fn made_topics_follow_the_partitions_of_an_existing_input() {
    let names = names();
    create_topic(&broker().address, &names.updated, 3, &[]);
    let settings = settings(&broker().address, "group", "test");
    let topics = Topics::new(&settings, &names).unwrap();
    assert_eq!(topics.create(12, None).unwrap().len(), 6);
    wait_until("the topics", PATIENCE, || {
        topics.check().ok().filter(|facts| facts.partitions == 3)
    });
}

#[test]
fn unequal_partitions_and_lossy_settings_are_told_apart() {
    let names = names();
    let address = &broker().address;
    create_topic(address, &names.created, 4, &[]);
    create_topic(address, &names.updated, 3, &[]);
    create_topic(address, &names.state, 4, &[]);
    create_topic(address, &names.escalated, 4, &[]);
    create_topic(address, &names.notify, 5, &[]);
    create_topic(address, &names.dead_letters, 4, &[]);
    create_topic(address, &names.plans, 2, &[("retention.ms", "1000")]);

    let partitions = |topic: &str, has| Defect::Partitions {
        topic: topic.to_owned(),
        has,
        wants: 4,
        like: names.created.clone(),
    };
    let (advice, bad): (Vec<_>, Vec<_>) = defects(&names).into_iter().partition(Defect::is_advice);
    assert_eq!(
        bad,
        [
            partitions(&names.updated, 3),
            partitions(&names.notify, 5),
            Defect::PlansPartitions {
                topic: names.plans.clone(),
                has: 2
            },
            Defect::StateNotCompacted {
                topic: names.state.clone(),
                policy: "delete".to_owned()
            },
            Defect::PlansCleaned {
                topic: names.plans.clone(),
                setting: "retention.ms=1000".to_owned()
            },
            Defect::PlansTimestamps {
                topic: names.plans.clone(),
                kind: "CreateTime".to_owned()
            },
        ]
    );
    assert_eq!(advice.len(), 3, "{advice:?}");
}

/// What is said of a topic that takes records of the broker's usual size only.
fn limited(topic: &str) -> impl Fn(&Defect) -> bool {
    move |defect| {
        let text = defect.to_string();
        let remedy = format!("--entity-name {topic} --add-config max.message.bytes=8388608");
        let size = format!("topic `{topic}` takes records of 1048588 bytes");
        defect.is_advice() && text.starts_with(&size) && text.contains(&remedy)
    }
}

#[test]
fn topics_that_take_no_large_records_are_good_with_advice() {
    let names = names();
    let address = &broker().address;
    create_topic(address, &names.state, 2, &[("cleanup.policy", "compact")]);
    create_topic(address, &names.dead_letters, 2, &[]);
    let settings = settings(address, "group", "test");
    let topics = Topics::new(&settings, &names).unwrap();
    topics.create(2, None).unwrap();
    let facts = topics.check_made().unwrap();
    assert_eq!(facts.partitions, 2);
    assert_eq!(facts.limits.dead_letter_bytes_max, 1_048_588);
    assert_eq!(facts.limits.escalated_bytes_max, RECORD_BYTES_MAX);
    assert_eq!(facts.limits.batch_bytes_max, 1_048_588);
    let expected = [&names.state, &names.dead_letters];
    assert_eq!(facts.advice.len(), expected.len());
    for (advice, topic) in facts.advice.iter().zip(expected) {
        assert!(limited(topic)(advice), "{advice}");
    }
}

#[test]
fn a_broker_that_is_not_there_is_worth_waiting_for() {
    let mut settings = settings("127.0.0.1:1", "group", "test");
    settings.properties.insert(
        "socket.connection.setup.timeout.ms".to_owned(),
        "1000".to_owned(),
    );
    let names = names();
    let began = std::time::Instant::now();
    let error = Topics::new(&settings, &names).unwrap().check().unwrap_err();
    assert!(error.is_retriable(), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(30));
}

/// Runs a command with the settings of a site; answers with its exit code and what it printed.
fn run(site: &Site, name: &str, arguments: &[&str]) -> (i32, String) {
    let config = site.path().join("escalator.toml");
    let settings = ["--config", config.to_str().unwrap()];
    let arguments = [&["topics"], arguments, &settings].concat();
    let mut command = Escalator::start(site.path(), name, &arguments);
    let code = command.wait().code().unwrap();
    (code, command.log())
}

#[test]
fn the_commands_tell_what_is_missing_make_it_and_find_it_good() {
    let site = Site::new("", 3, "");
    let (code, printed) = run(&site, "before", &["check"]);
    assert_eq!(code, 1, "{printed}");
    assert_eq!(printed.lines().count(), 5, "{printed}");
    for topic in ["state", "escalated", "notify", "dead", "plans"] {
        let line = format!(
            "bad: topic `{}` does not exist and needs ",
            site.topic(topic)
        );
        assert!(printed.contains(&line), "{printed}");
    }

    let (code, printed) = run(&site, "making", &["create", "--output", "json"]);
    assert_eq!(code, 0, "{printed}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    let topics = |names: &[&str]| -> Value { names.iter().map(|name| site.topic(name)).collect() };
    assert_eq!(report["existing"], topics(&["created", "updated"]));
    let made = report["made"].as_array().unwrap();
    assert_eq!(made.len(), 5, "{printed}");
    assert_eq!(report["partitions"], 3, "as many as the inputs have");

    let (code, printed) = run(&site, "after", &["check"]);
    assert_eq!(
        (code, &*printed),
        (0, "the topics are good, with 3 partitions each\n")
    );
    let (code, printed) = run(&site, "again", &["create"]);
    assert_eq!(code, 0, "{printed}");
    assert_eq!(printed.matches("existed").count(), 7, "{printed}");
}

#[test]
fn the_commands_show_all_defects_at_once_and_make_only_what_is_missing() {
    let site = Site::new("", 3, "");
    let address = &broker().address;
    create_topic(address, &site.topic("state"), 3, &[]);
    create_topic(address, &site.topic("notify"), 2, &[]);
    let (code, printed) = run(&site, "all", &["check", "--output", "json"]);
    assert_eq!(code, 1, "{printed}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    let defects = report["defects"].as_array().unwrap().iter();
    let found: Vec<_> = defects
        .map(|defect| json!([defect["topic"], defect["kind"]]))
        .collect();
    let expected = [
        ("escalated", "missing"),
        ("notify", "partitions"),
        ("dead", "missing"),
        ("plans", "missing"),
        ("state", "state_not_compacted"),
    ];
    let expected = expected.map(|(topic, kind)| json!([site.topic(topic), kind]));
    assert_eq!(found, expected);
    assert_eq!(report["good"], false);
    assert_eq!(report["advice"][0]["topic"], site.topic("state"));
    assert_eq!(report["advice"][0]["kind"], "records_limited");

    let (code, printed) = run(&site, "rest", &["create"]);
    assert_eq!(code, 1, "what was bad still is: {printed}");
    assert_eq!(printed.matches("made ").count(), 3, "{printed}");
    assert_eq!(printed.matches("bad: ").count(), 2, "{printed}");
}
