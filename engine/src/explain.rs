//! Why, why not, what next: a ticket as its plans see it at one instant.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::clock::Clock;
use crate::fact::Fact;
use crate::ladder::Wait;
use crate::length::Length;
use crate::machine::{Due, Machine, Trace, What};
use crate::plan::{MatrixField, Plan, Revision, Timeframe, Unless, Within};
use crate::rules::Rules;
use crate::stopwatch::{Motion, Stopwatch};
use crate::ticket::{Text, Ticket};
use crate::ticket_state::TicketState;
use crate::time::{Duration, Timestamp};

/// The answer of `explain`; the fields are the contract's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's section on `explain`"
)]
pub struct Explanation {
    pub ticket_id: Text,
    pub at: Timestamp,
    pub plan: Option<Text>,
    pub plan_revision: Option<Text>,
    pub status_category: &'static str,
    pub level: u32,
    pub acknowledged: bool,
    pub clocks: Vec<ClockReading>,
    pub triggers: Vec<TriggerReading>,
    pub plans: Vec<PlanReading>,
    pub next: Option<Next>,
    pub history: Vec<HistoryLine>,
}

/// One clock, in its latest cycle.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's section on `explain`"
)]
pub struct ClockReading {
    pub timeframe: Text,
    pub cycle: u32,
    pub state: &'static str,
    pub started_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    pub within_s: Option<Seconds>,
    /// The same as the plan writes it.
    pub within: Option<Length>,
    /// Why the clock has no limit, where it has none.
    pub no_limit: Option<String>,
    pub elapsed_s: Seconds,
    pub remaining_s: Option<Seconds>,
    pub paused_s: Seconds,
    pub due_at: Option<Timestamp>,
    pub breached: bool,
    pub marks: Vec<MarkReading>,
    /// What did not count, and why.
    pub uncounted: Vec<Uncounted>,
}

/// A span that a clock did not count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Uncounted {
    /// Its first instant.
    pub from: Timestamp,
    /// Its end; none while it lasts.
    pub to: Option<Timestamp>,
    /// `paused` or `closed`.
    pub because: &'static str,
}

/// One mark of a clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's section on `explain`"
)]
pub struct MarkReading {
    pub at: Text,
    pub threshold_s: Option<Seconds>,
    pub due_at: Option<Timestamp>,
    pub fired_at: Option<Timestamp>,
}

/// One trigger of the plan in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's section on `explain`"
)]
pub struct TriggerReading {
    pub name: Text,
    pub holds: bool,
    pub because: String,
}

/// One plan of the revision in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "each field is described in the contract's section on `explain`"
)]
pub struct PlanReading {
    pub name: Text,
    pub matches: bool,
    pub because: String,
}

/// What fires next if nothing more happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryLine {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
    /// Why.
    pub because: String,
}

/// A length in seconds: whole when whole, else with up to three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(Duration);

impl From<Duration> for Seconds {
    fn from(length: Duration) -> Self {
        Self(length)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ms = self.0.as_millis();
        if ms % 1000 == 0 {
            serializer.serialize_i64(ms / 1000)
        } else {
            // A length of up to millennia is exact to far below a millisecond in a double.
            serializer.serialize_f64(ms as f64 / 1000.0)
        }
    }
}

/// Explains a ticket at an instant, from its facts up to that instant and then what is due at it.
/// None when nothing is known of it by then.
#[must_use]
pub fn explain(
    ticket_id: &Text,
    facts: &[Arc<Fact>],
    at: Timestamp,
    rules: &Rules,
) -> Option<Explanation> {
    let mut state = TicketState::default();
    for fact in facts.iter().filter(|fact| fact.occurred_at <= at) {
        state.accept(Arc::clone(fact), Timestamp::MIN);
    }
    explain_state(ticket_id, state, at, rules)
}

/// Explains a ticket at an instant from its stored state. The history begins where older facts were
/// folded away. None when nothing is known of it by then, or nothing but what was folded later.
#[must_use]
pub fn explain_state(
    ticket_id: &Text,
    mut state: TicketState,
    at: Timestamp,
    rules: &Rules,
) -> Option<Explanation> {
    if state
        .fold
        .as_ref()
        .is_some_and(|fold| at < fold.key.occurred_at)
    {
        return None;
    }
    state.rewind();
    let history = state.advance_traced(at.plus_millis(1), rules);
    state.machine.created_at?;
    Some(read(ticket_id, &state.machine, history, at, rules))
}

