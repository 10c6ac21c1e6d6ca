//! Mappings as their files say them, and what becomes of records.

mod values;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::plan_file::{Sources, check_mappings, render};

/// A mapping with these further lines.
fn mappings(lines: &str) -> Mappings {
    let text = format!(
        "
version: 1
mappings:
  - name: desk
    match: {{ kind: {{ contains: ticket }} }}
    ticket_id: {{ path: t.id, prefix: desk- }}
    occurred_at: at
{lines}"
    );
    let checked = check_mappings(Sources::from_text("desk.yaml", &text));
    let report = render::texts(&checked.problems, &checked.sources, false);
    checked.mappings.expect(&report)
}

/// A record with these further fields.
fn record(others: Json) -> Json {
    let mut record =
        json!({"kind": "ticket.changed", "at": "2026-11-23T09:00:00Z", "t": {"id": 7}});
    let Json::Object(others) = others else {
        panic!("an object");
    };
    for (name, value) in others {
        record[name] = value;
    }
    record
}

fn applied(mappings: &Mappings, record: &Json) -> Result<Outcome, String> {
    let mapping = mappings.of(record).expect("it is for the record");
    mapping
        .apply(false, record)
        .map_err(|error| error.to_string())
}

fn event(lines: &str, others: Json) -> Mapped {
    match applied(&mappings(lines), &record(others)) {
        Ok(Outcome::Event(mapped)) => mapped,
        other => panic!("an event, not {other:?}"),
    }
}

/// The changes of a ticket by such lines below `ticket:`.
fn changes(lines: &str, others: Json) -> Json {
    event(&format!("    ticket: {lines}"), others).value["changes"].clone()
}

fn wrong(lines: &str, others: Json) -> String {
    applied(&mappings(lines), &record(others)).unwrap_err()
}

#[test]
fn the_first_mapping_whose_match_holds_takes_a_record() {
    let lines =
        "  - { name: other, match: { all: { exists: true } }, ticket_id: id, occurred_at: at }";
    let mappings = mappings(lines);
    let name = |record: Json| mappings.of(&record).map(|mapping| mapping.name.clone());
    assert_eq!(name(json!({"kind": "ticket"})).as_deref(), Some("desk"));
    assert_eq!(
        name(json!({"kind": "a ticket", "all": 1})).as_deref(),
        Some("desk")
    );
    assert_eq!(
        name(json!({"kind": "call", "all": 1})).as_deref(),
        Some("other")
    );
    assert_eq!(name(json!({"kind": "call", "all": null})), None);
}

#[test]
fn an_update_has_the_fields_that_the_record_mentions() {
    let lines = "
    event_id: delivery
    version: t.changed
    ticket:
      status: t.state
      queue: t.group.name
      assignee: t.owner.name
      requester: t.asker
      severity: t.weight
      tags: t.tags
      labels: { site: t.site, floor: t.floor }
";
    let mapped = event(
        lines,
        json!({"delivery": 12, "t": {
            "id": 7, "changed": "2026-11-23T09:00:00.007Z", "state": true, "owner": null, "asker": "",
            "weight": "2.5", "tags": ["a", 1], "site": "north",
        }}),
    );
    assert!(!mapped.is_created);
    assert_eq!(mapped.own_id.as_deref(), Some("7"));
    assert_eq!(
        mapped.value,
        json!({
            "ticket_id": "desk-7", "source": "desk", "occurred_at": "2026-11-23T09:00:00Z",
            "event_id": "12", "version": 1_795_424_400_007_i64,
            "changes": {
                "status": "true", "assignee": null, "requester": null, "severity": 2.5,
                "tags": ["a", "1"], "labels": {"site": "north"},
            },
        })
    );
}

