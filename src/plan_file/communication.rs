//! `communication:` keeping a customer informed. Its keys are known and checked; it is not
//! supported yet, so it is refused.

use super::node::Entry;
use super::problem::Code;
use super::reader::Reader;
use super::scope::Scope;
use super::templates;

const KEYS: [&str; 5] = ["to", "every", "channel", "template", "calendar"];

/// Reads the communication plan of a plan.
pub(super) fn check(reader: &mut Reader, scope: &Scope, entry: &Entry) {
    let fields = reader.map(&entry.node, "`communication`", &KEYS);
    if let Some(node) = reader.required(&fields, "to", "`communication`") {
        scope.recipient(reader, node);
    }
    if let Some(node) = reader.required(&fields, "every", "`communication`") {
        reader.wait(node, "`every`");
    }
    if let Some(node) = fields.get("channel") {
        reader.name(node, "`channel`");
    }
    if let Some(node) = fields.get("template") {
        templates::reference(reader, scope, node);
    }
    if let Some(node) = fields.get("calendar") {
        scope.calendar(reader, node);
    }
    reader.report(
        Code::CommunicationUnsupported,
        entry.place,
        "communication plans are not supported yet",
        "leave `communication` out",
    );
}
