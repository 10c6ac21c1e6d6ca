//! Escalation plans as the engine reads them: a revision of plan files, resolved and checked.
//!
//! The shell builds these values from YAML and reports every error with its place; what arrives
//! here is taken to be sound (levels within the path, positive thresholds, known targets).

mod address;
mod resolution;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::address::{Address, Recipient, RecipientField};
pub use self::resolution::{Communication, PostMortem, Resolution};
use crate::calendar::Calendar;
use crate::condition::Condition;
use crate::length::{Length, WorkingDays};
use crate::moment::{Moments, Pause};
use crate::status::{self, CategorySet, StatusCategory};
use crate::template::Template;
use crate::ticket::{Text, TextField, Ticket};
use crate::time::Duration;

/// The whole resolved set of plan files at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revision {
    /// The hash of the content, the `plan_revision` of events.
    pub id: Text,
    /// Ascending; the order of `at_least` and `at_most` on priorities.
    pub priorities: Vec<Text>,
    /// Status words by [`status::spelling`]; they win over the built-in ones.
    pub statuses: BTreeMap<String, StatusCategory>,
    /// Who can be told, by name.
    pub targets: BTreeMap<Text, Target>,
    /// Texts of notifications, by name.
    pub templates: BTreeMap<Text, Arc<Template>>,
    /// In order; the first whose match holds takes the ticket.
    pub plans: Vec<Arc<Plan>>,
    /// Whether some clock asks for the ticket's fields around a fact.
    pub watches_fields: bool,
    /// How long a ticket is kept that is resolved or closed; [`FORGET_AFTER`] unless it is said.
    pub forget_after: Option<Duration>,
}

/// A ticket is kept for a week after it was done: reopenings come within days.
pub const FORGET_AFTER: Duration = Duration::from_secs(7 * 86_400);

impl Revision {
    /// A revision of these parts.
    #[must_use]
    pub fn new(
        id: Text,
        priorities: Vec<Text>,
        statuses: BTreeMap<String, StatusCategory>,
        targets: BTreeMap<Text, Target>,
        templates: BTreeMap<Text, Arc<Template>>,
        plans: Vec<Arc<Plan>>,
    ) -> Self {
        let timeframes = || plans.iter().flat_map(|plan| &plan.timeframes);
        let watches_fields = timeframes().any(Timeframe::watches_fields);
        Self {
            id,
            priorities,
            statuses,
            targets,
            templates,
            plans,
            watches_fields,
            forget_after: None,
        }
    }

    /// The same with another time after which tickets are forgotten.
    #[must_use]
    pub fn with_forget_after(mut self, forget_after: Option<Duration>) -> Self {
        self.forget_after = forget_after;
        self
    }

    /// The category of a status word, and whether the word was known.
    #[must_use]
    pub fn category(&self, word: Option<&str>) -> (StatusCategory, bool) {
        let Some(word) = word else {
            return (StatusCategory::Open, true);
        };
        let spelling = status::spelling(word);
        match self
            .statuses
            .get(&*spelling)
            .copied()
            .or_else(|| status::built_in(&spelling))
        {
            Some(category) => (category, true),
            None => (StatusCategory::Open, false),
        }
    }

    /// The plan of that name.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&Arc<Plan>> {
        self.plans.iter().find(|plan| *plan.name == *name)
    }
}

/// A declared target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `team`, `role`, `vendor`, …: a word for subscribers, the `to_kind` of notifications.
    pub kind: Text,
    /// Every channel it is told over unless an entry names one.
    pub channels: Vec<Text>,
    /// How many notifications it is sent; as many as there are without a limit.
    pub at_most: Option<AtMost>,
}

/// A limit on the notifications of a target on one channel; what is beyond it is gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtMost {
    /// So many…
    pub count: u32,
    /// …in each window of this length.
    pub per: Duration,
}

