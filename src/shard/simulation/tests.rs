//! The seeds of every build.

use super::reached::Counts;
use super::{schedule, world};

/// So many in a usual run of the tests.
const SEEDS: u64 = 2_000;

#[test]
fn whatever_goes_wrong_each_decision_is_made_exactly_once() {
    let mut counts = Counts::new();
    for seed in 0..SEEDS {
        let ended = world::run(seed, &schedule::throw(seed), false);
        counts.add(&ended.counts);
        if let Some(failure) = ended.failure {
            let told = world::run(seed, &schedule::throw(seed), true);
            panic!("seed {seed}: {failure}\n{:?}\n{}", schedule::Config::of(seed), told.timeline.join("\n"));
        }
    }
    println!("{counts}");
    assert_eq!(counts.missing(), []);
}
