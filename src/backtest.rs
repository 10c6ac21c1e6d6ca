//! Two plan sets over the same events: what would have fired differently.
//!
//! Each set is simulated on its own, and what fires is counted as it comes: an [`Outcome`] keeps
//! totals, and of each ticket a few numbers and a hash of everything that was decided about it, but
//! no event. So two sets are compared over a recording of any length, and two sets that fire the
//! same are told apart from two that only give the same totals.
//!
//! What an edit would do to the tickets that are running right now is another question and is not
//! answered here: both sets see every ticket from its beginning.

mod difference;
mod outcome;
mod text;
mod week;

pub use difference::{
    Change, Count, Difference, HourCount, LevelCount, Read, TargetCount, TicketDifference,
    TicketState, TypeCount,
};
pub use outcome::Outcome;
pub use text::{Shown, text};