fn read(
    ticket_id: &Text,
    machine: &Machine,
    history: Vec<Trace>,
    at: Timestamp,
    rules: &Rules,
) -> Explanation {
    let revision = machine.revision_at(at, rules);
    let in_force = machine.plan.as_ref().and_then(|plan| rules.resolve(plan));
    let line = |trace: Trace| HistoryLine {
        at: trace.at,
        what: trace.what,
        because: trace.because,
    };
    Explanation {
        ticket_id: ticket_id.clone(),
        at,
        plan: in_force.map(|(_, plan)| plan.name.clone()),
        plan_revision: in_force.map(|(revision, _)| revision.id.clone()),
        status_category: machine.category.name(),
        level: machine.level(),
        acknowledged: machine
            .escalation
            .as_ref()
            .is_some_and(|open| open.acknowledgement.is_some()),
        clocks: in_force.map_or_else(Vec::new, |(_, plan)| {
            let clocks = machine.clocks.iter().zip(&plan.timeframes);
            clocks
                .map(|(clock, timeframe)| clock_reading(machine, clock, timeframe, at))
                .collect()
        }),
        triggers: in_force.map_or_else(Vec::new, |(revision, plan)| {
            trigger_readings(machine, plan, revision)
        }),
        plans: plan_readings(machine, revision),
        next: next(machine, rules),
        history: history.into_iter().map(line).collect(),
    }
}

/// What fires next if nothing more happens.
#[must_use]
pub fn next(machine: &Machine, rules: &Rules) -> Option<Next> {
    let due = machine.next_seen(rules)?;
    let (_, plan) = rules.resolve(machine.plan.as_ref()?)?;
    Some(Next {
        at: due.at.max(machine.last_fact_at),
        what: describe_due(due, plan, machine),
    })
}

/// Reads a clock at an instant, by the fields that the ticket has then.
pub(crate) fn clock_reading(
    machine: &Machine,
    clock: &Clock,
    timeframe: &Timeframe,
    at: Timestamp,
) -> ClockReading {
    let calendar = &timeframe.calendar;
    let length = timeframe.within.length(&machine.ticket);
    let watch = clock.watch.as_ref();
    let within = length.and_then(|length| match (watch, length) {
        (Some(watch), _) => watch.working(length, calendar),
        (None, Length::Working(working)) => Some(working),
        // Working days have no length before there is a start.
        (None, Length::Days(_)) => None,
    });
    let elapsed = watch.map_or_else(Duration::default, |watch| watch.elapsed(at, calendar));
    let paused = watch.map_or_else(Duration::default, |watch| watch.paused(at, calendar));
    let due_at = clock.deadline(timeframe, &machine.ticket);
    let (state, stopped_at) = match watch.map(|watch| watch.motion) {
        None => ("idle", None),
        Some(Motion::Running) => ("running", None),
        Some(Motion::Paused { .. }) => ("paused", None),
        Some(Motion::Stopped { at, .. }) => ("stopped", Some(at)),
    };
    let course = watch
        .zip(length)
        .and_then(|(watch, length)| Some((watch, watch.course(length, calendar)?)));
    let mark = |mark: &crate::plan::Mark| {
        let stands = course.and_then(|(watch, course)| watch.mark(mark.at, &course, calendar));
        let threshold = match &stands {
            Some(stands) => Some(stands.threshold),
            None => within.and_then(|within| mark.at.threshold(within)),
        };
        MarkReading {
            at: mark.text.clone(),
            threshold_s: threshold.filter(|it| it.as_millis() >= 0).map(Seconds),
            due_at: stands.and_then(|stands| stands.due_at),
            fired_at: machine.fired_at(clock, &mark.text),
        }
    };
    ClockReading {
        timeframe: clock.timeframe.clone(),
        cycle: clock.cycle,
        state,
        started_at: watch.map(|watch| watch.started_at),
        stopped_at,
        within_s: within.map(Seconds),
        within: length,
        no_limit: no_limit(&timeframe.within, &machine.ticket),
        elapsed_s: Seconds(elapsed),
        remaining_s: within.map(|within| {
            Seconds(Duration::from_millis(
                within.as_millis() - elapsed.as_millis(),
            ))
        }),
        paused_s: Seconds(paused),
        due_at,
        breached: due_at.is_some_and(|due_at| due_at <= at),
        marks: timeframe.marks.iter().map(mark).collect(),
        uncounted: watch.map_or_else(Vec::new, uncounted),
    }
}

