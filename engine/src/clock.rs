//! The clock of a timeframe: what a fact does to it, and when its marks are due.
//!
//! A clock depends on facts alone, never on levels or on what was emitted. That is why another plan
//! can have its clocks recomputed from the history of the ticket ([`Clock::apply`] over every
//! [`Occurrence`]), and why a late fact needs nothing but another reading of the same history.

use serde::Serialize;

use crate::moment::{Act, Entered, Moment, Occurrence};
use crate::plan::{OnReopen, Timeframe, TimeframeKind};
use crate::status::StatusCategory;
use crate::stopwatch::{Motion, Stopwatch};
use crate::ticket::{Text, Ticket};
use crate::time::Timestamp;

/// The clock of one timeframe, in its latest cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
        let here = &fold.occurrence;
        let (begins, is_over) = match timeframe.kind {
            TimeframeKind::FirstResponse => (true, clock.is_answered),
            TimeframeKind::Resolution | TimeframeKind::Update => (true, false),
            TimeframeKind::NextResponse => {
                (fold.last_customer_reply > fold.last_agent_reply, false)
            }
            TimeframeKind::Vendor => (here.after == StatusCategory::WaitingVendor, false),
            TimeframeKind::Custom => {
                let started = fold.last_of(&timeframe.moments.start);
                let stopped = fold.last_of(&timeframe.moments.stop);
                (started.is_some(), stopped >= started)
            }
        };
        if begins && here.has_begun {
            clock.begin_cycle(timeframe, here);
            if is_over {
                clock.stop(timeframe, here.at, false);
            } else if here.after.is_done() {
                clock.stop(timeframe, here.at, true);
            }
        }
        clock
    }

    /// Whether it runs or is paused.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.watch.as_ref().is_some_and(Stopwatch::is_active)
    }

    /// When the time of its timeframe is over or was, as things stand; none while it is paused before,
    /// and when it was stopped in time.
    #[must_use]
    pub fn deadline(&self, timeframe: &Timeframe, ticket: &Ticket) -> Option<Timestamp> {
        let length = timeframe.within.length(ticket)?;
        self.watch.as_ref()?.due(length, &timeframe.calendar)
    }

    fn is_stopped_by_end(&self) -> bool {
        let motion = self.watch.as_ref().map(|watch| watch.motion);
        matches!(motion, Some(Motion::Stopped { done: true, .. }))
    }

    fn begin_cycle(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        self.cycle += 1;
        self.watch = Some(Stopwatch::start(fact.at, timeframe.pause.holds(fact)));
    }

    fn stop(&mut self, timeframe: &Timeframe, at: Timestamp, done: bool) {
        if let Some(watch) = &mut self.watch {
            watch.stop(at, done, &timeframe.calendar);
        }
    }

    /// Does to the clock what the fact does: replies in their order, then the status.
    pub fn apply(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.is_restart {
            if self.is_active() {
                self.begin_cycle(timeframe, fact);
            }
            return;
        }
        match timeframe.kind {
            TimeframeKind::FirstResponse => self.first_response(timeframe, fact),
            TimeframeKind::NextResponse => self.next_response(timeframe, fact),
            TimeframeKind::Update => self.update(timeframe, fact),
            TimeframeKind::Resolution => self.resolution(timeframe, fact),
            TimeframeKind::Vendor => self.vendor(timeframe, fact),
            TimeframeKind::Custom => self.custom(timeframe, fact),
        }
        if let Some(watch) = &mut self.watch {
            watch.set_paused(fact.at, timeframe.pause.holds(fact), &timeframe.calendar);
        }
    }

    fn first_response(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.begins {
            self.begin_cycle(timeframe, fact);
            if self.is_answered {
                self.stop(timeframe, fact.at, false);
            }
        }
        if fact.acts.contains(&Act::AgentReply) {
            // While it is stopped by an end the answer counts as well: nothing resumes it then.
            self.is_answered = true;
            self.stop(timeframe, fact.at, false);
        }
        self.end_or_reopen(timeframe, fact);
    }

    fn next_response(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        for act in &fact.acts {
            match act {
                Act::Acknowledged => {}
                Act::AgentReply => self.stop(timeframe, fact.at, false),
                Act::CustomerReply => {
                    if fact.has_begun && !self.is_active() && !fact.after.is_done() {
                        self.begin_cycle(timeframe, fact);
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
            self.begin_cycle(timeframe, fact);
        }
        for act in &fact.acts {
            if *act == Act::AgentReply && fact.has_begun && !fact.before.is_done() {
                self.begin_cycle(timeframe, fact);
            }
        }
        self.end_or_reopen(timeframe, fact);
    }

    fn resolution(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.begins {
            self.begin_cycle(timeframe, fact);
        }
        self.end_or_reopen(timeframe, fact);
    }

    fn vendor(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if fact.has_begun && fact.enters(StatusCategory::WaitingVendor) {
            self.begin_cycle(timeframe, fact);
        } else if fact.after != StatusCategory::WaitingVendor {
            self.stop(timeframe, fact.at, fact.after.is_done());
        }
    }

    /// In every part of the fact a stop comes before a start: what stops a clock that has started
    /// before and starts it leaves it running. What starts and stops an idle one leaves it stopped,
    /// since nothing else would stop it. A moment that both starts and resets a clock begins one
    /// cycle.
    fn custom(&mut self, timeframe: &Timeframe, fact: &Occurrence) {
        if !fact.has_begun {
            return;
        }
        let moments = &timeframe.moments;
        for part in fact.parts() {
            if fact.has_any(part, &moments.stop) {
                self.stop(timeframe, fact.at, false);
            }
            let is_idle = self.cycle == 0;
            let begins = if is_idle {
                &moments.start
            } else {
                &moments.reset
            };
            if !fact.after.is_done() && fact.has_any(part, begins) {
                self.begin_cycle(timeframe, fact);
                if is_idle && fact.stops_at_once(part, moments) {
                    self.stop(timeframe, fact.at, false);
                }
            }
        }
        if fact.after.is_done() {
            self.stop(timeframe, fact.at, true);
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
            OnReopen::Restart => self.begin_cycle(timeframe, fact),
            OnReopen::Ignore => {}
        }
    }
}

/// What is left of the facts that were folded away, as far as clocks ask.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedPast {
    /// The ticket as it stood, as if it had begun there.
    pub occurrence: Occurrence,
    /// Its first fact.
    pub created_at: Option<Timestamp>,
    /// The last reply of an agent.
    pub last_agent_reply: Option<Timestamp>,
    /// The last reply of the customer.
    pub last_customer_reply: Option<Timestamp>,
    /// The last entry into each category.
    pub entries: Vec<Entered>,
}

impl FoldedPast {
    /// When the last of these moments was, as far as that is known still: what only shows in the
    /// ticket as it stood was there at the latest.
    fn last_of(&self, moments: &[Moment]) -> Option<Timestamp> {
        let here = &self.occurrence;
        let stood = |is_so: bool| is_so.then_some(here.at);
        let last = moments.iter().filter_map(|moment| match moment {
            Moment::Created => self.created_at,
            Moment::AgentReply => self.last_agent_reply,
            Moment::CustomerReply => self.last_customer_reply,
            Moment::Assigned => stood(here.is_assigned),
            Moment::Matched | Moment::Updated => stood(true),
            Moment::Acknowledged => None,
            Moment::Status(category) => {
                let entered = self.entries.iter().find(|it| it.category == *category);
                // A release that did not keep them yet has left the present one alone.
                entered.map_or_else(|| stood(here.after == *category), |it| Some(it.at))
            }
            Moment::When(condition) => stood(
                here.views
                    .as_ref()
                    .is_some_and(|views| views.after.holds(condition, &views.revision)),
            ),
        });
        last.max()
    }
}
