//! What in-order reading decides against what was emitted: what is missing is emitted, and one
//! correction puts the level right that subscribers see.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Context, TicketState};
use crate::decision::{Anchor, Decision, Identity, Telling};
use crate::effect::{Cause, CauseKind, EscalatedType};
use crate::emission::{Emitted, Standing};
use crate::ledger::Entry;
use crate::rules::Rules;
use crate::time::Timestamp;

impl TicketState {
    /// Emits what is decided and does not stand in the ledger yet, then one correction when the
    /// level that subscribers see is not the true one. `late_at` says that the decisions are a new
    /// reading of the whole history, because of a fact of that instant. Returns how many templates
    /// failed, as everything here that emits.
    pub(super) fn reconcile(
        &mut self,
        decisions: &[Decision],
        late_at: Option<Timestamp>,
        to: Timestamp,
        context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        let mut failed = 0;
        let seen_before = self.level_seen();
        let mut is_taken_down = false;
        for decision in decisions {
            let standing = match late_at {
                None => Standing::Present,
                Some(_) => self.standing_of(decision),
            };
            if let Some(update) = decision.update {
                failed += self.emit_update(decision, update, standing, context, out);
                continue;
            }
            let identity = decision.identity();
            if let Some(place) = self.ledger.standing(identity) {
                // Read in order, a move is always a new one, even when it looks like one that was
                // emitted wrongly before.
                if late_at.is_some() || !decision.kind.moves_level() {
                    self.ledger.move_to(place, decision.decided_at);
                    continue;
                }
            }
            is_taken_down |= standing != Standing::BeforeAnother
                && matches!(decision.kind, EscalatedType::Lowered | EscalatedType::Ended);
            failed += self.emit(decision, identity, standing, context, out);
        }
        let mut seen = self.level_seen();
        if late_at.is_some() {
            // Thousands may have been decided: each is hashed once.
            let decided = decisions.iter().map(Decision::identity).collect();
            self.ledger.set_aside(&decided);
            self.take_back(&decided, seen_before);
            // What was missing says nothing to those who were told of a higher level.
            if seen_before > self.machine.level() && !is_taken_down {
                seen = seen_before;
            }
        }
        // A plan with a shorter path has taken the level down silently: either is right to be seen.
        if seen != self.machine.level() && seen != self.machine.announced_level() {
            // Without a late fact at hand it is the last one that decided what came too late.
            let late_at = late_at.unwrap_or(self.machine.last_fact_at);
            failed += self.correct(seen, late_at, to, context, out);
        }
        failed
    }

    /// Whether what a missing decision belongs to is over by in-order reading.
    fn standing_of(&self, decision: &Decision) -> Standing {
        let is_open = self.machine.escalation.is_some();
        // Between escalations a warning has the number of the one before, and belongs to none.
        let is_of_none = decision.kind == EscalatedType::Warned && decision.level == 0;
        if is_of_none || (is_open && decision.escalation == self.machine.escalations) {
            Standing::Present
        } else if is_open {
            Standing::BeforeAnother
        } else {
            Standing::Over
        }
    }

    /// Marks what was emitted wrongly and is taken back now: those entries that made the level that
    /// was seen too high, or too low.
    fn take_back(&mut self, right: &BTreeSet<Identity>, seen: u32) {
        let level = self.machine.level();
        for entry in &mut self.ledger.entries {
            let is_put_right = match entry.kind {
                EscalatedType::Raised => seen > level && entry.level > level,
                EscalatedType::Lowered | EscalatedType::Ended => seen < level,
                EscalatedType::Warned
                | EscalatedType::Repeated
                | EscalatedType::Acknowledged
                | EscalatedType::Unacknowledged => false,
            };
            if is_put_right && !entry.is_among(right) {
                entry.is_taken_back = true;
            }
        }
    }

    fn correct(
        &mut self,
        visible: u32,
        late_at: Timestamp,
        to: Timestamp,
        context: Context<'_>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        let level = self.machine.level();
        let kind = match (visible < level, level) {
            (true, _) => EscalatedType::Raised,
            (false, 0) => EscalatedType::Ended,
            (false, _) => EscalatedType::Lowered,
        };
        let Some(mut decision) = self.correction(kind, visible, late_at, context.rules) else {
            return 0;
        };
        // Behind everything decided so far, before everything still to come.
        decision.decided_at = self
            .machine
            .last_fact_at
            .max(self.machine.last_due_at)
            .max(late_at);
        let identity = decision.identity();
        let ordinal = self.ledger.times_emitted(identity);
        self.ledger.insert(Entry {
            identity,
            kind,
            level,
            decided_at: decision.decided_at,
            is_taken_back: false,
            is_correction: true,
        });
        // Its lateness counts from the fact that brought it about.
        decision.decided_at = late_at;
        let begin = out.len();
        let failed = self.voice(
            &decision,
            identity,
            ordinal,
            Standing::Present,
            context,
            out,
        );
        for emitted in &mut out[begin..] {
            emitted.at = to.max(late_at);
        }
        failed
    }

    fn correction(
        &mut self,
        kind: EscalatedType,
        visible: u32,
        late_at: Timestamp,
        rules: &Rules,
    ) -> Option<Decision> {
        let voiced = self.last_voiced.clone();
        let plan_ref = self
            .machine
            .plan
            .clone()
            .or_else(|| Some(voiced.as_ref()?.plan.clone()))?;
        let (revision, plan) = rules.resolve(&plan_ref)?;
        let level = self.machine.level();
        let step = plan.path.get((level as usize).wrapping_sub(1));
        let open = self.machine.escalation.as_ref();
        let nature = open
            .map(|open| open.nature)
            .or_else(|| voiced.as_ref().map(|voiced| voiced.nature));
        let voiced_escalation = voiced.as_ref().map(|voiced| voiced.escalation);
        let escalation = voiced_escalation
            .filter(|_| kind == EscalatedType::Ended)
            .unwrap_or(self.machine.escalations);
        Some(Decision {
            kind,
            cause: Cause::plain(CauseKind::LateEvent),
            level,
            previous_level: visible,
            escalation,
            anchor: Anchor::beginning(late_at),
            repeat: 0,
            due_at: late_at,
            deadline: None,
            decided_at: late_at,
            is_due: false,
            fact: None,
            nature: nature.unwrap_or_default(),
            level_name: step.map(|step| step.name.clone()),
            level_kind: step.map(|step| step.kind),
            assign: step
                .filter(|_| kind == EscalatedType::Raised)
                .and_then(|step| step.assign.clone()),
            actor: None,
            note: None,
            tellings: match (kind, step) {
                (EscalatedType::Raised, Some(step)) => {
                    let mut tellings = self.machine.tell_level(level, step, revision);
                    // What they know is not said again.
                    let knows = |telling: &Telling| {
                        let mut told = self.told.iter();
                        told.any(|told| told.level >= level && told.listener == telling.listener)
                    };
                    tellings.retain(|telling| !knows(telling));
                    tellings
                }
                _ => Vec::new(),
            },
            successor_due: None,
            update: None,
            plan: Arc::clone(plan),
            plan_revision: revision.id.clone(),
            source: self.machine.source.clone(),
            ticket: Arc::clone(&self.machine.ticket),
        })
    }
}
