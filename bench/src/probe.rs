//! When every partition of a contender answers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::Message;

use crate::client::{ESCALATED, PARTITIONS, Sender, partition_of, reader_at_the_end};
use crate::event::{CREATED, created, now_ms};
use crate::random::Random;

/// What was asked and when it was answered.
pub struct Answers {
    /// The tickets, which are now at level 1.
    pub tickets: BTreeSet<String>,
    /// Seconds until the first partition answered.
    pub first_s: f64,
    /// Seconds until the last one did.
    pub all_s: f64,
}

/// Creates a critical ticket in every partition and waits until each has come out; seconds count from
/// `since_ms`.
pub fn probe(brokers: &str, since_ms: i64, timeout: Duration) -> Result<Answers> {
    let client = reader_at_the_end(brokers, ESCALATED)?;
    let sender = Sender::new(brokers, 0)?;
    let run = now_ms();
    let mut random = Random(run as u64);
    let mut tickets = BTreeSet::new();
    let mut partitions = BTreeSet::new();
    let mut value = String::new();
    for number in 0.. {
        let id = format!("P{run}-{number}");
        if partitions.insert(partition_of(&id)) {
            created(
                &mut value,
                &format!("c-{id}"),
                &id,
                run / 1000 - 1,
                "critical",
                &mut random,
            );
            sender.send(CREATED, &id, &value)?;
            tickets.insert(id);
        }
        if partitions.len() == PARTITIONS as usize {
            break;
        }
    }
    sender.flush()?;
    let begun = Instant::now();
    let mut open = tickets.clone();
    let mut first = None;
    while !open.is_empty() {
        if begun.elapsed() > timeout {
            bail!("{} of {PARTITIONS} partitions do not answer", open.len());
        }
        if let Some(Ok(message)) = client.poll(Duration::from_millis(20)) {
            let key = std::str::from_utf8(message.key().unwrap_or_default());
            if open.remove(key.context("reading a key")?) {
                first.get_or_insert_with(now_ms);
            }
        }
    }
    let seconds = |at: i64| (at - since_ms) as f64 / 1e3;
    Ok(Answers {
        tickets,
        first_s: seconds(first.unwrap_or_else(now_ms)),
        all_s: seconds(now_ms()),
    })
}
