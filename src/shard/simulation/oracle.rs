//! What must come out, by a simulation in one thread over the same facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use escalator_engine::fact::TicketFact;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation};
use escalator_engine::time::Timestamp;
use serde_json::Value;

use super::auditor::difference;
use super::reached::{Path, Reached};
use super::schedule::{At, CALM_MS, Config, END_MS, Event, Way};
use super::topic_log::{Payload, Place, Topic};
use super::workload::{self, START_MS, What, partition_of, record};
use crate::mapping::Mappings;
use crate::wire;

/// What was decided this long before the end must be out.
const MARGIN_MS: i64 = 4_000;

/// This long after the last fault what falls due is decided at once…
const HEALTHY_AFTER_MS: i64 = 14_000;
/// …which is within this time, as idle processes look around less often here.
const LATENESS_MAX_MS: i64 = 2_000;

/// A topic, a partition and a key: there the order is fixed.
type Stream = (Topic, i32, String);

struct Expected {
    at: Timestamp,
    id: String,
    value: Value,
    purpose: String,
}

#[derive(Default)]
struct Progress {
    expected: Vec<Expected>,
    seen: usize,
    /// Those that were passed over without being seen.
    missed: Vec<usize>,
}

/// The expected events, and how far they have come.
pub(super) struct Oracle {
    streams: BTreeMap<Stream, Progress>,
    lateness_max_ms: i64,
    /// Whether notifications may be withheld because they come late.
    may_withhold: bool,
    /// Whether late records may bring corrections, so that only the auditor's replay can tell.
    has_late: bool,
    ids: BTreeSet<(Topic, String)>,
    /// Events whose notifications were withheld.
    withheld: BTreeSet<String>,
    reached: Reached,
}

impl Oracle {
    pub(super) fn new(config: &Config, events: &[At], reached: Reached) -> Self {
        let until = Timestamp::from_millis(START_MS + END_MS);
        let first = workload::plan(config.family, 0);
        let mut rules = Rules::new(Arc::clone(first.revision()));
        let (mut facts, mut in_force) = (Vec::new(), vec![0]);
        for At(at_ms, event) in events {
            if let Event::Write {
                id,
                ticket,
                what,
                way,
            } = event
            {
                let age_ms = match way {
                    Way::Plain { age_ms, .. } => *age_ms,
                    Way::Held { .. } => 0,
                };
                let is_aborted = matches!(
                    way,
                    Way::Held {
                        is_committed: false,
                        ..
                    }
                );
                let fact = fact((*id, *ticket, *what), at_ms - age_ms, config);
                facts.extend(fact.filter(|_| !is_aborted));
            }
            if let Event::Edit { variant } = event
                && !in_force.contains(variant)
            {
                in_force.push(*variant);
                let set = workload::plan(config.family, *variant);
                let at = Timestamp::from_millis(START_MS + at_ms);
                rules = rules.with_edit(at, Arc::clone(set.revision()));
            }
        }
        let partitions = u16::try_from(config.partitions).unwrap();
        let simulation = Simulation::new(&Arc::new(rules), facts, until, FACTS_PER_STEP)
            .with_partitions(partitions, partition_of);
        let mut streams: BTreeMap<Stream, Progress> = BTreeMap::new();
        for emitted in simulation.flatten() {
            let mut line = Vec::new();
            wire::events::write_line(&mut line, &emitted.event).unwrap();
            let line: Value = serde_json::from_slice(&line).unwrap();
            let value = line["value"].clone();
            let key = line["key"].as_str().unwrap().to_owned();
            let topic = Topic::named(line["topic"].as_str().unwrap());
            let stream = (topic, home(&value, config.partitions), key);
            let progress = streams.entry(stream).or_default();
            progress.expected.push(Expected {
                at: emitted.at,
                id: text(&value, "id"),
                purpose: text(&value, "purpose"),
                value: without_time(value),
            });
        }
        Self {
            streams,
            lateness_max_ms: LATENESS_MAX_MS + config.grace_ms,
            may_withhold: config.may_withhold(),
            has_late: config.has_late,
            ids: BTreeSet::new(),
            withheld: BTreeSet::new(),
            reached,
        }
    }

