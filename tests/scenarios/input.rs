//! Events of a timeline as lines of an event file, so that they are read as any other.

use escalator_engine::fact::ActivityKind;
use escalator_engine::time::Timestamp;
use serde_json::{Map, Value, json};

use super::timeline;

/// The line of one event, from words such as `created status=open` or `acknowledge by=ann`.
pub(super) fn event(ticket_id: &str, at: Timestamp, text: &str) -> Result<String, String> {
    let mut event = Map::new();
    event.insert("ticket_id".to_owned(), json!(ticket_id));
    event.insert("occurred_at".to_owned(), json!(at.to_string()));
    let mut fields = Map::new();
    let mut activities: Vec<Map<String, Value>> = Vec::new();
    let mut is_created = false;
    for word in words(text) {
        match word.split_once('=') {
            None if word == "created" => is_created = true,
            None => {
                ActivityKind::named(&word).ok_or_else(|| format!("{word} is no activity"))?;
                activities.push(Map::from_iter([("kind".to_owned(), json!(word))]));
            }
            Some((name @ ("by" | "level" | "until" | "note"), value)) => {
                let activity = activities.last_mut().ok_or("of no activity")?;
                let (name, value) = activity_field(name, value)?;
                activity.insert(name.to_owned(), value);
            }
            Some(("id", value)) => {
                event.insert("event_id".to_owned(), json!(value));
            }
            Some(("version", value)) => {
                event.insert("version".to_owned(), number(value)?);
            }
            Some(("unset", value)) => {
                event.insert("unset".to_owned(), list(value));
            }
            Some((name, value)) => field(&mut fields, name, value)?,
        }
    }
    let topic = if is_created {
        event.insert("ticket".to_owned(), Value::Object(fields));
        "ticket-created"
    } else {
        event.insert("changes".to_owned(), Value::Object(fields));
        event.insert("activities".to_owned(), json!(activities));
        "ticket-updated"
    };
    Ok(json!({ "topic": topic, "value": event }).to_string())
}

/// Splits at blanks that do not stand in quotation marks, and drops the marks.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn activity_field<'a>(name: &'a str, value: &str) -> Result<(&'a str, Value), String> {
    Ok(match name {
        "by" => ("actor", json!(value)),
        "level" => ("level", number(value)?),
        "until" => ("until", json!(timeline::instant(value)?.to_string())),
        _ => (name, json!(value)),
    })
}

/// A field of the ticket; nothing after the equals sign empties it.
fn field(fields: &mut Map<String, Value>, name: &str, value: &str) -> Result<(), String> {
    let is_empty = value.is_empty();
    if let Some(label) = name.strip_prefix("labels.") {
        let labels = fields.entry("labels").or_insert_with(|| json!({}));
        labels[label] = if is_empty { Value::Null } else { json!(value) };
        return Ok(());
    }
    let value = match name {
        _ if is_empty => Value::Null,
        "tags" => list(value),
        "severity" | "satisfaction" => number(value)?,
        _ => json!(value),
    };
    fields.insert(name.to_owned(), value);
    Ok(())
}

fn list(value: &str) -> Value {
    json!(value.split(',').collect::<Vec<_>>())
}

fn number(value: &str) -> Result<Value, String> {
    serde_json::from_str(value).map_err(|_| format!("{value} is no number"))
}
