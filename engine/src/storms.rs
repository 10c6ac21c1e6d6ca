//! Storms: what goes beyond the limit of a target is gathered into a digest.
//!
//! Time is cut into windows of `per`, aligned to the epoch. A notification counts in the window of
//! its `due_at`, for its listener, which is one target on one channel. The first `count` go out, the
//! others are gathered, and at the end of the window one digest tells of them. What is decided when
//! its window is over already, because a fact moved it into the past, counts in that window all the
//! same; beyond the limit it is gathered with what else is decided at that instant.
//!
//! Everything is judged in the order of decisions, an instant at a time, so that which of them go
//! out does not depend on batches. What is kept between two transactions is cut into pieces, each of
//! which is a record of the partition: a storm has no bound, but a record has.

mod digest;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::digest::DigestItem;
use crate::decision::Listener;
use crate::effect::{Event, Notify, Purpose};
use crate::emission::{Emission, Emitted, Held};
use crate::plan::AtMost;
use crate::rules::Rules;
use crate::time::{Duration, Timestamp};

/// Items of one piece, and of one digest: with the longest ticket ids well below the megabyte that
/// Kafka takes. A larger storm is told in several digests.
pub const ITEMS_MAX: usize = 500;

/// What was due longer before its decision counts as due so long before it: a window is kept for
/// that time after its end.
pub const LOOK_BACK_MS: i64 = 86_400_000;

/// Which piece of which window of which listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PieceKey {
    /// Who is told.
    pub listener: Listener,
    /// The length of the window.
    pub per: Duration,
    /// Its beginning.
    pub start: Timestamp,
    /// The number of the piece, from 0.
    pub number: u32,
}

/// What is kept of a window; of all but the first piece only the items count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// How many notifications went out.
    pub sent: u32,
    /// The number of the last piece.
    pub last: u32,
    /// When what was gathered is told; none when nothing was.
    pub tell_at: Option<Timestamp>,
    /// What was gathered, in the order of decisions.
    pub items: Vec<DigestItem>,
}

/// All windows of a partition that still count.
#[derive(Clone, Debug, Default)]
pub struct Storms {
    pieces: BTreeMap<PieceKey, Arc<Piece>>,
    /// The first pieces of windows that are to be told, by when.
    tell: BTreeSet<(Timestamp, PieceKey)>,
    /// What has changed since the last commit.
    changed: BTreeSet<PieceKey>,
}

impl PieceKey {
    /// The end of the window.
    fn end(&self) -> Timestamp {
        self.start.plus_millis(self.per.as_millis())
    }

    /// Another piece of the same window.
    fn with_number(&self, number: u32) -> Self {
        Self {
            number,
            ..self.clone()
        }
    }
}

/// The limit that a notification falls under. An end is never withheld, and nobody is asked twice
/// to look back.
#[must_use]
pub(crate) fn limit_of(notify: &Notify, rules: &Rules) -> Option<AtMost> {
    match notify.purpose {
        Purpose::Ended | Purpose::PostMortem | Purpose::Digest => None,
        Purpose::Warning
        | Purpose::Level
        | Purpose::Repeat
        | Purpose::Lowered
        | Purpose::CustomerUpdate => {
            let revision = rules.revision(&notify.plan_revision)?;
            let target = revision.targets.get(&notify.to)?;
            // A field of the ticket may name somebody who is called like a target.
            target.at_most.filter(|_| target.kind == notify.to_kind)
        }
    }
}

impl Storms {
    /// The windows of a committed state.
    #[must_use]
    pub fn restore(pieces: impl IntoIterator<Item = (PieceKey, Piece)>) -> Self {
        let mut storms = Self::default();
        for (key, piece) in pieces {
            storms
                .tell
                .extend(piece.tell_at.map(|at| (at, key.clone())));
            storms.pieces.insert(key, Arc::new(piece));
        }
        storms
    }

