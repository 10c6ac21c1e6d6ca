//! What is known of a ticket: the contract's `Ticket` and how changes merge into it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A piece of text of facts, tickets and effects. Those of up to 23 bytes, which most are, lie where they
/// are used; a longer one is shared and never copied.
pub type Text = SmolStr;

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

impl NumberField {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Severity, Self::Satisfaction];

    /// The name in events and conditions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Satisfaction => "satisfaction",
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
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

/// Which fields of a ticket may differ from those of an earlier one: all of them, unless that is
/// known better.
#[derive(Clone, Copy)]
pub struct OwnFields(u16);

impl OwnFields {
    /// None of them.
    pub(crate) const NONE: Self = Self(0);
    const ALL: Self = Self((1 << 15) - 1);
    const TAGS: u16 = 1 << 13;
    const LABELS: u16 = 1 << 14;

    const fn of_text(field: TextField) -> u16 {
        1 << field as u16
    }

    const fn of_number(field: NumberField) -> u16 {
        1 << (TextField::ALL.len() as u16 + field as u16)
    }

    /// Those that do differ.
    pub(crate) fn between(ticket: &Ticket, earlier: &Ticket) -> Self {
        let mut own = Self::NONE;
        let mut note = |is_own: bool, field| own.0 |= if is_own { field } else { 0 };
        for field in TextField::ALL {
            note(
                ticket.text(field) != earlier.text(field),
                Self::of_text(field),
            );
        }
        let bits = |number: Option<f64>| number.map(f64::to_bits);
        for field in NumberField::ALL {
            let is_own = bits(ticket.number(field)) != bits(earlier.number(field));
            note(is_own, Self::of_number(field));
        }
        note(ticket.tags != earlier.tags, Self::TAGS);
        note(ticket.labels != earlier.labels, Self::LABELS);
        own
    }

    /// Notes that a text field may differ from now on.
    #[inline]
    pub(crate) const fn note_text(&mut self, field: TextField) {
        self.0 |= Self::of_text(field);
    }

    /// Notes that the field of a change may differ from now on.
    #[inline]
    pub(crate) const fn note(&mut self, change: &Change) {
        self.0 |= match change {
            Change::Text(field, _) => Self::of_text(*field),
            Change::Number(field, _) => Self::of_number(*field),
            Change::Tags(_) => Self::TAGS,
            Change::Label(..) | Change::ClearLabels => Self::LABELS,
        };
    }

    /// Whether nothing better is known than that any of them may.
    pub(crate) const fn are_unknown(self) -> bool {
        self.0 == Self::ALL.0
    }

    pub(crate) fn texts(self) -> impl Iterator<Item = TextField> {
        let is_own = move |field: &TextField| self.0 & Self::of_text(*field) != 0;
        TextField::ALL.into_iter().filter(is_own)
    }

    pub(crate) fn numbers(self) -> impl Iterator<Item = NumberField> {
        let is_own = move |field: &NumberField| self.0 & Self::of_number(*field) != 0;
        NumberField::ALL.into_iter().filter(is_own)
    }

    pub(crate) const fn has_tags(self) -> bool {
        self.0 & Self::TAGS != 0
    }

    pub(crate) const fn has_labels(self) -> bool {
        self.0 & Self::LABELS != 0
    }
}

impl Default for OwnFields {
    fn default() -> Self {
        Self::ALL
    }
}

/// It says how a ticket came about, not what it is.
impl PartialEq for OwnFields {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for OwnFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#b}", self.0)
    }
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

    pub(crate) const fn text_mut(&mut self, field: TextField) -> &mut Option<Text> {
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
