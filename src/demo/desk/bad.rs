//! Bad days: something is late, nobody's, passed on, or worse than it looked.

use escalator_engine::fact::ActivityKind::{
    Acknowledge, CustomerReply, Deescalate, Escalate, InternalNote, Snooze,
};
use serde_json::json;

use crate::demo::case::{LEADS, Priority, QUEUES, SECOND_LINE};
use crate::demo::life::{Life, act, act_because};

pub(super) fn forgotten(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(10..=30);
    let requester = life.case.requester;
    life.update(&[], &[act(CustomerReply, requester)]);
    // The plan promises two hours for a high one.
    life.wait(124..=150);
    life.reply();
    life.wait(20..=40);
    life.solve_now();
}

pub(super) fn answered_late(life: &mut Life) {
    life.begin();
    let promised = life.priority.answer_minutes();
    life.wait_until(promised, 4..=12);
    life.acknowledge(SECOND_LINE, "on it");
    life.wait(3..=15);
    life.reply();
    life.solve();
}

pub(super) fn unanswered(life: &mut Life) {
    life.begin();
    // The second line is told three times, then its lead.
    life.wait_until(life.priority.answer_minutes() + 45, 17..=25);
    life.acknowledge(LEADS, "I find somebody");
    life.wait(3..=10);
    life.reply();
    life.wait(40..=120);
    life.solve_now();
}

pub(super) fn nobody_has_it(life: &mut Life) {
    life.create(&[]);
    life.wait(13..=18);
    let actor = life.dice.pick(SECOND_LINE);
    life.case.agent = actor;
    life.update(
        &[("assignee", actor.into()), ("status", "Open".into())],
        &[act_because(Acknowledge, actor, "mine")],
    );
    life.wait(2..=6);
    life.reply();
    life.solve();
}

pub(super) fn solved_late(life: &mut Life) {
    life.begin();
    life.answer();
    let promised = life.priority.solve_minutes();
    life.wait_until(promised, 6..=25);
    life.acknowledge(LEADS, "spare part is on its way");
    if life.dice.chance(40) {
        life.wait_until(promised * 3 / 2, 6..=20);
        life.acknowledge(&["duty manager"], "customer informed");
    }
    life.wait(20..=90);
    life.solve_now();
}

pub(super) fn flapping(life: &mut Life) {
    life.begin();
    life.answer();
    for _ in 0..2 {
        life.wait(15..=50);
        life.solve_now();
        life.wait(15..=60);
        life.come_back();
    }
    life.wait(4..=13);
    life.acknowledge(SECOND_LINE, "this time for good");
    life.wait(2..=10);
    life.reply();
    life.wait(30..=150);
    life.solve_now();
}

pub(super) fn ping_pong(life: &mut Life) {
    life.begin();
    life.answer();
    let first = QUEUES.iter().position(|queue| *queue == life.case.queue);
    let first = first.unwrap_or_default();
    for hop in 1..=5 {
        life.wait(5..=20);
        let queue = QUEUES[(first + hop) % QUEUES.len()];
        life.update(&[("queue", queue.into())], &[]);
    }
    life.wait(4..=13);
    life.acknowledge(SECOND_LINE, "stays with us now");
    life.solve();
}

pub(super) fn legal(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(10..=60);
    let requester = life.case.requester;
    let tag = life.dice.pick(&["legal", "gdpr"]);
    let changes = [("tags", json!([tag]))];
    life.update(&changes, &[act(CustomerReply, requester)]);
    life.wait(6..=20);
    life.acknowledge(LEADS, "talking to the lawyers");
    life.wait(2..=10);
    life.reply();
    life.wait(60..=180);
    life.solve_now();
}

pub(super) fn unhappy(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(20..=60);
    let requester = life.case.requester;
    let rating = |value| [("satisfaction", json!(value))];
    life.update(&rating(0.1), &[act(CustomerReply, requester)]);
    life.wait(14..=24);
    life.acknowledge(LEADS, "I call them");
    life.wait(2..=6);
    life.reply();
    life.wait(20..=60);
    life.update(&rating(0.8), &[]);
    life.solve();
}

pub(super) fn major_incident(life: &mut Life) {
    let tag = life.dice.pick(&["outage", "data-loss"]);
    life.create(&[("tags", json!([tag]))]);
    life.wait(2..=4);
    let agent = life.case.agent;
    let duty = "duty manager";
    life.update(
        &[("assignee", agent.into()), ("status", "Open".into())],
        &[act_because(Acknowledge, duty, "crisis call is open")],
    );
    life.wait(2..=5);
    life.reply();
    for _ in 0..2 {
        life.wait(15..=30);
        life.update(&[], &[act(InternalNote, agent)]);
    }
    life.wait(15..=50);
    life.solve_now();
}

pub(super) fn by_hand(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(15..=50);
    let agent = life.case.agent;
    let mut escalate = act_because(Escalate, agent, "the customer's board is watching");
    escalate["level"] = 2.into();
    life.update(&[], &[escalate]);
    life.wait(4..=20);
    life.acknowledge(LEADS, "I take the calls");
    life.wait(30..=80);
    let lead = life.dice.pick(LEADS);
    let mut deescalate = act_because(Deescalate, lead, "calm again");
    deescalate["level"] = 1.into();
    life.update(&[], &[deescalate]);
    life.wait(3..=12);
    life.acknowledge(SECOND_LINE, "we finish it");
    life.wait(20..=60);
    life.solve_now();
}

pub(super) fn snoozed(life: &mut Life) {
    life.begin();
    life.wait_until(life.priority.answer_minutes(), 3..=10);
    let actor = life.dice.pick(SECOND_LINE);
    let mut snooze = act_because(Snooze, actor, "after the meeting");
    snooze["until"] = life.in_minutes(40);
    life.update(&[], &[snooze]);
    // It is told again when the snooze is over.
    life.wait(44..=52);
    life.update(&[], &[act(Acknowledge, actor)]);
    life.wait(3..=10);
    life.reply();
    life.solve();
}

pub(super) fn raised_priority(life: &mut Life) {
    life.begin();
    // An hour is promised for a high one; that hour is over already.
    life.wait(70..=110);
    let requester = life.case.requester;
    life.priority = Priority::High;
    life.update(
        &[("priority", Priority::High.name().into())],
        &[act(CustomerReply, requester)],
    );
    life.wait(4..=12);
    life.acknowledge(SECOND_LINE, "on it");
    life.wait(3..=15);
    life.reply();
    life.wait(20..=60);
    life.solve_now();
}
