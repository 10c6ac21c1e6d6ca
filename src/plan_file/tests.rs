//! Plan files as a whole: every problem's report, the shipped plans, and the hash of a set.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::stored::assert_stored;
use crate::yaml::many_aliases;

mod calendars;
mod holidays;
mod language;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn checked(text: &str) -> Checked {
    check(Sources::from_text("plan.yaml", text))
}

fn codes(checked: &Checked) -> Vec<&'static str> {
    checked.problems.iter().map(|p| p.code.id()).collect()
}

#[test]
fn every_code_has_its_report() {
    let directory = root().join("src/plan_file/tests/problems");
    let mut seen = BTreeSet::new();
    let mut cases: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    cases.sort();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let (problems, is_good, report) = if is_test_file(&case) {
            // As a person names it, so that no path of a machine is in the stored text.
            let case = case.strip_prefix(root()).unwrap();
            let checked = crate::plan_test::Loader::default().load(case).unwrap();
            let checked = checked.checked;
            let report = render::texts(&checked.problems, &checked.sources, false);
            (checked.problems, checked.file.is_some(), report)
        } else if name.ends_with(".mapping.yaml") {
            let text = fs::read_to_string(&case).unwrap();
            let checked = check_mappings(Sources::from_text(&name, &text));
            let report = render::texts(&checked.problems, &checked.sources, false);
            (checked.problems, checked.mappings.is_some(), report)
        } else {
            let text = fs::read_to_string(&case).unwrap();
            let checked = check(Sources::from_text(&name, &text));
            let report = checked.report(false);
            (checked.problems, checked.set.is_some(), report)
        };
        let found: BTreeSet<_> = problems.iter().map(|it| it.code.id()).collect();
        let meant = &name[..5];
        assert_eq!(found, BTreeSet::from([meant]), "{name} shows one code");
        assert_eq!(is_good, meant.starts_with('W'), "{name}");
        seen.insert(meant.to_owned());
        assert_stored(&case.with_extension("txt"), &report);
    }
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.id().to_owned()).collect();
    assert_eq!(seen, all, "every code has a case");
}

#[test]
fn the_documentation_lists_every_code() {
    let documented = fs::read_to_string(root().join("docs/plan-errors.md")).unwrap();
    let rows: Vec<_> = documented
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<_> = Code::ALL
        .iter()
        .map(|code| format!("| `{}` | {} |", code.id(), code.summary()))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn shipped_plans_are_good() {
    let checked = check(Sources::read(&root().join("plans")).unwrap());
    assert_eq!(checked.report(false), "");
    let set = checked.into_set().unwrap();
    assert!(
        set.revision()
            .plans
            .iter()
            .all(|plan| !plan.path.is_empty())
    );
}

const BASE: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat, email] } }
plans:
  - name: gold
    match: { tier: [gold, platinum], category: network }
    timeframes:
      resolution: { within: 4h, marks: [ { at: 80%, warn: [noc] }, { at: 100%, level: 1 } ] }
    path:
      - { notify: [noc], next_after: 30m }
";

fn id(text: &str) -> String {
    let checked = checked(text);
    assert_eq!(
        checked.count(Severity::Error),
        0,
        "{}",
        checked.report(false)
    );
    checked.into_set().unwrap().revision().id.to_string()
}

#[test]
fn the_hash_does_not_see_form() {
    let other_form = r#"# A comment.
plans:
- path: [ { "next_after": "30m", notify: [ noc ] } ]
  timeframes:
    resolution:
      marks:
        - at: "80%"   # Another comment.
          warn: &them [noc]
        - { level: "1", at: 100% }
      within: 4h
  match:
    category: network
    tier:
      - gold
      - 'platinum'
  name: gold
targets:
  noc:
    channels: [chat, email]
    kind: team
"#;
    assert_eq!(id(BASE), id(other_form));
}

