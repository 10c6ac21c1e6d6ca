use super::*;

fn ticket() -> Ticket {
    Ticket {
        priority: Some("high".into()),
        category: Some("network".into()),
        satisfaction: Some(0.3),
        tags: vec!["legal".into(), "vip".into()],
        labels: [("impact".into(), "2".into())].into(),
        ..Ticket::default()
    }
}

fn subject<'a>(ticket: &'a Ticket, priorities: &'a [Text]) -> Subject<'a> {
    Subject {
        ticket,
        category: StatusCategory::Open,
        reopen_count: 2,
        reassignment_count: 0,
        customer_reply_count: 0,
        escalation_level: 1,
        priorities,
    }
}

fn any(words: &[&str]) -> Test {
    Test::Any(words.iter().map(|w| Scalar::new(w)).collect())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases is read as one")]
fn tests_hold_and_say_why() {
    let priorities: Vec<Text> = ["low", "normal", "high"].map(Text::from).to_vec();
    let ticket = ticket();
    let subject = subject(&ticket, &priorities);
    let scalar = Scalar::new;
    let cases: Vec<(&str, Test, bool, &str)> = vec![
        ("category", any(&["network"]), true, "category is network"),
        (
            "category",
            any(&["disk"]),
            false,
            "category is network, not disk",
        ),
        (
            "queue",
            any(&["a", "b"]),
            false,
            "queue is empty, none of a, b",
        ),
        (
            "queue",
            Test::Not(Box::new(any(&["a"]))),
            true,
            "queue is empty, not a",
        ),
        (
            "tags",
            any(&["legal", "gdpr"]),
            true,
            "tags has one of legal, gdpr",
        ),
        ("tags", any(&["gdpr"]), false, "tags has none of gdpr"),
        (
            "tags",
            Test::All(vec![scalar("vip"), scalar("x")]),
            false,
            "tags lacks some of vip, x",
        ),
        (
            "tags",
            Test::None(vec![scalar("x")]),
            true,
            "tags has none of x",
        ),
        (
            "satisfaction",
            Test::AtMost(scalar("0.3")),
            true,
            "satisfaction is 0.3, at most 0.3",
        ),
        (
            "severity",
            Test::AtMost(scalar("3")),
            false,
            "severity is empty, not at most 3",
        ),
        (
            "priority",
            Test::AtLeast(scalar("normal")),
            true,
            "priority is high, at least normal",
        ),
        (
            "priority",
            Test::AtMost(scalar("low")),
            false,
            "priority is high, not at most low",
        ),
        ("labels.impact", any(&["2"]), true, "labels.impact is 2"),
        (
            "labels.impact",
            Test::AtLeast(scalar("2")),
            true,
            "labels.impact is 2, at least 2",
        ),
        ("reopen_count", any(&["2"]), true, "reopen_count is 2"),
        (
            "escalation_level",
            Test::AtLeast(scalar("2")),
            false,
            "escalation_level is 1, not at least 2",
        ),
        (
            "status_category",
            any(&["open"]),
            true,
            "status_category is open",
        ),
        (
            "category",
            Test::Contains("net".into()),
            true,
            "category contains net",
        ),
        ("vendor", Test::Exists(false), true, "vendor is empty"),
    ];
    for (name, test, holds, because) in cases {
        let condition = Condition::Field(Field::named(name).unwrap(), vec![test]);
        assert_eq!(condition.holds(&subject), holds, "{condition:?}");
        assert_eq!(condition.explain(&subject), because);
    }
}

#[test]
fn only_what_a_condition_excludes_is_called_excluded() {
    let ticket = ticket();
    let subject = subject(&ticket, &[]);
    let category = |word| Condition::Field(Field::named("category").unwrap(), vec![any(&[word])]);
    let not = |condition| Condition::Not(Box::new(condition));
    for (condition, holds, because) in [
        (not(category("disk")), true, "category is network, not disk"),
        (
            not(category("network")),
            false,
            "excluded, since category is network",
        ),
        (not(not(category("network"))), true, "category is network"),
        (
            not(not(category("disk"))),
            false,
            "excluded, since category is network, not disk",
        ),
        (
            not(Condition::All(vec![
                category("network"),
                not(category("network")),
            ])),
            true,
            "category is network",
        ),
    ] {
        assert_eq!(condition.holds(&subject), holds, "{condition:?}");
        assert_eq!(condition.explain(&subject), because);
    }
}

#[test]
fn every_name_is_a_field_and_back() {
    for name in Field::names() {
        assert_eq!(Field::named(name).unwrap().name(), name);
    }
    assert_eq!(Field::named("prioritty"), None);
    assert_eq!(Field::named("labels."), None);
}
