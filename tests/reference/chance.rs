//! Plans and lives of a ticket by chance.

use crate::dice::Dice;
use crate::plan::{
    Activity, Address, Calendar, Fact, Level, Mark, Minute, Plan, STATUSES, TAGS, TARGETS,
    Timeframe, Trigger,
};

const KINDS: [&str; 6] = [
    "first_response",
    "next_response",
    "update",
    "resolution",
    "vendor",
    "custom",
];

const MOMENTS: [&str; 11] = [
    "created",
    "updated",
    "agent_reply",
    "customer_reply",
    "acknowledged",
    "assigned",
    "on_hold",
    "waiting_customer",
    "open",
    "x",
    "y",
];

/// All shares of all lengths are whole minutes, and all marks lie after the start.
const MARKS: [&str; 7] = ["50%", "80%", "100%", "-10m", "+20m", "+60m", "200%"];

const TIERS: [&str; 3] = ["gold", "silver", "none"];

/// Two plans that a ticket changes between, and sometimes has neither of.
pub(crate) fn plans(dice: &mut Dice) -> Vec<Plan> {
    let communication = dice
        .once_in(3)
        .then(|| (address(dice), *dice.one(&[15, 30])));
    let other = dice.once_in(2).then_some("silver");
    let mut plans = vec![plan("p", Some("gold"), dice), plan("q", other, dice)];
    for plan in &mut plans {
        plan.communication = communication;
    }
    plans
}

fn plan(name: &'static str, tier: Option<&'static str>, dice: &mut Dice) -> Plan {
    let levels = 1 + dice.below(4);
    let mut timeframes = Vec::new();
    for kind in KINDS {
        if dice.once_in(2) {
            timeframes.push(timeframe(name, kind, levels, dice));
        }
    }
    let mut triggers = Vec::new();
    for (name, tag) in ["s", "t"].into_iter().zip(TAGS) {
        if dice.once_in(2) {
            triggers.push(Trigger {
                name,
                tag,
                hold: dice.once_in(3).then(|| *dice.one(&[5, 15, 30])),
                level: 1 + dice.below(levels),
            });
        }
    }
    Plan {
        name,
        tier,
        timeframes,
        triggers,
        path: (0..levels).map(|_| level(dice)).collect(),
        notify_skipped: dice.once_in(3),
        acknowledgement_lasts: dice.once_in(2).then(|| *dice.one(&[15, 30, 60])),
        communication: None,
        close_within: dice.once_in(3).then(|| *dice.one(&[40, 90])),
        post_mortem: dice
            .once_in(2)
            .then(|| (1 + dice.below(levels), addresses(dice))),
    }
}

