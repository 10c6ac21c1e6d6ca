mod beginnings;
mod edits;
mod faults;
mod forgetting;
mod readiness;
mod schemas;
mod sizes;
mod storms;
mod traces;
mod turns;
mod updates;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use escalator_engine::rules::Rules;
use escalator_engine::time::{Duration as Span, Timestamp};
use serde_json::Value;

use super::model::{Brokers, Fault, INPUTS, LIMITS, ModelLog, STATE, VirtualClock};
use super::{DECISIONS_MAX, Error, Pace, Parts, Shard, StartAt};
use crate::edits::EditLog;
use crate::http::Health;
use crate::kafka::OffsetOf;
use crate::metrics::IgnoredActivity;
use crate::partition::meta::{self, Meta};
use crate::partition::{Names, Partition, Shared, Writing};
use crate::plan_file::{self, Sources};
use crate::wire::{OutputFormat, WriterSchemas};

use schemas::Registry;

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response:
        within: 15m
        marks: [ { at: 100%, level: 1 } ]
    path: [ { notify: [noc] } ]
";

/// A day to begin with, in milliseconds since 1970: 2026-11-23T09:00:00Z.
const NINE: i64 = 1_795_424_400_000;
const MINUTE: i64 = 60_000;

/// A shard over model brokers on a virtual clock.
struct Scene {
    brokers: Rc<RefCell<Brokers>>,
    clock: VirtualClock,
    rules: Arc<Rules>,
    health: Arc<Health>,
    stop: AtomicBool,
    grace: Span,
    runs: u32,
    /// See [`Pace::much`].
    much: usize,
    /// The log of edits, as a starting service has read it.
    edits: EditLog,
    registry: Option<Registry>,
}

impl Scene {
    fn new() -> Self {
        Self::with_plan(PLAN)
    }

    fn with_plan(plan: &str) -> Self {
        let checked = plan_file::check(Sources::from_text("plan.yaml", plan));
        let set = checked.into_set().unwrap();
        let clock = VirtualClock::default();
        clock.set(NINE);
        Self {
            brokers: Rc::default(),
            clock,
            rules: Arc::new(Rules::new(Arc::clone(set.revision()))),
            health: Arc::default(),
            stop: AtomicBool::new(false),
            grace: Span::from_millis(0),
            runs: 0,
            much: 0,
            edits: EditLog::default(),
            registry: None,
        }
    }

    fn shard(&mut self, start: StartAt) -> Shard<ModelLog> {
        self.runs += 1;
        let log = ModelLog::new(
            Rc::clone(&self.brokers),
            self.clock.clone(),
            Arc::clone(&self.rules),
        );
        let names = Names {
            inputs: INPUTS.map(str::to_owned),
            state: STATE.into(),
            escalated: "escalated".into(),
            notify: "notify".into(),
            dead_letters: "dead-letters".into(),
        };
        let parts = Parts {
            shared: Shared {
                rules: Arc::clone(&self.rules),
                edits_until: Timestamp::MIN,
                schemas: self
                    .registry
                    .as_ref()
                    .map_or_else(WriterSchemas::default, |_| WriterSchemas::of_registry()),
                mappings: Arc::default(),
                tz_version: "test".into(),
                grace: self.grace,
                partitions: 2,
                writing: Writing {
                    names,
                    format: OutputFormat::Json,
                    cloud_events: false,
                    limits: self.brokers.borrow().limits.unwrap_or(LIMITS),
                },
                instance: "one".to_owned(),
            },
            edits: self.edits.clone(),
            registry: self.registry.as_ref().map(Registry::desk),
            start,
            pace: Pace {
                records_max: 1_000,
                interval: Duration::from_millis(100),
                much: self.much,
            },
            run_id: format!("run-{}", self.runs),
            clock: Arc::new(self.clock.clone()),
            metrics: Arc::default(),
            health: Arc::clone(&self.health),
        };
        Shard::new(log, parts)
    }

    /// A shard that reads from the beginning and owns these partitions.
    fn owner(&mut self, numbers: &[i32]) -> Shard<ModelLog> {
        let shard = self.shard(StartAt {
            offsets: OffsetOf::Start,
            notify_from: Some(Timestamp::MIN),
        });
        self.brokers.borrow_mut().assign(numbers);
        shard
    }

    /// Runs turns until every partition has had its first transaction, and nothing is under way.
    fn begin(&self, shard: &mut Shard<ModelLog>) {
        let has_begun = |it: &Partition| !it.meta().transaction.is_empty();
        while shard.live().count() == 0 || !shard.live().all(has_begun) || shard.is_under_way() {
            self.turns(shard, 1).unwrap();
        }
    }

    /// Runs turns until a transaction is under way.
    fn until_under_way(&self, shard: &mut Shard<ModelLog>) {
        let mut wait = Duration::ZERO;
        while !shard.is_under_way() {
            wait = shard.turn(wait, &self.stop).unwrap();
        }
    }

