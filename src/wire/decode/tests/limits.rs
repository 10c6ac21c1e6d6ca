//! What is the most that is accepted.

use super::*;

#[test]
fn limits_hold_exactly() {
    let repeated = |count: usize| "x".repeat(count);
    let tags = |count: usize| json!({"changes": {"tags": vec!["t"; count]}});
    let labels = |count: usize| {
        let labels: serde_json::Map<_, _> =
            (0..count).map(|n| (n.to_string(), json!("v"))).collect();
        json!({"changes": {"labels": labels}})
    };
    let activities = |count: usize| {
        let activity = json!({"kind": "acknowledge"});
        json!({"activities": vec![activity; count]})
    };
    type Make<'a> = &'a dyn Fn(usize) -> serde_json::Value;
    let makes: [(usize, Make<'_>); 11] = [
        (256, &|n| json!({"ticket_id": repeated(n)})),
        (4096, &|n| json!({"event_id": repeated(n)})),
        (4096, &|n| json!({"source": repeated(n)})),
        (4096, &|n| json!({"changes": {"subject": repeated(n)}})),
        (4096, &|n| json!({"changes": {"tags": [repeated(n)]}})),
        (
            4096,
            &|n| json!({"changes": {"labels": {"a": repeated(n)}}}),
        ),
        (
            4096,
            &|n| json!({"activities": [{"kind": "escalate", "note": repeated(n)}]}),
        ),
        (256, &|n| json!({"changes": {"labels": {repeated(n): "a"}}})),
        (200, &tags),
        (200, &labels),
        (1000, &activities),
    ];
    for (most, make) in makes {
        assert!(read(Input::Updated, &updated(make(most))).is_ok());
        let (reason, error) = refused(Input::Updated, &updated(make(most + 1)));
        assert_eq!(reason, DeadLetterReason::TooLarge, "{error}");
    }

    let mut value = updated(json!({})).to_string().into_bytes();
    value.resize(VALUE_BYTES_MAX, b' ');
    assert!(decode(&record(Input::Updated, &value), NOW).is_ok());
    value.push(b' ');
    let refusal = decode(&record(Input::Updated, &value), NOW).unwrap_err();
    assert_eq!(refusal.reason, DeadLetterReason::TooLarge);
}

#[test]
fn instants_are_accepted_from_1970_to_a_day_ahead() {
    for (instant, accepted) in [
        ("1970-01-01T00:00:00Z", true),
        ("1969-12-31T23:59:59.999Z", false),
        ("2026-11-24T09:00:00Z", true),
        ("2026-11-24T09:00:00.001Z", false),
        ("9999-12-31T23:59:59Z", false),
    ] {
        let result = read(Input::Updated, &updated(json!({"occurred_at": instant})));
        assert_eq!(result.is_ok(), accepted, "{instant}");
        if let Err(refusal) = result {
            assert_eq!(refusal.reason, DeadLetterReason::InstantOutOfRange);
        }
    }
}
