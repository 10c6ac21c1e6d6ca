//! A ticketing system that writes its own records, and a service that reads them by a mapping.

use serde_json::{Value, json};

use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{Sent, produce};
use crate::support::{PATIENCE, wait_until};

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    match: { queue: network }
    stale_after: none
    triggers: [ { name: grave, when: { priority: critical }, level: 1 } ]
    path: [ { notify: [noc] } ]
";

const MAPPING: &str = "
version: 1
mappings:
  - name: desk
    match: { event: { contains: ticket } }
    ignore: { event: ticket_seen }
    created: { event: ticket_new }
    ticket_id: { path: ticket.number, prefix: desk- }
    occurred_at: { path: ticket.changed, form: \"%Y-%m-%d %H:%M:%S\" }
    ticket:
      status: ticket.state
      queue: ticket.group.name
      priority: { path: ticket.urgency, values: { 1: critical, 2: high } }
";

fn record(event: &str, changed: &str, others: Value) -> Vec<u8> {
    let mut record = json!({"event": event, "ticket": {"number": 42, "changed": changed}});
    for (name, value) in others.as_object().unwrap() {
        record["ticket"][name] = value.clone();
    }
    record.to_string().into_bytes()
}

/// Writes records of the ticket to the topic of updates alone, by the id that the system has.
fn write(site: &Site, records: &[Vec<u8>]) {
    let sent: Vec<_> = records
        .iter()
        .map(|record| Sent {
            partition: 1,
            key: Some(b"42"),
            value: Some(record),
            ..Sent::default()
        })
        .collect();
    produce(&broker().address, &site.topic("updated"), &sent);
}

/// What happens to the ticket, with a record that says nothing and one that cannot be read.
fn day() -> [Vec<u8>; 5] {
    [
        record(
            "ticket_new",
            "2026-09-21 10:00:00",
            json!({"state": "new", "group": {"name": "network"}}),
        ),
        record("ticket_seen", "2026-09-21 10:01:00", json!({})),
        record(
            "ticket_changed",
            "2026-09-21 10:05:00",
            json!({"urgency": 1}),
        ),
        record("ticket_changed", "21.9.2026", json!({"urgency": 2})),
        record(
            "ticket_changed",
            "2026-09-21 10:30:00",
            json!({"group": null}),
        ),
    ]
}

/// A site whose settings name the mapping.
fn site() -> Site {
    let site = Site::new(PLAN, 2, "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n");
    let mapping = site.path().join("desk.yaml");
    std::fs::write(&mapping, MAPPING).unwrap();
    let config = site.path().join("escalator.toml");
    let settings = std::fs::read_to_string(&config).unwrap();
    let settings = format!("mappings = '{}'\n{settings}", mapping.display());
    std::fs::write(&config, settings).unwrap();
    site
}

/// The reason and the error of the only dead letter.
fn letter(site: &Site) -> [String; 2] {
    let letters = site.read("dead");
    let [letter] = &letters[..] else {
        panic!("one dead letter, not {}", letters.len());
    };
    let header = |name: &str| letter.headers.iter().find(|(own, _)| own == name);
    let text = |name| String::from_utf8(header(name).unwrap().1.clone().unwrap()).unwrap();
    ["reason", "error"].map(text)
}

#[test]
fn records_of_a_ticketing_system_escalate_by_a_mapping() {
    let site = site();
    write(&site, &day());

    let service = site.start("one");
    let escalated = wait_until("the end of the escalation", PATIENCE, || {
        let is_running = service.log().contains("goes on from");
        let events = is_running.then(|| site.read("escalated"))?;
        Some(events).filter(|events| events.len() == 2)
    });
    let told: Vec<Value> = escalated
        .iter()
        .map(|event| serde_json::from_slice(event.value.as_ref().unwrap()).unwrap())
        .collect();
    assert!(escalated.iter().all(|event| event.partition == 1));
    let shown = told
        .iter()
        .map(|it| (&it["type"], &it["ticket_id"], &it["source"], &it["due_at"]));
    assert_eq!(
        serde_json::to_value(shown.collect::<Vec<_>>()).unwrap(),
        json!([
            ["raised", "desk-42", "desk", "2026-09-21T10:05:00Z"],
            ["ended", "desk-42", "desk", "2026-09-21T10:30:00Z"],
        ])
    );
    let [reason, error] = letter(&site);
    assert_eq!(reason, "wrong_type");
    assert!(
        error.starts_with("mapping `desk`: field `occurred_at`"),
        "{error}"
    );
    let metrics = service.ask("GET /metrics", "").unwrap();
    assert!(
        metrics.contains("\nescalator_records_ignored_total 1\n"),
        "{metrics}"
    );

    // Whoever reads the topics reads them as the service does.
    let plans = site.path().join("plan.yaml");
    let plans = plans.to_str().unwrap();
    let (code, told) = site.run(&["explain", "--plans", plans, "--ticket", "desk-42"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("desk-42"), "{told}");
    let (code, told) = site.run(&["state", "get", "desk-42"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = site.run(&["report", "--plans", plans]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("1 wrong_type"), "{told}");
    assert!(service.stop().success());
    let (code, told) = site.run(&["state", "rebuild", "--partition", "1"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("1 ticket, 0 records of the state topic would be written anew"),
        "{told}"
    );
}
