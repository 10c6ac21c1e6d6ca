//! What is known of a ticket: the contract's `Ticket` and how changes merge into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A piece of text that facts, tickets and effects share without copying.
pub type Text = Arc<str>;

/// Labels a ticket keeps at most; merging beyond leaves the last ones by name out.
pub const LABELS_MAX: usize = 200;

/// The fields of a ticket as they stand, in the contract's names and order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// The status word of the ticketing system.
    pub status: Option<Text>,
    /// One of the plan file's priorities, or a word that is unknown there.
    pub priority: Option<Text>,
    /// What the ticket is about.
    pub category: Option<Text>,
    /// The group that holds it.
    pub queue: Option<Text>,
    /// The person who holds it.
    pub assignee: Option<Text>,
    /// Who asked.
    pub requester: Option<Text>,
    /// The requester's organization.
    pub organization: Option<Text>,
    /// The service tier.
    pub tier: Option<Text>,
    /// How it came in.
    pub channel: Option<Text>,
    /// Its title.
    pub subject: Option<Text>,
    /// The vendor that works on it.
    pub vendor: Option<Text>,
    /// How grave it is, by the ticketing system's scale.
    pub severity: Option<f64>,
    /// The customer's satisfaction, 0 to 1.
    pub satisfaction: Option<f64>,
    /// Its tags, in the order of the ticketing system.
    pub tags: Vec<Text>,
    /// Free names and values.
    pub labels: BTreeMap<Text, Text>,
}

/// The fields of a ticket that hold text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextField {
    /// `status`
    Status,
    /// `priority`
    Priority,
    /// `category`
    Category,
    /// `queue`
    Queue,
    /// `assignee`
    Assignee,
    /// `requester`
    Requester,
    /// `organization`
    Organization,
    /// `tier`
    Tier,
    /// `channel`
    Channel,
    /// `subject`
    Subject,
    /// `vendor`
    Vendor,
}

impl TextField {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 11] = [
        Self::Status,
        Self::Priority,
        Self::Category,
        Self::Queue,
        Self::Assignee,
        Self::Requester,
        Self::Organization,
        Self::Tier,
        Self::Channel,
        Self::Subject,
        Self::Vendor,
    ];

    /// The name in events and conditions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Priority => "priority",
            Self::Category => "category",
            Self::Queue => "queue",
            Self::Assignee => "assignee",
            Self::Requester => "requester",
            Self::Organization => "organization",
            Self::Tier => "tier",
            Self::Channel => "channel",
            Self::Subject => "subject",
            Self::Vendor => "vendor",
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// The fields of a ticket that hold a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberField {
    /// `severity`
    Severity,
    /// `satisfaction`
    Satisfaction,
}

/// One change of one field; `None` means that it became empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T = Text> {
    /// A text field has another value.
    Text(TextField, Option<T>),
    /// A number field has another value.
    Number(NumberField, Option<f64>),
    /// The whole list of tags; an empty list clears it.
    Tags(Vec<T>),
    /// One label has another value, or is removed.
    Label(T, Option<T>),
    /// All labels are removed.
    ClearLabels,
}

impl Ticket {
    /// The value of a text field.
    #[must_use]
    pub const fn text(&self, field: TextField) -> Option<&Text> {
        match field {
            TextField::Status => self.status.as_ref(),
            TextField::Priority => self.priority.as_ref(),
            TextField::Category => self.category.as_ref(),
            TextField::Queue => self.queue.as_ref(),
            TextField::Assignee => self.assignee.as_ref(),
            TextField::Requester => self.requester.as_ref(),
            TextField::Organization => self.organization.as_ref(),
            TextField::Tier => self.tier.as_ref(),
            TextField::Channel => self.channel.as_ref(),
            TextField::Subject => self.subject.as_ref(),
            TextField::Vendor => self.vendor.as_ref(),
        }
    }

    const fn text_mut(&mut self, field: TextField) -> &mut Option<Text> {
        match field {
            TextField::Status => &mut self.status,
            TextField::Priority => &mut self.priority,
            TextField::Category => &mut self.category,
            TextField::Queue => &mut self.queue,
            TextField::Assignee => &mut self.assignee,
            TextField::Requester => &mut self.requester,
            TextField::Organization => &mut self.organization,
            TextField::Tier => &mut self.tier,
            TextField::Channel => &mut self.channel,
            TextField::Subject => &mut self.subject,
            TextField::Vendor => &mut self.vendor,
        }
    }

    /// The value of a number field.
    #[must_use]
    pub const fn number(&self, field: NumberField) -> Option<f64> {
        match field {
            NumberField::Severity => self.severity,
            NumberField::Satisfaction => self.satisfaction,
        }
    }

    /// Merges changes in their order and returns how many labels were left out over the limit.
    pub fn merge(&mut self, changes: &[Change]) -> usize {
        for change in changes {
            self.take(change.clone());
        }
        self.leave_out()
    }

    /// Takes over one change.
    pub(crate) fn take(&mut self, change: Change) {
        match change {
            Change::Text(field, value) => *self.text_mut(field) = value,
            Change::Number(NumberField::Severity, value) => self.severity = value,
            Change::Number(NumberField::Satisfaction, value) => self.satisfaction = value,
            Change::Tags(tags) => self.tags = tags,
            Change::Label(name, Some(value)) => {
                self.labels.insert(name, value);
            }
            Change::Label(name, None) => {
                self.labels.remove(&name);
            }
            Change::ClearLabels => self.labels.clear(),
        }
    }

    /// Leaves out the labels over the limit and returns how many there were.
    pub(crate) fn leave_out(&mut self) -> usize {
        let over = self.labels.len().saturating_sub(LABELS_MAX);
        for _ in 0..over {
            self.labels.pop_last();
        }
        over
    }
}
