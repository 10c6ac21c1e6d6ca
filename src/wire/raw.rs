//! An input event as it stands in a record: every field with whatever value was found there.
//!
//! Reading never refuses a value for its type. The rules in [`convert`](super::convert) do that,
//! because they can name the field and say what is expected; the formats' own errors cannot.
//! Texts are borrowed from the record where the format allows it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use escalator_engine::ticket::TextField;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that should be a scalar.
#[derive(Debug, Default)]
pub(super) enum Scalar<'a> {
    #[default]
    Absent,
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    /// Anything else, in words.
    Other(&'static str),
}

/// A value that should be a list or an object.
#[derive(Debug, Default)]
pub(super) enum Nested<T> {
    #[default]
    Absent,
    Null,
    Is(T),
    /// Anything else, in words.
    Other(&'static str),
}

/// A created event or an update; the fields of the other kind are found here too, if they occur.
#[derive(Debug, Default)]
pub(super) struct RawEvent<'a> {
    pub(super) ticket_id: Scalar<'a>,
    pub(super) occurred_at: Scalar<'a>,
    pub(super) event_id: Scalar<'a>,
    pub(super) version: Scalar<'a>,
    pub(super) source: Scalar<'a>,
    pub(super) ticket: Nested<Box<RawTicket<'a>>>,
    pub(super) changes: Nested<Box<RawTicket<'a>>>,
    pub(super) unset: Nested<List<Scalar<'a>>>,
    pub(super) activities: Nested<List<Nested<RawActivity<'a>>>>,
    pub(super) unknown_fields: usize,
}

/// The fields of a ticket.
#[derive(Debug, Default)]
pub(super) struct RawTicket<'a> {
    /// In the order of [`TextField::ALL`].
    pub(super) texts: [Scalar<'a>; TextField::ALL.len()],
    pub(super) severity: Scalar<'a>,
    pub(super) satisfaction: Scalar<'a>,
    pub(super) tags: Nested<List<Scalar<'a>>>,
    pub(super) labels: Nested<Labels<'a>>,
    pub(super) unknown_fields: usize,
}

/// What somebody did.
#[derive(Debug, Default)]
pub(super) struct RawActivity<'a> {
    pub(super) kind: Scalar<'a>,
    pub(super) actor: Scalar<'a>,
    pub(super) level: Scalar<'a>,
    pub(super) until: Scalar<'a>,
    pub(super) note: Scalar<'a>,
    pub(super) unknown_fields: usize,
}

/// A list of values.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

/// Labels in the record's order.
#[derive(Debug)]
pub(super) struct Labels<'a>(pub(super) Vec<(Cow<'a, str>, Scalar<'a>)>);

/// Something that is read from a list or from an object.
trait Container<'a>: Sized {
    fn from_list<A: SeqAccess<'a>>(list: A) -> Result<Nested<Self>, A::Error> {
        drain_list(list).map(Nested::Other)
    }

    fn from_object<A: MapAccess<'a>>(object: A) -> Result<Nested<Self>, A::Error> {
        drain_object(object).map(Nested::Other)
    }
}

fn drain_list<'a, A: SeqAccess<'a>>(mut list: A) -> Result<&'static str, A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok("a list")
}

fn drain_object<'a, A: MapAccess<'a>>(mut object: A) -> Result<&'static str, A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok("an object")
}

impl<'a, T: Deserialize<'a>> Container<'a> for List<T> {
    fn from_list<A: SeqAccess<'a>>(mut list: A) -> Result<Nested<Self>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Nested::Is(Self(items)))
    }
}

impl<'a> Container<'a> for Labels<'a> {
    fn from_object<A: MapAccess<'a>>(mut object: A) -> Result<Nested<Self>, A::Error> {
        let mut labels = Vec::new();
        while let Some(Name(name)) = object.next_key()? {
            labels.push((name, object.next_value()?));
        }
        Ok(Nested::Is(Self(labels)))
    }
}

