//! The two inputs of a partition, read in order of record timestamp, and how far that has come.
//!
//! Records wait here until it is known that none with a smaller timestamp comes before them: the
//! smaller head of the two goes first, created before updated when they are equal, and one goes
//! alone only while the other is at its end. Progress is counted per input and never goes back;
//! the smaller of the two is the watermark, behind which nothing unread can lie.

use std::collections::VecDeque;

use escalator_engine::time::Timestamp;

use crate::record::Record;

/// More records than this waiting for the other input stop the reading of theirs: enough to keep a
/// transaction full, little enough that a hundred partitions fit into memory.
const HIGH_RECORDS: usize = 10_000;

/// Large records count by their size too: a quarter of the records at their usual size.
const HIGH_BYTES: usize = 16 << 20;

/// Both inputs of one partition.
#[derive(Debug)]
pub struct Inputs {
    buffers: [Buffer; 2],
}

#[derive(Debug)]
struct Buffer {
    records: VecDeque<Record>,
    bytes: usize,
    /// The offset after the last record taken; earlier ones come again only when a read begins
    /// anew, and are passed over.
    received: i64,
    /// The offset after the last record handed on.
    read: i64,
    /// The greatest end that was heard of.
    end: i64,
    progress: Timestamp,
    /// At this instant everything before this offset was all there was.
    proof: Option<(Timestamp, i64)>,
    /// Whether the last answer about its end found nothing unread.
    is_at_end: bool,
    is_paused: bool,
}

impl Inputs {
    /// Inputs that are read from these offsets on.
    #[must_use]
    pub fn new(offsets: [i64; 2]) -> Self {
        Self {
            buffers: offsets.map(|offset| Buffer {
                records: VecDeque::new(),
                bytes: 0,
                received: offset,
                read: offset,
                end: offset,
                progress: Timestamp::MIN,
                proof: None,
                is_at_end: false,
                is_paused: false,
            }),
        }
    }

    /// Takes a record in.
    pub fn offer(&mut self, record: Record) {
        let buffer = &mut self.buffers[record.input];
        if record.offset < buffer.received {
            return;
        }
        buffer.received = record.offset + 1;
        buffer.end = buffer.end.max(buffer.received);
        buffer.bytes += size(&record);
        buffer.records.push_back(record);
    }

    /// Gives back the memory that a rush of records has asked for.
    pub fn give_back(&mut self) {
        for buffer in &mut self.buffers {
            buffer.records.shrink_to_fit();
        }
    }

    /// Takes an answer about the end of an input: at `asked_at` or later its high watermark was
    /// `end`, and what was delivered by then reached to `delivered`.
    pub fn answer(&mut self, input: usize, asked_at: Timestamp, end: i64, delivered: i64) {
        let buffer = &mut self.buffers[input];
        buffer.end = buffer.end.max(end);
        buffer.is_at_end = delivered >= end;
        if buffer.is_at_end {
            // The new proof may have to wait for what was received since the old one.
            buffer.progress = buffer.progress();
            buffer.proof = Some((asked_at, buffer.received));
        }
    }

    /// The record that [`Self::next`] would hand on.
    #[must_use]
    pub fn head(&self) -> Option<&Record> {
        self.buffers[self.turn()?].records.front()
    }

    /// The next record, unless it has to wait for the other input. Timestamps beyond `now` count
    /// as `now`.
    pub fn next(&mut self, now: Timestamp) -> Option<Record> {
        let input = self.turn()?;
        let buffer = &mut self.buffers[input];
        let record = buffer.records.pop_front()?;
        buffer.bytes -= size(&record);
        buffer.read = record.offset + 1;
        let at = Timestamp::from_millis(record.timestamp_ms).min(now);
        buffer.progress = buffer.progress.max(at);
        Some(record)
    }

    /// Which input's head is next.
    fn turn(&self) -> Option<usize> {
        let head = |input: usize| self.buffers[input].records.front();
        match (head(0), head(1)) {
            (None, None) => None,
            (Some(created), Some(updated)) => {
                Some(usize::from(updated.timestamp_ms < created.timestamp_ms))
            }
            (Some(_), None) => self.buffers[1].is_at_end.then_some(0),
            (None, Some(_)) => self.buffers[0].is_at_end.then_some(1),
        }
    }

