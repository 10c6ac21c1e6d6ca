//! Plans that are edited while the service runs, on a real broker.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use escalator_engine::time::Timestamp;
use rdkafka::producer::Producer;
use serde_json::{Value, json};

use crate::observed::now_ms;
use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{Sent, producer, send};
use crate::support::{PATIENCE, pass, wait_until};

/// A plan with some seconds to the first response.
pub(crate) fn plan(within_s: u32, in_flight: &str) -> String {
    format!(
        "version: 1
targets: {{ noc: {{ kind: team, channels: [chat] }} }}
plans:
  - name: p
    in_flight: {in_flight}
    timeframes:
      first_response:
        within: {within_s}s
        marks: [ {{ at: 50%, warn: [noc] }}, {{ at: 100%, level: 1 }} ]
    path: [ {{ notify: [noc], next_after: 1s }}, {{ notify: [noc] }} ]
"
    )
}

/// Creates forty tickets a second until it is told to stop, and answers every third two seconds
/// later.
fn keep_busy(site: &Site, stop: &AtomicBool) {
    let producer = producer(&broker().address, &[("acks", "all")]);
    let write = |input: &str, number: i32, content: Value| {
        let ticket = format!("T{number:04}");
        let mut event = json!({
            "ticket_id": ticket,
            "event_id": format!("{input}-{ticket}"),
            "occurred_at": Timestamp::from_millis(now_ms()).to_string(),
        });
        let fields = event.as_object_mut().unwrap();
        fields.extend(content.as_object().unwrap().clone());
        let value = event.to_string();
        let sent = Sent {
            partition: number % site.partitions,
            key: Some(ticket.as_bytes()),
            value: Some(value.as_bytes()),
            ..Sent::default()
        };
        send(&producer, &site.topic(input), &[sent]);
    };
    let mut next = 0;
    while !stop.load(Ordering::Acquire) {
        for number in next..next + 4 {
            write("created", number, json!({ "ticket": { "status": "open" } }));
            let answered = number - 80;
            if answered >= 0 && answered % 3 == 0 {
                let reply = json!({ "activities": [{ "kind": "agent_reply" }] });
                write("updated", answered, reply);
            }
        }
        next += 4;
        pass(Duration::from_millis(100));
    }
    producer.flush(PATIENCE).unwrap();
}

/// The edits in the log: the instant and the hash of each revision that was not there before.
pub(crate) fn edits(site: &Site) -> Vec<(Timestamp, String)> {
    let mut edits: Vec<(Timestamp, String)> = Vec::new();
    for record in site.read("plans") {
        let hash = String::from_utf8(record.key.unwrap()).unwrap();
        if edits.iter().all(|(_, known)| *known != hash) {
            edits.push((Timestamp::from_millis(record.timestamp_ms), hash));
        }
    }
    edits
}

/// What was decided in the end, by the ids of the events, without what may differ in a simulation.
fn by_id(events: impl Iterator<Item = Value>) -> BTreeMap<String, Value> {
    let mut by_id = BTreeMap::new();
    for mut event in events {
        for free in ["fired_at", "lateness_ms"] {
            event.as_object_mut().unwrap().remove(free);
        }
        let id = event["id"].as_str().unwrap().to_owned();
        let earlier = by_id.insert(id, event);
        assert!(earlier.is_none(), "decided twice: {earlier:?}");
    }
    by_id
}

fn decided(site: &Site) -> BTreeMap<String, Value> {
    let topics = ["escalated", "notify"].into_iter();
    let records = topics.flat_map(|topic| site.read(topic));
    by_id(records.map(|record| serde_json::from_slice(&record.value.unwrap()).unwrap()))
}

/// What `simulate` decides about the inputs with these edits, a path and an instant each.
fn simulated(site: &Site, first: &Path, edits: &[(Timestamp, &Path)]) -> BTreeMap<String, Value> {
    let mut lines = String::new();
    for (input, topic) in [("created", "ticket-created"), ("updated", "ticket-updated")] {
        for record in site.read(input) {
            let value: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
            lines.push_str(&format!("{}\n", json!({ "topic": topic, "value": value })));
        }
    }
    let events = site.path().join("events.jsonl");
    std::fs::write(&events, lines).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
    command.arg("simulate").arg("--plans").arg(first);
    command.arg("--events").arg(&events);
    for (at, path) in edits {
        command.arg(format!("--edit={at}={}", path.display()));
    }
    let until = Timestamp::from_millis(now_ms()).plus_millis(60_000);
    command.args(["--output", "json", "--until", &until.to_string()]);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = printed.lines();
    by_id(lines.map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["value"].take()
    }))
}

#[test]
fn an_edit_in_mid_stream_gives_what_simulate_gives_through_kills() {
    let (old, new) = (plan(6, "adopt"), plan(3, "adopt"));
    let site = Site::new(&old, 4, "[start]\nnotify_from = '2026-01-01T00:00:00Z'\n");
    let old_path = site.path().join("old.yaml");
    std::fs::write(&old_path, &old).unwrap();
    let stop = AtomicBool::new(false);
    let mut running = std::thread::scope(|scope| {
        let load = scope.spawn(|| keep_busy(&site, &stop));
        let mut running = [site.start("a"), site.start("b")];
        wait_until("work of both", PATIENCE, || {
            pass(Duration::from_millis(200));
            let is_busy = |child| site.has_committed(child);
            running.iter().all(is_busy).then_some(())
        });
        // Tickets of before the edit have come to every mark.
        pass(Duration::from_secs(4));
        site.write_plan(&new);
        wait_until("the edit", PATIENCE, || {
            (edits(&site).len() == 2).then_some(())
        });
        // The one in the middle of it, the other once it goes on after that.
        std::mem::replace(&mut running[0], site.start("a")).kill();
        wait_until("work of the new one", PATIENCE, || {
            pass(Duration::from_millis(200));
            site.has_committed(&running[0]).then_some(())
        });
        std::mem::replace(&mut running[1], site.start("b")).kill();
        pass(Duration::from_secs(2));
        stop.store(true, Ordering::Release);
        load.join().unwrap();
        running
    });
    let found = edits(&site);
    assert_eq!(found.len(), 2, "{found:?}");
    let new_path = site.path().join("plan.yaml");
    let expected = simulated(&site, &old_path, &[(found[1].0, &new_path)]);
    wait_until("every decision", PATIENCE, || {
        pass(Duration::from_millis(200));
        (decided(&site).len() >= expected.len()).then_some(())
    });
    for child in &mut running {
        child.terminate();
        assert!(child.wait().success(), "{}", child.log());
    }
    let decided = decided(&site);
    let of_revision = |hash: &str| {
        let events = decided.values();
        events
            .filter(|event| event["plan_revision"] == hash)
            .count()
    };
    assert!(of_revision(&found[0].1) > 50 && of_revision(&found[1].1) > 50);
    let wrong = decided
        .iter()
        .find(|(id, event)| expected.get(*id) != Some(event));
    let missing = expected.iter().find(|(id, _)| !decided.contains_key(*id));
    assert!(
        wrong.is_none() && missing.is_none(),
        "wrong {wrong:?}, missing {missing:?}"
    );
}
