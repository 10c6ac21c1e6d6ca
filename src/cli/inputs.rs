//! What commands over recorded events are given: plans, and events of a file or of topics.

mod topics;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use escalator_engine::rules::Rules;
use escalator_engine::time::{InstantError, Timestamp};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Trouble;
use super::print;
use super::setting_flags::SettingArgs;
use crate::mapping::Mappings;
use crate::offline::Recording;
use crate::plan_file::{self, PlanSet, Severity, Sources};
use crate::settings::Settings;
use crate::wire::events;

/// Bytes read at once; larger than a pipe, so that a long file costs few calls.
const READ_BYTES: usize = 1 << 18;

/// Shorter files are read before anybody could see a bar: 8 MiB.
const SHORT_BYTES: u64 = 8 << 20;

/// Fewer facts are simulated before anybody could see a bar: a second's worth.
const SHORT_FACTS: usize = 100_000;

/// Plans and events.
#[derive(Args)]
pub(super) struct Inputs {
    /// A plan file, or a directory of plan files.
    #[arg(long, value_name = "PATH")]
    plans: PathBuf,
    /// An event file (JSON Lines, in any order); `-` reads standard input.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["brokers", "config"],
        conflicts_with_all = ["brokers", "config"])]
    events: Option<PathBuf>,
    /// Brokers whose topics are read instead, to their present ends and without writing anything:
    /// `host:port`, several separated by commas.
    #[arg(long, value_name = "ADDRESSES")]
    brokers: Option<String>,
    /// Settings file of the service whose topics are read instead, TOML or YAML by its extension.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Edits of the plans.
#[derive(Args)]
pub(super) struct Edits {
    /// Puts other plans into force at an instant; may be given several times.
    #[arg(long = "edit", value_name = "INSTANT=PATH", value_parser = edit)]
    edits: Vec<(Timestamp, PathBuf)>,
}

impl Edits {
    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Which plans are in force when; none when some have errors, which are then told.
    pub(super) fn rules(&self, plans: &PlanSet) -> anyhow::Result<Option<Rules>> {
        let mut rules = Rules::new(plans.revision().clone());
        for (at, path) in &self.edits {
            let Some(edited) = self::plans(path)? else {
                return Ok(None);
            };
            rules = rules.with_edit(*at, edited.revision().clone());
        }
        Ok(Some(rules))
    }
}

impl Inputs {
    /// Plans and events at these paths.
    pub(super) const fn new(plans: PathBuf, events: PathBuf) -> Self {
        Self {
            plans,
            events: Some(events),
            brokers: None,
            config: None,
        }
    }

    /// Whether an event file was named, not brokers.
    pub(super) const fn is_file(&self) -> bool {
        self.events.is_some()
    }

