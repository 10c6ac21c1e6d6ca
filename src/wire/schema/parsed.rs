//! A parsed schema with the named types that it refers to, owned, so that values can be read by it.

use std::collections::HashSet;

use apache_avro::Schema;
use apache_avro::schema::{Name, Names, UnionSchema};

use super::UnreadableSchema;
use crate::wire::avro::{self, AvroError, Shapes};

/// Types that are followed when a schema is written out: a registry's schema of a few hundred
/// fields stays far below, and one whose types multiply each other does not fill the memory.
const TYPES_MAX: usize = 20_000;

/// Records within records in which names are followed; ours have three, and what is deeper is
/// compared with nothing.
const DEPTH_MAX: usize = 16;

/// A schema, and the types that are defined in one place of it and named in another.
pub(in crate::wire) struct Parsed {
    schema: Schema,
    names: Names,
    shapes: Shapes,
}

impl Parsed {
    /// Parses a schema; `references` are the schemas whose types it names, in any order.
    ///
    /// # Errors
    /// A text is no Avro schema, or a type is defined nowhere.
    pub(in crate::wire) fn parse(
        text: &str,
        references: &[String],
    ) -> Result<Self, UnreadableSchema> {
        let (schema, others) = if references.is_empty() {
            (Schema::parse_str(text)?, Vec::new())
        } else {
            Schema::parse_str_with_list(text, references)?
        };
        let mut named = HashSet::new();
        for part in others.iter().chain([&schema]) {
            note_references(part, &mut named);
        }
        let mut names = Names::new();
        for part in others.iter().chain([&schema]) {
            keep_definitions(part, &named, &mut names);
        }
        let shapes = Shapes::of(&schema, &names);
        Ok(Self {
            schema,
            names,
            shapes,
        })
    }

    /// The schema itself.
    pub(in crate::wire) const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Reads one value that fills the whole slice.
    ///
    /// # Errors
    /// The bytes are not what the schema says, or not of the shape that is asked for.
    pub(in crate::wire) fn read<'a, T: serde::Deserialize<'a>>(
        &'a self,
        bytes: &'a [u8],
    ) -> Result<T, AvroError> {
        avro::from_slice(&self.shapes, bytes)
    }

    /// The schema with names replaced by their types, as comparing needs it; a type inside itself, or
    /// deep inside others, stays a name. None when that is beyond all measure.
    pub(super) fn written_out(&self) -> Option<Schema> {
        let mut schema = self.schema.clone();
        let mut left = TYPES_MAX;
        self.write_out(&mut schema, &mut Vec::new(), &mut left)?;
        Some(schema)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum is the library's, and all but these hold no schema"
    )]
    fn write_out(
        &self,
        schema: &mut Schema,
        within: &mut Vec<Name>,
        left: &mut usize,
    ) -> Option<()> {
        *left = left.checked_sub(1)?;
        if let Schema::Ref { name } = schema {
            let is_followed = within.len() < DEPTH_MAX && !within.contains(name);
            if let Some(known) = self.names.get(name).filter(|_| is_followed) {
                *schema = known.clone();
            }
        }
        match schema {
            Schema::Array(array) => self.write_out(&mut array.items, within, left),
            Schema::Map(map) => self.write_out(&mut map.types, within, left),
            Schema::Record(record) => {
                within.push(record.name.clone());
                for field in &mut record.fields {
                    self.write_out(&mut field.schema, within, left)?;
                }
                within.pop();
                Some(())
            }
            Schema::Union(union) => {
                let mut variants = union.variants().to_vec();
                for variant in &mut variants {
                    self.write_out(variant, within, left)?;
                }
                *union = UnionSchema::new(variants).ok()?;
                Some(())
            }
            _ => Some(()),
        }
    }
}

