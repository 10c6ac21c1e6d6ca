//! What is kept of tickets can be looked up, listed, exported and explained while a service runs.

use serde_json::{Value, json};

use crate::site::Site;
use crate::support::client::unique;
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    stale_after: none
    match: { category: network }
    timeframes:
      resolution: { within: 100000h, marks: [ { at: 100%, level: 1 } ] }
    triggers: [ { name: legal, when: { tags: legal }, level: 1 } ]
    path: [ { name: desk, notify: [noc] } ]
";

/// Runs a command for a site; answers with its exit code and what it printed.
fn run(site: &Site, arguments: &[&str]) -> (i32, String) {
    let config = site.path().join("escalator.toml");
    let settings = ["--config", config.to_str().unwrap()];
    let arguments = [arguments, &settings].concat();
    let mut command = Escalator::start(site.path(), &unique("command"), &arguments);
    let code = command.wait().code().unwrap();
    (code, command.log())
}

fn run_json(site: &Site, arguments: &[&str]) -> Value {
    let (code, printed) = run(site, &[arguments, &["--output", "json"]].concat());
    assert_eq!(code, 0, "{printed}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

#[test]
fn kept_tickets_are_found_listed_exported_and_explained() {
    let site = Site::new(PLAN, 3, "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n");
    for partition in 0..3 {
        let id = format!("T{partition}");
        let tags: &[&str] = if partition == 1 { &["legal"] } else { &[] };
        let fields = json!({ "category": "network", "tags": tags, "subject": "sealed" });
        site.create_in(partition, &id, &fields);
    }
    site.create_in(2, "other", &json!({ "category": "garden" }));
    let service = site.start("one");
    wait_until("the start", PATIENCE, || {
        service.log().contains("goes on from").then_some(())
    });
    wait_until("the states", PATIENCE, || {
        let records = site.read("state");
        let tickets = records.iter().filter(|record| {
            let key = record.key.as_deref().unwrap_or_default();
            key.starts_with(b"T") || key == b"other"
        });
        (tickets.count() >= 4).then_some(())
    });
    wait_until("the escalation", PATIENCE, || {
        (site.read("escalated").len() == 1).then_some(())
    });

    assert_found(&site);
    assert_listed_and_exported(&site);
    assert_explained(&site);
    assert_explained_after_an_edit(&site);
    assert!(service.stop().success());
    assert_checked(&site);
}

/// What plans brought about that are in force no more is explained by the log of edits; other plans
/// show what they would have made of it.
fn assert_explained_after_an_edit(site: &Site) {
    let states = site.read("state").len();
    let plans = site.path().join("plan.yaml");
    std::fs::write(&plans, PLAN.replace("tags: legal", "tags: other")).unwrap();
    wait_until("the edit", PATIENCE, || {
        (site.read("state").len() > states).then_some(())
    });
    let live = ["explain", "--ticket", "T1", "--plans"];
    let level = |plans: &str, more: &[&str]| {
        run_json(site, &[&live[..], &[plans], more].concat())["level"].clone()
    };
    let plans = plans.to_str().unwrap();
    wait_until("the level", PATIENCE, || {
        (level(plans, &[]) == 1).then_some(())
    });
    let edit = format!("2026-11-20T09:00:00Z={plans}");
    assert_eq!(level(plans, &["--edit", &edit]), 0);
}

/// A state that nobody can read is found before a replica meets it.
fn assert_checked(site: &Site) {
    let checked = run_json(site, &["state", "check"]);
    assert_eq!(checked["good"], true);
    let partitions = checked["partitions"].as_array().unwrap();
    let tickets = partitions.iter().map(|line| &line["tickets"]);
    assert_eq!(tickets.collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(partitions[0]["instance"], "one");

    site.write("state", 1, b"T9", Some(b"no state"));
    let (code, printed) = run(site, &["state", "check"]);
    assert_eq!(code, 1, "{printed}");
    let told = "bad: partition 1: the state of a ticket in partition 1 cannot be read (";
    assert!(printed.contains(told), "{printed}");
    let (code, printed) = run(site, &["state", "export"]);
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("1 state cannot be read, as that of `T9`"),
        "{printed}"
    );
    let listed = run_json(site, &["state", "list"]);
    assert_eq!(
        (&listed["total"], &listed["unreadable"]),
        (&json!(4), &json!(1))
    );
}

fn assert_found(site: &Site) {
    let found = run_json(site, &["state", "get", "T1"]);
    assert_eq!(found["partition"], 1);
    assert_eq!((&found["plan"], &found["level"]), (&json!("p"), &json!(1)));
    assert_eq!(found["next_due_at"], "2038-04-18T02:00:00Z");
    assert_eq!(
        found["state"]["facts"][0]["occurred_at"],
        "2026-11-20T10:00:00Z"
    );
    let (code, printed) = run(site, &["state", "get", "T0"]);
    assert_eq!(code, 0, "{printed}");
    assert!(
        printed.contains("level        not escalated\n"),
        "{printed}"
    );
    assert!(!printed.contains("sealed"), "{printed}");
    let (code, printed) = run(site, &["state", "get", "t0"]);
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("nothing is kept of ticket `t0`"),
        "{printed}"
    );
}

fn assert_listed_and_exported(site: &Site) {
    let listed = run_json(site, &["state", "list"]);
    assert_eq!(
        (&listed["total"], &listed["unreadable"]),
        (&json!(4), &json!(0))
    );
    let ids = |listed: &Value| -> Vec<String> {
        let tickets = listed["tickets"].as_array().unwrap().iter();
        tickets
            .map(|row| row["ticket_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&listed), ["T0", "T1", "T2", "other"]);
    let escalated = run_json(site, &["state", "list", "--escalated"]);
    assert_eq!(ids(&escalated), ["T1"]);
    let (code, printed) = run(site, &["state", "list", "--plan", "p", "--limit", "2"]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.ends_with("3 tickets; the 2 that are due first are shown, see --limit\n"));

    let (code, printed) = run(site, &["state", "export"]);
    assert_eq!(code, 0, "{printed}");
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let exported: Vec<_> = lines.iter().map(|line| &line["ticket_id"]).collect();
    assert_eq!(exported, ["T0", "T1", "T2", "other"]);
    let plan = &lines[1]["state"]["machine"]["plan"];
    assert_eq!(plan["name"], "p");
}

fn assert_explained(site: &Site) {
    let plans = site.path().join("plan.yaml");
    let plans = plans.to_str().unwrap();
    let live = ["explain", "--plans", plans, "--ticket", "T1"];
    let explained = run_json(site, &live);
    assert_eq!(
        (&explained["plan"], &explained["level"]),
        (&json!("p"), &json!(1))
    );
    assert_eq!(explained["clocks"][0]["due_at"], "2038-04-18T02:00:00Z");

    // At one instant it is what the events give, whichever way they came.
    let at = ["--at", "2026-11-20T10:30:00Z"];
    let explained = run_json(site, &[&live[..], &at].concat());
    let event = json!({
        "ticket_id": "T1", "occurred_at": "2026-11-20T10:00:00Z",
        "ticket": { "category": "network", "tags": ["legal"], "subject": "sealed" },
    });
    let line = json!({ "topic": "ticket-created", "value": event });
    let events = site.path().join("events.jsonl");
    std::fs::write(&events, format!("{line}\n")).unwrap();
    let events = ["--events", events.to_str().unwrap(), "--output", "json"];
    let offline = [&live[..], &at, &events].concat();
    let mut command = Escalator::start(site.path(), &unique("offline"), &offline);
    assert!(command.wait().success(), "{}", command.log());
    let offline: Value = serde_json::from_str(&command.log()).unwrap();
    assert_eq!(explained, offline);

    let early = ["--at", "2026-11-20T09:59:59Z"];
    let (code, printed) = run(site, &[&live[..], &early].concat());
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("begins at 2026-11-20T10:00:00Z"),
        "{printed}"
    );
    let other = site.path().join("other.yaml");
    std::fs::write(&other, PLAN.replace("name: desk", "name: team")).unwrap();
    let other = [
        "explain",
        "--plans",
        other.to_str().unwrap(),
        "--ticket",
        "T1",
    ];
    let (code, printed) = run(site, &other);
    assert_eq!(code, 0, "{printed}");
    assert!(
        printed.starts_with("note: the service has decided by revision "),
        "{printed}"
    );
}
