//! One scenario under way: a service of several processes on three brokers, under load.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use escalator_engine::time::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::cluster::Cluster;
use super::load::{self, Event, PLAN, Writer, now_ms};
use super::scenario::{Outcome, Scenario};
use super::verdict::Expected;
use super::watcher::Watcher;
use crate::PARTITIONS;
use crate::site::Site;
use crate::support::broker::run_program;
use crate::support::process::Escalator;
use crate::support::{pass, wait_until};

/// The settings that the figures in the documentation are of.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("ESCALATOR__KAFKA__SESSION_TIMEOUT", "10s"),
    ("ESCALATOR__KAFKA__TRANSACTION_TIMEOUT", "5s"),
];

/// What was due in the past is told, too; and replicas look often whether the group has changed.
const SETTINGS: &str = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n\
     [kafka.properties]\n'heartbeat.interval.ms' = '150'\n";

/// From a call to the first instant of the load, for writing what comes first.
const HEAD: Duration = Duration::from_secs(4);

/// Whatever has to happen in the end, has happened by then; a machine that is busy with other things
/// needs some of it.
const PATIENCE: Duration = Duration::from_secs(150);

/// The names of replicas.
pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];

/// What is going on.
pub(crate) struct Stage<'a> {
    pub(crate) cluster: &'a mut Cluster,
    pub(crate) site: Site,
    pub(crate) watcher: Watcher,
    /// Dead letters that the scenario itself makes.
    pub(crate) dead_letters: usize,
    /// What ends when the scenario does.
    pub(crate) guests: Vec<Box<dyn FnOnce()>>,
    brokers: String,
    /// How many `escalated` events there are to be.
    expected: usize,
    running: BTreeMap<&'static str, Escalator>,
    injected_ms: i64,
    lost_ms: Option<i64>,
}

impl<'a> Stage<'a> {
    /// Starts the service and waits until each partition is served, and followed where it is to be.
    pub(crate) fn open(cluster: &'a mut Cluster, scenario: &Scenario) -> Self {
        let settings = format!("{SETTINGS}{}", scenario.settings);
        let site = Site::at(&cluster.address(), PLAN, PARTITIONS, &settings);
        (scenario.prepare)(&site);
        let brokers = if scenario.by_proxy {
            cluster.address_by_proxy()
        } else {
            cluster.address()
        };
        let watcher = Watcher::start(&site.broker, &site.topic("escalated"));
        let mut stage = Self {
            cluster,
            site,
            watcher,
            dead_letters: 0,
            guests: Vec::new(),
            brokers,
            expected: usize::MAX,
            running: BTreeMap::new(),
            injected_ms: 0,
            lost_ms: None,
        };
        for name in &NAMES[..scenario.replicas] {
            stage.start(name);
        }
        if scenario.replicas > 0 {
            stage.wait_until_shared();
        }
        stage
    }

    /// Plays the scenario, and compares what came of it with what had to.
    pub(crate) fn play(mut self, scenario: &Scenario) -> Outcome {
        let begin_ms = now_ms() + i64::try_from((HEAD + scenario.head).as_millis()).unwrap();
        let events = (scenario.load)(begin_ms, scenario.length);
        let file = load::file(&events);
        let until = until(&events);
        let last_ms = events.last().unwrap().at_ms;
        let mut writer = Writer::start(&self.site, events, scenario.lead + scenario.head);
        let expected = Expected::new(&self.site, &file, &until);
        self.expected = expected.escalated;
        self.injected_ms = begin_ms;
        let mut seen = (scenario.run)(&mut self);
        self.cluster.mend();
        let too_late = writer.finish();
        // What is not due yet is not late.
        Self::pass_until(last_ms);
        let end = Instant::now();
        wait_until("everything that is due", PATIENCE, || {
            pass(Duration::from_millis(100));
            self.has_all().then_some(())
        });
        self.wait_until_read();
        let rest = end.elapsed();
        if rest > Duration::from_secs(15) {
            seen += &format!("; the last came {} s after it was due", rest.as_secs());
        }
        seen += &self.told();
        let gap = self.watcher.longest_gap(self.injected_ms);
        let takeover_ms = self.lost_ms.map(|lost_ms| gap.end_ms - lost_ms);
        for (name, child) in std::mem::take(&mut self.running) {
            let ended = child.stop();
            assert!(ended.success(), "{name}: {}", self.site.log_tail(name));
        }
        for guest in self.guests.drain(..) {
            guest();
        }
        let mut verdict = expected.judge(&self.site);
        let dead = self.site.read("dead").len();
        verdict.dead = dead.abs_diff(self.dead_letters);
        self.remove_topics();
        Outcome {
            seen,
            unserved_ms: gap.length_ms,
            takeover_ms,
            too_late,
            verdict,
        }
    }

