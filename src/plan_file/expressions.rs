//! Conditions in CEL: the engine checks them, here its refusals get their codes and remedies.

use escalator_engine::condition::{Condition, Field};
use escalator_engine::expression::{Expression, ExpressionError};

use super::node::Node;
use super::problem::Code;
use super::reader::{Reader, did_you_mean};

/// Expressions of a set. Each takes up to a millisecond to be compiled, and some microseconds for every
/// event.
const EXPRESSIONS_MAX: usize = 1000;

/// Reads an expression.
pub(super) fn expression(reader: &mut Reader, node: &Node, source: &str) -> Condition {
    reader.expressions += 1;
    if reader.expressions > EXPRESSIONS_MAX {
        if reader.expressions == EXPRESSIONS_MAX + 1 {
            reader.report(
                Code::TooMany,
                node.place,
                &format!("there are more than {EXPRESSIONS_MAX} expressions"),
                "write maps of fields, as in `{ tier: gold }`: they cost less",
            );
        }
        return Condition::default();
    }
    match Expression::new(source) {
        Ok(expression) => Condition::Expression(Box::new(expression)),
        Err(error) => {
            let (code, remedy) = advice(&error);
            reader.report(code, node.place, &error.to_string(), &remedy);
            Condition::default()
        }
    }
}

fn advice(error: &ExpressionError) -> (Code, String) {
    let (code, remedy) = match error {
        ExpressionError::UnknownField { name } => {
            let mut names = Field::names();
            names.push("labels");
            return (
                Code::UnknownField,
                did_you_mean(name, &names, "the fields are"),
            );
        }
        ExpressionError::Syntax { .. } => (
            Code::BadExpression,
            "write a map of fields as in `{ priority: critical }`, or an expression as in `\"ticket.priority == 'critical'\"`",
        ),
        ExpressionError::UnknownVariable { .. } => (
            Code::BadExpression,
            "the one variable is `ticket`, as in `ticket.priority`; texts stand in quotes",
        ),
        ExpressionError::UnknownFunction { .. } => (
            Code::BadExpression,
            "there are `size`, `contains`, `startsWith`, `endsWith`, `matches`, `has`, `exists`, `all`, `exists_one`, `map`, `filter` and the conversions",
        ),
        ExpressionError::WholeTicket => (Code::BadExpression, "ask for a field: `ticket.priority`"),
        ExpressionError::NotTruth { .. } => (
            Code::BadExpression,
            "compare it with something, as in `ticket.reopen_count >= 2`",
        ),
        ExpressionError::NoOrder => (
            Code::BadExpression,
            "ask with `exists` or `all`, which go through labels too",
        ),
        ExpressionError::BadPattern { .. } => (
            Code::BadExpression,
            "write a regular expression without large repetitions",
        ),
        ExpressionError::TooLong { .. } | ExpressionError::TooManyParts { .. } => (
            Code::CostlyExpression,
            "it is evaluated for every event: split it, or use lists as in `{ priority: [high, critical] }`",
        ),
        ExpressionError::NestedMacros => (
            Code::CostlyExpression,
            "ask about one list at a time: `ticket.tags.exists(t, t == 'a')`",
        ),
        ExpressionError::OpenPattern => (
            Code::CostlyExpression,
            "write the pattern out, or use `contains`, `startsWith` or `endsWith`",
        ),
    };
    (code, remedy.to_owned())
}
