//! `demo`: a day of tickets at high speed, in one process.

mod screen;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use escalator_engine::time::Timestamp;

use super::failure::{self, Trouble};
use super::signals::stop_on_signals;
use super::{Output, SystemClock, Verdict};
use crate::clock::Clock as _;
use crate::demo::line::time;
use crate::demo::{
    self, Comparison, News, Outline, Play, Running, SHIPPED_PLAN, SHIPPED_PLAN_PATH, Story,
    Summary, day_page, event_file,
};
use crate::logging;
use crate::plan_file::{self, PlanSet, Sources};
use crate::settings::{Log, LogFormat};
use screen::Screen;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator demo
  escalator demo --plans my-plans --tickets 200 --speed 720
  escalator demo --seed 7 --save day.jsonl --page day.html
  escalator demo --output json | jq -c 'select(.topic == \"escalated\") | .value.type'";

/// The page of the day unless another file is named.
const PAGE: &str = "escalator-demo.html";

/// The day begins at eight in the morning, UTC.
const MORNING_MS: i64 = 8 * 60 * 60 * 1_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The command `demo`.
#[derive(Args)]
pub(super) struct Demo {
    /// A plan file, or a directory of plan files [default: the one that the program is shipped with].
    #[arg(long, value_name = "PATH")]
    plans: Option<PathBuf>,
    /// How many tickets come in.
    // Beyond, the numbers of a day are no longer a service desk's.
    #[arg(long, default_value_t = 400, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    tickets: u32,
    /// What is left to chance; the same number tells the same day.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many times faster than the world the day passes: 1440 makes a day a minute.
    // Beyond, a hiccup of the machine is half a day, and plans that forget stale news forget some.
    #[arg(long, default_value_t = 1_440, value_parser = RangedU64ValueParser::<u32>::new().range(1..=20_000))]
    speed: u32,
    /// Address and port of `/metrics`, `/livez` and `/readyz` [default: a free port].
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        hide_default_value = true
    )]
    http: SocketAddr,
    /// Writes the day's events to an event file, for `simulate` and `explain`.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Writes the page that `report` makes of the day to another file [default: escalator-demo.html].
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Form of what is printed: lines and a summary, or one JSON line per event out and a last one
    /// with the summary.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        // What the service overcomes by itself is no news here; what it cannot is.
        let log = Log {
            format: LogFormat::Text,
            level: "error".to_owned(),
        };
        logging::start(&log, std::io::stderr().is_terminal())?;
        let plans = self.load_plans()?;
        let story = Story::new(self.outline(SystemClock.now()));
        self.save(&story)?;
        let screen = Screen::new(self.output, self.tickets);
        let introduction = self.introduction(&story, &plans);
        let stop = Arc::new(AtomicBool::new(false));
        stop_on_signals(Arc::clone(&stop))?;
        let mut running = Running::open(Play {
            story: story.clone(),
            plans: plans.clone(),
            speed: self.speed,
            http: self.http,
            stop,
            run_number: std::process::id(),
        })
        .map_err(trouble)?;
        screen.introduce(&introduction, running.address())?;
        let summary = loop {
            let is_read = match running.news().map_err(trouble)? {
                News::Starting => true,
                News::Told(told) => screen.tell(&told)?,
                News::Progress(progress) => {
                    screen.show(progress);
                    true
                }
                News::Over(summary) => break summary,
            };
            if !is_read {
                return Ok(Verdict::Good);
            }
        };
        let page = self.write_page(&story, &plans, &summary);
        let written = page.as_ref().ok().copied().flatten();
        screen.sum_up(&summary, written, &self.next_commands())?;
        match page {
            // Nobody has asked for it, and there are directories that nothing may be written to.
            Err(error) if self.page.is_none() => failure::report(&error),
            page => drop(page?),
        }
        Ok(verdict(&summary.simulate))
    }

    /// Writes the page of the day and answers with where it is; a day that never began has none.
    fn write_page(
        &self,
        story: &Story,
        plans: &PlanSet,
        summary: &Summary,
    ) -> anyhow::Result<Option<&Path>> {
        let Some(page) = day_page(story, plans, summary) else {
            return Ok(None);
        };
        let path = self.page.as_deref().unwrap_or_else(|| Path::new(PAGE));
        std::fs::write(path, page).with_context(|| Trouble {
            doing: format!("cannot write the page of the day to {}", path.display()),
            remedy: "name a file in a directory that exists and may be written to with --page",
        })?;
        Ok(Some(path))
    }

    fn load_plans(&self) -> anyhow::Result<PlanSet> {
        let trouble = || Trouble {
            doing: "cannot load the plans".to_owned(),
            remedy: "name a plan file or a directory of them with --plans, or nothing for the \
                     shipped one; `escalator validate` shows every problem",
        };
        match &self.plans {
            Some(path) => plan_file::load(path).with_context(trouble),
            None => plan_file::check(Sources::from_text(SHIPPED_PLAN_PATH, SHIPPED_PLAN))
                .into_set()
                .with_context(trouble),
        }
    }

    /// The day of today: brokers delete records that are older than a week.
    const fn outline(&self, now: Timestamp) -> Outline {
        let midnight_ms = now.as_millis().div_euclid(DAY_MS) * DAY_MS;
        Outline {
            morning: Timestamp::from_millis(midnight_ms + MORNING_MS),
            tickets: self.tickets,
            seed: self.seed,
        }
    }

    fn save(&self, story: &Story) -> anyhow::Result<()> {
        let Some(path) = &self.save else {
            return Ok(());
        };
        std::fs::write(path, event_file(&story.events)).with_context(|| Trouble {
            doing: format!("cannot write the events to {}", path.display()),
            remedy: "name a file that may be written with --save, or none",
        })
    }

    fn introduction(&self, story: &Story, plans: &PlanSet) -> String {
        let names = plans.revision().plans.iter();
        let names: Vec<&str> = names.map(|plan| &*plan.name).collect();
        let path = match &self.plans {
            Some(path) => path.display().to_string(),
            None => format!("{SHIPPED_PLAN_PATH}, which is shipped with the program"),
        };
        let tickets = self.tickets;
        let s = if tickets == 1 { "" } else { "s" };
        let (from, to) = (time(story.morning), time(story.end));
        format!(
            "A day at a service desk: {tickets} ticket{s} from {from} to {to}, {} times as fast as the world.\n\
             A broker in memory and the real service, both in this process.\n\
             Plans: {} ({path}).\n",
            self.speed,
            names.join(", "),
        )
    }

    /// What can be tried next.
    fn next_commands(&self) -> String {
        let plans = match &self.plans {
            Some(path) => path.display().to_string(),
            None => "plans".to_owned(),
        };
        let seed = self.seed.wrapping_add(1);
        let second = match &self.save {
            Some(path) => {
                let events = path.display();
                format!("escalator explain --plans {plans} --events {events} --ticket INC-001")
            }
            None => {
                format!("escalator demo --seed {seed} --save day.jsonl   # then simulate, explain")
            }
        };
        format!(
            "\nNext:\n  \
             escalator demo --plans {plans}   # after an edit: who would have been told?\n  \
             {second}\n  \
             escalator run --embedded --plans {plans}\n"
        )
    }
}

