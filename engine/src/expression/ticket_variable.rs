//! The ticket as CEL sees it: each field is made into a value only when it is asked for, and what has many
//! parts only once: a macro may ask for it again for each of hundreds.

use std::collections::HashMap;
use std::sync::OnceLock;

use cel::common::types::{CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use crate::condition::{Field, Subject};
use crate::ticket::Text;

/// The one variable.
pub(super) const TICKET: &str = "ticket";

/// Whether expressions know a field of that name.
pub(super) fn is_field(name: &str) -> bool {
    name == "labels" || (!name.contains('.') && Field::named(name).is_some())
}

/// The fields of a ticket as variables `ticket.FIELD`.
pub(super) struct TicketVariable<'a> {
    subject: Subject<'a>,
    tags: OnceLock<CelList<'a>>,
    labels: OnceLock<CelMap<'a>>,
}

impl VariableResolver for TicketVariable<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let name = variable.strip_prefix(TICKET)?.strip_prefix('.')?;
        if name == "labels" {
            return Some(self.labels());
        }
        if name.contains('.') {
            return None;
        }
        Some(self.field(&Field::named(name)?))
    }
}

impl<'a> TicketVariable<'a> {
    /// The variable of an evaluation.
    pub(super) const fn new(subject: Subject<'a>) -> Self {
        Self {
            subject,
            tags: OnceLock::new(),
            labels: OnceLock::new(),
        }
    }

    fn field<'b>(&'b self, field: &Field) -> CowVal<'b, 'b> {
        match field {
            Field::Tags => CowVal::Borrowed(self.tags.get_or_init(|| {
                let tags = self.subject.ticket.tags.iter();
                CelList::from(tags.map(text).collect::<Vec<_>>())
            })),
            Field::Counter(counter) => {
                CowVal::owned(CelInt::from(i64::from(self.subject.count(*counter))))
            }
            Field::Number(_) => match self.subject.number(field) {
                Some(number) => CowVal::owned(CelDouble::from(number)),
                None => CowVal::owned(CelNull),
            },
            Field::Text(_) | Field::Label(_) | Field::StatusCategory => {
                match self.subject.text(field) {
                    Some(text) => CowVal::owned(CelString::from(text)),
                    None => CowVal::owned(CelNull),
                }
            }
        }
    }

    fn labels<'b>(&'b self) -> CowVal<'b, 'b> {
        CowVal::Borrowed(self.labels.get_or_init(|| {
            let labels = self.subject.ticket.labels.iter();
            let entries: HashMap<_, _> = labels
                .map(|(name, value)| (CelMapKey::from(&**name), text(value)))
                .collect();
            CelMap::from(entries)
        }))
    }
}

fn text<'b>(text: &'b Text) -> Box<dyn Val + 'b> {
    Box::new(CelString::from(&**text))
}
