//! The fence behind the last owner: what a restore asks for and waits for before it reads.

use std::time::{Duration, Instant};

use super::{ALONE_TIMEOUT, Error, OffsetOf, REQUEST_TIMEOUT, RestoreReader, Sink, Stage};
use crate::kafka::consumer;

/// How often the last stable offset is asked for while it is waited for.
const FENCE_INTERVAL: Duration = Duration::from_millis(50);

impl RestoreReader {
    /// Committed offsets first, the watermark after them: see the head of the module above.
    pub(super) fn ask(&mut self) -> Result<(), Error> {
        let mut asking = self.in_stage(|stage| stage == Stage::Asking);
        if asking.is_empty() {
            self.unanswered_since = None;
            return Ok(());
        }
        let mut timeout = REQUEST_TIMEOUT;
        let is_alone = self.unanswered_since.is_some() && asking.len() > 1;
        if is_alone {
            // One that is held back holds back the answer for all that are asked for with it.
            self.alone += 1;
            asking = vec![asking[self.alone % asking.len()]];
            timeout = ALONE_TIMEOUT;
        }
        let inputs: Vec<&str> = self.inputs.iter().map(String::as_str).collect();
        let wanted: Vec<(usize, i32)> = asking
            .iter()
            .flat_map(|partition| (0..inputs.len()).map(move |input| (input, *partition)))
            .collect();
        let committed = match consumer::committed(self.reader.consumer(), &inputs, &wanted, timeout)
        {
            Ok(committed) => committed,
            Err(error) => return Err(self.why_unanswered(&asking, error)),
        };
        if !is_alone {
            self.unanswered_since = None;
        }
        let ends = self.offsets_in(&self.topics, &asking, OffsetOf::HighWatermark)?;
        let ends = ends.chunks(self.topics.len());
        let committed = committed.chunks(inputs.len());
        for ((partition, ends), committed) in asking.iter().zip(ends).zip(committed) {
            let index = self.index(*partition);
            let restore = index.and_then(|index| self.partitions[index].restore.as_mut());
            if let Some(restore) = restore {
                restore.committed = committed.to_vec();
                restore.stage = Stage::WaitingForFence { until: ends[0] };
                restore.ends = ends.to_vec();
                restore.waiting_since = Some(Instant::now());
            }
        }
        self.asked_at = None;
        Ok(())
    }

    /// Why the committed offsets are not answered: the library asks again and again while a
    /// transaction holds them back, and then says no more than that the time is over.
    fn why_unanswered(&mut self, asking: &[i32], error: Error) -> Error {
        if self.offsets(asking, OffsetOf::HighWatermark).is_err() {
            // The brokers answer nothing else either.
            self.unanswered_since = None;
            return error;
        }
        let since = *self.unanswered_since.get_or_insert_with(Instant::now);
        let inputs = self.inputs.join(" and ");
        let held_back = match asking {
            [partition] => format!("the committed offsets of partition {partition} of {inputs}"),
            _ => format!("committed offsets of {inputs}"),
        };
        if since.elapsed() < self.patience {
            return Error::HeldBack { held_back };
        }
        Error::Hanging {
            held_back,
            longer_than: self.patience,
        }
    }

    /// An open transaction that should be over by now is told; waiting goes on.
    pub(super) fn blame_what_hangs(&self) -> Result<(), Error> {
        let hanging = self.partitions.iter().find_map(|reading| {
            let restore = reading.restore.as_ref()?;
            let waiting = matches!(restore.stage, Stage::WaitingForFence { .. });
            let since = restore.waiting_since.filter(|_| waiting)?;
            let topic = &self.topics[restore.open_in];
            (since.elapsed() > self.patience).then_some((reading.partition, topic))
        });
        hanging.map_or(Ok(()), |(partition, topic)| {
            Err(Error::Hanging {
                held_back: format!("partition {partition} of {topic}"),
                longer_than: self.patience,
            })
        })
    }

    /// Lets those read on whose last stable offsets have reached their watermarks.
    pub(super) fn pass_fence(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        let waiting = self.in_stage(|stage| matches!(stage, Stage::WaitingForFence { .. }));
        let soon = |asked: Instant| asked.elapsed() < FENCE_INTERVAL;
        if waiting.is_empty() || self.asked_at.is_some_and(soon) {
            return Ok(());
        }
        self.asked_at = Some(Instant::now());
        let stable = self.offsets_in(&self.topics, &waiting, OffsetOf::LastStable)?;
        let stable = stable.chunks(self.topics.len());
        let starts = self.offsets(&waiting, OffsetOf::Start)?;
        for ((partition, stable), start) in waiting.into_iter().zip(stable).zip(starts) {
            self.pass(partition, stable, start, sink)?;
        }
        Ok(())
    }

    /// Lets one partition read on, if nothing below its watermarks is open.
    fn pass(
        &mut self,
        partition: i32,
        stable: &[i64],
        start: i64,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        let index = self
            .index(partition)
            .expect("waiting partitions are listed");
        let reading = &mut self.partitions[index];
        let Some(restore) = &mut reading.restore else {
            return Ok(());
        };
        let Stage::WaitingForFence { until } = restore.stage else {
            return Ok(());
        };
        let mut both = restore.ends.iter().zip(stable);
        if let Some(open_in) = both.position(|(end, stable)| stable < end) {
            restore.open_in = open_in;
            return Ok(());
        }
        let next = reading.place.as_ref().map(|place| place.next);
        // A copy whose next record was deleted has missed something.
        let is_torn = next.is_some_and(|next| next.is_some_and(|next| next < start));
        let from = next.flatten().filter(|_| !is_torn).unwrap_or(start);
        if from >= until {
            if next.is_none() {
                sink.begin(partition);
            }
            return self.finish(partition, until, 0, 0, sink);
        }
        restore.stage = Stage::Reading {
            from,
            until,
            next: from,
            records: 0,
        };
        if is_torn {
            reading.place = None;
            self.unassign(partition)?;
        }
        Ok(())
    }

    fn in_stage(&self, wanted: impl Fn(Stage) -> bool) -> Vec<i32> {
        let stages = self.stages().filter(|(_, stage)| wanted(*stage));
        stages.map(|(partition, _)| partition).collect()
    }
}
