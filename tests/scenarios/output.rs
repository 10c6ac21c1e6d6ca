//! Events out and explanations as lines of a timeline.

use std::fmt::Write as _;

use escalator_engine::effect::{Escalated, EscalatedType, Event, Notify, Purpose};
use escalator_engine::emission::Emitted;
use escalator_engine::explain::{ClockReading, Explanation};
use escalator_engine::plan::Nature;
use escalator_engine::time::{Duration, Timestamp};

use super::timeline::time;

/// One line for each `escalated` event, with those who are told.
pub(super) fn lines(events: &[Emitted]) -> Vec<(Timestamp, String)> {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    let mut told_before = 0;
    let mut level = 0;
    // Several channels of one update stand in one line.
    let mut last_update = None;
    for emitted in events {
        match &emitted.event {
            Event::Escalated(event) => {
                lines.push((
                    event.fired_at,
                    format!("{} > {}", time(event.fired_at), line(event)),
                ));
                told_before = 0;
                last_update = None;
                level = if event.kind == EscalatedType::Ended {
                    event.previous_level
                } else {
                    event.level
                };
            }
            Event::Notify(notify) => {
                let update = (notify.purpose == Purpose::CustomerUpdate).then_some((
                    &notify.ticket_id,
                    notify.fired_at,
                    notify.due_at,
                ));
                if update.is_some() && update != last_update {
                    let ticket_id = notify.ticket_id.as_deref().unwrap_or_default();
                    let mut line = format!("{} > {ticket_id} kept informed", time(notify.fired_at));
                    if notify.due_at != notify.fired_at {
                        write!(line, " due {}", time(notify.due_at)).unwrap();
                    }
                    lines.push((notify.fired_at, line));
                    level = notify.level;
                    told_before = 0;
                }
                last_update = update;
                if notify.purpose == Purpose::Digest {
                    lines.push((notify.fired_at, digest(notify)));
                    continue;
                }
                let (_, line) = lines
                    .last_mut()
                    .expect("a decision comes before who is told");
                line.push_str(if told_before == 0 { " told " } else { ", " });
                line.push_str(&listener(notify, level));
                told_before += 1;
            }
        }
    }
    lines
}

/// What a digest tells of: tickets and purposes, in their order.
fn digest(notify: &Notify) -> String {
    let items = notify.items.iter();
    let items: Vec<_> = items
        .map(|item| format!("{} {}", item.ticket_id, item.purpose.name()))
        .collect();
    let mut line = format!("{} > digest", time(notify.fired_at));
    if notify.due_at != notify.fired_at {
        write!(line, " due {}", time(notify.due_at)).unwrap();
    }
    write!(
        line,
        " told {}/{} {}",
        notify.to,
        notify.channel,
        items.join(", ")
    )
    .unwrap();
    line
}

fn listener(notify: &Notify, level: u32) -> String {
    let mut listener = format!("{}/{}", notify.to, notify.channel);
    if notify.level != level {
        write!(listener, "[level {}]", notify.level).unwrap();
    }
    if notify.purpose == Purpose::PostMortem {
        listener.push_str("[post_mortem]");
    }
    // The built-in texts are the same everywhere; those of a template are shown.
    let ticket_id = notify.ticket_id.as_deref().unwrap_or_default();
    if !notify.subject.starts_with(&format!("[{ticket_id}] ")) {
        let lines: Vec<_> = notify.body.lines().collect();
        write!(listener, " “{}: {}”", notify.subject, lines.join(" / ")).unwrap();
    }
    listener
}