    /// The settings of the service whose topics are read.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let brokers = self.brokers.clone();
        let flags = brokers.map(|brokers| ("kafka.brokers", brokers));
        let settings = SettingArgs::new(self.config.clone(), flags.into_iter().collect());
        Ok(settings.load()?.settings)
    }

    /// The plans; none when they have errors, which are then told.
    pub(super) fn plans(&self) -> anyhow::Result<Option<PlanSet>> {
        plans(&self.plans)
    }

    /// The path of the plans, as people call it.
    pub(super) fn plans_name(&self) -> String {
        self.plans.display().to_string()
    }

    /// The events.
    pub(super) fn recording(&self) -> anyhow::Result<Recording> {
        match &self.events {
            Some(path) => self.recorded(path),
            None => topics::recording(&self.settings()?),
        }
    }

    fn recorded(&self, path: &Path) -> anyhow::Result<Recording> {
        let name = self.events_name();
        let trouble = || Trouble {
            doing: format!("cannot read the events in {name}"),
            remedy: "name an event file: JSON Lines such as \
                     {\"topic\": \"ticket-created\", \"value\": {…}}",
        };
        let progress = Self::progress(path);
        let reader = open(path).with_context(trouble)?;
        let reader = BufReader::with_capacity(READ_BYTES, progress.wrap_read(reader));
        let recording = Recording::read(reader);
        progress.finish_and_clear();
        match recording {
            // What is wrong is in one event, and said; the file is one of events.
            Err(error)
                if matches!(
                    error.first,
                    events::Error::Event { .. } | events::Error::Topic { .. }
                ) =>
            {
                Err(error).context(trouble().doing)
            }
            recording => recording.with_context(trouble),
        }
    }

    /// The event file, as people call it.
    fn events_name(&self) -> String {
        match &self.events {
            Some(path) if is_standard_input(path) => "standard input".to_owned(),
            Some(path) => path.display().to_string(),
            None => "the topics".to_owned(),
        }
    }

    /// What to say of a ticket that is not known by then, and what to do about it.
    pub(super) fn unknown_ticket(
        &self,
        recording: &Recording,
        id: &str,
        at: Timestamp,
    ) -> (String, String) {
        let first_at = recording
            .facts_of(id)
            .iter()
            .map(|fact| fact.occurred_at)
            .min();
        if let Some(first_at) = first_at {
            return (
                format!("nothing is known of ticket `{id}` at {at}"),
                format!("its first event is at {first_at}; give a later --at, or none"),
            );
        }
        let events = self.events_name();
        let what = format!("there is no ticket `{id}` in {events}");
        let ids = || recording.facts.iter().map(|fact| &*fact.ticket_id);
        let close = ids().find(|other| other.trim().eq_ignore_ascii_case(id.trim()));
        let close = close.or_else(|| ids().find(|other| other.contains(id)));
        let help = match (close, ids().next()) {
            (Some(close), _) => format!("did you mean `{close}`?"),
            (None, Some(first)) => format!("give an id as the events have it, such as `{first}`"),
            (None, None) => "the event file is empty; name another with --events".to_owned(),
        };
        (what, help)
    }

    /// A bar on a terminal for files that take a while; nothing anywhere else.
    fn progress(path: &Path) -> ProgressBar {
        let length = std::fs::metadata(path).map_or(0, |file| file.len());
        if is_standard_input(path) || length < SHORT_BYTES {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("reading {bar:40} {bytes} of {total_bytes}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

/// Opens a file, or standard input where `-` is named.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    Ok(if is_standard_input(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path)?)
    })
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// The plans behind a path; none when they have errors, which are then told.
pub(super) fn plans(path: &Path) -> anyhow::Result<Option<PlanSet>> {
    let sources = Sources::read(path).with_context(|| Trouble {
        doing: "cannot read the plans".to_owned(),
        remedy: "name a plan file, or a directory of plan files, that exists and may be read",
    })?;
    let checked = plan_file::check(sources);
    let warnings = checked.count(Severity::Warning);
    if checked.set.is_none() {
        print::error(&checked.report(true));
    } else if warnings > 0 {
        let path = path.display();
        let s = if warnings == 1 { "" } else { "s" };
        print::error(&format!(
            "the plans have {warnings} warning{s}; `escalator validate {path}` shows them\n"
        ));
    }
    Ok(checked.set)
}

/// How a service with these settings reads records of other systems.
pub(super) fn mappings(settings: &Settings) -> anyhow::Result<Mappings> {
    let Some(path) = &settings.mappings else {
        return Ok(Mappings::default());
    };
    plan_file::load_mappings(path).with_context(|| Trouble {
        doing: "cannot load the mappings".to_owned(),
        remedy: "name a mapping file or a directory of them in the setting `mappings`; `escalator mapping \
                 test` tries them",
    })
}

/// An edit of the plans on the command line.
pub(super) fn edit(text: &str) -> Result<(Timestamp, PathBuf), String> {
    let (at, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("write an instant and a path, as in 2026-11-23T10:00:00Z=new-plans")?;
    let at = instant(at).map_err(|error| error.to_string())?;
    Ok((at, path.into()))
}

/// A bar on a terminal while many facts are simulated; nothing anywhere else.
pub(super) fn simulation_progress(what: &str, facts: usize) -> ProgressBar {
    if facts < SHORT_FACTS {
        return ProgressBar::hidden();
    }
    let target = ProgressDrawTarget::stderr();
    let bar = ProgressBar::with_draw_target(Some(facts as u64), target);
    let template = format!("{what} {{bar:40}} {{human_pos}} of {{human_len}} facts");
    let style = ProgressStyle::with_template(&template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// An instant on the command line.
pub(super) fn instant(text: &str) -> Result<Timestamp, InstantError> {
    Timestamp::parse(text)
}
