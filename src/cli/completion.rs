//! `completion`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Verdict, print};

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator completion bash > /etc/bash_completion.d/escalator
  escalator completion zsh > ~/.zfunc/_escalator
  escalator completion fish > ~/.config/fish/completions/escalator.fish";

/// The command `completion`.
#[derive(Args)]
pub(super) struct Completion {
    /// The shell that reads the script.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completion {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let mut script = Vec::new();
        let mut command = Cli::command();
        clap_complete::generate(self.shell, &mut command, "escalator", &mut script);
        print::stream(|out| out.write_all(&script))?;
        Ok(Verdict::Good)
    }
}
