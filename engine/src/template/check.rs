//! What a template may name: known variables, fields, filters, tests and time zones, on every
//! branch, so that a rare one does not fail on the day it is needed.
//!
//! To be sure of that, `ticket` and `ticket.labels` are only ever asked for a part: a whole that
//! went into a variable of the template's own could be asked for anything.

use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::machinery::ast::{CallArg, Expr, Filter, GetAttr, GetItem, IfCond, Stmt};
use minijinja::machinery::{Span, parse};

use super::error::{Flaw, Part, TemplateError};
use super::filters::{self, FILTERS, TESTS};
use super::tree::{constant, described, is_labels, range, variable, written_out};
use super::variables::{TICKET, VARIABLES};
use crate::time::Timestamp;

/// The parts of `ticket`.
pub const FIELDS: [&str; 16] = [
    "id",
    "status",
    "priority",
    "category",
    "queue",
    "assignee",
    "requester",
    "organization",
    "tier",
    "channel",
    "subject",
    "vendor",
    "severity",
    "satisfaction",
    "tags",
    "labels",
];

/// What tells of the present turn of a loop.
const LOOP: &str = "loop";

/// The parts of `loop`.
const LOOP_PARTS: [&str; 7] = [
    "first",
    "index",
    "index0",
    "last",
    "length",
    "revindex",
    "revindex0",
];

/// Filters that take the labels as a whole, and make names or pairs of them.
const WHOLE_LABELS: [&str; 6] = ["first", "items", "join", "last", "length", "sort"];

/// Checks one text of a template.
pub(super) fn check(part: Part, source: &str, flaws: &mut Vec<Flaw>) {
    let tree = match parse(source, part.name(), super::syntax()) {
        Ok(tree) => tree,
        Err(error) => {
            flaws.push(Flaw::syntax(part, &error));
            return;
        }
    };
    let mut check = Check {
        part,
        source,
        known: vec![BTreeSet::new()],
        loops: 0,
        flaws,
    };
    check.statement(&tree);
}

struct Check<'s, 'f> {
    part: Part,
    source: &'s str,
    /// Variables of the template's own, the innermost block last.
    known: Vec<BTreeSet<&'s str>>,
    /// How many loops are around.
    loops: usize,
    flaws: &'f mut Vec<Flaw>,
}

