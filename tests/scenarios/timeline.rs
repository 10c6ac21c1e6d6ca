//! A timeline: its lines in their order, and the same lines with what they bring about.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use escalator::offline::Recording;
use escalator_engine::explain::explain;
use escalator_engine::plan::Revision;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::{Simulation, simulate};
use escalator_engine::time::Timestamp;

use super::{input, live, output};

/// 2026-11-23, a Monday: the day of times without a day.
const FIRST_DAY_MS: i64 = 1_795_392_000_000;
const DAY_MS: i64 = 86_400_000;

/// What stands in one line.
enum Line<'a> {
    /// A blank line or a comment.
    Note,
    /// Something that reaches the service.
    Heard(Heard),
    /// A question about a ticket: its id, and the parts that are asked for.
    Question(&'a str, Vec<&'a str>),
    /// The end of the timeline.
    End,
}

/// What reaches the service.
enum Heard {
    /// Events, as lines of an event file.
    Events(String),
    /// From an instant on the plans of that name are in force.
    Edit(Timestamp, String),
}

/// Where a line stands: at one instant events come first, what they bring about next, questions
/// last.
type Place = (Timestamp, u8);

/// The revisions of the plans by name, that of the beginning first.
pub(super) type Revisions = [(String, Arc<Revision>)];