fn timeframe(plan: &str, kind: &'static str, levels: usize, dice: &mut Dice) -> Timeframe {
    let mut moments: [Vec<&'static str>; 3] = Default::default();
    moments[0].push(*dice.one(&MOMENTS));
    for moment in MOMENTS {
        if dice.once_in(3) && !moments[0].contains(&moment) {
            moments[dice.below(3)].push(moment);
        }
    }
    let usual: &[&str] = match kind {
        "update" => &["waiting_customer"],
        "resolution" => &["waiting_customer", "waiting_vendor", "on_hold"],
        _ => &[],
    };
    Timeframe {
        // Custom clocks of two plans are no clocks of the same name: their moments differ.
        name: match kind {
            "custom" => format!("custom_{plan}"),
            _ if dice.once_in(5) => format!("a_{kind}"),
            _ => kind.to_owned(),
        },
        kind,
        within: (
            *dice.one(&[20, 40, 60, 100]),
            dice.once_in(2).then(|| *dice.one(&[20, 40])),
        ),
        calendar: calendar(dice),
        pause: if dice.once_in(2) {
            usual.to_vec()
        } else {
            pause(dice)
        },
        on_reopen: ["resume", "restart", "ignore"][dice.below(3)],
        moments,
        marks: marks(levels, dice),
    }
}

fn marks(levels: usize, dice: &mut Dice) -> Vec<Mark> {
    let mut marks = Vec::new();
    for text in MARKS {
        if dice.once_in(3) {
            let warn = if dice.once_in(2) {
                addresses(dice)
            } else {
                Vec::new()
            };
            let level = (warn.is_empty() || dice.once_in(2)).then(|| 1 + dice.below(levels));
            marks.push(Mark { text, warn, level });
        }
    }
    marks
}

fn level(dice: &mut Dice) -> Level {
    Level {
        notify: if dice.once_in(7) {
            Vec::new()
        } else {
            addresses(dice)
        },
        repeat: dice
            .once_in(2)
            .then(|| (*dice.one(&[5, 10, 20]), 1 + dice.below(3))),
        next_after: dice.once_in(2).then(|| *dice.one(&[10, 20, 30, 45])),
        unless_resolved: dice.once_in(5),
        pause: if dice.once_in(4) {
            pause(dice)
        } else {
            Vec::new()
        },
        calendar: calendar(dice),
    }
}

fn calendar(dice: &mut Dice) -> Calendar {
    *dice.one(&[
        Calendar::Always,
        Calendar::Always,
        Calendar::Stay,
        Calendar::NextOpen,
    ])
}

fn pause(dice: &mut Dice) -> Vec<&'static str> {
    let mut pause: Vec<&str> = STATUSES[..5].to_vec();
    pause.retain(|_| dice.once_in(3));
    pause
}

fn address(dice: &mut Dice) -> Address {
    let names: Vec<_> = TARGETS
        .iter()
        .map(|(name, _)| *name)
        .chain(["requester"])
        .collect();
    names[dice.below(names.len())]
}

fn addresses(dice: &mut Dice) -> Vec<Address> {
    (0..=dice.below(2)).map(|_| address(dice)).collect()
}

/// The events of a ticket, and the minute up to which it is looked at.
pub(crate) fn life(dice: &mut Dice) -> (Vec<Fact>, Minute) {
    let mut facts: Vec<Fact> = Vec::new();
    let mut minute = 0;
    for nth in 0..3 + dice.below(13) {
        let mut fact = Fact {
            minute,
            priority: dice
                .once_in(4)
                .then(|| *dice.one(&["low", "normal", "high"])),
            tier: (nth == 0 || dice.once_in(4)).then(|| *dice.one(&TIERS)),
            assignee: dice.once_in(5).then(|| *dice.one(&["ann", "bob"])),
            tags: dice.once_in(4).then(|| tags(dice)),
            ..Fact::default()
        };
        if nth == 0 {
            fact.status = Some(*dice.one(&STATUSES[..5]));
        } else {
            fact.status = dice.once_in(2).then(|| *dice.one(&STATUSES));
            fact.activities = (0..dice.below(3)).map(|_| activity(minute, dice)).collect();
        }
        facts.push(fact);
        minute += dice.one(&[0, 1, 5, 5, 10, 10, 20, 30]);
    }
    let until = minute + dice.one(&[0, 30, 120, 200]);
    (facts, until)
}

fn tags(dice: &mut Dice) -> Vec<&'static str> {
    let mut tags = TAGS.to_vec();
    tags.retain(|_| dice.once_in(2));
    tags
}

fn activity(minute: Minute, dice: &mut Dice) -> Activity {
    let kinds = [
        "agent_reply",
        "customer_reply",
        "internal_note",
        "escalate",
        "escalate",
        "deescalate",
        "deescalate",
        "acknowledge",
        "acknowledge",
        "unacknowledge",
        "snooze",
    ];
    let kind = *dice.one(&kinds);
    let has_level = ["escalate", "deescalate"].contains(&kind) && !dice.once_in(3);
    // From long before to longer than anybody can snooze.
    let until = minute + dice.one(&[0, 5, 10, 20, 45, 50_000]);
    Activity {
        kind,
        level: has_level.then(|| 1 + dice.below(4)),
        until: (kind == "snooze" && !dice.once_in(8)).then(|| until.saturating_sub(5)),
    }
}
