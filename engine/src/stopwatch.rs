//! Measured working time: started once, paused and stopped by facts, read at any instant.
//!
//! Clocks of timeframes and waits of levels are both stopwatches. A stopwatch never ticks: it
//! keeps the spans that do not count, and answers how much was counted at an instant; at which
//! instant something is (or was) reached is told by `threshold.rs`. Reading the true past instant
//! of a threshold is why the spans are kept rather than a running sum.

use serde::Serialize;

use crate::calendar::Calendar;
use crate::time::{Duration, Timestamp, as_millis};

/// Uncounted spans kept one by one. The history of a ticket has as many facts, and it takes a fact
/// to end a span; older ones are summed up.
const GAPS_MAX: usize = 64;

/// A span that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Its first instant.
    pub from: Timestamp,
    /// The instant from which time counts again.
    pub to: Timestamp,
    /// Whether the ticket was resolved or closed, rather than paused.
    pub closed: bool,
}

/// What a stopwatch does at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "motion", rename_all = "snake_case")]
pub enum Motion {
    /// Counts. To `Paused` or `Stopped`.
    Running,
    /// Does not count. To `Running` or `Stopped`.
    Paused {
        /// From this instant on.
        #[serde(rename = "motion_since")]
        since: Timestamp,
    },
    /// Over. To `Running` or `Paused` when a reopening resumes it.
    Stopped {
        /// At this instant.
        #[serde(rename = "motion_since")]
        at: Timestamp,
        /// Whether resolving or closing stopped it, rather than an answer.
        done: bool,
    },
}

/// Working time since a start, without what does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopwatch {
    /// When it was started.
    pub started_at: Timestamp,
    /// Spans before this instant are summed up in `counted` and `paused`.
    pub summed_to: Timestamp,
    /// Counted working time before `summed_to`.
    #[serde(rename = "counted_ms", serialize_with = "as_millis")]
    pub counted: Duration,
    /// Paused working time before `summed_to`.
    #[serde(rename = "paused_ms", serialize_with = "as_millis")]
    pub paused: Duration,
    /// What did not count since `summed_to`, in order.
    pub gaps: Vec<Gap>,
    /// What it does now.
    #[serde(flatten)]
    pub motion: Motion,
}

impl Stopwatch {
    /// A stopwatch started at an instant, paused from the beginning or not.
    #[must_use]
    pub const fn start(at: Timestamp, paused: bool) -> Self {
        Self {
            started_at: at,
            summed_to: at,
            counted: Duration::from_millis(0),
            paused: Duration::from_millis(0),
            gaps: Vec::new(),
            motion: if paused {
                Motion::Paused { since: at }
            } else {
                Motion::Running
            },
        }
    }

    /// Whether it is running or paused.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        !matches!(self.motion, Motion::Stopped { .. })
    }

    /// Pauses or goes on at an instant; a stopped one stays stopped.
    pub fn set_paused(&mut self, at: Timestamp, paused: bool, calendar: &Calendar) {
        match (self.motion, paused) {
            (Motion::Running, true) => self.motion = Motion::Paused { since: at },
            (Motion::Paused { since }, false) => {
                self.skip(since, at, false, calendar);
                self.motion = Motion::Running;
            }
            (Motion::Running, false)
            | (Motion::Paused { .. }, true)
            | (Motion::Stopped { .. }, _) => {}
        }
    }

    /// Stops it; `done` says that resolving or closing did.
    pub fn stop(&mut self, at: Timestamp, done: bool, calendar: &Calendar) {
        self.set_paused(at, false, calendar);
        if self.is_active() {
            self.motion = Motion::Stopped { at, done };
        }
    }

    /// Goes on after a stop; the time since then does not count.
    pub fn resume(&mut self, at: Timestamp, calendar: &Calendar) {
        if let Motion::Stopped { at: stopped_at, .. } = self.motion {
            self.skip(stopped_at, at, true, calendar);
            self.motion = Motion::Running;
        }
    }

    fn skip(&mut self, from: Timestamp, to: Timestamp, closed: bool, calendar: &Calendar) {
        if from == to {
            return;
        }
        self.gaps.push(Gap { from, to, closed });
        if self.gaps.len() > GAPS_MAX {
            let oldest = self.gaps.remove(0);
            self.counted = sum(self.counted, calendar.between(self.summed_to, oldest.from));
            if !oldest.closed {
                self.paused = sum(self.paused, calendar.between(oldest.from, oldest.to));
            }
            self.summed_to = oldest.to;
        }
    }

    /// The counted working time at an instant not before the last change.
    #[must_use]
    pub fn elapsed(&self, at: Timestamp, calendar: &Calendar) -> Duration {
        let (mut counted, mut cursor) = (self.counted, self.summed_to);
        for gap in &self.gaps {
            counted = sum(counted, calendar.between(cursor, gap.from));
            cursor = gap.to;
        }
        sum(counted, calendar.between(cursor, self.end(at)))
    }

    /// The working time it was paused until an instant not before the last change.
    #[must_use]
    pub fn paused(&self, at: Timestamp, calendar: &Calendar) -> Duration {
        let pauses = self.gaps.iter().filter(|gap| !gap.closed);
        let ended = pauses.fold(self.paused, |total, gap| {
            sum(total, calendar.between(gap.from, gap.to))
        });
        match self.motion {
            Motion::Paused { since } => sum(ended, calendar.between(since, at)),
            Motion::Running | Motion::Stopped { .. } => ended,
        }
    }

    /// The end of the last counted span.
    const fn end(&self, at: Timestamp) -> Timestamp {
        match self.motion {
            Motion::Running => at,
            Motion::Paused { since } => since,
            Motion::Stopped { at, .. } => at,
        }
    }
}

pub(crate) const fn sum(a: Duration, b: Duration) -> Duration {
    Duration::from_millis(a.as_millis().saturating_add(b.as_millis()))
}

pub(crate) const fn difference(a: Duration, b: Duration) -> Duration {
    Duration::from_millis(a.as_millis().saturating_sub(b.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::length::Length;

    const ALWAYS: &Calendar = &Calendar::Always;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(s * 1000)
    }

    fn s(seconds: i64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_and_closed_time_do_not_count() {
        let mut watch = Stopwatch::start(at(0), false);
        watch.set_paused(at(10), true, ALWAYS);
        assert_eq!(watch.elapsed(at(15), ALWAYS), s(10));
        assert_eq!(watch.paused(at(15), ALWAYS), s(5));
        watch.set_paused(at(20), false, ALWAYS);
        watch.stop(at(25), true, ALWAYS);
        assert_eq!(watch.elapsed(at(99), ALWAYS), s(15));
        watch.resume(at(50), ALWAYS);
        assert_eq!(watch.elapsed(at(60), ALWAYS), s(25));
        assert_eq!(watch.paused(at(60), ALWAYS), s(10));
    }

    #[test]
    fn summing_old_gaps_up_keeps_the_reading() {
        let mut watch = Stopwatch::start(at(0), false);
        for n in 0..200 {
            watch.set_paused(at(n * 10 + 5), true, ALWAYS);
            watch.set_paused(at(n * 10 + 10), false, ALWAYS);
        }
        assert_eq!(watch.gaps.len(), GAPS_MAX);
        assert_eq!(watch.elapsed(at(2000), ALWAYS), s(1000));
        assert_eq!(watch.paused(at(2000), ALWAYS), s(1000));
        let length = Length::Working(s(998));
        assert_eq!(watch.due(length, ALWAYS), Some(at(1993)));
    }
}
