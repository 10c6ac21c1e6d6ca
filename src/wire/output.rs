//! Events out: `escalated` and `notify` as JSON or as Avro, as single objects or in Confluent
//! framing.
//!
//! JSON comes from the engine's own types, whose fields are the contract's. Avro is written by
//! hand in the order of the schemas' fields; the tests read it back through the library.

use std::borrow::Cow;

use escalator_engine::effect::{Cause, Escalated, Event, Notify};
use escalator_engine::plan::{LevelKind, Nature};
use escalator_engine::ticket::{TextField, Ticket};

use super::avro::Writer;
use super::confluent::ConfluentIds;
use super::events::notify_key;
use super::schema::SchemaName;

/// Who says so, in a `CloudEvent`. Ids are unique over all services with the same tickets and plans,
/// so no instance and no group is in it: an event that is emitted again after a restart is the same.
const CLOUD_EVENT_SOURCE: &str = "/escalator";

/// How events out are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// Avro, in single-object framing.
    #[default]
    Avro,
    /// Avro, in Confluent framing with these ids.
    Confluent(ConfluentIds),
    /// JSON.
    Json,
}

/// The value of a record on the topic `escalated`.
#[must_use]
pub fn escalated(event: &Escalated, format: OutputFormat) -> Vec<u8> {
    match format {
        OutputFormat::Avro => {
            let fingerprint = SchemaName::Escalated.fingerprint();
            escalated_avro(Writer::single_object(fingerprint), event)
        }
        OutputFormat::Confluent(ids) => escalated_avro(Writer::confluent(ids.escalated), event),
        OutputFormat::Json => json(event),
    }
}

/// The value of a record on the topic `notify`.
#[must_use]
pub fn notify(event: &Notify, format: OutputFormat) -> Vec<u8> {
    match format {
        OutputFormat::Avro => {
            let fingerprint = SchemaName::Notify.fingerprint();
            notify_avro(Writer::single_object(fingerprint), event)
        }
        OutputFormat::Confluent(ids) => notify_avro(Writer::confluent(ids.notify), event),
        OutputFormat::Json => json(event),
    }
}

/// The headers that make a record of an event out a binary `CloudEvent`.
#[must_use]
pub fn cloud_event_headers(event: &Event, format: OutputFormat) -> Vec<(String, Option<Vec<u8>>)> {
    let (schema, id, subject, at) = match event {
        Event::Escalated(event) => (
            SchemaName::Escalated,
            &event.id,
            Cow::Borrowed(&*event.ticket_id),
            event.fired_at,
        ),
        Event::Notify(event) => (
            SchemaName::Notify,
            &event.id,
            notify_key(event.ticket_id.as_deref(), &event.to),
            event.fired_at,
        ),
    };
    let content_type = match format {
        OutputFormat::Avro | OutputFormat::Confluent(_) => "application/avro",
        OutputFormat::Json => "application/json",
    };
    let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    vec![
        header("ce_specversion", "1.0"),
        header("ce_id", id),
        header("ce_source", CLOUD_EVENT_SOURCE),
        header("ce_type", &format!("escalator.v1.{}", schema.name())),
        header("ce_subject", &subject),
        header("ce_time", &at.to_string()),
        header("content-type", content_type),
    ]
}

fn json(event: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(event).expect("events have text keys and finite numbers")
}

fn escalated_avro(mut w: Writer, event: &Escalated) -> Vec<u8> {
    w.text(&event.id);
    w.long(event.ordinal.into());
    w.text(event.kind.name());
    w.text(&event.ticket_id);
    w.text(&event.source);
    w.long(event.escalation.into());
    w.text(&event.plan);
    w.text(&event.plan_revision);
    w.long(event.level.into());
    w.long(event.previous_level.into());
    nullable_text(&mut w, event.level_name.as_deref());
    nullable_text(&mut w, event.level_kind.map(level_kind));
    cause(&mut w, &event.cause);
    w.text(nature(event.nature));
    w.long(event.due_at.as_millis());
    w.long(event.fired_at.as_millis());
    w.long(event.lateness_ms);
    w.boolean(event.notify_suppressed);
    w.nullable(event.assign.as_ref(), |w, assign| {
        nullable_text(w, assign.queue.as_deref());
        nullable_text(w, assign.assignee.as_deref());
    });
    w.block(event.resolution_steps.iter(), |w, step| w.text(step));
    nullable_text(&mut w, event.actor.as_deref());
    nullable_text(&mut w, event.note.as_deref());
    w.text(&event.tz_version);
    ticket(&mut w, &event.ticket);
    w.finish()
}

fn notify_avro(mut w: Writer, event: &Notify) -> Vec<u8> {
    w.text(&event.id);
    nullable_text(&mut w, event.escalation_event_id.as_deref());
    nullable_text(&mut w, event.ticket_id.as_deref());
    w.text(&event.source);
    w.text(&event.to);
    w.text(&event.to_kind);
    w.text(&event.channel);
    w.text(event.purpose.name());
    w.long(event.level.into());
    w.text(&event.subject);
    w.text(&event.body);
    w.long(event.due_at.as_millis());
    w.long(event.fired_at.as_millis());
    w.long(event.lateness_ms);
    w.text(&event.plan);
    w.text(&event.plan_revision);
    w.block(event.items.iter(), |w, item| {
        w.text(&item.escalation_event_id);
        w.text(&item.ticket_id);
        w.text(item.purpose.name());
    });
    w.finish()
}

fn cause(w: &mut Writer, cause: &Cause) {
    w.text(cause.kind.name());
    nullable_text(w, cause.name.as_deref());
    nullable_text(w, cause.mark.as_deref());
    w.nullable(cause.cycle, |w, cycle| w.long(cycle.into()));
}

fn ticket(w: &mut Writer, ticket: &Ticket) {
    for field in TextField::ALL {
        nullable_text(w, ticket.text(field).map(|text| &**text));
    }
    w.nullable(ticket.severity, Writer::double);
    w.nullable(ticket.satisfaction, Writer::double);
    w.block(ticket.tags.iter(), |w, tag| w.text(tag));
    w.block(ticket.labels.iter(), |w, (name, value)| {
        w.text(name);
        nullable_text(w, Some(value));
    });
}

fn nullable_text(w: &mut Writer, text: Option<&str>) {
    w.nullable(text, Writer::text);
}

const fn level_kind(kind: LevelKind) -> &'static str {
    match kind {
        LevelKind::Functional => "functional",
        LevelKind::Hierarchical => "hierarchical",
        LevelKind::External => "external",
    }
}

const fn nature(nature: Nature) -> &'static str {
    match nature {
        Nature::Problem => "problem",
        Nature::Opportunity => "opportunity",
    }
}

#[cfg(test)]
mod tests;
