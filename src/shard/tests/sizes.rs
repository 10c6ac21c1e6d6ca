//! Limits on what one ticket can bring about.

use super::*;
use crate::record::{OutgoingRecord, RecordLimits};

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

    /// The only dead letter that was written.
    fn letter(&self) -> OutgoingRecord {
        let brokers = self.brokers.borrow();
        let mut letters = brokers
            .written
            .iter()
            .filter(|record| &*record.topic == "dead-letters");
        let letter = letters.next().unwrap().clone();
        assert!(letters.next().is_none());
        letter
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
        scene.brokers.borrow_mut().limits = Some(RecordLimits {
            escalated_bytes_max: 10_000,
            ..LIMITS
        });
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

#[test]
fn a_limit_that_is_lowered_while_the_service_runs_is_kept_to_and_nothing_comes_twice() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0, 1]);
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    scene.run(&mut shard, 1);
    {
        let mut brokers = scene.brokers.borrow_mut();
        brokers.produce(0, 0, NINE + MINUTE, "T3", &"?".repeat(5_000));
        brokers.limits = Some(RecordLimits {
            dead_letter_bytes_max: 1_000,
            ..LIMITS
        });
        brokers.faults.push_back(Fault::Refused(Some(0)));
        brokers.restores.clear();
    }
    scene.run(&mut shard, 16);
    let letter = scene.letter();
    assert_eq!(letter.value.as_deref(), Some(&b""[..]));
    assert!(
        letter
            .headers
            .contains(&("truncated".to_owned(), Some(b"true".to_vec())))
    );
    assert_eq!(
        scene.brokers.borrow().restores,
        [0, 1],
        "the other may have read ahead, by the old limit"
    );
    let mut raised = scene.raised_tickets();
    raised.sort();
    assert_eq!(raised, ["T1", "T2"]);
}

#[test]
fn what_is_too_large_under_the_known_limits_is_sent_again_as_it_is() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0]);
    {
        let mut brokers = scene.brokers.borrow_mut();
        brokers.produce(0, 0, NINE, "T3", &"?".repeat(5_000));
        brokers
            .faults
            .extend([Fault::Refused(None), Fault::Refused(None)]);
    }
    scene.run(&mut shard, 1);
    assert_eq!(scene.letter().value.unwrap().len(), 5_000);
    assert_eq!(
        scene.brokers.borrow().restores,
        [0],
        "only at the beginning"
    );
}

#[test]
fn a_partition_with_a_record_that_is_not_taken_is_held_up_alone_and_tried_again() {
    let mut scene = Scene::new();
    let mut shard = scene.owner(&[0, 1]);
    scene.create(0, "T1", 0);
    scene.create(1, "T2", 0);
    scene.run(&mut shard, 14);
    scene.brokers.borrow_mut().restores.clear();
    // Of the transaction in which both are raised, and of the first attempt to go on.
    for nth in 1..3 {
        let fault = Fault::Refused(Some(0));
        scene.brokers.borrow_mut().faults.push_back(fault);
        while scene.brokers.borrow().faults.front().is_some() {
            scene.turns(&mut shard, 1).unwrap();
        }
        scene.turns(&mut shard, 20).unwrap();
        assert_eq!(scene.raised_tickets(), ["T2"], "{nth}");
        assert!(scene.fails(crate::http::Check::Partitions));
        assert!(!scene.fails(crate::http::Check::Broker));
    }
    scene.run(&mut shard, 20);
    assert_eq!(scene.raised_tickets(), ["T2", "T1"]);
    assert!(!scene.fails(crate::http::Check::Partitions));
    assert_eq!(scene.brokers.borrow().restores, [0, 0], "the other goes on");
    assert!(scene.brokers.borrow().faults.is_empty());
}

#[test]
fn a_record_that_is_not_taken_holds_up_nothing_that_was_taken_away_meanwhile() {
    for also_back in [false, true] {
        let mut scene = Scene::new();
        let mut shard = scene.owner(&[0, 1]);
        scene.create(0, "T1", 0);
        scene.create(1, "T2", 0);
        scene.run(&mut shard, 14);
        let fault = Fault::Refused(Some(0));
        scene.brokers.borrow_mut().faults.push_back(fault);
        while !(shard.is_under_way() && scene.minutes() >= 15) {
            scene.turns(&mut shard, 1).unwrap();
        }
        scene.brokers.borrow_mut().revoke(&[0, 1]);
        if also_back {
            scene.brokers.borrow_mut().assign(&[0, 1]);
        }
        scene.turns(&mut shard, 20).unwrap();
        assert!(!scene.fails(crate::http::Check::Partitions), "{also_back}");
        if !also_back {
            assert_eq!(scene.raised_tickets(), [""; 0]);
            scene.brokers.borrow_mut().assign(&[0, 1]);
        }
        scene.run(&mut shard, 20);
        let mut raised = scene.raised_tickets();
        raised.sort();
        assert_eq!(raised, ["T1", "T2"], "{also_back}");
    }
}
