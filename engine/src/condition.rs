//! Conditions over a ticket: `match` of a plan and `when` of a trigger, and why one fails.
//!
//! A condition is a tree of tests on fields. It is compiled from the plan file by the shell and
//! evaluated here; evaluation cannot fail, and [`Condition::explain`] gives the first reason for
//! the outcome in words.

use std::fmt::Write as _;

use crate::expression::Expression;
use crate::status::StatusCategory;
use crate::ticket::{NumberField, Text, TextField, Ticket};

/// What a condition can ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A field that holds text.
    Text(TextField),
    /// A field that holds a number.
    Number(NumberField),
    /// The list of tags.
    Tags,
    /// One label.
    Label(Text),
    /// The category of the status, by its name.
    StatusCategory,
    /// A counter.
    Counter(Counter),
}

/// What is counted of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Changes out of resolved or closed.
    Reopen,
    /// Facts in which queue or assignee had a value and now have another or none.
    Reassignment,
    /// Replies of the customer.
    CustomerReply,
    /// The level the ticket is at.
    EscalationLevel,
}

impl Field {
    /// The field as plans write it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Text(field) => field.name().to_owned(),
            Self::Number(field) => field.name().to_owned(),
            Self::Tags => "tags".to_owned(),
            Self::Label(name) => format!("labels.{name}"),
            Self::StatusCategory => "status_category".to_owned(),
            Self::Counter(Counter::Reopen) => "reopen_count".to_owned(),
            Self::Counter(Counter::Reassignment) => "reassignment_count".to_owned(),
            Self::Counter(Counter::CustomerReply) => "customer_reply_count".to_owned(),
            Self::Counter(Counter::EscalationLevel) => "escalation_level".to_owned(),
        }
    }

    /// The field of that name, `labels.NAME` included.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some(label) = name.strip_prefix("labels.") {
            return (!label.is_empty()).then(|| Self::Label(label.into()));
        }
        Some(match name {
            "tags" => Self::Tags,
            "status_category" => Self::StatusCategory,
            "reopen_count" => Self::Counter(Counter::Reopen),
            "reassignment_count" => Self::Counter(Counter::Reassignment),
            "customer_reply_count" => Self::Counter(Counter::CustomerReply),
            "escalation_level" => Self::Counter(Counter::EscalationLevel),
            name => match NumberField::named(name) {
                Some(number) => Self::Number(number),
                None => Self::Text(TextField::named(name)?),
            },
        })
    }

    /// Every name that plans may write, `labels.NAME` apart.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let texts = TextField::ALL.into_iter().map(TextField::name);
        let numbers = NumberField::ALL.into_iter().map(NumberField::name);
        let others = [
            "tags",
            "status_category",
            "reopen_count",
            "reassignment_count",
            "customer_reply_count",
            "escalation_level",
        ];
        texts.chain(numbers).chain(others).collect()
    }

    /// Whether the field holds a number, so that `at_least` and `at_most` compare numbers.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Counter(_))
    }
}

/// A value that a plan writes: its text, and its number where it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// As compared with text.
    pub text: Text,
    /// As compared with numbers.
    pub number: Option<f64>,
}

impl Scalar {
    /// A scalar from its text; a text that reads as a finite number is one, too.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            number: text.parse().ok().filter(|number: &f64| number.is_finite()),
        }
    }
}

/// A test on the value of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The value is one of these; of tags at least one is present.
    Any(Vec<Scalar>),
    /// Tags: all of these are present. Other fields: the value equals all of these.
    All(Vec<Scalar>),
    /// The value is none of these; an empty field is none of anything.
    None(Vec<Scalar>),
    /// The number is at least this; a priority stands at least as high in the list.
    AtLeast(Scalar),
    /// The number is at most this; a priority stands at most as high in the list.
    AtMost(Scalar),
    /// The text contains this; one of the tags contains it.
    Contains(Text),
    /// Whether the field has a value at all.
    Exists(bool),
    /// The inner test fails.
    Not(Box<Self>),
}

/// A condition as a plan writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of these hold; an empty list holds.
    All(Vec<Self>),
    /// At least one of these holds.
    Any(Vec<Self>),
    /// The inner condition does not hold.
    Not(Box<Self>),
    /// The tests on one field all hold.
    Field(Field, Vec<Test>),
    /// An expression in CEL holds.
    Expression(Box<Expression>),
}

