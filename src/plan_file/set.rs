//! A whole set of files: collected, checked, merged and resolved into one revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::plan::Revision;

use super::content::{self, PlanSet};
use super::node::{self, Node, Value};
use super::plans::{Placed, Plans};
use super::problem::{Code, Place, Problem};
use super::reader::{Fields, Reader};
use super::scope::Scope;
use super::source::Sources;
use super::{Checked, calendars, goals, statuses, templates, warnings};

const KEYS: [&str; 9] = [
    "version",
    "priorities",
    "statuses",
    "calendars",
    "targets",
    "templates",
    "plans",
    "forget_after",
    "goals",
];

/// Reads and checks a set of files.
pub(super) fn check(sources: Sources) -> Checked {
    let mut reader = Reader::default();
    let mut trees = Vec::new();
    for (file, source) in sources.files().iter().enumerate() {
        match node::parse(file, source) {
            Ok(tree) => trees.push(tree),
            Err(problem) => reader.push(*problem),
        }
    }
    let is_complete = trees.len() == sources.files().len();
    let (scope, plans) = resolve(&mut reader, &sources, &trees, is_complete);
    let is_sound = reader.error_count() == 0;
    let mut problems = reader.into_problems();
    let mut lints = Reader::default();
    // What a file that cannot be read says is not known, so nothing is certain.
    if is_complete {
        warnings::collect(&mut lints, &trees, &scope, &plans);
    }
    let set = if is_sound {
        finished(&mut lints, &trees, &scope, &plans)
    } else {
        None
    };
    problems.extend(lints.into_problems());
    problems.sort_by_key(|problem| (problem.place, problem.code));
    Checked {
        sources,
        problems,
        set,
    }
}

fn resolve<'n>(
    reader: &mut Reader,
    sources: &Sources,
    trees: &'n [Node],
    is_complete: bool,
) -> (Scope, Vec<Placed<'n>>) {
    let tops: Vec<Fields<'_>> = trees.iter().map(|tree| top(reader, tree)).collect();
    let mut scope = Scope::default();
    scope.may_have_more = !is_complete;
    let errors = reader.error_count();
    for top in &tops {
        declarations(reader, &mut scope, sources, top);
    }
    alone(reader, &tops);
    scope.is_sound = reader.is_sound_since(errors);
    scope.settle();
    let mut plans = Plans::default();
    for top in &tops {
        if let Some(node) = top.get("plans") {
            plans.add(reader, &scope, node);
        }
    }
    (scope, plans.into_list())
}

fn top<'n>(reader: &mut Reader, tree: &'n Node) -> Fields<'n> {
    if matches!(tree.value, Value::Null) {
        reader.report(
            Code::WrongType,
            tree.place,
            "the file is empty",
            "begin it with `version: 1`, or remove it",
        );
        return Fields::empty(tree.place);
    }
    if tree.get("mappings").is_some() {
        reader.report(
            Code::WrongType,
            tree.place,
            "this is a mapping file, not a file of plans",
            "name it with `--mappings`, and keep it in a directory without plans; `escalator mapping \
             test` tries it",
        );
        return Fields::empty(tree.place);
    }
    let fields = reader.map(tree, "a plan file", &KEYS);
    reader.version(&fields, "plan files");
    fields
}

fn declarations(reader: &mut Reader, scope: &mut Scope, sources: &Sources, top: &Fields<'_>) {
    if let Some(node) = top.get("priorities") {
        scope.add_priorities(reader, node);
    }
    if let Some(node) = top.get("statuses") {
        statuses::collect(reader, node, &mut scope.statuses);
    }
    if let Some(node) = top.get("calendars") {
        calendars::collect(reader, scope, sources, node);
    }
    if let Some(node) = top.get("targets") {
        scope.add_targets(reader, node);
    }
    if let Some(node) = top.get("templates") {
        templates::collect(reader, scope, sources, node);
    }
    if let Some(node) = top.get("forget_after") {
        scope.forget_after = Some(reader.period(node, "`forget_after`"));
    }
    if let Some(node) = top.get("goals") {
        goals::collect(reader, node, &mut scope.goals);
    }
}

/// Keys that stand in one file of a set at most.
fn alone(reader: &mut Reader, tops: &[Fields<'_>]) {
    for key in ["forget_after", "goals"] {
        let mut first: Option<Place> = None;
        for entry in tops.iter().filter_map(|top| top.entry(key)) {
            if let Some(first) = first {
                reader.push(
                    Problem::new(
                        Code::DuplicateName,
                        entry.place,
                        &format!("another file has `{key}` already"),
                        "keep it in one file of the set",
                    )
                    .with_other(first, "the first one"),
                );
                continue;
            }
            first = Some(entry.place);
        }
    }
}

/// The set, when its content fits where it has to go.
fn finished(
    reader: &mut Reader,
    trees: &[Node],
    scope: &Scope,
    plans: &[Placed<'_>],
) -> Option<PlanSet> {
    let content = content::of(trees, scope);
    if content.len() > content::BYTES_MAX {
        reader.report(
            Code::OverBudget,
            Place::new(0, 0, 0),
            &format!("the set has {} bytes without its comments", content.len()),
            "a whole set has to fit into one Kafka record: keep it to 900,000 bytes",
        );
        return None;
    }
    let statuses: BTreeMap<_, _> = scope
        .statuses
        .iter()
        .map(|(word, (category, _))| (word.clone(), *category))
        .collect();
    let revision = Revision::new(
        content::hash(&content).into(),
        scope.priorities().to_vec(),
        statuses,
        scope.targets(),
        scope.templates(),
        plans.iter().map(|placed| placed.plan.clone()).collect(),
    )
    .with_forget_after(scope.forget_after);
    let files = plans.iter().map(|placed| placed.place.file).collect();
    let goals = scope.goals.iter();
    let goals = goals.map(|(name, (goal, _))| (name.clone(), *goal));
    Some(PlanSet::new(
        Arc::new(revision),
        content,
        files,
        scope.calendars(),
        goals.collect(),
    ))
}
