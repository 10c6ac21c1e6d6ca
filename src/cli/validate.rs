//! `validate`: all errors and warnings of plan files at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use escalator_engine::plan::Plan;
use serde_json::{Value, json};

use super::failure::Trouble;
use super::{Verdict, print};
use crate::offline::counted;
use crate::plan_file::{
    self, Checked, Code, PlanSet, Problem, Severity, Sources, is_test_file, render,
};
use crate::plan_test::{Loader, in_directory};

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator validate plans
  escalator validate plans/*.yaml --deny-warnings --output github";

/// The command `validate`.
#[derive(Args)]
pub(super) struct Validate {
    /// Files or directories of plans: files are taken together as one set, each directory is a set.
    /// Plan tests among them are checked, but not run.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Exits with 1 on warnings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

/// The form of the problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: each problem with its line and a remedy.
    #[default]
    Text,
    /// For programs: one JSON object.
    Json,
    /// For code review on GitHub: one workflow command a problem.
    Github,
}

impl Validate {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let (sets, tests) = sets(&self.paths)?;
        let mut checked = Vec::new();
        for set in sets {
            let sources = Sources::read_all(&set).with_context(trouble)?;
            checked.push(plan_file::check(sources));
        }
        let tests = check_tests(&tests, &checked)?;
        let problems = || {
            let plans = checked.iter().map(|it| (&it.problems, &it.sources));
            plans.chain(tests.iter().map(|(problems, sources)| (problems, sources)))
        };
        let count = |severity| {
            let problems = problems().flat_map(|(problems, _)| problems);
            problems.filter(|it| it.code.severity() == severity).count()
        };
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let is_good = errors == 0 && !(self.deny_warnings && warnings > 0);
        let problems = problems().flat_map(|(problems, sources)| {
            let problems = problems.iter();
            problems.map(move |problem| (problem, sources))
        });
        match self.output {
            Format::Text => print::text(&text(problems, &checked, errors, warnings))?,
            Format::Json => print::json(&json(problems, &checked, is_good))?,
            Format::Github => print::text(&github(problems))?,
        }
        Ok(Verdict::of(is_good))
    }
}

fn trouble() -> Trouble {
    Trouble {
        doing: "cannot read the plans".to_owned(),
        remedy: "name a plan file, or a directory of plan files, that exists and may be read",
    }
}

/// Sets of plan files, and test files.
type SetsAndTests = (Vec<Vec<PathBuf>>, Vec<PathBuf>);

/// The paths as sets: what a shell expands `plans/*.yaml` to belongs together, while two
/// directories are two versions more often than two halves. Plan tests among files, and beside the
/// plans of a directory, are no part of a set.
fn sets(paths: &[PathBuf]) -> anyhow::Result<SetsAndTests> {
    let (directories, files): (Vec<_>, Vec<_>) =
        paths.iter().cloned().partition(|path| path.is_dir());
    let files = distinct(files);
    let (mut tests, mut files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| is_test_file(path));
    let has_plans = files.iter().any(|path| plan_file::is_plan_file(path));
    if has_plans {
        files.retain(|path| plan_file::is_plan_file(path) || !path.exists());
    }
    for directory in &directories {
        tests.extend(in_directory(directory).with_context(trouble)?);
    }
    let mut sets: Vec<_> = directories.into_iter().map(|path| vec![path]).collect();
    if !files.is_empty() {
        sets.insert(0, files);
    }
    Ok((sets, tests))
}

/// Each file once, however often and by which paths it is named.
fn distinct(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    files.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    files
}

/// The problems of test files.
fn check_tests(
    tests: &[PathBuf],
    checked: &[Checked],
) -> anyhow::Result<Vec<(Vec<Problem>, Sources)>> {
    let has_bad_plans = checked.iter().any(|checked| checked.set.is_none());
    let mut loader = Loader::default();
    let mut found = Vec::new();
    for path in tests {
        let mut tests = loader.load(path).with_context(trouble)?.checked;
        if has_bad_plans {
            // What is wrong with the plans themselves says more.
            tests.problems.retain(|it| it.code != Code::TestedPlans);
        }
        found.push((tests.problems, tests.sources));
    }
    Ok(found)
}

fn text<'a>(
    problems: impl Iterator<Item = (&'a Problem, &'a Sources)>,
    checked: &[Checked],
    errors: usize,
    warnings: usize,
) -> String {
    let reports = problems.map(|(problem, sources)| render::text(problem, sources, true) + "\n");
    let mut out: String = reports.collect();
    for checked in checked {
        if let Some(set) = &checked.set {
            out.push_str(&summary(checked, set));
        }
    }
    if errors + warnings > 0 {
        let parts: Vec<_> = [(errors, "error"), (warnings, "warning")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(count as u64, word))
            .collect();
        out.push_str(&parts.join(", "));
        out.push('\n');
    }
    out
}

fn summary(checked: &Checked, set: &PlanSet) -> String {
    let mut out = String::new();
    for (file, source) in checked.sources.files().iter().enumerate() {
        let plans: Vec<_> = plans_of(set, file).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}: good, {}",
            source.path,
            counted(plans.len() as u64, "plan")
        );
        for plan in plans {
            let levels = counted(plan.path.len() as u64, "level");
            let timeframes = counted(plan.timeframes.len() as u64, "timeframe");
            let triggers = counted(plan.triggers.len() as u64, "trigger");
            let _ = writeln!(out, "  {}: {levels}, {timeframes}, {triggers}", plan.name);
        }
    }
    let _ = writeln!(out, "plan revision {}", set.revision().id);
    out
}

fn plans_of(set: &PlanSet, file: usize) -> impl Iterator<Item = &Arc<Plan>> {
    let plans = set.revision().plans.iter().zip(set.files());
    plans.filter_map(move |(plan, of)| (*of == file).then_some(plan))
}

fn json<'a>(
    problems: impl Iterator<Item = (&'a Problem, &'a Sources)>,
    checked: &[Checked],
    is_good: bool,
) -> Value {
    let problems = problems.map(|(problem, sources)| render::json(problem, sources));
    let problems: Vec<_> = problems.collect();
    let sets: Vec<_> = checked.iter().map(json_set).collect();
    json!({ "good": is_good, "problems": problems, "sets": sets })
}

fn json_set(checked: &Checked) -> Value {
    let files: Vec<_> = checked.sources.files().iter().map(|f| &f.path).collect();
    let plans: Vec<_> = checked
        .set
        .iter()
        .flat_map(|set| set.revision().plans.iter().zip(set.files()))
        .map(|(plan, file)| {
            json!({
                "name": &*plan.name,
                "file": files[*file],
                "levels": plan.path.len(),
                "timeframes": plan.timeframes.len(),
                "triggers": plan.triggers.len(),
            })
        })
        .collect();
    json!({
        "files": files,
        "plan_revision": checked.set.as_ref().map(|set| &*set.revision().id),
        "plans": plans,
    })
}

fn github<'a>(problems: impl Iterator<Item = (&'a Problem, &'a Sources)>) -> String {
    let lines = problems.map(|(problem, sources)| render::github(problem, sources) + "\n");
    lines.collect()
}
