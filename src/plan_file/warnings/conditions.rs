//! Conditions that no ticket can fulfil, and plans that an earlier one leaves nothing to.

use escalator_engine::condition::{Condition, Counter, Field, Scalar, Test};
use escalator_engine::moment::{Moment, Pause};
use escalator_engine::plan::{Timeframe, Trigger};
use escalator_engine::status::StatusCategory;
use escalator_engine::ticket::TextField;

use crate::plan_file::contradiction::{Contradiction, Search};
use crate::plan_file::node::Node;
use crate::plan_file::plans::{Placed, name_place};
use crate::plan_file::problem::{Code, Place, Problem};
use crate::plan_file::reader::Reader;
use crate::plan_file::scope::Scope;

/// Warns of the conditions of one plan.
pub(super) fn of_plan(
    reader: &mut Reader,
    search: &mut Search<'_>,
    scope: &Scope,
    placed: &Placed<'_>,
) {
    let Placed { plan, node, .. } = placed;
    let at_match = node.get("match").map(|node| node.place);
    if let Some(found) = search.contradiction(&[(&plan.matching, true)])
        && let Some(place) = at_match
    {
        let message = format!("no ticket can be as `match` asks{}", about(&found));
        reader.report(
            Code::Contradiction,
            place,
            &message,
            "ask for what one ticket can have at one time; `any_of` asks for one of several things",
        );
        // Nothing of this plan ever happens, so that nothing else of it matters.
        return;
    }
    if let Some(triggers) = node.get("triggers") {
        let matching = lasting(&plan.matching);
        for (trigger, node) in plan.triggers.iter().zip(triggers.items()) {
            of_trigger(reader, search, scope, trigger, node, (&matching, at_match));
        }
    }
    for (timeframe, node) in placed.timeframes() {
        of_timeframe(reader, search, timeframe, node);
    }
}

/// What a plan's match says of its tickets whenever their triggers are looked at: it is evaluated
/// before the activities of a fact, and those change what is counted.
fn lasting(matching: &Condition) -> Condition {
    match matching {
        Condition::All(parts) => Condition::All(parts.iter().map(lasting).collect()),
        Condition::Field(Field::Counter(_), _) => Condition::default(),
        Condition::Field(..) => matching.clone(),
        Condition::Any(parts) if !parts.iter().any(counts) => matching.clone(),
        Condition::Not(inner) if !counts(inner) => matching.clone(),
        Condition::Any(_) | Condition::Not(_) | Condition::Expression(_) => Condition::default(),
    }
}

/// Whether a condition asks for what is counted.
fn counts(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(counts),
        Condition::Not(inner) => counts(inner),
        Condition::Field(field, _) => matches!(field, Field::Counter(_)),
        // No test is ever made of an expression.
        Condition::Expression(_) => false,
    }
}

fn of_trigger(
    reader: &mut Reader,
    search: &mut Search<'_>,
    scope: &Scope,
    trigger: &Trigger,
    node: &Node,
    (matching, at_match): (&Condition, Option<Place>),
) {
    let when = (&trigger.when, true);
    let place = node.get("when").map_or(node.place, |node| node.place);
    let never = format!("the trigger `{}` can never hold", trigger.name);
    if let Some(found) = search.contradiction(&[when]) {
        reader.report(
            Code::Contradiction,
            place,
            &format!("{never}{}", about(&found)),
            "ask for what one ticket can have at one time; `any_of` asks for one of several things",
        );
        return;
    }
    let done = [StatusCategory::Resolved, StatusCategory::Closed];
    let done = done.map(|category| Scalar::new(category.name())).to_vec();
    let unresolved = Condition::Field(Field::StatusCategory, vec![Test::None(done)]);
    let asks_for_end = asks_for_end(scope, &trigger.when);
    if asks_for_end || search.contradiction(&[when, (&unresolved, true)]).is_some() {
        reader.report(
            Code::Contradiction,
            place,
            &format!("{never}: triggers rest while a ticket is resolved or closed"),
            "ask for what can be said of a ticket that is still open, such as `reopen_count`",
        );
        return;
    }
    if let Some(found) = search.contradiction(&[when, (matching, true)]) {
        let of_field = match &found.field {
            Some(field) => format!("the plan takes no ticket with such a `{field}`"),
            None => "the plan takes no such ticket".to_owned(),
        };
        let problem = Problem::new(
            Code::Contradiction,
            place,
            &format!("{never}: {of_field}"),
            "move the trigger to the plan that takes these tickets, or widen `match`",
        );
        reader.push(match at_match {
            Some(place) => problem.with_other(place, "what the plan takes"),
            None => problem,
        });
        return;
    }
    let below = Scalar::new(&trigger.level.saturating_sub(1).to_string());
    let is_below = Test::AtMost(below);
    let below = Condition::Field(Field::Counter(Counter::EscalationLevel), vec![is_below]);
    if search.contradiction(&[when, (&below, true)]).is_some() {
        reader.report(
            Code::IdleTrigger,
            node.get("level").map_or(node.place, |node| node.place),
            &format!(
                "the trigger `{}` asks for level {}, which is reached whenever it holds",
                trigger.name, trigger.level
            ),
            "ask for a higher level, or leave `escalation_level` out of `when`",
        );
    }
}

