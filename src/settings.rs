//! The settings of the service: what can be set, where each value comes from, and what is refused.
//!
//! Four layers are laid over each other: defaults, a file (TOML or YAML), the environment and the
//! flags of the command line. Nothing here reads a file or the environment: the command line reads
//! them and hands them in as [`Sources`], so that every combination can be tested. Everything is
//! checked at once and before anything starts; a setting that is refused is named with its value,
//! its source and what to write instead.
//!
//! The list of settings with flag, default and meaning is [`documentation`], and nowhere else.

mod catalogue;
mod layer;
mod problem;
mod reader;
mod secret;
mod sections;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use escalator_engine::time::{Duration, Timestamp};

pub use catalogue::{Kind, Row, documentation};
pub use problem::{Problem, Problems};
pub use secret::{Properties, Secret};
pub use syntax::SyntaxError;

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The brokers and how to talk to them.
    pub kafka: Kafka,
    /// The name of this replica, the same after every restart; it names the transactional ids.
    pub instance: String,
    /// The plan file, or the directory of plan files.
    pub plans: PathBuf,
    /// The mapping file, or the directory of mapping files, if there are any.
    pub mappings: Option<PathBuf>,
    /// The topics that are read and written.
    pub topics: Topics,
    /// The form of what is written.
    pub output: Output,
    /// The schema registry, if there is one.
    pub registry: Option<Registry>,
    /// How far deciding stays behind the watermark, for producers that write out of order.
    pub grace: Duration,
    /// Where a service that has never run begins.
    pub start: Start,
    /// Metrics, health and administration.
    pub http: Http,
    /// What is logged, and how.
    pub log: Log,
    /// Copies of what other replicas own.
    pub standby: Standby,
    /// What trades latency for throughput.
    pub tuning: Tuning,
}

/// Copies of what other replicas own.
#[derive(Clone, Copy, Debug)]
pub struct Standby {
    /// How many replicas keep one of a partition beside its owner.
    pub copies: usize,
    /// How long a replica that starts reads them before it joins others in the group.
    pub warm_up: std::time::Duration,
}

/// The brokers and how to talk to them.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// `host:port` of one broker or several, separated by commas.
    pub brokers: String,
    /// The consumer group; all replicas of one service share it.
    pub group: String,
    /// Handed to librdkafka as it stands: security and the like.
    pub properties: Properties,
    /// How long a replica may be silent before the others take over its partitions.
    pub session_timeout: std::time::Duration,
    /// How long an open transaction of a dead replica may hold back its successor.
    pub transaction_timeout: std::time::Duration,
    /// Whether the group keeps this replica's partitions for it over a restart.
    pub static_membership: bool,
}

/// The topics that are read and written.
#[derive(Clone, Debug)]
pub struct Topics {
    /// Created events in.
    pub created: String,
    /// Updated events in.
    pub updated: String,
    /// The state of every ticket, compacted.
    pub state: String,
    /// `escalated` events out.
    pub escalated: String,
    /// `notify` events out.
    pub notify: String,
    /// Records that could not be read.
    pub dead_letters: String,
    /// The log of plan edits.
    pub plans: String,
    /// Whether missing topics are made at the start.
    pub create: bool,
    /// How many partitions each made topic gets (the log of plan edits always has one).
    pub partitions: i32,
    /// How many copies a made topic has; none leaves it to the broker.
    pub replication: Option<i32>,
}

impl Topics {
    /// Every topic with the name of its setting.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &str); 7] {
        [
            ("topics.created", &self.created),
            ("topics.updated", &self.updated),
            ("topics.state", &self.state),
            ("topics.escalated", &self.escalated),
            ("topics.notify", &self.notify),
            ("topics.dead_letters", &self.dead_letters),
            ("topics.plans", &self.plans),
        ]
    }
}

/// The form of what is written.
#[derive(Clone, Debug)]
pub struct Output {
    /// The encoding of `escalated` and `notify` events.
    pub format: OutputFormat,
    /// How a record of Avro names its schema.
    pub framing: Framing,
    /// Whether these events carry the headers of `CloudEvents`.
    pub cloud_events: bool,
}

