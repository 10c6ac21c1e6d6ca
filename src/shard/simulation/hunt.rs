//! Looks for seeds that fail, and for the shortest schedule with which one still does.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::planted::{self, Mistake};
use super::reached::Counts;
use super::schedule::{At, Event, History, Way};
use super::world;

/// Making a schedule shorter ends after so many runs: then it is short enough to be read.
const RUNS_MAX: usize = 2_000;

/// What came of many seeds.
pub(super) struct Hunted {
    /// The first seed that fails.
    pub(super) failing: Option<u64>,
    pub(super) counts: Counts,
}

/// Runs all seeds, up to the first that fails, on every processor.
pub(super) fn hunt(seeds: Range<u64>, mistake: Option<Mistake>) -> Hunted {
    let next = AtomicU64::new(seeds.start);
    let failing = AtomicU64::new(u64::MAX);
    let counts = Mutex::new(Counts::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                planted::plant(mistake);
                let mut own = Counts::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || seed > failing.load(Ordering::Relaxed) {
                        break;
                    }
                    let ended = world::run(&History::of(seed), false);
                    own.add(&ended.counts);
                    if ended.failure.is_some() {
                        failing.fetch_min(seed, Ordering::Relaxed);
                    }
                }
                counts.lock().unwrap().merge(&own);
            });
        }
    });
    let failing = failing.into_inner();
    Hunted {
        failing: (failing != u64::MAX).then_some(failing),
        counts: counts.into_inner().unwrap(),
    }
}

/// A history that fails, with nothing that could be left out.
pub(super) struct Found {
    pub(super) history: History,
    failure: String,
    timeline: Vec<String>,
}

/// Makes the history of a seed that fails as short as it can be.
pub(super) fn shorten(seed: u64) -> Found {
    let mut runs = 0;
    let mut fails = |history: &History| {
        runs += 1;
        runs < RUNS_MAX && world::run(history, false).failure.is_some()
    };
    let mut shortest = History::of(seed);
    let mut portion = shortest.schedule.len().div_ceil(2);
    while portion > 0 {
        let mut from = 0;
        let mut is_shorter = false;
        while from < shortest.schedule.len() {
            let mut shorter = shortest.clone();
            let until = (from + portion).min(shorter.schedule.len());
            shorter.schedule.drain(from..until);
            if fails(&shorter) {
                shortest = shorter;
                is_shorter = true;
            } else {
                from += portion;
            }
        }
        if portion > 1 || !is_shorter {
            portion /= 2;
        }
    }
    for index in 0..shortest.schedule.len() {
        let mut simpler = shortest.clone();
        simpler.schedule[index] = plainer(&shortest.schedule[index]);
        if simpler != shortest && fails(&simpler) {
            shortest = simpler;
        }
    }
    let told = world::run(&shortest, true);
    Found {
        history: shortest,
        failure: told.failure.unwrap_or_default(),
        timeline: told.timeline,
    }
}

/// A record that is written once and at once.
fn plainer(at: &At) -> At {
    let mut plain = at.clone();
    if let Event::Write { way, .. } = &mut plain.1
        && !matches!(
            way,
            Way::Held {
                is_committed: false,
                ..
            }
        )
    {
        *way = Way::Plain {
            age_ms: 0,
            again: false,
        };
    }
    plain
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let History { seed, config, .. } = &self.history;
        writeln!(f, "seed {seed} fails: {}", self.failure)?;
        writeln!(f, "\nmilliseconds since the start, and what happens:")?;
        for line in &self.timeline {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "\nfor `known` in `src/shard/simulation/tests.rs`:\n")?;
        writeln!(f, "History {{\n    seed: {seed},\n    config: {config:?},")?;
        writeln!(f, "    schedule: vec![")?;
        for event in &self.history.schedule {
            writeln!(f, "        {event:?},")?;
        }
        writeln!(f, "    ],\n}},")
    }
}
