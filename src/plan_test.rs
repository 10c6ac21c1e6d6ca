//! Plan tests: what plans must do about events at given times, run on the virtual clock.
//!
//! `plan_file` reads test files and settles their form; here events become facts by the rules of
//! the topics (`suite`), each test is a simulation of its own ([`run()`]), what came out is held
//! against what must come out (`verdict`), and what no test has reached is named (`coverage`).
//! A failure says what came instead and why, since whoever reads it has just changed a plan.
//!
//! Nothing is printed here: [`Report`] and [`junit()`] give texts.

mod coverage;
mod find;
mod junit;
mod matching;
mod reasons;
mod report;
mod run;
mod suite;
#[cfg(test)]
mod tests;
mod verdict;

use std::io;
use std::path::PathBuf;

pub use self::coverage::{Coverage, Unreached};
pub use self::find::{find, in_directory};
pub use self::junit::junit;
pub use self::report::{Report, SuiteReport, TestReport};
pub use self::run::{Came, Outcome, run};
pub use self::suite::{Case, Loader, Suite, TestedPlans};
pub use self::verdict::{Difference, Failure, FailureKind, Instead, verdict};

/// Why tests cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path does not exist or may not be read.
    #[error("reading tests from {}", path.display())]
    Read {
        /// Which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no test file.
    #[error("{} holds no tests; they are files whose names end in .test.yaml", path.display())]
    NoTests {
        /// Which path.
        path: PathBuf,
    },
    /// A plan file without a test file.
    #[error(
        "{} has no tests beside it; they would be in {}",
        path.display(),
        path.with_extension("test.yaml").display()
    )]
    NoTestsBeside {
        /// Which file.
        path: PathBuf,
    },
    /// A directory of something else.
    #[error("{} holds more than {max} files; name the directory of the plans", path.display())]
    TooManyFiles {
        /// Which directory.
        path: PathBuf,
        /// How many are looked at.
        max: usize,
    },
    /// A test file cannot be read.
    #[error(transparent)]
    File(#[from] crate::plan_file::Error),
}
