//! `test`: plan tests.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::failure::Trouble;
use super::{Output, Verdict, print};
use crate::plan_test::{Loader, Report, find, junit};

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
A test file stands beside the plans and its name ends in .test.yaml:

  plans: itil.yaml
  tests:
    - name: nobody answers a critical incident
      start: 2026-11-23T09:00:00Z
      events:
        - { at: 0m, created: { ticket_id: T1, ticket: { category: network, priority: critical } } }
      expect:
        - { at: 15m, raised: T1, level: 1, cause: first_response 100%, notify: [second-line] }

Examples:
  escalator test plans
  escalator test plans/itil.test.yaml --deny-unreached --junit target/plans.xml";

/// The command `test`.
#[derive(Args)]
pub(super) struct Test {
    /// Test files, plan files with tests beside them, or directories, which are searched.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Exits with 1 when a plan, level, trigger or mark was not reached by any test, too.
    #[arg(long)]
    deny_unreached: bool,
    /// Writes the report to a file as well, in the XML of JUnit, which build servers show.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let trouble = || Trouble {
            doing: "cannot run the plan tests".to_owned(),
            remedy: "name test files (NAME.test.yaml), or directories that hold some",
        };
        let mut loader = Loader::default();
        let mut report = Report::default();
        for file in find(&self.paths).with_context(trouble)? {
            report.add(loader.load(&file).with_context(trouble)?);
        }
        if let Some(path) = &self.junit {
            fs::write(path, junit(&report)).with_context(|| Trouble {
                doing: format!("cannot write the report to {}", path.display()),
                remedy: "name a file in a directory that exists and may be written to",
            })?;
        }
        let is_reached = !self.deny_unreached || report.coverage.unreached().is_empty();
        let is_good = report.is_good() && is_reached;
        match self.output {
            Output::Json => print::json(&report.json(is_good))?,
            Output::Text => print::text(&report.text())?,
        }
        Ok(Verdict::of(is_good))
    }
}
