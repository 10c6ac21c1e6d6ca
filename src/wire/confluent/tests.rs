use escalator_engine::ticket::{Change, NumberField, Text, TextField};
use escalator_engine::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::schema::SchemaName;
use super::super::testing::datum_of_schema;
use super::super::{Decoded, Header, Record, decode};
use super::*;
use crate::mapping::Mappings;

/// 2026-11-23T09:00:00Z.
const NINE: i64 = 1_795_424_400_000;

fn schemas(known: &[(SchemaId, &str)]) -> WriterSchemas {
    let mut schemas = WriterSchemas::of_registry();
    for (id, text) in known {
        let schema = WriterSchema::parse(text, &[]).unwrap();
        schemas.insert(*id, Ok(Box::new(schema)), None);
    }
    schemas
}

fn framed(id: SchemaId, datum: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), datum].concat()
}

fn read_input(
    input: Input,
    value: &[u8],
    schemas: &WriterSchemas,
    headers: &[Header<'_>],
) -> Result<Decoded, Unread> {
    let record = Record {
        input,
        partition: 0,
        partitions: 1,
        key: None,
        value: Some(value),
        headers,
        sample: false,
    };
    decode(
        &record,
        schemas,
        &Mappings::default(),
        Timestamp::from_millis(NINE),
    )
}

fn read(value: &[u8], schemas: &WriterSchemas) -> Result<Decoded, Unread> {
    read_input(Input::Updated, value, schemas, &[])
}

fn refused(value: &[u8], schemas: &WriterSchemas) -> (DeadLetterReason, String) {
    match read(value, schemas).unwrap_err() {
        Unread::Refused(refusal) => (refusal.reason, refusal.error),
        Unread::Waiting(id) => panic!("it waits for {id}"),
        Unread::Ignored => panic!("no mapping ignores it"),
    }
}

/// An update with a few fields, written with a schema of one's own.
fn update(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"TicketUpdated","namespace":"acme","fields":[{fields}]}}"#)
}

const ID_AND_TIME: &str = r#"{"name":"ticket_id","type":"string"},
    {"name":"occurred_at","type":{"type":"long","logicalType":"timestamp-millis"}}"#;

fn changes(decoded: &Decoded) -> &[Change] {
    &decoded.fact.fact.changes
}

#[test]
fn a_record_waits_until_its_schema_is_known() {
    let name = SchemaName::TicketUpdated;
    let event = json!({"ticket_id": "T1", "occurred_at": NINE, "changes": {"status": "open"}});
    let value = framed(0x0102_0304, &datum_of_schema(name.text(), &event));
    let unknown = WriterSchemas::of_registry();
    assert_eq!(
        read(&value, &unknown).unwrap_err(),
        Unread::Waiting(0x0102_0304)
    );
    let known = schemas(&[(0x0102_0304, name.text())]);
    let decoded = read(&value, &known).unwrap();
    assert_eq!(&*decoded.fact.ticket_id, "T1");
    let open = Change::Text(TextField::Status, Some(Text::from("open")));
    assert_eq!(changes(&decoded), [open]);
}

#[test]
fn an_older_schema_and_an_evolved_one_are_read_as_ours() {
    // Fewer fields, a field that is not ours before the others, narrower types, no unions.
    let older = update(&format!(
        r#"{{"name":"desk","type":{{"type":"enum","name":"Desk","symbols":["a","b"]}}}},{ID_AND_TIME},
           {{"name":"version","type":"int"}},
           {{"name":"changes","type":{{"type":"record","name":"Ticket","fields":[
               {{"name":"severity","type":"float"}},
               {{"name":"former","type":["null","Desk"]}},
               {{"name":"queue","type":"bytes"}}]}}}}"#
    ));
    let event: Value = json!({"desk": "b", "ticket_id": "T1", "occurred_at": NINE, "version": 7,
        "changes": {"severity": 1.5, "former": "a", "queue": [110, 111, 99]}});
    let value = framed(9, &datum_of_schema(&older, &event));
    let decoded = read(&value, &schemas(&[(9, &older)])).unwrap();
    assert_eq!(decoded.fact.fact.version, Some(7));
    assert_eq!(decoded.ignored.fields, 2);
    let severity = Change::Number(NumberField::Severity, Some(1.5));
    let queue = Change::Text(TextField::Queue, Some(Text::from("noc")));
    assert!(changes(&decoded).contains(&severity), "{decoded:?}");
    assert!(changes(&decoded).contains(&queue), "{decoded:?}");
}

