//! Plans as an SVG picture: clocks and alarms on the left, the ladder on the right, and a line from
//! whatever asks for a level to that level.
//!
//! Lines run in the gap between the two columns, where no text is, and texts are broken by widths
//! that are generous for every common font, so that nothing covers anything whatever the viewer
//! has installed. No script, no style sheet, no font comes from elsewhere.

mod canvas;
mod card;

use self::canvas::{Canvas, Ink};
use self::card::{Card, Port};
use super::structure::{Graph, Level, PlanGraph};

/// The picture's width: fits a page and a screen without scrolling sideways.
const WIDTH: f64 = 1160.0;
const MARGIN: f64 = 28.0;
const LEFT_WIDTH: f64 = 530.0;
/// Between the columns: room for lines that cross.
const GAP_WIDTH: f64 = 130.0;
const RIGHT: f64 = MARGIN + LEFT_WIDTH + GAP_WIDTH;
const RIGHT_WIDTH: f64 = WIDTH - MARGIN - RIGHT;
/// Between cards.
const SPACE: f64 = 14.0;
/// Height of the arrow to the next level without its text.
const ARROW: f64 = 20.0;

/// How much longer than needed an arrow may be; a longer one no longer looks like one.
const STRETCH_MAX: f64 = 160.0;

/// Colours of levels, from a nudge to an alarm; more levels begin anew.
const COLOURS: [&str; 6] = [
    "#b7791f", "#c05621", "#c53030", "#97266d", "#553c9a", "#2c5282",
];
const CLOCK: &str = "#2b6cb0";
const ALARM: &str = "#dd6b20";
const QUIET: &str = "#718096";

/// The picture of all plans, one below the other.
pub(super) fn svg(graph: &Graph) -> String {
    let mut canvas = Canvas::default();
    let mut y = MARGIN;
    for plan in &graph.plans {
        y = draw_plan(&mut canvas, plan, y) + 2.0 * MARGIN;
    }
    let names: Vec<&str> = graph.plans.iter().map(|plan| &*plan.name).collect();
    let title = format!("Escalation plans: {}", names.join(", "));
    canvas.finish(WIDTH, y - MARGIN, &title)
}

fn colour(level: u32) -> &'static str {
    COLOURS[(level as usize).saturating_sub(1) % COLOURS.len()]
}

/// Draws a plan from this height down and answers where it ends.
fn draw_plan(canvas: &mut Canvas, plan: &PlanGraph, top: f64) -> f64 {
    let width = WIDTH - 2.0 * MARGIN;
    let mut y = canvas.text(MARGIN, top, width, Ink::PLAN, &plan.name);
    let takes = format!("takes {}", plan.takes);
    y = canvas.text(MARGIN, y, width, Ink::NOTE, &takes) + SPACE;
    let (left_end, ports) = draw_left(canvas, plan, y);
    // A ladder as long as what stands beside it, so that its lines are not steep.
    let (short_end, _) = draw_right(&mut Canvas::default(), plan, y, 0.0);
    let gaps = plan.path.len().max(1) as f64;
    let stretch = ((left_end - short_end) / gaps).clamp(0.0, STRETCH_MAX);
    let (right_end, boxes) = draw_right(canvas, plan, y, stretch);
    connect(canvas, &ports, &boxes);
    left_end.max(right_end)
}