    /// From now on what is seen is the fault's doing. Waits until all is well before.
    pub(crate) fn inject(&mut self) {
        wait_until("a steady flow", PATIENCE, || {
            self.watcher.is_current().then_some(())
        });
        // A second of it, so that the fault is no part of the start.
        pass(Duration::from_secs(1));
        self.injected_ms = now_ms();
    }

    /// Waits until each partition publishes what is due, or all of it was published.
    pub(crate) fn wait_until_current(&self) {
        // What was published just before does not count.
        pass(Duration::from_millis(1_100));
        wait_until("what is due", PATIENCE, || {
            pass(Duration::from_millis(20));
            (self.watcher.is_current() || self.has_all()).then_some(())
        });
    }

    fn pass_until(at_ms: i64) {
        let rest_ms = u64::try_from(at_ms - now_ms());
        pass(Duration::from_millis(rest_ms.unwrap_or_default()));
    }

    fn has_all(&self) -> bool {
        self.watcher.count() >= self.expected
    }

    /// Starts a replica.
    pub(crate) fn start(&mut self, name: &'static str) {
        let config = self.site.path().join("escalator.toml");
        let arguments = [
            "run",
            "--config",
            config.to_str().unwrap(),
            "--instance",
            name,
            "--brokers",
            &self.brokers,
        ];
        let child = Escalator::start_with(self.site.path(), name, &arguments, &ENVIRONMENT);
        assert!(self.running.insert(name, child).is_none(), "{name} runs");
    }

    /// Kills a replica; how long it takes others to take over is measured from here.
    pub(crate) fn kill(&mut self, name: &str) {
        let child = self.running.remove(name).unwrap();
        self.lost_ms.get_or_insert_with(now_ms);
        child.kill();
    }

    /// Stops a replica in good order.
    pub(crate) fn stop(&mut self, name: &str) {
        let child = self.running.remove(name).unwrap();
        let ended = child.stop();
        assert!(ended.success(), "{name}: {}", self.site.log_tail(name));
    }

    /// Sends a signal such as `-STOP` to a replica.
    pub(crate) fn signal(&mut self, name: &str, signal: &str) {
        if signal == "-STOP" {
            self.lost_ms = Some(now_ms());
        }
        self.running[name].signal(signal);
    }

    /// A metric of every replica: the sum of its lines that hold a text.
    pub(crate) fn metric(&self, name: &str, label: &str) -> Vec<f64> {
        let answers = self.running.values().map(|child| {
            let answer = child.ask("GET /metrics", "").unwrap_or_default();
            let lines = answer.lines();
            lines
                .filter(|line| line.starts_with(name) && line.contains(label))
                .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
                .sum()
        });
        answers.collect()
    }

    /// Waits until each replica serves its share, and each partition has a copy wherever one is to be.
    pub(crate) fn wait_until_shared(&self) {
        let replicas = self.running.len();
        let share = f64::from(PARTITIONS) / replicas as f64;
        let settings = std::fs::read_to_string(self.site.path().join("escalator.toml"));
        let is_cold = settings.unwrap().contains("copies = 0");
        let others = if is_cold { 0 } else { replicas - 1 };
        wait_until("the sharing of all partitions", PATIENCE, || {
            pass(Duration::from_millis(100));
            let live = self.metric("escalator_partitions{", "\"live\"");
            let late = self.metric("escalator_partitions{", "\"catching_up\"");
            let owned = live.iter().zip(late).map(|(live, late)| live + late);
            let is_shared = owned.into_iter().all(|owned| owned == share);
            let warm: f64 = self
                .metric("escalator_standby_current_partitions ", "")
                .iter()
                .sum();
            (is_shared && warm >= (others * PARTITIONS as usize) as f64).then_some(())
        });
    }

