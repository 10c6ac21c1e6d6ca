//! What an edit of the plans would do to the tickets under way: a preview.
//!
//! Each running ticket is read twice up to one instant, once with the edit at that instant and once
//! without, and the two are compared: which plan it has, what comes next and when, and what fires
//! only because of the edit. Nothing is decided here and nothing is written: both readings are the
//! engine's own, on copies.

mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use escalator_engine::effect::{Escalated, Event, Notify, Purpose};
use escalator_engine::emission::{Emission, Emitted};
use escalator_engine::explain::{Next, next};
use escalator_engine::plan::{InFlight, Revision};
use escalator_engine::rules::Rules;
use escalator_engine::step::Until;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::{Context, TicketState};
use escalator_engine::time::Timestamp;
use serde::Serialize;

pub use text::text;

/// What an edit would do.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// The instant of the edit; none where nothing had happened that it could come after.
    pub at: Option<Timestamp>,
    /// The revision in force before it.
    pub old: Text,
    /// The revision that it puts into force.
    pub new: Text,
    /// Whether anything differs for any ticket.
    pub differs: bool,
    /// Tickets that are neither resolved nor closed at the instant.
    pub running: usize,
    /// How many of them differ, and how.
    pub counts: Counts,
    /// Those that differ, by their ids.
    pub tickets: Vec<Change>,
}

/// Tickets that an edit changes something for; one may count several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Something differs.
    pub changed: usize,
    /// Something fires at once.
    pub fires_now: usize,
    /// What comes next comes earlier, or comes at all.
    pub earlier: usize,
    /// What comes next comes later, or not at all.
    pub later: usize,
    /// Another plan has the ticket, or none.
    pub other_plan: usize,
    /// The ticket is at another level, also where that is told nobody.
    pub other_level: usize,
}

/// What an edit would do to one ticket.
#[derive(Debug, PartialEq, Serialize)]
pub struct Change {
    /// The ticket.
    pub ticket_id: Text,
    /// Its plan before.
    pub old_plan: Option<Text>,
    /// Its plan after.
    pub new_plan: Option<Text>,
    /// Its level before.
    pub old_level: u32,
    /// Its level after.
    pub new_level: u32,
    /// What the new revision says about running tickets of the plan before.
    pub in_flight: &'static str,
    /// What would come next without the edit.
    pub old_next: Option<Next>,
    /// What would come next with it.
    pub new_next: Option<Next>,
    /// What would fire at once because of it.
    pub fires_now: Vec<Firing>,
}

/// Something that an edit makes fire at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Firing {
    /// The type of the event; of an update of the customer, the purpose of the notification.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether it moves the level.
    #[serde(skip)]
    pub moves_level: bool,
    /// The level after it.
    pub level: u32,
    /// The kind of its cause.
    pub cause: &'static str,
    /// The timeframe, the trigger or the wait.
    pub name: Option<Text>,
    /// The mark.
    pub mark: Option<Text>,
    /// When it was due by the new plans.
    pub due_at: Timestamp,
}

/// A ticket as it stands with the edit or without it.
struct Reading {
    plan: Option<Text>,
    level: u32,
    next: Option<Next>,
    events: Vec<Emitted>,
}

/// Previews an edit at an instant; without one there is nothing yet that it could change. `old` are
/// the rules without it.
#[must_use]
pub fn preview(
    old: &Rules,
    new: &Arc<Revision>,
    at: Option<Timestamp>,
    tickets: impl IntoIterator<Item = (Text, TicketState)>,
) -> Preview {
    let mut preview = Preview {
        at,
        old: old.latest().id.clone(),
        new: new.id.clone(),
        differs: false,
        running: 0,
        counts: Counts::default(),
        tickets: Vec::new(),
    };
    let Some(at) = at else {
        return preview;
    };
    let edited = old.clone().with_edit(at, Arc::clone(new));
    for (ticket_id, state) in tickets {
        let mut without = state.clone();
        let before = read(&mut without, &ticket_id, old, at);
        let is_running = !without.machine.category.is_done();
        if without.machine.created_at.is_none() || !is_running {
            continue;
        }
        preview.running += 1;
        let mut with = state;
        let after = read(&mut with, &ticket_id, &edited, at);
        let change = compare(&ticket_id, before, after, new);
        if let Some(change) = change {
            preview.counts.add(&change);
            preview.tickets.push(change);
        }
    }
    preview
        .tickets
        .sort_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
    preview.differs = !preview.tickets.is_empty();
    preview
}

