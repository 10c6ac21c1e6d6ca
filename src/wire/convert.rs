//! The contract's rules for input events: from what stood in a record to a fact.
//!
//! The rules are the same for every format but two: JSON writes instants as text and tells an
//! explicit null from an absent field, Avro writes them as milliseconds and cannot.

use std::borrow::Cow;
use std::sync::Arc;

use escalator_engine::fact::{Activity, ActivityKind, Fact, TicketFact, kept_hash};
use escalator_engine::ticket::{Change, NumberField, Text, TextField};
use escalator_engine::time::Timestamp;

use super::dead_letter::{DeadLetterReason, Refusal};
use super::decode::Input;
use super::raw::{Labels, List, Nested, RawActivity, RawEvent, RawTicket, Scalar};

/// The longest ticket id, in bytes.
const TICKET_ID_BYTES_MAX: usize = 256;
/// The longest text, in bytes.
const TEXT_BYTES_MAX: usize = 4096;
/// The longest name of a label, in bytes.
const LABEL_NAME_BYTES_MAX: usize = 256;
/// The most tags and the most labels of one event.
const TAGS_MAX: usize = 200;
/// The most activities of one event. People do one or two things at a time, and what is sent of a whole day has
/// some dozens; but each can be told to everybody, with all fields of the ticket, so that one small event may
/// make as many large ones as it has activities.
const ACTIVITIES_MAX: usize = 1_000;
/// How far ahead of the clock an event may be dated, in milliseconds: 24 hours.
const AHEAD_MS_MAX: i64 = 86_400_000;

/// The formats of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Avro,
}

/// Where an event comes from and when it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) input: Input,
    pub(super) format: Format,
    pub(super) record_hash: i64,
    /// The id of the envelope, for events without one of their own.
    pub(super) id: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// A fact and what was ignored on the way.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) fact: TicketFact,
    pub(super) ignored: Ignored,
}

/// What an event held that means nothing to the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Fields that the contract does not name.
    pub fields: usize,
    /// Activities of unknown kinds.
    pub activities: usize,
    /// Entries of `unset` that name no field.
    pub unset: usize,
}

/// Applies the rules to one event.
pub(super) fn convert(context: Context<'_>, event: RawEvent<'_>) -> Result<Converted, Refusal> {
    let ticket_id = ticket_id(event.ticket_id)?;
    let occurred_at = occurred_at(context, event.occurred_at)?;
    // An empty id identifies nothing: all events that have one would be the same event.
    let is_some = |id: &Text| !id.is_empty();
    let event_id = text("event_id", event.event_id)?.filter(is_some);
    let event_id = match (event_id, context.id) {
        (None, Some(id)) => text("id", Scalar::Text(id.into()))?.filter(is_some),
        (event_id, _) => event_id,
    };
    let version = integer("version", event.version)?;
    let source = text("source", event.source)?.unwrap_or_default();
    let mut ignored = Ignored {
        fields: event.unknown_fields,
        ..Ignored::default()
    };
    let mut changes = Vec::new();
    let mut activities = Vec::new();
    match context.input {
        Input::Created => {
            ignored.fields += usize::from(!matches!(event.changes, Nested::Absent))
                + usize::from(!matches!(event.unset, Nested::Absent))
                + usize::from(!matches!(event.activities, Nested::Absent));
            let Some(ticket) = nested("ticket", "an object", event.ticket)? else {
                return Err(missing("ticket"));
            };
            ticket_changes(context, ticket, &mut changes, &mut ignored)?;
        }
        Input::Updated => {
            let has_ticket = !matches!(event.ticket, Nested::Absent);
            let says_nothing = matches!(event.changes, Nested::Absent)
                && matches!(event.unset, Nested::Absent)
                && matches!(event.activities, Nested::Absent);
            if has_ticket && says_nothing {
                // Read as an update it would lose all that it says.
                return Err(Refusal::new(
                    DeadLetterReason::WrongShape,
                    "this is a created event, with `ticket` instead of `changes`",
                ));
            }
            ignored.fields += usize::from(has_ticket);
            if let Some(ticket) = nested("changes", "an object", event.changes)? {
                ticket_changes(context, ticket, &mut changes, &mut ignored)?;
            }
            if let Some(List(names)) = nested("unset", "a list", event.unset)? {
                unset_changes(names, &mut changes, &mut ignored)?;
            }
            if let Some(List(list)) = nested("activities", "a list", event.activities)? {
                activities = convert_activities(context.format, list, &mut ignored)?;
            }
        }
    }
    let fact = Fact {
        occurred_at,
        version,
        record_hash: kept_hash(context.record_hash, event_id.is_some()),
        event_id,
        source,
        created: context.input == Input::Created,
        changes,
        activities,
    };
    Ok(Converted {
        fact: TicketFact {
            ticket_id,
            fact: Arc::new(fact),
        },
        ignored,
    })
}