/// What should happen to a ticket, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Unique in its revision.
    pub name: Text,
    /// Which tickets it takes.
    pub matching: Condition,
    /// What an edit of this plan does to running tickets.
    pub in_flight: InFlight,
    /// The clocks, in order of name.
    pub timeframes: Vec<Timeframe>,
    /// In the plan's order.
    pub triggers: Vec<Trigger>,
    /// The ladder; level 1 is the first.
    pub path: Vec<Level>,
    /// How long an acknowledgement holds; for ever without one.
    pub acknowledgement_lasts: Option<Length>,
    /// Decisions later than this are not told; `None` turns that off.
    pub stale_after: Option<Duration>,
    /// Whether levels that are jumped over are told, too.
    pub notify_skipped: bool,
    /// Who is kept informed while an escalation lasts.
    pub communication: Option<Communication>,
    /// How an escalation is brought to its end.
    pub resolution: Resolution,
}

impl Plan {
    /// Everybody whom it tells of something.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let marks = self.timeframes.iter().flat_map(|it| &it.marks);
        let warned = marks.flat_map(|mark| &mark.warn);
        let levels = self.path.iter().flat_map(|level| &level.notify);
        let informed = self.communication.iter().map(|it| &it.address);
        let looking_back = self.resolution.post_mortem.iter().flat_map(|it| &it.to);
        warned.chain(levels).chain(informed).chain(looking_back)
    }
}

/// What an edit of a plan does to its running tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InFlight {
    /// They end wholly on the revision they have.
    Keep,
    /// Elapsed time is recomputed under the new revision; nothing fires again.
    #[default]
    Adopt,
    /// Every clock that runs or pauses begins its next cycle.
    Restart,
}

/// A promise with a clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeframe {
    /// Unique in its plan.
    pub name: Text,
    /// What starts and stops it.
    pub kind: TimeframeKind,
    /// How long it may take.
    pub within: Within,
    /// Which time counts.
    pub calendar: Calendar,
    /// While it does not count.
    pub pause: Pause,
    /// What starts and stops it, where the kind is `custom`.
    pub moments: Moments,
    /// What a reopening does to it.
    pub on_reopen: OnReopen,
    /// What happens on the way and after.
    pub marks: Vec<Mark>,
}

impl Timeframe {
    /// Whether it asks for the ticket's fields around a fact.
    #[must_use]
    pub fn watches_fields(&self) -> bool {
        matches!(self.pause, Pause::When(_)) || self.moments.watch_fields()
    }
}

/// What starts and stops a clock. Further kinds have their place in `clock.rs`, where each decides
/// what a fact does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeframeKind {
    /// From creation to the first reply of an agent, or to resolved or closed.
    FirstResponse,
    /// From a customer's reply to an agent's, or to resolved or closed; many cycles.
    NextResponse,
    /// From creation and again from each reply of an agent, to resolved or closed.
    Update,
    /// From creation to resolved or closed.
    Resolution,
    /// While the vendor has to answer; many cycles.
    Vendor,
    /// By the moments of the plan; many cycles.
    Custom,
}

impl TimeframeKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::FirstResponse,
        Self::NextResponse,
        Self::Update,
        Self::Resolution,
        Self::Vendor,
        Self::Custom,
    ];

    /// The name in plan files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstResponse => "first_response",
            Self::NextResponse => "next_response",
            Self::Update => "update",
            Self::Resolution => "resolution",
            Self::Vendor => "vendor",
            Self::Custom => "custom",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The categories in which such a clock pauses unless the plan says otherwise.
    #[must_use]
    pub fn default_pause(self) -> CategorySet {
        match self {
            Self::FirstResponse | Self::NextResponse | Self::Vendor | Self::Custom => {
                CategorySet::default()
            }
            Self::Update => CategorySet::from_iter([StatusCategory::WaitingCustomer]),
            Self::Resolution => CategorySet::from_iter([
                StatusCategory::WaitingCustomer,
                StatusCategory::WaitingVendor,
                StatusCategory::OnHold,
            ]),
        }
    }
}

/// How long a timeframe may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// The same for every ticket.
    Fixed(Length),
    /// By the text of a field: one row of the escalation matrix.
    By {
        /// The field that decides.
        field: MatrixField,
        /// Its values.
        values: BTreeMap<Text, Length>,
        /// For every other value; without one no mark falls due.
        default: Option<Length>,
    },
}

