//! `plan diff`: what an edit would do to the tickets under way, recorded or live.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::time::Timestamp;

use super::super::failure::Trouble;
use super::super::inputs::{Inputs, instant, plans};
use super::super::setting_flags::SettingArgs;
use super::super::{Output, Verdict, failure, print};
use super::{live, read_log};
use crate::clock::Clock as _;
use crate::edits::EditLog;
use crate::plan_diff::{Preview, preview, text};
use crate::plan_file::PlanSet;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator plan diff plans edited-plans --events events.jsonl
  escalator plan diff old.yaml new.yaml --events - --at 2026-11-23T12:00:00Z --output json
  escalator plan diff 3f9a1c20b7d4 edited-plans --brokers kafka:9092";

/// Rows of the table when nobody asks for more: a screen.
const TICKETS: usize = 20;

/// The command `plan diff`.
#[derive(Args)]
pub(in crate::cli) struct Diff {
    /// The plans in force: a plan file or a directory; without --events also a hash of the log of
    /// plan edits.
    #[arg(value_name = "OLD")]
    old: String,
    /// The plans after the edit, as OLD.
    #[arg(value_name = "NEW")]
    new: String,
    /// An event file (JSON Lines; `-` reads standard input) whose tickets are looked at; without it
    /// the live tickets of the brokers that the settings name.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// The instant of the edit, after its events [default: the last event, or now].
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    at: Option<Timestamp>,
    /// How many tickets are shown in the table.
    #[arg(long, value_name = "N", default_value_t = TICKETS)]
    tickets: usize,
    /// Exits with 1 when anything differs; otherwise the exit code says only that it was compared.
    #[arg(long)]
    deny_differences: bool,
    /// Form of what is printed: a table, or one JSON object with every ticket that differs.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

impl Diff {
    pub(super) fn run(mut self) -> anyhow::Result<Verdict> {
        let preview = match self.events.take() {
            Some(events) => self.recorded(events)?,
            None => self.live()?,
        };
        let Some((preview, output)) = preview else {
            return Ok(Verdict::Bad);
        };
        match output.form {
            Output::Json => print::json(&preview)?,
            Output::Text => print::text(&text(&preview, output.tickets, print::table))?,
        }
        if output.deny_differences && preview.differs {
            Ok(Verdict::Bad)
        } else {
            Ok(Verdict::Good)
        }
    }

    const fn shown(&self) -> Shown {
        Shown {
            form: self.output,
            tickets: self.tickets,
            deny_differences: self.deny_differences,
        }
    }

    /// The tickets of an event file; none when plans have errors, which are then told.
    fn recorded(self, events: PathBuf) -> anyhow::Result<Option<(Preview, Shown)>> {
        let inputs = Inputs::new(PathBuf::from(&self.old), events);
        let (Some(old), Some(new)) = (inputs.plans()?, plans(Path::new(&self.new))?) else {
            return Ok(None);
        };
        let recording = inputs.recording()?;
        let at = self.at.or(recording.last_at);
        let rules = Rules::new(Arc::clone(old.revision()));
        let until = at.unwrap_or(Timestamp::MIN);
        let (_, engine) = simulate(&Arc::new(rules.clone()), recording.facts, until);
        // The edit comes after the last events, which are facts of the old plans.
        let after = at.map(|at| at.plus_millis(1));
        let mut preview = preview(&rules, new.revision(), after, engine.tickets());
        preview.at = at;
        Ok(Some((preview, self.shown())))
    }

    /// The live tickets; none when there are no such plans, which is then told.
    fn live(self) -> anyhow::Result<Option<(Preview, Shown)>> {
        let shown = self.shown();
        let settings = self.settings.load()?.settings;
        let topic = read_log(&settings)?;
        let log = topic.log();
        let (Some(old), Some(new)) = (find(log, &self.old)?, find(log, &self.new)?) else {
            return Ok(None);
        };
        let hash = &old.revision().id;
        let is_in_force = log.in_force().is_some_and(|edit| edit.hash == *hash);
        // With what is in force come the older revisions that some tickets keep.
        let rules = log.rules().filter(|_| is_in_force);
        let rules = rules.unwrap_or_else(|| Rules::new(Arc::clone(old.revision())));
        let tickets = live::tickets(&settings)?;
        let at = self.at.unwrap_or_else(|| super::super::SystemClock.now());
        Ok(Some((
            preview(&rules, new.revision(), Some(at), tickets),
            shown,
        )))
    }
}

/// How a preview is shown.
struct Shown {
    form: Output,
    tickets: usize,
    deny_differences: bool,
}

/// Plans by a path or by a hash of the log; none when there are no such plans, or when they have
/// errors, which is then told.
fn find(log: &EditLog, name: &str) -> anyhow::Result<Option<PlanSet>> {
    let path = Path::new(name);
    if path.exists() {
        return plans(path).with_context(|| Trouble {
            doing: format!("cannot read the plans in {name}"),
            remedy: "name a plan file, a directory of plan files, or a hash",
        });
    }
    match log.find(name) {
        Ok(set) => Ok(Some(set.clone())),
        Err(unknown) => {
            let what = format!("there are no plans at {name}, and {unknown}");
            failure::refuse(&what, "`escalator plan list` shows the revisions");
            Ok(None)
        }
    }
}