/// Not moved about with its event: it is large.
impl<'a> Container<'a> for Box<RawTicket<'a>> {
    fn from_object<A: MapAccess<'a>>(mut object: A) -> Result<Nested<Self>, A::Error> {
        let mut ticket = Self::default();
        while let Some(Name(name)) = object.next_key()? {
            if let Some(field) = TextField::named(&name) {
                ticket.texts[field as usize] = object.next_value()?;
                continue;
            }
            match &*name {
                "severity" => ticket.severity = object.next_value()?,
                "satisfaction" => ticket.satisfaction = object.next_value()?,
                "tags" => ticket.tags = object.next_value()?,
                "labels" => ticket.labels = object.next_value()?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    ticket.unknown_fields += 1;
                }
            }
        }
        Ok(Nested::Is(ticket))
    }
}

impl<'a> Container<'a> for RawActivity<'a> {
    fn from_object<A: MapAccess<'a>>(mut object: A) -> Result<Nested<Self>, A::Error> {
        let mut activity = Self::default();
        while let Some(Name(name)) = object.next_key()? {
            match &*name {
                "kind" => activity.kind = object.next_value()?,
                "actor" => activity.actor = object.next_value()?,
                "level" => activity.level = object.next_value()?,
                "until" => activity.until = object.next_value()?,
                "note" => activity.note = object.next_value()?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    activity.unknown_fields += 1;
                }
            }
        }
        Ok(Nested::Is(activity))
    }
}

impl<'a> Container<'a> for RawEvent<'a> {
    fn from_object<A: MapAccess<'a>>(mut object: A) -> Result<Nested<Self>, A::Error> {
        let mut event = Self::default();
        while let Some(Name(name)) = object.next_key()? {
            match &*name {
                "ticket_id" => event.ticket_id = object.next_value()?,
                "occurred_at" => event.occurred_at = object.next_value()?,
                "event_id" => event.event_id = object.next_value()?,
                "version" => event.version = object.next_value()?,
                "source" => event.source = object.next_value()?,
                "ticket" => event.ticket = object.next_value()?,
                "changes" => event.changes = object.next_value()?,
                "unset" => event.unset = object.next_value()?,
                "activities" => event.activities = object.next_value()?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    event.unknown_fields += 1;
                }
            }
        }
        Ok(Nested::Is(event))
    }
}

impl<'a> Deserialize<'a> for Scalar<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'a, T: Container<'a>> Deserialize<'a> for Nested<T> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NestedVisitor(PhantomData))
    }
}

impl<'a> Deserialize<'a> for RawEvent<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        match Nested::deserialize(deserializer)? {
            Nested::Is(event) => Ok(event),
            Nested::Absent | Nested::Null | Nested::Other(_) => {
                Err(D::Error::custom("the value is not an object"))
            }
        }
    }
}

/// The name of a field or of a label.
struct Name<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Name<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'a> Visitor<'a> for NameVisitor {
    type Value = Name<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'a str) -> Result<Name<'a>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name<'a>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

struct ScalarVisitor;

impl<'a> Visitor<'a> for ScalarVisitor {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Other("a boolean"))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'a>, E> {
        Ok(i64::try_from(value).map_or(Scalar::Real(value as f64), Scalar::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Real(value))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Other("bytes"))
    }

    /// Avro lets what was written as bytes be read as text.
    fn visit_borrowed_bytes<E>(self, bytes: &'a [u8]) -> Result<Scalar<'a>, E> {
        Ok(
            std::str::from_utf8(bytes).map_or(Scalar::Other("bytes"), |text| {
                Scalar::Text(Cow::Borrowed(text))
            }),
        )
    }

    fn visit_unit<E>(self) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<Scalar<'a>, A::Error> {
        drain_list(list).map(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, object: A) -> Result<Scalar<'a>, A::Error> {
        drain_object(object).map(Scalar::Other)
    }
}

struct NestedVisitor<T>(PhantomData<T>);

impl<'a, T: Container<'a>> Visitor<'a> for NestedVisitor<T> {
    type Value = Nested<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Nested<T>, E> {
        Ok(Nested::Other("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Nested<T>, E> {
        Ok(Nested::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Nested<T>, E> {
        Ok(Nested::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Nested<T>, E> {
        Ok(Nested::Other("a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Nested<T>, E> {
        Ok(Nested::Other("a text"))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Nested<T>, E> {
        Ok(Nested::Other("bytes"))
    }

    fn visit_unit<E>(self) -> Result<Nested<T>, E> {
        Ok(Nested::Null)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<Nested<T>, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'a>>(self, object: A) -> Result<Nested<T>, A::Error> {
        T::from_object(object)
    }
}
