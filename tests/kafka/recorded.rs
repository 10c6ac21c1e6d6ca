//! Commands over recorded events, which may be those of the input topics.

use rdkafka::producer::Producer;
use serde_json::{Value, json};

use crate::registry::framed;
use crate::site::Site;
use crate::support::PATIENCE;
use crate::support::broker::broker;
use crate::support::client::{Sent, producer, send, unique};
use crate::support::process::Escalator;
use crate::support::registry::Registry;

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response:
        within: 1h
        marks: [ { at: 50%, warn: [noc] }, { at: 100%, level: 1 } ]
    path: [ { notify: [noc], next_after: 30m }, { notify: [noc] } ]
";

/// What a producer writes that has a registry.
const FRAMED: &str = r#"{"type":"record","name":"TicketUpdated","namespace":"desk","fields":[
    {"name":"ticket_id","type":"string"},
    {"name":"occurred_at","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"event_id","type":"string"},
    {"name":"activities","type":{"type":"array","items":{"type":"record","name":"Activity","fields":[
        {"name":"kind","type":"string"}]}}}]}"#;

/// Tickets that are answered in time, late, and never; in an event file's form.
fn events() -> Vec<Value> {
    let mut events = Vec::new();
    for number in 0..40 {
        let ticket = format!("T{number}");
        let at = |minute: u32| format!("2026-11-23T{:02}:{:02}:00Z", 9 + minute / 60, minute % 60);
        events.push(json!({ "topic": "ticket-created", "value": {
            "ticket_id": ticket, "occurred_at": at(number), "event_id": format!("c{number}"),
            "ticket": { "status": "open", "priority": "high", "tags": ["a", "b"] } } }));
        if number % 3 > 0 {
            events.push(json!({ "topic": "ticket-updated", "value": {
                "ticket_id": ticket, "occurred_at": at(number * 3), "event_id": format!("u{number}"),
                "activities": [{ "kind": "agent_reply" }] } }));
        }
    }
    events
}

/// Writes the events to the topics, every second update in Confluent framing, and a record that
/// cannot be read.
fn produce(site: &Site, events: &[Value]) {
    let producer = producer(&broker().address, &[("acks", "all")]);
    for (number, event) in events.iter().enumerate() {
        let input = &event["topic"].as_str().unwrap()["ticket-".len()..];
        let mut value = event["value"].to_string().into_bytes();
        if input == "updated" && number % 2 == 0 {
            let mut event = event["value"].clone();
            let at =
                escalator_engine::time::Timestamp::parse(event["occurred_at"].as_str().unwrap());
            event["occurred_at"] = json!(at.unwrap().as_millis());
            value = framed(3, FRAMED, event);
        }
        let ticket = event["value"]["ticket_id"].as_str().unwrap();
        let sent = Sent {
            partition: i32::from(ticket.as_bytes()[1] % 2),
            key: Some(ticket.as_bytes()),
            value: Some(&value),
            ..Sent::default()
        };
        send(&producer, &site.topic(input), &[sent]);
    }
    let poison = Sent {
        value: Some(b"nonsense"),
        ..Sent::default()
    };
    send(&producer, &site.topic("created"), &[poison]);
    producer.flush(PATIENCE).unwrap();
}

/// What a command prints, line by line.
fn printed(site: &Site, arguments: &[&str]) -> Vec<String> {
    let plans = site.path().join("plan.yaml");
    let plans = ["--plans", plans.to_str().unwrap()];
    let arguments = [arguments, &plans].concat();
    let mut command = Escalator::start(site.path(), &unique("command"), &arguments);
    let code = command.wait().code();
    assert_eq!(code, Some(0), "{}", command.log());
    command.log().lines().map(str::to_owned).collect()
}

#[test]
fn the_topics_give_what_an_event_file_gives() {
    let registry = Registry::start();
    registry.put(3, FRAMED);
    let more = format!("[registry]\nurl = '{}'\n", registry.url());
    let site = Site::new(PLAN, 2, &more);
    let events = events();
    produce(&site, &events);
    let file = site.path().join("events.jsonl");
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let config = site.path().join("escalator.toml");
    let from_file = ["--events", file.to_str().unwrap()];
    let from_topics = ["--config", config.to_str().unwrap()];
    let against = site.path().join("against.yaml");
    std::fs::write(&against, PLAN.replace("1h", "2h")).unwrap();
    for command in [
        &["simulate", "--output", "json"][..],
        &["simulate"],
        &["report", "--output", "json"],
        &["backtest", "--against", against.to_str().unwrap()],
    ] {
        let expected = printed(&site, &[command, &from_file].concat());
        assert!(!expected.is_empty());
        let (told, found): (Vec<_>, Vec<_>) = printed(&site, &[command, &from_topics].concat())
            .into_iter()
            .partition(|line| line.starts_with("note: ") || line.starts_with("  the first: "));
        assert_eq!(found, expected, "{command:?}");
        let note = "note: 1 record could not be read and is left out: 1 unreadable";
        assert_eq!(told[0], note);
        let place = format!("  the first: {} 0:", site.topic("created"));
        assert!(told[1].starts_with(&place), "{told:?}");
    }
    assert!(site.read("updated").len() > 20, "nothing was taken away");
}

#[test]
fn a_registry_that_is_away_is_trouble_with_a_remedy() {
    let registry = Registry::start();
    registry.always(Some((401, "")));
    let more = format!("[registry]\nurl = '{}'\n", registry.url());
    let site = Site::new(PLAN, 1, &more);
    let producer = producer(&broker().address, &[("acks", "all")]);
    let sent = Sent {
        value: Some(&[0, 0, 0, 0, 1]),
        ..Sent::default()
    };
    send(&producer, &site.topic("created"), &[sent]);
    producer.flush(PATIENCE).unwrap();
    let (config, plans) = (
        site.path().join("escalator.toml"),
        site.path().join("plan.yaml"),
    );
    let [config, plans] = [&config, &plans].map(|path| path.to_str().unwrap());
    let arguments = ["simulate", "--plans", plans, "--config", config];
    let mut command = Escalator::start(site.path(), "simulate", &arguments);
    assert_eq!(command.wait().code(), Some(2));
    assert!(
        command.log().contains("check `registry.user`"),
        "{}",
        command.log()
    );
}
