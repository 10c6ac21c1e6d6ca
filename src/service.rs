//! Puts the parts of `run` together and takes them apart again.
//!
//! Order of the start: HTTP, so that health can be asked for from the first moment; the topics,
//! waiting for brokers that are not there yet; then the shard, on this thread. Order of the end: the
//! shard finishes its transaction and leaves the group, then HTTP stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use escalator_engine::emission;
use escalator_engine::rules::Rules;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::http::{self, Check, Health, Parts, Reload, Server};
use crate::kafka::cluster::Cluster;
use crate::kafka::topics::{TopicFacts, TopicNames, Topics};
use crate::kafka::{self, ClientSettings, OffsetOf};
use crate::metrics::{Metrics, ReloadResult};
use crate::partition::{Names, Shared, Writing};
use crate::plan_file::{self, PlanSet, Sources};
use crate::settings::{self, Settings, StartFrom};
use crate::shard::{self, Pace, RestoredState, Shard, StartAt};
use crate::wire;

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
    /// The cycle ended.
    #[error("the service had to stop")]
    Shard(#[from] shard::Error),
    /// A thread ended by itself.
    #[error("the thread that answers reloads cannot be started")]
    Thread(#[from] std::io::Error),
}

/// What the command line hands in.
pub struct Start {
    /// The settings.
    pub settings: Settings,
    /// The plans, checked.
    pub plans: PlanSet,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends the service when it becomes true.
    pub stop: Arc<AtomicBool>,
    /// A number that differs from run to run, such as the process id.
    pub run_number: u32,
}

/// A service whose health can be asked for, and that does not work yet.
pub struct Service {
    start: Start,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    server: Server,
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When it cannot start, or cannot go on and waiting would not help.
pub fn run(start: Start) -> Result<(), Error> {
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
        declare(&metrics, &start.plans);
        health.pass(Check::Plans);
        let (reloads, asked) = http::reloads();
        let server = Server::start(
            start.settings.http.listen,
            Parts {
                metrics: Arc::clone(&metrics),
                health: Arc::clone(&health),
                clock: Arc::clone(&start.clock),
                admin_token: start.settings.http.admin_token.clone(),
                reloads,
            },
        )?;
        tracing::info!(http.address = %server.address(), "health and metrics are served");
        let revision = start.plans.revision().id.to_string();
        let plans_path = start.settings.plans.clone();
        let reload_metrics = Arc::clone(&metrics);
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || answer_reloads(asked, &plans_path, &revision, &reload_metrics))?;
        Ok(Self {
            start,
            metrics,
            health,
            server,
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
        let clients = client_settings(settings);
        let topics = wait_for_topics(&start, &clients, &health, &metrics);
        let result = topics.and_then(|facts| match facts {
            Some(facts) => run_shard(&start, &clients, facts, &metrics, &health),
            None => Ok(()),
        });
        if let Err(error) = &result {
            health.die(error.to_string());
        }
        drop(server);
        tracing::info!("the service has stopped");
        result
    }
}

fn declare(metrics: &Metrics, plans: &PlanSet) {
    let revision = plans.revision();
    metrics.show_plans(&revision.id);
    let levels = |plan: &escalator_engine::plan::Plan| u32::try_from(plan.path.len());
    let plans = revision.plans.iter();
    let addresses = plans.clone().flat_map(|plan| plan.addresses());
    metrics.declare_target_kinds(addresses.map(|address| address.to.kind()));
    metrics.declare_plans(plans.map(|plan| (&*plan.name, levels(plan).unwrap_or(u32::MAX))));
    metrics
        .declare_dead_letter_reasons(wire::DeadLetterReason::ALL.map(wire::DeadLetterReason::name));
}

/// Tells those who ask for a reload what the files hold; a revision comes into force by a restart.
fn answer_reloads(
    mut asked: mpsc::Receiver<Reload>,
    plans: &std::path::Path,
    in_force: &str,
    metrics: &Metrics,
) {
    while let Some(reload) = asked.blocking_recv() {
        let read = Sources::read(plans)
            .map_err(|error| error.to_string())
            .and_then(|sources| {
                plan_file::check(sources)
                    .into_set()
                    .map_err(|error| error.to_string())
            });
        let answer = match read {
            Ok(set) if &*set.revision().id == in_force => Ok(in_force.to_owned()),
            Ok(set) => Err(format!(
                "the files hold revision {}, {in_force} stays in force until the service is started \
                 anew",
                set.revision().id
            )),
            Err(problems) => Err(problems),
        };
        let result = if answer.is_ok() {
            ReloadResult::Unchanged
        } else {
            ReloadResult::Refused
        };
        metrics.plan_reloads(result).inc();
        reload.answer(answer);
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
    let mut is_told = false;
    while !start.stop.load(Ordering::Acquire) {
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
                health.fail(Check::Broker, error.to_string());
                if !is_told {
                    tracing::warn!(reason = %error, "the service waits for the brokers");
                    is_told = true;
                }
            }
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(RETRY);
    }
    Ok(None)
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

fn run_shard(
    start: &Start,
    clients: &ClientSettings,
    facts: TopicFacts,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
) -> Result<(), Error> {
    let settings = &start.settings;
    let topics = &settings.topics;
    let rules = Arc::new(Rules::new(Arc::clone(start.plans.revision())));
    let builder_rules = Arc::clone(&rules);
    let log: Cluster<RestoredState> = Cluster::new(
        clients,
        0,
        &[&topics.created, &topics.updated],
        &topics.state,
        Box::new(move |partition, records, committed| {
            shard::build(partition, &builder_rules, records, committed)
        }),
    )?;
    let parts = shard::Parts {
        shared: shared(settings, rules, &facts),
        start: start_at(&settings.start),
        pace: Pace {
            records_max: settings.tuning.transaction_records,
            interval: settings.tuning.commit_interval,
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

fn shared(settings: &Settings, rules: Arc<Rules>, facts: &TopicFacts) -> Shared {
    let topics = &settings.topics;
    Shared {
        rules,
        tz_version: emission::tz_version(),
        grace: settings.grace,
        partitions: i32::try_from(facts.partitions).unwrap_or(i32::MAX),
        writing: Writing {
            names: Names {
                inputs: [topics.created.clone(), topics.updated.clone()],
                state: topics.state.clone(),
                escalated: topics.escalated.clone(),
                notify: topics.notify.clone(),
                dead_letters: topics.dead_letters.clone(),
            },
            format: match settings.output.format {
                settings::OutputFormat::Avro => wire::OutputFormat::Avro,
                settings::OutputFormat::Json => wire::OutputFormat::Json,
            },
            escalated_bytes_max: facts.escalated_bytes_max,
            dead_letter_bytes_max: facts.dead_letter_bytes_max,
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