fn of_timeframe(reader: &mut Reader, search: &mut Search<'_>, timeframe: &Timeframe, node: &Node) {
    let mut check = |condition: &Condition, node: &Node| {
        let place = node.get("when").map_or(node.place, |node| node.place);
        if asks_for_level(condition) {
            reader.report(
                Code::ClockByLevel,
                place,
                "a clock goes by facts alone: it sees the level before each fact, and none that is reached between facts",
                "ask for fields or other counters; what depends on the level can be a trigger or a wait of the path",
            );
        }
        if let Some(found) = search.contradiction(&[(condition, true)]) {
            reader.report(
                Code::Contradiction,
                place,
                &format!("this can never become true{}", about(&found)),
                "ask for what one ticket can have at one time, or leave it out",
            );
        }
    };
    if let (Pause::When(condition), Some(node)) = (&timeframe.pause, node.get("pause")) {
        check(condition, node);
    }
    let moments = &timeframe.moments;
    for (key, moments) in [
        ("start", &moments.start),
        ("stop", &moments.stop),
        ("reset", &moments.reset),
    ] {
        for (moment, node) in moments.iter().zip(node.list(key)) {
            if let Moment::When(condition) = moment {
                check(condition, node);
            }
        }
    }
}

/// Whether a condition asks for status words that mean resolved or closed, and for no others.
fn asks_for_end(scope: &Scope, condition: &Condition) -> bool {
    let is_end = |scalar: &Scalar| {
        let category = scope.status_category(&scalar.text);
        category.is_some_and(StatusCategory::is_done)
    };
    match condition {
        Condition::All(parts) => parts.iter().any(|part| asks_for_end(scope, part)),
        Condition::Field(Field::Text(TextField::Status), tests) => {
            let mut tests = tests.iter();
            tests.any(|test| matches!(test, Test::Any(words) if words.iter().all(is_end)))
        }
        Condition::Any(_) | Condition::Not(_) | Condition::Expression(_) | Condition::Field(..) => {
            false
        }
    }
}

/// Whether a condition asks for the level of an escalation.
fn asks_for_level(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(asks_for_level),
        Condition::Not(inner) => asks_for_level(inner),
        Condition::Field(field, _) => *field == Field::Counter(Counter::EscalationLevel),
        Condition::Expression(expression) => expression.source().contains("escalation_level"),
    }
}

/// The end of a sentence that says that something cannot be.
fn about(found: &Contradiction) -> String {
    match &found.field {
        Some(field) => format!(": what it asks for in `{field}` excludes itself"),
        None => ": what it asks for excludes itself".to_owned(),
    }
}

/// Warns of plans that no ticket can reach.
pub(super) fn unreachable(reader: &mut Reader, search: &mut Search<'_>, plans: &[&Placed<'_>]) {
    for (index, later) in plans.iter().enumerate() {
        let wanted = (&later.plan.matching, true);
        if search.contradiction(&[wanted]).is_some() {
            // Another warning says so already.
            continue;
        }
        let earlier = plans[..index].iter().find(|earlier| {
            let matching = &earlier.plan.matching;
            takes_all(matching)
                || *matching == later.plan.matching
                || search.contradiction(&[wanted, (matching, false)]).is_some()
        });
        if let Some(earlier) = earlier {
            reader.push(
                Problem::new(
                    Code::UnreachablePlan,
                    later.place,
                    &format!(
                        "no ticket reaches the plan `{}`: `{}` takes them all",
                        later.plan.name, earlier.plan.name
                    ),
                    "put the plan with the narrower `match` first",
                )
                .with_other(name_place(earlier.node), "this plan comes first"),
            );
        }
    }
}

/// Whether every ticket is as asked.
fn takes_all(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(takes_all),
        Condition::Any(parts) => parts.iter().any(takes_all),
        Condition::Not(_) => false,
        Condition::Field(_, tests) => tests.is_empty(),
        Condition::Expression(expression) => expression.source().trim() == "true",
    }
}
