//! Records that were written once.

use super::*;
use crate::wire::testing::golden;

#[test]
fn stored_input_records_are_read() {
    let created = json!({
        "ticket_id": "T1", "occurred_at": 1_795_424_400_000_i64, "event_id": "e-1", "version": 1, "source": "desk",
        "ticket": {
            "status": "New", "priority": "high", "category": "network", "queue": "noc", "assignee": "ann",
            "requester": "bob", "organization": "acme", "tier": "gold", "channel": "email", "subject": "Grüße",
            "vendor": "v", "severity": 2.0, "satisfaction": 0.25, "tags": ["a", "b"],
            "labels": {"region": "eu"},
        },
    });
    let updated = json!({
        "ticket_id": "T1", "occurred_at": 1_795_424_460_000_i64,
        "changes": {"queue": "noc-l2", "labels": {"region": null}}, "unset": ["assignee"],
        "activities": [{"kind": "snooze", "actor": "ann", "level": null, "until": 1_795_428_000_000_i64, "note": "call"}],
    });
    let mut changes_read = Vec::new();
    for (input, name, file, value) in [
        (
            Input::Created,
            SchemaName::TicketCreated,
            "ticket_created.1.avro",
            created,
        ),
        (
            Input::Updated,
            SchemaName::TicketUpdated,
            "ticket_updated.1.avro",
            updated,
        ),
    ] {
        let stored = golden(file, || single_object(name, &value));
        let decoded = decode(&record(input, &stored), NOW).unwrap();
        assert_eq!(&*decoded.fact.ticket_id, "T1");
        changes_read.push(changes(&decoded).len());
    }
    assert_eq!(changes_read, [15, 3]);
}
