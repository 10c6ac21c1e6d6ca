//! What of a schema reading needs: which type comes next, with names followed beforehand.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, Name, Names, UuidSchema};

/// The types of a schema; the first is that of the whole value.
pub(in crate::wire) struct Shapes(Vec<Shape>);

/// The place of a type in the list.
pub(super) type Place = usize;

/// A type, as its bytes are told apart.
pub(super) enum Shape {
    Null,
    Boolean,
    /// All whole numbers, and instants in milliseconds.
    Long,
    /// An instant in so many parts of a millisecond.
    Finer(i64),
    Float,
    Double,
    Text,
    Bytes,
    Fixed(usize),
    Enum(Box<[String]>),
    Array(Place),
    Map(Place),
    Union(Box<[Place]>),
    Record(Record),
    /// A type that is defined nowhere, or one that the library did not have when this was written.
    Unknown,
}

/// A record's fields in their order.
pub(super) struct Record {
    pub(super) fields: Box<[(String, Place)]>,
    /// The names of the struct that was found to have just these fields last.
    laid_out_as: AtomicPtr<&'static str>,
}

impl Record {
    /// Whether a struct has just these fields, in this order. The names are compared once: whoever
    /// reads a million records asks with the same ones.
    #[inline]
    pub(super) fn is_laid_out_as(&self, fields: &'static [&'static str]) -> bool {
        if self.fields.len() != fields.len() {
            return false;
        }
        let asked = fields.as_ptr().cast_mut();
        if self.laid_out_as.load(Ordering::Relaxed) == asked {
            return true;
        }
        let mut written = self.fields.iter().map(|(name, _)| name.as_str());
        let is_same = fields.iter().all(|field| written.next() == Some(field));
        if is_same {
            self.laid_out_as.store(asked, Ordering::Relaxed);
        }
        is_same
    }
}

impl Shapes {
    /// Those of a schema; `names` has the types that it only names.
    pub(in crate::wire) fn of(schema: &Schema, names: &Names) -> Self {
        let mut builder = Builder::default();
        builder.add(schema);
        // One by one, not one inside the other: a chain of names may be as long as a schema.
        while let Some((place, name)) = builder.named.pop() {
            if let Some(schema) = names.get(name) {
                builder.shapes[place] = builder.shape(schema);
            }
        }
        Self(builder.shapes)
    }

    /// The type of the whole value.
    pub(super) fn root(&self) -> &Shape {
        self.at(0)
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> &Shape {
        &self.0[place]
    }
}

#[derive(Default)]
struct Builder<'a> {
    shapes: Vec<Shape>,
    places: HashMap<&'a Name, Place>,
    /// Places of types that are named and not looked up yet.
    named: Vec<(Place, &'a Name)>,
}

impl<'a> Builder<'a> {
    fn add(&mut self, schema: &'a Schema) -> Place {
        if let Some(name) = schema.name()
            && let Some(place) = self.places.get(name)
        {
            return *place;
        }
        let place = self.shapes.len();
        self.shapes.push(Shape::Unknown);
        if let Some(name) = schema.name() {
            self.places.insert(name, place);
        }
        if let Schema::Ref { name } = schema {
            self.named.push((place, name));
        } else {
            self.shapes[place] = self.shape(schema);
        }
        place
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum is the library's; what it may add has bytes that cannot be skipped"
    )]
    fn shape(&mut self, schema: &'a Schema) -> Shape {
        match schema {
            Schema::Null => Shape::Null,
            Schema::Boolean => Shape::Boolean,
            Schema::Int
            | Schema::Date
            | Schema::TimeMillis
            | Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::LocalTimestampMillis => Shape::Long,
            Schema::TimestampMicros | Schema::LocalTimestampMicros => Shape::Finer(1_000),
            Schema::TimestampNanos | Schema::LocalTimestampNanos => Shape::Finer(1_000_000),
            Schema::Float => Shape::Float,
            Schema::Double => Shape::Double,
            Schema::String | Schema::Uuid(UuidSchema::String) => Shape::Text,
            Schema::Enum(symbols) => Shape::Enum(symbols.symbols.clone().into()),
            Schema::Array(array) => Shape::Array(self.add(&array.items)),
            Schema::Map(map) => Shape::Map(self.add(&map.types)),
            Schema::Record(record) => Shape::Record(Record {
                fields: record
                    .fields
                    .iter()
                    .map(|field| (field.name.clone(), self.add(&field.schema)))
                    .collect(),
                laid_out_as: AtomicPtr::new(ptr::null_mut()),
            }),
            Schema::Union(union) => {
                Shape::Union(union.variants().iter().map(|it| self.add(it)).collect())
            }
            Schema::Fixed(fixed)
            | Schema::Duration(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed)) => Shape::Fixed(fixed.size),
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Fixed(fixed) => Shape::Fixed(fixed.size),
                InnerDecimalSchema::Bytes => Shape::Bytes,
            },
            Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Shape::Bytes,
            _ => Shape::Unknown,
        }
    }
}
