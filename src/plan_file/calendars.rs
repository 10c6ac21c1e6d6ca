//! `calendars:` business hours. Their keys are known and checked; what they say is not supported
//! yet, so each declaration is refused.

use super::node::{Node, Value};
use super::problem::Code;
use super::reader::Reader;
use super::scope::Scope;

const KEYS: [&str; 5] = ["time_zone", "hours", "holidays", "exceptions", "at_close"];

/// Notes the calendars of one file.
pub(super) fn collect(reader: &mut Reader, scope: &mut Scope, node: &Node) {
    for entry in reader.entries(node, "`calendars`") {
        reader.check_name(&entry.key, entry.place, "the calendar's name");
        if entry.key == "always" {
            reader.report(
                Code::BadName,
                entry.place,
                "the calendar `always` is built in",
                "give the calendar another name",
            );
        }
        let fields = reader.map(&entry.node, "a calendar", &KEYS);
        if matches!(entry.node.value, Value::Map(_)) {
            reader.required(&fields, "time_zone", "a calendar");
            reader.required(&fields, "hours", "a calendar");
        }
        reader.report(
            Code::CalendarsUnsupported,
            entry.place,
            "business calendars are not supported yet",
            "leave `calendars` out and use the calendar `always`",
        );
        scope.add_calendar(reader, &entry.key, entry.place);
    }
}
