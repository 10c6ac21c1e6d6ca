//! A bar on a terminal while a long topic is read.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::kafka::sweep::Sweep;

/// Fewer records are read before anybody could see a bar: a second's worth.
const SHORT_RECORDS: u64 = 100_000;

/// How far the reading of a topic is, on stderr; nothing where it is no terminal.
pub(super) struct TopicProgress(ProgressBar);

impl TopicProgress {
    /// Shows that a pass begins.
    pub(super) fn begin(what: &str, sweep: &Sweep) -> Self {
        let total = sweep.progress().total;
        if total < SHORT_RECORDS {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = format!("{what} {{bar:40}} {{human_pos}} of {{human_len}} records");
        let style = ProgressStyle::with_template(&template);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Shows how far it is.
    pub(super) fn show(&self, sweep: &Sweep) {
        self.0.set_position(sweep.progress().done);
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
