//! What the service has to do with a schema registry before it begins: the ids of the schemas of
//! events out.

use super::Start;
use crate::http::{Check, Health};
use crate::registry::{self, Client, Desk, Kind};
use crate::settings::{self, Framing, Registry};
use crate::wire::{ConfluentIds, OutputFormat, SchemaId, SchemaName};

/// Why a registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be made.
    #[error("the client of the schema registry cannot be made")]
    Client(#[source] registry::Error),
    /// A schema of events out is not there and is not to be put there.
    #[error(
        "subject `{subject}` does not have the schema of this release; register it (`escalator \
         schema print {schema}` shows it), or set `registry.register` to true"
    )]
    Missing {
        /// The subject.
        subject: String,
        /// The schema's name.
        schema: &'static str,
        /// What the registry says.
        #[source]
        source: registry::Error,
    },
    /// A schema of events out is not accepted.
    #[error(
        "subject `{subject}` does not accept the schema `{schema}`; it may hold a schema of \
         something else, or ask for more than it allows: look at its versions and its \
         compatibility level (`escalator schema print {schema}` shows ours), or write events out \
         with `output.framing` `single_object`"
    )]
    Refused {
        /// The subject.
        subject: String,
        /// The schema's name.
        schema: &'static str,
        /// What the registry says.
        #[source]
        source: registry::Error,
    },
    /// The thread that asks cannot be started.
    #[error("the thread that asks the schema registry cannot be started")]
    Thread(#[source] std::io::Error),
}

/// Who asks for schemas while the service works; none without a registry.
pub(super) fn desk(registry: Option<&Registry>) -> Result<Option<Desk>, Error> {
    let Some(registry) = registry else {
        return Ok(None);
    };
    let client = Client::new(registry).map_err(Error::Client)?;
    Desk::open(client).map(Some).map_err(Error::Thread)
}

/// How events out are written; waits for the ids of their schemas, if that takes a registry. None
/// when the service is to stop before.
pub(super) fn output_format(start: &Start, health: &Health) -> Result<Option<OutputFormat>, Error> {
    health.pass(Check::Registry);
    let settings = &start.settings;
    let registry = match (settings.output.format, settings.output.framing) {
        (settings::OutputFormat::Json, _) => return Ok(Some(OutputFormat::Json)),
        (settings::OutputFormat::Avro, Framing::SingleObject) => {
            return Ok(Some(OutputFormat::Avro));
        }
        (settings::OutputFormat::Avro, Framing::Confluent) => settings.registry.as_ref(),
    };
    let registry = registry.expect("settings without a registry have no such framing");
    let mut client = Client::new(registry).map_err(Error::Client)?;
    let mut id = |topic: &str, schema| wait_for_id(start, health, &mut client, topic, schema);
    let Some(escalated) = id(&settings.topics.escalated, SchemaName::Escalated)? else {
        return Ok(None);
    };
    let Some(notify) = id(&settings.topics.notify, SchemaName::Notify)? else {
        return Ok(None);
    };
    health.pass(Check::Registry);
    tracing::info!(
        registry.id.escalated = escalated,
        registry.id.notify = notify,
        "the registry knows the schemas of events out"
    );
    let ids = ConfluentIds { escalated, notify };
    Ok(Some(OutputFormat::Confluent(ids)))
}

/// The id of the schema of a topic's values, under the subject that is named after the topic.
fn wait_for_id(
    start: &Start,
    health: &Health,
    client: &mut Client,
    topic: &str,
    schema: SchemaName,
) -> Result<Option<SchemaId>, Error> {
    let registers = start
        .settings
        .registry
        .as_ref()
        .is_some_and(|it| it.register);
    let subject = format!("{topic}-value");
    let mut told = None;
    start.keep_trying(|| {
        let answer = if registers {
            client.register(&subject, schema.text())
        } else {
            client.look_up(&subject, schema.text())
        };
        let error = match answer {
            Ok(id) => return Ok(Some(id)),
            Err(error) => error,
        };
        let (source, schema) = (error.clone(), schema.name());
        match error.kind() {
            Kind::Retry => {
                let reason = error.to_string();
                health.fail(Check::Registry, reason.as_str());
                if told.as_ref() != Some(&reason) {
                    tracing::warn!(reason, "the service waits for the schema registry");
                    told = Some(reason);
                }
            }
            Kind::Unknown => {
                return Err(Error::Missing {
                    subject: subject.clone(),
                    schema,
                    source,
                });
            }
            Kind::Refused => {
                return Err(Error::Refused {
                    subject: subject.clone(),
                    schema,
                    source,
                });
            }
        }
        Ok(None)
    })
}
