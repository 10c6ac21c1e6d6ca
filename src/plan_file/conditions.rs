//! Conditions: the maps under `match` and `when` to the engine's tests.

use escalator_engine::condition::{Condition, Field, Scalar, Test};
use escalator_engine::ticket::{NumberField, TextField};

use super::expressions;
use super::node::{Entry, Node, Value};
use super::problem::Code;
use super::reader::{NAME_BYTES_MAX, Reader};
use super::scope::Scope;
use super::statuses;

/// Values in one list, each of which is compared with the field of every ticket: the customers with a
/// contract may be some thousands, and then a label is the better way to tell them apart.
const VALUES_MAX: usize = 5000;

const OPERATORS: [&str; 8] = [
    "not", "any", "all", "none", "at_least", "at_most", "contains", "exists",
];
const COMBINATORS: [&str; 3] = ["any_of", "all_of", "not"];

/// Reads a condition; `what` names it for people.
pub(super) fn condition(reader: &mut Reader, scope: &Scope, node: &Node, what: &str) -> Condition {
    match &node.value {
        Value::Scalar(source) => expressions::expression(reader, scope, node, source),
        Value::Map(_) => {
            let mut entries = reader.entries(node, what);
            // Order carries no meaning; in order of name every reading of the plan is the same.
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            let mut parts: Vec<_> = entries
                .into_iter()
                .map(|entry| part(reader, scope, entry))
                .collect();
            if parts.len() == 1 {
                parts.remove(0)
            } else {
                Condition::All(parts)
            }
        }
        Value::Null | Value::List(_) => {
            // Reports what stands there instead of a map.
            reader.entries(node, what);
            Condition::default()
        }
    }
}

fn part(reader: &mut Reader, scope: &Scope, entry: &Entry) -> Condition {
    let inner = |reader: &mut Reader, node: &Node, what: &str| condition(reader, scope, node, what);
    match &*entry.key {
        "any_of" => Condition::Any(several(reader, entry, inner)),
        "all_of" => Condition::All(several(reader, entry, inner)),
        "not" => Condition::Not(Box::new(condition(reader, scope, &entry.node, "`not`"))),
        name => match Field::named(name) {
            Some(field) => {
                if let Field::Label(label) = &field {
                    reader.check_name(label, entry.place, "the label's name");
                }
                on_field(reader, scope, &field, &entry.node)
            }
            None => {
                unknown_field(reader, entry);
                Condition::default()
            }
        },
    }
}

/// The conditions of `any_of` and `all_of`.
pub(super) fn several<C>(
    reader: &mut Reader,
    entry: &Entry,
    mut condition: impl FnMut(&mut Reader, &Node, &str) -> C,
) -> Vec<C> {
    let nodes = reader.list(&entry.node, &format!("`{}`", entry.key));
    if entry.node.is_empty_list() {
        reader.report(
            Code::BadOperand,
            entry.node.place,
            &format!("`{}` has an empty list", entry.key),
            "list the conditions, or leave the key out",
        );
    }
    let nodes = nodes.iter();
    nodes
        .map(|node| condition(reader, node, "a condition"))
        .collect()
}

fn unknown_field(reader: &mut Reader, entry: &Entry) {
    let message = format!("tickets have no field `{}`", entry.key);
    if entry.key == "labels" || entry.key == "labels." {
        let remedy = "write `labels.NAME` with the name of one label";
        reader.report(Code::UnknownField, entry.place, &message, remedy);
        return;
    }
    let mut names = Field::names();
    names.extend(COMBINATORS);
    names.push("labels.NAME");
    let meant = (&*entry.key, "the fields are");
    reader.report_unknown(Code::UnknownField, entry.place, &message, meant, &names);
}

/// The tests on one field.
fn on_field(reader: &mut Reader, scope: &Scope, field: &Field, node: &Node) -> Condition {
    let Value::Map(_) = &node.value else {
        let scalars = operands(reader, scope, field, node);
        return Condition::Field(field.clone(), vec![Test::Any(scalars)]);
    };
    let mut entries = reader.entries(node, "a test");
    if entries.is_empty() {
        reader.report(
            Code::BadOperand,
            node.place,
            &format!("nothing is asked about `{}`", field.name()),
            "write a value, a list of values, or an operator as in `{ exists: true }`",
        );
    }
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let mut tests = Vec::new();
    let mut parts = Vec::new();
    for entry in entries {
        if entry.key == "not" {
            let mut inner = on_field(reader, scope, field, &entry.node);
            // The engine explains a negated test better than a negated condition.
            if let Condition::Field(_, one) = &mut inner
                && one.len() == 1
            {
                tests.push(Test::Not(Box::new(one.remove(0))));
            } else {
                parts.push(Condition::Not(Box::new(inner)));
            }
        } else if let Some(test) = operator(reader, scope, field, entry) {
            tests.push(test);
        }
    }
    if parts.is_empty() {
        return Condition::Field(field.clone(), tests);
    }
    if !tests.is_empty() {
        parts.insert(0, Condition::Field(field.clone(), tests));
    }
    Condition::All(parts)
}

