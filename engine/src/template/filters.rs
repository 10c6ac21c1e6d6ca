//! The filters and tests of templates, and how values print.
//!
//! Filters for texts leave `none` as it is, so that `{{ ticket.queue | upper }}` of a ticket without
//! a queue prints nothing rather than a word. Whatever grows a text is bounded here, before the
//! engine charges for the result.

use std::borrow::Cow;

use jiff::tz::TimeZoneDatabase;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, escape_formatter, filters, tests};

use super::variables::number;
use crate::time::Timestamp;

/// The names of the filters.
pub const FILTERS: [&str; 17] = [
    "capitalize",
    "default",
    "first",
    "indent",
    "items",
    "join",
    "last",
    "length",
    "local",
    "lower",
    "replace",
    "round",
    "sort",
    "title",
    "trim",
    "truncate",
    "upper",
];

/// The names of the tests, as in `x is none`.
pub const TESTS: [&str; 5] = ["defined", "endingwith", "none", "startingwith", "undefined"];

/// Bytes that one filter may make of a text: four times the longest body.
const GROWN_BYTES_MAX: usize = 64 << 10;

/// Blanks that `indent` puts before a line; more is no indentation of a message.
const INDENT_MAX: usize = 16;

/// How an instant is written for people who name no format: `2026-11-23 11:30 CET`.
const FORMAT: &str = "%Y-%m-%d %H:%M %Z";

/// Gives an environment its filters and tests.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("capitalize", |value: &Value| mapped(value, capitalized));
    environment.add_filter("default", default);
    environment.add_filter("first", first);
    environment.add_filter("indent", indent);
    environment.add_filter("items", filters::items);
    environment.add_filter("join", join);
    environment.add_filter("last", last);
    environment.add_filter("length", length);
    environment.add_filter("local", local);
    environment.add_filter("lower", |value: &Value| mapped(value, str::to_lowercase));
    environment.add_filter("replace", replace);
    environment.add_filter("round", round);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("title", |value: &Value| {
        mapped(value, |text| filters::title(Cow::Borrowed(text)))
    });
    environment.add_filter("trim", |value: &Value| {
        mapped(value, |text| text.trim().to_owned())
    });
    environment.add_filter("truncate", truncate);
    environment.add_filter("upper", |value: &Value| mapped(value, str::to_uppercase));
    environment.add_test("defined", tests::is_defined);
    environment.add_test("endingwith", |value: &Value, end: &str| {
        value.as_str().is_some_and(|text| text.ends_with(end))
    });
    environment.add_test("none", tests::is_none);
    environment.add_test("startingwith", |value: &Value, start: &str| {
        value.as_str().is_some_and(|text| text.starts_with(start))
    });
    environment.add_test("undefined", tests::is_undefined);
}

/// Prints a value: nothing for `none`, and the items of a list with commas between them.
pub(super) fn print(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    if value.kind() != ValueKind::Seq {
        return escape_formatter(out, state, value);
    }
    for (place, item) in value.try_iter()?.enumerate() {
        if place > 0 {
            out.write_str(", ")?;
        }
        print(out, state, &item)?;
    }
    Ok(())
}

/// Whether there is a time zone of that name.
pub(super) fn is_zone(name: &str) -> bool {
    TimeZoneDatabase::bundled().get(name).is_ok()
}

/// An instant as the clocks of a zone show it; none when zone or format are not known.
pub(super) fn in_zone(at: Timestamp, zone: &str, format: &str) -> Option<String> {
    let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    jiff::fmt::strtime::format(format, &at.to_zoned(zone)).ok()
}

/// What is no instant stays as it is.
fn local(value: &Value, zone: &str, format: Option<&str>) -> Result<Value, Error> {
    let Some(at) = value.as_str().and_then(|text| Timestamp::parse(text).ok()) else {
        return Ok(value.clone());
    };
    let local = in_zone(at, zone, format.unwrap_or(FORMAT));
    local
        .map(Value::from)
        .ok_or_else(|| invalid("the time zone or the format is not known"))
}

