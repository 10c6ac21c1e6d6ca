//! What counts as a contradiction, and what does not.

use escalator_engine::condition::{Scalar, Subject};
use escalator_engine::status::StatusCategory;
use escalator_engine::ticket::Ticket;
use proptest::prelude::*;

use super::*;
use crate::plan_file::{Sources, check};

/// The field about which a condition, as plan files write it, contradicts itself.
fn contradiction(condition: &str) -> Option<String> {
    let file = format!("plans: [{{ name: p, match: {condition} }}]");
    let checked = check(Sources::from_text("plan.yaml", &file));
    let report = checked.report(false);
    let set = checked.into_set().expect(&report);
    let revision = set.revision();
    let wanted = [(&revision.plans[0].matching, true)];
    let found = Search::new(&revision.priorities).contradiction(&wanted);
    found.map(|found| found.field.unwrap_or_default())
}

#[test]
fn conditions_that_some_ticket_fulfils_are_no_contradiction() {
    for condition in [
        "{}",
        "{ tier: gold }",
        "{ tier: [gold, silver], category: { not: [a, b] } }",
        "{ tier: { exists: false } }",
        "{ tier: { any: [gold, silver], none: [gold] } }",
        "{ subject: { contains: net, not: { contains: work } } }",
        "{ subject: { contains: network, none: [network] } }",
        "{ tags: { any: [a, b], none: [a] } }",
        "{ tags: { all: [a, b], contains: c } }",
        "{ tags: { any: [a, b], not: { all: [a, b] } } }",
        "{ tags: { contains: a, none: [a] } }",
        "{ priority: { at_least: normal, at_most: normal } }",
        "{ priority: { at_least: high, not: critical } }",
        "{ severity: { at_least: 2, not: { at_least: 3 } } }",
        "{ severity: { not: { at_most: 1e300 } } }",
        "{ satisfaction: { at_most: 0.3, not: 0.3 } }",
        "{ reopen_count: { at_least: 2, not: 2 } }",
        "{ labels.size: { at_least: 10, at_most: 20, none: [15] } }",
        "{ labels.size: { at_least: 10, contains: x } }",
        "{ any_of: [ { tier: gold, not: { tier: gold } }, { tier: silver } ] }",
        "{ not: { any_of: [ { tier: gold }, { category: a } ] } }",
        "{ not: { all_of: [ { tier: gold }, \"ticket.priority == 'low'\" ] } }",
        "{ status_category: { none: [new, open] } }",
    ] {
        assert_eq!(contradiction(condition), None, "{condition}");
    }
}

#[test]
fn contradictions_name_their_field() {
    for (condition, field) in [
        ("{ tier: { any: [gold], none: [gold, silver] } }", "tier"),
        ("{ tier: { any: gold, exists: false } }", "tier"),
        ("{ all_of: [ { tier: gold }, { tier: silver } ] }", "tier"),
        ("{ tier: gold, not: { tier: { exists: true } } }", "tier"),
        (
            "{ subject: { contains: network, not: { contains: net } } }",
            "subject",
        ),
        ("{ tags: { any: [a, b], none: [a, b, c] } }", "tags"),
        ("{ tags: { all: [a, b], none: [b] } }", "tags"),
        (
            "{ tags: { contains: outage, not: { contains: out } } }",
            "tags",
        ),
        ("{ tags: { any: a, exists: false } }", "tags"),
        (
            "{ priority: { at_least: high, at_most: normal } }",
            "priority",
        ),
        (
            "{ priority: { at_least: critical, none: [critical] } }",
            "priority",
        ),
        ("{ severity: { at_least: 3, at_most: 2 } }", "severity"),
        ("{ reopen_count: { not: { at_least: 0 } } }", "reopen_count"),
        (
            "{ reopen_count: { at_least: 1, not: { at_least: 2 }, none: [1] } }",
            "reopen_count",
        ),
        ("{ escalation_level: 1.5 }", "escalation_level"),
        (
            "{ labels.size: { at_least: 10, at_most: 5 } }",
            "labels.size",
        ),
        (
            "{ status_category: { none: [new, open, waiting_customer, waiting_vendor, on_hold, resolved, closed] } }",
            "status_category",
        ),
        (
            "{ tier: gold, any_of: [ { tier: silver }, { tier: bronze, priority: low } ] }",
            "tier",
        ),
        (
            "{ all_of: [ { any_of: [ { tier: gold }, { category: a } ] }, { tier: x, category: b } ] }",
            "",
        ),
    ] {
        assert_eq!(
            contradiction(condition).as_deref(),
            Some(field),
            "{condition}"
        );
    }
}

