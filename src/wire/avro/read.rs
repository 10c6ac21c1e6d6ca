//! Reading: a serde deserializer that is led by the writer's schema.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::shapes::{Place, Record, Shape, Shapes};

/// Levels of nesting that are followed. The service's schemas have four; a schema that refers to
/// itself must not be able to exhaust the stack.
const DEPTH_MAX: u8 = 32;

/// Values within a value that are read, beyond some for each of its bytes: a field or an item takes a
/// byte or more, unless its type has no values to tell apart. Somebody else's schema can have such
/// types, as many of them as it likes, inside each other, and none of it would take a byte.
const VALUES_MIN: usize = 10_000;

/// The same for each byte: types without bytes are rare, and wrap others a few times at most.
const VALUES_PER_BYTE: usize = 16;

/// Why bytes are not what their schema says.
#[derive(Debug, thiserror::Error)]
pub(in crate::wire) enum AvroError {
    #[error("the record ends inside a value")]
    End,
    #[error("a number has more than 64 bits")]
    Number,
    #[error("a length is negative or exceeds the record")]
    Length,
    #[error("a text is not UTF-8")]
    Text,
    #[error("a union names a branch that it does not have")]
    Branch,
    #[error("a boolean is neither 0 nor 1")]
    Boolean,
    #[error("values are nested deeper than {DEPTH_MAX} levels")]
    Depth,
    #[error("it holds far more values than bytes")]
    Values,
    #[error("the schema refers to a type that it does not define")]
    Name,
    #[error("{0} bytes follow the value")]
    Trailing(usize),
    #[error("{0}")]
    Shape(String),
}

impl de::Error for AvroError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Shape(message.to_string())
    }
}

/// Reads one value that fills the whole slice.
pub(in crate::wire) fn from_slice<'a, T: Deserialize<'a>>(
    shapes: &'a Shapes,
    bytes: &'a [u8],
) -> Result<T, AvroError> {
    let mut cursor = Cursor {
        rest: bytes,
        values_left: VALUES_MIN + VALUES_PER_BYTE * bytes.len(),
    };
    let value = T::deserialize(Reader {
        cursor: &mut cursor,
        shape: shapes.root(),
        shapes,
        depth: 0,
    })?;
    match cursor.rest.len() {
        0 => Ok(value),
        left => Err(AvroError::Trailing(left)),
    }
}

/// What is left of the bytes.
struct Cursor<'a> {
    rest: &'a [u8],
    values_left: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn long(&mut self) -> Result<i64, AvroError> {
        // Branches, lengths and counts are nearly always a single byte.
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            _ => self.long_of_several_bytes(),
        }
    }

    fn long_of_several_bytes(&mut self) -> Result<i64, AvroError> {
        let mut bits = 0_u64;
        for (index, byte) in self.rest.iter().enumerate() {
            // The tenth byte holds the 64th bit and nothing else.
            if index == 9 && *byte > 1 {
                return Err(AvroError::Number);
            }
            bits |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok((bits >> 1).cast_signed() ^ -((bits & 1).cast_signed()));
            }
        }
        Err(AvroError::End)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], AvroError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(AvroError::End)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn counted_bytes(&mut self) -> Result<&'a [u8], AvroError> {
        let length = usize::try_from(self.long()?).map_err(|_| AvroError::Length)?;
        self.bytes(length).map_err(|_| AvroError::Length)
    }

    fn text(&mut self) -> Result<&'a str, AvroError> {
        str::from_utf8(self.counted_bytes()?).map_err(|_| AvroError::Text)
    }

    fn boolean(&mut self) -> Result<bool, AvroError> {
        match self.bytes(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            [..] => Err(AvroError::Boolean),
        }
    }

    fn float(&mut self) -> Result<f32, AvroError> {
        let bytes = self.bytes(4)?.try_into().map_err(|_| AvroError::End)?;
        Ok(f32::from_le_bytes(bytes))
    }

    fn double(&mut self) -> Result<f64, AvroError> {
        let bytes = self.bytes(8)?.try_into().map_err(|_| AvroError::End)?;
        Ok(f64::from_le_bytes(bytes))
    }

    /// The number of items in the next block of an array or map; 0 ends it.
    fn block(&mut self) -> Result<usize, AvroError> {
        let mut count = self.long()?;
        if count < 0 {
            // A negative count is followed by the block's size, for readers that skip it whole.
            self.long()?;
            count = count.checked_neg().ok_or(AvroError::Length)?;
        }
        let count = usize::try_from(count).map_err(|_| AvroError::Length)?;
        // An item may be empty (a null), but a block of more items than bytes is a lie.
        if count > self.rest.len() {
            return Err(AvroError::Length);
        }
        Ok(count)
    }
}

/// Deserializes one value of a type.
struct Reader<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    shape: &'a Shape,
    shapes: &'a Shapes,
    depth: u8,
}

