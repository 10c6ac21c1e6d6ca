//! Records of other systems, by a mapping.

use super::*;
use crate::plan_file::{Sources, check_mappings};

const DESK: &str = "
version: 1
mappings:
  - name: desk
    match: { kind: { exists: true } }
    ignore: { kind: seen }
    created: { kind: new }
    ticket_id: { path: id, prefix: desk- }
    occurred_at: at
    ticket: { queue: queue, subject: subject }
";

fn mapped(record: &Record<'_>) -> Result<Decoded, Unread> {
    let checked = check_mappings(Sources::from_text("desk.yaml", DESK));
    let mappings = checked.mappings.unwrap();
    super::super::decode(record, &WriterSchemas::default(), &mappings, NOW)
}

fn value(others: serde_json::Value) -> Vec<u8> {
    let mut value = json!({"kind": "changed", "id": 7, "at": "2026-11-23T09:00:00Z"});
    for (name, other) in others.as_object().unwrap() {
        value[name] = other.clone();
    }
    value.to_string().into_bytes()
}

fn refusal(record: &Record<'_>) -> Refusal {
    match mapped(record) {
        Err(Unread::Refused(refusal)) => refusal,
        other => panic!("a refusal, not {other:?}"),
    }
}

#[test]
fn it_says_what_a_record_is_whichever_topic_that_is_in() {
    for input in Input::ALL {
        for (kind, is_created) in [("new", true), ("changed", false)] {
            let value = value(json!({"kind": kind, "queue": "noc"}));
            let fact = mapped(&record(input, &value)).unwrap().fact;
            assert_eq!((&*fact.ticket_id, &*fact.fact.source), ("desk-7", "desk"));
            assert_eq!(fact.fact.created, is_created);
            assert_eq!(fact.fact.changes, [text(TextField::Queue, "noc")]);
            // An event without an id is the same when its record is.
            assert_eq!(fact.fact.record_hash, record_hash(&value));
        }
    }
}

#[test]
fn what_no_mapping_is_for_is_read_as_it_stands() {
    let own = updated(json!({"changes": {"queue": "noc"}})).to_string();
    let decoded = mapped(&record(Input::Updated, own.as_bytes())).unwrap();
    assert_eq!(&*decoded.fact.ticket_id, "T1");
    let avro = single_object(
        SchemaName::TicketUpdated,
        &json!({"ticket_id": "T1", "occurred_at": 1_795_424_400_000_i64}),
    );
    assert!(mapped(&record(Input::Updated, &avro)).is_ok());
    let refusal = refusal(&record(Input::Updated, b"{\"id\": 7}"));
    assert_eq!(refusal.reason, DeadLetterReason::WrongShape);
    // Nobody needs the number.
    let own = own.replacen('{', "{\"much\":1e400,", 1);
    assert!(mapped(&record(Input::Updated, own.as_bytes())).is_ok());
    let refused = self::refusal(&record(Input::Updated, b"{\"kind\": 7"));
    assert_eq!(refused.reason, DeadLetterReason::Unreadable);
}

#[test]
fn it_may_ignore_a_record() {
    let value = value(json!({"kind": "seen"}));
    let outcome = mapped(&record(Input::Updated, &value));
    assert_eq!(outcome, Err(Unread::Ignored));
}

#[test]
fn the_rules_of_events_hold_and_refusals_name_the_mapping() {
    for (others, reason) in [
        (json!({"id": null}), DeadLetterReason::WrongShape),
        (json!({"at": null}), DeadLetterReason::WrongShape),
        (json!({"at": "then"}), DeadLetterReason::WrongType),
        (
            json!({"at": "2026-11-25T09:00:00Z"}),
            DeadLetterReason::InstantOutOfRange,
        ),
        (
            json!({"subject": "x".repeat(4097)}),
            DeadLetterReason::TooLarge,
        ),
        (
            json!({"queue": {"name": "noc"}}),
            DeadLetterReason::WrongType,
        ),
    ] {
        let value = value(others.clone());
        let refusal = refusal(&record(Input::Updated, &value));
        assert_eq!(refusal.reason, reason, "{others}");
        assert!(
            refusal.error.starts_with("mapping `desk`: "),
            "{}",
            refusal.error
        );
    }
}

#[test]
fn a_record_lies_where_its_ticket_is_by_its_own_id_or_by_ours() {
    let value = value(json!({}));
    let of = |key: Option<&'static [u8]>, partition: i32| Record {
        key,
        partition,
        partitions: 64,
        sample: true,
        ..record(Input::Updated, &value)
    };
    for id in ["7", "desk-7"] {
        let partition = murmur2_partition(id.as_bytes(), 64);
        let key: &'static [u8] = if id == "7" { b"7" } else { b"desk-7" };
        for key in [None, Some(key)] {
            let decoded = mapped(&of(key, partition)).unwrap();
            assert!(decoded.partitioners.is_some_and(|it| it.murmur2), "{id}");
        }
    }
    assert_eq!(
        refusal(&of(Some(b"8"), 0)).reason,
        DeadLetterReason::KeyMismatch
    );
    let ids = ["7", "desk-7"].map(str::as_bytes);
    let elsewhere = (0..64).find(|at| {
        let taken = |id| [murmur2_partition(id, 64), crc32_partition(id, 64)].contains(at);
        !ids.into_iter().any(taken)
    });
    assert_eq!(
        refusal(&of(None, elsewhere.unwrap())).reason,
        DeadLetterReason::NoKey
    );
}

#[test]
fn a_cloud_event_may_carry_it() {
    let envelope = json!({
        "specversion": "1.0", "id": "ce-1", "source": "/desk", "type": "changed",
        "data": {"kind": "changed", "id": 7, "at": "2026-11-23T09:00:00Z"},
    });
    let envelope = envelope.to_string();
    let headers = [Header {
        name: "content-type",
        value: Some(b"application/cloudevents+json"),
    }];
    let record = Record {
        headers: &headers,
        ..record(Input::Updated, envelope.as_bytes())
    };
    let fact = mapped(&record).unwrap().fact;
    assert_eq!(&*fact.ticket_id, "desk-7");
    assert_eq!(fact.fact.event_id.as_deref(), Some("ce-1"));
}
