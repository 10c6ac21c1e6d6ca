use std::sync::Arc;

use escalator_engine::clock::Clock;
use escalator_engine::decision::{Anchor, Identity, Listener};
use escalator_engine::effect::EscalatedType;
use escalator_engine::emission::Told;
use escalator_engine::fact::{Activity, ActivityKind, Fact, kept_hash};
use escalator_engine::ladder::{Acknowledgement, Escalation};
use escalator_engine::ledger::{Beginning, Entry, Ledger};
use escalator_engine::machine::{Fired, Hold, Machine};
use escalator_engine::moment::Entered;
use escalator_engine::packed::Packer;
use escalator_engine::plan::Nature;
use escalator_engine::rules::PlanRef;
use escalator_engine::status::StatusCategory;
use escalator_engine::stopwatch::{Gap, Motion, Stopwatch};
use escalator_engine::ticket::{Change, NumberField, OwnFields, Text, TextField, Ticket};
use escalator_engine::ticket_state::{Fold, StoredState, TicketState, Voiced};
use escalator_engine::time::{Duration, Timestamp};
use proptest::prelude::*;

use super::super::schema::SchemaName;
use super::super::testing::{golden, read_single_object};
use super::*;

#[test]
fn a_fact_takes_no_more_than_it_says() {
    let text: Text = "x".repeat(300).into();
    let fact = Fact {
        occurred_at: Timestamp::from_millis(i64::MAX),
        version: Some(i64::MIN),
        event_id: Some(text.clone()),
        record_hash: i64::MIN,
        source: text.clone(),
        created: false,
        changes: vec![
            Change::Text(TextField::Subject, Some(text.clone())),
            Change::Number(NumberField::Severity, Some(0.5)),
            Change::Tags(vec![text.clone(), "a".into(), "b".into(), "c".into()]),
            Change::Label(text.clone(), Some(text.clone())),
            Change::ClearLabels,
        ],
        activities: vec![Activity {
            kind: ActivityKind::Snooze,
            actor: Some(text.clone()),
            level: Some(i64::MIN),
            until: Some(Timestamp::from_millis(i64::MIN)),
            note: Some(text),
        }],
    };
    let bytes_of = |facts: Vec<Arc<Fact>>| {
        let state = StoredState {
            facts: facts.into(),
            ..StoredState::default()
        };
        encode_state(&state.into()).len()
    };
    let stored = bytes_of(vec![Arc::new(fact.clone())]) - bytes_of(Vec::new());
    assert!(stored <= fact.bytes(), "{stored}");
    assert!(fact.bytes() < 2 * stored, "{stored} but {}", fact.bytes());
}

/// Makes states of raw bytes: what a byte decides is decided by the next one, then by zeros.
struct Maker<'a>(std::slice::Iter<'a, u8>);

