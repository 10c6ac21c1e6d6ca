//! The JSON Schema of plan files, which editors use, against the language as `validate` reads it.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use escalator::plan_file::{Code, Sources, check};
use serde_json::Value;

/// A word that is close to none, so that the remedy lists what is possible instead of guessing.
const NONSENSE: &str = "qqqqqqqqqqqqqqqq";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema() -> Value {
    let text = fs::read_to_string(root().join("schemas/plan.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A plan file with one part of the language in it.
fn file(part: &str) -> String {
    format!("{{ version: 1, {part} }}")
}

fn plan(part: &str) -> String {
    file(&format!("plans: [ {{ name: p, {part} }} ]"))
}

fn timeframe(part: &str) -> String {
    plan(&format!("timeframes: {{ vendor: {{ {part} }} }}"))
}

fn level(part: &str) -> String {
    plan(&format!("path: [ {{ {part} }} ]"))
}

/// The words that the remedy of a problem lists.
fn listed(text: &str, code: Code) -> BTreeSet<String> {
    let checked = check(Sources::from_text("plan.yaml", text));
    let problem = checked
        .problems
        .iter()
        .find(|problem| problem.code == code && problem.message.contains(NONSENSE))
        .unwrap_or_else(|| panic!("{text}\n{}", checked.report(false)));
    let words = problem.remedy.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn the_schema_knows_the_keys_of_every_part_and_no_others() {
    let defs = "/$defs";
    let key = format!("{NONSENSE}: 1");
    let parts = [
        (String::new(), file(&key)),
        (
            format!("{defs}/calendar"),
            file(&format!("calendars: {{ c: {{ {key} }} }}")),
        ),
        (
            format!("{defs}/target"),
            file(&format!("targets: {{ t: {{ {key} }} }}")),
        ),
        (
            format!("{defs}/target/properties/at_most"),
            file(&format!("targets: {{ t: {{ at_most: {{ {key} }} }} }}")),
        ),
        (
            format!("{defs}/template"),
            file(&format!("templates: {{ t: {{ {key} }} }}")),
        ),
        (format!("{defs}/plan"), plan(&key)),
        (
            format!("{defs}/plan/properties/communication"),
            plan(&format!("communication: {{ {key} }}")),
        ),
        (
            format!("{defs}/plan/properties/resolution"),
            plan(&format!("resolution: {{ {key} }}")),
        ),
        (
            format!("{defs}/plan/properties/resolution/properties/post_mortem"),
            plan(&format!("resolution: {{ post_mortem: {{ {key} }} }}")),
        ),
        (format!("{defs}/timeframe"), timeframe(&key)),
        (
            format!("{defs}/mark"),
            timeframe(&format!("marks: [ {{ {key} }} ]")),
        ),
        (
            format!("{defs}/trigger"),
            plan(&format!("triggers: [ {{ {key} }} ]")),
        ),
        (format!("{defs}/level"), level(&key)),
        (
            format!("{defs}/level/properties/assign"),
            level(&format!("assign: {{ {key} }}")),
        ),
        (
            format!("{defs}/level/properties/repeat"),
            level(&format!("repeat: {{ {key} }}")),
        ),
        (
            format!("{defs}/address/anyOf/1"),
            level(&format!("notify: [ {{ {key} }} ]")),
        ),
    ];
    let schema = schema();
    for (pointer, text) in parts {
        let part = schema.pointer(&pointer).unwrap();
        assert_eq!(part["additionalProperties"], false, "{pointer}");
        let keys = part["properties"].as_object().unwrap().keys().cloned();
        assert_eq!(
            keys.collect::<BTreeSet<_>>(),
            listed(&text, Code::UnknownKey),
            "{pointer}"
        );
    }
}

#[test]
fn the_schema_knows_the_words_of_every_choice_and_no_others() {
    let word = NONSENSE;
    let choices = [
        (
            "category",
            level(&format!("pause: [{word}]")),
            Code::UnknownCategory,
        ),
        (
            "calendar/properties/at_close",
            file(&format!("calendars: {{ c: {{ at_close: {word} }} }}")),
            Code::UnknownWord,
        ),
        (
            "plan/properties/in_flight",
            plan(&format!("in_flight: {word}")),
            Code::UnknownWord,
        ),
        (
            "timeframe/properties/kind",
            timeframe(&format!("kind: {word}")),
            Code::UnknownWord,
        ),
        (
            "timeframe/properties/on_reopen",
            timeframe(&format!("on_reopen: {word}")),
            Code::UnknownWord,
        ),
        (
            "trigger/properties/nature",
            plan(&format!("triggers: [ {{ nature: {word} }} ]")),
            Code::UnknownWord,
        ),
        (
            "level/properties/kind",
            level(&format!("kind: {word}")),
            Code::UnknownWord,
        ),
        (
            "level/properties/unless",
            level(&format!("unless: {word}")),
            Code::UnknownWord,
        ),
    ];
    let schema = schema();
    for (pointer, text, code) in choices {
        let choice = &schema.pointer(&format!("/$defs/{pointer}")).unwrap()["enum"];
        let words = choice.as_array().unwrap().iter();
        let words = words.map(|word| word.as_str().unwrap().to_owned());
        assert_eq!(
            words.collect::<BTreeSet<_>>(),
            listed(&text, code),
            "{pointer}"
        );
    }
}

/// What the schema says against a file.
fn complaints(text: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(text).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect()
}

fn shipped() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("plans")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|path| escalator::plan_file::is_plan_file(path))
        .collect()
}

#[test]
fn shipped_plans_and_the_example_of_the_whole_language_follow_the_schema() {
    let example = root().join("src/plan_file/tests/example.yaml");
    let files = shipped();
    assert!(!files.is_empty());
    for path in files.iter().chain([&example]) {
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(complaints(&text), [""; 0], "{}", path.display());
    }
}

#[test]
fn shipped_plans_tell_editors_where_the_schema_is() {
    let line = "# yaml-language-server: $schema=../schemas/plan.schema.json";
    for path in shipped() {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next(), Some(line), "{}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_it_can_see_is_wrong() {
    for part in [
        "plan: []",
        "plans: [ { name: p, timeframes: { vendor: { within: soon } } } ]",
        "plans: [ { name: p, timeframes: { vendor: { within: 8h, marks: [ { at: late } ] } } } ]",
        "plans: [ { name: p, triggers: [ { name: t, when: { tags: { some: x } }, level: 1 } ] } ]",
        "targets: { noc: { kind: team, channels: [] } }",
    ] {
        assert!(!complaints(&file(part)).is_empty(), "{part}");
    }
}

/// Every key of a map with fixed keys, wherever it stands in the schema.
fn keys(part: &Value, found: &mut BTreeSet<String>) {
    if let Some(properties) = part["properties"].as_object() {
        found.extend(properties.keys().cloned());
    }
    match part {
        Value::Object(parts) => parts.values().for_each(|part| keys(part, found)),
        Value::Array(parts) => parts.iter().for_each(|part| keys(part, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_documentation_has_every_key() {
    let pages = ["docs/plan-language.md", "docs/calendars.md"];
    let pages = pages.map(|page| fs::read_to_string(root().join(page)).unwrap());
    let pages = pages.concat();
    let mut found = BTreeSet::new();
    keys(&schema(), &mut found);
    assert!(found.len() > 60, "{found:?}");
    let missing: Vec<_> = found
        .iter()
        .filter(|key| {
            let parts = [format!("`{key}`"), format!("{key}:"), format!("`{key}:")];
            !parts.iter().any(|part| pages.contains(part))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