fn operator(reader: &mut Reader, scope: &Scope, field: &Field, entry: &Entry) -> Option<Test> {
    let node = &entry.node;
    if !OPERATORS.contains(&&*entry.key) {
        reader.report_unknown(
            Code::UnknownOperator,
            entry.place,
            &format!("unknown operator `{}`", entry.key),
            (&entry.key, "the operators are"),
            &OPERATORS,
        );
        return None;
    }
    if let Some(remedy) = misfit(field, entry) {
        reader.report(
            Code::WrongOperator,
            entry.place,
            &format!("`{}` does not fit the field `{}`", entry.key, field.name()),
            remedy,
        );
        return None;
    }
    Some(match &*entry.key {
        "any" => Test::Any(operands(reader, scope, field, node)),
        "all" => Test::All(operands(reader, scope, field, node)),
        "none" => Test::None(operands(reader, scope, field, node)),
        "at_least" => Test::AtLeast(bound(reader, scope, field, node)?),
        "at_most" => Test::AtMost(bound(reader, scope, field, node)?),
        "contains" => Test::Contains(reader.scalar(node, "the text that is contained")?.into()),
        _ => Test::Exists(reader.truth(node, "`exists`")),
    })
}

/// What to do instead where an operator makes no sense for the type of its field.
fn misfit(field: &Field, entry: &Entry) -> Option<&'static str> {
    let is_ordered =
        field.is_number() || matches!(field, Field::Label(_) | Field::Text(TextField::Priority));
    match &*entry.key {
        "at_least" | "at_most" if !is_ordered => {
            Some("it compares numbers and priorities; list the values instead")
        }
        "contains" if field.is_number() => Some("it looks into texts; use `at_least` or `at_most`"),
        "all" if *field != Field::Tags => match &entry.node.value {
            Value::List(values) if values.len() > 1 => {
                Some("one field cannot have several values; write `any`")
            }
            Value::Null | Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
        },
        _ => None,
    }
}

/// One value or a list of values to compare with.
fn operands(reader: &mut Reader, scope: &Scope, field: &Field, node: &Node) -> Vec<Scalar> {
    let nodes = match &node.value {
        Value::List(_) => reader.list_of(node, "the values", VALUES_MAX, "values"),
        Value::Null | Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(node),
    };
    if nodes.is_empty() {
        reader.report(
            Code::BadOperand,
            node.place,
            &format!("the list of values for `{}` is empty", field.name()),
            "list at least one value; to ask for an empty field write `{ exists: false }`",
        );
    }
    nodes
        .iter()
        .filter_map(|node| operand(reader, scope, field, node))
        .collect()
}

fn operand(reader: &mut Reader, scope: &Scope, field: &Field, node: &Node) -> Option<Scalar> {
    let Value::Scalar(text) = &node.value else {
        let remedy = match &node.value {
            Value::Null => "to ask for an empty field write `{ exists: false }`",
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
                "write a single value, or a list of single values"
            }
        };
        reader.report(
            Code::BadOperand,
            node.place,
            &format!(
                "`{}` cannot be compared with {}",
                field.name(),
                node.value.kind()
            ),
            remedy,
        );
        return None;
    };
    let scalar = Scalar::new(text);
    match field {
        Field::Number(_) | Field::Counter(_) => number(reader, field, node, &scalar),
        Field::StatusCategory => {
            statuses::category(reader, &node.place, text);
        }
        Field::Text(TextField::Priority) if !scope.has_priority(text) => {
            scope.unknown_priority(reader, node.place, text);
        }
        Field::Label(_) | Field::Tags | Field::Text(_) if text.len() > 16 * NAME_BYTES_MAX => {
            // Tickets hold texts of 4 KiB at most.
            reader.report(
                Code::BadOperand,
                node.place,
                "the value is longer than any text of a ticket",
                "keep it to 4 KiB",
            );
        }
        Field::Label(_) | Field::Tags | Field::Text(_) => {}
    }
    Some(scalar)
}

/// The value of `at_least` and `at_most`.
fn bound(reader: &mut Reader, scope: &Scope, field: &Field, node: &Node) -> Option<Scalar> {
    let text = reader.scalar(node, "the value to compare with")?;
    let scalar = Scalar::new(text);
    if *field == Field::Text(TextField::Priority) {
        if !scope.has_priority(text) {
            reader.report_unknown(
                Code::BadOperand,
                node.place,
                &format!("`{text}` is not in the list of priorities, so it has no rank"),
                (text, scope.priorities_are()),
                scope.priorities(),
            );
        }
    } else {
        number(reader, field, node, &scalar);
    }
    Some(scalar)
}

/// Checks a value that a number is compared with.
pub(super) fn number(reader: &mut Reader, field: &Field, node: &Node, scalar: &Scalar) {
    let name = field.name();
    let Some(number) = scalar.number else {
        reader.report(
            Code::BadOperand,
            node.place,
            &format!(
                "`{name}` is compared with numbers, and `{}` is none",
                scalar.text
            ),
            "write a number",
        );
        return;
    };
    let (is_possible, remedy) = match field {
        Field::Number(NumberField::Satisfaction) => (
            (0.0..=1.0).contains(&number),
            "it goes from 0 to 1: 30% is `0.3`, and two stars of five are `0.25`",
        ),
        Field::Counter(_) => (number >= 0.0, "it counts from 0"),
        Field::Number(NumberField::Severity)
        | Field::Text(_)
        | Field::Label(_)
        | Field::Tags
        | Field::StatusCategory => return,
    };
    if !is_possible {
        reader.report(
            Code::OutOfRange,
            node.place,
            &format!("`{name}` is never `{}`", scalar.text),
            remedy,
        );
    }
}
