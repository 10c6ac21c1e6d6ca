//! `plan`: the log of plan edits, and what an edit would do.

mod diff;
mod live;

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::setting_flags::SettingArgs;
use super::{Output, Verdict, failure, print};
use crate::edits::{EditLog, first_digits};
use crate::offline::harmless;
use crate::service::edits::{EditTopic, Error, Offered};
use crate::settings::Settings;
use crate::{kafka, service};

/// The commands under `plan`.
#[derive(Subcommand)]
pub(super) enum Plan {
    /// Previews what an edit of the plans would do to the tickets under way.
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Diff),
    /// Lists the log of plan edits: what came into force when, and what is in force.
    #[command(after_help = LIST_EXAMPLES)]
    List(List),
    /// Brings a revision of the log back into force, for every instance, from now on.
    #[command(after_help = ACTIVATE_EXAMPLES)]
    Activate(Activate),
}

const LIST_EXAMPLES: &str = "\
Examples:
  escalator plan list --brokers kafka:9092
  escalator plan list --config deploy/escalator.toml --output json";

const ACTIVATE_EXAMPLES: &str = "\
Examples:
  escalator plan activate 3f9a1c20b7d4 --brokers kafka:9092
  escalator plan activate 3f9a --config deploy/escalator.toml --output json";

#[derive(Args)]
pub(super) struct List {
    /// Form of what is printed: a table, or one JSON object per edit and line.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

#[derive(Args)]
pub(super) struct Activate {
    /// The hash of the revision, or a beginning that no other has.
    #[arg(value_name = "HASH")]
    hash: String,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// One edit, as it is printed as JSON.
#[derive(Serialize)]
struct Line<'a> {
    revision: &'a Text,
    at: Timestamp,
    offset: i64,
    activated: bool,
    in_force: bool,
    plans: Vec<&'a Text>,
}

/// What came of an activation, as it is printed as JSON.
#[derive(Serialize)]
struct Activation {
    revision: String,
    at: Option<Timestamp>,
    appended: bool,
}

impl Plan {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Diff(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Activate(command) => command.run(),
        }
    }
}

impl List {
    fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let topic = read_log(&settings)?;
        let lines = lines(topic.log());
        match self.output {
            Output::Text => print::text(&table(&lines))?,
            Output::Json => {
                for line in &lines {
                    print::json(line)?;
                }
            }
        }
        Ok(Verdict::Good)
    }
}

impl Activate {
    fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let mut topic = read_log(&settings)?;
        let (revision, offered) = match topic.activate(&self.hash) {
            Ok(activated) => activated,
            Err(Error::Find(unknown)) => {
                let help = "`escalator plan list` shows the revisions; new plans come into force by \
                            changing the plan files";
                failure::refuse(&unknown.to_string(), help);
                return Ok(Verdict::Bad);
            }
            Err(error) => return Err(error.into()),
        };
        let activation = Activation {
            at: topic.log().in_force().map(|edit| edit.at),
            appended: offered == Offered::Appended,
            revision,
        };
        match self.output {
            Output::Text => print::text(&activation.text())?,
            Output::Json => print::json(&activation)?,
        }
        Ok(Verdict::Good)
    }
}

impl Activation {
    fn text(&self) -> String {
        let at = self.at.map(|at| format!(" since {at}"));
        let at = at.unwrap_or_default();
        let revision = first_digits(&self.revision);
        if self.appended {
            format!("revision {revision} is in force{at}\n")
        } else {
            format!("revision {revision} was in force already{at}; nothing was changed\n")
        }
    }
}

/// The log of edits of the brokers that the settings name, read to its end; what cannot be used is
/// told.
///
/// # Errors
/// When no broker answers in time.
pub(super) fn read_log(settings: &Settings) -> Result<EditTopic, kafka::Error> {
    let clients = service::client_settings(settings);
    let mut topic = EditTopic::open(&clients, &settings.topics.plans)?;
    for (offset, reason) in topic.read()? {
        print::error(&format!(
            "the edit at offset {offset} is refused: {reason}\n"
        ));
    }
    Ok(topic)
}

fn lines(log: &EditLog) -> Vec<Line<'_>> {
    let last = log.in_force().map(|edit| edit.offset);
    let edits = log.edits().iter();
    let line = edits.map(|edit| {
        let plans = log.set(&edit.hash).map(|set| &set.revision().plans);
        let names = plans.into_iter().flatten().map(|plan| &plan.name);
        Line {
            revision: &edit.hash,
            at: edit.at,
            offset: edit.offset,
            activated: edit.is_activation,
            in_force: Some(edit.offset) == last,
            plans: names.collect(),
        }
    });
    line.collect()
}

fn table(lines: &[Line<'_>]) -> String {
    let mut rows = vec![["in force since", "revision", "by", "", "plans"].map(str::to_owned)];
    for line in lines {
        let mut plans = String::new();
        for (number, plan) in line.plans.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(plans, "{comma}{}", harmless(plan));
        }
        let by = if line.activated { "activation" } else { "edit" };
        let mark = if line.in_force { "in force" } else { "" };
        rows.push([
            line.at.to_string(),
            first_digits(line.revision).to_owned(),
            by.to_owned(),
            mark.to_owned(),
            plans,
        ]);
    }
    if lines.is_empty() {
        return "the log of plan edits is empty; a service writes its plans into it at its start\n"
            .to_owned();
    }
    print::table(&rows)
}
