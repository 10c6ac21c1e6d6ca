//! What becomes of a ticket: a service desk with good days and bad ones.
//!
//! A fate is written so that it meets, or misses, what the shipped plan promises; with other plans
//! the same things happen and mean something else.

use escalator_engine::fact::ActivityKind::{
    Acknowledge, AgentReply, CustomerReply, Deescalate, Escalate, InternalNote, Snooze,
};
use serde_json::json;

use super::case::{LEADS, Priority, QUEUES, SECOND_LINE};
use super::life::{Life, act, act_because};

/// What can become of a ticket, each with how many of about a thousand it befalls.
macro_rules! fates {
    ($($(#[$doc:meta])* $name:ident $weight:literal,)*) => {
        /// What becomes of a ticket.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Fate {
            $($(#[$doc])* $name,)*
        }

        impl Fate {
            /// All of them.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// How many of about a thousand tickets each befalls, in the order of [`Fate::ALL`].
            pub(super) const WEIGHTS: &[u64] = &[$($weight,)*];
        }
    };
}

fates! {
    /// Many cannot work; everybody up to the duty manager is told at once.
    MajorIncident 4,
    /// Answered and solved in time.
    Smooth 560,
    /// A wish that is granted in time.
    Request 140,
    /// The customer has to answer something in between.
    WaitsForCustomer 90,
    /// The manufacturer has to do something in between.
    WaitsForVendor 55,
    /// It waits for a maintenance window.
    OnHold 25,
    /// Solved, and not solved after all.
    Reopened 40,
    /// The customer writes again and nobody looks.
    Forgotten 18,
    /// The first answer is late; the second line steps in.
    AnsweredLate 30,
    /// The second line does not step in either.
    Unanswered 12,
    /// Urgent, and nobody takes it.
    NobodyHasIt 14,
    /// The solution takes longer than promised.
    SolvedLate 14,
    /// It comes back a second time.
    Flapping 14,
    /// Handed from team to team.
    PingPong 12,
    /// A lawyer writes.
    Legal 12,
    /// A bad rating that stays.
    Unhappy 12,
    /// A bad rating that is withdrawn at once.
    Appeased 8,
    /// Somebody asks for help, and gives it back.
    ByHand 12,
    /// Taken care of, but not now.
    Snoozed 10,
    /// It turns out to be more urgent than it looked.
    RaisedPriority 12,
    /// A customer who wants more.
    Chance 10,
}

impl Fate {
    /// Whether it is a wish rather than a failure.
    pub(super) const fn is_request(self) -> bool {
        matches!(self, Self::Request | Self::Chance)
    }

    /// The priority that it takes, where not every one will do.
    pub(super) const fn priority(self) -> Option<Priority> {
        match self {
            Self::MajorIncident => Some(Priority::Critical),
            Self::Unanswered | Self::NobodyHasIt | Self::SolvedLate | Self::Forgotten => {
                Some(Priority::High)
            }
            Self::AnsweredLate
            | Self::Snoozed
            | Self::Flapping
            | Self::Legal
            | Self::RaisedPriority
            | Self::Request
            | Self::Chance => Some(Priority::Normal),
            Self::Smooth
            | Self::WaitsForCustomer
            | Self::WaitsForVendor
            | Self::OnHold
            | Self::Reopened
            | Self::PingPong
            | Self::Unhappy
            | Self::Appeased
            | Self::ByHand => None,
        }
    }

    /// Lets it befall a ticket.
    pub(super) fn befall(self, life: &mut Life) {
        match self {
            Self::MajorIncident => major_incident(life),
            Self::Smooth | Self::Request => smooth(life),
            Self::WaitsForCustomer => waits_for_customer(life),
            Self::WaitsForVendor => rests(life, "With the manufacturer"),
            Self::OnHold => rests(life, "Waiting for the maintenance window"),
            Self::Reopened => reopened(life),
            Self::Forgotten => forgotten(life),
            Self::AnsweredLate => answered_late(life),
            Self::Unanswered => unanswered(life),
            Self::NobodyHasIt => nobody_has_it(life),
            Self::SolvedLate => solved_late(life),
            Self::Flapping => flapping(life),
            Self::PingPong => ping_pong(life),
            Self::Legal => legal(life),
            Self::Unhappy => unhappy(life),
            Self::Appeased => appeased(life),
            Self::ByHand => by_hand(life),
            Self::Snoozed => snoozed(life),
            Self::RaisedPriority => raised_priority(life),
            Self::Chance => chance(life),
        }
    }
}

impl Life {
    /// Created, and taken by an agent within minutes.
    fn begin(&mut self) {
        self.create(&[]);
        self.take();
    }

    fn take(&mut self) {
        self.wait(1..=5);
        let agent = self.case.agent;
        self.update(
            &[("assignee", agent.into()), ("status", "Open".into())],
            &[],
        );
    }

    /// The first answer, well within the promise.
    fn answer(&mut self) {
        let promised = self.priority.answer_minutes();
        self.wait_until(promised / 8, 0..=promised / 3);
        self.reply();
    }

    fn reply(&mut self) {
        let agent = self.case.agent;
        self.update(&[], &[act(AgentReply, agent)]);
    }

    fn acknowledge(&mut self, by: &[&'static str], note: &str) {
        let actor = self.dice.pick(by);
        self.update(&[], &[act_because(Acknowledge, actor, note)]);
    }

    /// Solved before anybody has to be warned, and closed by the customer now and then.
    fn solve(&mut self) {
        let most = (self.priority.solve_minutes() / 3).min(400);
        self.wait(most / 5..=most);
        self.solve_now();
        if self.dice.chance(40) {
            self.wait(40..=200);
            self.enter("Closed", &[]);
        }
    }

    fn solve_now(&mut self) {
        let agent = self.case.agent;
        self.enter("Solved", &[act(AgentReply, agent)]);
    }

    /// The customer says that it is not solved.
    fn come_back(&mut self) {
        let requester = self.case.requester;
        self.enter("Reopened", &[act(CustomerReply, requester)]);
    }
}

fn smooth(life: &mut Life) {
    life.begin();
    life.answer();
    if life.dice.chance(30) {
        life.wait(3..=30);
        let agent = life.case.agent;
        life.update(&[], &[act(InternalNote, agent)]);
    }
    life.solve();
}

fn waits_for_customer(life: &mut Life) {
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

fn rests(life: &mut Life, status: &str) {
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

fn reopened(life: &mut Life) {
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

fn forgotten(life: &mut Life) {
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

fn answered_late(life: &mut Life) {
    life.begin();
    let promised = life.priority.answer_minutes();
    life.wait_until(promised, 4..=12);
    life.acknowledge(SECOND_LINE, "on it");
    life.wait(3..=15);
    life.reply();
    life.solve();
}

fn unanswered(life: &mut Life) {
    life.begin();
    // The second line is told three times, then its lead.
    life.wait_until(life.priority.answer_minutes() + 45, 17..=25);
    life.acknowledge(LEADS, "I find somebody");
    life.wait(3..=10);
    life.reply();
    life.wait(40..=120);
    life.solve_now();
}

fn nobody_has_it(life: &mut Life) {
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

fn solved_late(life: &mut Life) {
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

fn flapping(life: &mut Life) {
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

fn ping_pong(life: &mut Life) {
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

fn legal(life: &mut Life) {
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

fn unhappy(life: &mut Life) {
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

fn appeased(life: &mut Life) {
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

fn major_incident(life: &mut Life) {
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

fn by_hand(life: &mut Life) {
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

fn snoozed(life: &mut Life) {
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

fn raised_priority(life: &mut Life) {
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

fn chance(life: &mut Life) {
    let tag = life.dice.pick(&["expansion", "upgrade"]);
    life.create(&[("tags", json!([tag]))]);
    life.take();
    life.wait(5..=25);
    life.acknowledge(LEADS, "I call them today");
    life.wait(5..=25);
    life.reply();
    life.solve();
}
