//! Lines, boxes and broken text, as elements of SVG.

use std::fmt::Write as _;

use super::super::words::broken_by;
use crate::offline::xml;

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink {
    size: f64,
    is_bold: bool,
    colour: &'static str,
}

impl Ink {
    pub(super) const PLAN: Self = Self::new(22.0, true, "#1a202c");
    pub(super) const HEADING: Self = Self::new(15.0, true, "#4a5568");
    pub(super) const TITLE: Self = Self::new(14.0, true, "#1a202c");
    pub(super) const NOTE: Self = Self::new(12.5, false, "#2d3748");
    pub(super) const MARK: Self = Self::new(12.5, true, "#1a202c");
    pub(super) const WAIT: Self = Self::new(12.5, false, "#4a5568");

    const fn new(size: f64, is_bold: bool, colour: &'static str) -> Self {
        Self {
            size,
            is_bold,
            colour,
        }
    }

    /// From one line to the next.
    pub(super) fn line_height(self) -> f64 {
        (self.size * 1.4).ceil()
    }

    /// The width of a character, at least as wide as the widest of the common fonts has it.
    fn width_of(self, c: char) -> f64 {
        let ems = match c {
            ' ' | 'i' | 'j' | 'l' | 'I' | 't' | 'f' | 'r' | '.' | ',' | ':' | ';' | '!' | '|'
            | '\'' | '(' | ')' | '[' | ']' | '/' => 0.42,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
            'A'..='Z' => 0.78,
            ' '..='~' => 0.64,
            '\u{1100}'.. => 1.05,
            _ => 0.72,
        };
        let weight = if self.is_bold { 1.1 } else { 1.0 };
        ems * weight * self.size
    }

    /// The width of a text.
    pub(super) fn width(self, text: &str) -> f64 {
        text.chars().map(|c| self.width_of(c)).sum()
    }

    /// A text in lines of at most this width.
    pub(super) fn broken(self, text: &str, width: f64) -> Vec<String> {
        broken_by(text, width, |c| self.width_of(c))
    }
}

/// What was drawn so far: lines below, everything else above.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    lines: String,
    shapes: String,
}

impl Canvas {
    /// Writes a text from this height down, broken to a width, and answers where it ends.
    pub(super) fn text(&mut self, x: f64, top: f64, width: f64, ink: Ink, text: &str) -> f64 {
        let mut y = top;
        for line in ink.broken(text, width) {
            self.line(x, y, ink, &line);
            y += ink.line_height();
        }
        y
    }

    /// Writes one line; `top` is the top of the line, not its baseline.
    pub(super) fn line(&mut self, x: f64, top: f64, ink: Ink, text: &str) {
        let baseline = top + ink.size * 1.05;
        let weight = if ink.is_bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            self.shapes,
            "<text x=\"{x:.1}\" y=\"{baseline:.1}\" font-size=\"{}\" fill=\"{}\"{weight}>{}</text>",
            ink.size,
            ink.colour,
            xml(text)
        );
    }

    /// Draws the frame of a card with a coloured bar at its left. It is drawn before its texts.
    pub(super) fn frame(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: &str,
        is_dashed: bool,
    ) {
        let dash = if is_dashed {
            " stroke-dasharray=\"5 4\""
        } else {
            ""
        };
        let _ = writeln!(
            self.shapes,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" \
             fill=\"#ffffff\" stroke=\"#cbd5e0\"{dash}/>\n\
             <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"6\" height=\"{height:.1}\" rx=\"3\" \
             fill=\"{colour}\"/>"
        );
    }

    /// Draws the label of a mark behind its text.
    pub(super) fn pill(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let _ = writeln!(
            self.shapes,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"4\" \
             fill=\"#edf2f7\"/>"
        );
    }

    /// Draws a dot where a line begins.
    pub(super) fn dot(&mut self, x: f64, y: f64, colour: &str) {
        let _ = writeln!(
            self.shapes,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"
        );
    }

    /// Draws a curve that leaves and arrives level, with an arrow's head.
    pub(super) fn curve(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let (x1, y1) = from;
        let (x2, y2) = (to.0 - 8.0, to.1);
        let bend = (x2 - x1) / 2.0;
        let _ = writeln!(
            self.lines,
            "<path d=\"M{x1:.1} {y1:.1} C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}\" \
             fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-opacity=\"0.8\"/>\n\
             <path d=\"M{:.1} {y2:.1} l-9 -4.5 v9 z\" fill=\"{colour}\"/>",
            x1 + bend,
            x2 - bend,
            to.0,
        );
    }

    /// Draws an arrow straight down.
    pub(super) fn arrow_down(&mut self, x: f64, from: f64, to: f64, colour: &str) {
        let _ = writeln!(
            self.lines,
            "<path d=\"M{x:.1} {from:.1} V{:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <path d=\"M{x:.1} {to:.1} l-5 -9 h10 z\" fill=\"{colour}\"/>",
            to - 8.0,
        );
    }

    /// The whole picture.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let title = xml(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\" \
             font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\">\n\
             <title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#f7fafc\"/>\n{}{}</svg>\n",
            self.lines, self.shapes
        )
    }
}
