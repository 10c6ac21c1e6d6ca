//! Plans as a flowchart in Mermaid, which pages in Markdown show as a picture.

use std::fmt::Write as _;

use super::structure::{Graph, PlanGraph};

/// The flowchart of all plans, each a box of its own.
pub(super) fn mermaid(graph: &Graph) -> String {
    let mut out = "flowchart TB\n".to_owned();
    for (number, plan) in graph.plans.iter().enumerate() {
        let title = quoted(std::slice::from_ref(&plan.name));
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "  subgraph p{number}[{title}]\n    direction LR");
        add_plan(&mut out, &format!("p{number}"), plan);
        out.push_str("  end\n");
        let _ = writeln!(out, "  style p{number} fill:#ffffff,stroke:#a0aec0");
        if !plan.path.is_empty() {
            let _ = writeln!(out, "  style p{number}p fill:#f7fafc,stroke:#cbd5e0");
        }
    }
    out.push_str(
        "  classDef clock fill:#ebf8ff,stroke:#2b6cb0,color:#1a202c\n  \
         classDef alarm fill:#fffaf0,stroke:#c05621,color:#1a202c\n  \
         classDef level fill:#fff5f5,stroke:#c53030,color:#1a202c\n  \
         classDef note fill:#f7fafc,stroke:#a0aec0,color:#1a202c,stroke-dasharray:4 3\n",
    );
    out
}

fn add_plan(out: &mut String, id: &str, plan: &PlanGraph) {
    let takes = quoted(&[format!("takes {}", plan.takes)]);
    let _ = writeln!(out, "    {id}m([{takes}]):::note");
    for (number, timeframe) in plan.timeframes.iter().enumerate() {
        let clock = format!("{id}c{number}");
        let label = titled(timeframe.title(), timeframe.notes());
        let _ = writeln!(out, "    {id}m --> {clock}[{label}]:::clock");
        for (number, mark) in timeframe.marks.iter().enumerate() {
            let at = quoted(std::slice::from_ref(&mark.at));
            if let Some(warning) = mark.warning() {
                let warning = quoted(&[warning]);
                let _ = writeln!(
                    out,
                    "    {clock} -->|{at}| {clock}w{number}([{warning}]):::note"
                );
            }
            if let Some(level) = mark.level {
                let _ = writeln!(out, "    {clock} -->|{at}| {id}l{level}");
            }
        }
    }
    for (number, trigger) in plan.triggers.iter().enumerate() {
        let label = titled(trigger.title(), trigger.notes());
        let _ = writeln!(out, "    {id}m --> {id}t{number}[{label}]:::alarm");
        let _ = writeln!(out, "    {id}t{number} --> {id}l{}", trigger.level);
    }
    if plan.path.is_empty() {
        return;
    }
    let _ = writeln!(out, "    subgraph {id}p[\"path\"]");
    for level in &plan.path {
        let number = level.level;
        let title = format!("{} ({})", level.title(), level.kind);
        let label = titled(title, level.notes());
        let _ = writeln!(out, "      {id}l{number}[{label}]:::level");
    }
    for (level, next) in plan.path.iter().zip(plan.path.iter().skip(1)) {
        let (from, to) = (level.level, next.level);
        // An invisible link keeps the levels in order where nothing leads on.
        let _ = match level.way_up() {
            Some(way_up) => {
                writeln!(
                    out,
                    "      {id}l{from} ==>|{}| {id}l{to}",
                    quoted(&[way_up])
                )
            }
            None => writeln!(out, "      {id}l{from} ~~~ {id}l{to}"),
        };
    }
    out.push_str("    end\n");
    let end = titled("end".to_owned(), plan.endings());
    let notes = quoted(&plan.notes());
    let _ = writeln!(out, "    {id}p -.-> {id}e([{end}]):::note");
    let _ = writeln!(out, "    {id}p -.- {id}n[{notes}]:::note");
}

fn titled(title: String, notes: Vec<String>) -> String {
    let mut lines = vec![title];
    lines.extend(notes);
    quoted(&lines)
}

/// Lines in quotes, with every character that Mermaid, or the page around it, would read as its own
/// as an entity.
fn quoted(lines: &[String]) -> String {
    let mut out = "\"".to_owned();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push_str("<br/>");
        }
        let list_mark = list_mark(line);
        for (at, c) in line.char_indices() {
            let is_special = matches!(c, '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*');
            let begins_directive = c == '%' && line[at + 1..].starts_with(['%', '{']);
            if is_special || begins_directive || list_mark == Some(at) {
                let _ = write!(out, "#{};", u32::from(c));
            } else {
                out.push(c);
            }
        }
    }
    out.push('"');
    out
}

/// Where the mark of an item of a list stands: Mermaid reads labels as Markdown and draws no lists.
fn list_mark(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    let is_numbered = digits > 0 && rest.starts_with(['.', ')']);
    let is_bullet = digits == 0 && (rest.starts_with("- ") || rest.starts_with("+ "));
    (is_numbered || is_bullet).then_some(digits)
}
