//! The part of a process that reads states back, as `kafka/restore.rs` does: the stable committed
//! offsets, then the high watermark, then the fence, then the records.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::rules::Rules;

use super::cluster::Cluster;
use super::planted::{self, Mistake};
use super::reached::{Path, Reached};
use super::topic_log::Topic;
use crate::kafka::consumer::Committed;
use crate::kafka::log::Restoration;
use crate::kafka::restore;
use crate::record::{Compacted, compact};
use crate::shard::{RestoredState, build};

/// So many records are read in one step, so that much can happen between two of them.
const RECORDS_PER_STEP: usize = 6;

enum Stage {
    Asking,
    Waiting {
        committed: Vec<Committed>,
        until: i64,
        /// How many transactions had been open for too long before.
        timeouts: u64,
    },
    Reading {
        committed: Vec<Committed>,
        until: i64,
        next: i64,
        records: Compacted,
    },
}

struct Restoring {
    request: u64,
    stage: Stage,
    held_back: bool,
}

/// The restores of a process.
pub(super) struct Restorer {
    rules: Arc<Rules>,
    partitions: BTreeMap<i32, Restoring>,
    news: Vec<Restoration<RestoredState>>,
    reached: Reached,
}

impl Restorer {
    pub(super) fn new(rules: Arc<Rules>, reached: Reached) -> Self {
        Self {
            rules,
            partitions: BTreeMap::new(),
            news: Vec::new(),
            reached,
        }
    }

    /// Begins with a partition.
    pub(super) fn add(&mut self, partition: i32, request: u64) {
        let restoring = Restoring {
            request,
            stage: Stage::Asking,
            held_back: false,
        };
        self.partitions.insert(partition, restoring);
    }

    /// Gives a partition up.
    pub(super) fn cancel(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    /// What it has come to.
    pub(super) fn take_news(&mut self) -> Vec<Restoration<RestoredState>> {
        std::mem::take(&mut self.news)
    }

    /// Whether there is something to do.
    pub(super) fn is_busy(&self) -> bool {
        !self.partitions.is_empty()
    }

    /// Notes that a state is being compacted while it is read.
    pub(super) fn overtake(&self, partition: i32) {
        let restoring = self.partitions.get(&partition);
        if restoring.is_some_and(|it| matches!(it.stage, Stage::Reading { .. })) {
            self.reached.count(Path::CompactedDuringRestore);
        }
    }

    /// Goes one step further with every partition.
    pub(super) fn step(&mut self, cluster: &mut Cluster, now: i64) {
        let mut finished = Vec::new();
        for (partition, restoring) in &mut self.partitions {
            if restoring.step(*partition, cluster, now, &self.reached) {
                finished.push(*partition);
            } else {
                let (partition, stage) = (*partition, restoring.told());
                let progress = Restoration::Progress { partition, stage };
                self.news.push(progress);
            }
        }
        for partition in finished {
            let Some(restoring) = self.partitions.remove(&partition) else {
                continue;
            };
            if let Stage::Reading {
                committed,
                until,
                mut records,
                ..
            } = restoring.stage
            {
                planted::misremember(&mut records);
                let state = build(partition, &self.rules, records, &committed);
                if let Ok(restored) = &state
                    && restored.meta.is_some()
                    && committed[0].offset.is_none()
                {
                    self.reached.count(Path::StateAhead);
                }
                self.news.push(Restoration::Finished {
                    partition,
                    request: restoring.request,
                    offsets: until,
                    state,
                });
            }
        }
    }
}

impl Restoring {
    /// One step; true when it was the last.
    fn step(&mut self, partition: i32, cluster: &mut Cluster, now: i64, reached: &Reached) -> bool {
        match &mut self.stage {
            Stage::Asking => {
                let asked = [(0, partition), (1, partition)];
                let Some(committed) = cluster.group.committed(&asked, now) else {
                    if !self.held_back {
                        reached.count(Path::OffsetsHeldBack);
                    }
                    self.held_back = true;
                    return false;
                };
                let timeouts = cluster.timeouts;
                let log = cluster.log((Topic::State, partition));
                let until = if planted::is(Mistake::RestoreToStable) {
                    log.last_stable()
                } else {
                    log.high_watermark()
                };
                self.stage = Stage::Waiting {
                    committed,
                    until,
                    timeouts,
                };
                if log.last_stable() < until {
                    reached.count(Path::RestoreWaited);
                }
                false
            }
            Stage::Waiting {
                committed,
                until,
                timeouts,
            } => {
                let log = cluster.log((Topic::State, partition));
                if log.last_stable() < *until {
                    return false;
                }
                if cluster.timeouts > *timeouts {
                    reached.count(Path::RestoreBehindDeadOwner);
                }
                self.stage = Stage::Reading {
                    committed: std::mem::take(committed),
                    until: *until,
                    next: 0,
                    records: Compacted::default(),
                };
                false
            }
            Stage::Reading {
                until,
                next,
                records,
                ..
            } => {
                let log = cluster.log((Topic::State, partition));
                let (shown, after) = log.read(*next, RECORDS_PER_STEP);
                for entry in shown {
                    if entry.value.is_some() || !planted::is(Mistake::IgnoreTombstones) {
                        let key = entry.key.as_deref().unwrap();
                        compact(records, key, entry.value.as_deref());
                    }
                }
                *next = after;
                after >= *until
            }
        }
    }

    fn told(&self) -> restore::Stage {
        match &self.stage {
            Stage::Asking => restore::Stage::Asking,
            Stage::Waiting { until, .. } => restore::Stage::WaitingForFence { until: *until },
            Stage::Reading { until, next, .. } => restore::Stage::Reading {
                from: 0,
                until: *until,
                next: *next,
                records: 0,
            },
        }
    }
}
