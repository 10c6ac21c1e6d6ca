//! The summary as a text that fits eighty columns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use escalator_engine::effect::EscalatedType;
use escalator_engine::time::Duration;

use super::expected::Comparison;
use super::promises::Kept;
use super::summary::Summary;
use crate::offline::{counted, grouped, harmless};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The longest name in a table; the shipped plan's causes are shorter.
const NAME_COLUMNS: usize = 34;

/// Room for a number of a day and two blanks.
const NUMBER_COLUMNS: usize = 10;

/// The summary for people, with colours that the printer may strip.
#[must_use]
pub fn summary_text(summary: &Summary) -> String {
    let mut text = Text(String::new());
    text.day(summary);
    text.raised(summary);
    text.told(summary);
    text.promises(summary);
    text.lateness(summary);
    text.comparison(&summary.simulate);
    text.0
}

struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn heading(&mut self, heading: &str, columns: &[String]) {
        let mut line = format!("\n{BOLD}{heading:NAME_COLUMNS$}{BOLD:#}{DIM}");
        for column in columns {
            // Writing to a string cannot fail, here and below.
            let _ = write!(line, "{column:>NUMBER_COLUMNS$}");
        }
        let _ = write!(line, "{DIM:#}");
        self.line(&line);
    }

    fn row(&mut self, name: &str, numbers: &[u64]) {
        let name = harmless(name);
        let mut line = format!("  {name:width$}", width = NAME_COLUMNS - 2);
        for number in numbers {
            let number = if *number == 0 {
                "-".to_owned()
            } else {
                grouped(*number)
            };
            let _ = write!(line, "{number:>NUMBER_COLUMNS$}");
        }
        self.line(&line);
    }

    fn day(&mut self, summary: &Summary) {
        let Summary {
            from,
            until,
            seconds,
            ..
        } = summary;
        let heading = format!("{from} to {until}, played in {seconds} s");
        self.line(&format!("\n{BOLD}{heading}{BOLD:#}"));
        let tickets = counted(summary.tickets as u64, "ticket");
        let events = counted(summary.events as u64, "event");
        self.line(&format!(
            "  {tickets}, {events} in ({} sent twice and recognized), {} reopened",
            summary.duplicates, summary.reopened
        ));
        let decided = |kind, words: &str| (summary.decided(kind), words.to_owned());
        let decided = [
            decided(EscalatedType::Raised, "raised"),
            decided(EscalatedType::Warned, "warned"),
            decided(EscalatedType::Repeated, "told again"),
            decided(EscalatedType::Acknowledged, "acknowledged"),
            decided(EscalatedType::Unacknowledged, "no longer so"),
            decided(EscalatedType::Lowered, "lowered"),
            decided(EscalatedType::Ended, "ended"),
        ];
        let decided = decided.iter().filter(|(count, _)| *count > 0);
        let decided: Vec<_> = decided
            .map(|(count, words)| format!("{} {words}", grouped(*count as u64)))
            .collect();
        if !decided.is_empty() {
            self.line(&format!("  {}", decided.join(", ")));
        }
    }

    fn raised(&mut self, summary: &Summary) {
        for (heading, raised) in [
            ("Escalated to level", &summary.raised_by_level),
            ("because of", &summary.raised_by_cause),
        ] {
            if raised.is_empty() {
                continue;
            }
            self.heading(heading, &["times".to_owned()]);
            for (name, count) in raised {
                self.row(name, &[*count as u64]);
            }
        }
    }

    fn told(&mut self, summary: &Summary) {
        let channels: BTreeSet<&String> = summary
            .notifications
            .values()
            .flat_map(BTreeMap::keys)
            .collect();
        if channels.is_empty() {
            return;
        }
        let headings: Vec<String> = channels
            .iter()
            .map(|channel| harmless(channel).into_owned())
            .collect();
        self.heading("Told", &headings);
        for (target, counts) in &summary.notifications {
            let counts: Vec<u64> = channels
                .iter()
                .map(|channel| counts.get(*channel).copied().unwrap_or_default() as u64)
                .collect();
            self.row(target, &counts);
        }
    }

    fn promises(&mut self, summary: &Summary) {
        let given: BTreeSet<&String> = summary.promises.values().flat_map(BTreeMap::keys).collect();
        if given.is_empty() {
            return;
        }
        let ranked = summary.priorities.iter().filter(|it| given.contains(it));
        let unranked = given.iter().filter(|it| !summary.priorities.contains(it));
        let columns: Vec<&String> = ranked.chain(unranked.copied()).collect();
        let headings: Vec<String> = columns
            .iter()
            .map(|name| harmless(name).into_owned())
            .collect();
        self.heading("Promises, at the end", &headings);
        for (timeframe, kept) in &summary.promises {
            let all: Vec<Kept> = columns
                .iter()
                .map(|priority| kept.get(*priority).copied().unwrap_or_default())
                .collect();
            for (what, count) in [
                ("met", (|kept: &Kept| kept.met) as fn(&Kept) -> u64),
                ("broken", |kept| kept.breached),
                ("open", |kept| kept.open),
            ] {
                let counts: Vec<u64> = all.iter().map(count).collect();
                if counts.iter().any(|count| *count > 0) {
                    self.row(&format!("{timeframe} {what}"), &counts);
                }
            }
        }
    }

    fn lateness(&mut self, summary: &Summary) {
        if summary.decisions.is_empty() {
            return;
        }
        let late = summary.lateness;
        let span = |ms: i64| Duration::from_millis(ms / 1_000 * 1_000);
        self.heading("Late by", &["p50", "p99"].map(str::to_owned));
        for (name, p50, p99) in [
            (
                "decided, on the day's clock",
                span(late.p50_ms).to_string(),
                span(late.p99_ms).to_string(),
            ),
            (
                "decided, really",
                format!("{} ms", late.real_p50_ms),
                format!("{} ms", late.real_p99_ms),
            ),
            (
                "readable from Kafka, really",
                format!("{} ms", late.readable_p50_ms),
                format!("{} ms", late.readable_p99_ms),
            ),
        ] {
            let width = NAME_COLUMNS - 2;
            self.line(&format!(
                "  {name:width$}{p50:>NUMBER_COLUMNS$}{p99:>NUMBER_COLUMNS$}"
            ));
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        let verdict = if comparison.equal {
            format!("{GOOD}yes{GOOD:#}")
        } else {
            format!("{BAD}no{BAD:#}")
        };
        let escalated = grouped(comparison.escalated as u64);
        let what = match comparison.notify {
            Some(notify) => format!(
                "{escalated} escalated and {} notify events",
                grouped(notify as u64)
            ),
            None => format!("{escalated} escalated events; some were too late to be told"),
        };
        self.line(&format!(
            "\nequal to simulate: {verdict} ({what}, id by id)"
        ));
    }
}
