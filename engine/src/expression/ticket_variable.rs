//! The ticket as CEL sees it: each field is made into a value only when it is asked for.

use std::collections::HashMap;

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
pub(super) struct TicketVariable<'a>(pub(super) Subject<'a>);

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

impl TicketVariable<'_> {
    fn field<'b>(&'b self, field: &Field) -> CowVal<'b, 'b> {
        match field {
            Field::Tags => {
                let tags = self.0.ticket.tags.iter();
                CowVal::owned(CelList::from(tags.map(|tag| text(tag)).collect::<Vec<_>>()))
            }
            Field::Counter(counter) => {
                CowVal::owned(CelInt::from(i64::from(self.0.count(*counter))))
            }
            Field::Number(_) => match self.0.number(field) {
                Some(number) => CowVal::owned(CelDouble::from(number)),
                None => CowVal::owned(CelNull),
            },
            Field::Text(_) | Field::Label(_) | Field::StatusCategory => match self.0.text(field) {
                Some(text) => CowVal::owned(CelString::from(text)),
                None => CowVal::owned(CelNull),
            },
        }
    }

    fn labels<'b>(&'b self) -> CowVal<'b, 'b> {
        let labels = self.0.ticket.labels.iter();
        let entries: HashMap<_, _> = labels
            .map(|(name, value)| (CelMapKey::from(&**name), text(value)))
            .collect();
        CowVal::owned(CelMap::from(entries))
    }
}

fn text<'b>(text: &'b Text) -> Box<dyn Val + 'b> {
    Box::new(CelString::from(&**text))
}
