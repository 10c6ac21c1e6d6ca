//! Random plans and random lives of tickets, from plain numbers so that proptest can shrink them.

mod calendar;
mod edits;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use escalator_engine::calendar::Calendar;
use escalator_engine::condition::{Condition, Field, Scalar, Test};
use escalator_engine::effect::{Escalated, Event, Notify};
use escalator_engine::emission::Emitted;
use escalator_engine::fact::{Activity, ActivityKind, Fact, TicketFact};
use escalator_engine::length::{Length, WorkingDays};
use escalator_engine::moment::{Moment, Moments, Pause};
use escalator_engine::plan::{
    Address, AtMost, Communication, InFlight, Level, LevelKind, Mark, MarkAt, MatrixField, Nature,
    OnReopen, Plan, PostMortem, Recipient, RecipientField, Repeat, Resolution, Revision, Target,
    Timeframe, TimeframeKind, Trigger, Unless, Within,
};
use escalator_engine::rules::Rules;
use escalator_engine::status::{CategorySet, StatusCategory};
use escalator_engine::template::Template;
use escalator_engine::ticket::{Change, Text, TextField};
use escalator_engine::time::{Duration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use calendar::calendar;
pub(crate) use edits::{Edited, edited, edited_stormy};

pub(crate) const START_MS: i64 = 1_700_000_000_000;

pub(crate) fn minute(n: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + n * 60_000)
}

fn minutes(n: i64) -> Duration {
    Duration::from_secs(n * 60)
}

const STATUSES: [&str; 7] = [
    "new",
    "open",
    "waiting_customer",
    "waiting_vendor",
    "on_hold",
    "resolved",
    "closed",
];
const PRIORITIES: [&str; 3] = ["low", "high", "critical"];
const SOURCES: [&str; 3] = ["", "desk", "phone"];

/// A template that uses every variable.
static EVERYTHING: LazyLock<Arc<Template>> = LazyLock::new(|| {
    let subject = "{{ ticket.id }} {{ purpose }} {{ level }} {{ level_name }}";
    let body = "{{ reason }} {{ note }} {{ due_at }} {{ now | local('Europe/Berlin') }} {{ plan }} \
                {{ ticket.status }} {{ ticket.tags | join(',') }} {{ ticket.assignee or 'nobody' }}";
    let template = Template::new("everything", subject, body);
    Arc::new(template.expect("the template is sound"))
});

fn address(n: u8) -> Address {
    let to = match n % 4 {
        0 => Recipient::Field(RecipientField::Assignee),
        n => Recipient::Target {
            name: format!("team-{n}").into(),
            kind: "team".into(),
        },
    };
    let channels = if n.is_multiple_of(3) {
        vec!["chat".into(), "email".into()]
    } else {
        vec!["chat".into()]
    };
    Address {
        to,
        channels,
        names_channel: true,
        template: n.is_multiple_of(5).then(|| "everything".into()),
    }
}

fn addresses() -> impl Strategy<Value = Vec<Address>> {
    vec(any::<u8>().prop_map(address), 0..3)
}

fn condition(n: u8) -> Condition {
    let field =
        |name: &str, test| Condition::Field(Field::named(name).expect("a field"), vec![test]);
    match n % 6 {
        0 => field("priority", Test::Any(vec![Scalar::new("critical")])),
        1 => field("tags", Test::Any(vec![Scalar::new("legal")])),
        2 => field("reopen_count", Test::AtLeast(Scalar::new("1"))),
        3 => field(
            "status_category",
            Test::Any(vec![Scalar::new("waiting_customer")]),
        ),
        4 => Condition::Not(Box::new(field("assignee", Test::Exists(true)))),
        _ => field("escalation_level", Test::AtLeast(Scalar::new("1"))),
    }
}

fn moment(n: u8) -> Moment {
    match n {
        0 => Moment::Created,
        1 => Moment::Matched,
        2 => Moment::AgentReply,
        3 => Moment::CustomerReply,
        4 => Moment::Acknowledged,
        5 => Moment::Assigned,
        6 => Moment::Updated,
        7 => Moment::Status(StatusCategory::OnHold),
        8 => Moment::Status(StatusCategory::Open),
        n => Moment::When(condition(n)),
    }
}

