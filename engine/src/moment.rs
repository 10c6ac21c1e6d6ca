//! Moments of a ticket's life, by which timeframes of kind `custom` start and stop.

use std::sync::Arc;

use serde::Serialize;

use crate::condition::{Condition, Subject};
use crate::plan::Revision;
use crate::status::{CategorySet, StatusCategory};
use crate::ticket::Ticket;
use crate::time::Timestamp;

/// A moment that a plan names.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// When the ticket is created, or an adopted one gets a status.
    Created,
    /// When the plan begins to match.
    Matched,
    /// When an agent replies to the customer.
    AgentReply,
    /// When the customer replies.
    CustomerReply,
    /// When somebody acknowledges, or snoozes, whatever the level.
    Acknowledged,
    /// When somebody becomes the assignee.
    Assigned,
    /// When an update arrives, whatever it says.
    Updated,
    /// When the status enters a category.
    Status(StatusCategory),
    /// When a condition becomes true.
    When(Condition),
}

/// The moments of a timeframe of kind `custom`; other kinds have their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Each starts the first cycle.
    pub start: Vec<Moment>,
    /// Each stops the clock.
    pub stop: Vec<Moment>,
    /// Each starts the next cycle of a clock that has started before.
    pub reset: Vec<Moment>,
}

impl Moments {
    fn iter(&self) -> impl Iterator<Item = &Moment> {
        self.start.iter().chain(&self.stop).chain(&self.reset)
    }

    /// Whether one of them is that the plan begins to match.
    #[must_use]
    pub fn name_matched(&self) -> bool {
        self.iter().any(|moment| *moment == Moment::Matched)
    }

    /// Whether one of them asks for the ticket's fields.
    #[must_use]
    pub fn watch_fields(&self) -> bool {
        self.iter()
            .any(|moment| matches!(moment, Moment::When(_) | Moment::Matched))
    }
}

/// While a clock does not count.
#[derive(Clone, Debug, PartialEq)]
pub enum Pause {
    /// In these categories of the status.
    In(CategorySet),
    /// While a condition holds.
    When(Box<Condition>),
}

impl Pause {
    /// Whether the clock is paused after what has happened.
    #[must_use]
    pub fn holds(&self, occurrence: &Occurrence) -> bool {
        match self {
            Self::In(categories) => categories.contains(occurrence.after),
            Self::When(condition) => occurrence
                .views
                .as_ref()
                .is_some_and(|views| views.after.holds(condition, &views.revision)),
        }
    }
}

/// What people did in a fact, as far as clocks ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// An agent replied to the customer.
    AgentReply,
    /// The customer replied to the agent.
    CustomerReply,
    /// Somebody acknowledged or snoozed.
    Acknowledged,
}

/// What one fact did, as clocks see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// Whether the ticket begins with this fact: it is created, or an adopted one gets a status.
    pub begins: bool,
    /// Whether the ticket has begun, now or before.
    pub has_begun: bool,
    /// Whether it is an update rather than a creation.
    pub is_update: bool,
    /// Whether somebody became the assignee.
    pub is_assigned: bool,
    /// Whether the plan began to match.
    pub is_matched: bool,
    /// Whether it is no fact but an edit of the plans that restarts the clocks.
    pub is_restart: bool,
    /// The category before; the same as after when the ticket begins.
    pub before: StatusCategory,
    /// The category after all fields have changed.
    pub after: StatusCategory,
    /// What people did, in order.
    pub acts: Vec<Act>,
    /// The fields before and after; kept only where a plan asks for them.
    pub views: Option<Box<Views>>,
}

/// The fields of a ticket around a fact.
#[derive(Clone, Debug, PartialEq)]
pub struct Views {
    /// The plan files that conditions are read by.
    pub revision: Arc<Revision>,
    /// Before it.
    pub before: View,
    /// After it.
    pub after: View,
}

/// What conditions look at, held.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The fields.
    pub ticket: Arc<Ticket>,
    /// The category of the status.
    pub category: StatusCategory,
    /// Changes out of resolved or closed.
    pub reopen_count: u32,
    /// Facts that took it from a queue or an assignee.
    pub reassignment_count: u32,
    /// Replies of the customer.
    pub customer_reply_count: u32,
    /// The level it is at.
    pub escalation_level: u32,
}

