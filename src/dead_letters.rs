//! Dead letters as people look at them, and what a replay of one writes.
//!
//! A letter is named by its place in the topic of dead letters, as in `3:42`. A replay writes the
//! record to the partition that it came from, as it was, with one header more that names the letter.
//! When it fails again, the new letter carries that header, so that both are known for what they
//! are: neither is replayed again unless it is named.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::record::{OutgoingRecord, Record};
use crate::wire::{Address, Header};

/// The header by which a replayed record names the letter that it was.
pub const REPLAYED: &str = "replayed";

/// The place of a letter: its partition and its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The partition's number, the same as the original's.
    pub partition: i32,
    /// The offset in the topic of dead letters.
    pub offset: i64,
}

/// A text that names no letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no letter; write PARTITION:OFFSET as `dlq list` shows it, as in 3:42")]
pub struct PositionError {
    text: String,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let number = |part: &str| part.parse::<i64>().ok().filter(|number| *number >= 0);
        let parts = text.split_once(':').and_then(|(partition, offset)| {
            let partition = i32::try_from(number(partition)?).ok()?;
            Some((partition, number(offset)?))
        });
        let (partition, offset) = parts.ok_or_else(|| PositionError {
            text: text.chars().take(64).collect(),
        })?;
        Ok(Self { partition, offset })
    }
}

/// A letter without its value and the original's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its place.
    pub position: Position,
    /// The timestamp of the record, which is the original's; -1 without one.
    pub timestamp_ms: i64,
    /// The original key.
    pub key: Option<Vec<u8>>,
    /// The bytes of the value; none is a record without one.
    pub value_bytes: Option<usize>,
    /// What the service says of it; none when this is not a letter of the service.
    pub about: Option<About>,
}

/// What the service says of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The name of the reason.
    pub reason: String,
    /// What exactly was wrong.
    pub error: String,
    /// The topic that the record was read from.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Whether the value was left out, because the letter would have been too large.
    pub truncated: bool,
    /// The letter that it was before; none when this is a first failure.
    pub replayed: Option<Position>,
}

/// Why a letter cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Something else wrote it.
    #[error(
        "it has no headers of the service, so where it came from is not known; something else writes to the topic of dead letters"
    )]
    Foreign,
    /// There is nothing to write.
    #[error(
        "its value was left out because the letter would have been too large; the record may still \
         be in {topic}, partition {partition}, offset {offset}: have its producer send it again"
    )]
    Truncated {
        /// The topic that the record was read from.
        topic: String,
        /// Its partition there.
        partition: i32,
        /// Its offset there.
        offset: i64,
    },
    /// The settings are not those of the service that wrote it.
    #[error(
        "it came from topic `{topic}`, which is not an input by these settings; give those of the \
         service that wrote it with --config"
    )]
    OtherTopic {
        /// The topic that the record was read from.
        topic: String,
    },
    /// The topic was made anew with fewer partitions, or is gone.
    #[error("{}", no_partition(topic, *partition, *partitions))]
    NoPartition {
        /// The topic that the record was read from.
        topic: String,
        /// Its partition there.
        partition: i32,
        /// How many the topic has.
        partitions: i32,
    },
}

fn no_partition(topic: &str, partition: i32, partitions: i32) -> String {
    if partitions == 0 {
        return format!("its topic `{topic}` does not exist any more");
    }
    format!(
        "its topic `{topic}` has no partition {partition} now, only {partitions} of them: have its \
         producer send it again"
    )
}

