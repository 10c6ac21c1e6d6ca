//! Reading a tree against the language: every helper reports what is wrong and goes on with a
//! harmless value, so that one pass finds everything. Plans with any error are never used.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use escalator_engine::length::{Length, LengthError};
use escalator_engine::ticket::Text;
use escalator_engine::time::{Duration, DurationError};

use super::node::{Entry, Node, Value};
use super::problem::{Code, Place, Problem, Severity};
use super::suggest::closest;

/// Errors that are kept, and warnings, each; more than five hundred at once help nobody.
const PROBLEMS_MAX: usize = 500;

/// Words that a misspelt one is compared with, in a whole set: a tenth of a second, and enough to find
/// what was meant for a hundred errors in large plans.
const COMPARISONS_MAX: usize = 20_000;

/// Bytes of a name: names become parts of keys, labels and events, like ticket ids.
pub(super) const NAME_BYTES_MAX: usize = 256;

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    problems: Vec<Problem>,
    errors: usize,
    comparisons: usize,
    /// How many conditions in CEL there were.
    pub(super) expressions: usize,
}

/// The entries of a map whose keys are fixed, each at most once; none where no map stands.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    /// Where the map stands.
    pub(super) place: Place,
    entries: Option<Vec<&'n Entry>>,
}

impl<'n> Fields<'n> {
    /// No entries at all.
    pub(super) const fn empty(place: Place) -> Self {
        let entries = None;
        Self { place, entries }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of a key.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        let mut entries = self.entries.iter().flatten();
        entries.find(|entry| entry.key == key).copied()
    }
}

impl Reader {
    /// Notes a problem.
    pub(super) fn push(&mut self, problem: Problem) {
        if self.keeps(problem.code) {
            self.errors += usize::from(problem.code.severity() == Severity::Error);
            self.problems.push(problem);
        }
    }

    /// Whether one more problem of this code will be kept. Warnings never crowd out an error:
    /// without it, the plans would count as good.
    fn keeps(&self, code: Code) -> bool {
        let kept = match code.severity() {
            Severity::Error => self.errors,
            Severity::Warning => self.problems.len() - self.errors,
        };
        kept < PROBLEMS_MAX
    }

    /// Notes a problem at one place.
    pub(super) fn report(&mut self, code: Code, place: Place, message: &str, remedy: &str) {
        self.push(Problem::new(code, place, message, remedy));
    }

