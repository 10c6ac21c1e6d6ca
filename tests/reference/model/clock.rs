//! A clock that counts minutes and remembers every one of them.

use crate::plan::{Calendar, Minute, Timeframe};

#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) timeframe: Timeframe,
    pub(super) cycle: usize,
    pub(super) runs: bool,
    /// What stopped it.
    pub(super) stopped_by: &'static str,
    pub(super) is_paused: bool,
    counted: usize,
    /// Of each minute of the cycle: what was counted at its beginning, whether no pause held then, and
    /// whether the minute before was counted.
    minutes: Vec<(Minute, usize, bool, bool)>,
    last_counted: Option<Minute>,
}

impl Clock {
    pub(super) fn new(timeframe: &Timeframe) -> Self {
        Self {
            timeframe: timeframe.clone(),
            cycle: 0,
            runs: false,
            stopped_by: "",
            is_paused: false,
            counted: 0,
            minutes: Vec::new(),
            last_counted: None,
        }
    }

    pub(super) fn begin(&mut self) {
        self.cycle += 1;
        self.runs = true;
        self.counted = 0;
        self.minutes.clear();
        self.last_counted = None;
    }

    pub(super) fn stop(&mut self, by: &'static str) {
        if self.runs {
            self.runs = false;
            self.stopped_by = by;
        }
    }

    /// What the clock is at in a minute.
    fn look(&self, now: Minute) -> (Minute, usize, bool, bool) {
        let comes_from = now > 0 && self.last_counted == Some(now - 1);
        (now, self.counted, !self.is_paused, comes_from)
    }

    /// When a threshold was reached, if it was by now: where the clock came to it and was not paused
    /// there, or else where it goes on from there.
    pub(super) fn reached(&self, threshold: usize, now: Minute) -> Option<Minute> {
        let calendar = self.timeframe.calendar;
        let minutes = self.minutes.iter().copied().chain([self.look(now)]);
        let mut reached = minutes.filter(|(minute, counted, goes_on, comes_from)| {
            let stays = calendar != Calendar::NextOpen && *comes_from;
            *counted == threshold && *goes_on && (stays || calendar.is_open(*minute))
        });
        reached.next().map(|(minute, ..)| minute)
    }

    pub(super) fn tick(&mut self, now: Minute) {
        if self.runs {
            self.minutes.push(self.look(now));
            if !self.is_paused && self.timeframe.calendar.is_open(now) {
                self.counted += 1;
                self.last_counted = Some(now);
            }
        }
    }
}
