//! What happens on the way to the brokers.

use std::time::Duration;

use super::proxy::{Api, Trouble};
use super::scenario::Scenario;
use super::stage::Stage;
use crate::support::pass;

/// Longer than a transaction may last (5 s) with the broker's sweep (1 s).
const TOO_LONG: Duration = Duration::from_secs(7);

/// Just within it, with what else there is to do.
const NEARLY_TOO_LONG: Duration = Duration::from_millis(4_300);

pub(super) const SCENARIOS: [Scenario; 9] = [
    Scenario::new(
        "delay",
        "200 ms on the way of every request, for 10 s",
        delay,
    )
    .by_proxy(),
    Scenario::new("cut", "all connections cut, 10 times, a second apart", cut).by_proxy(),
    Scenario::new(
        "half-open",
        "connections to broker 2 that carry nothing, for 6 s, and those that were there for good",
        half_open,
    )
    .by_proxy()
    .lasting(22),
    Scenario::new(
        "lose-end-answers",
        "answers to EndTxn lost and connections cut, for 6 s",
        |stage| {
            trouble(
                stage,
                Trouble::LoseAnswers(Api::EndTxn),
                Duration::from_secs(6),
            )
        },
    )
    .by_proxy()
    .lasting(16)
    .always(),
    Scenario::new(
        "hold-end",
        "EndTxn held for 7 s, past the timeout of the transaction",
        |stage| {
            trouble(
                stage,
                Trouble::Hold(Api::EndTxn, TOO_LONG),
                Duration::from_secs(8),
            )
        },
    )
    .by_proxy()
    .lasting(30),
    Scenario::new(
        "hold-add-partitions",
        "AddPartitionsToTxn held for 7 s",
        |stage| {
            trouble(
                stage,
                Trouble::Hold(Api::AddPartitionsToTxn, TOO_LONG),
                Duration::from_secs(8),
            )
        },
    )
    .by_proxy()
    .lasting(30),
    Scenario::new(
        "lose-offset-answers",
        "answers to TxnOffsetCommit lost and connections cut, for 10 s",
        |stage| {
            trouble(
                stage,
                Trouble::LoseAnswers(Api::TxnOffsetCommit),
                Duration::from_secs(10),
            )
        },
    )
    .by_proxy(),
    Scenario::new(
        "hold-add-offsets",
        "AddOffsetsToTxn held for 7 s",
        |stage| {
            trouble(
                stage,
                Trouble::Hold(Api::AddOffsetsToTxn, TOO_LONG),
                Duration::from_secs(8),
            )
        },
    )
    .by_proxy()
    .lasting(30),
    Scenario::new(
        "near-timeout",
        "records of transactions held for 4.3 s of the 5 s that one may last",
        |stage| {
            trouble(
                stage,
                Trouble::Hold(Api::Produce, NEARLY_TOO_LONG),
                Duration::from_secs(10),
            )
        },
    )
    .by_proxy()
    .lasting(30),
];

fn trouble(stage: &mut Stage<'_>, trouble: Trouble, time: Duration) -> String {
    stage.inject();
    let before = stage.cluster.met();
    stage.cluster.trouble(trouble);
    pass(time);
    stage.cluster.trouble(Trouble::None);
    let met = stage.cluster.met() - before;
    stage.wait_until_current();
    format!("{met} requests or answers met")
}

fn delay(stage: &mut Stage<'_>) -> String {
    trouble(
        stage,
        Trouble::Delay(Duration::from_millis(200)),
        Duration::from_secs(10),
    )
}

fn cut(stage: &mut Stage<'_>) -> String {
    stage.inject();
    for _ in 0..10 {
        for proxy in &stage.cluster.proxies {
            proxy.cut();
        }
        pass(Duration::from_secs(1));
    }
    stage.wait_until_current();
    String::new()
}

fn half_open(stage: &mut Stage<'_>) -> String {
    stage.inject();
    let before = stage.cluster.met();
    stage.cluster.proxies[1].set(Trouble::Mute);
    pass(Duration::from_secs(6));
    stage.cluster.proxies[1].set(Trouble::None);
    stage.wait_until_current();
    let met = stage.cluster.met() - before;
    format!("{met} requests or answers swallowed")
}