/// Clocks and alarms; answers their end and what asks for levels.
fn draw_left(canvas: &mut Canvas, plan: &PlanGraph, top: f64) -> (f64, Vec<Port>) {
    let mut y = top;
    let mut ports = Vec::new();
    if !plan.timeframes.is_empty() {
        y = canvas.text(MARGIN, y, LEFT_WIDTH, Ink::HEADING, "Clocks") + 4.0;
    }
    for timeframe in &plan.timeframes {
        let mut card = Card::new(&timeframe.title(), CLOCK, timeframe.notes());
        for mark in &timeframe.marks {
            if let Some(warning) = mark.warning() {
                card.row(&mark.at, &warning, None);
            }
            if let Some(level) = mark.level {
                card.row(&mark.at, &asked(plan, level), Some(level));
            }
        }
        y = card.draw(canvas, MARGIN, y, LEFT_WIDTH, &mut ports) + SPACE;
    }
    if !plan.triggers.is_empty() {
        y = canvas.text(MARGIN, y, LEFT_WIDTH, Ink::HEADING, "Triggers") + 4.0;
    }
    for trigger in &plan.triggers {
        let mut card = Card::new(&trigger.title(), ALARM, trigger.notes());
        card.row("", &asked(plan, trigger.level), Some(trigger.level));
        y = card.draw(canvas, MARGIN, y, LEFT_WIDTH, &mut ports) + SPACE;
    }
    (y - SPACE, ports)
}

fn asked(plan: &PlanGraph, level: u32) -> String {
    let found = plan.path.iter().find(|it| it.level == level);
    found.map_or_else(|| format!("level {level}"), Level::called)
}

/// The end of a column, and number, top and bottom of the levels in it.
type Ladder = (f64, Vec<(u32, f64, f64)>);

/// The ladder, with so much more room between levels than they need.
fn draw_right(canvas: &mut Canvas, plan: &PlanGraph, top: f64, stretch: f64) -> Ladder {
    let mut y = canvas.text(RIGHT, top, RIGHT_WIDTH, Ink::HEADING, "Path") + 4.0;
    let mut boxes = Vec::new();
    if plan.path.is_empty() {
        let none = "none, so that nothing escalates";
        return (canvas.text(RIGHT, y, RIGHT_WIDTH, Ink::NOTE, none), boxes);
    }
    for note in plan.notes() {
        y = canvas.text(RIGHT, y, RIGHT_WIDTH, Ink::NOTE, &note);
    }
    y += 6.0;
    let last = plan.path.len();
    for (index, level) in plan.path.iter().enumerate() {
        let title = format!("{} ({})", level.title(), level.kind);
        let card = Card::new(&title, colour(level.level), level.notes());
        let end = card.draw(canvas, RIGHT, y, RIGHT_WIDTH, &mut Vec::new());
        boxes.push((level.level, y, end));
        y = if index + 1 == last {
            end + SPACE + stretch
        } else {
            draw_way_up(canvas, level, end, stretch)
        };
    }
    let end = Card::new("end", QUIET, plan.endings()).dashed();
    (
        end.draw(canvas, RIGHT, y, RIGHT_WIDTH, &mut Vec::new()),
        boxes,
    )
}

/// The arrow to the next level with the wait beside it; a gap where nothing leads on.
fn draw_way_up(canvas: &mut Canvas, level: &Level, top: f64, stretch: f64) -> f64 {
    let Some(way_up) = level.way_up() else {
        return top + ARROW + stretch;
    };
    let (x, width) = (RIGHT + 24.0, RIGHT_WIDTH - 40.0);
    let lines = Ink::WAIT.broken(&way_up, width).len() as f64;
    let height = (lines * Ink::WAIT.line_height() + 10.0).max(ARROW) + stretch;
    let text_top = top + (height - lines * Ink::WAIT.line_height()) / 2.0;
    canvas.text(x + 16.0, text_top, width, Ink::WAIT, &way_up);
    canvas.arrow_down(x, top, top + height, QUIET);
    top + height
}

/// Draws a line from whatever asks for a level to that level. Those that end at one level end one
/// below the other, in the order in which they begin, so that they do not cross each other.
fn connect(canvas: &mut Canvas, ports: &[Port], boxes: &[(u32, f64, f64)]) {
    for (level, top, end) in boxes {
        let asking: Vec<&Port> = ports.iter().filter(|port| port.level == *level).collect();
        let step = (end - top) / (asking.len() as f64 + 1.0);
        for (number, port) in asking.iter().enumerate() {
            let y = top + step * (number as f64 + 1.0);
            canvas.curve((port.x, port.y), (RIGHT, y), colour(*level));
        }
    }
}
