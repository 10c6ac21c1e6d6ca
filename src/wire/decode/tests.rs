mod cloud_events;
mod limits;
mod mapped;
mod properties;
mod stored;

use std::sync::Arc;

use escalator_engine::fact::{ActivityKind, kept_hash};
use escalator_engine::ticket::{Change, NumberField, Text, TextField};
use serde_json::json;

use super::super::partitioner::{crc32_partition, murmur2_partition};
use super::super::testing::single_object;
use super::*;

/// 2026-11-23T09:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_424_400_000);

fn record(input: Input, value: &[u8]) -> Record<'_> {
    Record {
        input,
        partition: 0,
        partitions: 1,
        key: None,
        value: Some(value),
        headers: &[],
        sample: false,
    }
}

fn decode(record: &Record<'_>, now: Timestamp) -> Result<Decoded, Refusal> {
    let (schemas, mappings) = Default::default();
    super::decode(record, &schemas, &mappings, now).map_err(|unread| match unread {
        Unread::Refused(refusal) => refusal,
        Unread::Waiting(_) | Unread::Ignored => panic!("{unread}"),
    })
}

fn read(input: Input, value: &serde_json::Value) -> Result<Decoded, Refusal> {
    decode(&record(input, value.to_string().as_bytes()), NOW)
}

fn refused(input: Input, value: &serde_json::Value) -> (DeadLetterReason, String) {
    let refusal = read(input, value).unwrap_err();
    (refusal.reason, refusal.error)
}

/// A value with the required fields of an update and others.
fn updated(others: serde_json::Value) -> serde_json::Value {
    let mut value = json!({"ticket_id": "T1", "occurred_at": "2026-11-23T09:00:00Z"});
    let fields = value.as_object_mut().unwrap();
    let serde_json::Value::Object(others) = others else {
        panic!("an object");
    };
    fields.extend(others);
    value
}

fn text(field: TextField, value: &str) -> Change {
    Change::Text(field, Some(Text::from(value)))
}

fn changes(decoded: &Decoded) -> &[Change] {
    &decoded.fact.fact.changes
}

#[test]
fn a_created_event_brings_the_fields_that_are_present() {
    let value = json!({
        "ticket_id": "T1", "occurred_at": "2026-11-23T10:00:00+01:00", "event_id": "e1", "version": 7,
        "source": "desk",
        "ticket": {"status": "new", "queue": null, "severity": 3, "tags": [], "labels": {"a": "1", "b": null}},
    });
    let decoded = read(Input::Created, &value).unwrap();
    assert_eq!(&*decoded.fact.ticket_id, "T1");
    let fact = &decoded.fact.fact;
    assert_eq!(fact.occurred_at, NOW);
    assert_eq!(fact.event_id.as_deref(), Some("e1"));
    assert_eq!((fact.version, &*fact.source), (Some(7), "desk"));
    let hash = record_hash(value.to_string().as_bytes());
    assert_eq!(fact.record_hash, kept_hash(hash, true));
    assert!(fact.created);
    assert_eq!(
        changes(&decoded),
        [
            text(TextField::Status, "new"),
            Change::Number(NumberField::Severity, Some(3.0)),
            Change::Tags(Vec::new()),
            Change::Label("a".into(), Some("1".into())),
            Change::Label("b".into(), None),
        ]
    );
    assert_eq!(decoded.ignored, Ignored::default());
}

#[test]
fn an_explicit_null_in_json_changes_empties_the_field() {
    let decoded = read(
        Input::Updated,
        &updated(json!({"changes": {
            "queue": null, "satisfaction": null, "tags": null, "labels": null, "status": "open",
        }})),
    );
    assert_eq!(
        changes(&decoded.unwrap()),
        [
            text(TextField::Status, "open"),
            Change::Text(TextField::Queue, None),
            Change::Number(NumberField::Satisfaction, None),
            Change::Tags(Vec::new()),
            Change::ClearLabels,
        ]
    );
}

