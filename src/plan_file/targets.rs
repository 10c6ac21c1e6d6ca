//! One target of `targets:`, how it is told and how often at most.

use escalator_engine::plan::{AtMost, Target};
use escalator_engine::ticket::Text;
use escalator_engine::time::Duration;

use super::node::{Node, Value};
use super::problem::{Code, Place};
use super::reader::Reader;

/// Channels of a target; each is one more notification for everything that target is told.
const CHANNELS_MAX: usize = 20;

/// Notifications in one window; more is no limit.
const COUNT_MAX: u32 = 1_000_000;

/// Reads the target of that name; `place` is where the name stands.
pub(super) fn target(reader: &mut Reader, node: &Node, place: Place, name: &str) -> Target {
    let fields = reader.map(node, "a target", &["kind", "channels", "at_most"]);
    let kind = match reader.required(&fields, "kind", "a target") {
        Some(node) => reader.name(node, "the kind of a target"),
        None => Text::from(""),
    };
    let at_most = fields.get("at_most").map(|node| at_most(reader, node));
    let mut channels: Vec<Text> = Vec::new();
    if let Some(node) = fields.get("channels") {
        for node in reader.list_of(node, "`channels`", CHANNELS_MAX, "channels") {
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
    Target {
        kind,
        channels,
        at_most,
    }
}

fn at_most(reader: &mut Reader, node: &Node) -> AtMost {
    let fields = reader.map(node, "`at_most`", &["count", "per"]);
    AtMost {
        count: match reader.required(&fields, "count", "`at_most`") {
            Some(node) => reader.number(node, "`count`", 1..=COUNT_MAX),
            None => 1,
        },
        per: match reader.required(&fields, "per", "`at_most`") {
            Some(node) => per(reader, node),
            None => Duration::default(),
        },
    }
}

/// What a window of a limit has used up is kept for a day, so shorter ones would be too many.
const PER_MIN: Duration = Duration::from_millis(1_000);

fn per(reader: &mut Reader, node: &Node) -> Duration {
    let errors = reader.error_count();
    let per = reader.period(node, "`per`");
    if per < PER_MIN && reader.is_sound_since(errors) {
        reader.report(
            Code::ShortWait,
            node.place,
            &format!("`per` cannot be `{per}`"),
            &format!("write at least {PER_MIN}"),
        );
    }
    per
}