/// The schemas directly inside another one.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is the library's, and all but these hold no schema"
)]
fn parts(schema: &Schema) -> Vec<&Schema> {
    match schema {
        Schema::Array(array) => vec![&array.items],
        Schema::Map(map) => vec![&map.types],
        Schema::Union(union) => union.variants().iter().collect(),
        Schema::Record(record) => record.fields.iter().map(|field| &field.schema).collect(),
        _ => Vec::new(),
    }
}

fn note_references(schema: &Schema, named: &mut HashSet<Name>) {
    if let Schema::Ref { name } = schema {
        named.insert(name.clone());
    }
    for part in parts(schema) {
        note_references(part, named);
    }
}

/// Keeps the types that are named somewhere; the others are only where they are defined.
fn keep_definitions(schema: &Schema, named: &HashSet<Name>, names: &mut Names) {
    let is_reference = matches!(schema, Schema::Ref { .. });
    if let Some(name) = schema.name().filter(|_| !is_reference)
        && named.contains(name)
    {
        names.insert(name.clone(), schema.clone());
    }
    for part in parts(schema) {
        keep_definitions(part, named, names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: &str = r#"{"type":"record","name":"Outer","namespace":"a","fields":[
        {"name":"x","type":{"type":"enum","name":"Word","symbols":["one","two"]}},
        {"name":"y","type":["null","Word"]},
        {"name":"z","type":["null","Outer"]}]}"#;

    fn text(schema: &Schema) -> String {
        serde_json::to_string(schema).unwrap()
    }

    #[test]
    fn a_type_is_read_wherever_it_is_named() {
        let parsed = Parsed::parse(SHARED, &[]).unwrap();
        // x is `two`, y the branch of `one`, z null.
        let read: serde_json::Value = parsed.read(&[0x02, 0x02, 0x00, 0x00]).unwrap();
        assert_eq!(read, serde_json::json!({"x": "two", "y": "one", "z": null}));
    }

    #[test]
    fn writing_out_replaces_names_but_for_a_type_inside_itself() {
        let written = Parsed::parse(SHARED, &[]).unwrap().written_out().unwrap();
        let written = text(&written);
        assert_eq!(written.matches("symbols").count(), 2, "{written}");
        assert_eq!(written.matches("Outer").count(), 2, "{written}");
    }

    #[test]
    fn a_referenced_schema_gives_its_types() {
        let outer = r#"{"type":"record","name":"Outer","fields":[{"name":"x","type":"b.Word"}]}"#;
        let word = r#"{"type":"enum","name":"b.Word","symbols":["one","two"]}"#.to_owned();
        assert!(Parsed::parse(outer, &[]).is_err());
        let parsed = Parsed::parse(outer, &[word]).unwrap();
        let read: serde_json::Value = parsed.read(&[0x02]).unwrap();
        assert_eq!(read, serde_json::json!({"x": "two"}));
    }

    #[test]
    fn a_long_chain_of_types_does_not_exhaust_the_stack() {
        let mut fields =
            r#"{"name":"f0","type":{"type":"enum","name":"T0","symbols":["a"]}}"#.to_owned();
        for n in 1..10_000 {
            let of = n - 1;
            fields.push_str(&format!(
                r#",{{"name":"f{n}","type":{{"type":"record","name":"T{n}","fields":[
                    {{"name":"a","type":"T{of}"}}]}}}}"#
            ));
        }
        let text = format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        assert!(Parsed::parse(&text, &[]).unwrap().written_out().is_none());
    }

    #[test]
    fn types_that_multiply_each_other_are_not_written_out() {
        let mut fields =
            r#"{"name":"f0","type":{"type":"enum","name":"T0","symbols":["a"]}}"#.to_owned();
        for n in 1..30 {
            let of = n - 1;
            fields.push_str(&format!(
                r#",{{"name":"f{n}","type":{{"type":"record","name":"T{n}","fields":[
                    {{"name":"a","type":"T{of}"}},{{"name":"b","type":"T{of}"}}]}}}}"#
            ));
        }
        let text = format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        assert!(Parsed::parse(&text, &[]).unwrap().written_out().is_none());
    }
}
