//! What in-order reading has made of a ticket: fields, clocks, triggers and level at one position.
//!
//! A machine is moved forward by two calls only. [`Machine::fire`] lets everything fall due that
//! lies before an instant, [`Machine::apply`] takes the next fact; each answers with decisions.
//! It never looks ahead, never takes anything back and knows nothing of what was emitted: a late
//! fact is handled by reading the history anew from an older machine
//! (see [`crate::ticket_state`]).

mod activities;
mod deadlines;
mod edits;
mod fired;
mod levels;
mod matching;
mod trace;
mod triggers;

use std::sync::Arc;

use serde::Serialize;

pub use self::deadlines::{Due, What};
pub use self::fired::Fired;
pub use self::triggers::Hold;

use crate::clock::{Clock, FoldedPast};
use crate::condition::Subject;
use crate::decision::Decision;
use crate::fact::Fact;
use crate::facts::Facts;
use crate::ladder::Escalation;
use crate::moment::{Act, Entered, Occurrence, View, Views};
use crate::plan::{FORGET_AFTER, Plan, Revision};
use crate::rules::{PlanRef, Rules};
use crate::status::StatusCategory;
use crate::ticket::{OwnFields, Text, TextField, Ticket};
use crate::time::{Timestamp, unless_never};

/// The evaluated state of one ticket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// The fields as they stand.
    pub ticket: Arc<Ticket>,
    /// Which of them may differ from what the first fact, or the fold, made of them.
    #[serde(skip)]
    pub own: OwnFields,
    /// The ticketing system that was named last.
    pub source: Text,
    /// The first known fact; none before any.
    pub created_at: Option<Timestamp>,
    /// Whether no created event is known.
    pub is_partial: bool,
    /// Whether it was created or has a status: clocks and triggers wait for that.
    pub has_begun: bool,
    /// The category of its status.
    pub category: StatusCategory,
    /// Changes out of resolved or closed.
    pub reopen_count: u32,
    /// Facts that took it from a queue or an assignee.
    pub reassignment_count: u32,
    /// Replies of the customer.
    pub customer_reply_count: u32,
    /// The last reply of an agent.
    pub last_agent_reply: Option<Timestamp>,
    /// The last reply of the customer.
    pub last_customer_reply: Option<Timestamp>,
    /// The instant of the last applied fact.
    #[serde(serialize_with = "unless_never")]
    pub last_fact_at: Timestamp,
    /// The latest instant at which something that fell due was decided.
    #[serde(serialize_with = "unless_never")]
    pub last_due_at: Timestamp,
    /// The plan in force.
    pub plan: Option<PlanRef>,
    /// The last edit of the plans that was applied, or that a fact has come after.
    #[serde(serialize_with = "unless_never")]
    pub edited_at: Timestamp,
    /// The revision that an edit has left the ticket with, by its id; none follows the edits.
    pub kept: Option<Text>,
    /// The edits that have restarted its clocks.
    pub restarts: Vec<Timestamp>,
    /// One clock per timeframe of the plan, in its order.
    pub clocks: Vec<Clock>,
    /// Marks that have fired, oldest first, as far as they are remembered one by one.
    pub fired: Vec<Fired>,
    /// Triggers that hold or have fired.
    pub holds: Vec<Hold>,
    /// How many escalations there were, an open one included.
    pub escalations: u32,
    /// The open one.
    pub escalation: Option<Escalation>,
    /// When it became resolved or closed, whichever it is; none while it is neither.
    pub done_at: Option<Timestamp>,
}

/// What a step brought about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// In the order of in-order reading.
    pub decisions: Vec<Decision>,
    /// What was ignored or cut, for the metrics.
    pub counts: Counts,
    /// Updates whose successor is due before this instant are left out: they would be withheld.
    pub leaves_out_updates_before: Option<Timestamp>,
    /// When present, collects what happened in words.
    pub trace: Option<Vec<Trace>>,
    /// How many decisions are in the trace already.
    traced: usize,
}

/// Things that were ignored or cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Status words that no spelling knows.
    pub unknown_statuses: u64,
    /// Labels beyond the limit.
    pub labels_left_out: u64,
    /// Snoozes without an end, with a past one or too far a one.
    pub snoozes_ignored: u64,
    /// Manual escalations of a ticket that has no plan or is done.
    pub escalations_ignored: u64,
    /// Values of fields that are no address.
    pub recipients_skipped: u64,
    /// Notifications that have the built-in text because their template failed.
    pub templates_failed: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.unknown_statuses += other.unknown_statuses;
        self.labels_left_out += other.labels_left_out;
        self.snoozes_ignored += other.snoozes_ignored;
        self.escalations_ignored += other.escalations_ignored;
        self.recipients_skipped += other.recipients_skipped;
        self.templates_failed += other.templates_failed;
    }
}

/// One line of a ticket's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
    /// Why.
    pub because: String,
}

