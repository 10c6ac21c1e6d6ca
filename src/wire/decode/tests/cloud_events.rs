use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";

fn headers<'a>(all: &[(&'a str, &'a str)]) -> Vec<Header<'a>> {
    let header = |(name, value): &(&'a str, &'a str)| Header {
        name,
        value: Some(value.as_bytes()),
    };
    all.iter().map(header).collect()
}

fn with(all: &[(&str, &str)], value: &[u8]) -> Result<Decoded, (DeadLetterReason, String)> {
    let record = Record {
        headers: &headers(all),
        ..record(Input::Updated, value)
    };
    decode(&record, NOW).map_err(|refusal| (refusal.reason, refusal.error))
}

fn whole(envelope: serde_json::Value) -> Result<Decoded, (DeadLetterReason, String)> {
    with(
        &[("content-type", STRUCTURED)],
        envelope.to_string().as_bytes(),
    )
}

fn envelope(others: serde_json::Value) -> serde_json::Value {
    let mut all = json!({"specversion": "1.0", "id": "ce-1", "source": "/desk", "type": "updated"});
    let serde_json::Value::Object(others) = others else {
        panic!("an object");
    };
    all.as_object_mut().unwrap().extend(others);
    all
}

#[test]
fn a_binary_cloud_event_is_the_event_in_its_value() {
    let value = updated(json!({"event_id": "e1"})).to_string();
    let attributes = [
        ("ce_specversion", "1.0"),
        ("ce_id", "ce-1"),
        ("ce_type", "updated"),
    ];
    let decoded = with(&attributes, value.as_bytes()).unwrap();
    assert_eq!(decoded, with(&[], value.as_bytes()).unwrap());

    // Whatever its format: headers say nothing about the bytes that these do not say themselves.
    let avro = single_object(
        SchemaName::TicketUpdated,
        &json!({"ticket_id": "T1", "occurred_at": NOW.as_millis()}),
    );
    let decoded = with(&attributes, &avro).unwrap();
    assert_eq!(&*decoded.fact.ticket_id, "T1");
    let hash = record_hash(&avro);
    let has_id = decoded.fact.fact.event_id.is_some();
    assert_eq!(decoded.fact.fact.record_hash, kept_hash(hash, has_id));
}

#[test]
fn a_structured_cloud_event_carries_the_event_as_data() {
    let event = updated(json!({"changes": {"status": "open"}, "event_id": "e1"}));
    let decoded = whole(envelope(json!({"data": event}))).unwrap();
    assert_eq!(changes(&decoded), [text(TextField::Status, "open")]);
    assert_eq!(decoded.fact.fact.event_id.as_deref(), Some("e1"));

    let encoded = STANDARD.encode(event.to_string());
    let again = whole(envelope(json!({"data_base64": encoded}))).unwrap();
    assert_eq!(changes(&again), changes(&decoded));
}

#[test]
fn the_id_of_the_envelope_identifies_an_event_without_one() {
    let event = updated(json!({}));
    let id = |decoded: Decoded| decoded.fact.fact.event_id.as_deref().map(str::to_owned);
    let binary = [("ce_specversion", "1.0"), ("ce_id", "ce-1")];
    let decoded = with(&binary, event.to_string().as_bytes()).unwrap();
    assert_eq!(id(decoded).as_deref(), Some("ce-1"));
    let decoded = whole(envelope(json!({"data": event}))).unwrap();
    assert_eq!(id(decoded).as_deref(), Some("ce-1"));

    let long = "x".repeat(5_000);
    let binary = [("ce_specversion", "1.0"), ("ce_id", &*long)];
    let (reason, _) = with(&binary, event.to_string().as_bytes()).unwrap_err();
    assert_eq!(reason, DeadLetterReason::TooLarge);
}

#[test]
fn what_is_no_cloud_event_of_this_version_is_refused_with_a_reason() {
    use DeadLetterReason::{Empty, Unreadable, UnsupportedFormat, WrongShape, WrongType};
    let event = updated(json!({}));
    let text = event.to_string();
    let refused = |all: &[(&str, &str)], value: &[u8]| with(all, value).unwrap_err().0;
    let binary = |version| refused(&[("ce_specversion", version)], text.as_bytes());
    assert_eq!(binary("0.3"), UnsupportedFormat);
    assert_eq!(binary("<script>"), UnsupportedFormat);

    let batch = "application/cloudevents-batch+json";
    assert_eq!(
        refused(&[("content-type", batch)], b"[]"),
        UnsupportedFormat
    );
    let structured = [("Content-Type", STRUCTURED)];
    assert_eq!(refused(&structured, b"{"), Unreadable);
    assert_eq!(refused(&structured, b"[]"), UnsupportedFormat);

    let reason = |others| whole(envelope(others)).unwrap_err().0;
    assert_eq!(reason(json!({})), WrongShape);
    assert_eq!(
        reason(json!({"data": event, "data_base64": "e30="})),
        WrongShape
    );
    assert_eq!(reason(json!({"data_base64": "?"})), Unreadable);
    assert_eq!(reason(json!({"data_base64": ""})), Empty);
    assert_eq!(reason(json!({"data": "text"})), Unreadable);
    assert_eq!(reason(json!({"data": {"ticket_id": 1}})), WrongType);
    assert_eq!(
        reason(json!({"specversion": "0.3", "data": event})),
        UnsupportedFormat
    );
    let (_, told) = whole(json!({"data": event})).unwrap_err();
    assert_eq!(
        told,
        "CloudEvents of version another number are not read, those of 1.0 are"
    );
}

#[test]
fn deep_data_is_refused_and_not_descended_into() {
    let deep = format!(
        r#"{{"specversion":"1.0","data":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let (reason, _) = with(&[("content-type", STRUCTURED)], deep.as_bytes()).unwrap_err();
    assert_eq!(reason, DeadLetterReason::Unreadable);
}

#[test]
fn what_is_wrong_with_an_envelope_is_told_without_its_content() {
    for value in [
        r#""hunter2""#,
        r#"{"specversion":"1.0","id":4711,"data":{}}"#,
        r#"{"specversion":["hunter2"]}"#,
        r#"{"specversion":"1.0","id":"hunter2"#,
        "hunter2",
    ] {
        let content_type = [("content-type", STRUCTURED)];
        let (reason, told) = with(&content_type, value.as_bytes()).unwrap_err();
        assert_eq!(reason, DeadLetterReason::Unreadable, "{value}");
        assert!(told.contains("line 1 column"), "{told}");
        assert!(
            !told.contains("hunter2") && !told.contains("4711"),
            "{told}"
        );
    }
}

#[test]
fn an_empty_id_identifies_nothing() {
    let empty = updated(json!({"event_id": ""}));
    assert_eq!(
        read(Input::Updated, &empty).unwrap().fact.fact.event_id,
        None
    );
    for (own, ce_id, expected) in [
        ("", "e1", Some("e1")),
        ("", "", None),
        ("e2", "", Some("e2")),
    ] {
        let value = updated(json!({"event_id": own})).to_string();
        let headers = [("ce_specversion", "1.0"), ("ce_id", ce_id)];
        let headers = headers.map(|(name, value)| Header {
            name,
            value: Some(value.as_bytes()),
        });
        let record = Record {
            headers: &headers,
            ..record(Input::Updated, value.as_bytes())
        };
        let fact = decode(&record, NOW).unwrap().fact.fact;
        assert_eq!(fact.event_id.as_deref(), expected);
    }
}
