//! From states, events and refusals to records for their topics.

use std::sync::Arc;

use escalator_engine::effect::{Escalated, Event};
use escalator_engine::storms::{Piece, PieceKey};
use escalator_engine::ticket::{Text, Ticket};
use escalator_engine::ticket_state::TicketState;

use super::meta::{self, Meta};
use super::{storm, traces};
use crate::record::{Content, OutgoingRecord, Record, RecordLimits, Value};
use crate::wire::{self, OutputFormat};

/// More than the key, the headers and what the broker adds take of a record of an event.
const BESIDE_EVENT_BYTES: usize = 1024;

/// The topics that are written, and the names of those that are read.
#[derive(Clone, Debug)]
pub struct Names {
    /// The inputs: created events, updates.
    pub inputs: [String; 2],
    /// State.
    pub state: Arc<str>,
    /// `escalated` events.
    pub escalated: Arc<str>,
    /// `notify` events.
    pub notify: Arc<str>,
    /// Records that could not be read.
    pub dead_letters: Arc<str>,
}

/// How records are written.
#[derive(Clone, Debug)]
pub struct Writing {
    /// To which topics.
    pub names: Names,
    /// The format of events out.
    pub format: OutputFormat,
    /// Whether events out carry the headers of `CloudEvents`.
    pub cloud_events: bool,
    /// How much they take.
    pub limits: RecordLimits,
}

impl Writing {
    /// An event out, and what the record that brought it about belongs to.
    pub(super) fn event(
        &self,
        partition: i32,
        event: &Event,
        trace: Option<&[u8]>,
    ) -> OutgoingRecord<Value> {
        let record = match event {
            Event::Escalated(event) => plain(
                &self.names.escalated,
                partition,
                event.ticket_id.as_bytes(),
                Some(Value::Bytes(self.escalated(event))),
            ),
            Event::Notify(event) => plain(
                &self.names.notify,
                partition,
                wire::events::notify_key(event.ticket_id.as_deref(), &event.to).as_bytes(),
                Some(Value::Bytes(wire::notify(event, self.format))),
            ),
        };
        let mut headers = match self.cloud_events {
            true => wire::cloud_event_headers(event, self.format),
            false => Vec::new(),
        };
        headers.extend(trace.map(|trace| (traces::HEADER.to_owned(), Some(trace.to_vec()))));
        OutgoingRecord { headers, ..record }
    }

    /// The value of an `escalated` event. An event that the topic would not take is written without
    /// the tags and labels of its ticket, since nothing else in it can be large: one that is not
    /// written at all would hold its partition up.
    fn escalated(&self, event: &Escalated) -> Vec<u8> {
        let value = wire::escalated(event, self.format);
        if value.len() + BESIDE_EVENT_BYTES <= self.limits.escalated_bytes_max {
            return value;
        }
        let mut ticket = Ticket::clone(&event.ticket);
        ticket.tags.clear();
        ticket.labels.clear();
        let shortened = Escalated {
            ticket: Arc::new(ticket),
            ..event.clone()
        };
        tracing::warn!(
            event.id = shortened.id,
            bytes = value.len(),
            "an event is larger than its topic takes; it is written without tags and labels"
        );
        wire::escalated(&shortened, self.format)
    }

    /// The state of a ticket; a tombstone when it was forgotten. Its bytes are made when it is sent.
    pub(super) fn state(
        &self,
        partition: i32,
        ticket_id: &Text,
        state: Option<&Arc<TicketState>>,
    ) -> OutgoingRecord<Value> {
        let content = |state: &Arc<TicketState>| Value::Content(Arc::clone(state) as _);
        let key = ticket_id.as_bytes();
        plain(&self.names.state, partition, key, state.map(content))
    }

    /// A piece of a storm; a tombstone when it is over.
    pub(super) fn piece(
        &self,
        partition: i32,
        key: &PieceKey,
        piece: Option<&Piece>,
    ) -> OutgoingRecord<Value> {
        let value = piece.map(storm::encode).map(Value::Bytes);
        let key = storm::encode_key(key);
        plain(&self.names.state, partition, &key, value)
    }

