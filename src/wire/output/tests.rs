use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::effect::{CauseKind, EscalatedType, Event, Purpose};
use escalator_engine::plan::Assign;
use escalator_engine::storms::DigestItem;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use proptest::prelude::*;

use super::super::events::write_line;
use super::super::testing::{golden, read_single_object};
use super::*;

fn any_text() -> impl Strategy<Value = Text> {
    "\\PC{0,20}".prop_map(Text::from)
}

fn maybe_text() -> impl Strategy<Value = Option<Text>> {
    prop::option::of(any_text())
}

/// Instants that RFC 3339 can write.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_i64).prop_map(Timestamp::from_millis)
}

/// Numbers of few digits, which the JSON reader of the test reads exactly.
fn any_number() -> impl Strategy<Value = f64> {
    (-10_000..10_000_i32).prop_map(|thousandths| f64::from(thousandths) / 1000.0)
}

fn any_ticket() -> impl Strategy<Value = Ticket> {
    (
        [maybe_text(), maybe_text(), maybe_text(), maybe_text()],
        prop::option::of(any_number()),
        prop::option::of(any_number()),
        prop::collection::vec(any_text(), 0..5),
        prop::collection::btree_map(any_text(), any_text(), 0..5),
    )
        .prop_map(
            |([status, queue, subject, vendor], severity, satisfaction, tags, labels)| Ticket {
                status,
                queue,
                subject,
                vendor,
                severity,
                satisfaction,
                tags,
                labels,
                ..Ticket::default()
            },
        )
}

fn any_cause() -> impl Strategy<Value = Cause> {
    (
        prop::sample::select(CauseKind::ALL.to_vec()),
        maybe_text(),
        maybe_text(),
        prop::option::of(any::<u32>()),
    )
        .prop_map(|(kind, name, mark, cycle)| Cause {
            kind,
            name,
            mark,
            cycle,
        })
}

fn any_escalated() -> impl Strategy<Value = Escalated> {
    (
        (any_text(), any_text(), any_text(), any_text()),
        (any::<u32>(), any::<u32>(), any::<u32>(), any::<i64>()),
        (any_cause(), any_instant(), any_instant(), any::<bool>()),
        (maybe_text(), maybe_text(), maybe_text()),
        prop::option::of((maybe_text(), maybe_text())),
        prop::collection::vec(any_text(), 0..3),
        any_ticket(),
    )
        .prop_map(
            |(texts, numbers, (cause, due_at, fired_at, flag), maybe, assign, steps, ticket)| {
                let mut event = plain();
                (
                    event.ticket_id,
                    event.source,
                    event.plan,
                    event.plan_revision,
                ) = texts;
                (
                    event.ordinal,
                    event.level,
                    event.previous_level,
                    event.lateness_ms,
                ) = numbers;
                (event.level_name, event.actor, event.note) = maybe;
                event.cause = cause;
                event.due_at = due_at;
                event.fired_at = fired_at;
                event.notify_suppressed = flag;
                event.level_kind = flag.then_some(LevelKind::External);
                event.assign = assign.map(|(queue, assignee)| Assign { queue, assignee });
                event.resolution_steps = steps;
                event.ticket = Arc::new(ticket);
                event
            },
        )
}

/// The decision that the stored records hold.
fn plain() -> Escalated {
    let labels = BTreeMap::from([("region".into(), "eu".into())]);
    Escalated {
        id: "0123456789abcdef".to_owned(),
        ordinal: 0,
        kind: EscalatedType::Raised,
        ticket_id: "T1".into(),
        source: "desk".into(),
        escalation: 1,
        plan: "gold-network".into(),
        plan_revision: "r1".into(),
        level: 2,
        previous_level: 1,
        level_name: Some("duty manager".into()),
        level_kind: Some(LevelKind::Hierarchical),
        cause: Cause {
            kind: CauseKind::Timeframe,
            name: Some("resolution".into()),
            mark: Some("100%".into()),
            cycle: Some(1),
        },
        nature: Nature::Problem,
        due_at: Timestamp::from_millis(1_795_424_400_000),
        fired_at: Timestamp::from_millis(1_795_424_400_250),
        lateness_ms: 250,
        notify_suppressed: false,
        assign: Some(Assign {
            queue: Some("noc-l2".into()),
            assignee: None,
        }),
        resolution_steps: vec!["Call back".into()],
        actor: None,
        note: None,
        tz_version: "2026a".into(),
        ticket: Arc::new(Ticket {
            status: Some("open".into()),
            severity: Some(2.5),
            tags: vec!["vip".into()],
            labels,
            ..Ticket::default()
        }),
    }
}

fn plain_notify() -> Notify {
    Notify {
        id: "fedcba9876543210".to_owned(),
        escalation_event_id: Some("0123456789abcdef".to_owned()),
        ticket_id: Some("T1".into()),
        source: "desk".into(),
        to: "duty-manager".into(),
        to_kind: "role".into(),
        channel: "phone".into(),
        purpose: Purpose::Level,
        level: 2,
        subject: "T1 is at level 2".to_owned(),
        body: "Grüße,\nplease call.".to_owned(),
        due_at: Timestamp::from_millis(1_795_424_400_000),
        fired_at: Timestamp::from_millis(1_795_424_400_250),
        lateness_ms: 250,
        plan: "gold-network".into(),
        plan_revision: "r1".into(),
        items: Vec::new(),
    }
}

