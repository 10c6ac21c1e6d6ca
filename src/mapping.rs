//! Mappings: the JSON that a ticketing system writes, to the events of the contract.
//!
//! A mapping says which records it is for, and where in them each field of an event is. What it
//! makes is an event as a producer of its own would have written it; the rules of events are applied
//! to that as to any other. Nothing here reads a clock or a file, and nothing fails but for a record
//! in which something is not what its field needs.

mod condition;
mod path;
#[cfg(test)]
mod tests;
mod value;

use escalator_engine::ticket::TextField;
use serde_json::{Map, Value as Json};

pub use condition::{Condition, Test};
pub use path::{Path, PathError};
pub use value::{Choice, Form, From, Value};

/// The mappings of a service in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mappings(Vec<Mapping>);

/// How the records of one ticketing system are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// What people call it.
    pub name: String,
    /// Which records it is for.
    pub matches: Condition,
    /// Which of these say nothing of a ticket.
    pub ignore: Option<Condition>,
    /// Which of these are created events; those in the topic of created events without it.
    pub created: Option<Condition>,
    /// The source of the events.
    pub source: String,
    /// The fields of the event itself.
    pub head: Head,
    /// The fields of the ticket.
    pub fields: Vec<(Field, Value)>,
    /// What people did, in their order.
    pub activities: Vec<Activity>,
}

/// The fields of an event itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The ticket's id.
    pub ticket_id: Value,
    /// When it happened.
    pub occurred_at: Value,
    /// The identity of the event.
    pub event_id: Option<Value>,
    /// The order of events of one instant.
    pub version: Option<Value>,
}

/// A field of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// One that holds a text.
    Text(TextField),
    /// `severity` or `satisfaction`.
    Number(&'static str),
    /// The tags.
    Tags,
    /// A label.
    Label(String),
}

/// What somebody did, if the condition holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// When it was done; always without one.
    pub when: Option<Condition>,
    /// Its kind, a word of the contract.
    pub kind: String,
    /// Who did it.
    pub actor: Option<Value>,
    /// The level that it names.
    pub level: Option<Value>,
    /// The instant that it names.
    pub until: Option<Value>,
    /// What was written.
    pub note: Option<Value>,
}

/// What a mapping makes of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An event.
    Event(Mapped),
    /// Nothing: it says nothing of a ticket.
    Ignored,
}

/// An event of the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapped {
    /// The name of the mapping that made it.
    pub mapping: String,
    /// Whether it is a created event.
    pub is_created: bool,
    /// Its value in JSON.
    pub value: Json,
    /// The ticket's id as the ticketing system has it.
    pub own_id: Option<String>,
}

/// A record in which something is not what its field needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mapping `{mapping}`: field `{field}` must be {expected}; {place} is {found}")]
pub struct Error {
    mapping: String,
    field: String,
    expected: &'static str,
    place: String,
    found: &'static str,
}

impl Mappings {
    /// Mappings, of which the first whose condition holds takes a record.
    #[must_use]
    pub const fn new(mappings: Vec<Mapping>) -> Self {
        Self(mappings)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that is for a record, if any is.
    #[must_use]
    pub fn of(&self, record: &Json) -> Option<&Mapping> {
        self.0.iter().find(|mapping| mapping.matches.holds(record))
    }
}

impl Mapping {
    /// What becomes of a record that is for this mapping, and lies in the topic of created events or
    /// in that of updates.
    ///
    /// # Errors
    /// Something in it is not what its field needs.
    pub fn apply(&self, in_created: bool, record: &Json) -> Result<Outcome, Error> {
        if self.ignore.as_ref().is_some_and(|it| it.holds(record)) {
            return Ok(Outcome::Ignored);
        }
        let created = self.created.as_ref();
        let is_created = created.map_or(in_created, |it| it.holds(record));
        let own_id = self.read("ticket_id", &self.head.ticket_id, record, Value::own_text)?;
        let mut event = self.head(record)?;
        let ticket = self.ticket(is_created, record)?;
        if is_created {
            event.insert("ticket".to_owned(), ticket);
        } else {
            event.insert("changes".to_owned(), ticket);
            let activities = self.activities.iter();
            let done = activities.filter(|it| it.when.as_ref().is_none_or(|it| it.holds(record)));
            let done: Vec<_> = done
                .map(|it| self.activity(it, record))
                .collect::<Result<_, _>>()?;
            if !done.is_empty() {
                event.insert("activities".to_owned(), done.into());
            }
        }
        Ok(Outcome::Event(Mapped {
            mapping: self.name.clone(),
            is_created,
            value: event.into(),
            own_id,
        }))
    }

