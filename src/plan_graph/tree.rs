//! Plans as a tree for a terminal, 80 columns wide.

use anstyle::{AnsiColor, Style};

use super::structure::{Graph, Level, PlanGraph, Timeframe, Trigger};
use super::words::broken_by;

/// Columns: what every terminal, mail and review shows without breaking lines.
const WIDTH: usize = 80;

/// Columns that a text has at least, however deep it stands.
const TEXT_WIDTH_MIN: usize = 24;

const PLAIN: Style = Style::new();
const NAME: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const WARNS: Style = AnsiColor::Yellow.on_default();
const RAISES: Style = AnsiColor::Red.on_default();
const LEADS_ON: Style = AnsiColor::Cyan.on_default();

/// The tree of all plans.
pub(super) fn tree(graph: &Graph) -> String {
    let mut out = String::new();
    for plan in &graph.plans {
        if !out.is_empty() {
            out.push('\n');
        }
        plan_branch(plan).draw(&mut out, "", "");
    }
    out
}

/// A line with what hangs below it.
struct Branch {
    style: Style,
    /// What stands before the text and is not repeated where it is broken.
    lead: String,
    text: String,
    notes: Vec<(Style, String)>,
    branches: Vec<Self>,
}

impl Branch {
    fn new(style: Style, text: impl Into<String>) -> Self {
        Self {
            style,
            lead: String::new(),
            text: text.into(),
            notes: Vec::new(),
            branches: Vec::new(),
        }
    }

    fn noting(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        let notes = notes.into_iter().map(|note| (PLAIN, note));
        self.notes.extend(notes);
        self
    }

    fn branching(mut self, branches: impl IntoIterator<Item = Self>) -> Self {
        self.branches.extend(branches);
        self
    }

    /// Draws it where the first line has one beginning and all others another.
    fn draw(&self, out: &mut String, first: &str, rest: &str) {
        let lead_width = self.lead.chars().count();
        let hanging = format!("{rest}{:lead_width$}", "");
        let lead = format!("{first}{}", self.lead);
        write_wrapped(out, &lead, &hanging, self.style, &self.text);
        let below = match self.branches.is_empty() {
            true => format!("{rest}   "),
            false => format!("{rest}│  "),
        };
        for (style, note) in &self.notes {
            write_wrapped(out, &below, &below, *style, note);
        }
        let last = self.branches.len().saturating_sub(1);
        for (index, branch) in self.branches.iter().enumerate() {
            let (corner, line) = match index == last {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            branch.draw(out, &format!("{rest}{corner}"), &format!("{rest}{line}"));
        }
    }
}

fn write_wrapped(out: &mut String, first: &str, rest: &str, style: Style, text: &str) {
    let width = WIDTH.saturating_sub(first.chars().count());
    for (index, line) in broken_by(text, width.max(TEXT_WIDTH_MIN) as f64, columns)
        .iter()
        .enumerate()
    {
        let beginning = if index == 0 { first } else { rest };
        out.push_str(&format!("{DIM}{beginning}{DIM:#}{style}{line}{style:#}\n"));
    }
}

/// Columns of a character: the scripts of East Asia take two, and so do most pictographs.
fn columns(c: char) -> f64 {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'.. => 2.0,
        _ => 1.0,
    }
}

fn plan_branch(plan: &PlanGraph) -> Branch {
    let clocks = plan.timeframes.iter().map(|it| clock_branch(plan, it));
    let triggers = plan.triggers.iter().map(|it| trigger_branch(plan, it));
    let last = plan.path.len();
    let levels = plan.path.iter().enumerate();
    let levels = levels.map(|(index, level)| level_branch(level, index + 1 == last));
    let mut sections = vec![
        Branch::new(PLAIN, "clocks").branching(clocks),
        Branch::new(PLAIN, "triggers").branching(triggers),
    ];
    sections.retain(|section| !section.branches.is_empty());
    let path = Branch::new(PLAIN, "path");
    if plan.path.is_empty() {
        sections.push(path.noting(["none, so that nothing escalates".to_owned()]));
    } else {
        sections.push(path.noting(plan.notes()).branching(levels));
        sections.push(Branch::new(PLAIN, "end").noting(plan.endings()));
    }
    Branch::new(NAME, &*plan.name)
        .noting([format!("takes {}", plan.takes)])
        .branching(sections)
}

fn clock_branch(plan: &PlanGraph, timeframe: &Timeframe) -> Branch {
    let widths = timeframe.marks.iter().map(|mark| mark.at.chars().count());
    let width = widths.max().unwrap_or(0);
    let marks = timeframe.marks.iter().flat_map(|mark| {
        let warning = mark.warning().map(|warning| (WARNS, warning));
        let level = mark.level.map(|level| (RAISES, plan.raising(level)));
        let effects = warning.into_iter().chain(level);
        effects.map(move |(style, effect)| Branch {
            lead: format!("{:width$}  ", mark.at),
            ..Branch::new(style, effect)
        })
    });
    Branch::new(NAME, timeframe.title())
        .noting(timeframe.notes())
        .branching(marks)
}

fn trigger_branch(plan: &PlanGraph, trigger: &Trigger) -> Branch {
    let mut branch = Branch::new(NAME, trigger.title()).noting(trigger.notes());
    branch.notes.push((RAISES, plan.raising(trigger.level)));
    branch
}

fn level_branch(level: &Level, is_last: bool) -> Branch {
    let title = format!("{} ({})", level.title(), level.kind);
    let mut branch = Branch::new(NAME, title).noting(level.notes());
    if let Some(way_up) = level.way_up().filter(|_| !is_last) {
        branch.notes.push((LEADS_ON, format!("▼ {way_up}")));
    }
    branch
}

impl PlanGraph {
    /// What a mark or a trigger asks for.
    fn raising(&self, level: u32) -> String {
        let found = self.path.iter().find(|it| it.level == level);
        let called = found.map_or_else(|| format!("level {level}"), Level::called);
        format!("▶ {called}")
    }
}
