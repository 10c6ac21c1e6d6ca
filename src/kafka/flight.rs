//! A transaction under way, as those see it who wait for its end: the cycle, and the rebalance
//! callbacks, which give nothing up before it has landed.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::lanes::{Landed, Outcome};

/// One transaction between its begin and its outcome.
pub(super) struct Flight {
    begun: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The call that is being made is not waited for beyond this instant.
    gives_up: Option<Instant>,
    landed: Option<Landed>,
}

impl Flight {
    /// One that begins now.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Its outcome, once it is known; waits at most so long for that.
    pub(super) fn landed(&self, wait: Duration) -> Option<Landed> {
        let until = Instant::now() + wait;
        let mut state = self.state();
        loop {
            let now = Instant::now();
            if state.gives_up.is_some_and(|at| now >= at) {
                let outcome = Outcome::Unknown("no broker answers".to_owned());
                self.end(&mut state, outcome);
            }
            if state.landed.is_some() || now >= until {
                return state.landed.clone();
            }
            let next = state.gives_up.map_or(until, |at| at.min(until));
            let answer = self.changed.wait_timeout(state, next - now);
            state = answer.expect("nothing panics while it holds a flight").0;
        }
    }

    /// Waits for its outcome, which every flight has in the end.
    pub(super) fn wait(&self) {
        while self.landed(Duration::from_secs(1)).is_none() {}
    }

    /// The call that follows may hang: whoever waits gives it up after so long.
    pub(super) fn bound(&self, patience: Duration) {
        self.state().gives_up = Some(Instant::now() + patience);
        self.changed.notify_all();
    }

    /// The call has come back; answers with whether anybody still waits for what follows.
    pub(super) fn unbound(&self) -> bool {
        let mut state = self.state();
        state.gives_up = None;
        state.landed.is_none()
    }

    /// Tells its outcome, unless it was given up.
    pub(super) fn land(&self, outcome: Outcome) {
        self.end(&mut self.state(), outcome);
        self.changed.notify_all();
    }

    fn end(&self, state: &mut State, outcome: Outcome) {
        let after = self.begun.elapsed();
        state.landed.get_or_insert(Landed { outcome, after });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.state.lock();
        state.expect("nothing panics while it holds a flight")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_that_was_given_up_stays_unknown_whatever_comes_of_it() {
        let flight = Flight::new();
        assert_eq!(flight.landed(Duration::ZERO), None);
        flight.bound(Duration::ZERO);
        flight.wait();
        assert!(!flight.unbound(), "nobody waits for its commit");
        flight.land(Outcome::Committed);
        let landed = flight.landed(Duration::ZERO).unwrap();
        assert!(matches!(landed.outcome, Outcome::Unknown(_)), "{landed:?}");
    }

    #[test]
    fn a_call_that_came_back_is_not_given_up() {
        let flight = Flight::new();
        flight.bound(Duration::ZERO);
        assert!(flight.unbound());
        assert_eq!(flight.landed(Duration::ZERO), None);
        flight.land(Outcome::Committed);
        let landed = flight.landed(Duration::ZERO).unwrap();
        assert_eq!(landed.outcome, Outcome::Committed);
    }
}
