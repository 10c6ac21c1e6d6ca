//! The topics: what is checked before anything starts, and how missing ones are made.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::{ClientSettings, Ear};
use super::error::{Error, is_transient};

/// An answer about topics is waited for this long; a start without a broker tries again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Topics that were just made are known to every broker within this time.
const NEW_TOPIC_PATIENCE: Duration = Duration::from_secs(15);

/// They are asked for again after this.
const NEW_TOPIC_PAUSE: Duration = Duration::from_millis(500);

/// A ticket's state with its history and the copy of a large record both exceed Kafka's usual
/// limit of 1 MiB; the service's own limits keep them below this.
const LARGE_MESSAGE_BYTES: &str = "4194304";

/// Kafka's own limit, for brokers that do not tell theirs.
const USUAL_MESSAGE_BYTES: usize = 1_048_588;

/// The names of the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicNames {
    /// Tickets that were created.
    pub created: String,
    /// Tickets that were updated.
    pub updated: String,
    /// The state of the service, compacted.
    pub state: String,
    /// What was decided.
    pub escalated: String,
    /// Who is to be told.
    pub notify: String,
    /// Records that could not be read.
    pub dead_letters: String,
    /// The log of plan edits.
    pub plans: String,
}

impl TopicNames {
    /// Those that have one partition for each partition of the inputs.
    fn partitioned(&self) -> [&str; 6] {
        [
            &self.created,
            &self.updated,
            &self.state,
            &self.escalated,
            &self.notify,
            &self.dead_letters,
        ]
    }

    /// Every one of them.
    #[must_use]
    pub fn all(&self) -> [&str; 7] {
        let [a, b, c, d, e, f] = self.partitioned();
        [a, b, c, d, e, f, &self.plans]
    }
}

/// What the service needs to know of sound topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicFacts {
    /// The number of partitions of the inputs, and of all that follows them.
    pub partitions: usize,
    /// The largest record that the topic of dead letters takes.
    pub dead_letter_bytes_max: usize,
}

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
            | Self::PlansCleaned { topic, .. } => topic,
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
        }
    }

    /// Whether the topic is not there.
    const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { topic, partitions } => {
                write!(f, "topic `{topic}` does not exist; ")?;
                match partitions {
                    Some(partitions) => write!(
                        f,
                        "run `escalator topics create`, or `kafka-topics.sh --create --topic \
                         {topic} --partitions {partitions}`"
                    ),
                    None => f.write_str("run `escalator topics create`, or set `topics.create`"),
                }
            }
            Self::Partitions {
                topic,
                has,
                wants,
                like,
            } => write!(
                f,
                "topic `{topic}` has {has} partitions but `{like}` has {wants}, and a ticket keeps \
                 its partition number everywhere; make the topic anew with `kafka-topics.sh \
                 --create --topic {topic} --partitions {wants}`, adding partitions to one that \
                 holds records would scatter tickets"
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
        }
    }
}

/// The administrator's view of the cluster.
pub struct Topics<'a> {
    settings: &'a ClientSettings,
    names: &'a TopicNames,
    client: AdminClient<Ear>,
}

