//! A stored state as JSON, for people and programs that look into the state topic.
//!
//! The fields have the names of the schema that the record was written with, instants are RFC 3339
//! as everywhere, and bytes are hexadecimal digits. It is for looking: nothing reads it back.

use std::fmt;

use apache_avro::Schema;
use apache_avro::schema::Names;
use escalator_engine::time::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{StateError, broken, known_datum};

/// Reads the value of a ticket's record on the state topic as it is, field by field.
///
/// # Errors
/// The record is not a state, or not one that this release knows.
pub fn state_json(value: &[u8]) -> Result<Value, StateError> {
    let (known, datum) = known_datum(value)?;
    let Plain(mut state) = known.parsed.read(datum).map_err(broken)?;
    date(&mut state, known.parsed.schema(), known.parsed.names());
    Ok(state)
}

/// Writes the instants in a value as what they are.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is the library's, and most of its variants hold no instant"
)]
fn date(value: &mut Value, schema: &Schema, names: &Names) {
    match schema {
        Schema::TimestampMillis => {
            let at = value.as_i64().map(Timestamp::from_millis);
            // The earliest instant stands for none.
            let at = at.filter(|at| *at != Timestamp::MIN);
            *value = at.map_or(Value::Null, |at| Value::String(at.to_string()));
        }
        Schema::Ref { name } => {
            if let Some(schema) = names.get(name) {
                date(value, schema, names);
            }
        }
        // Only null and one other type are united in a state.
        Schema::Union(union) if !value.is_null() => {
            let mut variants = union.variants().iter();
            if let Some(schema) = variants.find(|schema| !matches!(schema, Schema::Null)) {
                date(value, schema, names);
            }
        }
        Schema::Array(array) => {
            for item in value.as_array_mut().into_iter().flatten() {
                date(item, &array.items, names);
            }
        }
        Schema::Map(map) => {
            for (_, item) in value.as_object_mut().into_iter().flatten() {
                date(item, &map.types, names);
            }
        }
        Schema::Record(record) => {
            for field in &record.fields {
                if let Some(item) = value.get_mut(&field.name) {
                    date(item, &field.schema, names);
                }
            }
        }
        _ => {}
    }
}

/// A value without the meaning that its schema gives it.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Value, E> {
        let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(digits.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Plain(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((name, Plain(value))) = entries.next_entry::<String, _>()? {
            values.insert(name, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use escalator_engine::fact::Fact;
    use escalator_engine::ticket_state::TicketState;

    use super::*;
    use crate::wire::encode_state;
    use crate::wire::schema::SchemaName;

    #[test]
    fn a_state_is_shown_with_the_names_of_its_schema() {
        let mut state = TicketState::default();
        let at = Timestamp::from_millis(1_795_424_400_000);
        let fact = Fact {
            occurred_at: at,
            version: None,
            event_id: Some("e1".into()),
            record_hash: 7,
            source: "desk".into(),
            created: true,
            changes: Vec::new(),
            activities: Vec::new(),
        };
        state.accept(Arc::new(fact), Timestamp::MIN);
        let shown = state_json(&encode_state(&state)).unwrap();
        let fact = &shown["facts"][0];
        assert_eq!(fact["occurred_at"], "2026-11-23T09:00:00Z");
        assert_eq!(fact["event_id"], "e1");
        assert_eq!(shown["machine"]["plan"], Value::Null);
        assert_eq!(shown["machine"]["last_fact_at"], Value::Null);
        assert_eq!(shown["machine"]["category"], "open");
        let names = SchemaName::EscalationState.text();
        for name in shown.as_object().unwrap().keys() {
            assert!(names.contains(&format!("\"{name}\"")), "{name}");
        }
        let cut = encode_state(&state);
        assert!(state_json(&cut[..cut.len() - 1]).is_err());
        assert!(state_json(b"{}").is_err());
    }
}
