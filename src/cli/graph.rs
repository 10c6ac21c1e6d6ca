//! `graph`: plans as a picture.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::inputs::plans;
use super::{Output, Verdict, failure, print};
use crate::plan_graph::Graph;

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator graph --plans plans
  escalator graph --plans plans --plan incident --format svg > incident.svg
  escalator graph --plans plans --format mermaid > plans.mmd
  escalator graph --plans plans --format dot | dot -Tpdf > plans.pdf";

/// The command `graph`.
#[derive(Args)]
pub(super) struct GraphPlans {
    /// A plan file, or a directory of plan files.
    #[arg(long, value_name = "PATH")]
    plans: PathBuf,
    /// Draws the plan of this name alone.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Form of the picture.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// `json` prints the structure in place of a picture.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The form of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree for a terminal.
    #[default]
    Text,
    /// A flowchart for pages in Markdown.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
    /// A picture that needs nothing but a viewer.
    Svg,
}

impl GraphPlans {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let Some(set) = plans(&self.plans)? else {
            return Ok(Verdict::Bad);
        };
        let mut graph = Graph::of(&set);
        if let Some(name) = &self.plan
            && !graph.keep_plan(name)
        {
            let names = set.revision().plans.iter();
            let names: Vec<_> = names.map(|plan| format!("`{}`", plan.name)).collect();
            failure::refuse(
                &format!("there is no plan `{name}` in {}", self.plans.display()),
                &format!("the plans are {}", names.join(", ")),
            );
            return Ok(Verdict::Bad);
        }
        match (self.output, self.format) {
            (Output::Json, _) => print::json(&graph)?,
            (Output::Text, Format::Text) => print::text(&graph.tree())?,
            (Output::Text, Format::Mermaid) => print::text(&graph.mermaid())?,
            (Output::Text, Format::Dot) => print::text(&graph.dot())?,
            (Output::Text, Format::Svg) => print::text(&graph.svg())?,
        }
        Ok(Verdict::Good)
    }
}
