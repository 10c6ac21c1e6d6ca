//! Plans as a picture: what takes a ticket, which clocks and alarms ask for which level, the ladder
//! with its waits, who is told, and what ends it.
//!
//! The picture is drawn from the canonical content of a set, not from the engine's values: it shows
//! what the plan files say, in their own words (`90m` stays `90m`, calendars have names), with the
//! defaults that matter to a reader filled in. [`Graph`] is that structure; the formats only lay
//! it out: a tree for a terminal, Mermaid for pages in Markdown, DOT for Graphviz, and SVG, which
//! needs no other program at all.

mod dot;
mod mermaid;
mod notes;
mod read;
mod structure;
mod svg;
#[cfg(test)]
mod tests;
mod tree;
mod words;

pub use self::structure::{
    Assign, Communication, Graph, Level, Mark, PlanGraph, PostMortem, Recipient, Repeat, Row,
    Timeframe, Trigger, Within,
};

impl Graph {
    /// Keeps the plan of that name alone; false when there is none.
    #[must_use]
    pub fn keep_plan(&mut self, name: &str) -> bool {
        self.plans.retain(|plan| plan.name == name);
        !self.plans.is_empty()
    }

    /// A tree of at most 80 columns, with colours that the printer may strip.
    #[must_use]
    pub fn tree(&self) -> String {
        tree::tree(self)
    }

    /// A flowchart for Mermaid.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::mermaid(self)
    }

    /// A directed graph for Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        dot::dot(self)
    }

    /// A picture that needs nothing but a viewer.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::svg(self)
    }
}
