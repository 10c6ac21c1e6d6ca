//! The clock of the demonstration: it runs a thousand times faster than the world, and stands while
//! what was to be written by then is still on its way.
//!
//! That is what makes the speed honest. A record needs a millisecond or two to the broker, which is
//! seconds of the day that is played; a clock that ran on meanwhile would let deadlines fire before
//! their answer has arrived, as no real clock ever does by seconds. So whoever writes moves a
//! horizon, and the clock waits at it; the day takes a little longer for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use escalator_engine::time::Timestamp;

use crate::clock::Clock;

/// A fast clock that waits at a horizon.
#[derive(Debug)]
pub(super) struct FastClock {
    made: Instant,
    speed: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When it began to run, or went on after it had stood, and what it showed then; the latest last.
    starts: Vec<(Instant, Timestamp)>,
    /// It does not go beyond.
    horizon: Timestamp,
    is_over: bool,
}

impl FastClock {
    /// A clock that stands, and will run this many times faster than the world.
    pub(super) fn new(origin: Timestamp, speed: u32) -> Self {
        let made = Instant::now();
        Self {
            made,
            speed,
            state: Mutex::new(State {
                starts: vec![(made, origin)],
                horizon: origin,
                is_over: false,
            }),
        }
    }

    /// Everything up to this instant is written, so it may go on until then.
    pub(super) fn move_horizon(&self, to: Timestamp) {
        let mut state = self.state();
        if state.is_over || to <= state.horizon {
            return;
        }
        let stood_at = state.horizon;
        if self.shown(&state) == stood_at {
            state.starts.push((Instant::now(), stood_at));
        }
        state.horizon = to;
    }

    /// Stops it for good a millisecond from now, so that what is due now can be decided; answers
    /// with the instant that it has now.
    pub(super) fn end(&self) -> Timestamp {
        let mut state = self.state();
        let now = self.shown(&state);
        if now == state.horizon {
            state.starts.push((Instant::now(), now));
        }
        state.horizon = now.plus_millis(1);
        state.is_over = true;
        now
    }

    /// When it showed an instant first; when it would, if it does not yet.
    pub(super) fn when(&self, at: Timestamp) -> Instant {
        let state = self.state();
        let later = state.starts.partition_point(|(_, shown)| *shown <= at);
        let (started, shown) = state.starts[later.saturating_sub(1)];
        started + self.really(at.millis_since(shown))
    }

    /// How long a stretch of its time really takes while it runs.
    fn really(&self, ms: i64) -> Duration {
        let us = u64::try_from(ms).unwrap_or(0).saturating_mul(1_000);
        // Rounded up: whoever waits so long finds that it has come.
        Duration::from_micros(us.div_ceil(u64::from(self.speed)))
    }

    fn shown(&self, state: &State) -> Timestamp {
        let (started, shown) = state.starts[state.starts.len() - 1];
        let run_us = started.elapsed().as_micros() * u128::from(self.speed);
        let run_ms = i64::try_from(run_us / 1_000).unwrap_or(i64::MAX);
        shown.plus_millis(run_ms).min(state.horizon)
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

    fn later(ms: i64) -> Timestamp {
        ORIGIN.plus_millis(ms)
    }

    /// Lets it run to its horizon.
    fn run(clock: &FastClock, to: Timestamp) {
        while clock.now() < to {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn it_stands_at_its_horizon_and_goes_on_from_there() {
        let clock = FastClock::new(ORIGIN, 1_000);
        assert_eq!(clock.now(), ORIGIN);
        clock.move_horizon(later(50));
        run(&clock, later(50));
        // However long it stands.
        let stood = Instant::now();
        while stood.elapsed() < Duration::from_micros(200) {}
        assert_eq!(clock.now(), later(50));
        clock.move_horizon(later(10));
        assert_eq!(clock.now(), later(50), "it never falls");
        clock.move_horizon(Timestamp::MAX);
        assert!(clock.now() < Timestamp::MAX);
        assert!(clock.when(later(51)) >= stood + Duration::from_micros(200));
        assert!(clock.when(later(50)) >= stood);
        assert!(clock.when(later(49)) <= stood);
    }

    #[test]
    fn at_its_end_what_is_due_then_can_be_decided_and_nothing_later() {
        let clock = FastClock::new(ORIGIN, 1_000);
        clock.move_horizon(later(5));
        run(&clock, later(5));
        assert_eq!(clock.end(), later(5));
        clock.move_horizon(later(500));
        run(&clock, later(6));
        assert_eq!(clock.now(), later(6));
    }

    #[test]
    fn a_wait_really_takes_a_fraction_of_what_it_shows() {
        let clock = FastClock::new(ORIGIN, 1_000);
        assert_eq!(clock.time_until(later(60_000)), Duration::from_millis(60));
        assert_eq!(clock.time_until(later(1)), Duration::from_micros(1));
        assert_eq!(clock.time_until(later(-60_000)), Duration::ZERO);
    }
}
