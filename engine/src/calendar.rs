//! Working time: which instants count, and where a length of it ends.
//!
//! `always` counts every instant. Other calendars will be further variants: everything that
//! measures time goes through [`Calendar::add`] and [`Calendar::between`] and knows no more.

use crate::time::{Duration, Timestamp};

/// Which time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calendar {
    /// Around the clock, every day.
    #[default]
    Always,
}

impl Calendar {
    /// The instant at which `working` has passed since `from`.
    #[must_use]
    pub const fn add(self, from: Timestamp, working: Duration) -> Timestamp {
        match self {
            Self::Always => from.plus_millis(working.as_millis()),
        }
    }

    /// The working time from `from` to `to`; none when `to` is the earlier.
    #[must_use]
    pub const fn between(self, from: Timestamp, to: Timestamp) -> Duration {
        match self {
            Self::Always => {
                let ms = to.millis_since(from);
                Duration::from_millis(if ms < 0 { 0 } else { ms })
            }
        }
    }
}
