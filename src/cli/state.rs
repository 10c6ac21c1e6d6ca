//! `state`: what the service keeps of its tickets, read from the state topic.
//!
//! All but `rebuild` only read: they join no group, commit nothing, and a running service does not
//! notice them.

mod check;
mod export;
mod get;
mod list;
mod rebuild;
mod row;
mod topic;

use clap::Subcommand;

use super::Verdict;
pub(super) use get::{refuse_forgotten, refuse_unknown, refuse_unreadable};
pub(super) use topic::{Kept, Lookup, StateTopic};

/// The commands under `state`.
#[derive(Subcommand)]
pub(super) enum State {
    /// Shows what is kept of one ticket.
    #[command(after_help = get::EXAMPLES)]
    Get(get::Get),
    /// Lists tickets: plan, level, status category, next deadline.
    #[command(after_help = list::EXAMPLES)]
    List(list::List),
    /// Prints the whole state of every ticket as JSON Lines, in order of partition and id.
    #[command(after_help = export::EXAMPLES)]
    Export(export::Export),
    /// Reads every partition as a replica that takes it over; exits with 1 when it would refuse one.
    #[command(after_help = check::EXAMPLES)]
    Check(check::Check),
    /// Recomputes the state of a partition from its inputs; shows what it would write unless --yes.
    #[command(after_help = rebuild::EXAMPLES)]
    Rebuild(rebuild::Rebuild),
}

impl State {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Get(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Export(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Rebuild(command) => command.run(),
        }
    }
}
