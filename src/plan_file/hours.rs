//! Opening hours: lists of `08:00-13:00`, by days of the week.

use escalator_engine::calendar::{Hours, HoursError, Weekday};

use super::node::{Entry, Node};
use super::problem::{Code, Place, Problem};
use super::reader::Reader;

/// Opening hours of one day: one every half an hour.
const HOURS_MAX: usize = 48;

/// Reads `hours: { mon-fri: […], sat: […] }`; each day stands there once.
pub(super) fn week(reader: &mut Reader, node: &Node) -> [Vec<Hours>; 7] {
    let mut week: [Vec<Hours>; 7] = Default::default();
    let mut places: [Option<Place>; 7] = [None; 7];
    for entry in reader.entries(node, "`hours`") {
        let hours = of_day(reader, &entry.node);
        for day in days(reader, entry) {
            match places[day] {
                Some(first) => reader.push(
                    Problem::new(
                        Code::DayTwice,
                        entry.place,
                        &format!("`{}` has its hours already", Weekday::ALL[day].name()),
                        "write all hours of a day into one list",
                    )
                    .with_other(first, "here"),
                ),
                None => {
                    places[day] = Some(entry.place);
                    week[day].clone_from(&hours);
                }
            }
        }
    }
    week
}

/// The days that a key names: `mon`, `mon-fri`, `sun-thu` or `mon,wed,fri`.
fn days(reader: &mut Reader, entry: &Entry) -> Vec<usize> {
    let mut days = Vec::new();
    for part in entry.key.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Some(first), Some(last)) = (
            weekday(reader, entry.place, first.trim()),
            weekday(reader, entry.place, last.trim()),
        ) else {
            continue;
        };
        // A range may go over the end of the week.
        let count = (last + 7 - first) % 7 + 1;
        days.extend((0..count).map(|offset| (first + offset) % 7));
    }
    days
}

fn weekday(reader: &mut Reader, place: Place, name: &str) -> Option<usize> {
    let names = Weekday::ALL.map(Weekday::name);
    let found = names.iter().position(|day| day.eq_ignore_ascii_case(name));
    if found.is_none() {
        reader.report_unknown(
            Code::UnknownWeekday,
            place,
            &format!("`{name}` is no day of the week"),
            (name, "write days, as in `mon-fri` or `sat`; they are"),
            &names,
        );
    }
    found
}

/// The opening hours of a day in their order, none of which overlap.
pub(super) fn of_day(reader: &mut Reader, node: &Node) -> Vec<Hours> {
    let mut found: Vec<(Hours, Place)> = Vec::new();
    let what = "the opening hours of a day";
    for node in reader.list_of(node, what, HOURS_MAX, "opening hours of a day") {
        let Some(hours) = hours(reader, node) else {
            continue;
        };
        if let Some((_, first)) = found.iter().find(|(other, _)| other.overlaps(hours)) {
            reader.push(
                Problem::new(
                    Code::OverlappingHours,
                    node.place,
                    "these opening hours overlap with others of the same day",
                    "put the two together",
                )
                .with_other(*first, "the others"),
            );
        } else {
            found.push((hours, node.place));
        }
    }
    let mut hours: Vec<_> = found.into_iter().map(|(hours, _)| hours).collect();
    hours.sort_unstable();
    hours
}

fn hours(reader: &mut Reader, node: &Node) -> Option<Hours> {
    let text = reader.scalar(node, "opening hours")?;
    let error = match Hours::parse(text) {
        Ok(hours) => return Some(hours),
        Err(error) => error,
    };
    let remedy = match error {
        HoursError::Unreadable => "write `\"08:00-17:00\"`; a day ends with 24:00",
        HoursError::Empty => "make them longer, or leave them out",
        HoursError::Overnight => {
            "write a night as two days, as in `mon: [\"22:00-24:00\"], tue: [\"00:00-06:00\"]`"
        }
    };
    let message = match error {
        HoursError::Unreadable => format!("opening hours cannot be `{text}`"),
        HoursError::Empty => format!("`{text}` closes when it opens"),
        HoursError::Overnight => format!("`{text}` closes before it opens"),
    };
    reader.report(Code::BadHours, node.place, &message, remedy);
    None
}
