//! Templates as people write them: what they print, what is refused and where.

use proptest::prelude::*;

use super::*;
use crate::effect::Purpose;
use crate::ticket::{Change, TextField, Ticket};

/// The body of a template for the sample ticket.
fn body(text: &str) -> String {
    let template =
        Template::new("t", "s", text).unwrap_or_else(|flaws| panic!("{text}: {flaws:?}"));
    template.render(Variables::sample()).unwrap().1
}

/// The same for a ticket of which nothing is known.
fn empty_body(text: &str) -> String {
    let template =
        Template::new("t", "s", text).unwrap_or_else(|flaws| panic!("{text}: {flaws:?}"));
    let variables = Variables {
        ticket: Default::default(),
        ..Variables::sample()
    };
    template.render(variables).unwrap().1
}

/// What is wrong with a body, each with the part of the text that is meant.
fn flaws(text: &str) -> Vec<(String, String)> {
    let flaws = match Template::new("t", "s", text) {
        Ok(_) => Vec::new(),
        Err(flaws) => flaws,
    };
    let told = flaws.into_iter().map(|flaw| {
        assert_eq!(flaw.part, Part::Body);
        let meant = text.get(flaw.range).unwrap_or("out of range").to_owned();
        (flaw.error.to_string(), meant)
    });
    told.collect()
}

#[test]
fn every_variable_prints_what_people_expect() {
    for (text, printed) in [
        ("{{ ticket.id }}", "INC0000045"),
        ("{{ ticket['id'] }}", "INC0000045"),
        ("{{ ticket.severity }} {{ ticket.satisfaction }}", "2 0.5"),
        ("{{ ticket.tags }}", "vip, vpn"),
        ("{{ ticket.tags | join(' + ') }}", "vip + vpn"),
        ("{{ ticket.tags[0] if ticket.tags else '-' }}", "vip"),
        (
            "{{ ticket.labels.site }} {{ ticket.labels['site'] }}",
            "berlin berlin",
        ),
        (
            "{{ plan }} {{ level }} {{ level_name }} {{ purpose }}",
            "gold-network 1 team lead level",
        ),
        ("{{ level + 1 }}", "2"),
        (
            "{{ reason }}",
            "first_response reached 100% of its time at 2026-11-23T10:30:00Z",
        ),
        (
            "{{ due_at }} {{ now }} {{ note }}",
            "2026-11-23T10:30:00Z 2026-11-23T10:30:00Z ",
        ),
        (
            "until {{ deadline | local('Europe/Berlin', '%H:%M') }}",
            "until 11:30",
        ),
        ("{{ ticket.subject | upper }}", "VPN IS DOWN IN BERLIN"),
        (
            "<{{ ticket.subject }}> & \"{{ ticket.requester }}\"",
            "<VPN is down in Berlin> & \"carol\"",
        ),
        ("{{ 'vip' in ticket.tags }}", "True"),
        ("a\n", "a"),
    ] {
        assert_eq!(body(text), printed, "{text}");
    }
}

#[test]
fn all_fields_are_known_and_have_a_value() {
    for field in FIELDS {
        if field != "labels" {
            assert_ne!(body(&format!("{{{{ ticket.{field} }}}}")), "", "{field}");
        }
    }
    for field in TextField::ALL {
        assert!(FIELDS.contains(&field.name()), "{}", field.name());
    }
}

#[test]
fn an_empty_field_is_none_and_prints_nothing() {
    for (text, printed) in [
        ("[{{ ticket.queue }}]", "[]"),
        ("{{ ticket.queue or 'nobody' }}", "nobody"),
        ("{{ ticket.queue | default('nobody') }}", "nobody"),
        ("{% if ticket.queue is none %}none{% endif %}", "none"),
        (
            "[{{ ticket.queue | upper | truncate(3) | replace('a', 'b') | trim | indent(2) }}]",
            "[]",
        ),
        ("[{{ ticket.queue | title | lower | capitalize }}]", "[]"),
        (
            "[{{ ticket.severity | round(1) }}{{ ticket.queue | local('UTC') }}]",
            "[]",
        ),
        (
            "{{ ticket.queue is startingwith('n') }} {{ ticket.queue | length }}",
            "False 0",
        ),
        (
            "[{{ ticket.labels.nothing }}{{ ticket.labels['a b'] or '-' }}]",
            "[-]",
        ),
        (
            "[{{ ticket.tags | first }}{{ ticket.tags | last }}{{ ticket.tags | join }}]",
            "[]",
        ),
        (
            "{% for tag in ticket.tags %}{{ tag }}{% else %}no tags{% endfor %}",
            "no tags",
        ),
    ] {
        assert_eq!(empty_body(text), printed, "{text}");
    }
}