#[test]
fn unset_is_applied_after_changes_and_unknown_names_are_counted() {
    let decoded = read(
        Input::Updated,
        &updated(json!({
            "changes": {"queue": "a", "labels": {"x.y": "1"}},
            "unset": ["queue", "severity", "tags", "labels.x.y", "labels", "colour", "labels_"],
        })),
    )
    .unwrap();
    assert_eq!(
        changes(&decoded),
        [
            text(TextField::Queue, "a"),
            Change::Label("x.y".into(), Some("1".into())),
            Change::Text(TextField::Queue, None),
            Change::Number(NumberField::Severity, None),
            Change::Tags(Vec::new()),
            Change::Label("x.y".into(), None),
            Change::ClearLabels,
        ]
    );
    assert_eq!(decoded.ignored.unset, 2);
}

#[test]
fn null_and_empty_arrays_in_avro_leave_the_field_as_it_is() {
    let value = single_object(
        SchemaName::TicketUpdated,
        &json!({
            "ticket_id": "T1", "occurred_at": 1_795_424_400_000_i64,
            "changes": {"status": "open", "tags": [], "labels": {"a": null}}, "unset": ["tags"],
        }),
    );
    let decoded = decode(&record(Input::Updated, &value), NOW).unwrap();
    assert_eq!(
        changes(&decoded),
        [
            text(TextField::Status, "open"),
            Change::Label("a".into(), None),
            Change::Tags(Vec::new()),
        ]
    );
}

#[test]
fn activities_keep_their_order_and_unknown_kinds_are_counted() {
    let decoded = read(
        Input::Updated,
        &updated(json!({"activities": [
            {"kind": "snooze", "actor": "ann", "until": "2026-11-23T10:00:00Z", "note": "lunch"},
            {"kind": "dance"},
            {"kind": "escalate", "level": 2, "colour": "red"},
        ]})),
    )
    .unwrap();
    let [snooze, escalate] = &decoded.fact.fact.activities[..] else {
        panic!("two activities");
    };
    assert_eq!(snooze.kind, ActivityKind::Snooze);
    assert_eq!(snooze.until, Some(NOW.plus_millis(3_600_000)));
    assert_eq!(
        (snooze.actor.as_deref(), snooze.note.as_deref()),
        (Some("ann"), Some("lunch"))
    );
    assert_eq!(
        (escalate.kind, escalate.level),
        (ActivityKind::Escalate, Some(2))
    );
    assert_eq!((decoded.ignored.activities, decoded.ignored.fields), (1, 1));
}

#[test]
fn a_note_is_kept_where_it_can_be_the_reason_of_something() {
    for kind in ActivityKind::ALL {
        let with =
            |note: &str| updated(json!({"activities": [{"kind": kind.name(), "note": note}]}));
        let decoded = read(Input::Updated, &with("long since")).unwrap();
        let [activity] = &decoded.fact.fact.activities[..] else {
            panic!("one activity");
        };
        let expected = kind.gives_reasons().then_some("long since");
        assert_eq!(activity.note.as_deref(), expected, "{kind:?}");
        // Whether it is kept or not.
        let (reason, _) = refused(Input::Updated, &with(&"x".repeat(4097)));
        assert_eq!(reason, DeadLetterReason::TooLarge);
    }
}

#[test]
fn unknown_fields_are_ignored_and_counted_wherever_they_stand() {
    let decoded = read(
        Input::Updated,
        &updated(json!({"a": {"b": [1, 2]}, "ticket": {}, "changes": {"c": null}})),
    );
    assert_eq!(decoded.unwrap().ignored.fields, 3);
}

#[test]
fn both_formats_give_the_same_fact_but_for_the_hash() {
    let mut value = json!({
        "ticket_id": "T1", "occurred_at": 1_795_424_400_000_i64, "event_id": "e", "version": 3, "source": "s",
        "changes": {
            "status": "open", "vendor": "v", "severity": 2.5, "satisfaction": 0.5, "tags": ["x", "y"],
            "labels": {"one": "1"},
        },
        "unset": ["queue"],
        "activities": [{"kind": "agent_reply", "actor": "ann", "level": 1, "until": null, "note": "n"}],
    });
    let avro = single_object(SchemaName::TicketUpdated, &value);
    value["occurred_at"] = json!("2026-11-23T09:00:00Z");
    let from_json = read(Input::Updated, &value).unwrap().fact;
    let from_avro = decode(&record(Input::Updated, &avro), NOW).unwrap().fact;
    assert_ne!(from_json.fact.record_hash, from_avro.fact.record_hash);
    let mut fact = Arc::unwrap_or_clone(from_json.fact);
    fact.record_hash = from_avro.fact.record_hash;
    assert_eq!(fact, *from_avro.fact);
}

