//! Which event out meets which expectation, and in what it differs.

use escalator_engine::ticket::Text;
use escalator_engine::time::{Duration, Timestamp};
use serde_json::Value as Json;

use super::run::Came;
use super::verdict::Difference;
use crate::plan_file::{Expectation, Wanted};

/// A time of a test as tests write it.
pub(super) fn offset(start: Timestamp, at: Timestamp) -> String {
    Duration::from_millis(at.millis_since(start)).to_string()
}

/// A time beside that of an expectation, as that is written.
pub(super) fn as_written(expected: &Expectation, start: Timestamp, at: Timestamp) -> String {
    if expected.is_instant {
        at.to_string()
    } else {
        offset(start, at)
    }
}

/// Gives each expectation an event of its own, as many of them as can be had: with several events
/// that meet it, an expectation takes none that another one needs.
pub(super) fn assign(expectations: &[Expectation], came: &[Came]) -> Vec<Option<usize>> {
    let meeting: Vec<Vec<usize>> = expectations
        .iter()
        .map(|expected| {
            let events = came.iter().enumerate();
            let events = events.filter(|(_, came)| {
                came.at == expected.at
                    && is_about(expected, came)
                    && differences(Timestamp::MIN, expected, came).is_empty()
            });
            events.map(|(index, _)| index).collect()
        })
        .collect();
    let mut taken_by: Vec<Option<usize>> = vec![None; came.len()];
    for expectation in 0..expectations.len() {
        let mut seen = vec![false; came.len()];
        take(expectation, &meeting, &mut taken_by, &mut seen);
    }
    let mut assigned = vec![None; expectations.len()];
    for (event, expectation) in taken_by.into_iter().enumerate() {
        if let Some(expectation) = expectation {
            assigned[expectation] = Some(event);
        }
    }
    assigned
}

/// Takes a free event, or one whose owner can take another.
fn take(
    expectation: usize,
    meeting: &[Vec<usize>],
    taken_by: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    let events = &meeting[expectation];
    if let Some(free) = events.iter().find(|event| taken_by[**event].is_none()) {
        taken_by[*free] = Some(expectation);
        return true;
    }
    for &event in events {
        if std::mem::replace(&mut seen[event], true) {
            continue;
        }
        let owner = taken_by[event];
        if owner.is_none_or(|owner| take(owner, meeting, taken_by, seen)) {
            taken_by[event] = Some(expectation);
            return true;
        }
    }
    false
}

/// Whether an event is of the type and the ticket that are expected.
pub(super) fn is_about(expected: &Expectation, came: &Came) -> bool {
    expected.kind == came.kind() && expected.ticket_id.as_ref() == came.ticket_id()
}

/// In what an event differs from what is expected of its type and ticket.
pub(super) fn differences(
    start: Timestamp,
    expected: &Expectation,
    came: &Came,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    if expected.at != came.at {
        differences.push(Difference {
            field: "at",
            expected: as_written(expected, start, expected.at),
            came: as_written(expected, start, came.at),
        });
    }
    for field in &expected.fields {
        let value = &came.value[field.name];
        if !meets(&field.wanted, value) {
            differences.push(Difference {
                field: field.name,
                expected: wanted(&field.wanted),
                came: match &field.wanted {
                    Wanted::Cause(_) => cause(value),
                    Wanted::Is(asked) => shown(&narrowed(asked, value)),
                    Wanted::Contains(_) => shown(value),
                },
            });
        }
    }
    if let Some(told) = &expected.told
        && !are_told(told, came)
    {
        differences.push(Difference {
            field: "notify",
            expected: listed(told.iter().map(|entry| entry.to_string())),
            came: listed(listeners(told, came).into_iter()),
        });
    }
    differences
}

fn meets(wanted: &Wanted, value: &Json) -> bool {
    match wanted {
        Wanted::Is(wanted) => is_same(wanted, value),
        Wanted::Contains(part) => value.as_str().is_some_and(|text| text.contains(part)),
        Wanted::Cause(text) => {
            let name = value["name"].as_str().unwrap_or_default();
            let mark = value["mark"].as_str().unwrap_or_default();
            value["kind"] == text.as_str()
                || (!name.is_empty() && *text == name)
                || (!mark.is_empty() && *text == format!("{name} {mark}"))
        }
    }
}

/// Whether a value is what is wanted: of a map the keys that are wanted, numbers by their value.
fn is_same(wanted: &Json, value: &Json) -> bool {
    match (wanted, value) {
        (Json::Object(wanted), Json::Object(value)) => wanted
            .iter()
            .all(|(key, wanted)| is_same(wanted, value.get(key).unwrap_or(&Json::Null))),
        (Json::Array(wanted), Json::Array(value)) => {
            wanted.len() == value.len() && wanted.iter().zip(value).all(|(a, b)| is_same(a, b))
        }
        (Json::Number(wanted), Json::Number(value)) => wanted.as_f64() == value.as_f64(),
        (wanted, value) => wanted == value,
    }
}

/// Of a map the part that is asked about.
fn narrowed(asked: &Json, value: &Json) -> Json {
    match (asked, value) {
        (Json::Object(asked), Json::Object(value)) => asked
            .keys()
            .map(|key| (key.clone(), value.get(key).cloned().unwrap_or_default()))
            .collect(),
        (_, value) => value.clone(),
    }
}

/// Whether exactly these are told: everybody who is told is listed, and all who are listed are.
fn are_told(listed: &[Text], came: &Came) -> bool {
    let is_listed = |entry: &Text, to: &str, channel: &str| {
        **entry == *to || **entry == *format!("{to}/{channel}")
    };
    let told = || came.told.iter();
    told().all(|it| listed.iter().any(|e| is_listed(e, &it.to, &it.channel)))
        && listed
            .iter()
            .all(|e| told().any(|it| is_listed(e, &it.to, &it.channel)))
}

/// Who was told, as precisely as the expectation asks.
fn listeners(asked: &[Text], came: &Came) -> Vec<String> {
    let names: Vec<String> = came.told.iter().map(|it| it.to.to_string()).collect();
    let is_by_name = asked
        .iter()
        .all(|entry| !entry.contains('/') || names.iter().any(|name| **name == **entry));
    let mut listeners = if is_by_name {
        names
    } else {
        let told = came.told.iter();
        told.map(|it| format!("{}/{}", it.to, it.channel)).collect()
    };
    let mut seen = std::collections::BTreeSet::new();
    listeners.retain(|listener| seen.insert(listener.clone()));
    listeners
}

/// What is wanted, in words.
pub(super) fn wanted(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Is(value) => shown(value),
        Wanted::Contains(part) => format!("containing “{part}”"),
        Wanted::Cause(text) => text.clone(),
    }
}

/// Entries in brackets, as tests write them.
pub(super) fn listed(entries: impl Iterator<Item = String>) -> String {
    format!("[{}]", entries.collect::<Vec<_>>().join(", "))
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(values) => listed(values.iter().map(shown)),
        Json::Object(map) => {
            let entries = map.iter();
            let entries = entries.map(|(key, value)| format!("{key}: {}", shown(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

fn cause(value: &Json) -> String {
    let words = ["name", "mark"].into_iter();
    let words: Vec<_> = words.filter_map(|key| value[key].as_str()).collect();
    let kind = value["kind"].as_str().unwrap_or_default();
    match words.len() {
        0 => kind.to_owned(),
        _ => format!("{} ({kind})", words.join(" ")),
    }
}
