//! Reads what the service wrote, as a subscriber does, and puts together what belongs together.
//!
//! A decision and its notifications are committed at once but read from two topics, and partitions
//! are fetched one after the other. So each decision is held for a moment before it is shown, with
//! the notifications that came meanwhile, in the order of the day.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use escalator_engine::time::Timestamp;

use super::heard::{self, Decision, Heard, Notification, Unheard};
use super::pace::FastClock;
use crate::kafka;
use crate::kafka::reader::Reader;

/// A decision is shown this long after it was read, so that others of the same moment find their
/// place before it; too short to be noticed.
const SETTLE: Duration = Duration::from_millis(100);

/// By then it is shown, whether its notifications are all there or not: the day goes on.
const SETTLE_MAX: Duration = Duration::from_secs(2);

/// Records are taken in such portions, so that the screen follows.
const POLL_RECORDS: usize = 200;

/// Why what the service wrote cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka cannot be read.
    #[error("the events out cannot be read")]
    Kafka(#[from] kafka::Error),
    /// What was read is no event out.
    #[error(transparent)]
    Unheard(#[from] Unheard),
}

/// A decision with the notifications that tell of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// The decision; none when these notifications came after theirs was shown, or tell of several.
    pub decision: Option<Decision>,
    /// Who is told, over which channel.
    pub notifications: Vec<Notification>,
    /// All of it as lines of JSON, in the shape that `simulate` prints.
    pub json_lines: Vec<String>,
}

/// A decision as it was received.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) decision: Decision,
    /// How long after its instant it was made, really.
    pub(super) decided_after: Duration,
    /// How long after its instant it could be read, really.
    pub(super) readable_after: Duration,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) decisions: Vec<Received>,
    pub(super) notifications: Vec<Notification>,
}

/// Follows the topics of events out.
pub(super) struct Watcher {
    reader: Reader,
    account: Account,
    /// By the instant of the decision and the order of arrival.
    held: BTreeMap<(Timestamp, u64), Held>,
    /// Notifications whose decision was not read yet, by its id.
    early: HashMap<String, Told>,
    /// Where the held decisions are, by their ids.
    places: HashMap<String, (Timestamp, u64)>,
    arrivals: u64,
    late: Vec<Told>,
    /// Everything that could be read at this moment was read.
    complete_at: Option<Instant>,
}

struct Held {
    since: Instant,
    told: Told,
}

impl Watcher {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            account: Account::default(),
            held: BTreeMap::new(),
            early: HashMap::new(),
            places: HashMap::new(),
            arrivals: 0,
            late: Vec::new(),
            complete_at: None,
        }
    }

    /// Reads on; answers with how many records came.
    pub(super) fn poll(&mut self, wait: Duration, clock: &FastClock) -> Result<usize, Error> {
        let records = self.reader.poll(POLL_RECORDS, wait)?;
        for record in &records {
            let line = heard::json_line(record);
            match heard::hear(record)? {
                Heard::Decision(decision) => self.take_decision(decision, line, clock),
                Heard::Notification(notification) => self.take_notification(notification, line),
            }
        }
        Ok(records.len())
    }

    fn take_decision(&mut self, decision: Decision, line: String, clock: &FastClock) {
        let decided_at = decision.decided_at();
        let (due, fired) = (clock.when(decided_at), clock.when(decision.fired_at));
        self.account.decisions.push(Received {
            decision: decision.clone(),
            decided_after: fired.saturating_duration_since(due),
            readable_after: due.elapsed(),
        });
        let mut told = self.early.remove(&decision.id).unwrap_or_default();
        told.json_lines.insert(0, line);
        self.arrivals += 1;
        let place = (decided_at, self.arrivals);
        self.places.insert(decision.id.clone(), place);
        told.decision = Some(decision);
        let since = Instant::now();
        self.held.insert(place, Held { since, told });
    }

    fn take_notification(&mut self, notification: Notification, line: String) {
        self.account.notifications.push(notification.clone());
        let told = match &notification.escalation_event_id {
            None => {
                self.late.push(Told::default());
                self.late.last_mut()
            }
            Some(id) => match self.places.get(id) {
                None => Some(self.early.entry(id.clone()).or_default()),
                Some(place) => match self.held.get_mut(place) {
                    Some(held) => Some(&mut held.told),
                    None => {
                        self.late.push(Told::default());
                        self.late.last_mut()
                    }
                },
            },
        };
        if let Some(told) = told {
            told.notifications.push(notification);
            told.json_lines.push(line);
        }
    }

    /// What can be shown next, in the order of the day; at the end everything can.
    pub(super) fn ripe(&mut self, is_end: bool) -> Result<Option<Told>, Error> {
        if let Some(late) = self.late.pop() {
            return Ok(Some(late));
        }
        let Some(since) = self.held.first_key_value().map(|(_, held)| held.since) else {
            return Ok(None);
        };
        if !is_end && !self.is_ripe(since)? {
            return Ok(None);
        }
        Ok(self.held.pop_first().map(|(_, held)| held.told))
    }

    /// Whether a decision that was read at this moment has all its notifications: they became
    /// visible together, so they have when everything was read since.
    fn is_ripe(&mut self, since: Instant) -> Result<bool, Error> {
        if since.elapsed() < SETTLE {
            return Ok(false);
        }
        let is_complete = |at: Option<Instant>| at.is_some_and(|at| at >= since);
        if !is_complete(self.complete_at) {
            let now = Instant::now();
            if self.is_at_end()? {
                self.complete_at = Some(now);
            }
        }
        Ok(is_complete(self.complete_at) || since.elapsed() > SETTLE_MAX)
    }

    /// Everything that was read.
    pub(super) const fn account(&self) -> &Account {
        &self.account
    }

    /// Whether everything that is committed was read.
    pub(super) fn is_at_end(&self) -> Result<bool, Error> {
        Ok(self.reader.is_at_end()?)
    }
}
