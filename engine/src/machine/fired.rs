//! Marks that have fired, and do not fire again in their cycle.

use serde::Serialize;

use super::Machine;
use crate::clock::Clock;
use crate::ticket::Text;
use crate::time::Timestamp;

/// Marks that are remembered one by one as fired, whatever their cycle. The plans say how many there are of the
/// latest cycles, which are remembered all; of earlier ones there may be any number, and nobody comes back to them
/// but another plan that has had fewer cycles of a clock.
const FIRED_MAX: usize = 256;

/// A mark that has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// The timeframe.
    pub timeframe: Text,
    /// Its cycle.
    pub cycle: u32,
    /// The text of the mark; an empty one stands for all marks of this cycle and of those before, of which
    /// some were forgotten.
    pub mark: Text,
    /// When in-order reading fired it.
    pub at: Timestamp,
}

impl Fired {
    fn is_whole_cycle(&self) -> bool {
        self.mark.is_empty()
    }
}

impl Machine {
    pub(super) fn remember_fired(&mut self, fired: Fired) {
        if self.fired.len() >= FIRED_MAX {
            self.forget_oldest_fired();
        }
        self.fired.push(fired);
    }

    /// Forgets the mark that fired first, if its clock has had marks in a later cycle since. Whatever plan comes
    /// and however few cycles its clock has had, no mark of that cycle, or of one before, fires any more.
    fn forget_oldest_fired(&mut self) {
        let has_later = |it: &Fired| {
            let mut later = self.fired.iter().filter(|other| other.cycle > it.cycle);
            later.any(|other| other.timeframe == it.timeframe)
        };
        let mut marks = self.fired.iter().filter(|it| !it.is_whole_cycle());
        let Some(oldest) = marks.find(|it| has_later(it)) else {
            return;
        };
        let whole = Fired {
            mark: Text::default(),
            ..oldest.clone()
        };
        let is_in_it = |it: &Fired| it.cycle <= whole.cycle && it.timeframe == whole.timeframe;
        self.fired.retain(|it| !is_in_it(it));
        self.fired.insert(0, whole);
    }

    /// When a mark of the present cycle has fired, if it has.
    #[must_use]
    pub fn fired_at(&self, clock: &Clock, mark: &str) -> Option<Timestamp> {
        let fired = self.fired.iter().find(|fired| {
            let is_it = fired.cycle == clock.cycle && *fired.mark == *mark;
            let is_past = || fired.cycle >= clock.cycle && fired.is_whole_cycle();
            (is_it || is_past()) && fired.timeframe == clock.timeframe
        });
        fired.map(|fired| fired.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_fired_stays_so_however_many_others_do_and_takes_bounded_room() {
        let fired = |timeframe: &str, cycle, mark: &str| Fired {
            timeframe: timeframe.into(),
            cycle,
            mark: mark.into(),
            at: Timestamp::from_millis(0),
        };
        let mut machine = Machine::new();
        machine.remember_fired(fired("rare", 7, "50%"));
        for cycle in 1..=1000 {
            for timeframe in ["often", "too"] {
                for mark in ["50%", "100%"] {
                    machine.remember_fired(fired(timeframe, cycle, mark));
                    assert!(machine.fired.len() <= FIRED_MAX + 2);
                }
            }
        }
        let has_fired = |timeframe: &str, cycle, mark| {
            let clock = Clock {
                cycle,
                ..Clock::idle(timeframe.into())
            };
            machine.fired_at(&clock, mark).is_some()
        };
        assert!(has_fired("rare", 7, "50%"));
        assert!(!has_fired("rare", 7, "100%") && !has_fired("rare", 6, "50%"));
        for cycle in 1..=1000 {
            assert!(has_fired("often", cycle, "50%") && has_fired("too", cycle, "100%"));
        }
        assert!(!has_fired("often", 1001, "50%") && !has_fired("often", 1000, "80%"));
    }

    #[test]
    fn of_the_latest_cycle_all_marks_are_remembered() {
        let mut machine = Machine::new();
        for mark in 0..1000 {
            machine.remember_fired(Fired {
                timeframe: "resolution".into(),
                cycle: 1,
                mark: format!("{mark}%").into(),
                at: Timestamp::from_millis(0),
            });
        }
        assert_eq!(machine.fired.len(), 1000);
    }
}
