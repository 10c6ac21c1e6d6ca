//! `man`: the manual pages of the commands.

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::failure::Trouble;
use super::{Cli, Verdict, print};

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator man | man -l -
  escalator man topics create > /usr/local/share/man/man1/escalator-topics-create.1";

/// The command `man`.
#[derive(Args)]
pub(super) struct Man {
    /// The command whose page is printed, as in `topics create`; without one that of all.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let mut whole = Cli::command();
        // Names of commands below others are put together by this.
        whole.build();
        let mut command = &whole;
        for name in &self.command {
            command = command
                .find_subcommand(name)
                .with_context(|| Trouble {
                    doing: format!("there is no command `{}`", self.command.join(" ")),
                    remedy: "`escalator help` lists the commands, `escalator help COMMAND` those below one",
                })?;
        }
        let mut page = Vec::new();
        let name = command.get_display_name().unwrap_or("escalator");
        clap_mangen::Man::new(command.clone())
            .title(name.to_owned())
            .source(concat!("escalator ", env!("CARGO_PKG_VERSION")))
            .render(&mut page)
            .context("cannot write the page")?;
        print::stream(|out| out.write_all(&page))?;
        Ok(Verdict::Good)
    }
}
