//! What the core costs: a fact of each kind, deadlines among many, working time, and matching.
//!
//! `cargo bench -p escalator-engine`; `ESCALATOR_BENCH_LARGE=1` adds five million pending deadlines.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use escalator_engine::calendar::{AtClose, Calendar, CalendarRule, Hours};
use escalator_engine::condition::{Condition, Field, Scalar, Subject, Test};
use escalator_engine::emission::Emission;
use escalator_engine::engine::Engine;
use escalator_engine::fact::{Activity, ActivityKind, Fact, TicketFact};
use escalator_engine::moment::{Moments, Pause};
use escalator_engine::plan::{
    Address, InFlight, Level, LevelKind, Mark, MarkAt, MatrixField, Nature, OnReopen, Plan,
    Recipient, Resolution, Revision, Timeframe, TimeframeKind, Trigger, Unless, Within,
};
use escalator_engine::rules::Rules;
use escalator_engine::status::{CategorySet, StatusCategory};
use escalator_engine::ticket::{Change, Text, TextField, Ticket};
use escalator_engine::time::{Duration, Timestamp};

/// 2026-11-23T09:00:00Z, a Monday.
const START: Timestamp = Timestamp::from_millis(1_795_424_400_000);

/// Facts, or tickets that are due, of one batch: what a transaction holds.
const BATCH: usize = 2_000;

fn hours(count: i64) -> Duration {
    Duration::from_secs(count * 3600)
}

/// First response and resolution by priority, and a trigger, as in the bench against others.
fn rules() -> Arc<Rules> {
    let timeframe = |name: &str, kind, by: [i64; 4], level| Timeframe {
        name: name.into(),
        kind,
        within: Within::By {
            field: MatrixField::Text(TextField::Priority),
            values: ["critical", "high", "normal", "low"]
                .into_iter()
                .zip(by)
                .map(|(priority, count)| (priority.into(), hours(count).into()))
                .collect(),
            default: None,
        },
        calendar: Calendar::Always,
        pause: Pause::In(CategorySet::default()),
        moments: Moments::default(),
        on_reopen: OnReopen::Resume,
        marks: vec![Mark {
            text: "100%".into(),
            at: MarkAt::BREACH,
            warn: Vec::new(),
            level: Some(level),
        }],
    };
    let plan = Plan {
        name: "bench".into(),
        matching: Condition::default(),
        in_flight: InFlight::Adopt,
        timeframes: vec![
            timeframe(
                "first_response",
                TimeframeKind::FirstResponse,
                [1, 2, 4, 8],
                1,
            ),
            timeframe("resolution", TimeframeKind::Resolution, [4, 8, 24, 72], 2),
        ],
        triggers: vec![Trigger {
            name: "critical".into(),
            when: equals("priority", "critical"),
            hold: None,
            calendar: Calendar::Always,
            level: 1,
            nature: Nature::Problem,
        }],
        path: vec![level("desk"), level("lead")],
        acknowledgement_lasts: None,
        stale_after: None,
        notify_skipped: false,
        communication: None,
        resolution: Resolution::default(),
    };
    Arc::new(Rules::new(Arc::new(revision(vec![Arc::new(plan)]))))
}

fn revision(plans: Vec<Arc<Plan>>) -> Revision {
    let priorities = ["low", "normal", "high", "critical"].map(Text::from);
    Revision::new(
        "1".into(),
        priorities.to_vec(),
        BTreeMap::new(),
        BTreeMap::new(),
        BTreeMap::new(),
        plans,
    )
}

fn level(name: &str) -> Level {
    Level {
        name: name.into(),
        kind: LevelKind::Functional,
        notify: vec![Address {
            to: Recipient::Target {
                name: name.into(),
                kind: "team".into(),
            },
            channels: vec!["email".into()],
            names_channel: true,
            template: None,
        }],
        assign: None,
        repeat: None,
        next_after: None,
        unless: Unless::default(),
        pause: CategorySet::default(),
        calendar: Calendar::Always,
    }
}

