//! Resident memory by the number of live tickets.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use crate::client::Sender;
use crate::contender::Running;
use crate::drain::Lag;
use crate::event::{CREATED, UPDATED, created, now_ms, updated};
use crate::load::Escalation;
use crate::probe::probe;
use crate::procfs::resident_bytes;
use crate::random::Random;
use crate::results::Values;

/// Updates of each ticket, so that it has six facts.
const UPDATES: usize = 5;
/// A process may have given back by then what it used for reading.
const SETTLE: Duration = Duration::from_secs(5);
/// Tickets whose events are written together: small enough that a contender follows.
const PORTION: usize = 20_000;
/// Writing and reading six million events takes minutes.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Measures a contender at each of these numbers of tickets, none of which is due or stopped: two
/// clocks of each run. Answers with what must be escalated too, which is what it was asked by.
pub fn measure(
    brokers: &str,
    contender: &mut Running,
    steps: &[usize],
) -> Result<(Values, BTreeSet<Escalation>)> {
    let asked = probe(brokers, contender.since_ms, Duration::from_secs(120))?;
    let mut values = Values::default();
    let mut done = 0;
    let mut points: Vec<(usize, f64)> = Vec::new();
    for step in steps {
        write(brokers, done, *step)?;
        done = *step;
        Lag::new(brokers, &contender.group)?.wait(contender, PATIENCE)?;
        std::thread::sleep(SETTLE);
        let bytes = resident_bytes(contender.process.id()).unwrap_or_default();
        println!("    {step} tickets: {:.0} MiB", bytes / f64::from(1 << 20));
        values.put(&format!("rss_mib_at_{step}"), bytes / f64::from(1 << 20));
        points.push((*step, bytes));
    }
    if let [.., (fewer, less), (more, much)] = points[..] {
        values.put("bytes_per_ticket", (much - less) / (more - fewer) as f64);
    }
    Ok((
        values,
        asked
            .tickets
            .into_iter()
            .map(|ticket| (ticket, 1))
            .collect(),
    ))
}

fn write(brokers: &str, from: usize, to: usize) -> Result<()> {
    let sender = Sender::new(brokers, 20)?;
    let mut random = Random(from as u64);
    let mut value = String::new();
    let mut begin = from;
    while begin < to {
        let end = to.min(begin + PORTION);
        for ticket in begin..end {
            let id = format!("M{ticket:07}");
            let priority = ["high", "normal", "low"][ticket % 3];
            let at = now_ms() / 1000 - 1;
            created(
                &mut value,
                &format!("c{ticket:08}"),
                &id,
                at,
                priority,
                &mut random,
            );
            sender.send(CREATED, &id, &value)?;
        }
        sender.flush()?;
        for number in 0..UPDATES {
            for ticket in begin..end {
                let id = format!("M{ticket:07}");
                let event = format!("u{ticket:08}-{number}");
                let assignee = random.below(500);
                let changes = format!(r#""status":"open","assignee":"a{assignee}""#);
                let at = now_ms() / 1000;
                updated(
                    &mut value,
                    (&event, &id),
                    at,
                    &changes,
                    "internal_note",
                    &mut random,
                );
                sender.send(UPDATED, &id, &value)?;
            }
        }
        sender.flush()?;
        begin = end;
    }
    Ok(())
}