fn line(event: &Escalated) -> String {
    let mut out = format!("{} {}", event.ticket_id, event.kind.name());
    match event.kind {
        EscalatedType::Warned => {}
        EscalatedType::Raised | EscalatedType::Lowered | EscalatedType::Ended => {
            write!(out, " {}→{}", event.previous_level, event.level).unwrap();
        }
        EscalatedType::Repeated | EscalatedType::Acknowledged | EscalatedType::Unacknowledged => {
            write!(out, " {}", event.level).unwrap();
        }
    }
    let cause = &event.cause;
    write!(out, " ({}", cause.kind.name()).unwrap();
    for part in [&cause.name, &cause.mark].into_iter().flatten() {
        write!(out, " {part}").unwrap();
    }
    if let Some(cycle) = cause.cycle.filter(|cycle| *cycle > 1) {
        write!(out, " cycle {cycle}").unwrap();
    }
    out.push(')');
    if event.ordinal > 0 {
        write!(out, " no {}", event.ordinal).unwrap();
    }
    if event.escalation > 1 {
        write!(out, " escalation {}", event.escalation).unwrap();
    }
    if event.due_at != event.fired_at {
        write!(out, " due {}", time(event.due_at)).unwrap();
    }
    if event.nature == Nature::Opportunity {
        out.push_str(" opportunity");
    }
    let assign = event.assign.as_ref();
    if let Some(queue) = assign.and_then(|assign| assign.queue.as_ref()) {
        write!(out, " assign {queue}").unwrap();
    }
    if let Some(actor) = &event.actor {
        write!(out, " by {actor}").unwrap();
    }
    if event.notify_suppressed {
        out.push_str(" withheld");
    }
    out
}

/// The parts of an explanation that a question asks for.
pub(super) fn answer(it: &Explanation, parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| answer_part(it, part)).collect();
    parts.join("; ")
}

fn answer_part(it: &Explanation, part: &str) -> String {
    match part {
        "plan" => format!("plan {}", it.plan.as_deref().unwrap_or("-")),
        "status" => format!("status {}", it.status_category),
        "level" if it.acknowledged => format!("level {} acknowledged", it.level),
        "level" => format!("level {}", it.level),
        "next" => match &it.next {
            Some(next) => format!("next {} {}", time(next.at), next.what),
            None => "next -".to_owned(),
        },
        "history" => history(it),
        name => named(it, name),
    }
}

/// What happened at the very instant of the question.
fn history(it: &Explanation) -> String {
    let lines = it.history.iter().filter(|line| line.at == it.at);
    let lines: Vec<_> = lines.map(|line| line.what.as_str()).collect();
    if lines.is_empty() {
        return "history -".to_owned();
    }
    format!("history {}", lines.join(", "))
}

fn named(it: &Explanation, name: &str) -> String {
    if let Some(clock) = it.clocks.iter().find(|clock| *clock.timeframe == *name) {
        return reading(clock);
    }
    match it.triggers.iter().find(|trigger| *trigger.name == *name) {
        Some(trigger) if trigger.holds => format!("{name} holds"),
        Some(_) => format!("{name} does not hold"),
        None => format!("no {name}"),
    }
}

fn reading(clock: &ClockReading) -> String {
    let mut out = format!("{} {}", clock.timeframe, clock.state);
    let Some(started_at) = clock.started_at else {
        return out;
    };
    if let Some(stopped_at) = clock.stopped_at {
        write!(out, " {}", time(stopped_at)).unwrap();
    }
    let within = clock.within_s.map(Duration::from);
    let within = within.map_or_else(|| "-".to_owned(), |within| within.to_string());
    let elapsed = Duration::from(clock.elapsed_s);
    write!(out, " {elapsed} of {within} since {}", time(started_at)).unwrap();
    let paused = Duration::from(clock.paused_s);
    if paused.as_millis() > 0 {
        write!(out, " paused {paused}").unwrap();
    }
    match clock.due_at {
        Some(due_at) => write!(out, " due {}", time(due_at)).unwrap(),
        None => out.push_str(" due -"),
    }
    if clock.breached {
        out.push_str(" breached");
    }
    if clock.cycle > 1 {
        write!(out, " cycle {}", clock.cycle).unwrap();
    }
    out
}
