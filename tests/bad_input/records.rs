//! Records of every kind that nobody should send, and good ones between them.

use escalator::record::Record;
use escalator::wire::{Input, SchemaName};
use serde_json::{Value, json};

use super::dice::Dice;

/// The ids under which the registry has the schemas of both inputs.
pub(crate) const SCHEMA_OF_CREATED: u32 = 1;
pub(crate) const SCHEMA_OF_UPDATED: u32 = 2;

/// What the library wrote, stored for ever.
const AVRO: [&[u8]; 2] = [
    include_bytes!("../data/golden/ticket_created.1.avro"),
    include_bytes!("../data/golden/ticket_updated.1.avro"),
];

/// The id in these records.
const AVRO_TICKET: &str = "T1";

/// The framing of a single object: two bytes and a fingerprint.
const FRAMING_BYTES: usize = 10;

/// Tickets that most records are about, so that facts meet.
const TICKETS: usize = 40;

/// Large records cost much and say little that the first few do not.
const LARGE_ONCE_IN: usize = 400;

/// Numbers at which something ends.
const EDGES: [i64; 16] = [
    i64::MIN,
    i64::MIN + 1,
    -1,
    0,
    1,
    127,
    128,
    65_536,
    1 << 20,
    (1 << 20) + 1,
    1 << 31,
    (1 << 32) + 7,
    1 << 40,
    i64::MAX / 2,
    i64::MAX - 1,
    i64::MAX,
];

/// Instants at which something ends, and texts that are nearly instants.
const INSTANTS: [&str; 14] = [
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00Z",
    "2026-11-24T12:00:00Z",
    "2026-11-24T12:00:00.001Z",
    "9999-12-31T23:59:59.999Z",
    "-9999-01-01T00:00:00Z",
    "+262143-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-11-23T10:00:00+23:59",
    "2026-11-23",
    "",
    "now",
];

/// Makes records.
pub(crate) struct Maker {
    dice: Dice,
}

