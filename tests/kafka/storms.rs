//! Limits on notifications and forgetting on a real broker: through kills and rebalances exactly
//! what `simulate` gives for as many partitions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use escalator::offline::Recording;
use escalator::wire::murmur2_partition;
use escalator_engine::effect::{Event, Purpose};
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{FACTS_PER_STEP, Simulation};
use escalator_engine::time::Timestamp;
use serde_json::Value;

use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{Sent, produce};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, pass, wait_until};

/// No repeats: one whose successor is due is not told after an outage, but in simulation is.
const PLAN: &str = "
version: 1
forget_after: 30m
targets:
  noc: { kind: team, channels: [chat], at_most: { count: 3, per: 10m } }
  boss: { kind: role, channels: [phone, email] }
plans:
  - name: p
    stale_after: none
    timeframes:
      first_response:
        within: 20m
        marks: [ { at: 50%, warn: [noc] }, { at: 100%, level: 1 }, { at: 200%, level: 2 } ]
    path: [ { notify: [noc] }, { notify: [boss, noc] } ]
";

const PARTITIONS: i32 = 3;

/// What was due in the past is told, too, and transactions are so small that kills find work.
const SETTINGS: &str = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n\
                        [tuning]\ntransaction_records = 5\n";

/// 2026-01-05T08:00:00Z.
const BEGIN_MS: i64 = 1_767_600_000_000;
const MINUTE_MS: i64 = 60_000;
const TICKETS: i64 = 300;

/// An event in: its input, ticket and instant, and the rest of its value.
struct Sample {
    input: &'static str,
    ticket: String,
    at_ms: i64,
    content: String,
}

impl Sample {
    fn value(&self) -> String {
        let at = Timestamp::from_millis(self.at_ms);
        let (ticket, content) = (&self.ticket, &self.content);
        format!(r#"{{"ticket_id":"{ticket}","occurred_at":"{at}",{content}}}"#)
    }
}

/// Tickets that come every twenty seconds: some are answered, all are resolved, and some are
/// reopened when they have long been forgotten.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for number in 0..TICKETS {
        let mut add = |minutes: i64, content: &str| {
            samples.push(Sample {
                input: if minutes == 0 { "created" } else { "updated" },
                ticket: format!("T{number:03}"),
                at_ms: BEGIN_MS + number * MINUTE_MS / 3 + minutes * MINUTE_MS,
                content: content.to_owned(),
            });
        };
        add(0, r#""ticket":{"status":"open"}"#);
        if number % 3 == 0 {
            add(15, r#""activities":[{"kind":"agent_reply"}]"#);
        }
        add(50, r#""changes":{"status":"resolved"}"#);
        if number % 10 == 0 {
            add(120, r#""changes":{"status":"open"}"#);
        }
    }
    samples.sort_by_key(|sample| sample.at_ms);
    samples
}

/// How often each id came out of each topic.
type Ids = BTreeMap<(&'static str, String), usize>;

/// What simulation gives, and how many digests there are.
fn simulated(site: &Site, samples: &[Sample]) -> (Ids, usize) {
    let plans = escalator::plan_file::load(&site.path().join("plan.yaml")).unwrap();
    let rules = Arc::new(Rules::new(plans.revision().clone()));
    let mut lines = String::new();
    for sample in samples {
        let (input, value) = (sample.input, sample.value());
        writeln!(lines, r#"{{"topic":"ticket-{input}","value":{value}}}"#).unwrap();
    }
    let recording = Recording::read(lines.as_bytes()).unwrap();
    let until = Timestamp::from_millis(BEGIN_MS + 48 * 60 * MINUTE_MS);
    let simulation = Simulation::new(&rules, recording.facts, until, FACTS_PER_STEP)
        .with_partitions(PARTITIONS as u16, murmur2_partition);
    let (mut ids, mut digests) = (Ids::new(), 0);
    for emitted in simulation.flatten() {
        let key = match emitted.event {
            Event::Escalated(event) => ("escalated", event.id),
            Event::Notify(event) => {
                digests += usize::from(event.purpose == Purpose::Digest);
                ("notify", event.id)
            }
        };
        *ids.entry(key).or_default() += 1;
    }
    (ids, digests)
}

fn published(site: &Site) -> Ids {
    let mut ids = Ids::new();
    for topic in ["escalated", "notify"] {
        for record in site.read(topic) {
            let event: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
            let id = event["id"].as_str().unwrap().to_owned();
            *ids.entry((topic, id)).or_default() += 1;
        }
    }
    ids
}

fn write(site: &Site, samples: &[Sample]) {
    for input in ["created", "updated"] {
        let values: Vec<_> = samples
            .iter()
            .filter(|sample| sample.input == input)
            .map(|sample| (sample, sample.value()))
            .collect();
        let sent: Vec<_> = values
            .iter()
            .map(|(sample, value)| Sent {
                partition: murmur2_partition(sample.ticket.as_bytes(), PARTITIONS),
                timestamp_ms: Some(sample.at_ms),
                key: Some(sample.ticket.as_bytes()),
                value: Some(value.as_bytes()),
                ..Sent::default()
            })
            .collect();
        produce(&broker().address, &site.topic(input), &sent);
    }
}

/// The tickets whose last record of state is a tombstone, of all that have records.
fn forgotten(site: &Site) -> (usize, usize) {
    let mut last: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    for record in site.read("state") {
        if let Some(key) = record.key.filter(|key| key[0] == b'T') {
            last.insert(key, record.value.is_none());
        }
    }
    (last.values().filter(|gone| **gone).count(), last.len())
}

#[test]
fn limits_and_forgetting_survive_kills_and_rebalances_exactly_once() {
    let site = Site::new(PLAN, PARTITIONS, SETTINGS);
    let samples = samples();
    write(&site, &samples);
    let (expected, digests) = simulated(&site, &samples);
    assert!(digests > 20, "{digests} digests are no storm");
    let mut running = vec![site.start("a")];
    let mut kills = 0;
    // Whoever works is killed: one that has come back is given nothing to do where the other one
    // has done it all meanwhile.
    while kills < 4 {
        let busy = wait_until("work of a process", PATIENCE, || {
            pass(Duration::from_millis(50));
            let busy = |child: &Escalator| site.has_committed(child);
            let is_over = || kills >= 2 && published(&site).len() >= expected.len();
            let busy = running.iter().position(busy).map(Some);
            busy.or_else(|| is_over().then_some(None))
        });
        let Some(busy) = busy else { break };
        if kills == 1 {
            running.push(site.start("b"));
        }
        std::mem::replace(&mut running[busy], site.start(["a", "b"][busy])).kill();
        kills += 1;
    }
    wait_until("everything that simulation gives", 3 * PATIENCE, || {
        pass(Duration::from_millis(200));
        (published(&site).len() >= expected.len()).then_some(())
    });
    // Those that were reopened are open still.
    let open = usize::try_from(TICKETS / 10).unwrap();
    let all = usize::try_from(TICKETS).unwrap();
    wait_until("the tombstones", PATIENCE, || {
        pass(Duration::from_millis(200));
        (forgotten(&site) == (all - open, all)).then_some(())
    });
    for instance in running {
        assert!(instance.stop().success());
    }
    assert_eq!(published(&site), expected);
}
