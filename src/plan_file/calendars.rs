//! `calendars:` business hours: time zone, weekly hours, holidays, exceptions.

use std::collections::BTreeMap;

use escalator_engine::calendar::{
    AtClose, Calendar, CalendarError, CalendarRule, Day, Hours, YEARS, YearDay, time_zones,
};

use super::attachment::is_inline;
use super::node::{Entry, Node, Value};
use super::problem::{Code, Place};
use super::reader::Reader;
use super::scope::Scope;
use super::source::Sources;
use super::suggest::closest;
use super::{hours, ics};

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
    let entries = reader.entries(node, "`calendars`");
    reader.at_most(entries.len(), CALENDARS_MAX, node.place, "calendars");
    for entry in entries.into_iter().take(CALENDARS_MAX) {
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
    if let Some(node) = reader.required(&fields, "hours", "a calendar") {
        rule.week = hours::week(reader, node);
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
        Ok(calendar) => return calendar,
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

fn unknown_time_zone(reader: &mut Reader, place: Place, name: &str) {
    let names = time_zones();
    let remedy = match closest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write an IANA name, as in `Europe/Berlin` or `UTC`".to_owned(),
    };
    let message = format!("there is no time zone `{name}`");
    reader.report(Code::UnknownTimeZone, place, &message, &remedy);
}

fn holidays(
    reader: &mut Reader,
    scope: &mut Scope,
    sources: &Sources,
    node: &Node,
    rule: &mut CalendarRule,
) {
    let nodes = reader.list(node, "`holidays`");
    reader.at_most(nodes.len(), DAYS_MAX, node.place, "holidays");
    for node in nodes {
        if matches!(node.value, Value::Map(_)) {
            let fields = reader.map(node, "a holiday", &["ics"]);
            reader.required(&fields, "ics", "a holiday");
            if let Some(entry) = fields.entry("ics") {
                imported(reader, scope, sources, entry, rule);
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

/// Adds the holidays of a file, and notes what the content of the set keeps of it. The log of edits
/// has the file itself in place of its path.
fn imported(
    reader: &mut Reader,
    scope: &mut Scope,
    sources: &Sources,
    entry: &Entry,
    rule: &mut CalendarRule,
) {
    let node = &entry.node;
    let Some(path) = reader.scalar(node, "`ics`") else {
        return;
    };
    // A problem shows the line of its place, which must not be a line of the file.
    let (text, shown, place) = if is_inline(path) {
        (Ok(path), "the file".to_owned(), entry.place)
    } else {
        let text = sources.attachment(node.place.file, path);
        (text, format!("`{path}`"), node.place)
    };
    let text = match text {
        Ok(text) => text,
        Err(unreadable) => {
            let message = format!("{shown} {}", unreadable.message());
            reader.report(Code::IcsUnreadable, place, &message, unreadable.remedy());
            return;
        }
    };
    match ics::read(text) {
        Ok(holidays) => {
            for (day, name) in holidays.days {
                let known = rule.holidays.entry(day).or_default();
                if known.is_empty() {
                    *known = name;
                }
            }
            scope.inline(node.place, holidays.canonical);
        }
        Err(refusal) => {
            let what = match refusal.event {
                Some(number) => format!("event {number} of {shown}"),
                None => shown,
            };
            reader.report(
                Code::IcsRefused,
                place,
                &format!("{what} {}", refusal.why.message()),
                "keep all-day events in it, once or by a yearly rule, and leave the rest out",
            );
        }
    }
}

fn exceptions(reader: &mut Reader, node: &Node) -> BTreeMap<Day, Vec<Hours>> {
    let entries = reader.entries(node, "`exceptions`");
    reader.at_most(entries.len(), DAYS_MAX, node.place, "exceptions");
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
