//! What the keys of a plan become in the engine.

use escalator_engine::condition::{Condition, Field, Scalar, Test};
use escalator_engine::moment::Pause;
use escalator_engine::plan::{
    Address, InFlight, LevelKind, MarkAt, MatrixField, Nature, OnReopen, Plan, Recipient,
    RecipientField, TimeframeKind, Unless, Within,
};
use escalator_engine::status::{CategorySet, StatusCategory};
use escalator_engine::time::Duration;

use super::*;

/// One file with every part of the language.
pub(super) const EXAMPLE: &str = include_str!("example.yaml");

fn plan(body: &str) -> Plan {
    let text = format!(
        "version: 1\ntargets: {{ noc: {{ kind: team, channels: [chat, email] }} }}\n\
         plans:\n  - name: p\n{body}"
    );
    let checked = checked(&text);
    assert_eq!(
        checked.count(Severity::Error),
        0,
        "{}",
        checked.report(false)
    );
    let set = checked.into_set().unwrap();
    (*set.revision().plans[0]).clone()
}

fn hours(hours: i64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[test]
fn the_whole_language_is_known_and_only_the_missing_file_is_refused() {
    let checked = checked(EXAMPLE);
    let found: Vec<_> = checked
        .problems
        .iter()
        .map(|p| (p.code.id(), p.position(&checked.sources).1))
        .collect();
    let expected = [("E0608", 9)];
    assert_eq!(found, expected, "{}", checked.report(false));
}

#[test]
fn what_a_plan_leaves_out_has_its_default() {
    let plan = plan(
        "    timeframes: { resolution: { within: 4h }, again: { kind: update, within: 1h } }\n    \
         path: [{}, { notify: [requester, { to: noc, channel: phone }, noc] }]\n    \
         triggers: [{ name: t, when: { tags: a }, level: 2 }]\n",
    );
    assert_eq!(plan.matching, Condition::default());
    assert_eq!(plan.in_flight, InFlight::Adopt);
    assert_eq!(plan.stale_after, Some(hours(24)));
    assert_eq!(
        (plan.acknowledgement_lasts, plan.notify_skipped),
        (None, false)
    );
    let names: Vec<_> = plan.timeframes.iter().map(|t| &*t.name).collect();
    assert_eq!(names, ["again", "resolution"], "in order of name");
    for timeframe in &plan.timeframes {
        assert_eq!(timeframe.pause, Pause::In(timeframe.kind.default_pause()));
        assert_eq!(timeframe.on_reopen, OnReopen::Resume);
    }
    assert_eq!(plan.timeframes[0].kind, TimeframeKind::Update);
    let [first, second] = plan.path.as_slice() else {
        panic!("two levels");
    };
    assert_eq!(
        (&*first.name, first.kind),
        ("level 1", LevelKind::Functional)
    );
    assert_eq!(
        (first.unless, first.is_empty()),
        (Unless::Acknowledged, true)
    );
    let noc = Recipient::Target {
        name: "noc".into(),
        kind: "team".into(),
    };
    let address = |to: &Recipient, channels: &[&str], names_channel| Address {
        to: to.clone(),
        channels: channels.iter().map(|c| (*c).into()).collect(),
        names_channel,
        template: None,
    };
    assert_eq!(
        second.notify,
        [
            address(
                &Recipient::Field(RecipientField::Requester),
                &["email"],
                false
            ),
            address(&noc, &["phone"], true),
            address(&noc, &["chat", "email"], false),
        ]
    );
    let trigger = &plan.triggers[0];
    assert_eq!((trigger.hold, trigger.nature), (None, Nature::Problem));
}

#[test]
fn what_a_plan_says_is_what_the_engine_gets() {
    let plan = plan(
        "    in_flight: keep\n    stale_after: none\n    notify_skipped: true\n    \
         acknowledgement_lasts: 4h\n    \
         timeframes:\n      first_response:\n        \
         within: { by: labels.impact, 1: 2h, default: 4h }\n        \
         pause: [on_hold, waiting_vendor]\n        on_reopen: restart\n        \
         marks: [{ at: 12.5%, warn: [noc] }, { at: +2h, level: 2 }, { at: \"-1h\", level: 1 }]\n    \
         path:\n      - { name: one, kind: external, assign: { queue: l2 }, unless: resolved,\n          \
         repeat: { every: 15m, times: 2 }, next_after: 1h30m, pause: [on_hold] }\n      - {}\n",
    );
    assert_eq!((plan.in_flight, plan.stale_after), (InFlight::Keep, None));
    assert_eq!(
        (plan.notify_skipped, plan.acknowledgement_lasts),
        (true, Some(hours(4).into()))
    );
    let clock = &plan.timeframes[0];
    assert_eq!(
        clock.within,
        Within::By {
            field: MatrixField::Label("impact".into()),
            values: [("1".into(), hours(2).into())].into(),
            default: Some(hours(4).into()),
        }
    );
    let pause: CategorySet = [StatusCategory::OnHold, StatusCategory::WaitingVendor]
        .into_iter()
        .collect();
    assert_eq!(
        (&clock.pause, clock.on_reopen),
        (&Pause::In(pause), OnReopen::Restart)
    );
    let marks: Vec<_> = clock
        .marks
        .iter()
        .map(|m| (&*m.text, m.at, m.level))
        .collect();
    assert_eq!(
        marks,
        [
            ("12.5%", MarkAt::Share(125_000), None),
            ("+2h", MarkAt::Offset(hours(2)), Some(2)),
            ("-1h", MarkAt::Offset(Duration::from_secs(-3600)), Some(1)),
        ]
    );
    let level = &plan.path[0];
    assert_eq!((&*level.name, level.kind), ("one", LevelKind::External));
    assert_eq!(level.unless, Unless::Resolved);
    assert_eq!(level.next_after, Some(Duration::from_secs(5400).into()));
    assert_eq!(
        level.repeat.map(|r| (r.every, r.times)),
        Some((Duration::from_secs(900).into(), 2))
    );
    let assign = level.assign.as_ref().unwrap();
    assert_eq!(
        (assign.queue.as_deref(), assign.assignee.as_deref()),
        (Some("l2"), None)
    );
}

fn matching(condition: &str) -> Condition {
    plan(&format!("    match: {condition}\n")).matching
}

fn scalars(words: &[&str]) -> Vec<Scalar> {
    words.iter().map(|word| Scalar::new(word)).collect()
}

fn any(words: &[&str]) -> Test {
    Test::Any(scalars(words))
}

fn on(name: &str, tests: Vec<Test>) -> Condition {
    Condition::Field(Field::named(name).unwrap(), tests)
}

fn not(inner: Condition) -> Condition {
    Condition::Not(Box::new(inner))
}

#[test]
fn values_become_tests_on_fields() {
    for (text, field, words) in [
        ("{ tier: gold }", "tier", vec!["gold"]),
        ("{ labels.impact: 2 }", "labels.impact", vec!["2"]),
        ("{ labels.ready: true }", "labels.ready", vec!["true"]),
        ("{ labels.build: 1.50 }", "labels.build", vec!["1.50"]),
        ("{ labels.hex: \"0x10\" }", "labels.hex", vec!["0x10"]),
        ("{ queue: [a, no] }", "queue", vec!["a", "no"]),
        ("{ status_category: new }", "status_category", vec!["new"]),
    ] {
        assert_eq!(matching(text), on(field, vec![any(&words)]), "{text}");
    }
}

#[test]
fn operators_become_tests_on_fields() {
    let (two, three) = (Scalar::new("2"), Scalar::new("3"));
    let range = || vec![Test::AtLeast(two.clone()), Test::AtMost(three.clone())];
    let cases = [
        (
            "{ vendor: { exists: false } }",
            "vendor",
            vec![Test::Exists(false)],
        ),
        (
            "{ priority: { at_least: high } }",
            "priority",
            vec![Test::AtLeast(Scalar::new("high"))],
        ),
        (
            "{ subject: { contains: VPN } }",
            "subject",
            vec![Test::Contains("VPN".into())],
        ),
        (
            "{ severity: { at_most: 3, at_least: 2 } }",
            "severity",
            range(),
        ),
        (
            "{ tags: { none: [spam], all: [a, b] } }",
            "tags",
            vec![
                Test::All(scalars(&["a", "b"])),
                Test::None(scalars(&["spam"])),
            ],
        ),
        (
            "{ queue: { not: [a, b] } }",
            "queue",
            vec![Test::Not(Box::new(any(&["a", "b"])))],
        ),
    ];
    for (text, field, tests) in cases {
        assert_eq!(matching(text), on(field, tests), "{text}");
    }
    assert_eq!(
        matching("{ severity: { not: { at_least: 2, at_most: 3 } } }"),
        Condition::All(vec![not(on("severity", range()))])
    );
}

#[test]
fn conditions_combine() {
    let gold = || on("tier", vec![any(&["gold"])]);
    let cases = [
        ("{}", Condition::All(vec![])),
        (
            "{ tier: gold, category: network }",
            Condition::All(vec![on("category", vec![any(&["network"])]), gold()]),
        ),
        (
            "{ any_of: [{ tier: gold }, { not: { queue: a } }] }",
            Condition::Any(vec![gold(), not(on("queue", vec![any(&["a"])]))]),
        ),
        ("{ all_of: [{ tier: gold }] }", Condition::All(vec![gold()])),
    ];
    for (text, expected) in cases {
        assert_eq!(matching(text), expected, "{text}");
    }
}

#[test]
fn all_problems_of_a_file_are_found_at_once() {
    let text = "
plans:
  - name: p
    tirggers: []
    in_flight: maybe
    path: [{ notify: [nobody] }]
    timeframes: { resolution: { within: soon, marks: [{ at: 50%, level: 7 }] } }
";
    let checked = checked(text);
    assert_eq!(
        codes(&checked),
        ["E0104", "E0204", "E0301", "E0203", "E0303"]
    );
}

#[test]
fn a_template_comes_with_the_entries_that_name_it() {
    let text = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
templates: { t: { subject: \"{{ ticket.id }}\", body: \"{{ reason }}\" } }
plans:
  - name: p
    path: [{ notify: [{ to: noc, template: t }, requester, { to: queue, template: level }] }]
";
    let checked = checked(text);
    assert_eq!(checked.report(false), "");
    let set = checked.into_set().unwrap();
    let revision = set.revision();
    let notify = &revision.plans[0].path[0].notify;
    let named: Vec<_> = notify.iter().map(|it| it.template.as_deref()).collect();
    assert_eq!(
        named,
        [Some("t"), None, None],
        "`level` is the built-in text"
    );
    assert_eq!(&**revision.templates["t"].name(), "t");
}

#[test]
fn templates_are_declared_once_and_completely() {
    let text = "
templates:
  t: { subject: a, body: b }
  u: { subject: a }
  v: { subject: [a], body: b, bdy: c }
  '': { subject: a, body: b }
";
    let problems = |checked: &Checked| {
        let problems = checked.problems.iter();
        let problems = problems.map(|it| (it.code.id(), it.position(&checked.sources).1));
        problems.collect::<Vec<_>>()
    };
    let found = problems(&checked(text));
    let expected = [("E0105", 4), ("E0106", 5), ("E0104", 5), ("E0202", 6)];
    assert_eq!(found, expected);
    let text = "templates: { t: { subject: a, body: b } }";
    let twice = ["a.yaml", "b.yaml"].map(|path| Source::new(path, text));
    assert_eq!(codes(&check(Sources::new(twice.into()))), ["E0201"]);
}
