use apache_avro::Schema;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::wire::schema::Parsed;

fn schema(json: &Value) -> Schema {
    Schema::parse_str(&json.to_string()).unwrap()
}

fn parsed(schema: &Schema) -> Parsed {
    Parsed::parse(&serde_json::to_string(schema).unwrap(), &[]).unwrap()
}

fn read(schema: &Schema, bytes: &[u8]) -> Result<Value, String> {
    let value = parsed(schema).read(bytes);
    value.map_err(|error| error.to_string())
}

/// A zigzag number.
fn long(value: i64) -> Vec<u8> {
    let mut writer = super::Writer::single_object([0; 8]);
    writer.long(value);
    writer.finish().split_off(10)
}

#[test]
fn numbers_are_written_and_read_as_the_specification_says() {
    let schema = schema(&json!("long"));
    for (value, bytes) in [
        (0, &[0x00][..]),
        (-1, &[0x01]),
        (1, &[0x02]),
        (-64, &[0x7f]),
        (64, &[0x80, 0x01]),
        (
            i64::MAX,
            &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
        (i64::MIN, &[0xff; 9]),
    ] {
        let bytes = match value {
            i64::MIN => [bytes, &[0x01]].concat(),
            _ => bytes.to_vec(),
        };
        assert_eq!(long(value), bytes);
        assert_eq!(read(&schema, &bytes), Ok(json!(value)));
    }
    let eleven = [&[0x80; 10][..], &[0x01]].concat();
    for (bad, words) in [
        (&[][..], "ends inside"),
        (&[0x80], "ends inside"),
        (&[[0xff; 9].as_slice(), &[0x02]].concat(), "64 bits"),
        (&eleven, "64 bits"),
        (&[0x00, 0x00], "1 bytes follow"),
    ] {
        assert!(read(&schema, bad).unwrap_err().contains(words), "{bad:?}");
    }
}

#[test]
fn every_type_that_the_library_writes_is_read() {
    let schema = schema(&json!({"type": "record", "name": "All", "fields": [
        {"name": "boolean", "type": "boolean"},
        {"name": "int", "type": "int"},
        {"name": "float", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "text", "type": "string"},
        {"name": "enum", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        {"name": "millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "micros", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "array", "type": {"type": "array", "items": ["null", "int"]}},
        {"name": "map", "type": {"type": "map", "values": "E"}},
    ]}));
    use apache_avro::types::Value as Avro;
    let union = |branch, value| Avro::Union(branch, Box::new(value));
    let value = Avro::Record(vec![
        ("boolean".into(), Avro::Boolean(true)),
        ("int".into(), Avro::Int(-7)),
        ("float".into(), Avro::Float(0.5)),
        ("double".into(), Avro::Double(-2.25)),
        ("text".into(), Avro::String("Grüße".into())),
        ("enum".into(), Avro::Enum(1, "B".into())),
        ("millis".into(), Avro::TimestampMillis(1234)),
        ("micros".into(), Avro::TimestampMicros(-1)),
        (
            "array".into(),
            Avro::Array(vec![union(0, Avro::Null), union(1, Avro::Int(5))]),
        ),
        (
            "map".into(),
            Avro::Map([("k".to_owned(), Avro::Enum(0, "A".into()))].into()),
        ),
    ]);
    let bytes = GenericDatumWriter::builder(&schema)
        .build()
        .and_then(|writer| writer.write_value_to_vec(value))
        .unwrap();
    assert_eq!(
        read(&schema, &bytes),
        Ok(json!({
            "boolean": true, "int": -7, "float": 0.5, "double": -2.25, "text": "Grüße",
            "enum": "B", "millis": 1234, "micros": -1, "array": [null, 5], "map": {"k": "A"},
        }))
    );
    for end in 0..bytes.len() {
        assert!(read(&schema, &bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn bytes_of_every_kind_are_skipped_whole() {
    let schema = schema(&json!({"type": "record", "name": "Skipped", "fields": [
        {"name": "bytes", "type": "bytes"},
        {"name": "fixed", "type": {"type": "fixed", "name": "F", "size": 2}},
        {"name": "decimal", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4}},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
    ]}));
    let parsed = parsed(&schema);
    let skip = |bytes: &[u8]| parsed.read::<IgnoredAny>(bytes).is_ok();
    let uuid = b"\x48c8a1e3b4-5f0e-4a5c-8a52-6d2a3f9b1c7d";
    let bytes = [&b"\x04ab"[..], b"cd", b"\x02e", uuid].concat();
    assert!(skip(&bytes));
    assert!(!skip(&bytes[..bytes.len() - 1]));
}

#[test]
fn arrays_in_several_blocks_with_and_without_sizes_are_read() {
    let schema = schema(&json!({"type": "array", "items": "int"}));
    let one_item_without_size = [long(1), long(7)].concat();
    let two_items_with_size = [long(-2), long(2), long(8), long(9)].concat();
    let bytes = [one_item_without_size, two_items_with_size, long(0)].concat();
    assert_eq!(read(&schema, &bytes), Ok(json!([7, 8, 9])));
}

#[test]
fn lengths_that_lie_are_refused_before_anything_is_allocated() {
    let text = schema(&json!("string"));
    let list = schema(&json!({"type": "array", "items": "null"}));
    let map = schema(&json!({"type": "map", "values": "null"}));
    for lie in [-1, 5, 1 << 40, i64::MAX, i64::MIN] {
        let bytes = [long(lie), b"abc".to_vec()].concat();
        for schema in [&text, &list, &map] {
            assert!(read(schema, &bytes).is_err(), "{lie}");
        }
    }
    assert!(read(&text, &[0x02, 0xff]).unwrap_err().contains("UTF-8"));
}

#[test]
fn values_without_bytes_have_an_end() {
    // Items that take no byte, in ever so many blocks that are as long as what is left.
    let nulls = schema(&json!({"type": "array", "items": "null"}));
    let mut blocks = Vec::new();
    for left in (1..100_000_i64).rev() {
        blocks.extend(long(left));
    }
    assert!(read(&nulls, &blocks).unwrap_err().contains("more values"));
    // Records in records, each with a hundred of the one before, and nothing in the first.
    let mut fields =
        vec![json!({"name": "f0", "type": {"type": "record", "name": "T0", "fields": []}})];
    for n in 1..20 {
        let inner = |field| json!({"name": format!("a{field}"), "type": format!("T{}", n - 1)});
        let inner: Vec<Value> = (0..100).map(inner).collect();
        let record = json!({"type": "record", "name": format!("T{n}"), "fields": inner});
        fields.push(json!({"name": format!("f{n}"), "type": record}));
    }
    let nested = schema(&json!({"type": "record", "name": "R", "fields": fields}));
    assert!(read(&nested, &[]).unwrap_err().contains("more values"));
    let few = [long(3), long(0)].concat();
    assert_eq!(
        read(&nulls, &few),
        Err("a length is negative or exceeds the record".to_owned())
    );
    assert_eq!(
        read(&nulls, &[long(1), long(0)].concat()),
        Ok(json!([null]))
    );
}

#[test]
fn a_schema_that_refers_to_itself_cannot_exhaust_the_stack() {
    let schema = schema(&json!({"type": "record", "name": "Node", "fields": [
        {"name": "next", "type": ["null", "Node"]},
    ]}));
    assert_eq!(
        read(&schema, &[0x02, 0x02, 0x00]),
        Ok(json!({"next": {"next": {"next": null}}}))
    );
    let deep = [0x02; 100_000];
    assert!(read(&schema, &deep).unwrap_err().contains("deeper"));
}
