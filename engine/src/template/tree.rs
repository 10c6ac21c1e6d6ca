//! Looking at single nodes of a template's tree.

use std::ops::Range;

use minijinja::machinery::Span;
use minijinja::machinery::ast::{CallArg, Expr};

use super::variables::TICKET;

/// The bytes of a node.
pub(super) fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

/// The name of a variable.
pub(super) fn variable<'s>(expression: &Expr<'s>) -> Option<&'s str> {
    if let Expr::Var(variable) = expression {
        Some(variable.id)
    } else {
        None
    }
}

/// The text of a constant.
pub(super) fn constant(expression: &Expr<'_>) -> Option<String> {
    if let Expr::Const(constant) = expression {
        constant.value.as_str().map(str::to_owned)
    } else {
        None
    }
}

/// Whether this is the labels of the ticket as a whole.
pub(super) fn is_labels(expression: &Expr<'_>) -> bool {
    let (of, name) = if let Expr::GetAttr(part) = expression {
        (&part.expr, Some(part.name.to_owned()))
    } else if let Expr::GetItem(part) = expression {
        (&part.expr, constant(&part.subscript_expr))
    } else {
        return false;
    };
    variable(of) == Some(TICKET) && name.as_deref() == Some("labels")
}

/// An expression for people, without its details.
pub(super) fn described(expression: &Expr<'_>) -> String {
    if let Expr::GetAttr(part) = expression {
        format!("{}.{}", described(&part.expr), part.name)
    } else {
        match variable(expression) {
            Some(name) => name.to_owned(),
            None => format!("the {}", expression.description()),
        }
    }
}

/// An argument that is a text, and where it stands.
pub(super) fn written_out(argument: &CallArg<'_>) -> Option<(String, Range<usize>)> {
    let CallArg::Pos(value) = argument else {
        return None;
    };
    Some((constant(value)?, range(value.span())))
}