    /// When the next digest is due.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.tell.first().map(|(at, _)| *at)
    }

    /// Everything that is kept.
    pub fn pieces(&self) -> impl Iterator<Item = (&PieceKey, &Piece)> {
        self.pieces.iter().map(|(key, piece)| (key, &**piece))
    }

    /// What has changed since the last commit: pieces as they are now, none where they are gone.
    pub fn changed(&self) -> impl Iterator<Item = (&PieceKey, Option<&Piece>)> {
        let changed = self.changed.iter();
        changed.map(|key| (key, self.pieces.get(key).map(|piece| &**piece)))
    }

    /// What has changed is committed.
    pub(crate) fn commit(&mut self) {
        self.changed.clear();
    }

    /// Lets a notification out, or gathers it: then it is told with others at the instant that is
    /// answered.
    pub(crate) fn admit(
        &mut self,
        notify: &Notify,
        at: Timestamp,
        limit: AtMost,
    ) -> Option<Timestamp> {
        let due_at = notify.due_at.max(at.plus_millis(-LOOK_BACK_MS));
        let per_ms = limit.per.as_millis().max(1);
        let first = PieceKey {
            listener: Listener {
                to: notify.to.clone(),
                kind: notify.to_kind.clone(),
                channel: notify.channel.clone(),
            },
            per: limit.per,
            start: Timestamp::from_millis(due_at.as_millis().div_euclid(per_ms) * per_ms),
            number: 0,
        };
        let window = self.piece(&first);
        if window.sent < limit.count {
            window.sent += 1;
            return None;
        }
        Some(self.gather(first, at, DigestItem::of(notify)))
    }

    /// Gathers something; returns when it is told.
    fn gather(&mut self, first: PieceKey, at: Timestamp, item: DigestItem) -> Timestamp {
        let end = first.end();
        let window = self.piece(&first);
        let begins = window.tell_at.is_none();
        let tell_at = *window.tell_at.get_or_insert_with(|| end.max(at));
        let mut last = window.last;
        if begins {
            self.tell.insert((tell_at, first.clone()));
        }
        if self.piece(&first.with_number(last)).items.len() == ITEMS_MAX {
            last += 1;
            self.piece(&first).last = last;
        }
        self.piece(&first.with_number(last)).items.push(item);
        tell_at
    }

    /// A piece to be changed; a new one is empty.
    fn piece(&mut self, key: &PieceKey) -> &mut Piece {
        if !self.changed.contains(key) {
            self.changed.insert(key.clone());
        }
        Arc::make_mut(self.pieces.entry(key.clone()).or_default())
    }

    fn remove(&mut self, key: &PieceKey) -> Option<Arc<Piece>> {
        self.changed.insert(key.clone());
        self.pieces.remove(key)
    }

    /// Tells of what was gathered and is due before an instant.
    pub(crate) fn tell_before(
        &mut self,
        at: Timestamp,
        rules: &Rules,
        emission: &Emission,
        out: &mut Vec<Emitted>,
    ) {
        while self.next().is_some_and(|next| next < at)
            && let Some((tell_at, first)) = self.tell.pop_first()
        {
            let window = self.piece(&first);
            let last = std::mem::take(&mut window.last);
            window.tell_at = None;
            let items = std::mem::take(&mut window.items);
            out.push(digest::emitted(&first, items, tell_at, rules, emission));
            for number in 1..=last {
                let key = first.with_number(number);
                let piece = self.remove(&key).map(Arc::unwrap_or_clone);
                let items = piece.unwrap_or_default().items;
                out.push(digest::emitted(&key, items, tell_at, rules, emission));
            }
        }
    }

    /// Drops the windows that nothing can count in any more once everything before an instant is
    /// decided.
    pub(crate) fn drop_before(&mut self, at: Timestamp) {
        let limit = at.plus_millis(-LOOK_BACK_MS);
        let is_over = |key: &PieceKey, piece: &Piece| {
            key.number == 0 && piece.tell_at.is_none() && key.end() <= limit
        };
        let over = self
            .pieces
            .iter()
            .filter(|(key, piece)| is_over(key, piece));
        let over: Vec<PieceKey> = over.map(|(key, _)| key.clone()).collect();
        for key in over {
            self.remove(&key);
        }
    }
}

/// Judges what came out, in its order: what is beyond a limit is taken out, and digests that are due
/// in between or before `until` are put in.
pub(crate) fn judge(
    storms: &mut Storms,
    events: Vec<Emitted>,
    until: Timestamp,
    rules: &Rules,
    emission: &Emission,
) -> Vec<Emitted> {
    let mut out = Vec::with_capacity(events.len());
    for emitted in events {
        storms.tell_before(emitted.at.min(until), rules, emission, &mut out);
        let held = match &emitted.event {
            Event::Escalated(_) => None,
            Event::Notify(notify) => limit_of(notify, rules)
                .and_then(|limit| storms.admit(notify, emitted.at, limit))
                .map(|until| (notify, until)),
        };
        match held {
            None => out.push(emitted),
            Some((notify, until)) => note_held(notify, until, &mut out),
        }
    }
    storms.tell_before(until, rules, emission, &mut out);
    storms.drop_before(until);
    out
}

/// Notes at the event that a notification tells of that it is told later. An update tells of one that
/// may have come in another batch.
fn note_held(notify: &Notify, until: Timestamp, out: &mut [Emitted]) {
    if notify.purpose == Purpose::CustomerUpdate {
        return;
    }
    // Who is told of an event comes right behind it.
    let mut events = out.iter_mut().rev();
    let event = events.find_map(|emitted| match &emitted.event {
        Event::Escalated(event) => Some((event.id.clone(), &mut emitted.held)),
        Event::Notify(_) => None,
    });
    if let Some((id, held)) = event
        && notify.escalation_event_id.as_ref() == Some(&id)
    {
        held.push(Held {
            to: notify.to.clone(),
            channel: notify.channel.clone(),
            until,
        });
    }
}

/// Whether anything of a batch has to be judged.
pub(crate) fn concerns(events: &[Emitted], rules: &Rules) -> bool {
    events.iter().any(|emitted| match &emitted.event {
        Event::Escalated(_) => false,
        Event::Notify(notify) => limit_of(notify, rules).is_some(),
    })
}
