//! Everything that is kept of one ticket: its facts, what they were decided to mean, and what was
//! emitted.
//!
//! Facts arrive in any order. Those up to the evaluation time are applied to the [`Machine`] in
//! their order; those beyond wait. A fact that arrives when later facts, edits of the plans or
//! deadlines have been decided already makes the ticket read its history anew, from the fold or from
//! nothing, and so does an edit that becomes known so late; the decisions of that reading are then
//! compared with the [`Ledger`] and only what is missing or wrong is emitted. There is no second way
//! to handle lateness, and none that undoes a step.

mod arrivals;
mod corrections;
mod folding;
mod lives;
mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::stored::StoredState;

use serde::Serialize;

use crate::decision::{Decision, Identity, Update};
use crate::effect::EscalatedType;
use crate::emission::{Emission, Emitted, Standing, Told, Voice};
use crate::fact::{Fact, FactKey};
use crate::facts::Facts;
use crate::ledger::{Entry, Folded, Ledger};
use crate::machine::{Counts, Due, Machine, Outcome, Past};
use crate::moment::Entered;
use crate::plan::Nature;
use crate::rules::{PlanRef, Rules};
use crate::step::{Step, Until};
use crate::ticket::Text;
use crate::time::Timestamp;

/// Facts that are kept one by one, says the contract; older ones are folded.
pub const FACTS_MAX: usize = 64;

/// Facts that are kept one by one take no more than this, except for the latest one by itself:
/// 64 facts of 8 KiB. A state then stays below 1 MiB, which is what Kafka takes unless told
/// otherwise, as long as the fields of its ticket take less than a quarter of that.
pub const FACTS_BYTES_MAX: usize = 512 * 1024;

/// Facts that may wait for the evaluation time: sixteen times as many as are kept when it has
/// come, and no more bytes than these take.
pub const WAITING_MAX: usize = 1024;

/// The state of one ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TicketState {
    /// The kept facts in their order.
    pub facts: Facts,
    /// How many of them, from the front, are evaluated.
    pub evaluated: usize,
    /// What the older ones left.
    pub fold: Option<Box<Fold>>,
    /// What in-order reading has made of them.
    pub machine: Machine,
    /// What was emitted since the fold.
    #[serde(flatten)]
    pub ledger: Ledger,
    /// Who was told about the open escalation.
    pub told: Vec<Told>,
    /// What the last emitted decision spoke of.
    pub last_voiced: Option<Voiced>,
    /// Set by late facts since the history was last read, until it is read anew.
    #[serde(skip)]
    pub(crate) reread: Option<Reread>,
}

/// That the history has to be read anew.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reread {
    /// The earliest instant of the facts that came late.
    pub(crate) from: Timestamp,
    /// The one of them that arrived last.
    pub(crate) fact: Arc<Fact>,
}

/// What is left of folded facts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fold {
    /// The position of the last folded fact.
    pub key: FactKey,
    /// The machine right after it.
    pub machine: Machine,
    /// When each category was entered last, in the order of these instants.
    pub entries: Vec<Entered>,
}

/// What subscribers know from what was emitted last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Voiced {
    /// The plan.
    pub plan: PlanRef,
    /// The number of the escalation.
    pub escalation: u32,
    /// Problem or chance.
    pub nature: Nature,
    /// The level that is seen.
    pub level: u32,
}

/// What became of a fact on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is kept and will be evaluated in its order.
    Accepted,
    /// It is kept although its instant is past; decisions are put right.
    Late,
    /// It is known already; nothing changes.
    Duplicate,
    /// It is older than the kept history; nothing changes.
    LateDropped,
}

/// What advancing has left.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What was ignored or cut.
    pub counts: Counts,
    /// See [`TicketState::next_step`].
    pub next: Step,
}

/// What has been counted before a history is read anew, of which nothing is counted again.
#[derive(Clone, Copy, Debug)]
struct Counted<'a> {
    /// All that was decided up to here…
    until: Timestamp,
    /// …but for the fact because of which it is read anew.
    but: Option<&'a Fact>,
}