#[test]
fn filters_do_what_their_names_say() {
    for (text, printed) in [
        (
            "{{ 'aBC d' | capitalize }} {{ 'aBC d' | title }} {{ 'aBC' | lower }}",
            "Abc d Abc D abc",
        ),
        (
            "{{ 'abcdef' | truncate(4) }} {{ 'abcd' | truncate(4) }} {{ 'ab' | truncate(0) }}",
            "abc… abcd …",
        ),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        (
            "{{ 'abab' | replace('b', '') }} {{ 'ab' | replace('', 'x') }}",
            "aa ab",
        ),
        (
            "{{ 0.125 | round(2) }} {{ 2.5 | round }} {{ 7 | round }} {{ 'x' | round }}",
            "0.13 3 7 x",
        ),
        (
            "{{ ticket.tags | first }} {{ ticket.tags | last }} {{ ticket.tags | length }}",
            "vip vpn 2",
        ),
        (
            "{{ ['b', 'a'] | sort | join(',') }} {{ '' | default('x') }}{{ '' | default('x', true) }}",
            "a,b x",
        ),
        (
            "{% for name, value in ticket.labels | items %}{{ name }}={{ value }};{% endfor %}",
            "country=de;site=berlin;",
        ),
        (
            "{% for name in ticket.labels %}{{ name }}={{ ticket.labels[name] }};{% endfor %}",
            "country=de;site=berlin;",
        ),
    ] {
        assert_eq!(body(text), printed, "{text}");
    }
}

#[test]
fn instants_are_shown_as_the_clocks_of_a_zone_show_them() {
    for (text, printed) in [
        (
            "{{ due_at | local('Europe/Berlin') }}",
            "2026-11-23 11:30 CET",
        ),
        (
            "{{ due_at | local('America/New_York', '%a %d %b, %H:%M') }}",
            "Mon 23 Nov, 05:30",
        ),
        (
            "{{ '2026-07-01T00:00:00Z' | local('Europe/Berlin') }}",
            "2026-07-01 02:00 CEST",
        ),
        ("{{ ticket.queue | local('UTC') }}", "noc"),
    ] {
        assert_eq!(body(text), printed, "{text}");
    }
}

#[test]
fn a_block_alone_on_its_line_leaves_no_blank_line() {
    let text = "a\n  {% if level > 0 %}\nb\n  {% endif %}\n{# for people #}\nc\n";
    assert_eq!(body(text), "a\nb\nc");
}

#[test]
fn what_does_not_exist_is_refused_with_its_place_on_every_branch() {
    for (text, told, meant) in [
        (
            "{{ ticket.prioritty }}",
            "unknown field `ticket.prioritty`",
            "ticket.prioritty",
        ),
        (
            "{{ ticket['prioritty'] }}",
            "unknown field `ticket.prioritty`",
            "ticket['prioritty']",
        ),
        (
            "a {% if false %}{{ prio }}{% endif %}",
            "unknown variable `prio`",
            "prio",
        ),
        ("{{ level | uper }}", "unknown filter `uper`", "uper"),
        (
            "{% filter uper %}a{% endfilter %}",
            "unknown filter `uper`",
            "uper",
        ),
        (
            "{{ 1 if level is nun else 2 }}",
            "unknown test `nun`",
            "nun",
        ),
        (
            "{{ now | local('Europe/Berlni') }}",
            "there is no time zone `Europe/Berlni`",
            "'Europe/Berlni'",
        ),
        (
            "{{ now | local('UTC', '%Q %!') }}",
            "`%Q %!` is no format of an instant",
            "'%Q %!'",
        ),
        (
            "{% for a in ticket.tags %}{{ loop.idx }}{% endfor %}",
            "unknown variable `loop.idx`",
            "loop.idx",
        ),
        (
            "{% for a in ticket.tags %}{% endfor %}{{ a }}",
            "unknown variable `a`",
            "a",
        ),
        (
            "{% if level %}{% set a = 1 %}{% endif %}{{ a }}",
            "unknown variable `a`",
            "a",
        ),
        ("{{ loop.index }}", "unknown variable `loop`", "loop"),
    ] {
        assert_eq!(flaws(text), [(told.to_owned(), meant.to_owned())], "{text}");
    }
}

