//! The day: which tickets come in when, and everything that happens to them, in order.
//!
//! The same seed, number of tickets and morning give the same events, byte for byte.

use escalator_engine::time::Timestamp;

use super::case::{Case, Priority};
use super::desk::Fate;
use super::dice::Dice;
use super::life::{Life, TicketEvent};
use crate::offline::Recording;

/// The day lasts from its morning to the next.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How many tickets of a thousand come in during each hour of the day, from its morning on: most
/// before noon, few at night.
const ARRIVALS: [u64; 24] = [
    92, 98, 94, 84, 62, 64, 78, 76, 66, 50, 38, 30, 24, 20, 16, 14, 10, 8, 6, 6, 8, 12, 18, 26,
];

/// One fate of each kind befalls a ticket of these first hours, so that all of it is over before
/// the day is.
const EARLY_MS: u64 = 5 * 60 * 60 * 1_000;

/// So many of a hundred events reach the brokers twice, as they do when an answer is lost.
const SENT_AGAIN_PERCENT: u64 = 2;

/// What a day is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// When the day begins.
    pub morning: Timestamp,
    /// How many tickets come in.
    pub tickets: u32,
    /// What is left to chance.
    pub seed: u64,
}

/// A day of tickets.
#[derive(Clone, Debug)]
pub struct Story {
    /// When it begins.
    pub morning: Timestamp,
    /// When it is over: facts and deadlines of this instant still belong to it.
    pub end: Timestamp,
    /// Everything that happens, in the order in which it is sent.
    pub events: Vec<TicketEvent>,
}

impl Story {
    /// Makes a day up.
    #[must_use]
    pub fn new(outline: Outline) -> Self {
        let Outline {
            morning,
            tickets,
            seed,
        } = outline;
        let end = morning.plus_millis(DAY_MS);
        let mut arrivals = arrivals(outline);
        arrivals.sort_unstable_by_key(|(at, _)| *at);
        let mut events = Vec::new();
        for (number, (created_at, fate)) in (1..).zip(arrivals) {
            let dice = Dice::new(seed, number);
            events.extend(life(number, tickets, created_at, fate, dice).into_events());
        }
        let mut dice = Dice::new(seed, 0);
        let again: Vec<TicketEvent> = events
            .iter()
            .filter_map(|event| sent_again(event, &mut dice))
            .collect();
        events.extend(again);
        events.retain(|event| event.at <= end);
        events.sort_by(|a, b| (a.at, &a.ticket_id).cmp(&(b.at, &b.ticket_id)));
        Self {
            morning,
            end,
            events,
        }
    }
}

/// Events as an event file for `simulate` and `explain`.
#[must_use]
pub fn event_file(events: &[TicketEvent]) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        lines.extend_from_slice(b"{\"topic\":\"");
        lines.extend_from_slice(event.input.topic().as_bytes());
        lines.extend_from_slice(b"\",\"value\":");
        lines.extend_from_slice(&event.value);
        lines.extend_from_slice(b"}\n");
    }
    lines
}

/// Events as `simulate` and `report` read them.
pub(super) fn recording(events: &[TicketEvent]) -> Recording {
    Recording::read(event_file(events).as_slice())
        .expect("the day's own events are events, as its tests show")
}

/// When each ticket comes in and what becomes of it.
fn arrivals(outline: Outline) -> Vec<(Timestamp, Fate)> {
    let mut dice = Dice::new(outline.seed, u64::MAX);
    let mut after = |low_ms: u64, high_ms: u64| {
        // Whole seconds are easier to read; a day of them is far below the limits of the type.
        let after_ms = dice.within(low_ms..=high_ms) / 1_000 * 1_000;
        outline.morning.plus_millis(after_ms as i64)
    };
    // The day opens with the major incident: there is something to see at once.
    let mut arrivals = vec![(after(120_000, 240_000), Fate::MajorIncident)];
    let others = Fate::ALL.iter().filter(|it| **it != Fate::MajorIncident);
    arrivals.extend(others.map(|fate| (after(300_000, EARLY_MS), *fate)));
    arrivals.truncate(outline.tickets as usize);
    let mut dice = Dice::new(outline.seed, u64::MAX - 1);
    while arrivals.len() < outline.tickets as usize {
        let hour = dice.weighted(&ARRIVALS) as i64;
        let within_hour = dice.within(0..=3_599) as i64;
        let after_ms = (hour * 3_600 + within_hour) * 1_000;
        let fate = Fate::ALL[dice.weighted(Fate::WEIGHTS)];
        arrivals.push((outline.morning.plus_millis(after_ms), fate));
    }
    arrivals
}

fn life(number: u64, tickets: u32, created_at: Timestamp, fate: Fate, mut dice: Dice) -> Life {
    let (kind, case) = if fate.is_request() {
        ("REQ", Case::request(&mut dice))
    } else {
        ("INC", Case::incident(&mut dice))
    };
    let drawn = Priority::draw(&mut dice);
    let priority = fate.priority().unwrap_or(drawn);
    let digits = tickets.to_string().len().max(3);
    let id = format!("{kind}-{number:0digits$}");
    let mut life = Life::new(id, created_at, case, priority, dice);
    fate.befall(&mut life);
    life
}

/// The same event once more, a little later.
fn sent_again(event: &TicketEvent, dice: &mut Dice) -> Option<TicketEvent> {
    let later_ms = dice.within(1..=90) * 1_000;
    dice.chance(SENT_AGAIN_PERCENT).then(|| TicketEvent {
        at: event.at.plus_millis(later_ms as i64),
        open_change: 0,
        ..event.clone()
    })
}
