//! Tickets as a help desk has them: fields of a few words each, and replies from some fixed texts.

#[expect(dead_code, reason = "tests use what this does not")]
#[path = "../../tests/support/dice.rs"]
mod dice;

use std::sync::Arc;

use escalator_engine::fact::{Activity, ActivityKind, Fact, TicketFact, kept_hash};
use escalator_engine::ticket::{Change, Text, TextField};
use escalator_engine::time::Timestamp;

use dice::Dice;

/// When the first ticket is created.
pub(super) const START: Timestamp = Timestamp::from_millis(1_795_424_400_000);

/// Facts of each ticket.
pub(super) const FACTS: usize = 6;

/// First response and resolution by priority, and a level at once for what is critical.
pub(super) const PLAN: &str = "
version: 1
priorities: [low, normal, high, critical]
targets:
  desk: { kind: team, channels: [chat] }
plans:
  - name: desk
    timeframes:
      first_response:
        within: { by: priority, critical: 15m, high: 1h, normal: 4h, low: 8h }
        marks: [{ at: 100%, level: 1 }]
      resolution:
        within: { by: priority, critical: 4h, high: 8h, normal: 24h, low: 72h }
        marks: [{ at: 100%, level: 1 }]
    triggers:
      - { name: critical, when: { priority: critical }, level: 1 }
    path:
      - { name: Desk, notify: [desk] }
";

const CATEGORIES: [&str; 6] = [
    "network", "hardware", "software", "access", "billing", "database",
];
const QUEUES: [&str; 6] = ["noc", "desk", "apps", "iam", "finance", "dba"];
const TIERS: [&str; 4] = ["gold", "silver", "bronze", "free"];
const CHANNELS: [&str; 4] = ["email", "phone", "web", "chat"];
const REGIONS: [&str; 3] = ["eu", "us", "apac"];
const SUBJECTS: [&str; 4] = [
    "cannot reach the payment gateway since this morning",
    "laptop does not boot after the update of last night",
    "invoice shows the wrong amount for the third time",
    "replication lag on the orders database keeps growing",
];
const NOTES: [&str; 3] = [
    "we have looked at the logs and found the cause, a fix is on its way to the next maintenance window",
    "thank you for the details, could you send us the output of the last run and the time it happened at",
    "moved to the second line because the first line has no access to the system that is concerned here",
];

/// Created events span five minutes, and so do the updates of each round.
const ROUND_S: usize = 300;

/// Makes the facts of so many tickets.
pub(super) struct Load {
    tickets: usize,
    dice: Dice,
    /// A step through the tickets in an order that looks like none.
    stride: usize,
    events: usize,
}

impl Load {
    /// The load of so many tickets.
    pub(super) fn new(tickets: usize) -> Self {
        Self {
            tickets,
            dice: Dice::new(1),
            stride: 7_368_787,
            events: 0,
        }
    }

    /// How many tickets there are.
    pub(super) const fn tickets(&self) -> usize {
        self.tickets
    }

    /// The fact of a round for one of the tickets, and which one it is.
    pub(super) fn fact(&mut self, round: usize, place: usize) -> (usize, TicketFact) {
        let ticket = match round {
            0 => place,
            _ => (place * self.stride + round) % self.tickets,
        };
        let seconds = round * ROUND_S + place * ROUND_S / self.tickets;
        let at = START.plus_millis(seconds as i64 * 1_000);
        let fact = if round == 0 {
            self.created(ticket, at)
        } else {
            self.updated(at, round + 1 == FACTS)
        };
        let ticket_id = format!("T{ticket:07}").into();
        let fact = Arc::new(fact);
        (ticket, TicketFact { ticket_id, fact })
    }

    fn created(&mut self, ticket: usize, at: Timestamp) -> Fact {
        let priority = match self.dice.below(100) {
            0..2 => "critical",
            2..20 => "high",
            20..70 => "normal",
            _ => "low",
        };
        let kind = self.dice.below(6);
        let requester = format!("u{}", self.dice.below(50_000));
        let text = |field, text: &str| Change::Text(field, Some(text.into()));
        let changes = vec![
            text(TextField::Status, "new"),
            text(TextField::Priority, priority),
            text(TextField::Category, CATEGORIES[kind]),
            text(TextField::Queue, QUEUES[kind]),
            Change::Text(TextField::Assignee, None),
            text(TextField::Requester, &requester),
            text(TextField::Organization, "acme"),
            text(TextField::Tier, self.pick(&TIERS)),
            text(TextField::Channel, self.pick(&CHANNELS)),
            text(TextField::Subject, self.pick(&SUBJECTS)),
            Change::Tags(vec!["vip".into()]),
            Change::Label("region".into(), Some(self.pick(&REGIONS).into())),
        ];
        self.told(at, format!("c{ticket}"), changes, Vec::new())
    }

    /// An update; the last one leaves the ticket open, so that its clocks run.
    fn updated(&mut self, at: Timestamp, is_last: bool) -> Fact {
        let text = |field, text: &str| Change::Text(field, Some(text.into()));
        let assignee = format!("a{}", self.dice.below(500));
        let changes = match self.dice.below(100) {
            0..20 => vec![
                text(TextField::Status, "open"),
                text(TextField::Priority, self.pick(&["high", "normal", "low"])),
            ],
            20..50 if !is_last => vec![
                text(TextField::Status, "pending"),
                text(TextField::Assignee, &assignee),
            ],
            50..60 if !is_last => vec![
                text(TextField::Queue, self.pick(&QUEUES)),
                Change::Text(TextField::Assignee, None),
            ],
            _ => vec![text(TextField::Status, "open")],
        };
        let note = Activity {
            kind: ActivityKind::InternalNote,
            actor: Some(format!("u{}", self.dice.below(50_000)).into()),
            level: None,
            until: None,
            note: Some(self.pick(&NOTES).into()),
        };
        self.events += 1;
        self.told(at, format!("u{}", self.events), changes, vec![note])
    }

    fn told(
        &mut self,
        at: Timestamp,
        event_id: String,
        changes: Vec<Change>,
        activities: Vec<Activity>,
    ) -> Fact {
        Fact {
            occurred_at: at,
            version: None,
            event_id: Some(event_id.into()),
            record_hash: kept_hash(self.dice.next().cast_signed(), true),
            source: Text::default(),
            created: activities.is_empty(),
            changes,
            activities,
        }
    }

    fn pick(&mut self, all: &[&'static str]) -> &'static str {
        all[self.dice.below(all.len())]
    }
}
