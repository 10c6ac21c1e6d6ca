//! `dlq`: the records that could not be read, and writing them anew once the cause is mended.

mod list;
mod replay;
mod show;

use clap::Subcommand;

use super::Verdict;
use super::pass::pass;
use crate::dead_letters::{Letter, Position};
use crate::kafka;
use crate::kafka::sweep::{Span, Sweep};
use crate::record::Record;
use crate::service;
use crate::settings::Settings;

/// Letters taken at once; the largest have 8 MiB, so that it is half a GiB at most.
const LETTERS_AT_ONCE: usize = 64;

/// The commands under `dlq`.
#[derive(Subcommand)]
pub(super) enum Dlq {
    /// Lists dead letters: where each lies, why, and where its record came from.
    #[command(after_help = list::EXAMPLES)]
    List(list::List),
    /// Shows one dead letter with its headers; its value only when asked for.
    #[command(after_help = show::EXAMPLES)]
    Show(show::Show),
    /// Writes chosen dead letters to where their records came from, with the original timestamp.
    ///
    /// A record that is replayed twice changes nothing the second time. One that fails again becomes
    /// another dead letter, which is marked; it and the first are replayed again only when named.
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Replay),
}

impl Dlq {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::List(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Replay(command) => command.run(),
        }
    }
}

/// Opens the topic of dead letters.
pub(in crate::cli) fn open(settings: &Settings) -> Result<Sweep, kafka::Error> {
    Sweep::open(
        &service::client_settings(settings),
        &settings.topics.dead_letters,
    )
}

/// Hands every record of some spans to a function.
pub(in crate::cli) fn each(
    sweep: &mut Sweep,
    spans: &[Span],
    mut take: impl FnMut(Record),
) -> anyhow::Result<()> {
    each_batch(sweep, spans, |records| {
        records.into_iter().for_each(&mut take);
        Ok(())
    })
}

/// The same, as many at a time as have arrived.
fn each_batch(
    sweep: &mut Sweep,
    spans: &[Span],
    take: impl FnMut(Vec<Record>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    pass(sweep, spans, "reading dead letters", LETTERS_AT_ONCE, take)
}

/// All of the topic.
fn everything(sweep: &Sweep) -> Vec<Span> {
    (0..sweep.partitions()).map(Span::all).collect()
}

/// One letter's place.
const fn only(position: Position) -> Span {
    Span {
        partition: position.partition,
        from: Some(position.offset),
        until: Some(position.offset + 1),
    }
}

/// Where a letter's record came from, for a table.
fn origin(letter: &Letter) -> String {
    letter.about.as_ref().map_or_else(
        || "-".to_owned(),
        |about| format!("{} {}:{}", about.topic, about.partition, about.offset),
    )
}
