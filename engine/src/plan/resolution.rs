//! What a plan does about an escalation beside its ladder: it keeps somebody informed, sees to it
//! that the ticket is closed, and has people look back at it.

use super::Address;
use crate::calendar::Calendar;
use crate::length::Length;
use crate::ticket::Text;

/// Keeping a customer informed while an escalation lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Communication {
    /// Whom, and with which words.
    pub address: Address,
    /// The wait before each further update; the first comes when the escalation begins.
    pub every: Length,
    /// Which time counts for that.
    pub calendar: Calendar,
}

/// How an escalation is brought to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolution {
    /// After so long it goes to the last level.
    pub close_within: Option<Length>,
    /// What those who are told should do.
    pub steps: Vec<Text>,
    /// Who looks back when it is over.
    pub post_mortem: Option<PostMortem>,
    /// Which time counts for `close_within`.
    pub calendar: Calendar,
}

/// Who looks back at an escalation that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct PostMortem {
    /// Only where this level was reached.
    pub from_level: u32,
    /// Whom.
    pub to: Vec<Address>,
}
