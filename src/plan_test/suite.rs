//! A test file with the plans it names, its events as facts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use escalator_engine::fact::TicketFact;
use escalator_engine::plan::Revision;

use super::Error;
use crate::causes::chain;
use crate::offline::counted;
use crate::plan_file::{
    self, CheckedTests, Code, PlanSet, PlanTest, Problem, Sources, TestFile, check_tests,
};
use crate::wire::Input;
use crate::wire::events::read_value;

/// Plans that are tested.
#[derive(Clone, Debug)]
pub struct TestedPlans {
    /// As people find them.
    pub path: String,
    /// What they say.
    pub set: PlanSet,
}

/// A test with its events as facts.
#[derive(Clone, Debug)]
pub struct Case {
    /// The test as it was written.
    pub test: PlanTest,
    /// Its events in their order.
    pub facts: Vec<TicketFact>,
}

/// A test file, ready to be run unless it has errors.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The file as it was named.
    pub path: String,
    /// The file, with all problems in it.
    pub checked: CheckedTests,
    /// The plans that it names.
    pub plans: Option<Arc<TestedPlans>>,
    /// Its tests; none when there is an error.
    pub cases: Vec<Case>,
}

/// Reads test files; plans that several of them name are read once.
#[derive(Debug, Default)]
pub struct Loader {
    plans: BTreeMap<PathBuf, Result<Arc<TestedPlans>, Unusable>>,
}

/// Why plans cannot be tested, and what to do.
#[derive(Clone, Debug)]
struct Unusable {
    message: String,
    remedy: String,
}

impl Loader {
    /// Reads a test file and the plans that it names.
    ///
    /// # Errors
    /// The file cannot be read. What is wrong in it is among the problems of the suite.
    pub fn load(&mut self, path: &Path) -> Result<Suite, Error> {
        let mut checked = check_tests(Sources::read(path)?);
        let mut plans = None;
        let mut cases = Vec::new();
        let mut problems = Vec::new();
        if let Some((named, place)) = &checked.plans {
            match self.plans(path, named) {
                Ok(tested) => plans = Some(tested),
                Err(unusable) => problems.push(Problem::new(
                    Code::TestedPlans,
                    *place,
                    &unusable.message,
                    &unusable.remedy,
                )),
            }
        }
        if let Some(file) = checked.file.clone() {
            if let Some(tested) = &plans {
                warn_of_unknown_statuses(&file, tested.set.revision(), &mut problems);
            }
            cases = file
                .tests
                .into_iter()
                .map(|test| case(test, &mut problems))
                .collect();
        }
        checked.add(problems);
        if checked.file.is_none() {
            cases.clear();
        }
        Ok(Suite {
            path: path.display().to_string(),
            checked,
            plans,
            cases,
        })
    }

    fn plans(&mut self, test_file: &Path, plans: &str) -> Result<Arc<TestedPlans>, Unusable> {
        let directory = test_file.parent().unwrap_or_else(|| Path::new(""));
        let path = directory.join(plans);
        // One set however it is written: `gold.yaml`, `./gold.yaml`, through a link.
        let key = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let plans = self.plans.entry(key).or_insert_with(|| read_plans(&path));
        plans.clone()
    }
}

fn read_plans(path: &Path) -> Result<Arc<TestedPlans>, Unusable> {
    let shown = path.display().to_string();
    match plan_file::load(path) {
        Ok(set) => Ok(Arc::new(TestedPlans { path: shown, set })),
        Err(plan_file::Error::Refused(refused)) => Err(Unusable {
            message: format!(
                "the plans in {shown} have {}",
                counted(refused.errors as u64, "error")
            ),
            remedy: format!(
                "`escalator validate {shown}` shows them; a set of several files is named by its \
                 directory"
            ),
        }),
        Err(error) => Err(Unusable {
            message: chain(&error),
            remedy: "name the plan file, or the directory of plan files, relative to this file"
                .to_owned(),
        }),
    }
}

/// The facts of a test; an event that the service would not read is a problem.
fn case(test: PlanTest, problems: &mut Vec<Problem>) -> Case {
    let mut facts = Vec::with_capacity(test.events.len());
    for event in &test.events {
        match read_value(Input::of(event.is_created), &event.value.to_string()) {
            Ok(fact) => facts.push(fact),
            Err(refusal) => problems.push(Problem::new(
                Code::BadTestEvent,
                event.place,
                &format!("the service would refuse this event: {refusal}"),
                "write it as the ticketing system does",
            )),
        }
    }
    Case { test, facts }
}

fn warn_of_unknown_statuses(file: &TestFile, revision: &Revision, problems: &mut Vec<Problem>) {
    let events = file.tests.iter().flat_map(|test| &test.events);
    for (word, place) in events.filter_map(|event| event.status.as_ref()) {
        if !revision.category(Some(word)).1 {
            problems.push(Problem::new(
                Code::UnknownStatus,
                *place,
                &format!("the status `{word}` is not known, so the ticket counts as open"),
                "add the word to `statuses` of the plans under the category that it means",
            ));
        }
    }
}
