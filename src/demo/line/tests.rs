use escalator_engine::effect::Purpose;
use serde_json::{Value, json};

use super::*;

fn decision(changes: &Value) -> Decision {
    let mut event = json!({
        "id": "1", "ordinal": 0, "type": "raised", "ticket_id": "INC-007",
        "level": 2, "previous_level": 1, "level_name": "team lead",
        "cause": { "kind": "timeframe", "name": "first_response", "mark": "100%", "cycle": 1 },
        "due_at": "2026-11-23T09:05:00Z", "fired_at": "2026-11-23T09:05:12Z", "lateness_ms": 12_000,
        "notify_suppressed": false, "actor": null, "note": null,
    });
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    serde_json::from_value(event).unwrap()
}

fn notification(to: &str, channel: &str) -> Notification {
    Notification {
        id: format!("{to}-{channel}"),
        escalation_event_id: Some("1".to_owned()),
        ticket_id: Some("INC-007".into()),
        to: to.into(),
        to_kind: "role".into(),
        channel: channel.into(),
        purpose: Purpose::Level,
    }
}

fn told() -> Vec<Notification> {
    [
        ("team-lead", "chat"),
        ("team-lead", "email"),
        ("ann", "chat"),
    ]
    .map(|(to, channel)| notification(to, channel))
    .to_vec()
}

fn printed(decision: &Decision, notifications: &[Notification], columns: Option<usize>) -> String {
    let layout = Layout {
        columns,
        ticket_columns: 7,
    };
    let text = line(decision, notifications, layout);
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn one_line_holds_everything_where_there_is_room() {
    let line = "09:05 INC-007 raised         2 team lead    \
                first response overdue → team-lead/chat+email, ann/chat\n";
    let decision = decision(&json!({}));
    assert_eq!(printed(&decision, &told(), Some(120)), line);
    assert_eq!(printed(&decision, &told(), None), line);
}

#[test]
fn at_eighty_columns_listeners_move_to_a_line_of_their_own() {
    let decision = decision(&json!({}));
    assert_eq!(
        printed(&decision, &told(), Some(80)),
        "09:05 INC-007 raised  2 team lead    first response overdue\n\
         \u{20}                                    → team-lead/chat+email, ann/chat\n"
    );
    assert_eq!(
        printed(&decision, &told()[2..], Some(80)),
        "09:05 INC-007 raised  2 team lead    first response overdue → ann/chat\n"
    );
}

#[test]
fn the_header_stands_above_the_columns() {
    let decision = decision(&json!({}));
    for columns in [80, 120] {
        let layout = Layout {
            columns: Some(columns),
            ticket_columns: 7,
        };
        let header = anstream::adapter::strip_str(&header(layout)).to_string();
        let line = printed(&decision, &[], Some(columns));
        let heads = [
            ("ticket", "INC"),
            ("what", "raised"),
            ("level", "2 team"),
            ("why", "first"),
        ];
        for (head, below) in heads {
            assert_eq!(header.find(head), line.find(below), "{head}");
        }
        assert!(header.trim_end().chars().count() <= columns);
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let long = "a very long note that somebody wrote in a hurry, with everything in it";
    let decision = decision(&json!({
        "type": "acknowledged", "level_name": "the second line of the day",
        "cause": { "kind": "manual", "name": null, "mark": null, "cycle": null },
        "actor": "nora", "note": long,
    }));
    let many: Vec<Notification> = (0..9)
        .map(|number| notification(&format!("somebody-{number}"), "chat"))
        .collect();
    for columns in [60, 80, 100, 120] {
        let text = printed(&decision, &many, Some(columns));
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns), "{columns}:\n{text}");
        for number in 0..9 {
            assert!(text.contains(&format!("somebody-{number}/chat")), "{text}");
        }
    }
    let whole = printed(&decision, &many, None);
    assert_eq!(whole.lines().count(), 1);
    assert!(whole.contains(long) && whole.contains("acknowledged"));
}

#[test]
fn causes_are_told_in_plain_words() {
    let cause = |kind: &str, name: Value, mark: Value| json!({ "cause": { "kind": kind, "name": name, "mark": mark, "cycle": 1 }, "ordinal": 2 });
    for (changes, expected) in [
        (
            cause("timeframe", json!("first_response"), json!("70%")),
            "first response 70% used",
        ),
        (
            cause("timeframe", json!("resolution"), json!("-2h")),
            "resolution: 2h left",
        ),
        (
            cause("timeframe", json!("resolution"), json!("+24h")),
            "resolution: 24h overdue",
        ),
        (
            cause("trigger", json!("ping-pong"), Value::Null),
            "trigger ping-pong",
        ),
        (
            cause("waiting", json!("next_after"), Value::Null),
            "nobody took care of it",
        ),
        (cause("waiting", json!("repeat"), Value::Null), "reminder 2"),
        (cause("manual", Value::Null, Value::Null), "by somebody"),
        (cause("resolved", Value::Null, Value::Null), "resolved"),
    ] {
        assert_eq!(why(&decision(&changes)), expected);
    }
}

#[test]
fn who_was_told_too_late_was_not_told() {
    let decision = decision(&json!({ "notify_suppressed": true, "type": "ended" }));
    let text = printed(&decision, &[], None);
    assert!(
        text.contains("was 1") && text.contains("→ nobody, it is too late"),
        "{text}"
    );
}

#[test]
fn texts_from_outside_cannot_steer_the_terminal() {
    let decision = decision(&json!({ "ticket_id": "\u{1b}[2J" }));
    assert!(!printed(&decision, &[], None).contains('\u{1b}'));
}
