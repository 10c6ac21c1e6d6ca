//! From states, events and refusals to records for their topics.

use std::sync::Arc;

use escalator_engine::effect::{Escalated, Event};
use escalator_engine::storms::{Piece, PieceKey};
use escalator_engine::ticket::{Text, Ticket};

use super::meta::{self, Meta};
use super::{storm, traces};
use crate::record::{OutgoingRecord, Record, RecordLimits};
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
    ) -> OutgoingRecord {
        let record = match event {
            Event::Escalated(event) => plain(
                &self.names.escalated,
                partition,
                event.ticket_id.as_bytes(),
                Some(self.escalated(event)),
            ),
            Event::Notify(event) => plain(
                &self.names.notify,
                partition,
                wire::events::notify_key(event.ticket_id.as_deref(), &event.to).as_bytes(),
                Some(wire::notify(event, self.format)),
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

    /// The state of a ticket; a tombstone when it was forgotten.
    pub(super) fn state(
        &self,
        partition: i32,
        ticket_id: &Text,
        state: Option<Vec<u8>>,
    ) -> OutgoingRecord {
        plain(&self.names.state, partition, ticket_id.as_bytes(), state)
    }

    /// A piece of a storm; a tombstone when it is over.
    pub(super) fn piece(
        &self,
        partition: i32,
        key: &PieceKey,
        piece: Option<&Piece>,
    ) -> OutgoingRecord {
        let value = piece.map(storm::encode);
        let key = storm::encode_key(key);
        plain(&self.names.state, partition, &key, value)
    }

    /// The record of the partition itself.
    pub(super) fn meta(&self, partition: i32, meta: &Meta) -> OutgoingRecord {
        let value = meta.encode();
        plain(&self.names.state, partition, meta::KEY, Some(value))
    }

    /// The dead letter of a record that was refused.
    pub(super) fn dead_letter(
        &self,
        record: &Record,
        headers: &[wire::Header<'_>],
        refusal: &wire::Refusal,
    ) -> OutgoingRecord {
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
            value: letter.value,
            headers: letter.headers,
            timestamp_ms: (record.timestamp_ms >= 0).then_some(record.timestamp_ms),
        }
    }
}

fn plain(topic: &Arc<str>, partition: i32, key: &[u8], value: Option<Vec<u8>>) -> OutgoingRecord {
    OutgoingRecord {
        topic: Arc::clone(topic),
        partition,
        key: Some(key.to_vec()),
        value,
        headers: Vec::new(),
        timestamp_ms: None,
    }
}
