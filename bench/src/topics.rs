//! Topics that are made anew for each measurement.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::client::{ESCALATED, NOTIFY, PARTITIONS, asker};
use crate::event::{CREATED, UPDATED};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Deletes every topic of earlier runs and makes those that all contenders share, and `more`.
pub fn renew(brokers: &str, more: &[&str]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .context("making an admin client")?;
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
    let client = asker(brokers, "bench")?;
    let old = present(&client)?;
    if !old.is_empty() {
        let names: Vec<&str> = old.iter().map(String::as_str).collect();
        block_on(admin.delete_topics(&names, &options)).context("deleting topics")?;
        wait("the old topics do not go away", || {
            Ok(present(&client)?.is_empty())
        })?;
    }
    let names: Vec<&str> = [CREATED, UPDATED, ESCALATED, NOTIFY]
        .iter()
        .chain(more)
        .copied()
        .collect();
    let new: Vec<_> = names
        .iter()
        .map(|name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1)))
        .collect();
    for made in block_on(admin.create_topics(&new, &options)).context("making topics")? {
        if let Err((topic, error)) = made {
            bail!("making {topic}: {error}");
        }
    }
    // A client that has seen the old topics would answer from memory.
    let client = asker(brokers, "bench")?;
    wait("the new topics do not come up empty", || {
        let is_empty = |topic: &&str| {
            (0..PARTITIONS).all(|partition| {
                let marks = client.fetch_watermarks(topic, partition, Duration::from_secs(5));
                marks.is_ok_and(|(_, end)| end == 0)
            })
        };
        Ok(names.iter().all(is_empty))
    })
}

/// All topics but the broker's own.
fn present(client: &BaseConsumer) -> Result<Vec<String>> {
    let metadata = client
        .fetch_metadata(None, TIMEOUT)
        .context("asking for all topics")?;
    let names = metadata
        .topics()
        .iter()
        .map(|topic| topic.name().to_owned());
    Ok(names.filter(|name| !name.starts_with("__")).collect())
}

fn wait(problem: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !done()? {
        if since.elapsed() > TIMEOUT {
            bail!("{problem}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
