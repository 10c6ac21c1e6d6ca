//! What becomes of a ticket: a service desk with good days and bad ones.
//!
//! A fate is written so that it meets, or misses, what the shipped plan promises; with other plans
//! the same things happen and mean something else.

mod bad;
mod good;
mod habits;

use super::case::Priority;
use super::life::Life;

/// What can become of a ticket, each with how many of about a thousand it befalls.
macro_rules! fates {
    ($($(#[$doc:meta])* $name:ident $weight:literal,)*) => {
        /// What becomes of a ticket.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Fate {
            $($(#[$doc])* $name,)*
        }

        impl Fate {
            /// All of them.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// How many of about a thousand tickets each befalls, in the order of [`Fate::ALL`].
            pub(super) const WEIGHTS: &[u64] = &[$($weight,)*];
        }
    };
}

fates! {
    /// Many cannot work; everybody up to the duty manager is told at once.
    MajorIncident 4,
    /// Answered and solved in time.
    Smooth 560,
    /// A wish that is granted in time.
    Request 140,
    /// The customer has to answer something in between.
    WaitsForCustomer 90,
    /// The manufacturer has to do something in between.
    WaitsForVendor 55,
    /// It waits for a maintenance window.
    OnHold 25,
    /// Solved, and not solved after all.
    Reopened 40,
    /// The customer writes again and nobody looks.
    Forgotten 18,
    /// The first answer is late; the second line steps in.
    AnsweredLate 30,
    /// The second line does not step in either.
    Unanswered 12,
    /// Urgent, and nobody takes it.
    NobodyHasIt 14,
    /// The solution takes longer than promised.
    SolvedLate 14,
    /// It comes back a second time.
    Flapping 14,
    /// Handed from team to team.
    PingPong 12,
    /// A lawyer writes.
    Legal 12,
    /// A bad rating that stays.
    Unhappy 12,
    /// A bad rating that is withdrawn at once.
    Appeased 8,
    /// Somebody asks for help, and gives it back.
    ByHand 12,
    /// Taken care of, but not now.
    Snoozed 10,
    /// It turns out to be more urgent than it looked.
    RaisedPriority 12,
    /// A customer who wants more.
    Chance 10,
}

impl Fate {
    /// Whether it is a wish rather than a failure.
    pub(super) const fn is_request(self) -> bool {
        matches!(self, Self::Request | Self::Chance)
    }

    /// The priority that it takes, where not every one will do.
    pub(super) const fn priority(self) -> Option<Priority> {
        match self {
            Self::MajorIncident => Some(Priority::Critical),
            Self::Unanswered | Self::NobodyHasIt | Self::SolvedLate | Self::Forgotten => {
                Some(Priority::High)
            }
            Self::AnsweredLate
            | Self::Snoozed
            | Self::Flapping
            | Self::Legal
            | Self::RaisedPriority
            | Self::Request
            | Self::Chance => Some(Priority::Normal),
            Self::Smooth
            | Self::WaitsForCustomer
            | Self::WaitsForVendor
            | Self::OnHold
            | Self::Reopened
            | Self::PingPong
            | Self::Unhappy
            | Self::Appeased
            | Self::ByHand => None,
        }
    }

    /// Lets it befall a ticket.
    pub(super) fn befall(self, life: &mut Life) {
        match self {
            Self::MajorIncident => bad::major_incident(life),
            Self::Smooth | Self::Request => good::smooth(life),
            Self::WaitsForCustomer => good::waits_for_customer(life),
            Self::WaitsForVendor => good::rests(life, "With the manufacturer"),
            Self::OnHold => good::rests(life, "Waiting for the maintenance window"),
            Self::Reopened => good::reopened(life),
            Self::Forgotten => bad::forgotten(life),
            Self::AnsweredLate => bad::answered_late(life),
            Self::Unanswered => bad::unanswered(life),
            Self::NobodyHasIt => bad::nobody_has_it(life),
            Self::SolvedLate => bad::solved_late(life),
            Self::Flapping => bad::flapping(life),
            Self::PingPong => bad::ping_pong(life),
            Self::Legal => bad::legal(life),
            Self::Unhappy => bad::unhappy(life),
            Self::Appeased => good::appeased(life),
            Self::ByHand => bad::by_hand(life),
            Self::Snoozed => bad::snoozed(life),
            Self::RaisedPriority => bad::raised_priority(life),
            Self::Chance => good::chance(life),
        }
    }
}
