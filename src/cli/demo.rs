//! `demo`: a day of tickets at high speed, in one process.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use escalator_engine::time::Timestamp;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::failure::{self, Trouble};
use super::signals::stop_on_signals;
use super::{Output, SystemClock, Verdict, print};
use crate::clock::Clock as _;
use crate::demo::line::{Layout, header, line, time};
use crate::demo::{
    self, Comparison, News, Outline, Play, Progress, Running, SHIPPED_PLAN, SHIPPED_PLAN_PATH,
    Story, Summary, Told, event_file, summary_text,
};
use crate::logging;
use crate::plan_file::{self, PlanSet, Sources};
use crate::settings::{Log, LogFormat};

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator demo
  escalator demo --plans my-plans --tickets 200 --speed 720
  escalator demo --seed 7 --save day.jsonl
  escalator demo --output json | jq -c 'select(.topic == \"escalated\") | .value.type'";

/// The day begins at eight in the morning, UTC.
const MORNING_MS: i64 = 8 * 60 * 60 * 1_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The bar moves in so many steps.
const BAR_STEPS: u64 = 1_000;

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
    /// Form of what is printed: lines and a summary, or one JSON line per event out and a last one
    /// with the summary.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        // Readiness and rebalances are no news here; what goes wrong is.
        let log = Log {
            format: LogFormat::Text,
            level: "warn".to_owned(),
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
            story,
            plans,
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
                News::Progress(progress) => screen.show(progress),
                News::Over(summary) => break summary,
            };
            if !is_read {
                return Ok(Verdict::Good);
            }
        };
        screen.sum_up(&summary, &self.next_commands())?;
        Ok(verdict(&summary.simulate))
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

/// Where the day is shown.
struct Screen {
    output: Output,
    layout: Layout,
    bar: ProgressBar,
}

impl Screen {
    fn new(output: Output, tickets: u32) -> Self {
        let is_seen = output == Output::Text && std::io::stdout().is_terminal();
        let columns = terminal_size::terminal_size_of(std::io::stdout());
        let columns = columns.map(|(width, _)| usize::from(width.0));
        let digits = tickets.to_string().len().max(3);
        Self {
            output,
            layout: Layout {
                columns: columns.filter(|_| is_seen),
                ticket_columns: "INC-".len() + digits,
            },
            bar: if is_seen {
                bar()
            } else {
                ProgressBar::hidden()
            },
        }
    }

    /// Prints above the bar; answers with whether somebody reads it.
    fn print(&self, text: &str) -> anyhow::Result<bool> {
        self.bar.suspend(|| print::text_while_read(text))
    }

    fn introduce(&self, introduction: &str, address: SocketAddr) -> anyhow::Result<()> {
        if self.output == Output::Json {
            return Ok(());
        }
        let text = format!(
            "{introduction}Metrics: http://{address}/metrics   Health: http://{address}/readyz   \
             Stop: Ctrl-C\n\n{}",
            header(self.layout)
        );
        self.print(&text).map(|_| ())
    }

    fn tell(&self, told: &Told) -> anyhow::Result<bool> {
        match (self.output, &told.decision) {
            (Output::Json, _) => self.print(&told.json_lines.concat()),
            (Output::Text, Some(decision)) => {
                self.print(&line(decision, &told.notifications, self.layout))
            }
            (Output::Text, None) => Ok(true),
        }
    }

    fn show(&self, progress: Progress) -> bool {
        let position = progress.share * BAR_STEPS as f64;
        self.bar.set_position(position as u64);
        self.bar.set_prefix(time(progress.now));
        self.bar.set_message(format!(
            "{} open, {} events in, {} escalated, {} told",
            progress.open, progress.events, progress.raised, progress.told
        ));
        true
    }

    fn sum_up(&self, summary: &Summary, next: &str) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        match self.output {
            Output::Json => print::json(&json!({ "summary": summary })),
            Output::Text if summary.events == 0 => print::text("Stopped before the day began.\n"),
            Output::Text => print::text(&format!("{}{next}", summary_text(summary))),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix:.bold} {bar:20.cyan/dim} {wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
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
