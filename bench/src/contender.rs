//! Those who are compared: how each is started, and under what name it commits and keeps its state.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::broker::free_port;
use crate::process::Process;

/// Where things are.
pub struct Places {
    /// The top of the project.
    pub project: PathBuf,
    /// The folder of the bench.
    pub bench: PathBuf,
    /// The program of the service.
    pub service: PathBuf,
    /// Where the runs leave their files.
    pub work: PathBuf,
    /// Held while a bench is at work: two would disturb each other, and share these places.
    pub _lock: std::fs::File,
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// The service.
    Ours {
        /// Input records per transaction; none for the default.
        batch: Option<usize>,
    },
    /// Kafka Streams.
    Streams {
        /// Threads.
        threads: usize,
        /// Commit interval.
        commit_ms: u32,
        /// The heap: fixed and large for speed, or as small as it can be.
        heap: Heap,
        /// The cache before its store, which then writes less often; none by default here.
        cache_mib: u64,
    },
    /// The loop without logic.
    Raw {
        /// Input records per transaction at most.
        batch: usize,
    },
}

/// The memory of a Java contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heap {
    /// 2 GiB from the start with a large young generation: the fastest that was found.
    Fast,
    /// It grows as it has to, up to 10 GiB.
    Growing,
}

/// The service with its defaults.
pub const OURS: Contender = Contender::Ours { batch: None };

/// Kafka Streams with so many threads and its default commit interval.
pub const fn streams(threads: usize) -> Contender {
    Contender::Streams {
        threads,
        commit_ms: 100,
        heap: Heap::Fast,
        cache_mib: 0,
    }
}

/// One replica of a contender.
#[derive(Clone, Copy)]
pub struct Replica {
    /// Its name.
    pub name: &'static str,
    /// Whether a restart keeps its partitions, as it always does for Kafka Streams here.
    pub is_static: bool,
    /// Whether another one keeps a copy of its state, as ours always does.
    pub has_copies: bool,
}

/// A contender at work.
pub struct Running {
    /// Its process.
    pub process: Process,
    /// The group that it commits as.
    pub group: String,
    /// Where it keeps its state.
    pub state_topic: String,
    /// When it was started, in milliseconds since 1970.
    pub since_ms: i64,
}

impl Contender {
    /// The name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Ours { batch: None } => "ours".to_owned(),
            Self::Ours { batch: Some(batch) } => format!("ours-{batch}"),
            Self::Streams {
                threads,
                commit_ms,
                heap,
                cache_mib,
            } => {
                let heap = if heap == Heap::Fast { "" } else { "-growing" };
                let cache = if cache_mib == 0 { "" } else { "-cached" };
                format!("streams-{threads}t-{commit_ms}ms{heap}{cache}")
            }
            Self::Raw { batch } => format!("raw-{batch}"),
        }
    }

    /// Topics that have to be made for it.
    pub fn topics(self) -> &'static [&'static str] {
        match self {
            Self::Raw { .. } => &["raw-state"],
            Self::Ours { .. } | Self::Streams { .. } => &[],
        }
    }

    /// Whether it decides anything, so that what it writes can be checked.
    pub const fn decides(self) -> bool {
        !matches!(self, Self::Raw { .. })
    }

    /// Starts it; `run` is a name that no other run has.
    pub fn start(
        self,
        places: &Places,
        brokers: &str,
        run: &str,
        replica: Replica,
    ) -> Result<Running> {
        let instance = replica.name;
        let group = format!("bench-{run}");
        let mut command = match self {
            Self::Ours { batch } => {
                let mut command = ours(places, brokers, &group, instance)?;
                if let Some(batch) = batch {
                    command.env("ESCALATOR__TUNING__TRANSACTION_RECORDS", batch.to_string());
                }
                if replica.is_static {
                    command.env("ESCALATOR__KAFKA__STATIC_MEMBERSHIP", "true");
                }
                command
            }
            Self::Streams {
                threads,
                commit_ms,
                heap,
                cache_mib,
            } => {
                let mut command = java(places, brokers, &group, heap, instance);
                command
                    .args(["--threads", &threads.to_string()])
                    .args(["--commit-ms", &commit_ms.to_string()])
                    .args(["--cache-bytes", &(cache_mib << 20).to_string()]);
                if replica.has_copies {
                    command.args(["--set", "num.standby.replicas=1"]);
                }
                command
            }
            Self::Raw { batch } => {
                let mut command = Command::new(raw_loop()?);
                command.args([brokers, &group, &batch.to_string()]);
                command
            }
        };
        let since_ms = crate::event::now_ms();
        Ok(Running {
            process: Process::start(
                &mut command,
                &places.work.join(format!("{run}-{instance}.log")),
            )?,
            state_topic: match self {
                Self::Ours { .. } => "escalation-state".to_owned(),
                Self::Streams { .. } => format!("{group}-tickets-changelog"),
                Self::Raw { .. } => "raw-state".to_owned(),
            },
            group,
            since_ms,
        })
    }
}

fn ours(places: &Places, brokers: &str, group: &str, instance: &str) -> Result<Command> {
    let mut command = Command::new(&places.service);
    command
        .arg("run")
        .args([
            "--brokers",
            brokers,
            "--group",
            group,
            "--instance",
            instance,
        ])
        .args([
            "--create-topics",
            "--output-format",
            "json",
            "--log-format",
            "json",
        ])
        .args(["--http", &format!("127.0.0.1:{}", free_port()?)])
        .arg("--plans")
        .arg(places.bench.join("plans/bench.yaml"))
        .env("ESCALATOR__START__NOTIFY_FROM", "1970-01-01T00:00:00Z");
    Ok(command)
}

fn java(places: &Places, brokers: &str, group: &str, heap: Heap, instance: &str) -> Command {
    let target = places.bench.join("kafka-streams/target");
    let state = places.work.join(format!("{group}-{instance}-state"));
    // A restore reads the changelog, not what an earlier process left on this disk.
    drop(std::fs::remove_dir_all(&state));
    let mut command = Command::new("java");
    command.args(match heap {
        Heap::Fast => &["-Xms2g", "-Xmx2g", "-Xmn1500m", "-XX:+UseParallelGC"][..],
        Heap::Growing => &["-Xms64m", "-Xmx10g", "-XX:+UseParallelGC"][..],
    });
    command
        .args([
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.streams.StreamsConfig=error",
        ])
        .args([
            "-cp",
            &format!("{0}/classes:{0}/libs/*", target.display()),
            "peer.Main",
        ])
        .args([
            "--brokers",
            brokers,
            "--app-id",
            group,
            "--instance-id",
            instance,
        ])
        .arg("--state-dir")
        .arg(state);
    command
}

/// The raw loop, built beside this program.
fn raw_loop() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().unwrap_or(Path::new(".")).join("raw_loop"))
}
