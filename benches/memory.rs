//! What a live ticket takes: memory, the time of an event, of a tick and of a restore.
//!
//! `cargo bench --bench memory` measures 0.2, 1 and 5 million tickets, each in a process of its own,
//! and takes some gigabytes and minutes. Times are CPU times of the measuring thread, but for ticks:
//! those are by the clock on the wall.

#![expect(clippy::print_stdout, reason = "what was measured is what it is for")]

#[path = "support/cpu.rs"]
mod cpu;
#[path = "memory/load.rs"]
mod load;
#[path = "support/memory.rs"]
mod memory;

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use cpu::cpu_ns;
use escalator::plan_file::{self, Sources};
use escalator::wire::{self, Stored};
use escalator_engine::emission::{Emission, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::packed::Packer;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use load::{FACTS, Load, PLAN, START};
use memory::resident;
use mimalloc::MiMalloc;
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const PARTITIONS: usize = 12;

/// Facts of one batch of all partitions, as many as the service takes into a transaction.
const BATCH: usize = 5_000;

/// Tickets that are due in one tick.
const TICK: usize = 50_000;

/// Half of them are decided by one thread.
const TICKS: usize = 6;

fn main() -> ExitCode {
    escalator::memory::ask_for_small_pages();
    let arguments: Vec<String> = std::env::args().collect();
    let number = arguments.windows(2).find(|pair| pair[0] == "--tickets");
    match number.map(|pair| pair[1].parse()) {
        Some(Ok(tickets)) => child(tickets),
        Some(Err(_)) => return ExitCode::FAILURE,
        None if arguments.iter().any(|it| it == "--bench") => return parent(&arguments[0]),
        None => println!("cargo bench --bench memory"),
    }
    ExitCode::SUCCESS
}

/// Measures each number of tickets in a process of its own.
fn parent(program: &str) -> ExitCode {
    let mut resident = Vec::new();
    for tickets in [200_000, 1_000_000, 5_000_000] {
        let output = Command::new(program)
            .args(["--tickets", &tickets.to_string()])
            .output();
        let Ok(output) = output else {
            return ExitCode::FAILURE;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("resident bytes: "));
        resident.extend(line.and_then(|line| line.parse::<f64>().ok()));
    }
    if let [_, small, large] = resident[..] {
        let slope = (large - small) / 4e6;
        println!("bytes per ticket between 1 and 5 million: {slope:.0}");
    }
    ExitCode::SUCCESS
}

fn child(tickets: usize) {
    println!("\n{tickets} tickets");
    let set = plan_file::check(Sources::from_text("plan.yaml", PLAN)).into_set();
    let set = set.unwrap_or_else(|refused| panic!("{refused}"));
    let rules = Arc::new(Rules::new(Arc::clone(set.revision())));
    let mut engines: Vec<Engine> = (0..PARTITIONS)
        .map(|_| Engine::new(Arc::clone(&rules)))
        .collect();
    let mut load = Load::new(tickets);
    let mut events = 0;
    for round in 0..FACTS {
        let begun = cpu_ns();
        let made = fill(&mut engines, &mut load, round, &mut events);
        let each = (cpu_ns() - begun - made) / tickets as u64;
        println!("fact {} of each ticket: {each} ns", round + 1);
    }
    println!("events out: {events}");
    println!("resident bytes: {}", resident());
    for number in 0..TICKS {
        tick(&mut engines, number % 2 == 1);
    }
    edit(&mut engines, &rules);
    if tickets <= 1_000_000 {
        restore(engines, &rules);
    }
}

/// Gives every ticket its next fact; returns the time that making the facts took.
fn fill(engines: &mut [Engine], load: &mut Load, round: usize, events: &mut usize) -> u64 {
    let tickets = load.tickets();
    let mut made = 0;
    for begin in (0..tickets).step_by(BATCH) {
        let begun = cpu_ns();
        let end = tickets.min(begin + BATCH);
        let facts: Vec<_> = (begin..end).map(|place| load.fact(round, place)).collect();
        let mut to = START;
        for (_, fact) in &facts {
            to = to.max(fact.fact.occurred_at.plus_millis(1));
        }
        made += cpu_ns() - begun;
        for (ticket, fact) in facts {
            engines[ticket % PARTITIONS].apply(fact);
        }
        for engine in &mut *engines {
            *events += engine.advance(to, usize::MAX, &emission(to)).events.len();
            engine.commit();
        }
    }
    made
}

/// Decides of the tickets that are due next, partition by partition or side by side as the service
/// does, and prints how many these were and how long it took.
fn tick(engines: &mut [Engine], is_side_by_side: bool) {
    let at = START.plus_millis(400 * 3_600_000);
    let decide = |engine: &mut Engine| {
        let tickets = TICK / PARTITIONS;
        engine.advance(at, tickets, &emission(at)).events
    };
    let begun = Instant::now();
    let kept: Vec<_> = if is_side_by_side {
        engines.par_iter_mut().map(decide).collect()
    } else {
        engines.iter_mut().map(decide).collect()
    };
    let decided = begun.elapsed();
    let out: usize = kept.iter().map(Vec::len).sum();
    let changed = engines
        .iter_mut()
        .map(|engine| engine.take_changed().count());
    let due: usize = changed.sum();
    let begun = Instant::now();
    for engine in engines {
        engine.commit();
    }
    let committed = begun.elapsed();
    let how = if is_side_by_side {
        "side by side"
    } else {
        "one after the other"
    };
    println!(
        "tick of {due}, {how}: decided in {:.1} ms, committed in {:.1} ms, {out} events out",
        decided.as_secs_f64() * 1e3,
        committed.as_secs_f64() * 1e3,
    );
}

/// Puts another edit of the plans before the tickets, far in the future.
fn edit(engines: &mut [Engine], rules: &Arc<Rules>) {
    let revision = Arc::clone(rules.latest());
    let at = START.plus_millis(1_000 * 3_600_000);
    let edited = Arc::new(Rules::clone(rules).with_edit(at, revision));
    let begun = cpu_ns();
    for engine in engines {
        engine.set_rules(Arc::clone(&edited));
    }
    println!(
        "an edit becomes known in {:.0} ms",
        (cpu_ns() - begun) as f64 / 1e6
    );
}

/// Writes all states and builds the partitions anew.
fn restore(engines: Vec<Engine>, rules: &Arc<Rules>) {
    let partitions: Vec<(Vec<_>, Timestamp)> = engines
        .into_iter()
        .map(|engine| {
            let mut packer = Packer::default();
            let tickets = (0..).zip(engine.tickets());
            let records = tickets.map(|(owner, (id, state))| {
                let mut packed = Vec::new();
                packer.pack(&state, &mut packed, owner);
                (id, packer.stored(&packed, &wire::state_framing()))
            });
            (records.collect(), engine.evaluated_to())
        })
        .collect();
    let records: usize = partitions.iter().map(|(records, _)| records.len()).sum();
    let bytes: usize = partitions
        .iter()
        .flat_map(|(records, _)| records)
        .map(|(_, value)| value.len())
        .sum();
    println!("bytes of a record: {}", bytes / records);
    let begun = cpu_ns();
    let restored: Vec<Engine> = partitions
        .iter()
        .map(|(records, evaluated_to)| {
            let mut engine = Engine::new(Arc::clone(rules));
            for (id, value) in records {
                let Stored::Present(datum) = wire::stored_state(value).expect("it is a state")
                else {
                    panic!("it was written just now");
                };
                engine
                    .put_stored(id, datum)
                    .expect("it was written just now");
            }
            engine.evaluated(*evaluated_to)
        })
        .collect();
    let each = (cpu_ns() - begun) / records as u64;
    let tickets: usize = restored.iter().map(Engine::len).sum();
    println!("restore: {each} ns for each of {tickets} records");
}

fn emission(now: Timestamp) -> Emission {
    Emission {
        firing: Firing::At(now),
        ..Emission::on_virtual_clock()
    }
}
