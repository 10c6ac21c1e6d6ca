//! What happens in a run and when: what is written to the inputs, and what goes wrong.
//!
//! A schedule is thrown from a seed, and is plain data, so that parts of it can be left out until
//! only what a failure needs is left. Its text is Rust, to be pasted into a test.

use super::dice::Dice;
use super::workload::What;
use crate::kafka::consumer::InputPartition;

/// Faults and writing end here.
pub(super) const CALM_MS: i64 = 18_000;

/// Everything must have come to rest by then: after the last fault a session, the timeout of a
/// transaction, a restart and the longest wait of a ticket have passed.
pub(super) const END_MS: i64 = CALM_MS + 20_000;

/// What goes wrong with the next transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// A record is refused, so that it is aborted.
    RecordsRefused,
    /// It is committed, but the answer is lost.
    AnswerLost,
    /// It is committed, the answer is lost, and the commit is asked for again after so long.
    AnswerLate { waits_ms: i64 },
    /// The commit never arrives, and nobody says so.
    RequestLost,
    /// The commit arrives so late, and the producer waits for so long.
    RequestLate { by_ms: i64, waits_ms: i64 },
    /// It goes well, but the connection is lost right after.
    Disturbed,
}

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// So long after it occurred, and perhaps once more.
    Plain { age_ms: i64, again: bool },
    /// In a transaction of its own that ends later.
    Held { for_ms: i64, is_committed: bool },
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    /// It dies; its instance comes back after so long.
    Kill { down_ms: i64 },
    /// It sleeps, as a machine does that is suspended.
    Sleep { for_ms: i64 },
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A record about a ticket is written.
    Write {
        id: u32,
        ticket: u32,
        what: What,
        way: Way,
    },
    /// Another variant of the plan comes into force.
    Edit { variant: usize },
    /// An instance starts, unless it runs.
    Start { instance: usize },
    /// A second process of an instance starts while the first is at work.
    Twin { instance: usize },
    /// Something is done to the processes of an instance after so many of their steps, or so many in
    /// the middle of a transaction.
    Strike {
        instance: usize,
        steps: u32,
        in_transaction: bool,
        blow: Blow,
    },
    /// An instance stops in good order, and comes back.
    Stop { instance: usize, down_ms: i64 },
    /// An instance does not reach the brokers.
    Cut { instance: usize, for_ms: i64 },
    /// Nobody reaches the brokers.
    Away { for_ms: i64 },
    /// An input partition has no leader.
    Leaderless {
        partition: InputPartition,
        for_ms: i64,
    },
    /// Every call of an instance takes up to so long.
    Slow {
        instance: usize,
        up_to_ms: i64,
        for_ms: i64,
    },
    /// From now on ends of transactions take up to so long to come.
    Markers { up_to_ms: i64 },
    /// The clock of an instance is set to be so far ahead.
    Clock { instance: usize, ahead_ms: i64 },
    /// Something goes wrong with the transaction after the next so many, and with so many in all.
    Trouble {
        instance: usize,
        skip: u32,
        mishap: Mishap,
        times: u32,
    },
    /// The state of a partition is compacted.
    Compact { partition: i32 },
    /// A coordinator answers for a while that nothing was ever committed.
    Deny { for_ms: i64 },
    /// The group's offsets expire.
    ForgetOffsets,
}

/// An event and when it happens, in milliseconds since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At(pub(super) i64, pub(super) Event);

/// What does not change in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) partitions: i32,
    pub(super) instances: usize,
    pub(super) grace_ms: i64,
    /// Which kind of plan.
    pub(super) family: usize,
    /// Whether instances are static members of the group.
    pub(super) is_static: bool,
    /// Whether the broker moves partitions one by one.
    pub(super) is_incremental: bool,
    /// Whether records come later than the grace allows for, so that corrections are due.
    pub(super) has_late: bool,
    /// How many records a transaction takes.
    pub(super) records_max: usize,
    /// From how much at hand on it takes all partitions.
    pub(super) much: usize,
}

impl Config {
    /// The one of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "config");
        let moves_alone = Theme::of(seed) == Theme::Leaving;
        let (is_static, is_incremental) =
            dice.pick(&[(false, false), (true, false), (false, true)]);
        let least = u64::from(moves_alone);
        let family = dice.pick(&[0, 0, 1, 2]);
        Self {
            partitions: i32::try_from(1 + dice.below(3).max(least)).unwrap(),
            instances: dice.pick(&[1, 2, 2, 3]).max(1 + usize::from(moves_alone)),
            grace_ms: dice.pick(&[0, 0, 1_500]),
            family,
            is_static: is_static && !moves_alone,
            is_incremental: is_incremental || moves_alone,
            has_late: family == 0 && dice.one_in(4),
            records_max: dice.pick(&[1, 3, 50]),
            much: dice.pick(&[0, 2, 500]),
        }
    }
}

