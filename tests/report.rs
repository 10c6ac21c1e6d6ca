//! `report` as a person or a script runs it.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "support/desk.rs"]
mod desk;

use std::fs;

use desk::{Desk, assert_stored, good};
use serde_json::Value;

/// Names that would be markup if they were not escaped.
const PLANS: &str = r#"
version: 1
goals: { first_response: 60%, resolution: 99.5% }
targets:
  noc: { kind: team, channels: [chat, email] }
  "<b>boss</b>": { kind: role, channels: [phone] }
plans:
  - name: "gold & <script>alert('plan')</script>"
    match: { tier: gold }
    timeframes:
      first_response:
        within: { by: priority, critical: 15m, default: 1h }
        marks: [{ at: 80%, warn: [noc] }, { at: 100%, level: 1 }]
      resolution:
        within: 8h
        pause: [waiting_customer]
        marks: [{ at: 100%, level: 2 }]
    triggers:
      - { name: unhappy, when: { satisfaction: { at_most: 0.3 } }, level: 1 }
    path:
      - { name: '"first" line', notify: [noc], repeat: { every: 30m, times: 1 } }
      - { name: second, notify: ["<b>boss</b>", assignee] }
  - name: other
    timeframes:
      next_response: { within: 2h, marks: [{ at: 100%, level: 1 }] }
    path: [{ name: everybody, notify: [noc] }]
"#;

const EVENTS: &str = r#"
{"topic":"ticket-created","value":{"ticket_id":"A","occurred_at":"2026-09-30T23:00:00Z","event_id":"1","ticket":{"tier":"gold","priority":"critical","queue":"one","assignee":"<i>ann</i>"}}}
{"topic":"ticket-updated","value":{"ticket_id":"A","occurred_at":"2026-09-30T23:15:00Z","event_id":"2","activities":[{"kind":"agent_reply"}]}}
{"topic":"ticket-updated","value":{"ticket_id":"A","occurred_at":"2026-10-01T09:00:00Z","event_id":"3","changes":{"status":"resolved","satisfaction":0.2}}}
{"topic":"ticket-updated","value":{"ticket_id":"A","occurred_at":"2026-10-02T09:00:00Z","event_id":"4","changes":{"status":"open"}}}
{"topic":"ticket-created","value":{"ticket_id":"B","occurred_at":"2026-10-01T10:00:00Z","event_id":"5","ticket":{"tier":"gold","priority":"high"}}}
{"topic":"ticket-updated","value":{"ticket_id":"B","occurred_at":"2026-10-01T12:00:00Z","event_id":"6","changes":{"status":"waiting_customer"},"activities":[{"kind":"agent_reply"}]}}
{"topic":"ticket-updated","value":{"ticket_id":"B","occurred_at":"2026-10-03T12:00:00Z","event_id":"7","changes":{"status":"closed"}}}
{"topic":"ticket-created","value":{"ticket_id":"C","occurred_at":"2026-12-05T10:00:00Z","event_id":"8","ticket":{"priority":"<u>odd</u>"}}}
{"topic":"ticket-updated","value":{"ticket_id":"C","occurred_at":"2026-12-05T10:30:00Z","event_id":"9","activities":[{"kind":"customer_reply"}]}}
{"topic":"ticket-updated","value":{"ticket_id":"C","occurred_at":"2026-12-05T12:00:00Z","event_id":"10","activities":[{"kind":"agent_reply"},{"kind":"customer_reply"}]}}
{"topic":"ticket-updated","value":{"ticket_id":"C","occurred_at":"2026-12-05T15:00:00Z","event_id":"11","changes":{"satisfaction":0.8},"activities":[{"kind":"internal_note"}]}}
"#;

const REPORT: [&str; 5] = [
    "report",
    "--plans",
    "plans.yaml",
    "--events",
    "events.jsonl",
];

fn desk() -> Desk {
    let desk = Desk::new(EVENTS);
    desk.write("plans.yaml", PLANS);
    desk
}

fn printed(arguments: &[&str]) -> String {
    good(&desk().run(&[&REPORT[..], arguments].concat()))
}

