//! What an expression may be: known fields, variables and functions, and a bounded cost.
//!
//! The bound is static. Without macros every part is evaluated at most once; a macro evaluates its
//! body for each of at most 200 tags or labels, and macros do not nest. So 500 parts are at most
//! 100,000 steps, and texts grow by at most 4 KiB for each of them.

use std::collections::BTreeSet;

use cel::common::ast::operators::{INDEX, NOT_EQUALS};
use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr,
};
use regex::RegexBuilder;

use super::ExpressionError;
use super::ticket_variable::{TICKET, is_field};

/// Parts of an expression, macros spelt out.
const NODES_MAX: usize = 500;

/// A pattern is compiled for every evaluation: this keeps it to some tens of microseconds.
const PATTERN_BYTES_MAX: usize = 16 << 10;

/// The functions of the standard library that are of use here. What stands for an operator does
/// not begin with a letter.
const FUNCTIONS: [&str; 12] = [
    "bool",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// The types that can be named.
const TYPES: [&str; 9] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "uint",
];

/// Checks an expression, and spells `has(ticket.x)` out: to CEL an empty field that is `null` is
/// one that is there.
pub(super) fn check(root: &mut IdedExpr) -> Result<(), ExpressionError> {
    let mut check = Check::default();
    check.visit(root)?;
    if check.nodes > NODES_MAX {
        return Err(ExpressionError::TooManyParts {
            nodes: check.nodes,
            max: NODES_MAX,
        });
    }
    Ok(())
}

#[derive(Default)]
struct Check {
    nodes: usize,
    is_in_macro: bool,
    variables: BTreeSet<String>,
}

impl Check {
    fn visit(&mut self, node: &mut IdedExpr) -> Result<(), ExpressionError> {
        self.nodes += 1;
        spell_out(node);
        match &mut node.expr {
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list
                .elements
                .iter_mut()
                .try_for_each(|element| self.visit(element)),
            Expr::Map(map) => self.entries(map),
            Expr::Comprehension(_) if self.is_in_macro => Err(ExpressionError::NestedMacros),
            Expr::Comprehension(comprehension) => {
                let makes_list = matches!(comprehension.accu_init.expr, Expr::List(_));
                if makes_list && !has_order(&comprehension.iter_range) {
                    return Err(ExpressionError::NoOrder);
                }
                self.visit(&mut comprehension.iter_range)?;
                self.is_in_macro = true;
                let names = [&comprehension.iter_var, &comprehension.accu_var];
                self.variables.extend(names.into_iter().cloned());
                self.variables.extend(comprehension.iter_var2.clone());
                for part in [
                    &mut comprehension.accu_init,
                    &mut comprehension.loop_cond,
                    &mut comprehension.loop_step,
                    &mut comprehension.result,
                ] {
                    self.visit(part)?;
                }
                self.variables.clear();
                self.is_in_macro = false;
                Ok(())
            }
            Expr::Struct(message) => Err(ExpressionError::UnknownVariable {
                name: message.type_name.clone(),
            }),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn variable(&self, name: &str) -> Result<(), ExpressionError> {
        if name == TICKET {
            return Err(ExpressionError::WholeTicket);
        }
        if self.variables.contains(name) || TYPES.contains(&name) {
            return Ok(());
        }
        Err(ExpressionError::UnknownVariable {
            name: name.to_owned(),
        })
    }

    fn select(&mut self, select: &mut SelectExpr) -> Result<(), ExpressionError> {
        if !is_ticket(&select.operand) {
            return self.visit(&mut select.operand);
        }
        self.nodes += 1;
        if is_field(&select.field) {
            Ok(())
        } else {
            Err(ExpressionError::UnknownField {
                name: select.field.clone(),
            })
        }
    }

    fn call(&mut self, call: &mut CallExpr) -> Result<(), ExpressionError> {
        let name = &call.func_name;
        let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !is_operator && !FUNCTIONS.contains(&&**name) {
            return Err(ExpressionError::UnknownFunction { name: name.clone() });
        }
        if name == "matches" {
            let pattern = call.args.last().map(|argument| &argument.expr);
            let Some(Expr::Literal(LiteralValue::String(pattern))) = pattern else {
                return Err(ExpressionError::OpenPattern);
            };
            if self.is_in_macro {
                return Err(ExpressionError::OpenPattern);
            }
            let pattern = pattern.inner();
            RegexBuilder::new(pattern)
                .size_limit(PATTERN_BYTES_MAX)
                .build()
                .map_err(|_| ExpressionError::BadPattern {
                    pattern: pattern.to_owned(),
                })?;
        }
        if let Some(target) = &mut call.target {
            self.visit(target)?;
        }
        call.args
            .iter_mut()
            .try_for_each(|argument| self.visit(argument))
    }

    fn entries(&mut self, map: &mut MapExpr) -> Result<(), ExpressionError> {
        for entry in &mut map.entries {
            if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                self.visit(&mut entry.key)?;
                self.visit(&mut entry.value)?;
            }
        }
        Ok(())
    }
}

/// Whether what a macro goes through comes in an order that is the same every time.
fn has_order(range: &IdedExpr) -> bool {
    match &range.expr {
        Expr::List(_) => true,
        Expr::Select(select) => is_ticket(&select.operand) && select.field == "tags",
        Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => false,
    }
}

/// Whether a part is the one variable.
pub(super) fn is_ticket(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name == TICKET)
}

/// Writes `ticket['x']` as `ticket.x`, and `has(ticket.x)` as a comparison with what is empty.
fn spell_out(node: &mut IdedExpr) {
    if let Expr::Call(call) = &node.expr
        && call.func_name == INDEX
        && let [operand, index] = &*call.args
        && is_ticket(operand)
        && let Expr::Literal(LiteralValue::String(field)) = &index.expr
    {
        node.expr = Expr::Select(SelectExpr {
            operand: Box::new(operand.clone()),
            field: field.inner().to_owned(),
            test: false,
        });
    }
    if let Expr::Select(select) = &node.expr
        && select.test
        && is_ticket(&select.operand)
    {
        let empty = match &*select.field {
            "tags" => Expr::List(ListExpr::default()),
            "labels" => Expr::Map(MapExpr::default()),
            _ => Expr::Literal(LiteralValue::Null),
        };
        let field = Expr::Select(SelectExpr {
            test: false,
            ..select.clone()
        });
        node.expr = Expr::Call(CallExpr {
            func_name: NOT_EQUALS.to_owned(),
            target: None,
            args: [field, empty]
                .map(|expr| IdedExpr { id: node.id, expr })
                .into(),
        });
    }
}
