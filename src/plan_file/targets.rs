//! One target of `targets:` and how it is told. A limit on its notifications (`at_most`) is checked
//! for its form; it is not supported yet, so it is refused.

use escalator_engine::plan::Target;
use escalator_engine::ticket::Text;

use super::node::{Node, Value};
use super::problem::{Code, Place};
use super::reader::Reader;

/// Channels of a target; each is one more notification for everything that target is told.
const CHANNELS_MAX: usize = 20;

/// Reads the target of that name; `place` is where the name stands.
pub(super) fn target(reader: &mut Reader, node: &Node, place: Place, name: &str) -> Target {
    let fields = reader.map(node, "a target", &["kind", "channels", "at_most"]);
    let kind = match reader.required(&fields, "kind", "a target") {
        Some(node) => reader.name(node, "the kind of a target"),
        None => Text::from(""),
    };
    if let Some(entry) = fields.entry("at_most") {
        at_most(reader, &entry.node, entry.place);
    }
    let mut channels: Vec<Text> = Vec::new();
    if let Some(node) = fields.get("channels") {
        let nodes = reader.list(node, "`channels`");
        reader.at_most(nodes.len(), CHANNELS_MAX, node.place, "channels");
        for node in nodes {
            let channel = reader.name(node, "a channel");
            if channels.contains(&channel) {
                reader.report(
                    Code::DuplicateName,
                    node.place,
                    &format!("the channel `{channel}` is here twice"),
                    "keep one of the two",
                );
            } else {
                channels.push(channel);
            }
        }
    }
    let is_list = !matches!(
        fields.get("channels").map(|node| &node.value),
        Some(Value::Null | Value::Scalar(_) | Value::Map(_))
    );
    if channels.is_empty() && is_list && matches!(node.value, Value::Map(_)) {
        reader.report(
            Code::NoChannels,
            place,
            &format!("the target `{name}` has no channels, so it would never be told anything"),
            "list its channels, as in `channels: [chat, email]`",
        );
    }
    Target { kind, channels }
}

fn at_most(reader: &mut Reader, node: &Node, place: Place) {
    let fields = reader.map(node, "`at_most`", &["count", "per"]);
    if let Some(node) = reader.required(&fields, "count", "`at_most`") {
        reader.number::<u32>(node, "`count`", 1..=1_000_000);
    }
    if let Some(node) = reader.required(&fields, "per", "`at_most`") {
        reader.wait(node, "`per`");
    }
    reader.report(
        Code::AtMostUnsupported,
        place,
        "limits on notifications are not supported yet",
        "leave `at_most` out",
    );
}