#[test]
fn wrong_types_are_named_with_their_field_and_never_with_their_content() {
    for (fields, field) in [
        (json!({"ticket_id": 17}), "ticket_id"),
        (json!({"occurred_at": 1_795_424_400_000_i64}), "occurred_at"),
        (json!({"occurred_at": "secret"}), "occurred_at"),
        (
            json!({"occurred_at": "2026-11-23T10:00:00+25:00"}),
            "occurred_at",
        ),
        (json!({"version": "1"}), "version"),
        (json!({"version": 1.5}), "version"),
        (json!({"version": u64::MAX}), "version"),
        (json!({"event_id": 1}), "event_id"),
        (json!({"source": ["secret"]}), "source"),
        (json!({"changes": "secret"}), "changes"),
        (json!({"changes": {"status": 1}}), "status"),
        (json!({"changes": {"subject": {"a": "secret"}}}), "subject"),
        (json!({"changes": {"severity": "secret"}}), "severity"),
        (json!({"changes": {"satisfaction": 1.01}}), "satisfaction"),
        (json!({"changes": {"satisfaction": -0.01}}), "satisfaction"),
        (json!({"changes": {"tags": "secret"}}), "tags"),
        (json!({"changes": {"tags": ["a", null]}}), "tags"),
        (json!({"changes": {"labels": ["secret"]}}), "labels"),
        (json!({"changes": {"labels": {"a": true}}}), "labels[]"),
        (json!({"unset": "secret"}), "unset"),
        (json!({"unset": [1]}), "unset"),
        (json!({"activities": {}}), "activities"),
        (json!({"activities": [null]}), "activities"),
        (json!({"activities": ["secret"]}), "activities"),
        (json!({"activities": [{"kind": 1}]}), "activities[].kind"),
        (
            json!({"activities": [{"kind": "snooze", "until": 1}]}),
            "activities[].until",
        ),
        (
            json!({"activities": [{"kind": "escalate", "level": "2"}]}),
            "activities[].level",
        ),
    ] {
        let (reason, error) = refused(Input::Updated, &updated(fields.clone()));
        assert_eq!(reason, DeadLetterReason::WrongType, "{fields}");
        assert!(error.contains(&format!("`{field}`")), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn missing_fields_and_other_events_are_of_the_wrong_shape() {
    for (input, value, words) in [
        (Input::Created, json!({}), "`ticket_id` is missing"),
        (
            Input::Created,
            json!({"ticket_id": null}),
            "`ticket_id` is missing",
        ),
        (
            Input::Created,
            json!({"ticket_id": ""}),
            "`ticket_id` is empty",
        ),
        (
            Input::Created,
            json!({"ticket_id": "T1"}),
            "`occurred_at` is missing",
        ),
        (
            Input::Created,
            updated(json!({"changes": {}})),
            "`ticket` is missing",
        ),
        (
            Input::Updated,
            updated(json!({"activities": [{}]})),
            "kind` is missing",
        ),
        (
            Input::Updated,
            updated(json!({"ticket": {"status": "open"}})),
            "a created event",
        ),
    ] {
        let (reason, error) = refused(input, &value);
        assert_eq!(reason, DeadLetterReason::WrongShape, "{value}");
        assert!(error.contains(words), "{error}");
    }
    let other = single_object(
        SchemaName::TicketUpdated,
        &json!({"ticket_id": "T1", "occurred_at": 0}),
    );
    let refusal = decode(&record(Input::Created, &other), NOW).unwrap_err();
    assert_eq!(refusal.reason, DeadLetterReason::WrongShape);
}

#[test]
fn formats_are_told_apart_by_their_first_bytes_and_headers() {
    let header = |name, value: &'static [u8]| Header {
        name,
        value: Some(value),
    };
    let json = updated(json!({})).to_string().into_bytes();
    let plain = [header("content-type", b"application/json")];
    type Case<'a> = (&'a [u8], &'a [Header<'a>], Result<(), DeadLetterReason>);
    let cases: [Case<'_>; 10] = [
        (&json, &plain, Ok(())),
        (b" \n{\"ticket_id\"", &[], Err(DeadLetterReason::Unreadable)),
        (
            &[0, 0, 0, 0, 1, 2],
            &[],
            Err(DeadLetterReason::UnsupportedFormat),
        ),
        (b"", &[], Err(DeadLetterReason::Empty)),
        (b"[1]", &[], Err(DeadLetterReason::Unreadable)),
        (b"   ", &[], Err(DeadLetterReason::Unreadable)),
        (b"{} {}", &[], Err(DeadLetterReason::Unreadable)),
        (&[0xc3], &[], Err(DeadLetterReason::Unreadable)),
        (&[0xc3, 1, 2, 3], &[], Err(DeadLetterReason::Unreadable)),
        (
            &[0xc3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9],
            &[],
            Err(DeadLetterReason::UnknownSchema),
        ),
    ];
    for (value, headers, expected) in cases {
        let record = Record {
            headers,
            ..record(Input::Updated, value)
        };
        let outcome = decode(&record, NOW).map(|_| ());
        assert_eq!(
            outcome.map_err(|refusal| refusal.reason),
            expected,
            "{value:?}"
        );
    }
    let none = Record {
        value: None,
        ..record(Input::Updated, b"")
    };
    assert_eq!(
        decode(&none, NOW).unwrap_err().reason,
        DeadLetterReason::Empty
    );
}

