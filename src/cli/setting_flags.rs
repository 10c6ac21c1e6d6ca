//! The flags that set settings, and the layers around them.
//!
//! The flags are made from the catalogue of settings, so a setting that gets a flag there has it in
//! every command that takes settings, with its help text.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use super::failure::Trouble;
use crate::settings::{self, Kind, Loaded, Row, SettingsFile, Sources};

/// Everything on the command line that says what the settings are.
#[derive(Args, Debug)]
pub(super) struct SettingArgs {
    /// Settings file, TOML or YAML by its extension.
    #[arg(long, value_name = "FILE", env = "ESCALATOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: SettingFlags,
}

impl SettingArgs {
    /// A file, and settings above it, of a command that has flags of its own.
    pub(super) const fn new(config: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Self {
        Self {
            config,
            flags: SettingFlags(flags),
        }
    }

    /// Reads file and environment, and checks everything.
    pub(super) fn load(self) -> anyhow::Result<Loaded> {
        let file = match self.config {
            Some(path) => Some(read(path)?),
            None => None,
        };
        let sources = Sources {
            file,
            environment: environment()?,
            flags: self.flags.0,
            host_name: gethostname::gethostname().to_string_lossy().into_owned(),
            terminal: std::io::stderr().is_terminal(),
            read_file: &|path| std::fs::read_to_string(path),
        };
        Ok(settings::load(&sources)?)
    }
}

fn read(path: PathBuf) -> anyhow::Result<SettingsFile> {
    let text = std::fs::read_to_string(&path).with_context(|| Trouble {
        doing: format!("cannot read the settings file {}", path.display()),
        remedy: "name a readable file with --config or ESCALATOR_CONFIG, or neither for the defaults",
    })?;
    Ok(SettingsFile { path, text })
}

/// Every variable that is text; one of ours that is not is refused rather than overlooked.
fn environment() -> anyhow::Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => {
                variables.insert(name, value);
            }
            (Ok(name), Err(_)) if name.starts_with("ESCALATOR__") => {
                anyhow::bail!("the environment variable {name} is not valid UTF-8; write it anew");
            }
            _ => {}
        }
    }
    Ok(variables)
}

/// The settings that were given as flags.
#[derive(Debug)]
struct SettingFlags(Vec<(&'static str, String)>);

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        settings::documentation()
            .into_iter()
            .filter_map(argument)
            .fold(command, clap::Command::arg)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

fn argument(row: Row) -> Option<Arg> {
    let flag = row.flag?;
    let help = format!(
        "{} [default: {}] [env: {}]",
        row.meaning, row.default, row.environment
    );
    let argument = Arg::new(row.name)
        .long(flag)
        .help(help)
        .help_heading("Settings")
        .action(ArgAction::Set);
    Some(match row.kind {
        Kind::Switch => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false"),
        Kind::Value | Kind::Secret | Kind::Map => argument.value_name("VALUE"),
    })
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = settings::documentation()
            .into_iter()
            .filter(|row| row.flag.is_some());
        let given = given.filter_map(|row| {
            let value = matches.get_one::<String>(row.name)?;
            Some((row.name, value.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Probe {
        #[command(flatten)]
        settings: SettingArgs,
    }

    fn flags(arguments: &[&str]) -> Vec<(&'static str, String)> {
        let arguments = std::iter::once("probe").chain(arguments.iter().copied());
        Probe::try_parse_from(arguments).unwrap().settings.flags.0
    }

    #[test]
    fn flags_set_the_settings_of_the_catalogue() {
        assert_eq!(
            flags(&["--brokers", "a:1", "--http=0.0.0.0:80"]),
            [
                ("kafka.brokers", "a:1".to_owned()),
                ("http.listen", "0.0.0.0:80".to_owned())
            ]
        );
        assert!(flags(&[]).is_empty());
    }

    #[test]
    fn a_switch_alone_means_true() {
        let on = [("topics.create", "true".to_owned())];
        assert_eq!(flags(&["--create-topics"]), on);
        let off = [("topics.create", "false".to_owned())];
        assert_eq!(flags(&["--create-topics=false"]), off);
    }

    #[test]
    fn the_contracts_flags_are_there() {
        let rows = settings::documentation();
        for (name, flag) in [
            ("kafka.brokers", "brokers"),
            ("kafka.group", "group"),
            ("instance", "instance"),
            ("plans", "plans"),
            ("topics.create", "create-topics"),
            ("output.format", "output-format"),
            ("grace", "grace"),
            ("http.listen", "http"),
            ("log.format", "log-format"),
        ] {
            let row = rows.iter().find(|row| row.name == name).unwrap();
            assert_eq!(row.flag, Some(flag));
        }
    }
}