impl<'s> Check<'s, '_> {
    fn flaw(&mut self, range: Range<usize>, error: TemplateError) {
        self.flaws.push(Flaw::new(self.part, range, error));
    }

    fn statement(&mut self, statement: &Stmt<'s>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(repeated) => {
                if repeated.recursive {
                    self.misplaced(repeated.span(), "recursive");
                }
                if !is_labels(&repeated.iter) {
                    self.expression(&repeated.iter);
                }
                self.loops += 1;
                self.block(|check| {
                    check.assign(&repeated.target);
                    check.optional(repeated.filter_expr.as_ref());
                    check.statements(&repeated.body);
                });
                self.loops -= 1;
                self.block(|check| check.statements(&repeated.else_body));
            }
            Stmt::IfCond(condition) => self.condition(condition),
            Stmt::WithBlock(with) => self.block(|check| {
                for (target, value) in &with.assignments {
                    check.expression(value);
                    check.assign(target);
                }
                check.statements(&with.body);
            }),
            Stmt::Set(set) => {
                self.expression(&set.expr);
                self.assign(&set.target);
            }
            Stmt::SetBlock(set) => {
                self.optional(set.filter.as_ref());
                self.block(|check| check.statements(&set.body));
                self.assign(&set.target);
            }
            Stmt::FilterBlock(filtered) => {
                self.expression(&filtered.filter);
                self.block(|check| check.statements(&filtered.body));
            }
            Stmt::AutoEscape(escape) => self.misplaced(escape.span(), "autoescape"),
            Stmt::Do(call) => self.misplaced(call.span(), "do"),
        }
    }

    fn statements(&mut self, statements: &[Stmt<'s>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn misplaced(&mut self, span: Span, name: &'static str) {
        self.flaw(range(span), TemplateError::Statement { name });
    }

    /// What a block sets is gone after it.
    fn block(&mut self, inside: impl FnOnce(&mut Self)) {
        self.known.push(BTreeSet::new());
        inside(self);
        self.known.pop();
    }

    /// After a condition is known what both branches have set.
    fn condition(&mut self, condition: &IfCond<'s>) {
        self.expression(&condition.expr);
        let before = self.innermost().clone();
        self.statements(&condition.true_body);
        let after_true = std::mem::replace(self.innermost(), before);
        self.statements(&condition.false_body);
        self.innermost().retain(|name| after_true.contains(name));
    }

    fn innermost(&mut self) -> &mut BTreeSet<&'s str> {
        self.known
            .last_mut()
            .expect("the outermost block is never left")
    }

    fn assign(&mut self, target: &Expr<'s>) {
        if let Some(name) = variable(target) {
            if VARIABLES.contains(&name) || name == LOOP {
                let name = name.to_owned();
                self.flaw(range(target.span()), TemplateError::Reserved { name });
            } else {
                self.innermost().insert(name);
            }
        } else if let Expr::List(list) = target {
            list.items.iter().for_each(|item| self.assign(item));
        } else if let Expr::Tuple(tuple) = target {
            tuple.items.iter().for_each(|item| self.assign(item));
        } else {
            // A part of something that exists; it is refused as such.
            self.expression(target);
        }
    }

    fn optional(&mut self, expression: Option<&Expr<'s>>) {
        if let Some(expression) = expression {
            self.expression(expression);
        }
    }

    fn expressions(&mut self, expressions: &[Expr<'s>]) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn expression(&mut self, expression: &Expr<'s>) {
        match expression {
            Expr::Var(variable) if variable.id == TICKET => {
                self.flaw(range(variable.span()), TemplateError::WholeTicket);
            }
            Expr::Var(variable) => {
                let name = variable.id;
                let is_own = self.known.iter().any(|known| known.contains(name));
                if !is_own && !VARIABLES.contains(&name) {
                    let name = name.to_owned();
                    let error = TemplateError::UnknownVariable { name };
                    self.flaw(range(variable.span()), error);
                }
            }
            Expr::Const(_) => {}
            Expr::Slice(slice) => {
                self.expression(&slice.expr);
                for bound in [&slice.start, &slice.stop, &slice.step] {
                    self.optional(bound.as_ref());
                }
            }
            Expr::UnaryOp(operation) => self.expression(&operation.expr),
            Expr::BinOp(operation) => {
                self.expression(&operation.left);
                self.expression(&operation.right);
            }
            Expr::Compare(compare) => {
                self.expression(&compare.expr);
                compare.ops.iter().for_each(|op| self.expression(&op.expr));
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr);
                self.expression(&choice.true_expr);
                self.optional(choice.false_expr.as_ref());
            }
            Expr::Filter(filter) => self.filter(filter, expression.span()),
            Expr::Test(test) => {
                if !TESTS.contains(&test.name) {
                    let place = self.place_of(test.name, test.expr.span(), expression.span());
                    let name = test.name.to_owned();
                    self.flaw(place, TemplateError::UnknownTest { name });
                }
                self.expression(&test.expr);
                self.arguments(&test.args);
            }
            Expr::GetAttr(part) => self.attribute(part, expression.span()),
            Expr::GetItem(part) => self.item(part, expression.span()),
            Expr::Call(call) => {
                let name = described(&call.expr);
                self.flaw(range(expression.span()), TemplateError::Call { name });
            }
            Expr::List(list) => self.expressions(&list.items),
            Expr::Tuple(tuple) => self.expressions(&tuple.items),
            Expr::Map(map) => {
                self.expressions(&map.keys);
                self.expressions(&map.values);
            }
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'s>]) {
        for argument in arguments {
            let (CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value)) = argument;
            self.expression(value);
        }
    }

    fn filter(&mut self, filter: &Filter<'s>, span: Span) {
        let name = filter.name;
        if !FILTERS.contains(&name) {
            let place = match &filter.expr {
                Some(value) => self.place_of(name, value.span(), span),
                None => range(span),
            };
            let name = name.to_owned();
            self.flaw(place, TemplateError::UnknownFilter { name });
        }
        match &filter.expr {
            Some(value) if is_labels(value) && WHOLE_LABELS.contains(&name) => {}
            value => self.optional(value.as_ref()),
        }
        if name == "local" {
            self.zone(&filter.args, span);
        } else {
            self.arguments(&filter.args);
        }
    }

    /// A time zone that is not written out could turn out to be none when the text is needed.
    fn zone(&mut self, arguments: &[CallArg<'s>], span: Span) {
        let written: Vec<_> = arguments.iter().map(written_out).collect();
        let (zone, format) = match written.as_slice() {
            [Some(zone)] => (zone, None),
            [Some(zone), Some(format)] => (zone, Some(format)),
            _ => return self.flaw(range(span), TemplateError::OpenZone),
        };
        let error = if !filters::is_zone(&zone.0) {
            let name = zone.0.clone();
            TemplateError::UnknownZone { name }
        } else if let Some((format, place)) = format
            && filters::in_zone(Timestamp::default(), "UTC", format).is_none()
        {
            let format = format.clone();
            return self.flaw(place.clone(), TemplateError::BadFormat { format });
        } else {
            return;
        };
        self.flaw(zone.1.clone(), error);
    }

    fn attribute(&mut self, part: &GetAttr<'s>, span: Span) {
        let of = &part.expr;
        if variable(of) == Some(TICKET) {
            self.field(part.name, span);
        } else if variable(of) == Some(LOOP) && self.loops > 0 {
            if !LOOP_PARTS.contains(&part.name) {
                let name = format!("loop.{}", part.name);
                self.flaw(range(span), TemplateError::UnknownVariable { name });
            }
        } else if !is_labels(of) {
            let before = self.flaws.len();
            self.expression(of);
            if self.flaws.len() == before {
                let name = described(of);
                self.flaw(range(span), TemplateError::NoParts { name });
            }
        }
    }

    fn item(&mut self, part: &GetItem<'s>, span: Span) {
        let of = &part.expr;
        if variable(of) == Some(TICKET) {
            match constant(&part.subscript_expr) {
                Some(name) => self.field(&name, span),
                None => self.flaw(range(of.span()), TemplateError::WholeTicket),
            }
        } else {
            if !is_labels(of) {
                self.expression(of);
            }
            self.expression(&part.subscript_expr);
        }
    }

    /// A field of the ticket; the labels are only reached here when nothing is asked of them.
    fn field(&mut self, name: &str, span: Span) {
        if name == "labels" {
            self.flaw(range(span), TemplateError::WholeLabels);
        } else if !FIELDS.contains(&name) {
            let name = name.to_owned();
            self.flaw(range(span), TemplateError::UnknownField { name });
        }
    }

    /// Where a filter or a test is named: after the value that it is for.
    fn place_of(&self, name: &str, value: Span, whole: Span) -> Range<usize> {
        let after = range(value).end..range(whole).end;
        let found = self.source.get(after.clone()).and_then(|it| it.find(name));
        match found {
            Some(at) => after.start + at..after.start + at + name.len(),
            None => range(whole),
        }
    }
}
