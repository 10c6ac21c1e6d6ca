//! What is measured: the rows, who takes part in each, and how one of them is measured.

use std::time::Duration;

use anyhow::Result;

use crate::broker::Broker;
use crate::client::Sender;
use crate::contender::{Contender, Heap, OURS, Places, Replica, Running, streams};
use crate::latency::Pace;
use crate::load::Load;
use crate::probe::probe;
use crate::results::Values;
use crate::{drain, latency, memory, outcome, topics};

/// A drain of this many events takes a minute at most.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(600);
/// A contender that starts with nothing to restore answers long before.
const START_TIMEOUT: Duration = Duration::from_secs(180);
/// A load is written in as few batches as that lets it; nobody waits for its events.
const LOAD_LINGER_MS: u32 = 20;
/// A replica that joins has its warm copies and its partitions by then.
const JOIN_TIME: Duration = Duration::from_secs(20);

/// One line of measurements.
pub struct Row {
    /// Its name in results and tables.
    pub name: String,
    /// The commands that it belongs to, besides `all`.
    pub command: &'static str,
    /// Who takes part, ours first.
    pub contenders: Vec<Contender>,
    /// What is done.
    pub kind: Kind,
    /// Seconds that one contender takes on two cores.
    pub seconds: u64,
    /// More rounds than these would take too long.
    pub rounds_max: u64,
}

/// What is done.
pub enum Kind {
    /// Write a load, then start, and watch until all is read.
    Drain(Load),
    /// Start, then send at a rate.
    Latency(Pace),
    /// Start, then write ever more tickets.
    Memory(Vec<usize>),
    /// Drain so many tickets, then stop, start, kill and start again.
    Restore(usize),
    /// Two replicas, one of which is killed.
    Takeover(usize),
}

/// Every row; a quick one is small enough to show that all works, and too small to tell anything.
pub fn all(is_quick: bool) -> Vec<Row> {
    let size = |full: usize| if is_quick { full / 20 } else { full };
    let load = |updates, is_skewed| {
        let (tickets, updates) = (size(200_000), size(updates));
        Kind::Drain(Load {
            tickets,
            updates,
            is_skewed,
            seed: 1,
        })
    };
    let row = |name: &str, command, contenders: &[Contender], kind, seconds, rounds_max| Row {
        name: name.to_owned(),
        command,
        contenders: contenders.to_vec(),
        kind,
        seconds: if is_quick { seconds / 3 + 5 } else { seconds },
        rounds_max,
    };
    let two_thousand = Contender::Ours { batch: Some(2000) };
    let (one, two) = (streams(1), streams(2));
    let cached = Contender::Streams {
        threads: 2,
        commit_ms: 100,
        heap: Heap::Fast,
        cache_mib: 64,
    };
    let often = Contender::Streams {
        threads: 2,
        commit_ms: 25,
        heap: Heap::Fast,
        cache_mib: 0,
    };
    let growing = Contender::Streams {
        threads: 2,
        commit_ms: 100,
        heap: Heap::Growing,
        cache_mib: 0,
    };
    let raw = |batch| Contender::Raw { batch };
    let loops = [raw(2000), raw(10_000), raw(30_000)];
    let uniform = [&[OURS, one, two][..], &loops].concat();
    let mut rows = vec![
        row(
            "cold",
            "throughput",
            &[OURS, one, two],
            load(800_000, false),
            30,
            u64::MAX,
        ),
        row(
            "uniform",
            "throughput",
            &uniform,
            load(3_800_000, false),
            45,
            u64::MAX,
        ),
        row(
            "zipf",
            "throughput",
            &[OURS, one, two, cached],
            load(3_800_000, true),
            45,
            u64::MAX,
        ),
        row(
            "batches of 2000",
            "state",
            &[two_thousand, cached],
            load(800_000, true),
            30,
            u64::MAX,
        ),
    ];
    let (warm_up, measured) = if is_quick { (3, 7) } else { (15, 30) };
    for rate in [1000, 10_000, 30_000] {
        let name = format!("latency at {rate}/s");
        let pace = Pace {
            rate,
            warm_up: Duration::from_secs(warm_up),
            measured: Duration::from_secs(measured),
        };
        let contenders = [OURS, often, two, raw(30_000)];
        rows.push(row(
            &name,
            "latency",
            &contenders,
            Kind::Latency(pace),
            70,
            u64::MAX,
        ));
    }
    let restore = Kind::Restore(size(1_000_000));
    let takeover = Kind::Takeover(size(1_000_000));
    let steps = [0, 200_000, 1_000_000, 5_000_000].map(size).to_vec();
    rows.push(row(
        "restore",
        "restore",
        &[OURS, two],
        restore,
        90,
        u64::MAX,
    ));
    rows.push(row(
        "takeover",
        "restore",
        &[OURS, two],
        takeover,
        120,
        u64::MAX,
    ));
    rows.push(row(
        "memory",
        "memory",
        &[OURS, growing],
        Kind::Memory(steps),
        600,
        1,
    ));
    rows
}

