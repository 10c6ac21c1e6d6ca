//! When a stopwatch reaches something: the end of a length, or a mark of a clock.
//!
//! Working time is reached when so much of it is counted. A length in working days is an instant
//! instead: it is known from the start, and working time that does not count pushes it on by as
//! much. Both are looked for in the same way, in one run after the other: where would it lie if
//! the stopwatch went on from here, and does it go on for so long? Reached at the very instant at
//! which counting ends is not reached.

#[cfg(test)]
mod tests;

use crate::calendar::Calendar;
use crate::length::{Length, WorkingDays};
use crate::plan::{MarkAt, Within};
use crate::stopwatch::{Motion, Stopwatch, difference, sum};
use crate::time::{Duration, Timestamp};

/// A stretch of time in which a stopwatch counts.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// From this instant on.
    from: Timestamp,
    /// Counted before it.
    counted: Duration,
    /// What lies before this instant is reached; none while it counts. That is where it stops, but one
    /// that stops where it begins counts nothing, and reaches only what lies before the start.
    end: Option<Timestamp>,
}

impl Run {
    fn reaches(&self, at: Timestamp) -> bool {
        self.end.is_none_or(|end| at < end)
    }
}

/// A length as a stopwatch looks for its end.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// So much counted working time.
    Working(Duration),
    /// An instant, pushed on by working time that does not count.
    Instant(Timestamp),
}

/// The length of a clock, measured from the start of its stopwatch: what all its marks are placed
/// by.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Where it ends.
    end: Goal,
    /// The working time from the start to its end.
    working: Duration,
}

/// A mark on a stopwatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkPlace {
    /// The working time that is counted when it is reached; negative when it lies before the start.
    pub threshold: Duration,
    /// When it was or will be reached, as things stand; none when it will not.
    pub due_at: Option<Timestamp>,
}

impl MarkAt {
    /// The counted working time at which a mark stands on a clock of this length, rounded up to a
    /// millisecond; none for marks in working days, which depend on the date.
    #[must_use]
    pub fn threshold(self, within: Duration) -> Option<Duration> {
        match self {
            Self::Share(millionths) => {
                let millionths = i64::try_from(millionths).unwrap_or(i64::MAX);
                let within = within.as_millis();
                let rest = within.rem_euclid(1_000_000).saturating_mul(millionths);
                let rest = rest.saturating_add(999_999).div_euclid(1_000_000);
                let whole = within.div_euclid(1_000_000).saturating_mul(millionths);
                Some(Duration::from_millis(whole.saturating_add(rest)))
            }
            Self::Offset(offset) => Some(sum(within, offset)),
            Self::After(_) | Self::Before(_) => None,
        }
    }

    /// Whether the mark is the breach itself, however it is written.
    #[must_use]
    pub fn is_breach(self) -> bool {
        self == Self::BREACH || self == Self::Offset(Duration::default())
    }
}

impl Course {
    /// The counted working time at which a mark is due, if that alone says when: the end of the
    /// length may be an instant, and marks in working days are.
    #[must_use]
    pub fn threshold(&self, at: MarkAt) -> Option<Duration> {
        let is_instant = at.is_breach() && matches!(self.end, Goal::Instant(_));
        at.threshold(self.working).filter(|_| !is_instant)
    }
}

impl Within {
    /// The shortest and the longest of its lengths in working time, and in working days. Where marks
    /// stand changes with the length in a straight line, so that what is true of them at both ends is
    /// true between.
    #[must_use]
    pub fn extremes(&self) -> Vec<Length> {
        let working = || {
            self.lengths().filter_map(|length| match length {
                Length::Working(working) => Some(working),
                Length::Days(_) => None,
            })
        };
        let days = || {
            self.lengths().filter_map(|length| match length {
                Length::Working(_) => None,
                Length::Days(days) => Some(days),
            })
        };
        let working = [working().min(), working().max()].into_iter().flatten();
        let days = [days().min(), days().max()].into_iter().flatten();
        let working = working.map(Length::Working);
        working.chain(days.map(Length::Days)).collect()
    }
}

impl Stopwatch {
    /// The working time from the start to the end of a length, if the calendar has that much.
    #[must_use]
    pub fn working(&self, length: Length, calendar: &Calendar) -> Option<Duration> {
        self.course(length, calendar).map(|course| course.working)
    }

    /// A length from the start on; none when the calendar ends before.
    #[must_use]
    pub fn course(&self, length: Length, calendar: &Calendar) -> Option<Course> {
        let end = self.goal(length, calendar)?;
        let working = match end {
            Goal::Working(working) => working,
            Goal::Instant(end) => calendar.between(self.started_at, end),
        };
        Some(Course { end, working })
    }

    fn goal(&self, length: Length, calendar: &Calendar) -> Option<Goal> {
        match length {
            Length::Working(working) => Some(Goal::Working(working)),
            Length::Days(days) => {
                let end = calendar.after_days(self.started_at, days)?;
                Some(Goal::Instant(end))
            }
        }
    }

    /// The instant at which a length was or will be over, as things stand: none while it is paused
    /// or stopped short of it. Paused or stopped exactly at its end has not reached it. What was
    /// reached within the summed-up part is given as the end of that part.
    #[must_use]
    pub fn due(&self, length: Length, calendar: &Calendar) -> Option<Timestamp> {
        let goal = self.goal(length, calendar)?;
        self.reach(goal, calendar).map(|(at, _)| at)
    }

