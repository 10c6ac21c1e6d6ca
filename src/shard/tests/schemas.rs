//! Records in Confluent framing: what waits for a schema, what does not, and what never comes.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::record::Record;
use crate::registry::{Answer, Desk, Error, Found, Kind, compile};
use crate::wire::SchemaId;

/// The other side of a desk: the test is the registry.
#[derive(Default)]
pub(super) struct Registry(RefCell<Option<(Receiver<SchemaId>, Sender<Answer>)>>);

impl Registry {
    pub(super) fn desk(&self) -> Desk {
        let (questions, asked) = channel();
        let (tell, answers) = channel();
        self.0.replace(Some((asked, tell)));
        Desk::between(questions, answers)
    }
}

impl Scene {
    fn asked(&self) -> Vec<SchemaId> {
        let ends = self.registry.as_ref().unwrap().0.borrow();
        ends.as_ref().unwrap().0.try_iter().collect()
    }

    fn answer(&self, id: SchemaId, answer: Result<&str, Kind>) {
        let ends = self.registry.as_ref().unwrap().0.borrow();
        let answer = match answer {
            Ok(text) => Ok(Found {
                text: text.to_owned(),
                references: Vec::new(),
            }),
            Err(kind) => Err(Error::new(kind, "the registry says no".to_owned())),
        };
        let answer = (id, compile(id, answer));
        ends.as_ref().unwrap().1.send(answer).unwrap();
    }

    /// A created event whose schema has this id.
    fn create_framed(&self, partition: i32, id: SchemaId, ticket: &str, minutes: i64) {
        let at_ms = NINE + minutes * MINUTE;
        let mut value = vec![0];
        value.extend(id.to_be_bytes());
        for text in [ticket, "open"] {
            value.push(u8::try_from(text.len() * 2).unwrap());
            value.extend(text.as_bytes());
        }
        // Zigzag, seven bits a byte.
        let mut bits = u64::try_from(at_ms * 2).unwrap();
        while bits > 0x7f {
            value.push(u8::try_from(bits & 0x7f).unwrap() | 0x80);
            bits >>= 7;
        }
        value.push(u8::try_from(bits).unwrap());
        let mut brokers = self.brokers.borrow_mut();
        let log = brokers.inputs.entry((0, partition)).or_default();
        log.push(Record {
            input: 0,
            partition,
            offset: i64::try_from(log.len()).unwrap(),
            timestamp_ms: at_ms,
            key: Some(ticket.as_bytes().to_vec()),
            value: Some(value),
            headers: Vec::new(),
        });
    }

    fn with_registry() -> Self {
        Self {
            registry: Some(Registry::default()),
            ..Self::new()
        }
    }

    fn registry_fails(&self) -> bool {
        self.fails(crate::http::Check::Registry)
    }
}

const SCHEMA: &str = r#"{"type":"record","name":"TicketCreated","fields":[
    {"name":"ticket_id","type":"string"},
    {"name":"ticket","type":{"type":"record","name":"Ticket","fields":[
        {"name":"status","type":"string"}]}},
    {"name":"occurred_at","type":"long"}]}"#;

#[test]
fn a_partition_waits_for_its_schema_and_the_others_go_on() {
    let mut scene = Scene::with_registry();
    scene.create_framed(0, 7, "T1", 0);
    scene.create(0, "T2", 1);
    scene.create(1, "T3", 0);
    let mut shard = scene.owner(&[0, 1]);
    scene.run(&mut shard, 20);
    assert_eq!(scene.asked(), [7], "a question is asked once");
    assert_eq!(scene.raised_tickets(), ["T3"]);
    assert!(!scene.registry_fails(), "it has not been silent for long");

    scene.answer(7, Err(Kind::Retry));
    scene.run(&mut shard, 25);
    assert_eq!(scene.asked(), [7], "it is asked again");
    assert!(scene.registry_fails());
    assert_eq!(scene.raised_tickets(), ["T3"]);
    assert_eq!(scene.count("dead-letters"), 0);

    scene.answer(7, Ok(SCHEMA));
    scene.run(&mut shard, 26);
    assert!(!scene.registry_fails());
    // Both were due while the first one waited; nothing is lost and nothing is out of order.
    assert_eq!(scene.raised_tickets(), ["T3", "T1", "T2"]);
    assert_eq!(scene.meta(0).offsets, [2, 0]);
    scene.create_framed(0, 7, "T4", 27);
    scene.run(&mut shard, 50);
    assert_eq!(scene.asked(), [] as [SchemaId; 0], "it is known");
    assert_eq!(scene.raised_tickets(), ["T3", "T1", "T2", "T4"]);
}

#[test]
fn a_schema_that_is_not_there_makes_dead_letters_and_is_asked_for_again_later() {
    let mut scene = Scene::with_registry();
    scene.create_framed(0, 8, "T1", 0);
    scene.create(0, "T2", 0);
    let mut shard = scene.owner(&[0]);
    scene.run(&mut shard, 1);
    scene.answer(8, Err(Kind::Unknown));
    scene.turns(&mut shard, 5).unwrap();
    assert_eq!(scene.count("dead-letters"), 1);
    assert_eq!(scene.asked(), [8]);
    scene.create_framed(0, 8, "T3", 1);
    scene.turns(&mut shard, 5).unwrap();
    assert_eq!(scene.count("dead-letters"), 2);
    assert_eq!(
        scene.asked(),
        [] as [SchemaId; 0],
        "it was told a moment ago"
    );
    let now = NINE + MINUTE + 1_500;
    scene.clock.set(now);
    scene.create_framed(0, 8, "T4", 1);
    scene.turns(&mut shard, 5).unwrap();
    assert_eq!(scene.asked(), [8]);
    scene.answer(8, Ok(SCHEMA));
    scene.run(&mut shard, 30);
    assert_eq!(scene.count("dead-letters"), 2);
    assert_eq!(scene.raised_tickets(), ["T2", "T4"]);
}

#[test]
fn a_schema_that_events_cannot_be_read_with_makes_dead_letters() {
    let mut scene = Scene::with_registry();
    scene.create_framed(0, 1, "T1", 0);
    scene.create_framed(0, 2, "T2", 0);
    scene.create_framed(0, 3, "T3", 0);
    let mut shard = scene.owner(&[0]);
    for (id, answer) in [(1, Ok("{")), (2, Err(Kind::Refused)), (3, Ok("\"string\""))] {
        scene.turns(&mut shard, 5).unwrap();
        assert_eq!(scene.asked(), [id]);
        scene.answer(id, answer);
    }
    scene.run(&mut shard, 1);
    let brokers = scene.brokers.borrow();
    let letters = brokers.written.iter();
    let letters = letters.filter(|record| &*record.topic == "dead-letters");
    let reasons = letters.map(|letter| {
        let reason = letter.headers.iter().find(|(name, _)| name == "reason");
        String::from_utf8(reason.unwrap().1.clone().unwrap()).unwrap()
    });
    let reasons: Vec<_> = reasons.collect();
    assert_eq!(
        reasons,
        ["unsupported_format", "unsupported_format", "wrong_shape"]
    );
}
