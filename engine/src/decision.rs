//! What was decided about a ticket, and what makes two decisions the same one.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use serde::{Serialize, Serializer};

use crate::effect::{Cause, CauseKind, EscalatedType, Purpose};
use crate::fact::Fact;
use crate::plan::{Address, Assign, LevelKind, Nature, Plan, Recipient};
use crate::storms::{DigestItem, PieceKey};
use crate::template::Template;
use crate::ticket::{Text, Ticket};
use crate::time::Timestamp;

/// Where a decision is anchored: the instant at which its clock's cycle, its trigger's hold or its
/// level's waits began, or the fact that brought it about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// The instant.
    pub at: Timestamp,
    /// Tells apart decisions of several facts, or of several activities of one fact, at one
    /// instant; 0 where a beginning is the anchor.
    pub fact: i64,
}

impl Anchor {
    /// The beginning of something.
    #[must_use]
    pub const fn beginning(at: Timestamp) -> Self {
        Self { at, fact: 0 }
    }
}

/// One decision, complete but for what depends on the time of its emission.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What happens.
    pub kind: EscalatedType,
    /// Why.
    pub cause: Cause,
    /// The level after it.
    pub level: u32,
    /// The level before it.
    pub previous_level: u32,
    /// The number of the escalation it belongs to; 0 for a warning before any.
    pub escalation: u32,
    /// Part of its identity.
    pub anchor: Anchor,
    /// The number of a repeat, else 0.
    pub repeat: u32,
    /// When it was due.
    pub due_at: Timestamp,
    /// Where a mark of a timeframe brought it about, when the time of that is over or was, as things
    /// stood.
    pub deadline: Option<Timestamp>,
    /// When in-order reading decides it: the later of `due_at` and the fact that brought it about.
    pub decided_at: Timestamp,
    /// Whether a deadline or a wait brought it about, rather than a fact.
    pub is_due: bool,
    /// The fact that brought it about at once; none when time alone did. No part of what is
    /// decided: it only tells what came of a record.
    pub fact: Option<Arc<Fact>>,
    /// Problem or chance.
    pub nature: Nature,
    /// Name and kind of the level, where there is one.
    pub level_name: Option<Text>,
    /// Its kind.
    pub level_kind: Option<LevelKind>,
    /// A request to the ticketing system.
    pub assign: Option<Assign>,
    /// Who did it, where somebody did.
    pub actor: Option<Text>,
    /// Why they did it.
    pub note: Option<Text>,
    /// Who is to be told; for `lowered` and `ended` that is known only when it is emitted.
    pub tellings: Vec<Telling>,
    /// When the next repeat of the same wait is due.
    pub successor_due: Option<Timestamp>,
    /// Set on an update, which is told without an `escalated` event of its own.
    pub update: Option<Update>,
    /// The plan it was decided under.
    pub plan: Arc<Plan>,
    /// The revision of that plan.
    pub plan_revision: Text,
    /// The ticketing system that had been named last.
    pub source: Text,
    /// The ticket as it stood.
    pub ticket: Arc<Ticket>,
}

/// Which update of which escalation a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The `raised` that began the escalation.
    pub begun_by: Identity,
    /// When it was due; the first one at the beginning.
    pub at: Timestamp,
}

/// Somebody to be told about a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// Why.
    pub purpose: Purpose,
    /// The level it is about.
    pub level: u32,
    /// Whom.
    pub listener: Listener,
    /// With which texts; the built-in ones of the purpose without one.
    pub template: Option<Arc<Template>>,
    /// Whether they are kept informed only: what the house says to itself is not for them.
    pub is_customer: bool,
}

/// One target on one channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Listener {
    /// The target's name or the field's value.
    pub to: Text,
    /// The target's kind or the field's name.
    pub kind: Text,
    /// The channel.
    pub channel: Text,
}

/// Values longer than this are no address.
const RECIPIENT_BYTES_MAX: usize = 256;

impl Telling {
    /// Tells everybody whom the addresses name, each once, with the ticket's values at this moment.
    /// Empty fields are skipped; the number of unusable values is returned beside.
    #[must_use]
    pub fn all(
        purpose: Purpose,
        level: u32,
        addresses: &[Address],
        ticket: &Ticket,
        templates: &BTreeMap<Text, Arc<Template>>,
    ) -> (Vec<Self>, usize) {
        let (mut tellings, mut unusable): (Vec<Self>, usize) = (Vec::new(), 0);
        for address in addresses {
            let (to, kind) = match &address.to {
                Recipient::Target { name, kind } => (name.clone(), kind.clone()),
                Recipient::Field(field) => match ticket.text(field.field()) {
                    Some(value) if is_usable(value) => (value.clone(), field.name().into()),
                    Some(value) if !value.is_empty() => {
                        unusable += 1;
                        continue;
                    }
                    Some(_) | None => continue,
                },
            };
            let template = address.template.as_ref();
            let template = template.and_then(|name| templates.get(name));
            for channel in &address.channels {
                let listener = Listener {
                    to: to.clone(),
                    kind: kind.clone(),
                    channel: channel.clone(),
                };
                if tellings.iter().all(|other| other.listener != listener) {
                    tellings.push(Self {
                        purpose,
                        level,
                        listener,
                        template: template.cloned(),
                        is_customer: purpose == Purpose::CustomerUpdate,
                    });
                }
            }
        }
        (tellings, unusable)
    }

