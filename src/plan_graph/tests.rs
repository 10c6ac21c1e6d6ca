//! The shipped plans in every format, as they were looked at and found good, and plans that try
//! to break out of a format.

use std::path::{Path, PathBuf};

use super::*;
use crate::plan_file::{self, Sources};
use crate::stored::assert_stored;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> Graph {
    Graph::of(&plan_file::load(&root().join("plans/itil.yaml")).unwrap())
}

fn graph_of(text: &str) -> Graph {
    let checked = plan_file::check(Sources::from_text("plan.yaml", text));
    Graph::of(&checked.into_set().unwrap())
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn the_shipped_plans_are_drawn_in_every_format() {
    let graph = shipped();
    let json = serde_json::to_string_pretty(&graph).unwrap() + "\n";
    // The hash is that of the plans, not of the picture.
    let json = json.replace(&graph.plan_revision, "…");
    for (end, text) in [
        ("txt", plain(&graph.tree())),
        ("mmd", graph.mermaid()),
        ("dot", graph.dot()),
        ("svg", graph.svg()),
        ("json", json),
    ] {
        let path = format!("src/plan_graph/tests/itil.{end}");
        assert_stored(&root().join(Path::new(&path)), &text);
    }
}

/// Names that end quotes, begin tags, entities, escapes, comments, lists and directives, a word that
/// is longer than a line, and letters that are two columns wide.
const HOSTILE: &str = r#"
version: 1
targets:
  "a \"b\" & <b>c</b>": { kind: team, channels: [chat, "e`mail", "%%{init}%%"] }
  日本語チーム: { kind: team, channels: [chat] }
plans:
  - name: "1. gold # \\ <script>alert(1)</script>"
    match: "ticket.priority == 'high' && ticket.tags.exists(t, t == \"x\")"
    timeframes:
      WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW:
        kind: resolution
        within: { by: labels.x, "- foo; bar": 1h }
        marks: [{ at: 12.5%, warn: [日本語チーム, requester], level: 4 }]
    triggers:
      - { name: "2) *bold*", when: { tier: 日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語 }, level: 2 }
    path:
      - { name: empty }
      - { name: "a \"b\" & <b>c</b>", notify: ["a \"b\" & <b>c</b>"], next_after: 1h, unless: resolved }
      - { name: third, assign: { queue: q, assignee: bob } }
      - { name: fourth, notify: [日本語チーム], repeat: { every: 5m, times: 1 }, pause: [on_hold] }
  - name: no path
    match: { labels.x: 1 }
    timeframes: { update: { within: 5m } }
"#;

#[test]
fn a_tree_is_never_wider_than_a_terminal() {
    for graph in [shipped(), graph_of(HOSTILE)] {
        for line in plain(&graph.tree()).lines() {
            let columns = line.chars().map(|c| if c >= '\u{3000}' { 2 } else { 1 });
            assert!(columns.sum::<usize>() <= 80, "{line}");
        }
    }
}

#[test]
fn no_name_breaks_out_of_its_place() {
    let graph = graph_of(HOSTILE);
    let svg = graph.svg();
    assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
    assert!(svg.contains("&lt;script&gt;"));
    let mermaid = graph.mermaid();
    assert!(
        !mermaid.contains("<script") && !mermaid.contains("%%{"),
        "{mermaid}"
    );
    assert!(
        mermaid.contains("\"1#46; gold #35; #92; #60;script#62;"),
        "{mermaid}"
    );
    assert!(mermaid.contains("\"2#41; #42;bold#42;"), "{mermaid}");
    let dot = graph.dot();
    assert!(
        dot.contains(r#"label="1. gold # \\ <script>alert(1)</script>""#),
        "{dot}"
    );
    for line in mermaid.lines().chain(dot.lines()) {
        // Quotes come in pairs; in DOT the escaped ones do not count.
        let quotes = line.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(quotes.matches('"').count() % 2, 0, "{line}");
    }
}

#[test]
fn every_line_to_a_level_has_its_end() {
    let graph = shipped();
    let asked: usize = graph
        .plans
        .iter()
        .map(|plan| {
            let marks = plan.timeframes.iter().flat_map(|it| &it.marks);
            marks.filter(|mark| mark.level.is_some()).count() + plan.triggers.len()
        })
        .sum();
    assert_eq!(graph.svg().matches("<circle").count(), asked);
    assert_eq!(graph.svg().matches(" C").count(), asked);
}

/// The texts of a picture as boxes: left, top, right, bottom.
fn text_boxes(svg: &str) -> Vec<(f64, f64, f64, f64)> {
    let attribute = |line: &str, name: &str| -> f64 {
        let rest = line.split(&format!(" {name}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let lines = svg.lines().filter(|line| line.starts_with("<text"));
    lines
        .map(|line| {
            let text = line.split('>').nth(1).unwrap().split('<').next().unwrap();
            let text = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            let (x, y, size) = (
                attribute(line, "x"),
                attribute(line, "y"),
                attribute(line, "font-size"),
            );
            // Half the size a letter is less than any font needs, so that every overlap is one.
            let width = text.chars().count() as f64 * size * 0.5;
            (x, y - size * 0.8, x + width, y + size * 0.2)
        })
        .collect()
}

#[test]
fn no_text_of_a_picture_covers_another_or_leaves_it() {
    for graph in [shipped(), graph_of(HOSTILE)] {
        let svg = graph.svg();
        let boxes = text_boxes(&svg);
        assert!(boxes.len() > 10);
        for (index, a) in boxes.iter().enumerate() {
            assert!(a.0 >= 0.0 && a.2 <= 1160.0, "{a:?}");
            for b in &boxes[index + 1..] {
                let is_apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                assert!(is_apart, "{a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn one_plan_can_be_drawn_alone() {
    let mut graph = shipped();
    assert!(graph.keep_plan("request"));
    assert_eq!(graph.plans.len(), 1);
    assert!(!shipped().keep_plan("reqest"));
}

#[test]
fn what_counts_in_which_time_and_how_much_goes_out_is_drawn() {
    let graph = graph_of(
        "
version: 1
targets:
  noc: { kind: team, channels: [chat], at_most: { count: 30, per: 1h } }
  pm: { kind: role, channels: [email] }
calendars:
  bank: { time_zone: UTC, hours: { mon-fri: ['08:00-16:00'] } }
plans:
  - name: gold
    match: { any_of: [ { tier: gold }, { labels.site: [A, B], priority: critical } ] }
    triggers: [ { name: t, when: { queue: [a, b], tier: c }, level: 1 } ]
    path: [ { notify: [noc] } ]
    communication: { to: requester, every: 10wd, calendar: bank }
    resolution: { close_within: 35wd, calendar: bank, post_mortem: { from_level: 1, to: [pm] } }
  - name: rest
    path: [ { notify: [noc] } ]
",
    );
    let flat = plain(&graph.tree()).replace(['│', '├', '└', '─'], " ");
    let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "takes tickets whose (tier is gold or ((labels.site is A or B) and priority is critical))",
        "when (queue is a or b) and tier is c ▶ level 1 path",
        "level 1 (functional) tells noc (chat; at most 30 in 1h each)",
        "requester (email) hears of it at the beginning and every 10wd of bank",
        "not ended after 35wd of bank: to the last level",
        "from level 1 on, pm (email) looks back at it",
        "rest takes every ticket that no plan before it takes",
    ] {
        assert!(flat.contains(said), "{said}\nis not in\n{flat}");
    }
    assert!(!graph.svg().contains("level 1 level 1"));
}
