//! Whether the fields of a ticket are what its facts make of them, without making them.

use std::sync::Arc;

use crate::fact::Fact;
use crate::ticket::{Change, NumberField, Text, TextField, Ticket};

/// Whether a ticket is what merging the changes of facts into another one gives.
pub(super) fn are_made_of(ticket: &Ticket, base: Option<&Ticket>, facts: &[Arc<Fact>]) -> bool {
    let changes = || facts.iter().flat_map(|fact| &fact.changes);
    let mut texts: [Option<&Text>; TextField::ALL.len()] = Default::default();
    let [mut severity, mut satisfaction] = [None, None];
    let mut tags: &[Text] = &[];
    if let Some(base) = base {
        texts = TextField::ALL.map(|field| base.text(field));
        (severity, satisfaction) = (base.severity, base.satisfaction);
        tags = &base.tags;
    }
    let mut has_labels = base.is_some_and(|base| !base.labels.is_empty());
    for change in changes() {
        match change {
            Change::Text(field, text) => texts[*field as usize] = text.as_ref(),
            Change::Number(NumberField::Severity, value) => severity = *value,
            Change::Number(NumberField::Satisfaction, value) => satisfaction = *value,
            Change::Tags(changed) => tags = changed,
            Change::Label(..) | Change::ClearLabels => has_labels = true,
        }
    }
    let is_text = |(field, text): (TextField, Option<&Text>)| same(ticket.text(field), text);
    let bits = |number: Option<f64>| number.map(f64::to_bits);
    TextField::ALL.into_iter().zip(texts).all(is_text)
        && bits(ticket.severity) == bits(severity)
        && bits(ticket.satisfaction) == bits(satisfaction)
        && *ticket.tags == *tags
        && if has_labels {
            are_labels(ticket, base, changes())
        } else {
            ticket.labels.is_empty()
        }
}

/// Most texts that are the same are one text.
fn same(a: Option<&Text>, b: Option<&Text>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The same for labels; not where some were left out because there were too many.
fn are_labels<'a>(
    ticket: &Ticket,
    base: Option<&'a Ticket>,
    changes: impl Iterator<Item = &'a Change>,
) -> bool {
    let base = base.iter().flat_map(|base| &base.labels);
    let mut labels: Vec<(&Text, &Text)> = base.collect();
    for change in changes {
        match change {
            Change::Label(name, value) => {
                let place = labels.binary_search_by_key(&name, |label| label.0);
                match (place, value) {
                    (Ok(place), Some(value)) => labels[place].1 = value,
                    (Ok(place), None) => drop(labels.remove(place)),
                    (Err(place), Some(value)) => labels.insert(place, (name, value)),
                    (Err(_), None) => {}
                }
            }
            Change::ClearLabels => labels.clear(),
            Change::Text(..) | Change::Number(..) | Change::Tags(_) => {}
        }
    }
    let is_same = |((a, a_value), (b, b_value)): ((&Text, &Text), (&Text, &Text))| {
        same(Some(a), Some(b)) && same(Some(a_value), Some(b_value))
    };
    labels.len() == ticket.labels.len()
        && labels.len() <= crate::ticket::LABELS_MAX
        && labels.into_iter().zip(&ticket.labels).all(is_same)
}
