//! Holidays in the iCalendar format: whole days, once or every year.
//!
//! What is understood is written anew in one form, the canonical text, which is what the content
//! of a set keeps of a file: a download with other time stamps is no edit. What is not understood
//! is refused, so that nothing which the canonical text leaves out could have mattered.
//! No message here shows anything of the file but the number of an event.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use escalator_engine::calendar::Day;
use escalator_engine::ticket::Text;
use icalendar::parser::{Component, Property, read_components, unfold};
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::yearly::{Rule, RuleError};

/// Events of one file: a country has some dozens of holidays a year.
const EVENTS_MAX: usize = 2000;

/// Days that one file names: those of a hundred yearly holidays to the end of the years that calendars
/// know, and more days than there are in all of these years.
const DAYS_MAX: usize = 150_000;

/// Days of one event; longer ones are a mistake rather than holidays.
const EVENT_DAYS_MAX: i32 = 366;

/// Components in components: a file of events has an alarm in an event in a calendar.
const DEPTH_MAX: usize = 8;

/// The holidays of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holidays {
    /// Every day, and what it is called.
    pub(super) days: BTreeMap<Day, Text>,
    /// The same file in one form.
    pub(super) canonical: String,
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The number of the event in the file, from 1.
    pub(super) event: Option<usize>,
    /// What is wrong with it.
    pub(super) why: Why,
}

/// What is wrong with a file or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The file has another format.
    NotICalendar,
    /// There are too many events.
    TooMany,
    /// The events name too many days.
    TooManyDays,
    /// Something else than events stands in it.
    OtherComponent,
    /// An event has no beginning.
    NoStart,
    /// An event has a time of day.
    NotAllDay,
    /// A date or a length is not one.
    BadDate,
    /// An event ends before it begins, or lasts longer than a year.
    BadLength,
    /// An event repeats in another way than every year.
    NotYearly,
    /// A yearly rule says more than is understood.
    ComplexRule,
    /// The first day of an event does not follow its own rule.
    OutOfStep,
    /// An event has more dates, or replaces one of another event.
    ManyDates,
}

impl Why {
    /// As the end of a sentence that begins with the file or the event.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::NotICalendar => "is not in the iCalendar format",
            Self::TooMany => "has more than 2000 events",
            Self::TooManyDays => "names more than 150,000 days",
            Self::OtherComponent => "has something else than events",
            Self::NoStart => "has no beginning",
            Self::NotAllDay => "is not an all-day event",
            Self::BadDate => "has a date or a length that is not one",
            Self::BadLength => "ends before it begins, or lasts longer than a year",
            Self::NotYearly => "repeats in another way than every year",
            Self::ComplexRule => "has a yearly rule that is not understood",
            Self::OutOfStep => "begins on a day that its own rule does not name",
            Self::ManyDates => "has further dates, or replaces a date of another event",
        }
    }
}

impl From<RuleError> for Why {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::NotYearly => Self::NotYearly,
            RuleError::Complex => Self::ComplexRule,
        }
    }
}

/// One event, understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    first: Date,
    days: i32,
    rule: Option<Rule>,
    without: BTreeSet<Date>,
    summary: String,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Holidays, Refusal> {
    let file = |why| Refusal { event: None, why };
    if !is_flat(text) {
        return Err(file(Why::NotICalendar));
    }
    // Some programs begin a file with a byte order mark, or end it with blank lines. The parser looks
    // for the line endings of the format, however far away the next one is.
    let unfolded = unfold(text.trim_start_matches('\u{feff}').trim());
    let unfolded = unfolded.replace("\r\n", "\n").replace('\n', "\r\n");
    let roots = read_components(&unfolded).map_err(|_| file(Why::NotICalendar))?;
    let mut events = BTreeSet::new();
    let mut count = 0;
    for root in &roots {
        if !is_named(root, "VCALENDAR") {
            return Err(file(Why::NotICalendar));
        }
        for component in &root.components {
            if is_named(component, "VTIMEZONE") {
                // Whole days need no time zone but the calendar's own.
                continue;
            }
            if !is_named(component, "VEVENT") {
                return Err(file(Why::OtherComponent));
            }
            count += 1;
            if count > EVENTS_MAX {
                return Err(file(Why::TooMany));
            }
            let event = event(component).map_err(|why| Refusal {
                event: Some(count),
                why,
            })?;
            events.extend(event);
        }
    }
    let mut days = BTreeMap::new();
    let mut days_left = DAYS_MAX;
    for event in &events {
        event
            .add_days(&mut days, &mut days_left)
            .ok_or_else(|| file(Why::TooManyDays))?;
    }
    Ok(Holidays {
        days,
        canonical: canonical(&events),
    })
}

