//! The reference of events: its examples are run, and nothing of the records is left out.

use std::fs;
use std::process::Command;

use escalator::mapping::Mappings;
use escalator::wire::{
    DeadLetterReason, Header, Input, Record, SchemaName, Unread, WriterSchemas, decode,
};
use escalator_engine::time::Timestamp;
use serde_json::Value;

use super::read;

/// When the examples are read: 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_435_200_000);

/// The examples whose fence says so: the rest of its first line, and what is in it.
fn examples<'a>(text: &'a str, language: &str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let fence = format!("\n```{language} {kind}");
    let blocks = text.split(&fence).skip(1);
    let found = blocks.map(|block| {
        let (head, rest) = block.split_once('\n').unwrap();
        let (body, _) = rest.split_once("\n```").unwrap();
        (head.trim(), body)
    });
    found.collect()
}

fn one<'a>(text: &'a str, language: &str, kind: &str) -> &'a str {
    let found = examples(text, language, kind);
    assert_eq!(found.len(), 1, "{kind}");
    found[0].1
}

fn decoded(input: Input, value: &str) -> Result<(), DeadLetterReason> {
    decoded_with(input, value, &[])
}

fn decoded_with(input: Input, value: &str, headers: &[Header<'_>]) -> Result<(), DeadLetterReason> {
    let record = Record {
        input,
        partition: 0,
        partitions: 1,
        key: Some(b"INC-7"),
        value: Some(value.as_bytes()),
        headers,
        sample: false,
    };
    match decode(
        &record,
        &WriterSchemas::default(),
        &Mappings::default(),
        NOW,
    ) {
        Ok(decoded) => {
            assert_eq!(decoded.ignored, Default::default(), "{value}");
            Ok(())
        }
        Err(Unread::Refused(refusal)) => Err(refusal.reason),
        Err(unread) => panic!("{value}: {unread}"),
    }
}

#[test]
fn its_events_in_are_read_and_its_dead_letters_are_refused() {
    let text = read("docs/events.md");
    assert_eq!(
        decoded(Input::Created, one(&text, "json", "created")),
        Ok(())
    );
    assert_eq!(
        decoded(Input::Updated, one(&text, "json", "updated")),
        Ok(())
    );
    let structured = Header {
        name: "content-type",
        value: Some(b"application/cloudevents+json"),
    };
    let envelope = one(&text, "json", "cloudevent");
    assert_eq!(
        decoded_with(Input::Updated, envelope, &[structured]),
        Ok(())
    );
    let refused = examples(&text, "json", "refused");
    assert!(refused.len() > 2);
    for (reason, value) in refused {
        let found = decoded(Input::Updated, value).unwrap_err();
        assert_eq!(found.name(), reason);
    }
}

/// What comes out of `simulate` on a topic.
fn simulated(plan: &str, events: &str) -> Vec<(String, Value)> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plan.yaml"), plan).unwrap();
    fs::write(directory.path().join("events.jsonl"), events).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_escalator"))
        .env_clear()
        .current_dir(directory.path())
        .args([
            "simulate",
            "--plans",
            "plan.yaml",
            "--events",
            "events.jsonl",
        ])
        .args(["--output", "json"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|line: Value| {
            (
                line["topic"].as_str().unwrap().to_owned(),
                line["value"].clone(),
            )
        })
        .collect()
}

#[test]
fn its_events_out_are_what_its_plan_makes_of_its_events_in() {
    let text = read("docs/events.md");
    let events = simulated(one(&text, "yaml", "plan"), one(&text, "json", "events"));
    for topic in ["escalated", "notify"] {
        let shown = one(&text, "json", topic);
        let mut shown: Value = serde_json::from_str(shown).unwrap();
        let first = events.iter().find(|(of, _)| of == topic);
        let mut first = first.unwrap().1.clone();
        // Another release may have other data of time zones, and another form of plans to hash.
        for value in [&mut shown, &mut first] {
            let fields = value.as_object_mut().unwrap();
            fields.remove("tz_version");
            fields.remove("plan_revision");
        }
        assert_eq!(shown, first);
    }
}

/// The names of a record's fields, and of those within.
fn field_names(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| field_names(item, names)),
        Value::Object(parts) => {
            for field in schema["fields"].as_array().into_iter().flatten() {
                names.push(field["name"].as_str().unwrap().to_owned());
            }
            for part in ["fields", "type", "items", "values"] {
                parts
                    .get(part)
                    .into_iter()
                    .for_each(|part| field_names(part, names));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_and_every_reason_is_in_it() {
    let text = read("docs/events.md");
    let mut names: Vec<String> = DeadLetterReason::ALL.map(|it| it.name().to_owned()).into();
    for schema in SchemaName::ALL {
        if schema == SchemaName::EscalationState {
            continue;
        }
        field_names(&serde_json::from_str(schema.text()).unwrap(), &mut names);
    }
    assert!(names.len() > 60, "{names:?}");
    let missing = names
        .iter()
        .filter(|name| !text.contains(&format!("`{name}`")));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "{missing:?}");
}
