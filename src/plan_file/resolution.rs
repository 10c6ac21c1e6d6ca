//! `resolution:` closing within a time, steps and the post-mortem.

use escalator_engine::calendar::Calendar;
use escalator_engine::plan::{PostMortem, Resolution};
use escalator_engine::ticket::Text;

use super::node::Node;
use super::plans::Frame;
use super::reader::Reader;

/// Steps of a resolution plan; they travel in every `raised` event.
const STEPS_MAX: usize = 100;

/// Bytes of all steps together: some pages, so that events stay far below what Kafka takes.
const STEPS_BYTES_MAX: usize = 16 << 10;

/// Reads the resolution plan of a plan.
pub(super) fn resolution(reader: &mut Reader, frame: &Frame<'_>, node: &Node) -> Resolution {
    const KEYS: [&str; 4] = ["close_within", "steps", "post_mortem", "calendar"];
    let fields = reader.map(node, "`resolution`", &KEYS);
    Resolution {
        close_within: fields
            .get("close_within")
            .map(|node| reader.wait(node, "`close_within`")),
        steps: match fields.get("steps") {
            Some(node) => steps(reader, node),
            None => Vec::new(),
        },
        post_mortem: fields
            .get("post_mortem")
            .map(|node| post_mortem(reader, frame, node)),
        calendar: match fields.get("calendar") {
            Some(node) => frame.scope.calendar(reader, node),
            None => Calendar::Always,
        },
    }
}

fn steps(reader: &mut Reader, node: &Node) -> Vec<Text> {
    let nodes = reader.list_of(node, "`steps`", STEPS_MAX, "steps");
    let steps = nodes
        .iter()
        .filter_map(|node| Some(reader.scalar(node, "a step")?.into()));
    let steps: Vec<Text> = steps.collect();
    let bytes = steps.iter().map(|step| step.len()).sum();
    reader.at_most(bytes, STEPS_BYTES_MAX, node.place, "bytes of steps");
    steps
}

fn post_mortem(reader: &mut Reader, frame: &Frame<'_>, node: &Node) -> PostMortem {
    let fields = reader.map(node, "`post_mortem`", &["from_level", "to"]);
    PostMortem {
        from_level: match reader.required(&fields, "from_level", "`post_mortem`") {
            Some(node) => frame.level(reader, node, "`from_level`"),
            None => 1,
        },
        to: match reader.required(&fields, "to", "`post_mortem`") {
            Some(node) => frame.scope.addresses(reader, node, "`to`"),
            None => Vec::new(),
        },
    }
}