impl Maker<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn count(&mut self) -> u32 {
        u32::from_be_bytes([0, 0, self.byte(), self.byte()])
    }

    fn number(&mut self) -> i64 {
        match self.byte() {
            0 => i64::MIN,
            1 => i64::MAX,
            byte => (i64::from(byte) - 128) << (byte % 50),
        }
    }

    fn instant(&mut self) -> Timestamp {
        Timestamp::from_millis(self.number())
    }

    fn text(&mut self) -> Text {
        ["", "a", "Grüße", "a longer text, to be sure"][usize::from(self.byte() % 4)].into()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 4).map(|_| make(self)).collect()
    }

    fn change(&mut self) -> Change {
        let number = self.pick(&[NumberField::Severity, NumberField::Satisfaction]);
        match self.byte() % 5 {
            0 => Change::Text(self.pick(&TextField::ALL), self.maybe(Self::text)),
            1 => Change::Number(number, self.maybe(|m| f64::from(m.byte()) / 4.0)),
            2 => Change::Tags(self.some(Self::text)),
            3 => Change::Label(self.text(), self.maybe(Self::text)),
            _ => Change::ClearLabels,
        }
    }

    fn fact(&mut self) -> Arc<Fact> {
        let occurred_at = self.instant();
        let version = self.maybe(Self::number);
        let event_id = self.maybe(Self::text);
        Arc::new(Fact {
            occurred_at,
            version,
            record_hash: kept_hash(self.number(), event_id.is_some()),
            event_id,
            source: self.text(),
            created: self.flag(),
            changes: self.some(Self::change),
            activities: self.some(|m| Activity {
                kind: m.pick(&ActivityKind::ALL),
                actor: m.maybe(Self::text),
                level: m.maybe(Self::number),
                until: m.maybe(Self::instant),
                note: m.maybe(Self::text),
            }),
        })
    }

    fn ticket(&mut self) -> Ticket {
        let changes = self.some(Self::change);
        let mut ticket = Ticket::default();
        ticket.merge(&changes);
        ticket
    }

    fn watch(&mut self) -> Stopwatch {
        let (at, done) = (self.instant(), self.flag());
        Stopwatch {
            started_at: self.instant(),
            summed_to: self.instant(),
            counted: Duration::from_millis(self.number()),
            paused: Duration::from_millis(self.number()),
            gaps: self.some(|m| Gap {
                from: m.instant(),
                to: m.instant(),
                closed: m.flag(),
            }),
            motion: self.pick(&[
                Motion::Running,
                Motion::Paused { since: at },
                Motion::Stopped { at, done },
            ]),
        }
    }

    fn nature(&mut self) -> Nature {
        self.pick(&[Nature::Problem, Nature::Opportunity])
    }

    fn escalation(&mut self) -> Escalation {
        Escalation {
            begun_at: self.instant(),
            level: self.count(),
            announced_level: self.count(),
            highest_level: self.count(),
            nature: self.nature(),
            waits: self.watch(),
            repeats_sent: self.count(),
            acknowledgement: self.maybe(|m| Acknowledgement {
                anchor: Anchor {
                    at: m.instant(),
                    fact: m.number(),
                },
                watch: m.watch(),
                until: m.maybe(Self::instant),
            }),
            begun_by: self.identity(),
            updated_at: self.instant(),
            is_overdue: self.flag(),
        }
    }

    fn identity(&mut self) -> Identity {
        Identity([self.byte(); 16])
    }

    fn plan(&mut self) -> PlanRef {
        PlanRef {
            name: self.text(),
            revision: self.text(),
        }
    }

    fn machine(&mut self) -> Machine {
        Machine {
            ticket: Arc::new(self.ticket()),
            own: OwnFields::default(),
            source: self.text(),
            created_at: self.maybe(Self::instant),
            is_partial: self.flag(),
            has_begun: self.flag(),
            category: self.pick(&StatusCategory::ALL),
            reopen_count: self.count(),
            reassignment_count: self.count(),
            customer_reply_count: self.count(),
            last_agent_reply: self.maybe(Self::instant),
            last_customer_reply: self.maybe(Self::instant),
            last_fact_at: self.instant(),
            last_due_at: self.instant(),
            plan: self.maybe(Self::plan),
            edited_at: self.instant(),
            kept: self.maybe(Self::text),
            restarts: self.some(Self::instant),
            clocks: self.some(|m| Clock {
                timeframe: m.text(),
                cycle: m.count(),
                is_answered: m.flag(),
                watch: m.maybe(Self::watch),
            }),
            fired: self.some(|m| Fired {
                timeframe: m.text(),
                cycle: m.count(),
                mark: m.text(),
                at: m.instant(),
            }),
            holds: self.some(|m| Hold {
                trigger: m.text(),
                since: m.maybe(Self::instant),
                has_fired: m.flag(),
                cycle: m.count(),
            }),
            escalations: self.count(),
            escalation: self.maybe(Self::escalation),
            done_at: self.maybe(Self::instant),
        }
    }

    fn entry(&mut self) -> Entry {
        Entry {
            identity: self.identity(),
            kind: self.pick(&EscalatedType::ALL),
            level: self.count(),
            decided_at: self.instant(),
            is_taken_back: self.flag(),
            is_correction: self.flag(),
        }
    }

    fn state(&mut self) -> TicketState {
        let facts = self.some(Self::fact);
        StoredState {
            evaluated: facts.len(),
            facts: facts.into(),
            machine: self.machine(),
            fold: self.maybe(|m| {
                let (key, machine) = (m.fact().key(), m.machine());
                // Of no bytes of their own: the states of former schemas are made of the same ones.
                let entries = machine.restarts.iter().zip(StatusCategory::ALL);
                let entries = entries.map(|(at, category)| Entered { category, at: *at });
                Box::new(Fold {
                    key,
                    entries: entries.collect(),
                    machine,
                })
            }),
            ledger: Ledger {
                entries: self.some(Self::entry),
                beginnings: self.some(|m| Beginning {
                    identity: m.identity(),
                    ordinal: m.count(),
                    updated: m.maybe(Self::instant),
                }),
            },
            told: self.some(|m| Told {
                listener: Listener {
                    to: m.text(),
                    kind: m.text(),
                    channel: m.text(),
                },
                level: m.count(),
            }),
            last_voiced: self.maybe(|m| Voiced {
                plan: m.plan(),
                escalation: m.count(),
                nature: m.nature(),
                // Former schemas told more here.
                level: (m.count(), m.instant()).0,
            }),
        }
        .into()
    }
}

