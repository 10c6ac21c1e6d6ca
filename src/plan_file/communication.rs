//! `communication:` keeping a customer informed while an escalation lasts.

use escalator_engine::calendar::Calendar;
use escalator_engine::length::Length;
use escalator_engine::plan::Communication;

use super::node::Node;
use super::reader::Reader;
use super::scope::Scope;

const KEYS: [&str; 5] = ["to", "every", "channel", "template", "calendar"];

/// Reads the communication plan of a plan; none when nobody can be told by it.
pub(super) fn communication(
    reader: &mut Reader,
    scope: &Scope,
    node: &Node,
) -> Option<Communication> {
    let fields = reader.map(node, "`communication`", &KEYS);
    let every = match reader.required(&fields, "every", "`communication`") {
        Some(node) => reader.wait(node, "`every`"),
        None => Length::default(),
    };
    let calendar = match fields.get("calendar") {
        Some(node) => scope.calendar(reader, node),
        None => Calendar::Always,
    };
    let address = scope.address_of(reader, &fields, "`communication`")?;
    Some(Communication {
        address,
        every,
        calendar,
    })
}
