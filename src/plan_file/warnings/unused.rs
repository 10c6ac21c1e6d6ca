//! What is declared and nothing refers to, and goals that nothing meets.

use std::collections::BTreeSet;

use escalator_engine::plan::Recipient;
use escalator_engine::ticket::Text;

use crate::plan_file::node::{Node, Value};
use crate::plan_file::plans::Placed;
use crate::plan_file::problem::Code;
use crate::plan_file::reader::Reader;
use crate::plan_file::scope::Scope;

/// Warns of goals that no report will ever judge.
pub(super) fn goals(reader: &mut Reader, scope: &Scope, plans: &[Placed<'_>]) {
    let timeframes = plans.iter().flat_map(|placed| &placed.plan.timeframes);
    let mut names: Vec<&str> = timeframes.map(|timeframe| &*timeframe.name).collect();
    names.sort_unstable();
    names.dedup();
    for (name, (_, place)) in &scope.goals {
        if names.binary_search(&&**name).is_err() {
            reader.report_unknown(
                Code::UnknownGoal,
                *place,
                &format!("no plan has a timeframe `{name}`"),
                (name, "the timeframes are"),
                &names,
            );
        }
    }
}

/// Warns of targets, templates and calendars that nothing refers to.
pub(super) fn declarations(
    reader: &mut Reader,
    trees: &[Node],
    scope: &Scope,
    plans: &[Placed<'_>],
) {
    let addresses = || plans.iter().flat_map(|placed| placed.plan.addresses());
    let told: BTreeSet<&Text> = addresses()
        .filter_map(|address| match &address.to {
            Recipient::Target { name, .. } => Some(name),
            Recipient::Field(_) => None,
        })
        .collect();
    for (name, place) in scope.target_places() {
        if !told.contains(name) {
            reader.report(
                Code::UnusedTarget,
                place,
                &format!("nothing tells the target `{name}`"),
                "name it in a `notify` or `warn`, or remove it",
            );
        }
    }
    let named: BTreeSet<&Text> = addresses()
        .filter_map(|address| address.template.as_ref())
        .collect();
    for (name, place) in scope.template_places() {
        if !named.contains(name) {
            reader.report(
                Code::UnusedTemplate,
                place,
                &format!("nothing names the template `{name}`"),
                &format!("name it as in `notify: [{{ to: …, template: {name} }}]`, or remove it"),
            );
        }
    }
    let mut counted_by = BTreeSet::new();
    for plans in trees.iter().filter_map(|tree| tree.get("plans")) {
        collect_calendars(plans, &mut counted_by);
    }
    for (name, _, place) in scope.calendar_entries() {
        if !counted_by.contains(&**name) {
            reader.report(
                Code::UnusedCalendar,
                place,
                &format!("nothing goes by the calendar `{name}`"),
                &format!("write `calendar: {name}` at a plan, a timeframe or a wait, or remove it"),
            );
        }
    }
}

/// Every value of a key `calendar`, wherever it stands in the plans.
fn collect_calendars<'n>(node: &'n Node, names: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::List(items) => {
            for item in items {
                collect_calendars(item, names);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                match &entry.node.value {
                    Value::Scalar(name) if entry.key == "calendar" => {
                        names.insert(name);
                    }
                    Value::Null | Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
                        collect_calendars(&entry.node, names);
                    }
                }
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}
