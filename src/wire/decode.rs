//! One input record: which format it has, whose key it carries, which fact it holds.

use escalator_engine::fact::{TicketFact, record_hash};
use escalator_engine::time::Timestamp;
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::cloud_events;
use super::confluent::{self, SchemaId, WriterSchemas};
use super::convert::{Context, Converted, Format, Ignored, convert};
use super::dead_letter::{DeadLetterReason, Refusal};
use super::partitioner::Partitioners;
use super::raw::RawEvent;
use super::schema::{Parsed, SchemaName};
use crate::mapping::{Mapped, Mappings, Outcome};

/// The longest value, in bytes: 1 MiB.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// The two inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// The topic of created events.
    Created,
    /// The topic of updates.
    Updated,
}

impl Input {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Created, Self::Updated];

    /// The one for created events, or else for updates.
    #[must_use]
    pub const fn of(is_created: bool) -> Self {
        if is_created {
            Self::Created
        } else {
            Self::Updated
        }
    }

    /// The name of the topic unless the settings give another.
    #[must_use]
    pub const fn topic(self) -> &'static str {
        match self {
            Self::Created => "ticket-created",
            Self::Updated => "ticket-updated",
        }
    }

    pub(super) const fn schema(self) -> SchemaName {
        match self {
            Self::Created => SchemaName::TicketCreated,
            Self::Updated => SchemaName::TicketUpdated,
        }
    }
}

/// A header of a record.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Its name; names may repeat.
    pub name: &'a str,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// All headers of a record, borrowed.
    #[must_use]
    pub fn all(headers: &'a [(String, Option<Vec<u8>>)]) -> Vec<Self> {
        let named = headers.iter();
        named
            .map(|(name, value)| Self {
                name,
                value: value.as_deref(),
            })
            .collect()
    }
}

/// An input record as the broker delivered it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The input that it came from.
    pub input: Input,
    /// Its partition number.
    pub partition: i32,
    /// How many partitions the input has.
    pub partitions: i32,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [Header<'a>],
    /// Whether to say which partitioners agree with a keyed record's partition; of records without
    /// key it is always said.
    pub sample: bool,
}

/// What an input record holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The fact.
    pub fact: TicketFact,
    /// What the event held that means nothing to the service.
    pub ignored: Ignored,
    /// Which partitioners would have put the record where it was found, when that was asked for.
    pub partitioners: Option<Partitioners>,
}

/// Why an input record was not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is to become a dead letter.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It has to wait for the schema that it was written with.
    #[error("schema {0} is not known yet")]
    Waiting(SchemaId),
    /// It says nothing of a ticket, by the mapping that is for it.
    #[error("the record says nothing of a ticket")]
    Ignored,
}

/// Decodes an input record that is read at `now`, by the schemas that are known so far and by the
/// mappings of what other systems write.
///
/// # Errors
/// The record is to become a dead letter, waits for a schema, or says nothing.
pub fn decode(
    record: &Record<'_>,
    schemas: &WriterSchemas,
    mappings: &Mappings,
    now: Timestamp,
) -> Result<Decoded, Unread> {
    let value = record.value.unwrap_or_default();
    if value.is_empty() {
        return Err(empty().into());
    }
    check_length(value.len())?;
    let content = cloud_events::open(record.headers, value)?;
    let context = |input, format| Context {
        input,
        format,
        record_hash: record_hash(value),
        id: content.id.as_deref(),
        now,
    };
    let mapped = mapped(record.input, &content.value, mappings)?;
    let Converted { fact, ignored } = if let Some(mapped) = &mapped {
        let input = Input::of(mapped.is_created);
        let event = RawEvent::deserialize(&mapped.value).map_err(not_json)?;
        convert(context(input, Format::Json), event).map_err(|refusal| {
            let error = format!("mapping `{}`: {}", mapped.mapping, refusal.error);
            Refusal::new(refusal.reason, error)
        })?
    } else {
        let (format, event) = read(record.input, &content.value, schemas)?;
        convert(context(record.input, format), event)?
    };
    let own_id = mapped.as_ref().and_then(|mapped| mapped.own_id.as_deref());
    let partitioners = place(record, &fact.ticket_id, own_id)?;
    Ok(Decoded {
        fact,
        ignored,
        partitioners,
    })
}

/// The event that a mapping makes of a record of another system; none of what no mapping is for.
fn mapped(input: Input, value: &[u8], mappings: &Mappings) -> Result<Option<Mapped>, Unread> {
    if mappings.is_empty() || value.trim_ascii_start().first() != Some(&b'{') {
        return Ok(None);
    }
    // What cannot be read as a whole may still be an event of the service's own, or says what is wrong.
    let Ok(record) = serde_json::from_slice::<Json>(value) else {
        return Ok(None);
    };
    let Some(mapping) = mappings.of(&record) else {
        return Ok(None);
    };
    match mapping.apply(input == Input::Created, &record) {
        Ok(Outcome::Event(mapped)) => Ok(Some(mapped)),
        Ok(Outcome::Ignored) => Err(Unread::Ignored),
        Err(error) => Err(Refusal::new(DeadLetterReason::WrongType, error.to_string()).into()),
    }
}

