//! The demonstration as a person and a program run it: few tickets, very fast, without a terminal.

#![cfg(feature = "embedded")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// As many tickets as there are kinds of them, so that everything happens.
const TICKETS: &str = "21";

fn demo(directory: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
    // Whatever this machine has set must not reach the tests, and the page none of its directories.
    command.env_clear().current_dir(directory.path());
    command.arg("demo").args(arguments);
    command
}

/// The page of the day, which is a whole one of so many tickets.
fn assert_page(directory: &TempDir, name: &str, tickets: usize) {
    let page = std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(page.trim_end().ends_with("</html>"), "{page}");
    assert!(page.contains(&format!(">{tickets}<")), "{page}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn good(output: &Output) -> String {
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{printed}\n{told}");
    assert_eq!(told, "");
    printed
}

#[test]
fn a_day_is_told_line_by_line_and_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--tickets", TICKETS, "--speed", "20000"];
    let printed = good(&demo(&directory, &arguments).output().unwrap());
    assert!(!printed.contains('\u{1b}'), "colours are for terminals");
    assert!(printed.contains("/metrics"), "{printed}");
    let told = |words: &str| {
        let found = printed.lines().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words} is not in\n{printed}"))
    };
    let first = told("trigger major-incident");
    assert!(first.contains(" raised "), "{first}");
    assert!(first.contains("3 duty manager"), "{first}");
    assert!(first.contains("duty-manager/phone+chat"), "{first}");
    told("first response overdue → second-line/chat+email");
    told("nobody took care of it");
    told("21 tickets, ");
    told("equal to simulate: yes (");
    told("escalator run --embedded");
    told("the day as a page: escalator-demo.html");
    assert_page(&directory, "escalator-demo.html", 21);
}

#[test]
fn programs_get_the_events_and_the_summary() {
    let directory = tempfile::tempdir().unwrap();
    let events = directory.path().join("day.jsonl");
    let events = events.to_str().unwrap();
    let arguments = [
        "--tickets",
        TICKETS,
        "--speed",
        "20000",
        "--output",
        "json",
        "--save",
        events,
        "--page",
        "day.html",
    ];
    let printed = good(&demo(&directory, &arguments).output().unwrap());
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (summary, out) = lines.split_last().unwrap();
    assert_eq!(summary["page"], "day.html");
    assert_page(&directory, "day.html", 21);
    let summary = &summary["summary"];
    assert_eq!(summary["tickets"], 21);
    assert_eq!(summary["simulate"]["equal"], true, "{summary}");
    let of = |topic: &str| out.iter().filter(|line| line["topic"] == topic).count();
    assert_eq!(summary["simulate"]["escalated"], of("escalated"));
    assert_eq!(of("escalated") + of("notify"), out.len());
    let raised = |line: &&Value| line["value"]["type"] == "raised";
    let raised = out.iter().filter(raised).count();
    assert_eq!(summary["decisions"]["raised"], raised);
    // What was saved is what was played.
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/itil.yaml");
    let until = summary["until"].as_str().unwrap();
    let simulated = Command::new(env!("CARGO_BIN_EXE_escalator"))
        .args(["simulate", "--plans", plans, "--events", events])
        .args(["--until", until, "--output", "json"])
        .output()
        .unwrap();
    // Decisions alone: on a busy machine, at this speed, some reminders are too late to be told.
    let ids = |lines: &[Value]| {
        let decisions = lines.iter().filter(|line| line["topic"] == "escalated");
        let mut ids: Vec<String> = decisions
            .map(|line| line["value"]["id"].to_string())
            .collect();
        ids.sort();
        ids
    };
    let simulated: Vec<Value> = text(&simulated.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ids(out), ids(&simulated));
}

#[test]
fn a_page_that_was_asked_for_and_cannot_be_written_is_trouble_after_the_summary() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "--tickets",
        "1",
        "--speed",
        "20000",
        "--page",
        "no/page.html",
    ];
    let output = demo(&directory, &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    assert!(printed.contains("equal to simulate: yes ("), "{printed}");
    assert!(!printed.contains("the day as a page"), "{printed}");
    assert!(
        told.contains("cannot write the page of the day to no/page.html"),
        "{told}"
    );
    assert!(told.contains("with --page"), "{told}");
}

#[test]
fn a_day_that_is_stopped_is_summed_up_so_far() {
    // So slow that the day would last for minutes.
    let directory = tempfile::tempdir().unwrap();
    let mut child = demo(&directory, &["--tickets", TICKETS, "--speed", "600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("trigger major-incident") {
        line.clear();
        assert_ne!(printed.read_line(&mut line).unwrap(), 0, "nothing happened");
    }
    let pid = child.id().to_string();
    let asked = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(asked.success());
    let mut rest = String::new();
    printed.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.contains("equal to simulate: yes ("), "{rest}");
}

#[test]
fn what_cannot_be_played_is_refused_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let output = demo(&directory, &["--plans", "/nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("help: name a plan file"), "{told}");
    assert_eq!(text(&output.stdout), "");
}
