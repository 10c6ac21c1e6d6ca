//! How much may stand in a template. Its tree is walked by recursion, here and when it is compiled,
//! and a chain of some thousand values or branches would be deeper than the stack.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};

use super::error::{Flaw, Part, TemplateError};
use super::tree::range;

/// Names, values and signs between one pair of braces; people write a dozen.
const PARTS_MAX: usize = 200;

/// `{% … %}` in one text; people write a dozen.
const STATEMENTS_MAX: usize = 200;

/// What is too much, if anything is. What cannot be read is left to the parser.
pub(super) fn excess(part: Part, source: &str) -> Option<Flaw> {
    let mut opened: Range<usize> = 0..0;
    let (mut parts, mut statements) = (0, 0);
    for read in tokenize(source, false, super::syntax()) {
        let (token, span) = read.ok()?;
        let is_statement = matches!(token, Token::BlockStart);
        if is_statement || matches!(token, Token::VariableStart) {
            (opened, parts) = (range(span), 0);
            statements += usize::from(is_statement);
        } else {
            parts += 1;
        }
        let (count, max, what) = if statements > STATEMENTS_MAX {
            (statements, STATEMENTS_MAX, "statements")
        } else if parts > PARTS_MAX {
            (parts, PARTS_MAX, "parts between two braces")
        } else {
            continue;
        };
        let error = TemplateError::TooMany { count, max, what };
        return Some(Flaw::new(part, opened, error));
    }
    None
}