fn ticket_id(value: Scalar<'_>) -> Result<Text, Refusal> {
    let id = text("ticket_id", value)?.ok_or_else(|| missing("ticket_id"))?;
    if id.is_empty() {
        return Err(Refusal::new(
            DeadLetterReason::WrongShape,
            "field `ticket_id` is empty",
        ));
    }
    if id.len() > TICKET_ID_BYTES_MAX {
        return Err(too_long("ticket_id", id.len(), TICKET_ID_BYTES_MAX));
    }
    Ok(id)
}

fn occurred_at(context: Context<'_>, value: Scalar<'_>) -> Result<Timestamp, Refusal> {
    let instant =
        instant(context.format, "occurred_at", value)?.ok_or_else(|| missing("occurred_at"))?;
    if instant.as_millis() < 0 {
        return Err(Refusal::new(
            DeadLetterReason::InstantOutOfRange,
            format!("field `occurred_at` is {instant}, before 1970"),
        ));
    }
    if instant > context.now.plus_millis(AHEAD_MS_MAX) {
        return Err(Refusal::new(
            DeadLetterReason::InstantOutOfRange,
            format!("field `occurred_at` is {instant}, more than 24 hours ahead of the clock"),
        ));
    }
    Ok(instant)
}

fn ticket_changes(
    context: Context<'_>,
    mut ticket: Box<RawTicket<'_>>,
    changes: &mut Vec<Change>,
    ignored: &mut Ignored,
) -> Result<(), Refusal> {
    // In a snapshot and in Avro, null says that the event does not mention the field.
    let null_empties = context.input == Input::Updated && context.format == Format::Json;
    ignored.fields += ticket.unknown_fields;
    for (field, value) in TextField::ALL.into_iter().zip(&mut ticket.texts) {
        match value {
            Scalar::Absent => {}
            Scalar::Null => {
                if null_empties {
                    changes.push(Change::Text(field, None));
                }
            }
            Scalar::Integer(_) | Scalar::Real(_) | Scalar::Text(_) | Scalar::Other(_) => {
                let text = text(field.name(), std::mem::take(value))?;
                changes.push(Change::Text(field, text));
            }
        }
    }
    for (field, value) in [
        (NumberField::Severity, ticket.severity),
        (NumberField::Satisfaction, ticket.satisfaction),
    ] {
        match number(field, &value)? {
            Some(number) => changes.push(Change::Number(field, Some(number))),
            None if null_empties && matches!(value, Scalar::Null) => {
                changes.push(Change::Number(field, None));
            }
            None => {}
        }
    }
    tag_changes(context, null_empties, ticket.tags, changes)?;
    label_changes(null_empties, ticket.labels, changes)
}

fn tag_changes(
    context: Context<'_>,
    null_empties: bool,
    tags: Nested<List<Scalar<'_>>>,
    changes: &mut Vec<Change>,
) -> Result<(), Refusal> {
    if null_empties && matches!(tags, Nested::Null) {
        changes.push(Change::Tags(Vec::new()));
    }
    let Some(List(tags)) = nested("tags", "a list", tags)? else {
        return Ok(());
    };
    // The empty array is Avro's default for a field that is not mentioned.
    if tags.is_empty() && context.format == Format::Avro {
        return Ok(());
    }
    if tags.len() > TAGS_MAX {
        return Err(too_many("tags", tags.len(), TAGS_MAX));
    }
    let tags = tags
        .into_iter()
        .map(|tag| text("tags", tag)?.ok_or_else(|| wrong_type("tags", "a list of texts", "null")))
        .collect::<Result<_, _>>()?;
    changes.push(Change::Tags(tags));
    Ok(())
}

