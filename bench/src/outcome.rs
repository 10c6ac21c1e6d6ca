//! What a contender has written, against what must come of the load.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset};

use crate::client::{ESCALATED, NOTIFY, PARTITIONS, asker, ends, reader};
use crate::load::Escalation;

/// Fails unless exactly these escalations were written, each once, and one notification for each.
pub fn check(brokers: &str, expected: &BTreeSet<Escalation>) -> Result<()> {
    let mut found: BTreeSet<Escalation> = BTreeSet::new();
    let mut problems = Vec::new();
    read_all(brokers, ESCALATED, |key, value| {
        let escalation = escalation(key, value)?;
        if !expected.contains(&escalation) {
            problems.push(format!("{escalation:?} must not be"));
        } else if !found.insert(escalation.clone()) {
            problems.push(format!("{escalation:?} came twice"));
        }
        Ok(())
    })?;
    let missing = expected
        .difference(&found)
        .map(|it| format!("{it:?} is missing"));
    problems.extend(missing);
    if !problems.is_empty() {
        let first = problems[..problems.len().min(5)].join("; ");
        bail!(
            "WRONG: of {} escalations {} came and {} are wrong: {first}",
            expected.len(),
            found.len(),
            problems.len()
        );
    }
    let notified = count(brokers, NOTIFY)?;
    if notified != expected.len() as u64 {
        bail!(
            "WRONG: {notified} notifications for {} escalations",
            expected.len()
        );
    }
    Ok(())
}

/// How many records a topic was given, those that it has compacted away and the ends of transactions
/// included.
pub fn given(brokers: &str, topic: &str) -> Result<u64> {
    let ends = ends(&asker(brokers, "bench-states")?, topic)?;
    Ok(ends.into_iter().map(i64::unsigned_abs).sum())
}

/// How many committed records a topic has.
fn count(brokers: &str, topic: &str) -> Result<u64> {
    let mut records = 0;
    read_all(brokers, topic, |_, _| {
        records += 1;
        Ok(())
    })?;
    Ok(records)
}

/// The ticket and the level of an escalation out, of any contender.
fn escalation(key: &[u8], value: &[u8]) -> Result<Escalation> {
    let value: serde_json::Value =
        serde_json::from_slice(value).context("reading an escalation")?;
    if let Some(kind) = value["type"].as_str().filter(|kind| *kind != "raised") {
        bail!("WRONG: an escalation of type {kind}");
    }
    let level = value["level"]
        .as_u64()
        .context("an escalation without a level")?;
    Ok((String::from_utf8_lossy(key).into_owned(), level as u8))
}

fn read_all(
    brokers: &str,
    topic: &str,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<()>,
) -> Result<()> {
    let from = vec![Offset::Beginning; PARTITIONS as usize];
    let client = reader(brokers, topic, &from)?;
    let mut ended = BTreeSet::new();
    while ended.len() < PARTITIONS as usize {
        match client.poll(Duration::from_secs(20)) {
            Some(Ok(message)) => {
                each(
                    message.key().unwrap_or_default(),
                    message.payload().unwrap_or_default(),
                )?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
            }
            Some(Err(error)) => bail!("reading {topic}: {error}"),
            None => bail!("reading {topic}: no answer"),
        }
    }
    Ok(())
}
