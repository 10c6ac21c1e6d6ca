//! `config`: the settings as they are in force.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::setting_flags::SettingArgs;
use super::{Output, Verdict, print};
use crate::settings::Effective;

/// The commands under `config`.
#[derive(Subcommand)]
pub(super) enum Config {
    /// Prints every setting with its value and where the value comes from; secrets are redacted.
    #[command(after_help = EXAMPLES)]
    Print(Print),
}

const EXAMPLES: &str = "\
Examples:
  escalator config print --config deploy/escalator.toml
  ESCALATOR__GRACE=5s escalator config print --output json";

#[derive(Args)]
pub(super) struct Print {
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

#[derive(Serialize)]
struct Listing {
    settings: Vec<Effective>,
}

impl Config {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Print(command) => command.run(),
        }
    }
}

impl Print {
    fn run(self) -> anyhow::Result<Verdict> {
        let values = self.settings.load()?.values;
        match self.output {
            Output::Json => print::json(&Listing { settings: values })?,
            Output::Text => print::text(&print::table(&lines(values)))?,
        }
        Ok(Verdict::Good)
    }
}

fn lines(values: Vec<Effective>) -> Vec<[String; 3]> {
    let line = |value: Effective| {
        [
            value.name,
            value.value.unwrap_or_else(|| "-".to_owned()),
            format!("({})", value.source),
        ]
    };
    values.into_iter().map(line).collect()
}