    fn head(&self, record: &Json) -> Result<Map<String, Json>, Error> {
        let head = &self.head;
        let mut event = Map::new();
        event.insert("source".to_owned(), self.source.as_str().into());
        let ticket_id = self.read("ticket_id", &head.ticket_id, record, Value::text)?;
        put(&mut event, "ticket_id", ticket_id);
        let occurred_at = self.read("occurred_at", &head.occurred_at, record, Value::instant)?;
        put(&mut event, "occurred_at", occurred_at);
        if let Some(value) = &head.event_id {
            put(
                &mut event,
                "event_id",
                self.read("event_id", value, record, Value::text)?,
            );
        }
        if let Some(value) = &head.version {
            put(
                &mut event,
                "version",
                self.read("version", value, record, Value::version)?,
            );
        }
        // Null and absent are the same here.
        event.retain(|_, value| !value.is_null());
        Ok(event)
    }

    fn ticket(&self, is_created: bool, record: &Json) -> Result<Json, Error> {
        let mut ticket = Map::new();
        let mut labels = Map::new();
        for (field, value) in &self.fields {
            let (name, read) = match field {
                Field::Text(field) => (
                    field.name(),
                    self.read(field.name(), value, record, Value::text)?,
                ),
                Field::Number(name) => (*name, self.read(name, value, record, Value::number)?),
                Field::Tags => ("tags", self.read("tags", value, record, Value::texts)?),
                Field::Label(name) => {
                    let read = self.read(&format!("labels.{name}"), value, record, Value::text)?;
                    put(&mut labels, name, read);
                    continue;
                }
            };
            put(&mut ticket, name, read);
        }
        if is_created {
            // A snapshot does not mention what is empty.
            ticket.retain(|_, value| !value.is_null());
            labels.retain(|_, value| !value.is_null());
        }
        if !labels.is_empty() {
            ticket.insert("labels".to_owned(), labels.into());
        }
        Ok(ticket.into())
    }

    fn activity(&self, activity: &Activity, record: &Json) -> Result<Json, Error> {
        let mut done = Map::new();
        done.insert("kind".to_owned(), activity.kind.as_str().into());
        if let Some(value) = &activity.actor {
            put(
                &mut done,
                "actor",
                self.read("activities[].actor", value, record, Value::text)?,
            );
        }
        if let Some(value) = &activity.level {
            put(
                &mut done,
                "level",
                self.read("activities[].level", value, record, Value::number)?,
            );
        }
        if let Some(value) = &activity.until {
            let until = self.read("activities[].until", value, record, Value::instant)?;
            put(&mut done, "until", until);
        }
        if let Some(value) = &activity.note {
            put(
                &mut done,
                "note",
                self.read("activities[].note", value, record, Value::text)?,
            );
        }
        done.retain(|_, value| !value.is_null());
        Ok(done.into())
    }

    fn read<T>(
        &self,
        field: &str,
        value: &Value,
        record: &Json,
        read: impl Fn(&Value, &Json) -> Result<T, value::Unfit>,
    ) -> Result<T, Error> {
        read(value, record).map_err(|unfit| Error {
            mapping: self.name.clone(),
            field: field.to_owned(),
            expected: unfit.expected,
            place: value.place(),
            found: unfit.found,
        })
    }
}

fn put(object: &mut Map<String, Json>, name: &str, value: Option<Json>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}
