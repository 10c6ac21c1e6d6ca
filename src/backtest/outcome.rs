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
    /// A hash of the notifications that belong to no single ticket.
    pub(super) others: u64,
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
    /// A hash of all that was decided and of who was told, in order.
    pub(super) decisions: u64,
    /// A hash of the words that they were told.
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
            others: 0,
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
        let told = (&event.id, &event.to, &event.channel, event.fired_at);
        let Some(ticket_id) = &event.ticket_id else {
            self.others = hash(self.others, &(told, &event.body));
            return;
        };
        let fate = self.tickets.entry(ticket_id.clone()).or_default();
        fate.decisions = hash(fate.decisions, &told);
        fate.words = hash(fate.words, &(&event.subject, &event.body));
    }
}

/// Takes one more thing into a hash. Sixty-four bits: that two different histories of one ticket
/// meet in them by chance is not to be expected in any recording.
fn hash(before: u64, value: &impl Serialize) -> u64 {
    let bytes = serde_json::to_vec(value).expect("texts and numbers are JSON");
    xxh3_64_with_seed(&bytes, before)
}
