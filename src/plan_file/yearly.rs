//! Rules for events that come back every year: on a date, or on the fourth Thursday of November.

use std::fmt;

use escalator_engine::calendar::YEARS;
use jiff::civil::{Date, Weekday};

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleError {
    /// It repeats by another measure than years.
    NotYearly,
    /// It says more than is understood.
    Complex,
}

/// A yearly rule, with the first date from which it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    from: Date,
    interval: u16,
    count: Option<u32>,
    until: Option<Date>,
    months: Vec<i8>,
    on: On,
}

/// On which days of its months a rule falls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    /// On these days of the month; from the end when negative.
    Days(Vec<i8>),
    /// On the nth of a day of the week; from the end when negative.
    Weekday {
        /// Which one.
        nth: i8,
        /// Days after Monday.
        day: i8,
    },
}

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Rule {
    /// Reads `FREQ=YEARLY;…` of an event that begins on a date.
    pub(super) fn parse(text: &str, from: Date) -> Result<Self, RuleError> {
        let mut rule = Self {
            from,
            interval: 1,
            count: None,
            until: None,
            months: vec![from.month()],
            on: On::Days(vec![from.day()]),
        };
        let parts: Vec<_> = text.trim_end_matches(';').split(';').collect();
        let is_yearly = parts
            .iter()
            .any(|part| part.eq_ignore_ascii_case("FREQ=YEARLY"));
        if !is_yearly {
            return Err(RuleError::NotYearly);
        }
        let (mut has_months, mut has_weekday, mut has_days) = (false, false, false);
        for part in parts {
            let (name, value) = part.split_once('=').ok_or(RuleError::Complex)?;
            let value = value.trim();
            match &*name.trim().to_ascii_uppercase() {
                // The beginning of the week matters to weekly rules only.
                "FREQ" | "WKST" => {}
                "INTERVAL" => rule.interval = number(value, 1..=400)?,
                "COUNT" => rule.count = Some(number(value, 1..=10_000)?),
                "UNTIL" => rule.until = Some(until(value)?),
                "BYMONTH" => {
                    has_months = true;
                    rule.months = numbers(value, 1..=12)?;
                }
                "BYMONTHDAY" => {
                    let days = numbers(value, -31..=31)?;
                    if days.contains(&0) || has_weekday {
                        return Err(RuleError::Complex);
                    }
                    has_days = true;
                    rule.on = On::Days(days);
                }
                "BYDAY" => {
                    has_weekday = true;
                    rule.on = weekday(value)?;
                }
                _ => return Err(RuleError::Complex),
            }
        }
        // Without a month, the nth weekday would be counted through the whole year; two ends, or
        // days of the month that are limited to a weekday, are more than holidays need.
        let is_whole_year = has_weekday && !has_months;
        if is_whole_year
            || (has_weekday && has_days)
            || (rule.count.is_some() && rule.until.is_some())
        {
            return Err(RuleError::Complex);
        }
        if has_days && !has_months {
            // Days of the month are those of every month, unless some are named.
            rule.months = (1..=12).collect();
        }
        Ok(rule)
    }

    /// The first date of the rule.
    pub(super) fn first(&self) -> Option<Date> {
        self.dates().next()
    }

    /// All dates of the rule, to the end of the years that calendars know.
    pub(super) fn dates(&self) -> impl Iterator<Item = Date> + '_ {
        let years = (self.from.year()..=*YEARS.end()).step_by(usize::from(self.interval));
        let count = self.count.map_or(usize::MAX, |count| count as usize);
        years
            .flat_map(|year| self.dates_of(year))
            .filter(|date| *date >= self.from)
            .take_while(|date| self.until.is_none_or(|until| *date <= until))
            .take(count)
    }

    fn dates_of(&self, year: i16) -> Vec<Date> {
        let mut dates = Vec::new();
        for month in &self.months {
            let Ok(first) = Date::new(year, *month, 1) else {
                continue;
            };
            match &self.on {
                On::Days(days) => {
                    let from_end = |day: i8| {
                        if day < 0 {
                            first.days_in_month() + 1 + day
                        } else {
                            day
                        }
                    };
                    let days = days
                        .iter()
                        .map(|day| Date::new(year, *month, from_end(*day)));
                    // Years without 29 February have no such date.
                    dates.extend(days.filter_map(Result::ok));
                }
                On::Weekday { nth, day } => {
                    let weekday = Weekday::from_monday_zero_offset(*day).ok();
                    dates.extend(weekday.and_then(|it| first.nth_weekday_of_month(*nth, it).ok()));
                }
            }
        }
        dates.sort_unstable();
        dates.dedup();
        dates
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &[i8]| {
            let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            texts.join(",")
        };
        write!(f, "FREQ=YEARLY")?;
        if self.interval > 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        if let Some(count) = self.count {
            write!(f, ";COUNT={count}")?;
        }
        if let Some(until) = self.until {
            write!(f, ";UNTIL={}", until.strftime("%Y%m%d"))?;
        }
        write!(f, ";BYMONTH={}", list(&self.months))?;
        match &self.on {
            On::Days(days) => write!(f, ";BYMONTHDAY={}", list(days)),
            On::Weekday { nth, day } => {
                let name = usize::try_from(*day).map_or("", |day| WEEKDAYS[day]);
                write!(f, ";BYDAY={nth}{name}")
            }
        }
    }
}

fn number<T>(text: &str, range: std::ops::RangeInclusive<T>) -> Result<T, RuleError>
where
    T: std::str::FromStr + PartialOrd,
{
    let number = text.trim().parse().map_err(|_| RuleError::Complex)?;
    if range.contains(&number) {
        Ok(number)
    } else {
        Err(RuleError::Complex)
    }
}

fn numbers(text: &str, range: std::ops::RangeInclusive<i8>) -> Result<Vec<i8>, RuleError> {
    let numbers = text.split(',').map(|part| number(part, range.clone()));
    let mut numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The last day, whatever time of it stands there.
fn until(text: &str) -> Result<Date, RuleError> {
    let date = text.split('T').next().unwrap_or_default();
    super::ics::date(date).map_err(|_| RuleError::Complex)
}

/// `4TH` and `-1MO`.
fn weekday(text: &str) -> Result<On, RuleError> {
    let (nth, name) = text
        .len()
        .checked_sub(2)
        .and_then(|at| text.split_at_checked(at))
        .ok_or(RuleError::Complex)?;
    let nth = number(nth, -5..=5)?;
    let day = WEEKDAYS
        .iter()
        .position(|day| day.eq_ignore_ascii_case(name));
    let day = day.and_then(|day| i8::try_from(day).ok());
    match day {
        Some(day) if nth != 0 => Ok(On::Weekday { nth, day }),
        Some(_) | None => Err(RuleError::Complex),
    }
}