#[test]
fn variables_of_its_own_are_known_where_they_are_set() {
    let text = "{% set a = level %}{% with b = a %}{{ b }}{% endwith %}\
                {% if a %}{% set c = 1 %}{% else %}{% set c = 2 %}{% endif %}{{ c }}\
                {% set d %}x{{ a }}{% endset %}{{ d }}\
                {% for x, y in [[1, 2]] if x < y %}{{ x }}{{ y }}{{ loop.last }}{% endfor %}";
    assert_eq!(body(text), "11x112True");
}

#[test]
fn what_templates_cannot_do_is_refused() {
    for (text, told) in [
        ("{{ ticket }}", "`ticket` stands alone"),
        ("{% set t = ticket %}", "`ticket` stands alone"),
        ("{{ ticket[plan] }}", "`ticket` stands alone"),
        ("{{ 'a' in ticket.labels }}", "`ticket.labels` stands alone"),
        ("{{ ticket['labels'] }}", "`ticket.labels` stands alone"),
        ("{{ plan.name }}", "`plan` has no parts"),
        ("{{ ticket.queue.name }}", "`ticket.queue` has no parts"),
        (
            "{{ plan.upper() }}",
            "`plan.upper` is called, and there is nothing to call",
        ),
        (
            "{{ range(9) }}",
            "`range` is called, and there is nothing to call",
        ),
        (
            "{{ now | local(ticket.queue) }}",
            "`local` takes a time zone, and a format if need be, that are written out",
        ),
        (
            "{% autoescape true %}{% endautoescape %}",
            "`autoescape` has no place here",
        ),
        (
            "{% for a in [1] recursive %}{% endfor %}",
            "`recursive` has no place here",
        ),
        ("{% do range(3) %}", "`do` has no place here"),
        (
            "{% set ticket = 1 %}",
            "`ticket` is given, and cannot be set",
        ),
    ] {
        let found: Vec<_> = flaws(text).into_iter().map(|(told, _)| told).collect();
        assert_eq!(found, [told], "{text}");
    }
}

#[test]
fn a_text_that_is_no_template_is_refused_with_its_place() {
    for (text, meant) in [
        ("a {{ level", "level"),
        ("a {% if level %}", "%}"),
        ("a {{ level ? 1 : 2 }}", "?"),
        ("{% include 'x' %}", "include"),
        ("{{ }}", "}}"),
    ] {
        let found = flaws(text);
        let [(told, place)] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        assert!(told.starts_with("the template is not complete"), "{told}");
        assert_eq!(place, meant, "{text}: {told}");
    }
}

#[test]
fn what_fails_for_some_ticket_is_refused_with_the_ticket_and_the_place() {
    for (text, told, meant) in [
        (
            "{{ ticket.severity * 2 }}",
            "the template fails for a ticket whose fields are all empty: invalid operation: tried to use * operator on unsupported types none and number",
            "ticket.severity * 2",
        ),
        (
            "{{ 'a' in ticket.queue }}",
            "the template fails for a ticket whose fields are all empty: invalid operation: cannot perform a containment check on this value",
            "'a' in ticket.queue",
        ),
        (
            "{% for a in ticket.tags %}{% for b in ticket.labels %}{{ a }}{{ b }}{% endfor %}{% endfor %}",
            "the template costs too much for a ticket with 200 tags and 200 labels",
            "",
        ),
    ] {
        let found = flaws(text);
        let [(error, place)] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        assert_eq!(error, told, "{text}");
        assert!(meant.is_empty() || place == meant, "{text}: {place}");
    }
}

