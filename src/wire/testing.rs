//! What the tests of this module share: records made and read by the library, and stored ones.

use std::fs;
use std::path::{Path, PathBuf};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;

use super::schema::SchemaName;

/// A single object that the library writes from JSON; fields that are missing get their defaults.
pub(super) fn single_object(name: SchemaName, json: &serde_json::Value) -> Vec<u8> {
    let datum = datum_of_schema(name.text(), json);
    [&[0xc3, 0x01][..], &name.fingerprint(), &datum].concat()
}

/// What the library writes from JSON by any schema, without framing.
pub(super) fn datum_of_schema(schema: &str, json: &serde_json::Value) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let value = Value::try_from(json.clone()).unwrap();
    let value = value.resolve(&schema).unwrap();
    GenericDatumWriter::builder(&schema)
        .build()
        .and_then(|writer| writer.write_value_to_vec(value))
        .unwrap()
}

/// Reads a single object with the library and gives it as JSON.
pub(super) fn read_single_object(name: SchemaName, bytes: &[u8]) -> serde_json::Value {
    let mut datum = bytes
        .strip_prefix(&[0xc3, 0x01][..])
        .and_then(|rest| rest.strip_prefix(&name.fingerprint()[..]))
        .expect("the framing of this schema");
    let value = GenericDatumReader::builder(name.known().parsed.schema())
        .build()
        .and_then(|reader| reader.read_value(&mut datum))
        .unwrap();
    assert!(datum.is_empty(), "bytes follow the value");
    value.try_into().unwrap()
}

/// A stored record. With `ESCALATOR_WRITE_GOLDEN` set a missing one is made; none is ever replaced.
pub(super) fn golden(file: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/golden")
        .join(file);
    if !path.exists() && std::env::var_os("ESCALATOR_WRITE_GOLDEN").is_some() {
        fs::write(&path, make()).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
