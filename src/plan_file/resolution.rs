//! `resolution:` closing within a time, steps and the post-mortem. Its keys are known and checked;
//! it is not supported yet, so it is refused.

use super::node::Entry;
use super::path::LEVELS_MAX;
use super::problem::Code;
use super::reader::Reader;
use super::scope::Scope;

/// Steps of a resolution plan; they travel in every `raised` event.
const STEPS_MAX: usize = 100;

/// Reads the resolution plan of a plan.
pub(super) fn check(reader: &mut Reader, scope: &Scope, entry: &Entry) {
    const KEYS: [&str; 4] = ["close_within", "steps", "post_mortem", "calendar"];
    let fields = reader.map(&entry.node, "`resolution`", &KEYS);
    if let Some(node) = fields.get("close_within") {
        reader.wait(node, "`close_within`");
    }
    if let Some(node) = fields.get("steps") {
        let steps = reader.list(node, "`steps`");
        reader.at_most(steps.len(), STEPS_MAX, node.place, "steps");
        for step in steps {
            reader.scalar(step, "a step");
        }
    }
    if let Some(node) = fields.get("post_mortem") {
        let fields = reader.map(node, "`post_mortem`", &["from_level", "to"]);
        if let Some(node) = reader.required(&fields, "from_level", "`post_mortem`") {
            let max = u32::try_from(LEVELS_MAX).unwrap_or(u32::MAX);
            reader.number(node, "`from_level`", 1..=max);
        }
        if let Some(node) = reader.required(&fields, "to", "`post_mortem`") {
            scope.addresses(reader, node, "`to`");
        }
    }
    if let Some(node) = fields.get("calendar") {
        scope.calendar(reader, node);
    }
    reader.report(
        Code::ResolutionUnsupported,
        entry.place,
        "resolution plans are not supported yet",
        "leave `resolution` out",
    );
}
