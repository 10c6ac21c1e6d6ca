//! An escalation that is open: its level, the waits of that level, and who takes care of it.

use crate::decision::Anchor;
use crate::plan::{Level, Nature, Plan, Unless};
use crate::stopwatch::Stopwatch;
use crate::time::Timestamp;

/// An escalation from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// Somebody takes care of an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Wait {
    /// All waits, in their order.
    pub const ALL: [Self; 3] = [Self::NextAfter, Self::Repeat, Self::AcknowledgementEnd];
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
        }
    }

    /// When the `nth` repeat of the level is due.
    #[must_use]
    pub fn repeat_due(&self, nth: u32, level: &Level) -> Option<Timestamp> {
        let repeat = level.repeat.filter(|repeat| nth <= repeat.times)?;
        self.waits.due(repeat.every.times(nth)?, &level.calendar)
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
