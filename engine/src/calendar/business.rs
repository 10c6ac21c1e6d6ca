//! A business calendar ready for use: the rule of its days, its time zone, and what was computed
//! of both so far.

use super::blocks::{Blocks, Edge, Open};
use super::day::{DAY_S, Day, Hours};
use super::open_days::OpenDays;
use super::rule::{AtClose, CalendarRule, DayKind, Days};
use super::zone::{ClockChange, Local, Zone};
use crate::length::WorkingDays;
use crate::ticket::Text;
use crate::time::{Duration, Timestamp};

/// A business calendar. Two are equal when their rules are.
#[derive(Debug)]
pub struct Business {
    rule: CalendarRule,
    days: Days,
    zone: Zone,
    blocks: Blocks,
    open_days: OpenDays,
}

/// Why there cannot be such a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The time zone is not in the time-zone data.
    #[error("there is no time zone `{time_zone}`")]
    UnknownTimeZone {
        /// What was asked for.
        time_zone: Text,
    },
    /// No day of any year has opening hours.
    #[error("the calendar never opens")]
    NeverOpens,
}

/// One day of a calendar, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayReading {
    /// The date.
    pub day: Day,
    /// Where its hours come from.
    pub kind: DayKind,
    /// The hours as they are written.
    pub hours: Vec<Hours>,
    /// The instants of opening and closing; hours that a change of the clock empties are left out.
    pub openings: Vec<(Timestamp, Timestamp)>,
    /// How often the clock is changed on that day, and by how much.
    pub clock_changes: Vec<ClockChange>,
    /// Working time of the day.
    pub working: Duration,
}

impl PartialEq for Business {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.rule == other.rule
    }
}

impl Business {
    /// The calendar of a rule.
    ///
    /// # Errors
    /// Its time zone is not known, or it never opens.
    pub fn new(rule: CalendarRule) -> Result<Self, CalendarError> {
        let Some(zone) = Zone::named(&rule.time_zone) else {
            return Err(CalendarError::UnknownTimeZone {
                time_zone: rule.time_zone,
            });
        };
        let business = Self {
            days: Days::new(&rule),
            rule,
            zone,
            blocks: Blocks::new(),
            open_days: OpenDays::new(),
        };
        if business.opens() {
            Ok(business)
        } else {
            Err(CalendarError::NeverOpens)
        }
    }

    /// Whether it ever opens. Without weekly hours only exceptions can, and those are few days of the
    /// four hundred years.
    fn opens(&self) -> bool {
        let is_open = |day| self.has_opening(day);
        if self.rule.week.iter().all(Vec::is_empty) {
            return self.rule.exceptions.keys().any(|day| is_open(*day));
        }
        self.open_days.first(&is_open).is_some()
    }

    /// What the plan file says.
    #[must_use]
    pub const fn rule(&self) -> &CalendarRule {
        &self.rule
    }

    /// See [`super::Calendar::add`].
    pub(super) fn add(&self, from: Timestamp, working: Duration) -> Option<Timestamp> {
        let edge = match self.rule.at_close {
            AtClose::Stay if working.as_millis() > 0 => Edge::Closing,
            AtClose::Stay | AtClose::NextOpen => Edge::Opening,
        };
        let open = |from, to| self.open(from, to);
        self.blocks.add(from, working.as_millis(), edge, &open)
    }

