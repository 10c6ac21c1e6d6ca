//! The wall clock as something that is handed down.
//!
//! Only the command line has a real one; everything else takes whatever it is given, so that a
//! test decides what time it is, and a day can be played in a minute. What is promised to tickets
//! goes by [`Clock::now`]; how often brokers are asked, and how long a wait really takes, goes by
//! the other two, which stay real when the clock runs fast.

use std::time::Duration;

use escalator_engine::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// How long it really takes until this clock shows an instant; nothing when it has.
    fn time_until(&self, at: Timestamp) -> Duration {
        let wait_ms = at.millis_since(self.now());
        Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))
    }

    /// How much time has really passed since some moment that stays the same. By default this
    /// clock's own time is the real one.
    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().as_millis()).unwrap_or(0))
    }
}
