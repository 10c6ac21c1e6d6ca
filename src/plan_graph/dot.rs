//! Plans as a directed graph in DOT, the language of Graphviz.

use std::fmt::Write as _;

use super::structure::{Graph, PlanGraph};

/// Characters of a line in a box; a box that is wider pushes everything else apart.
const LINE_CHARS: usize = 44;

/// The graph of all plans, each a cluster.
pub(super) fn dot(graph: &Graph) -> String {
    let mut out = "digraph plans {\n  \
         graph [rankdir=LR, compound=true, fontname=\"Helvetica\", nodesep=0.25, ranksep=0.9];\n  \
         node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n  \
         edge [fontname=\"Helvetica\", fontsize=10];\n"
        .to_owned();
    for (number, plan) in graph.plans.iter().enumerate() {
        let title = quoted(std::slice::from_ref(&plan.name));
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "  subgraph cluster_p{number} {{\n    label={title};");
        add_plan(&mut out, &format!("p{number}"), plan);
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}

fn add_plan(out: &mut String, id: &str, plan: &PlanGraph) {
    let takes = quoted(&[format!("takes {}", plan.takes)]);
    let _ = writeln!(out, "    {id}m [label={takes}, {NOTE}];");
    for (number, timeframe) in plan.timeframes.iter().enumerate() {
        let clock = format!("{id}c{number}");
        let label = titled(timeframe.title(), timeframe.notes());
        let _ = writeln!(out, "    {clock} [label={label}, fillcolor=\"#ebf8ff\"];");
        let _ = writeln!(out, "    {id}m -> {clock};");
        for (number, mark) in timeframe.marks.iter().enumerate() {
            let at = quoted(std::slice::from_ref(&mark.at));
            if let Some(warning) = mark.warning() {
                let warning = quoted(&[warning]);
                let _ = writeln!(out, "    {clock}w{number} [label={warning}, {NOTE}];");
                let _ = writeln!(out, "    {clock} -> {clock}w{number} [label={at}];");
            }
            if let Some(level) = mark.level {
                let _ = writeln!(out, "    {clock} -> {id}l{level} [label={at}];");
            }
        }
    }
    for (number, trigger) in plan.triggers.iter().enumerate() {
        let alarm = format!("{id}t{number}");
        let label = titled(trigger.title(), trigger.notes());
        let _ = writeln!(out, "    {alarm} [label={label}, fillcolor=\"#fffaf0\"];");
        let _ = writeln!(out, "    {id}m -> {alarm};");
        let _ = writeln!(out, "    {alarm} -> {id}l{};", trigger.level);
    }
    let Some(last) = plan.path.last() else {
        return;
    };
    let _ = writeln!(out, "    subgraph cluster_{id}p {{\n      label=\"path\";");
    for level in &plan.path {
        let title = format!("{} ({})", level.title(), level.kind);
        let label = titled(title, level.notes());
        let number = level.level;
        let _ = writeln!(
            out,
            "      {id}l{number} [label={label}, fillcolor=\"#fff5f5\"];"
        );
    }
    for (level, next) in plan.path.iter().zip(plan.path.iter().skip(1)) {
        let (from, to) = (level.level, next.level);
        // An invisible edge keeps the levels in order where nothing leads on.
        let style = level.way_up().map_or_else(
            || "style=invis".to_owned(),
            |way_up| format!("label={}, penwidth=2", quoted(&[way_up])),
        );
        let _ = writeln!(out, "      {id}l{from} -> {id}l{to} [{style}];");
    }
    out.push_str("    }\n");
    let mut ending = plan.endings();
    ending.extend(plan.notes());
    let end = titled("end".to_owned(), ending);
    let _ = writeln!(out, "    {id}e [label={end}, {NOTE}];");
    let _ = writeln!(
        out,
        "    {id}l{} -> {id}e [ltail=cluster_{id}p, style=dashed];",
        last.level
    );
}

/// How boxes look that are neither a clock nor an alarm nor a level.
const NOTE: &str = "style=\"rounded,filled,dashed\", fillcolor=\"#f7fafc\"";

fn titled(title: String, notes: Vec<String>) -> String {
    let mut lines = vec![title];
    lines.extend(notes);
    quoted(&lines)
}

/// Lines in quotes, each ending at the left; a backslash begins an escape and is doubled.
fn quoted(lines: &[String]) -> String {
    let mut out = "\"".to_owned();
    let broken = lines
        .iter()
        .flat_map(|line| super::words::broken(line, LINE_CHARS));
    for line in broken {
        for c in line.chars() {
            match c {
                '"' | '\\' => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
        out.push_str("\\l");
    }
    if lines.len() == 1 && out.matches("\\l").count() == 1 {
        // One short line is centred, as labels of edges are.
        out.truncate(out.len() - 2);
    }
    out.push('"');
    out
}