    /// See [`super::Calendar::between`].
    pub(super) fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let open = |from, to| self.open(from, to);
        Duration::from_millis(self.blocks.between(from, to, &open))
    }

    /// See [`super::Calendar::after_days`].
    pub(super) fn after_days(&self, from: Timestamp, days: WorkingDays) -> Option<Timestamp> {
        let start = self.local(from)?;
        let is_open = |day| self.has_opening(day);
        let day = self.open_days.after(start.day, days.count(), &is_open)?;
        self.on_day(day, start.ms, days)
    }

    /// See [`super::Calendar::before_days`].
    pub(super) fn before_days(&self, from: Timestamp, days: WorkingDays) -> Option<Timestamp> {
        let start = self.local(from)?;
        let is_open = |day| self.has_opening(day);
        let day = self.open_days.before(start.day, days.count(), &is_open)?;
        self.on_day(day, start.ms, days)
    }

    fn local(&self, at: Timestamp) -> Option<Local> {
        self.blocks.knows(at).then(|| self.zone.local(at))
    }

    /// The deadline on a working day: the same time of day, or the last closing time.
    fn on_day(&self, day: Day, ms: i64, days: WorkingDays) -> Option<Timestamp> {
        let at = if days.is_at_close() {
            self.openings(day).map(|(_, closes)| closes).max()?
        } else {
            self.zone.first(Local { day, ms })
        };
        let open = |from, to| self.open(from, to);
        match self.rule.at_close {
            AtClose::NextOpen if self.blocks.is_closing(at, &open) => {
                self.add(at, Duration::default())
            }
            AtClose::Stay | AtClose::NextOpen => Some(at),
        }
    }

    fn has_opening(&self, day: Day) -> bool {
        self.openings(day).next().is_some()
    }

    /// The openings of a day in instants, in the order of its hours. A local time that does not
    /// exist is moved forward; of one that occurs twice an opening takes the first and a closing
    /// the second; what becomes empty is left out.
    fn openings(&self, day: Day) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let hours = self.days.hours(&self.rule, day).iter();
        hours.filter_map(move |hours| {
            let opens = self.zone.first(local(day, hours.opens_s()));
            let closes = self.zone.second(local(day, hours.closes_s()));
            (opens < closes).then_some((opens, closes))
        })
    }

    /// Everything that is open between two instants, and some around them.
    fn open(&self, from_ms: i64, to_ms: i64) -> Vec<Open> {
        // Clocks differ from UTC by 16 hours at most and were set by up to 24 hours, so a day of
        // the calendar lies within three days around the same day of UTC.
        const MARGIN_DAYS: i64 = 3;
        let day = |ms: i64| ms.div_euclid(super::day::DAY_MS);
        let days = day(from_ms) - MARGIN_DAYS..=day(to_ms) + MARGIN_DAYS;
        let days = days.filter_map(|number| i32::try_from(number).ok());
        days.map(Day::from_number)
            .flat_map(|day| self.openings(day))
            .map(|(opens, closes)| (opens.as_millis(), closes.as_millis()))
            .collect()
    }

    /// The date at an instant.
    pub(super) fn day_at(&self, at: Timestamp) -> Day {
        self.zone.local(at).day
    }

    /// One day, for people to look at.
    pub(super) fn read_day(&self, day: Day) -> DayReading {
        let begins = self.zone.first(local(day, 0));
        let ends = self.zone.first(local(day, DAY_S));
        let openings: Vec<_> = self.openings(day).collect();
        DayReading {
            day,
            kind: self.days.kind(&self.rule, day),
            hours: self.days.hours(&self.rule, day).to_vec(),
            working: working(&openings),
            openings,
            clock_changes: self.zone.changes(begins, ends),
        }
    }
}

const fn local(day: Day, s: u32) -> Local {
    if s < DAY_S {
        Local {
            day,
            ms: s as i64 * 1000,
        }
    } else {
        Local {
            day: day.plus(1),
            ms: 0,
        }
    }
}

/// The length of what is open; around a change of the clock, openings may overlap.
fn working(openings: &[(Timestamp, Timestamp)]) -> Duration {
    let mut sorted = openings.to_vec();
    sorted.sort_unstable();
    let (mut total_ms, mut until) = (0, Timestamp::MIN);
    for (opens, closes) in sorted {
        let from = opens.max(until);
        total_ms += closes.millis_since(from).max(0);
        until = until.max(closes);
    }
    Duration::from_millis(total_ms)
}
