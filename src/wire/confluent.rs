//! Confluent framing: a zero byte, the id of a schema in four bytes, big-endian, and the datum.
//!
//! The ids are a registry's, so a record can be read once its schema is known here. Asking for it
//! is somebody else's, and takes time: until then the record has to wait.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::dead_letter::{DeadLetterReason, Refusal};
use super::decode::{Input, Unread, datum_of};
use super::raw::RawEvent;
use super::schema::WriterSchema;

/// The id of a schema in a registry.
pub type SchemaId = u32;

/// Schemas that are kept: more than two topics ever have in use at a time, each some kilobytes.
/// Beyond it the one that came first goes, and is asked for again when it is needed.
const SCHEMAS_MAX: usize = 1_000;

/// The schemas that records were written with, as far as they are known; empty as long as there is
/// no registry.
#[derive(Default)]
pub struct WriterSchemas {
    has_registry: bool,
    known: HashMap<SchemaId, Known>,
    /// In the order in which they came.
    order: VecDeque<SchemaId>,
}

struct Known {
    schema: Result<Box<WriterSchema>, Refusal>,
    until: Option<Duration>,
}

impl WriterSchemas {
    /// No schema yet, of a registry that can be asked.
    #[must_use]
    pub fn of_registry() -> Self {
        Self {
            has_registry: true,
            ..Self::default()
        }
    }

    /// Keeps a schema, or why records that name it cannot be read; until a moment, if it may be
    /// otherwise later.
    pub fn insert(
        &mut self,
        id: SchemaId,
        schema: Result<Box<WriterSchema>, Refusal>,
        until: Option<Duration>,
    ) {
        if self.known.insert(id, Known { schema, until }).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > SCHEMAS_MAX
            && let Some(first) = self.order.pop_front()
        {
            self.known.remove(&first);
        }
    }

    /// Whether it is known, or known that it cannot be used.
    #[must_use]
    pub fn knows(&self, id: SchemaId) -> bool {
        self.known.contains_key(&id)
    }

    /// Forgets what was to be kept until a moment that has come.
    pub fn expire(&mut self, now: Duration) {
        let is_over = |known: &Known| known.until.is_some_and(|until| until <= now);
        if self.known.values().any(is_over) {
            self.known.retain(|_, known| !is_over(known));
            self.order.retain(|id| self.known.contains_key(id));
        }
    }
}

/// Reads what follows the first byte: the id and the datum.
pub(super) fn read<'a>(
    input: Input,
    rest: &'a [u8],
    schemas: &'a WriterSchemas,
) -> Result<RawEvent<'a>, Unread> {
    let refuse = |reason, error: String| Err(Refusal::new(reason, error).into());
    if !schemas.has_registry {
        return refuse(
            DeadLetterReason::UnsupportedFormat,
            "the value is in Confluent framing, and no schema registry is set; set `registry.url` \
             and replay it"
                .to_owned(),
        );
    }
    let Some((id, datum)) = rest.split_first_chunk::<4>() else {
        let error = "the value ends inside the schema's id".to_owned();
        return refuse(DeadLetterReason::Unreadable, error);
    };
    let id = SchemaId::from_be_bytes(*id);
    match schemas.known.get(&id).map(|known| &known.schema) {
        None => Err(Unread::Waiting(id)),
        Some(Err(refusal)) => Err(refusal.clone().into()),
        Some(Ok(schema)) => match schema.reader(input) {
            Ok(parsed) => Ok(datum_of(input, parsed, datum)?),
            Err(obstacle) => refuse(
                DeadLetterReason::WrongShape,
                format!(
                    "the value was written with schema {id}, which cannot be read as a {}: \
                     {obstacle}",
                    input.schema().name()
                ),
            ),
        },
    }
}

/// The ids of the schemas of events out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfluentIds {
    /// Of `Escalated`.
    pub escalated: SchemaId,
    /// Of `Notify`.
    pub notify: SchemaId,
}

#[cfg(test)]
mod tests;
