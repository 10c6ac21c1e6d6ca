//! The log of plan edits: which revision was put into force when.
//!
//! A record of the log holds a whole revision, so that every instance can compile it and none needs
//! the files of another: its key is the hash, its value the canonical content that the hash is of
//! (JSON with a version, see [`PlanSet::content`]), its instant the broker's append time. A record
//! of a hash that was seen before changes nothing, so that whoever is late, or two who are equally
//! fast, cannot bring an old revision back; only one with the header `activate` does.
//!
//! Everything here is a function of the records in their order, so all instances agree. What cannot
//! be used is refused, and the log goes on without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::plan::Revision;
use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;

use crate::plan_file::{self, PlanSet, Refused};
use crate::record::{OutgoingRecord, Record};

#[cfg(test)]
mod tests;

/// The header of a record that brings a revision into force even when it was seen before.
const ACTIVATE: &str = "activate";

/// Digits of a hash that are enough for people to tell revisions apart.
const BRIEF_DIGITS: usize = 12;

/// The log as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct EditLog {
    edits: Vec<Edit>,
    sets: BTreeMap<Text, PlanSet>,
    next: i64,
}

/// An edit: from its instant on a revision is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// When it came into force.
    pub at: Timestamp,
    /// Its offset in the log.
    pub offset: i64,
    /// The hash of the revision.
    pub hash: Text,
    /// Whether somebody has activated it, rather than edited files.
    pub is_activation: bool,
}

/// What became of a record of the log.
#[derive(Debug)]
pub enum Taken {
    /// It is an edit.
    Edited(Edit),
    /// It changes nothing: its revision was seen before, or is in force already.
    Repeated,
    /// It cannot be used.
    Refused(Refusal),
}

/// Why a record of the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It has no key.
    #[error("its key is not the hash of a revision")]
    NoHash,
    /// It has no value, or one that is not text.
    #[error("revision {hash} has no content that is text")]
    NoContent {
        /// The hash that it gives.
        hash: String,
    },
    /// The content is not the one that the hash is of.
    #[error("the content of revision {hash} has another hash, {found}")]
    OtherContent {
        /// The hash that it gives.
        hash: String,
        /// The hash of what it holds.
        found: String,
    },
    /// This release cannot read it.
    #[error("revision {hash} cannot be read; a newer release may have written it")]
    Unreadable {
        /// The hash.
        hash: String,
        /// Every problem.
        #[source]
        source: Refused,
    },
}

/// Why there is no revision of a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No hash begins so.
    #[error("no revision in the log of plan edits begins with `{0}`")]
    Unknown(String),
    /// Several do.
    #[error("`{prefix}` begins several revisions: {}", .found.join(", "))]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// The hashes.
        found: Vec<String>,
    },
}

impl EditLog {
    /// Takes the next record of the log.
    pub fn take(&mut self, record: &Record) -> Taken {
        self.pass(record.offset + 1);
        let (hash, content) = match read(record) {
            Ok(read) => read,
            Err(refusal) => return Taken::Refused(refusal),
        };
        let is_activation = record.headers.iter().any(|(name, _)| name == ACTIVATE);
        let is_known = self.sets.contains_key(hash);
        let is_in_force = self.in_force().is_some_and(|edit| *edit.hash == *hash);
        if is_in_force || (is_known && !is_activation) {
            return Taken::Repeated;
        }
        if !is_known {
            match PlanSet::from_content(content) {
                Ok(set) => self.sets.insert(hash.into(), set),
                Err(source) => {
                    let hash = hash.to_owned();
                    return Taken::Refused(Refusal::Unreadable { hash, source });
                }
            };
        }
        // The order of the log is the order of the edits, also when the clock of a new leader is
        // behind that of the old one. Each has an instant of its own, so that a ticket which knows
        // up to which it was edited knows what is new to it.
        let next = |edit: &Edit| edit.at.plus_millis(1);
        let earliest = self.in_force().map_or(Timestamp::MIN, next);
        let edit = Edit {
            at: Timestamp::from_millis(record.timestamp_ms).max(earliest),
            offset: record.offset,
            hash: hash.into(),
            is_activation,
        };
        self.edits.push(edit.clone());
        Taken::Edited(edit)
    }

    /// Notes that everything before an offset was read.
    pub fn pass(&mut self, next: i64) {
        self.next = self.next.max(next);
    }

    /// The offset after everything that was read.
    #[must_use]
    pub const fn next(&self) -> i64 {
        self.next
    }

    /// The edits in their order.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The last edit.
    #[must_use]
    pub fn in_force(&self) -> Option<&Edit> {
        self.edits.last()
    }

    /// The revision of a hash.
    #[must_use]
    pub fn set(&self, hash: &str) -> Option<&PlanSet> {
        self.sets.get(hash)
    }

    /// The revision whose hash begins so.
    ///
    /// # Errors
    /// When none does, or several do.
    pub fn find(&self, prefix: &str) -> Result<&PlanSet, FindError> {
        let begins = |entry: &(&Text, &PlanSet)| !prefix.is_empty() && entry.0.starts_with(prefix);
        let found: Vec<_> = self.sets.iter().filter(begins).collect();
        match found.as_slice() {
            [(_, set)] => Ok(set),
            [] => Err(FindError::Unknown(prefix.to_owned())),
            _ => Err(FindError::Ambiguous {
                prefix: prefix.to_owned(),
                found: found.iter().map(|(hash, _)| hash.to_string()).collect(),
            }),
        }
    }

    /// Which plans are in force when; none before there is an edit. The first revision is also in
    /// force before its instant, so that recorded history has plans.
    #[must_use]
    pub fn rules(&self) -> Option<Rules> {
        let revision = |edit: &Edit| -> Option<Arc<Revision>> {
            self.set(&edit.hash).map(|set| Arc::clone(set.revision()))
        };
        let (first, rest) = self.edits.split_first()?;
        let rules = Rules::new(revision(first)?);
        Some(rest.iter().fold(rules, |rules, edit| match revision(edit) {
            Some(revision) => rules.with_edit(edit.at, revision),
            None => rules,
        }))
    }
}

/// The hash and the content of a record that agree with each other.
fn read(record: &Record) -> Result<(&str, &str), Refusal> {
    let key = record
        .key
        .as_deref()
        .and_then(|key| str::from_utf8(key).ok());
    let hash = key.filter(|key| !key.is_empty()).ok_or(Refusal::NoHash)?;
    let value = record.value.as_deref();
    let content = value.and_then(|value| str::from_utf8(value).ok());
    let content = content.ok_or_else(|| Refusal::NoContent {
        hash: hash.to_owned(),
    })?;
    let found = plan_file::hash(content);
    if found != hash {
        return Err(Refusal::OtherContent {
            hash: hash.to_owned(),
            found,
        });
    }
    Ok((hash, content))
}

/// The record that puts a revision into force, of its own or as an activation.
#[must_use]
pub fn record(topic: &str, set: &PlanSet, is_activation: bool) -> OutgoingRecord {
    let activate = (ACTIVATE.to_owned(), Some(b"true".to_vec()));
    OutgoingRecord {
        topic: topic.into(),
        partition: 0,
        key: Some(set.revision().id.as_bytes().to_vec()),
        value: Some(set.content().as_bytes().to_vec()),
        headers: is_activation.then_some(activate).into_iter().collect(),
        // The broker's append time is the instant of the edit.
        timestamp_ms: None,
    }
}

/// The beginning of a hash, for people.
#[must_use]
pub fn first_digits(hash: &str) -> &str {
    hash.get(..BRIEF_DIGITS).unwrap_or(hash)
}