#[test]
fn what_would_take_too_long_counts_as_possible() {
    let choice = |number: usize| {
        format!("{{ any_of: [ {{ labels.l{number}: a }}, {{ labels.l{number}: b }} ] }}")
    };
    let mut choices: Vec<_> = (0..40).map(choice).collect();
    let hidden = "{ any_of: [ { all_of: [ { tier: a }, { tier: b } ] }, { not: {} } ] }";
    // In the middle, where it is found last.
    choices.insert(20, hidden.to_owned());
    let condition = format!("{{ all_of: [ {} ] }}", choices.join(", "));
    assert_eq!(contradiction(&condition), None);
}

/// Values that are also names of priorities and categories, numbers, and parts of each other.
const WORDS: [&str; 8] = ["a", "ab", "b", "2", "2.5", "high", "critical", "open"];

fn words() -> impl Strategy<Value = Vec<Scalar>> {
    let word = prop::sample::select(&WORDS[..]).prop_map(Scalar::new);
    prop::collection::vec(word, 1..4)
}

fn test() -> impl Strategy<Value = Test> {
    let bound = || prop::sample::select(&["1", "2", "2.5", "3", "high"][..]).prop_map(Scalar::new);
    let test = prop_oneof![
        words().prop_map(Test::Any),
        words().prop_map(Test::All),
        words().prop_map(Test::None),
        bound().prop_map(Test::AtLeast),
        bound().prop_map(Test::AtMost),
        prop::sample::select(&WORDS[..]).prop_map(|part| Test::Contains(part.into())),
        any::<bool>().prop_map(Test::Exists),
    ];
    prop_oneof![
        test.clone(),
        test.prop_map(|test| Test::Not(Box::new(test)))
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    const NAMES: [&str; 7] = [
        "tier",
        "priority",
        "tags",
        "labels.x",
        "severity",
        "reopen_count",
        "status_category",
    ];
    let field = prop::sample::select(&NAMES[..]);
    let field = field.prop_map(|name| Field::named(name).expect("a field"));
    let leaf = (field, prop::collection::vec(test(), 1..4))
        .prop_map(|(field, tests)| Condition::Field(field, tests));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several.clone().prop_map(Condition::All),
            several.prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn ticket() -> impl Strategy<Value = (Ticket, StatusCategory, u32)> {
    let word = || prop::option::of(prop::sample::select(&WORDS[..]).prop_map(Text::from));
    let tags = prop::collection::vec(prop::sample::select(&WORDS[..]).prop_map(Text::from), 0..4);
    let severity = prop::option::of(prop::sample::select(&[0.0, 1.0, 2.0, 2.25, 2.5, 9.0][..]));
    let category = prop::sample::select(&StatusCategory::ALL[..]);
    (word(), word(), word(), tags, severity, category, 0_u32..5).prop_map(
        |(tier, priority, label, tags, severity, category, count)| {
            let labels = label.map(|value| ("x".into(), value)).into_iter().collect();
            let ticket = Ticket {
                tier,
                priority,
                tags,
                severity,
                labels,
                ..Ticket::default()
            };
            (ticket, category, count)
        },
    )
}

proptest! {
    #[test]
    fn what_some_ticket_fulfils_is_never_called_a_contradiction(
        one in condition(),
        other in condition(),
        (ticket, category, count) in ticket(),
    ) {
        let priorities = ["low", "normal", "high", "critical"].map(Text::from);
        let subject = Subject {
            ticket: &ticket,
            category,
            reopen_count: count,
            reassignment_count: count,
            customer_reply_count: count,
            escalation_level: count,
            priorities: &priorities,
        };
        let wanted = [(&one, one.holds(&subject)), (&other, other.holds(&subject))];
        prop_assert_eq!(Search::new(&priorities).contradiction(&wanted), None);
    }
}
