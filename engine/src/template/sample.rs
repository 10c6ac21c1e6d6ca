//! Tickets to try templates out with: those that lie furthest apart, and one to look at.

use std::sync::Arc;

use super::variables::Variables;
use crate::effect::{Cause, CauseKind, Purpose};
use crate::ticket::{Change, LABELS_MAX, NumberField, Text, TextField, Ticket};
use crate::time::Timestamp;

/// Tags of a ticket; as many as records may hold.
const TAGS_MAX: usize = 200;

/// 2026-11-23T10:30:00Z, a Monday.
const DUE_AT: Timestamp = Timestamp::from_millis(1_795_429_800_000);

impl Variables {
    /// Values to look at: an incident whose first response is overdue.
    #[must_use]
    pub fn sample() -> Self {
        let text = |field, value: &str| Change::Text(field, Some(value.into()));
        let label = |name: &str, value: &str| Change::Label(name.into(), Some(value.into()));
        let mut ticket = Ticket::default();
        ticket.merge(&[
            text(TextField::Status, "open"),
            text(TextField::Priority, "high"),
            text(TextField::Category, "network"),
            text(TextField::Queue, "noc"),
            text(TextField::Assignee, "ann"),
            text(TextField::Requester, "carol"),
            text(TextField::Organization, "Acme"),
            text(TextField::Tier, "gold"),
            text(TextField::Channel, "email"),
            text(TextField::Subject, "VPN is down in Berlin"),
            text(TextField::Vendor, "acme-support"),
            Change::Number(NumberField::Severity, Some(2.0)),
            Change::Number(NumberField::Satisfaction, Some(0.5)),
            Change::Tags(vec!["vip".into(), "vpn".into()]),
            label("country", "de"),
            label("site", "berlin"),
        ]);
        Self {
            ticket_id: "INC0000045".into(),
            ticket: Arc::new(ticket),
            plan: "gold-network".into(),
            level: 1,
            level_name: Some("team lead".into()),
            purpose: Purpose::Level,
            cause: Self::sample_cause(),
            actor: None,
            note: None,
            due_at: DUE_AT,
            deadline: Some(DUE_AT),
            now: DUE_AT,
        }
    }

    /// A cause for where nothing was decided.
    #[must_use]
    pub fn sample_cause() -> Cause {
        Cause {
            kind: CauseKind::Timeframe,
            name: Some("first_response".into()),
            mark: Some("100%".into()),
            cycle: Some(1),
        }
    }
}

/// Tickets that lie as far apart as tickets do, with what to call them.
pub(super) fn extremes() -> [(&'static str, Variables); 3] {
    let everything = Variables {
        actor: Some("ann".into()),
        note: Some("the customer called".into()),
        purpose: Purpose::Repeat,
        ..Variables::sample()
    };
    let nothing = Variables {
        ticket: Arc::default(),
        level: 0,
        level_name: None,
        deadline: None,
        purpose: Purpose::Warning,
        ..Variables::sample()
    };
    let largest = Variables {
        ticket: Arc::new(largest()),
        ..everything.clone()
    };
    [
        ("a ticket whose fields are all empty", nothing),
        ("a ticket with every field", everything),
        ("a ticket with 200 tags and 200 labels", largest),
    ]
}

/// As many tags and labels as a ticket may have, of a usual length.
fn largest() -> Ticket {
    let name = |number: usize| Text::from(format!("a name of usual length {number}"));
    let mut ticket = (*Variables::sample().ticket).clone();
    ticket.tags = (0..TAGS_MAX).map(name).collect();
    ticket.labels = (0..LABELS_MAX)
        .map(|number| (name(number), name(number)))
        .collect();
    ticket
}