/// The history of a ticket before the fact that is applied.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// Where older facts were folded into.
    pub fold: Option<&'a Machine>,
    /// When the ticket entered each category last, as far as that was folded.
    pub entries: &'a [Entered],
    /// The kept facts since then…
    pub facts: &'a Facts,
    /// …of which so many are read.
    pub evaluated: usize,
}

/// The plan in force, with its revision.
#[derive(Clone, Debug)]
struct InForce {
    plan: Arc<Plan>,
    revision: Arc<Revision>,
}

impl Outcome {
    /// An outcome without the updates that have a successor before an instant.
    #[must_use]
    pub fn without_updates_before(limit: Option<Timestamp>) -> Self {
        Self {
            leaves_out_updates_before: limit,
            ..Self::default()
        }
    }

    /// An outcome that also collects the history in words.
    #[must_use]
    pub fn traced() -> Self {
        Self {
            trace: Some(Vec::new()),
            ..Self::default()
        }
    }
}

impl Machine {
    /// A ticket of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ticket: Arc::default(),
            own: OwnFields::default(),
            source: Text::default(),
            created_at: None,
            is_partial: true,
            has_begun: false,
            category: StatusCategory::Open,
            reopen_count: 0,
            reassignment_count: 0,
            customer_reply_count: 0,
            last_agent_reply: None,
            last_customer_reply: None,
            last_fact_at: Timestamp::MIN,
            last_due_at: Timestamp::MIN,
            plan: None,
            edited_at: Timestamp::MIN,
            kept: None,
            restarts: Vec::new(),
            clocks: Vec::new(),
            fired: Vec::new(),
            holds: Vec::new(),
            escalations: 0,
            escalation: None,
            done_at: None,
        }
    }

    /// The instant of the latest fact, edit or deadline that has decided something.
    pub(crate) fn last_decided_at(&self) -> Timestamp {
        self.last_fact_at.max(self.last_due_at)
    }

    /// Whether something has been decided that comes after the facts of an instant.
    pub(crate) fn is_past_facts_at(&self, at: Timestamp) -> bool {
        self.last_due_at >= at || self.edited_at > at
    }

    /// Whether it is known, and neither resolved nor closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.created_at.is_some() && !self.category.is_done()
    }

    /// The level the ticket is at.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.escalation
            .as_ref()
            .map_or(0, |escalation| escalation.level)
    }

    /// The level that subscribers are to see, 0 when no escalation is open.
    #[must_use]
    pub(crate) fn announced_level(&self) -> u32 {
        self.escalation
            .as_ref()
            .map_or(0, |escalation| escalation.announced_level)
    }

    /// What conditions look at.
    #[must_use]
    pub fn subject<'a>(&'a self, revision: &'a Revision) -> Subject<'a> {
        Subject {
            ticket: &self.ticket,
            category: self.category,
            reopen_count: self.reopen_count,
            reassignment_count: self.reassignment_count,
            customer_reply_count: self.customer_reply_count,
            escalation_level: self.level(),
            priorities: &revision.priorities,
        }
    }

    /// What is left of this machine's past when its facts are folded away.
    #[must_use]
    pub fn folded_past(&self, revision: &Arc<Revision>, entries: &[Entered]) -> FoldedPast {
        FoldedPast {
            occurrence: self.standing(revision),
            created_at: self.created_at,
            last_agent_reply: self.last_agent_reply,
            last_customer_reply: self.last_customer_reply,
            entries: entries.to_vec(),
        }
    }

    /// The ticket as it stands, as if it had begun there.
    fn standing(&self, revision: &Arc<Revision>) -> Occurrence {
        let view = revision.watches_fields.then(|| self.view());
        Occurrence {
            at: self.last_fact_at,
            begins: true,
            has_begun: self.has_begun,
            is_update: true,
            is_assigned: self.ticket.assignee.is_some(),
            is_matched: false,
            is_restart: false,
            before: self.category,
            after: self.category,
            acts: Vec::new(),
            views: view.map(|view| {
                Box::new(Views {
                    revision: Arc::clone(revision),
                    before: view.clone(),
                    after: view,
                })
            }),
        }
    }

    /// The fields as they stand, to be looked at later.
    fn view(&self) -> View {
        View {
            ticket: Arc::clone(&self.ticket),
            category: self.category,
            reopen_count: self.reopen_count,
            reassignment_count: self.reassignment_count,
            customer_reply_count: self.customer_reply_count,
            escalation_level: self.level(),
        }
    }

    /// The plan in force.
    fn in_force(&self, rules: &Rules) -> Option<InForce> {
        let (revision, plan) = rules.resolve(self.plan.as_ref()?)?;
        Some(InForce {
            plan: Arc::clone(plan),
            revision: Arc::clone(revision),
        })
    }

    /// Takes the next fact in order. Everything that falls due before its instant must have been
    /// fired: see [`Machine::fire`].
    ///
    /// Inside one update the order is the contract's: fields, matching, activities, what the new
    /// status starts or stops, an ending, triggers.
    pub fn apply(&mut self, fact: &Fact, past: Past<'_>, rules: &Rules, out: &mut Outcome) {
        let revision = Arc::clone(self.revision_at(fact.occurred_at, rules));
        let before = out.trace.is_some().then(|| self.clone());
        self.edited_at = self.edited_at.max(rules.last_edit(fact.occurred_at));
        let mut occurrence = self.merge(fact, &revision, out);
        let lost = if occurrence.stays_done() {
            None
        } else {
            self.rematch(&mut occurrence, past, &revision, rules, out)
        };
        let in_force = self.in_force(rules);
        if let Some(in_force) = &in_force {
            self.apply_to_clocks(&occurrence, in_force);
        }
        self.apply_activities(fact, &occurrence, in_force.as_ref(), out);
        if let Some(in_force) = &in_force {
            self.pause_waits(occurrence.at, in_force);
        }
        let plan = in_force.as_ref().or(lost.as_ref());
        self.end_when_done(levels::fact_anchor(fact, 0), occurrence.at, plan, out);
        if let Some(in_force) = &in_force {
            self.evaluate_triggers(occurrence.at, in_force, out);
        }
        if let Some(before) = before {
            self.trace_fact(fact, &before, &occurrence, in_force.as_ref(), out);
        }
    }

    fn apply_to_clocks(&mut self, occurrence: &Occurrence, in_force: &InForce) {
        for (clock, timeframe) in self.clocks.iter_mut().zip(&in_force.plan.timeframes) {
            clock.apply(timeframe, occurrence);
        }
    }

    /// Merges the fields of a fact and tells what it did.
    fn merge(&mut self, fact: &Fact, revision: &Arc<Revision>, out: &mut Outcome) -> Occurrence {
        let view_before = revision.watches_fields.then(|| self.view());
        let had =
            [TextField::Queue, TextField::Assignee].map(|field| self.ticket.text(field).cloned());
        let status_before = self.ticket.status.clone();
        if !fact.changes.is_empty() {
            fact.changes.iter().for_each(|change| self.own.note(change));
            let left_out = Arc::make_mut(&mut self.ticket).merge(&fact.changes);
            out.counts.labels_left_out += left_out as u64;
        }
        // One that names none says nothing of it.
        if !fact.source.is_empty() && *self.source != *fact.source {
            self.source = fact.source.clone();
        }
        let before = self.category;
        if self.ticket.status != status_before {
            let (category, is_known) = revision.category(self.ticket.status.as_deref());
            self.enter_category(category, fact.occurred_at);
            out.counts.unknown_statuses += u64::from(!is_known);
        }
        let begins = !self.has_begun && (fact.created || self.ticket.status.is_some());
        self.has_begun |= begins;
        self.is_partial &= !fact.created;
        self.created_at.get_or_insert(fact.occurred_at);
        self.last_fact_at = fact.occurred_at;
        let before = if begins { self.category } else { before };
        if before.is_done() && !self.category.is_done() {
            self.reopen_count += 1;
            // From here on it follows the revision in force.
            self.kept = None;
        }
        let was_taken = had
            .iter()
            .zip([TextField::Queue, TextField::Assignee])
            .any(|(had, field)| had.is_some() && had.as_ref() != self.ticket.text(field));
        self.reassignment_count += u32::from(was_taken);
        let assignee = self.ticket.assignee.as_ref();
        let [_, had_assignee] = &had;
        let acts = activities::acts(fact);
        let view_after = || {
            let replies = acts.iter().filter(|act| **act == Act::CustomerReply);
            let mut view = self.view();
            // Conditions of a clock hold after the whole fact.
            view.customer_reply_count += u32::try_from(replies.count()).unwrap_or(u32::MAX);
            view
        };
        Occurrence {
            at: fact.occurred_at,
            begins,
            has_begun: self.has_begun,
            is_update: !fact.created,
            is_assigned: assignee.is_some() && assignee != had_assignee.as_ref(),
            is_matched: false,
            is_restart: false,
            before,
            after: self.category,
            views: view_before.map(|before| {
                Box::new(Views {
                    revision: Arc::clone(revision),
                    before,
                    after: view_after(),
                })
            }),
            acts,
        }
    }

    /// When the ticket is forgotten if nothing more happens; everything at that instant comes first.
    /// The revision counts that was in force when it was done: resolved tickets are never rewritten.
    #[must_use]
    pub fn forgotten_at(&self, rules: &Rules) -> Option<Timestamp> {
        if !self.category.is_done() || self.created_at.is_none() {
            return None;
        }
        let done_at = self.done_at.unwrap_or(self.last_fact_at);
        let kept_for = rules.at(done_at).forget_after.unwrap_or(FORGET_AFTER);
        Some(done_at.plus_millis(kept_for.as_millis()))
    }

    /// Notes the category of the status, and since when the ticket is done.
    fn enter_category(&mut self, category: StatusCategory, at: Timestamp) {
        if category != self.category {
            self.category = category;
            self.done_at = category.is_done().then_some(at);
        }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}
