//! Where in a record something is: names with dots between them, and what to take of a list.

use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;

/// Names of one path; no ticketing system nests deeper.
const STEPS_MAX: usize = 32;

/// A way through the objects and lists of a record, as in `issue.fields.labels` or
/// `changelog.items[field=status].toString`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// `name`: a field of an object.
    Field(String),
    /// `[]`: every item of a list.
    Every,
    /// `[0]`: one item of a list.
    Item(usize),
    /// `[name=text]`: the items of a list that are objects with this text in a field.
    Where(String, String),
}

/// A text that is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It is empty, or has an empty name.
    #[error("a name is empty")]
    Empty,
    /// A bracket is not closed, or something else than a dot follows it.
    #[error("the brackets are not `[]`, `[0]` or `[name=text]`")]
    Brackets,
    /// More names than any record needs.
    #[error("it has more than {STEPS_MAX} names")]
    Long,
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            if name.trim().is_empty() {
                return Err(PathError::Empty);
            }
            steps.push(Step::Field(name.to_owned()));
            rest = behind;
            while let Some(inside) = rest.strip_prefix('[') {
                let (inside, behind) = inside.split_once(']').ok_or(PathError::Brackets)?;
                steps.push(of_list(inside)?);
                rest = behind;
            }
            if steps.len() > STEPS_MAX {
                return Err(PathError::Long);
            }
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix('.').ok_or(PathError::Brackets)?;
        }
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }
}

fn of_list(inside: &str) -> Result<Step, PathError> {
    if inside.is_empty() {
        return Ok(Step::Every);
    }
    if let Some((name, text)) = inside.split_once('=') {
        if name.trim().is_empty() {
            return Err(PathError::Empty);
        }
        return Ok(Step::Where(name.to_owned(), text.to_owned()));
    }
    inside
        .parse()
        .map(Step::Item)
        .map_err(|_| PathError::Brackets)
}

impl Path {
    /// What it leads to: none when something on the way is not there, and no value when the list that
    /// it leads to is empty. A list at its end counts as its items.
    #[must_use]
    pub fn find<'r>(&self, record: &'r Json) -> Option<Vec<&'r Json>> {
        let mut found = vec![record];
        let mut is_empty_list = false;
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                match (step, value) {
                    (Step::Field(name), Json::Object(object)) => next.extend(object.get(name)),
                    // Nobody is assigned: then nobody has a name.
                    (_, Json::Null) => next.push(value),
                    (Step::Every, Json::Array(items)) => {
                        is_empty_list |= items.is_empty();
                        next.extend(items);
                    }
                    (Step::Item(index), Json::Array(items)) => next.extend(items.get(*index)),
                    (Step::Where(name, text), Json::Array(items)) => {
                        next.extend(items.iter().filter(|item| {
                            item.get(name).and_then(text_of).as_deref() == Some(text)
                        }));
                    }
                    _ => {}
                }
            }
            found = next;
        }
        let mut values = Vec::new();
        for value in found {
            if let Json::Array(items) = value {
                is_empty_list |= items.is_empty();
                values.extend(items);
            } else {
                values.push(value);
            }
        }
        (is_empty_list || !values.is_empty()).then_some(values)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whole numbers beyond this, without which a number with a fraction or an exponent is no text that
/// tells it from its neighbours.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The text of a single value; none of null, a list or an object, and none of a number that was too
/// large to be read as it stands.
pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => {
            let is_exact =
                !number.is_f64() || number.as_f64().is_some_and(|it| it.abs() < EXACT_MAX);
            is_exact.then(|| number.to_string())
        }
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Whether a field with this value is empty: most systems write an empty text there, or null.
pub(super) fn is_nothing(value: &Json) -> bool {
    value.is_null() || value.as_str() == Some("")
}
