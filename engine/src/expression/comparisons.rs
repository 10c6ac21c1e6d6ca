//! What an expression compares fields with, where that is written out: for those who check plans.

use cel::common::ast::operators::{
    EQUALS, GREATER, GREATER_EQUALS, IN, LESS, LESS_EQUALS, NOT_EQUALS,
};
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue};

use super::check::is_ticket;
use crate::condition::Field;

/// A field that an expression compares with a value that is written out.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The field.
    pub field: Field,
    /// How it is compared.
    pub kind: ComparisonKind,
    /// The value.
    pub value: Literal,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonKind {
    /// With `==` or `!=`, or with an element of a list by `in`.
    Equality,
    /// With `<`, `<=`, `>` or `>=`.
    Order,
    /// As the text in which `contains`, `startsWith`, `endsWith` or `matches` looks for another.
    Part,
}

/// A value that is written out.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
}

/// Every comparison of a field with a text or a number.
pub(super) fn collect(node: &IdedExpr, found: &mut Vec<Comparison>) {
    match &node.expr {
        Expr::Call(call) => {
            of_call(call, found);
            let parts = call.target.iter().map(|target| &**target).chain(&call.args);
            parts.for_each(|part| collect(part, found));
        }
        Expr::Select(select) => collect(&select.operand, found),
        Expr::List(list) => list.elements.iter().for_each(|part| collect(part, found)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    collect(&entry.key, found);
                    collect(&entry.value, found);
                }
            }
        }
        Expr::Comprehension(it) => {
            for part in [
                &it.iter_range,
                &it.accu_init,
                &it.loop_cond,
                &it.loop_step,
                &it.result,
            ] {
                collect(part, found);
            }
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

fn of_call(call: &CallExpr, found: &mut Vec<Comparison>) {
    let mut compare = |field: &IdedExpr, kind, value: &IdedExpr| {
        if let (Some(field), Some(value)) = (field_of(field), literal(value)) {
            found.push(Comparison { field, kind, value });
        }
    };
    match (&*call.func_name, call.target.as_deref(), &*call.args) {
        (EQUALS | NOT_EQUALS, None, [a, b]) => {
            compare(a, ComparisonKind::Equality, b);
            compare(b, ComparisonKind::Equality, a);
        }
        (LESS | LESS_EQUALS | GREATER | GREATER_EQUALS, None, [a, b]) => {
            compare(a, ComparisonKind::Order, b);
            compare(b, ComparisonKind::Order, a);
        }
        (IN, None, [field, list]) => {
            if let Expr::List(list) = &list.expr {
                for element in &list.elements {
                    compare(field, ComparisonKind::Equality, element);
                }
            }
        }
        ("contains" | "startsWith" | "endsWith" | "matches", Some(field), [part]) => {
            compare(field, ComparisonKind::Part, part);
        }
        _ => {}
    }
}

/// The field that `ticket.x` names; labels may have any text.
fn field_of(node: &IdedExpr) -> Option<Field> {
    let Expr::Select(select) = &node.expr else {
        return None;
    };
    if select.test || !is_ticket(&select.operand) {
        return None;
    }
    Field::named(&select.field)
}

fn literal(node: &IdedExpr) -> Option<Literal> {
    let Expr::Literal(literal) = &node.expr else {
        return None;
    };
    match literal {
        LiteralValue::String(text) => Some(Literal::Text(text.inner().to_owned())),
        LiteralValue::Double(number) => Some(Literal::Number(*number.inner())),
        LiteralValue::Int(number) => Some(Literal::Number(*number.inner() as f64)),
        LiteralValue::UInt(number) => Some(Literal::Number(*number.inner() as f64)),
        LiteralValue::Boolean(_) | LiteralValue::Bytes(_) | LiteralValue::Null => None,
    }
}
