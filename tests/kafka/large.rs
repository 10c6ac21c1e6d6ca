//! Tickets whose events are as large as events may be, and dead letters that are larger than may be.

use std::time::{SystemTime, UNIX_EPOCH};

use escalator::kafka::topics::RECORD_BYTES_MAX;
use escalator_engine::time::Timestamp;
use serde_json::{Value, json};

use crate::incident_log::dice::Dice;
use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::broker::broker;
use crate::support::client::{Seen, Sent, create_topic, limit_records, produce};
use crate::support::{PATIENCE, wait_until};

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    triggers: [ { name: urgent, when: { priority: critical }, level: 1 } ]
    path: [ { notify: [noc] } ]
";

/// Events of 600 KB: with all of them kept, the state would have 14 MB.
const LARGE_EVENTS: i64 = 24;

#[test]
fn a_ticket_of_many_large_events_holds_nothing_up() {
    let site = Site::new(PLAN, 1, "[start]\nnotify_from = '2026-01-01T00:00:00Z'\n");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let begin_ms = i64::try_from(since.as_millis()).unwrap() - 60_000;
    let update = |nth: i64, changes: &Value| {
        let at_ms = begin_ms + nth;
        let at = Timestamp::from_millis(at_ms).to_string();
        let value = json!({ "ticket_id": "T1", "occurred_at": at, "changes": changes });
        let value = value.to_string().into_bytes();
        let sent = Sent {
            timestamp_ms: Some(at_ms),
            key: Some(b"T1"),
            value: Some(&value),
            ..Sent::default()
        };
        produce(&broker().address, &site.topic("updated"), &[sent]);
    };
    for nth in 0..LARGE_EVENTS {
        let tags: Vec<String> = (0..150).map(|tag| format!("{nth}-{tag:04000}")).collect();
        update(nth, &json!({ "status": "open", "tags": tags }));
    }
    update(LARGE_EVENTS, &json!({ "priority": "critical" }));

    let service = site.start("one");
    wait_until("the escalation", PATIENCE, || {
        let is_running = service.log().contains("goes on from");
        (is_running && site.read("escalated").len() == 1).then_some(())
    });
    assert!(service.stop().success());
    let states = site.read("state").into_iter();
    let sizes: Vec<usize> = states
        .filter(|record| record.key.as_deref() == Some(b"T1"))
        .map(|record| record.value.unwrap().len())
        .collect();
    assert!(!sizes.is_empty());
    // The ticket twice, the facts that are kept, and one whose instant is not over.
    let limit = 2 * 700_000 + 2 * 700_000;
    assert!(sizes.iter().all(|size| *size < limit), "{sizes:?}");
    assert!(limit < RECORD_BYTES_MAX);
    assert_eq!(site.read("dead").len(), 0);
}

/// A state that its topic does not take holds its partition up and no other, until the topic takes it.
#[test]
fn a_state_that_is_not_taken_holds_up_its_partition_alone_until_the_limit_is_raised() {
    let site = Site::new(
        TELLS_OF_EVERY_TICKET,
        2,
        "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n",
    );
    let service = site.start("one");
    wait_until("the start", PATIENCE, || {
        (service.log().matches("goes on from").count() == 2).then_some(())
    });
    limit_records(&broker().address, &site.topic("state"), 5_000);
    let labels: serde_json::Map<_, _> = (0..190)
        .map(|label| (format!("l{label}"), Value::from("x".repeat(300))))
        .collect();
    for (partition, ticket, labels) in [(0, "BIG", labels), (1, "SMALL", serde_json::Map::new())] {
        let value = json!({
            "ticket_id": ticket, "occurred_at": "2026-09-21T10:00:00Z",
            "ticket": { "status": "open", "labels": labels },
        });
        let value = value.to_string();
        site.write(
            "created",
            partition,
            ticket.as_bytes(),
            Some(value.as_bytes()),
        );
    }
    let raised = |count| {
        wait_until("what was raised", PATIENCE, || {
            Some(site.read("escalated")).filter(|events| events.len() == count)
        })
    };
    assert_eq!(raised(1)[0].key.as_deref(), Some(&b"SMALL"[..]));
    let ready = wait_until("the reason", PATIENCE, || {
        let ready = service.ask("GET /readyz", "")?;
        ready.contains("partition 0 has a record").then_some(ready)
    });
    assert!(
        ready.contains(&format!("topic `{}`, partition 0", site.topic("state"))),
        "{ready}"
    );
    assert!(ready.contains("[+] broker reachable"), "{ready}");

    limit_records(&broker().address, &site.topic("state"), 8_388_608);
    let events = raised(2);
    assert!(
        events
            .iter()
            .any(|event| event.key.as_deref() == Some(b"BIG"))
    );
    wait_until("readiness", PATIENCE, || {
        let ready = service.ask("GET /readyz", "")?;
        ready.starts_with("HTTP/1.1 200").then_some(())
    });
    assert!(service.stop().success());
}

/// Unreadable records that no compression makes smaller, to one partition.
fn write_noise(site: &Site, count: usize, bytes: usize) {
    let mut dice = Dice::new(1);
    for _ in 0..count {
        let mut noise = dice.bytes(bytes);
        // No format begins with it.
        noise[0] = b'?';
        site.write("created", 0, b"noise", Some(&noise));
    }
}

#[track_caller]
fn wait_for_letters(site: &Site, count: usize) -> Vec<Seen> {
    let letters = wait_until("the dead letters", PATIENCE, || {
        Some(site.read("dead")).filter(|letters| letters.len() >= count)
    });
    assert_eq!(letters.len(), count);
    letters
}

#[test]
fn dead_letters_keep_to_the_limit_of_their_topic_also_when_it_is_lowered_meanwhile() {
    let site = Site::new(TELLS_OF_EVERY_TICKET, 1, "");
    let dead = site.topic("dead");
    create_topic(&site.broker, &dead, 1, &[("max.message.bytes", "40000")]);
    // Each fits by itself; all together are more than one batch may be.
    write_noise(&site, 10, 30_000);
    let service = site.start("one");
    let whole = wait_for_letters(&site, 10);
    assert!(
        whole
            .iter()
            .all(|it| it.value.as_ref().unwrap().len() == 30_000)
    );

    limit_records(&site.broker, &dead, 20_000);
    write_noise(&site, 3, 30_000);
    site.create_in(0, "T1", &json!({ "status": "open" }));
    let letters = wait_for_letters(&site, 13);
    let truncated = ("truncated".to_owned(), Some(b"true".to_vec()));
    for letter in &letters[10..] {
        assert_eq!(letter.value.as_deref(), Some(&b""[..]));
        assert!(letter.headers.contains(&truncated), "{:?}", letter.headers);
    }
    wait_until("the ticket behind them", PATIENCE, || {
        (site.read("escalated").len() == 1).then_some(())
    });
    assert!(
        service
            .log()
            .contains("topics take other records than before")
    );
    assert!(service.stop().success());
}
