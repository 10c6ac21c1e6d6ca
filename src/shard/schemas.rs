//! Schemas of a registry: asked for where a record waits for one, and taken when they come.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{RestoredState, Shard};
use crate::http::Check;
use crate::kafka::log::Log;
use crate::metrics::SchemaResult;
use crate::partition::Partition;
use crate::registry::News;
use crate::wire::SchemaId;

/// So many schemas that are waited for are named; more say nothing more.
const NAMED_MAX: usize = 10;

/// What is known of the registry.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// Why it failed when it was asked last; none when it did not.
    failure: Option<String>,
    told: Option<Result<(), String>>,
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Takes what the registry has answered, and asks it for what partitions wait for.
    pub(super) fn serve_schemas(&mut self) {
        let now = self.parts.clock.elapsed();
        self.parts.shared.schemas.expire(now);
        let lacking: BTreeSet<SchemaId> = self.live().filter_map(Partition::lacks).collect();
        if self.parts.registry.is_some() {
            self.take_schemas(now);
        }
        if let Some(desk) = &mut self.parts.registry {
            for id in &lacking {
                if !self.parts.shared.schemas.knows(*id) {
                    desk.ask(*id, now);
                }
            }
        }
        if lacking.is_empty() {
            self.registry.failure = None;
        }
        self.tell_registry(&lacking);
    }

    fn take_schemas(&mut self, now: Duration) {
        let news = self.parts.registry.as_mut().map(|desk| desk.take_news(now));
        for news in news.into_iter().flatten() {
            let result = match news {
                News::Known { id, schema, until } => {
                    self.registry.failure = None;
                    let result = match &schema {
                        Ok(_) => SchemaResult::Found,
                        Err(_) => SchemaResult::Refused,
                    };
                    self.parts.shared.schemas.insert(id, schema, until);
                    result
                }
                News::Failed { error } => {
                    self.registry.failure = Some(error.to_string());
                    SchemaResult::Failed
                }
            };
            self.parts.metrics.schemas(result).inc();
        }
    }

    /// Tells whether the registry answers to whoever waits, when that has changed.
    fn tell_registry(&mut self, lacking: &BTreeSet<SchemaId>) {
        let finding = self.registry.failure.as_ref().map_or(Ok(()), |failure| {
            let named = lacking.iter().take(NAMED_MAX).map(SchemaId::to_string);
            let named = named.collect::<Vec<_>>().join(", ");
            Err(format!("records wait for schema {named}: {failure}"))
        });
        if self.registry.told.as_ref() == Some(&finding) {
            return;
        }
        match &finding {
            Ok(()) => {
                if matches!(self.registry.told, Some(Err(_))) {
                    tracing::info!("the schema registry answers");
                }
                self.parts.health.pass(Check::Registry);
            }
            Err(reason) => {
                tracing::warn!(reason, "partitions wait for the schema registry");
                self.parts.health.fail(Check::Registry, reason.as_str());
            }
        }
        self.registry.told = Some(finding);
    }
}
