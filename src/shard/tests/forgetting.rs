//! Tickets that were done long ago leave the state topic, and come back as unknown ones.

use super::*;

const FORGETFUL: &str = "
version: 1
forget_after: 2h
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response:
        within: 15m
        marks: [ { at: 100%, level: 1 } ]
    path: [ { notify: [noc] } ]
";

impl Scene {
    fn change_status(&self, partition: i32, ticket: &str, minutes: i64, status: &str) {
        let at = Timestamp::from_millis(NINE + minutes * MINUTE);
        let value = format!(
            r#"{{"ticket_id":"{ticket}","occurred_at":"{at}","changes":{{"status":"{status}"}}}}"#
        );
        self.brokers
            .borrow_mut()
            .produce(1, partition, at.as_millis(), ticket, &value);
    }

    /// How many times a tombstone was written for a ticket.
    fn tombstones(&self, ticket: &str) -> usize {
        let brokers = self.brokers.borrow();
        let written = brokers.written.iter();
        let of_ticket = written.filter(|record| record.key.as_deref() == Some(ticket.as_bytes()));
        of_ticket
            .filter(|record| &*record.topic == STATE && record.value.is_none())
            .count()
    }

    /// Id and type of everything that was decided, in order.
    fn decided(&self) -> Vec<(String, String)> {
        let brokers = self.brokers.borrow();
        let escalated = brokers
            .written
            .iter()
            .filter(|it| &*it.topic == "escalated");
        let events = escalated.map(|record| -> Value {
            serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
        });
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        events
            .map(|event| (text(&event["id"]), text(&event["type"])))
            .collect()
    }

    fn is_kept(&self, partition: i32, ticket: &str) -> bool {
        let brokers = self.brokers.borrow();
        brokers.state[&partition].contains_key(ticket.as_bytes())
    }
}

#[test]
fn a_tombstone_is_written_once_a_ticket_was_done_for_long_enough() {
    let mut scene = Scene::with_plan(FORGETFUL);
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.create(0, "T2", 0);
    scene.run(&mut shard, 5);
    scene.change_status(0, "T1", 5, "resolved");
    scene.jump(&mut shard, 16);
    scene.jump(&mut shard, 124);
    assert!(scene.is_kept(0, "T1"));
    scene.run(&mut shard, 126);
    assert!(!scene.is_kept(0, "T1") && scene.is_kept(0, "T2"));
    scene.jump(&mut shard, 300);
    assert_eq!(scene.tombstones("T1"), 1);
    assert_eq!(scene.raised_tickets(), ["T2"]);
}

#[test]
fn what_is_heard_of_a_forgotten_ticket_is_of_an_unknown_one() {
    let mut scene = Scene::with_plan(FORGETFUL);
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 5);
    scene.change_status(0, "T1", 5, "closed");
    scene.jump(&mut shard, 130);
    scene.change_status(0, "T1", 130, "open");
    scene.run(&mut shard, 131);
    scene.jump(&mut shard, 160);
    assert_eq!(
        scene.raised_tickets(),
        ["T1"],
        "its first response is awaited anew"
    );
    assert!(scene.is_kept(0, "T1"));
}

#[test]
fn forgetting_survives_failures_and_restarts_and_a_backlog_gives_the_same() {
    let mut live = Scene::with_plan(FORGETFUL);
    let mut shard = live.owner(&[0]);
    live.create(0, "T1", 0);
    live.run(&mut shard, 20);
    live.change_status(0, "T1", 20, "resolved");
    live.run(&mut shard, 21);
    live.jump(&mut shard, 139);
    live.brokers
        .borrow_mut()
        .faults
        .extend([Fault::Abort, Fault::LostRequest, Fault::LostAnswer]);
    live.run(&mut shard, 145);
    assert_eq!((live.tombstones("T1"), live.is_kept(0, "T1")), (1, false));
    drop(shard);
    let mut again = live.owner(&[0]);
    live.change_status(0, "T1", 150, "open");
    live.jump(&mut again, 150);
    live.run(&mut again, 151);
    live.jump(&mut again, 170);

    let mut late = Scene::with_plan(FORGETFUL);
    late.create(0, "T1", 0);
    late.change_status(0, "T1", 20, "resolved");
    late.change_status(0, "T1", 150, "open");
    late.clock.set(NINE + 170 * MINUTE);
    let mut shard = late.owner(&[0]);
    late.turns(&mut shard, 20).unwrap();
    let decided = live.decided();
    let types: Vec<_> = decided.iter().map(|(_, kind)| &**kind).collect();
    assert_eq!(types, ["raised", "ended", "raised"]);
    assert_eq!(late.decided(), decided);
}
