//! What the day came to, in numbers; for programs as it is, for people as a text.

use std::collections::BTreeMap;
use std::time::Duration;

use escalator_engine::effect::{CauseKind, EscalatedType};
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::expected::Comparison;
use super::heard::{Decision, Notification};
use super::life::TicketEvent;
use super::promises::Promises;
use super::watcher::{Account, Received};
use crate::wire::Input;

/// What the day came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// When the day began.
    pub from: Timestamp,
    /// The last instant that counts.
    pub until: Timestamp,
    /// How many seconds all of it really took.
    pub seconds: f64,
    /// Tickets that came in.
    pub tickets: usize,
    /// Events in, those that were sent again included.
    pub events: usize,
    /// Events that were sent again, and recognized.
    pub duplicates: u64,
    /// How often a solved ticket was opened again.
    pub reopened: usize,
    /// Decisions by type.
    pub decisions: BTreeMap<EscalatedType, usize>,
    /// Escalations raised, by level with its name.
    pub raised_by_level: BTreeMap<String, usize>,
    /// Escalations raised, by cause.
    pub raised_by_cause: BTreeMap<String, usize>,
    /// Notifications by target and channel; people on tickets count as what they are.
    pub notifications: BTreeMap<String, BTreeMap<String, usize>>,
    /// The priorities, the most urgent first.
    pub priorities: Vec<String>,
    /// Promises by timeframe and priority, at the end.
    pub promises: Promises,
    /// How late decisions were made.
    pub lateness: Lateness,
    /// Whether all of this is what `simulate` gives.
    pub simulate: Comparison,
}

/// How late decisions were made, counted from the instant that brought them about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lateness {
    /// Half of them within this, on the day's clock.
    pub p50_ms: i64,
    /// 99 of a hundred within this, on the day's clock.
    pub p99_ms: i64,
    /// Half of them within this, really.
    pub real_p50_ms: f64,
    /// 99 of a hundred within this, really.
    pub real_p99_ms: f64,
    /// Half of them could be read by subscribers within this, really.
    pub readable_p50_ms: f64,
    /// 99 of a hundred could be read by subscribers within this, really.
    pub readable_p99_ms: f64,
}

impl Summary {
    /// Counts what was sent.
    pub(super) fn add_events(&mut self, events: &[TicketEvent]) {
        self.events = events.len();
        for event in events {
            match (event.input, event.open_change) {
                (Input::Created, 1) => self.tickets += 1,
                (Input::Updated, 1) => self.reopened += 1,
                (Input::Created | Input::Updated, _) => {}
            }
        }
    }

    /// Counts what was read.
    pub(super) fn add_account(&mut self, account: &Account) {
        for received in &account.decisions {
            self.add_decision(&received.decision);
        }
        for notification in &account.notifications {
            let channels = self.notifications.entry(target(notification)).or_default();
            *channels
                .entry(notification.channel.to_string())
                .or_default() += 1;
        }
        let decisions = account.decisions.iter();
        let mut late_ms: Vec<i64> = decisions.map(|it| it.decision.lateness_ms).collect();
        late_ms.sort_unstable();
        let sorted_ms = |after: fn(&Received) -> Duration| {
            let mut after: Vec<Duration> = account.decisions.iter().map(after).collect();
            after.sort_unstable();
            [50, 99].map(|percent| rounded(share(&after, percent).as_secs_f64() * 1_000.0))
        };
        let [real_p50_ms, real_p99_ms] = sorted_ms(|it| it.decided_after);
        let [readable_p50_ms, readable_p99_ms] = sorted_ms(|it| it.readable_after);
        self.lateness = Lateness {
            p50_ms: share(&late_ms, 50),
            p99_ms: share(&late_ms, 99),
            real_p50_ms,
            real_p99_ms,
            readable_p50_ms,
            readable_p99_ms,
        };
    }

    fn add_decision(&mut self, decision: &Decision) {
        *self.decisions.entry(decision.kind).or_default() += 1;
        if decision.kind != EscalatedType::Raised {
            return;
        }
        let level = match &decision.level_name {
            Some(name) => format!("{} {name}", decision.level),
            None => decision.level.to_string(),
        };
        *self.raised_by_level.entry(level).or_default() += 1;
        *self.raised_by_cause.entry(cause(decision)).or_default() += 1;
    }

    /// How many decisions of a type there are.
    #[must_use]
    pub fn decided(&self, kind: EscalatedType) -> usize {
        self.decisions.get(&kind).copied().unwrap_or_default()
    }
}

/// The cause as it is counted: what kind, and which of that kind.
fn cause(decision: &Decision) -> String {
    let name = decision.cause.name.as_deref().unwrap_or_default();
    match decision.cause.kind {
        CauseKind::Timeframe => {
            let mark = decision.cause.mark.as_deref().unwrap_or_default();
            format!("timeframe {name} {mark}")
        }
        CauseKind::Trigger => format!("trigger {name}"),
        CauseKind::Waiting => format!("waiting {name}"),
        CauseKind::Manual => "by hand".to_owned(),
        CauseKind::Resolved | CauseKind::Closed | CauseKind::NoPlan | CauseKind::LateEvent => {
            decision.cause.kind.name().to_owned()
        }
    }
}

/// Who was told: a declared target by its name, people on tickets by what they are there.
fn target(notification: &Notification) -> String {
    match &*notification.to_kind {
        field @ ("requester" | "assignee" | "queue") => format!("the ticket's {field}"),
        _ => notification.to.to_string(),
    }
}

/// The value that so many of a hundred do not exceed.
fn share<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

/// Tenths are as exact as a shared machine can be.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_value_that_occurred() {
        let values: Vec<i64> = (1..=200).collect();
        assert_eq!((share(&values, 50), share(&values, 99)), (100, 198));
        assert_eq!(share(&[7], 99), 7);
        assert_eq!(share::<i64>(&[], 50), 0);
    }
}