    /// Runs turns until the clock has come to this many minutes after nine, and nothing is under way.
    fn run(&self, shard: &mut Shard<ModelLog>, minutes: i64) {
        let mut wait = Duration::ZERO;
        while self.minutes() < minutes || shard.is_under_way() {
            wait = shard.turn(wait, &self.stop).unwrap();
        }
    }

    /// Runs a number of turns.
    fn turns(&self, shard: &mut Shard<ModelLog>, count: usize) -> Result<(), Error> {
        let mut wait = Duration::ZERO;
        for _ in 0..count {
            wait = shard.turn(wait, &self.stop)?;
        }
        Ok(())
    }

    fn fails(&self, check: crate::http::Check) -> bool {
        self.health.checks().contains(&(check, false))
    }

    fn minutes(&self) -> i64 {
        use crate::clock::Clock;
        (self.clock.now().as_millis() - NINE) / MINUTE
    }

    fn create(&self, partition: i32, ticket: &str, minutes: i64) {
        let at = Timestamp::from_millis(NINE + minutes * MINUTE);
        let value = format!(
            r#"{{"ticket_id":"{ticket}","occurred_at":"{at}","ticket":{{"status":"open"}}}}"#
        );
        self.brokers
            .borrow_mut()
            .produce(0, partition, at.as_millis(), ticket, &value);
    }

    fn reply(&self, partition: i32, ticket: &str, minutes: i64) {
        let at = Timestamp::from_millis(NINE + minutes * MINUTE);
        let value = format!(
            r#"{{"ticket_id":"{ticket}","occurred_at":"{at}","activities":[{{"kind":"agent_reply"}}]}}"#
        );
        self.brokers
            .borrow_mut()
            .produce(1, partition, at.as_millis(), ticket, &value);
    }

    /// What was raised: ticket, lateness in milliseconds.
    fn raised(&self) -> Vec<(String, i64)> {
        let brokers = self.brokers.borrow();
        let escalated = brokers
            .written
            .iter()
            .filter(|record| &*record.topic == "escalated");
        escalated
            .map(|record| serde_json::from_slice(record.value.as_deref().unwrap()).unwrap())
            .map(|event: Value| {
                assert_eq!(event["type"], "raised");
                let ticket = event["ticket_id"].as_str().unwrap().to_owned();
                (ticket, event["lateness_ms"].as_i64().unwrap())
            })
            .collect()
    }

    fn raised_tickets(&self) -> Vec<String> {
        self.raised()
            .into_iter()
            .map(|(ticket, _)| ticket)
            .collect()
    }

    fn count(&self, topic: &str) -> usize {
        let brokers = self.brokers.borrow();
        brokers
            .written
            .iter()
            .filter(|record| &*record.topic == topic)
            .count()
    }

    fn meta(&self, partition: i32) -> Meta {
        Meta::decode(&self.brokers.borrow().state[&partition][meta::KEY]).unwrap()
    }
}

#[test]
fn a_deadline_fires_with_no_input_at_all() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 16);
    let raised = scene.raised();
    assert_eq!(raised.len(), 1);
    assert!(raised[0].1 < 100, "it was {} ms late", raised[0].1);
    assert_eq!(scene.count("notify"), 1);
}

#[test]
fn an_answer_that_lies_unread_holds_the_deadline_back() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 10);
    scene.reply(0, "T1", 10);
    scene.brokers.borrow_mut().hidden.insert((1, 0), 1);
    scene.run(&mut shard, 30);
    assert_eq!(scene.raised(), [], "the answer may be among what is hidden");
    scene.brokers.borrow_mut().hidden.clear();
    scene.run(&mut shard, 31);
    assert_eq!(scene.raised(), [], "the answer came in time");
}

#[test]
fn a_backlog_gives_what_live_reading_would_have_given() {
    let mut scene = Scene::new();
    scene.clock.set(NINE + 24 * 60 * MINUTE);
    for number in 0..500 {
        scene.create(0, &format!("T{number}"), number);
        if number % 2 == 0 {
            scene.reply(0, &format!("T{number}"), number + 10);
        } else {
            scene.reply(0, &format!("T{number}"), number + 20);
        }
    }
    let mut shard = scene.owner(&[0]);
    scene.turns(&mut shard, 20).unwrap();
    let odd: Vec<String> = (0..500)
        .filter(|n| n % 2 == 1)
        .map(|n| format!("T{n}"))
        .collect();
    assert_eq!(scene.raised_tickets(), odd);
}

#[test]
fn a_restart_goes_on_where_the_last_transaction_ended() {
    let mut scene = Scene::new();
    let mut first = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut first, 5);
    drop(first);
    assert_eq!(scene.meta(0).epoch, 1);

    scene.clock.set(NINE + 40 * MINUTE);
    let mut second = scene.owner(&[0]);
    scene.turns(&mut second, 5).unwrap();
    assert_eq!(scene.raised_tickets(), ["T1"]);
    let meta = scene.meta(0);
    assert_eq!((meta.epoch, meta.offsets), (2, [1, 0]));
    let mut third = scene.owner(&[0]);
    scene.turns(&mut third, 5).unwrap();
    assert_eq!(scene.raised_tickets(), ["T1"], "once is enough");
}

