//! `calendars:` business hours: time zone, weekly hours, holidays, exceptions.

use std::collections::BTreeMap;

use escalator_engine::calendar::{
    AtClose, Calendar, CalendarError, CalendarRule, Day, Hours, YEARS, YearDay, time_zones,
};

use super::node::{Entry, Node, Value};
use super::problem::{Code, Place};
use super::reader::Reader;
use super::scope::Scope;
use super::source::Sources;
use super::{hours, imports};

const KEYS: [&str; 5] = ["time_zone", "hours", "holidays", "exceptions", "at_close"];

/// Calendars of a set: one a site of a large organization. Each takes some tens of kilobytes.
const CALENDARS_MAX: usize = 500;

/// Holidays, and exceptions, of a calendar: a dozen a year for as long as anybody plans.
const DAYS_MAX: usize = 5000;

const AT_CLOSE: [(&str, AtClose); 2] = [
    (AtClose::Stay.name(), AtClose::Stay),
    (AtClose::NextOpen.name(), AtClose::NextOpen),
];

/// Notes the calendars of one file.
pub(super) fn collect(reader: &mut Reader, scope: &mut Scope, sources: &Sources, node: &Node) {
    let (before, what) = (scope.calendar_entries().count(), "`calendars`");
    let max = CALENDARS_MAX.saturating_sub(before);
    for entry in reader.entries_of(node, what, max, "calendars") {
        reader.check_name(&entry.key, entry.place, "the calendar's name");
        if entry.key == "always" {
            reader.report(
                Code::BadName,
                entry.place,
                "the calendar `always` is built in",
                "give the calendar another name",
            );
        }
        let calendar = calendar(reader, scope, sources, entry);
        scope.add_calendar(reader, &entry.key, entry.place, calendar);
    }
}

/// A calendar; where it has problems, any other stands in for it. The word `always` makes its name
/// another one for the built-in calendar.
fn calendar(reader: &mut Reader, scope: &mut Scope, sources: &Sources, entry: &Entry) -> Calendar {
    if matches!(&entry.node.value, Value::Scalar(text) if text == "always") {
        return Calendar::Always;
    }
    let fields = reader.map(&entry.node, "a calendar", &KEYS);
    if !matches!(entry.node.value, Value::Map(_)) {
        return Calendar::Always;
    }
    let before = reader.problem_count();
    let mut rule = CalendarRule::default();
    if let Some(node) = reader.required(&fields, "time_zone", "a calendar") {
        rule.time_zone = reader.name(node, "the time zone");
    }
    match fields.get("hours") {
        Some(node) => rule.week = hours::week(reader, node),
        None if fields.get("exceptions").is_some() => reader.report(
            Code::MissingKey,
            fields.place,
            "a calendar needs the key `hours`, also one that opens on single days only",
            "add `hours: {}`, or the hours of the week",
        ),
        None => {
            reader.required(&fields, "hours", "a calendar");
        }
    }
    if let Some(node) = fields.get("holidays") {
        holidays(reader, scope, sources, node, &mut rule);
    }
    if let Some(node) = fields.get("exceptions") {
        rule.exceptions = exceptions(reader, node);
    }
    if let Some(node) = fields.get("at_close") {
        rule.at_close = reader.word(node, "`at_close`", &AT_CLOSE);
    }
    let zone_place = fields
        .get("time_zone")
        .map_or(entry.place, |node| node.place);
    match Calendar::business(rule) {
        Ok(calendar) => {
            if let Some(node) = fields.get("time_zone") {
                without_summer(reader, node);
            }
            return calendar;
        }
        Err(CalendarError::UnknownTimeZone { time_zone }) if fields.get("time_zone").is_some() => {
            unknown_time_zone(reader, zone_place, &time_zone);
        }
        // What keeps it closed was reported.
        Err(CalendarError::NeverOpens) if reader.problem_count() > before => {}
        Err(CalendarError::NeverOpens) => reader.report(
            Code::NeverOpens,
            entry.place,
            &format!("the calendar `{}` never opens", entry.key),
            "give it hours on some day of the week, or an exception with hours",
        ),
        Err(CalendarError::UnknownTimeZone { .. }) => {}
    }
    Calendar::Always
}

pub(super) fn unknown_time_zone(reader: &mut Reader, place: Place, name: &str) {
    let names = time_zones();
    let remedy = match reader.closest(name, &names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write an IANA name, as in `Europe/Berlin` or `UTC`".to_owned(),
    };
    let message = format!("there is no time zone `{name}`");
    reader.report(Code::UnknownTimeZone, place, &message, &remedy);
}

/// Warns of a zone that is a number of hours all year, by a name that people take for that of a place.
fn without_summer(reader: &mut Reader, node: &Node) {
    let Value::Scalar(name) = &node.value else {
        return;
    };
    let remedy = match &*name.to_ascii_uppercase() {
        "EST" => "did you mean `America/New_York`?",
        "MST" => "did you mean `America/Denver`, or `America/Phoenix`, which has no summer time?",
        "HST" => "write `Pacific/Honolulu`, which is the same",
        upper => match upper.strip_prefix("ETC/GMT") {
            Some(hours) if hours.starts_with('+') && hours != "+0" => {
                "name a place, as in `Europe/Berlin`: `Etc/GMT+1` is an hour west of Greenwich, where clocks are behind UTC"
            }
            Some(hours) if hours.starts_with('-') && hours != "-0" => {
                "name a place, as in `Europe/Berlin`: `Etc/GMT-1` is an hour east of Greenwich, where clocks are ahead of UTC"
            }
            Some(_) | None => return,
        },
    };
    let message = format!("the time zone `{name}` has no summer time");
    reader.report(Code::ZoneWithoutSummer, node.place, &message, remedy);
}

fn holidays(
    reader: &mut Reader,
    scope: &mut Scope,
    sources: &Sources,
    node: &Node,
    rule: &mut CalendarRule,
) {
    for node in reader.list_of(node, "`holidays`", DAYS_MAX, "holidays") {
        if matches!(node.value, Value::Map(_)) {
            let fields = reader.map(node, "a holiday", &["ics"]);
            reader.required(&fields, "ics", "a holiday");
            if let Some(entry) = fields.entry("ics") {
                imports::add(reader, scope, sources, entry, rule);
            }
            continue;
        }
        let Some(text) = reader.scalar(node, "a holiday") else {
            continue;
        };
        if let Some(day) = Day::parse(text) {
            rule.holidays.entry(day).or_default();
        } else if let Some(day) = YearDay::parse(text) {
            rule.yearly_holidays.insert(day);
        } else {
            bad_date(
                reader,
                node.place,
                text,
                "write `2026-12-24`, or `12-24` for every year",
            );
        }
    }
}

fn exceptions(reader: &mut Reader, node: &Node) -> BTreeMap<Day, Vec<Hours>> {
    let entries = reader.entries_of(node, "`exceptions`", DAYS_MAX, "exceptions");
    let mut exceptions = BTreeMap::new();
    for entry in entries {
        let hours = hours::of_day(reader, &entry.node);
        match Day::parse(&entry.key) {
            Some(day) => {
                exceptions.insert(day, hours);
            }
            None => bad_date(
                reader,
                entry.place,
                &entry.key,
                "write a date, as in `2026-12-31`",
            ),
        }
    }
    exceptions
}

fn bad_date(reader: &mut Reader, place: Place, text: &str, remedy: &str) {
    let (first, last) = (YEARS.start(), YEARS.end());
    reader.report(
        Code::BadDate,
        place,
        &format!("`{text}` is no date of the years {first} to {last}"),
        remedy,
    );
}