#[test]
fn the_hash_sees_meaning() {
    let edits = [
        ("4h", "5h"),
        ("[gold, platinum]", "[gold]"),
        ("80%", "81%"),
        ("name: gold", "name: golden"),
        ("[chat, email]", "[email, chat]"),
        ("next_after: 30m", "next_after: 30m, unless: resolved"),
        ("version: 1", "priorities: [low, high]"),
        ("version: 1", "statuses: { open: [\"In arbeit\"] }"),
    ];
    let mut ids: BTreeSet<_> = [id(BASE)].into();
    for (from, to) in edits {
        assert!(ids.insert(id(&BASE.replace(from, to))), "{to}");
    }
}

/// [`BASE`] with a template for its level.
fn with_template(template: &str) -> String {
    BASE.replace(
        "version: 1",
        &format!("version: 1\ntemplates: {{ t: {template} }}"),
    )
    .replace("notify: [noc]", "notify: [{ to: noc, template: t }]")
}

#[test]
fn the_hash_sees_templates() {
    let ids: BTreeSet<_> = [
        "{ subject: a, body: b }",
        "{ subject: b, body: a }",
        "{ subject: a, body: \"b {{ level }}\" }",
    ]
    .map(|template| id(&with_template(template)))
    .into();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_content_reads_as_the_same_revision() {
    let shipped = fs::read_to_string(root().join("plans/itil.yaml")).unwrap();
    // Texts that look like numbers and truth values are texts all the same.
    let templated = with_template("{ subject: 1.50, body: \"true\\n  {{ level }}\\n\" }");
    for text in [BASE, &shipped, &templated] {
        let set = checked(text).into_set().unwrap();
        let again = PlanSet::from_content(set.content()).unwrap();
        assert_eq!(again.revision(), set.revision());
        assert_eq!(*again.revision().id, *hash(set.content()));
        assert!(PlanSet::from_content(&set.content().replace("name", "nmae")).is_err());
    }
}

#[test]
fn files_of_a_set_see_each_other_and_name_both_places() {
    let source = Source::new;
    let parts = vec![
        source(
            "a.yaml",
            "targets: { noc: { kind: team, channels: [chat] } }\nstatuses: { open: [a] }",
        ),
        source(
            "b.yaml",
            "plans: [{ name: one, match: { tier: gold }, path: [{ notify: [noc] }] }]",
        ),
        source(
            "c.yaml",
            "plans: [{ name: two, match: { tier: free } }]\nstatuses: { open: [b] }",
        ),
    ];
    let good = check(Sources::new(parts.clone()));
    assert_eq!(good.report(false), "");
    let set = good.into_set().unwrap();
    let names: Vec<_> = set.revision().plans.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(set.files(), [1, 2]);
    assert_eq!(set.revision().statuses.len(), 2);

    let mut twice = parts;
    twice.push(source("d.yaml", "version: 1\nplans: [{ name: one }]"));
    let bad = check(Sources::new(twice));
    assert_eq!(codes(&bad), ["E0201"]);
    let report = bad.report(false);
    assert!(report.contains("d.yaml:2:17"), "{report}");
    assert!(report.contains("b.yaml:1:17"), "{report}");
    assert!(render::json(&bad.problems[0], &bad.sources)["other"]["file"] == "b.yaml");
}

#[test]
fn warnings_stand_beside_errors_where_they_are_certain() {
    let text = "\
version: 1
targets: { noc: { kind: team, channels: [chat] }, idle: { kind: team, channels: [chat] } }
plans:
  - name: one
    match: { tier: gold }
    timeframes:
      resolution: { within: 4h, marks: [{ at: 50%, level: 1 }, { at: 100%, level: 1 }] }
    path: [{ notify: [noc] }]
";
    assert_eq!(codes(&checked(text)), ["W0304", "W0401"]);
    let misspelt = checked(&text.replace("version: 1", "version: 1\nplan: []"));
    assert_eq!(codes(&misspelt), ["E0104", "W0304", "W0401"]);
    // Whom a plan with an error tells is not known, and what it says may not be meant.
    let bad_plan = checked(&text.replace("name: one", "nmae: one"));
    assert_eq!(codes(&bad_plan), ["E0105", "E0104"]);
    let another = checked(&format!("{text}  - {{ name: two, pats: [] }}\n"));
    assert_eq!(codes(&another), ["W0401", "E0104"]);
    let bad_declaration = checked(&text.replace("kind: team", "kind: [team]"));
    assert_eq!(codes(&bad_declaration), ["E0106"; 2]);
}

#[test]
fn a_file_that_is_not_yaml_hides_nothing_of_the_others() {
    let parts = vec![
        Source::new(
            "a.yaml",
            "foo: 1\nplans: [{ name: one, calendar: office, match: { priority: p9 }, path: \
             [{ notify: [{ to: noc, template: t }] }] }]",
        ),
        Source::new("b.yaml", "targets: [\n"),
        Source::new("c.yaml", "plans: [{ name: one, baz: 1 }]"),
    ];
    let checked = check(Sources::new(parts));
    // What the broken file may declare is not unknown, and what it may use is not unused.
    assert_eq!(codes(&checked), ["E0104", "E0101", "E0201", "E0104"]);
    assert!(checked.set.is_none());
}

#[test]
fn a_directory_is_read_in_order_of_names_without_tests_and_hidden_files() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("b.yml", "plans: [{ name: second, match: { tier: gold } }]");
    write(
        "a.json",
        r#"{"version": 1, "plans": [{"name": "first", "match": {"tier": "x"}}]}"#,
    );
    write("a.test.yaml", "tests: []");
    write(".hidden.yaml", "nonsense: 1");
    write("readme.md", "not a plan");
    let set = load(directory.path()).unwrap();
    let names: Vec<_> = set.revision().plans.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["first", "second"]);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(load(empty.path()), Err(Error::NoPlanFiles { .. })));
    assert!(matches!(
        load(&empty.path().join("none")),
        Err(Error::Read { .. })
    ));
}

