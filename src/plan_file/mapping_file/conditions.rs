//! Conditions on records, written as those of plans are, with paths in place of fields.

use super::values::path;
use crate::mapping::{Condition, Test};
use crate::plan_file::conditions::several;
use crate::plan_file::node::{Entry, Node, Value};
use crate::plan_file::problem::Code;
use crate::plan_file::reader::Reader;

const OPERATORS: [&str; 5] = ["not", "any", "contains", "exists", "same_as"];

/// Values of one test.
const VALUES_MAX: usize = 1000;

/// Reads a condition; `what` names it for people.
pub(super) fn condition(reader: &mut Reader, node: &Node, what: &str) -> Condition {
    let entries = reader.entries(node, what);
    if entries.is_empty() && matches!(node.value, Value::Map(_)) {
        reader.report(
            Code::BadOperand,
            node.place,
            &format!("{what} asks for nothing"),
            "write a path and what it has to lead to, as in `{ type: incident }`",
        );
    }
    let parts = entries.into_iter().filter_map(|entry| part(reader, entry));
    Condition::All(parts.collect())
}

fn part(reader: &mut Reader, entry: &Entry) -> Option<Condition> {
    Some(match &*entry.key {
        "any_of" => Condition::Any(several(reader, entry, condition)),
        "all_of" => Condition::All(several(reader, entry, condition)),
        "not" => Condition::Not(Box::new(condition(reader, &entry.node, "`not`"))),
        text => {
            let path = path(reader, text, entry.place);
            let tests = tests(reader, text, &entry.node);
            Condition::At(path?, tests)
        }
    })
}

fn tests(reader: &mut Reader, path: &str, node: &Node) -> Vec<Test> {
    if !matches!(node.value, Value::Map(_)) {
        return vec![Test::Any(texts(reader, path, node))];
    }
    let entries = reader.entries(node, "a test");
    if entries.is_empty() {
        reader.report(
            Code::BadOperand,
            node.place,
            &format!("nothing is asked about `{path}`"),
            "write a value, a list of values, or an operator as in `{ exists: true }`",
        );
    }
    let tests = entries.into_iter();
    tests
        .filter_map(|entry| test(reader, path, entry))
        .collect()
}

fn test(reader: &mut Reader, path: &str, entry: &Entry) -> Option<Test> {
    let node = &entry.node;
    Some(match &*entry.key {
        "not" => Test::Not(tests(reader, path, node)),
        "any" => Test::Any(texts(reader, path, node)),
        "contains" => Test::Contains(
            reader
                .scalar(node, "the text that is contained")?
                .to_owned(),
        ),
        "exists" => Test::Exists(reader.truth(node, "`exists`")),
        "same_as" => {
            let other = reader.scalar(node, "the path to compare with")?;
            Test::SameAs(self::path(reader, other, node.place)?)
        }
        other => {
            reader.report_unknown(
                Code::UnknownOperator,
                entry.place,
                &format!("unknown operator `{other}`"),
                (other, "the operators are"),
                &OPERATORS,
            );
            return None;
        }
    })
}

/// One value or a list of values.
fn texts(reader: &mut Reader, path: &str, node: &Node) -> Vec<String> {
    let nodes = match &node.value {
        Value::List(_) => reader.list_of(node, "the values", VALUES_MAX, "values"),
        Value::Null | Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(node),
    };
    let mut texts = Vec::new();
    for node in nodes {
        match &node.value {
            Value::Scalar(text) => texts.push(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => reader.report(
                Code::BadOperand,
                node.place,
                &format!("`{path}` cannot be compared with {}", node.value.kind()),
                "write a single value; to ask whether something is there write `{ exists: false }`",
            ),
        }
    }
    if nodes.is_empty() {
        reader.report(
            Code::BadOperand,
            node.place,
            &format!("the list of values for `{path}` is empty"),
            "list at least one value",
        );
    }
    texts
}
