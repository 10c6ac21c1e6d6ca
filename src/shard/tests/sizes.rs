//! Limits on what one ticket can bring about.

use super::*;

impl Scene {
    /// Writes a created event of T1 with as many labels as there may be, of this size each.
    fn create_large(&self, bytes: usize) {
        let at = Timestamp::from_millis(NINE);
        let labels: Vec<String> = (0..200)
            .map(|number| format!(r#""l{number}":"{}""#, "x".repeat(bytes)))
            .collect();
        let value = format!(
            r#"{{"ticket_id":"T1","occurred_at":"{at}","ticket":{{"status":"open","tags":["a"],"labels":{{{}}}}}}}"#,
            labels.join(",")
        );
        self.brokers.borrow_mut().produce(0, 0, NINE, "T1", &value);
    }

    fn raised_ticket(&self) -> Value {
        let brokers = self.brokers.borrow();
        let mut written = brokers.written.iter();
        let record = written
            .find(|record| &*record.topic == "escalated")
            .unwrap();
        let event: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        event["ticket"].clone()
    }
}

#[test]
fn an_event_that_its_topic_does_not_take_is_written_without_tags_and_labels() {
    for (bytes, labels, tags) in [(10, 200, 1), (100, 0, 0)] {
        let mut scene = Scene::new();
        scene.escalated_bytes_max = 10_000;
        let mut shard = scene.owner(&[0]);
        scene.create_large(bytes);
        scene.run(&mut shard, 16);
        let ticket = scene.raised_ticket();
        assert_eq!(ticket["status"], "open");
        assert_eq!(ticket["labels"].as_object().unwrap().len(), labels);
        assert_eq!(ticket["tags"].as_array().unwrap().len(), tags);
    }
}

#[test]
fn facts_that_wait_beyond_the_limit_are_dead_letters() {
    let mut scene = Scene::new();
    scene.grace = Span::from_millis(60 * MINUTE);
    for number in 0..1_030 {
        let at = Timestamp::from_millis(NINE + number);
        let value = format!(
            r#"{{"ticket_id":"T1","event_id":"e{number}","occurred_at":"{at}","changes":{{"status":"open"}}}}"#
        );
        let mut brokers = scene.brokers.borrow_mut();
        brokers.produce(1, 0, NINE + number, "T1", &value);
    }
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 2);
    assert_eq!(scene.count("dead-letters"), 6);
    {
        let brokers = scene.brokers.borrow();
        let mut written = brokers.written.iter();
        let letter = written
            .find(|record| &*record.topic == "dead-letters")
            .unwrap();
        let reason = ("reason".to_owned(), Some(b"too_large".to_vec()));
        assert_eq!(letter.headers[0], reason);
    }
    scene.run(&mut shard, 61);
    scene.create(0, "T1", 61);
    scene.run(&mut shard, 62);
    assert_eq!(scene.count("dead-letters"), 6, "there is room again");
}