fn state(bytes: &[u8]) -> TicketState {
    Maker(bytes.iter()).state()
}

/// A state in which every list and every nullable field occurs.
fn full() -> TicketState {
    let bytes: Vec<u8> = (0..600_u32)
        .map(|n| (n * n * 7 + n * 11 + 3) as u8 | 1)
        .collect();
    state(&bytes)
}

#[test]
fn stored_states_are_read_and_written_to_the_byte() {
    for (file, state) in [
        ("escalation_state.4.empty.avro", TicketState::default()),
        ("escalation_state.4.full.avro", full()),
    ] {
        let stored = golden(file, || encode_state(&state));
        assert_eq!(decode_state(&stored).unwrap(), state, "{file}");
        assert_eq!(encode_state(&state), stored, "{file}");
    }
}

#[test]
fn a_stored_state_that_names_words_is_read_and_written_to_the_byte() {
    let (mut packer, mut packed) = (Packer::default(), Vec::new());
    for owner in 0..6 {
        packed.clear();
        packer.pack(&full(), &mut packed, owner);
    }
    let stored = golden("escalation_state.4.words.avro", || {
        packer.stored(&packed, &state_framing())
    });
    assert_eq!(decode_state(&stored).unwrap(), full());
    assert_eq!(packer.stored(&packed, &state_framing()), stored);
    let names_words = stored.len() + 500 < encode_state(&full()).len();
    assert!(names_words, "{}", stored.len());
}

#[test]
fn states_of_former_schemas_are_read_with_defaults_for_what_they_lack() {
    let read = |file| decode_state(&golden(file, || panic!("{file} is there for ever"))).unwrap();
    for empty in [
        "escalation_state.1.empty.avro",
        "escalation_state.2.empty.avro",
        "escalation_state.3.empty.avro",
    ] {
        assert_eq!(read(empty), TicketState::default());
    }
    let first = read("escalation_state.1.full.avro");
    assert!(!first.facts.is_empty() && !first.ledger.entries.is_empty());
    let escalation = first.machine.escalation.as_ref().unwrap();
    assert!(escalation.acknowledgement.is_some());
    assert_eq!(escalation.begun_by, Identity::default());
    let updated_at = escalation.updated_at.as_millis();
    assert_eq!((updated_at, escalation.is_overdue), (0, false));
    assert_eq!(decode_state(&encode_state(&first)).unwrap(), first);
    // The others lack when a folded ticket entered its categories.
    let mut lacking = full();
    lacking.fold.as_mut().unwrap().entries.clear();
    for full in [
        "escalation_state.2.full.avro",
        "escalation_state.3.full.avro",
        "escalation_state.3.words.avro",
    ] {
        assert_eq!(read(full), lacking, "{full}");
    }
}

#[test]
fn the_full_state_of_the_tests_leaves_nothing_out() {
    let state = full();
    assert!(!state.facts.is_empty() && state.last_voiced.is_some());
    assert!(!state.fold.as_ref().unwrap().entries.is_empty());
    assert!(!state.ledger.entries.is_empty() && !state.told.is_empty());
    assert!(!state.ledger.beginnings.is_empty());
    let machine = &state.machine;
    assert!(!machine.clocks.is_empty() && !machine.fired.is_empty() && !machine.holds.is_empty());
    let escalation = machine.escalation.as_ref().unwrap();
    assert!(escalation.acknowledgement.is_some());
}

#[test]
fn what_is_not_a_state_is_refused_with_its_reason() {
    let good = encode_state(&full());
    assert!(matches!(decode_state(b""), Err(StateError::Framing)));
    assert!(matches!(decode_state(b"{}"), Err(StateError::Framing)));
    let mut other = good.clone();
    other[2] ^= 1;
    let error = decode_state(&other).unwrap_err();
    let named = u64::from_le_bytes(other[2..10].try_into().unwrap());
    assert!(
        error.to_string().contains(&format!("{named:016x}")),
        "{error}"
    );
    for end in 10..good.len() {
        let cut = decode_state(&good[..end]);
        assert!(matches!(cut, Err(StateError::Broken { .. })), "{end}");
    }
}

