//! Local time to instants and back: the only place that knows the time-zone library.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::day::{DAY_MS, Day};
use crate::time::Timestamp;

/// A time zone of the bundled data: what the machine has installed never changes a deadline.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

/// What the clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// The date.
    pub(super) day: Day,
    /// Milliseconds that the clock shows since midnight.
    pub(super) ms: i64,
}

/// A change of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// The instant of the change.
    pub at: Timestamp,
    /// Seconds by which the clock is set forward; negative when it is set back.
    pub forward_s: i32,
}

impl Zone {
    /// The zone of that IANA name.
    pub(super) fn named(name: &str) -> Option<Self> {
        TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }

    /// What the clock shows at an instant.
    pub(super) fn local(&self, at: Timestamp) -> Local {
        let offset = instant(at).map_or(Offset::UTC, |at| self.0.to_offset(at));
        let local_ms = at.as_millis().saturating_add(ms(offset));
        Local {
            day: day_of(local_ms),
            ms: local_ms.rem_euclid(DAY_MS),
        }
    }

    /// The instant at which the clock shows this time: the first of two, and moved forward by the
    /// gap when there is none.
    pub(super) fn first(&self, local: Local) -> Timestamp {
        self.instant(local, |before, _| before)
    }

    /// Like [`Zone::first`], but the second of two.
    pub(super) fn second(&self, local: Local) -> Timestamp {
        self.instant(local, |_, after| after)
    }

    fn instant(&self, local: Local, of_two: impl Fn(Offset, Offset) -> Offset) -> Timestamp {
        let local_ms = i64::from(local.day.number()) * DAY_MS + local.ms;
        let offset = wall(local_ms).map_or(Offset::UTC, |wall| {
            match self.0.to_ambiguous_timestamp(wall).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset,
                // The old offset moves a time inside the gap forward by the gap.
                AmbiguousOffset::Gap { before, .. } => before,
                AmbiguousOffset::Fold { before, after } => of_two(before, after),
            }
        });
        Timestamp::from_millis(local_ms - ms(offset))
    }

    /// The changes of the clock between two instants, the first included.
    pub(super) fn changes(&self, from: Timestamp, to: Timestamp) -> Vec<ClockChange> {
        let Some(before) = instant(from.plus_millis(-1)) else {
            return Vec::new();
        };
        let transitions = self.0.following(before);
        let changes = transitions.filter_map(|transition| {
            let at = Timestamp::from_millis(transition.timestamp().as_millisecond());
            let earlier = self.0.to_offset(instant(at.plus_millis(-1))?);
            let forward_s = transition.offset().seconds() - earlier.seconds();
            Some(ClockChange { at, forward_s })
        });
        changes
            .take_while(|change| change.at < to)
            .filter(|change| change.forward_s != 0)
            .collect()
    }
}

/// The names of all time zones, in order.
#[must_use]
pub fn time_zones() -> Vec<String> {
    let mut names: Vec<String> = TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort();
    names
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok()
}

/// A clock reading, given as if its zone were UTC.
fn wall(local_ms: i64) -> Option<DateTime> {
    let at = jiff::Timestamp::from_millisecond(local_ms).ok()?;
    Some(Offset::UTC.to_datetime(at))
}

fn day_of(local_ms: i64) -> Day {
    let number = local_ms.div_euclid(DAY_MS);
    Day::from_number(i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
}

const fn ms(offset: Offset) -> i64 {
    offset.seconds() as i64 * 1000
}
