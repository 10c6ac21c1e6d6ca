//! What the contract says, one timeline a behaviour.
//!
//! Each file in `tests/scenarios` holds a plan file and, after lines that begin with `---` and say
//! what is shown, timelines under that plan:
//!
//! ```text
//! 10:00 T1 created status=open priority=high      an event in
//! 10:31 T1 escalate level=2 by=ann                an activity
//! 10:32 T1 40 times internal_note                 events a minute apart
//! 10:45 > T1 raised 0→1 (trigger x) told noc/chat what must come out, and nothing else
//! 10:50 ? T1 level first_response                 a question to `explain`
//! 10:50 = level 1; first_response running …       its answer
//! 11:00 edit shorter                              other plans come into force
//! 11:30 late 10:20 T1 customer_reply              what is heard late, an event or an edit
//! d2 10:00 end                                    where the clock stops, if after the last line
//! ```
//!
//! The part `history` is what happened at the very instant of the question.
//!
//! Other plans stand behind the first ones, after a line `=== ` with their name.
//!
//! What a template made stands in quotation marks behind who is told: subject, colon, body.
//!
//! Lines with `>` and `=` are expectations. `UPDATE=1` in the environment rewrites them; a change
//! that shows then is a change of behaviour.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "scenarios/input.rs"]
mod input;
#[path = "scenarios/live.rs"]
mod live;
#[path = "scenarios/output.rs"]
mod output;
#[path = "scenarios/timeline.rs"]
mod timeline;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use escalator::plan_file::{self, Sources};
use escalator_engine::plan::Revision;

/// A plan file with the timelines under it.
struct Scenarios {
    path: PathBuf,
    plans: String,
    /// Title and lines of each.
    timelines: Vec<(String, String)>,
}

fn all() -> Vec<Scenarios> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    paths.into_iter().map(Scenarios::read).collect()
}

impl Scenarios {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let mut parts = text.split("\n--- ");
        let plans = parts.next().unwrap().to_owned();
        let timelines = parts.map(|part| {
            let (title, lines) = part.split_once('\n').unwrap();
            (title.to_owned(), lines.to_owned())
        });
        Self {
            path,
            plans,
            timelines: timelines.collect(),
        }
    }

    fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    }

    /// The plans of the file, then the others by their names.
    fn revisions(&self) -> Vec<(String, Arc<Revision>)> {
        let parts = self.plans.split("\n=== ").enumerate();
        let revisions = parts.map(|(number, part)| {
            let (name, text) = match number {
                0 => ("", part),
                _ => part.split_once('\n').unwrap(),
            };
            let checked = plan_file::check(Sources::from_text(&self.name(), text));
            let set = checked
                .into_set()
                .unwrap_or_else(|refused| panic!("{name}: {refused}"));
            (name.to_owned(), Arc::clone(set.revision()))
        });
        revisions.collect()
    }

    /// Runs every timeline; what differs is rewritten or told.
    fn check(&self, is_update: bool, found: &mut Vec<String>) {
        let revisions = self.revisions();
        let mut text = self.plans.clone();
        for (title, lines) in &self.timelines {
            let brought_about = timeline::run(lines, &revisions)
                .unwrap_or_else(|wrong| panic!("{}, {title}: {wrong}", self.name()));
            if brought_about.trim_end() != lines.trim_end() {
                let difference = timeline::difference(lines, &brought_about);
                found.push(format!("{}: {title}\n{difference}", self.name()));
            }
            text.push_str(&format!("\n--- {title}\n{}\n", brought_about.trim_end()));
        }
        if is_update {
            fs::write(&self.path, text).unwrap();
        }
    }
}

#[test]
fn the_timelines_are_as_the_contract_says() {
    let is_update = std::env::var_os("UPDATE").is_some();
    let mut found = Vec::new();
    let scenarios = all();
    for scenarios in &scenarios {
        scenarios.check(is_update, &mut found);
    }
    assert!(found.is_empty() || is_update, "{}", found.join("\n"));
    let count: usize = scenarios.iter().map(|it| it.timelines.len()).sum();
    assert!(count >= 40, "only {count} timelines were found");
}