impl Default for Condition {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

/// What a condition looks at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The fields as they stand.
    pub ticket: &'a Ticket,
    /// The category of the status.
    pub category: StatusCategory,
    /// Changes out of resolved or closed.
    pub reopen_count: u32,
    /// Facts that took the ticket from somebody.
    pub reassignment_count: u32,
    /// Replies of the customer.
    pub customer_reply_count: u32,
    /// The level the ticket is at.
    pub escalation_level: u32,
    /// The plan file's priorities, ascending.
    pub priorities: &'a [Text],
}

impl Subject<'_> {
    pub(crate) const fn count(&self, counter: Counter) -> u32 {
        match counter {
            Counter::Reopen => self.reopen_count,
            Counter::Reassignment => self.reassignment_count,
            Counter::CustomerReply => self.customer_reply_count,
            Counter::EscalationLevel => self.escalation_level,
        }
    }

    pub(crate) fn text(&self, field: &Field) -> Option<&str> {
        match field {
            Field::Text(field) => self.ticket.text(*field).map(|text| &**text),
            Field::Label(name) => self.ticket.labels.get(name).map(|text| &**text),
            Field::StatusCategory => Some(self.category.name()),
            Field::Number(_) | Field::Counter(_) | Field::Tags => None,
        }
    }

    pub(crate) fn number(&self, field: &Field) -> Option<f64> {
        match field {
            Field::Number(field) => self.ticket.number(*field),
            Field::Counter(counter) => Some(f64::from(self.count(*counter))),
            Field::Text(_) | Field::Label(_) | Field::StatusCategory => {
                self.text(field)?.trim().parse().ok()
            }
            Field::Tags => None,
        }
    }

    fn equals(&self, field: &Field, scalar: &Scalar) -> bool {
        match field {
            Field::Tags => self.ticket.tags.contains(&scalar.text),
            Field::Number(_) | Field::Counter(_) => {
                scalar.number.is_some() && self.number(field) == scalar.number
            }
            Field::Text(_) | Field::Label(_) | Field::StatusCategory => {
                self.text(field) == Some(&*scalar.text)
            }
        }
    }

    fn exists(&self, field: &Field) -> bool {
        match field {
            Field::Tags => !self.ticket.tags.is_empty(),
            Field::Number(_) | Field::Counter(_) => self.number(field).is_some(),
            Field::Text(_) | Field::Label(_) | Field::StatusCategory => self.text(field).is_some(),
        }
    }

    /// The value and the bound on one scale: ranks for the priority, numbers for the rest.
    fn compared(&self, field: &Field, bound: &Scalar) -> Option<(f64, f64)> {
        if *field == Field::Text(TextField::Priority) {
            let rank = |word: &str| self.priorities.iter().position(|p| **p == *word);
            let value = rank(self.text(field)?)?;
            let bound = rank(&bound.text)?;
            // A list of priorities is far shorter than what a float counts exactly.
            return Some((value as f64, bound as f64));
        }
        Some((self.number(field)?, bound.number?))
    }

    /// Whether a test on a field passes.
    #[must_use]
    pub fn passes(&self, field: &Field, test: &Test) -> bool {
        match test {
            Test::Any(scalars) => scalars.iter().any(|s| self.equals(field, s)),
            Test::All(scalars) => scalars.iter().all(|s| self.equals(field, s)),
            Test::None(scalars) => !scalars.iter().any(|s| self.equals(field, s)),
            Test::AtLeast(bound) => self.compared(field, bound).is_some_and(|(v, b)| v >= b),
            Test::AtMost(bound) => self.compared(field, bound).is_some_and(|(v, b)| v <= b),
            Test::Contains(part) if *field == Field::Tags => {
                self.ticket.tags.iter().any(|tag| tag.contains(&**part))
            }
            Test::Contains(part) => self.text(field).is_some_and(|text| text.contains(&**part)),
            Test::Exists(wanted) => self.exists(field) == *wanted,
            Test::Not(inner) => !self.passes(field, inner),
        }
    }

    fn shown(&self, field: &Field) -> String {
        match field {
            Field::Tags if self.ticket.tags.is_empty() => "empty".to_owned(),
            Field::Tags => self.ticket.tags.join(", "),
            Field::Number(_) | Field::Counter(_) => self
                .number(field)
                .map_or_else(|| "empty".to_owned(), |n| n.to_string()),
            Field::Text(_) | Field::Label(_) | Field::StatusCategory => {
                self.text(field).unwrap_or("empty").to_owned()
            }
        }
    }
}

