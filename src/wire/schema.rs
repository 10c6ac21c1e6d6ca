//! The schemas in `schemas/`: their texts, their parsed forms and their fingerprints.
//!
//! The files are the store of the single-object framing: a record names its schema by the
//! fingerprint, and the binary carries every schema that it ever wrote. Schemas of other writers,
//! which a registry knows, are in [`writer`].

mod compatibility;
mod parsed;
mod writer;

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use sha2::Digest as _;

pub use compatibility::{Fit, ForeignSchema, UnreadableSchema, compare};
pub(super) use parsed::Parsed;
pub use writer::WriterSchema;

/// The schemas of the records that the service reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaName {
    /// A created event, read.
    TicketCreated,
    /// An update, read.
    TicketUpdated,
    /// A decision, written.
    Escalated,
    /// Somebody is to be told, written.
    Notify,
    /// What is kept of a ticket, written and read.
    EscalationState,
}

/// The former schemas of states, oldest first: what was written with them is read for ever.
const FORMER_STATES: [&str; 3] = [
    include_str!("../../schemas/former/EscalationState.1.avsc"),
    include_str!("../../schemas/former/EscalationState.2.avsc"),
    include_str!("../../schemas/former/EscalationState.3.avsc"),
];

static FORMER: LazyLock<[Known; FORMER_STATES.len()]> =
    LazyLock::new(|| FORMER_STATES.map(Known::parse));

/// The place of the first former schema of states that are stored as they are packed.
const FIRST_PACKED: usize = 2;

/// How a state of a former schema is read.
pub(super) enum FormerState {
    /// Field by field.
    Typed(&'static Parsed),
    /// By the engine, as it was packed.
    Packed,
}

/// How a state of the former schema with this fingerprint is read.
pub(super) fn former_state(fingerprint: [u8; 8]) -> Option<FormerState> {
    let mut known = FORMER.iter().enumerate();
    let (place, known) = known.find(|(_, known)| known.fingerprint == fingerprint)?;
    Some(if place < FIRST_PACKED {
        FormerState::Typed(&known.parsed)
    } else {
        FormerState::Packed
    })
}

/// A parsed schema, and the fingerprint by which records name it.
pub(super) struct Known {
    pub(super) parsed: Parsed,
    fingerprint: [u8; 8],
}

static KNOWN: LazyLock<[Known; SchemaName::ALL.len()]> =
    LazyLock::new(|| SchemaName::ALL.map(|name| Known::parse(name.text())));

impl SchemaName {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TicketCreated,
        Self::TicketUpdated,
        Self::Escalated,
        Self::Notify,
        Self::EscalationState,
    ];

    /// The record's name in the schema, without its namespace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TicketCreated => "TicketCreated",
            Self::TicketUpdated => "TicketUpdated",
            Self::Escalated => "Escalated",
            Self::Notify => "Notify",
            Self::EscalationState => "EscalationState",
        }
    }

    /// The schema of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.name() == name)
    }

    /// The schema file's text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::TicketCreated => include_str!("../../schemas/TicketCreated.avsc"),
            Self::TicketUpdated => include_str!("../../schemas/TicketUpdated.avsc"),
            Self::Escalated => include_str!("../../schemas/Escalated.avsc"),
            Self::Notify => include_str!("../../schemas/Notify.avsc"),
            Self::EscalationState => include_str!("../../schemas/EscalationState.avsc"),
        }
    }

    /// CRC-64-AVRO of the schema's canonical form, in the byte order of the single-object framing.
    #[must_use]
    pub fn fingerprint(self) -> [u8; 8] {
        self.known().fingerprint
    }

    /// The schema with that fingerprint.
    #[must_use]
    pub fn with_fingerprint(fingerprint: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|name| name.known().fingerprint == fingerprint)
    }

    pub(super) fn known(self) -> &'static Known {
        &KNOWN[self as usize]
    }
}

impl Known {
    fn parse(text: &str) -> Self {
        let parsed = Parsed::parse(text, &[]).expect("the shipped schemas are valid");
        Self {
            fingerprint: fingerprint(parsed.schema()),
            parsed,
        }
    }
}

/// CRC-64-AVRO of the canonical form, little-endian.
///
/// The library leaves a type whose logical name it stripped as `{"type":"long"}`. The specification
/// and the other implementations write `"long"`, and the fingerprint must be theirs. The canonical
/// form holds no free text, so replacing is safe.
fn fingerprint(schema: &Schema) -> [u8; 8] {
    let mut canonical = schema.canonical_form();
    for primitive in ["int", "long", "bytes", "string"] {
        canonical = canonical.replace(
            &format!("{{\"type\":\"{primitive}\"}}"),
            &format!("\"{primitive}\""),
        );
    }
    Rabin::digest(canonical).into()
}

#[cfg(test)]
mod tests;
