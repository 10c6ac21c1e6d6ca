//! Lists of priorities that stand the wrong way round.

use std::cmp::Ordering;

use escalator_engine::length::Length;
use escalator_engine::plan::{MatrixField, Timeframe, Within};
use escalator_engine::ticket::{Text, TextField};

use crate::plan_file::plans::Placed;
use crate::plan_file::problem::{Code, Place, Problem};
use crate::plan_file::reader::Reader;
use crate::plan_file::scope::Scope;

/// Words whose order nobody doubts.
const RANKS: [(&str, u8); 7] = [
    ("low", 0),
    ("normal", 1),
    ("medium", 1),
    ("high", 2),
    ("critical", 3),
    ("urgent", 3),
    ("emergency", 3),
];

/// Priorities that are too many to be written down in a remedy.
const SHOWN_MAX: usize = 10;

/// Warns of a list of priorities that contradicts its words, or every matrix that goes by it.
pub(super) fn of_set(reader: &mut Reader, scope: &Scope, plans: &[&Placed<'_>]) {
    let Some((names, place)) = scope.declared_priorities() else {
        return;
    };
    if let Some((higher, lower)) = by_words(names) {
        let message = format!("`{higher}` stands below `{lower}` in the list of priorities");
        reader.report(Code::ReversedPriorities, place, &message, &remedy(names));
        return;
    }
    let mut reversed = None;
    for placed in plans {
        for (timeframe, node) in placed.timeframes() {
            match by_matrix(timeframe, names) {
                Some(Direction::Sound) => return,
                Some(Direction::Reversed(above, below)) => {
                    reversed = reversed.or_else(|| {
                        let matrix = node.get("within")?.place;
                        Some((matrix, &timeframe.name, above, below))
                    });
                }
                None => {}
            }
        }
    }
    if let Some((matrix, timeframe, above, below)) = reversed {
        let message = format!(
            "`{above}` stands above `{below}` in the list of priorities, but `{timeframe}` gives it more time"
        );
        report(reader, (place, matrix), &message, names);
    }
}

fn report(reader: &mut Reader, (place, matrix): (Place, Place), message: &str, names: &[Text]) {
    let problem = Problem::new(Code::ReversedPriorities, place, message, &remedy(names));
    reader.push(problem.with_other(matrix, "the matrix"));
}

fn remedy(names: &[Text]) -> String {
    if names.len() > SHOWN_MAX {
        return "list the least urgent priority first".to_owned();
    }
    let turned: Vec<&str> = names.iter().rev().map(|name| &**name).collect();
    format!(
        "list the least urgent one first: `priorities: [{}]`",
        turned.join(", ")
    )
}

/// The first two words of a list in which all words that are known stand the wrong way round.
fn by_words(names: &[Text]) -> Option<(&Text, &Text)> {
    let rank = |name: &Text| {
        let name = name.to_lowercase();
        let known = RANKS.iter().find(|(word, _)| *word == name);
        known.map(|(_, rank)| *rank)
    };
    let known: Vec<(&Text, u8)> = names
        .iter()
        .filter_map(|name| Some((name, rank(name)?)))
        .collect();
    let mut reversed = None;
    for pair in known.windows(2) {
        let [(lower, below), (higher, above)] = pair else {
            continue;
        };
        match below.cmp(above) {
            Ordering::Less => return None,
            Ordering::Equal => {}
            Ordering::Greater => reversed = reversed.or(Some((*lower, *higher))),
        }
    }
    reversed
}

/// What the rows of a matrix say of the list of priorities.
#[derive(Clone, Copy)]
enum Direction<'p> {
    /// Some priority has less time than one below it.
    Sound,
    /// The first priority has more time than the second one, which stands below it, and no other has
    /// less than one below it.
    Reversed(&'p Text, &'p Text),
}

/// None where all rows are the same, or cannot be compared.
fn by_matrix<'p>(timeframe: &Timeframe, names: &'p [Text]) -> Option<Direction<'p>> {
    let Within::By { field, values, .. } = &timeframe.within else {
        return None;
    };
    if *field != MatrixField::Text(TextField::Priority) {
        return None;
    }
    let rows = names.iter();
    let rows: Vec<_> = rows
        .filter_map(|name| Some((name, *values.get(name)?)))
        .collect();
    let mut reversed = None;
    for pair in rows.windows(2) {
        let [(below, shorter), (above, longer)] = pair else {
            continue;
        };
        match compared(*shorter, *longer) {
            Some(Ordering::Greater) => return Some(Direction::Sound),
            Some(Ordering::Less) => {
                reversed = reversed.or(Some(Direction::Reversed(above, below)));
            }
            Some(Ordering::Equal) | None => {}
        }
    }
    reversed
}

/// Working time and working days are compared by no calendar here.
fn compared(a: Length, b: Length) -> Option<Ordering> {
    match (a, b) {
        (Length::Working(a), Length::Working(b)) => Some(a.cmp(&b)),
        (Length::Days(a), Length::Days(b)) => Some(a.count().cmp(&b.count())),
        (Length::Working(_), Length::Days(_)) | (Length::Days(_), Length::Working(_)) => None,
    }
}
