//! Whether conditions can hold together for some ticket, as far as their structure tells.
//!
//! A condition asks about fields, and fields do not depend on each other. So each way to fulfil
//! the conditions is a list of tests by field, and it is enough to try every field with the few
//! values at which its tests can change their mind: the values that are written, one beside them,
//! and none. The engine's own tests do the trying, so that nothing here can disagree with them.
//!
//! An expression in CEL may hold and may not. What would take too long to find out counts as
//! possible: a contradiction is certain, the absence of one is not.

#[cfg(test)]
mod tests;
mod values;

use escalator_engine::condition::{Condition, Field, Test};
use escalator_engine::ticket::Text;

use self::values::{Values, scalars};

/// Steps that looking for contradictions in a whole set may take: a tenth of a second, and a hundred
/// times what the largest plans that people write need.
const STEPS_MAX: usize = 3_000_000;

/// Choices within choices; the stack bears far more, and people write two or three.
const CHOICES_MAX: usize = 50;

/// Looks for contradictions.
#[derive(Debug)]
pub(super) struct Search<'s> {
    priorities: &'s [Text],
    steps_left: usize,
}

/// Conditions that cannot hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// The field about which they contradict each other; none when there are several.
    pub(super) field: Option<String>,
}

/// A condition, and whether it has to hold or has to fail.
pub(super) type Wanted<'c> = (&'c Condition, bool);

/// A test on a field, and whether it has to pass or has to fail.
type Chosen<'c> = (&'c Field, &'c Test, bool);

impl<'s> Search<'s> {
    /// A search by this list of priorities.
    pub(super) const fn new(priorities: &'s [Text]) -> Self {
        Self {
            priorities,
            steps_left: STEPS_MAX,
        }
    }

    /// Why no ticket is as wanted; none when there may be one.
    pub(super) fn contradiction(&mut self, wanted: &[Wanted<'_>]) -> Option<Contradiction> {
        self.find(wanted.to_vec(), Vec::new(), 0).err()
    }

    /// Looks for a way to fulfil what is wanted beside what was chosen.
    fn find<'c>(
        &mut self,
        mut wanted: Vec<Wanted<'c>>,
        mut chosen: Vec<Chosen<'c>>,
        choices: usize,
    ) -> Result<(), Contradiction> {
        if choices > CHOICES_MAX || !self.takes(wanted.len() + chosen.len()) {
            return Ok(());
        }
        // What has to be is looked at before what may be one way or another.
        let mut undecided = Vec::new();
        while let Some((condition, holds)) = wanted.pop() {
            match condition {
                Condition::Expression(_) => {}
                Condition::Not(inner) => wanted.push((inner, !holds)),
                Condition::All(parts) if holds => wanted.extend(parts.iter().map(|it| (it, true))),
                Condition::Any(parts) if !holds => {
                    wanted.extend(parts.iter().map(|it| (it, false)));
                }
                Condition::Field(field, tests) if holds || tests.len() == 1 => {
                    chosen.extend(tests.iter().map(|test| (field, test, holds)));
                }
                Condition::All(_) | Condition::Any(_) | Condition::Field(..) => {
                    undecided.push((condition, holds));
                }
            }
        }
        self.all_fields(&chosen)?;
        match undecided.pop() {
            None => Ok(()),
            Some((Condition::All(parts) | Condition::Any(parts), holds)) => {
                self.first(parts, |search, part| {
                    let mut wanted = undecided.clone();
                    wanted.push((part, holds));
                    search.find(wanted, chosen.clone(), choices + 1)
                })
            }
            Some((Condition::Field(field, tests), _)) => self.first(tests, |search, test| {
                let mut chosen = chosen.clone();
                chosen.push((field, test, false));
                search.find(undecided.clone(), chosen, choices + 1)
            }),
            Some((Condition::Not(_) | Condition::Expression(_), _)) => Ok(()),
        }
    }

    /// The first of several ways that leads somewhere; why not, when none does.
    fn first<'c, T>(
        &mut self,
        ways: &'c [T],
        mut find: impl FnMut(&mut Self, &'c T) -> Result<(), Contradiction>,
    ) -> Result<(), Contradiction> {
        let mut found: Option<Contradiction> = None;
        for way in ways {
            let Err(contradiction) = find(self, way) else {
                return Ok(());
            };
            match &mut found {
                Some(before) if *before != contradiction => before.field = None,
                Some(_) => {}
                None => found = Some(contradiction),
            }
        }
        Err(found.unwrap_or(Contradiction { field: None }))
    }

    /// Takes some steps; false when there are not so many left.
    fn takes(&mut self, steps: usize) -> bool {
        let left = self.steps_left.checked_sub(steps);
        self.steps_left = left.unwrap_or(0);
        left.is_some()
    }

    fn all_fields(&mut self, chosen: &[Chosen<'_>]) -> Result<(), Contradiction> {
        if !self.takes(chosen.len().saturating_mul(chosen.len())) {
            return Ok(());
        }
        for (place, (field, _, _)) in chosen.iter().enumerate() {
            let is_first = chosen[..place].iter().all(|(before, _, _)| before != field);
            let of_field = || chosen.iter().filter(|(other, _, _)| other == field);
            if is_first && !self.can_pass(field, &of_field().copied().collect::<Vec<_>>()) {
                return Err(Contradiction {
                    field: Some(field.name()),
                });
            }
        }
        Ok(())
    }

    /// Whether some value of a field passes all tests on it.
    fn can_pass(&mut self, field: &Field, chosen: &[Chosen<'_>]) -> bool {
        let written: usize = chosen.iter().map(|(_, test, _)| scalars(test).len()).sum();
        // Each value that is tried is compared with each that is written; some are tried besides.
        let comparisons = (written + 8).saturating_mul(written + 8);
        if !self.takes(comparisons) {
            return true;
        }
        let Some(values) = Values::of(field, chosen, self.priorities) else {
            return true;
        };
        values.any(self.priorities, |subject| {
            chosen.iter().all(|(_, test, passes)| {
                is_left_out(field, test, *passes) || subject.passes(field, test) == *passes
            })
        })
    }
}

/// "Not all of these tags" is the one test that neither the fewest nor the most tags decide; it is
/// not looked at.
fn is_left_out(field: &Field, test: &Test, passes: bool) -> bool {
    match test {
        Test::Not(inner) => is_left_out(field, inner, !passes),
        Test::All(scalars) => *field == Field::Tags && !passes && scalars.len() > 1,
        Test::Any(_)
        | Test::None(_)
        | Test::AtLeast(_)
        | Test::AtMost(_)
        | Test::Contains(_)
        | Test::Exists(_) => false,
    }
}
