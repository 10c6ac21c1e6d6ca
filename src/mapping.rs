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

use escalator_engine::ticket::{NumberField, TextField};
use serde_json::{Map, Value as Json};

pub use condition::{Condition, Test};
pub use path::{Path, PathError};
pub use value::{Choice, Form, Origin, Value};

use value::Unfit;

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
    /// One that holds a number.
    Number(NumberField),
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
        let (mut event, own_id) = self.head(record)?;
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

    /// The fields of the event itself, and the ticket's id as the ticketing system has it.
    fn head(&self, record: &Json) -> Result<(Map<String, Json>, Option<String>), Error> {
        let head = &self.head;
        let mut event = Map::new();
        event.insert("source".to_owned(), self.source.as_str().into());
        let id = self.read("", "ticket_id", &head.ticket_id, record, Value::id)?;
        let own_id = id.map(|[id, own]| {
            event.insert("ticket_id".to_owned(), id.into());
            own
        });
        let fields: [Optional<'_>; 3] = [
            ("occurred_at", Some(&head.occurred_at), Value::instant),
            ("event_id", head.event_id.as_ref(), Value::text),
            ("version", head.version.as_ref(), Value::version),
        ];
        self.fill(&mut event, "", fields, record)?;
        Ok((event, own_id))
    }

    fn ticket(&self, is_created: bool, record: &Json) -> Result<Json, Error> {
        let mut ticket = Map::new();
        let mut labels = Map::new();
        for (field, value) in &self.fields {
            let (object, at, name, read): (_, _, _, Reading) = match field {
                Field::Text(field) => (&mut ticket, "", field.name(), Value::text),
                Field::Number(field) => (&mut ticket, "", field.name(), Value::number),
                Field::Tags => (&mut ticket, "", "tags", Value::texts),
                Field::Label(name) => (&mut labels, "labels.", &**name, Value::text),
            };
            let found = self.read(at, name, value, record, read)?;
            // A snapshot does not mention what is empty.
            let found = found.filter(|found| !(is_created && found.is_null()));
            object.extend(found.map(|found| (name.to_owned(), found)));
        }
        if !labels.is_empty() {
            ticket.insert("labels".to_owned(), labels.into());
        }
        Ok(ticket.into())
    }

    fn activity(&self, activity: &Activity, record: &Json) -> Result<Json, Error> {
        let mut done = Map::new();
        done.insert("kind".to_owned(), activity.kind.as_str().into());
        let fields: [Optional<'_>; 4] = [
            ("actor", activity.actor.as_ref(), Value::text),
            ("level", activity.level.as_ref(), Value::number),
            ("until", activity.until.as_ref(), Value::instant),
            ("note", activity.note.as_ref(), Value::text),
        ];
        self.fill(&mut done, "activities[].", fields, record)?;
        Ok(done.into())
    }

    /// Adds fields of which null and absent mean the same.
    fn fill<'v>(
        &self,
        object: &mut Map<String, Json>,
        at: &str,
        fields: impl IntoIterator<Item = Optional<'v>>,
        record: &Json,
    ) -> Result<(), Error> {
        for (name, value, read) in fields {
            let Some(value) = value else { continue };
            let found = self.read(at, name, value, record, read)?;
            let found = found.filter(|found| !found.is_null());
            object.extend(found.map(|found| (name.to_owned(), found)));
        }
        Ok(())
    }

    /// Reads a value for a field of this name, below what is written before it.
    fn read<T>(
        &self,
        at: &str,
        name: &str,
        value: &Value,
        record: &Json,
        read: impl Fn(&Value, &Json) -> Result<T, Unfit>,
    ) -> Result<T, Error> {
        read(value, record).map_err(|unfit| Error {
            mapping: self.name.clone(),
            field: format!("{at}{name}"),
            expected: unfit.expected,
            place: value.place(),
            found: unfit.found,
        })
    }
}

/// How a value is read: none when the record does not say, null when the field is empty.
type Reading = fn(&Value, &Json) -> Result<Option<Json>, Unfit>;

/// A field by its name, the value that it has in a mapping, and how that is read.
type Optional<'v> = (&'static str, Option<&'v Value>, Reading);
