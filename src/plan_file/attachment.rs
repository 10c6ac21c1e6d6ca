//! Files that plans refer to: holidays in the iCalendar format, read beside the plan file.
//!
//! They are read together with the plans, so that checking stays a pure function, and only from the
//! directory of the plan file: a plan that comes from somewhere else must not make the service open
//! what it pleases. Problems with them show no content.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path};

use super::node::{self, Node, Value};
use super::source::{FILE_BYTES_MAX, Source};

/// Attachments of one plan file; there is about one a country.
const ATTACHMENTS_MAX: usize = 100;

/// The files that one plan file refers to, by the path as it is written there.
pub(super) type Attachments = BTreeMap<String, Result<String, Unreadable>>;

/// Why a file could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Its path leads out of the directory of the plan file.
    Outside,
    /// There is no such file.
    Missing,
    /// It is a directory or a device.
    NotAFile,
    /// It is larger than a file of plans may be.
    TooLarge,
    /// It is not UTF-8.
    NotText,
    /// The system does not let it be read.
    Denied,
    /// The plan file refers to too many others.
    TooMany,
    /// With it, the set is larger than any may be.
    SetTooLarge,
}

impl Unreadable {
    /// What is wrong, as the end of a sentence that begins with the path.
    #[must_use]
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Outside => "lies outside of the directory of the plans",
            Self::Missing => "is not there",
            Self::NotAFile => "is no file",
            Self::TooLarge => "is larger than 1 MiB",
            Self::NotText => "is not UTF-8",
            Self::Denied => "may not be read",
            Self::TooMany => "is one of more than 100 files that this one refers to",
            Self::SetTooLarge => "makes the files of the set larger than 4 MiB together",
        }
    }

    /// What to do about it.
    #[must_use]
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::Outside => "copy it beside the plan file and write its path from there",
            Self::Missing => "write its path from the directory of this plan file",
            Self::NotAFile => "name a file in the iCalendar format",
            Self::TooLarge | Self::SetTooLarge => "keep the holidays in it and leave the rest out",
            Self::NotText => "save it in the encoding UTF-8",
            Self::Denied => "let the user of the service read it",
            Self::TooMany => "put the holidays together into fewer files",
        }
    }
}

/// Reads what a plan file refers to, as long as the set has not too many bytes.
pub(super) fn read_all(plan: &Path, source: &Source, bytes_left: &mut u64) -> Attachments {
    let mut attachments = Attachments::new();
    // Most plans refer to nothing, and need not be parsed for that twice.
    if !source.text.contains("ics") {
        return attachments;
    }
    let Ok(tree) = node::parse(0, source) else {
        return attachments;
    };
    let directory = match plan.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    for path in references(&tree) {
        if attachments.contains_key(path) {
            continue;
        }
        let mut read = || {
            if attachments.len() >= ATTACHMENTS_MAX {
                return Err(Unreadable::TooMany);
            }
            let text = read(directory, path)?;
            let left = bytes_left.checked_sub(text.len() as u64);
            *bytes_left = left.ok_or(Unreadable::SetTooLarge)?;
            Ok(text)
        };
        let text = read();
        attachments.insert(path.to_owned(), text);
    }
    attachments
}

/// The paths under `calendars: { NAME: { holidays: [{ ics: PATH }] } }`.
fn references(tree: &Node) -> Vec<&str> {
    let calendars = values(tree, "calendars").flat_map(|node| match &node.value {
        Value::Map(entries) => entries.as_slice(),
        Value::Null | Value::Scalar(_) | Value::List(_) => &[],
    });
    let holidays = calendars.flat_map(|entry| values(&entry.node, "holidays"));
    let items = holidays.flat_map(|node| match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null | Value::Scalar(_) | Value::Map(_) => &[],
    });
    let paths = items.flat_map(|item| values(item, "ics"));
    let texts = paths.filter_map(|node| match &node.value {
        Value::Scalar(text) => Some(text.as_str()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    });
    texts.filter(|text| !is_inline(text)).collect()
}

/// Whether a value of `ics` is the calendar itself rather than a path, as in the log of edits.
pub(super) fn is_inline(text: &str) -> bool {
    text.starts_with("BEGIN:VCALENDAR")
}

fn values<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = &'n Node> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        Value::Null | Value::Scalar(_) | Value::List(_) => &[],
    };
    let key = key.to_owned();
    entries
        .iter()
        .filter(move |entry| entry.key == key)
        .map(|entry| &entry.node)
}

fn read(directory: &Path, path: &str) -> Result<String, Unreadable> {
    // What does not even claim to lie inside is not looked for: its absence would tell something.
    let mut depth = 0;
    for component in Path::new(path).components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => depth = -1,
        }
        if depth < 0 {
            return Err(Unreadable::Outside);
        }
    }
    let directory = directory.canonicalize().map_err(|error| reason(&error))?;
    let file = directory
        .join(path)
        .canonicalize()
        .map_err(|error| reason(&error))?;
    if !file.starts_with(&directory) {
        return Err(Unreadable::Outside);
    }
    // A pipe would be waited for at opening.
    if !file.is_file() {
        return Err(Unreadable::NotAFile);
    }
    let mut bytes = Vec::new();
    let opened = fs::File::open(&file).map_err(|error| reason(&error))?;
    opened
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::NotText)
}

fn reason(error: &io::Error) -> Unreadable {
    let is = |kind| error.kind() == kind;
    if is(io::ErrorKind::NotFound) {
        Unreadable::Missing
    } else if is(io::ErrorKind::NotADirectory) {
        Unreadable::NotAFile
    } else {
        Unreadable::Denied
    }
}