fn moments(kind: TimeframeKind, numbers: &[u8]) -> Moments {
    if kind != TimeframeKind::Custom {
        return Moments::default();
    }
    let mut lists = numbers
        .chunks(2)
        .map(|two| two.iter().copied().map(moment).collect());
    let mut next = || lists.next().unwrap_or_default();
    Moments {
        start: next(),
        stop: next(),
        reset: next(),
    }
}

fn categories(bits: u8) -> CategorySet {
    let chosen = StatusCategory::ALL.into_iter().filter(|c| !c.is_done());
    chosen
        .enumerate()
        .filter(|(n, _)| bits & (1 << n) != 0)
        .map(|(_, c)| c)
        .collect()
}

fn working_days(text: &str) -> WorkingDays {
    WorkingDays::parse(text).expect("working days")
}

/// A length of these minutes, or now and then one in working days.
fn length(minutes_long: i64, days: u8) -> Length {
    match days {
        0 => Length::Days(working_days("1wd")),
        1 | 2 => Length::Days(working_days("1wd@close")),
        _ => minutes(minutes_long).into(),
    }
}

/// Where a mark stands: mostly at a share.
fn mark_at(share: u64, days: u8) -> (Text, MarkAt) {
    let signed = |n: i64| MarkAt::Offset(minutes(n));
    match days {
        0 => ("+1wd".into(), MarkAt::After(working_days("1wd"))),
        1 => (
            "+1wd@close".into(),
            MarkAt::After(working_days("1wd@close")),
        ),
        2 => ("-1wd".into(), MarkAt::Before(working_days("1wd"))),
        3 => (
            "-1wd@close".into(),
            MarkAt::Before(working_days("1wd@close")),
        ),
        4 => ("+20m".into(), signed(20)),
        5 => ("-1m".into(), signed(-1)),
        _ => (format!("{share}%").into(), MarkAt::Share(share * 10_000)),
    }
}

prop_compose! {
    fn timeframe(kind: TimeframeKind)(
        within in 5_i64..90,
        critical in 2_i64..30,
        by_priority in any::<bool>(),
        pause in any::<u8>(),
        reopen in 0_u8..3,
        shares in vec((10_u64..250, 0_u8..24, 0_u32..4, addresses()), 0..4),
        days in 0_u8..16,
        calendar in calendar(),
        custom in vec(0_u8..12, 6),
    ) -> Timeframe {
        let within = if by_priority {
            Within::By {
                field: MatrixField::Text(TextField::Priority),
                values: BTreeMap::from([("critical".into(), minutes(critical).into())]),
                default: (pause % 5 != 0).then(|| length(within, days)),
            }
        } else {
            Within::Fixed(length(within, days))
        };
        let mut marks: Vec<Mark> = Vec::new();
        for (share, days, level, warn) in shares {
            let (text, at) = mark_at(share, days);
            if marks.iter().all(|mark| mark.text != text) {
                marks.push(Mark {
                    text,
                    at,
                    warn,
                    level: (level > 0).then_some(level),
                });
            }
        }
        Timeframe {
            name: kind.name().into(),
            kind,
            within,
            calendar,
            pause: if pause % 7 == 1 {
                Pause::When(Box::new(condition(pause)))
            } else {
                Pause::In(categories(pause))
            },
            moments: moments(kind, &custom),
            on_reopen: [OnReopen::Resume, OnReopen::Restart, OnReopen::Ignore][reopen as usize],
            marks,
        }
    }
}

prop_compose! {
    fn level(number: usize)(
        notify in addresses(),
        repeat in proptest::option::of((1_i64..20, 1_u32..4)),
        next_after in proptest::option::of((1_i64..40, 0_u8..16)),
        calendar in calendar(),
        strict in any::<bool>(),
        pause in any::<u8>(),
    ) -> Level {
        Level {
            name: format!("level {number}").into(),
            kind: LevelKind::Functional,
            notify,
            assign: None,
            repeat: repeat.map(|(every, times)| Repeat { every: minutes(every).into(), times }),
            next_after: next_after.map(|(minutes, days)| length(minutes, days)),
            unless: if strict { Unless::Resolved } else { Unless::Acknowledged },
            pause: if pause > 128 { CategorySet::default() } else { categories(pause) },
            calendar,
        }
    }
}

