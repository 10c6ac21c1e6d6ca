//! Event files: the contract's JSON Lines in, and events out in the same form.
//!
//! A file is read as a stream, a line at a time. The rules are those of records; only what needs a
//! broker or a clock is missing: there are no keys, and events may be dated in any future.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};

use escalator_engine::effect::Event;
use escalator_engine::fact::{TicketFact, record_hash};
use escalator_engine::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::convert::{Context, Format, convert};
use super::dead_letter::{DeadLetterReason, Refusal};
use super::decode::{Input, VALUE_BYTES_MAX, check_length};
use super::raw::RawEvent;

/// The longest line, in bytes: twice the longest value, so that a value that is a little too long
/// is reported as such.
const LINE_BYTES_MAX: usize = 2 * VALUE_BYTES_MAX;

/// Characters of a wrong topic that are shown: more than a name that was meant has.
const TOPIC_CHARS_SHOWN: usize = 64;

/// What some editors put in front of a file.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why an event file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read on.
    #[error("reading line {line} of the events")]
    Read {
        /// The line's number, from 1.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The line is longer than any event.
    #[error("line {line} of the events has more than {LINE_BYTES_MAX} bytes")]
    Length {
        /// The line's number, from 1.
        line: u64,
    },
    /// The line is not an object with a topic and a value.
    #[error(
        "line {line} of the events is not {{\"topic\": \"ticket-created\" or \"ticket-updated\", \
         \"value\": {{…}}}}"
    )]
    Line {
        /// The line's number, from 1.
        line: u64,
        /// Why.
        #[source]
        source: Syntax,
    },
    /// The line names another topic.
    #[error("line {line} of the events: `topic` is `{topic}`; {remedy}")]
    Topic {
        /// The line's number, from 1.
        line: u64,
        /// The name, or its beginning.
        topic: String,
        /// What to write.
        remedy: &'static str,
    },
    /// The line's value is not an event.
    #[error("line {line} of the events")]
    Event {
        /// The line's number, from 1.
        line: u64,
        /// Why.
        #[source]
        source: Refusal,
    },
}

/// What is wrong with the JSON of a line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Syntax(String);

impl Syntax {
    /// Each line is read by itself, so that its place within it is all that is to be said.
    fn of(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        Self(text.replace(" at line 1 column ", " at column "))
    }
}

impl Error {
    /// The number of the line, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        match self {
            Self::Read { line, .. }
            | Self::Length { line }
            | Self::Line { line, .. }
            | Self::Topic { line, .. }
            | Self::Event { line, .. } => *line,
        }
    }
}

/// Reads a file a line at a time, each of which holds something.
///
/// A line that is too long is an error, and the next one follows; after a failed read there is nothing
/// more.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: u64,
    buffer: Vec<u8>,
    failed: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads from the beginning of `reader`.
    pub const fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            buffer: Vec::new(),
            failed: false,
        }
    }

    /// The next line that is not blank, with its number from 1; none at the end.
    pub fn next_line(&mut self) -> Option<Result<(u64, &[u8]), Error>> {
        loop {
            if self.failed {
                return None;
            }
            match self.fill() {
                Ok(false) => return None,
                Ok(true) if self.buffer.trim_ascii().is_empty() => {}
                Ok(true) => return Some(Ok((self.line, &self.buffer))),
                Err(error) => {
                    self.failed = matches!(error, Error::Read { .. });
                    return Some(Err(error));
                }
            }
        }
    }

    /// Reads the next line into the buffer; false at the end.
    fn fill(&mut self) -> Result<bool, Error> {
        self.buffer.clear();
        self.line += 1;
        let line = self.line;
        let read = (&mut self.reader)
            .take(LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| Error::Read { line, source })?;
        if read == LINE_BYTES_MAX && self.buffer.last() != Some(&b'\n') {
            self.reader
                .skip_until(b'\n')
                .map_err(|source| Error::Read { line, source })?;
            return Err(Error::Length { line });
        }
        if line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(read > 0)
    }
}

