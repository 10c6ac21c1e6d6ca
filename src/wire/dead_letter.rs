//! Dead letters: records that cannot be read, kept unchanged with the reason beside them.
//!
//! The record keeps its key, value and headers; six headers are appended that say why it is here
//! and where it came from. They stand last, because a letter that failed again after a replay
//! carries older ones, and the last header of a name is the one that clients see.

use escalator_engine::ticket_state::{FACTS_BYTES_MAX, WAITING_MAX};

use super::decode::Header;

/// The most bytes of the header `error`; enough for every message of this program.
const ERROR_BYTES_MAX: usize = 1024;

/// What the broker adds around keys, values and headers: a batch header of 61 bytes, and lengths,
/// attributes, timestamp and offset of the record, at most 35.
const ENVELOPE_BYTES: usize = 96;

/// What the broker adds around a header's name and value: two lengths.
const HEADER_ENVELOPE_BYTES: usize = 10;

/// Why a record cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeadLetterReason {
    /// There is no value.
    Empty,
    /// The value is in a format that is known but not read here.
    UnsupportedFormat,
    /// The value's schema is not known.
    UnknownSchema,
    /// The value is broken, or in no known format.
    Unreadable,
    /// A required field is missing, or the value is another kind of event.
    WrongShape,
    /// A field has a value of another type.
    WrongType,
    /// The ticket id differs from the record's key.
    KeyMismatch,
    /// There is no key, and the partition is not the ticket id's.
    NoKey,
    /// The event is dated before 1970 or too far ahead.
    InstantOutOfRange,
    /// A limit is exceeded.
    TooLarge,
}

impl DeadLetterReason {
    /// All reasons.
    pub const ALL: [Self; 10] = [
        Self::Empty,
        Self::UnsupportedFormat,
        Self::UnknownSchema,
        Self::Unreadable,
        Self::WrongShape,
        Self::WrongType,
        Self::KeyMismatch,
        Self::NoKey,
        Self::InstantOutOfRange,
        Self::TooLarge,
    ];

    /// The value of the header `reason` and of the metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::UnsupportedFormat => "unsupported_format",
            Self::UnknownSchema => "unknown_schema",
            Self::Unreadable => "unreadable",
            Self::WrongShape => "wrong_shape",
            Self::WrongType => "wrong_type",
            Self::KeyMismatch => "key_mismatch",
            Self::NoKey => "no_key",
            Self::InstantOutOfRange => "instant_out_of_range",
            Self::TooLarge => "too_large",
        }
    }
}

/// Why one record was refused, for programs and for people.
///
/// The text names fields and types, never what a field held: it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// The kind of reason.
    pub reason: DeadLetterReason,
    /// What exactly is wrong.
    pub error: String,
}

impl Refusal {
    /// The refusal of a fact that its ticket has no room for. A replay finds room once evaluation
    /// has come to the facts that wait.
    #[must_use]
    pub fn no_room() -> Self {
        Self::new(
            DeadLetterReason::TooLarge,
            format!(
                "the ticket has {WAITING_MAX} facts or {FACTS_BYTES_MAX} bytes of them beyond the \
                 evaluation time already; replay it when that has come on"
            ),
        )
    }

    /// A refusal in words that hold nothing of the record.
    #[must_use]
    pub fn new(reason: DeadLetterReason, error: impl Into<String>) -> Self {
        Self {
            reason,
            error: error.into(),
        }
    }
}

/// Where a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition number.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The record's timestamp in milliseconds since 1970, -1 when it has none.
    pub timestamp_ms: i64,
}

