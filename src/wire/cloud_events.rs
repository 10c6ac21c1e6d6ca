//! CloudEvents 1.0 in Kafka records: binary, where headers carry the attributes and the value is the
//! event, and structured, where the value is a JSON object that carries both.
//!
//! The event in it is the same as without it, in any of its formats. Of the attributes only `id` is
//! used, for events that have no `event_id` of their own: it is what tells a second copy of an event
//! from another one.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::dead_letter::{DeadLetterReason, Refusal};
use super::decode::Header;

/// The version of the format that is read.
const VERSION: &str = "1.0";

/// The content type of the structured form; parameters such as the character set may follow.
const STRUCTURED: &str = "application/cloudevents+json";

/// What all content types of whole CloudEvents begin with.
const WHOLE: &str = "application/cloudevents";

/// What a record holds, taken out of the envelope that it may have.
#[derive(Debug)]
pub(super) struct Content<'a> {
    /// The event.
    pub(super) value: Cow<'a, [u8]>,
    /// The `id` of its envelope.
    pub(super) id: Option<Cow<'a, str>>,
}

/// A structured `CloudEvent`, as far as it is looked at.
#[derive(Deserialize)]
struct Structured<'a> {
    #[serde(borrow, default)]
    specversion: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data_base64: Option<Cow<'a, str>>,
}

/// Takes the event out of its envelope; most records have none.
pub(super) fn open<'a>(headers: &[Header<'a>], value: &'a [u8]) -> Result<Content<'a>, Refusal> {
    if headers.is_empty() {
        return Ok(plain(value));
    }
    let content_type = text(headers, |name| name.eq_ignore_ascii_case("content-type"))?;
    match content_type.map(media_type) {
        Some(found) if found.eq_ignore_ascii_case(STRUCTURED) => structured(value),
        Some(found)
            if found
                .get(..WHOLE.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(WHOLE)) =>
        {
            Err(Refusal::new(
                DeadLetterReason::UnsupportedFormat,
                format!("of whole CloudEvents only {STRUCTURED} is read"),
            ))
        }
        Some(_) | None => binary(headers, value),
    }
}

const fn plain(value: &[u8]) -> Content<'_> {
    Content {
        value: Cow::Borrowed(value),
        id: None,
    }
}

fn binary<'a>(headers: &[Header<'a>], value: &'a [u8]) -> Result<Content<'a>, Refusal> {
    let Some(version) = text(headers, |name| name == "ce_specversion")? else {
        return Ok(plain(value));
    };
    check_version(version)?;
    let id = text(headers, |name| name == "ce_id")?;
    Ok(Content {
        id: id.map(Cow::Borrowed),
        ..plain(value)
    })
}

fn structured(value: &[u8]) -> Result<Content<'_>, Refusal> {
    let refuse = |reason, text: &str| Err(Refusal::new(reason, text));
    let envelope: Structured<'_> = serde_json::from_slice(value).map_err(|error| {
        Refusal::new(
            DeadLetterReason::Unreadable,
            // The library's own words quote what it has found.
            format!(
                "the value is not a CloudEvent in JSON: {} at line {} column {}",
                match error.classify() {
                    Category::Data => "a field is of another type",
                    Category::Eof => "it ends too early",
                    Category::Syntax | Category::Io => "it is no JSON",
                },
                error.line(),
                error.column()
            ),
        )
    })?;
    check_version(envelope.specversion.as_deref().unwrap_or_default())?;
    let value = match (envelope.data, envelope.data_base64) {
        (Some(data), None) => Cow::Borrowed(data.get().as_bytes()),
        (None, Some(encoded)) => match STANDARD.decode(encoded.as_bytes()) {
            Ok(data) => Cow::Owned(data),
            Err(_) => return refuse(DeadLetterReason::Unreadable, "`data_base64` is not Base64"),
        },
        (None, None) => {
            return refuse(DeadLetterReason::WrongShape, "the CloudEvent has no `data`");
        }
        (Some(_), Some(_)) => {
            return refuse(
                DeadLetterReason::WrongShape,
                "the CloudEvent has both `data` and `data_base64`",
            );
        }
    };
    Ok(Content {
        value,
        id: envelope.id,
    })
}

fn check_version(version: &str) -> Result<(), Refusal> {
    if version == VERSION {
        return Ok(());
    }
    // It is from outside, and a message is no place for whatever it may be.
    let known = ["0.1", "0.2", "0.3"];
    let found = known.into_iter().find(|known| *known == version);
    Err(Refusal::new(
        DeadLetterReason::UnsupportedFormat,
        format!(
            "CloudEvents of version {} are not read, those of {VERSION} are",
            found.unwrap_or("another number")
        ),
    ))
}

/// The last header of a name, which is the one that counts.
fn text<'a>(
    headers: &[Header<'a>],
    is_meant: impl Fn(&str) -> bool,
) -> Result<Option<&'a str>, Refusal> {
    let mut found = headers.iter().rev().filter(|header| is_meant(header.name));
    let Some(value) = found.next().and_then(|header| header.value) else {
        return Ok(None);
    };
    std::str::from_utf8(value).map(Some).map_err(|_| {
        Refusal::new(
            DeadLetterReason::Unreadable,
            "a header of the CloudEvent is not UTF-8",
        )
    })
}

/// A content type without its parameters.
fn media_type(content_type: &str) -> &str {
    content_type
        .split_once(';')
        .map_or(content_type, |(media_type, _)| media_type)
        .trim()
}