/// Refuses what is longer than a value may be.
pub(super) fn check_length(bytes: usize) -> Result<(), Refusal> {
    if bytes <= VALUE_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        DeadLetterReason::TooLarge,
        format!("the value has {bytes} bytes; at most {VALUE_BYTES_MAX} are accepted"),
    ))
}

fn empty() -> Refusal {
    Refusal::new(DeadLetterReason::Empty, "the record has no value")
}

/// Tells the formats apart and reads the event.
fn read<'a>(
    input: Input,
    value: &'a [u8],
    schemas: &'a WriterSchemas,
) -> Result<(Format, RawEvent<'a>), Unread> {
    match value {
        [0xc3, 0x01, rest @ ..] => Ok((Format::Avro, single_object(input, rest)?)),
        [0x00, rest @ ..] => Ok((Format::Avro, confluent::read(input, rest, schemas)?)),
        _ if value.trim_ascii_start().first() == Some(&b'{') => Ok((Format::Json, json(value)?)),
        [first, ..] => Err(Refusal::new(
            DeadLetterReason::Unreadable,
            format!("the value begins with byte {first:02X}, which begins no known format"),
        )
        .into()),
        [] => Err(empty().into()),
    }
}

fn json(value: &[u8]) -> Result<RawEvent<'_>, Refusal> {
    // Of what is a text as a whole, none of its texts has to be looked at for that again.
    let read = match str::from_utf8(value) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(value),
    };
    read.map_err(not_json)
}

fn not_json(error: serde_json::Error) -> Refusal {
    Refusal::new(
        DeadLetterReason::Unreadable,
        format!("the value is not JSON: {error}"),
    )
}

/// Reads what follows the marker of a single object: the fingerprint and the datum.
fn single_object(input: Input, rest: &[u8]) -> Result<RawEvent<'_>, Refusal> {
    let Some((fingerprint, datum)) = rest.split_at_checked(8) else {
        return Err(Refusal::new(
            DeadLetterReason::Unreadable,
            "the value ends inside the schema's fingerprint",
        ));
    };
    let expected = input.schema();
    match SchemaName::with_fingerprint(fingerprint) {
        Some(name) if name == expected => {}
        Some(other) => {
            return Err(Refusal::new(
                DeadLetterReason::WrongShape,
                format!("the value is a {}, not a {}", other.name(), expected.name()),
            ));
        }
        None => {
            return Err(Refusal::new(
                DeadLetterReason::UnknownSchema,
                format!(
                    "no known schema has the fingerprint {:016x}",
                    fingerprint
                        .iter()
                        .rev()
                        .fold(0_u64, |whole, byte| (whole << 8) | u64::from(*byte))
                ),
            ));
        }
    }
    datum_of(input, &expected.known().parsed, datum)
}

/// Reads an event by the schema that it was written with.
pub(super) fn datum_of<'a>(
    input: Input,
    schema: &'a Parsed,
    datum: &'a [u8],
) -> Result<RawEvent<'a>, Refusal> {
    schema.read(datum).map_err(|error| {
        Refusal::new(
            DeadLetterReason::Unreadable,
            format!("the value is not a {}: {error}", input.schema().name()),
        )
    })
}

/// Checks that the record is where its ticket's records are. Who does not know of a mapping places
/// them by the id that the ticketing system has.
fn place(
    record: &Record<'_>,
    ticket_id: &str,
    own_id: Option<&str>,
) -> Result<Option<Partitioners>, Refusal> {
    let agreeing = |id: &[u8]| Partitioners::agreeing(id, record.partition, record.partitions);
    let mut ids = std::iter::once(ticket_id).chain(own_id).map(str::as_bytes);
    match record.key {
        Some(key) if ids.any(|id| id == key) => Ok(record.sample.then(|| agreeing(key))),
        Some(_) => Err(Refusal::new(
            DeadLetterReason::KeyMismatch,
            "field `ticket_id` differs from the record's key",
        )),
        None => {
            if let Some(partitioners) = ids.map(agreeing).find(|it| it.any()) {
                return Ok(Some(partitioners));
            }
            Err(Refusal::new(
                DeadLetterReason::NoKey,
                format!(
                    "the record has no key, and no partitioner gives its `ticket_id` partition {}",
                    record.partition
                ),
            ))
        }
    }
}

#[cfg(test)]
mod tests;
