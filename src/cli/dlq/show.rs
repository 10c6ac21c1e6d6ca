//! `dlq show`: one dead letter.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::list::Line;
use super::{each, only, open};
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, failure, print};
use crate::dead_letters::{Letter, Position, SecondFailures};
use crate::offline::{Columns, Side, escaped, grouped};
use crate::record::Record;
use crate::wire::{Address, Header};

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator dlq show 3:42 --brokers kafka:9092
  escalator dlq show 3:42 --config deploy/escalator.toml --value text
  escalator dlq show 3:42 --value hex --output json";

/// Bytes in a line of hexadecimal digits, as every tool for it has them.
const BYTES_A_LINE: usize = 16;

#[derive(Args)]
pub(in crate::cli) struct Show {
    /// The letter, as `dlq list` shows it.
    #[arg(value_name = "PARTITION:OFFSET")]
    letter: Position,
    /// Shows the value, too; it holds what customers wrote.
    #[arg(long, value_enum, value_name = "FORM")]
    value: Option<Form>,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As text on one line, with escapes for what is none.
    Text,
    /// As hexadecimal digits.
    Hex,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    letter: Line<'a>,
    /// The original headers.
    headers: Vec<HeaderLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    name: &'a str,
    value: Option<String>,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let mut sweep = open(&settings)?;
        let mut found = None;
        each(&mut sweep, &[only(self.letter)], |record| {
            found = Some(record)
        })?;
        let Some(record) = found else {
            failure::refuse(
                &format!("there is no dead letter {}", self.letter),
                "`escalator dlq list` shows which there are",
            );
            return Ok(Verdict::Bad);
        };
        match self.output {
            Output::Text => print::text(&text(&record, self.value))?,
            Output::Json => print::json(&Report {
                letter: Line::of(&Letter::of(&record), &SecondFailures::default()),
                headers: header_lines(&record),
                value: self.value.map(|form| shown(&record, form)),
            })?,
        }
        Ok(Verdict::Good)
    }
}

/// The original headers of a letter; all of them when it is none of the service.
fn header_lines(record: &Record) -> Vec<HeaderLine<'_>> {
    let all = Header::all(&record.headers);
    let count = Address::read(&all).map_or(all.len(), |address| address.original.len());
    let original = record.headers.iter().take(count);
    original
        .map(|(name, value)| HeaderLine {
            name,
            value: value.as_deref().map(escaped),
        })
        .collect()
}

fn shown(record: &Record, form: Form) -> String {
    let value = record.value.as_deref().unwrap_or_default();
    match form {
        Form::Text => escaped(value),
        Form::Hex => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn text(record: &Record, form: Option<Form>) -> String {
    let letter = Letter::of(record);
    let mut text = format!("dead letter {}\n", letter.position);
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:10} {value}");
    };
    match &letter.about {
        None => line("reason", "none; this is no letter of the service"),
        Some(about) => {
            line("reason", &escaped(about.reason.as_bytes()));
            line("error", &escaped(about.error.as_bytes()));
            let topic = escaped(about.topic.as_bytes());
            let origin = format!(
                "{topic}, partition {}, offset {}",
                about.partition, about.offset
            );
            line("came from", &origin);
            if let Some(earlier) = about.replayed {
                line("replayed", &format!("before, as letter {earlier}"));
            }
        }
    }
    if letter.timestamp_ms >= 0 {
        let at = Timestamp::from_millis(letter.timestamp_ms);
        line("timestamp", &at.to_string());
    }
    line(
        "key",
        &letter
            .key
            .as_deref()
            .map_or_else(|| "none".to_owned(), escaped),
    );
    line("value", &size(&letter));
    let headers = header_lines(record);
    if !headers.is_empty() {
        let mut table = Columns::new(&[("header", Side::Left), ("value", Side::Left)]);
        for HeaderLine { name, value } in headers {
            table.add([name.to_owned(), value.unwrap_or_else(|| "none".to_owned())]);
        }
        text.push_str(&table.to_string());
    }
    match form {
        None => {}
        Some(Form::Text) => text.push_str(&format!("{}\n", shown(record, Form::Text))),
        Some(Form::Hex) => text.push_str(&hex_dump(record.value.as_deref().unwrap_or_default())),
    }
    text
}

fn size(letter: &Letter) -> String {
    let is_cut = letter.about.as_ref().is_some_and(|about| about.truncated);
    match letter.value_bytes {
        _ if is_cut => "left out, because the letter would have been too large".to_owned(),
        None => "none".to_owned(),
        Some(bytes) => format!("{} bytes, see --value", grouped(bytes as u64)),
    }
}

/// Offsets, digits and what of it is text, as every tool for it shows them.
fn hex_dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (index, line) in bytes.chunks(BYTES_A_LINE).enumerate() {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let printed = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let letters: String = line.iter().map(printed).collect();
        let at = index * BYTES_A_LINE;
        let width = 3 * BYTES_A_LINE;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{at:08x}  {:width$} {letters}", digits.join(" "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let headers = [
            ("source", "desk\x1b[31m"),
            ("replayed", "3:1"),
            ("reason", "unreadable"),
            ("error", "the value is not JSON"),
            ("topic", "ticket-created"),
            ("partition", "3"),
            ("offset", "42"),
            ("timestamp", "1700000000000"),
        ];
        let header = |(name, value): (&str, &str)| (name.to_owned(), Some(value.into()));
        Record {
            input: 0,
            partition: 3,
            offset: 7,
            timestamp_ms: 1_700_000_000_000,
            key: None,
            value: Some(b"{sealed\xff".to_vec()),
            headers: headers.map(header).to_vec(),
        }
    }

    #[test]
    fn the_value_is_shown_only_when_asked_for() {
        let record = record();
        let shown = text(&record, None);
        assert!(!shown.contains("sealed"), "{shown}");
        for line in [
            "  came from  ticket-created, partition 3, offset 42\n",
            "  replayed   before, as letter 3:1\n",
            "  value      8 bytes, see --value\n",
            "  source    desk\\u{1b}[31m\n",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
        let shown = text(&record, Some(Form::Text));
        assert!(shown.ends_with("\n{sealed\\xff\n"), "{shown}");
        let shown = text(&record, Some(Form::Hex));
        let dump = "00000000  7b 73 65 61 6c 65 64 ff                          {sealed.\n";
        assert!(shown.ends_with(dump), "{shown}");
    }
}
