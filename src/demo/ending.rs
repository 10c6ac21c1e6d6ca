//! What the end of the day is measured by: what simulation gives for everything that was written.

use std::sync::Arc;
use std::time::Instant;

use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::time::Timestamp;

use super::expected::Expected;
use super::life::TicketEvent;
use super::promises::promises;
use super::story::recording;
use super::summary::Summary;
use super::watcher::Account;

/// The end of the day, while the last decisions come in.
pub(super) struct Ending {
    expected: Expected,
    summary: Summary,
    /// When something was heard last.
    pub(super) heard_at: Instant,
    /// When everything that is expected had been heard.
    pub(super) complete_at: Option<Instant>,
}

impl Ending {
    /// What a day with these events, up to this instant, should come to.
    pub(super) fn new(
        events: &[TicketEvent],
        from: Timestamp,
        until: Timestamp,
        rules: &Arc<Rules>,
    ) -> Self {
        let recording = recording(events);
        let (simulated, tickets) = simulate(rules, recording.facts.clone(), until);
        let ascending = rules.at(until).priorities.iter();
        let mut summary = Summary {
            from,
            until,
            duplicates: simulated.tally.duplicates,
            priorities: ascending.rev().map(ToString::to_string).collect(),
            promises: promises(&recording.facts, until, rules, &tickets),
            ..Summary::default()
        };
        summary.add_events(events);
        Self {
            expected: Expected::new(&simulated.events),
            summary,
            heard_at: Instant::now(),
            complete_at: None,
        }
    }

    /// Notes what has been heard by now.
    pub(super) fn note(&mut self, count: usize, account: &Account) {
        if count > 0 {
            self.heard_at = Instant::now();
        }
        if account.decisions.len() >= self.expected.decisions() {
            self.complete_at.get_or_insert_with(Instant::now);
        }
    }

    /// The summary of all that was heard since the demonstration began.
    pub(super) fn sum_up(mut self, account: &Account, begun: Instant) -> Summary {
        self.summary.add_account(account);
        self.summary.simulate = self.expected.compare(account);
        self.summary.seconds = (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        self.summary
    }
}
