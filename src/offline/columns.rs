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
pub struct Columns {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// A table with its headings and the sides at which its cells stand.
    #[must_use]
    pub fn new(columns: &[(&str, Side)]) -> Self {
        let headings = columns.iter().map(|(heading, _)| (*heading).to_owned());
        Self {
            sides: columns.iter().map(|(_, side)| *side).collect(),
            rows: vec![headings.collect()],
        }
    }

    /// Adds a row. Names may come from outside: what a terminal would obey is taken out.
    pub fn add(&mut self, cells: impl IntoIterator<Item = String>) {
        let fitting = |cell: String| shortened(&harmless(&cell), NAME_WIDTH_MAX).into_owned();
        self.rows.push(cells.into_iter().map(fitting).collect());
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
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.sides.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), side) in row.iter().zip(&widths).zip(&self.sides) {
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
        let mut table = Columns::new(&[
            ("plan", Side::Left),
            ("old", Side::Right),
            ("new", Side::Right),
        ]);
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