    /// Waits until the group's offsets are at the ends of the inputs.
    fn wait_until_read(&self) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.site.broker)
            .set("group.id", self.site.group())
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        for input in ["created", "updated"] {
            for partition in 0..PARTITIONS {
                list.add_partition(&self.site.topic(input), partition);
            }
        }
        wait_until("the end of the inputs", PATIENCE, || {
            let timeout = Duration::from_secs(10);
            let committed = consumer.committed_offsets(list.clone(), timeout).ok()?;
            let places = committed.elements();
            let mut ends = places.iter().map(|place| {
                let watermarks =
                    consumer.fetch_watermarks(place.topic(), place.partition(), timeout);
                Some(watermarks.ok()?.1 == place.offset().to_raw()?)
            });
            ends.all(|is_read| is_read == Some(true)).then_some(())
        });
    }

    /// What the replicas say that they went through.
    fn told(&self) -> String {
        let logs = NAMES.map(|name| {
            let log = self.site.path().join(format!("{name}.log"));
            std::fs::read_to_string(log).unwrap_or_default()
        });
        let of_fault = |line: &&str| {
            let instant = line
                .split_once("\"timestamp\":\"")
                .and_then(|(_, rest)| Timestamp::parse(rest.split_once('"')?.0).ok());
            instant.is_none_or(|at| at.as_millis() >= self.injected_ms)
        };
        let count = |phrase: &str| {
            let lines = logs.iter().flat_map(|log| log.lines());
            lines
                .filter(|line| line.contains(phrase))
                .filter(of_fault)
                .count()
        };
        let mut told = String::new();
        for (phrase, what, became) in [
            ("partitions were revoked", "rebalance", ""),
            ("it is sent again", "transaction", " aborted"),
            ("is committed is not known", "outcome", " unknown"),
            ("the producer was replaced", "producer", " fenced"),
            ("goes on from its state", "partition", " taken over"),
        ] {
            let count = count(phrase);
            let plural = if count == 1 { "" } else { "s" };
            if count > 0 {
                told += &format!("; {count} {what}{plural}{became}");
            }
        }
        told
    }

    /// Which partitions of what is published hold an open transaction, and what readers see of them
    /// and what is there: brokers that lost its end hold back their readers for ever.
    fn held_back(&self) -> Vec<String> {
        let ends = |isolation: &str, topic: &str, partition| {
            let consumer: BaseConsumer = ClientConfig::new()
                .set("bootstrap.servers", &self.site.broker)
                .set("isolation.level", isolation)
                .create()
                .ok()?;
            let answer = consumer.fetch_watermarks(topic, partition, Duration::from_secs(5));
            Some(answer.ok()?.1)
        };
        let mut held_back = Vec::new();
        for topic in ["escalated", "notify", "state"].map(|name| self.site.topic(name)) {
            for partition in 0..PARTITIONS {
                let stable = ends("read_committed", &topic, partition);
                let written = ends("read_uncommitted", &topic, partition);
                if stable != written {
                    held_back.push(format!("{topic} {partition}: {stable:?} of {written:?}"));
                }
            }
        }
        held_back
    }

    /// Which transactions are open where, and what their coordinators say of them.
    fn open_transactions(&self) -> String {
        let topics = ["escalated", "notify", "state"].map(|name| self.site.topic(name));
        let arguments = [self.site.broker.as_str()].into_iter();
        let arguments = arguments.chain(topics.iter().map(String::as_str));
        run_program("Open.java", arguments).unwrap_or_else(|error| error)
    }

    fn remove_topics(&self) {
        let names = [
            "created",
            "updated",
            "state",
            "escalated",
            "notify",
            "dead",
            "plans",
        ];
        self.cluster
            .remove(&names.map(|name| self.site.topic(name)));
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let tails = NAMES.map(|name| format!("{name}:\n{}\n", self.site.log_tail(name)));
            // Nobody is left to tell that it could not be told.
            drop(writeln!(
                std::io::stderr(),
                "{}held back: {:?}\n{}",
                tails.concat(),
                self.held_back(),
                self.open_transactions()
            ));
        }
    }
}

/// An instant by which all that follows from the events is over.
fn until(events: &[Event]) -> String {
    let last_ms = events.last().unwrap().at_ms;
    Timestamp::from_millis(last_ms + 3_600_000).to_string()
}
