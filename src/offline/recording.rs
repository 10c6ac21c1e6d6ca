//! Recorded events as facts in memory, from a file or from the topics of a service.
//!
//! Events may stand in any order, so nothing can be decided before the last line is read. A fact
//! takes some hundred bytes; a million of them fit on any machine.

use std::io::BufRead;
use std::sync::Arc;

use escalator_engine::fact::{Fact, TicketFact};
use escalator_engine::time::Timestamp;

use crate::wire::events::{self, Events};

/// The facts of recorded events.
#[derive(Debug, Default)]
pub struct Recording {
    /// In the order in which they were read.
    pub facts: Vec<TicketFact>,
    /// The latest instant among them.
    pub last_at: Option<Timestamp>,
}

/// Lines of an event file that are not events.
#[derive(Debug, thiserror::Error)]
#[error("{}", if *count == 1 { "a line is no event".to_owned() } else { format!("{count} lines are no events; the first of them") })]
pub struct Unreadable {
    /// How many such lines there are.
    pub count: u64,
    /// What is wrong with the first.
    #[source]
    pub first: events::Error,
}

impl Recording {
    /// Reads an event file to its end.
    ///
    /// # Errors
    /// A line is not an event, or the file cannot be read on. All lines are looked at, so that the
    /// error tells how many are wrong.
    pub fn read(reader: impl BufRead) -> Result<Self, Unreadable> {
        let mut recording = Self::default();
        let mut unreadable: Option<Unreadable> = None;
        for line in Events::new(reader) {
            match (line, &mut unreadable) {
                (Ok((_, fact)), _) => recording.add(fact),
                (Err(_), Some(unreadable)) => unreadable.count += 1,
                (Err(first), None) => unreadable = Some(Unreadable { count: 1, first }),
            }
        }
        unreadable.map_or(Ok(recording), Err)
    }

    /// Takes one more fact in.
    pub fn add(&mut self, fact: TicketFact) {
        self.last_at = self.last_at.max(Some(fact.fact.occurred_at));
        self.facts.push(fact);
    }

    /// The facts of one ticket.
    #[must_use]
    pub fn facts_of(&self, ticket_id: &str) -> Vec<Arc<Fact>> {
        let of_ticket = self
            .facts
            .iter()
            .filter(|fact| *fact.ticket_id == *ticket_id);
        of_ticket.map(|fact| Arc::clone(&fact.fact)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &str = r#"{"topic":"ticket-created","value":{"ticket_id":"T1","occurred_at":"2026-11-23T10:00:00Z","ticket":{}}}"#;

    #[test]
    fn the_last_instant_is_the_greatest_wherever_it_stands() {
        let earlier = CREATED.replace("T10", "T09").replace("T1\"", "T2\"");
        let file = format!("{CREATED}\n{earlier}\n");
        let recording = Recording::read(file.as_bytes()).unwrap();
        assert_eq!(recording.facts.len(), 2);
        let last_at = recording.last_at.unwrap();
        assert_eq!(last_at.to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(recording.facts_of("T2").len(), 1);
    }

    #[test]
    fn every_bad_line_is_counted_and_the_first_is_told() {
        let file = format!("{CREATED}\n{{}}\n{CREATED}\nnonsense\n");
        let unreadable = Recording::read(file.as_bytes()).unwrap_err();
        assert_eq!((unreadable.count, unreadable.first.line()), (2, 2));
        let told = unreadable.to_string();
        assert_eq!(told, "2 lines are no events; the first of them");
    }
}