prop_compose! {
    fn plan(name: &'static str)(
        matching in proptest::option::of(any::<u8>()),
        first in proptest::option::of(timeframe(TimeframeKind::FirstResponse)),
        next in proptest::option::of(timeframe(TimeframeKind::NextResponse)),
        resolution in proptest::option::of(timeframe(TimeframeKind::Resolution)),
        update in proptest::option::of(timeframe(TimeframeKind::Update)),
        vendor in proptest::option::of(timeframe(TimeframeKind::Vendor)),
        custom in proptest::option::of(timeframe(TimeframeKind::Custom)),
        triggers in vec((any::<u8>(), proptest::option::of(1_i64..20), 1_u32..4, calendar()), 0..3),
        path in (level(1), level(2), level(3)).prop_map(|(a, b, c)| vec![a, b, c]),
        lasts in proptest::option::of(1_i64..40),
        notify_skipped in any::<bool>(),
        communication in proptest::option::of((any::<u8>(), length_of(1..40), calendar())),
        ending in resolution(),
    ) -> Plan {
        let mut timeframes: Vec<_> =
            [first, next, resolution, update, vendor, custom].into_iter().flatten().collect();
        timeframes.sort_by(|a, b| a.name.cmp(&b.name));
        let trigger = |(number, (when, hold, level, calendar)): (usize, (u8, Option<i64>, u32, Calendar))| Trigger {
            name: format!("trigger {number}").into(),
            when: condition(when),
            hold: hold.map(minutes).map(Length::Working),
            calendar,
            level,
            nature: Nature::Problem,
        };
        Plan {
            name: name.into(),
            matching: matching.map_or_else(Condition::default, condition),
            in_flight: InFlight::Adopt,
            timeframes,
            triggers: triggers.into_iter().enumerate().map(trigger).collect(),
            path,
            acknowledgement_lasts: lasts.map(minutes).map(Length::Working),
            stale_after: None,
            notify_skipped,
            communication: communication.map(|(to, every, calendar)| Communication {
                address: address(to),
                every,
                calendar,
            }),
            resolution: ending,
        }
    }
}

fn length_of(minutes_long: std::ops::Range<i64>) -> impl Strategy<Value = Length> {
    (minutes_long, 0_u8..16).prop_map(|(minutes, days)| length(minutes, days))
}

prop_compose! {
    fn resolution()(
        close_within in proptest::option::of(length_of(1..90)),
        steps in 0_usize..2,
        post_mortem in proptest::option::of((1_u32..4, addresses())),
        calendar in calendar(),
    ) -> Resolution {
        Resolution {
            close_within,
            steps: vec!["call back".into(); steps],
            post_mortem: post_mortem.map(|(from_level, to)| PostMortem { from_level, to }),
            calendar,
        }
    }
}

/// Rules under which nothing is forgotten while a life lasts.
pub(crate) fn rules() -> impl Strategy<Value = Arc<Rules>> {
    revision().prop_map(|revision| Arc::new(Rules::new(Arc::new(revision))))
}

/// Rules under which a ticket that is done is forgotten within minutes.
pub(crate) fn forgetful_rules() -> impl Strategy<Value = Arc<Rules>> {
    (revision(), 1_i64..60).prop_map(|(revision, forget_after)| {
        let revision = revision.with_forget_after(Some(minutes(forget_after)));
        Arc::new(Rules::new(Arc::new(revision)))
    })
}

/// Rules whose targets are told a few times an hour at most.
pub(crate) fn stormy_rules() -> impl Strategy<Value = Arc<Rules>> {
    stormy().prop_map(|revision| Arc::new(Rules::new(Arc::new(revision))))
}

fn stormy() -> impl Strategy<Value = Revision> {
    let limit = || proptest::option::weighted(0.8, (1_u32..5, 5_i64..150));
    (revision(), [limit(), limit(), limit()]).prop_map(|(revision, limits)| {
        let targets = limits.into_iter().enumerate().map(|(n, limit)| {
            let target = Target {
                kind: "team".into(),
                channels: vec!["chat".into()],
                at_most: limit.map(|(count, per)| AtMost {
                    count,
                    per: minutes(per),
                }),
            };
            (format!("team-{}", n + 1).into(), target)
        });
        Revision {
            targets: targets.collect(),
            ..revision
        }
    })
}

/// The same rules without limits.
pub(crate) fn without_limits(rules: &Rules) -> Arc<Rules> {
    let mut revision = Revision::clone(rules.latest());
    for target in revision.targets.values_mut() {
        target.at_most = None;
    }
    Arc::new(Rules::new(Arc::new(revision)))
}

