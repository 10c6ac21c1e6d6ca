//! The transactions under way of all processes, which go on while these do other things.

use std::rc::Rc;

use super::super::flight::Flight;
use super::super::process::Process;
use super::World;

/// Far longer than a transaction takes while nothing goes wrong.
const LANDING_MS: i64 = 1_000;

impl World {
    /// When a transaction of a process goes on, if one is under way.
    pub(in super::super) fn flies(&self, process: u64) -> Option<i64> {
        self.processes.borrow().get(&process)?.flies()
    }

    /// Lets a transaction be under way.
    pub(in super::super) fn launch(&self, process: u64, flight: Flight) {
        if let Some(process) = self.processes.borrow_mut().get_mut(&process) {
            process.flights.push(flight);
        }
    }

    /// Whether a lane of a process has a transaction under way; forgets those that have landed there.
    pub(in super::super) fn is_busy(&self, process: u64, lane: usize) -> bool {
        let mut processes = self.processes.borrow_mut();
        let Some(process) = processes.get_mut(&process) else {
            return false;
        };
        let flights = &mut process.flights;
        flights.retain(|it| it.lane != lane || it.outcome().is_none());
        flights.iter().any(|it| it.lane == lane)
    }

    /// The transaction of a process with this identity, if it has landed.
    pub(in super::super) fn take_landed(&self, process: u64, identity: &str) -> Option<Flight> {
        let mut processes = self.processes.borrow_mut();
        let flights = &mut processes.get_mut(&process)?.flights;
        let is_it = |it: &Flight| it.outcome().is_some() && it.transaction.identity == identity;
        let place = flights.iter().rposition(is_it)?;
        Some(flights.remove(place))
    }

    /// Lets the transaction of a process go on.
    pub(super) fn fly(&self, id: u64) {
        let taken = |it: &mut Process| std::mem::take(&mut it.flights);
        let process = self.processes.borrow_mut().get_mut(&id).map(taken);
        let Some(mut flights) = process else { return };
        let now = self.now();
        let (slow_until, up_to) = self.processes.borrow()[&id].slow;
        let slow_ms = if now < slow_until { up_to } else { 0 };
        for flight in &mut flights {
            if flight.wakes().is_some_and(|at_ms| at_ms <= now) {
                let pause_ms = self.pause(slow_ms);
                flight.go_on(self, id, pause_ms);
            }
        }
        if let Some(process) = self.processes.borrow_mut().get_mut(&id) {
            process.flights = flights;
        }
    }

    /// Goes on until no transaction is under way; one that does not land shows as one that hangs.
    pub(super) fn let_land(self: &Rc<Self>) {
        for _ in 0..LANDING_MS {
            let is_flying = self.processes.borrow().values().any(Process::is_flying);
            if !is_flying {
                return;
            }
            self.run_until(self.now() + 1);
        }
    }

    /// How long one step of a transaction takes: mostly not long, as brokers are that are well.
    fn pause(&self, slow_ms: i64) -> i64 {
        let mut dice = self.dice.borrow_mut();
        let most_ms = match self.is_calm.get() {
            true => 6,
            false => dice.pick(&[0, 6, 6, 40, 150]),
        };
        dice.between(0, most_ms.max(slow_ms))
    }
}