/// A record for the topic of dead letters; partition number and timestamp are the original's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The original key.
    pub key: Option<Vec<u8>>,
    /// The original value, or an empty one when the letter would have been too large.
    pub value: Option<Vec<u8>>,
    /// The original headers, then `reason`, `error`, `topic`, `partition`, `offset`, `timestamp`
    /// and, where the value was left out, `truncated`.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl DeadLetter {
    /// Makes the letter of a refused record; the whole of it takes at most `bytes_max` bytes.
    ///
    /// The value is left out when it does not fit, the original headers too when they alone do not,
    /// and at last the key: a letter that its topic refuses would hold its partition up. What is
    /// unusual enough to be dropped is still in the original topic.
    #[must_use]
    pub fn new(
        origin: Origin<'_>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        refusal: &Refusal,
        bytes_max: usize,
    ) -> Self {
        let original = headers
            .iter()
            .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)));
        let mut letter = Self {
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            headers: original.chain(own_headers(origin, refusal)).collect(),
        };
        if letter.bytes() > bytes_max {
            letter.value = Some(Vec::new());
            letter
                .headers
                .push(("truncated".to_owned(), Some(b"true".to_vec())));
            if letter.bytes() > bytes_max {
                letter.headers.drain(..headers.len());
            }
            if letter.bytes() > bytes_max {
                letter.key = None;
            }
        }
        letter
    }

    /// An upper bound of what the letter takes in a batch of its own, uncompressed.
    fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + length(value) + HEADER_ENVELOPE_BYTES)
            .sum();
        ENVELOPE_BYTES + length(&self.key) + length(&self.value) + headers
    }
}

fn own_headers(
    origin: Origin<'_>,
    refusal: &Refusal,
) -> impl Iterator<Item = (String, Option<Vec<u8>>)> {
    let error = &refusal.error[..refusal.error.floor_char_boundary(ERROR_BYTES_MAX)];
    [
        ("reason", refusal.reason.name().to_owned()),
        ("error", error.to_owned()),
        ("topic", origin.topic.to_owned()),
        ("partition", origin.partition.to_string()),
        ("offset", origin.offset.to_string()),
        ("timestamp", origin.timestamp_ms.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Some(value.into_bytes())))
}

/// What the headers of a dead letter say, for listing and replaying.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The name of the reason.
    pub reason: &'a str,
    /// What exactly was wrong.
    pub error: &'a str,
    /// Where the record was read.
    pub origin: Origin<'a>,
    /// Whether the value was left out; such a letter cannot be replayed.
    pub truncated: bool,
    /// The original headers.
    pub original: &'a [Header<'a>],
}

