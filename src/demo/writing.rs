//! Writes the day as its hours pass, and lets the clock follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use escalator_engine::time::Timestamp;

use super::life::TicketEvent;
use super::pace::FastClock;
use super::site::PARTITIONS;
use super::story::Story;
use crate::clock::Clock;
use crate::kafka;
use crate::kafka::ClientSettings;
use crate::kafka::writer::Writer;
use crate::record::OutgoingRecord;
use crate::wire::{Input, murmur2_partition};

/// A wait is cut into such pieces, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(20);

/// How far the writing has come.
#[derive(Debug, Default)]
pub(super) struct Written {
    events: AtomicUsize,
    open: AtomicI64,
}

impl Written {
    /// How many events are written.
    pub(super) fn events(&self) -> usize {
        self.events.load(Ordering::Acquire)
    }

    /// How many tickets are open by these.
    pub(super) fn open(&self) -> i64 {
        self.open.load(Ordering::Acquire)
    }
}

/// Begins to write the day. The thread answers with the last instant that counts: the day's end,
/// or when it was stopped.
pub(super) fn start(
    clients: &ClientSettings,
    topics: [&str; 2],
    story: &Arc<Story>,
    clock: &Arc<FastClock>,
    written: &Arc<Written>,
    stop: &Arc<AtomicBool>,
) -> Result<JoinHandle<Result<Timestamp, kafka::Error>>, kafka::Error> {
    let day = Day {
        writer: Writer::open(clients)?,
        topics: topics.map(str::to_owned),
        story: Arc::clone(story),
        clock: Arc::clone(clock),
        written: Arc::clone(written),
        stop: Arc::clone(stop),
    };
    Ok(std::thread::spawn(move || day.write()))
}

struct Day {
    writer: Writer,
    topics: [String; 2],
    story: Arc<Story>,
    clock: Arc<FastClock>,
    written: Arc<Written>,
    stop: Arc<AtomicBool>,
}

impl Day {
    fn write(&self) -> Result<Timestamp, kafka::Error> {
        loop {
            let rest = &self.story.events[self.written.events()..];
            // Up to the instant before the next event everything is written.
            let next = rest.first().map(|event| event.at);
            let horizon = match next {
                Some(next) => next.plus_millis(-1),
                None => self.story.end.plus_millis(1),
            };
            self.clock.move_horizon(horizon);
            while self.clock.now() < horizon {
                if self.stop.load(Ordering::Acquire) {
                    return Ok(self.clock.end());
                }
                std::thread::sleep(self.clock.time_until(horizon).min(NAP));
            }
            let Some(next) = next else {
                return Ok(self.story.end);
            };
            self.write_all_of(next, rest)?;
        }
    }

    /// Writes the events of one instant.
    fn write_all_of(&self, at: Timestamp, rest: &[TicketEvent]) -> Result<(), kafka::Error> {
        let now = rest.iter().take_while(|event| event.at == at);
        let now: Vec<&TicketEvent> = now.collect();
        let records: Vec<OutgoingRecord> = now.iter().map(|event| self.record(event)).collect();
        self.writer.write(&records)?;
        let open: i64 = now.iter().map(|event| event.open_change).sum();
        self.written.open.fetch_add(open, Ordering::AcqRel);
        self.written.events.fetch_add(now.len(), Ordering::AcqRel);
        Ok(())
    }

    fn record(&self, event: &TicketEvent) -> OutgoingRecord {
        let key = event.ticket_id.as_bytes();
        let topic = match event.input {
            Input::Created => 0,
            Input::Updated => 1,
        };
        OutgoingRecord {
            topic: self.topics[topic].as_str().into(),
            partition: murmur2_partition(key, PARTITIONS),
            key: Some(key.to_vec()),
            value: Some(event.value.clone()),
            headers: Vec::new(),
            timestamp_ms: Some(event.at.as_millis()),
        }
    }
}
