//! Where the day is shown: lines above a bar on a terminal, plain lines elsewhere, JSON for programs.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::cli::{Output, print};
use crate::demo::line::{Layout, header, line, time};
use crate::demo::{Progress, Summary, Told, summary_text};

/// The bar moves in so many steps.
const BAR_STEPS: u64 = 1_000;

/// Where the day is shown.
pub(super) struct Screen {
    output: Output,
    layout: Layout,
    bar: ProgressBar,
}

impl Screen {
    /// A screen for so many tickets.
    pub(super) fn new(output: Output, tickets: u32) -> Self {
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

    /// Says what is played, and where the service can be asked.
    pub(super) fn introduce(&self, introduction: &str, address: SocketAddr) -> anyhow::Result<()> {
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

    /// Shows a decision; answers with whether somebody reads it.
    pub(super) fn tell(&self, told: &Told) -> anyhow::Result<bool> {
        match (self.output, &told.decision) {
            (Output::Json, _) => self.print(&told.json_lines.concat()),
            (Output::Text, Some(decision)) => {
                self.print(&line(decision, &told.notifications, self.layout))
            }
            (Output::Text, None) => Ok(true),
        }
    }

    /// Shows how far the day is.
    pub(super) fn show(&self, progress: Progress) {
        let position = progress.share * BAR_STEPS as f64;
        self.bar.set_position(position as u64);
        self.bar.set_prefix(time(progress.now));
        self.bar.set_message(format!(
            "{} open, {} events in, {} escalated, {} told",
            progress.open, progress.events, progress.raised, progress.told
        ));
    }

    /// Shows what the day came to, where its page is, and what can be tried next.
    pub(super) fn sum_up(
        &self,
        summary: &Summary,
        page: Option<&Path>,
        next: &str,
    ) -> anyhow::Result<()> {
        let page = page.map(|path| path.display().to_string());
        self.bar.finish_and_clear();
        match self.output {
            Output::Json => print::json(&json!({ "summary": summary, "page": page })),
            Output::Text if summary.events == 0 => print::text("Stopped before the day began.\n"),
            Output::Text => {
                let page = page.map(|path| format!("the day as a page: {path}\n"));
                let page = page.unwrap_or_default();
                print::text(&format!("{}{page}{next}", summary_text(summary)))
            }
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix:.bold} {bar:20.cyan/dim} {wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
