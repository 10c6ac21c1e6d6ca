//! Plans that are edited while tickets run.

use std::collections::BTreeMap;

use escalator_engine::fact::TicketFact;
use escalator_engine::simulate::simulate;

use super::*;
use crate::edits;
use crate::mapping::Mappings;
use crate::plan_file::PlanSet;
use crate::wire;

/// The plan with another time to the first response, and what it does to running tickets.
fn plan(within: &str, in_flight: &str) -> PlanSet {
    let text = PLAN.replace("within: 15m", &format!("within: {within}"));
    let text = text.replace(
        "- name: p",
        &format!("- name: p\n    in_flight: {in_flight}"),
    );
    let checked = plan_file::check(Sources::from_text("plan.yaml", &text));
    checked.into_set().unwrap()
}

impl Scene {
    /// A scene whose log of edits begins with the usual plan.
    fn with_log() -> Self {
        let mut scene = Self::new();
        scene.edit(0, &plan("15m", "adopt"), false);
        scene.read_log();
        scene
    }

    fn edit(&self, minutes: i64, set: &PlanSet, is_activation: bool) {
        let record = edits::record("edits", set, is_activation);
        let at_ms = NINE + minutes * MINUTE;
        self.brokers.borrow_mut().edit(at_ms, record);
    }

    /// Reads the log of edits as a service does that starts.
    fn read_log(&mut self) {
        self.edits = EditLog::default();
        for record in &self.brokers.borrow().edits {
            self.edits.take(record);
        }
        self.rules = Arc::new(self.edits.rules().unwrap());
    }

    /// What was decided, by the ids of the events.
    fn decided_by_id(&self) -> BTreeMap<String, Value> {
        let brokers = self.brokers.borrow();
        let written = brokers.written.iter();
        let values = written
            .filter(|record| matches!(&*record.topic, "escalated" | "notify"))
            .map(|record| serde_json::from_slice(record.value.as_deref().unwrap()).unwrap());
        by_id(values)
    }

    /// What a simulation decides with the edits at the instants of the log.
    fn simulated(&self, minutes: i64) -> BTreeMap<String, Value> {
        let mut log = EditLog::default();
        let brokers = self.brokers.borrow();
        for record in &brokers.edits {
            log.take(record);
        }
        let now = Timestamp::from_millis(NINE + minutes * MINUTE);
        let records = brokers.inputs.values().flatten();
        let facts: Vec<TicketFact> = records
            .map(|record| {
                let read = wire::Record {
                    input: wire::Input::ALL[record.input],
                    partition: record.partition,
                    partitions: 2,
                    key: record.key.as_deref(),
                    value: record.value.as_deref(),
                    headers: &[],
                    sample: false,
                };
                wire::decode(&read, &WriterSchemas::default(), &Mappings::default(), now)
                    .unwrap()
                    .fact
            })
            .collect();
        let (simulated, _) = simulate(&Arc::new(log.rules().unwrap()), facts, now);
        let values = simulated.events.iter().map(|emitted| {
            let mut line = Vec::new();
            wire::events::write_line(&mut line, &emitted.event).unwrap();
            let line: Value = serde_json::from_slice(&line).unwrap();
            line["value"].clone()
        });
        by_id(values)
    }
}

/// Events by their ids, without what may differ from a simulation.
fn by_id(values: impl Iterator<Item = Value>) -> BTreeMap<String, Value> {
    let mut by_id = BTreeMap::new();
    for mut value in values {
        for free in ["fired_at", "lateness_ms", "tz_version"] {
            value.as_object_mut().unwrap().remove(free);
        }
        let id = value["id"].as_str().unwrap().to_owned();
        let earlier = by_id.insert(id, value);
        assert!(earlier.is_none(), "decided twice: {earlier:?}");
    }
    by_id
}

/// Tickets on two partitions, some of them answered, with an hour of life.
fn write_day(scene: &Scene) {
    for number in 0..40 {
        let partition = number % 2;
        let ticket = format!("T{number:02}");
        scene.create(partition, &ticket, i64::from(number));
        if number % 3 == 0 {
            scene.reply(partition, &ticket, i64::from(number) + 8);
        }
    }
}

#[test]
fn edits_in_mid_stream_give_what_a_simulation_gives_whatever_happens() {
    let cases = [
        (None, 11),
        (Some(Fault::LostAnswer), 24),
        (Some(Fault::Fence), 33),
    ];
    for (fault, restart_at) in cases {
        let mut scene = Scene::with_log();
        write_day(&scene);
        let mut shard = scene.owner(&[0, 1]);
        scene.run(&mut shard, 10);
        scene.edit(10, &plan("30m", "restart"), false);
        scene.brokers.borrow_mut().faults.extend(fault);
        scene.run(&mut shard, restart_at);
        drop(shard);
        scene.edit(restart_at, &plan("5m", "keep"), false);
        scene.read_log();
        let mut shard = scene.owner(&[0, 1]);
        scene.run(&mut shard, 40);
        scene.edit(40, &plan("15m", "adopt"), false);
        scene.run(&mut shard, 45);
        scene.edit(45, &plan("15m", "adopt"), true);
        scene.brokers.borrow_mut().faults.extend(fault);
        scene.run(&mut shard, 70);
        let (decided, simulated) = (scene.decided_by_id(), scene.simulated(70));
        assert!(simulated.len() > 30, "{}", simulated.len());
        let case = format!("{fault:?}, restarted at {restart_at}");
        assert_eq!(decided, simulated, "{case}");
    }
}

