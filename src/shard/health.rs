//! What a shard tells about readiness, said only when it changes.

use super::ownership::Slot;
use super::{Parts, RestoredState, Shard};
use crate::http::Check;
use crate::kafka::log::Log;
use crate::kafka::restore::Copies;

/// So many refused partitions are named with their reasons; the log has all of them.
const NAMED_MAX: usize = 10;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Told {
    broker: Option<Result<(), String>>,
    partitions: Option<Result<(), String>>,
    partitioners: Option<Result<(), String>>,
    /// Whether the group has said for the first time what this replica is to serve.
    is_member: bool,
    /// The copies that are read before the group is joined.
    warming_up: Option<Copies>,
    /// What holds a restore back.
    held_back: Option<String>,
    /// Why it is not known which copies are wanted.
    missed_copies: Option<String>,
    /// Why the end of a partition is not known.
    missed_end: Option<String>,
}

impl Told {
    /// Notes whether copies are read before the group is joined, and how far they are.
    pub(super) fn warm_up(&mut self, copies: Option<Copies>) {
        self.warming_up = copies;
        self.missed_copies = None;
    }

    /// Notes that it is not known which copies are wanted: nothing that is served waits for that.
    pub(super) fn miss_copies(&mut self, reason: String) {
        let what = "which warm copies are wanted is not known now";
        warn_once(&mut self.missed_copies, reason, what);
    }

    /// Notes why the end of a partition is not known, if that is so: nothing falls due in it meanwhile.
    pub(super) fn miss_ends(&mut self, reason: Option<String>) {
        match reason {
            Some(reason) => {
                let what = "a partition is held up because its end is not known";
                warn_once(&mut self.missed_end, reason, what);
            }
            None => self.missed_end = None,
        }
    }

    /// Whether copies are read before the group is joined.
    pub(super) const fn is_warming_up(&self) -> bool {
        self.warming_up.is_some()
    }

    /// Notes that the group has said what this replica is to serve, be it nothing.
    pub(super) const fn join(&mut self) {
        self.is_member = true;
    }

    /// Notes what holds a restore back, for as long as one is under way.
    pub(super) fn hold_back(&mut self, reason: String) {
        let what = "the state of a partition cannot be read yet";
        warn_once(&mut self.held_back, reason, what);
    }

    /// Whether what the group has given is served, and else what that waits for.
    fn serving(&self) -> Result<(), String> {
        match self.warming_up {
            Some(copies) => Err(format!(
                "{} of {} partitions of others are read; the group is joined when all are",
                copies.current, copies.partitions
            )),
            None if self.is_member => self.missed_end.clone().map_or(Ok(()), Err),
            None => Err("the group has not said yet which partitions are to be served".to_owned()),
        }
    }

    /// Tells that the brokers answer.
    pub(super) fn broker_answers(&mut self, parts: &Parts) {
        if self.broker == Some(Ok(())) {
            return;
        }
        self.broker = Some(Ok(()));
        parts.metrics.families.broker_up.set(1);
        tracing::info!("the brokers answer");
        parts.health.pass(Check::Broker);
    }

    /// Tells that they do not, and why.
    pub(super) fn broker_fails(&mut self, parts: &Parts, reason: &str) {
        let failure = Err(reason.to_owned());
        if self.broker.as_ref() == Some(&failure) {
            return;
        }
        self.broker = Some(failure);
        parts.metrics.families.broker_up.set(0);
        tracing::warn!(reason, "the brokers do not do what they are asked for");
        parts.health.fail(Check::Broker, reason);
    }
}

/// Warns of something, and not once more for the same reason.
fn warn_once(told: &mut Option<String>, reason: String, what: &str) {
    if told.as_ref() != Some(&reason) {
        tracing::warn!(reason, "{what}");
        *told = Some(reason);
    }
}

impl<L: Log<State = RestoredState>> Shard<L> {
    /// Tells whether every owned partition is being processed, and whether the producers agree.
    pub(super) fn tell_health(&mut self) {
        let (mut waiting, mut refused) = (Vec::new(), Vec::new());
        for (number, slot) in &self.slots {
            match slot {
                Slot::Refused { reason, .. } => refused.push(reason.as_str()),
                Slot::Restoring { .. } | Slot::Returned { .. } | Slot::Restored { .. } => {
                    waiting.push(*number);
                }
                Slot::Live(_) => {}
            }
        }
        if waiting.is_empty() {
            self.health.held_back = None;
        }
        let partitions = match (refused.as_slice(), waiting.as_slice()) {
            ([_, ..], _) => Err(together(&refused)),
            ([], []) => self.health.serving(),
            ([], waiting) => {
                let reason = self.health.held_back.iter();
                let reason: String = reason.map(|reason| format!(": {reason}")).collect();
                Err(format!(
                    "the state of partitions {waiting:?} is being read{reason}"
                ))
            }
        };
        let told = &mut self.health.partitions;
        tell(&self.parts, Check::Partitions, partitions, told);
        let partitioners = self.tally.partitioners();
        let told = &mut self.health.partitioners;
        tell(&self.parts, Check::Partitioners, partitioners, told);
    }
}

/// The reasons of refused partitions, as many as somebody would read.
fn together(refused: &[&str]) -> String {
    let mut text = refused[..refused.len().min(NAMED_MAX)].join("; ");
    if refused.len() > NAMED_MAX {
        text += &format!("; and {} partitions more", refused.len() - NAMED_MAX);
    }
    text
}

fn tell(
    parts: &Parts,
    check: Check,
    finding: Result<(), String>,
    told: &mut Option<Result<(), String>>,
) {
    if told.as_ref() == Some(&finding) {
        return;
    }
    match &finding {
        Ok(()) => parts.health.pass(check),
        Err(reason) => {
            // What is wrong with partitions is logged where it is found.
            if check == Check::Partitioners {
                tracing::warn!(reason, "the inputs do not go together");
            }
            parts.health.fail(check, reason.as_str());
        }
    }
    *told = Some(finding);
}
