//! Edits of the plans while the service runs: read before anything is decided that they might change.

use std::sync::Arc;

use escalator_engine::time::Timestamp;

use super::ownership::each_live;
use super::{Error, RestoredState, Shard};
use crate::causes::chain;
use crate::edits::{Edit, Taken, first_digits};
use crate::kafka::log::Log;
use crate::metrics::EditResult;

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Takes an answer about the end of the log of edits: reads what is new up to there, and notes
    /// that there was no more when it was asked for.
    pub(super) fn read_edits(&mut self, asked_at: Timestamp, end: i64) -> Result<(), Error> {
        let next = self.parts.edits.next();
        if next < end {
            let answer = self.log.edits(next, end);
            let Some(edits) = self.allow_retriable(answer)? else {
                return Ok(());
            };
            let mut is_edited = false;
            for record in &edits.records {
                let taken = self.parts.edits.take(record);
                is_edited |= matches!(taken, Taken::Edited(_));
                self.tell_edit(record.offset, &taken);
            }
            self.parts.edits.pass(edits.next);
            if is_edited {
                self.follow_edits();
            }
        }
        if self.parts.edits.next() >= end {
            self.parts.shared.prove_edits(asked_at);
        }
        Ok(())
    }

    /// Puts the rules of the log into the place of those so far.
    fn follow_edits(&mut self) {
        let Some(rules) = self.parts.edits.rules() else {
            return;
        };
        let rules = Arc::new(rules);
        self.parts.metrics.show_revision(rules.latest());
        // Every ticket has to be looked at.
        each_live(&mut self.slots, true, |partition| {
            partition.set_rules(&rules)
        });
        self.parts.shared.rules = rules;
    }

    fn tell_edit(&self, offset: i64, taken: &Taken) {
        let result = match taken {
            Taken::Edited(edit) => {
                let Edit {
                    at,
                    hash,
                    is_activation,
                    ..
                } = edit;
                tracing::info!(
                    plan.revision = &**hash,
                    kafka.offset = offset,
                    is_activation,
                    "revision {} is in force since {at}",
                    first_digits(hash)
                );
                EditResult::Applied
            }
            Taken::Repeated => EditResult::Repeated,
            Taken::Refused(refusal) => {
                let reason = chain(refusal);
                tracing::error!(
                    kafka.offset = offset,
                    "an edit of the plans is refused, the log goes on without it: {reason}"
                );
                EditResult::Refused
            }
        };
        self.parts.metrics.plan_edits(result).inc();
    }
}