impl Condition {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|c| c.holds(subject)),
            Self::Any(conditions) => conditions.iter().any(|c| c.holds(subject)),
            Self::Not(condition) => !condition.holds(subject),
            Self::Field(field, tests) => tests.iter().all(|test| subject.passes(field, test)),
            Self::Expression(expression) => expression.holds(subject),
        }
    }

    /// Why the condition holds or fails, in words: the first part that decides it.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>) -> String {
        self.words(subject, false)
    }

    /// The same; inside of a `not` nothing excludes anything by itself.
    fn words(&self, subject: &Subject<'_>, is_negated: bool) -> String {
        let words = |part: &Self| part.words(subject, is_negated);
        match self {
            Self::All(conditions) if conditions.is_empty() => "it matches every ticket".to_owned(),
            Self::All(conditions) => match conditions.iter().find(|c| !c.holds(subject)) {
                Some(failing) => words(failing),
                None => joined(conditions.iter().map(words), " and "),
            },
            Self::Any(conditions) => match conditions.iter().find(|c| c.holds(subject)) {
                Some(holding) => words(holding),
                None => joined(conditions.iter().map(words), "; "),
            },
            Self::Not(condition) => {
                let words = condition.words(subject, true);
                if condition.holds(subject) && !is_negated {
                    format!("excluded, since {words}")
                } else {
                    words
                }
            }
            Self::Field(field, tests) => {
                match tests.iter().find(|test| !subject.passes(field, test)) {
                    Some(failing) => explain_test(field, failing, subject, false),
                    None => joined(
                        tests.iter().map(|t| explain_test(field, t, subject, true)),
                        " and ",
                    ),
                }
            }
            Self::Expression(expression) => expression.explain(subject),
        }
    }
}

fn joined(parts: impl Iterator<Item = String>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

fn listed(scalars: &[Scalar]) -> String {
    joined(scalars.iter().map(|s| s.text.to_string()), ", ")
}

fn explain_test(field: &Field, test: &Test, subject: &Subject<'_>, holds: bool) -> String {
    let name = field.name();
    let value = subject.shown(field);
    let is_tags = *field == Field::Tags;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match (test, holds) {
        (Test::Any(scalars), true) if is_tags => write!(out, "tags has one of {}", listed(scalars)),
        (Test::Any(scalars), false) if is_tags => {
            write!(out, "tags has none of {}", listed(scalars))
        }
        (Test::Any(_), true) => write!(out, "{name} is {value}"),
        (Test::Any(scalars), false) if scalars.len() == 1 => {
            write!(out, "{name} is {value}, not {}", listed(scalars))
        }
        (Test::Any(scalars), false) => {
            write!(out, "{name} is {value}, none of {}", listed(scalars))
        }
        (Test::All(scalars), true) if is_tags => write!(out, "tags has all of {}", listed(scalars)),
        (Test::All(scalars), false) if is_tags => {
            write!(out, "tags lacks some of {}", listed(scalars))
        }
        (Test::All(scalars), true) => write!(out, "{name} is {}", listed(scalars)),
        (Test::All(scalars), false) => write!(out, "{name} is {value}, not {}", listed(scalars)),
        (Test::None(scalars), true) if is_tags => {
            write!(out, "tags has none of {}", listed(scalars))
        }
        (Test::None(scalars), false) if is_tags => {
            write!(out, "tags has one of {}", listed(scalars))
        }
        (Test::None(scalars), true) => {
            write!(out, "{name} is {value}, none of {}", listed(scalars))
        }
        (Test::None(scalars), false) => {
            write!(
                out,
                "{name} is {value}, which is one of {}",
                listed(scalars)
            )
        }
        (Test::AtLeast(bound), true) => write!(out, "{name} is {value}, at least {}", bound.text),
        (Test::AtLeast(bound), false) => {
            write!(out, "{name} is {value}, not at least {}", bound.text)
        }
        (Test::AtMost(bound), true) => write!(out, "{name} is {value}, at most {}", bound.text),
        (Test::AtMost(bound), false) => {
            write!(out, "{name} is {value}, not at most {}", bound.text)
        }
        (Test::Contains(part), true) => write!(out, "{name} contains {part}"),
        (Test::Contains(part), false) => {
            write!(out, "{name} is {value} and does not contain {part}")
        }
        (Test::Exists(_), _) => {
            write!(
                out,
                "{name} {}",
                if subject.exists(field) {
                    "has a value"
                } else {
                    "is empty"
                }
            )
        }
        (Test::Not(inner), _) => {
            out = explain_test(field, inner, subject, !holds);
            Ok(())
        }
    };
    out
}

#[cfg(test)]
mod tests;