/// Runs a timeline and writes it anew.
pub(super) fn run(text: &str, revisions: &Revisions) -> Result<String, String> {
    let mut lines: Vec<(Place, &str, Line<'_>)> = Vec::new();
    for text in text.lines().filter(|line| !is_expectation(line)) {
        let before = lines.last().map_or((Timestamp::MIN, 0), |line| line.0);
        let (place, line) = parse(text, before).map_err(|wrong| format!("{text}: {wrong}"))?;
        lines.push((place, text, line));
    }
    let until = lines.iter().map(|line| line.0.0).max().ok_or("no lines")?;
    let mut out: Vec<(Place, String)> = Vec::new();
    for (place, text, line) in &lines {
        out.push((*place, (*text).to_owned()));
        if let Line::Question(ticket_id, parts) = line {
            let facts = recording(&lines, place.0)?.facts_of(ticket_id);
            let rules = rules(&lines, revisions, place.0)?;
            let answer = explain(&(*ticket_id).into(), &facts, place.0, &rules);
            let answer =
                answer.map_or_else(|| "unknown".to_owned(), |it| output::answer(&it, parts));
            out.push((*place, format!("{} = {answer}", time(place.0))));
        }
    }
    let is_late = lines.iter().any(|(_, text, _)| is_late(text));
    let events = if is_late {
        let mut arrivals = Vec::new();
        for at in heard_at(&lines) {
            let facts = recording_of(&lines, |heard_at| heard_at == at)?.facts;
            arrivals.push((at, facts, Arc::new(rules(&lines, revisions, at)?)));
        }
        live::run(Rules::new(Arc::clone(&revisions[0].1)), arrivals, until)
    } else {
        let rules = Arc::new(rules(&lines, revisions, until)?);
        let facts = recording(&lines, until)?.facts;
        let by_one = Simulation::new(&rules, facts.clone(), until, 1);
        let (simulated, _) = simulate(&rules, facts, until);
        // However the recording is cut into steps, the same is decided.
        assert_eq!(by_one.flatten().collect::<Vec<_>>(), simulated.events);
        simulated.events
    };
    for (at, line) in output::lines(&events) {
        let place = (at, 1);
        let after = out.iter().rposition(|(other, _)| *other <= place);
        out.insert(after.map_or(0, |after| after + 1), (place, line));
    }
    Ok(out.into_iter().map(|(_, line)| line + "\n").collect())
}

/// The instants at which something is heard.
fn heard_at(lines: &[(Place, &str, Line<'_>)]) -> BTreeSet<Timestamp> {
    let heard = lines
        .iter()
        .filter(|(_, _, line)| matches!(line, Line::Heard(_)));
    heard.map(|(place, ..)| place.0).collect()
}

/// The events that are heard of up to an instant.
fn recording(lines: &[(Place, &str, Line<'_>)], until: Timestamp) -> Result<Recording, String> {
    recording_of(lines, |heard_at| heard_at <= until)
}

fn recording_of(
    lines: &[(Place, &str, Line<'_>)],
    is_meant: impl Fn(Timestamp) -> bool,
) -> Result<Recording, String> {
    let events = lines.iter().filter_map(|(place, _, line)| match line {
        Line::Heard(Heard::Events(events)) if is_meant(place.0) => Some(events.as_str()),
        Line::Heard(_) | Line::Note | Line::Question(..) | Line::End => None,
    });
    let events: String = events.collect();
    Recording::read(events.as_bytes()).map_err(|e| format!("{e}: {}", e.first))
}

/// The plans with the edits that are heard of up to an instant.
fn rules(
    lines: &[(Place, &str, Line<'_>)],
    revisions: &Revisions,
    until: Timestamp,
) -> Result<Rules, String> {
    let mut rules = Rules::new(Arc::clone(&revisions[0].1));
    for (place, _, line) in lines {
        if let Line::Heard(Heard::Edit(at, name)) = line
            && place.0 <= until
        {
            let edited = revisions.iter().find(|(other, _)| other == name);
            let (_, revision) = edited.ok_or_else(|| format!("no plans are called {name}"))?;
            rules = rules.with_edit(*at, Arc::clone(revision));
        }
    }
    Ok(rules)
}

fn is_late(text: &str) -> bool {
    split_time(text).is_ok_and(|(_, rest)| rest.starts_with("late "))
}

fn is_expectation(line: &str) -> bool {
    let mut words = line.split_whitespace().filter(|word| !is_day(word)).skip(1);
    matches!(words.next(), Some(">" | "="))
}

fn is_day(word: &str) -> bool {
    word.strip_prefix('d')
        .is_some_and(|day| day.parse::<i64>().is_ok())
}

fn parse<'a>(text: &'a str, before: Place) -> Result<(Place, Line<'a>), String> {
    if text.trim().is_empty() || text.starts_with('#') {
        return Ok((before, Line::Note));
    }
    let (at, rest) = split_time(text)?;
    match rest.split_once(' ') {
        None if rest == "end" => Ok(((at, 2), Line::End)),
        Some(("?", question)) => {
            let mut words = question.split_whitespace();
            let ticket_id = words.next().ok_or("a question names a ticket")?;
            Ok(((at, 2), Line::Question(ticket_id, words.collect())))
        }
        Some(("late", late)) => {
            let (then, rest) = split_time(late)?;
            Ok(((at, 0), Line::Heard(heard(then, rest)?)))
        }
        Some(_) => Ok(((at, 0), Line::Heard(heard(at, rest)?))),
        None => Err("a line has a time, a ticket and what happens".to_owned()),
    }
}

fn heard(at: Timestamp, rest: &str) -> Result<Heard, String> {
    match rest.split_once(' ') {
        Some(("edit", name)) => Ok(Heard::Edit(at, name.trim().to_owned())),
        Some((ticket_id, words)) => Ok(Heard::Events(events(ticket_id, at, words)?)),
        None => Err("a line has a time, a ticket and what happens".to_owned()),
    }
}

/// The events of one line: one, or with `40 times` in front so many, a minute apart.
fn events(ticket_id: &str, at: Timestamp, words: &str) -> Result<String, String> {
    let (count, words) = match words.split_once(" times ") {
        Some((count, words)) => (count.parse().map_err(|_| format!("{count} times"))?, words),
        None => (1, words),
    };
    let event = |n: i64| input::event(ticket_id, at.plus_millis(n * 60_000), words);
    (0..count).map(|n| Ok(event(n)? + "\n")).collect()
}

fn split_time(text: &str) -> Result<(Timestamp, &str), String> {
    let (first, rest) = text.split_once(' ').ok_or("a line begins with a time")?;
    if is_day(first) {
        let (clock, rest) = rest.split_once(' ').ok_or("a day is followed by a time")?;
        return Ok((instant(&format!("{first} {clock}"))?, rest));
    }
    Ok((instant(first)?, rest))
}

/// Reads `10:00`, `10:00:30` or `d2 10:00`.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let (day, clock) = text.split_once(' ').unwrap_or(("d1", text));
    let day: i64 = day[1..].parse().map_err(|_| "no day")?;
    let mut ms = 0;
    let mut unit_ms = 3_600_000;
    for part in clock.split(':') {
        let part: i64 = part.parse().map_err(|_| format!("{text} is no time"))?;
        ms += part * unit_ms;
        unit_ms /= 60;
    }
    Ok(Timestamp::from_millis(
        FIRST_DAY_MS + (day - 1) * DAY_MS + ms,
    ))
}

/// Writes what [`instant`] reads.
pub(super) fn time(at: Timestamp) -> String {
    let ms = at.as_millis() - FIRST_DAY_MS;
    let (day, seconds) = (ms.div_euclid(DAY_MS) + 1, ms.rem_euclid(DAY_MS) / 1000);
    let mut out = String::new();
    if day != 1 {
        write!(out, "d{day} ").unwrap();
    }
    write!(out, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60).unwrap();
    if seconds % 60 != 0 {
        write!(out, ":{:02}", seconds % 60).unwrap();
    }
    out
}

/// The lines that are expected and do not come about, and the reverse.
pub(super) fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let mut out = String::new();
    let same = expected
        .iter()
        .zip(&found)
        .take_while(|(a, b)| a == b)
        .count();
    let tail = expected[same..]
        .iter()
        .rev()
        .zip(found[same..].iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    for line in &expected[..same] {
        writeln!(out, "    {line}").unwrap();
    }
    for line in &expected[same..expected.len() - tail] {
        writeln!(out, "  - {line}").unwrap();
    }
    for line in &found[same..found.len() - tail] {
        writeln!(out, "  + {line}").unwrap();
    }
    for line in &expected[expected.len() - tail..] {
        writeln!(out, "    {line}").unwrap();
    }
    out
}
