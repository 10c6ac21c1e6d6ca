//! What one plan set fired over a recording, in totals and per ticket.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::effect::{Escalated, EscalatedType, Event, Notify};
use escalator_engine::emission::Emitted;
use escalator_engine::plan::Revision;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::week::{HOURS, hour_of_week};
use crate::offline::Listener;

/// What one plan set fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub(super) revision: Arc<Revision>,
    pub(super) types: BTreeMap<EscalatedType, u64>,
    /// Raised events by plan and level.
    pub(super) levels: BTreeMap<(Text, u32), Level>,
    /// Notifications by whom they told.
    pub(super) targets: BTreeMap<Listener, u64>,
    /// What asked for somebody (warned, raised, repeated) by the hour of the week.
    pub(super) hours: [u64; HOURS],
    pub(super) tickets: BTreeMap<Text, Fate>,
}

/// A level that was raised to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) name: Option<Text>,
    pub(super) raised: u64,
}

/// What became of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) highest_level: u32,
    pub(super) first_raised_at: Option<Timestamp>,
    /// The plan that raised it first.
    pub(super) plan: Option<Text>,
    /// A hash of all that was decided, in order.
    pub(super) decisions: u64,
    /// Hashes of who was told of it, added: those of one event are told at once, in no order.
    pub(super) told: u64,
    /// Hashes of the words that they were told, added.
    pub(super) words: u64,
}

impl Outcome {
    /// Nothing fired yet under a revision of the plans.
    #[must_use]
    pub const fn new(revision: Arc<Revision>) -> Self {
        Self {
            revision,
            types: BTreeMap::new(),
            levels: BTreeMap::new(),
            targets: BTreeMap::new(),
            hours: [0; HOURS],
            tickets: BTreeMap::new(),
        }
    }

    /// Counts further events out, in firing order.
    pub fn add(&mut self, events: &[Emitted]) {
        for emitted in events {
            match &emitted.event {
                Event::Escalated(event) => self.add_escalated(event),
                Event::Notify(event) => self.add_notify(event),
            }
        }
    }

    /// How many `escalated` events there were.
    pub(super) fn fired(&self) -> u64 {
        self.types.values().sum()
    }

    fn add_escalated(&mut self, event: &Escalated) {
        *self.types.entry(event.kind).or_default() += 1;
        let fate = self.tickets.entry(event.ticket_id.clone()).or_default();
        // All but the revision and the ticket; the id holds type, cause, level and anchor.
        let decided = (&event.id, &event.plan, event.nature, event.previous_level);
        let level = (&event.level_name, event.level_kind, &event.assign);
        let told = (event.fired_at, event.notify_suppressed);
        let all = (decided, level, told, &event.resolution_steps);
        fate.decisions = hash(fate.decisions, &all);
        match event.kind {
            EscalatedType::Warned | EscalatedType::Repeated => {}
            EscalatedType::Raised => {
                let key = (event.plan.clone(), event.level);
                let level = self.levels.entry(key).or_default();
                level.raised += 1;
                level.name.clone_from(&event.level_name);
                fate.highest_level = fate.highest_level.max(event.level);
                if fate.first_raised_at.is_none() {
                    fate.first_raised_at = Some(event.fired_at);
                    fate.plan = Some(event.plan.clone());
                }
            }
            EscalatedType::Acknowledged
            | EscalatedType::Unacknowledged
            | EscalatedType::Lowered
            | EscalatedType::Ended => return,
        }
        self.hours[hour_of_week(event.fired_at)] += 1;
    }

    fn add_notify(&mut self, event: &Notify) {
        let listener = Listener::of(event, &self.revision);
        *self.targets.entry(listener).or_default() += 1;
        let to = (&event.to, &event.channel, event.fired_at);
        if let Some(ticket_id) = &event.ticket_id {
            let fate = self.tickets.entry(ticket_id.clone()).or_default();
            let words = (&event.id, &event.subject, &event.body);
            fate.told = fate.told.wrapping_add(hash(0, &(&event.id, to)));
            fate.words = fate.words.wrapping_add(hash(0, &words));
        }
        // A digest is told of each of its tickets, and what it says of all of them follows from that.
        for item in &event.items {
            let fate = self.tickets.entry(item.ticket_id.clone()).or_default();
            let of = (&item.escalation_event_id, item.purpose);
            fate.told = fate.told.wrapping_add(hash(0, &(of, to)));
        }
    }
}

/// Takes one more thing into a hash. Sixty-four bits: that two different histories of one ticket
/// meet in them by chance is not to be expected in any recording.
fn hash(before: u64, value: &impl Serialize) -> u64 {
    let bytes = serde_json::to_vec(value).expect("texts and numbers are JSON");
    xxh3_64_with_seed(&bytes, before)
}
