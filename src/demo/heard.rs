//! What subscribers of the service hear: the records of its two topics of events out.

use escalator_engine::effect::{Cause, EscalatedType, Purpose};
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Deserialize;

use crate::record::Record;

/// The index of the topic `escalated` among those that are read; the other one is `notify`.
pub(super) const ESCALATED: usize = 0;

/// An `escalated` event, as far as it is shown.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's table of `escalated`"
)]
pub struct Decision {
    pub id: String,
    pub ordinal: u32,
    #[serde(rename = "type")]
    pub kind: EscalatedType,
    pub ticket_id: Text,
    pub level: u32,
    pub previous_level: u32,
    pub level_name: Option<Text>,
    pub cause: Cause,
    pub due_at: Timestamp,
    pub fired_at: Timestamp,
    pub lateness_ms: i64,
    pub notify_suppressed: bool,
    pub actor: Option<Text>,
    pub note: Option<Text>,
}

impl Decision {
    /// When it should have been made, and in simulation would have been.
    #[must_use]
    pub const fn decided_at(&self) -> Timestamp {
        self.fired_at.plus_millis(-self.lateness_ms)
    }
}

/// A `notify` event, as far as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's list of `notify`"
)]
pub struct Notification {
    pub id: String,
    pub escalation_event_id: Option<String>,
    pub ticket_id: Option<Text>,
    pub to: Text,
    pub to_kind: Text,
    pub channel: Text,
    pub purpose: Purpose,
}

/// What one record says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    /// Something was decided.
    Decision(Decision),
    /// Somebody is told.
    Notification(Notification),
}

/// A record of the service's topics that does not say what the contract promises.
#[derive(Debug, thiserror::Error)]
#[error("a record of `{topic}` at offset {offset} of partition {partition} is no such event")]
pub struct Unheard {
    topic: &'static str,
    partition: i32,
    offset: i64,
    #[source]
    source: serde_json::Error,
}

/// The name of a topic by its index.
pub(super) const fn topic(input: usize) -> &'static str {
    if input == ESCALATED {
        "escalated"
    } else {
        "notify"
    }
}

/// Reads a record.
pub(super) fn hear(record: &Record) -> Result<Heard, Unheard> {
    let value = record.value.as_deref().unwrap_or_default();
    let heard = if record.input == ESCALATED {
        serde_json::from_slice(value).map(Heard::Decision)
    } else {
        serde_json::from_slice(value).map(Heard::Notification)
    };
    heard.map_err(|source| Unheard {
        topic: topic(record.input),
        partition: record.partition,
        offset: record.offset,
        source,
    })
}

/// A record as a line of JSON, in the shape that `simulate` prints.
pub(super) fn json_line(record: &Record) -> String {
    let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default());
    let key = serde_json::Value::from(key);
    let value = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
    let topic = topic(record.input);
    format!("{{\"topic\":\"{topic}\",\"key\":{key},\"value\":{value}}}\n")
}
