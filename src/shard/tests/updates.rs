//! Updates of customers after an outage.

use super::*;

const INFORMED: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response:
        within: 15m
        marks: [ { at: 100%, level: 1 } ]
    path: [ { notify: [noc] } ]
    communication: { to: noc, every: 1h, channel: phone }
";

impl Scene {
    /// When the updates were due that went out, in minutes after nine, and what they name.
    fn updates(&self) -> Vec<(i64, String)> {
        let brokers = self.brokers.borrow();
        let notify = brokers.written.iter().filter(|it| &*it.topic == "notify");
        let events = notify.map(|record| -> Value {
            serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
        });
        let updates = events.filter(|event| event["purpose"] == "customer_update");
        updates
            .map(|event| {
                let due_at = Timestamp::parse(event["due_at"].as_str().unwrap()).unwrap();
                let minutes = (due_at.as_millis() - NINE) / MINUTE;
                let named = event["escalation_event_id"].as_str().unwrap().to_owned();
                (minutes, named)
            })
            .collect()
    }

    fn id_of_the_raise(&self) -> String {
        let brokers = self.brokers.borrow();
        let mut escalated = brokers
            .written
            .iter()
            .filter(|it| &*it.topic == "escalated");
        let record = escalated.next().unwrap();
        let event: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn of_the_updates_that_an_outage_held_up_only_the_last_is_told() {
    let mut scene = Scene::with_plan(INFORMED);
    let mut first = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut first, 20);
    let raise = scene.id_of_the_raise();
    assert_eq!(scene.updates(), [(15, raise.clone())]);
    drop(first);
    scene.clock.set(NINE + 260 * MINUTE);
    let mut second = scene.owner(&[0]);
    scene.run(&mut second, 262);
    scene.jump(&mut second, 320);
    let due: Vec<_> = scene.updates().iter().map(|(due, _)| *due).collect();
    assert_eq!(
        due,
        [15, 255, 315],
        "those of 75, 135 and 195 are overtaken"
    );
    assert!(scene.updates().iter().all(|(_, named)| *named == raise));
    assert_eq!(scene.raised_tickets(), ["T1"]);
}
