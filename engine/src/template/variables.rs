//! What a template can name: each value is made only when it is asked for.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::decision::{Decision, Telling};
use crate::effect::{Cause, Purpose};
use crate::reason;
use crate::ticket::{Text, TextField, Ticket};
use crate::time::Timestamp;

/// The name of the variable that has parts.
pub(super) const TICKET: &str = "ticket";

/// The names of the variables.
pub const VARIABLES: [&str; 10] = [
    TICKET,
    "plan",
    "level",
    "level_name",
    "purpose",
    "reason",
    "note",
    "due_at",
    "deadline",
    "now",
];

/// The values of the variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Variables {
    /// The ticket's id.
    pub ticket_id: Text,
    /// The ticket as it stood.
    pub ticket: Arc<Ticket>,
    /// The name of the plan.
    pub plan: Text,
    /// The level that the notification is about; 0 before any.
    pub level: u32,
    /// Its name, where there is one.
    pub level_name: Option<Text>,
    /// Why somebody is told.
    pub purpose: Purpose,
    /// Why it was decided.
    pub cause: Cause,
    /// Who did it, where somebody did.
    pub actor: Option<Text>,
    /// Why they did it.
    pub note: Option<Text>,
    /// When it was due.
    pub due_at: Timestamp,
    /// Where a mark of a timeframe is the cause, when the time of that is over or was, as things stood.
    pub deadline: Option<Timestamp>,
    /// When in-order reading decides it: never the time of sending, so that a text is the same after
    /// an outage.
    pub now: Timestamp,
}

impl Variables {
    /// The values for somebody who is told of a decision.
    #[must_use]
    pub fn new(ticket_id: &Text, decision: &Decision, telling: &Telling) -> Self {
        let level = (telling.level as usize).checked_sub(1);
        let level = level.and_then(|index| decision.plan.path.get(index));
        Self {
            ticket_id: ticket_id.clone(),
            ticket: Arc::clone(&decision.ticket),
            plan: decision.plan.name.clone(),
            level: telling.level,
            level_name: level.map(|level| level.name.clone()),
            purpose: telling.purpose,
            cause: decision.cause.clone(),
            actor: decision.actor.clone(),
            note: decision.note.clone(),
            due_at: decision.due_at,
            deadline: decision.deadline,
            now: decision.decided_at,
        }
    }
}

impl Object for Variables {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            TICKET => Value::from_object(TicketValue {
                id: self.ticket_id.clone(),
                ticket: Arc::clone(&self.ticket),
            }),
            "plan" => Value::from(self.plan.as_str()),
            "level" => Value::from(self.level),
            "level_name" => text(self.level_name.as_ref()),
            "purpose" => Value::from(self.purpose.name()),
            "reason" => {
                let actor = self.actor.as_deref();
                Value::from(reason::because(&self.cause, self.due_at, actor))
            }
            "note" => text(self.note.as_ref()),
            "due_at" => Value::from(self.due_at.to_string()),
            "deadline" => self.deadline.map_or_else(
                || Value::from(()),
                |deadline| Value::from(deadline.to_string()),
            ),
            "now" => Value::from(self.now.to_string()),
            _ => return None,
        })
    }
}

/// The ticket and its id.
#[derive(Debug)]
struct TicketValue {
    id: Text,
    ticket: Arc<Ticket>,
}

impl Object for TicketValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "id" => Value::from(self.id.as_str()),
            "severity" => number(self.ticket.severity),
            "satisfaction" => number(self.ticket.satisfaction),
            "tags" => Value::from_object(TagsValue(Arc::clone(&self.ticket))),
            "labels" => Value::from_object(LabelsValue(Arc::clone(&self.ticket))),
            name => text(self.ticket.text(TextField::named(name)?)),
        })
    }
}

/// The tags of a ticket.
#[derive(Debug)]
struct TagsValue(Arc<Ticket>);

impl Object for TagsValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let tag = self.0.tags.get(key.as_usize()?)?;
        Some(Value::from(tag.as_str()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.tags.len())
    }
}

/// The labels of a ticket in order of name. Any name can be asked for: labels come and go with the
/// ticketing system, and a template has to work without them, too.
#[derive(Debug)]
struct LabelsValue(Arc<Ticket>);

impl Object for LabelsValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(text(self.0.labels.get(key)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.0.labels.keys().map(|name| name.as_str());
        Enumerator::Values(names.map(Value::from).collect())
    }
}

fn text(value: Option<&Text>) -> Value {
    value.map_or_else(|| Value::from(()), |text| Value::from(text.as_str()))
}

/// A number as people write it: whole when it is whole.
pub(super) fn number(value: Option<f64>) -> Value {
    /// Whole numbers up to here are exact in a double.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        None => Value::from(()),
        Some(number) if number.fract() == 0.0 && number.abs() <= EXACT_MAX => {
            Value::from(number as i64)
        }
        Some(number) => Value::from(number),
    }
}
