//! What a ticket is about, who asks, and who works on it.

use super::dice::Dice;

/// How urgent a ticket is; the words of the shipped plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// It can wait.
    Low,
    /// As most are.
    Normal,
    /// Somebody cannot work.
    High,
    /// Many cannot.
    Critical,
}

impl Priority {
    /// The word in events.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Minutes to the first response that the shipped plan promises for an incident.
    pub(super) const fn answer_minutes(self) -> u64 {
        match self {
            Self::Critical => 15,
            Self::High => 60,
            Self::Normal => 240,
            Self::Low => 480,
        }
    }

    /// Minutes to the solution that the shipped plan promises for an incident.
    pub(super) const fn solve_minutes(self) -> u64 {
        match self {
            Self::Critical => 240,
            Self::High => 480,
            Self::Normal => 1_440,
            Self::Low => 4_320,
        }
    }

    /// Most tickets are neither urgent nor idle.
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let all = [Self::Critical, Self::High, Self::Normal, Self::Low];
        all[dice.weighted(&[4, 16, 54, 26])]
    }
}

/// Who asks for what, and who will be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// The category, which decides the plan.
    pub(super) category: &'static str,
    /// What it is about.
    pub(super) subject: &'static str,
    /// The team that gets it first.
    pub(super) queue: &'static str,
    /// Who asks.
    pub(super) requester: &'static str,
    /// Where they work.
    pub(super) organization: &'static str,
    /// What they pay for.
    pub(super) tier: &'static str,
    /// How they ask.
    pub(super) channel: &'static str,
    /// Who works on it.
    pub(super) agent: &'static str,
}

impl Case {
    /// Something that used to work does not.
    pub(super) fn incident(dice: &mut Dice) -> Self {
        let (category, queue, subject) = dice.pick(INCIDENTS);
        Self::asked(dice, category, queue, subject)
    }

    /// A wish.
    pub(super) fn request(dice: &mut Dice) -> Self {
        let (category, queue, subject) = dice.pick(REQUESTS);
        Self::asked(dice, category, queue, subject)
    }

    fn asked(
        dice: &mut Dice,
        category: &'static str,
        queue: &'static str,
        subject: &'static str,
    ) -> Self {
        let (requester, organization, tier) = dice.pick(CUSTOMERS);
        Self {
            category,
            subject,
            queue,
            requester,
            organization,
            tier,
            channel: dice.pick(&["mail", "portal", "phone", "chat"]),
            agent: dice.pick(AGENTS),
        }
    }
}

/// Those who answer.
pub(super) const AGENTS: &[&str] = &[
    "ann", "ben", "carla", "deniz", "emil", "farah", "goran", "hanna", "ines", "jonas",
];

/// Those who are asked for when it is stuck.
pub(super) const SECOND_LINE: &[&str] = &["kim", "lars", "mira"];

/// Those who may decide.
pub(super) const LEADS: &[&str] = &["nora", "omar"];

/// The teams between which a ticket can be handed to and fro.
pub(super) const QUEUES: &[&str] = &["network", "database", "workplace", "applications"];

const CUSTOMERS: &[(&str, &str, &str)] = &[
    ("p.lang@acme.example", "Acme", "gold"),
    ("r.silva@acme.example", "Acme", "gold"),
    ("s.weiss@harbour.example", "Harbour Clinic", "platinum"),
    ("t.novak@harbour.example", "Harbour Clinic", "platinum"),
    ("u.meyer@bakery.example", "Old Mill Bakery", "silver"),
    ("v.rossi@rail.example", "Valley Rail", "gold"),
    ("w.zhang@rail.example", "Valley Rail", "gold"),
    ("x.kaya@school.example", "Hill School", "silver"),
];

const INCIDENTS: &[(&str, &str, &str)] = &[
    ("network", "network", "VPN drops every few minutes"),
    ("network", "network", "No Wi-Fi on the third floor"),
    (
        "network",
        "network",
        "Branch office reaches nothing but mail",
    ),
    ("application", "applications", "Invoices are printed twice"),
    (
        "application",
        "applications",
        "Search finds nothing since the update",
    ),
    ("application", "applications", "Order form answers with 502"),
    ("application", "applications", "Single sign-on loops"),
    ("database", "database", "Nightly report is empty"),
    ("database", "database", "Saving a patient takes a minute"),
    (
        "workplace",
        "workplace",
        "Laptop does not wake up from sleep",
    ),
    (
        "workplace",
        "workplace",
        "Label printer prints blank labels",
    ),
    ("workplace", "workplace", "Headset is silent in calls"),
    ("mail", "applications", "Mails to one customer come back"),
    (
        "mail",
        "applications",
        "Shared mailbox vanished from the list",
    ),
];

const REQUESTS: &[(&str, &str, &str)] = &[
    ("request", "workplace", "A second screen for the front desk"),
    ("request", "applications", "Access to the archive"),
    ("request", "workplace", "A phone for the new colleague"),
    ("question", "applications", "How do I export last year?"),
    (
        "question",
        "network",
        "Which Wi-Fi may guests use on Sundays?",
    ),
];
