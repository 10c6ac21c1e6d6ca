//! An escalation that is open: its level, the waits of that level, and who takes care of it.

use serde::Serialize;

use crate::calendar::Calendar;
use crate::decision::{Anchor, Identity};
use crate::length::Length;
use crate::plan::{Communication, Level, Nature, Plan, Unless};
use crate::stopwatch::Stopwatch;
use crate::time::Timestamp;

/// An escalation from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Escalation {
    /// When it began.
    pub begun_at: Timestamp,
    /// The present level, from 1.
    pub level: u32,
    /// The level that was told last: a plan with a shorter path takes the level down silently.
    pub announced_level: u32,
    /// The highest level it has reached.
    pub highest_level: u32,
    /// Problem or chance, by what raised it last.
    pub nature: Nature,
    /// Measures the waits of the level: since it was entered, or since they started afresh.
    pub waits: Stopwatch,
    /// How often the level was told again since then.
    pub repeats_sent: u32,
    /// Whether somebody takes care of it.
    pub acknowledgement: Option<Acknowledgement>,
    /// The `raised` that began it.
    pub begun_by: Identity,
    /// When the last update was due; the first one is at the beginning.
    pub updated_at: Timestamp,
    /// Whether `close_within` is over.
    pub is_overdue: bool,
}

/// Somebody takes care of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Acknowledgement {
    /// The activity that began it.
    pub anchor: Anchor,
    /// Measures how long it has lasted.
    pub watch: Stopwatch,
    /// The end of a snooze; others last as long as the plan says.
    pub until: Option<Timestamp>,
}

/// A wait of an escalation, in the order in which they fire at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// When the level has waited for its `next_after`: up.
    NextAfter,
    /// When the level has waited for another `every`: tell it again.
    Repeat,
    /// When the acknowledgement has lasted: it ends.
    AcknowledgementEnd,
    /// When the escalation has lasted for `close_within`: to the last level.
    CloseWithin,
    /// When the escalation has lasted for another `every` of the communication: tell how it stands.
    Communication,
}

impl Wait {
    /// All waits, in their order.
    pub const ALL: [Self; 5] = [
        Self::NextAfter,
        Self::Repeat,
        Self::AcknowledgementEnd,
        Self::CloseWithin,
        Self::Communication,
    ];
}

impl Escalation {
    /// The level in the plan; none when the plan has no such level.
    #[must_use]
    pub fn level_of<'a>(&self, plan: &'a Plan) -> Option<&'a Level> {
        plan.path.get((self.level as usize).checked_sub(1)?)
    }

    /// When a wait is due, as things stand.
    #[must_use]
    pub fn due(&self, wait: Wait, plan: &Plan) -> Option<Timestamp> {
        let level = self.level_of(plan)?;
        match wait {
            Wait::NextAfter => {
                let is_stopped =
                    self.acknowledgement.is_some() && level.unless == Unless::Acknowledged;
                if is_stopped || self.level as usize >= plan.path.len() {
                    return None;
                }
                self.waits.due(level.next_after?, &level.calendar)
            }
            Wait::Repeat => {
                if self.acknowledgement.is_some() {
                    return None;
                }
                self.repeat_due(self.repeats_sent + 1, level)
            }
            Wait::AcknowledgementEnd => {
                let acknowledgement = self.acknowledgement.as_ref()?;
                acknowledgement.until.map_or_else(
                    || {
                        acknowledgement
                            .watch
                            .due(plan.acknowledgement_lasts?, &level.calendar)
                    },
                    Some,
                )
            }
            Wait::CloseWithin => {
                let resolution = &plan.resolution;
                let length = resolution.close_within.filter(|_| !self.is_overdue)?;
                self.lasts_for(length, &resolution.calendar)
            }
            Wait::Communication => {
                self.update_due_after(self.updated_at, plan.communication.as_ref()?)
            }
        }
    }

    /// When the first update after an instant is due. Whatever was told by other plans before, the
    /// waits count from the beginning.
    #[must_use]
    pub fn update_due_after(
        &self,
        at: Timestamp,
        communication: &Communication,
    ) -> Option<Timestamp> {
        self.update_due(self.updates_due_by(at, communication) + 1, communication)
    }

    /// When the last update before an instant is due; none when none is.
    #[must_use]
    pub fn update_due_before(
        &self,
        at: Timestamp,
        communication: &Communication,
    ) -> Option<Timestamp> {
        match self.updates_due_by(at.plus_millis(-1), communication) {
            0 => None,
            last => self.update_due(last, communication),
        }
    }

    /// How many updates are due up to an instant, with it. They may be those of decades, so none of
    /// them is looked at for itself.
    fn updates_due_by(&self, at: Timestamp, communication: &Communication) -> u32 {
        let is_due = |nth| {
            let due = self.update_due(nth, communication);
            due.is_some_and(|due| due <= at)
        };
        match communication.every {
            Length::Working(every) => {
                let watch = Stopwatch::start(self.begun_at, false);
                let elapsed = watch.elapsed(at, &communication.calendar);
                let passed = elapsed.as_millis() / every.as_millis().max(1);
                let passed = u32::try_from(passed).unwrap_or(u32::MAX - 1);
                // What ends at closing time may be due at the next opening only.
                if passed > 0 && !is_due(passed) {
                    passed - 1
                } else {
                    passed
                }
            }
            // Working days have no fixed length.
            Length::Days(_) => {
                let mut beyond = 1;
                while is_due(beyond) {
                    beyond *= 2;
                }
                let mut due = beyond / 2;
                while beyond - due > 1 {
                    let middle = due.midpoint(beyond);
                    if is_due(middle) {
                        due = middle;
                    } else {
                        beyond = middle;
                    }
                }
                due
            }
        }
    }

    fn update_due(&self, nth: u32, communication: &Communication) -> Option<Timestamp> {
        self.lasts_for(communication.every.times(nth)?, &communication.calendar)
    }

    /// When it has lasted for so long; it is never paused.
    fn lasts_for(&self, length: Length, calendar: &Calendar) -> Option<Timestamp> {
        Stopwatch::start(self.begun_at, false).due(length, calendar)
    }

    /// When the `nth` repeat of the level is due.
    #[must_use]
    pub fn repeat_due(&self, nth: u32, level: &Level) -> Option<Timestamp> {
        let repeat = level.repeat.filter(|repeat| nth <= repeat.times)?;
        self.waits.due(repeat.every.times(nth)?, &level.calendar)
    }

    /// When the repeat after the `nth` is due; none where the level is left before that, also at
    /// the same instant, at which the way up comes first.
    #[must_use]
    pub fn repeat_after(&self, nth: u32, plan: &Plan) -> Option<Timestamp> {
        let due = self.repeat_due(nth + 1, self.level_of(plan)?)?;
        let up = self.due(Wait::NextAfter, plan);
        up.is_none_or(|up| due < up).then_some(due)
    }

    /// Starts the waits of the level afresh.
    pub fn restart_waits(&mut self, at: Timestamp, is_paused: bool) {
        self.waits = Stopwatch::start(at, is_paused);
        self.repeats_sent = 0;
    }

    /// Pauses the waits of the level or lets them go on.
    pub fn set_paused(&mut self, at: Timestamp, is_paused: bool, level: &Level) {
        self.waits.set_paused(at, is_paused, &level.calendar);
        if let Some(acknowledgement) = &mut self.acknowledgement {
            acknowledgement
                .watch
                .set_paused(at, is_paused, &level.calendar);
        }
    }
}
