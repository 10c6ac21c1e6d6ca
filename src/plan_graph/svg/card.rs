//! A card: a title, notes, and rows, some of which ask for a level.

use super::canvas::{Canvas, Ink};
use super::colour;

/// From the frame to the text.
const PADDING: f64 = 10.0;
/// From the left of a card to its text: the coloured bar and some air.
const INDENT: f64 = 18.0;

/// A card that is to be drawn.
#[derive(Debug)]
pub(super) struct Card {
    title: String,
    colour: &'static str,
    notes: Vec<String>,
    rows: Vec<Row>,
    is_dashed: bool,
}

#[derive(Debug)]
struct Row {
    mark: String,
    text: String,
    level: Option<u32>,
}

/// Where a line to a level begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) level: u32,
}

impl Card {
    pub(super) fn new(title: &str, colour: &'static str, notes: Vec<String>) -> Self {
        Self {
            title: title.to_owned(),
            colour,
            notes,
            rows: Vec::new(),
            is_dashed: false,
        }
    }

    /// The same card with a dashed frame.
    pub(super) fn dashed(self) -> Self {
        Self {
            is_dashed: true,
            ..self
        }
    }

    /// Adds a row: a mark where there is one, what happens, and the level that it asks for.
    pub(super) fn row(&mut self, mark: &str, text: &str, level: Option<u32>) {
        self.rows.push(Row {
            mark: mark.to_owned(),
            text: text.to_owned(),
            level,
        });
    }

    /// Draws the card from this height down, adds where lines begin, and answers where it ends.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        x: f64,
        top: f64,
        width: f64,
        ports: &mut Vec<Port>,
    ) -> f64 {
        let inner = width - INDENT - PADDING;
        let marks = self.rows.iter().map(|row| Ink::MARK.width(&row.mark));
        let mark_width = marks.fold(0.0, f64::max);
        let text_x = x
            + INDENT
            + if mark_width > 0.0 {
                mark_width + 20.0
            } else {
                0.0
            };
        // A row's text ends before the dot of its line.
        let text_width = x + width - PADDING - 10.0 - text_x;
        let lines = |ink: Ink, text: &str, width: f64| {
            ink.broken(text, width).len() as f64 * ink.line_height()
        };
        let notes: f64 = self
            .notes
            .iter()
            .map(|it| lines(Ink::NOTE, it, inner))
            .sum();
        let rows: f64 = self
            .rows
            .iter()
            .map(|row| lines(Ink::NOTE, &row.text, text_width) + 4.0)
            .sum();
        let title = lines(Ink::TITLE, &self.title, inner);
        let height = title + notes + rows + 2.0 * PADDING - 2.0;
        canvas.frame((x, top), (width, height), self.colour, self.is_dashed);
        let mut y = canvas.text(x + INDENT, top + PADDING, inner, Ink::TITLE, &self.title);
        for note in &self.notes {
            y = canvas.text(x + INDENT, y, inner, Ink::NOTE, note);
        }
        for row in &self.rows {
            y += 4.0;
            let line = Ink::NOTE.line_height();
            if !row.mark.is_empty() {
                canvas.pill(x + INDENT, y - 1.0, mark_width + 10.0, line);
                canvas.line(x + INDENT + 5.0, y, Ink::MARK, &row.mark);
            }
            if let Some(level) = row.level {
                let port = Port {
                    x: x + width,
                    y: y + line / 2.0 - 1.0,
                    level,
                };
                canvas.dot(port.x, port.y, colour(level));
                ports.push(port);
            }
            y = canvas.text(text_x, y, text_width, Ink::NOTE, &row.text);
        }
        top + height
    }
}