#[test]
fn nothing_is_decided_while_an_edit_may_lie_unread() {
    let mut scene = Scene::with_log();
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 10);
    scene.edit(10, &plan("60m", "adopt"), false);
    scene.brokers.borrow_mut().are_edits_hidden = true;
    scene.run(&mut shard, 30);
    assert_eq!(scene.raised(), [], "the edit may give it more time");
    scene.brokers.borrow_mut().are_edits_hidden = false;
    scene.run(&mut shard, 59);
    assert_eq!(scene.raised(), []);
    scene.run(&mut shard, 61);
    assert_eq!(scene.raised_tickets(), ["T1"]);
}

#[test]
fn what_an_edit_makes_due_is_decided_without_any_input() {
    let mut scene = Scene::with_log();
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 10);
    scene.edit(10, &plan("5m", "adopt"), false);
    scene.run(&mut shard, 11);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert_eq!(scene.decided_by_id(), scene.simulated(11));
}

#[test]
fn history_is_decided_by_the_revision_that_was_in_force_first() {
    let mut scene = Scene::new();
    scene.create(0, "T1", 0);
    scene.clock.set(NINE + 60 * MINUTE);
    scene.edit(50, &plan("15m", "adopt"), false);
    scene.edit(55, &plan("2h", "adopt"), false);
    scene.create(0, "T2", 56);
    scene.read_log();
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 61);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    assert_eq!(scene.decided_by_id(), scene.simulated(61));
}

#[test]
fn an_edit_that_cannot_be_used_changes_nothing() {
    let mut scene = Scene::with_log();
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 5);
    let mut forged = edits::record("edits", &plan("60m", "adopt"), false);
    forged.value = edits::record("edits", &plan("1m", "adopt"), false).value;
    scene.brokers.borrow_mut().edit(NINE + 5 * MINUTE, forged);
    scene.run(&mut shard, 16);
    assert_eq!(scene.raised_tickets(), ["T1"]);
    let raised = scene.raised();
    assert!(raised[0].1 < 100, "it was {} ms late", raised[0].1);
}

/// What subscribers hear, without their names: ticket, type, kind of the cause.
fn heard(scene: &Scene) -> Vec<String> {
    let brokers = scene.brokers.borrow();
    let escalated = brokers
        .written
        .iter()
        .filter(|record| &*record.topic == "escalated");
    let events = escalated.map(|record| -> Value {
        serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
    });
    let line = |event: Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (ticket, kind) = (text(&event["ticket_id"]), text(&event["type"]));
        format!("{ticket} {kind} {}", text(&event["cause"]["kind"]))
    };
    events.map(line).collect()
}

#[test]
fn an_edit_that_is_dated_before_what_was_decided_puts_it_right_also_behind_a_restart() {
    for is_restarted in [false, true] {
        let mut scene = Scene::with_log();
        let mut shard = scene.owner(&[0]);
        scene.create(0, "T1", 0);
        scene.create(0, "T2", 4);
        scene.reply(0, "T2", 18);
        scene.run(&mut shard, 25);
        assert_eq!(heard(&scene), ["T1 raised timeframe"]);
        // The clock of the broker is far behind.
        scene.edit(10, &plan("12m", "adopt"), false);
        if is_restarted {
            scene.read_log();
            shard = scene.owner(&[0]);
        }
        scene.run(&mut shard, 26);
        let expected = ["T1 raised timeframe", "T2 raised timeframe"];
        assert_eq!(heard(&scene), expected, "T2 was answered too late");
    }
}

#[test]
fn an_edit_of_more_tickets_than_a_transaction_takes_is_decided_in_several() {
    const TICKETS: usize = DECISIONS_MAX + 500;
    let mut scene = Scene::with_log();
    let mut shard = scene.owner(&[0]);
    for number in 0..TICKETS {
        scene.create(0, &format!("T{number:04}"), 0);
    }
    scene.run(&mut shard, 5);
    let before = scene.brokers.borrow().written.len();
    // All that is edited is due at once by then.
    scene.edit(5, &plan("3m", "adopt"), false);
    scene.run(&mut shard, 6);
    assert_eq!(scene.decided_by_id(), scene.simulated(6));
    let raised = scene.raised_tickets();
    assert_eq!(raised.len(), TICKETS);
    assert!(raised.is_sorted(), "it is decided in order of the ids");
    let brokers = scene.brokers.borrow();
    let written = brokers.written[before..].iter();
    let states = written.filter(|record| &*record.topic == STATE);
    let keys: Vec<_> = states.map(|record| record.key.clone().unwrap()).collect();
    let transactions = keys.split(|key| key == meta::KEY);
    let largest = transactions.map(<[_]>::len).max();
    assert_eq!(largest, Some(DECISIONS_MAX));
}
