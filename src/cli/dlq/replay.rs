//! `dlq replay`: writing records anew to where they came from.

use std::collections::{BTreeMap, BTreeSet};

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::{each, each_batch, everything, open, origin};
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, print};
use crate::dead_letters::{self, Letter, Position, SecondFailures};
use crate::kafka::sweep::{Span, Sweep};
use crate::kafka::writer::Writer;
use crate::offline::{counted, harmless};
use crate::record::OutgoingRecord;
use crate::registry;
use crate::service;
use crate::settings::Settings;
use crate::wire::DeadLetterReason;

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator dlq replay --all --dry-run --brokers kafka:9092
  escalator dlq replay --reason unknown_schema --config deploy/escalator.toml
  escalator dlq replay 3:42 3:43 --output json

Exits with 1 when a chosen letter cannot be replayed; the others are replayed all the same.";

#[derive(Args)]
#[command(group = ArgGroup::new("choice").required(true).args(["letters", "reason", "all"]))]
pub(in crate::cli) struct Replay {
    /// Letters, as `dlq list` shows them.
    #[arg(value_name = "PARTITION:OFFSET")]
    letters: Vec<Position>,
    /// All letters of this reason, without second failures.
    #[arg(long, value_parser = DeadLetterReason::ALL.map(DeadLetterReason::name))]
    reason: Option<String>,
    /// All letters, without second failures.
    #[arg(long)]
    all: bool,
    /// Only says what would be written.
    #[arg(long)]
    dry_run: bool,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What became of one chosen letter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It is written, or would be.
    Replayed,
    /// It is a second failure that was not named.
    LeftOut(String),
    /// It cannot be written.
    Refused(String),
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    replayed: usize,
    left_out: usize,
    refused: usize,
    letters: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    letter: String,
    fate: &'static str,
    /// Where the record came from and goes to.
    origin: Option<String>,
    because: Option<String>,
}

/// Every chosen letter: where it came from, and its fate.
type Fates = BTreeMap<Position, (Option<String>, Fate)>;

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let (dry_run, output) = (self.dry_run, self.output);
        let choice = Choice {
            named: self.letters,
            reason: self.reason,
        };
        let mut sweep = open(&settings)?;
        let inputs = inputs(&sweep, &settings)?;
        let mut fates = choice.fates(&mut sweep, &inputs)?;
        if !dry_run {
            write(&mut sweep, &mut fates, (&inputs, &settings))?;
        }
        let report = Report::of(&fates, dry_run);
        let is_good = report.refused == 0;
        match output {
            Output::Text => print::text(&text(&fates, &report))?,
            Output::Json => print::json(&report)?,
        }
        Ok(Verdict::of(is_good))
    }
}

