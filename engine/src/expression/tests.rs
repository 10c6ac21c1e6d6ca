use cel::context::VariableResolver;

use super::*;

/// A ticket with tags, labels and some fields; severity and satisfaction are empty.
fn ticket() -> Ticket {
    let mut ticket = Ticket::default();
    ticket.merge(&[
        Change::Text(TextField::Priority, Some("high".into())),
        Change::Text(TextField::Subject, Some("VPN down in Köln".into())),
        Change::Tags(vec!["legal".into(), "vip".into()]),
        Change::Label("site".into(), Some("koeln".into())),
    ]);
    ticket
}

fn subject(ticket: &Ticket) -> Subject<'_> {
    Subject {
        ticket,
        category: StatusCategory::OnHold,
        reopen_count: 2,
        reassignment_count: 0,
        customer_reply_count: 5,
        escalation_level: 1,
        priorities: &[],
    }
}

fn holds(source: &str) -> bool {
    let expression = Expression::new(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.holds(&subject(&ticket()))
}

#[test]
fn fields_counters_tags_and_labels_are_at_hand() {
    for source in [
        "ticket.reopen_count >= 2 && ticket.priority != 'low'",
        "ticket.customer_reply_count - ticket.reopen_count == 3",
        "ticket.status_category == 'on_hold'",
        "ticket.escalation_level < 2",
        "'legal' in ticket.tags",
        "ticket.tags.exists(tag, tag.startsWith('leg'))",
        "size(ticket.tags) == 2 && ticket.tags[1] == 'vip'",
        "ticket.labels.site == 'koeln'",
        "ticket.labels['site'] == 'koeln'",
        "'site' in ticket.labels",
        "ticket['priority'] == 'high'",
        "ticket.subject.contains('VPN')",
        "ticket.subject.matches('(?i)vpn.*köln$')",
        "ticket.priority in ['high', 'critical'] ? true : false",
        "ticket.tags.map(tag, size(tag)) == [5, 3]",
    ] {
        assert!(holds(source), "{source}");
    }
}

#[test]
fn empty_fields_are_null_and_asked_for_by_has() {
    for source in [
        "ticket.category == null",
        "ticket.category != 'network'",
        "has(ticket.priority) && !has(ticket.category)",
        "has(ticket.tags) && has(ticket.labels)",
        "has(ticket.labels.site) && !has(ticket.labels.floor)",
        "!has(ticket.satisfaction)",
    ] {
        assert!(holds(source), "{source}");
    }
}

#[test]
fn what_cannot_be_evaluated_does_not_hold() {
    for source in [
        "ticket.satisfaction < 0.3",
        "!(ticket.satisfaction < 0.3)",
        "ticket.labels.floor == '3'",
        "ticket.labels.floor != '3'",
        "ticket.tags[7] == 'x'",
        "1 / ticket.reassignment_count > 0",
    ] {
        assert!(!holds(source), "{source}");
    }
    // As CEL has it, an answer that is known without the part that fails is an answer.
    assert!(holds(
        "ticket.satisfaction < 0.3 || ticket.reopen_count > 0"
    ));
    let expression = Expression::new("ticket.satisfaction < 0.3").unwrap();
    let because = expression.explain(&subject(&ticket()));
    assert!(
        because.starts_with("`ticket.satisfaction < 0.3` cannot be evaluated: "),
        "{because}"
    );
}

#[test]
fn numbers_compare_whatever_their_kind() {
    let mut low = ticket();
    low.merge(&[Change::Number(NumberField::Satisfaction, Some(0.25))]);
    for source in ["ticket.satisfaction <= 0.3", "ticket.satisfaction < 1"] {
        let expression = Expression::new(source).unwrap();
        assert!(expression.holds(&subject(&low)), "{source}");
    }
}

#[test]
fn what_is_no_condition_is_refused() {
    use ExpressionError as E;
    let refused = |source: &str| Expression::new(source).unwrap_err();
    let name = |name: &str| name.to_owned();
    assert_eq!(
        refused("ticket.prioritty == 'x'"),
        E::UnknownField {
            name: name("prioritty")
        }
    );
    assert_eq!(
        refused("has(ticket.prio)"),
        E::UnknownField { name: name("prio") }
    );
    assert_eq!(
        refused("ticket['prio'] == 'x'"),
        E::UnknownField { name: name("prio") }
    );
    assert_eq!(
        refused("tiket.priority == 'x'"),
        E::UnknownVariable {
            name: name("tiket")
        }
    );
    assert_eq!(
        refused("now() > 3"),
        E::UnknownFunction { name: name("now") }
    );
    assert_eq!(refused("ticket == ticket"), E::WholeTicket);
    assert_eq!(
        refused("ticket.tags.exists(a, ticket.tags.exists(b, a == b))"),
        E::NestedMacros
    );
    assert_eq!(refused("ticket.labels.map(l, l)[0] == 'a'"), E::NoOrder);
    assert_eq!(
        refused("ticket.subject.matches(ticket.queue)"),
        E::OpenPattern
    );
    assert_eq!(
        refused("ticket.tags.exists(t, t.matches('a'))"),
        E::OpenPattern
    );
    assert!(matches!(
        refused("ticket.subject.matches('((a{99}){99}){99}')"),
        E::BadPattern { .. }
    ));
    assert!(matches!(
        refused("ticket.subject.matches('(')"),
        E::BadPattern { .. }
    ));
    assert!(matches!(refused("ticket.priority"), E::NotTruth { .. }));
    assert!(matches!(refused("1 + 1"), E::NotTruth { .. }));
    let E::Syntax { column, .. } = refused("ticket.priority == ") else {
        panic!("it can be parsed");
    };
    assert!(column > 15, "{column}");
    let long = vec!["ticket.reopen_count > 0"; 200].join(" || ");
    assert!(matches!(
        refused(&long),
        E::TooLong { .. } | E::TooManyParts { .. }
    ));
    let deep = format!("{}true{}", "(".repeat(900), ")".repeat(900));
    assert!(matches!(refused(&deep), E::Syntax { .. }));
}

#[test]
fn a_large_expression_within_the_bound_is_taken() {
    let parts = vec!["ticket.reopen_count > 0"; 80].join(" && ");
    assert!(holds(&parts));
}

#[test]
fn tags_and_labels_are_made_into_values_once_however_often_they_are_mentioned() {
    let ticket = ticket();
    let variable = TicketVariable::new(subject(&ticket));
    for name in ["ticket.tags", "ticket.labels"] {
        let [one, other] = [(); 2].map(|()| variable.resolve(name).unwrap());
        assert!(
            !one.is_owned() && std::ptr::addr_eq(&raw const *one, &raw const *other),
            "{name}"
        );
    }
}

#[test]
fn a_macro_over_all_tags_may_mention_all_labels_in_each_of_its_parts() {
    let mut ticket = Ticket::default();
    let name = |n| Text::from(format!("name-{n}").as_str());
    ticket.merge(&[Change::Tags((0..200).map(name).collect())]);
    for n in 200..400 {
        ticket.merge(&[Change::Label(name(n), Some("value".into()))]);
    }
    let parts = vec!["t in ticket.labels"; 80].join("||");
    let expression = Expression::new(&format!("ticket.tags.exists(t, {parts})")).unwrap();
    // Sixteen thousand times two hundred values each time, if each mention made them.
    for _ in 0..20 {
        assert!(!expression.holds(&subject(&ticket)));
    }
}
