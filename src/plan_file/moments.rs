//! `start:`, `stop:`, `reset:` the moments of a timeframe of kind `custom`, and `pause:` of every
//! timeframe.

use escalator_engine::moment::{Moment, Moments, Pause};
use escalator_engine::plan::TimeframeKind;

use super::conditions::condition;
use super::node::{Entry, Node, Value};
use super::problem::Code;
use super::reader::{Fields, Reader};
use super::scope::Scope;
use super::statuses;

/// Moments in one list; each is looked at for every fact.
const MOMENTS_MAX: usize = 50;

/// Reads the moments of a timeframe; only `custom` may have some.
pub(super) fn collect(
    reader: &mut Reader,
    scope: &Scope,
    entry: &Entry,
    fields: &Fields<'_>,
    kind: Option<TimeframeKind>,
) -> Moments {
    if kind == Some(TimeframeKind::Custom) {
        reader.required(fields, "start", "a timeframe of kind `custom`");
    }
    let mut list = |key: &str| -> Vec<Moment> {
        let Some(found) = fields.entry(key) else {
            return Vec::new();
        };
        if kind.is_some_and(|kind| kind != TimeframeKind::Custom) {
            reader.report(
                Code::MomentsOfFixedKind,
                found.place,
                &format!("the timeframe `{}` has its own moments", entry.key),
                &format!("leave `{key}` out, or make the timeframe `kind: custom`"),
            );
        }
        let what = format!("`{key}`");
        let nodes = reader.list_of(&found.node, &what, MOMENTS_MAX, "moments");
        nodes
            .iter()
            .filter_map(|node| moment(reader, scope, node))
            .collect()
    };
    Moments {
        start: list("start"),
        stop: list("stop"),
        reset: list("reset"),
    }
}

const WORDS: [(&str, Moment); 7] = [
    ("created", Moment::Created),
    ("matched", Moment::Matched),
    ("agent_reply", Moment::AgentReply),
    ("customer_reply", Moment::CustomerReply),
    ("acknowledged", Moment::Acknowledged),
    ("assigned", Moment::Assigned),
    ("updated", Moment::Updated),
];

fn moment(reader: &mut Reader, scope: &Scope, node: &Node) -> Option<Moment> {
    let Value::Map(_) = &node.value else {
        // None is the value of a word that is no moment.
        let names: Vec<_> = (1_usize..)
            .zip(&WORDS)
            .map(|(number, (name, _))| (*name, number))
            .collect();
        let number = reader.word(node, "a moment", &names);
        return Some(WORDS.get(number.checked_sub(1)?)?.1.clone());
    };
    let fields = reader.map(node, "a moment", &["status", "when"]);
    match (fields.get("status"), fields.get("when")) {
        (Some(status), None) => {
            let text = reader.scalar(status, "the category of a moment")?;
            statuses::category(reader, &status.place, text).map(Moment::Status)
        }
        (None, Some(when)) => Some(Moment::When(condition(reader, scope, when, "`when`"))),
        (Some(_), Some(_)) | (None, None) => {
            reader.report(
                Code::MissingKey,
                node.place,
                "a moment is either a `status` that is entered or a condition that becomes true",
                "write `{ status: on_hold }` or `{ when: { tags: parked } }`",
            );
            None
        }
    }
}

/// Reads the `pause` of a timeframe: categories, or a condition.
pub(super) fn pause(reader: &mut Reader, scope: &Scope, node: &Node) -> Pause {
    if !matches!(node.value, Value::Map(_)) {
        return Pause::In(statuses::categories(reader, node));
    }
    let fields = reader.map(node, "`pause`", &["when"]);
    let when = reader
        .required(&fields, "when", "a `pause` by condition")
        .map(|when| condition(reader, scope, when, "`when`"));
    Pause::When(Box::new(when.unwrap_or_default()))
}
