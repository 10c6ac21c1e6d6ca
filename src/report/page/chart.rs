//! The geometry of the charts: what the template draws, in percent of the width and in pixels of
//! the height, so that a chart fits any screen and its texts keep their size.

use super::GoalMark;
use crate::offline::{brief, grouped};
use crate::report::numbers::percent;
use crate::report::{EscalationReport, KindReport};

use escalator_engine::time::Duration;

/// The height of the plots in pixels; `report.html` draws its axes for it.
const PLOT_PX: f64 = 180.0;

/// The part of the width that is left to the labels of the vertical axis, in percent.
const AXIS_PERCENT: f64 = 7.0;

/// The part of its place that a bar fills.
const BAR_FILL: f64 = 0.72;

/// Month labels that stand beside each other on a telephone.
const LABELS_MAX: usize = 14;

/// Colours of levels; a higher level than the last has the colour of the last.
const COLOURS: u32 = 6;

/// The share of promises of one timeframe that was kept.
#[derive(Debug)]
pub(super) struct ShareBar {
    pub(super) name: String,
    pub(super) share: String,
    pub(super) width: f64,
    pub(super) goal: Option<f64>,
    pub(super) mark: Option<GoalMark>,
    pub(super) note: String,
}

/// A rectangle of a plot.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The number of its colour, from 1.
    pub(super) colour: u32,
    pub(super) title: String,
}

/// A text below a plot.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) text: String,
    /// A second line, where there is something to say.
    pub(super) below: String,
}

/// A text above a bar.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) text: String,
}

/// A line across a plot.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) y: f64,
    pub(super) text: String,
}

/// Escalations per month, stacked by level.
#[derive(Debug)]
pub(super) struct Months {
    pub(super) blocks: Vec<Block>,
    pub(super) labels: Vec<Label>,
    pub(super) grid: Vec<Grid>,
    /// The colour and the text of each level.
    pub(super) legend: Vec<(u32, String)>,
}

/// How lengths are distributed.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) title: &'static str,
    pub(super) summary: String,
    pub(super) blocks: Vec<Block>,
    pub(super) labels: Vec<Label>,
    /// The share of each bar, above it.
    pub(super) tops: Vec<Top>,
}

fn colour(level: u32) -> u32 {
    level.clamp(1, COLOURS)
}

/// The left edge and the width of the n-th of some bars beside each other.
fn place(n: usize, count: usize, axis: f64) -> (f64, f64) {
    let each = (100.0 - axis) / count as f64;
    let width = each * BAR_FILL;
    (axis + each * n as f64 + (each - width) / 2.0, width)
}

impl Months {
    /// The chart; none when nothing was escalated.
    pub(super) fn of(report: &EscalationReport) -> Option<Self> {
        let top = axis_top(report.months.iter().map(|month| month.n).max()?);
        let count = report.months.len();
        let every = count.div_ceil(LABELS_MAX);
        let mut chart = Self {
            blocks: Vec::new(),
            labels: Vec::new(),
            grid: grid(top),
            legend: Vec::new(),
        };
        for (n, month) in report.months.iter().enumerate() {
            let (x, width) = place(n, count, AXIS_PERCENT);
            let mut y = PLOT_PX;
            for (level, raised) in &month.levels {
                let height = *raised as f64 / top as f64 * PLOT_PX;
                y -= height;
                chart.blocks.push(Block {
                    x,
                    y,
                    width,
                    height,
                    colour: colour(*level),
                    title: format!("{}, level {level}: {}", month.month, grouped(*raised)),
                });
            }
            if n.is_multiple_of(every) {
                let is_new_year = n < every || month.at.letters() == "Jan";
                chart.labels.push(Label {
                    x: x + width / 2.0,
                    text: month.at.letters().to_owned(),
                    below: if is_new_year {
                        month.at.year().to_string()
                    } else {
                        String::new()
                    },
                });
            }
        }
        for level in &report.levels {
            let name = format!("{} {}", level.level, level.names.join(", "));
            chart.legend.push((colour(level.level), name));
        }
        Some(chart)
    }
}

impl Histogram {
    /// The chart; none when nothing ended.
    pub(super) fn of(title: &'static str, kind: &KindReport) -> Option<Self> {
        let most = kind.distribution.iter().map(|bin| bin.n).max();
        let most = most.filter(|most| *most > 0)?;
        let all = kind.times.n as u64;
        let count = kind.distribution.len();
        let mut chart = Self {
            title,
            summary: format!("{} cycles", grouped(all)),
            blocks: Vec::new(),
            labels: Vec::new(),
            tops: Vec::new(),
        };
        let mut before = String::new();
        for (n, bin) in kind.distribution.iter().enumerate() {
            let (x, width) = place(n, count, 0.0);
            let height = bin.n as f64 / most as f64 * PLOT_PX;
            let bound = bin.up_to_s.map(|s| brief(Duration::from_secs(s)));
            let (label, range) = match &bound {
                Some(bound) => (format!("≤{bound}"), format!("at most {bound}")),
                None => ("more".to_owned(), format!("more than {before}")),
            };
            let share = percent(bin.n, all);
            chart.blocks.push(Block {
                x,
                y: PLOT_PX - height,
                width,
                height,
                colour: 1,
                title: format!("{range}: {} ({share})", grouped(bin.n)),
            });
            let middle = x + width / 2.0;
            chart.labels.push(Label {
                x: middle,
                text: label,
                below: String::new(),
            });
            if bin.n > 0 {
                // Whole percents are enough above a bar, and fit there.
                let whole = share.split('.').next().unwrap_or_default();
                chart.tops.push(Top {
                    x: middle,
                    y: PLOT_PX - height,
                    text: format!("{whole}%"),
                });
            }
            before = bound.unwrap_or_default();
        }
        Some(chart)
    }
}

/// A round number that is not below the largest bar, and not far above it.
fn axis_top(most: u64) -> u64 {
    let mut power = 1;
    loop {
        // Tenths of a power of ten; below ten there are whole ones alone.
        for tenths in [12, 15, 20, 25, 30, 40, 50, 60, 80, 100] {
            let top = tenths * power / 10;
            if top >= most && (tenths * power).is_multiple_of(10) && top > 1 {
                return top;
            }
        }
        power *= 10;
    }
}

/// Lines at nothing, at the top, and in the middle where that is a whole number.
fn grid(top: u64) -> Vec<Grid> {
    [(0, PLOT_PX), (top / 2, PLOT_PX / 2.0), (top, 0.0)]
        .into_iter()
        .filter(|(value, _)| *value == 0 || *value == top || top.is_multiple_of(2))
        .map(|(value, y)| Grid {
            y,
            text: grouped(value),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_above_the_largest_bar() {
        for (most, top) in [
            (1, 2),
            (3, 3),
            (7, 8),
            (10, 10),
            (11, 12),
            (13, 15),
            (21_141, 25_000),
        ] {
            assert_eq!(axis_top(most), top, "{most}");
        }
    }

    #[test]
    fn lines_stand_at_whole_numbers() {
        let texts = |top| {
            grid(top)
                .into_iter()
                .map(|line| line.text)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(3), ["0", "3"]);
        assert_eq!(texts(30_000), ["0", "15,000", "30,000"]);
    }

    #[test]
    fn bars_stay_within_the_width() {
        for count in 1..200 {
            for n in 0..count {
                let (x, width) = place(n, count, AXIS_PERCENT);
                assert!(x >= AXIS_PERCENT && x + width <= 100.0, "{n} of {count}");
            }
        }
    }
}
