//! What a picture of plans shows, as data; `graph --output json` prints it as it stands here.

use serde::Serialize;

/// A set of plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// The hash of the set.
    pub plan_revision: String,
    /// The plans in order.
    pub plans: Vec<PlanGraph>,
}

/// One plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanGraph {
    /// Its name.
    pub name: String,
    /// Which tickets it takes, in words.
    pub takes: String,
    /// The calendar of timeframes that name none; `always` unless the plan says so.
    pub calendar: String,
    /// The clocks in order of name.
    pub timeframes: Vec<Timeframe>,
    /// The alarms in the plan's order.
    pub triggers: Vec<Trigger>,
    /// The ladder from level 1 up.
    pub path: Vec<Level>,
    /// How long an acknowledgement holds; for ever without one.
    pub acknowledgement_lasts: Option<String>,
    /// Whether levels that are jumped over are told, too.
    pub notify_skipped: bool,
    /// Who hears of the escalation while it lasts.
    pub communication: Option<Communication>,
    /// How long after its beginning an escalation goes to the last level.
    pub close_within: Option<String>,
    /// Which time counts for that.
    pub close_within_calendar: String,
    /// Who looks back afterwards.
    pub post_mortem: Option<PostMortem>,
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeframe {
    /// Its name.
    pub name: String,
    /// What starts and stops it.
    pub kind: String,
    /// How long it may take.
    pub within: Within,
    /// Which time counts.
    pub calendar: String,
    /// When it does not count, in words; empty when it always does.
    pub pause: String,
    /// What a reopening does to it.
    pub on_reopen: String,
    /// The moments of a custom clock, in words.
    pub moments: Vec<String>,
    /// What happens on the way and after, in the plan's order.
    pub marks: Vec<Mark>,
}

/// How long a clock may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Within {
    /// The field that chooses a row; none when it is the same for every ticket.
    pub by: Option<String>,
    /// The rows of the matrix, the most urgent first.
    pub rows: Vec<Row>,
    /// The length for every other ticket.
    pub default: Option<String>,
}

/// A row of the escalation matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The value of the field.
    pub value: String,
    /// The length.
    pub length: String,
}

/// A mark of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Where it stands.
    pub at: String,
    /// Who is warned.
    pub warn: Vec<Recipient>,
    /// The level that it asks for.
    pub level: Option<u32>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// When it holds, in words.
    pub when: String,
    /// How long it must hold.
    pub r#for: Option<String>,
    /// Which time counts for that.
    pub calendar: String,
    /// The level that it asks for.
    pub level: u32,
    /// Problem or opportunity.
    pub nature: String,
}

/// A level of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Its number.
    pub level: u32,
    /// Its name.
    pub name: String,
    /// Functional, hierarchical or external.
    pub kind: String,
    /// Who is told.
    pub notify: Vec<Recipient>,
    /// What the ticketing system is asked to do.
    pub assign: Option<Assign>,
    /// How it is told again.
    pub repeat: Option<Repeat>,
    /// The wait before the next level.
    pub next_after: Option<String>,
    /// What stops that wait.
    pub unless: String,
    /// When the waits do not count, in words; empty when they always do.
    pub pause: String,
    /// Which time counts for the waits.
    pub calendar: String,
}

/// Who is told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// A target, or a field of the ticket.
    pub to: String,
    /// Over which channels.
    pub channels: Vec<String>,
    /// How many notifications go out to each channel in which time, before a digest tells of the rest.
    pub at_most: Option<AtMost>,
}

/// A limit on notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtMost {
    /// So many…
    pub count: String,
    /// …in each so long a time.
    pub per: String,
}

/// A request to the ticketing system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assign {
    /// The group that should hold the ticket.
    pub queue: Option<String>,
    /// The person who should hold it.
    pub assignee: Option<String>,
}

/// How a level is told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repeat {
    /// The wait before each.
    pub every: String,
    /// How many.
    pub times: String,
}

/// A communication plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Communication {
    /// Who is told.
    pub to: Recipient,
    /// How often.
    pub every: String,
    /// Which time counts for that.
    pub calendar: String,
}

/// A look back at an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostMortem {
    /// The level that has to be reached for it.
    pub from_level: u32,
    /// Who is told.
    pub to: Vec<Recipient>,
}