#[test]
fn a_created_event_is_a_snapshot_of_what_is_not_empty() {
    let lines = "
    created: { kind: ticket.new }
    source: help
    ticket: { status: t.state, assignee: t.owner, tags: t.tags, labels: { site: t.site } }
    activities: [ { kind: agent_reply } ]
";
    let mapped = event(
        lines,
        json!({"kind": "ticket.new", "t": {"id": 7, "state": "new", "owner": null, "site": null, "tags": []}}),
    );
    assert!(mapped.is_created);
    assert_eq!(
        mapped.value,
        json!({
            "ticket_id": "desk-7", "source": "help", "occurred_at": "2026-11-23T09:00:00Z",
            "ticket": {"status": "new", "tags": []},
        })
    );
    assert!(!event(lines, json!({})).is_created);
}

#[test]
fn the_topic_says_what_a_record_is_where_the_mapping_does_not() {
    let mappings = mappings("");
    let record = record(json!({}));
    for in_created in [false, true] {
        let mapping = mappings.of(&record).unwrap();
        let Ok(Outcome::Event(mapped)) = mapping.apply(in_created, &record) else {
            panic!("an event");
        };
        assert_eq!(mapped.is_created, in_created);
    }
}

#[test]
fn a_record_may_say_nothing() {
    let lines = "    ignore: { any_of: [ { kind: ticket.seen }, { t.test: true } ] }";
    let mappings = mappings(lines);
    for (others, is_ignored) in [
        (json!({"kind": "ticket.seen"}), true),
        (json!({"t": {"test": true}}), true),
        (json!({"t": {"id": 7, "test": false}}), false),
    ] {
        let outcome = applied(&mappings, &record(others)).unwrap();
        assert_eq!(outcome == Outcome::Ignored, is_ignored);
    }
}

#[test]
fn paths_lead_through_objects_and_lists() {
    let others = json!({
        "lists": [{"v": ["a", "b"]}, {"v": []}, {"w": 1}],
        "list": [{"id": 1, "v": "one"}, {"id": "2", "v": "two"}, {"id": 3, "v": null}],
        "empty": [], "none": null,
    });
    for (path, expected) in [
        ("list[0].v", json!({"queue": "one"})),
        ("list[id=2].v", json!({"queue": "two"})),
        ("list[].v", json!({"queue": "one"})),
        ("list[id=3].v", json!({"queue": null})),
        ("list[id=4].v", json!({})),
        ("list[].w", json!({})),
        ("lists[].v", json!({"queue": "a"})),
        ("lists[1].v", json!({"queue": null})),
        ("list[9].v", json!({})),
        ("empty", json!({"queue": null})),
        ("empty[].v", json!({"queue": null})),
        ("none.a.b", json!({"queue": null})),
        ("list.v", json!({})),
        ("kind.more", json!({})),
        ("nowhere.else", json!({})),
    ] {
        let lines = format!("{{ queue: \"{path}\" }}");
        assert_eq!(changes(&lines, others.clone()), expected, "{path}");
    }
}

#[test]
fn conditions_ask_what_a_path_leads_to() {
    let others = json!({"n": 3, "b": false, "list": ["x", "y"], "none": null, "empty": [],
        "nothing": "", "numbers": [{"n": 1}, {"n": "3"}]});
    for (condition, holds) in [
        ("{ n: 3, b: false }", true),
        ("{ n: 3, b: true }", false),
        ("{ n: [1, 3] }", true),
        ("{ n: { any: [1, 2] } }", false),
        ("{ n: { not: 3 } }", false),
        ("{ n: { not: { any: [1, 2] } } }", true),
        ("{ list: y }", true),
        ("{ list: { not: y } }", false),
        ("{ list: { contains: z } }", false),
        ("{ kind: { contains: chang } }", true),
        ("{ none: { exists: true } }", false),
        ("{ empty: { exists: false } }", true),
        ("{ nowhere: { exists: false } }", true),
        ("{ nowhere: { not: 3 } }", true),
        ("{ nowhere: 3 }", false),
        ("{ nothing: { exists: true } }", false),
        ("{ n: { same_as: \"numbers[].n\" } }", true),
        ("{ n: { same_as: b } }", false),
        ("{ n: { same_as: nowhere } }", false),
        ("{ n: { not: { same_as: b } } }", true),
        ("{ not: { n: 3 } }", false),
        ("{ any_of: [ { n: 1 }, { b: false } ] }", true),
        ("{ all_of: [ { n: 3 }, { b: true } ] }", false),
    ] {
        let lines = format!("    ignore: {condition}");
        let outcome = applied(&mappings(&lines), &record(others.clone())).unwrap();
        assert_eq!(outcome == Outcome::Ignored, holds, "{condition}");
    }
}