fn label_changes(
    null_empties: bool,
    labels: Nested<Labels<'_>>,
    changes: &mut Vec<Change>,
) -> Result<(), Refusal> {
    if null_empties && matches!(labels, Nested::Null) {
        changes.push(Change::ClearLabels);
    }
    let Some(Labels(labels)) = nested("labels", "an object", labels)? else {
        return Ok(());
    };
    if labels.len() > TAGS_MAX {
        return Err(too_many("labels", labels.len(), TAGS_MAX));
    }
    for (name, value) in labels {
        if name.len() > LABEL_NAME_BYTES_MAX {
            return Err(too_long(
                "the name of labels[]",
                name.len(),
                LABEL_NAME_BYTES_MAX,
            ));
        }
        changes.push(Change::Label(Text::from(&*name), text("labels[]", value)?));
    }
    Ok(())
}

fn unset_changes(
    names: Vec<Scalar<'_>>,
    changes: &mut Vec<Change>,
    ignored: &mut Ignored,
) -> Result<(), Refusal> {
    for name in names {
        let name = match name {
            Scalar::Text(name) => name,
            Scalar::Absent
            | Scalar::Null
            | Scalar::Integer(_)
            | Scalar::Real(_)
            | Scalar::Other(_) => {
                return Err(wrong_type("unset", "a list of field names", name.words()));
            }
        };
        match unset_change(&name) {
            Some(change) => changes.push(change),
            None => ignored.unset += 1,
        }
    }
    Ok(())
}

fn unset_change(name: &str) -> Option<Change> {
    if let Some(field) = TextField::named(name) {
        return Some(Change::Text(field, None));
    }
    if let Some(field) = NumberField::named(name) {
        return Some(Change::Number(field, None));
    }
    match name {
        "tags" => Some(Change::Tags(Vec::new())),
        "labels" => Some(Change::ClearLabels),
        _ => {
            let label = name.strip_prefix("labels.")?;
            (label.len() <= LABEL_NAME_BYTES_MAX).then(|| Change::Label(Text::from(label), None))
        }
    }
}

fn convert_activities(
    format: Format,
    list: Vec<Nested<RawActivity<'_>>>,
    ignored: &mut Ignored,
) -> Result<Vec<Activity>, Refusal> {
    if list.len() > ACTIVITIES_MAX {
        return Err(too_many("activities", list.len(), ACTIVITIES_MAX));
    }
    let mut activities = Vec::with_capacity(list.len());
    for activity in list {
        let Some(raw) = nested("activities", "a list of objects", activity)? else {
            return Err(wrong_type("activities", "a list of objects", "null"));
        };
        ignored.fields += raw.unknown_fields;
        let kind = match raw.kind {
            Scalar::Text(name) => ActivityKind::named(&name),
            Scalar::Absent | Scalar::Null => return Err(missing("activities[].kind")),
            Scalar::Integer(_) | Scalar::Real(_) | Scalar::Other(_) => {
                return Err(wrong_type("activities[].kind", "a text", raw.kind.words()));
            }
        };
        let actor = text("activities[].actor", raw.actor)?;
        let level = integer("activities[].level", raw.level)?;
        let until = instant(format, "activities[].until", raw.until)?;
        let note = checked("activities[].note", raw.note)?;
        let Some(kind) = kind else {
            ignored.activities += 1;
            continue;
        };
        // What people write to each other is most of what they send, and decides nothing.
        let note = note.filter(|_| kind.gives_reasons());
        activities.push(Activity {
            kind,
            actor,
            level,
            until,
            note: note.map(|note| Text::from(&*note)),
        });
    }
    Ok(activities)
}

fn text(field: &str, value: Scalar<'_>) -> Result<Option<Text>, Refusal> {
    let text = checked(field, value)?;
    Ok(text.map(|text| Text::from(&*text)))
}