/// A digest of two notifications.
fn digest() -> Notify {
    let item = |ticket_id: &str| DigestItem {
        escalation_event_id: format!("event of {ticket_id}").into(),
        ticket_id: ticket_id.into(),
        purpose: Purpose::Repeat,
    };
    Notify {
        escalation_event_id: None,
        ticket_id: None,
        purpose: Purpose::Digest,
        items: vec![item("T1"), item("T2")],
        ..plain_notify()
    }
}

/// What JSON says, with the instants in milliseconds as Avro has them.
fn as_avro_says(json: &[u8]) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_slice(json).unwrap();
    for field in ["due_at", "fired_at"] {
        let instant = Timestamp::parse(value[field].as_str().unwrap()).unwrap();
        value[field] = instant.as_millis().into();
    }
    value
}

#[test]
fn events_out_are_stable_to_the_byte() {
    for (file, now) in [
        ("escalated.1.avro", escalated(&plain(), OutputFormat::Avro)),
        ("escalated.1.json", escalated(&plain(), OutputFormat::Json)),
        ("notify.1.avro", notify(&plain_notify(), OutputFormat::Avro)),
        ("notify.1.json", notify(&plain_notify(), OutputFormat::Json)),
    ] {
        assert_eq!(golden(file, || now.clone()), now, "{file}");
    }
}

#[test]
fn json_has_the_contracts_fields_with_nulls_and_instants_in_utc() {
    let text = String::from_utf8(escalated(&plain(), OutputFormat::Json)).unwrap();
    for part in [
        r#""type":"raised""#,
        r#""due_at":"2026-11-23T09:00:00Z","fired_at":"2026-11-23T09:00:00.25Z","lateness_ms":250"#,
        r#""cause":{"kind":"timeframe","name":"resolution","mark":"100%","cycle":1}"#,
        r#""assign":{"queue":"noc-l2","assignee":null}"#,
        r#""actor":null,"note":null"#,
        r#""level_kind":"hierarchical""#,
        r#""nature":"problem""#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn both_formats_of_notify_say_the_same() {
    let mut expected = as_avro_says(&notify(&plain_notify(), OutputFormat::Json));
    expected["items"] = serde_json::json!([]);
    let bytes = notify(&plain_notify(), OutputFormat::Avro);
    assert_eq!(read_single_object(SchemaName::Notify, &bytes), expected);
    let bytes = notify(&digest(), OutputFormat::Avro);
    let expected = as_avro_says(&notify(&digest(), OutputFormat::Json));
    assert_eq!(expected["items"][1]["ticket_id"], "T2");
    assert_eq!(read_single_object(SchemaName::Notify, &bytes), expected);
}

#[test]
fn lines_of_an_event_file_have_topic_key_and_value() {
    let line = |event| {
        let mut bytes = Vec::new();
        write_line(&mut bytes, &event).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let decision = line(Event::Escalated(Box::new(plain())));
    assert!(decision.starts_with(r#"{"topic":"escalated","key":"T1","value":{"id":"#));
    assert!(decision.ends_with("}}\n"));
    let told = line(Event::Notify(Box::new(plain_notify())));
    assert!(told.starts_with(r#"{"topic":"notify","key":"T1","value":{"#));
    let digest = line(Event::Notify(Box::new(digest())));
    assert!(digest.starts_with(r#"{"topic":"notify","key":"digest:duty-manager","#));
}

proptest! {
    #[test]
    fn both_formats_of_escalated_say_the_same(event in any_escalated()) {
        let bytes = escalated(&event, OutputFormat::Avro);
        prop_assert_eq!(
            read_single_object(SchemaName::Escalated, &bytes),
            as_avro_says(&escalated(&event, OutputFormat::Json))
        );
    }
}

/// The headers as text.
#[test]
fn confluent_framing_is_a_zero_byte_and_the_id_before_the_same_datum() {
    let ids = ConfluentIds {
        escalated: 0x0102_0304,
        notify: 5,
    };
    let confluent = OutputFormat::Confluent(ids);
    for (framed, head, single) in [
        (
            escalated(&plain(), confluent),
            [0, 1, 2, 3, 4],
            escalated(&plain(), OutputFormat::Avro),
        ),
        (
            notify(&plain_notify(), confluent),
            [0, 0, 0, 0, 5],
            notify(&plain_notify(), OutputFormat::Avro),
        ),
    ] {
        assert_eq!(framed[..5], head);
        assert_eq!(framed[5..], single[10..]);
    }
}

fn headers(event: Event, format: OutputFormat) -> Vec<String> {
    let headers = cloud_event_headers(&event, format).into_iter();
    let shown = headers.map(|(name, value)| {
        let value = String::from_utf8(value.unwrap()).unwrap();
        format!("{name}: {value}")
    });
    shown.collect()
}

#[test]
fn events_out_can_be_cloud_events() {
    let event = plain();
    let expected = [
        "ce_specversion: 1.0",
        &format!("ce_id: {}", event.id),
        "ce_source: /escalator",
        "ce_type: escalator.v1.Escalated",
        &format!("ce_subject: {}", event.ticket_id),
        &format!("ce_time: {}", event.fired_at),
        "content-type: application/json",
    ];
    let shown = headers(
        Event::Escalated(Box::new(event.clone())),
        OutputFormat::Json,
    );
    assert_eq!(shown, expected);

    let digest = Notify {
        ticket_id: None,
        ..plain_notify()
    };
    let target = digest.to.clone();
    let shown = headers(Event::Notify(Box::new(digest)), OutputFormat::Avro);
    assert_eq!(shown[3], "ce_type: escalator.v1.Notify");
    assert_eq!(shown[4], format!("ce_subject: digest:{target}"));
    assert_eq!(shown[6], "content-type: application/avro");
}
