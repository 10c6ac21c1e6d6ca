//! One pass over a topic, with a bar on a terminal while it is a long one.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::kafka::sweep::{Span, Sweep};
use crate::record::Record;

/// Fewer records are read before anybody could see a bar: a second's worth.
const SHORT_RECORDS: u64 = 100_000;

/// Records taken at once: enough to make the cost of a call small.
pub(super) const BATCH_RECORDS: usize = 1_000;

/// Hands every record of some spans to a function, as many at a time as have arrived, `at_once` at
/// most.
pub(super) fn pass(
    sweep: &mut Sweep,
    spans: &[Span],
    what: &str,
    at_once: usize,
    mut take: impl FnMut(Vec<Record>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    sweep.begin(spans)?;
    let progress = TopicProgress::begin(what, sweep);
    while !sweep.is_over() {
        take(sweep.poll(at_once)?)?;
        progress.show(sweep);
    }
    progress.end();
    Ok(())
}

/// How far the reading of a topic is, on stderr; nothing where it is no terminal.
struct TopicProgress(ProgressBar);

impl TopicProgress {
    /// Shows that a pass begins.
    fn begin(what: &str, sweep: &Sweep) -> Self {
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
    fn show(&self, sweep: &Sweep) {
        self.0.set_position(sweep.progress().done);
    }

    /// Takes the bar away.
    fn end(&self) {
        self.0.finish_and_clear();
    }
}