/// The field whose text chooses a row of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatrixField {
    /// A text field of the ticket.
    Text(TextField),
    /// A label of the ticket.
    Label(Text),
}

impl Within {
    /// The length for a ticket as it stands.
    #[must_use]
    pub fn length(&self, ticket: &Ticket) -> Option<Length> {
        match self {
            Self::Fixed(length) => Some(*length),
            Self::By {
                field,
                values,
                default,
            } => {
                let value = match field {
                    MatrixField::Text(field) => ticket.text(*field),
                    MatrixField::Label(name) => ticket.labels.get(name),
                };
                value
                    .and_then(|value| values.get(value))
                    .or(default.as_ref())
                    .copied()
            }
        }
    }

    /// Every length it can give.
    pub fn lengths(&self) -> impl Iterator<Item = Length> + '_ {
        let (fixed, rows, default) = match self {
            Self::Fixed(length) => (Some(*length), None, None),
            Self::By {
                values, default, ..
            } => (None, Some(values.values().copied()), *default),
        };
        fixed
            .into_iter()
            .chain(rows.into_iter().flatten())
            .chain(default)
    }
}

/// What a reopening does to a clock that resolving or closing stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReopen {
    /// It goes on; the closed time does not count.
    #[default]
    Resume,
    /// The next cycle begins at the reopening.
    Restart,
    /// It stays stopped.
    Ignore,
}

/// A threshold on elapsed working time.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The text of the plan, the `mark` of causes.
    pub text: Text,
    /// Where it stands.
    pub at: MarkAt,
    /// Who is warned.
    pub warn: Vec<Address>,
    /// The level it asks for.
    pub level: Option<u32>,
}

/// Where a mark stands on its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkAt {
    /// A share of `within`, in millionths: 80 % is 800,000.
    Share(u64),
    /// So much working time after `within` (or before, when negative).
    Offset(Duration),
    /// So many working days after the deadline.
    After(WorkingDays),
    /// So many working days before the deadline.
    Before(WorkingDays),
}

impl MarkAt {
    /// The whole of `within`, the breach.
    pub const BREACH: Self = Self::Share(1_000_000);
}

/// A condition that escalates.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Unique in its plan.
    pub name: Text,
    /// When it holds.
    pub when: Condition,
    /// How long it must hold without a break; at once without one.
    pub hold: Option<Length>,
    /// Which time counts for that.
    pub calendar: Calendar,
    /// The level it asks for.
    pub level: u32,
    /// Whether it is a problem or a chance.
    pub nature: Nature,
}

/// Whether an escalation is about a problem or about a chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// Something is wrong.
    #[default]
    Problem,
    /// Something could be won.
    Opportunity,
}

/// One step of the ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// For people.
    pub name: Text,
    /// How it escalates.
    pub kind: LevelKind,
    /// Who is told.
    pub notify: Vec<Address>,
    /// What the ticketing system is asked to do.
    pub assign: Option<Assign>,
    /// Tell again.
    pub repeat: Option<Repeat>,
    /// Then go up.
    pub next_after: Option<Length>,
    /// What stops `next_after`.
    pub unless: Unless,
    /// Categories in which the waits do not count.
    pub pause: CategorySet,
    /// Which time counts for the waits.
    pub calendar: Calendar,
}

impl Level {
    /// A level that tells nobody and assigns nothing falls through to the next.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.notify.is_empty() && self.assign.is_none()
    }
}

/// How a level escalates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelKind {
    /// To the skilled.
    #[default]
    Functional,
    /// To the senior.
    Hierarchical,
    /// Out of the house.
    External,
}

/// A request to the ticketing system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assign {
    /// The group that should hold the ticket.
    pub queue: Option<Text>,
    /// The person who should hold it.
    pub assignee: Option<Text>,
}

/// How often a level is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The wait before each.
    pub every: Length,
    /// How many.
    pub times: u32,
}

/// What stops `next_after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unless {
    /// An acknowledgement is enough.
    #[default]
    Acknowledged,
    /// Only the end is.
    Resolved,
}
