//! `templates:` texts of notifications. Their keys are known and checked; they are not supported
//! yet, so each declaration and each reference is refused.

use super::node::{Entry, Node};
use super::problem::Code;
use super::reader::Reader;

/// Notes the templates of one file.
pub(super) fn collect(reader: &mut Reader, node: &Node) {
    for entry in reader.entries(node, "`templates`") {
        reader.check_name(&entry.key, entry.place, "the template's name");
        let fields = reader.map(&entry.node, "a template", &["subject", "body"]);
        for key in ["subject", "body"] {
            if let Some(node) = fields.get(key) {
                reader.scalar(node, "the text of a template");
            }
        }
        unsupported(reader, entry);
    }
}

/// A `template` key that names one.
pub(super) fn reference(reader: &mut Reader, entry: &Entry) {
    reader.scalar(&entry.node, "the name of a template");
    unsupported(reader, entry);
}

fn unsupported(reader: &mut Reader, entry: &Entry) {
    reader.report(
        Code::TemplatesUnsupported,
        entry.place,
        "templates are not supported yet",
        "leave the template out; the built-in text of its purpose is used",
    );
}