/// A text as the library shows it: a word by its number, or as it is.
fn text<'a>(value: &'a serde_json::Value, words: &'a serde_json::Value) -> &'a str {
    let text = &value["text"];
    let word = text.as_u64().map(|number| &words[number as usize]);
    word.unwrap_or(text).as_str().unwrap()
}

proptest! {
    #[test]
    fn a_state_comes_back_as_it_was(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let state = state(&bytes);
        let stored = encode_state(&state);
        prop_assert_eq!(&decode_state(&stored).unwrap(), &state);
        // In memory, too, whether its words are learned or not, and as often as it is packed.
        let (mut packer, mut other) = (Packer::default(), Packer::default());
        let mut again = state.clone();
        for owner in 0..6 {
            let mut packed = Vec::new();
            packer.pack(&again, &mut packed, owner);
            again = packer.unpack(&packed);
            prop_assert_eq!(&again, &state);
            // What is stored of it is the same wherever it is taken in.
            let stored = packer.stored(&packed, &state_framing());
            prop_assert_eq!(&decode_state(&stored).unwrap(), &state);
            let Stored::Present(datum) = stored_state(&stored).unwrap() else {
                panic!("it was stored just now");
            };
            let mut elsewhere = Vec::new();
            other.restored(datum, &mut elsewhere, owner).unwrap();
            prop_assert_eq!(&other.stored(&elsewhere, &state_framing()), &stored);
            // And the library, which knows nothing of the code above, reads the same record.
            let json = read_single_object(SchemaName::EscalationState, &stored);
            prop_assert_eq!(json["facts"].as_array().unwrap().len(), state.facts.len());
            prop_assert_eq!(&json["machine"]["category"], state.machine.category.name());
            let holds = json["machine"]["course"]["holds"].as_array();
            let holds = holds.map_or(&[][..], Vec::as_slice);
            prop_assert_eq!(holds.len(), state.machine.holds.len());
            for (hold, of_state) in holds.iter().zip(&state.machine.holds) {
                let trigger = text(&hold["trigger"], &json["words"]);
                prop_assert_eq!(trigger, &*of_state.trigger);
                prop_assert_eq!(&hold["cycle"], of_state.cycle);
            }
        }
    }

    #[test]
    fn a_damaged_state_is_refused_or_read_but_never_more(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut stored = encode_state(&full());
        let at = at.index(stored.len());
        stored[at] = byte;
        if let Ok(state) = decode_state(&stored) {
            prop_assert!(state.evaluated <= state.facts.len());
        }
    }
}

#[test]
fn a_state_is_shown_with_what_it_means() {
    let mut state = TicketState::default();
    let at = Timestamp::from_millis(1_795_424_400_000);
    let fact = Fact {
        occurred_at: at,
        version: None,
        event_id: Some("e1".into()),
        record_hash: 7,
        source: "desk".into(),
        created: true,
        changes: Vec::new(),
        activities: Vec::new(),
    };
    state.accept(Arc::new(fact), Timestamp::MIN);
    let shown = state_json(&encode_state(&state)).unwrap();
    let fact = &shown["facts"][0];
    assert_eq!(fact["occurred_at"], "2026-11-23T09:00:00Z");
    assert_eq!(fact["event_id"], "e1");
    assert_eq!(shown["machine"]["plan"], serde_json::Value::Null);
    assert_eq!(shown["machine"]["last_fact_at"], serde_json::Value::Null);
    assert_eq!(shown["machine"]["category"], "open");
    let full = state_json(&encode_state(&full())).unwrap();
    let watch = &full["machine"]["escalation"]["waits"];
    assert!(
        watch["motion"].is_string() && watch["counted_ms"].is_i64(),
        "{watch}"
    );
    assert!(full["ledger"][0]["identity"].as_str().unwrap().len() == 32);
    assert!(full["told"][0]["to"].is_string());
    let cut = encode_state(&state);
    assert!(state_json(&cut[..cut.len() - 1]).is_err());
    assert!(state_json(b"{}").is_err());
}