fn equals(field: &str, value: &str) -> Condition {
    let test = Test::Any(vec![Scalar::new(value)]);
    Condition::Field(Field::named(field).expect("a field"), vec![test])
}

fn fact(number: usize, at: Timestamp, changes: Vec<Change>, reply: bool) -> TicketFact {
    let activity = Activity {
        kind: ActivityKind::AgentReply,
        actor: Some("ida".into()),
        level: None,
        until: None,
        note: Some("the cause is found, a fix is on its way".into()),
    };
    TicketFact {
        ticket_id: format!("T{number:07}").into(),
        fact: Arc::new(Fact {
            occurred_at: at,
            version: None,
            event_id: Some(format!("{number}-{}", at.as_millis()).into()),
            record_hash: 0,
            source: "".into(),
            created: false,
            changes,
            activities: if reply { vec![activity] } else { Vec::new() },
        }),
    }
}

fn text(field: TextField, value: &str) -> Change {
    Change::Text(field, Some(value.into()))
}

/// A created event with the fields of a usual ticket; each second another priority.
fn created(number: usize) -> TicketFact {
    let priority = ["high", "normal", "low"][number % 3];
    let changes = [
        (TextField::Status, "new"),
        (TextField::Priority, priority),
        (TextField::Category, "network"),
        (TextField::Queue, "noc"),
        (TextField::Requester, "u12345"),
        (TextField::Organization, "acme"),
        (TextField::Tier, "gold"),
        (TextField::Channel, "email"),
        (
            TextField::Subject,
            "cannot reach the payment gateway since this morning",
        ),
    ];
    let changes = changes.map(|(field, value)| text(field, value)).to_vec();
    let mut created = fact(number, START, changes, false);
    Arc::make_mut(&mut created.fact).created = true;
    created
}

/// A partition with so many tickets, evaluated up to a minute after they were created.
fn partition(tickets: usize) -> Engine {
    let mut engine = Engine::new(rules());
    let emission = Emission::on_virtual_clock();
    for begin in (0..tickets).step_by(BATCH) {
        for number in begin..tickets.min(begin + BATCH) {
            engine.apply(created(number));
        }
        engine.advance(START.plus_millis(60_000), usize::MAX, &emission);
        engine.commit();
    }
    engine
}

