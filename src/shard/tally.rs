//! What is counted of a committed batch, and which partitioners the producers use.

use escalator_engine::effect::{EscalatedType, Event};
use escalator_engine::emission::Emitted;
use escalator_engine::ticket_state::Acceptance;

use super::Parts;
use crate::metrics::{IgnoredActivity, Input, Outcome};
use crate::partition::Counted;
use crate::wire;

/// So many samples that point to one partitioner only are enough to tell: by chance one in as many
/// as there are partitions would point to the other.
const SAMPLES_MIN: u64 = 20;

/// Samples of the two inputs' producers.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Per input: samples that only murmur2 explains, and that only CRC32 explains.
    samples: [[u64; 2]; 2],
}

impl Tally {
    /// Counts a committed batch of the partition of this number.
    pub(super) fn count(&mut self, number: i32, counted: &Counted, parts: &Parts) {
        let metrics = &parts.metrics;
        for fact in &counted.facts {
            let input = wire::Input::of(fact.created);
            let outcome = match fact.acceptance {
                Acceptance::Accepted => Outcome::Processed,
                Acceptance::Late => Outcome::Late,
                Acceptance::Duplicate => Outcome::Duplicate,
                Acceptance::LateDropped => Outcome::LateDropped,
            };
            metrics.events(label(input), outcome).inc();
        }
        for (input, _, refusal) in &counted.dead_letters {
            metrics.events(label(*input), Outcome::DeadLetter).inc();
            metrics.dead_letters(refusal.reason.name()).inc();
        }
        tell_dead_letters(number, counted, parts);
        for (input, sample) in &counted.partitioners {
            let of = &mut self.samples[*input as usize];
            of[0] += u64::from(sample.murmur2 && !sample.crc32);
            of[1] += u64::from(sample.crc32 && !sample.murmur2);
        }
        let families = &metrics.families;
        families.unknown_fields.inc_by(counted.unknown_fields);
        families.records_ignored.inc_by(counted.ignored);
        families
            .unknown_statuses
            .inc_by(counted.counts.unknown_statuses);
        families
            .labels_left_out
            .inc_by(counted.counts.labels_left_out);
        families
            .targets_skipped
            .inc_by(counted.counts.recipients_skipped);
        families
            .templates_failed
            .inc_by(counted.counts.templates_failed);
        let snoozes = metrics.activities_ignored(IgnoredActivity::Snooze);
        snoozes.inc_by(counted.counts.snoozes_ignored);
        let escalations = metrics.activities_ignored(IgnoredActivity::Escalate);
        escalations.inc_by(counted.counts.escalations_ignored);
        let unknown = metrics.activities_ignored(IgnoredActivity::Unknown);
        unknown.inc_by(counted.unknown_activities);
        for emitted in &counted.emitted {
            count_event(emitted, parts);
        }
    }

    /// Whether the producers of both inputs use one partitioner.
    pub(super) fn partitioners(&self) -> Result<(), String> {
        let [created, updated] = self.samples.map(dominant);
        match (created, updated) {
            (Some(created), Some(updated)) if created != updated => Err(format!(
                "the producers of created events place tickets by {created}, those of updates by \
                 {updated}, so a ticket's records are in different partitions; set `partitioner` \
                 to `murmur2_random` in producers that are built on librdkafka"
            )),
            _ => Ok(()),
        }
    }
}

/// The partitioner that explains the samples of one input, once there are enough.
fn dominant([murmur2, crc32]: [u64; 2]) -> Option<&'static str> {
    // One hand-made record must not decide, nor a few that happen to fit the other one.
    if murmur2 >= SAMPLES_MIN && murmur2 > 4 * crc32 {
        Some("murmur2")
    } else if crc32 >= SAMPLES_MIN && crc32 > 4 * murmur2 {
        Some("CRC32")
    } else {
        None
    }
}

/// Tells of the first dead letter of each reason, and how many there are: a producer that writes
/// nothing but nonsense is no reason to log as much.
fn tell_dead_letters(number: i32, counted: &Counted, parts: &Parts) {
    let mut told = Vec::new();
    for (input, offset, refusal) in &counted.dead_letters {
        let kind = (*input, refusal.reason);
        if told.contains(&kind) {
            continue;
        }
        told.push(kind);
        let letters = counted.dead_letters.iter();
        let count = letters.filter(|(input, _, refusal)| (*input, refusal.reason) == kind);
        tracing::warn!(
            kafka.topic = parts.shared.writing.names.inputs[*input as usize],
            kafka.partition = number,
            kafka.offset = *offset,
            dead_letters.count = count.count(),
            dead_letters.reason = refusal.reason.name(),
            "a record became a dead letter: {refusal}"
        );
    }
}

fn count_event(emitted: &Emitted, parts: &Parts) {
    let metrics = &parts.metrics;
    match &emitted.event {
        Event::Escalated(event) => {
            metrics.escalated(event.kind).inc();
            if event.kind == EscalatedType::Raised {
                metrics
                    .escalations(&event.plan, event.level, event.cause.kind)
                    .inc();
            }
            if event.notify_suppressed {
                metrics.families.notifications_suppressed.inc();
            }
            if emitted.is_due {
                let lateness_s = event.lateness_ms.max(0) as f64 / 1000.0;
                metrics.families.timer_lateness.observe(lateness_s);
            }
        }
        Event::Notify(event) => metrics.notifications(&event.to_kind, event.purpose).inc(),
    }
}

const fn label(input: wire::Input) -> Input {
    match input {
        wire::Input::Created => Input::Created,
        wire::Input::Updated => Input::Updated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_disagree_only_when_both_are_known() {
        let check = |samples| Tally { samples }.partitioners().is_ok();
        assert!(check([[0, 0], [0, 0]]));
        assert!(check([[500, 40], [900, 0]]));
        assert!(check([[500, 40], [0, 3]]), "three samples may be chance");
        assert!(!check([[500, 40], [2, 60]]));
        assert!(check([[500, 400], [2, 60]]), "a mixture is no setting");
    }
}
