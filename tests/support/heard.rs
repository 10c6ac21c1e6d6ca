//! Plans and events as texts, for an engine that a test drives itself.

use std::sync::Arc;

use escalator::plan_file::{Sources, check};
use escalator_engine::plan::Revision;
use serde_json::{Value, json};

/// The revision that these plans are.
pub(crate) fn revision(plans: &str) -> Arc<Revision> {
    let set = check(Sources::from_text("plans.yaml", plans)).into_set();
    Arc::clone(set.unwrap().revision())
}

/// A line of an event file about ticket `T1`, whose id is its instant.
pub(crate) fn line(topic: &str, at: &str, content: &Value) -> String {
    let mut value = json!({ "ticket_id": "T1", "occurred_at": at, "event_id": at });
    let fields = content.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(fields);
    json!({ "topic": topic, "value": value }).to_string() + "\n"
}
