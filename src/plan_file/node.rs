//! YAML as a tree in which every key and every value knows its place.
//!
//! The parser stops at its first error, so it is asked for nothing but structure; what the words
//! mean is checked afterwards, all at once. Scalars keep their text: `0x10`, `1.50` and `true` are
//! what was written, whether quoted or not, and only an unquoted `null` differs from its text.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

use super::problem::{Code, Place, Problem};
use super::source::{FILE_BYTES_MAX, Source};
use crate::yaml::{Raw, as_written, bytes_of, is_beyond_limits};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it is defined.
    pub(super) place: Place,
    /// What it is.
    pub(super) value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// Anything else that is not a container, by its text.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A map with its entries as written; keys may repeat.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The text of the key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    /// The value.
    pub(super) node: Node,
}

impl Node {
    /// The entry of a key; none where there is none, or no map.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Value::Null | Value::Scalar(_) | Value::List(_) => None,
        }
    }

    /// The value of a key; none where there is none, or no map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The items of a list; none where there is no list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// The items of the list of a key; none where there is none.
    pub(super) fn list(&self, key: &str) -> &[Self] {
        self.get(key).map(Self::items).unwrap_or_default()
    }

    /// Whether it is a list with nothing in it.
    pub(super) fn is_empty_list(&self) -> bool {
        matches!(&self.value, Value::List(items) if items.is_empty())
    }
}

impl Value {
    /// For people: what stands there.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Reads the text of a file into its tree.
pub(super) fn parse(file: usize, source: &Source) -> Result<Node, Box<Problem>> {
    read::<Spanned<Raw>>(file, source).map(|raw| node(file, &source.text, raw))
}

/// Reads the text of a file as JSON would hold it: numbers, truth values and texts are told apart.
pub(super) fn parse_json(file: usize, source: &Source) -> Result<Json, Box<Problem>> {
    read(file, source)
}

fn read<T: DeserializeOwned>(file: usize, source: &Source) -> Result<T, Box<Problem>> {
    let start = Place::new(file, 0, 0);
    if source.text.len() as u64 > FILE_BYTES_MAX {
        return Err(Box::new(Problem::new(
            Code::OverBudget,
            start,
            "the file is larger than 1 MiB",
            "split the plans over several files; a whole set has to fit into one Kafka record",
        )));
    }
    if let Some(at) = source.text.find(char::REPLACEMENT_CHARACTER) {
        let len = char::REPLACEMENT_CHARACTER.len_utf8();
        return Err(Box::new(Problem::new(
            Code::NotYaml,
            Place::new(file, at, at + len),
            "the file is not UTF-8",
            "save the file in the encoding UTF-8",
        )));
    }
    serde_saphyr::from_str_with_options(&source.text, options())
        .map_err(|error| Box::new(refused(file, &source.text, &error)))
}

/// Nesting of maps and lists. Conditions in conditions go a dozen deep at most, and the stack bears
/// several times as much.
const DEPTH_MAX: usize = 48;

/// Budgets far above any plan that people write and far below what would hurt: nesting is bounded
/// by the stack, the number of nodes and of repeated aliases by memory.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_events: 250_000,
            max_nodes: 100_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        null_as_string: true,
        reject_unsupported_tags: true,
        emit_comments: false,
        with_snippet: false,
    }
}

fn refused(file: usize, text: &str, error: &serde_saphyr::Error) -> Problem {
    use serde_saphyr::Error;
    let place = error
        .location()
        .map_or_else(|| Place::new(file, 0, 0), |at| located(file, text, at));
    if matches!(error, Error::MultipleDocuments { .. }) {
        return Problem::new(
            Code::NotYaml,
            place,
            "the file holds several YAML documents",
            "put each into a file of its own; a set may have many files",
        );
    }
    if let Some(message) = over_budget(error) {
        return Problem::new(
            Code::OverBudget,
            place,
            message,
            "write the plans with less nesting and fewer aliases, or split them over several files",
        );
    }
    let message = first_line(&error.to_string());
    let is_between_keys = [
        "mapping values are not allowed",
        "did not find expected key",
    ];
    if is_between_keys.iter().any(|it| message.contains(it))
        && let Some(problem) = without_blank(file, text, place)
    {
        return problem;
    }
    // The parser stops by itself in brackets that are nested still deeper.
    if message.contains("recursion limit") {
        return Problem::new(
            Code::OverBudget,
            place,
            TOO_DEEP,
            "write the plans with less nesting",
        );
    }
    let is_key = |error: &Error| {
        let expected = "string scalar";
        matches!(error, Error::Unexpected { expected: found, .. } if *found == expected)
    };
    let (message, remedy) = if let Error::RecursiveReferencesRequireWeakTypes { .. } = error {
        (
            "an alias stands in what it stands for".to_owned(),
            "write out what it should stand for",
        )
    } else if is_key(error) {
        (
            "a key is a list or a map".to_owned(),
            "write a single word before the colon",
        )
    } else {
        (
            format!("this is not YAML: {message}"),
            "check indentation, colons and quotes here and in the line before",
        )
    };
    Problem::new(Code::NotYaml, place, &message, remedy)
}

