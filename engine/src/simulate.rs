//! A virtual clock over recorded facts: what would have been decided, and when.
//!
//! The recording is read in order and evaluated a step at a time, as a service that reads live
//! does it batch by batch. So a long recording needs memory for its facts and tickets, but not for
//! everything that was ever decided about them.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use crate::emission::{Emission, Emitted};
use crate::engine::Engine;
use crate::fact::TicketFact;
use crate::machine::Counts;
use crate::rules::Rules;
use crate::ticket_state::Acceptance;
use crate::time::Timestamp;

/// Facts of one step: enough that the cost of a step does not show, few enough that what a step
/// decides fits into some megabytes.
pub const FACTS_PER_STEP: usize = 4096;

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

/// A simulation under way: an iterator over the events out, a step at a time, in firing order.
#[derive(Debug)]
pub struct Simulation {
    engine: Engine,
    facts: Peekable<IntoIter<TicketFact>>,
    facts_per_step: usize,
    until: Timestamp,
    emission: Emission,
    is_over: bool,
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
    (Simulated { events, tally }, simulation.engine)
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
        let facts = facts.into_iter();
        let mut facts: Vec<_> = facts
            .filter(|fact| fact.fact.occurred_at <= until)
            .collect();
        facts.sort_by(|a, b| a.fact.order(&b.fact));
        Self {
            engine: Engine::new(Arc::clone(rules)),
            facts: facts.into_iter().peekable(),
            facts_per_step,
            until,
            emission: Emission::on_virtual_clock(),
            is_over: false,
            tally: Tally::default(),
        }
    }

    /// What was read so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The tickets as they stand.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes the facts of a step; those of one instant are never parted. Returns that instant.
    fn take_facts(&mut self) -> Option<Timestamp> {
        let mut last_at = None;
        let mut taken = 0;
        while let Some(fact) = self
            .facts
            .next_if(|fact| taken < self.facts_per_step || Some(fact.fact.occurred_at) == last_at)
        {
            last_at = Some(fact.fact.occurred_at);
            taken += 1;
            let acceptance = self.engine.apply(fact);
            self.tally.duplicates += u64::from(acceptance == Acceptance::Duplicate);
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
        // What is due at the last instant of a step comes with the next one: facts come first.
        let to = self.take_facts().unwrap_or_else(|| {
            self.is_over = true;
            self.until.plus_millis(1)
        });
        let advanced = self.engine.advance(to, usize::MAX, &self.emission);
        self.engine.commit();
        self.tally.counts += advanced.counts;
        Some(advanced.events)
    }
}
