//! `communication:` keeping a customer informed while an escalation lasts.

use escalator_engine::calendar::Calendar;
use escalator_engine::length::Length;
use escalator_engine::plan::Communication;
use escalator_engine::time::Duration;

use super::node::Node;
use super::problem::Code;
use super::reader::Reader;
use super::scope::Scope;

/// The least time between two updates: plans may be tried at the speed of seconds, and an escalation
/// that stays open over a year makes no more updates than a year has seconds.
const EVERY_MIN: Duration = Duration::from_millis(1_000);

const KEYS: [&str; 5] = ["to", "every", "channel", "template", "calendar"];

/// Reads the communication plan of a plan; none when nobody can be told by it.
pub(super) fn communication(
    reader: &mut Reader,
    scope: &Scope,
    node: &Node,
) -> Option<Communication> {
    let fields = reader.map(node, "`communication`", &KEYS);
    let every = match reader.required(&fields, "every", "`communication`") {
        Some(node) => every(reader, node),
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

fn every(reader: &mut Reader, node: &Node) -> Length {
    let before = reader.problem_count();
    let every = reader.wait(node, "`every`");
    let is_short = matches!(every, Length::Working(working) if working < EVERY_MIN);
    if is_short && reader.problem_count() == before {
        reader.report(
            Code::ShortWait,
            node.place,
            &format!("`every` cannot be {every}"),
            &format!("leave at least {EVERY_MIN} between two updates"),
        );
    }
    every
}