fn revision() -> impl Strategy<Value = Revision> {
    (plan("first"), plan("second")).prop_map(|(first, second)| {
        Revision::new(
            "r1".into(),
            PRIORITIES.map(Text::from).to_vec(),
            BTreeMap::new(),
            BTreeMap::new(),
            BTreeMap::from([("everything".into(), Arc::clone(&EVERYTHING))]),
            vec![Arc::new(first), Arc::new(second)],
        )
    })
}

prop_compose! {
    fn fact(horizon: i64, tickets: u8)(
        ticket in 1..=tickets,
        at in 0..horizon,
        created in 0_u8..8,
        status in proptest::option::of(0..STATUSES.len()),
        priority in proptest::option::weighted(0.3, 0..PRIORITIES.len()),
        assignee in proptest::option::weighted(0.2, 0_u8..3),
        legal in proptest::option::weighted(0.2, any::<bool>()),
        activities in vec((0..ActivityKind::ALL.len(), proptest::option::of(0_i64..4), 0_i64..30), 0..3),
        version in proptest::option::of(0_i64..3),
        source in 0..SOURCES.len(),
    ) -> (u8, Fact) {
        let mut changes = Vec::new();
        changes.extend(status.map(|n| Change::Text(TextField::Status, Some(STATUSES[n].into()))));
        changes.extend(priority.map(|n| Change::Text(TextField::Priority, Some(PRIORITIES[n].into()))));
        changes.extend(assignee.map(|n| {
            Change::Text(TextField::Assignee, (n > 0).then(|| format!("agent-{n}").into()))
        }));
        changes.extend(legal.map(|on| Change::Tags(if on { vec!["legal".into()] } else { Vec::new() })));
        let created = created == 0;
        let activity = |(kind, level, until): (usize, Option<i64>, i64)| Activity {
            kind: ActivityKind::ALL[kind],
            actor: None,
            level,
            until: Some(minute(at + until)),
            note: None,
        };
        let fact = Fact {
            occurred_at: minute(at),
            version,
            event_id: None,
            record_hash: 0,
            source: SOURCES[source].into(),
            created,
            changes,
            activities: if created { Vec::new() } else { activities.into_iter().map(activity).collect() },
        };
        (ticket, fact)
    }
}

/// The lives of two tickets over `horizon` minutes, in order, each fact with its own id.
pub(crate) fn lives(horizon: i64, facts: usize) -> impl Strategy<Value = Vec<TicketFact>> {
    lives_of(2, horizon, facts)
}

/// The lives of some twenty tickets.
pub(crate) fn crowd(horizon: i64, facts: usize) -> impl Strategy<Value = Vec<TicketFact>> {
    lives_of(20, horizon, facts)
}

fn lives_of(tickets: u8, horizon: i64, facts: usize) -> impl Strategy<Value = Vec<TicketFact>> {
    vec(fact(horizon, tickets), 1..facts).prop_map(|facts| {
        let mut named: Vec<_> = facts
            .into_iter()
            .enumerate()
            .map(|(n, (ticket, fact))| TicketFact {
                ticket_id: format!("T{ticket}").into(),
                fact: Arc::new(Fact {
                    event_id: Some(format!("e{n:03}").into()),
                    record_hash: n as i64,
                    ..fact
                }),
            })
            .collect();
        named.sort_by(|a, b| a.fact.order(&b.fact));
        named
    })
}

pub(crate) fn escalated(events: &[Emitted]) -> impl Iterator<Item = &Escalated> {
    events.iter().filter_map(|emitted| match &emitted.event {
        Event::Escalated(event) => Some(&**event),
        Event::Notify(_) => None,
    })
}

pub(crate) fn notified(events: &[Emitted]) -> impl Iterator<Item = &Notify> {
    events.iter().filter_map(|emitted| match &emitted.event {
        Event::Notify(event) => Some(&**event),
        Event::Escalated(_) => None,
    })
}

/// The same fact with a note of so many bytes in it.
pub(crate) fn with_note(fact: &TicketFact, bytes: usize) -> TicketFact {
    let mut large = Fact::clone(&fact.fact);
    large.activities.push(Activity {
        kind: ActivityKind::InternalNote,
        actor: None,
        level: None,
        until: None,
        note: Some("x".repeat(bytes).into()),
    });
    TicketFact {
        ticket_id: fact.ticket_id.clone(),
        fact: Arc::new(large),
    }
}
