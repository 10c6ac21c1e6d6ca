//! Whom a plan tells, and over which channels.

use super::Plan;
use crate::ticket::{Text, TextField};

/// Who is told, and how: an entry of `notify` or `warn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whom.
    pub to: Recipient,
    /// Over which channels; resolved from the target where the plan names none.
    pub channels: Vec<Text>,
    /// Whether the plan names the channel.
    pub names_channel: bool,
    /// The template of the texts; the built-in one of the purpose where the plan names none.
    pub template: Option<Text>,
}

impl Address {
    /// Leaves what the plan says itself, without what is resolved from the target.
    fn forget_target(&mut self) {
        if !self.names_channel {
            self.channels.clear();
        }
        if let Recipient::Target { kind, .. } = &mut self.to {
            *kind = Text::default();
        }
    }
}

impl Plan {
    /// Whether another plan says the same. A target may have other channels or be of another kind:
    /// that is said by the target, not by the plans that name it.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self == other || self.without_targets() == other.without_targets()
    }

    fn without_targets(&self) -> Self {
        let mut plan = self.clone();
        let marks = plan.timeframes.iter_mut().flat_map(|it| &mut it.marks);
        let warned = marks.flat_map(|mark| &mut mark.warn);
        let levels = plan.path.iter_mut().flat_map(|level| &mut level.notify);
        let informed = plan.communication.iter_mut().map(|it| &mut it.address);
        let post_mortem = plan.resolution.post_mortem.iter_mut();
        let looking_back = post_mortem.flat_map(|it| &mut it.to);
        let addresses = warned.chain(levels).chain(informed).chain(looking_back);
        addresses.for_each(Address::forget_target);
        plan
    }
}

/// Whom an address names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recipient {
    /// A declared target.
    Target {
        /// Its name.
        name: Text,
        /// Its kind.
        kind: Text,
    },
    /// The value of a field of the ticket at that moment.
    Field(RecipientField),
}

impl Recipient {
    /// The word in `to_kind`.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Target { kind, .. } => kind,
            Self::Field(field) => field.name(),
        }
    }
}

/// The fields of a ticket that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecipientField {
    /// Who asked.
    Requester,
    /// Who holds it.
    Assignee,
    /// The group that holds it.
    Queue,
}

impl RecipientField {
    /// The word in plan files and in `to_kind`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Assignee => "assignee",
            Self::Queue => "queue",
        }
    }

    /// The field of the ticket.
    #[must_use]
    pub const fn field(self) -> TextField {
        match self {
            Self::Requester => TextField::Requester,
            Self::Assignee => TextField::Assignee,
            Self::Queue => TextField::Queue,
        }
    }

    /// The recipient of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Requester, Self::Assignee, Self::Queue]
            .into_iter()
            .find(|r| r.name() == word)
    }
}
