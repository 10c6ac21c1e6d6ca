//! What operators see of a running service: metrics with their values, and traces.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use escalator_engine::time::Timestamp;
use serde_json::{Value, json};

use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{Sent, produce};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response: { within: 2s, marks: [ { at: 100%, level: 1 } ] }
      resolution: { within: 1h, marks: [ { at: 100%, level: 2 } ] }
    triggers: [ { name: legal, when: { tags: legal }, level: 1 } ]
    path: [ { notify: [noc, assignee] }, { notify: [noc] } ]
";

/// Without warm copies: a restore that has something to read is looked at.
const MORE: &str =
    "admin_token = 'open'\n[standby]\ncopies = 0\n[start]\nnotify_from = '2026-01-01T00:00:00Z'\n";

const OUTCRY: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ANSWER: &str = "00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// The events of a test, dated a minute ago, so that what is due is due before it begins.
struct Desk<'a> {
    site: &'a Site,
    begin_ms: i64,
}

impl Desk<'_> {
    /// Writes an event of a ticket, so many milliseconds after the beginning.
    fn event(&self, input: &str, ticket: &str, after_ms: i64, content: &Value, trace: &str) {
        let at = Timestamp::from_millis(self.begin_ms + after_ms);
        let mut value = json!({ "ticket_id": ticket, "occurred_at": at.to_string() });
        let fields = value.as_object_mut().unwrap();
        fields.extend(content.as_object().unwrap().clone());
        self.bytes(input, ticket, after_ms, value.to_string().as_bytes(), trace);
    }

    fn bytes(&self, input: &str, ticket: &str, after_ms: i64, value: &[u8], trace: &str) {
        let headers = [("traceparent", trace.as_bytes())];
        let sent = Sent {
            partition: i32::from(ticket == "T2"),
            timestamp_ms: Some(self.begin_ms + after_ms),
            key: Some(ticket.as_bytes()),
            value: Some(value),
            headers: headers
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        };
        produce(&broker().address, &self.site.topic(input), &[sent]);
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// The series of the service with their values; none before it answers.
pub(crate) fn metrics(service: &Escalator) -> BTreeMap<String, f64> {
    let answer = service.ask("GET /metrics", "").unwrap_or_default();
    let lines = answer.lines().filter(|line| line.starts_with("escalator_"));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect()
}

fn assert_values(found: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (series, value) in expected {
        let series = format!("escalator_{series}");
        assert_eq!(found.get(&series), Some(value), "{series} in {found:#?}");
    }
}

/// A life with everything that is counted, before the service starts.
fn write_history(desk: &Desk<'_>) {
    let outcry = json!({
        "event_id": "e1",
        "ticket": { "status": "open", "tags": ["legal"], "assignee": "no\u{1}name" },
    });
    desk.event("created", "T1", 0, &outcry, OUTCRY);
    desk.event("created", "T1", 0, &outcry, OUTCRY);
    let ancient = json!({ "occurred_at": "1960-01-01T00:00:00Z", "ticket": {} });
    desk.event("created", "T1", 1, &ancient, "");
    desk.event(
        "created",
        "T2",
        2,
        &json!({ "ticket": { "status": "open" } }),
        "",
    );
    let snooze =
        json!({ "activities": [{ "kind": "snooze" }, { "kind": "telepathy" }], "colour": "red" });
    desk.event("updated", "T1", 10, &snooze, "");
    let status = json!({ "changes": { "status": "Frobnicating" } });
    desk.event("updated", "T1", 11, &status, "");
    let labels: BTreeMap<String, &str> = (0..200).map(|n| (format!("a{n:03}"), "x")).collect();
    desk.event(
        "updated",
        "T1",
        12,
        &json!({ "changes": { "labels": labels } }),
        "",
    );
    let label = json!({ "changes": { "labels": { "z": "x" } } });
    desk.event("updated", "T1", 13, &label, "");
    desk.bytes("updated", "T1", 14, b"{", "");
    let resolved = json!({ "changes": { "status": "resolved" } });
    desk.event("updated", "T1", 15, &resolved, ANSWER);
    let escalate = json!({ "activities": [{ "kind": "escalate" }] });
    desk.event("updated", "T1", 16, &escalate, "");
}

/// What must have been counted of the history above and of one late fact.
const COUNTED: &[(&str, f64)] = &[
    ("events_total{outcome=\"processed\",topic=\"created\"}", 2.0),
    ("events_total{outcome=\"duplicate\",topic=\"created\"}", 1.0),
    (
        "events_total{outcome=\"dead_letter\",topic=\"created\"}",
        1.0,
    ),
    ("events_total{outcome=\"processed\",topic=\"updated\"}", 6.0),
    ("events_total{outcome=\"late\",topic=\"updated\"}", 1.0),
    (
        "events_total{outcome=\"late_dropped\",topic=\"updated\"}",
        0.0,
    ),
    (
        "events_total{outcome=\"dead_letter\",topic=\"updated\"}",
        1.0,
    ),
    ("escalated_total{type=\"raised\"}", 2.0),
    ("escalated_total{type=\"ended\"}", 1.0),
    (
        "escalations_total{cause=\"trigger\",level=\"1\",plan=\"p\"}",
        1.0,
    ),
    (
        "escalations_total{cause=\"timeframe\",level=\"1\",plan=\"p\"}",
        1.0,
    ),
    (
        "escalations_total{cause=\"timeframe\",level=\"2\",plan=\"p\"}",
        0.0,
    ),
    (
        "notifications_total{purpose=\"level\",to_kind=\"team\"}",
        2.0,
    ),
    (
        "notifications_total{purpose=\"ended\",to_kind=\"team\"}",
        1.0,
    ),
    (
        "notifications_total{purpose=\"warning\",to_kind=\"team\"}",
        0.0,
    ),
    ("notifications_suppressed_total", 0.0),
    ("timer_lateness_seconds_count", 1.0),
    ("timer_lateness_seconds_bucket{le=\"30\"}", 0.0),
    ("dead_letters_total{reason=\"unreadable\"}", 1.0),
    ("dead_letters_total{reason=\"instant_out_of_range\"}", 1.0),
    ("unknown_statuses_total", 1.0),
    ("unknown_fields_total", 1.0),
    ("labels_left_out_total", 1.0),
    ("activities_ignored_total{kind=\"snooze\"}", 1.0),
    ("activities_ignored_total{kind=\"escalate\"}", 1.0),
    ("activities_ignored_total{kind=\"unknown\"}", 1.0),
    ("targets_skipped_total", 1.0),
    ("transactions_total{result=\"fenced\"}", 0.0),
    ("plan_reloads_total{result=\"unchanged\"}", 1.0),
    ("plan_reloads_total{result=\"refused\"}", 0.0),
];

/// How a service stands that has read everything.
const STANDING: &[(&str, f64)] = &[
    // A ticket that is done is forgotten some day.
    ("timers_pending{partition=\"0\"}", 1.0),
    ("timers_pending{partition=\"1\"}", 1.0),
    ("tickets{partition=\"0\"}", 1.0),
    ("tickets{partition=\"1\"}", 1.0),
    ("lag_records{partition=\"0\",topic=\"updated\"}", 0.0),
    ("lag_records{partition=\"1\",topic=\"created\"}", 0.0),
    ("partitions{state=\"live\"}", 2.0),
    ("partitions{state=\"restoring\"}", 0.0),
    ("oldest_due_seconds", 0.0),
    ("partition_oldest_due_seconds{partition=\"1\"}", 0.0),
    ("rebalances_total{kind=\"assigned\"}", 1.0),
    ("broker_up", 1.0),
    ("check_passing{check=\"broker\"}", 1.0),
    ("check_passing{check=\"partitions\"}", 1.0),
    ("check_passing{check=\"plans\"}", 1.0),
    ("check_passing{check=\"partitioners\"}", 1.0),
    (
        concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"),
        1.0,
    ),
];

/// Waits until a service has live partitions and this series has this value.
fn wait_for(service: &Escalator, series: &str, value: f64) -> BTreeMap<String, f64> {
    wait_until(series, PATIENCE, || {
        let found = metrics(service);
        let is_live = found.get("escalator_partitions{state=\"live\"}") == Some(&2.0);
        let has_value = found.get(&format!("escalator_{series}")) == Some(&value);
        (is_live && has_value).then_some(found)
    })
}

/// Waits until everything stands as it must: ends and watermarks are looked at now and then.
fn wait_for_standing(service: &Escalator) -> BTreeMap<String, f64> {
    wait_until("the standing values", PATIENCE, || {
        let found = metrics(service);
        let mut series = STANDING.iter();
        series
            .all(|(series, value)| found.get(&format!("escalator_{series}")) == Some(value))
            .then_some(found)
    })
}

#[test]
fn metrics_count_what_has_happened_and_outputs_carry_the_traces_of_their_records() {
    let site = Site::new(PLAN, 2, MORE);
    let begin_ms = now_ms() - 60_000;
    let desk = Desk {
        site: &site,
        begin_ms,
    };
    write_history(&desk);
    let first = site.start("one");
    wait_for(&first, "timer_lateness_seconds_count", 1.0);
    let late = json!({ "changes": { "subject": "printer" } });
    desk.event("updated", "T2", 30_000, &late, "");
    let token = "Authorization: Bearer open\r\n";
    let reloaded = first.ask("POST /-/reload", token).unwrap();
    assert!(reloaded.starts_with("HTTP/1.1 200"), "{reloaded}");
    let late = "events_total{outcome=\"late\",topic=\"updated\"}";
    let found = wait_for(&first, late, 1.0);
    assert_values(&found, COUNTED);
    let found = wait_for_standing(&first);
    let of = |series: &str| found[&format!("escalator_{series}")];
    assert!(of("watermark_age_seconds{partition=\"1\"}") < 60.0);
    let committed = of("transactions_total{result=\"committed\"}");
    assert!(committed >= 2.0, "{committed}");
    assert!(of("transaction_duration_seconds_count") >= committed);
    assert!(of("decision_duration_seconds_count") >= committed);
    let revisions = found
        .keys()
        .filter(|key| key.starts_with("escalator_plans_info{"));
    assert_eq!(revisions.count(), 1);
    assert!(first.stop().success());

    // What is restored stands as before, and nothing of it is counted again.
    let second = site.start("one");
    wait_for(&second, "timers_pending{partition=\"1\"}", 1.0);
    let found = wait_for_standing(&second);
    assert_values(&found, &[("escalated_total{type=\"raised\"}", 0.0)]);
    for partition in ["0", "1"] {
        let of = |name: &str| found[&format!("escalator_{name}{{partition=\"{partition}\"}}")];
        assert!(of("restore_target_records") > 0.0);
        assert_eq!(of("restore_read_records"), of("restore_target_records"));
    }
    assert!(second.stop().success());
    assert_traces(&site);
}

fn assert_traces(site: &Site) {
    let mut told = Vec::new();
    for topic in ["escalated", "notify"] {
        for record in site.read(topic) {
            let event: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let what = event.get("type").or_else(|| event.get("purpose")).unwrap();
            let header = |wanted: &str| {
                let mut headers = record.headers.iter();
                let (_, value) = headers.find(|(name, _)| name == wanted)?;
                Some(String::from_utf8(value.clone().unwrap()).unwrap())
            };
            assert_eq!(header("ce_id").as_deref(), event["id"].as_str());
            assert_eq!(header("content-type").as_deref(), Some("application/json"));
            let trace = header("traceparent");
            told.push(json!([event["ticket_id"], what, trace]));
        }
    }
    let expected = [
        json!(["T1", "raised", OUTCRY]),
        json!(["T1", "ended", ANSWER]),
        json!(["T2", "raised", null]),
        json!(["T1", "level", OUTCRY]),
        json!(["T1", "ended", ANSWER]),
        json!(["T2", "level", null]),
    ];
    assert_eq!(told, expected);
}
