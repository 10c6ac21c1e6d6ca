//! Facts and tickets in a stored state.

use std::collections::BTreeMap;

use escalator_engine::fact::{Activity, ActivityKind, Fact, FactKey, kept_hash};
use escalator_engine::ticket::{Change, NumberField, TextField, Ticket};
use escalator_engine::time::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::word::Word;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FactRecord {
    occurred_at: Timestamp,
    version: Option<i64>,
    event_id: Option<Word>,
    record_hash: i64,
    source: Word,
    created: bool,
    changes: Vec<ChangeRecord>,
    activities: Vec<ActivityRecord>,
}

impl From<FactRecord> for Fact {
    fn from(fact: FactRecord) -> Self {
        Self {
            occurred_at: fact.occurred_at,
            version: fact.version,
            record_hash: kept_hash(fact.record_hash, fact.event_id.is_some()),
            event_id: fact.event_id.map(Word::into_text),
            source: fact.source.0,
            created: fact.created,
            changes: fact.changes.into_iter().map(|change| change.0).collect(),
            activities: fact.activities.into_iter().map(Activity::from).collect(),
        }
    }
}

/// A change, which stands in the record as a field's name and one of several values.
pub(super) struct ChangeRecord(Change);

impl<'de> Deserialize<'de> for ChangeRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Parts<'a> {
            field: &'a str,
            name: Option<Word>,
            text: Option<Word>,
            number: Option<f64>,
            tags: Vec<Word>,
        }
        let parts = Parts::deserialize(deserializer)?;
        let text = parts.text.map(Word::into_text);
        Ok(Self(match parts.field {
            "severity" => Change::Number(NumberField::Severity, parts.number),
            "satisfaction" => Change::Number(NumberField::Satisfaction, parts.number),
            "tags" => Change::Tags(parts.tags.into_iter().map(Word::into_text).collect()),
            "label" => Change::Label(parts.name.unwrap_or_default().0, text),
            "labels" => Change::ClearLabels,
            field => {
                let field = TextField::named(field)
                    .ok_or_else(|| D::Error::custom("a change of an unknown field"))?;
                Change::Text(field, text)
            }
        }))
    }
}

#[derive(Deserialize)]
pub(super) struct ActivityRecord {
    kind: ActivityKind,
    #[serde(default)]
    actor: Option<Word>,
    #[serde(default)]
    level: Option<i64>,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default)]
    note: Option<Word>,
}

impl From<ActivityRecord> for Activity {
    fn from(activity: ActivityRecord) -> Self {
        Self {
            kind: activity.kind,
            actor: activity.actor.map(Word::into_text),
            level: activity.level,
            until: activity.until,
            note: activity.note.map(Word::into_text),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyRecord {
    occurred_at: Timestamp,
    version: Option<i64>,
    event_id: Option<Word>,
    record_hash: i64,
}

impl From<KeyRecord> for FactKey {
    fn from(key: KeyRecord) -> Self {
        Self {
            occurred_at: key.occurred_at,
            version: key.version,
            record_hash: kept_hash(key.record_hash, key.event_id.is_some()),
            event_id: key.event_id.map(Word::into_text),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TicketRecord {
    status: Option<Word>,
    priority: Option<Word>,
    category: Option<Word>,
    queue: Option<Word>,
    assignee: Option<Word>,
    requester: Option<Word>,
    organization: Option<Word>,
    tier: Option<Word>,
    channel: Option<Word>,
    subject: Option<Word>,
    vendor: Option<Word>,
    severity: Option<f64>,
    satisfaction: Option<f64>,
    tags: Vec<Word>,
    labels: BTreeMap<Word, Word>,
}

impl From<TicketRecord> for Ticket {
    fn from(ticket: TicketRecord) -> Self {
        let labels = ticket.labels.into_iter();
        Self {
            status: ticket.status.map(Word::into_text),
            priority: ticket.priority.map(Word::into_text),
            category: ticket.category.map(Word::into_text),
            queue: ticket.queue.map(Word::into_text),
            assignee: ticket.assignee.map(Word::into_text),
            requester: ticket.requester.map(Word::into_text),
            organization: ticket.organization.map(Word::into_text),
            tier: ticket.tier.map(Word::into_text),
            channel: ticket.channel.map(Word::into_text),
            subject: ticket.subject.map(Word::into_text),
            vendor: ticket.vendor.map(Word::into_text),
            severity: ticket.severity,
            satisfaction: ticket.satisfaction,
            tags: ticket.tags.into_iter().map(Word::into_text).collect(),
            labels: labels.map(|(name, value)| (name.0, value.0)).collect(),
        }
    }
}