#[test]
fn the_key_must_be_the_ticket_id_and_a_record_without_one_in_its_place() {
    let value = updated(json!({})).to_string().into_bytes();
    let with = |key: Option<&'static [u8]>, partition, sample| {
        decode(
            &Record {
                key,
                partition,
                partitions: 12,
                sample,
                ..record(Input::Updated, &value)
            },
            NOW,
        )
        .map(|decoded| decoded.partitioners.map(|p| (p.murmur2, p.crc32)))
        .map_err(|refusal| refusal.reason)
    };
    let (java, native) = (murmur2_partition(b"T1", 12), crc32_partition(b"T1", 12));
    assert_eq!(with(Some(b"T1"), 5, false), Ok(None));
    assert_eq!(with(Some(b"T1"), native, true), Ok(Some((false, true))));
    assert_eq!(
        with(Some(b"T2"), 5, false),
        Err(DeadLetterReason::KeyMismatch)
    );
    assert_eq!(
        with(Some(b""), 5, false),
        Err(DeadLetterReason::KeyMismatch)
    );
    assert_eq!(with(None, java, false), Ok(Some((true, false))));
    assert_eq!(with(None, native, false), Ok(Some((false, true))));
    let neither = (0..12).find(|p| *p != java && *p != native).unwrap();
    assert_eq!(with(None, neither, false), Err(DeadLetterReason::NoKey));
}

#[test]
fn of_a_field_that_stands_twice_in_json_the_last_counts() {
    let value = br#"{"ticket_id":"T0","ticket_id":"T1","occurred_at":"2026-11-23T09:00:00Z","changes":{"labels":{"a":"1","a":"2"}}}"#;
    let decoded = decode(&record(Input::Updated, value), NOW).unwrap();
    assert_eq!(&*decoded.fact.ticket_id, "T1");
    assert_eq!(
        changes(&decoded).last(),
        Some(&Change::Label("a".into(), Some("2".into())))
    );
}

#[test]
fn deep_nesting_is_read_over_without_recursion() {
    let deep = |open: &str, close: &str, field: &str| {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let text = format!(
            r#"{{"ticket_id":"T1","occurred_at":"2026-11-23T09:00:00Z","{field}":{deep}}}"#
        );
        decode(&record(Input::Updated, text.as_bytes()), NOW)
            .map(|decoded| decoded.ignored.fields)
            .map_err(|refusal| refusal.reason)
    };
    assert_eq!(deep("[", "]", "x"), Ok(1));
    assert_eq!(deep("{\"a\":", "}", "x"), Ok(1));
    assert_eq!(deep("{\"a\":", "}", "changes"), Ok(1));
    assert_eq!(deep("[", "]", "changes"), Err(DeadLetterReason::WrongType));
    assert_eq!(deep("[", "]", "unset"), Err(DeadLetterReason::WrongType));
}