/// Why a matrix has no length for a ticket; none where it has one.
fn no_limit(within: &Within, ticket: &Ticket) -> Option<String> {
    let Within::By { field, .. } = within else {
        return None;
    };
    if within.length(ticket).is_some() {
        return None;
    }
    let (name, value) = match field {
        MatrixField::Text(field) => (field.name().to_owned(), ticket.text(*field)),
        MatrixField::Label(name) => (format!("labels.{name}"), ticket.labels.get(name)),
    };
    Some(match value {
        Some(value) => format!("no row for {name} {value} and no default"),
        None => format!("the ticket has no {name}, and there is no default"),
    })
}

fn uncounted(watch: &Stopwatch) -> Vec<Uncounted> {
    let gaps = watch.gaps.iter().map(|gap| Uncounted {
        from: gap.from,
        to: Some(gap.to),
        because: if gap.closed { "closed" } else { "paused" },
    });
    let lasting = match watch.motion {
        Motion::Paused { since } => Some(Uncounted {
            from: since,
            to: None,
            because: "paused",
        }),
        Motion::Running | Motion::Stopped { .. } => None,
    };
    gaps.chain(lasting).collect()
}

fn trigger_readings(machine: &Machine, plan: &Plan, revision: &Revision) -> Vec<TriggerReading> {
    let reading = |trigger: &crate::plan::Trigger| {
        let subject = machine.subject(revision);
        let (holds, because) = if machine.category.is_done() {
            (false, format!("the ticket is {}", machine.category.name()))
        } else if !machine.has_begun {
            (
                false,
                "the ticket was adopted and has no status yet".to_owned(),
            )
        } else {
            (trigger.when.holds(&subject), trigger.when.explain(&subject))
        };
        let because = match machine.hold_due(trigger) {
            Some(due_at) => format!("{because}, and escalates when it still does at {due_at}"),
            None => because,
        };
        TriggerReading {
            name: trigger.name.clone(),
            holds,
            because,
        }
    };
    plan.triggers.iter().map(reading).collect()
}

fn plan_readings(machine: &Machine, revision: &Revision) -> Vec<PlanReading> {
    let subject = machine.subject(revision);
    let mut taken_by: Option<Text> = None;
    let mut readings = Vec::with_capacity(revision.plans.len());
    for plan in &revision.plans {
        let matches = plan.matching.holds(&subject);
        let because = plan.matching.explain(&subject);
        let because = match &taken_by {
            Some(first) if matches => format!("{because}, but {first} comes first"),
            Some(_) | None => because,
        };
        if matches && taken_by.is_none() {
            taken_by = Some(plan.name.clone());
        }
        readings.push(PlanReading {
            name: plan.name.clone(),
            matches,
            because,
        });
    }
    readings
}

fn describe_due(due: Due, plan: &Plan, machine: &Machine) -> String {
    let level = machine.level();
    match due.what {
        What::Mark { timeframe, mark } => {
            let timeframe = &plan.timeframes[timeframe];
            let mark = &timeframe.marks[mark];
            let effect = match mark.level {
                Some(asked) if asked > level => format!("raises to level {asked}"),
                Some(asked) if mark.warn.is_empty() => format!("level {asked} is reached already"),
                Some(_) | None => "warns".to_owned(),
            };
            format!("{} reaches {}: {effect}", timeframe.name, mark.text)
        }
        What::Hold { trigger } => {
            let trigger = &plan.triggers[trigger];
            let reached = if trigger.level > level {
                ""
            } else {
                " is reached already"
            };
            format!(
                "trigger {} has held long enough: level {}{reached}",
                trigger.name, trigger.level
            )
        }
        What::Wait(Wait::NextAfter) => {
            let open = machine.escalation.as_ref();
            let unless = match open
                .and_then(|open| open.level_of(plan))
                .map(|level| level.unless)
            {
                Some(Unless::Resolved) => "resolved (an acknowledgement does not stop it)",
                Some(Unless::Acknowledged) | None => "acknowledged",
            };
            format!("raises to level {}, unless {unless}", level + 1)
        }
        What::Wait(Wait::Repeat) => format!("tells level {level} again"),
        What::Wait(Wait::AcknowledgementEnd) => "the acknowledgement is over".to_owned(),
        What::Wait(Wait::CloseWithin) => {
            format!("close_within is over: raises to level {}", plan.path.len())
        }
        What::Wait(Wait::Communication) => "tells how it stands".to_owned(),
    }
}
