//! What input records belong to, by the header `traceparent`, handed on to what comes of them.
//!
//! It is remembered beside the facts until these are evaluated, and nowhere else: headers are no
//! part of what is decided, so they have no place in the state. After a restart or a rebalance,
//! what comes of facts that were waiting then is not traced.

use std::collections::BTreeMap;

use escalator_engine::effect::Event;
use escalator_engine::emission::Emitted;
use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;

use crate::record::Record;

/// The header, by the W3C recommendation *Trace Context*.
pub(super) const HEADER: &str = "traceparent";

/// More than this many facts that wait are not all traced: some 20 MB in each partition, and far
/// more than wait without a long `grace`.
const TRACES_MAX: usize = 100_000;

/// The traces of facts that are not evaluated yet.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_fact: BTreeMap<Key, Vec<u8>>,
}

/// A fact by its instant, its record and its ticket.
type Key = (Timestamp, i64, Text);

impl Traces {
    /// Remembers what the record of a fact belongs to, if it says so. Of one that comes again the first
    /// counts.
    pub(super) fn remember(&mut self, fact: &TicketFact, record: &Record) {
        let header = record.headers.iter().find(|(name, _)| name == HEADER);
        let Some(parent) = header.and_then(|(_, value)| value.as_deref()) else {
            return;
        };
        if is_trace_parent(parent) && self.by_fact.len() < TRACES_MAX {
            let key = key(&fact.ticket_id, &fact.fact);
            self.by_fact.entry(key).or_insert_with(|| parent.to_vec());
        }
    }

    /// What the record of the fact belongs to that has brought an event about.
    pub(super) fn of(&self, emitted: &Emitted) -> Option<&[u8]> {
        let ticket_id = match &emitted.event {
            Event::Escalated(event) => Some(&event.ticket_id),
            Event::Notify(event) => event.ticket_id.as_ref(),
        };
        let key = key(ticket_id?, emitted.fact.as_ref()?);
        self.by_fact.get(&key).map(|parent| &**parent)
    }

    /// Forgets facts before an instant up to which everything is decided.
    pub(super) fn forget_before(&mut self, at: Timestamp) {
        self.by_fact = self.by_fact.split_off(&(at, i64::MIN, Text::default()));
    }
}

fn key(ticket_id: &Text, fact: &Fact) -> Key {
    (fact.occurred_at, fact.record_hash, ticket_id.clone())
}

/// Whether it is a version, a trace id, a parent id and flags, in hexadecimal digits with hyphens
/// between; later versions may append something, which is not handed on unread.
fn is_trace_parent(value: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let parts: Vec<&[u8]> = value.split(|byte| *byte == b'-').collect();
    let [version, trace, parent, flags] = parts[..] else {
        return false;
    };
    let has_length = (version.len(), trace.len(), parent.len(), flags.len()) == (2, 32, 16, 2);
    let is_nothing = |id: &[u8]| id.iter().all(|digit| *digit == b'0');
    has_length
        && parts.iter().all(|part| part.iter().all(is_digit))
        && version != b"ff"
        && !is_nothing(trace)
        && !is_nothing(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_what_has_the_shape_is_handed_on() {
        assert!(is_trace_parent(GOOD.as_bytes()));
        for bad in [
            "",
            "00",
            &GOOD[1..],
            &GOOD.replace('4', "x"),
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &format!("{GOOD}-00"),
            &format!("ff{}", &GOOD[2..]),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
        ] {
            assert!(!is_trace_parent(bad.as_bytes()), "{bad}");
        }
    }
}
