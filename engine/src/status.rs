//! Status words and the seven categories they map to.

use std::borrow::Cow;
use std::sync::LazyLock;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// What a status word means for clocks and endings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCategory {
    /// Nobody has looked at it.
    New,
    /// Somebody works on it.
    Open,
    /// The customer has to answer.
    WaitingCustomer,
    /// A vendor has to answer.
    WaitingVendor,
    /// It rests for another reason.
    OnHold,
    /// A solution was given.
    Resolved,
    /// It is over.
    Closed,
}

impl StatusCategory {
    /// All categories.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Open,
        Self::WaitingCustomer,
        Self::WaitingVendor,
        Self::OnHold,
        Self::Resolved,
        Self::Closed,
    ];

    /// The name in plans, conditions and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitingCustomer => "waiting_customer",
            Self::WaitingVendor => "waiting_vendor",
            Self::OnHold => "on_hold",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// The category of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.name() == name)
    }

    /// Resolved or closed: every clock stands still and an escalation is over.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }
}

/// A set of categories, as `pause` names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CategorySet(u8);

impl CategorySet {
    /// Whether the category is in the set.
    #[must_use]
    pub const fn contains(self, category: StatusCategory) -> bool {
        self.0 & (1 << category as u8) != 0
    }

    /// Whether no category is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<StatusCategory> for CategorySet {
    fn from_iter<I: IntoIterator<Item = StatusCategory>>(categories: I) -> Self {
        Self(
            categories
                .into_iter()
                .fold(0, |set, category| set | 1 << category as u8),
        )
    }
}

/// The key under which a status word is looked up: case and surrounding blanks do not matter.
#[must_use]
pub fn spelling(word: &str) -> Cow<'_, str> {
    let word = word.trim();
    // As nearly all of them are written.
    if word
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.to_lowercase())
    }
}

/// The category of a spelling that needs no plan file: the categories' own names and the words of
/// the large ticketing systems.
///
/// Sources: the status lists in the public documentation of Zendesk, Jira, ServiceNow, Freshdesk,
/// Zammad, Znuny/OTRS, GLPI, HubSpot, Dynamics 365, Intercom, Request Tracker, `TOPdesk`, `ERPNext`,
/// `SysAid`, `SolarWinds`, Salesforce and Azure DevOps. Numbers are not in the list: 3 is *On Hold* in
/// one system and *Pending* in another, so they belong into a mapping.
#[must_use]
pub fn built_in(spelling: &str) -> Option<StatusCategory> {
    static BY_SPELLING: LazyLock<HashMap<&str, StatusCategory>> = LazyLock::new(|| {
        let categories = BUILT_IN.iter();
        let spelled = categories.flat_map(|(words, it)| words.iter().map(|word| (*word, *it)));
        spelled.collect()
    });
    BY_SPELLING.get(spelling).copied()
}

/// The built-in spellings, by category, in the order of [`StatusCategory::ALL`].
#[rustfmt::skip]
pub const BUILT_IN: [(&[&str], StatusCategory); 7] = [
    (&[
        "new", "created", "submitted", "to do", "todo", "backlog", "logged", "unassigned",
        "untriaged", "triage", "queued", "received",
    ], StatusCategory::New),
    (&[
        "open", "opened", "active", "in progress", "in_progress", "in-progress", "inprogress",
        "assigned", "accepted", "reopened", "re-opened", "reopen", "work in progress",
        "processing", "processing (assigned)", "processing (planned)", "under investigation",
        "investigating", "under review", "in review", "escalated", "started",
        "selected for development", "waiting for support", "waiting on us", "waiting on support",
        "pending reminder open", "customer replied", "customer responded", "working",
        "response received", "researching", "doing", "waiting_on_us",
    ], StatusCategory::Open),
    (&[
        "waiting_customer", "waiting customer", "waiting for customer", "waiting on customer",
        "awaiting customer", "pending", "pending customer", "pending user", "pending requester",
        "awaiting user info", "awaiting user", "awaiting requester", "awaiting caller",
        "awaiting info", "awaiting reply", "awaiting response", "waiting for reply",
        "waiting for response", "waiting on contact", "waiting on requester",
        "waiting for requester", "awaiting your reply", "need more info", "needs more info",
        "more info required", "pending user information", "feedback", "waiting_for_customer",
        "waiting_on_customer", "waiting for user", "waiting on user", "waiting for details",
        "awaiting input", "replied", "waiting_on_contact",
    ], StatusCategory::WaitingCustomer),
    (&[
        "waiting_vendor", "waiting vendor", "waiting for vendor", "waiting on vendor",
        "awaiting vendor", "pending vendor", "waiting on third party", "waiting for third party",
        "awaiting third party", "waiting on 3rd party", "pending third party",
        "waiting for supplier", "awaiting supplier", "waiting_for_vendor", "waiting_on_vendor",
        "waiting for 3rd party", "awaiting 3rd party", "waiting_on_third_party",
    ], StatusCategory::WaitingVendor),
    (&[
        "on_hold", "on hold", "on-hold", "onhold", "hold", "suspended", "deferred", "paused",
        "blocked", "pending reminder", "awaiting problem", "awaiting change", "awaiting evidence",
        "awaiting approval", "waiting for approval", "pending approval", "pending change",
        "scheduled", "planned", "postponed", "awaiting parts", "snoozed", "stalled",
    ], StatusCategory::OnHold),
    (&[
        "resolved", "solved", "done", "fixed", "completed", "complete", "implemented",
        "fulfilled", "problem solved", "information provided", "pending close",
        "pending auto close", "pending auto close+",
        "pending auto close-",
    ], StatusCategory::Resolved),
    (&[
        "closed", "closed successful", "closed unsuccessful", "closed with workaround",
        "closed complete", "closed incomplete", "closed skipped", "cancelled", "canceled",
        "rejected", "declined", "withdrawn", "merged", "removed", "archived", "spam", "won't do",
        "duplicate", "abandoned", "deleted", "verified closed",
    ], StatusCategory::Closed),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_names_are_spellings_of_themselves() {
        for category in StatusCategory::ALL {
            assert_eq!(built_in(category.name()), Some(category));
            assert_eq!(StatusCategory::named(category.name()), Some(category));
        }
        assert_eq!(
            built_in(&spelling("  Awaiting User Info ")),
            Some(StatusCategory::WaitingCustomer)
        );
        assert_eq!(built_in("galactic"), None);
        let mut spelled: Vec<_> = BUILT_IN.iter().flat_map(|(words, _)| *words).collect();
        assert!(spelled.iter().all(|word| spelling(word) == **word));
        spelled.sort_unstable();
        assert!(
            spelled.is_sorted_by(|a, b| a < b),
            "a word has one category"
        );
    }

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set: CategorySet = [StatusCategory::OnHold, StatusCategory::New]
            .into_iter()
            .collect();
        let held: Vec<_> = StatusCategory::ALL
            .into_iter()
            .filter(|c| set.contains(*c))
            .collect();
        assert_eq!(held, [StatusCategory::New, StatusCategory::OnHold]);
        assert!(CategorySet::default().is_empty());
    }
}