/// One contender, measured once.
pub fn measure(
    kind: &Kind,
    contender: Contender,
    places: &Places,
    broker: &Broker,
    run: &str,
) -> Result<Values> {
    let brokers = broker.address.as_str();
    let process = broker.process.id();
    topics::renew(brokers, contender.topics())?;
    let start = |name| {
        let replica = Replica {
            name,
            is_static: matches!(kind, Kind::Restore(_)),
            has_copies: matches!(kind, Kind::Takeover(_)),
        };
        contender.start(places, brokers, run, replica)
    };
    let write = |load: &Load| Sender::new(brokers, LOAD_LINGER_MS)?.write(load);
    let (values, expected) = match kind {
        Kind::Drain(load) => {
            let expected = write(load)?;
            let mut running = start("a")?;
            let mut values = drain::watch(brokers, process, &mut running, DRAIN_TIMEOUT)?;
            running.process.stop();
            let states = outcome::given(brokers, &running.state_topic)?;
            values.put(
                "state_records_per_event",
                states as f64 / load.events() as f64,
            );
            (values, expected)
        }
        Kind::Latency(pace) => {
            let mut running = start("a")?;
            let asked = if contender.decides() {
                probe(brokers, running.since_ms, START_TIMEOUT)?.tickets
            } else {
                Default::default()
            };
            let (values, mut expected) = latency::measure(brokers, process, &mut running, *pace)?;
            running.process.stop();
            expected.extend(asked.into_iter().map(|ticket| (ticket, 1)));
            (values, expected)
        }
        Kind::Memory(steps) => {
            let mut running = start("a")?;
            let found = memory::measure(brokers, &mut running, steps)?;
            running.process.stop();
            found
        }
        Kind::Restore(tickets) => {
            let mut expected = write(&load_of(*tickets))?;
            let mut running = start("a")?;
            drain::watch(brokers, process, &mut running, DRAIN_TIMEOUT)?;
            let mut values = Values::default();
            for is_killed in [false, true] {
                end(&mut running, is_killed);
                running = start("a")?;
                let answers = probe(brokers, running.since_ms, START_TIMEOUT)?;
                let name = if is_killed { "killed" } else { "stopped" };
                values.put(&format!("{name}_first_s"), answers.first_s);
                values.put(&format!("{name}_all_s"), answers.all_s);
                let rate = *tickets as f64 / answers.all_s;
                values.put(&format!("{name}_records_per_s"), rate);
                expected.extend(answers.tickets.into_iter().map(|ticket| (ticket, 1)));
            }
            running.process.stop();
            (values, expected)
        }
        Kind::Takeover(tickets) => {
            let mut expected = write(&load_of(*tickets))?;
            let mut running = start("a")?;
            drain::watch(brokers, process, &mut running, DRAIN_TIMEOUT)?;
            let mut other = start("b")?;
            std::thread::sleep(JOIN_TIME);
            other.process.check()?;
            running.process.kill();
            let answers = probe(brokers, crate::event::now_ms(), START_TIMEOUT)?;
            other.process.stop();
            let mut values = Values::default();
            values.put("takeover_all_s", answers.all_s);
            expected.extend(answers.tickets.into_iter().map(|ticket| (ticket, 1)));
            (values, expected)
        }
    };
    if contender.decides() {
        outcome::check(brokers, &expected)?;
    }
    Ok(values)
}

/// Tickets alone, so that there are as many states as events.
const fn load_of(tickets: usize) -> Load {
    Load {
        tickets,
        updates: 0,
        is_skewed: false,
        seed: 1,
    }
}

fn end(running: &mut Running, is_killed: bool) {
    if is_killed {
        running.process.kill();
    } else {
        running.process.stop();
    }
}