#[test]
fn instants_are_read_in_the_unit_that_they_were_written_in() {
    for (kind, factor) in [("timestamp-micros", 1_000), ("timestamp-nanos", 1_000_000)] {
        let schema = update(&ID_AND_TIME.replace("timestamp-millis", kind));
        let event = json!({"ticket_id": "T1", "occurred_at": NINE * factor});
        let value = framed(1, &datum_of_schema(&schema, &event));
        let decoded = read(&value, &schemas(&[(1, &schema)])).unwrap();
        assert_eq!(decoded.fact.fact.occurred_at.as_millis(), NINE, "{kind}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let name = SchemaName::TicketUpdated.text();
    let order =
        r#"{"type":"record","name":"Order","fields":[{"name":"ticket_id","type":"string"}]}"#;
    let number = update(&ID_AND_TIME.replace(r#""type":"string""#, r#""type":"long""#));
    let lacking = update(r#"{"name":"ticket_id","type":"string"}"#);
    let known = schemas(&[(1, name), (2, order), (3, &number), (4, &lacking)]);
    for (value, reason, words) in [
        (
            framed(1, &[0xff; 3]),
            DeadLetterReason::Unreadable,
            "not a TicketUpdated",
        ),
        (
            vec![0, 0, 0, 1],
            DeadLetterReason::Unreadable,
            "inside the schema's id",
        ),
        (
            framed(2, &[2, 65]),
            DeadLetterReason::WrongShape,
            "names it `Order`",
        ),
        (
            framed(3, &[2, 2]),
            DeadLetterReason::WrongShape,
            "field `ticket_id`",
        ),
        (
            framed(4, &[2, 65]),
            DeadLetterReason::WrongShape,
            "`occurred_at`, which the writer lacks",
        ),
    ] {
        let (found, error) = refused(&value, &known);
        assert_eq!(found, reason, "{error}");
        assert!(error.contains(words), "{error}");
    }
    // A created event on the topic of updates.
    let created = schemas(&[(1, SchemaName::TicketCreated.text())]);
    let (reason, _) = refused(&framed(1, &[2, 65]), &created);
    assert_eq!(reason, DeadLetterReason::WrongShape);
    let (reason, error) = refused(&framed(1, &[]), &WriterSchemas::default());
    assert_eq!(reason, DeadLetterReason::UnsupportedFormat);
    assert!(error.contains("`registry.url`"), "{error}");
}

#[test]
fn a_union_that_is_wider_than_ours_is_refused_only_where_it_is() {
    let wide = update(&format!(
        r#"{ID_AND_TIME},{{"name":"version","type":["null","long","boolean"]}}"#
    ));
    let known = schemas(&[(1, &wide)]);
    let with = |version| json!({"ticket_id": "T1", "occurred_at": NINE, "version": version});
    let good = framed(1, &datum_of_schema(&wide, &with(json!(5))));
    assert_eq!(read(&good, &known).unwrap().fact.fact.version, Some(5));
    let bad = framed(1, &datum_of_schema(&wide, &with(json!(true))));
    assert_eq!(refused(&bad, &known).0, DeadLetterReason::WrongType);
}

#[test]
fn an_envelope_may_hold_it() {
    use base64::Engine as _;
    let name = SchemaName::TicketUpdated;
    let event = json!({"ticket_id": "T1", "occurred_at": NINE});
    let value = framed(5, &datum_of_schema(name.text(), &event));
    let encoded = base64::engine::general_purpose::STANDARD.encode(value);
    let envelope = json!({"specversion": "1.0", "id": "e1", "data_base64": encoded}).to_string();
    let header = Header {
        name: "content-type",
        value: Some(b"application/cloudevents+json"),
    };
    let read = |schemas: &WriterSchemas| {
        read_input(Input::Updated, envelope.as_bytes(), schemas, &[header])
    };
    let waiting = read(&WriterSchemas::of_registry()).unwrap_err();
    assert_eq!(waiting, Unread::Waiting(5));
    let decoded = read(&schemas(&[(5, name.text())])).unwrap();
    assert_eq!(decoded.fact.fact.event_id.as_deref(), Some("e1"));
}

proptest! {
    #[test]
    fn no_datum_can_do_more_than_be_refused(datum in prop::collection::vec(any::<u8>(), 0..200)) {
        let known = schemas(&[(1, SchemaName::TicketUpdated.text())]);
        drop(read(&framed(1, &datum), &known));
    }
}

#[test]
fn what_is_kept_has_a_limit_and_may_have_an_end() {
    let mut schemas = WriterSchemas::of_registry();
    let unknown = || Err(Refusal::new(DeadLetterReason::UnknownSchema, "unknown"));
    let seconds = Duration::from_secs;
    schemas.insert(1, unknown(), Some(seconds(60)));
    let value = framed(1, &[]);
    schemas.expire(seconds(59));
    assert_eq!(refused(&value, &schemas).0, DeadLetterReason::UnknownSchema);
    schemas.expire(seconds(60));
    assert_eq!(read(&value, &schemas).unwrap_err(), Unread::Waiting(1));
    for id in 0..=u32::try_from(SCHEMAS_MAX).unwrap() {
        schemas.insert(id, unknown(), None);
    }
    assert_eq!(schemas.known.len(), SCHEMAS_MAX);
    let first = read(&framed(0, &[]), &schemas).unwrap_err();
    assert_eq!(first, Unread::Waiting(0), "the first one went");
}
