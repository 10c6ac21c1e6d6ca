//! Puts the parts of `run` together and takes them apart again.
//!
//! Order of the start: HTTP, so that health can be asked for from the first moment; the topics,
//! waiting for brokers that are not there yet; the schemas of events out, where a registry has them;
//! the log of plan edits, to its end; then the shard, on this thread. Order of the end: the shard finishes its transaction and leaves the group, then HTTP
//! stops.

pub mod edits;
mod reload;
mod schemas;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use escalator_engine::emission;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

use crate::causes::chain;
use crate::clock::Clock;
use crate::edits::{EditLog, first_digits};
use crate::http::{self, Check, Health, Parts, Request, Server};
use crate::kafka::cluster::Cluster;
use crate::kafka::standby::Standby;
use crate::kafka::topics::{TopicFacts, TopicNames, Topics};
use crate::kafka::{self, ClientSettings, OffsetOf};
use crate::mapping::Mappings;
use crate::memory;
use crate::metrics::Metrics;
use crate::partition::{Names, Shared, Writing};
use crate::plan_file::PlanSet;
use crate::settings::{self, Settings, StartFrom};
use crate::shard::{self, Pace, RestoredState, Shard, StartAt};
use crate::wire;

use edits::{EditTopic, Offered};
use reload::{Reloader, Watch};

/// Brokers that are not there yet are asked for again after this.
const RETRY: Duration = Duration::from_millis(500);