#[test]
fn a_report_is_read_from_tickets_to_notifications() {
    let printed = printed(&[]);
    assert_stored("report.txt", &printed);
    let longest = printed.lines().map(|line| line.chars().count()).max();
    assert!(longest.unwrap() <= 100, "{longest:?} columns");
}

#[test]
fn a_report_is_one_json_object() {
    let printed = printed(&["--output", "json"]);
    assert_eq!(printed.lines().count(), 1);
    let it: Value = serde_json::from_str(&printed).unwrap();
    assert_stored("report.json", &format!("{it:#}\n"));
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = printed(&["--output", "html"]);
    assert!(page.starts_with("<!doctype html>"));
    for link in [
        "http:", "https:", "//", "url(", "@import", " src=", " href=", "<link", "<script",
    ] {
        assert!(!page.contains(link), "the page has {link}");
    }
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for part in [
        "Promises met, by timeframe",
        "Escalations per month",
        "goal 60% missed",
        "goal 99.5% met by those that ended only",
        "Time to resolution",
    ] {
        assert!(page.contains(part), "the page lacks {part}");
    }
}

#[test]
fn texts_from_outside_are_texts_on_the_page() {
    let page = printed(&["--output", "html"]);
    for (markup, escaped) in [
        (
            "<script>alert",
            "gold &#38; &#60;script&#62;alert(&#39;plan&#39;)&#60;/script&#62;",
        ),
        ("<b>boss", "&#60;b&#62;boss&#60;/b&#62;"),
        ("\"first\" line", "&#34;first&#34; line"),
    ] {
        assert!(!page.contains(markup), "the page has {markup}");
        assert!(page.contains(escaped), "the page lacks {escaped}");
    }
    // Values of fields are nowhere on the page: neither people nor free words.
    for value in ["ann", "odd"] {
        assert!(
            !page.contains(&format!("{value}&")),
            "the page tells {value}"
        );
    }
    let tags = [
        "html", "head", "body", "main", "section", "svg", "table", "tr", "th", "td", "div", "p",
        "ul", "li",
    ];
    for tag in tags {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn the_same_events_and_plans_give_the_same_bytes() {
    for output in ["text", "json", "html"] {
        let mut lines: Vec<_> = EVENTS.trim().lines().collect();
        let once = printed(&["--output", output]);
        lines.reverse();
        let desk = desk();
        desk.write("events.jsonl", &lines.join("\n"));
        let again = good(&desk.run(&[&REPORT[..], &["--output", output]].concat()));
        assert_eq!(once, again);
    }
}

#[test]
fn a_report_goes_to_a_file_when_asked() {
    let desk = desk();
    let to_file = [&REPORT[..], &["--output", "html", "--out", "report.html"]].concat();
    assert_eq!(good(&desk.run(&to_file)), "");
    let page = fs::read_to_string(desk.path("report.html")).unwrap();
    assert_eq!(page, printed(&["--output", "html"]));
    let nowhere = [&REPORT[..], &["--out", "nowhere/report.txt"]].concat();
    let output = desk.run(&nowhere);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("cannot write the report to nowhere/report.txt"),
        "{told}"
    );
}

#[test]
fn a_period_is_given_in_days_or_instants() {
    let october = printed(&[
        "--from",
        "2026-10-01",
        "--to",
        "2026-10-31",
        "--output",
        "json",
    ]);
    let it: Value = serde_json::from_str(&october).unwrap();
    assert_eq!(it["from"], "2026-10-01T00:00:00Z");
    assert_eq!(it["to"], "2026-10-31T23:59:59.999Z");
    assert_eq!(it["tickets"]["created"], 1);
    let months = it["escalations"]["months"].as_array().unwrap();
    assert_eq!(months.len(), 1);
    let output = desk().run(&[&REPORT[..], &["--from", "01.11.2026"]].concat());
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    let said = "`01.11.2026` is neither a day nor an instant; write a day as 2026-11-23";
    assert!(told.contains(said), "{told}");
}
