//! `calendar`: what a business calendar answers, and what its days look like.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use escalator_engine::calendar::{Calendar as Rules, Day, YEARS};
use escalator_engine::explain::Seconds;
use escalator_engine::length::{Length, LengthError};
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::inputs::{instant, plans};
use super::{Output, SystemClock, Verdict, failure, print};
use crate::clock::Clock;
use crate::offline::CalendarDays;

/// Days that are shown at most: ten years.
const DAYS_MAX: u32 = 3653;

/// The commands under `calendar`.
#[derive(Subcommand)]
pub(super) enum Calendar {
    /// Prints the instant at which working time, or a count of working days, is over.
    #[command(after_help = ADD_EXAMPLES)]
    Add(Add),
    /// Prints the working seconds between two instants; 0 when the second is earlier.
    #[command(after_help = BETWEEN_EXAMPLES)]
    Between(Between),
    /// Shows days with their hours, holidays and changes of the clock.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
}

const ADD_EXAMPLES: &str = "\
Examples:
  escalator calendar add --plans plans --calendar office --from 2026-11-27T15:30:00Z --working 4h
  escalator calendar add --plans plans --calendar office --from 2026-11-27T15:30:00Z --working 3wd@close";

const BETWEEN_EXAMPLES: &str = "\
Example:
  escalator calendar between --plans plans --calendar office \\
    --from 2026-11-27T15:30:00Z --to 2026-11-30T09:00:00Z";

const SHOW_EXAMPLES: &str = "\
Examples:
  escalator calendar show --plans plans --calendar office
  escalator calendar show --plans plans --calendar office --from 2026-12-21 --days 14";

/// Which calendar.
#[derive(Args)]
struct Which {
    /// A plan file, or a directory of plan files [not needed for the calendar `always`].
    #[arg(long, value_name = "PATH")]
    plans: Option<PathBuf>,
    /// The calendar's name; `always` is built in.
    #[arg(long, value_name = "NAME")]
    calendar: String,
}

#[derive(Args)]
pub(super) struct Add {
    #[command(flatten)]
    which: Which,
    /// When the working time begins.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Timestamp,
    /// How long, as in plans: 90m, 2d (48 hours of working time), 3wd or 3wd@close.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    working: Length,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Args)]
pub(super) struct Between {
    #[command(flatten)]
    which: Which,
    /// The first instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Timestamp,
    /// The second instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    to: Timestamp,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// The first day, as in 2026-12-21 [default: today].
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Day>,
    /// The last day.
    #[arg(long, value_name = "DATE", value_parser = day, conflicts_with = "days")]
    to: Option<Day>,
    /// How many days, from the first.
    #[arg(long, value_name = "N", default_value_t = 7,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: u32,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn length(text: &str) -> Result<Length, LengthError> {
    Length::parse(text)
}

fn day(text: &str) -> Result<Day, String> {
    let (first, last) = (YEARS.start(), YEARS.end());
    Day::parse(text)
        .ok_or_else(|| format!("write a date of the years {first} to {last}, as in 2026-12-21"))
}

#[derive(Serialize)]
struct Added<'a> {
    calendar: &'a str,
    from: Timestamp,
    working: String,
    at: Timestamp,
}

#[derive(Serialize)]
struct Measured<'a> {
    calendar: &'a str,
    from: Timestamp,
    to: Timestamp,
    working_s: Seconds,
}

impl Calendar {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Add(command) => command.run(),
            Self::Between(command) => command.run(),
            Self::Show(command) => command.run(),
        }
    }
}

impl Which {
    /// The calendar; none when it cannot be had, which is then told.
    fn find(&self) -> anyhow::Result<Option<Rules>> {
        let set = match &self.plans {
            Some(path) => plans(path)?,
            None => None,
        };
        if self.plans.is_some() && set.is_none() {
            return Ok(None);
        }
        if self.calendar == "always" {
            return Ok(Some(Rules::Always));
        }
        let Some(set) = set else {
            failure::refuse(
                &format!("there is no calendar `{}` without plans", self.calendar),
                "name the plans that declare it with --plans",
            );
            return Ok(None);
        };
        let found = set.calendars().get(&*self.calendar).cloned();
        if found.is_none() {
            let names = set.calendars().keys().map(|name| format!("`{name}`"));
            let names: Vec<_> = std::iter::once("`always`".to_owned())
                .chain(names)
                .collect();
            failure::refuse(
                &format!("there is no calendar `{}`", self.calendar),
                &format!("the calendars are {}", names.join(", ")),
            );
        }
        Ok(found)
    }
}

impl Add {
    fn run(self) -> anyhow::Result<Verdict> {
        let Some(calendar) = self.which.find()? else {
            return Ok(Verdict::Bad);
        };
        let Some(at) = calendar.end(self.from, self.working) else {
            failure::refuse(
                &format!(
                    "the calendar `{}` has no {} of working time after {}",
                    self.which.calendar, self.working, self.from
                ),
                &match calendar {
                    Rules::Always => "time ends with the year 9999; ask for less".to_owned(),
                    Rules::Business(_) => {
                        format!("calendars end with the year {}; ask for less", YEARS.end())
                    }
                },
            );
            return Ok(Verdict::Bad);
        };
        match self.output {
            Output::Text => print::text(&format!("{at}\n"))?,
            Output::Json => print::json(&Added {
                calendar: &self.which.calendar,
                from: self.from,
                working: self.working.to_string(),
                at,
            })?,
        }
        Ok(Verdict::Good)
    }
}

impl Between {
    fn run(self) -> anyhow::Result<Verdict> {
        let Some(calendar) = self.which.find()? else {
            return Ok(Verdict::Bad);
        };
        let measured = Measured {
            calendar: &self.which.calendar,
            from: self.from,
            to: self.to,
            working_s: calendar.between(self.from, self.to).into(),
        };
        match self.output {
            Output::Text => {
                let seconds = serde_json::to_string(&measured.working_s)?;
                print::text(&format!("{seconds}\n"))?;
            }
            Output::Json => print::json(&measured)?,
        }
        Ok(Verdict::Good)
    }
}

impl Show {
    fn run(self) -> anyhow::Result<Verdict> {
        let Some(calendar) = self.which.find()? else {
            return Ok(Verdict::Bad);
        };
        let first = self
            .from
            .unwrap_or_else(|| calendar.day_at(SystemClock.now()));
        let count = match self.to {
            Some(to) => i64::from(to.number()) - i64::from(first.number()) + 1,
            None => i64::from(self.days),
        };
        let Some(count) = u32::try_from(count)
            .ok()
            .filter(|count| (1..=DAYS_MAX).contains(count))
        else {
            failure::refuse(
                &format!("from {first} on, {count} days cannot be shown"),
                &format!("let --to be the same day or a later one, at most {DAYS_MAX} days"),
            );
            return Ok(Verdict::Bad);
        };
        // Beyond its years a calendar has no hours, whatever the week would say.
        let last = first.plus(i32::try_from(count).unwrap_or(i32::MAX) - 1);
        if !YEARS.contains(&last.civil().0) {
            failure::refuse(
                &format!("from {first} on, {count} days cannot be shown"),
                &format!("calendars end with the year {}; ask for less", YEARS.end()),
            );
            return Ok(Verdict::Bad);
        }
        let days = CalendarDays::new(&self.which.calendar, &calendar, first, count);
        match self.output {
            Output::Text => print::text(&days.to_string())?,
            Output::Json => print::json(&days)?,
        }
        Ok(Verdict::Good)
    }
}