impl Letter {
    /// Reads a record of the topic of dead letters.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let headers = Header::all(&record.headers);
        let position = Position {
            partition: record.partition,
            offset: record.offset,
        };
        let about = Address::read(&headers).map(|address| About {
            reason: address.reason.to_owned(),
            error: address.error.to_owned(),
            topic: address.origin.topic.to_owned(),
            partition: address.origin.partition,
            offset: address.origin.offset,
            truncated: address.truncated,
            replayed: earlier(address.original, position),
        });
        Self {
            position,
            timestamp_ms: record.timestamp_ms,
            key: record.key.clone(),
            value_bytes: record.value.as_ref().map(Vec::len),
            about,
        }
    }

    /// The name of the reason, where there is one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.about.as_ref().map(|about| about.reason.as_str())
    }

    /// The letter that it was before a replay, if this is a second failure.
    #[must_use]
    pub fn replayed(&self) -> Option<Position> {
        self.about.as_ref()?.replayed
    }
}

/// The letter that one at this place was before, by the original's headers.
fn earlier(original: &[Header<'_>], position: Position) -> Option<Position> {
    original.iter().rev().find_map(|it| mark(it, position))
}

/// The letter that a header names, if a replay wrote it. Others may use the same name for something of
/// their own; a letter that failed before one at this place lies before it, in the same partition.
fn mark(header: &Header<'_>, position: Position) -> Option<Position> {
    let value = header.value.filter(|_| header.name == REPLAYED)?;
    let named: Position = str::from_utf8(value).ok()?.parse().ok()?;
    let is_before = named.partition == position.partition && named.offset < position.offset;
    is_before.then_some(named)
}

/// What a replay of a letter writes; `inputs` are the topics that the service reads, and how many
/// partitions each has.
///
/// # Errors
/// There is nothing to write, or nowhere to write it.
pub fn replay(letter: &Record, inputs: &[(&str, i32)]) -> Result<OutgoingRecord, Unfit> {
    let headers = Header::all(&letter.headers);
    let address = Address::read(&headers).ok_or(Unfit::Foreign)?;
    let origin = address.origin;
    let Some((_, partitions)) = inputs.iter().find(|(topic, _)| *topic == origin.topic) else {
        return Err(Unfit::OtherTopic {
            topic: origin.topic.to_owned(),
        });
    };
    if address.truncated {
        return Err(Unfit::Truncated {
            topic: origin.topic.to_owned(),
            partition: origin.partition,
            offset: origin.offset,
        });
    }
    if !(0..*partitions).contains(&origin.partition) {
        return Err(Unfit::NoPartition {
            topic: origin.topic.to_owned(),
            partition: origin.partition,
            partitions: *partitions,
        });
    }
    let position = Letter::of(letter).position;
    let original = address.original.iter();
    let kept = original.filter(|header| mark(header, position).is_none());
    let kept = kept.map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)));
    let mark = (REPLAYED.to_owned(), Some(position.to_string().into_bytes()));
    Ok(OutgoingRecord {
        topic: origin.topic.into(),
        partition: origin.partition,
        key: letter.key.clone(),
        value: letter.value.clone(),
        headers: kept.chain([mark]).collect(),
        timestamp_ms: (origin.timestamp_ms >= 0).then_some(origin.timestamp_ms),
    })
}

/// Which letters have failed again after a replay, and as which.
#[derive(Clone, Debug, Default)]
pub struct SecondFailures(BTreeMap<Position, Position>);

impl SecondFailures {
    /// Notes what a letter says of an earlier one.
    pub fn note(&mut self, letter: &Letter) {
        if let Some(earlier) = letter.replayed() {
            self.0.insert(earlier, letter.position);
        }
    }

    /// Why a letter is not to be replayed unless it is named; none when it may be.
    #[must_use]
    pub fn objection(&self, letter: &Letter) -> Option<String> {
        if let Some(earlier) = letter.replayed() {
            return Some(format!("it is the second failure of {earlier}"));
        }
        let later = self.of(letter)?;
        Some(format!("it has failed again as {later}"))
    }

    /// The letter as which one has failed again, if it has.
    #[must_use]
    pub fn of(&self, letter: &Letter) -> Option<Position> {
        self.0.get(&letter.position).copied()
    }
}

#[cfg(test)]
mod tests;
