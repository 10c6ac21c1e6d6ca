//! A plain consumer: every committed record of some topics, from their beginning, without a group.
//!
//! It sees what a subscriber of the service sees: nothing of a transaction before all of it.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{ClientSettings, Ear};
use super::consumer::record_of;
use super::error::{Error, passes};
use super::native::{self, OffsetOf};
use crate::record::Record;

/// Longer than a broker takes that is well.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads topics from their beginning; used by one thread.
pub struct Reader {
    consumer: BaseConsumer<Ear>,
    topics: Vec<String>,
    partitions: i32,
}

impl Reader {
    /// Begins to read these topics, which have so many partitions each.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(
        settings: &ClientSettings,
        topics: &[&str],
        partitions: i32,
    ) -> Result<Self, Error> {
        let tunable = [
            // Small waits: people look at what is read.
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.wait.max.ms", "20"),
        ];
        let reader = Self {
            consumer: settings.onlooker("reading", &tunable)?,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            partitions,
        };
        let mut list = TopicPartitionList::new();
        for (topic, partition) in reader.all() {
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .map_err(|source| reader.call("setting the first position", source))?;
        }
        let assigned = reader.consumer.assign(&list);
        assigned.map_err(|source| reader.call("beginning to read", source))?;
        Ok(reader)
    }

    /// Takes at most `limit` records; waits at most `wait` for the first. `input` of a record is the
    /// index of its topic.
    ///
    /// # Errors
    /// When reading on would not help.
    pub fn poll(&self, limit: usize, wait: Duration) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let mut wait = wait;
        while records.len() < limit {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    let input = self.topics.iter().position(|it| it == message.topic());
                    records.extend(input.map(|input| record_of(input, &message)));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) if passes(&error) => {}
                Some(Err(error)) => return Err(self.call("reading", error)),
            }
            wait = Duration::ZERO;
        }
        Ok(records)
    }

    /// Whether everything that is committed now was handed out before. Transactions that are open
    /// count as something to come.
    ///
    /// # Errors
    /// When a broker does not answer in time.
    pub fn is_at_end(&self) -> Result<bool, Error> {
        let all: Vec<(&str, i32)> = self.all().collect();
        let client = self.consumer.client();
        let ends = native::list_offsets(client, &all, OffsetOf::HighWatermark, REQUEST_TIMEOUT)
            .map_err(|source| Error::Native {
                doing: format!("asking for the ends of {}", self.topics.join(" and ")),
                source,
            })?;
        let positions = self
            .consumer
            .position()
            .map_err(|source| self.call("asking for read positions", source))?;
        let is_read = |(topic, partition): &(&str, i32), end: i64| {
            let element = positions.find_partition(topic, *partition);
            match element.map(|element| element.offset()) {
                Some(Offset::Offset(offset)) => offset >= end,
                // Nothing was handed out: that is all when there is nothing.
                _ => end == 0,
            }
        };
        Ok(all.iter().zip(ends).all(|(at, end)| is_read(at, end)))
    }

    fn all(&self) -> impl Iterator<Item = (&str, i32)> {
        let topics = self.topics.iter();
        topics.flat_map(|topic| (0..self.partitions).map(move |number| (topic.as_str(), number)))
    }

    fn call(&self, doing: &str, source: KafkaError) -> Error {
        Error::Call {
            doing: format!("{doing} of {}", self.topics.join(" and ")),
            source,
        }
    }
}
