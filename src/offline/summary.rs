//! What a simulation came to, in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use escalator_engine::effect::{EscalatedType, Event, Purpose};
use escalator_engine::fact::TicketFact;
use escalator_engine::machine::Counts;
use escalator_engine::plan::Revision;
use escalator_engine::simulate::Simulated;
use escalator_engine::ticket::{Change, Text, TextField};
use escalator_engine::time::Timestamp;

use super::words::{counted, grouped, harmless};

/// Unknown status words that are named one by one; a ticketing system has a dozen of its own.
const WORDS_MAX: usize = 20;

/// What a simulation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    facts: u64,
    tickets: usize,
    duplicates: u64,
    until: Option<Timestamp>,
    /// Raised events by plan and level, with the level's name.
    raised: BTreeMap<(Text, u32), (Option<Text>, u64)>,
    kinds: BTreeMap<EscalatedType, u64>,
    purposes: BTreeMap<Purpose, u64>,
    /// Status words that neither the plans nor the built-in spellings know.
    unknown_statuses: BTreeSet<Text>,
    counts: Counts,
}

impl Summary {
    /// Counts what a simulation of so many tickets decided.
    #[must_use]
    pub fn of(simulated: &Simulated, tickets: usize, until: Option<Timestamp>) -> Self {
        let mut summary = Self {
            facts: simulated.facts,
            tickets,
            duplicates: simulated.duplicates,
            until,
            counts: simulated.counts,
            ..Self::default()
        };
        for emitted in &simulated.events {
            match &emitted.event {
                Event::Escalated(event) => {
                    *summary.kinds.entry(event.kind).or_default() += 1;
                    if event.kind == EscalatedType::Raised {
                        let key = (event.plan.clone(), event.level);
                        let raised = summary.raised.entry(key).or_default();
                        raised.0.clone_from(&event.level_name);
                        raised.1 += 1;
                    }
                }
                Event::Notify(event) => *summary.purposes.entry(event.purpose).or_default() += 1,
            }
        }
        summary
    }

    /// Names the status words that neither the plans nor the built-in spellings know.
    #[must_use]
    pub fn with_unknown_statuses(mut self, facts: &[TicketFact], revision: &Revision) -> Self {
        let facts = facts.iter().map(|fact| &fact.fact);
        let read = facts.filter(|fact| Some(fact.occurred_at) <= self.until);
        for change in read.flat_map(|fact| &fact.changes) {
            if let Change::Text(TextField::Status, Some(word)) = change
                && !revision.category(Some(word)).1
            {
                self.unknown_statuses.insert(word.clone());
            }
        }
        self
    }

    fn escalations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raised: u64 = self.raised.values().map(|(_, count)| count).sum();
        writeln!(f, "{} raised", counted(raised, "time"))?;
        let mut plan_before: Option<&Text> = None;
        for ((plan, level), (name, count)) in &self.raised {
            if plan_before != Some(plan) {
                writeln!(f, "  {}", harmless(plan))?;
                plan_before = Some(plan);
            }
            let name = name.as_deref().unwrap_or_default();
            let count = grouped(*count);
            writeln!(f, "    level {level} {}: {count}", harmless(name))?;
        }
        let others = self
            .kinds
            .iter()
            .filter(|(kind, _)| **kind != EscalatedType::Raised);
        let others: Vec<_> = others
            .map(|(kind, count)| format!("{} {}", grouped(*count), kind.name()))
            .collect();
        if !others.is_empty() {
            writeln!(f, "  besides {}", others.join(", "))?;
        }
        Ok(())
    }

    fn notifications(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u64 = self.purposes.values().sum();
        write!(f, "{}", counted(all, "notification"))?;
        let purposes = self.purposes.iter();
        let purposes: Vec<_> = purposes
            .map(|(purpose, count)| format!("{} {}", purpose.name(), grouped(*count)))
            .collect();
        if purposes.is_empty() {
            writeln!(f)
        } else {
            writeln!(f, ": {}", purposes.join(", "))
        }
    }

    fn oddities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.unknown_statuses.is_empty() {
            let words = self.unknown_statuses.iter().take(WORDS_MAX);
            let words: Vec<_> = words.map(|word| format!("`{}`", harmless(word))).collect();
            let more = match self.unknown_statuses.len().saturating_sub(WORDS_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let changes = counted(self.counts.unknown_statuses, "change");
            let words = words.join(", ");
            writeln!(
                f,
                "{changes} to unknown statuses, taken as open: {words}{more}"
            )?;
            writeln!(f, "  help: add them to `statuses` of the plans")?;
        }
        let counts = &self.counts;
        for (count, noun, why) in [
            (
                counts.snoozes_ignored,
                "snooze",
                "ignored: no end, a past one, or one beyond 30 days",
            ),
            (
                counts.escalations_ignored,
                "manual escalation",
                "ignored: the ticket had no plan, or was done",
            ),
            (counts.labels_left_out, "label", "left out over the limit"),
            (
                counts.recipients_skipped,
                "recipient",
                "skipped: too long, or with control characters",
            ),
        ] {
            if count > 0 {
                writeln!(f, "{} {why}", counted(count, noun))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = counted(self.facts, "fact");
        let tickets = counted(self.tickets as u64, "ticket");
        write!(f, "{facts} of {tickets}")?;
        if let Some(until) = self.until {
            write!(f, " up to {until}")?;
        }
        if self.duplicates > 0 {
            write!(f, ", {}", counted(self.duplicates, "duplicate"))?;
        }
        writeln!(f)?;
        self.escalations(f)?;
        self.notifications(f)?;
        self.oddities(f)
    }
}
