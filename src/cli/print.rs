//! Printing: the only way to stdout and stderr.
//!
//! Colours are left out where nobody sees them and where `NO_COLOR` asks for it.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;

/// Prints a text as it stands to stdout.
///
/// A reader who has gone (as `head` does) has seen what they wanted, so that is no failure.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    text_while_read(text).map(|_| ())
}

/// Like [`text`]; answers with whether there still is a reader.
pub(super) fn text_while_read(text: &str) -> anyhow::Result<bool> {
    written(anstream::stdout().lock(), |out| {
        out.write_all(text.as_bytes())
    })
}

/// Prints what a function writes, as it comes, to stdout.
///
/// A reader who has gone ends it, see [`text`].
pub(super) fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    written(io::stdout().lock(), write).map(|_| ())
}

/// Like [`stream`], for texts with colours.
pub(super) fn styled_stream(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    written(anstream::stdout().lock(), write).map(|_| ())
}

/// Whether all of it was read, or at least could be.
fn written(
    out: impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<bool> {
    let mut out = io::BufWriter::new(out);
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write to standard output"),
    }
}

/// Prints one JSON value and a line break to stdout.
pub(super) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let line = serde_json::to_string(value).context("cannot write the result as JSON")?;
    text(&format!("{line}\n"))
}

/// Prints a text as it stands to stderr; when that fails there is nobody left to tell.
pub(super) fn error(text: &str) {
    let mut out = anstream::stderr().lock();
    out.write_all(text.as_bytes()).ok();
}

/// Lines up columns with two blanks between them; the last is not filled up.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let mut lines = String::new();
    for row in rows {
        let cells = row.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        lines.push_str(cells.join("  ").trim_end());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bcd", "e"], ["fgh", "", "i"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    bcd  e\nfgh       i\n");
    }
}
