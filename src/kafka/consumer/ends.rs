//! The ends of the inputs, and how far they have been delivered.

use std::time::Duration;

use rdkafka::consumer::Consumer;

use super::{GroupConsumer, InputPartition, number};
use crate::kafka::error::Error;
use crate::kafka::log::{End, Ends};
use crate::kafka::native::{self, CallError, OffsetOf};

impl GroupConsumer {
    /// The end of each partition, in the order asked, and that of the only partition of another
    /// topic, in one round trip per broker. One without a leader holds up no other.
    ///
    /// # Errors
    /// When no broker answers in time.
    pub fn ends(
        &self,
        partitions: &[InputPartition],
        other: &str,
        timeout: Duration,
    ) -> Result<Ends, Error> {
        let mut named = self.named(partitions);
        named.push((other, 0));
        let client = self.consumer.client();
        let of = OffsetOf::HighWatermark;
        let failed = |of: &str, source: CallError| Error::Native {
            doing: format!("asking {} for {of}", self.brokers),
            source,
        };
        let answer = native::list_each_offset(client, &named, of, timeout);
        let answer = answer.map_err(|source| failed("the ends of the inputs", source))?;
        let (mut missing, mut offsets) = (None, Vec::with_capacity(named.len()));
        for ((topic, partition), offset) in named.into_iter().zip(answer) {
            let offset = offset.map_err(|source| {
                failed(
                    &format!("the end of {topic}, partition {partition}"),
                    source,
                )
            });
            offsets.push(match offset {
                Ok(offset) => Some(offset),
                Err(error) if error.is_retriable() => {
                    missing.get_or_insert(error);
                    None
                }
                Err(error) => return Err(error),
            });
        }
        if offsets.iter().all(Option::is_none)
            && let Some(error) = missing
        {
            return Err(error);
        }
        let edits = offsets.pop().flatten();
        let both = offsets.into_iter().zip(self.delivered(partitions)?);
        let end = |(high_watermark, delivered): (Option<i64>, i64)| {
            high_watermark.map(|high_watermark| End {
                high_watermark,
                delivered,
            })
        };
        Ok(Ends {
            inputs: both.map(end).collect(),
            edits,
            missing,
        })
    }

    /// How far each partition has been delivered, in the order asked: one past the last record, or
    /// past what follows it and is never delivered (marks of transactions, aborted records).
    ///
    /// # Errors
    /// When the library refuses.
    fn delivered(&self, partitions: &[InputPartition]) -> Result<Vec<i64>, Error> {
        let known = self
            .consumer
            .position()
            .map_err(|source| self.call("asking for read positions", source))?;
        let ledger = self.consumer.context().ledger();
        let delivered = partitions.iter().map(|(input, partition)| {
            let counted = ledger.positions.get(&(*input, *partition)).copied();
            let passed = known
                .find_partition(&self.topics[*input], *partition)
                .and_then(|element| number(element.offset()));
            counted.max(passed).unwrap_or_default()
        });
        Ok(delivered.collect())
    }
}
