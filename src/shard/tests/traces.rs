//! What the header `traceparent` of a record comes to.

use super::*;

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response:
        within: { by: priority, critical: 5m, default: 15m }
        marks: [ { at: 100%, level: 2 } ]
    triggers: [ { name: legal, when: { tags: legal }, level: 1 } ]
    path: [ { notify: [noc] }, { notify: [noc] } ]
";

/// A trace parent of this number.
fn parent(number: u8) -> String {
    format!("00-{number:032x}-{number:016x}-01")
}

impl Scene {
    /// Writes an event of T1, with a header.
    fn traced(&self, input: usize, minutes: i64, content: &str, parent: &str) {
        let at = Timestamp::from_millis(NINE + minutes * MINUTE);
        let value = format!(r#"{{"ticket_id":"T1","occurred_at":"{at}",{content}}}"#);
        let mut brokers = self.brokers.borrow_mut();
        brokers.produce(input, 0, at.as_millis(), "T1", &value);
        brokers.add_header((input, 0), "traceparent", parent);
    }

    /// The events out in their order: the topic, the type or the purpose, and the header.
    fn told(&self) -> Vec<(String, String, String)> {
        let brokers = self.brokers.borrow();
        let written = brokers.written.iter();
        let out = written.filter(|record| matches!(&*record.topic, "escalated" | "notify"));
        out.map(|record| {
            let event: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let what = event.get("type").or_else(|| event.get("purpose")).unwrap();
            let header = match record.headers.as_slice() {
                [] => String::new(),
                [(name, Some(value))] if name == "traceparent" => {
                    String::from_utf8(value.clone()).unwrap()
                }
                other => panic!("{other:?}"),
            };
            (
                record.topic.to_string(),
                what.as_str().unwrap().to_owned(),
                header,
            )
        })
        .collect()
    }

    fn assert_told(&self, expected: &[(&str, &str, &str)]) {
        let told = self.told();
        let told: Vec<_> = told.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
        assert_eq!(told, expected);
    }
}

const LEGAL: &str = r#""ticket":{"status":"open","tags":["legal"]}"#;

#[test]
fn what_a_fact_brings_about_belongs_to_its_record_and_what_time_does_to_none() {
    let mut scene = Scene::with_plan(PLAN);
    let (begun, over) = (parent(1), parent(2));
    let mut shard = scene.owner(&[0]);
    scene.traced(0, 0, LEGAL, &begun);
    scene.run(&mut shard, 20);
    scene.traced(1, 20, r#""changes":{"status":"resolved"}"#, &over);
    scene.run(&mut shard, 21);
    scene.assert_told(&[
        ("escalated", "raised", &begun),
        ("notify", "level", &begun),
        ("escalated", "raised", ""),
        ("notify", "level", ""),
        ("escalated", "ended", &over),
        ("notify", "ended", &over),
    ]);
}

#[test]
fn a_fact_that_moves_a_deadline_into_the_past_fires_it() {
    let mut scene = Scene::with_plan(PLAN);
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 8);
    scene.traced(1, 8, r#""changes":{"priority":"critical"}"#, &parent(3));
    scene.run(&mut shard, 9);
    scene.assert_told(&[
        ("escalated", "raised", &parent(3)),
        ("notify", "level", &parent(3)),
    ]);
}

#[test]
fn a_fact_that_waits_for_its_time_is_still_traced_then() {
    let mut scene = Scene::with_plan(PLAN);
    scene.grace = Span::from_millis(5 * MINUTE);
    let mut shard = scene.owner(&[0]);
    scene.traced(0, 0, LEGAL, &parent(4));
    scene.run(&mut shard, 4);
    scene.assert_told(&[]);
    scene.run(&mut shard, 6);
    scene.assert_told(&[
        ("escalated", "raised", &parent(4)),
        ("notify", "level", &parent(4)),
    ]);
}

#[test]
fn a_correction_belongs_to_the_late_record() {
    let mut scene = Scene::with_plan(PLAN);
    let mut shard = scene.owner(&[0]);
    scene.create(0, "T1", 0);
    scene.run(&mut shard, 16);
    let answered = Timestamp::from_millis(NINE + 10 * MINUTE);
    let value = format!(
        r#"{{"ticket_id":"T1","occurred_at":"{answered}","activities":[{{"kind":"agent_reply"}}]}}"#
    );
    {
        let mut brokers = scene.brokers.borrow_mut();
        brokers.produce(1, 0, NINE + 16 * MINUTE, "T1", &value);
        brokers.add_header((1, 0), "traceparent", &parent(5));
    }
    scene.run(&mut shard, 17);
    scene.assert_told(&[
        ("escalated", "raised", ""),
        ("notify", "level", ""),
        ("escalated", "ended", &parent(5)),
        ("notify", "ended", &parent(5)),
    ]);
}

#[test]
fn a_header_of_another_shape_is_not_handed_on() {
    let mut scene = Scene::with_plan(PLAN);
    let mut shard = scene.owner(&[0]);
    scene.traced(0, 0, LEGAL, "00-nonsense");
    scene.run(&mut shard, 1);
    scene.assert_told(&[("escalated", "raised", ""), ("notify", "level", "")]);
}
