//! A ticket's history in words: what each fact did, and what was decided.

use super::{InForce, Machine, Outcome, Trace};
use crate::clock::Clock;
use crate::decision::Decision;
use crate::effect::CauseKind;
use crate::fact::Fact;
use crate::moment::Occurrence;
use crate::reason;
use crate::stopwatch::Motion;
use crate::ticket::Change;
use crate::time::Timestamp;

impl Machine {
    /// Writes down what a fact did to fields, plan and clocks.
    pub(super) fn trace_fact(
        &self,
        fact: &Fact,
        before: &Self,
        occurrence: &Occurrence,
        in_force: Option<&InForce>,
        out: &mut Outcome,
    ) {
        let mut lines = vec![Trace {
            at: fact.occurred_at,
            what: self.headline(fact, before),
            because: described(fact),
        }];
        if self.plan != before.plan {
            lines.push(match in_force {
                Some(in_force) => Trace {
                    at: fact.occurred_at,
                    what: format!("plan {} applies", in_force.plan.name),
                    because: in_force
                        .plan
                        .matching
                        .explain(&self.subject(&in_force.revision)),
                },
                None => Trace {
                    at: fact.occurred_at,
                    what: "no plan applies".to_owned(),
                    because: "no match holds".to_owned(),
                },
            });
        }
        lines.extend(in_force.and_then(|it| fallen(fact.occurred_at, before.level(), it)));
        let because = format!("the ticket is {}", occurrence.after.name());
        lines.extend(self.clocks_moved(fact.occurred_at, &before.clocks, &because));
        if let Some(trace) = &mut out.trace {
            trace.extend(lines);
        }
        out.trace_decisions();
    }

    /// Writes down what an edit of the plans did to plan, level and clocks.
    pub(super) fn trace_edit(
        &self,
        at: Timestamp,
        level: u32,
        before: &[Clock],
        in_force: Option<&InForce>,
        out: &mut Outcome,
    ) {
        if let Some(trace) = &mut out.trace {
            trace.push(Trace {
                at,
                what: "the plans were edited".to_owned(),
                because: self.plan.as_ref().map_or_else(
                    || "no plan of the new revision matches".to_owned(),
                    |plan| {
                        format!(
                            "plan {} of revision {} is in force",
                            plan.name, plan.revision
                        )
                    },
                ),
            });
            trace.extend(in_force.and_then(|it| fallen(at, level, it)));
            trace.extend(self.clocks_moved(at, before, "the plans were edited"));
        }
        out.trace_decisions();
    }

    /// What has become of the clocks.
    fn clocks_moved(
        &self,
        at: Timestamp,
        before: &[Clock],
        because: &str,
    ) -> impl Iterator<Item = Trace> {
        self.clocks.iter().filter_map(move |clock| {
            let had = before.iter().find(|had| had.timeframe == clock.timeframe);
            let what = moved(had, clock, at)?;
            Some(Trace {
                at,
                what: format!("{} {what}", clock.timeframe),
                because: because.to_owned(),
            })
        })
    }

    fn headline(&self, fact: &Fact, before: &Self) -> String {
        let verb = match (fact.created, before.last_fact_at == Timestamp::MIN) {
            (true, _) => "created",
            (false, true) => "adopted",
            (false, false) => "updated",
        };
        if self.category == before.category {
            verb.to_owned()
        } else {
            format!("{verb}, now {}", self.category.name())
        }
    }
}

impl Outcome {
    /// Writes down that the ticket was forgotten.
    pub(crate) fn trace_forgetting(&mut self, at: Timestamp) {
        if let Some(trace) = &mut self.trace {
            trace.push(Trace {
                at,
                what: "forgotten".to_owned(),
                because: "the ticket was done for so long".to_owned(),
            });
        }
    }

