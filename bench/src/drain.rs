//! How fast a contender reads what is there, by its committed offsets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{PARTITIONS, asker, ends};
use crate::contender::Running;
use crate::event::{CREATED, UPDATED, now_ms};
use crate::procfs::{cpu_seconds, others_seconds, peak_bytes, resident_bytes};
use crate::results::Values;

/// What is past is looked for every second at least, and so is over before a contender is stopped.
const OVERDUE_TIME: Duration = Duration::from_secs(3);

/// What a group has committed, against where the inputs end.
pub struct Lag {
    client: BaseConsumer,
    list: TopicPartitionList,
    ends: Vec<i64>,
}

/// A moment of a drain.
#[derive(Clone, Copy)]
struct Mark {
    at: Instant,
    done: i64,
    cpu: f64,
    broker_cpu: f64,
}

impl Lag {
    /// The ends as they are now.
    pub fn new(brokers: &str, group: &str) -> Result<Self> {
        let client = asker(brokers, group)?;
        let mut list = TopicPartitionList::new();
        let mut all = Vec::new();
        for topic in [CREATED, UPDATED] {
            list.add_partition_range(topic, 0, PARTITIONS - 1);
            all.extend(ends(&client, topic)?);
        }
        Ok(Self {
            client,
            list,
            ends: all,
        })
    }

    /// How many events are committed; none while the coordinator does not answer.
    fn committed(&self) -> Option<i64> {
        let answer = self
            .client
            .committed_offsets(self.list.clone(), Duration::from_secs(5))
            .ok()?;
        let offsets = answer
            .elements()
            .into_iter()
            .map(|element| match element.offset() {
                Offset::Offset(offset) => offset,
                _ => 0,
            });
        Some(offsets.sum())
    }

    /// Waits until all is committed.
    pub fn wait(&self, contender: &mut Running, timeout: Duration) -> Result<()> {
        let since = Instant::now();
        let total: i64 = self.ends.iter().sum();
        while self.committed() != Some(total) {
            contender.process.check()?;
            if since.elapsed() > timeout {
                bail!("it does not reach the end of the inputs");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Watches a contender that was started just now until everything is committed, and lets it look for
/// what is past.
pub fn watch(
    brokers: &str,
    broker: u32,
    contender: &mut Running,
    timeout: Duration,
) -> Result<Values> {
    let process = contender.process.id();
    let lag = Lag::new(brokers, &contender.group)?;
    let total: i64 = lag.ends.iter().sum();
    let others = others_seconds(&[process, broker]);
    let begun = Instant::now();
    let cpu = |process: u32| cpu_seconds(process).context("a process has ended");
    let broker_cpu = cpu(broker)?;
    let mut half: Option<Mark> = None;
    loop {
        let done = lag.committed();
        if let Some(done) = done {
            if half.is_none() && done >= total / 2 {
                let (cpu, broker_cpu) = (cpu(process)?, cpu(broker)?);
                half = Some(Mark {
                    at: Instant::now(),
                    done,
                    cpu,
                    broker_cpu,
                });
            }
            if done == total {
                break;
            }
        }
        contender.process.check()?;
        if begun.elapsed() > timeout {
            bail!(
                "it does not reach the end: {done:?} of {total}\n{}",
                contender.process.log_tail()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let seconds = (now_ms() - contender.since_ms) as f64 / 1e3;
    let (cpu, broker_end, events) = (cpu(process)?, cpu(broker)?, total as f64);
    let mut values = Values::default();
    values.put("events", events);
    values.put("seconds", seconds);
    values.put("events_per_s", events / seconds);
    values.put("cpu_us_per_event", cpu * 1e6 / events);
    values.put(
        "broker_cpu_us_per_event",
        (broker_end - broker_cpu) * 1e6 / events,
    );
    values.put(
        "rss_mib",
        resident_bytes(process).unwrap_or_default() / f64::from(1 << 20),
    );
    values.put(
        "peak_rss_mib",
        peak_bytes(process).unwrap_or_default() / f64::from(1 << 20),
    );
    // The second half alone: everybody is warm there.
    if let Some(half) = half.filter(|half| half.done < total) {
        let (seconds, events) = (half.at.elapsed().as_secs_f64(), (total - half.done) as f64);
        values.put("warm_events_per_s", events / seconds);
        values.put("warm_cpu_us_per_event", (cpu - half.cpu) * 1e6 / events);
        values.put(
            "warm_broker_cpu_us_per_event",
            (broker_end - half.broker_cpu) * 1e6 / events,
        );
    }
    let others = others_seconds(&[process, broker]) - others;
    values.put("others_cores", others / begun.elapsed().as_secs_f64());
    std::thread::sleep(OVERDUE_TIME);
    Ok(values)
}