    /// So much counted working time is not reached before this instant, whatever the calendar: no more
    /// than the time that passes is counted.
    #[must_use]
    pub fn not_before(&self, threshold: Duration) -> Timestamp {
        if threshold < Duration::default() {
            return self.started_at;
        }
        let left = difference(threshold, self.counted).max(Duration::default());
        self.summed_to.plus_millis(left.as_millis())
    }

    /// Where a mark of a clock of this course stands; none when the calendar ends before.
    #[must_use]
    pub fn mark(&self, at: MarkAt, course: &Course, calendar: &Calendar) -> Option<MarkPlace> {
        match at {
            MarkAt::Share(_) | MarkAt::Offset(_) => {
                let threshold = at.threshold(course.working)?;
                let goal = if at.is_breach() {
                    course.end
                } else if threshold < Duration::default() {
                    let due_at = Some(self.started_at);
                    return Some(MarkPlace { threshold, due_at });
                } else {
                    Goal::Working(threshold)
                };
                let due_at = self.reach(goal, calendar).map(|(at, _)| at);
                Some(MarkPlace { threshold, due_at })
            }
            MarkAt::After(days) => {
                let deadline = self.deadline(course.end, calendar)?;
                let later = calendar.after_days(deadline, days)?;
                Some(MarkPlace {
                    threshold: sum(course.working, calendar.between(deadline, later)),
                    due_at: self.due_after(course.end, days, calendar),
                })
            }
            MarkAt::Before(days) => {
                let deadline = self.deadline(course.end, calendar)?;
                let earlier = calendar.before_days(deadline, days)?;
                Some(MarkPlace {
                    threshold: difference(course.working, calendar.between(earlier, deadline)),
                    due_at: self.due_before(course.end, days, calendar),
                })
            }
        }
    }

    /// When so many working days after the end of a length are reached. What does not count after
    /// that end pushes it on.
    fn due_after(&self, end: Goal, days: WorkingDays, calendar: &Calendar) -> Option<Timestamp> {
        let (deadline, reached) = self.reach(end, calendar)?;
        let later = calendar.after_days(deadline, days)?;
        let before = self.uncounted(&reached, calendar);
        self.runs(calendar)
            .filter(|run| run.from >= reached.from)
            .find_map(|run| {
                let uncounted = difference(self.uncounted(&run, calendar), before);
                pushed(later, uncounted, calendar).filter(|at| run.reaches(*at))
            })
    }

    /// When so many working days before the end of a length are reached, the end being where it is
    /// as long as nothing more fails to count.
    fn due_before(&self, end: Goal, days: WorkingDays, calendar: &Calendar) -> Option<Timestamp> {
        self.runs(calendar).find_map(|run| {
            let deadline = self.candidate(end, &run, calendar)?;
            let earlier = calendar.before_days(deadline, days)?;
            run.reaches(earlier).then_some(earlier)
        })
    }

    /// The end of a length, reached or not: where it lies if nothing more fails to count.
    fn deadline(&self, end: Goal, calendar: &Calendar) -> Option<Timestamp> {
        match self.reach(end, calendar) {
            Some((at, _)) => Some(at),
            None => self
                .runs(calendar)
                .last()
                .and_then(|run| self.candidate(end, &run, calendar)),
        }
    }

    /// When a goal is reached, and the run in which it is.
    fn reach(&self, goal: Goal, calendar: &Calendar) -> Option<(Timestamp, Run)> {
        self.runs(calendar).find_map(|run| {
            let at = self.candidate(goal, &run, calendar)?;
            run.reaches(at).then_some((at, run))
        })
    }

    /// When a goal is reached if the stopwatch counts from the beginning of a run on.
    fn candidate(&self, goal: Goal, run: &Run, calendar: &Calendar) -> Option<Timestamp> {
        let is_summed = run.from == self.summed_to;
        match goal {
            Goal::Working(working) if is_summed && working < run.counted => Some(run.from),
            Goal::Working(working) => calendar.add(run.from, difference(working, run.counted)),
            Goal::Instant(end) => {
                if is_summed && calendar.between(self.started_at, end) < run.counted {
                    return Some(run.from);
                }
                pushed(end, self.uncounted(run, calendar), calendar)
            }
        }
    }

    /// The stretches in which it counts, since what is summed up.
    fn runs(&self, calendar: &Calendar) -> impl Iterator<Item = Run> {
        let last_end = match self.motion {
            Motion::Running => None,
            Motion::Paused { since: end } | Motion::Stopped { at: end, .. } => Some(end),
        };
        let gaps = self.gaps.iter().map(|gap| (Some(gap.from), gap.to));
        let ends = gaps.chain(std::iter::once((last_end, Timestamp::MAX)));
        let mut next = (self.summed_to, self.counted);
        ends.map(move |(end, continues)| {
            let (from, counted) = next;
            if let Some(end) = end {
                next = (continues, sum(counted, calendar.between(from, end)));
            }
            let end = end.map(|end| if end == from { self.started_at } else { end });
            Run { from, counted, end }
        })
    }

    /// Working time since the start that was not counted before a run.
    fn uncounted(&self, run: &Run, calendar: &Calendar) -> Duration {
        if run.from == self.started_at {
            return Duration::default();
        }
        difference(calendar.between(self.started_at, run.from), run.counted)
    }
}

/// An instant pushed on by working time; by none, it stays where it is, open or not.
fn pushed(at: Timestamp, by: Duration, calendar: &Calendar) -> Option<Timestamp> {
    if by == Duration::default() {
        return Some(at);
    }
    calendar.add(at, by)
}
