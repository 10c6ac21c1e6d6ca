//! The seeds of every build.

use std::ops::Range;
use std::time::Instant;

use super::reached::Counts;
use super::{schedule, world};

/// So many in a usual run of the tests.
const SEEDS: u64 = 2_000;

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
    let mut counts = Counts::new();
    let started = Instant::now();
    for seed in seeds() {
        let ended = world::run(seed, &schedule::throw(seed), false);
        counts.add(&ended.counts);
        if let Some(failure) = ended.failure {
            let told = world::run(seed, &schedule::throw(seed), true);
            panic!("seed {seed}: {failure}\n{:?}\n{}", schedule::Config::of(seed), told.timeline.join("\n"));
        }
    }
    println!("{counts} {:?}", started.elapsed());
    assert_eq!(counts.missing(), []);
}
