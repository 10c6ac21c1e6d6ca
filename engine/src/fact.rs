//! What a ticketing system says happened, and the order of such facts.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ticket::{Change, Text};
use crate::time::Timestamp;

/// One event about one ticket, as it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When it happened, by the event's own word.
    pub occurred_at: Timestamp,
    /// The tie-break inside one instant.
    pub version: Option<i64>,
    /// The identity for duplicates; without one the record's hash is the identity.
    pub event_id: Option<Text>,
    /// A hash of the value bytes, see [`record_hash`] and [`kept_hash`].
    pub record_hash: i64,
    /// Which ticketing system said so.
    pub source: Text,
    /// True for a created event (a full snapshot), false for an update.
    pub created: bool,
    /// What changed, in order; of a created event every field that it carries.
    pub changes: Vec<Change>,
    /// What people did, in order.
    pub activities: Vec<Activity>,
}

#[cfg(test)]
impl Fact {
    /// An update that says nothing, and is told from others by this hash.
    pub(crate) fn bare(occurred_at: Timestamp, record_hash: i64) -> Self {
        Self {
            occurred_at,
            version: None,
            event_id: None,
            record_hash,
            source: Text::default(),
            created: false,
            changes: Vec::new(),
            activities: Vec::new(),
        }
    }
}

/// More than the numbers, lengths and markers of one fact, change, activity or tag take beside its
/// texts when it is stored.
const BYTES_BESIDE_TEXTS: usize = 64;

/// What somebody did in an update. Its texts are shared, or lie where the fact is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity<T = Text> {
    /// What was done.
    pub kind: ActivityKind,
    /// Who did it.
    pub actor: Option<T>,
    /// The level that `escalate` and `deescalate` name.
    pub level: Option<i64>,
    /// The end of a `snooze`.
    pub until: Option<Timestamp>,
    /// Why, where that is the reason of something, see [`ActivityKind::gives_reasons`].
    pub note: Option<T>,
}

/// The kinds of activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// The agent answered the customer.
    AgentReply,
    /// The customer wrote.
    CustomerReply,
    /// A note that the customer does not see.
    InternalNote,
    /// Somebody takes care of the escalation.
    Acknowledge,
    /// Nobody takes care of it any more.
    Unacknowledge,
    /// Raise to a level, or one level up.
    Escalate,
    /// Lower to a level, or end.
    Deescalate,
    /// An acknowledgement until an instant.
    Snooze,
}

impl ActivityKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::AgentReply,
        Self::CustomerReply,
        Self::InternalNote,
        Self::Acknowledge,
        Self::Unacknowledge,
        Self::Escalate,
        Self::Deescalate,
        Self::Snooze,
    ];

    /// The name in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AgentReply => "agent_reply",
            Self::CustomerReply => "customer_reply",
            Self::InternalNote => "internal_note",
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Escalate => "escalate",
            Self::Deescalate => "deescalate",
            Self::Snooze => "snooze",
        }
    }

    /// Whether its note can be why something was decided. The others tell no reasons, and their notes are
    /// not kept.
    #[must_use]
    pub const fn gives_reasons(self) -> bool {
        match self {
            Self::Acknowledge
            | Self::Unacknowledge
            | Self::Escalate
            | Self::Deescalate
            | Self::Snooze => true,
            Self::AgentReply | Self::CustomerReply | Self::InternalNote => false,
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A fact of a named ticket: what one input record holds.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketFact {
    /// Whose fact it is.
    pub ticket_id: Text,
    /// What happened.
    pub fact: Arc<Fact>,
}

/// The position of a fact among the facts of its ticket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FactKey {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// No version comes before any.
    pub version: Option<i64>,
    /// No id comes before any; ids go by their bytes.
    pub event_id: Option<Text>,
    /// Orders facts without ids.
    pub record_hash: i64,
}

impl Fact {
    /// Compares two facts of one ticket by (`occurred_at`, `version`, `event_id`, record hash).
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        self.occurred_at
            .cmp(&other.occurred_at)
            .then_with(|| self.version.cmp(&other.version))
            .then_with(|| self.event_id.cmp(&other.event_id))
            .then_with(|| self.record_hash.cmp(&other.record_hash))
    }

    /// Whether both are the same fact: the same id, or without ids the same record.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.event_id, &other.event_id) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.record_hash == other.record_hash,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Of two contents of one fact the smaller (`occurred_at`, `version`, record hash) counts.
    #[must_use]
    pub fn precedes_content(&self, other: &Self) -> bool {
        (self.occurred_at, self.version, self.record_hash)
            < (other.occurred_at, other.version, other.record_hash)
    }

    /// Its position, to be kept when the fact itself is folded away.
    #[must_use]
    pub fn key(&self) -> FactKey {
        FactKey {
            occurred_at: self.occurred_at,
            version: self.version,
            event_id: self.event_id.clone(),
            record_hash: self.record_hash,
        }
    }

    /// A little more than what it takes in the stored state; depends on nothing but the fact.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
        let change = |change: &Change| match change {
            Change::Text(_, value) => text(value),
            Change::Number(..) | Change::ClearLabels => 0,
            Change::Tags(tags) => tags.iter().map(|tag| tag.len() + BYTES_BESIDE_TEXTS).sum(),
            Change::Label(name, value) => name.len() + text(value),
        };
        let activity = |activity: &Activity| text(&activity.actor) + text(&activity.note);
        let parts = 1 + self.changes.len() + self.activities.len();
        text(&self.event_id)
            + self.source.len()
            + self.changes.iter().map(change).sum::<usize>()
            + self.activities.iter().map(activity).sum::<usize>()
            + parts * BYTES_BESIDE_TEXTS
    }
}

/// What a fact keeps of the hash of its record: all of it where that is its identity. Where there is an
/// event id it only tells two contents of one id apart, for which 27 bits are enough: they take four
/// bytes of a stored state.
#[must_use]
pub const fn kept_hash(record_hash: i64, has_id: bool) -> i64 {
    if has_id {
        (record_hash.cast_unsigned() >> 37).cast_signed()
    } else {
        record_hash
    }
}

/// The hash of a record's value bytes, the identity of an event without id.
///
/// XXH3 (64 bits): two different events of one ticket would have to collide among its latest 64.
#[must_use]
pub fn record_hash(value: &[u8]) -> i64 {
    xxhash_rust::xxh3::xxh3_64(value).cast_signed()
}
