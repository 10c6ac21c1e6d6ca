//! Tables in plain text: columns that line up, names to the left and numbers to the right.

use std::fmt;

use super::words::{harmless, shortened};

/// The width that a name gets at most, so that a table of a few numbers fits into 80 columns.
const NAME_WIDTH_MAX: usize = 40;

/// The side at which the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// A table under construction.
#[derive(Clone, Debug)]
pub struct Columns<const N: usize> {
    sides: [Side; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    /// A table whose first columns are names and whose others are numbers, with its headings.
    #[must_use]
    pub fn new(names: usize, headings: [&str; N]) -> Self {
        let side = |column| {
            if column < names {
                Side::Left
            } else {
                Side::Right
            }
        };
        Self {
            sides: std::array::from_fn(side),
            rows: vec![headings.map(str::to_owned)],
        }
    }

    /// Adds a row. Names may come from outside: what a terminal would obey is taken out.
    pub fn add(&mut self, cells: [String; N]) {
        let cells = cells.map(|cell| shortened(&harmless(&cell), NAME_WIDTH_MAX).into_owned());
        self.rows.push(cells);
    }

    /// How many rows there are besides the headings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() - 1
    }

    /// Whether there are headings only.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Two blanks before the table and between its columns.
impl<const N: usize> fmt::Display for Columns<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), side) in row.iter().zip(widths).zip(self.sides) {
                line.push_str("  ");
                line.push_str(&match side {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                });
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right() {
        let mut table = Columns::new(1, ["plan", "old", "new"]);
        table.add(["gold\u{1b}".to_owned(), "1".to_owned(), "12,345".to_owned()]);
        table.add(["a".repeat(60), "20".to_owned(), String::new()]);
        let name = format!("{}…", "a".repeat(39));
        let blanks = " ".repeat(36);
        assert_eq!(
            table.to_string(),
            format!(
                "  plan{blanks}  old     new\n  gold\u{fffd}{}    1  12,345\n  {name}   20\n",
                &blanks[1..]
            )
        );
        assert_eq!(table.len(), 2);
    }
}