/// Reads a ticket up to an instant and what is due at it.
fn read(state: &mut TicketState, ticket_id: &Text, rules: &Rules, at: Timestamp) -> Reading {
    let emission = Emission::on_virtual_clock();
    let context = Context {
        ticket_id,
        rules,
        emission: &emission,
        quiet_until: Timestamp::MIN,
    };
    let mut events = Vec::new();
    state.advance(Until::before(at.plus_millis(1)), context, &mut events);
    let plan = state.machine.plan.as_ref();
    Reading {
        plan: plan.map(|plan| plan.name.clone()),
        level: state.machine.level(),
        next: next(&state.machine, rules),
        events,
    }
}

fn compare(ticket_id: &Text, before: Reading, after: Reading, new: &Revision) -> Option<Change> {
    let known: BTreeSet<&str> = escalated(&before.events)
        .map(|event| &*event.id)
        .chain(updates(&before.events).map(|update| &*update.id))
        .collect();
    let fires = escalated(&after.events).filter(|event| !known.contains(&*event.id));
    let mut fires_now: Vec<Firing> = fires.map(Firing::of).collect();
    // Of several that are due the last is told.
    let updates = updates(&after.events).filter(|update| !known.contains(&*update.id));
    let last = updates.max_by_key(|update| update.due_at);
    fires_now.extend(last.map(Firing::of_update));
    let is_same =
        before.plan == after.plan && before.level == after.level && before.next == after.next;
    if is_same && fires_now.is_empty() {
        return None;
    }
    let edited = before.plan.as_ref().and_then(|plan| new.plan(plan));
    Some(Change {
        ticket_id: ticket_id.clone(),
        in_flight: in_flight(edited.map_or(InFlight::Adopt, |plan| plan.in_flight)),
        old_plan: before.plan,
        new_plan: after.plan,
        old_level: before.level,
        new_level: after.level,
        old_next: before.next,
        new_next: after.next,
        fires_now,
    })
}

fn escalated(events: &[Emitted]) -> impl Iterator<Item = &Escalated> {
    events.iter().filter_map(|emitted| match &emitted.event {
        Event::Escalated(event) => Some(&**event),
        Event::Notify(_) => None,
    })
}

/// What customers are told of how their tickets stand.
fn updates(events: &[Emitted]) -> impl Iterator<Item = &Notify> {
    let notified = events.iter().filter_map(|emitted| match &emitted.event {
        Event::Escalated(_) => None,
        Event::Notify(event) => Some(&**event),
    });
    notified.filter(|event| event.purpose == Purpose::CustomerUpdate)
}

const fn in_flight(in_flight: InFlight) -> &'static str {
    match in_flight {
        InFlight::Keep => "keep",
        InFlight::Adopt => "adopt",
        InFlight::Restart => "restart",
    }
}

impl Firing {
    fn of(event: &Escalated) -> Self {
        Self {
            kind: event.kind.name(),
            moves_level: event.kind.moves_level(),
            level: event.level,
            cause: event.cause.kind.name(),
            name: event.cause.name.clone(),
            mark: event.cause.mark.clone(),
            due_at: event.due_at,
        }
    }

    fn of_update(update: &Notify) -> Self {
        Self {
            kind: update.purpose.name(),
            moves_level: false,
            level: update.level,
            cause: "communication",
            name: None,
            mark: None,
            due_at: update.due_at,
        }
    }
}

impl Counts {
    fn add(&mut self, change: &Change) {
        // Nothing to come is later than anything.
        let instant = |next: &Option<Next>| next.as_ref().map_or(Timestamp::MAX, |next| next.at);
        let (old, new) = (instant(&change.old_next), instant(&change.new_next));
        self.changed += 1;
        self.fires_now += usize::from(!change.fires_now.is_empty());
        self.earlier += usize::from(new < old);
        self.later += usize::from(new > old);
        self.other_plan += usize::from(change.old_plan != change.new_plan);
        self.other_level += usize::from(change.old_level != change.new_level);
    }
}