/// The encoding of `escalated` and `notify` events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Avro.
    Avro,
    /// JSON.
    Json,
}

/// How a record of Avro names its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By a fingerprint, which needs no registry.
    SingleObject,
    /// By the id of a registry.
    Confluent,
}

/// A schema registry with Confluent's HTTP interface.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Its addresses, without a slash at the end; each is as good as the others.
    pub urls: Vec<String>,
    /// Who asks; none asks without credentials.
    pub user: Option<String>,
    /// The password of whoever asks.
    pub password: Option<Secret>,
    /// The certificates that are trusted, in PEM; none trusts those of the system.
    pub certificates: Option<String>,
    /// How long an answer may take.
    pub timeout: std::time::Duration,
    /// Whether schemas of events out are registered; otherwise they must be there.
    pub register: bool,
}

/// Where a service that has never run begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Where reading begins while the group has no committed offsets.
    pub from: StartFrom,
    /// What was due before this instant is decided but not told; none means the first start.
    pub notify_from: Option<Timestamp>,
}

/// Where reading begins while the group has no committed offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFrom {
    /// At the oldest record that is still there.
    Earliest,
    /// At the first record written after the start.
    Latest,
    /// At the first record whose timestamp is this instant or later.
    Instant(Timestamp),
}

/// Metrics, health and administration.
#[derive(Clone, Debug)]
pub struct Http {
    /// The address that is listened on.
    pub listen: SocketAddr,
    /// What callers of the admin routes show; without it those routes do not exist.
    pub admin_token: Option<Secret>,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// Which lines are written, as `tracing-subscriber` filters are; checked.
    pub level: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// What trades latency for throughput.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A transaction is committed at this many input records, even while more are waiting.
    pub transaction_records: usize,
    /// A transaction is committed after this long, even while more records are coming.
    pub commit_interval: std::time::Duration,
}

/// What the layers are made of, read by the command line.
pub struct Sources<'a> {
    /// The settings file, if one was named.
    pub file: Option<SettingsFile>,
    /// Every environment variable; those that begin with `ESCALATOR__` are settings.
    pub environment: BTreeMap<String, String>,
    /// The flags that were given: name of the setting and value.
    pub flags: Vec<(&'static str, String)>,
    /// The host's name, the default of `instance`.
    pub host_name: String,
    /// Whether log lines go to a terminal, which decides the default of `log.format`.
    pub terminal: bool,
    /// Reads the file of a secret.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// A settings file as it was read.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    /// Where it is; the extension tells TOML (`.toml`) from YAML (`.yaml`, `.yml`).
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

/// The checked settings, and where each value comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The checked settings.
    pub settings: Settings,
    /// One entry per setting, in the order of [`documentation`], secrets redacted.
    pub values: Vec<Effective>,
}

/// A setting's value as it is in force, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Effective {
    /// The setting's name; each Kafka property has an entry of its own, and where there is none they have
    /// one together.
    pub name: String,
    /// The value, none when unset, and `[redacted]` when it is a secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The settings file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// The flag of this name.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

impl serde::Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not TOML or YAML.
    #[error("the settings file {} is not valid {format}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What it was read as.
        format: &'static str,
        /// What the parser says, with the place and without the content.
        #[source]
        source: SyntaxError,
    },
    /// The file's name does not say what it is.
    #[error("the settings file {} must end with .toml, .yaml or .yml", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// Values, names or combinations that make no sense.
    #[error("{0}")]
    Refused(Problems),
}

/// Lays the layers over each other and checks everything.
///
/// # Errors
/// The file cannot be understood, or at least one setting is refused; all that are refused are
/// reported together.
pub fn load(sources: &Sources<'_>) -> Result<Loaded, Error> {
    let mut merged = layer::defaults(sources);
    if let Some(file) = &sources.file {
        merged.overlay(layer::file(file)?);
    }
    merged.overlay(layer::environment(&sources.environment));
    merged.overlay(layer::flags(&sources.flags));
    reader::read(merged, sources).map_err(Error::Refused)
}
