//! The incident log as records, with duplicates and in disorder.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};

use escalator::wire::murmur2_partition;
use escalator_engine::time::Timestamp;
use rdkafka::producer::Producer;
use serde_json::value::RawValue;

use super::{INCIDENTS, LAST, PARTITIONS, UNTIL};
use crate::incident_log::{self, Options};
use crate::site::Site;
use crate::support::PATIENCE;
use crate::support::client::{Sent, producer, send};

/// Records that arrive out of order do so by this much at most.
const DELAY_MS_MAX: u64 = 120_000;

/// A small generator of numbers whose seed is told when a test fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64, by Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn is_one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A record on its way to an input.
#[derive(Clone)]
pub(super) struct Arrival {
    at_ms: i64,
    input: &'static str,
    ticket_id: String,
    value: String,
}

/// The events of the log, in order of their instants.
pub(super) struct Load {
    lines: Vec<String>,
    arrivals: Vec<Arrival>,
}

impl Load {
    pub(super) fn new() -> Self {
        let events = incident_log::events(Options {
            limit: Some(INCIDENTS),
            ..Options::default()
        });
        let arrivals = events.iter().map(|event| {
            // As it stands in the file: the bytes are part of an event's identity.
            let line: BTreeMap<&str, &RawValue> = serde_json::from_str(&event.line).unwrap();
            Arrival {
                at_ms: Timestamp::parse(&event.occurred_at).unwrap().as_millis(),
                input: event.topic.strip_prefix("ticket-").unwrap(),
                ticket_id: event.ticket_id.clone(),
                value: line["value"].get().to_owned(),
            }
        });
        Self {
            arrivals: arrivals.collect(),
            lines: events.iter().map(|event| event.line.clone()).collect(),
        }
    }

    /// One in twenty records comes twice.
    pub(super) fn with_duplicates(mut self, random: &mut Random) -> Self {
        let mut again = Vec::new();
        for arrival in &self.arrivals {
            if random.is_one_in(20) {
                let mut second = arrival.clone();
                second.at_ms += i64::try_from(random.below(DELAY_MS_MAX)).unwrap();
                again.push(second);
            }
        }
        self.arrivals.append(&mut again);
        self
    }

    /// One in `share` records comes up to two minutes late, with the timestamp of its arrival.
    /// Returns the tickets that this concerns.
    pub(super) fn delayed(&mut self, share: u64, random: &mut Random) -> BTreeSet<String> {
        let mut delayed = BTreeSet::new();
        for arrival in &mut self.arrivals {
            if random.is_one_in(share) {
                arrival.at_ms += i64::try_from(random.below(DELAY_MS_MAX + 1)).unwrap();
                delayed.insert(arrival.ticket_id.clone());
            }
        }
        delayed
    }

    /// Writes it to the inputs in order of arrival, behind it what is decided last.
    pub(super) fn write(&mut self, site: &Site) {
        self.arrivals.sort_by_key(|arrival| arrival.at_ms);
        self.arrivals.extend(last_arrivals());
        let producer = producer(&site.broker, &[("acks", "all")]);
        for arrival in &self.arrivals {
            let sent = Sent {
                partition: murmur2_partition(arrival.ticket_id.as_bytes(), PARTITIONS),
                key: Some(arrival.ticket_id.as_bytes()),
                value: Some(arrival.value.as_bytes()),
                timestamp_ms: Some(arrival.at_ms),
                ..Sent::default()
            };
            send(&producer, &site.topic(arrival.input), &[sent]);
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// As a file for `simulate`.
    pub(super) fn file(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// One ticket for each partition that is dated after everything else, and done from the beginning.
fn last_arrivals() -> Vec<Arrival> {
    let mut open: BTreeSet<i32> = (0..PARTITIONS).collect();
    let names = (0..).map(|number| format!("{LAST}-{number}"));
    let of_partition = names.filter(|name| {
        let partition = murmur2_partition(name.as_bytes(), PARTITIONS);
        open.remove(&partition)
    });
    let arrivals = of_partition.take(PARTITIONS as usize).map(|ticket_id| Arrival {
        at_ms: Timestamp::parse(UNTIL).unwrap().as_millis(),
        input: "created",
        value: format!(
            r#"{{"ticket_id":"{ticket_id}","occurred_at":"{UNTIL}","ticket":{{"status":"resolved"}}}}"#
        ),
        ticket_id,
    });
    arrivals.collect()
}