impl<'a> Reader<'_, 'a> {
    #[inline]
    fn inner<'d>(&'d mut self, place: Place) -> Result<Reader<'d, 'a>, AvroError> {
        if self.depth == DEPTH_MAX {
            return Err(AvroError::Depth);
        }
        let left = self.cursor.values_left.checked_sub(1);
        self.cursor.values_left = left.ok_or(AvroError::Values)?;
        Ok(Reader {
            cursor: self.cursor,
            shape: self.shapes.at(place),
            shapes: self.shapes,
            depth: self.depth + 1,
        })
    }

    /// Follows a union to the type that the value really has.
    #[inline]
    fn settle(&mut self) -> Result<(), AvroError> {
        while let Shape::Union(branches) = self.shape {
            if self.depth == DEPTH_MAX {
                return Err(AvroError::Depth);
            }
            let branch = usize::try_from(self.cursor.long()?).map_err(|_| AvroError::Branch)?;
            let place = branches.get(branch).ok_or(AvroError::Branch)?;
            self.shape = self.shapes.at(*place);
            self.depth += 1;
        }
        Ok(())
    }
}

impl<'a> Deserializer<'a> for Reader<'_, 'a> {
    type Error = AvroError;

    fn deserialize_any<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, AvroError> {
        self.settle()?;
        let cursor = &mut *self.cursor;
        match self.shape {
            Shape::Null => visitor.visit_unit(),
            Shape::Boolean => visitor.visit_bool(cursor.boolean()?),
            Shape::Long => visitor.visit_i64(cursor.long()?),
            // Whoever reads an instant expects milliseconds.
            Shape::Finer(parts) => visitor.visit_i64(cursor.long()?.div_euclid(*parts)),
            Shape::Float => visitor.visit_f32(cursor.float()?),
            Shape::Double => visitor.visit_f64(cursor.double()?),
            Shape::Text => visitor.visit_borrowed_str(cursor.text()?),
            Shape::Bytes => visitor.visit_borrowed_bytes(cursor.counted_bytes()?),
            Shape::Fixed(size) => visitor.visit_borrowed_bytes(cursor.bytes(*size)?),
            Shape::Enum(symbols) => {
                let index = usize::try_from(cursor.long()?).map_err(|_| AvroError::Branch)?;
                let symbol = symbols.get(index).ok_or(AvroError::Branch)?;
                visitor.visit_borrowed_str(symbol)
            }
            Shape::Array(items) => visitor.visit_seq(Items::new(self, *items)),
            Shape::Map(values) => visitor.visit_map(Entries::new(self, *values)),
            Shape::Record(record) => visitor.visit_map(Fields::new(self, record)),
            Shape::Union(_) | Shape::Unknown => Err(AvroError::Name),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, AvroError> {
        self.settle()?;
        if let Shape::Record(record) = self.shape
            && record.is_laid_out_as(fields)
        {
            // Written as it is read: no field has to be looked for by its name.
            return visitor.visit_seq(Fields::new(self, record));
        }
        self.deserialize_any(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, AvroError> {
        self.settle()?;
        if matches!(self.shape, Shape::Null) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, AvroError> {
        visitor.visit_enum(BorrowedStrDeserializer::new(Deserialize::deserialize(
            self,
        )?))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The fields of a record, by name or in their order.
struct Fields<'c, 'a> {
    reader: Reader<'c, 'a>,
    record: &'a Record,
    next: usize,
}

impl<'c, 'a> Fields<'c, 'a> {
    const fn new(reader: Reader<'c, 'a>, record: &'a Record) -> Self {
        Self {
            reader,
            record,
            next: 0,
        }
    }
}

impl<'a> MapAccess<'a> for Fields<'_, 'a> {
    type Error = AvroError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, AvroError> {
        let Some((name, _)) = self.record.fields.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, AvroError> {
        let (_, place) = self.record.fields.get(self.next).ok_or(AvroError::End)?;
        self.next += 1;
        seed.deserialize(self.reader.inner(*place)?)
    }
}

impl<'a> SeqAccess<'a> for Fields<'_, 'a> {
    type Error = AvroError;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, AvroError> {
        if self.next == self.record.fields.len() {
            return Ok(None);
        }
        self.next_value_seed(seed).map(Some)
    }
}

/// The entries of a map.
struct Entries<'c, 'a> {
    reader: Reader<'c, 'a>,
    values: Place,
    left_in_block: usize,
}

impl<'c, 'a> Entries<'c, 'a> {
    const fn new(reader: Reader<'c, 'a>, values: Place) -> Self {
        Self {
            reader,
            values,
            left_in_block: 0,
        }
    }
}

impl<'a> MapAccess<'a> for Entries<'_, 'a> {
    type Error = AvroError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, AvroError> {
        if self.left_in_block == 0 {
            self.left_in_block = self.reader.cursor.block()?;
            if self.left_in_block == 0 {
                return Ok(None);
            }
        }
        self.left_in_block -= 1;
        seed.deserialize(BorrowedStrDeserializer::new(self.reader.cursor.text()?))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, AvroError> {
        seed.deserialize(self.reader.inner(self.values)?)
    }
}

/// The items of an array.
struct Items<'c, 'a> {
    reader: Reader<'c, 'a>,
    items: Place,
    left_in_block: usize,
}

impl<'c, 'a> Items<'c, 'a> {
    const fn new(reader: Reader<'c, 'a>, items: Place) -> Self {
        Self {
            reader,
            items,
            left_in_block: 0,
        }
    }
}

impl<'a> SeqAccess<'a> for Items<'_, 'a> {
    type Error = AvroError;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, AvroError> {
        if self.left_in_block == 0 {
            self.left_in_block = self.reader.cursor.block()?;
            if self.left_in_block == 0 {
                return Ok(None);
            }
        }
        self.left_in_block -= 1;
        seed.deserialize(self.reader.inner(self.items)?).map(Some)
    }
}
