//! The seeds of every build, and schedules that failed once.

use std::ops::Range;

use super::hunt::{hunt, shorten};
use super::planted::{Mistake, plant};
use super::schedule::Event::{self, ForgetOffsets, Start, Trouble, Write};
use super::schedule::Mishap::RequestLate;
use super::schedule::{At, Config, History, Way};
use super::workload::What::{self, Reply, Resolved};
use super::world;

/// So many in a usual run of the tests.
const SEEDS: u64 = 2_000;

/// Every planted mistake is found among so many; most among the first hundred.
const MISTAKE_SEEDS: u64 = 8_000;

/// The seeds to run: those of every build, or `ESCALATOR_SEEDS=FROM..TO`.
fn seeds() -> Range<u64> {
    let Some(range) = std::env::var_os("ESCALATOR_SEEDS") else {
        return 0..SEEDS;
    };
    let range = range.into_string().unwrap();
    let (from, to) = range.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn whatever_goes_wrong_each_decision_is_made_exactly_once() {
    let seeds = seeds();
    let hunted = hunt(seeds.clone(), None);
    if let Some(seed) = hunted.failing {
        panic!("{}", shorten(seed));
    }
    println!("in seeds {seeds:?} was reached:\n{}", hunted.counts);
    let missing = hunted.counts.missing();
    assert!(
        seeds.end - seeds.start < SEEDS || missing.is_empty(),
        "never reached: {missing:?}"
    );
}

/// Seeds and schedules that showed a fault of the service when they were found; `docs/reliability.md`
/// says which.
fn known() -> Vec<History> {
    vec![
        // The group's offsets expire while an outcome is unknown.
        History {
            seed: 23_420,
            config: Config {
                partitions: 3,
                instances: 2,
                grace_ms: 1_500,
                family: 0,
                is_static: false,
                is_incremental: true,
                has_late: false,
                records_max: 3,
                much: 0,
            },
            schedule: vec![
                At(0, Start { instance: 0 }),
                At(
                    1_362,
                    Trouble {
                        instance: 0,
                        skip: 1,
                        mishap: RequestLate {
                            by_ms: 10,
                            waits_ms: 3_000,
                        },
                        times: 10,
                    },
                ),
                At(2_041, write(8, 2, Resolved)),
                At(2_583, write(4, 1, Reply)),
                At(3_032, ForgetOffsets),
            ],
        },
    ]
}

#[test]
fn histories_that_failed_once() {
    for history in known() {
        assert_eq!(world::run(&history, false).failure, None, "{history:?}");
    }
}

fn write(id: u32, ticket: u32, what: What) -> Event {
    Write {
        id,
        ticket,
        what,
        way: Way::Plain {
            age_ms: 0,
            again: false,
        },
    }
}

#[test]
fn every_planted_mistake_is_found() {
    let mut missed = Vec::new();
    for mistake in Mistake::ALL {
        match hunt(0..MISTAKE_SEEDS, Some(mistake)).failing {
            Some(seed) => println!("{mistake:?} is found by seed {seed}"),
            None => missed.push(mistake),
        }
    }
    assert_eq!(missed, []);
}

#[test]
fn a_seed_always_runs_the_same_way() {
    for seed in 0..5 {
        let run = || world::run(&History::of(seed), true).timeline;
        assert_eq!(run(), run());
    }
}

#[test]
fn a_history_that_fails_is_made_short() {
    plant(Some(Mistake::MergeAborted));
    let seed = hunt(0..SEEDS, Some(Mistake::MergeAborted)).failing.unwrap();
    let found = shorten(seed);
    let is_needed = |index| {
        let mut shorter = found.history.clone();
        shorter.schedule.remove(index);
        world::run(&shorter, false).failure.is_none()
    };
    let length = found.history.schedule.len();
    assert!((0..length).all(is_needed), "{found}");
    assert!(world::run(&found.history, false).failure.is_some());
}
