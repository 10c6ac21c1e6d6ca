//! Nesting, aliases, lists and errors without end.

use std::fmt::Write as _;

use super::*;

#[test]
fn nesting_ends_where_no_plan_goes() {
    let too_deep = |place| {
        let message = "error[E0102]: maps and lists are nested more than 48 deep";
        refusal(message, place, "help: write the plans with less nesting")
    };
    let blocks: String = (0..1400).map(|depth| " ".repeat(depth) + "a:\n").collect();
    for (name, text, place) in [
        (
            "brackets",
            format!("plans: {}\n", "[".repeat(500_000)),
            "plan.yaml:1:263",
        ),
        (
            "braces",
            format!("plans: {}\n", "{a: ".repeat(200_000)),
            "plan.yaml:1:196",
        ),
        ("blocks", blocks, "plan.yaml:49:49"),
        ("dashes", "- ".repeat(400_000) + "a\n", "plan.yaml:1:97"),
    ] {
        assert_text_refused(name, &text, &too_deep(place));
    }
    let parentheses = plan(&format!(
        "match: \"{}true{}\"",
        "(".repeat(1500),
        ")".repeat(1500)
    ));
    let refusal = refusal(
        "error[E0505]: not CEL, at column 97: it is nested too deep",
        "plan.yaml:1:",
        "help: write a map of fields",
    );
    assert_text_refused("parentheses in CEL", &parentheses, &refusal);
}

#[test]
fn aliases_stand_for_no_more_than_they_could_be_written_out_for() {
    let remedy = "help: write the plans with less nesting and fewer aliases";
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for pair in ["a", "b", "c", "d", "e", "f", "g", "h", "i"].windows(2) {
        let aliases = listed(10, |_| format!("*{}", pair[0]));
        writeln!(laughs, "{}: &{} [{aliases}]", pair[1], pair[1]).unwrap();
    }
    let text = "x".repeat(900_000);
    let map = listed(20_000, |number| format!("k{number}: v"));
    let aliases = listed(999, |_| "*a".to_owned());
    for (name, text, message, place) in [
        (
            "a billion laughs",
            laughs,
            "aliases stand for more",
            "plan.yaml:5:",
        ),
        (
            "a long text many times",
            format!("a: &a \"{text}\"\nb: [{aliases}]\n"),
            "more in it than plans may need",
            "plan.yaml:2:",
        ),
        (
            "a long key many times",
            format!(
                "a: &a \"{text}\"\nb: [{}]\n",
                listed(999, |_| "{*a : 1}".to_owned())
            ),
            "more in it than plans may need",
            "plan.yaml:2:",
        ),
        (
            "a large map many times",
            format!("a: &a {{{map}}}\nb: [{aliases}]\n"),
            "aliases stand for more",
            "plan.yaml:2:",
        ),
        (
            "anchors without end",
            format!(
                "plans: [{}]\n",
                listed(50_000, |number| format!("&a{number} x"))
            ),
            "the file has more than 1000 anchors",
            "plan.yaml:1:",
        ),
    ] {
        assert_text_refused(name, &text, &refusal(message, place, remedy));
    }
    let itself = refusal(
        "error[E0101]: an alias stands in what it stands for",
        "plan.yaml:1:8",
        "help: write out what it should stand for",
    );
    assert_text_refused("an alias of itself", "a: &a [*a]\n", &itself);
}

