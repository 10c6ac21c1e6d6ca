//! What becomes of the values in a record.

use super::*;

#[test]
fn values_are_looked_up_in_tables() {
    let table = "path: p, values: { 1: critical, 2: high, 5: null }";
    for (value, others, expected) in [
        (
            format!("{{ {table} }}"),
            json!({"p": 1}),
            json!({"priority": "critical"}),
        ),
        (
            format!("{{ {table} }}"),
            json!({"p": "2"}),
            json!({"priority": "high"}),
        ),
        (
            format!("{{ {table} }}"),
            json!({"p": 9}),
            json!({"priority": "9"}),
        ),
        (
            format!("{{ {table} }}"),
            json!({"p": 5}),
            json!({"priority": null}),
        ),
        (
            format!("{{ {table}, default: low }}"),
            json!({"p": 9}),
            json!({"priority": "low"}),
        ),
        (
            format!("{{ {table}, default: low }}"),
            json!({"p": null}),
            json!({"priority": null}),
        ),
        (format!("{{ {table}, default: low }}"), json!({}), json!({})),
    ] {
        let lines = format!("{{ priority: {value} }}");
        assert_eq!(
            changes(&lines, others.clone()),
            expected,
            "{value} {others}"
        );
    }
    let lines = "{ satisfaction: { path: r, values: { good: 1, bad: 0, offered: null } } }";
    assert_eq!(
        changes(lines, json!({"r": "bad"})),
        json!({"satisfaction": 0})
    );
    assert_eq!(
        changes(lines, json!({"r": "offered"})),
        json!({"satisfaction": null})
    );
}

#[test]
fn the_first_choice_that_gives_something_counts() {
    let gone = "[ { when: { gone: true }, value: closed }, { path: s, prefix: s- } ]";
    for (value, others, expected) in [
        ("{ value: acme }", json!({}), json!({"status": "acme"})),
        ("{ value: \"\" }", json!({}), json!({"status": null})),
        (
            "[a, b]",
            json!({"a": null, "b": "x"}),
            json!({"status": "x"}),
        ),
        ("[a, b]", json!({"a": null}), json!({"status": null})),
        ("[a, b]", json!({}), json!({})),
        (
            gone,
            json!({"s": 1, "gone": true}),
            json!({"status": "closed"}),
        ),
        (
            gone,
            json!({"s": 1, "gone": false}),
            json!({"status": "s-1"}),
        ),
        (gone, json!({"gone": false}), json!({})),
    ] {
        let lines = format!("{{ status: {value} }}");
        assert_eq!(
            changes(&lines, others.clone()),
            expected,
            "{value} {others}"
        );
    }
}

#[test]
fn tags_are_all_that_a_path_leads_to() {
    let list = json!({"l": [{"n": "x"}, {"n": 2}], "text": "a, b,,c", "none": null, "empty": []});
    for (value, expected) in [
        ("\"l[].n\"", json!({"tags": ["x", "2"]})),
        (
            "{ path: \"l[].n\", values: { x: null }, prefix: t- }",
            json!({"tags": ["t-2"]}),
        ),
        (
            "{ path: text, split: \",\" }",
            json!({"tags": ["a", "b", "c"]}),
        ),
        ("text", json!({"tags": ["a, b,,c"]})),
        ("none", json!({"tags": []})),
        ("empty", json!({"tags": []})),
        ("\"empty[].n\"", json!({"tags": []})),
        ("nowhere", json!({})),
    ] {
        let lines = format!("{{ tags: {value} }}");
        assert_eq!(changes(&lines, list.clone()), expected, "{value}");
    }
}

#[test]
fn instants_have_forms() {
    let nine = "2026-11-23T09:00:00Z";
    for (form, written, expected) in [
        ("rfc3339", json!("2026-11-23T10:00:00.000+0100"), nine),
        (
            "rfc3339",
            json!("2026-11-23T09:00:00.5Z"),
            "2026-11-23T09:00:00.5Z",
        ),
        ("millis", json!(1_795_424_400_000_i64), nine),
        ("millis", json!(1.7954244e12), nine),
        ("millis", json!("1795424400000"), nine),
        ("seconds", json!(1_795_424_400), nine),
        (
            "\"%Y-%m-%d %H:%M:%S %Q\"",
            json!("2026-11-23 10:00:00 Europe/Berlin"),
            nine,
        ),
        (
            "seconds",
            json!(1_795_424_400.25),
            "2026-11-23T09:00:00.25Z",
        ),
        ("\"%Y-%m-%d %H:%M:%S\"", json!("2026-11-23 09:00:00"), nine),
        (
            "\"%d.%m.%Y %H:%M\", time_zone: Europe/Berlin",
            json!("23.11.2026 10:00"),
            nine,
        ),
        (
            "\"%Y-%m-%d %H:%M:%S %z\", time_zone: Europe/Berlin",
            json!("2026-11-23 11:00:00 +0200"),
            nine,
        ),
    ] {
        let lines =
            format!("    activities: [ {{ kind: snooze, until: {{ path: u, form: {form} }} }} ]");
        let mapped = event(&lines, json!({"u": written}));
        assert_eq!(
            mapped.value["activities"][0]["until"], expected,
            "{form} {written}"
        );
    }
}

#[test]
fn a_version_is_in_the_unit_of_its_form() {
    let version = |form: &str, written: Json| {
        let lines = format!("    version: {{ path: s, form: {form} }}");
        event(&lines, json!({"s": written})).value["version"].clone()
    };
    assert_eq!(version("rfc3339", json!(17)), json!(17));
    for written in [json!(1_795_424_400), json!("1795424400.0")] {
        assert_eq!(version("seconds", written), json!(1_795_424_400_000_i64));
    }
}
