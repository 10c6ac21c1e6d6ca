//! Good days: what was promised is kept, with pauses and detours.

use escalator_engine::fact::ActivityKind::{AgentReply, CustomerReply, InternalNote};
use serde_json::json;

use crate::demo::case::LEADS;
use crate::demo::life::{Life, act};

pub(super) fn smooth(life: &mut Life) {
    life.begin();
    life.answer();
    if life.dice.chance(30) {
        life.wait(3..=30);
        let agent = life.case.agent;
        life.update(&[], &[act(InternalNote, agent)]);
    }
    life.solve();
}

pub(super) fn waits_for_customer(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(2..=20);
    let (agent, requester) = (life.case.agent, life.case.requester);
    life.enter("Awaiting User Info", &[act(AgentReply, agent)]);
    life.wait(60..=300);
    life.enter("Open", &[act(CustomerReply, requester)]);
    life.wait(3..=20);
    life.reply();
    life.solve();
}

pub(super) fn rests(life: &mut Life, status: &str) {
    life.begin();
    life.answer();
    life.wait(10..=50);
    let vendor = json!("Printworks");
    let changes = [("status", status.into()), ("vendor", vendor)];
    life.update(&changes, &[]);
    life.wait(120..=360);
    life.enter("Open", &[]);
    life.solve();
}

pub(super) fn reopened(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(20..=70);
    life.solve_now();
    life.wait(20..=120);
    life.come_back();
    life.wait(3..=20);
    life.reply();
    life.solve();
}

pub(super) fn appeased(life: &mut Life) {
    life.begin();
    life.answer();
    life.wait(20..=60);
    let requester = life.case.requester;
    let rating = |value| [("satisfaction", json!(value))];
    life.update(&rating(0.2), &[act(CustomerReply, requester)]);
    life.wait(2..=4);
    life.reply();
    life.wait(1..=3);
    life.update(&rating(0.9), &[]);
    life.solve();
}

pub(super) fn chance(life: &mut Life) {
    let tag = life.dice.pick(&["expansion", "upgrade"]);
    life.create(&[("tags", json!([tag]))]);
    life.take();
    life.wait(5..=25);
    life.acknowledge(LEADS, "I call them today");
    life.wait(5..=25);
    life.reply();
    life.solve();
}