/// A fact of each kind on its way into a ticket that exists, decided, and not kept.
fn apply(c: &mut Criterion) {
    let mut group = c.benchmark_group("apply");
    group.throughput(Throughput::Elements(BATCH as u64));
    let mut engine = partition(20_000);
    let at = START.plus_millis(120_000);
    let kinds: [(&str, Vec<Change>, bool); 6] = [
        (
            "assigned",
            vec![
                text(TextField::Assignee, "ida"),
                text(TextField::Status, "pending"),
            ],
            false,
        ),
        ("moved", vec![text(TextField::Queue, "desk")], false),
        ("reply", Vec::new(), true),
        ("resolved", vec![text(TextField::Status, "solved")], false),
        ("priority", vec![text(TextField::Priority, "high")], false),
        (
            "critical",
            vec![text(TextField::Priority, "critical")],
            false,
        ),
    ];
    for (name, changes, reply) in kinds {
        let facts = || {
            (0..BATCH)
                .map(|number| fact(number * 7, at, changes.clone(), reply))
                .collect()
        };
        group.bench_function(name, |b| {
            b.iter_batched(
                facts,
                |facts: Vec<TicketFact>| decide_and_drop(&mut engine, facts, at),
                BatchSize::LargeInput,
            );
        });
    }
    let facts = || (100_000..100_000 + BATCH).map(created).collect();
    group.bench_function("created", |b| {
        b.iter_batched(
            facts,
            |facts: Vec<TicketFact>| decide_and_drop(&mut engine, facts, START),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn decide_and_drop(engine: &mut Engine, facts: Vec<TicketFact>, at: Timestamp) {
    for fact in facts {
        engine.apply(fact);
    }
    let emission = Emission::on_virtual_clock();
    black_box(engine.advance(at.plus_millis(1), usize::MAX, &emission));
    engine.rollback();
}

/// Deadlines that are due among those that are not.
fn advance(c: &mut Criterion) {
    let mut group = c.benchmark_group("advance");
    group.sample_size(10);
    let mut sizes = vec![(1_000, 100_000)];
    if std::env::var_os("ESCALATOR_BENCH_LARGE").is_some() {
        sizes.push((50_000, 5_000_000));
    }
    for (due, pending) in sizes {
        let mut engine = partition(pending);
        // These are due in half an hour, everything else in two hours at the earliest.
        let early = START.plus_millis(1_800_000);
        for number in 0..due {
            let created = START.plus_millis(-1_800_000);
            let changes = vec![
                text(TextField::Status, "new"),
                text(TextField::Priority, "critical"),
            ];
            let mut fact = fact(pending + number, created, changes, false);
            Arc::make_mut(&mut fact.fact).created = true;
            engine.apply(fact);
        }
        let emission = Emission::on_virtual_clock();
        engine.advance(START.plus_millis(60_000), usize::MAX, &emission);
        engine.commit();
        // Half an hour of first response is left to the critical ones.
        group.throughput(Throughput::Elements(due as u64));
        group.bench_function(format!("{due} due of {pending} pending"), |b| {
            b.iter(|| {
                let advanced = engine.advance(early.plus_millis(1), usize::MAX, &emission);
                black_box(advanced.events.len());
                engine.rollback();
            });
        });
    }
    group.finish();
}

/// Office hours with a break.
fn office() -> Calendar {
    let day = ["08:00-13:00", "14:00-18:00"].map(|it| Hours::parse(it).expect("hours"));
    let rule = CalendarRule {
        time_zone: "Europe/Berlin".into(),
        week: std::array::from_fn(|weekday| {
            if weekday < 5 {
                day.to_vec()
            } else {
                Vec::new()
            }
        }),
        at_close: AtClose::Stay,
        ..CalendarRule::default()
    };
    Calendar::business(rule).expect("a calendar that opens")
}

fn calendar(c: &mut Criterion) {
    let mut group = c.benchmark_group("calendar");
    let calendar = office();
    let starts: Vec<Timestamp> = (0..100)
        .map(|hour| START.plus_millis(hour * 3_700_000))
        .collect();
    group.throughput(Throughput::Elements(starts.len() as u64));
    for (name, length) in [("add 4 h", hours(4)), ("add 30 d", hours(720))] {
        group.bench_function(name, |b| {
            b.iter(|| {
                starts
                    .iter()
                    .filter_map(|from| calendar.add(*from, length))
                    .count()
            });
        });
    }
    group.bench_function("between 3 d", |b| {
        let end = |from: Timestamp| from.plus_millis(3 * 86_400_000);
        b.iter(|| {
            let between = starts
                .iter()
                .map(|from| calendar.between(*from, end(*from)).as_millis());
            black_box(between.sum::<i64>())
        });
    });
    group.finish();
}

/// Which of fifty plans takes a ticket: the last one does.
fn matching(c: &mut Criterion) {
    let conditions: Vec<Condition> = (0..50)
        .map(|number| {
            let tier = if number == 49 {
                "gold".to_owned()
            } else {
                format!("tier-{number}")
            };
            Condition::All(vec![
                Condition::Field(
                    Field::named("category").expect("a field"),
                    vec![Test::Any(["network", "database"].map(Scalar::new).to_vec())],
                ),
                equals("tier", &tier),
            ])
        })
        .collect();
    let ticket = Ticket {
        category: Some("network".into()),
        tier: Some("gold".into()),
        ..Ticket::default()
    };
    let priorities = [Text::from("low"), Text::from("high")];
    let subject = Subject {
        ticket: &ticket,
        category: StatusCategory::Open,
        reopen_count: 0,
        reassignment_count: 0,
        customer_reply_count: 0,
        escalation_level: 0,
        priorities: &priorities,
    };
    c.bench_function("match the last of 50 plans", |b| {
        b.iter(|| {
            conditions
                .iter()
                .position(|condition| condition.holds(black_box(&subject)))
        });
    });
}

criterion_group!(benches, apply, advance, calendar, matching);
criterion_main!(benches);
