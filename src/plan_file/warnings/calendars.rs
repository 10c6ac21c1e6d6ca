//! Calendars that keep a promise waiting for longer than anybody means.

use escalator_engine::calendar::{Business, Calendar, Day};
use escalator_engine::length::WorkingDays;
use escalator_engine::time::Timestamp;

use crate::plan_file::problem::{Code, Place};
use crate::plan_file::reader::Reader;
use crate::plan_file::scope::Scope;

/// The longest summer holidays of schools are a little shorter; a calendar that is closed for
/// longer lacks something, as one does that was written for December alone.
const CLOSED_DAYS_MAX: i32 = 92;

/// Years from the first date on that are looked at: further ahead nobody writes down holidays.
const YEARS_MAX: i16 = 10;

/// Warns of calendars that open for the last time some day, or are closed for months.
pub(super) fn of_set(reader: &mut Reader, scope: &Scope) {
    for (name, calendar, place) in scope.calendar_entries() {
        let Calendar::Business(business) = calendar else {
            continue;
        };
        if let Some(last) = last_opening(business) {
            reader.report(
                Code::EndingCalendar,
                place,
                &format!(
                    "the calendar `{name}` opens for the last time on {}",
                    shown(last)
                ),
                "give it hours on some day of the week: what is due after that day never falls due",
            );
        } else if let Some((closes, opens)) = closure(calendar, business) {
            report_closure(reader, place, name, closes, opens);
        }
    }
}

fn report_closure(reader: &mut Reader, place: Place, name: &str, closes: Day, opens: Day) {
    let days = opens.number() - closes.number() - 1;
    reader.report(
        Code::LongClosure,
        place,
        &format!(
            "the calendar `{name}` is closed for {days} days on end, between {} and {}",
            shown(closes),
            shown(opens)
        ),
        "look at it with `escalator calendar show`: no promise falls due in all that time",
    );
}

/// The last day with an opening, where exceptions alone have some.
fn last_opening(business: &Business) -> Option<Day> {
    let rule = business.rule();
    if rule.week.iter().any(|hours| !hours.is_empty()) {
        return None;
    }
    let open = rule
        .exceptions
        .iter()
        .filter(|(_, hours)| !hours.is_empty());
    open.map(|(day, _)| *day).next_back()
}

/// The first stretch of closed days that is too long: the open days around it.
fn closure(calendar: &Calendar, business: &Business) -> Option<(Day, Day)> {
    let rule = business.rule();
    let dates = rule.holidays.keys().chain(rule.exceptions.keys());
    // Holidays of every year are the same in any, and one of those has 29 February.
    let year = dates.min().map_or(2024, |first| first.civil().0);
    let end = noon_of(Day::from_civil(year.saturating_add(YEARS_MAX), 12, 31)?);
    let next = WorkingDays::new(1, false)?;
    let mut at = calendar.after_days(noon_of(Day::from_civil(year, 1, 1)?), next)?;
    let mut before = calendar.day_at(at);
    while at <= end {
        at = calendar.after_days(at, next)?;
        let day = calendar.day_at(at);
        if day.number() - before.number() > CLOSED_DAYS_MAX + 1 {
            return Some((before, day));
        }
        before = day;
    }
    None
}

/// Noon of UTC, which no time zone takes far from the day.
fn noon_of(day: Day) -> Timestamp {
    const HOUR_MS: i64 = 3_600_000;
    Timestamp::from_millis(i64::from(day.number()) * 24 * HOUR_MS + 12 * HOUR_MS)
}

fn shown(day: Day) -> String {
    let (year, month, day) = day.civil();
    format!("{year}-{month:02}-{day:02}")
}
