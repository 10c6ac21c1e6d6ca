//! Whether somebody else's schema of a record goes with the built-in one.
//!
//! What the service reads must be readable by its schema whatever the producer's is, and what it
//! writes must be readable by the subscriber's. Avro calls the two sides writer and reader; which
//! one is ours follows from the record.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

use super::{SchemaName, fingerprint};
use crate::causes::chain;

/// How a schema goes with the built-in one of the same record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is the built-in one, but for words and order of attributes.
    Same,
    /// Every record that the one side writes can be read by the other.
    Compatible,
    /// Some record, or none, can be read.
    Incompatible {
        /// Why.
        because: String,
    },
}

/// Why a text cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ForeignSchema {
    /// It is no Avro schema.
    #[error("it is no Avro schema")]
    Unreadable(#[source] UnreadableSchema),
    /// It is of no record that the service knows.
    #[error("it is named `{name}`, as no record of the service is")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// It is not of a record at all.
    #[error("it describes no record")]
    NoRecord,
}

/// What is wrong with a text that should be a schema.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct UnreadableSchema(Box<apache_avro::Error>);

impl SchemaName {
    /// Whether the service reads such records; the others are written by it.
    #[must_use]
    pub const fn is_read(self) -> bool {
        match self {
            Self::TicketCreated | Self::TicketUpdated => true,
            Self::Escalated | Self::Notify | Self::EscalationState => false,
        }
    }
}

/// Compares a schema with the built-in one of `name`, or of the name that it has itself.
///
/// # Errors
/// There is nothing to compare it with.
pub fn compare(text: &str, name: Option<SchemaName>) -> Result<(SchemaName, Fit), ForeignSchema> {
    let theirs = Schema::parse_str(text)
        .map_err(|source| ForeignSchema::Unreadable(UnreadableSchema(Box::new(source))))?;
    let Schema::Record(record) = &theirs else {
        return Err(ForeignSchema::NoRecord);
    };
    let own = record.name.name();
    let name = name
        .or_else(|| SchemaName::named(own))
        .ok_or_else(|| ForeignSchema::Unknown {
            name: own.to_owned(),
        })?;
    if fingerprint(&theirs) == name.fingerprint() {
        return Ok((name, Fit::Same));
    }
    let ours = name.known().schema;
    let compared = if name.is_read() {
        SchemaCompatibility::can_read(&theirs, ours)
    } else {
        SchemaCompatibility::can_read(ours, &theirs)
    };
    let fit = match compared {
        Ok(Compatibility::Full) => Fit::Compatible,
        Ok(Compatibility::Partial) => Fit::Incompatible {
            because: "the writer has values that the reader has no type for, such as null or \
                      another symbol"
                .to_owned(),
        },
        Err(error) => Fit::Incompatible {
            because: chain(&error),
        },
    };
    Ok((name, fit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fit of the built-in schema with a part of it replaced.
    fn edited(name: SchemaName, old: &str, new: &str) -> Fit {
        let text = name.text().replacen(old, new, 1);
        assert_ne!(text, name.text(), "{old}");
        compare(&text, None).unwrap().1
    }

    #[test]
    fn the_built_in_schemas_are_the_same_as_themselves() {
        for name in SchemaName::ALL {
            assert_eq!(compare(name.text(), None).unwrap(), (name, Fit::Same));
        }
        let words = edited(
            SchemaName::Notify,
            "\"doc\": \"",
            "\"doc\": \"In other words: ",
        );
        assert_eq!(words, Fit::Same);
    }

    #[test]
    fn a_field_more_is_no_matter_and_another_type_is() {
        let more = "\"fields\": [{\"name\":\"extra\",\"type\":\"long\",\"default\":0},";
        let [created, notify] = [SchemaName::TicketCreated, SchemaName::Notify];
        assert_eq!(edited(created, "\"fields\": [", more), Fit::Compatible);
        assert_eq!(edited(notify, "\"fields\": [", more), Fit::Compatible);
        // A subscriber cannot ask for what is not written, a producer may write what is not read.
        let required = "\"fields\": [{\"name\":\"extra\",\"type\":\"long\"},";
        assert_eq!(edited(created, "\"fields\": [", required), Fit::Compatible);
        let Fit::Incompatible { because } = edited(notify, "\"fields\": [", required) else {
            panic!("a field without a default cannot be read from what lacks it");
        };
        assert!(because.contains("'extra'"), "{because}");
        let other = r#"{"type":"record","name":"TicketCreated","namespace":"escalator.v1",
            "fields":[{"name":"ticket_id","type":"long"}]}"#;
        let (_, fit) = compare(other, None).unwrap();
        assert!(matches!(fit, Fit::Incompatible { .. }), "{fit:?}");
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let told = |text: &str| compare(text, None).unwrap_err().to_string();
        assert_eq!(told("{"), "it is no Avro schema");
        assert_eq!(told("\"string\""), "it describes no record");
        let order = r#"{"type":"record","name":"Order","fields":[]}"#;
        assert_eq!(
            told(order),
            "it is named `Order`, as no record of the service is"
        );
    }
}