impl Counted<'_> {
    /// Nothing was counted yet.
    const NOTHING: Self = Self {
        until: Timestamp::MIN,
        but: None,
    };

    /// Whether what a fact brings about was counted.
    fn has(&self, fact: &Fact) -> bool {
        fact.occurred_at <= self.until && self.but.is_none_or(|new| new.key() != fact.key())
    }
}

/// How far facts are read.
#[derive(Clone, Copy, Debug)]
struct Span<'a> {
    /// What is not counted again.
    counted: Counted<'a>,
    /// See [`Context::quiet_until`].
    quiet_until: Timestamp,
    /// To here…
    until: Until,
    /// …or, unless it is to be one life, no further than to the first fact that meets a forgotten
    /// ticket.
    is_one_life: bool,
}

/// Whose state is advanced, and under what circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The ticket.
    pub ticket_id: &'a Text,
    /// The plans.
    pub rules: &'a Rules,
    /// How events are emitted.
    pub emission: &'a Emission,
    /// Before this instant nothing falls due and no edit of the plans comes, as long as no fact is
    /// read; the beginning of time where that is not known.
    pub quiet_until: Timestamp,
}

impl TicketState {
    /// Evaluates facts and what falls due, as far as it is asked to, and emits what follows.
    pub fn advance(
        &mut self,
        until: Until,
        mut context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> Progress {
        let edited_at = self.late_edit(context.rules);
        let late = self.reread.take();
        let late_at = late.iter().map(|late| late.from).chain(edited_at).min();
        let mut until = until;
        let mut counted = Counted::NOTHING;
        if late_at.is_some() {
            counted.until = self.machine.last_decided_at();
            counted.but = late.as_ref().map(|late| &*late.fact);
            // No less far than it was read before.
            until = until.at_least(Until::before(counted.until.plus_millis(1)));
            self.rewind();
            context.quiet_until = Timestamp::MIN;
        }
        let begin = out.len();
        let (mut counts, mut due) = self.live(until, late_at, counted, context, out);
        context.quiet_until = Timestamp::MIN;
        if let Some(late) = late {
            // What time alone would have brought about long ago is said now because of this fact.
            for emitted in &mut out[begin..] {
                emitted.fact.get_or_insert_with(|| Arc::clone(&late.fact));
            }
        }
        while self.is_forgotten_before(until.due_before, context.rules) {
            self.forget();
            let (of_life, next) = self.live(until, None, Counted::NOTHING, context, out);
            counts += of_life;
            due = next;
        }
        let next = self.step_before(due, context.rules);
        Progress { counts, next }
    }

    /// The first edit of the plans that comes before something that was decided without it.
    fn late_edit(&self, rules: &Rules) -> Option<Timestamp> {
        let edited_at = rules.next_edit(self.machine.edited_at);
        edited_at.filter(|at| *at <= self.machine.last_decided_at())
    }

    /// Evaluates one life of the ticket: until it is forgotten, or as far as is asked for. A history
    /// that is read anew is that of one ticket, however late it was. Returns what falls due next, too.
    fn live(
        &mut self,
        until: Until,
        late_at: Option<Timestamp>,
        counted: Counted<'_>,
        context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> (Counts, Option<Due>) {
        let to = until.due_before;
        let mut outcome = Outcome::without_updates_before(context.emission.reached(to));
        let (mut failed, mut emitted) = (0, 0);
        let mut left = Vec::new();
        let folded = |state: &mut Self, outcome: &Outcome, folded: Folded| {
            if late_at.is_some() {
                left.push(folded);
                return;
            }
            // What was decided before a fold is emitted before it, as if the batch ended here: what is
            // folded leaves the ledger, and may not be in it any more when the next is emitted.
            let decisions = &outcome.decisions[emitted..];
            failed += state.reconcile(decisions, None, to, context, out);
            emitted = outcome.decisions.len();
            state.ledger.leave(&folded);
        };
        let span = Span {
            counted,
            quiet_until: context.quiet_until,
            until,
            is_one_life: late_at.is_some(),
        };
        let due = self.read(span, context.rules, &mut outcome, |_| {}, folded);
        failed += self.reconcile(&outcome.decisions[emitted..], late_at, to, context, out);
        // A new reading decides again what it folds: only now it is known what of it was emitted.
        for folded in &left {
            self.ledger.leave(folded);
        }
        outcome.counts.templates_failed += failed;
        (outcome.counts, due)
    }

    /// Reads the facts of a span and lets everything fall due before its end; returns what does next.
    fn read(
        &mut self,
        span: Span<'_>,
        rules: &Rules,
        outcome: &mut Outcome,
        mut watch: impl FnMut(&Machine),
        mut folded: impl FnMut(&mut Self, &Outcome, Folded),
    ) -> Option<Due> {
        let Span {
            until, mut counted, ..
        } = span;
        let mut quiet_until = span.quiet_until;
        while let Some(at) = self.facts.at(self.evaluated) {
            if at >= until.facts_before {
                break;
            }
            if at > counted.until {
                self.pass_counted(&mut counted, rules, outcome);
            }
            let may_be_another = !span.is_one_life || at > span.counted.until;
            if may_be_another {
                self.apply_edits(at.plus_millis(-1), rules, outcome);
                if self.is_forgotten_before(at, rules) {
                    break;
                }
            }
            let fact = self.facts.fact(self.evaluated);
            let counts = outcome.counts;
            self.apply_edits(at, rules, outcome);
            if at > quiet_until {
                // Of what comes later only the end of the reading needs to know.
                self.fire(at, at, rules, outcome);
            }
            quiet_until = Timestamp::MIN;
            if at <= counted.until {
                // Time alone has done that before.
                outcome.counts = counts;
            }
            // Not before: what falls due between two facts is the same whichever batch it comes in.
            while self.needs_room(&fact) {
                let left = self.fold_oldest(rules);
                folded(self, outcome, left);
            }
            let past = past(self.fold.as_deref(), &self.facts, self.evaluated);
            let begin = outcome.decisions.len();
            self.machine.apply(&fact, past, rules, outcome);
            for decision in &mut outcome.decisions[begin..] {
                decision.fact = Some(Arc::clone(&fact));
            }
            if counted.has(&fact) {
                outcome.counts = counts;
            }
            watch(&self.machine);
            self.evaluated += 1;
        }
        self.pass_counted(&mut counted, rules, outcome);
        self.apply_edits(until.facts_before.plus_millis(-1), rules, outcome);
        self.fire(until.due_before, Timestamp::MAX, rules, outcome)
    }

    /// Lets everything fall due that was counted before, and counts none of it; from then on all counts.
    fn pass_counted(&mut self, counted: &mut Counted<'_>, rules: &Rules, outcome: &mut Outcome) {
        let Counted { until, .. } = std::mem::replace(counted, Counted::NOTHING);
        if until == Timestamp::MIN {
            return;
        }
        let counts = outcome.counts;
        self.apply_edits(until, rules, outcome);
        self.fire(until.plus_millis(1), Timestamp::MAX, rules, outcome);
        outcome.counts = counts;
    }

    /// Lets the edits of the plans up to an instant do what they do to the ticket.
    fn apply_edits(&mut self, until: Timestamp, rules: &Rules, outcome: &mut Outcome) {
        let past = past(self.fold.as_deref(), &self.facts, self.evaluated);
        let begin = outcome.decisions.len();
        self.machine.apply_edits(until, past, rules, outcome);
        self.attribute(&mut outcome.decisions[begin..]);
    }

    /// Lets things fall due, see [`Machine::fire`].
    fn fire(
        &mut self,
        to: Timestamp,
        horizon: Timestamp,
        rules: &Rules,
        outcome: &mut Outcome,
    ) -> Option<Due> {
        let begin = outcome.decisions.len();
        let next = self.machine.fire(to, horizon, rules, outcome);
        self.attribute(&mut outcome.decisions[begin..]);
        next
    }

    /// Notes of what the last fact has moved into the past that it was this fact.
    fn attribute(&self, decisions: &mut [Decision]) {
        let last = self.evaluated.checked_sub(1);
        for decision in decisions {
            if decision.due_at < decision.decided_at {
                // Or it was an edit of the plans.
                let is_by = |place: &usize| self.facts.at(*place) == Some(decision.decided_at);
                decision.fact = last.filter(is_by).map(|place| self.facts.fact(place));
            }
        }
    }

    fn emit(
        &mut self,
        decision: &Decision,
        identity: Identity,
        standing: Standing,
        context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        let emitted = self.ledger.times_emitted(identity);
        let ordinal = if decision.repeat > 0 {
            decision.repeat
        } else {
            emitted
        };
        self.ledger.insert(Entry {
            identity,
            kind: decision.kind,
            level: decision.level,
            decided_at: decision.decided_at,
            is_taken_back: false,
            is_correction: false,
        });
        if decision.kind == EscalatedType::Raised && decision.previous_level == 0 {
            self.ledger.begin(identity, ordinal);
        }
        self.voice(decision, identity, ordinal, standing, context, out)
    }

    /// Emits an update that was not emitted yet: to the ledger it is one more of its escalation.
    fn emit_update(
        &mut self,
        decision: &Decision,
        update: Update,
        standing: Standing,
        context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        match self.ledger.add_update(update) {
            Some(ordinal) => {
                let identity = update.identity();
                self.voice(decision, identity, ordinal, standing, context, out)
            }
            None => 0,
        }
    }

    fn voice(
        &mut self,
        decision: &Decision,
        identity: Identity,
        ordinal: u32,
        standing: Standing,
        context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        let level = if decision.kind.moves_level() {
            decision.level
        } else {
            self.level_seen()
        };
        self.last_voiced = Some(Voiced {
            plan: PlanRef {
                name: decision.plan.name.clone(),
                revision: decision.plan_revision.clone(),
            },
            escalation: decision.escalation,
            nature: decision.nature,
            level,
        });
        let voice = Voice {
            ticket_id: context.ticket_id,
            emission: context.emission,
        };
        voice.emit(decision, identity, ordinal, standing, &mut self.told, out)
    }

    /// The level that subscribers see.
    fn level_seen(&self) -> u32 {
        self.last_voiced.as_ref().map_or(0, |seen| seen.level)
    }

    /// When the ticket has to be looked at again if no fact arrives: evaluation has to reach this
    /// instant, which is past the one that is decided.
    #[must_use]
    pub fn wake(&self, rules: &Rules) -> Timestamp {
        self.next_step(rules).wake()
    }

    /// What the ticket decides next if no fact arrives; of a late edit, its past instant.
    #[must_use]
    pub fn next_step(&self, rules: &Rules) -> Step {
        self.step_before(self.machine.next_due(rules), rules)
    }

    /// The same, if that falls due next.
    fn step_before(&self, due: Option<Due>, rules: &Rules) -> Step {
        let machine = &self.machine;
        let fact = self.facts.at(self.evaluated).map(Step::fact);
        // What a fact has moved into the past falls due at that fact.
        let due = due.map(|due| Step::due(due.at.max(machine.last_fact_at)));
        let forgotten = machine.forgotten_at(rules).map(Step::due);
        let edit = rules.next_edit(machine.edited_at);
        let edit = edit.filter(|at| machine.is_open() || *at <= machine.last_decided_at());
        let steps = [fact, due, forgotten, edit.map(Step::fact)];
        steps.into_iter().flatten().min().unwrap_or(Step::NEVER)
    }
}

/// The history of a ticket, for its machine.
fn past<'a>(fold: Option<&'a Fold>, facts: &'a Facts, evaluated: usize) -> Past<'a> {
    Past {
        fold: fold.map(|fold| &fold.machine),
        entries: fold.map_or(&[], |fold| &fold.entries),
        facts,
        evaluated,
    }
}
