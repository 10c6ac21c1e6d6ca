//! `goals:` the share of promises to be kept, for reports. They decide nothing.

use escalator_engine::plan::TimeframeKind;

use super::node::Node;
use super::problem::Code;
use super::reader::Reader;

/// Checks the goals of one file.
pub(super) fn check(reader: &mut Reader, node: &Node) {
    for entry in reader.entries(node, "`goals`") {
        reader.check_name(&entry.key, entry.place, "the timeframe's name");
        let Some(text) = reader.scalar(&entry.node, "a goal") else {
            continue;
        };
        let share = text.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
        if !share.is_some_and(|share| (0.0..=100.0).contains(&share)) {
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