    /// Everything up to this instant has been read, of both inputs.
    #[must_use]
    pub fn watermark(&self) -> Timestamp {
        let [created, updated] = &self.buffers;
        created.progress().min(updated.progress())
    }

    /// Whether a record waits for the other input, whose end is not known.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.turn().is_none() && !self.is_empty()
    }

    /// Whether no record is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffers.iter().all(|buffer| buffer.records.is_empty())
    }

    /// Whether both inputs had nothing unread when they were last asked about.
    #[must_use]
    pub fn are_at_end(&self) -> bool {
        self.buffers.iter().all(|buffer| buffer.is_at_end)
    }

    /// The offsets after the last records handed on.
    #[must_use]
    pub fn read(&self) -> [i64; 2] {
        self.buffers.each_ref().map(|buffer| buffer.read)
    }

    /// How many offsets of each input lie before the greatest end that was heard of and were not
    /// handed on. What is never handed out, such as the end of a transaction, is not among them once
    /// everything was.
    #[must_use]
    pub fn lag(&self) -> [i64; 2] {
        self.buffers.each_ref().map(|buffer| {
            let is_done = buffer.is_at_end && buffer.records.is_empty();
            if is_done { 0 } else { buffer.end - buffer.read }
        })
    }

    /// Whether the reading of an input has to stop or may go on again; none leaves it as it is.
    pub fn pause(&mut self, input: usize) -> Option<bool> {
        let buffer = &mut self.buffers[input];
        let (count, bytes) = (buffer.records.len(), buffer.bytes);
        let change = if buffer.is_paused {
            // Half empty: going on costs a fetch, so not for every record.
            (count < HIGH_RECORDS / 2 && bytes < HIGH_BYTES / 2).then_some(false)
        } else {
            (count >= HIGH_RECORDS || bytes >= HIGH_BYTES).then_some(true)
        };
        buffer.is_paused = change.unwrap_or(buffer.is_paused);
        change
    }
}

impl Buffer {
    fn progress(&self) -> Timestamp {
        let is_read = |before| {
            let head = self.records.front();
            head.is_none_or(|head| head.offset >= before)
        };
        match self.proof {
            Some((at, before)) if is_read(before) => self.progress.max(at),
            Some(_) | None => self.progress,
        }
    }
}

