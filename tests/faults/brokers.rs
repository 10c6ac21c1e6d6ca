//! What happens to the brokers.

use std::time::Duration;

use super::scenario::Scenario;
use super::stage::Stage;
use crate::support::pass;

/// Long enough for the others to have taken everything over (a session of 4 s).
const AWAY: Duration = Duration::from_secs(8);

/// Longer than the session of a replica and than a transaction.
const SLEEP: Duration = Duration::from_secs(13);

pub(super) const SCENARIOS: [Scenario; 10] = [
    Scenario::new("kill-broker-1", "SIGKILL of broker 1 for 8 s", |stage| {
        kill(stage, 0)
    })
    .ahead(20)
    .lasting(20)
    .always(),
    Scenario::new("kill-broker-2", "SIGKILL of broker 2 for 8 s", |stage| {
        kill(stage, 1)
    })
    .ahead(20)
    .lasting(20),
    Scenario::new("kill-broker-3", "SIGKILL of broker 3 for 8 s", |stage| {
        kill(stage, 2)
    })
    .ahead(20)
    .lasting(20),
    Scenario::new("sleep-broker-1", "SIGSTOP of broker 1 for 13 s", |stage| {
        sleep(stage, 0)
    })
    .ahead(24)
    .lasting(24),
    Scenario::new("sleep-broker-2", "SIGSTOP of broker 2 for 13 s", |stage| {
        sleep(stage, 1)
    })
    .ahead(24)
    .lasting(24),
    Scenario::new("sleep-broker-3", "SIGSTOP of broker 3 for 13 s", |stage| {
        sleep(stage, 2)
    })
    .ahead(24)
    .lasting(24),
    Scenario::new(
        "kill-group-coordinator",
        "SIGKILL of the broker that coordinates the group",
        |stage| {
            let coordinator = stage.cluster.group_coordinator(stage.site.group());
            kill(stage, coordinator)
        },
    )
    .ahead(20)
    .lasting(20),
    Scenario::new(
        "kill-transaction-coordinator",
        "SIGKILL of the broker that coordinates a lane's transactions",
        |stage| {
            let lane = format!("{}-a-0-0", stage.site.group());
            let coordinator = stage.cluster.transaction_coordinator(&lane);
            kill(stage, coordinator)
        },
    )
    .ahead(20)
    .lasting(20),
    Scenario::new(
        "roll-brokers",
        "SIGTERM and start of each broker in turn",
        roll,
    )
    .ahead(30)
    .lasting(60),
    Scenario::new(
        "kill-majority",
        "SIGKILL of brokers 1 and 2 for 8 s",
        kill_majority,
    )
    .ahead(60)
    .lasting(30),
];

fn kill(stage: &mut Stage<'_>, broker: usize) -> String {
    stage.inject();
    stage.cluster.brokers[broker].kill();
    pass(AWAY);
    stage.cluster.brokers[broker].start_again();
    stage.wait_until_current();
    String::new()
}

fn sleep(stage: &mut Stage<'_>, broker: usize) -> String {
    stage.inject();
    stage.cluster.brokers[broker].signal("-STOP");
    pass(SLEEP);
    let silence = stage.watcher.silence();
    stage.cluster.brokers[broker].signal("-CONT");
    stage.wait_until_current();
    if silence < Duration::from_secs(2) {
        "the others went on while it slept".to_owned()
    } else {
        format!("nothing for {silence:.1?} when it woke")
    }
}

fn roll(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for broker in 0..3 {
        stage.cluster.brokers[broker].stop();
        stage.cluster.brokers[broker].start_again();
        stage.cluster.wait_until_whole();
    }
    stage.wait_until_current();
    String::new()
}

fn kill_majority(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for broker in [0, 1] {
        stage.cluster.brokers[broker].kill();
    }
    pass(AWAY);
    stage.cluster.mend();
    stage.wait_until_current();
    String::new()
}
