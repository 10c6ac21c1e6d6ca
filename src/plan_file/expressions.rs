//! Conditions in CEL: the engine checks them, here its refusals get their codes and remedies.

use escalator_engine::condition::{Condition, Field, Scalar};
use escalator_engine::expression::{
    Comparison, ComparisonKind, Expression, ExpressionError, Literal,
};
use escalator_engine::status::StatusCategory;
use escalator_engine::ticket::TextField;

use super::conditions::number;
use super::node::Node;
use super::problem::Code;
use super::reader::{Reader, did_you_mean};
use super::scope::Scope;

/// Expressions of a set. Each takes up to a millisecond to be compiled, and some microseconds for every
/// event.
const EXPRESSIONS_MAX: usize = 1000;

/// Reads an expression.
pub(super) fn expression(
    reader: &mut Reader,
    scope: &Scope,
    node: &Node,
    source: &str,
) -> Condition {
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
        Ok(expression) => {
            for comparison in expression.comparisons() {
                check(reader, scope, node, &comparison);
            }
            Condition::Expression(Box::new(expression))
        }
        Err(error) => {
            let (code, remedy) = advice(&error);
            reader.report(code, node.place, &error.to_string(), &remedy);
            Condition::default()
        }
    }
}

/// Warns of a comparison that the map form of the condition would be refused or warned of for.
fn check(reader: &mut Reader, scope: &Scope, node: &Node, comparison: &Comparison) {
    let Comparison { field, kind, value } = comparison;
    let name = field.name();
    let (message, remedy) = match (kind, value) {
        (_, Literal::Text(text)) if *field == Field::Tags => (
            format!("`ticket.tags` is a list, and `'{text}'` is a text"),
            format!("write `'{text}' in ticket.tags`, or `ticket.tags.exists(tag, …)`"),
        ),
        (ComparisonKind::Part, _) if field.is_number() => (
            format!("`ticket.{name}` is a number, which has no parts"),
            "compare it with a number".to_owned(),
        ),
        (_, Literal::Text(text)) if field.is_number() => (
            format!("`ticket.{name}` is a number, and `'{text}'` is a text"),
            "write a number without quotes".to_owned(),
        ),
        (_, Literal::Number(found)) if !field.is_number() => (
            format!("`ticket.{name}` is no number, and `{found}` is one"),
            "put it in quotes when it is a text".to_owned(),
        ),
        (ComparisonKind::Order, Literal::Text(text))
            if *field == Field::Text(TextField::Priority) =>
        {
            (
                format!("`ticket.priority` is compared with `'{text}'` by the alphabet"),
                "write a map for the order of the list, as in `priority: { at_least: high }`, or list them: `ticket.priority in ['high', 'critical']`".to_owned(),
            )
        }
        (ComparisonKind::Equality, Literal::Text(text)) if *field == Field::StatusCategory => {
            if StatusCategory::named(text).is_some() {
                return;
            }
            let names = StatusCategory::ALL.map(StatusCategory::name);
            (
                format!("`ticket.status_category` is never `'{text}'`"),
                did_you_mean(text, &names, "the categories are"),
            )
        }
        (ComparisonKind::Equality, Literal::Text(text)) => {
            if *field == Field::Text(TextField::Priority) && !scope.has_priority(text) {
                scope.unknown_priority(reader, node.place, text);
            }
            return;
        }
        (ComparisonKind::Equality | ComparisonKind::Order, Literal::Number(found)) => {
            number(reader, field, node, &Scalar::new(&found.to_string()));
            return;
        }
        (ComparisonKind::Order | ComparisonKind::Part, _) => return,
    };
    reader.report(Code::MisfitComparison, node.place, &message, &remedy);
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