impl Config {
    /// How far a clock may be ahead. Beyond what the grace allows for, records come late.
    const fn ahead_max_ms(&self) -> i64 {
        if self.has_late {
            3_000
        } else {
            self.grace_ms / 2
        }
    }

    /// Whether the plan has notifications that are withheld when they come late.
    pub(super) const fn may_withhold(&self) -> bool {
        self.family == 1
    }
}

/// A run, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// Decides what is left to chance.
    pub(super) seed: u64,
    pub(super) config: Config,
    pub(super) schedule: Vec<At>,
}

impl History {
    /// The one of a seed.
    pub(super) fn of(seed: u64) -> Self {
        Self {
            seed,
            config: Config::of(seed),
            schedule: throw(seed),
        }
    }
}

fn throw(seed: u64) -> Vec<At> {
    let config = Config::of(seed);
    let mut dice = Dice::new(seed, "schedule");
    let mut events = vec![At(0, Event::Start { instance: 0 })];
    for instance in 1..config.instances {
        events.push(At(dice.between(0, 6_000), Event::Start { instance }));
    }
    write(&config, &mut dice, &mut events);
    let (kinds, mishaps) = Theme::of(seed).faults(&mut dice);
    let most = dice.pick(&[3, 6, 14]);
    for _ in 0..dice.between(0, most) {
        let at = dice.between(200, CALM_MS - 1_000);
        let kind = dice.pick(&kinds);
        events.push(At(at, fault((kind, mishaps), &config, &mut dice)));
    }
    if dice.one_in(3) {
        // Now and then the cleaner is at work all the time.
        let every_ms = dice.pick(&[40, 300, 1_500]);
        for at in (0..CALM_MS).step_by(usize::try_from(every_ms).unwrap()) {
            let partition = i32::try_from(dice.below(3)).unwrap() % config.partitions;
            events.push(At(at, Event::Compact { partition }));
        }
    }
    events.sort_by_key(|At(at, _)| *at);
    events
}

fn write(config: &Config, dice: &mut Dice, events: &mut Vec<At>) {
    let (mut id, mut first) = (0, 0);
    for ticket in 0..u32::try_from(dice.between(1, 5)).unwrap() {
        // Tickets that begin together have deadlines together, so that one transaction has several
        // partitions.
        if ticket == 0 || dice.one_in(2) {
            first = dice.between(0, 8_000);
        }
        let mut at = first;
        let mut what = What::Created;
        for _ in 0..dice.between(1, 5) {
            id += 1;
            events.push(At(at, written(config, dice, (id, ticket, what))));
            at += dice.pick(&[0, 1, 300, 1_000, 2_500, 4_000]);
            what = dice.pick(&What::UPDATES);
            if at >= CALM_MS {
                break;
            }
        }
    }
    // With a clock too far ahead, when an edit was read would change what comes out.
    if dice.one_in(4) && !config.has_late {
        let at = dice.between(1_000, CALM_MS);
        let variant = usize::try_from(dice.between(1, 3)).unwrap();
        events.push(At(at, Event::Edit { variant }));
    }
}

fn written(config: &Config, dice: &mut Dice, (id, ticket, what): (u32, u32, What)) -> Event {
    let way = if dice.one_in(8) {
        Way::Held {
            for_ms: dice.between(1, 2_500),
            is_committed: !dice.one_in(3),
        }
    } else {
        // What the grace allows for is shared by late records and clocks that are ahead.
        let age_max_ms = match config.has_late {
            true => 4_000,
            false => config.grace_ms / 2,
        };
        Way::Plain {
            age_ms: dice.between(0, age_max_ms),
            again: dice.one_in(6),
        }
    };
    Event::Write {
        id,
        ticket,
        what,
        way,
    }
}

/// Few kinds of faults at a time go further into what these do together than all of them at once; some
/// are known to do much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    /// Another process takes over while a commit is asked for again.
    TakenOver,
    /// Partitions go, one by one, while their batch is refused again and again.
    Leaving,
    /// Owners die in the middle of their transactions.
    Dying,
    /// Commits come late.
    Late,
    Mixed,
}