fn default(value: &Value, other: Value, is_for_empty: Option<bool>) -> Value {
    let is_missing = value.is_none() || value.is_undefined();
    if is_missing || (is_for_empty == Some(true) && !value.is_true()) {
        other
    } else {
        value.clone()
    }
}

/// The first item of a list, `none` when it is empty.
fn first(value: &Value) -> Result<Value, Error> {
    Ok(value.try_iter()?.next().unwrap_or_else(|| Value::from(())))
}

/// The last item of a list, `none` when it is empty.
fn last(value: &Value) -> Result<Value, Error> {
    Ok(value.try_iter()?.last().unwrap_or_else(|| Value::from(())))
}

fn join(value: &Value, joiner: Option<&str>) -> Result<Value, Error> {
    let mut out = String::new();
    for (place, item) in value.try_iter()?.enumerate() {
        if place > 0 {
            out.push_str(joiner.unwrap_or_default());
        }
        out.push_str(&text_of(&item));
    }
    Ok(Value::from(out))
}

fn length(value: &Value) -> Result<usize, Error> {
    if value.is_none() {
        return Ok(0);
    }
    value
        .len()
        .ok_or_else(|| invalid(&format!("a {} has no length", value.kind())))
}

fn round(value: &Value, digits: Option<u32>) -> Value {
    /// More digits than a double has mean nothing.
    const DIGITS_MAX: u32 = 15;
    let Ok(exact) = f64::try_from(value.clone()) else {
        return value.clone();
    };
    let scale = 10_f64.powi(digits.unwrap_or_default().min(DIGITS_MAX) as i32);
    let rounded = (exact * scale).round() / scale;
    if rounded.is_finite() {
        number(Some(rounded))
    } else {
        value.clone()
    }
}

fn replace(value: &Value, from: &str, to: &str) -> Result<Value, Error> {
    let text = text_of(value);
    if value.is_none() || from.is_empty() {
        return Ok(value.clone());
    }
    let grown_by = to.len().saturating_sub(from.len());
    let grown = text.matches(from).count().saturating_mul(grown_by);
    bounded(text.len().saturating_add(grown))?;
    Ok(Value::from(text.replace(from, to)))
}

/// At most so many characters; the last is an ellipsis where something was cut off.
fn truncate(value: &Value, chars_max: usize) -> Value {
    mapped(value, |text| {
        if text.chars().count() <= chars_max {
            return text.to_owned();
        }
        let mut out: String = text.chars().take(chars_max.saturating_sub(1)).collect();
        out.push('…');
        out
    })
}

/// Blanks before each line but the first.
fn indent(value: &Value, blanks: usize) -> Result<Value, Error> {
    let blanks = blanks.min(INDENT_MAX);
    let text = text_of(value);
    let lines = text.matches('\n').count();
    bounded(text.len().saturating_add(lines * blanks))?;
    let line_break = format!("\n{}", " ".repeat(blanks));
    Ok(mapped(value, |text| text.replace('\n', &line_break)))
}

fn bounded(bytes: usize) -> Result<(), Error> {
    if bytes > GROWN_BYTES_MAX {
        return Err(invalid("a text grows over 64 KiB"));
    }
    Ok(())
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        let rest = chars.as_str().to_lowercase();
        first.to_uppercase().chain(rest.chars()).collect()
    })
}

fn mapped(value: &Value, change: impl FnOnce(&str) -> String) -> Value {
    if value.is_none() || value.is_undefined() {
        return value.clone();
    }
    Value::from(change(&text_of(value)))
}

fn text_of(value: &Value) -> Cow<'_, str> {
    match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        None if value.is_none() => Cow::Borrowed(""),
        None => Cow::Owned(value.to_string()),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.to_owned())
}
