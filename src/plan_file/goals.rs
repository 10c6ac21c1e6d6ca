//! `goals:` the share of promises to be kept, for reports. They decide nothing.

use std::collections::BTreeMap;

use escalator_engine::plan::TimeframeKind;
use escalator_engine::ticket::Text;

use super::node::Node;
use super::problem::{Code, Place};
use super::reader::Reader;

/// A share of promises to be kept, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal(f64);

impl Goal {
    /// The share, 0 to 100.
    #[must_use]
    pub const fn percent(self) -> f64 {
        self.0
    }

    /// Whether so many of all reach it. Nothing at all misses no goal.
    #[must_use]
    pub fn is_met(self, kept: u64, all: u64) -> bool {
        // Counts are far below the 2^53 up to which doubles hold whole numbers, and a product is
        // exact where a quotient is not: 19 of 20 are 95%.
        100.0 * kept as f64 >= self.0 * all as f64
    }
}

/// Reads the goals of one file into those of the set, by the name of the timeframe.
pub(super) fn collect(reader: &mut Reader, node: &Node, goals: &mut BTreeMap<Text, (Goal, Place)>) {
    for entry in reader.entries(node, "`goals`") {
        reader.check_name(&entry.key, entry.place, "the timeframe's name");
        let Some(text) = reader.scalar(&entry.node, "a goal") else {
            continue;
        };
        let share = text.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
        match share.filter(|share| (0.0..=100.0).contains(share)) {
            Some(share) => {
                goals.insert(entry.key.as_str().into(), (Goal(share), entry.place));
            }
            None => {
                let example = TimeframeKind::FirstResponse.name();
                reader.report(
                    Code::BadNumber,
                    entry.node.place,
                    &format!("a goal cannot be `{text}`"),
                    &format!("write a share from 0% to 100%, as in `{example}: 95%`"),
                );
            }
        }
    }
}