    /// Takes an event that was committed.
    pub(super) fn take(
        &mut self,
        place: Place,
        payload: &Payload,
        now_ms: i64,
    ) -> Result<(), String> {
        let key = String::from_utf8(payload.key.clone().unwrap()).unwrap();
        let value: Value = serde_json::from_slice(payload.value.as_deref().unwrap()).unwrap();
        self.count(&value);
        if value["notify_suppressed"] == true {
            self.withheld.insert(text(&value, "id"));
        }
        let id = text(&value, "id");
        if !self.ids.insert((place.0, id.clone())) {
            return Err(format!("{place:?}: came twice: {value}"));
        }
        if self.has_late {
            return Ok(());
        }
        let value = without_time(value);
        let may_pass = self.may_withhold && place.0 == Topic::Notify;
        let stream = (place.0, place.1, key);
        let progress = self.streams.entry(stream.clone()).or_default();
        if may_pass {
            progress.pass_until(&id);
        }
        let Some(expected) = progress.expected.get(progress.seen) else {
            return Err(format!(
                "{stream:?}: nothing more was expected, but came {value}"
            ));
        };
        if expected.value != value {
            let difference = difference(&value.to_string(), &expected.value.to_string());
            return Err(format!("{stream:?}: {difference}"));
        }
        if expected.at.as_millis() > now_ms {
            return Err(format!("{stream:?}: before its time came {value}"));
        }
        let due_ms = expected.at.as_millis();
        let is_healthy = due_ms >= START_MS + CALM_MS + HEALTHY_AFTER_MS;
        if is_healthy && now_ms > due_ms + self.lateness_max_ms {
            let late_ms = now_ms - due_ms;
            return Err(format!(
                "{stream:?}: {late_ms} ms late, though all is well, came {value}"
            ));
        }
        progress.seen += 1;
        Ok(())
    }

    fn count(&self, value: &Value) {
        if value["type"] == "raised" {
            self.reached.count(Path::Raised);
        }
        if value["purpose"] == "digest" {
            self.reached.count(Path::Digest);
        }
    }

    /// Whether everything is out that has to be.
    pub(super) fn finish(&self) -> Result<(), String> {
        let due = Timestamp::from_millis(START_MS + END_MS - MARGIN_MS);
        for (stream, progress) in self.streams.iter().filter(|_| !self.has_late) {
            let rest = progress.seen..progress.expected.len();
            for index in progress.missed.iter().copied().chain(rest) {
                let missing = &progress.expected[index];
                if missing.at < due && !self.is_withheld(missing) {
                    return Err(format!("{stream:?}: missing is {}", missing.value));
                }
            }
        }
        Ok(())
    }

    fn is_withheld(&self, missing: &Expected) -> bool {
        let cause = text(&missing.value, "escalation_event_id");
        // Who hears of these depends on who was told.
        let depends = matches!(&*missing.purpose, "lowered" | "ended" | "customer_update");
        self.may_withhold && (depends || self.withheld.contains(&cause))
    }
}

impl Progress {
    fn pass_until(&mut self, id: &str) {
        let rest = &self.expected[self.seen..];
        if let Some(skipped) = rest.iter().position(|expected| expected.id == id) {
            self.missed.extend(self.seen..self.seen + skipped);
            self.seen += skipped;
        }
    }
}

/// The fact of a record, unless nobody can read it.
fn fact(written: (u32, u32, What), at_ms: i64, config: &Config) -> Option<TicketFact> {
    let ((topic, partition), payload) = record(written, at_ms, config.partitions);
    decode(topic, partition, config.partitions, &payload)
}

/// What a record of an input says; none when nobody can read it.
pub(super) fn decode(
    topic: Topic,
    partition: i32,
    partitions: i32,
    payload: &Payload,
) -> Option<TicketFact> {
    let input = Topic::INPUTS.iter().position(|input| *input == topic);
    let record = wire::Record {
        input: wire::Input::ALL[input.unwrap()],
        partition,
        partitions,
        key: payload.key.as_deref(),
        value: payload.value.as_deref(),
        headers: &[],
        sample: false,
    };
    let now = Timestamp::from_millis(START_MS + END_MS);
    wire::decode(
        &record,
        &wire::WriterSchemas::default(),
        &Mappings::default(),
        now,
    )
    .ok()
    .map(|decoded| decoded.fact)
}

/// The partition of an event.
fn home(value: &Value, partitions: i32) -> i32 {
    let ticket = value["ticket_id"].as_str();
    let ticket = ticket.or_else(|| value["items"][0]["ticket_id"].as_str());
    partition_of(ticket.unwrap().as_bytes(), partitions)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// An event without what may differ with the time of deciding.
fn without_time(mut value: Value) -> Value {
    let fields = value.as_object_mut().unwrap();
    for free in ["fired_at", "lateness_ms", "notify_suppressed", "tz_version"] {
        fields.remove(free);
    }
    value
}
