//! `dlq list`: a table of dead letters.

use std::collections::BTreeMap;

use clap::Args;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::{each, everything, open, origin};
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, print};
use crate::dead_letters::{Letter, SecondFailures};
use crate::offline::{Columns, Side, counted, escaped, grouped};
use crate::wire::DeadLetterReason;

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator dlq list --brokers kafka:9092
  escalator dlq list --config deploy/escalator.toml --reason wrong_type --limit 20
  escalator dlq list --output json";

#[derive(Args)]
pub(in crate::cli) struct List {
    /// Only letters of this reason.
    #[arg(long, value_parser = DeadLetterReason::ALL.map(DeadLetterReason::name))]
    reason: Option<String>,
    /// How many are shown at most, those with the latest timestamps.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    letters: Vec<Line<'a>>,
    /// How many there are of each reason, shown or not.
    counts: &'a BTreeMap<String, u64>,
}

/// One letter, as JSON.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    letter: String,
    reason: Option<&'a str>,
    error: Option<&'a str>,
    topic: Option<&'a str>,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp: Option<Timestamp>,
    key: Option<String>,
    value_bytes: Option<usize>,
    truncated: bool,
    /// The letter that it was before a replay.
    replayed: Option<String>,
    /// Whether it has failed again after a replay. It and the letter that it was are replayed only when
    /// they are named.
    second_failure: bool,
    /// The letter as which it has failed again.
    failed_again_as: Option<String>,
}

/// The letters with the latest timestamps, and how many there are.
struct Found {
    limit: usize,
    latest: Vec<Letter>,
    counts: BTreeMap<String, u64>,
    failures: SecondFailures,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let mut sweep = open(&settings)?;
        let mut found = Found::new(self.limit);
        let spans = everything(&sweep);
        each(&mut sweep, &spans, |record| {
            let letter = Letter::of(&record);
            found.failures.note(&letter);
            if self.reason.is_none() || letter.reason() == self.reason.as_deref() {
                found.add(letter);
            }
        })?;
        found.order();
        match self.output {
            Output::Text => print::text(&found.text())?,
            Output::Json => print::json(&Report {
                letters: found
                    .latest
                    .iter()
                    .map(|letter| Line::of(letter, &found.failures))
                    .collect(),
                counts: &found.counts,
            })?,
        }
        Ok(Verdict::Good)
    }
}

impl Found {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            latest: Vec::new(),
            counts: BTreeMap::new(),
            failures: SecondFailures::default(),
        }
    }

    fn add(&mut self, letter: Letter) {
        let reason = letter.reason().unwrap_or("not of this service").to_owned();
        *self.counts.entry(reason).or_default() += 1;
        self.latest.push(letter);
        // Twice as many are kept before they are sorted, so that sorting costs little each.
        if self.latest.len() >= self.limit.saturating_mul(2).max(1) {
            self.order();
        }
    }

    /// Keeps the latest, in order of their timestamps.
    fn order(&mut self) {
        self.latest
            .sort_by_key(|letter| (letter.timestamp_ms, letter.position));
        let surplus = self.latest.len().saturating_sub(self.limit);
        self.latest.drain(..surplus);
    }

    fn text(&self) -> String {
        let total: u64 = self.counts.values().sum();
        if total == 0 {
            return "there are no such dead letters\n".to_owned();
        }
        let mut table = Columns::new(&[
            ("letter", Side::Left),
            ("reason", Side::Left),
            ("came from", Side::Left),
            ("timestamp", Side::Left),
            ("key", Side::Left),
            ("bytes", Side::Right),
            ("", Side::Left),
        ]);
        for letter in &self.latest {
            table.add(cells(letter, &self.failures));
        }
        let reasons: Vec<String> = self
            .counts
            .iter()
            .map(|(reason, count)| format!("{} {reason}", grouped(*count)))
            .collect();
        let mut text = table.to_string();
        let reasons = reasons.join(", ");
        text.push_str(&format!("{}: {reasons}", counted(total, "dead letter")));
        if table.len() as u64 != total {
            let shown = grouped(table.len() as u64);
            text.push_str(&format!("; the latest {shown} are shown, see --limit"));
        }
        text.push('\n');
        text
    }
}

fn cells(letter: &Letter, failures: &SecondFailures) -> [String; 7] {
    let about = letter.about.as_ref();
    let bytes = match (about, letter.value_bytes) {
        (Some(about), _) if about.truncated => "cut off".to_owned(),
        (_, Some(bytes)) => grouped(bytes as u64),
        (_, None) => "none".to_owned(),
    };
    [
        letter.position.to_string(),
        letter.reason().unwrap_or("-").to_owned(),
        origin(letter),
        instant(letter).map_or_else(|| "-".to_owned(), |at| at.to_string()),
        letter
            .key
            .as_deref()
            .map_or_else(|| "-".to_owned(), escaped),
        bytes,
        failures.objection(letter).unwrap_or_default(),
    ]
}

fn instant(letter: &Letter) -> Option<Timestamp> {
    (letter.timestamp_ms >= 0).then(|| Timestamp::from_millis(letter.timestamp_ms))
}

impl<'a> Line<'a> {
    pub(super) fn of(letter: &'a Letter, failures: &SecondFailures) -> Self {
        let about = letter.about.as_ref();
        Self {
            letter: letter.position.to_string(),
            reason: letter.reason(),
            error: about.map(|about| about.error.as_str()),
            topic: about.map(|about| about.topic.as_str()),
            partition: about.map(|about| about.partition),
            offset: about.map(|about| about.offset),
            timestamp: instant(letter),
            key: letter.key.as_deref().map(escaped),
            value_bytes: letter.value_bytes,
            truncated: about.is_some_and(|about| about.truncated),
            replayed: letter.replayed().map(|earlier| earlier.to_string()),
            second_failure: letter.replayed().is_some(),
            failed_again_as: failures.of(letter).map(|later| later.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead_letters::{About, Position};

    fn letter(offset: i64, timestamp_ms: i64) -> Letter {
        Letter {
            position: Position {
                partition: 0,
                offset,
            },
            timestamp_ms,
            key: Some(b"T\x1b1".to_vec()),
            value_bytes: Some(1234),
            about: Some(About {
                reason: "no_key".to_owned(),
                error: "the record has no key".to_owned(),
                topic: "ticket-created".to_owned(),
                partition: 0,
                offset: offset + 10,
                truncated: false,
                replayed: None,
            }),
        }
    }

    #[test]
    fn the_latest_are_shown_and_all_are_counted() {
        let mut found = Found::new(2);
        for (offset, timestamp_ms) in [(0, 9_000), (1, 1_000), (2, 7_000), (3, 8_000), (4, -1)] {
            found.add(letter(offset, timestamp_ms));
        }
        found.order();
        let text = found.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines[1].contains("0:3     no_key  ticket-created 0:13"),
            "{text}"
        );
        assert!(
            lines[2].contains("1970-01-01T00:00:09Z  T\\u{1b}1  1,234"),
            "{text}"
        );
        assert_eq!(
            lines[3],
            "5 dead letters: 5 no_key; the latest 2 are shown, see --limit"
        );
        assert_eq!(Found::new(2).text(), "there are no such dead letters\n");
    }
}
