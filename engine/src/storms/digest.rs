//! A digest: one notification that tells of many.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::PieceKey;
use crate::decision::digest_id;
use crate::effect::{Event, Notify, Purpose};
use crate::emission::{Emission, Emitted};
use crate::message::Words;
use crate::rules::Rules;
use crate::ticket::Text;
use crate::time::Timestamp;

/// A notification that was gathered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestItem {
    /// The event that it tells of.
    pub escalation_event_id: Text,
    /// Its ticket.
    pub ticket_id: Text,
    /// Why they would have been told.
    pub purpose: Purpose,
}

impl DigestItem {
    /// What a digest says of a notification.
    pub(super) fn of(notify: &Notify) -> Self {
        Self {
            escalation_event_id: notify
                .escalation_event_id
                .as_deref()
                .unwrap_or_default()
                .into(),
            ticket_id: notify.ticket_id.clone().unwrap_or_default(),
            purpose: notify.purpose,
        }
    }
}

/// The digest of these items of a window.
pub(super) fn emitted(
    window: &PieceKey,
    items: Vec<DigestItem>,
    at: Timestamp,
    rules: &Rules,
    emission: &Emission,
) -> Emitted {
    let listener = &window.listener;
    let words = words(&listener.to, &items);
    let fired_at = emission.fired_at(at);
    let notify = Notify {
        id: digest_id(window, at, &items),
        escalation_event_id: None,
        ticket_id: None,
        source: Text::default(),
        to: listener.to.clone(),
        to_kind: listener.kind.clone(),
        channel: listener.channel.clone(),
        purpose: Purpose::Digest,
        level: 0,
        subject: words.subject,
        body: words.body,
        due_at: window.end(),
        fired_at,
        lateness_ms: fired_at.millis_since(at),
        plan: Text::default(),
        plan_revision: rules.at(at).id.clone(),
        items,
    };
    Emitted {
        held: Vec::new(),
        at,
        is_due: true,
        fact: None,
        event: Event::Notify(Box::new(notify)),
    }
}

/// How many there are of each kind, then one line for each as far as there is room.
fn words(to: &str, items: &[DigestItem]) -> Words {
    let mut purposes: BTreeMap<Purpose, usize> = BTreeMap::new();
    for item in items {
        *purposes.entry(item.purpose).or_default() += 1;
    }
    let purposes: Vec<_> = purposes
        .iter()
        .map(|(purpose, count)| format!("{count} {}", purpose.name()))
        .collect();
    let s = if items.len() == 1 { "" } else { "s" };
    let subject = format!("{} notification{s} for {to} in one", items.len());
    let mut body = format!(
        "There were more notifications for {to} than its limit lets through.\nGathered: {}.",
        purposes.join(", ")
    );
    for item in items {
        // Writing to a string cannot fail.
        let _ = write!(body, "\n{}: {}", item.ticket_id, item.purpose.name());
    }
    Words::new(subject, body, false)
}
