//! Who was told, as counts of notifications name them.

use escalator_engine::effect::Notify;
use escalator_engine::plan::Revision;
use escalator_engine::ticket::Text;

/// A target of the plans, or whoever a field of the ticket names: then all values of that field
/// count as one, because a report by person is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// The target's name, or the field.
    pub to: Text,
    /// The target's kind; the field again when a field named them.
    pub kind: Text,
}

impl Listener {
    /// Who is meant by a notification of that revision.
    #[must_use]
    pub fn of(notify: &Notify, revision: &Revision) -> Self {
        let declared = revision.targets.get(&notify.to);
        let is_target = declared.is_some_and(|target| target.kind == notify.to_kind);
        let to = if is_target {
            &notify.to
        } else {
            &notify.to_kind
        };
        Self {
            to: to.clone(),
            kind: notify.to_kind.clone(),
        }
    }
}