    /// Notes a word that is not known, with the one that was probably meant, or else all that are
    /// possible.
    pub(super) fn report_unknown<S: AsRef<str>>(
        &mut self,
        code: Code,
        place: Place,
        message: &str,
        (word, all): (&str, &str),
        possible: &[S],
    ) {
        // Looking for it is what costs.
        if self.keeps(code) {
            let remedy = match self.closest(word, possible) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => listed(possible, all),
            };
            self.report(code, place, message, &remedy);
        }
    }

    /// The word that was probably meant, as long as looking for it has not cost too much.
    pub(super) fn closest<'a, S: AsRef<str>>(
        &mut self,
        word: &str,
        possible: &'a [S],
    ) -> Option<&'a str> {
        self.comparisons = self.comparisons.saturating_add(possible.len());
        if self.comparisons > COMPARISONS_MAX {
            return None;
        }
        closest(word, possible.iter().map(AsRef::as_ref))
    }

    /// How many errors there are.
    pub(super) const fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether nothing is wrong with what was read since there were so many errors. Behind the last one
    /// that is kept nothing is known.
    pub(super) const fn is_sound_since(&self, errors: usize) -> bool {
        self.errors == errors && errors < PROBLEMS_MAX
    }

    /// How many problems there are.
    pub(super) const fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// The problems in the order of their places.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|p| (p.place, p.code));
        self.problems.dedup();
        self.problems
    }

    /// A map with these keys and no others.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Fields<'n> {
        let mut entries = self.entries(node, what);
        entries.retain(|entry| {
            let is_known = keys.contains(&&*entry.key);
            if !is_known {
                self.report_unknown(
                    Code::UnknownKey,
                    entry.place,
                    &format!("unknown key `{}` in {what}", entry.key),
                    (&entry.key, "the keys here are"),
                    keys,
                );
            }
            is_known
        });
        Fields {
            place: node.place,
            entries: matches!(node.value, Value::Map(_)).then_some(entries),
        }
    }

    /// A map with any keys, each once.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Vec<&'n Entry> {
        let Value::Map(all) = &node.value else {
            self.wrong_type(node, what, "a map");
            return Vec::new();
        };
        let mut entries: Vec<&Entry> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for entry in all {
            match places.entry(&*entry.key) {
                std::collections::hash_map::Entry::Vacant(vacant) => {
                    vacant.insert(entry.place);
                    entries.push(entry);
                }
                std::collections::hash_map::Entry::Occupied(first) => self.push(
                    Problem::new(
                        Code::RepeatedKey,
                        entry.place,
                        &format!("key `{}` is here for the second time", entry.key),
                        "keep one of the two",
                    )
                    .with_other(*first.get(), "first here"),
                ),
            }
        }
        entries
    }

    /// A required key; of what is no map nothing more is said than that.
    pub(super) fn required<'n>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        what: &str,
    ) -> Option<&'n Node> {
        let node = fields.get(key);
        if node.is_none() && fields.entries.is_some() {
            self.report(
                Code::MissingKey,
                fields.place,
                &format!("{what} needs the key `{key}`"),
                &format!("add `{key}: …`"),
            );
        }
        node
    }

    /// The version of a file.
    pub(super) fn version(&mut self, fields: &Fields<'_>, files: &str) {
        if let Some(node) = fields.get("version")
            && let Some(version) = self.scalar(node, "`version`")
            && version != "1"
        {
            self.report(
                Code::UnknownVersion,
                node.place,
                &format!("version `{version}` of {files} is not known"),
                "write `version: 1`",
            );
        }
    }

    /// A list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Value::List(nodes) = &node.value {
            nodes
        } else {
            self.wrong_type(node, what, "a list");
            &[]
        }
    }

    /// A list of so many items at most; those beyond are reported and left out, so that nothing
    /// else has to be afraid of them.
    pub(super) fn list_of<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        max: usize,
        items: &str,
    ) -> &'n [Node] {
        let nodes = self.list(node, what);
        self.at_most(nodes.len(), max, node.place, items);
        &nodes[..nodes.len().min(max)]
    }

    /// A map with any keys, each once, and so many entries at most; those beyond are reported and
    /// left out.
    pub(super) fn entries_of<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        max: usize,
        items: &str,
    ) -> Vec<&'n Entry> {
        let mut entries = self.entries(node, what);
        self.at_most(entries.len(), max, node.place, items);
        entries.truncate(max);
        entries
    }

    /// The text of a single value.
    pub(super) fn scalar<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if let Value::Scalar(text) = &node.value {
            Some(text)
        } else {
            self.wrong_type(node, what, "a single value");
            None
        }
    }

    fn wrong_type(&mut self, node: &Node, what: &str, expected: &str) {
        let remedy = match expected {
            "a list" => "write a list, as in `[a, b]`, or leave it out",
            "a map" => "write a map, as in `{ key: value }`, or leave it out",
            _ => "write one value, or leave it out",
        };
        self.report(
            Code::WrongType,
            node.place,
            &format!(
                "{what} has to be {expected}, but {} stands here",
                node.value.kind()
            ),
            remedy,
        );
    }

    /// A name.
    pub(super) fn name(&mut self, node: &Node, what: &str) -> Text {
        let name = self.scalar(node, what);
        match name {
            Some(name) => {
                self.check_name(name, node.place, what);
                name.into()
            }
            None => Text::from(""),
        }
    }

    /// Whether a text can be a name; it is reported when it cannot.
    pub(super) fn check_name(&mut self, name: &str, place: Place, what: &str) {
        let wrong = if name.trim().is_empty() {
            "is empty"
        } else if name.len() > NAME_BYTES_MAX {
            "is longer than 256 bytes"
        } else if name.chars().any(char::is_control) {
            "has control characters"
        } else {
            return;
        };
        self.report(
            Code::BadName,
            place,
            &format!("{what} {wrong}"),
            "give it a name of 1 to 256 bytes on one line",
        );
    }

    /// One of some words.
    pub(super) fn word<T: Copy + Default>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
    ) -> T {
        let Some(text) = self.scalar(node, what) else {
            return T::default();
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.report_unknown(
            Code::UnknownWord,
            node.place,
            &format!("{what} cannot be `{text}`"),
            (text, "the words here are"),
            &names,
        );
        T::default()
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, node: &Node, what: &str) -> bool {
        self.word(node, what, &[("true", true), ("false", false)])
    }

    /// A whole number in a range.
    pub(super) fn number<T>(&mut self, node: &Node, what: &str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        if let Some(text) = self.scalar(node, what) {
            match text.parse() {
                Ok(number) if range.contains(&number) => return number,
                _ => self.report(
                    Code::BadNumber,
                    node.place,
                    &format!("{what} cannot be `{text}`"),
                    &format!(
                        "write a whole number from {} to {}",
                        range.start(),
                        range.end()
                    ),
                ),
            }
        }
        *range.start()
    }

    /// A duration; `0s` is one.
    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Duration {
        let Some(text) = self.scalar(node, what) else {
            return Duration::default();
        };
        Duration::parse(text).unwrap_or_else(|error| {
            match error {
                DurationError::Form { .. } => self.bad_duration(
                    node.place,
                    what,
                    text,
                    "write a duration: 90s, 15m, 4h, 1h30m or 2d",
                ),
                DurationError::TooLong { .. } => self.long_duration(node.place, what, text),
            }
            Duration::default()
        })
    }

    /// A duration or working days; `0s` is one, `0wd` is none.
    pub(super) fn length(&mut self, node: &Node, what: &str) -> Length {
        let Some(text) = self.scalar(node, what) else {
            return Length::default();
        };
        Length::parse(text).unwrap_or_else(|error| {
            match error {
                LengthError::TooLong(_) => self.long_duration(node.place, what, text),
                LengthError::Form { .. } => {
                    let remedy = if is_working_days(text) {
                        "write 1 to 10000 working days, as in 3wd or 3wd@close"
                    } else {
                        "write a duration: 90s, 15m, 4h, 1h30m or 2d, or working days: 3wd or 3wd@close"
                    };
                    self.bad_duration(node.place, what, text, remedy);
                }
            }
            Length::default()
        })
    }

    /// A length in which time passes.
    pub(super) fn wait(&mut self, node: &Node, what: &str) -> Length {
        self.positive(node, what, Self::length)
    }

    /// A duration in which time passes; working days are none, for there is no calendar.
    pub(super) fn period(&mut self, node: &Node, what: &str) -> Duration {
        self.positive(node, what, Self::duration)
    }

    fn positive<T: Default + PartialEq>(
        &mut self,
        node: &Node,
        what: &str,
        read: fn(&mut Self, &Node, &str) -> T,
    ) -> T {
        let before = self.problems.len();
        let read = read(self, node, what);
        if read == T::default() && self.problems.len() == before {
            self.report(
                Code::BadDuration,
                node.place,
                &format!("{what} cannot be zero"),
                "write a positive duration, or leave the key out",
            );
        }
        read
    }

    fn bad_duration(&mut self, place: Place, what: &str, text: &str, remedy: &str) {
        let message = format!("{what} cannot be `{text}`");
        self.report(Code::BadDuration, place, &message, remedy);
    }

    fn long_duration(&mut self, place: Place, what: &str, text: &str) {
        let message = format!("{what} is too long: `{text}`");
        let remedy = format!("write at most {}", Duration::MAX);
        self.report(Code::BadDuration, place, &message, &remedy);
    }

    /// Too many of something.
    pub(super) fn at_most(&mut self, count: usize, max: usize, place: Place, what: &str) {
        if count > max {
            self.report(
                Code::TooMany,
                place,
                &format!("{count} {what} are too many"),
                &format!("keep them to {max}"),
            );
        }
    }
}

/// `3wd` and `3wd@close`.
pub(super) fn is_working_days(text: &str) -> bool {
    let days = text.strip_suffix("@close").unwrap_or(text);
    days.strip_suffix("wd")
        .is_some_and(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}

/// A suggestion for a word that is not known, or else all that is possible.
#[must_use]
pub fn did_you_mean<S: AsRef<str>>(word: &str, candidates: &[S], all: &str) -> String {
    match closest(word, candidates.iter().map(AsRef::as_ref)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => listed(candidates, all),
    }
}

fn listed<S: AsRef<str>>(candidates: &[S], all: &str) -> String {
    // More words than this are no help in one line.
    const SHOWN_MAX: usize = 24;
    let shown: Vec<_> = candidates
        .iter()
        .take(SHOWN_MAX)
        .map(|c| format!("`{}`", c.as_ref()))
        .collect();
    let more = if candidates.len() > SHOWN_MAX {
        ", …"
    } else {
        ""
    };
    format!("{all} {}{more}", shown.join(", "))
}
