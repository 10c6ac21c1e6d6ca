//! What the engine asks for: the contract's `escalated` and `notify` events.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::plan::{Assign, LevelKind, Nature};
use crate::storms::DigestItem;
use crate::ticket::{Text, Ticket};
use crate::time::Timestamp;

/// What happened to an escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalatedType {
    /// Somebody is told that a mark was reached; no level changes.
    Warned,
    /// A higher level is entered.
    Raised,
    /// The level is told again.
    Repeated,
    /// Somebody takes care of it.
    Acknowledged,
    /// Nobody does any more.
    Unacknowledged,
    /// A lower level is entered.
    Lowered,
    /// It is over.
    Ended,
}

impl EscalatedType {
    /// All types.
    pub const ALL: [Self; 7] = [
        Self::Warned,
        Self::Raised,
        Self::Repeated,
        Self::Acknowledged,
        Self::Unacknowledged,
        Self::Lowered,
        Self::Ended,
    ];

    /// Whether the ticket is at another level afterwards.
    #[must_use]
    pub const fn moves_level(self) -> bool {
        matches!(self, Self::Raised | Self::Lowered | Self::Ended)
    }

    /// The name in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warned => "warned",
            Self::Raised => "raised",
            Self::Repeated => "repeated",
            Self::Acknowledged => "acknowledged",
            Self::Unacknowledged => "unacknowledged",
            Self::Lowered => "lowered",
            Self::Ended => "ended",
        }
    }
}

/// Why it happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// What kind of reason.
    pub kind: CauseKind,
    /// The timeframe, the trigger or the wait.
    pub name: Option<Text>,
    /// The text of the mark.
    pub mark: Option<Text>,
    /// The cycle of the clock or of the trigger.
    pub cycle: Option<u32>,
}

/// Kinds of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A mark of a timeframe.
    Timeframe,
    /// A trigger.
    Trigger,
    /// A wait of a level.
    Waiting,
    /// Somebody asked for it.
    Manual,
    /// The ticket was resolved.
    Resolved,
    /// The ticket was closed.
    Closed,
    /// No plan matches any more.
    NoPlan,
    /// A fact that arrived late.
    LateEvent,
}

impl CauseKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Timeframe,
        Self::Trigger,
        Self::Waiting,
        Self::Manual,
        Self::Resolved,
        Self::Closed,
        Self::NoPlan,
        Self::LateEvent,
    ];

    /// The name in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeframe => "timeframe",
            Self::Trigger => "trigger",
            Self::Waiting => "waiting",
            Self::Manual => "manual",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::NoPlan => "no_plan",
            Self::LateEvent => "late_event",
        }
    }
}

/// An event on the topic `escalated`; the fields are the contract's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's table of `escalated`"
)]
pub struct Escalated {
    pub id: String,
    pub ordinal: u32,
    #[serde(rename = "type")]
    pub kind: EscalatedType,
    pub ticket_id: Text,
    pub source: Text,
    pub escalation: u32,
    pub plan: Text,
    pub plan_revision: Text,
    pub level: u32,
    pub previous_level: u32,
    pub level_name: Option<Text>,
    pub level_kind: Option<LevelKind>,
    pub cause: Cause,
    pub nature: Nature,
    pub due_at: Timestamp,
    pub fired_at: Timestamp,
    pub lateness_ms: i64,
    pub notify_suppressed: bool,
    pub assign: Option<Assign>,
    pub resolution_steps: Vec<Text>,
    pub actor: Option<Text>,
    pub note: Option<Text>,
    pub tz_version: Text,
    pub ticket: Arc<Ticket>,
}

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A mark warns.
    Warning,
    /// Their level was entered.
    Level,
    /// Their level is told again.
    Repeat,
    /// The level went down.
    Lowered,
    /// It is over.
    Ended,
    /// Somebody is kept informed.
    CustomerUpdate,
    /// It is over, and somebody should look back at it.
    PostMortem,
    /// Many notifications in one.
    Digest,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 8] = [
        Self::Warning,
        Self::Level,
        Self::Repeat,
        Self::Lowered,
        Self::Ended,
        Self::CustomerUpdate,
        Self::PostMortem,
        Self::Digest,
    ];

    /// The name in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Level => "level",
            Self::Repeat => "repeat",
            Self::Lowered => "lowered",
            Self::Ended => "ended",
            Self::CustomerUpdate => "customer_update",
            Self::PostMortem => "post_mortem",
            Self::Digest => "digest",
        }
    }
}

/// An event on the topic `notify`; the fields are the contract's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's list of `notify`"
)]
pub struct Notify {
    pub id: String,
    pub escalation_event_id: Option<String>,
    pub ticket_id: Option<Text>,
    pub source: Text,
    pub to: Text,
    pub to_kind: Text,
    pub channel: Text,
    pub purpose: Purpose,
    pub level: u32,
    pub subject: String,
    pub body: String,
    pub due_at: Timestamp,
    pub fired_at: Timestamp,
    pub lateness_ms: i64,
    pub plan: Text,
    pub plan_revision: Text,
    /// What a digest tells of; empty on every other notification.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<DigestItem>,
}

/// One event out, in firing order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// For the topic `escalated`.
    Escalated(Box<Escalated>),
    /// For the topic `notify`.
    Notify(Box<Notify>),
}