/// A text where it lies.
fn checked<'a>(field: &str, value: Scalar<'a>) -> Result<Option<Cow<'a, str>>, Refusal> {
    match value {
        Scalar::Absent | Scalar::Null => Ok(None),
        Scalar::Text(text) if text.len() > TEXT_BYTES_MAX => {
            Err(too_long(field, text.len(), TEXT_BYTES_MAX))
        }
        Scalar::Text(text) => Ok(Some(text)),
        Scalar::Integer(_) | Scalar::Real(_) | Scalar::Other(_) => {
            Err(wrong_type(field, "a text", value.words()))
        }
    }
}

fn integer(field: &str, value: Scalar<'_>) -> Result<Option<i64>, Refusal> {
    match value {
        Scalar::Absent | Scalar::Null => Ok(None),
        Scalar::Integer(number) => Ok(Some(number)),
        Scalar::Real(_) | Scalar::Text(_) | Scalar::Other(_) => Err(wrong_type(
            field,
            "a whole number of 64 bits",
            value.words(),
        )),
    }
}

fn number(field: NumberField, value: &Scalar<'_>) -> Result<Option<f64>, Refusal> {
    let name = field.name();
    let number = match *value {
        Scalar::Absent | Scalar::Null => return Ok(None),
        Scalar::Integer(number) => number as f64,
        Scalar::Real(number) => number,
        Scalar::Text(_) | Scalar::Other(_) => {
            return Err(wrong_type(name, "a number", value.words()));
        }
    };
    if !number.is_finite() {
        return Err(wrong_type(name, "a number", "not a finite one"));
    }
    if field == NumberField::Satisfaction && !(0.0..=1.0).contains(&number) {
        return Err(wrong_type(name, "a number from 0 to 1", "outside of it"));
    }
    // Minus zero equals zero but prints and encodes otherwise; the same fact must stay the same.
    Ok(Some(number + 0.0))
}

fn instant(format: Format, field: &str, value: Scalar<'_>) -> Result<Option<Timestamp>, Refusal> {
    const EXPECTED: &str = "an instant in RFC 3339, as in 2026-11-23T09:00:00Z";
    match value {
        Scalar::Absent | Scalar::Null => Ok(None),
        Scalar::Integer(ms) if format == Format::Avro => Ok(Some(Timestamp::from_millis(ms))),
        Scalar::Text(text) => Timestamp::parse(&text)
            .map(Some)
            .map_err(|_| wrong_type(field, EXPECTED, "another text")),
        Scalar::Integer(_) | Scalar::Real(_) | Scalar::Other(_) => {
            Err(wrong_type(field, EXPECTED, value.words()))
        }
    }
}

fn nested<T>(field: &str, expected: &str, value: Nested<T>) -> Result<Option<T>, Refusal> {
    match value {
        Nested::Absent | Nested::Null => Ok(None),
        Nested::Is(inner) => Ok(Some(inner)),
        Nested::Other(words) => Err(wrong_type(field, expected, words)),
    }
}

impl Scalar<'_> {
    /// What it is, for people; never its content.
    const fn words(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Null => "null",
            Self::Integer(_) | Self::Real(_) => "a number",
            Self::Text(_) => "a text",
            Self::Other(words) => words,
        }
    }
}

fn missing(field: &str) -> Refusal {
    Refusal::new(
        DeadLetterReason::WrongShape,
        format!("field `{field}` is missing"),
    )
}

fn wrong_type(field: &str, expected: &str, found: &str) -> Refusal {
    Refusal::new(
        DeadLetterReason::WrongType,
        format!("field `{field}` must be {expected}; it is {found}"),
    )
}

fn too_long(field: &str, bytes: usize, bytes_max: usize) -> Refusal {
    Refusal::new(
        DeadLetterReason::TooLarge,
        format!("field `{field}` has {bytes} bytes; at most {bytes_max} are accepted"),
    )
}

fn too_many(field: &str, count: usize, count_max: usize) -> Refusal {
    Refusal::new(
        DeadLetterReason::TooLarge,
        format!("field `{field}` has {count} entries; at most {count_max} are accepted"),
    )
}