impl Theme {
    fn of(seed: u64) -> Self {
        match Dice::new(seed, "theme").below(12) {
            0 => Self::TakenOver,
            1 => Self::Leaving,
            2 => Self::Dying,
            3 => Self::Late,
            _ => Self::Mixed,
        }
    }

    /// The kinds of faults, and what goes wrong with transactions.
    fn faults(self, dice: &mut Dice) -> (Vec<u64>, [Mishap; 2]) {
        match self {
            Self::TakenOver => {
                let waits_ms = 5_000;
                (vec![TWIN, TROUBLE], [Mishap::AnswerLate { waits_ms }; 2])
            }
            Self::Leaving => (vec![STOP, TROUBLE], [Mishap::RecordsRefused; 2]),
            Self::Dying => (vec![KILL_INSIDE], [Mishap::Disturbed; 2]),
            Self::Late => {
                let late = Mishap::RequestLate {
                    by_ms: 1_000,
                    waits_ms: 0,
                };
                (vec![TROUBLE], [late, Mishap::RecordsRefused])
            }
            Self::Mixed => {
                let kinds = (0..dice.between(1, 4)).map(|_| dice.below(KINDS));
                (kinds.collect(), [mishap(dice), mishap(dice)])
            }
        }
    }
}

const KILL_INSIDE: u64 = 1;
const STOP: u64 = 3;
const TWIN: u64 = 13;
const TROUBLE: u64 = 16;

/// How many kinds of faults there are; some are several, as they lead to more.
const KINDS: u64 = 20;

fn fault((kind, mishaps): (u64, [Mishap; 2]), config: &Config, dice: &mut Dice) -> Event {
    let instance = usize::try_from(dice.below(config.instances as u64)).unwrap();
    let calls = u32::try_from(dice.below(12)).unwrap();
    let steps = u32::try_from(dice.below(4)).unwrap();
    let for_ms = dice.pick(&[50, 700, 2_500, 5_500, 7_500]);
    let sleeps_ms = dice.pick(&[700, 2_500, 6_500, 8_000, 11_000]);
    let strike = |steps, in_transaction, blow| Event::Strike {
        instance,
        steps,
        in_transaction,
        blow,
    };
    match kind {
        0 => strike(calls, false, Blow::Kill { down_ms: for_ms }),
        KILL_INSIDE | 2 => strike(steps, true, Blow::Kill { down_ms: for_ms }),
        STOP => Event::Stop {
            instance,
            down_ms: for_ms,
        },
        4 => strike(calls, false, Blow::Sleep { for_ms: sleeps_ms }),
        5..=7 => strike(steps, true, Blow::Sleep { for_ms: sleeps_ms }),
        15 if dice.one_in(2) => Event::Leaderless {
            partition: (
                usize::try_from(dice.below(2)).unwrap(),
                i32::try_from(dice.below(3)).unwrap() % config.partitions,
            ),
            for_ms,
        },
        15 => Event::Cut { instance, for_ms },
        8 => Event::Away { for_ms },
        9 => Event::Slow {
            instance,
            up_to_ms: dice.pick(&[20, 300]),
            for_ms,
        },
        10 => Event::Markers {
            up_to_ms: dice.pick(&[30, 400, 3_000]),
        },
        11 => Event::Clock {
            instance,
            ahead_ms: dice.pick(&[-4_000, -300, 0, config.ahead_max_ms()]),
        },
        12 if dice.one_in(2) => Event::Deny { for_ms },
        12 => Event::ForgetOffsets,
        TWIN | 14 => Event::Twin { instance },
        _ => Event::Trouble {
            instance,
            skip: u32::try_from(dice.below(3)).unwrap(),
            mishap: dice.pick(&mishaps),
            // Enough for others to take over in between.
            times: dice.pick(&[1, 1, 2, 10]),
        },
    }
}

fn mishap(dice: &mut Dice) -> Mishap {
    match dice.below(8) {
        4 | 5 => Mishap::AnswerLate {
            waits_ms: dice.pick(&[100, 2_000, 5_000]),
        },
        0 => Mishap::RecordsRefused,
        1 => Mishap::AnswerLost,
        2 => Mishap::RequestLost,
        3 => Mishap::Disturbed,
        _ => Mishap::RequestLate {
            by_ms: dice.pick(&[10, 300, 2_000, 4_000]),
            waits_ms: dice.pick(&[0, 500, 3_000]),
        },
    }
}
