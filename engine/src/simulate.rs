//! A virtual clock over recorded facts: what would have been decided, and when.
//!
//! The recording is read in order and evaluated a step at a time, as a service that reads live
//! does it batch by batch. So a long recording needs memory for its facts and tickets, but not for
//! everything that was ever decided about them.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use hashbrown::HashSet;

use crate::effect::Event;
use crate::emission::{Emission, Emitted};
use crate::engine::Engine;
use crate::fact::TicketFact;
use crate::machine::Counts;
use crate::rules::Rules;
use crate::ticket::Text;
use crate::ticket_state::{Acceptance, TicketState};
use crate::time::Timestamp;

/// Facts of one step. A ticket is packed once in each step that touches it, so larger ones cost
/// less: without its JSON, a real help desk's log of 141,712 facts took a quarter less time than in
/// steps of 65,536. What a step decides is kept for as long, and takes less than its facts do: 12 MiB
/// more of 140 for that log.
pub const FACTS_PER_STEP: usize = 262_144;

/// What a simulation brought about.
#[derive(Debug, Default)]
pub struct Simulated {
    /// Events out, in firing order.
    pub events: Vec<Emitted>,
    /// The numbers beside them.
    pub tally: Tally,
}

/// What a simulation has read, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many facts were read.
    pub facts: u64,
    /// How many of them changed nothing.
    pub duplicates: u64,
    /// What was ignored or cut.
    pub counts: Counts,
}

/// The partition that a key belongs to, of so many.
pub type PartitionOf = fn(&[u8], i32) -> i32;

/// A simulation under way: an iterator over the events out, a step at a time, in firing order.
#[derive(Debug)]
pub struct Simulation {
    /// One for each partition.
    engines: Vec<Engine>,
    partition_of: PartitionOf,
    /// In order, with their instants.
    facts: Peekable<IntoIter<(Timestamp, TicketFact)>>,
    facts_per_step: usize,
    until: Timestamp,
    emission: Emission,
    is_over: bool,
    tickets: usize,
    tally: Tally,
}

/// Reads facts in any order and decides as live reading would have until the end: the facts at
/// that instant, then what is due at it. Returns the tickets, too.
pub fn simulate(
    rules: &Arc<Rules>,
    facts: impl IntoIterator<Item = TicketFact>,
    until: Timestamp,
) -> (Simulated, Engine) {
    let mut simulation = Simulation::new(rules, facts, until, FACTS_PER_STEP);
    let events = simulation.by_ref().flatten().collect();
    let tally = simulation.tally;
    let engine = simulation.engines.swap_remove(0);
    (Simulated { events, tally }, engine)
}

impl Simulation {
    /// Puts facts into their order and the virtual clock before the first. Later ones than
    /// `until` are left out.
    #[must_use]
    pub fn new(
        rules: &Arc<Rules>,
        facts: impl IntoIterator<Item = TicketFact>,
        until: Timestamp,
        facts_per_step: usize,
    ) -> Self {
        // With their instants beside them, most of them are put in order without being looked at.
        let facts = facts.into_iter().map(|fact| (fact.fact.occurred_at, fact));
        let mut facts: Vec<_> = facts.collect();
        facts.retain(|(at, _)| *at <= until);
        facts
            .sort_by(|(at, a), (other_at, b)| at.cmp(other_at).then_with(|| a.fact.order(&b.fact)));
        let ids = facts.iter().map(|(_, it)| &it.ticket_id);
        let tickets = ids.collect::<HashSet<_>>().len();
        Self {
            engines: vec![Engine::new(Arc::clone(rules))],
            partition_of: |_, _| 0,
            facts: facts.into_iter().peekable(),
            facts_per_step,
            until,
            emission: Emission::on_virtual_clock(),
            is_over: false,
            tickets,
            tally: Tally::default(),
        }
    }

    /// What was read so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Spreads the tickets over so many partitions, at least one: the limits of targets are those of
    /// a partition.
    #[must_use]
    pub fn with_partitions(mut self, count: u16, partition_of: PartitionOf) -> Self {
        let rules = Arc::clone(self.engines[0].rules());
        self.engines.resize_with(usize::from(count.max(1)), || {
            Engine::new(Arc::clone(&rules))
        });
        self.partition_of = partition_of;
        self
    }

    /// How many tickets the facts are of, forgotten or not.
    #[must_use]
    pub const fn tickets(&self) -> usize {
        self.tickets
    }

    /// The tickets that are kept, in no order.
    pub fn states(&self) -> impl Iterator<Item = (Text, TicketState)> + '_ {
        self.engines.iter().flat_map(Engine::tickets)
    }

    /// Takes the facts of a step; those of one instant are never parted. Returns that instant.
    fn take_facts(&mut self) -> Option<Timestamp> {
        let mut last_at = None;
        let mut taken = 0;
        while let Some((at, fact)) = self
            .facts
            .next_if(|(at, _)| taken < self.facts_per_step || Some(*at) == last_at)
        {
            last_at = Some(at);
            taken += 1;
            let count = i32::try_from(self.engines.len()).unwrap_or(i32::MAX);
            let partition = (self.partition_of)(fact.ticket_id.as_bytes(), count);
            let partition = usize::try_from(partition).unwrap_or_default();
            self.engines[partition].apply(fact);
        }
        self.tally.facts += taken as u64;
        last_at
    }
}

impl Iterator for Simulation {
    type Item = Vec<Emitted>;

    fn next(&mut self) -> Option<Vec<Emitted>> {
        if self.is_over {
            return None;
        }
        // What is due at the last instant of a step comes with the next one: facts come first. With the
        // last facts comes what is due until the end, so no ticket is packed only to be forgotten.
        let last_at = self.take_facts();
        self.is_over = self.facts.peek().is_none();
        let to = match last_at {
            Some(last_at) if !self.is_over => last_at,
            _ => self.until.plus_millis(1),
        };
        let mut events = Vec::new();
        for engine in &mut self.engines {
            let advanced = engine.advance(to, usize::MAX, &self.emission);
            engine.commit();
            self.tally.counts += advanced.counts;
            let facts = advanced.facts.iter();
            let duplicates = facts.filter(|fact| fact.acceptance == Acceptance::Duplicate);
            self.tally.duplicates += duplicates.count() as u64;
            events.extend(advanced.events);
        }
        if self.engines.len() > 1 {
            events.sort_by(|a, b| place(a).cmp(&place(b)));
        }
        Some(events)
    }
}

/// The place of an event among those of all partitions: digests come last at their instant.
fn place(emitted: &Emitted) -> (Timestamp, bool, bool, &str) {
    let ticket_id = match &emitted.event {
        Event::Escalated(event) => Some(&event.ticket_id),
        Event::Notify(event) => event.ticket_id.as_ref(),
    };
    let ticket_id = ticket_id.map(|id| &**id);
    (
        emitted.at,
        emitted.is_due,
        ticket_id.is_none(),
        ticket_id.unwrap_or_default(),
    )
}