impl<'a> Address<'a> {
    /// Reads the appended headers; `None` when this is not a dead letter of this service.
    #[must_use]
    pub fn read(headers: &'a [Header<'a>]) -> Option<Self> {
        let (headers, truncated) = match headers {
            [rest @ .., last] if last.name == "truncated" => (rest, true),
            _ => (headers, false),
        };
        let (original, own) = headers.split_at_checked(headers.len().checked_sub(6)?)?;
        let text = |index: usize, name: &str| {
            let header = own.get(index).filter(|header| header.name == name)?;
            str::from_utf8(header.value?).ok()
        };
        Some(Self {
            reason: text(0, "reason")?,
            error: text(1, "error")?,
            origin: Origin {
                topic: text(2, "topic")?,
                partition: text(3, "partition")?.parse().ok()?,
                offset: text(4, "offset")?.parse().ok()?,
                timestamp_ms: text(5, "timestamp")?.parse().ok()?,
            },
            truncated,
            original,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin<'static> = Origin {
        topic: "ticket-updated",
        partition: 3,
        offset: 42,
        timestamp_ms: 1_700_000_000_000,
    };

    fn letter(value: Option<&[u8]>, headers: &[Header<'_>], bytes_max: usize) -> DeadLetter {
        let refusal = Refusal::new(DeadLetterReason::WrongType, "field `x` must be a text");
        DeadLetter::new(ORIGIN, Some(b"T1"), value, headers, &refusal, bytes_max)
    }

    fn borrowed(letter: &DeadLetter) -> Vec<Header<'_>> {
        letter
            .headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: value.as_deref(),
            })
            .collect()
    }

    const TRACE: Header<'static> = Header {
        name: "traceparent",
        value: Some(b"00-1"),
    };

    #[test]
    fn a_letter_keeps_the_record_and_says_why_and_whence() {
        let letter = letter(Some(b"{\"a\":1}"), &[TRACE], 1 << 20);
        assert_eq!(letter.key.as_deref(), Some(&b"T1"[..]));
        assert_eq!(letter.value.as_deref(), Some(&b"{\"a\":1}"[..]));
        let names: Vec<_> = letter.headers.iter().map(|(name, _)| &**name).collect();
        let own = [
            "reason",
            "error",
            "topic",
            "partition",
            "offset",
            "timestamp",
        ];
        assert_eq!(names, [&["traceparent"][..], &own[..]].concat());

        let headers = borrowed(&letter);
        let address = Address::read(&headers).unwrap();
        assert_eq!((address.reason, address.truncated), ("wrong_type", false));
        assert_eq!(address.error, "field `x` must be a text");
        assert_eq!(address.origin, ORIGIN);
        assert_eq!(address.original.len(), 1);
    }

    #[test]
    fn a_letter_of_a_letter_is_addressed_by_the_last_headers() {
        let first = letter(Some(b"x"), &[], 1 << 20);
        let second = letter(Some(b"x"), &borrowed(&first), 1 << 20);
        let headers = borrowed(&second);
        assert_eq!(Address::read(&headers).unwrap().original.len(), 6);
    }

    #[test]
    fn a_value_that_does_not_fit_is_left_out_and_a_null_value_stays_null() {
        let whole = letter(Some(&[b'x'; 500]), &[TRACE], 1 << 20);
        let fitting = letter(Some(&[b'x'; 500]), &[TRACE], whole.bytes());
        assert_eq!(fitting, whole);
        let cut = letter(Some(&[b'x'; 500]), &[TRACE], whole.bytes() - 1);
        assert_eq!(cut.value.as_deref(), Some(&b""[..]));
        let headers = borrowed(&cut);
        let address = Address::read(&headers).unwrap();
        assert!(address.truncated);
        assert_eq!(address.original.len(), 1);

        assert_eq!(letter(None, &[], 1 << 20).value, None);
    }

    #[test]
    fn headers_that_do_not_fit_are_left_out_too() {
        let large = [b'x'; 5000];
        let header = Header {
            name: "large",
            value: Some(&large),
        };
        let cut = letter(Some(b"v"), &[header], 1000);
        assert!(cut.bytes() <= 1000);
        let headers = borrowed(&cut);
        assert!(Address::read(&headers).unwrap().original.is_empty());
    }

    #[test]
    fn a_key_that_does_not_fit_is_left_out_last() {
        let refusal = Refusal::new(DeadLetterReason::KeyMismatch, "the key is another");
        let (key, value) = ([b'k'; 5000], Some(&b"v"[..]));
        let of = |bytes_max| {
            let letter = DeadLetter::new(ORIGIN, Some(&key), value, &[TRACE], &refusal, bytes_max);
            assert!(letter.bytes() <= bytes_max);
            letter
        };
        assert_eq!(of(10_000).value.as_deref(), value);
        let cut = of(1000);
        assert_eq!(
            (cut.key.as_deref(), cut.value.as_deref()),
            (None, Some(&b""[..]))
        );
        let headers = borrowed(&cut);
        assert!(Address::read(&headers).unwrap().truncated);
    }

    #[test]
    fn other_records_are_not_taken_for_letters() {
        assert!(Address::read(&[]).is_none());
        assert!(Address::read(&[TRACE; 6]).is_none());
    }

    #[test]
    fn reasons_have_distinct_names() {
        let names: std::collections::BTreeSet<_> =
            DeadLetterReason::ALL.map(DeadLetterReason::name).into();
        assert_eq!(names.len(), DeadLetterReason::ALL.len());
    }
}