fn size(record: &Record) -> usize {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    length(&record.key) + length(&record.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn record(input: usize, offset: i64, timestamp_ms: i64) -> Record {
        Record {
            input,
            partition: 0,
            offset,
            timestamp_ms,
            key: None,
            value: Some(vec![0; 10]),
            headers: Vec::new(),
        }
    }

    fn inputs(records: &[(usize, i64, i64)]) -> Inputs {
        let mut inputs = Inputs::new([0, 0]);
        for (input, offset, timestamp_ms) in records {
            inputs.offer(record(*input, *offset, *timestamp_ms));
        }
        inputs
    }

    fn read(inputs: &mut Inputs) -> Vec<(usize, i64)> {
        std::iter::from_fn(|| inputs.next(at(1_000)))
            .map(|record| (record.input, record.offset))
            .collect()
    }

    #[test]
    fn the_smaller_timestamp_goes_first_and_created_when_equal() {
        let mut inputs = inputs(&[(1, 0, 5), (1, 1, 7), (1, 2, 9), (0, 0, 6), (0, 1, 7)]);
        assert_eq!(read(&mut inputs), [(1, 0), (0, 0), (0, 1)]);
        assert!(
            inputs.is_waiting(),
            "the end of the created events is not known"
        );
        assert_eq!(inputs.read(), [2, 1]);
        assert_eq!(inputs.watermark(), at(5));
    }

    #[test]
    fn one_goes_alone_while_the_other_is_at_its_end() {
        let mut inputs = inputs(&[(1, 0, 5)]);
        assert_eq!(read(&mut inputs), []);
        inputs.answer(0, at(8), 4, 0);
        assert_eq!(read(&mut inputs), [], "four records are still to come");
        inputs.answer(0, at(9), 0, 0);
        assert_eq!(read(&mut inputs), [(1, 0)]);
        assert_eq!(inputs.watermark(), at(5));
    }

    #[test]
    fn a_proof_counts_from_when_it_was_asked_for_and_once_everything_is_read() {
        let mut inputs = inputs(&[(0, 0, 5), (1, 0, 6)]);
        inputs.answer(0, at(20), 1, 1);
        inputs.answer(1, at(21), 1, 1);
        assert_eq!(inputs.watermark(), Timestamp::MIN, "nothing is read yet");
        assert_eq!(read(&mut inputs), [(0, 0), (1, 0)]);
        assert_eq!(inputs.watermark(), at(20));
        inputs.offer(record(0, 1, 15));
        assert_eq!(read(&mut inputs), [(0, 1)]);
        assert_eq!(inputs.watermark(), at(20), "it never goes back");
    }

    #[test]
    fn timestamps_ahead_of_the_clock_count_as_now() {
        let mut inputs = inputs(&[(0, 0, 5_000), (1, 0, 6_000)]);
        assert_eq!(read(&mut inputs), [(0, 0)]);
        inputs.answer(0, at(1_000), 1, 1);
        assert_eq!(read(&mut inputs), [(1, 0)]);
        assert_eq!(inputs.watermark(), at(1_000));
    }

    #[test]
    fn a_newer_proof_that_has_to_wait_does_not_take_the_older_one_back() {
        let mut inputs = inputs(&[]);
        inputs.answer(0, at(10), 0, 0);
        inputs.answer(1, at(10), 0, 0);
        assert_eq!(inputs.watermark(), at(10));
        inputs.offer(record(0, 0, 4));
        inputs.answer(0, at(12), 1, 1);
        inputs.answer(1, at(12), 0, 0);
        assert_eq!(inputs.watermark(), at(10));
        assert_eq!(read(&mut inputs), [(0, 0)]);
        assert_eq!(inputs.watermark(), at(12));
    }

    #[test]
    fn the_lag_is_what_is_known_to_lie_ahead() {
        let mut inputs = inputs(&[(0, 0, 5), (0, 1, 6)]);
        assert_eq!(inputs.lag(), [2, 0]);
        inputs.answer(0, at(9), 10, 2);
        inputs.answer(1, at(9), 0, 0);
        assert_eq!(inputs.lag(), [10, 0]);
        assert_eq!(read(&mut inputs), [(0, 0), (0, 1)]);
        assert_eq!(inputs.lag(), [8, 0]);
        // The last two are the ends of transactions.
        inputs.offer(record(0, 7, 9));
        inputs.answer(0, at(11), 10, 10);
        assert_eq!(inputs.lag(), [8, 0]);
        assert_eq!(read(&mut inputs), [(0, 7)]);
        assert_eq!(inputs.lag(), [0, 0]);
    }

    #[test]
    fn what_comes_again_is_passed_over() {
        let mut inputs = Inputs::new([3, 0]);
        for offset in [1, 2, 3, 3, 4, 2] {
            inputs.offer(record(0, offset, offset));
        }
        inputs.answer(1, at(9), 0, 0);
        assert_eq!(read(&mut inputs), [(0, 3), (0, 4)]);
    }

    #[test]
    fn what_a_rush_has_asked_for_is_given_back_and_what_waits_is_kept() {
        let mut inputs = Inputs::new([0, 0]);
        for offset in 0..1_000 {
            inputs.offer(record(0, offset, offset));
            inputs.offer(record(1, offset, 0));
        }
        assert_eq!(read(&mut inputs).len(), 1_001);
        inputs.give_back();
        let rooms = inputs.buffers.each_ref().map(|it| it.records.capacity());
        assert_eq!(rooms, [999, 0]);
        inputs.answer(1, at(9), 1_000, 1_000);
        assert_eq!(read(&mut inputs).len(), 999);
    }

    #[test]
    fn a_full_buffer_pauses_its_input_until_it_is_half_empty() {
        let mut inputs = Inputs::new([0, 0]);
        let full = i64::try_from(HIGH_RECORDS).unwrap();
        for offset in 0..full {
            assert_eq!(inputs.pause(1), None);
            inputs.offer(record(1, offset, offset));
        }
        assert_eq!((inputs.pause(0), inputs.pause(1)), (None, Some(true)));
        inputs.answer(0, at(1), 0, 0);
        let mut taken = 0;
        while inputs.pause(1).is_none() {
            inputs.next(at(1)).unwrap();
            taken += 1;
        }
        assert_eq!(taken, HIGH_RECORDS / 2 + 1);
    }
}
