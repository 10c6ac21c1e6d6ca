//! What one more event costs by how many facts its ticket has: decided, encoded and committed.
//!
//! `cargo bench --bench history` prints the CPU time of the thread. On a busy machine the number of
//! instructions says more; that of one step is collected with
//! `valgrind --tool=callgrind --toggle-collect='*counted*' BENCH --count 15`, or `--count tick`.

#![expect(clippy::print_stdout, reason = "what was measured is what it is for")]

#[path = "support/cpu.rs"]
mod cpu;
#[path = "memory/load.rs"]
mod load;

use std::hint::black_box;
use std::sync::Arc;

use cpu::cpu_ns;
use escalator::plan_file::{self, Sources};
use escalator::wire;
use escalator_engine::emission::{Emission, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::fact::TicketFact;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;
use load::{FACTS, Load, PLAN, START};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const TICKETS: usize = 2_000;

/// With the last of them every event folds the oldest fact away.
const COUNTS: [usize; 5] = [1, 2, 6, 15, 70];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = arguments.windows(2).find(|pair| pair[0] == "--count");
    if let Some([_, what]) = asked {
        return match what.parse() {
            Ok(count) => run(count, Some(count)),
            Err(_) => run(FACTS, None),
        };
    }
    if arguments.iter().any(|it| it == "--bench") {
        run(COUNTS[COUNTS.len() - 1], None);
    } else {
        println!("cargo bench --bench history");
    }
}

/// Gives every ticket so many facts; of these `counted` is the one to collect, or else the tick.
fn run(facts: usize, counted: Option<usize>) {
    let set = plan_file::check(Sources::from_text("plan.yaml", PLAN)).into_set();
    let set = set.unwrap_or_else(|refused| panic!("{refused}"));
    let mut engine = Engine::new(Arc::new(Rules::new(Arc::clone(set.revision()))))
        .stored_behind(wire::state_framing());
    let mut load = Load::new(TICKETS);
    for round in 0..facts {
        let tickets = load.tickets();
        let facts = (0..tickets).map(|place| load.fact(round, place).1);
        let facts: Vec<TicketFact> = facts.collect();
        let last = facts.iter().map(|fact| fact.fact.occurred_at).max();
        let to = last.unwrap_or(START).plus_millis(1);
        let begun = cpu_ns();
        let bytes = if counted == Some(round + 1) {
            self::counted(&mut engine, facts, to)
        } else {
            step(&mut engine, facts, to)
        };
        if COUNTS.contains(&(round + 1)) {
            let each = (cpu_ns() - begun) / TICKETS as u64;
            let bytes = bytes / TICKETS;
            println!("fact {} of a ticket: {each} ns, {bytes} bytes", round + 1);
        }
    }
    if counted.is_none() {
        let to = START.plus_millis(400 * 3_600_000);
        let begun = cpu_ns();
        self::counted(&mut engine, Vec::new(), to);
        let each = (cpu_ns() - begun) / TICKETS as u64;
        println!("all deadlines of a ticket: {each} ns");
    }
}

#[inline(never)]
fn counted(engine: &mut Engine, facts: Vec<TicketFact>, to: Timestamp) -> usize {
    black_box(step(engine, facts, to))
}

/// A batch, as a partition handles it; returns how many bytes of state it stores.
#[inline(never)]
fn step(engine: &mut Engine, facts: Vec<TicketFact>, to: Timestamp) -> usize {
    for fact in facts {
        engine.apply(fact);
    }
    let emission = Emission {
        firing: Firing::At(to),
        ..Emission::on_virtual_clock()
    };
    black_box(engine.advance(to, usize::MAX, &emission));
    let states = engine.take_changed().filter_map(|(_, state)| state);
    let bytes = states.map(|state| state.len()).sum();
    engine.commit();
    bytes
}
