//! An explanation as a text that is read from top to bottom: where the ticket stands, why it is
//! under its plan, what its clocks show, what comes next and what happened.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use escalator_engine::explain::{ClockReading, Explanation, MarkReading, Uncounted};
use escalator_engine::length::Length;
use escalator_engine::time::{Duration, Timestamp};

use super::words::{harmless, in_hours};
use crate::edits::first_digits;

const BOLD: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default();
const GOOD: Style = AnsiColor::Green.on_default();

/// The explanation for people, with colours that the printer may strip.
#[must_use]
pub fn explanation_text(explanation: &Explanation) -> String {
    let mut text = Text(String::new());
    text.headline(explanation);
    text.plans(explanation);
    text.clocks(explanation);
    text.triggers(explanation);
    text.next(explanation);
    text.history(explanation);
    text.0
}

struct Text(String);

impl Text {
    fn line(&mut self, indent: usize, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:indent$}{line}", "");
    }

    fn heading(&mut self, heading: &str) {
        self.0.push('\n');
        self.line(0, &painted(BOLD, heading));
    }

    fn headline(&mut self, it: &Explanation) {
        let level = match (it.level, it.acknowledged) {
            (0, _) => painted(GOOD, "not escalated"),
            (level, false) => painted(BAD, &format!("escalated to level {level}")),
            (level, true) => format!("escalated to level {level}, acknowledged"),
        };
        let id = painted(BOLD, &harmless(&it.ticket_id));
        let status = it.status_category;
        self.line(0, &format!("{id} at {}: {status}, {level}", it.at));
        let breached = it.clocks.iter().filter(|clock| clock.breached);
        for clock in breached {
            let over = negated(clock.remaining_s.map_or_else(Duration::default, Into::into));
            let what = format!("{} is broken", harmless(&clock.timeframe));
            let by = if over.as_millis() > 0 {
                format!(" by {over}")
            } else {
                String::new()
            };
            self.line(2, &format!("{}{by}", painted(BAD, &what)));
        }
    }

    fn plans(&mut self, it: &Explanation) {
        self.heading("Plan");
        match (&it.plan, &it.plan_revision) {
            (Some(plan), Some(revision)) => {
                let short = first_digits(revision);
                self.line(2, &format!("{} applies (revision {short})", harmless(plan)));
            }
            _ => self.line(2, "none applies, so no clock runs and nothing escalates"),
        }
        for plan in &it.plans {
            let verb = if plan.matches {
                "matches"
            } else {
                "does not match"
            };
            let because = harmless(&plan.because);
            self.line(2, &format!("{} {verb}: {because}", harmless(&plan.name)));
        }
    }

    fn clocks(&mut self, it: &Explanation) {
        if it.clocks.is_empty() {
            return;
        }
        self.heading("Clocks");
        for clock in &it.clocks {
            self.line(2, &clock_sentence(clock));
            for span in &clock.uncounted {
                self.line(4, &uncounted_sentence(span));
            }
            for mark in &clock.marks {
                self.line(4, &mark_sentence(mark, clock));
            }
        }
    }

    fn triggers(&mut self, it: &Explanation) {
        if it.triggers.is_empty() {
            return;
        }
        self.heading("Triggers");
        for trigger in &it.triggers {
            let verb = if trigger.holds {
                "holds"
            } else {
                "does not hold"
            };
            let because = harmless(&trigger.because);
            self.line(2, &format!("{} {verb}: {because}", harmless(&trigger.name)));
        }
    }

    fn next(&mut self, it: &Explanation) {
        self.heading("Next, if nothing happens");
        match &it.next {
            Some(next) => {
                let wait = Duration::from_millis(next.at.millis_since(it.at));
                let what = harmless(&next.what);
                self.line(2, &format!("{} (in {wait}): {what}", next.at));
            }
            None => self.line(2, "nothing falls due"),
        }
    }

    fn history(&mut self, it: &Explanation) {
        self.heading("History");
        for line in &it.history {
            let (what, because) = (harmless(&line.what), harmless(&line.because));
            self.line(2, &format!("{}  {what}: {because}", line.at));
        }
    }
}

fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

const fn negated(length: Duration) -> Duration {
    Duration::from_millis(length.as_millis().saturating_neg())
}

fn clock_sentence(clock: &ClockReading) -> String {
    let name = harmless(&clock.timeframe);
    let cycle = if clock.cycle > 1 {
        format!(" (cycle {})", clock.cycle)
    } else {
        String::new()
    };
    let Some(started_at) = clock.started_at else {
        return format!("{name} has not started");
    };
    let state = match clock.stopped_at {
        Some(at) => format!("was stopped at {at}"),
        None => format!("is {}", clock.state),
    };
    let reading = counted_of(clock);
    let end = deadline(clock);
    format!("{name}{cycle} {state}: {reading} since {started_at}{end}")
}

/// How much of its promise a clock has counted. Of working days nobody knows how long they are, so
/// their working time is told, too, and in hours: a day of a plan is 24 of them.
#[must_use]
pub fn counted_of(clock: &ClockReading) -> String {
    let elapsed: Duration = clock.elapsed_s.into();
    match (clock.within, clock.within_s.map(Duration::from)) {
        (Some(Length::Days(days)), Some(within)) => {
            let (elapsed, within) = (in_hours(elapsed), in_hours(within));
            format!("{elapsed} of {days} ({within} of working time) counted")
        }
        (_, Some(within)) => format!("{elapsed} of {within} counted"),
        (_, None) => format!("{elapsed} counted, without a limit for this ticket"),
    }
}

/// What became of the deadline.
fn deadline(clock: &ClockReading) -> String {
    match (clock.due_at, clock.breached) {
        (Some(due_at), true) => format!(", {}", painted(BAD, &format!("broken at {due_at}"))),
        (Some(due_at), false) => format!(", due {due_at}"),
        (None, _) if clock.stopped_at.is_some() && clock.within_s.is_some() => {
            format!(", {}", painted(GOOD, "in time"))
        }
        (None, _) => match clock.remaining_s.map(Duration::from) {
            Some(remaining) => format!(", {remaining} left when it goes on"),
            None => String::new(),
        },
    }
}

fn uncounted_sentence(span: &Uncounted) -> String {
    match span.to {
        Some(to) => {
            let length = Duration::from_millis(to.millis_since(span.from));
            format!(
                "not counted: {length} from {} to {to}, {}",
                span.from, span.because
            )
        }
        None => format!("not counted since {}, {}", span.from, span.because),
    }
}

fn mark_sentence(mark: &MarkReading, clock: &ClockReading) -> String {
    let at = harmless(&mark.at);
    let threshold = match (clock.within, mark.threshold_s.map(Duration::from)) {
        (Some(Length::Days(_)), Some(threshold)) => format!("mark {at} at {}", in_hours(threshold)),
        (_, Some(threshold)) => format!("mark {at} at {threshold}"),
        (_, None) => format!("mark {at}"),
    };
    let fired = |fired_at: Timestamp| match mark.due_at {
        Some(due_at) if due_at != fired_at => format!("fired at {fired_at}, was due {due_at}"),
        Some(_) | None => format!("fired at {fired_at}"),
    };
    let state = match (mark.fired_at, mark.due_at) {
        (Some(fired_at), _) => fired(fired_at),
        (None, Some(due_at)) if clock.stopped_at.is_some() => {
            format!("did not fire; by the present times it would have been due {due_at}")
        }
        (None, Some(due_at)) => format!("due {due_at}"),
        (None, None) if clock.stopped_at.is_some() => "not reached".to_owned(),
        (None, None) if clock.started_at.is_none() => "waits for the clock".to_owned(),
        (None, None) => match &clock.no_limit {
            Some(because) => format!("never, {}", harmless(because)),
            None => "waits until the clock goes on".to_owned(),
        },
    };
    format!("{threshold}: {state}")
}
