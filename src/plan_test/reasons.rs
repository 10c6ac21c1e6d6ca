//! Why an expected event did not come: what `explain` knows of the ticket at that time, as far as
//! it bears on the expectation.

use std::sync::Arc;

use escalator_engine::explain::{ClockReading, Explanation, explain};
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

use super::matching::as_written;
use super::suite::Case;
use crate::offline::{counted_of, harmless};
use crate::plan_file::{Expectation, Wanted};

/// Clocks that are told of where the expectation names no cause.
const CLOCKS_MAX: usize = 4;

/// Plans that are told of where none applies.
const PLANS_MAX: usize = 8;

/// Why the event did not come, line by line.
pub(super) fn because(case: &Case, rules: &Arc<Rules>, expected: &Expectation) -> Vec<String> {
    let Some(ticket_id) = &expected.ticket_id else {
        return Vec::new();
    };
    let facts = case.facts.iter().filter(|it| it.ticket_id == *ticket_id);
    let facts: Vec<_> = facts.map(|it| Arc::clone(&it.fact)).collect();
    let time = |at| as_written(expected, case.test.start, at);
    let Some(it) = explain(ticket_id, &facts, expected.at, rules) else {
        return vec![format!("nothing is known of {ticket_id} by then")];
    };
    let mut lines = vec![standing(&it)];
    let plan = wanted_text(expected, "plan");
    if it.plan.is_none() || plan.is_some_and(|plan| it.plan.as_deref() != Some(&*plan)) {
        lines.extend(plans(&it));
    }
    let cause = wanted_cause(expected);
    let about_cause = cause.map(|cause| causes(&time, &it, &cause));
    match about_cause.filter(|lines| !lines.is_empty()) {
        Some(about_cause) => lines.extend(about_cause),
        None => {
            let clocks = it.clocks.iter().filter(|clock| clock.state != "idle");
            let clocks = clocks.take(CLOCKS_MAX).map(|clock| reading(&time, clock));
            lines.extend(clocks);
        }
    }
    lines.push(match &it.next {
        Some(next) => format!(
            "next, if nothing happens: at {} {}",
            time(next.at),
            harmless(&next.what)
        ),
        None => "nothing is going to fire if nothing happens".to_owned(),
    });
    lines
}

fn standing(it: &Explanation) -> String {
    let plan = it.plan.as_ref();
    let plan = plan.map_or_else(
        || "no plan applies".to_owned(),
        |plan| format!("{} applies", harmless(plan)),
    );
    let acknowledged = if it.acknowledged {
        ", acknowledged"
    } else {
        ""
    };
    let (id, status, level) = (harmless(&it.ticket_id), it.status_category, it.level);
    format!("{id} is then {status}, at level {level}{acknowledged}; {plan}")
}

fn plans(it: &Explanation) -> impl Iterator<Item = String> {
    let plans = it.plans.iter().take(PLANS_MAX);
    plans.map(|plan| {
        let verb = if plan.matches {
            "matches"
        } else {
            "does not match"
        };
        let (name, because) = (harmless(&plan.name), harmless(&plan.because));
        format!("{name} {verb}: {because}")
    })
}

/// The trigger and the clock that the cause names.
fn causes(time: &impl Fn(Timestamp) -> String, it: &Explanation, cause: &str) -> Vec<String> {
    let triggers = it.triggers.iter().filter(|trigger| *trigger.name == *cause);
    let triggers = triggers.map(|trigger| {
        let verb = if trigger.holds {
            "holds"
        } else {
            "does not hold"
        };
        let (name, because) = (harmless(&trigger.name), harmless(&trigger.because));
        format!("trigger {name} {verb}: {because}")
    });
    let is_meant = |clock: &&ClockReading| {
        let rest = cause.strip_prefix(&*clock.timeframe);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let clocks = it.clocks.iter().filter(is_meant);
    triggers
        .chain(clocks.map(|clock| reading(time, clock)))
        .collect()
}

/// A clock in one line.
fn reading(time: &impl Fn(Timestamp) -> String, clock: &ClockReading) -> String {
    let name = harmless(&clock.timeframe);
    let state = match (clock.state, clock.stopped_at) {
        ("idle", _) => return format!("{name} has not started"),
        (_, Some(at)) => format!("was stopped at {}", time(at)),
        ("paused", None) => match clock.uncounted.last() {
            Some(span) => format!("is paused since {}", time(span.from)),
            None => "is paused".to_owned(),
        },
        (state, None) => format!("is {state}"),
    };
    let within = counted_of(clock);
    let due = match (clock.due_at, clock.breached) {
        (Some(at), true) => format!(", broken at {}", time(at)),
        (Some(at), false) => format!(", due at {}", time(at)),
        (None, _) => String::new(),
    };
    format!("{name} {state}: {within}{due}")
}

/// The text that an expectation wants of a field.
fn wanted_text(expected: &Expectation, name: &str) -> Option<String> {
    let field = expected.fields.iter().find(|field| field.name == name)?;
    match &field.wanted {
        Wanted::Is(value) => value.as_str().map(str::to_owned),
        Wanted::Cause(text) => Some(text.clone()),
        Wanted::Contains(_) => None,
    }
}

/// The name of the cause that an expectation wants.
fn wanted_cause(expected: &Expectation) -> Option<String> {
    wanted_text(expected, "cause").or_else(|| {
        let field = expected.fields.iter().find(|field| field.name == "cause")?;
        match &field.wanted {
            Wanted::Is(value) => value["name"].as_str().map(str::to_owned),
            Wanted::Cause(_) | Wanted::Contains(_) => None,
        }
    })
}
