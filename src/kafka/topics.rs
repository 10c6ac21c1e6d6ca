//! The topics: what is checked before anything starts, and how missing ones are made.

mod defect;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::{ClientSettings, Ear, steady};
use super::error::{Error, passes};
use super::native;
use crate::record::RecordLimits;
pub use defect::Defect;

/// An answer about topics is waited for this long; a start without a broker tries again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Topics that were just made are known to every broker within this time.
const NEW_TOPIC_PATIENCE: Duration = Duration::from_secs(15);

/// They are asked for again after this.
const NEW_TOPIC_PAUSE: Duration = Duration::from_millis(500);

/// The largest record that the service writes, which is more than Kafka's usual limit: a state
/// with two copies of a ticket whose fields reach every limit, 3.3 MiB, and kept and waiting facts
/// of at most 1 MiB each; what else it holds is little. Not every hosted Kafka takes more.
pub const RECORD_BYTES_MAX: usize = 8 * 1024 * 1024;

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

    /// Those that transactions write to, the state first.
    pub(crate) fn of_transactions(&self) -> [&str; 4] {
        [
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFacts {
    /// The number of partitions of the inputs, and of all that follows them.
    pub partitions: usize,
    /// How much can be written.
    pub limits: RecordLimits,
    /// What could be better.
    pub advice: Vec<Defect>,
}

/// The settings of topics, by their names.
struct TopicSettings(BTreeMap<String, BTreeMap<String, String>>);

impl TopicSettings {
    fn value(&self, topic: &str, key: &str) -> Option<&str> {
        self.0.get(topic)?.get(key).map(String::as_str)
    }

    /// The largest record that a topic takes; none when its broker does not tell.
    fn bytes_max(&self, topic: &str) -> Option<usize> {
        self.value(topic, "max.message.bytes")?.parse().ok()
    }
}

/// The administrator's view of the cluster.
pub struct Topics<'a> {
    settings: &'a ClientSettings,
    names: &'a TopicNames,
    client: AdminClient<Ear>,
    /// [`RECORD_BYTES_MAX`] as brokers are told it.
    large: String,
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
                source: source.into(),
            })?;
        Ok(Self {
            settings,
            names,
            client,
            large: RECORD_BYTES_MAX.to_string(),
        })
    }

    /// Checks all topics.
    ///
    /// # Errors
    /// [`Error::Topics`] with every defect at once, or retriable while no broker answers.
    pub fn check(&self) -> Result<TopicFacts, Error> {
        let counts = self.partition_counts()?;
        let existing: Vec<&str> = counts.keys().copied().collect();
        let settings = self.describe(&existing)?;
        let mut defects = self.count_defects(&counts);
        defects.extend(self.setting_defects(&settings));
        match counts.get(self.names.created.as_str()) {
            Some(partitions) if defects.iter().all(Defect::is_advice) => Ok(TopicFacts {
                partitions: *partitions,
                limits: self.limits_of(&settings),
                advice: defects,
            }),
            _ => Err(Error::Topics(defects)),
        }
    }

    /// Asks how much can be written now.
    ///
    /// # Errors
    /// Retriable while no broker answers.
    pub fn limits(&self) -> Result<RecordLimits, Error> {
        let settings = self.describe(&self.names.of_transactions())?;
        Ok(self.limits_of(&settings))
    }

    fn limits_of(&self, settings: &TopicSettings) -> RecordLimits {
        let bytes_max = |topic: &str| {
            let takes = settings.bytes_max(topic).unwrap_or(USUAL_MESSAGE_BYTES);
            takes.min(RECORD_BYTES_MAX)
        };
        let written = self.names.of_transactions().into_iter();
        RecordLimits {
            escalated_bytes_max: bytes_max(&self.names.escalated),
            dead_letter_bytes_max: bytes_max(&self.names.dead_letters),
            batch_bytes_max: written.map(bytes_max).min().unwrap_or(USUAL_MESSAGE_BYTES),
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

    fn new_topic<'b>(
        &'b self,
        topic: &'b str,
        partitions: usize,
        replication: Option<i32>,
    ) -> NewTopic<'b> {
        let names = self.names;
        let count = if topic == names.plans { 1 } else { partitions };
        // -1 stands for the broker's own default.
        let replicas = TopicReplication::Fixed(replication.unwrap_or(-1));
        let large = &self.large;
        let new = NewTopic::new(topic, i32::try_from(count).unwrap_or(i32::MAX), replicas);
        if topic == names.state {
            // Small segments and an early cleaner keep what a restore has to read short.
            new.set("cleanup.policy", "compact")
                .set("segment.bytes", "33554432")
                .set("min.cleanable.dirty.ratio", "0.2")
                .set("max.message.bytes", large)
        } else if topic == names.plans {
            new.set("cleanup.policy", "delete")
                .set("retention.ms", "-1")
                .set("retention.bytes", "-1")
                .set("max.message.bytes", large)
                // The broker's clock is the instant of an edit, the same for every replica.
                .set("message.timestamp.type", "LogAppendTime")
        } else if topic == names.dead_letters {
            // Copies keep their own timestamps: with a retention, old ones would vanish at once,
            // and with the broker's limit on future ones the whole transaction would be refused.
            new.set("retention.ms", "-1")
                .set("max.message.bytes", large)
                .set("message.timestamp.after.max.ms", "9223372036854775807")
        } else if topic == names.escalated || topic == names.notify {
            new.set("max.message.bytes", large)
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

    fn setting_defects(&self, settings: &TopicSettings) -> Vec<Defect> {
        let mut defects = Vec::new();
        let (state, plans) = (self.names.state.as_str(), self.names.plans.as_str());
        let policy = settings.value(state, "cleanup.policy");
        if let Some(policy) = policy.filter(|policy| *policy != "compact") {
            defects.push(Defect::StateNotCompacted {
                topic: state.to_owned(),
                policy: policy.to_owned(),
            });
        }
        let plans_are = |key| settings.value(plans, key).unwrap_or_default();
        let wrong = if plans_are("cleanup.policy").contains("compact") {
            Some("cleanup.policy")
        } else {
            let keys = ["retention.ms", "retention.bytes"].into_iter();
            keys.into_iter()
                .find(|key| !matches!(plans_are(key), "-1" | ""))
        };
        defects.extend(wrong.map(|key| Defect::PlansCleaned {
            topic: plans.to_owned(),
            setting: format!("{key}={}", plans_are(key)),
        }));
        let kind = plans_are("message.timestamp.type");
        if !matches!(kind, "LogAppendTime" | "") {
            defects.push(Defect::PlansTimestamps {
                topic: plans.to_owned(),
                kind: kind.to_owned(),
            });
        }
        defects.extend(self.size_defects(settings));
        defects
    }

    /// Topics that do not take the largest records, and what that means.
    fn size_defects(&self, settings: &TopicSettings) -> impl Iterator<Item = Defect> {
        let names = self.names;
        let consequences = [
            (
                &names.state,
                "a ticket whose state is larger would hold its partition up",
            ),
            (
                &names.escalated,
                "larger events are written without the ticket's tags and labels",
            ),
            (
                &names.dead_letters,
                "larger ones are kept without their value",
            ),
        ];
        consequences.into_iter().filter_map(|(topic, then)| {
            let bytes = settings.bytes_max(topic)?;
            (bytes < RECORD_BYTES_MAX).then(|| Defect::RecordsLimited {
                topic: topic.clone(),
                bytes,
                wants: RECORD_BYTES_MAX,
                then,
            })
        })
    }

    fn describe(&self, topics: &[&str]) -> Result<TopicSettings, Error> {
        let mut settings = BTreeMap::new();
        // A request about nothing is refused.
        if topics.is_empty() {
            return Ok(TopicSettings(settings));
        }
        let asked: Vec<ResourceSpecifier<'_>> = topics
            .iter()
            .map(|topic| ResourceSpecifier::Topic(topic))
            .collect();
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let answers = wait(self.client.describe_configs(&asked, &options))
            .map_err(|source| self.failed("asking for the topics' settings", source))?;
        for answer in answers {
            let resource = answer.map_err(|code| {
                self.failed("asking for a topic's settings", KafkaError::AdminOp(code))
            })?;
            let entries = resource.entries.into_iter();
            let entries = entries.filter_map(|entry| Some((entry.name, entry.value?)));
            if let OwnedResourceSpecifier::Topic(topic) = resource.specifier {
                settings.insert(topic, entries.collect());
            }
        }
        Ok(TopicSettings(settings))
    }

    fn failed(&self, doing: &'static str, source: KafkaError) -> Error {
        if passes(&source) {
            let heard = native::last_reason(self.client.inner());
            let heard = heard.map(|(code, reason)| (code, steady(&reason).to_owned()));
            return Error::unreachable(&self.settings.brokers, doing, heard);
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