#[test]
fn a_poison_record_becomes_a_dead_letter_and_the_stream_goes_on() {
    let mut scene = Scene::new();
    scene
        .brokers
        .borrow_mut()
        .produce(0, 0, NINE, "T0", "{nonsense");
    scene.create(0, "T1", 0);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    let brokers = scene.brokers.borrow();
    let letters: Vec<_> = brokers
        .written
        .iter()
        .filter(|r| &*r.topic == "dead-letters")
        .collect();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].key.as_deref(), Some(&b"T0"[..]));
    assert_eq!(letters[0].value.as_deref(), Some(&b"{nonsense"[..]));
    assert_eq!(letters[0].timestamp_ms, Some(NINE));
    assert_eq!(
        letters[0].headers[0],
        ("reason".to_owned(), Some(b"unreadable".to_vec()))
    );
}

#[test]
fn what_means_nothing_to_the_service_is_counted() {
    let mut scene = Scene::new();
    let at = Timestamp::from_millis(NINE);
    let update = format!(
        r#"{{"ticket_id":"T1","occurred_at":"{at}","colour":"red","unset":["shape"],"activities":[{{"kind":"telepathy"}},{{"kind":"agent_reply"}},{{"kind":"Snooze"}}]}}"#
    );
    scene
        .brokers
        .borrow_mut()
        .produce(1, 0, NINE, "T1", &update);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 1);
    let metrics = &shard.parts.metrics;
    let unknown = metrics.activities_ignored(IgnoredActivity::Unknown);
    assert_eq!(
        (unknown.get(), metrics.families.unknown_fields.get()),
        (2, 2)
    );
}

#[test]
fn a_thousand_deadlines_of_one_instant_are_bounded_per_transaction_and_complete() {
    let mut scene = Scene::new();
    for number in 0..5_000 {
        scene.create(0, &format!("T{number:04}"), number / 1_000);
    }
    scene.clock.set(NINE + 24 * 60 * MINUTE);
    let mut shard = scene.owner(&[0]);
    scene.turns(&mut shard, 60).unwrap();
    let raised = scene.raised_tickets();
    let expected: Vec<String> = (0..5_000).map(|number| format!("T{number:04}")).collect();
    assert_eq!(raised, expected);
}

#[test]
fn what_falls_due_at_once_is_shared_out_among_the_partitions_of_a_transaction() {
    const EACH: usize = 3_000;
    let mut scene = Scene::new();
    for partition in 0..2 {
        for number in 0..EACH {
            scene.create(partition, &format!("T{partition}-{number:04}"), 0);
        }
    }
    let mut shard = scene.owner(&[0, 1]);
    scene.run(&mut shard, 1);
    scene.clock.set(NINE + 16 * MINUTE);
    scene.turns(&mut shard, 10).unwrap();
    // Of each transaction that has raised something, how much of each partition.
    let mut transactions: Vec<BTreeMap<i32, usize>> = Vec::new();
    let mut open = BTreeMap::new();
    for record in &scene.brokers.borrow().written {
        let is_last = &*record.topic == STATE
            && record.key.as_deref() == Some(meta::KEY)
            && record.partition == 1;
        if &*record.topic == "escalated" {
            *open.entry(record.partition).or_default() += 1;
        } else if is_last && !open.is_empty() {
            transactions.push(std::mem::take(&mut open));
        }
    }
    let share = DECISIONS_MAX / 2;
    let expected: [BTreeMap<i32, usize>; 2] =
        [share, EACH - share].map(|count| (0..2).map(|it| (it, count)).collect());
    assert_eq!(transactions, expected);
}

#[test]
fn what_comes_while_there_is_much_to_decide_is_stored_once() {
    const TICKETS: usize = 3 * DECISIONS_MAX;
    let mut scene = Scene::new();
    let ids: Vec<String> = (0..TICKETS).map(|number| format!("T{number:05}")).collect();
    for id in &ids {
        scene.create(0, id, 0);
    }
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 1);
    let before = scene.count(STATE);
    scene.clock.set(NINE + 16 * MINUTE);
    scene.turns(&mut shard, 1).unwrap();
    assert!(
        scene.count("escalated") < TICKETS,
        "there is more to decide"
    );
    // Every deadline was over before, so the answers change none of them.
    for id in &ids {
        scene.reply(0, id, 16);
    }
    scene.run(&mut shard, 17);
    assert_eq!(scene.count("escalated"), TICKETS);
    let tickets = |records: usize| records / TICKETS;
    // Once for what was raised, once for the answer; of the partition itself there are a few.
    assert_eq!(tickets(scene.count(STATE) - before), 2);
}
