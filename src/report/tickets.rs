//! What happened to tickets besides escalating: created, resolved, reopened, reassigned, rated.

use escalator_engine::machine::Machine;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::numbers::share;
use super::period::Period;

/// A rating of this or less is a bad one; the trigger of the contract's example fires there.
const BAD_RATING: f64 = 0.3;

/// What happened to the tickets of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the documentation of the object"
)]
pub struct TicketReport {
    pub active: u64,
    pub created: u64,
    pub resolved: u64,
    pub open: u64,
    pub reopened: Happenings,
    pub reassigned: Happenings,
}

/// How often something happened, and to how many tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Happenings {
    /// How often.
    pub times: u64,
    /// To how many tickets.
    pub tickets: u64,
}

/// How satisfied customers were.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SatisfactionReport {
    /// How many tickets were rated.
    pub n: usize,
    /// The mean of the last rating of each, 0 to 1.
    pub mean: Option<f64>,
    /// How many of them were bad.
    pub low: u64,
    /// The share of the bad ones.
    pub low_share: Option<f64>,
}

/// Counts what happened to tickets.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    report: TicketReport,
    ratings: Vec<f64>,
}

/// The life of one ticket, fact by fact.
#[derive(Debug)]
pub(super) struct Life {
    period: Period,
    /// Of its present life; none before it is known.
    created_at: Option<Timestamp>,
    is_done: bool,
    reopen_count: u32,
    reassignment_count: u32,
    satisfaction: Option<f64>,
    was_touched: bool,
    was_created: bool,
    was_resolved: bool,
    reopened: u32,
    reassigned: u32,
    rating: Option<f64>,
}

impl Life {
    /// A ticket of which nothing is known.
    pub(super) const fn new(period: Period) -> Self {
        Self {
            period,
            created_at: None,
            is_done: false,
            reopen_count: 0,
            reassignment_count: 0,
            satisfaction: None,
            was_touched: false,
            was_created: false,
            was_resolved: false,
            reopened: 0,
            reassigned: 0,
            rating: None,
        }
    }

    /// Takes in what a fact has made of the ticket.
    pub(super) fn add(&mut self, machine: &Machine) {
        let is_done = machine.category.is_done();
        let was_known = self.created_at.is_some();
        if self.created_at != machine.created_at {
            // What meets a forgotten ticket begins a new life, which counts from nothing and has no rating yet.
            self.created_at = machine.created_at;
            self.reopen_count = 0;
            self.reassignment_count = 0;
            self.satisfaction = None;
        }
        if self.period.contains(machine.last_fact_at) {
            self.was_touched = true;
            self.was_created |= !was_known;
            self.was_resolved |= is_done && !self.is_done;
            self.reopened += machine.reopen_count - self.reopen_count;
            self.reassigned += machine.reassignment_count - self.reassignment_count;
            if machine.ticket.satisfaction != self.satisfaction {
                self.rating = machine.ticket.satisfaction;
            }
        }
        self.is_done = is_done;
        self.reopen_count = machine.reopen_count;
        self.reassignment_count = machine.reassignment_count;
        self.satisfaction = machine.ticket.satisfaction;
    }
}

impl Tickets {
    /// Counts a ticket whose life was read to the end of the period.
    pub(super) fn add(&mut self, life: &Life) {
        if life.created_at.is_none() {
            return;
        }
        let report = &mut self.report;
        report.active += u64::from(life.was_touched || !life.is_done);
        report.created += u64::from(life.was_created);
        report.resolved += u64::from(life.was_resolved);
        report.open += u64::from(!life.is_done);
        report.reopened.add(life.reopened);
        report.reassigned.add(life.reassigned);
        self.ratings.extend(life.rating);
    }

    /// The counts.
    pub(super) fn finish(self) -> (TicketReport, SatisfactionReport) {
        let n = self.ratings.len();
        let low = self.ratings.iter().filter(|rating| **rating <= BAD_RATING);
        let low = low.count() as u64;
        let satisfaction = SatisfactionReport {
            n,
            mean: (n > 0).then(|| self.ratings.iter().sum::<f64>() / n as f64),
            low,
            low_share: share(low, n as u64),
        };
        (self.report, satisfaction)
    }
}

impl Happenings {
    fn add(&mut self, times: u32) {
        self.times += u64::from(times);
        self.tickets += u64::from(times > 0);
    }
}
