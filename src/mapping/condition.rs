//! Conditions on a record: which mapping it is for, and what happened in it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::path::{Path, is_nothing, text_of};

/// A condition on a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// All tests hold of what the path leads to.
    At(Path, Vec<Test>),
}

/// A test of the values that a path leads to, of which there may be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// One of the values has one of these texts.
    Any(Vec<String>),
    /// One of the values has this text in it.
    Contains(String),
    /// One of the values is neither null nor an empty text, or none is.
    Exists(bool),
    /// One of the values has the text of one that another path leads to.
    SameAs(Path),
    /// These tests do not all hold.
    Not(Vec<Self>),
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, record: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::Not(part) => !part.holds(record),
            Self::At(path, tests) => {
                let values = path.find(record).unwrap_or_default();
                tests.iter().all(|test| test.holds(&values, record))
            }
        }
    }
}

impl Test {
    fn holds(&self, values: &[&Json], record: &Json) -> bool {
        let mut texts = values.iter().filter_map(|value| text_of(value));
        match self {
            Self::Any(wanted) => texts.any(|text| wanted.contains(&text)),
            Self::Contains(part) => texts.any(|text| text.contains(part)),
            Self::Exists(wanted) => values.iter().any(|value| !is_nothing(value)) == *wanted,
            Self::SameAs(path) => {
                let others = path.find(record).unwrap_or_default();
                let others: BTreeSet<_> = others.into_iter().filter_map(text_of).collect();
                texts.any(|text| others.contains(&text))
            }
            Self::Not(tests) => !tests.iter().all(|test| test.holds(values, record)),
        }
    }
}
