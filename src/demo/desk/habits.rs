//! What happens to most tickets, whatever else does.

use escalator_engine::fact::ActivityKind::{Acknowledge, AgentReply, CustomerReply};

use crate::demo::life::{Life, act, act_because};

impl Life {
    /// Created, and taken by an agent within minutes.
    pub(super) fn begin(&mut self) {
        self.create(&[]);
        self.take();
    }

    /// An agent takes it within minutes.
    pub(super) fn take(&mut self) {
        self.wait(1..=5);
        let agent = self.case.agent;
        self.update(
            &[("assignee", agent.into()), ("status", "Open".into())],
            &[],
        );
    }

    /// The first answer, well within the promise.
    pub(super) fn answer(&mut self) {
        let promised = self.priority.answer_minutes();
        self.wait_until(promised / 8, 0..=promised / 3);
        self.reply();
    }

    /// The agent answers.
    pub(super) fn reply(&mut self) {
        let agent = self.case.agent;
        self.update(&[], &[act(AgentReply, agent)]);
    }

    /// One of these takes care of it, and says so.
    pub(super) fn acknowledge(&mut self, by: &[&'static str], note: &str) {
        let actor = self.dice.pick(by);
        self.update(&[], &[act_because(Acknowledge, actor, note)]);
    }

    /// Solved before anybody has to be warned, and closed by the customer now and then.
    pub(super) fn solve(&mut self) {
        let most = (self.priority.solve_minutes() / 3).min(400);
        self.wait(most / 5..=most);
        self.solve_now();
        if self.dice.chance(40) {
            self.wait(40..=200);
            self.enter("Closed", &[]);
        }
    }

    /// Solved, with an answer.
    pub(super) fn solve_now(&mut self) {
        let agent = self.case.agent;
        self.enter("Solved", &[act(AgentReply, agent)]);
    }

    /// The customer says that it is not solved.
    pub(super) fn come_back(&mut self) {
        let requester = self.case.requester;
        self.enter("Reopened", &[act(CustomerReply, requester)]);
    }
}