#[test]
fn lengths_and_depths_are_bounded() {
    let long = "a".repeat(BODY_BYTES_MAX + 1);
    assert_eq!(
        flaws(&long)[0].0,
        "the text has 16385 bytes, more than 16384"
    );
    assert!(Template::new("t", &"a".repeat(SUBJECT_BYTES_MAX + 1), "b").is_err());
    let deep = "{% for a in [1] %}".repeat(60) + &"{% endfor %}".repeat(60);
    assert_eq!(flaws(&deep).len(), 1, "{:?}", flaws(&deep));
    assert!(!flaws("{{ 'x' * 100000000 }}").is_empty());
    assert!(!flaws("{{ 'xxxxxxxxxx' * 6000 | replace('x', 'yyyyyyyyyyyyyyyyyyyy') }}").is_empty());
}

#[test]
fn chains_that_are_deeper_than_the_stack_are_refused() {
    let chains = [
        format!("{{{{ 1{} }}}}", "+1".repeat(8000)),
        format!("{{{{ level{} }}}}", "|upper".repeat(2500)),
        format!("{{{{ ticket{} }}}}", ".a".repeat(8000)),
        format!("{{{{ level{} }}}}", "[0]".repeat(5000)),
        format!("{{{{ 1{} }}}}", " if 1".repeat(3000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(4000)),
        format!("{{{{ {}1 }}}}", "-".repeat(16000)),
        format!("{{{{ {}1 }}}}", "[".repeat(16000)),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(1300)),
        format!("{}{}", "{% if 1 %}".repeat(700), "{% endif %}".repeat(700)),
        "{% set a = 1 %}".repeat(1000),
    ];
    for text in chains {
        let found = flaws(&text);
        assert_eq!(found.len(), 1, "{:.40}", text);
        assert!(
            found[0].0.contains("are allowed"),
            "{:.40}: {}",
            text,
            found[0].0
        );
    }
    let long = format!(
        "{{{{ 1{} }}}}{{% if 1 %}}{}{{% endif %}}",
        "+1".repeat(99),
        "{% elif 1 %}".repeat(198)
    );
    assert_eq!(body(&long), "100");
    assert_eq!(body(&"{{ level }}".repeat(1000)).len(), 1000);
}

#[test]
fn a_template_that_fails_for_one_ticket_only_says_so() {
    let template = Template::new(
        "t",
        "s",
        "{% if ticket.labels.n %}{{ ticket.labels.n + 1 }}{% endif %}",
    );
    let template = template.unwrap();
    let mut ticket = Ticket::default();
    ticket.merge(&[Change::Label("n".into(), Some("many".into()))]);
    let variables = Variables {
        ticket: ticket.into(),
        ..Variables::sample()
    };
    let flaw = template.render(variables).unwrap_err();
    assert!(
        flaw.error.to_string().contains("for the ticket"),
        "{flaw:?}"
    );
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused_and_never_panics(text in "([{}%#|.'a-e \n]|ticket|labels|loop|for|if|end|in|set|level){0,40}") {
        let _ = Template::new("t", &text, &text);
    }

    #[test]
    fn the_same_values_give_the_same_texts(
        queue in proptest::option::of("\\PC{0,20}"),
        labels in proptest::collection::btree_map("[a-z]{1,4}", "\\PC{0,9}", 0..5),
        level in 0_u32..4,
    ) {
        let text = "{{ ticket.queue or '-' }} {% for n, v in ticket.labels | items %}{{ n }}:{{ v }} {% endfor %}\
                    {{ level }} {{ reason }} {{ now | local('Asia/Tokyo') }}";
        let mut ticket = Ticket::default();
        ticket.merge(&[Change::Text(TextField::Queue, queue.map(Into::into))]);
        for (name, value) in labels {
            ticket.merge(&[Change::Label(name.into(), Some(value.into()))]);
        }
        let variables = Variables { ticket: ticket.into(), level, purpose: Purpose::Repeat, ..Variables::sample() };
        let render = || Template::new("t", text, text).unwrap().render(variables.clone()).unwrap();
        prop_assert_eq!(render(), render());
    }
}