    /// Whether it is told in the same words as another telling of the same decision.
    #[must_use]
    pub fn has_words_of(&self, other: &Self) -> bool {
        let template = self.template.as_ref().map(Arc::as_ptr);
        self.purpose == other.purpose
            && self.level == other.level
            && self.is_customer == other.is_customer
            && template == other.template.as_ref().map(Arc::as_ptr)
    }
}

fn is_usable(value: &str) -> bool {
    !value.is_empty() && value.len() <= RECIPIENT_BYTES_MAX && !value.chars().any(char::is_control)
}

/// What makes two decisions about one ticket the same decision: a hash of type, cause, level,
/// anchor and the number of a repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity(pub [u8; 16]);

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl Decision {
    /// Whether the next repeat of the same wait is due already at an instant: then nobody is told.
    #[must_use]
    pub fn is_overtaken_at(&self, at: Timestamp) -> bool {
        self.successor_due.is_some_and(|successor| successor <= at)
    }

    /// The decision's identity within its ticket.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.update.map_or_else(
            || Identity::new(self.kind, &self.cause, self.level, self.anchor, self.repeat),
            Update::identity,
        )
    }
}

impl Update {
    /// The update's identity within its ticket: whatever the level is by then, it is the same one.
    #[must_use]
    pub fn identity(self) -> Identity {
        let mut content = Content::new();
        content.bytes(b"update");
        content.bytes(&self.begun_by.0);
        content.bytes(&self.at.as_millis().to_be_bytes());
        Identity(content.hash())
    }
}

impl Identity {
    /// The identity of a decision with these parts.
    #[must_use]
    pub fn new(
        kind: EscalatedType,
        cause: &Cause,
        level: u32,
        anchor: Anchor,
        repeat: u32,
    ) -> Self {
        let mut content = Content::new();
        content.text(kind.name());
        content.text(cause.kind.name());
        content.text(cause.name.as_deref().unwrap_or_default());
        content.text(cause.mark.as_deref().unwrap_or_default());
        content.bytes(&level.to_be_bytes());
        content.bytes(&anchor.at.as_millis().to_be_bytes());
        content.bytes(&anchor.fact.to_be_bytes());
        content.bytes(&repeat.to_be_bytes());
        Self(content.hash())
    }

    /// The public id of the decision's `escalated` event: stable over instances and times.
    #[must_use]
    pub fn event_id(self, ticket_id: &str, ordinal: u32) -> String {
        let mut content = Content::new();
        content.bytes(ticket_id.as_bytes());
        content.bytes(&[0]);
        content.bytes(&self.0);
        content.bytes(&ordinal.to_be_bytes());
        content.id()
    }
}

/// The public id of one notification about an event.
#[must_use]
pub fn notification_id(event_id: &str, telling: &Telling) -> String {
    let mut content = Content::new();
    content.text(event_id);
    content.text(telling.purpose.name());
    content.text(&telling.listener.kind);
    content.text(&telling.listener.to);
    content.text(&telling.listener.channel);
    content.bytes(&telling.level.to_be_bytes());
    content.id()
}

/// The public id of a digest that is told of a window at an instant: what it tells of tells apart
/// those of several partitions.
#[must_use]
pub fn digest_id(window: &PieceKey, at: Timestamp, items: &[DigestItem]) -> String {
    let mut content = Content::new();
    let listener = &window.listener;
    for text in ["digest", &listener.kind, &listener.to, &listener.channel] {
        content.text(text);
    }
    for item in items {
        content.text(&item.escalation_event_id);
        content.text(item.purpose.name());
    }
    for ms in [
        window.per.as_millis(),
        window.start.as_millis(),
        at.as_millis(),
    ] {
        content.bytes(&ms.to_be_bytes());
    }
    content.bytes(&window.number.to_be_bytes());
    content.id()
}

/// What an id is the hash of. Put together before it is hashed, because hashing a few bytes at a
/// time costs several times as much.
struct Content(Vec<u8>);

impl Content {
    fn new() -> Self {
        // Most take less.
        Self(Vec::with_capacity(192))
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        // The length in front keeps neighbouring texts apart.
        self.bytes(&(text.len() as u64).to_be_bytes());
        self.bytes(text.as_bytes());
    }

    /// 128 bits: no two of any number of decisions that a service will ever make collide.
    fn hash(&self) -> [u8; 16] {
        let digest = Sha256::digest(&self.0);
        let mut out = [0; 16];
        out.copy_from_slice(&digest[..16]);
        out
    }

    /// The same as people and other programs see it.
    fn id(&self) -> String {
        hex(&self.hash())
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

impl Cause {
    /// A cause without a name.
    #[must_use]
    pub const fn plain(kind: CauseKind) -> Self {
        Self {
            kind,
            name: None,
            mark: None,
            cycle: None,
        }
    }

    /// A wait of a level.
    #[must_use]
    pub fn waiting(name: &str) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::plain(CauseKind::Waiting)
        }
    }
}