/// Reads an event file: each item is a line's number and its fact.
///
/// Lines are independent, so a caller may report an error and go on; after a failed read there is
/// nothing more. Blank lines are skipped.
#[derive(Debug)]
pub struct Events<R>(Lines<R>);

impl<R: BufRead> Events<R> {
    /// Reads from the beginning of `reader`.
    pub const fn new(reader: R) -> Self {
        Self(Lines::new(reader))
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = Result<(u64, TicketFact), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.0.next_line()?;
        Some(line.and_then(|(line, bytes)| Ok((line, parse_line(line, bytes)?))))
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn parse_line(line: u64, bytes: &[u8]) -> Result<TicketFact, Error> {
    let parsed: Line<'_> =
        serde_json::from_slice(bytes).map_err(|error| wrong_syntax(line, &error))?;
    let input = input(line, &parsed.topic)?;
    let value = parsed.value.get();
    check_length(value.len()).map_err(|source| Error::Event { line, source })?;
    let event = serde_json::from_str(value).map_err(|error| wrong_syntax(line, &error))?;
    from_event(input, value, event).map_err(|source| Error::Event { line, source })
}

fn wrong_syntax(line: u64, error: &serde_json::Error) -> Error {
    let source = Syntax::of(error);
    Error::Line { line, source }
}

/// The input that a line is of.
fn input(line: u64, topic: &str) -> Result<Input, Error> {
    if let Some(input) = Input::ALL.into_iter().find(|it| it.topic() == topic) {
        return Ok(input);
    }
    let lower = topic.to_lowercase();
    let remedy = match (lower.contains("creat"), lower.contains("updat")) {
        (true, false) => "did you mean `ticket-created`?",
        (false, true) => "did you mean `ticket-updated`?",
        (true, true) | (false, false) => "write `ticket-created` or `ticket-updated`",
    };
    let topic = topic.chars().take(TOPIC_CHARS_SHOWN);
    let topic = topic.flat_map(char::escape_debug).collect();
    Err(Error::Topic {
        line,
        topic,
        remedy,
    })
}

/// Reads the value of one event by the rules of an event file.
///
/// # Errors
/// The service would refuse it, too.
pub fn read_value(input: Input, value: &str) -> Result<TicketFact, Refusal> {
    check_length(value.len())?;
    let event = serde_json::from_str(value).map_err(|error| {
        Refusal::new(
            DeadLetterReason::Unreadable,
            format!("the value is not an event in JSON: {error}"),
        )
    })?;
    from_event(input, value, event)
}

fn from_event(input: Input, value: &str, event: RawEvent<'_>) -> Result<TicketFact, Refusal> {
    let context = Context {
        input,
        format: Format::Json,
        record_hash: record_hash(value.as_bytes()),
        id: None,
        now: Timestamp::MAX,
    };
    convert(context, event).map(|converted| converted.fact)
}

/// Writes an event out as one line: topic, key and value, as a record would carry them.
///
/// # Errors
/// The writer failed.
pub fn write_line(mut writer: impl Write, event: &Event) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        topic: &'static str,
        key: Cow<'a, str>,
        value: &'a T,
    }
    match event {
        Event::Escalated(value) => serde_json::to_writer(
            &mut writer,
            &Line {
                topic: "escalated",
                key: Cow::Borrowed(&value.ticket_id),
                value,
            },
        )?,
        Event::Notify(value) => serde_json::to_writer(
            &mut writer,
            &Line {
                topic: "notify",
                key: notify_key(value.ticket_id.as_deref(), &value.to),
                value,
            },
        )?,
    }
    writer.write_all(b"\n")
}

/// The key of a `notify` record: the ticket id, of a digest `digest:TARGET`.
#[must_use]
pub fn notify_key<'a>(ticket_id: Option<&'a str>, target: &str) -> Cow<'a, str> {
    ticket_id.map_or_else(|| Cow::Owned(format!("digest:{target}")), Cow::Borrowed)
}

#[cfg(test)]
mod tests;