/// The inputs, and how many partitions each has; none, when it does not exist.
fn inputs<'a>(sweep: &Sweep, settings: &'a Settings) -> anyhow::Result<[(&'a str, i32); 2]> {
    let topics = &settings.topics;
    let count = |topic| anyhow::Ok((topic, sweep.count(topic)?));
    Ok([count(topics.created.as_str())?, count(&topics.updated)?])
}

/// Which letters are meant.
struct Choice {
    /// These, or without any those of the reason.
    named: Vec<Position>,
    /// Without one, all.
    reason: Option<String>,
}

impl Choice {
    /// Looks the chosen letters up and decides about each.
    fn fates(&self, sweep: &mut Sweep, inputs: &[(&str, i32)]) -> anyhow::Result<Fates> {
        let spans = if self.named.is_empty() {
            everything(sweep)
        } else {
            around(self.named.iter().copied())
        };
        let mut failures = SecondFailures::default();
        let mut letters = BTreeMap::new();
        each(sweep, &spans, |record| {
            let letter = Letter::of(&record);
            failures.note(&letter);
            if self.means(&letter) {
                let unfit = dead_letters::replay(&record, inputs).err();
                letters.insert(letter.position, (letter, unfit));
            }
        })?;
        let mut fates = Fates::new();
        for position in &self.named {
            let missing = Fate::Refused("there is no such dead letter".to_owned());
            fates.insert(*position, (None, missing));
        }
        for (position, (letter, unfit)) in letters {
            let objection = failures.objection(&letter);
            let objection = objection.filter(|_| self.named.is_empty());
            let fate = match (objection, unfit) {
                (Some(objection), _) => Fate::LeftOut(objection),
                (None, Some(unfit)) => Fate::Refused(unfit.to_string()),
                (None, None) => Fate::Replayed,
            };
            fates.insert(position, (Some(origin(&letter)), fate));
        }
        Ok(fates)
    }

    fn means(&self, letter: &Letter) -> bool {
        if self.named.is_empty() {
            self.reason.is_none() || letter.reason() == self.reason.as_deref()
        } else {
            self.named.contains(&letter.position)
        }
    }
}

/// One span of each partition that holds all of these.
fn around(positions: impl Iterator<Item = Position>) -> Vec<Span> {
    let mut spans: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for Position { partition, offset } in positions {
        let (from, until) = spans.entry(partition).or_insert((offset, offset + 1));
        *from = (*from).min(offset);
        *until = (*until).max(offset + 1);
    }
    spans
        .into_iter()
        .map(|(partition, (from, until))| Span {
            partition,
            from: Some(from),
            until: Some(until),
        })
        .collect()
}

/// A topic takes shorter records unless it was told otherwise.
const LARGE_BYTES: usize = 900_000;

/// Reads those that are to be replayed once more, with their values, and writes them: large ones by
/// themselves, for one that its topic does not take holds up no other.
fn write(
    sweep: &mut Sweep,
    fates: &mut Fates,
    (inputs, settings): (&[(&str, i32)], &Settings),
) -> anyhow::Result<()> {
    let replayed = |(position, (_, fate)): (&Position, &(_, Fate))| {
        (*fate == Fate::Replayed).then_some(*position)
    };
    let chosen: BTreeSet<Position> = fates.iter().filter_map(replayed).collect();
    let spans = around(chosen.iter().copied());
    if spans.is_empty() {
        return Ok(());
    }
    // Of a schema that was registered just now, the service may still believe that there is none.
    std::thread::sleep(registry::UNKNOWN_FOR);
    let writer = Writer::open(&service::client_settings(settings))?;
    each_batch(sweep, &spans, |records| {
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for record in &records {
            let position = Letter::of(record).position;
            if !chosen.contains(&position) {
                continue;
            }
            let outgoing = dead_letters::replay(record, inputs)?;
            if length(&outgoing) < LARGE_BYTES {
                small.push(outgoing);
            } else {
                large.push((position, outgoing));
            }
        }
        writer.write(&small)?;
        for (position, outgoing) in large {
            match writer.write(std::slice::from_ref(&outgoing)) {
                Err(error) if error.is_too_large() => {
                    let because = "its topic takes no record of so many bytes".to_owned();
                    if let Some((_, fate)) = fates.get_mut(&position) {
                        *fate = Fate::Refused(because);
                    }
                }
                written => written?,
            }
        }
        Ok(())
    })
}

fn length(record: &OutgoingRecord) -> usize {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers = record.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.len() + length(value))
        .sum();
    length(&record.key) + length(&record.value) + headers
}

impl Report {
    fn of(fates: &Fates, dry_run: bool) -> Self {
        let mut report = Self {
            dry_run,
            replayed: 0,
            left_out: 0,
            refused: 0,
            letters: Vec::with_capacity(fates.len()),
        };
        for (position, (origin, fate)) in fates {
            let (word, because) = match fate {
                Fate::Replayed => {
                    report.replayed += 1;
                    ("replayed", None)
                }
                Fate::LeftOut(because) => {
                    report.left_out += 1;
                    ("left_out", Some(because.clone()))
                }
                Fate::Refused(because) => {
                    report.refused += 1;
                    ("refused", Some(because.clone()))
                }
            };
            report.letters.push(Line {
                letter: position.to_string(),
                fate: word,
                origin: origin.clone(),
                because,
            });
        }
        report
    }
}

fn text(fates: &Fates, report: &Report) -> String {
    let mut text = String::new();
    for (position, (origin, fate)) in fates {
        let line = match fate {
            Fate::Replayed => {
                let origin = origin.as_deref().unwrap_or_default();
                format!("{position} to {}", harmless(origin))
            }
            Fate::LeftOut(because) => {
                format!("{position} is left out: {because}; name it to replay it all the same")
            }
            Fate::Refused(because) => {
                format!("{position} cannot be replayed: {}", harmless(because))
            }
        };
        text.push_str(&line);
        text.push('\n');
    }
    let count = counted(report.replayed as u64, "dead letter");
    let verb = if report.dry_run {
        "to be replayed"
    } else {
        "replayed"
    };
    let (left_out, refused) = (report.left_out, report.refused);
    text.push_str(&format!(
        "{count} {verb}, {left_out} left out, {refused} refused\n"
    ));
    text
}