/// The problem of `key:value` in the line before, of which the parser takes all for a value and is
/// surprised by the next key.
fn without_blank(file: usize, text: &str, place: Place) -> Option<Problem> {
    let before = text.get(..place.start)?;
    let mut end = before.rfind('\n')?;
    let line = loop {
        let start = before[..end].rfind('\n').map_or(0, |at| at + 1);
        let line = &before[start..end];
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            break start..end;
        }
        end = start.checked_sub(1)?;
    };
    let written = &before[line.clone()];
    let (key, value) = written.split_once(':')?;
    let key = key.trim_start().trim_start_matches("- ");
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let next = value.chars().next()?;
    if key.is_empty() || !key.chars().all(is_key) || next == ' ' || next == '\r' {
        return None;
    }
    let at = line.start + written.find(':')?;
    let place = Place::new(file, at, at + 1 + next.len_utf8()).within(text);
    let message = if next.is_whitespace() {
        format!(
            "this is not YAML: the colon after `{key}` is followed by a blank of another kind, such as a no-break space"
        )
    } else {
        format!("this is not YAML: no blank follows the colon after `{key}`")
    };
    let remedy = format!("write `{key}: {}`", value.trim());
    Some(Problem::new(Code::NotYaml, place, &message, &remedy))
}

const TOO_DEEP: &str = "maps and lists are nested more than 48 deep";

/// What there is too much of, when that is the error.
fn over_budget(error: &serde_saphyr::Error) -> Option<&'static str> {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    if let Error::AliasError { error, .. } = error {
        return over_budget(error);
    }
    if let Error::Budget { breach, .. } = error {
        let is_values = matches!(
            breach,
            BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. }
        );
        return Some(if matches!(breach, BudgetBreach::Depth { .. }) {
            TOO_DEEP
        } else if matches!(breach, BudgetBreach::Aliases { .. }) {
            "the file has more than 1000 aliases"
        } else if matches!(breach, BudgetBreach::Anchors { .. }) {
            "the file has more than 1000 anchors"
        } else if is_values {
            "the file has more than 100,000 values"
        } else {
            "the file has more in it than plans may need"
        });
    }
    is_beyond_limits(error).then_some("the aliases stand for more than plans may need")
}

/// The parser's message without its place, which is shown by ours.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let without_place = line
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
        .map_or(line, |(_, rest)| rest);
    let end = without_place
        .rfind(" at line ")
        .unwrap_or(without_place.len());
    without_place[..end].to_owned()
}

fn located(file: usize, text: &str, at: Location) -> Place {
    bytes_of(at).map_or_else(
        || Place::of_line_column(file, text, at.line(), at.column()),
        |bytes| Place::new(file, bytes.start, bytes.end).within(text),
    )
}

fn node(file: usize, text: &str, raw: Spanned<Raw>) -> Node {
    let place = located(file, text, raw.defined);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Scalar(text),
        Raw::Typed(printed) => {
            let written = as_written(text, place.start..place.end);
            Value::Scalar(written.map_or(printed, str::to_owned))
        }
        Raw::List(nodes) => {
            Value::List(nodes.into_iter().map(|raw| node(file, text, raw)).collect())
        }
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, raw)| Entry {
                    place: located(file, text, key.defined),
                    key: key.value,
                    node: node(file, text, raw),
                })
                .collect(),
        ),
    };
    Node { place, value }
}
