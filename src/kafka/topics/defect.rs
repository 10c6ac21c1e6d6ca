//! What can be wrong with the topics, and what to do about it.

use std::fmt;

/// One thing that is wrong with one topic, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// There is no such topic.
    Missing {
        /// The topic.
        topic: String,
        /// How many partitions it should have, where that is known.
        partitions: Option<usize>,
    },
    /// The number of partitions differs from that of the created events' topic.
    Partitions {
        /// The topic.
        topic: String,
        /// How many it has.
        has: usize,
        /// How many it should have.
        wants: usize,
        /// The topic it should be equal to.
        like: String,
    },
    /// The plans' topic orders all edits, so it has one partition.
    PlansPartitions {
        /// The topic.
        topic: String,
        /// How many it has.
        has: usize,
    },
    /// State would be lost when its records expire.
    StateNotCompacted {
        /// The topic.
        topic: String,
        /// Its `cleanup.policy`.
        policy: String,
    },
    /// The instant of an edit would be whatever its writer's clock says.
    PlansTimestamps {
        /// The topic.
        topic: String,
        /// Its `message.timestamp.type`.
        kind: String,
    },
    /// Edits would be lost.
    PlansCleaned {
        /// The topic.
        topic: String,
        /// The setting that is wrong, and its value.
        setting: String,
    },
    /// Records of usual size fit, very large ones do not.
    RecordsLimited {
        /// The topic.
        topic: String,
        /// The largest record that it takes.
        bytes: usize,
        /// The largest record that is written to it.
        wants: usize,
        /// What becomes of records that do not fit.
        then: &'static str,
    },
}

impl Defect {
    /// The topic that it is about.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            Self::Missing { topic, .. }
            | Self::Partitions { topic, .. }
            | Self::PlansPartitions { topic, .. }
            | Self::StateNotCompacted { topic, .. }
            | Self::PlansTimestamps { topic, .. }
            | Self::PlansCleaned { topic, .. }
            | Self::RecordsLimited { topic, .. } => topic,
        }
    }

    /// Its name, for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Partitions { .. } => "partitions",
            Self::PlansPartitions { .. } => "plans_partitions",
            Self::StateNotCompacted { .. } => "state_not_compacted",
            Self::PlansTimestamps { .. } => "plans_timestamps",
            Self::PlansCleaned { .. } => "plans_cleaned",
            Self::RecordsLimited { .. } => "records_limited",
        }
    }

    /// Whether the service can work all the same.
    #[must_use]
    pub const fn is_advice(&self) -> bool {
        matches!(self, Self::RecordsLimited { .. })
    }

    /// Whether the topic is not there.
    pub(super) const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { topic, partitions } => {
                write!(f, "topic `{topic}` does not exist")?;
                if let Some(partitions) = partitions {
                    let s = if *partitions == 1 { "" } else { "s" };
                    write!(f, " and needs {partitions} partition{s}")?;
                }
                f.write_str(
                    "; run `escalator topics create`, which gives it all that it needs, or set \
                     `topics.create`",
                )
            }
            Self::Partitions {
                topic,
                has,
                wants,
                like,
            } => write!(
                f,
                "topic `{topic}` has {has} partitions but `{like}` has {wants}, and a ticket keeps \
                 its partition number everywhere; where one of the two holds no records yet, make \
                 it anew with as many as the other; where both do, or partitions were added, name \
                 new topics that have as many from the beginning, because no number of partitions \
                 can be changed without scattering tickets"
            ),
            Self::PlansPartitions { topic, has } => write!(
                f,
                "topic `{topic}` has {has} partitions, but plan edits need one order; make it anew \
                 with one partition (`escalator topics create`)"
            ),
            Self::StateNotCompacted { topic, policy } => write!(
                f,
                "topic `{topic}` has cleanup.policy={policy}, so state would expire; run \
                 `kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config \
                 cleanup.policy=compact`"
            ),
            Self::PlansTimestamps { topic, kind } => write!(
                f,
                "topic `{topic}` has message.timestamp.type={kind}, so edits would count from the \
                 clocks of their writers; run `kafka-configs.sh --alter --entity-type topics \
                 --entity-name {topic} --add-config message.timestamp.type=LogAppendTime`"
            ),
            Self::PlansCleaned { topic, setting } => write!(
                f,
                "topic `{topic}` has {setting}, so plan edits would be lost; run `kafka-configs.sh \
                 --alter --entity-type topics --entity-name {topic} --add-config \
                 cleanup.policy=delete,retention.ms=-1,retention.bytes=-1`"
            ),
            Self::RecordsLimited {
                topic,
                bytes,
                wants,
                then,
            } => write!(
                f,
                "topic `{topic}` takes records of {bytes} bytes, and {then}; run \
                 `kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config \
                 max.message.bytes={wants}`"
            ),
        }
    }
}
