//! Clocks, triggers and the open escalation in a stored state.

use escalator_engine::clock::Clock;
use escalator_engine::decision::Anchor;
use escalator_engine::ladder::{Acknowledgement, Escalation};
use escalator_engine::machine::{Fired, Hold};
use escalator_engine::plan::Nature;
use escalator_engine::stopwatch::{Gap, Motion, Stopwatch};
use escalator_engine::time::{Duration, Timestamp};
use serde::Deserialize;

use super::word::{IdentityRecord, Word};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ClockRecord {
    timeframe: Word,
    cycle: u32,
    is_answered: bool,
    watch: Option<StopwatchRecord>,
}

impl From<ClockRecord> for Clock {
    fn from(clock: ClockRecord) -> Self {
        Self {
            timeframe: clock.timeframe.0,
            cycle: clock.cycle,
            is_answered: clock.is_answered,
            watch: clock.watch.map(Stopwatch::from),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FiredRecord {
    timeframe: Word,
    cycle: u32,
    mark: Word,
    at: Timestamp,
}

impl From<FiredRecord> for Fired {
    fn from(fired: FiredRecord) -> Self {
        Self {
            timeframe: fired.timeframe.0,
            cycle: fired.cycle,
            mark: fired.mark.0,
            at: fired.at,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct HoldRecord {
    trigger: Word,
    since: Option<Timestamp>,
    has_fired: bool,
    cycle: u32,
}

impl From<HoldRecord> for Hold {
    fn from(hold: HoldRecord) -> Self {
        Self {
            trigger: hold.trigger.0,
            since: hold.since,
            has_fired: hold.has_fired,
            cycle: hold.cycle,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct EscalationRecord {
    begun_at: Timestamp,
    level: u32,
    announced_level: u32,
    highest_level: u32,
    nature: Nature,
    waits: StopwatchRecord,
    repeats_sent: u32,
    acknowledgement: Option<AcknowledgementRecord>,
    begun_by: IdentityRecord,
    updated_at: Timestamp,
    is_overdue: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AcknowledgementRecord {
    anchor: AnchorRecord,
    watch: StopwatchRecord,
    until: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AnchorRecord {
    at: Timestamp,
    fact: i64,
}

impl From<EscalationRecord> for Escalation {
    fn from(escalation: EscalationRecord) -> Self {
        Self {
            begun_at: escalation.begun_at,
            level: escalation.level,
            announced_level: escalation.announced_level,
            highest_level: escalation.highest_level,
            nature: escalation.nature,
            waits: escalation.waits.into(),
            repeats_sent: escalation.repeats_sent,
            acknowledgement: escalation.acknowledgement.map(|record| Acknowledgement {
                anchor: Anchor {
                    at: record.anchor.at,
                    fact: record.anchor.fact,
                },
                watch: record.watch.into(),
                until: record.until,
            }),
            begun_by: escalation.begun_by.0,
            updated_at: escalation.updated_at,
            is_overdue: escalation.is_overdue,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct StopwatchRecord {
    started_at: Timestamp,
    summed_to: Timestamp,
    counted_ms: i64,
    paused_ms: i64,
    gaps: Vec<GapRecord>,
    motion: MotionRecord,
    motion_since: Option<Timestamp>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MotionRecord {
    #[default]
    Running,
    Paused,
    Stopped,
    Done,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GapRecord {
    from: Timestamp,
    to: Timestamp,
    closed: bool,
}

impl From<StopwatchRecord> for Stopwatch {
    fn from(watch: StopwatchRecord) -> Self {
        let since = watch.motion_since.unwrap_or(watch.started_at);
        let gap = |gap: GapRecord| Gap {
            from: gap.from,
            to: gap.to,
            closed: gap.closed,
        };
        Self {
            started_at: watch.started_at,
            summed_to: watch.summed_to,
            counted: Duration::from_millis(watch.counted_ms),
            paused: Duration::from_millis(watch.paused_ms),
            gaps: watch.gaps.into_iter().map(gap).collect(),
            motion: match watch.motion {
                MotionRecord::Running => Motion::Running,
                MotionRecord::Paused => Motion::Paused { since },
                MotionRecord::Stopped => Motion::Stopped {
                    at: since,
                    done: false,
                },
                MotionRecord::Done => Motion::Stopped {
                    at: since,
                    done: true,
                },
            },
        }
    }
}
