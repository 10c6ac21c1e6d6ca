//! Plan files: YAML to the engine's plans, every problem with its place.
//!
//! Reading is split from checking. [`Sources::read`] touches the disk; [`check`] is a pure function
//! of paths and texts: each file becomes a tree that knows where its keys and values stand
//! (`node.rs`), declarations are collected over all files (`scope.rs`), plans are read against
//! them (one file per part of the language), and what is sound becomes a [`PlanSet`]: the engine's
//! revision and its canonical content (`content.rs`). All problems are found in one pass; each has
//! a code ([`Code`]), a place and a remedy, and `render.rs` shows them.
//!
//! Nothing here decides anything about tickets, and nothing here watches files.

mod attachment;
mod calendars;
mod communication;
mod conditions;
mod content;
mod contradiction;
mod expressions;
mod goals;
mod hours;
mod ics;
mod imports;
mod mapping_file;
mod mapping_tests;
mod marks;
mod moments;
mod node;
mod path;
mod plans;
mod problem;
mod reader;
pub mod render;
mod resolution;
mod scope;
mod set;
mod source;
mod statuses;
mod suggest;
mod targets;
mod templates;
mod test_file;
#[cfg(test)]
mod tests;
mod timeframes;
mod triggers;
mod warnings;
mod yearly;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use content::{PlanSet, hash};
pub use goals::Goal;
pub use mapping_file::{CheckedMappings, check_mappings, load_mappings};
pub use mapping_tests::{
    CheckedMappingTests, Expected, MappingTest, MappingTestFile, check_mapping_tests,
    load_mapping_tests,
};
pub use problem::{Code, Place, Problem, Severity};
pub use reader::did_you_mean;
pub use source::{FILE_BYTES_MAX, Source, Sources, is_plan_file, is_test_file};
pub use test_file::{
    CheckedTests, Expectation, ExpectedField, ExpectedKind, PlanTest, TestEvent, TestFile, Wanted,
    check_tests,
};

/// Why plan files could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path does not exist or may not be read.
    #[error("reading {}", path.display())]
    Read {
        /// Which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory without plan files.
    #[error("the directory {} holds no files that end in .yaml, .yml or .json", path.display())]
    NoPlanFiles {
        /// Which directory.
        path: PathBuf,
    },
    /// A directory of something else.
    #[error(
        "the directory {} holds {count} plan files, more than {max}; name the directory of the plans",
        path.display()
    )]
    TooManyFiles {
        /// Which directory.
        path: PathBuf,
        /// How many files it holds.
        count: usize,
        /// How many are read at most.
        max: usize,
    },
    /// More files, or larger ones, than plans ever need.
    #[error(
        "the files of the set up to {} have more than {max_mib} MiB; what plans say has to fit into one Kafka record",
        path.display()
    )]
    SetTooLarge {
        /// The file with which they do.
        path: PathBuf,
        /// MiB that are read at most.
        max_mib: u64,
    },
    /// The plans were read and have problems.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Plans that cannot be used, with all their problems as a text for people.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Refused {
    /// What the files hold.
    pub what: &'static str,
    /// How many errors there are.
    pub errors: usize,
    /// The problems as a compiler shows them.
    pub report: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            errors,
            report,
        } = self;
        let s = if *errors == 1 { "" } else { "s" };
        write!(
            f,
            "the {what} have {errors} error{s}\n{}",
            report.trim_end()
        )
    }
}

/// What checking a set of files gave.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The files.
    pub sources: Sources,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
    /// The plans, unless there is an error.
    pub set: Option<PlanSet>,
}

impl Checked {
    /// How many problems of this severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        problem::count(&self.problems, severity)
    }

    /// All problems as a text for people.
    #[must_use]
    pub fn report(&self, styled: bool) -> String {
        render::texts(&self.problems, &self.sources, styled)
    }

    /// The plans, whatever the warnings.
    ///
    /// # Errors
    /// There are errors.
    pub fn into_set(self) -> Result<PlanSet, Refused> {
        let errors = self.count(Severity::Error);
        match self.set {
            Some(set) => Ok(set),
            None => Err(Refused {
                what: "plans",
                errors,
                report: self.report(false),
            }),
        }
    }
}

/// Checks a set of files.
#[must_use]
pub fn check(sources: Sources) -> Checked {
    set::check(sources)
}

/// Reads and checks a file or a directory of plans.
///
/// # Errors
/// The path cannot be read, or the plans have errors.
pub fn load(path: &Path) -> Result<PlanSet, Error> {
    Ok(check(Sources::read(path)?).into_set()?)
}