impl Maker {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
        }
    }

    /// The next record; its place in the log is for others to say.
    pub(crate) fn record(&mut self) -> Record {
        let input = self.dice.below(2);
        let id = format!("T{}", self.dice.below(TICKETS));
        let mut headers = Vec::new();
        let value = match self.dice.below(20) {
            0..=4 => self.json(input, &id).to_string().into_bytes(),
            5..=7 => self.mutated_json(input, &id),
            8..=9 => self.odd_json(input, &id),
            10..=13 => self.avro(input),
            14..=15 => self.confluent(input),
            16 => self.cloud_event(input, &id, &mut headers),
            17 if self.dice.once_in(LARGE_ONCE_IN / 20) => self.large(input, &id),
            17 => self
                .dice
                .one(&["", "null", "{", "{}", "[]", "\"", "0"])
                .as_bytes()
                .to_vec(),
            _ => {
                let count = self.dice.below(300);
                self.dice.bytes(count)
            }
        };
        let is_avro = value.starts_with(&[0xC3, 1]) || value.first() == Some(&0);
        let key = self.key(if is_avro { AVRO_TICKET } else { &id });
        Record {
            input,
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            key,
            value: (!self.dice.once_in(200)).then_some(value),
            headers,
        }
    }

    fn key(&mut self, id: &str) -> Option<Vec<u8>> {
        match self.dice.below(12) {
            0 => None,
            1 => Some(match self.dice.below(4) {
                0 => Vec::new(),
                1 => b"\xFFpartition".to_vec(),
                2 => vec![b'T'; 1 + self.dice.below(5_000)],
                _ => b"another".to_vec(),
            }),
            _ => Some(id.as_bytes().to_vec()),
        }
    }

    /// A good event.
    fn json(&mut self, input: usize, id: &str) -> Value {
        let dice = &mut self.dice;
        let fields = json!({
            "status": *dice.one(&["new", "open", "Awaiting User Info", "resolved", "closed", "odd"]),
            "priority": *dice.one(&["low", "high", "critical", "none"]),
            "category": *dice.one(&["network", "incident", "request", "sales"]),
            "tags": [*dice.one(&["legal", "expansion", "vip"])],
            "labels": { "site": *dice.one(&["berlin", "rome"]) },
            "severity": dice.below(5), "satisfaction": 0.5,
            "assignee": *dice.one(&["ann", "bob"]), "subject": "VPN is down",
        });
        // Within the two hours before now: some are late, some are the same.
        let at = format!("2026-11-23T1{}:{:02}:00Z", dice.below(2), dice.below(60));
        let event_id = dice.below(3_000).to_string();
        let kind = *dice.one(&[
            "agent_reply",
            "customer_reply",
            "acknowledge",
            "escalate",
            "odd",
        ]);
        let mut event = json!({ "ticket_id": id, "occurred_at": at, "event_id": event_id });
        if input == 0 {
            event["ticket"] = fields;
        } else {
            event["changes"] = fields;
            event["activities"] = json!([{ "kind": kind, "level": dice.below(4) }]);
            event["unset"] = json!(["queue"]);
        }
        event
    }

    fn mutated_json(&mut self, input: usize, id: &str) -> Vec<u8> {
        let bytes = self.json(input, id).to_string().into_bytes();
        self.mutated(bytes)
    }

    fn mutated(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.dice.below(4) {
            let at = self.dice.below(bytes.len());
            let byte = self.dice.bytes(1)[0];
            match self.dice.below(4) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => bytes.truncate(at.max(1)),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    }

    /// A well-formed event with something odd in one place.
    fn odd_json(&mut self, input: usize, id: &str) -> Vec<u8> {
        let mut event = self.json(input, id);
        let edge = *self.dice.one(&EDGES);
        let fields = if input == 0 { "ticket" } else { "changes" };
        match self.dice.below(10) {
            0 => event["occurred_at"] = json!(*self.dice.one(&INSTANTS)),
            1 => event["occurred_at"] = json!(edge),
            2 => event["version"] = json!(edge),
            3 => event["ticket_id"] = json!("x".repeat(self.dice.below(600))),
            4 => event[fields]["severity"] = json!(*self.dice.one(&[f64::MAX, -0.0, 1e-320])),
            5 => event[fields]["labels"] = json!({ "": null, "a": id, "b": edge }),
            6 => event["activities"] = json!([{ "kind": "snooze", "until": edge }]),
            7 => event["activities"] = json!([{ "kind": "escalate", "level": edge }]),
            8 => event[fields]["tags"] = json!(vec!["t"; self.dice.below(400)]),
            _ => drop(event.as_object_mut().unwrap().remove("occurred_at")),
        }
        event.to_string().into_bytes()
    }

    /// A single object, good or with lying lengths and counts.
    fn avro(&mut self, input: usize) -> Vec<u8> {
        let mut bytes = AVRO[input].to_vec();
        if self.dice.once_in(20) {
            bytes[2..FRAMING_BYTES].copy_from_slice(&SchemaName::Notify.fingerprint());
        }
        self.lie(bytes, FRAMING_BYTES)
    }

    /// A number of any size in place of some bytes: wherever a length, a count or an index of a union
    /// stands, it lies. A negative count is followed by a size.
    fn lie(&mut self, mut bytes: Vec<u8>, from: usize) -> Vec<u8> {
        match self.dice.below(8) {
            0 | 1 => bytes,
            2 => {
                let head = bytes[..from].to_vec();
                let datum = self.mutated(bytes[from..].to_vec());
                [head, datum].concat()
            }
            3 => {
                bytes.truncate(from);
                let count = self.dice.below(60);
                bytes.extend(self.dice.bytes(count));
                bytes
            }
            _ => {
                let at = from + self.dice.below(bytes.len() - from);
                let until = (at + self.dice.below(3)).min(bytes.len());
                let mut lies = zigzag(*self.dice.one(&EDGES));
                if self.dice.once_in(3) {
                    lies.extend(zigzag(*self.dice.one(&EDGES)));
                }
                bytes.splice(at..until, lies);
                bytes
            }
        }
    }

    fn confluent(&mut self, input: usize) -> Vec<u8> {
        let usual = [SCHEMA_OF_CREATED, SCHEMA_OF_UPDATED][input];
        let id = match self.dice.below(10) {
            0 => u32::try_from(self.dice.below(50)).unwrap(),
            1 => u32::MAX,
            _ => usual,
        };
        let mut bytes = vec![0];
        bytes.extend(id.to_be_bytes());
        bytes.extend(&AVRO[input][FRAMING_BYTES..]);
        self.lie(bytes, 5)
    }

    fn cloud_event(
        &mut self,
        input: usize,
        id: &str,
        headers: &mut Vec<(String, Option<Vec<u8>>)>,
    ) -> Vec<u8> {
        let event = self.json(input, id);
        let count = self.dice.below(40);
        let noise = self.dice.bytes(count);
        if self.dice.once_in(2) {
            headers.push(("ce_specversion".to_owned(), Some(b"1.0".to_vec())));
            headers.push(("ce_id".to_owned(), Some(noise)));
            headers.push(("ce_type".to_owned(), None));
            return event.to_string().into_bytes();
        }
        let structured = b"application/cloudevents+json".to_vec();
        headers.push(("content-type".to_owned(), Some(structured)));
        let version = *self.dice.one(&["1.0", "0.3", ""]);
        let whole = json!({
            "specversion": version, "id": "e", "type": "t", "source": "s", "data": event,
        });
        let bytes = whole.to_string().into_bytes();
        if self.dice.once_in(2) {
            bytes
        } else {
            self.mutated(bytes)
        }
    }

    /// Deep, long, or with much in it.
    fn large(&mut self, input: usize, id: &str) -> Vec<u8> {
        let fields = if input == 0 { "ticket" } else { "changes" };
        let depth = 1 + self.dice.below(10_000);
        let many = self.dice.below(60_000);
        let begun = format!(r#"{{"ticket_id":"{id}","occurred_at":"2026-11-23T10:00:00Z","#);
        let rest = match self.dice.below(7) {
            0 => format!(r#""{fields}":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)),
            1 => format!(
                r#""odd":{}0{}}}"#,
                r#"{"a":"#.repeat(depth),
                "}".repeat(depth)
            ),
            2 => format!(r#""{fields}":{{"tags":[{}"x"]}}}}"#, r#""t","#.repeat(many)),
            3 => {
                let labels: String = (0..many).map(|n| format!(r#""l{n}":"v","#)).collect();
                format!(r#""{fields}":{{"labels":{{{labels}"z":"z"}}}}}}"#)
            }
            4 => format!(r#""{fields}":{{"subject":"{}"}}}}"#, "s".repeat(many * 20)),
            5 => format!(r#""odd":[{}0]}}"#, "0,".repeat(many * 8)),
            _ => format!(
                r#""activities":[{}{{"kind":"k"}}]}}"#,
                r#"{"kind":"k"},"#.repeat(many)
            ),
        };
        (begun + &rest).into_bytes()
    }
}

/// A number as Avro writes it.
fn zigzag(number: i64) -> Vec<u8> {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    loop {
        let low = (left & 0x7F).to_le_bytes()[0];
        left >>= 7;
        if left == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The name of an input's schema is that of its golden record.
const _: () = assert!(Input::ALL.len() == AVRO.len());
