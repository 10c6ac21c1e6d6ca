//! Conditions in CEL, the escape hatch beside the tests on single fields.
//!
//! An expression sees one variable, `ticket`, with the fields that conditions know. A field that is
//! empty is `null`, an absent label is no key, and `has(ticket.x)` asks whether a field has a value.
//! Evaluation cannot fail: what cannot be evaluated, such as `null < 0.3`, does not hold.
//!
//! What may cost too much, what names a field that does not exist and what gives no truth value is
//! refused when the plan is loaded, see [`ExpressionError`].

mod check;
mod comparisons;
mod ticket_variable;

use std::sync::Arc;

use cel::{Context, Env, IdedExpr, Value};

use crate::condition::Subject;
use crate::status::StatusCategory;
use crate::ticket::{Change, NumberField, Text, TextField, Ticket};
pub use comparisons::{Comparison, ComparisonKind, Literal};
use ticket_variable::TicketVariable;

/// A longer text is not a condition any more; the parser's work grows with it.
const SOURCE_BYTES_MAX: usize = 4_096;

/// A condition in CEL that can be evaluated.
#[derive(Clone)]
pub struct Expression {
    source: Text,
    root: Arc<IdedExpr>,
    environment: Arc<Env>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// Why an expression is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is too long to be looked at.
    #[error("the expression has {bytes} bytes, more than {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// It cannot be parsed.
    #[error("not CEL, at column {column}: {message}")]
    Syntax {
        /// Where, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// It is larger than what may be evaluated for every event.
    #[error("the expression has {nodes} parts, more than {max}")]
    TooManyParts {
        /// Its size.
        nodes: usize,
        /// The limit.
        max: usize,
    },
    /// Macros inside of macros multiply.
    #[error("a macro such as `exists` stands inside another")]
    NestedMacros,
    /// Labels have no order that a list could have.
    #[error("`map` and `filter` make lists, of `ticket.tags` or of a list that is written out")]
    NoOrder,
    /// A pattern that is not written out cannot be bounded.
    #[error("`matches` takes a pattern that is written out, outside of macros")]
    OpenPattern,
    /// The pattern is none, or too large.
    #[error("`{pattern}` is no usable pattern")]
    BadPattern {
        /// The pattern.
        pattern: String,
    },
    /// Tickets have no such field.
    #[error("unknown field `ticket.{name}`")]
    UnknownField {
        /// The name.
        name: String,
    },
    /// There is no such variable.
    #[error("unknown variable `{name}`")]
    UnknownVariable {
        /// The name.
        name: String,
    },
    /// There is no such function.
    #[error("unknown function `{name}`")]
    UnknownFunction {
        /// The name.
        name: String,
    },
    /// The ticket as a whole is no value.
    #[error("`ticket` stands alone")]
    WholeTicket,
    /// Its value is not true or false.
    #[error("the expression gives {kind}, not true or false")]
    NotTruth {
        /// What it gives.
        kind: String,
    },
}

impl Expression {
    /// An expression from its text.
    ///
    /// # Errors
    /// When it is no condition, or may cost too much.
    pub fn new(source: &str) -> Result<Self, ExpressionError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(ExpressionError::TooLong {
                bytes: source.len(),
                max: SOURCE_BYTES_MAX,
            });
        }
        let environment = Arc::new(Env::stdlib().with_optional_support(false));
        let mut root = environment
            .parser()
            .parse(source)
            .map_err(|errors| syntax_error(source, &errors))?;
        check::check(&mut root)?;
        let expression = Self {
            source: source.into(),
            root: Arc::new(root),
            environment,
        };
        expression.try_out()?;
        Ok(expression)
    }

    /// The expression as the plan writes it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it compares fields with, where that is written out.
    #[must_use]
    pub fn comparisons(&self) -> Vec<Comparison> {
        let mut found = Vec::new();
        comparisons::collect(&self.root, &mut found);
        found
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        self.value(subject) == Ok(Value::Bool(true))
    }

    /// Why it holds or fails, in words.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>) -> String {
        match self.value(subject) {
            Ok(Value::Bool(holds)) => format!("`{}` is {holds}", self.source),
            Ok(other) => format!("`{}` gives {}", self.source, other.type_of()),
            Err(reason) => format!("`{}` cannot be evaluated: {reason}", self.source),
        }
    }

    fn value(&self, subject: &Subject<'_>) -> Result<Value, String> {
        let variable = TicketVariable::new(*subject);
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.set_variable_resolver(&variable);
        Value::resolve(&self.root, &context).map_err(|error| error.to_string())
    }

    /// Evaluates it for an empty ticket and for one with a value in every field.
    fn try_out(&self) -> Result<(), ExpressionError> {
        for ticket in [Ticket::default(), full_ticket()] {
            let subject = Subject {
                ticket: &ticket,
                category: StatusCategory::Open,
                reopen_count: 0,
                reassignment_count: 0,
                customer_reply_count: 0,
                escalation_level: 0,
                priorities: &[],
            };
            match self.value(&subject) {
                Ok(Value::Bool(_)) | Err(_) => {}
                Ok(other) => {
                    return Err(ExpressionError::NotTruth {
                        kind: format!("a value of type {}", other.type_of()),
                    });
                }
            }
        }
        Ok(())
    }
}

fn full_ticket() -> Ticket {
    let mut ticket = Ticket::default();
    for field in TextField::ALL {
        ticket.merge(&[Change::Text(field, Some("text".into()))]);
    }
    ticket.merge(&[
        Change::Number(NumberField::Severity, Some(0.5)),
        Change::Number(NumberField::Satisfaction, Some(0.5)),
        Change::Tags(vec!["tag".into()]),
        Change::Label("name".into(), Some("value".into())),
    ]);
    ticket
}

fn syntax_error(source: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let first = errors.errors.first();
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let before: usize = source
        .split_inclusive('\n')
        .take(usize::try_from(line - 1).unwrap_or(0))
        .map(str::len)
        .sum();
    let message = first.map_or_else(String::new, |error| error.msg.clone());
    // What the parser's own guard says is not made for people.
    let message = if message.contains("Recursion limit") {
        "it is nested too deep".to_owned()
    } else {
        message
    };
    ExpressionError::Syntax {
        column: before + usize::try_from(column).unwrap_or(1).max(1),
        message,
    }
}

#[cfg(test)]
mod tests;
