//! The clock of a timeframe: what a fact does to it, and when its marks are due.
//!
//! A clock depends on facts alone, never on levels or on what was emitted. That is why another plan
//! can have its clocks recomputed from the history of the ticket ([`Clock::apply`] over every
//! [`Occurrence`]), and why a late fact needs nothing but another reading of the same history.

use crate::plan::{OnReopen, Timeframe, TimeframeKind};
use crate::status::StatusCategory;
use crate::stopwatch::{Motion, Stopwatch};
use crate::ticket::Text;
use crate::time::Timestamp;

/// What one fact did, as clocks see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// Whether the ticket begins with this fact: it is created, or an adopted one gets a status.
    pub begins: bool,
    /// Whether the ticket has begun, now or before.
    pub has_begun: bool,
    /// The category before; the same as after when the ticket begins.
    pub before: StatusCategory,
    /// The category after all fields have changed.
    pub after: StatusCategory,
    /// The replies in it, in order.
    pub replies: Vec<Reply>,
}

impl Occurrence {
    const fn enters(&self, category: StatusCategory) -> bool {
        self.after as u8 == category as u8 && (self.begins || self.before as u8 != category as u8)
    }

    const fn reopens(&self) -> bool {
        self.before.is_done() && !self.after.is_done()
    }
}

/// Who replied to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The agent to the customer.
    Agent,
    /// The customer to the agent.
    Customer,
}

/// The clock of one timeframe, in its latest cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The name of the timeframe.
    pub timeframe: Text,
    /// 1 for the first cycle; 0 before it.
    pub cycle: u32,
    /// Whether an agent has answered: a first response is then never wanted again.
    pub is_answered: bool,
    /// None before the first cycle.
    pub watch: Option<Stopwatch>,
}

impl Clock {
    /// A clock that has not started.
    #[must_use]
    pub const fn idle(timeframe: Text) -> Self {
        Self {
            timeframe,
            cycle: 0,
            is_answered: false,
            watch: None,
        }
    }

    /// A clock that begins where the history of its ticket was folded away.
    #[must_use]
    pub fn at_fold(timeframe: &Timeframe, fold: &FoldedPast) -> Self {
        let mut clock = Self::idle(timeframe.name.clone());
        clock.is_answered = fold.last_agent_reply.is_some();
        let begins = match timeframe.kind {
            TimeframeKind::FirstResponse | TimeframeKind::Resolution | TimeframeKind::Update => {
                true
            }
            TimeframeKind::NextResponse => fold.last_customer_reply > fold.last_agent_reply,
            TimeframeKind::Vendor => fold.category == StatusCategory::WaitingVendor,
        };
        if begins && fold.has_begun {
            clock.begin_cycle(timeframe, fold.at, fold.category);
            let is_over = clock.is_answered && timeframe.kind == TimeframeKind::FirstResponse;
            if is_over {
                clock.stop(timeframe, fold.at, false);
            } else if fold.category.is_done() {
                clock.stop(timeframe, fold.at, true);
            }
        }
        clock
    }

    /// Whether it runs or is paused.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.watch.as_ref().is_some_and(Stopwatch::is_active)
    }

    fn is_stopped_by_end(&self) -> bool {
        let motion = self.watch.as_ref().map(|watch| watch.motion);
        matches!(motion, Some(Motion::Stopped { done: true, .. }))
    }

    fn begin_cycle(&mut self, timeframe: &Timeframe, at: Timestamp, category: StatusCategory) {
        self.cycle += 1;
        self.watch = Some(Stopwatch::start(at, timeframe.pause.contains(category)));
    }

    fn stop(&mut self, timeframe: &Timeframe, at: Timestamp, done: bool) {
        if let Some(watch) = &mut self.watch {
            watch.stop(at, done, &timeframe.calendar);
        }
    }

    /// Does to the clock what the fact does: replies in their order, then the status.
    pub fn apply(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        match timeframe.kind {
            TimeframeKind::FirstResponse => self.first_response(timeframe, fact),
            TimeframeKind::NextResponse => self.next_response(timeframe, fact),
            TimeframeKind::Update => self.update(timeframe, fact),
            TimeframeKind::Resolution => self.resolution(timeframe, fact),
            TimeframeKind::Vendor => self.vendor(timeframe, fact),
        }
        if let Some(watch) = &mut self.watch {
            watch.set_paused(
                fact.at,
                timeframe.pause.contains(fact.after),
                &timeframe.calendar,
            );
        }
    }

    fn first_response(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.begins {
            self.begin_cycle(timeframe, fact.at, fact.after);
            if self.is_answered {
                self.stop(timeframe, fact.at, false);
            }
        }
        if fact.replies.contains(&Reply::Agent) {
            // While it is stopped by an end the answer counts as well: nothing resumes it then.
            self.is_answered = true;
            self.stop(timeframe, fact.at, false);
        }
        self.end_or_reopen(timeframe, fact);
    }

    fn next_response(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        for reply in &fact.replies {
            match reply {
                Reply::Agent => self.stop(timeframe, fact.at, false),
                Reply::Customer => {
                    if fact.has_begun && !self.is_active() && !fact.after.is_done() {
                        self.begin_cycle(timeframe, fact.at, fact.after);
                    }
                }
            }
        }
        if fact.after.is_done() {
            self.stop(timeframe, fact.at, true);
        }
    }

    fn update(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.begins {
            self.begin_cycle(timeframe, fact.at, fact.after);
        }
        for reply in &fact.replies {
            if *reply == Reply::Agent && fact.has_begun && !fact.before.is_done() {
                self.begin_cycle(timeframe, fact.at, fact.after);
            }
        }
        self.end_or_reopen(timeframe, fact);
    }

    fn resolution(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.begins {
            self.begin_cycle(timeframe, fact.at, fact.after);
        }
        self.end_or_reopen(timeframe, fact);
    }

    fn vendor(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.has_begun && fact.enters(StatusCategory::WaitingVendor) {
            self.begin_cycle(timeframe, fact.at, fact.after);
        } else if fact.after != StatusCategory::WaitingVendor {
            self.stop(timeframe, fact.at, fact.after.is_done());
        }
    }

    fn end_or_reopen(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.after.is_done() {
            self.stop(timeframe, fact.at, true);
            return;
        }
        let answered = self.is_answered && timeframe.kind == TimeframeKind::FirstResponse;
        if !fact.reopens() || answered || !self.is_stopped_by_end() {
            return;
        }
        match timeframe.on_reopen {
            OnReopen::Resume => {
                if let Some(watch) = &mut self.watch {
                    watch.resume(fact.at, &timeframe.calendar);
                }
            }
            OnReopen::Restart => self.begin_cycle(timeframe, fact.at, fact.after),
            OnReopen::Ignore => {}
        }
    }
}

/// What is left of the facts that were folded away, as far as clocks ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldedPast {
    /// The instant of the last folded fact.
    pub at: Timestamp,
    /// Whether the ticket had begun.
    pub has_begun: bool,
    /// Its category.
    pub category: StatusCategory,
    /// The last reply of an agent.
    pub last_agent_reply: Option<Timestamp>,
    /// The last reply of the customer.
    pub last_customer_reply: Option<Timestamp>,
}