    /// Writes down the decisions that have no line yet.
    pub(super) fn trace_decisions(&mut self) {
        let Some(trace) = &mut self.trace else {
            return;
        };
        let decisions = self.decisions[self.traced..].iter();
        for decision in decisions {
            let is_withheld = decision.is_overtaken_at(decision.decided_at);
            // An update that reaches nobody leaves no trace outside either.
            if decision.update.is_some() && (is_withheld || decision.tellings.is_empty()) {
                continue;
            }
            let outcome = reason::outcome(decision);
            trace.push(Trace {
                at: decision.decided_at,
                what: if is_withheld {
                    format!("not {outcome}, it is too late")
                } else {
                    outcome
                },
                because: because(decision),
            });
        }
        self.traced = self.decisions.len();
    }
}

/// Why something was decided, and when it was due where that was before.
fn because(decision: &Decision) -> String {
    let (cause, due_at) = (&decision.cause, decision.due_at);
    let because = reason::because(cause, due_at, decision.actor.as_deref());
    // Of a mark it is told when it was reached.
    if due_at == decision.decided_at || cause.kind == CauseKind::Timeframe {
        because
    } else {
        format!("{because}, due {due_at}")
    }
}

/// That the plan in force has fewer levels than the one that the ticket was at: no event tells it.
fn fallen(at: Timestamp, before: u32, in_force: &InForce) -> Option<Trace> {
    let top = u32::try_from(in_force.plan.path.len()).unwrap_or(u32::MAX);
    // Where there is no level at all, the escalation ends.
    (0 < top && top < before).then(|| Trace {
        at,
        what: format!("level {before} → {top}"),
        because: format!("the path of plan {} ends there", in_force.plan.name),
    })
}

/// What happened to a clock, if anything did. Of another plan's clock it may have happened before it was
/// matched, and then it is told when.
fn moved(had: Option<&Clock>, clock: &Clock, at: Timestamp) -> Option<String> {
    let watch = clock.watch.as_ref()?;
    let before = had.and_then(|had| Some((had.cycle, had.watch.as_ref()?.motion)));
    if before.is_some_and(|(cycle, motion)| cycle == clock.cycle && motion == watch.motion) {
        return None;
    }
    let started = before.is_none_or(|(cycle, _)| cycle != clock.cycle);
    let (state, since) = match watch.motion {
        Motion::Running if started => ("started", watch.started_at),
        Motion::Running => ("goes on", at),
        Motion::Paused { since } if started && since == watch.started_at => {
            ("started, paused", since)
        }
        Motion::Paused { since } => ("paused", since),
        Motion::Stopped { at, done: true } => ("stopped by the end", at),
        Motion::Stopped { at, done: false } => ("stopped by the answer", at),
    };
    let mut what = state.to_owned();
    if clock.cycle > 1 {
        what += &format!(" (cycle {})", clock.cycle);
    }
    if since != at {
        what += &format!(" at {since}");
    }
    Some(what)
}

/// What a fact says, field by field and activity by activity.
fn described(fact: &Fact) -> String {
    let changes = fact.changes.iter().map(|change| match change {
        Change::Text(field, Some(value)) => format!("{} {value}", field.name()),
        Change::Text(field, None) => format!("no {}", field.name()),
        Change::Number(field, value) => {
            let name = field.name();
            value.map_or_else(|| format!("no {name}"), |value| format!("{name} {value}"))
        }
        Change::Tags(tags) if tags.is_empty() => "no tags".to_owned(),
        Change::Tags(tags) => format!("tags {}", tags.join(" ")),
        Change::Label(name, Some(value)) => format!("labels.{name} {value}"),
        Change::Label(name, None) => format!("no labels.{name}"),
        Change::ClearLabels => "no labels".to_owned(),
    });
    let activities = fact
        .activities
        .iter()
        .map(|activity| match &activity.actor {
            Some(actor) => format!("{} by {actor}", activity.kind.name()),
            None => activity.kind.name().to_owned(),
        });
    let parts: Vec<_> = changes.chain(activities).collect();
    if parts.is_empty() {
        "nothing of interest changed".to_owned()
    } else {
        parts.join(", ")
    }
}
