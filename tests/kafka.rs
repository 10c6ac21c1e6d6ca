//! Everything that needs a broker, in one binary, so that all of it shares one.
//!
//! Run it alone with `cargo test --test kafka`. It needs `java` and, the first time, `mvn`.

#![expect(
    clippy::unwrap_used,
    reason = "the lint knows test functions but not the helpers beside them"
)]

#[expect(dead_code, reason = "other tests use what this one does not")]
mod support;

#[path = "kafka/broker_away.rs"]
mod broker_away;
#[path = "kafka/central.rs"]
mod central;
#[path = "kafka/consumer.rs"]
mod consumer;
#[path = "kafka/damage.rs"]
mod damage;
#[path = "kafka/dead_letters.rs"]
mod dead_letters;
#[path = "kafka/edits.rs"]
mod edits;
#[cfg(feature = "embedded")]
#[path = "kafka/embedded.rs"]
mod embedded;
#[path = "support/incident_log.rs"]
mod incident_log;
#[path = "kafka/kept_state.rs"]
mod kept_state;
#[path = "kafka/lanes.rs"]
mod lanes;
#[path = "kafka/large.rs"]
mod large;
#[path = "kafka/mappings.rs"]
mod mappings;
#[path = "kafka/observed.rs"]
mod observed;
#[path = "kafka/poison.rs"]
mod poison;
#[path = "kafka/production.rs"]
mod production;
#[path = "kafka/rebuild.rs"]
mod rebuild;
#[path = "kafka/recorded.rs"]
mod recorded;
#[path = "kafka/registry.rs"]
mod registry;
#[path = "kafka/reload.rs"]
mod reload;
#[path = "kafka/restore.rs"]
mod restore;
#[path = "kafka/security.rs"]
mod security;
#[path = "kafka/service.rs"]
mod service;
#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "support/site.rs"]
mod site;
#[path = "kafka/standby.rs"]
mod standby;
#[path = "kafka/static_membership.rs"]
mod static_membership;
#[path = "kafka/storms.rs"]
mod storms;
#[path = "support/told.rs"]
mod told;
#[path = "kafka/topics.rs"]
mod topics;
#[path = "kafka/zombie.rs"]
mod zombie;