/// Why the service ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// HTTP cannot be served.
    #[error("the HTTP server cannot be started")]
    Http(#[from] http::Error),
    /// Kafka cannot be used as it is.
    #[error("Kafka cannot be used as it is")]
    Kafka(#[from] kafka::Error),
    /// The schema registry cannot be used as it is.
    #[error("the schema registry cannot be used as it is")]
    Registry(#[from] schemas::Error),
    /// The log of plan edits cannot be used.
    #[error("the plans cannot be put into force")]
    Edits(#[from] edits::Error),
    /// The cycle ended.
    #[error("the service had to stop")]
    Shard(#[from] shard::Error),
    /// A thread could not be started.
    #[error("the thread that answers reloads cannot be started")]
    Thread(#[from] std::io::Error),
}

/// What the command line hands in.
pub struct Start {
    /// The settings.
    pub settings: Settings,
    /// The plans, checked.
    pub plans: PlanSet,
    /// How records of other systems are read.
    pub mappings: Arc<Mappings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends the service when it becomes true.
    pub stop: Arc<AtomicBool>,
    /// Whether it loads the plan files again when they change.
    pub follows_files: bool,
    /// Makes it load the plan files again when it becomes true.
    pub hang_up: Arc<AtomicBool>,
    /// A number that differs from run to run, such as the process id.
    pub run_number: u32,
}

impl Start {
    /// Makes an attempt now and then, until one comes to an end. None when the service is to stop before.
    fn keep_trying<T, E>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        while !self.stop.load(Ordering::Acquire) {
            if let Some(done) = attempt()? {
                return Ok(Some(done));
            }
            std::thread::sleep(RETRY);
        }
        Ok(None)
    }
}

/// A service whose health can be asked for, and that does not work yet.
pub struct Service {
    start: Start,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    server: Server,
    requests: Receiver<Request>,
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When it cannot start, or cannot go on and waiting would not help.
pub fn run(start: Start) -> Result<(), Error> {
    memory::ask_for_small_pages();
    memory::share_no_large_pieces();
    Service::open(start)?.run()
}

impl Service {
    /// Begins to answer over HTTP.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn open(start: Start) -> Result<Self, Error> {
        let metrics = Arc::new(Metrics::new());
        let health = Arc::new(Health::new());
        metrics.show_revision(start.plans.revision());
        let reasons = wire::DeadLetterReason::ALL.map(wire::DeadLetterReason::name);
        metrics.declare_dead_letter_reasons(reasons);
        health.pass(Check::Plans);
        let (asked, requests) = http::requests();
        let server = Server::start(
            start.settings.http.listen,
            Parts {
                metrics: Arc::clone(&metrics),
                health: Arc::clone(&health),
                clock: Arc::clone(&start.clock),
                admin_token: start.settings.http.admin_token.clone(),
                requests: asked,
            },
        )?;
        tracing::info!(http.address = %server.address(), "health and metrics are served");
        Ok(Self {
            start,
            metrics,
            health,
            server,
            requests,
        })
    }

    /// Where health and metrics are served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What the service finds out about itself.
    #[must_use]
    pub const fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// When it cannot go on and waiting would not help.
    pub fn run(self) -> Result<(), Error> {
        let Self {
            start,
            metrics,
            health,
            server,
            requests,
        } = self;
        let settings = &start.settings;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            instance = settings.instance,
            kafka.brokers = settings.kafka.brokers,
            kafka.group = settings.kafka.group,
            plans.revision = &*start.plans.revision().id,
            plans.count = start.plans.revision().plans.len(),
            "the service starts"
        );
        let clients = client_settings(&start.settings);
        let Some(facts) = wait_for_topics(&start, &clients, &health, &metrics)? else {
            return Ok(());
        };
        let Some(format) = schemas::output_format(&start, &health)? else {
            return Ok(());
        };
        let Some(topic) = join_edits(&start, &clients, &health)? else {
            return Ok(());
        };
        let log = topic.log().clone();
        let reloader = Reloader {
            asked: requests,
            hang_up: Arc::clone(&start.hang_up),
            follows_files: start.follows_files,
            topic,
            metrics: Arc::clone(&metrics),
            watch: Watch::new(start.settings.plans.clone()),
            loaded: start.plans.revision().id.to_string(),
        };
        // It ends with the server, whose requests it answers.
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || reloader.run())?;
        let facts = Facts {
            topics: facts,
            edits: log,
            format,
        };
        let result = run_shard(&start, &clients, facts, &metrics, &health);
        drop(server);
        tracing::info!("the service has stopped");
        result
    }
}

/// How the clients of a service with these settings reach the brokers.
#[must_use]
pub fn client_settings(settings: &Settings) -> ClientSettings {
    ClientSettings {
        brokers: settings.kafka.brokers.clone(),
        group: settings.kafka.group.clone(),
        instance: settings.instance.clone(),
        properties: settings
            .kafka
            .properties
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        session_timeout: settings.kafka.session_timeout,
        transaction_timeout: settings.kafka.transaction_timeout,
        is_static: settings.kafka.static_membership,
    }
}

/// The topics as a partition names them in its records.
#[must_use]
pub fn names(topics: &settings::Topics) -> Names {
    Names {
        inputs: [topics.created.clone(), topics.updated.clone()],
        state: topics.state.as_str().into(),
        escalated: topics.escalated.as_str().into(),
        notify: topics.notify.as_str().into(),
        dead_letters: topics.dead_letters.as_str().into(),
    }
}

/// What is known at first of the schemas that records were written with: nothing, and whether
/// somebody can be asked.
#[must_use]
pub fn writer_schemas(settings: &Settings) -> wire::WriterSchemas {
    match settings.registry {
        Some(_) => wire::WriterSchemas::of_registry(),
        None => wire::WriterSchemas::default(),
    }
}

/// The names of the topics of a service with these settings.
#[must_use]
pub fn topic_names(topics: &settings::Topics) -> TopicNames {
    TopicNames {
        created: topics.created.clone(),
        updated: topics.updated.clone(),
        state: topics.state.clone(),
        escalated: topics.escalated.clone(),
        notify: topics.notify.clone(),
        dead_letters: topics.dead_letters.clone(),
        plans: topics.plans.clone(),
    }
}

/// Waits for the brokers, makes topics when that is wanted, and checks them. None when the service
/// is to stop before.
fn wait_for_topics(
    start: &Start,
    clients: &ClientSettings,
    health: &Health,
    metrics: &Metrics,
) -> Result<Option<TopicFacts>, Error> {
    let settings = &start.settings.topics;
    let names = topic_names(settings);
    let topics = Topics::new(clients, &names)?;
    let mut waiting = Waiting::new(health);
    start.keep_trying(|| {
        let checked = if settings.create {
            make_topics(&topics, settings).and_then(|_| topics.check_made())
        } else {
            topics.check()
        };
        match checked {
            Ok(facts) => {
                for advice in &facts.advice {
                    tracing::warn!(kafka.topic = advice.topic(), "{advice}");
                }
                return Ok(Some(facts));
            }
            Err(error) if error.is_retriable() => {
                metrics.families.broker_up.set(0);
                waiting.tell(&error);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    })
}

/// Tells why the start waits: readiness always, the log once.
struct Waiting<'h> {
    health: &'h Health,
    is_logged: bool,
}

impl<'h> Waiting<'h> {
    const fn new(health: &'h Health) -> Self {
        Self {
            health,
            is_logged: false,
        }
    }

    fn tell(&mut self, error: &dyn std::error::Error) {
        let reason = chain(error);
        if !self.is_logged {
            tracing::warn!(reason, "the service waits for the brokers");
            self.is_logged = true;
        }
        self.health.fail(Check::Broker, reason);
    }
}

/// Makes the topics that are missing, as the settings want them; answers with the names of those
/// made.
///
/// # Errors
/// When the broker refuses one, or retriable while none answers.
pub fn make_topics(
    topics: &Topics<'_>,
    settings: &settings::Topics,
) -> Result<Vec<String>, kafka::Error> {
    let partitions = usize::try_from(settings.partitions).unwrap_or_default();
    let made = topics.create(partitions, settings.replication)?;
    if !made.is_empty() {
        tracing::info!(kafka.topics = made.join(","), "topics were made");
    }
    Ok(made)
}

/// Reads the log of plan edits to its end and puts the own plans into it, unless they were seen
/// there. None when the service is to stop before.
fn join_edits(
    start: &Start,
    clients: &ClientSettings,
    health: &Health,
) -> Result<Option<EditTopic>, Error> {
    let mut topic = EditTopic::open(clients, &start.settings.topics.plans)?;
    let hash = &start.plans.revision().id;
    let mut waiting = Waiting::new(health);
    let joined = start.keep_trying::<_, Error>(|| {
        let offered = topic
            .read()
            .map_err(edits::Error::from)
            .and_then(|refused| {
                for (offset, reason) in refused {
                    tracing::error!(
                        kafka.offset = offset,
                        "an edit of the plans is refused, the log goes on without it: {reason}"
                    );
                }
                topic.offer(&start.plans)
            });
        match offered {
            Ok(Offered::Appended) => tracing::info!(
                plan.revision = &**hash,
                "revision {} is in the log of plan edits",
                first_digits(hash)
            ),
            Ok(Offered::InForce) => {}
            Ok(Offered::Older) => tracing::warn!("{}", reload::older(hash)),
            Err(error) if error.is_retriable() => {
                waiting.tell(&error);
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(()))
    })?;
    Ok(joined.map(|()| topic))
}

/// What the start has found out.
struct Facts {
    topics: TopicFacts,
    edits: EditLog,
    format: wire::OutputFormat,
}

fn run_shard(
    start: &Start,
    clients: &ClientSettings,
    facts: Facts,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
) -> Result<(), Error> {
    let settings = &start.settings;
    let Facts { edits, .. } = &facts;
    let own_rules = || Rules::new(Arc::clone(start.plans.revision()));
    let rules = Arc::new(edits.rules().unwrap_or_else(own_rules));
    metrics.show_revision(rules.latest());
    let builder_rules = Arc::clone(&rules);
    let log: Cluster<RestoredState> = Cluster::new(
        clients,
        0,
        topic_names(&settings.topics),
        facts.topics.limits,
        Standby {
            copies: settings.standby.copies,
            partitions: i32::try_from(facts.topics.partitions).unwrap_or(i32::MAX),
            warm_up: settings.standby.warm_up,
            is_awaited: settings.kafka.static_membership,
        },
        Arc::new(move |partition, records, committed| {
            shard::build(partition, &builder_rules, records, committed)
        }),
    )?;
    let parts = shard::Parts {
        shared: shared(start, rules, &facts),
        edits: facts.edits,
        registry: schemas::desk(settings.registry.as_ref())?,
        start: start_at(&settings.start),
        pace: Pace {
            records_max: settings.tuning.transaction_records,
            interval: settings.tuning.commit_interval,
            much: shard::MUCH,
        },
        run_id: format!(
            "{}-{}-{}",
            settings.instance,
            start.clock.now().as_millis(),
            start.run_number
        ),
        clock: Arc::clone(&start.clock),
        metrics: Arc::clone(metrics),
        health: Arc::clone(health),
    };
    Ok(Shard::new(log, parts).run(&start.stop)?)
}

fn shared(start: &Start, rules: Arc<Rules>, facts: &Facts) -> Shared {
    let settings = &start.settings;
    let Facts {
        format,
        topics: facts,
        ..
    } = facts;
    Shared {
        rules,
        edits_until: Timestamp::MIN,
        tz_version: emission::tz_version(),
        grace: settings.grace,
        schemas: writer_schemas(settings),
        mappings: Arc::clone(&start.mappings),
        partitions: i32::try_from(facts.partitions).unwrap_or(i32::MAX),
        writing: Writing {
            names: names(&settings.topics),
            format: *format,
            cloud_events: settings.output.cloud_events,
            limits: facts.limits,
        },
        instance: settings.instance.clone(),
    }
}

fn start_at(start: &settings::Start) -> StartAt {
    StartAt {
        offsets: match start.from {
            StartFrom::Earliest => OffsetOf::Start,
            StartFrom::Latest => OffsetOf::HighWatermark,
            StartFrom::Instant(at) => OffsetOf::Timestamp(at.as_millis()),
        },
        notify_from: start.notify_from,
    }
}
