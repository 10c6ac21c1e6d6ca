//! Whom a plan tells, and over which channels.

use crate::ticket::{Text, TextField};

/// Who is told, and how: an entry of `notify` or `warn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whom.
    pub to: Recipient,
    /// Over which channels; resolved from the target where the plan names none.
    pub channels: Vec<Text>,
    /// The template of the texts; the built-in one of the purpose where the plan names none.
    pub template: Option<Text>,
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