#[test]
fn lists_and_maps_have_an_end() {
    let too_many = |message, place| refusal(message, place, "help: keep them to");
    let name = |number: usize| format!("{{ name: p{number} }}");
    for (case, text, message, place) in [
        (
            "plans",
            format!("plans: [{}]\n", listed(20_000, name)),
            "error[E0206]: 20000 plans are too many",
            "plan.yaml:1:8",
        ),
        (
            "values",
            plan(&format!(
                "match: {{ tier: [{}] }}",
                listed(90_000, |n| format!("v{n}"))
            )),
            "error[E0206]: 90000 values are too many",
            "plan.yaml:1:",
        ),
        (
            "hours of one day",
            format!(
                "calendars: {{ c: {{ time_zone: UTC, hours: {{ mon: [{}] }} }} }}\n",
                listed(60_000, |_| "\"08:00-12:00\"".to_owned())
            ),
            "error[E0206]: 60000 opening hours of a day are too many",
            "plan.yaml:1:",
        ),
        (
            "marks",
            plan(&format!(
                "timeframes: {{ update: {{ within: 1h, marks: [{}] }} }}",
                listed(15_000, |n| format!(
                    "{{ at: {}.{:03}%, level: 1 }}",
                    n / 1000,
                    n % 1000 + 1
                ))
            )),
            "error[E0206]: 15000 marks are too many",
            "plan.yaml:1:",
        ),
        (
            "priorities",
            format!("priorities: [{}]\n", listed(80_000, |n| format!("p{n}"))),
            "error[E0206]: 80000 priorities are too many",
            "plan.yaml:1:13",
        ),
        (
            "status words",
            format!(
                "statuses: {{ open: [{}] }}\n",
                listed(80_000, |n| format!("s{n}"))
            ),
            "error[E0206]: 80000 status words are too many",
            "plan.yaml:1:",
        ),
        (
            "templates",
            format!(
                "templates: {{ {} }}\n",
                listed(5000, |n| format!("t{n}: {{ subject: a, body: b }}"))
            ),
            "error[E0206]: 5000 templates are too many",
            "plan.yaml:1:12",
        ),
    ] {
        assert_text_refused(case, &text, &too_many(message, place));
    }
}

#[test]
fn a_file_has_so_many_values_at_most() {
    let nodes = refusal(
        "error[E0102]: the file has more than 100,000 values",
        "plan.yaml:1:",
        "help: write the plans with less nesting",
    );
    let text = format!("plans: [{}]\n", listed(200_000, |_| "a".to_owned()));
    assert_text_refused("values of a file", &text, &nodes);
}

#[test]
fn errors_without_end_are_told_once_in_a_while() {
    let misspelt = format!(
        "targets: {{ {} }}\nplans: [{{ name: p, path: [{}] }}]\n",
        listed(5000, |n| format!(
            "target-number-{n}: {{ kind: a, channels: [b] }}"
        )),
        listed(90, |level| {
            format!(
                "{{ notify: [{}] }}",
                listed(90, |n| format!("target-nmber-{level}-{n}"))
            )
        }),
    );
    let unknown = refusal(
        "error[E0301]: there is no target `target-nmber-0-0`",
        "plan.yaml:2:",
        "help: d",
    );
    assert_text_refused("misspelt targets", &misspelt, &unknown);
    let zones = listed(500, |n| {
        format!("c{n}: {{ time_zone: Europe/Brlin, hours: {{ mon: [] }} }}")
    });
    let zone = refusal(
        "error[E0601]: there is no time zone `Europe/Brlin`",
        "plan.yaml:1:",
        "help: did you mean `Europe/Berlin`?",
    );
    assert_text_refused(
        "misspelt time zones",
        &format!("calendars: {{ {zones} }}\n"),
        &zone,
    );
    let keys: String = (0..40_000).map(|n| format!("key{n}: 1\n")).collect();
    let key = refusal(
        "error[E0104]: unknown key `key0` in a plan file",
        "plan.yaml:1:1",
        "help: the keys here are `version`",
    );
    assert_text_refused("unknown keys", &keys, &key);
    let name = refusal(
        "error[E0301]: there is no target `xxx",
        "plan.yaml:1:",
        "help: declare it under `targets:`",
    );
    let long = "x".repeat(900_000);
    assert_text_refused(
        "a long name",
        &plan(&format!("path: [{{ notify: [{long}] }}]")).replacen(
            "path: [{ assign: { queue: q } }], ",
            "",
            1,
        ),
        &name,
    );
    let doubled = "version: 1\n".repeat(40_000);
    let key = refusal(
        "error[E0103]: key `version` is here for the second time",
        "plan.yaml:2:1",
        "help: keep one of the two",
    );
    assert_text_refused("one key many times", &doubled, &key);
}

#[test]
fn a_merge_key_means_what_is_written_out() {
    let merged =
        plan("timeframes: { update: &long { within: 4h }, resolution: { <<: *long, within: 8h } }");
    let written = plan("timeframes: { update: { within: 4h }, resolution: { within: 8h } }");
    let hash = |text: &str| {
        let checked = check(Sources::from_text("plan.yaml", text));
        checked.into_set().unwrap().revision().id.clone()
    };
    assert_eq!(hash(&merged), hash(&written));
}
