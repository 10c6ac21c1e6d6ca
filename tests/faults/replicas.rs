//! What happens to the processes of the service.

use std::time::Duration;

use super::scenario::Scenario;
use super::stage::{NAMES, Stage};
use crate::support::pass;

/// Nobody keeps a copy of what others own.
const COLD: &str = "[standby]\ncopies = 0\n";

/// Longer than the session (10 s), and than the transaction's timeout with the broker's sweep (6 s).
const SLEEP: Duration = Duration::from_secs(13);

pub(super) const SCENARIOS: [Scenario; 7] = [
    Scenario::new("kill-cold", "SIGKILL of replica a; no copies", |stage| {
        kill(stage, "a")
    })
    .with(COLD),
    Scenario::new(
        "kill-warm-b",
        "SIGKILL of replica b; warm copies",
        |stage| kill(stage, "b"),
    )
    .lasting(18)
    .always(),
    Scenario::new(
        "kill-warm-c",
        "SIGKILL of replica c; warm copies",
        |stage| kill(stage, "c"),
    ),
    Scenario::new("sleep", "SIGSTOP of a replica for 13 s, SIGCONT", sleep).lasting(28),
    Scenario::new(
        "roll-replicas",
        "SIGTERM and start of each replica in turn",
        roll,
    )
    .lasting(26)
    .always(),
    Scenario::new("scale", "1, 2, 3, 2, 1 replicas", scale)
        .of(1)
        .lasting(30),
    Scenario::new(
        "kill-all",
        "SIGKILL of all replicas, start of all",
        kill_all,
    )
    .lasting(30),
];

fn kill(stage: &mut Stage<'_>, name: &'static str) -> String {
    stage.inject();
    stage.kill(name);
    stage.wait_until_current();
    stage.start(name);
    stage.wait_until_shared();
    String::new()
}

fn sleep(stage: &mut Stage<'_>) -> String {
    stage.inject();
    stage.signal("a", "-STOP");
    pass(SLEEP);
    stage.signal("a", "-CONT");
    stage.wait_until_current();
    stage.wait_until_shared();
    String::new()
}

fn roll(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for name in NAMES {
        stage.stop(name);
        stage.start(name);
        stage.wait_until_shared();
    }
    stage.wait_until_current();
    String::new()
}

fn scale(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for name in ["b", "c"] {
        stage.start(name);
        stage.wait_until_shared();
        stage.wait_until_current();
    }
    for name in ["a", "b"] {
        stage.stop(name);
        stage.wait_until_shared();
        stage.wait_until_current();
    }
    String::new()
}

fn kill_all(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for name in NAMES {
        stage.kill(name);
    }
    for name in NAMES {
        stage.start(name);
    }
    stage.wait_until_current();
    stage.wait_until_shared();
    String::new()
}