/// Whether components are nested as little as events are; the parser takes a piece of the stack
/// for each.
fn is_flat(text: &str) -> bool {
    let mut depth = 0_usize;
    for line in text.lines() {
        let begins = |word: &str| {
            let start = line.trim_start().as_bytes().get(..word.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        if begins("BEGIN:") {
            depth += 1;
        } else if begins("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEPTH_MAX {
            return false;
        }
    }
    true
}

fn is_named(component: &Component<'_>, name: &str) -> bool {
    component.name.as_str().eq_ignore_ascii_case(name)
}

/// An event; none when it was called off.
fn event(component: &Component<'_>) -> Result<Option<Event>, Why> {
    let all = |name: &str| {
        let properties = component.properties.iter();
        let is_it = |property: &&Property<'_>| property.name.as_str().eq_ignore_ascii_case(name);
        properties.filter(is_it).collect::<Vec<_>>()
    };
    let one = |name: &str| match all(name).as_slice() {
        [] => Ok(None),
        [property] => Ok(Some(property.val.as_str().trim().to_owned())),
        _ => Err(Why::ManyDates),
    };
    let is_off = one("STATUS")?.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"));
    if !all("RDATE").is_empty() || !all("RECURRENCE-ID").is_empty() {
        return Err(Why::ManyDates);
    }
    let first = date(&one("DTSTART")?.ok_or(Why::NoStart)?)?;
    let days = match (one("DTEND")?, one("DURATION")?) {
        (Some(end), _) => days_between(first, date(&end)?)?,
        (None, Some(duration)) => whole_days(&duration)?,
        (None, None) => 1,
    };
    if !(0..=EVENT_DAYS_MAX).contains(&days) {
        return Err(Why::BadLength);
    }
    let rule = match one("RRULE")? {
        Some(text) => Some(Rule::parse(&text, first)?),
        None => None,
    };
    if rule
        .as_ref()
        .is_some_and(|rule| rule.first() != Some(first))
    {
        return Err(Why::OutOfStep);
    }
    let mut without = BTreeSet::new();
    for property in all("EXDATE") {
        for text in property.val.as_str().split(',') {
            without.insert(date(text.trim())?);
        }
    }
    let summary = all("SUMMARY");
    let summary = summary.first().map(|property| property.val.as_str());
    Ok((!is_off).then(|| Event {
        first,
        // Many programs write the same day as beginning and end of a single day.
        days: days.max(1),
        rule,
        without,
        summary: on_one_line(summary.unwrap_or_default()),
    }))
}

/// A date without a time of day.
pub(super) fn date(text: &str) -> Result<Date, Why> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text
            .get(range)
            .filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<i16>().ok())
    };
    if text.len() > 8 && text.as_bytes()[8] == b'T' {
        return Err(Why::NotAllDay);
    }
    let (Some(year), Some(month), Some(day), 8) =
        (number(0..4), number(4..6), number(6..8), text.len())
    else {
        return Err(Why::BadDate);
    };
    let small = |number: i16| i8::try_from(number).map_err(|_| Why::BadDate);
    Date::new(year, small(month)?, small(day)?).map_err(|_| Why::BadDate)
}

fn days_between(first: Date, end: Date) -> Result<i32, Why> {
    let span = first.until(end).map_err(|_| Why::BadLength)?;
    Ok(span.get_days())
}

/// The days of `P1D` and `P2W`.
fn whole_days(text: &str) -> Result<i32, Why> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let length = text.strip_prefix('P').ok_or(Why::BadDate)?;
    let (count, each) = match (length.strip_suffix('D'), length.strip_suffix('W')) {
        (Some(days), _) => (days, 1),
        (None, Some(weeks)) => (weeks, 7),
        (None, None) => return Err(Why::NotAllDay),
    };
    let count: u16 = count.parse().map_err(|_| Why::BadDate)?;
    Ok(i32::from(count) * each)
}

impl Event {
    /// Adds the days of the event that calendars know; none when there are too many.
    fn add_days(&self, days: &mut BTreeMap<Day, Text>, days_left: &mut usize) -> Option<()> {
        let name: Text = self.summary.as_str().into();
        let firsts: Vec<Date> = match &self.rule {
            Some(rule) => rule.dates().take(*days_left + 1).collect(),
            None => vec![self.first],
        };
        for first in firsts.iter().filter(|first| !self.without.contains(first)) {
            *days_left = days_left.checked_sub(usize::try_from(self.days).unwrap_or(0))?;
            for offset in 0..self.days {
                let date = first.checked_add(offset.days()).ok();
                let day = date.and_then(|it| Day::from_civil(it.year(), it.month(), it.day()));
                if let Some(day) = day {
                    days.entry(day).or_insert_with(|| name.clone());
                }
            }
        }
        Some(())
    }
}

fn canonical(events: &BTreeSet<Event>) -> String {
    let mut out = "BEGIN:VCALENDAR\n".to_owned();
    let plain = |date: Date| date.strftime("%Y%m%d").to_string();
    for event in events {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "BEGIN:VEVENT\nDTSTART;VALUE=DATE:{}",
            plain(event.first)
        );
        if event.days > 1 {
            let _ = writeln!(out, "DURATION:P{}D", event.days);
        }
        if let Some(rule) = &event.rule {
            let _ = writeln!(out, "RRULE:{rule}");
        }
        if !event.without.is_empty() {
            let dates: Vec<_> = event.without.iter().map(|date| plain(*date)).collect();
            let _ = writeln!(out, "EXDATE;VALUE=DATE:{}", dates.join(","));
        }
        if !event.summary.is_empty() {
            let _ = writeln!(out, "SUMMARY:{}", escaped(&event.summary));
        }
        out.push_str("END:VEVENT\n");
    }
    out.push_str("END:VCALENDAR\n");
    out
}

/// A text on one line. The parser has taken the escapes of the format out already: taken out twice, a
/// backslash of the text itself would go, and the canonical text would not be read as it was written.
fn on_one_line(text: &str) -> String {
    let plain = text.replace(char::is_control, " ");
    plain.trim().to_owned()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | ';' | ',') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
