//! One ticket's events, written down as its life goes on.

use std::ops::RangeInclusive;

use escalator_engine::fact::ActivityKind;
use escalator_engine::time::Timestamp;
use serde_json::{Value, json};

use super::case::{Case, Priority};
use super::dice::Dice;
use crate::wire::Input;

const MINUTE_MS: i64 = 60_000;

/// One event of the day, as the ticketing system sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketEvent {
    /// When it is sent; for everything but what is sent again, when it happened.
    pub at: Timestamp,
    /// Whether a ticket was created or updated.
    pub input: Input,
    /// Whose event it is.
    pub ticket_id: String,
    /// The event itself, JSON.
    pub value: Vec<u8>,
    /// How the number of open tickets changes with it.
    pub open_change: i64,
}

/// A ticket's life up to a moment, and how it goes on.
pub(super) struct Life {
    /// What is left to chance.
    pub(super) dice: Dice,
    /// What it is about.
    pub(super) case: Case,
    /// How urgent it is.
    pub(super) priority: Priority,
    id: String,
    created_at: Timestamp,
    at: Timestamp,
    is_open: bool,
    events: Vec<TicketEvent>,
}

impl Life {
    /// A ticket that is not created yet.
    pub(super) const fn new(
        id: String,
        created_at: Timestamp,
        case: Case,
        priority: Priority,
        dice: Dice,
    ) -> Self {
        Self {
            dice,
            case,
            priority,
            id,
            created_at,
            at: created_at,
            is_open: false,
            events: Vec::new(),
        }
    }

    /// Its events, in order.
    pub(super) fn into_events(self) -> Vec<TicketEvent> {
        self.events
    }

    /// The ticket comes in, with these fields besides the usual ones.
    pub(super) fn create(&mut self, besides: &[(&str, Value)]) {
        let case = self.case;
        let mut ticket = json!({
            "status": "New",
            "priority": self.priority.name(),
            "category": case.category,
            "queue": case.queue,
            "requester": case.requester,
            "organization": case.organization,
            "tier": case.tier,
            "channel": case.channel,
            "subject": case.subject,
        });
        for (name, value) in besides {
            ticket[*name] = value.clone();
        }
        self.is_open = true;
        self.push(Input::Created, 1, &[("ticket", ticket)]);
    }

    /// Some minutes pass.
    pub(super) fn wait(&mut self, minutes: RangeInclusive<u64>) {
        let seconds = self
            .dice
            .within(minutes.start() * 60 + 1..=minutes.end() * 60 + 59);
        // Minutes of one day are far below the limits of the type.
        self.at = self.at.plus_millis(seconds as i64 * 1_000);
    }

    /// Time passes until so many minutes after the creation, and some more; not backwards.
    pub(super) fn wait_until(&mut self, minutes: u64, more: RangeInclusive<u64>) {
        let from = self.created_at.plus_millis(minutes as i64 * MINUTE_MS);
        self.at = self.at.max(from);
        self.wait(more);
    }

    /// Fields change and people do something, in one update.
    pub(super) fn update(&mut self, changes: &[(&str, Value)], activities: &[Value]) {
        let status = changes.iter().find(|(name, _)| *name == "status");
        let is_open = match status.and_then(|(_, word)| word.as_str()) {
            Some(word) => !matches!(word, "Solved" | "Closed"),
            None => self.is_open,
        };
        let open_change = i64::from(is_open) - i64::from(self.is_open);
        self.is_open = is_open;
        let changes: Value = changes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let activities = Value::from(activities);
        self.push(
            Input::Updated,
            open_change,
            &[("changes", changes), ("activities", activities)],
        );
    }

    /// A status is entered, and somebody does something.
    pub(super) fn enter(&mut self, status: &str, activities: &[Value]) {
        self.update(&[("status", status.into())], activities);
    }

    /// An instant that is so many minutes from now, as events write it.
    pub(super) fn in_minutes(&self, minutes: u64) -> Value {
        let at = self.at.plus_millis(minutes as i64 * MINUTE_MS);
        at.to_string().into()
    }

    fn push(&mut self, input: Input, open_change: i64, parts: &[(&str, Value)]) {
        let version = self.events.len() + 1;
        let mut event = json!({
            "ticket_id": self.id,
            "occurred_at": self.at.to_string(),
            "event_id": format!("{}:{version}", self.id),
            "version": version,
            "source": "helpdesk",
        });
        for (name, value) in parts {
            event[*name] = value.clone();
        }
        self.events.push(TicketEvent {
            at: self.at,
            input,
            ticket_id: self.id.clone(),
            value: event.to_string().into_bytes(),
            open_change,
        });
        // Two events of one ticket never share an instant.
        self.at = self.at.plus_millis(1_000);
    }
}

/// Somebody does something.
pub(super) fn act(kind: ActivityKind, actor: &str) -> Value {
    json!({ "kind": kind.name(), "actor": actor })
}

/// Somebody does something and says why.
pub(super) fn act_because(kind: ActivityKind, actor: &str, note: &str) -> Value {
    json!({ "kind": kind.name(), "actor": actor, "note": note })
}
