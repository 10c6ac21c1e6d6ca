//! Warnings: what sound plans say that nobody can have meant.
//!
//! Each has to be certain from the files alone: a warning that is wrong once is not read again. So they
//! are looked for in plans without an error, which are what they are written as, as long as the
//! declarations have none; and what nothing refers to is told of when no plan has one.

mod calendars;
mod clocks;
mod conditions;
mod days;
mod early;
mod ladder;
mod never;
mod priorities;
mod unused;

use super::contradiction::Search;
use super::node::Node;
use super::plans::Placed;
use super::reader::Reader;
use super::scope::Scope;

/// Notes every warning about what is sound of a set.
pub(super) fn collect(reader: &mut Reader, trees: &[Node], scope: &Scope, plans: &[Placed<'_>]) {
    if !scope.is_sound {
        return;
    }
    let sound: Vec<&Placed<'_>> = plans.iter().filter(|placed| placed.is_sound).collect();
    let mut search = Search::new(scope.priorities());
    for placed in &sound {
        conditions::of_plan(reader, &mut search, scope, placed);
        clocks::of_plan(reader, placed);
        ladder::of_plan(reader, placed);
        never::of_plan(reader, placed);
        early::of_plan(reader, placed);
        days::of_plan(reader, scope, placed);
    }
    conditions::unreachable(reader, &mut search, &sound);
    if sound.len() == plans.len() {
        unused::goals(reader, scope, plans);
        // A set without plans is there to be referred to, or to be calculated with.
        if !plans.is_empty() {
            unused::declarations(reader, trees, scope, plans);
        }
    }
    priorities::of_set(reader, scope, &sound);
    calendars::of_set(reader, scope);
}