#[test]
fn files_that_are_too_large_or_not_utf_8_are_problems() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plan.yaml");
    fs::write(&path, b"version: 1\nplans: [{ name: caf\xe9 }]\n").unwrap();
    let checked = check(Sources::read(&path).unwrap());
    assert_eq!(codes(&checked), ["E0101"]);
    assert_eq!(checked.problems[0].position(&checked.sources).1, 2);
    fs::write(&path, "#".repeat(2 * 1024 * 1024)).unwrap();
    assert_eq!(codes(&check(Sources::read(&path).unwrap())), ["E0102"]);
}

#[test]
fn aliases_cannot_blow_up_a_small_file() {
    assert_eq!(codes(&checked(&many_aliases())), ["E0102"]);
}

proptest! {
    #[test]
    fn garbage_is_refused_and_never_panics(text in "\\PC{0,200}") {
        let checked = checked(&text);
        prop_assert_eq!(checked.set.is_none(), checked.count(Severity::Error) > 0);
        let _ = checked.report(true);
    }

    /// Good files with pieces cut out, doubled and exchanged reach far deeper than noise does.
    #[test]
    fn mutilated_plans_never_panic(
        cuts in prop::collection::vec((0_usize..4000, 0_usize..40, "[a-z0-9%:{}\\[\\]&*\"'|>~ \n-]{0,8}"), 1..6),
    ) {
        let mut text: Vec<char> = language::EXAMPLE.chars().collect();
        for (at, len, put) in cuts {
            let at = at % text.len();
            let end = (at + len).min(text.len());
            text.splice(at..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        let checked = checked(&text);
        prop_assert_eq!(checked.set.is_none(), checked.count(Severity::Error) > 0);
        for problem in &checked.problems {
            let (_, line, column) = problem.position(&checked.sources);
            prop_assert!(line >= 1 && column >= 1);
            let _ = render::json(problem, &checked.sources);
            let _ = render::github(problem, &checked.sources);
        }
        let _ = checked.report(false);
    }
}