#[test]
fn activities_are_done_where_their_conditions_hold() {
    let lines = "
    activities:
      - { when: { by.staff: true }, kind: agent_reply, actor: by.name }
      - { when: { by.staff: false }, kind: customer_reply }
      - { when: { to: { exists: true } }, kind: escalate, level: to, note: why }
";
    let done = |others| event(lines, others).value.get("activities").cloned();
    assert_eq!(
        done(json!({"by": {"staff": true, "name": "ann"}, "to": "2", "why": null})),
        Some(json!([{"kind": "agent_reply", "actor": "ann"}, {"kind": "escalate", "level": 2}]))
    );
    assert_eq!(
        done(json!({"by": {"staff": false}})),
        Some(json!([{"kind": "customer_reply"}]))
    );
    assert_eq!(done(json!({})), None);
}

#[test]
fn what_does_not_fit_is_named_and_never_shown() {
    for (lines, others, expected) in [
        (
            "",
            json!({"at": "secret"}),
            "field `occurred_at` must be an instant",
        ),
        (
            "    ticket: { severity: s }",
            json!({"s": "secret"}),
            "field `severity` must be a number; `s` is another text",
        ),
        (
            "    ticket: { severity: s }",
            json!({"s": "NaN"}),
            "field `severity` must be a number",
        ),
        (
            "    ticket: { queue: [q, s] }",
            json!({"s": {"secret": 1}}),
            "field `queue` must be a single value; `q` or `s` is an object",
        ),
        (
            "    ticket: { tags: s }",
            json!({"s": [["secret"]]}),
            "field `tags` must be a list of single values; `s` is a list",
        ),
        (
            "    event_id: s",
            json!({"s": 1.234_567_890_123_456_8e22}),
            "field `event_id` must be a single value; `s` is a number",
        ),
        (
            "    version: s",
            json!({"s": "secret"}),
            "field `version` must be a whole number or an instant",
        ),
    ] {
        let error = wrong(lines, others);
        assert!(error.starts_with("mapping `desk`: "), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

/// Any JSON, mostly of the names that the mapping below asks for.
fn anything() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[a-z0-9:+TZ.-]{0,30}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let name = prop::sample::select(vec!["kind", "t", "id", "at", "l", "n", "x"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|entries| {
                let entries = entries.into_iter();
                entries
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_record_holds_becomes_an_event_or_an_error(record in anything(), in_created: bool) {
        let lines = "
    version: { path: n, form: seconds }
    created: { l: { exists: true } }
    ticket:
      status: [ { when: { x: { same_as: n } }, path: x.n }, \"l[].n\", \"l[n=x].t\" ]
      severity: n
      tags: { path: l, split: x }
      labels: { x: { path: \"l[1]\", values: { x: null }, default: y } }
    activities: [ { kind: snooze, until: { path: at, form: \"%Y-%m-%dT%H:%M\" }, level: n, actor: t } ]
";
        let mappings = mappings(lines);
        let mapping = &mappings.0[0];
        if let Ok(Outcome::Event(mapped)) = mapping.apply(in_created, &record) {
            prop_assert_eq!(mapped.value["source"].as_str(), Some("desk"));
            // The same record is the same event.
            let again = mapping.apply(in_created, &record);
            prop_assert_eq!(again, Ok(Outcome::Event(mapped)));
        }
    }
}
