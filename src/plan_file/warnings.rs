//! Warnings: what sound plans say that nobody can have meant.
//!
//! They are looked for when there is no error any more, so that every plan is what it is written
//! as. Each has to be certain from the files alone: a warning that is wrong once is not read again.

mod calendars;
mod clocks;
mod conditions;
mod ladder;
mod unused;

use super::contradiction::Search;
use super::node::Node;
use super::plans::Placed;
use super::reader::Reader;
use super::scope::Scope;

/// Notes every warning about a sound set.
pub(super) fn collect(reader: &mut Reader, trees: &[Node], scope: &Scope, plans: &[Placed<'_>]) {
    let mut search = Search::new(scope.priorities());
    for placed in plans {
        conditions::of_plan(reader, &mut search, placed);
        clocks::of_plan(reader, placed);
        ladder::of_plan(reader, placed);
    }
    conditions::unreachable(reader, &mut search, plans);
    unused::goals(reader, scope, plans);
    // A set without plans is there to be referred to, or to be calculated with.
    if !plans.is_empty() {
        unused::declarations(reader, trees, scope, plans);
    }
    calendars::of_set(reader, scope);
}
