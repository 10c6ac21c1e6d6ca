//! Real faults on a real Kafka of three brokers, against what `simulate` gives.
//!
//! Run it with `cargo test --test faults`: without arguments it plays a few scenarios, with `-- all`
//! every one, and with words those whose names hold one of them. It prints a table, and fails when
//! anything was lost, came twice or came early.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario fails where it unwraps, and the others go on"
)]

#[expect(dead_code, reason = "other tests use what this one does not")]
mod support;

#[path = "faults/brokers.rs"]
mod brokers;
#[path = "faults/cluster.rs"]
mod cluster;
#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "support/dice.rs"]
mod dice;
#[path = "faults/inputs.rs"]
mod inputs;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/replicas.rs"]
mod replicas;
#[path = "faults/scenario.rs"]
mod scenario;
#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "support/site.rs"]
mod site;
#[path = "faults/stage.rs"]
mod stage;
#[path = "faults/stored.rs"]
mod stored;
#[path = "faults/table.rs"]
mod table;
#[expect(dead_code, reason = "other tests use what this one does not")]
#[path = "support/told.rs"]
mod told;
#[path = "faults/verdict.rs"]
mod verdict;
#[path = "faults/watcher.rs"]
mod watcher;
#[path = "faults/wishes.rs"]
mod wishes;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use cluster::Cluster;
use scenario::{Outcome, Scenario};
use stage::Stage;
use table::Table;
use wishes::Wishes;

/// The partitions of every topic.
const PARTITIONS: i32 = 6;

/// Every scenario, in the order in which they are played.
fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    let groups: [&[Scenario]; 5] = [
        &replicas::SCENARIOS,
        &brokers::SCENARIOS,
        &network::SCENARIOS,
        &stored::SCENARIOS,
        &inputs::SCENARIOS,
    ];
    groups.into_iter().flatten()
}

fn main() -> ExitCode {
    let wishes = Wishes::new(std::env::args().skip(1));
    let chosen: Vec<&Scenario> = scenarios()
        .filter(|scenario| wishes.wants(scenario))
        .collect();
    if wishes.only_list {
        table::list(&chosen);
        return ExitCode::SUCCESS;
    }
    if chosen.is_empty() {
        return ExitCode::SUCCESS;
    }
    let begun = Instant::now();
    let mut cluster = Cluster::start();
    let mut table = Table::begin(chosen.len());
    for scenario in chosen {
        let outcome = play(&mut cluster, scenario);
        table.add(scenario, outcome);
    }
    table.end(begun.elapsed())
}

/// Plays a scenario; what went wrong with it is told and does not end the others.
fn play(cluster: &mut Cluster, scenario: &Scenario) -> Result<Outcome, String> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        Stage::open(cluster, scenario).play(scenario)
    }));
    let played = played.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        text.unwrap_or_else(|| "it panicked".to_owned())
    });
    if played.is_err() {
        // What it has left undone.
        cluster.mend();
    }
    played
}