fn verdict(comparison: &Comparison) -> Verdict {
    if comparison.equal {
        return Verdict::Good;
    }
    let mut what = format!(
        "what came out of Kafka is not what `simulate` gives for {} tickets",
        comparison.tickets_that_differ
    );
    for difference in &comparison.differences {
        what.push_str(&format!(
            "\n  {}: only in simulation {:?}, only in Kafka {:?}",
            difference.ticket_id, difference.only_in_simulation, difference.only_in_kafka
        ));
    }
    failure::refuse(
        &what,
        "this is a defect of the program: report it with the command line that you used",
    );
    Verdict::Bad
}

fn trouble(error: demo::Error) -> anyhow::Error {
    let remedy = match &error {
        demo::Error::Broker(_) => "free a port on the loopback interface",
        demo::Error::Service(_) => "give a free address with --http, or none",
        demo::Error::NotReady | demo::Error::Writing(_) | demo::Error::Watching(_) => {
            "try again when the machine has less to do, or with a smaller --speed"
        }
        demo::Error::Settings(_) | demo::Error::Ended | demo::Error::Thread(_) => {
            "try again; if it fails again, report it with what stands above"
        }
    };
    anyhow::Error::new(error).context(Trouble {
        doing: "cannot play the day".to_owned(),
        remedy,
    })
}