    /// The record of the partition itself.
    pub(super) fn meta(&self, partition: i32, meta: &Meta) -> OutgoingRecord<Value> {
        let value = Value::Bytes(meta.encode());
        plain(&self.names.state, partition, meta::KEY, Some(value))
    }

    /// The dead letter of a record that was refused.
    pub(super) fn dead_letter(
        &self,
        record: &Record,
        headers: &[wire::Header<'_>],
        refusal: &wire::Refusal,
    ) -> OutgoingRecord<Value> {
        let origin = wire::Origin {
            topic: &self.names.inputs[record.input],
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
        };
        let letter = wire::DeadLetter::new(
            origin,
            record.key.as_deref(),
            record.value.as_deref(),
            headers,
            refusal,
            self.limits.dead_letter_bytes_max,
        );
        OutgoingRecord {
            topic: Arc::clone(&self.names.dead_letters),
            partition: record.partition,
            key: letter.key,
            value: letter.value.map(Value::Bytes),
            headers: letter.headers,
            timestamp_ms: (record.timestamp_ms >= 0).then_some(record.timestamp_ms),
        }
    }
}

impl Content for TicketState {
    fn bytes(&self) -> Vec<u8> {
        wire::encode_state(self)
    }
}

fn plain(
    topic: &Arc<str>,
    partition: i32,
    key: &[u8],
    value: Option<Value>,
) -> OutgoingRecord<Value> {
    OutgoingRecord {
        topic: Arc::clone(topic),
        partition,
        key: Some(key.to_vec()),
        value,
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use escalator_engine::emission::Emission;
    use escalator_engine::engine::Engine;
    use escalator_engine::fact::{Fact, TicketFact};
    use escalator_engine::rules::Rules;
    use escalator_engine::ticket::{Change, TextField};
    use escalator_engine::time::Timestamp;

    use super::*;
    use crate::plan_file::{self, Sources};

    /// Gives each of eight tickets a fact with words that they have in common, and decides it.
    fn take(engine: &mut Engine, minute: i64) {
        let occurred_at = Timestamp::from_millis(minute * 60_000);
        for number in 0..8 {
            let fact = Fact {
                occurred_at,
                version: None,
                event_id: None,
                record_hash: minute,
                source: "desk".into(),
                created: minute == 0,
                changes: vec![Change::Text(
                    TextField::Subject,
                    Some(format!("as of minute {minute}").as_str().into()),
                )],
                activities: Vec::new(),
            };
            engine.apply(TicketFact {
                ticket_id: format!("T{number}").as_str().into(),
                fact: Arc::new(fact),
            });
        }
        let until = occurred_at.plus_millis(1);
        engine.advance(until, usize::MAX, &Emission::on_virtual_clock());
    }

    #[test]
    fn a_state_is_sent_as_it_was_decided_however_late_and_however_often() {
        let plan = "{ version: 1, plans: [ { name: p } ] }";
        let checked = plan_file::check(Sources::from_text("plan.yaml", plan));
        let revision = Arc::clone(checked.into_set().unwrap().revision());
        let mut engine = Engine::new(Arc::new(Rules::new(revision)));
        let writing = Writing {
            names: Names {
                inputs: ["created", "updated"].map(str::to_owned),
                state: "state".into(),
                escalated: "escalated".into(),
                notify: "notify".into(),
                dead_letters: "dead-letters".into(),
            },
            format: OutputFormat::Avro,
            cloud_events: false,
            limits: RecordLimits {
                escalated_bytes_max: 1_000_000,
                dead_letter_bytes_max: 1_000_000,
                batch_bytes_max: 1_000_000,
            },
        };
        let mut sent = Vec::new();
        for minute in 0..5 {
            take(&mut engine, minute);
            let changed = engine.changed();
            for (ticket_id, state) in changed {
                let record = writing.state(0, ticket_id, state);
                sent.push((wire::encode_state(state.unwrap()), record));
            }
            engine.commit();
        }
        assert_eq!(sent.len(), 40);
        for (decided, record) in &sent {
            for _ in 0..2 {
                assert_eq!(record.written().value.as_ref(), Some(decided));
            }
        }
    }
}
