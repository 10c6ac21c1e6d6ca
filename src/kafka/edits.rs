//! Reads the log of plan edits, a topic with one partition, when there is something new in it.
//!
//! Edits are rare, so nothing is fetched between two reads: the end of the log is asked for together
//! with the ends of the inputs, and only an end that has moved makes this client fetch.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{ClientSettings, Ear, heard};
use super::consumer::record_of;
use super::error::{Error, is_transient, passes};
use super::native::{self, OffsetOf};
use crate::record::Record;

/// Longer than a broker takes that is well, shorter than a session.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The client is asked for what has arrived at least this often.
const STEP: Duration = Duration::from_millis(50);

/// Reads parts of the log of edits; used by one thread.
pub struct EditReader {
    consumer: BaseConsumer<Ear>,
    topic: String,
    brokers: String,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Edits {
    /// The records in their order.
    pub records: Vec<Record>,
    /// The offset after everything that was read, what is never handed out included.
    pub next: i64,
}

impl EditReader {
    /// Makes the client; no broker is asked yet.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(settings: &ClientSettings, topic: &str) -> Result<Self, Error> {
        let tunable = [
            // Whoever reads waits for it.
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.wait.max.ms", "20"),
        ];
        Ok(Self {
            consumer: settings.onlooker("edit reading", &tunable)?,
            topic: topic.to_owned(),
            brokers: settings.brokers.clone(),
        })
    }

    /// The high watermark of the log.
    ///
    /// # Errors
    /// When a broker does not answer in time.
    pub fn end(&self) -> Result<i64, Error> {
        let asked = [(self.topic.as_str(), 0)];
        let client = self.consumer.client();
        let answer = native::list_offsets(client, &asked, OffsetOf::HighWatermark, REQUEST_TIMEOUT);
        let ends = answer.map_err(|source| {
            if is_transient(source.code) {
                let doing = "asking for the log of plan edits";
                return Error::unreachable(&self.brokers, doing, heard(&self.consumer));
            }
            Error::Native {
                doing: format!("asking for the end of {}", self.topic),
                source,
            }
        })?;
        Ok(ends.first().copied().unwrap_or_default())
    }

    /// Reads from an offset up to an end that the broker has told of.
    ///
    /// # Errors
    /// When it does not come in time; then it has to be read again from the same offset.
    pub fn read(&self, from: i64, until: i64) -> Result<Edits, Error> {
        let mut edits = Edits {
            records: Vec::new(),
            next: from,
        };
        if from >= until {
            return Ok(edits);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, 0, Offset::Offset(from))
            .map_err(|source| self.call("setting the read position", source))?;
        self.consumer
            .assign(&list)
            .map_err(|source| self.call("beginning to read", source))?;
        let result = self.fill(&mut edits, until);
        let unassigned = self.consumer.unassign();
        result?;
        unassigned.map_err(|source| self.call("ending to read", source))?;
        Ok(edits)
    }

    fn fill(&self, edits: &mut Edits, until: i64) -> Result<(), Error> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        while edits.next < until {
            match self.consumer.poll(STEP) {
                None | Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Ok(message)) => {
                    let record = record_of(0, &message);
                    edits.next = record.offset + 1;
                    edits.records.push(record);
                    continue;
                }
                Some(Err(error)) if passes(&error) => {}
                Some(Err(error)) => return Err(self.call("reading", error)),
            }
            edits.next = edits.next.max(self.position()?);
            if Instant::now() > deadline {
                let doing = "reading the log of plan edits";
                let heard = heard(&self.consumer);
                return Err(Error::unreachable(&self.brokers, doing, heard));
            }
        }
        Ok(())
    }

    /// The offset after what was handed out and what follows it that never is.
    fn position(&self) -> Result<i64, Error> {
        let known = self.consumer.position();
        let known = known.map_err(|source| self.call("asking for the read position", source))?;
        let element = known.find_partition(&self.topic, 0);
        Ok(match element.map(|element| element.offset()) {
            Some(Offset::Offset(offset)) => offset,
            _ => 0,
        })
    }

    fn call(&self, doing: &str, source: KafkaError) -> Error {
        Error::Call {
            doing: format!("{doing} of {}", self.topic),
            source,
        }
    }
}