impl View {
    /// Whether a condition holds.
    #[must_use]
    pub fn holds(&self, condition: &Condition, revision: &Revision) -> bool {
        condition.holds(&Subject {
            ticket: &self.ticket,
            category: self.category,
            reopen_count: self.reopen_count,
            reassignment_count: self.reassignment_count,
            customer_reply_count: self.customer_reply_count,
            escalation_level: self.escalation_level,
            priorities: &revision.priorities,
        })
    }
}

/// That a ticket entered a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entered {
    /// Which.
    pub category: StatusCategory,
    /// When.
    pub at: Timestamp,
}

/// A part of a fact; parts come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its fields.
    Fields,
    /// The plan that then matches.
    Matching,
    /// What somebody did.
    Act(Act),
    /// The status it leads to.
    Status,
}

impl Occurrence {
    /// Whether the status enters a category; the creating event enters its own.
    #[must_use]
    pub const fn enters(&self, category: StatusCategory) -> bool {
        self.after as u8 == category as u8 && (self.begins || self.before as u8 != category as u8)
    }

    /// Whether it takes the ticket out of resolved or closed.
    #[must_use]
    pub const fn reopens(&self) -> bool {
        self.before.is_done() && !self.after.is_done()
    }

    /// Whether it leaves a ticket as done as it was: its plan stays, if it has one, whatever matches.
    pub(crate) const fn stays_done(&self) -> bool {
        self.before.is_done() && self.after.is_done() && !self.begins
    }

    /// The parts of the fact in their order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        let acts = self.acts.iter().map(|act| Part::Act(*act));
        [Part::Fields, Part::Matching]
            .into_iter()
            .chain(acts)
            .chain([Part::Status])
    }

    /// Whether one of these moments comes in a part of the fact.
    pub(crate) fn has_any(&self, part: Part, moments: &[Moment]) -> bool {
        moments.iter().any(|moment| self.has(part, moment))
    }

    /// Whether what starts a clock in a part of the fact comes together with what stops it. Fields
    /// and the plan that matches by them are one here. A moment does not stop what it starts, and
    /// neither does the update that it comes with: such a clock would never run.
    pub(crate) fn stops_at_once(&self, part: Part, moments: &Moments) -> bool {
        let with_fields = (part == Part::Matching).then_some(Part::Fields);
        let comes = |moment: &Moment| {
            self.has(part, moment) || with_fields.is_some_and(|part| self.has(part, moment))
        };
        let mut stops = moments.stop.iter().filter(|stop| comes(stop));
        stops.any(|stop| {
            let mut starts = moments.start.iter().filter(|start| self.has(part, start));
            *stop != Moment::Updated && starts.any(|start| start != stop)
        })
    }

    fn has(&self, part: Part, moment: &Moment) -> bool {
        match (moment, part) {
            (Moment::Created, Part::Fields) => self.begins,
            (Moment::Updated, Part::Fields) => self.is_update,
            (Moment::Assigned, Part::Fields) => self.is_assigned,
            (Moment::When(condition), Part::Fields) => self.becomes_true(condition),
            (Moment::Matched, Part::Matching) => self.is_matched,
            (Moment::AgentReply, Part::Act(act)) => act == Act::AgentReply,
            (Moment::CustomerReply, Part::Act(act)) => act == Act::CustomerReply,
            (Moment::Acknowledged, Part::Act(act)) => act == Act::Acknowledged,
            (Moment::Status(category), Part::Status) => self.enters(*category),
            (
                Moment::Created
                | Moment::Updated
                | Moment::Assigned
                | Moment::When(_)
                | Moment::Matched
                | Moment::AgentReply
                | Moment::CustomerReply
                | Moment::Acknowledged
                | Moment::Status(_),
                Part::Fields | Part::Matching | Part::Act(_) | Part::Status,
            ) => false,
        }
    }

    fn becomes_true(&self, condition: &Condition) -> bool {
        let Some(views) = &self.views else {
            return false;
        };
        let holds = |view: &View| view.holds(condition, &views.revision);
        holds(&views.after) && (self.begins || !holds(&views.before))
    }
}