impl<'a> Topics<'a> {
    /// Makes the client; no broker is asked yet.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn new(settings: &'a ClientSettings, names: &'a TopicNames) -> Result<Self, Error> {
        let client = settings
            .config(&[], &[])
            .create_with_context(Ear::default())
            .map_err(|source| Error::Create {
                client: "administrating",
                source,
            })?;
        Ok(Self {
            settings,
            names,
            client,
        })
    }

    /// Checks all topics.
    ///
    /// # Errors
    /// [`Error::Topics`] with every defect at once, or retriable while no broker answers.
    pub fn check(&self) -> Result<TopicFacts, Error> {
        let counts = self.partition_counts()?;
        let mut defects = self.count_defects(&counts);
        defects.extend(self.setting_defects(&counts)?);
        match counts.get(self.names.created.as_str()) {
            Some(partitions) if defects.is_empty() => Ok(TopicFacts {
                partitions: *partitions,
                dead_letter_bytes_max: self
                    .describe(&self.names.dead_letters)?
                    .get("max.message.bytes")
                    .and_then(|bytes| bytes.parse().ok())
                    .unwrap_or(USUAL_MESSAGE_BYTES),
            }),
            _ => Err(Error::Topics(defects)),
        }
    }

    /// Checks all topics after [`Topics::create`]: what was just made may be missing for a moment.
    ///
    /// # Errors
    /// Like [`Topics::check`].
    pub fn check_made(&self) -> Result<TopicFacts, Error> {
        let deadline = Instant::now() + NEW_TOPIC_PATIENCE;
        loop {
            let checked = self.check();
            let may_pass = match &checked {
                Ok(_) => false,
                Err(Error::Topics(defects)) => defects.iter().any(Defect::is_missing),
                Err(error) => error.is_retriable(),
            };
            if !may_pass || Instant::now() >= deadline {
                return checked;
            }
            std::thread::sleep(NEW_TOPIC_PAUSE);
        }
    }

    /// Makes what is missing, with as many partitions as the existing inputs have, else with
    /// `partitions`, and with `replication` copies or as many as is the broker's default; answers
    /// with the names of those made. Existing topics are left as they are.
    ///
    /// # Errors
    /// When the broker refuses one, or retriable while none answers.
    pub fn create(
        &self,
        partitions: usize,
        replication: Option<i32>,
    ) -> Result<Vec<String>, Error> {
        let counts = self.partition_counts()?;
        let like = [&self.names.created, &self.names.updated];
        let partitions = like
            .iter()
            .find_map(|topic| counts.get(topic.as_str()).copied())
            .unwrap_or(partitions);
        let missing: Vec<NewTopic<'_>> = self
            .names
            .all()
            .into_iter()
            .filter(|topic| !counts.contains_key(topic))
            .map(|topic| self.new_topic(topic, partitions, replication))
            .collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT));
        let answers = wait(self.client.create_topics(&missing, &options))
            .map_err(|source| self.failed("creating topics", source))?;
        let mut made = Vec::new();
        for answer in answers {
            match answer {
                Ok(topic) => made.push(topic),
                // Another replica was faster; its topic is as good as ours.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => {
                    return Err(Error::Call {
                        doing: format!("creating topic {topic}"),
                        source: KafkaError::AdminOp(code),
                    });
                }
            }
        }
        Ok(made)
    }

    fn new_topic(
        &self,
        topic: &'a str,
        partitions: usize,
        replication: Option<i32>,
    ) -> NewTopic<'a> {
        let names = self.names;
        let count = if topic == names.plans { 1 } else { partitions };
        // -1 stands for the broker's own default.
        let replicas = TopicReplication::Fixed(replication.unwrap_or(-1));
        let new = NewTopic::new(topic, i32::try_from(count).unwrap_or(i32::MAX), replicas);
        if topic == names.state {
            // Small segments and an early cleaner keep what a restore has to read short.
            new.set("cleanup.policy", "compact")
                .set("segment.bytes", "33554432")
                .set("min.cleanable.dirty.ratio", "0.2")
                .set("max.message.bytes", LARGE_MESSAGE_BYTES)
        } else if topic == names.plans {
            new.set("cleanup.policy", "delete")
                .set("retention.ms", "-1")
                .set("retention.bytes", "-1")
                .set("max.message.bytes", LARGE_MESSAGE_BYTES)
                // The broker's clock is the instant of an edit, the same for every replica.
                .set("message.timestamp.type", "LogAppendTime")
        } else if topic == names.dead_letters {
            // Copies keep their own timestamps: with a retention, old ones would vanish at once,
            // and with the broker's limit on future ones the whole transaction would be refused.
            new.set("retention.ms", "-1")
                .set("max.message.bytes", LARGE_MESSAGE_BYTES)
                .set("message.timestamp.after.max.ms", "9223372036854775807")
        } else {
            new
        }
    }

    /// The number of partitions of every topic that exists.
    fn partition_counts(&self) -> Result<BTreeMap<&str, usize>, Error> {
        let metadata = self
            .client
            .inner()
            .fetch_metadata(None, REQUEST_TIMEOUT)
            .map_err(|source| self.failed("asking for the topics", source))?;
        let mut counts = BTreeMap::new();
        for name in self.names.all() {
            let found = metadata.topics().iter().find(|topic| topic.name() == name);
            if let Some(topic) = found.filter(|topic| !topic.partitions().is_empty()) {
                counts.insert(name, topic.partitions().len());
            }
        }
        Ok(counts)
    }

    fn count_defects(&self, counts: &BTreeMap<&str, usize>) -> Vec<Defect> {
        let like = self.names.created.as_str();
        let wants = counts.get(like).copied();
        let mut defects = Vec::new();
        for topic in self.names.partitioned() {
            match (counts.get(topic).copied(), wants) {
                (None, _) => defects.push(Defect::Missing {
                    topic: topic.to_owned(),
                    partitions: wants,
                }),
                (Some(has), Some(wants)) if has != wants => defects.push(Defect::Partitions {
                    topic: topic.to_owned(),
                    has,
                    wants,
                    like: like.to_owned(),
                }),
                (Some(_), _) => {}
            }
        }
        let topic = self.names.plans.clone();
        match counts.get(topic.as_str()).copied() {
            None => defects.push(Defect::Missing {
                topic,
                partitions: Some(1),
            }),
            Some(1) => {}
            Some(has) => defects.push(Defect::PlansPartitions { topic, has }),
        }
        defects
    }

    fn setting_defects(&self, counts: &BTreeMap<&str, usize>) -> Result<Vec<Defect>, Error> {
        let mut defects = Vec::new();
        let (state, plans) = (self.names.state.as_str(), self.names.plans.as_str());
        if counts.contains_key(state) {
            let found = self.describe(state)?;
            let policy = found.get("cleanup.policy").cloned().unwrap_or_default();
            if policy != "compact" {
                defects.push(Defect::StateNotCompacted {
                    topic: state.to_owned(),
                    policy,
                });
            }
        }
        if counts.contains_key(plans) {
            let found = self.describe(plans)?;
            let value = |key: &str| found.get(key).cloned().unwrap_or_default();
            let wrong = if value("cleanup.policy").contains("compact") {
                Some("cleanup.policy")
            } else {
                ["retention.ms", "retention.bytes"]
                    .into_iter()
                    .find(|key| !matches!(value(key).as_str(), "-1" | ""))
            };
            defects.extend(wrong.map(|key| Defect::PlansCleaned {
                topic: plans.to_owned(),
                setting: format!("{key}={}", value(key)),
            }));
            let kind = value("message.timestamp.type");
            if !matches!(kind.as_str(), "LogAppendTime" | "") {
                let topic = plans.to_owned();
                defects.push(Defect::PlansTimestamps { topic, kind });
            }
        }
        Ok(defects)
    }

    fn describe(&self, topic: &str) -> Result<BTreeMap<String, String>, Error> {
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let answers = wait(
            self.client
                .describe_configs(&[ResourceSpecifier::Topic(topic)], &options),
        )
        .map_err(|source| self.failed("asking for a topic's settings", source))?;
        let mut settings = BTreeMap::new();
        for answer in answers {
            let resource = answer.map_err(|code| {
                self.failed("asking for a topic's settings", KafkaError::AdminOp(code))
            })?;
            for entry in resource.entries {
                settings.extend(entry.value.map(|value| (entry.name, value)));
            }
        }
        Ok(settings)
    }

    fn failed(&self, doing: &'static str, source: KafkaError) -> Error {
        if source.rdkafka_error_code().is_some_and(is_transient) {
            return Error::Unreachable {
                brokers: self.settings.brokers.clone(),
                doing,
            };
        }
        Error::Call {
            doing: doing.to_owned(),
            source,
        }
    }
}

/// Waits for one answer; the admin client's own thread brings it about.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing that can be missing")
        .block_on(answer)
}
