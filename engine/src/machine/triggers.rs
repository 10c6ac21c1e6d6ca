//! Conditions that escalate: when one begins to hold, and what follows.

use serde::Serialize;

use super::levels::Reason;
use super::{InForce, Machine, Outcome};
use crate::decision::Anchor;
use crate::effect::{Cause, CauseKind};
use crate::plan::Trigger;
use crate::ticket::Text;
use crate::time::Timestamp;

/// A trigger that holds, or has fired before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The trigger.
    pub trigger: Text,
    /// Since when it holds without a break.
    pub since: Option<Timestamp>,
    /// Whether it has fired in this hold.
    pub has_fired: bool,
    /// How often it has fired.
    pub cycle: u32,
}

impl Machine {
    /// Looks at every trigger after a fact, in the plan's order. One that begins to hold fires
    /// once, at once or when it has held long enough.
    pub(super) fn evaluate_triggers(
        &mut self,
        at: Timestamp,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let may_hold = self.has_begun && !self.category.is_done();
        for trigger in &in_force.plan.triggers {
            let holds = may_hold && trigger.when.holds(&self.subject(&in_force.revision));
            let hold = match self.hold_of(&trigger.name) {
                Some(index) => &mut self.holds[index],
                None if !holds => continue,
                None => {
                    self.holds.push(Hold {
                        trigger: trigger.name.clone(),
                        since: None,
                        has_fired: false,
                        cycle: 0,
                    });
                    let last = self.holds.len() - 1;
                    &mut self.holds[last]
                }
            };
            if !holds {
                hold.since = None;
                hold.has_fired = false;
                continue;
            }
            let since = *hold.since.get_or_insert(at);
            if trigger.hold.is_none() && !hold.has_fired {
                self.fire_trigger(trigger, since, at, at, false, in_force, out);
            }
        }
    }

    /// The place of a trigger among the holds.
    #[must_use]
    pub fn hold_of(&self, trigger: &str) -> Option<usize> {
        self.holds.iter().position(|hold| *hold.trigger == *trigger)
    }

    /// When a trigger that holds will have held long enough.
    #[must_use]
    pub fn hold_due(&self, trigger: &Trigger) -> Option<Timestamp> {
        let hold = &self.holds[self.hold_of(&trigger.name)?];
        let pending = hold.since.filter(|_| !hold.has_fired)?;
        trigger.calendar.end(pending, trigger.hold?)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "two instants and a kind that no type groups any better"
    )]
    pub(super) fn fire_trigger(
        &mut self,
        trigger: &Trigger,
        since: Timestamp,
        due_at: Timestamp,
        decided_at: Timestamp,
        is_due: bool,
        in_force: &InForce,
        out: &mut Outcome,
    ) {
        let Some(index) = self.hold_of(&trigger.name) else {
            return;
        };
        let hold = &mut self.holds[index];
        hold.has_fired = true;
        hold.cycle += 1;
        let cause = Cause {
            kind: CauseKind::Trigger,
            name: Some(trigger.name.clone()),
            mark: None,
            cycle: Some(hold.cycle),
        };
        let reason = Reason {
            due_at,
            decided_at,
            is_due,
            nature: Some(trigger.nature),
            ..Reason::fact(cause, decided_at, Anchor::beginning(since))
        };
        self.raise(trigger.level, &reason, in_force, out);
    }
}
