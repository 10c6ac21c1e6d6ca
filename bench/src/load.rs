//! The load: tickets and updates of them, and which escalations must come of it.
//!
//! What comes of it is the same for every contender, whatever the order in which it reads the two
//! topics and whenever it looks for what is due: every deadline is past before the load is written,
//! and then nothing stops or moves it, or is a day away at least. A ticket that was ever critical
//! is never solved, so that no escalation ends.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::event::{CREATED, QUEUES, UPDATED, created, now_ms, updated};
use crate::random::{Random, Skew};

/// The share of each priority among created tickets: up to which percentage it goes, its name, and
/// the hours of its two deadlines as in `plans/bench.yaml`.
const PRIORITIES: [(u64, &str, [i64; 2]); 4] = [
    (2, "critical", [25, 400]),
    (20, "high", [100, 800]),
    (70, "normal", [400, 2400]),
    (100, "low", [800, 7200]),
];

/// So many of a thousand tickets are old ones, with deadlines that are past.
const OLD_PER_MILLE: u64 = 20;

/// How many hours old an old ticket may be; none is within a day of any deadline above.
const AGES: [i64; 3] = [200, 1000, 7400];

/// A ticket and the level that it was raised to.
pub type Escalation = (String, u8);

/// What to write.
#[derive(Clone, Copy)]
pub struct Load {
    /// How many tickets are created.
    pub tickets: usize,
    /// How many updates of them follow.
    pub updates: usize,
    /// Whether some tickets have far more updates than others.
    pub is_skewed: bool,
    /// Decides everything else.
    pub seed: u64,
}

struct State {
    is_old: bool,
    was_critical: bool,
}

impl Load {
    /// The number of events.
    pub const fn events(&self) -> usize {
        self.tickets + self.updates
    }

    /// Makes it, one event after the other: its topic, its ticket and what it says. Answers with what
    /// must be escalated.
    pub fn make(
        &self,
        mut take: impl FnMut(&'static str, &str, &str) -> Result<()>,
    ) -> Result<BTreeSet<Escalation>> {
        let mut random = Random(self.seed);
        let skew = if self.is_skewed {
            Skew::zipf(self.tickets)
        } else {
            Skew::Uniform
        };
        // Everything happened within the last half hour, but the old tickets.
        let start = now_ms() / 1000 - 1800;
        let mut expected = BTreeSet::new();
        let mut states = Vec::with_capacity(self.tickets);
        let mut value = String::new();
        for number in 0..self.tickets {
            let id = name(number);
            let roll = random.below(100);
            let is_of_roll = |(up_to, _, _): &&(u64, &str, [i64; 2])| roll < *up_to;
            let (_, priority, hours) = PRIORITIES.iter().find(is_of_roll).unwrap_or(&PRIORITIES[3]);
            let is_old = random.below(1000) < OLD_PER_MILLE;
            let age = if is_old {
                AGES[random.below(3) as usize]
            } else {
                0
            };
            let at = start - age * 3600 + random.below(300) as i64;
            for (level, hours) in (1..).zip(hours) {
                if age > *hours {
                    expected.insert((id.clone(), level));
                }
            }
            states.push(State {
                is_old,
                was_critical: *priority == "critical",
            });
            created(
                &mut value,
                &format!("c{number:08}"),
                &id,
                at,
                priority,
                &mut random,
            );
            take(CREATED, &id, &value)?;
        }
        for number in 0..self.updates {
            let ticket = skew.choose(&mut random, self.tickets);
            let at = start + 600 + (number as i64 * 1000) / self.updates as i64;
            let id = name(ticket);
            let (changes, activity) = change(&mut states[ticket], &mut random);
            updated(
                &mut value,
                (&format!("u{number:08}"), &id),
                at,
                &changes,
                activity,
                &mut random,
            );
            take(UPDATED, &id, &value)?;
        }
        let critical = (0..).zip(&states).filter(|(_, state)| state.was_critical);
        expected.extend(critical.map(|(number, _)| (name(number), 1)));
        Ok(expected)
    }
}

fn name(ticket: usize) -> String {
    format!("T{ticket:07}")
}

/// One update of a ticket: 5 % make it critical, 10 % solve it, 5 % change its priority otherwise,
/// the rest moves it about; three in ten are replies.
fn change(state: &mut State, random: &mut Random) -> (String, &'static str) {
    let roll = random.below(100);
    let assignee = random.below(500);
    let is_reply = random.below(100) < 30;
    let activity = if is_reply && !state.is_old {
        "agent_reply"
    } else {
        "internal_note"
    };
    let changes = match roll {
        0..=4 if !state.is_old => {
            state.was_critical = true;
            r#""status":"open","priority":"critical""#.to_owned()
        }
        5..=14 if !state.is_old && !state.was_critical => r#""status":"solved""#.to_owned(),
        15..=19 if !state.is_old => {
            let priority = random.pick(&["high", "normal", "low"]);
            format!(r#""status":"open","priority":"{priority}""#)
        }
        20..=49 => format!(r#""status":"pending","assignee":"a{assignee}""#),
        50..=59 => format!(r#""queue":"{}","assignee":null"#, random.pick(&QUEUES)),
        _ => r#""status":"open""#.to_owned(),
    };
    (changes, activity)
}
