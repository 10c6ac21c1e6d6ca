//! The clock of the demonstration: it runs a thousand times faster than the world, and never shows
//! an instant before everything that was to be written until then is written.
//!
//! That is what makes the speed honest. A record needs a millisecond or two to the broker, which is
//! seconds of the day that is played; a clock that ran on meanwhile would let deadlines fire while
//! their answer is still on its way, as no real clock ever does by seconds. So whoever writes moves
//! a horizon, and the clock waits at it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use escalator_engine::time::Timestamp;

use crate::clock::Clock;

/// A fast clock that waits at a horizon.
#[derive(Debug)]
pub(super) struct FastClock {
    made: Instant,
    speed: u32,
    origin: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When it began to run; none while it stands at its origin.
    begun: Option<Instant>,
    /// It does not go beyond.
    horizon: Timestamp,
    is_over: bool,
}

impl FastClock {
    /// A clock that stands, and will run this many times faster than the world.
    #[must_use]
    pub(super) fn new(origin: Timestamp, speed: u32) -> Self {
        Self {
            made: Instant::now(),
            speed,
            origin,
            state: Mutex::new(State {
                begun: None,
                horizon: origin,
                is_over: false,
            }),
        }
    }

    /// Lets it run, up to its horizon.
    pub(super) fn begin(&self) {
        self.state().begun = Some(Instant::now());
    }

    /// Everything before this instant is written.
    pub(super) fn move_horizon(&self, to: Timestamp) {
        let mut state = self.state();
        if !state.is_over {
            state.horizon = state.horizon.max(to);
        }
    }

    /// Stops it for good a millisecond from now, so that what is due now can be decided; answers
    /// with the instant that it has now.
    pub(super) fn end(&self) -> Timestamp {
        let mut state = self.state();
        let now = self.shown(&state);
        state.horizon = now.plus_millis(1);
        state.is_over = true;
        now
    }

    /// What it would show without a horizon: the world's time, only faster.
    #[must_use]
    pub(super) fn unbounded(&self) -> Timestamp {
        self.running(&self.state())
    }

    /// How long a stretch of its time really takes.
    #[must_use]
    pub(super) fn really(&self, ms: i64) -> Duration {
        let us = u64::try_from(ms).unwrap_or(0).saturating_mul(1_000);
        Duration::from_micros(us / u64::from(self.speed))
    }

    fn running(&self, state: &State) -> Timestamp {
        let Some(begun) = state.begun else {
            return self.origin;
        };
        let played_us = begun.elapsed().as_micros() * u128::from(self.speed);
        let played_ms = i64::try_from(played_us / 1_000).unwrap_or(i64::MAX);
        self.origin.plus_millis(played_ms)
    }

    fn shown(&self, state: &State) -> Timestamp {
        self.running(state).min(state.horizon)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves it whole, so a panic elsewhere does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.shown(&self.state())
    }

    fn time_until(&self, at: Timestamp) -> Duration {
        self.really(at.millis_since(self.now()))
    }

    fn elapsed(&self) -> Duration {
        self.made.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Timestamp = Timestamp::from_millis(1_000_000);
    /// So fast that a day has passed between any two lines of a test.
    const SPEED: u32 = u32::MAX;

    fn later(ms: i64) -> Timestamp {
        ORIGIN.plus_millis(ms)
    }

    #[test]
    fn it_stands_until_it_begins_and_then_waits_at_its_horizon() {
        let clock = FastClock::new(ORIGIN, SPEED);
        clock.move_horizon(later(5));
        assert_eq!((clock.now(), clock.unbounded()), (ORIGIN, ORIGIN));
        clock.begin();
        while clock.unbounded() < later(1_000) {}
        assert_eq!(clock.now(), later(5));
        clock.move_horizon(later(3));
        assert_eq!(clock.now(), later(5), "it never falls");
        clock.move_horizon(later(8));
        assert_eq!(clock.now(), later(8));
    }

    #[test]
    fn at_its_end_what_is_due_then_can_be_decided_and_nothing_later() {
        let clock = FastClock::new(ORIGIN, SPEED);
        clock.move_horizon(later(5));
        clock.begin();
        while clock.unbounded() < later(1_000) {}
        assert_eq!(clock.end(), later(5));
        clock.move_horizon(later(500));
        assert_eq!(clock.now(), later(6));
    }

    #[test]
    fn a_wait_really_takes_a_fraction_of_what_it_shows() {
        let clock = FastClock::new(ORIGIN, 1_000);
        let minute = Duration::from_millis(60);
        assert_eq!(clock.time_until(later(60_000)), minute);
        assert_eq!(clock.time_until(later(-60_000)), Duration::ZERO);
        assert_eq!(clock.really(60_000), minute);
    }
}
