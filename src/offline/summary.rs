//! What a simulation came to, in numbers.

use std::collections::BTreeMap;
use std::fmt;

use escalator_engine::effect::{EscalatedType, Event, Purpose};
use escalator_engine::emission::Emitted;
use escalator_engine::fact::TicketFact;
use escalator_engine::plan::Revision;
use escalator_engine::simulate::{Simulation, Tally};
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;

use super::oddities::Oddities;
use super::words::{counted, grouped, harmless};

/// What a simulation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    tally: Tally,
    tickets: usize,
    until: Option<Timestamp>,
    /// Raised events by plan and level, with the level's name.
    raised: BTreeMap<(Text, u32), (Option<Text>, u64)>,
    kinds: BTreeMap<EscalatedType, u64>,
    purposes: BTreeMap<Purpose, u64>,
    oddities: Oddities,
}

impl Summary {
    /// Counts further events out.
    pub fn add(&mut self, events: &[Emitted]) {
        for emitted in events {
            match &emitted.event {
                Event::Escalated(event) => {
                    *self.kinds.entry(event.kind).or_default() += 1;
                    if event.kind == EscalatedType::Raised {
                        let key = (event.plan.clone(), event.level);
                        let raised = self.raised.entry(key).or_default();
                        raised.0.clone_from(&event.level_name);
                        raised.1 += 1;
                    }
                }
                Event::Notify(event) => *self.purposes.entry(event.purpose).or_default() += 1,
            }
        }
    }

    /// Adds what a simulation has read until its end.
    pub fn finish(&mut self, simulation: &Simulation, until: Option<Timestamp>) {
        self.tally = *simulation.tally();
        self.tickets = simulation.tickets();
        self.oddities.add_tickets(simulation);
        self.until = until;
    }

    /// Looks for what nobody may have meant in the facts up to an instant.
    pub fn add_facts(&mut self, facts: &[TicketFact], until: Timestamp, revision: &Revision) {
        self.oddities.add_facts(facts, until, revision);
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
        self.oddities
            .tell_words(self.tally.counts.unknown_statuses, f)?;
        let counts = &self.tally.counts;
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
            (
                counts.templates_failed,
                "notification",
                "in the built-in text: the template failed; `escalator template render` shows why",
            ),
        ] {
            if count > 0 {
                writeln!(f, "{} {why}", counted(count, noun))?;
            }
        }
        self.oddities.tell_tickets(f)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = counted(self.tally.facts, "fact");
        let tickets = counted(self.tickets as u64, "ticket");
        write!(f, "{facts} of {tickets}")?;
        if let Some(until) = self.until {
            write!(f, " up to {until}")?;
        }
        if self.tally.duplicates > 0 {
            write!(f, ", {}", counted(self.tally.duplicates, "duplicate"))?;
        }
        writeln!(f)?;
        self.escalations(f)?;
        self.notifications(f)?;
        self.oddities(f)
    }
}
