//! The schemas that records name by an id of a registry, as commands ask for them: there and then,
//! while a person waits.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::failure::Trouble;
use crate::registry::{self, Client};
use crate::settings::Settings;
use crate::wire::{SchemaId, WriterSchemas};

/// A registry that starts again, or whose other address takes over, answers within this time. For one
/// whose address or password is wrong a person waits no longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// It is asked again after this.
const PAUSE: Duration = Duration::from_millis(500);

/// Whoever is asked, where there is a registry.
pub(super) struct Registry(Option<Client>);

impl Registry {
    /// That of a service; nothing is asked yet.
    ///
    /// # Errors
    /// Its certificates cannot be read.
    pub(super) fn of(settings: &Settings) -> Result<Self, registry::Error> {
        let registry = settings.registry.as_ref();
        registry.map(Client::new).transpose().map(Self)
    }

    /// Adds a schema that a record waits for, or why no such record can be read.
    ///
    /// # Errors
    /// The registry says neither, and did not a moment later.
    pub(super) fn teach(
        &mut self,
        schemas: &mut WriterSchemas,
        id: SchemaId,
    ) -> anyhow::Result<()> {
        let client = self.0.as_mut();
        let client = client.context("a record waits for a schema without a registry")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match registry::compile(id, client.schema(id)) {
                Ok(compiled) => {
                    schemas.insert(id, compiled.schema, None);
                    return Ok(());
                }
                Err(error) if Instant::now() >= deadline => {
                    return Err(anyhow::Error::from(error).context(Trouble {
                        doing: format!(
                            "cannot ask for schema {id}, which a record was written with"
                        ),
                        remedy: "see to what the cause names, and try again",
                    }));
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }
}
