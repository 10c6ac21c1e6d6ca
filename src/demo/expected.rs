//! What simulation says about the very same events, and whether the service has said the same.
//!
//! Ids are compared, per ticket and in order: an id is a hash of everything that makes a decision
//! this decision, so equal ids are equal decisions.

use std::collections::{BTreeMap, BTreeSet};

use escalator_engine::effect::Event;
use escalator_engine::emission::Emitted;
use serde::Serialize;

use super::watcher::Account;

/// Tickets that are named when they differ; the first ones are enough to begin with.
const NAMED_MAX: usize = 5;

/// Ids by ticket, in their order.
type Ids = BTreeMap<String, Vec<String>>;

/// What simulation has decided.
#[derive(Debug, Default)]
pub(super) struct Expected {
    escalated: Ids,
    notify: Ids,
    decisions: usize,
}

/// Whether what came out of Kafka is what simulation gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Whether it is.
    pub equal: bool,
    /// How many `escalated` events were compared.
    pub escalated: usize,
    /// How many `notify` events were compared; none when some were withheld because they came too
    /// late, which simulation never does.
    pub notify: Option<usize>,
    /// The first tickets that differ.
    pub differences: Vec<Difference>,
    /// How many tickets differ.
    pub tickets_that_differ: usize,
}

/// A ticket about which the two do not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The ticket.
    pub ticket_id: String,
    /// Ids that only simulation gives.
    pub only_in_simulation: Vec<String>,
    /// Ids that only came out of Kafka, or came out of it twice.
    pub only_in_kafka: Vec<String>,
}

impl Expected {
    /// The ids of what was simulated.
    pub(super) fn new(events: &[Emitted]) -> Self {
        let mut expected = Self::default();
        for emitted in events {
            match &emitted.event {
                Event::Escalated(event) => {
                    expected.decisions += 1;
                    add(&mut expected.escalated, Some(&event.ticket_id), &event.id);
                }
                Event::Notify(event) => {
                    add(&mut expected.notify, event.ticket_id.as_deref(), &event.id);
                }
            }
        }
        expected
    }

    /// How many decisions there are.
    pub(super) const fn decisions(&self) -> usize {
        self.decisions
    }

    /// Compares it with what was read.
    pub(super) fn compare(&self, account: &Account) -> Comparison {
        let (mut escalated, mut notify) = (Ids::new(), Ids::new());
        for received in &account.decisions {
            let decision = &received.decision;
            add(&mut escalated, Some(&decision.ticket_id), &decision.id);
        }
        for notification in &account.notifications {
            let ticket_id = notification.ticket_id.as_deref();
            add(&mut notify, ticket_id, &notification.id);
        }
        let mut decisions = account.decisions.iter();
        let is_withheld = decisions.any(|received| received.decision.notify_suppressed);
        let mut differences = differences(&self.escalated, &escalated);
        if !is_withheld {
            differences.extend(self::differences(&self.notify, &notify));
        }
        let tickets: BTreeSet<String> = differences
            .iter()
            .map(|difference| difference.ticket_id.clone())
            .collect();
        differences.truncate(NAMED_MAX);
        Comparison {
            equal: differences.is_empty(),
            escalated: account.decisions.len(),
            notify: (!is_withheld).then_some(account.notifications.len()),
            differences,
            tickets_that_differ: tickets.len(),
        }
    }
}

/// A digest is about no ticket in particular.
fn add(ids: &mut Ids, ticket_id: Option<&str>, id: &str) {
    let ticket_id = ticket_id.unwrap_or("-").to_owned();
    ids.entry(ticket_id).or_default().push(id.to_owned());
}

fn differences(simulated: &Ids, read: &Ids) -> Vec<Difference> {
    let tickets: BTreeSet<&String> = simulated.keys().chain(read.keys()).collect();
    let of = |ids: &Ids, ticket: &String| ids.get(ticket).cloned().unwrap_or_default();
    let mut differences = Vec::new();
    for ticket in tickets {
        let (simulated, read) = (of(simulated, ticket), of(read, ticket));
        if simulated != read {
            let (only_in_simulation, only_in_kafka) =
                (left_over(&simulated, &read), left_over(&read, &simulated));
            differences.push(Difference {
                ticket_id: ticket.clone(),
                only_in_simulation,
                only_in_kafka,
            });
        }
    }
    differences
}

/// What is left of the first when each of the second has taken its like away.
fn left_over(of: &[String], without: &[String]) -> Vec<String> {
    let mut rest = without.to_vec();
    let is_left = |id: &&String| match rest.iter().position(|other| other == *id) {
        Some(place) => {
            rest.swap_remove(place);
            false
        }
        None => true,
    };
    of.iter().filter(is_left).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(of: &[(&str, &[&str])]) -> Ids {
        of.iter()
            .map(|(ticket, ids)| {
                let ids = ids.iter().map(|id| (*id).to_owned()).collect();
                ((*ticket).to_owned(), ids)
            })
            .collect()
    }

    #[test]
    fn what_is_missing_doubled_or_out_of_order_differs() {
        let simulated = ids(&[
            ("A", &["1", "2"]),
            ("B", &["3", "4"]),
            ("C", &["5"]),
            ("D", &["6"]),
        ]);
        let read = ids(&[
            ("A", &["1"]),
            ("B", &["4", "3"]),
            ("C", &["5", "5"]),
            ("D", &["6"]),
            ("E", &["7"]),
        ]);
        let found = differences(&simulated, &read);
        let found: Vec<_> = found
            .iter()
            .map(|it| {
                let missing = it.only_in_simulation.join(",");
                (&*it.ticket_id, missing, it.only_in_kafka.join(","))
            })
            .collect();
        let row = |ticket, missing: &str, more: &str| (ticket, missing.to_owned(), more.to_owned());
        assert_eq!(
            found,
            [
                row("A", "2", ""),
                row("B", "", ""),
                row("C", "", "5"),
                row("E", "", "7")
            ]
        );
    }
}
