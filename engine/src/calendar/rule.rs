//! What a plan file says about a calendar, checked, and what it means for one day.

use std::collections::{BTreeMap, BTreeSet};

use super::day::{Day, Hours, YearDay, place};
use crate::ticket::Text;

/// Weekly hours, the days on which they do not hold, and what is done at closing time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalendarRule {
    /// An IANA name.
    pub time_zone: Text,
    /// The hours of each day of the week, from Monday.
    pub week: [Vec<Hours>; 7],
    /// Closed days and what they are called; names may be empty.
    pub holidays: BTreeMap<Day, Text>,
    /// Closed days of every year.
    pub yearly_holidays: BTreeSet<YearDay>,
    /// Hours that replace those of a day, even of a holiday.
    pub exceptions: BTreeMap<Day, Vec<Hours>>,
    /// Where a deadline goes that falls exactly on closing time.
    pub at_close: AtClose,
}

/// Where a deadline goes that falls exactly on closing time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtClose {
    /// It stays there.
    #[default]
    Stay,
    /// To the next opening.
    NextOpen,
}

impl AtClose {
    /// The word in plan files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stay => "stay",
            Self::NextOpen => "next_open",
        }
    }
}

/// Which part of a calendar gives a day its hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// The weekly hours.
    Week,
    /// It is a holiday, of this name if it has one.
    Holiday(Text),
    /// An exception.
    Exception,
}

/// A rule with its yearly holidays where they are found at once.
#[derive(Clone, Debug)]
pub(super) struct Days {
    /// A bit for each day of 12 months of 32 days.
    yearly: [u32; 12],
}

impl Days {
    pub(super) fn new(rule: &CalendarRule) -> Self {
        let mut yearly = [0; 12];
        for day in &rule.yearly_holidays {
            let place = day.place();
            yearly[place / 32] |= 1 << (place % 32);
        }
        Self { yearly }
    }

    fn is_yearly(&self, day: Day) -> bool {
        let (_, month, day) = day.civil();
        let place = place(month, day);
        self.yearly[place / 32] & (1 << (place % 32)) != 0
    }

    /// The hours of a day.
    pub(super) fn hours<'r>(&self, rule: &'r CalendarRule, day: Day) -> &'r [Hours] {
        if let Some(hours) = rule.exceptions.get(&day) {
            return hours;
        }
        let hours = &rule.week[day.weekday() as usize];
        // Days that are closed anyway need no look at the holidays.
        if hours.is_empty() || rule.holidays.contains_key(&day) || self.is_yearly(day) {
            return &[];
        }
        hours
    }

    /// Where the hours of a day come from.
    pub(super) fn kind(&self, rule: &CalendarRule, day: Day) -> DayKind {
        if rule.exceptions.contains_key(&day) {
            return DayKind::Exception;
        }
        match rule.holidays.get(&day) {
            Some(name) => DayKind::Holiday(name.clone()),
            None if self.is_yearly(day) => DayKind::Holiday(Text::default()),
            None => DayKind::Week,
        }
    }
}
