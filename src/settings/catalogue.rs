//! The list of settings: the one place where names, flags, defaults and meanings stand.
//!
//! Defaults are texts and run through the same parsing as any other value, so the documentation
//! cannot disagree with what happens.

/// One line of the list, as it is printed in tables and help texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The dotted name.
    pub name: &'static str,
    /// The flag without its dashes, if there is one.
    pub flag: Option<&'static str>,
    /// The environment variable.
    pub environment: String,
    /// The default, in words where it depends on the machine.
    pub default: &'static str,
    /// What it means, with its unit and its limits.
    pub meaning: &'static str,
    /// What is written for it.
    pub kind: Kind,
}

/// What is written for a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Value,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// One value that is never shown.
    Secret,
    /// Names and values; none of them has a flag.
    Map,
}

/// What holds when nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// This text, parsed like any other.
    Text(&'static str),
    /// The host's name.
    HostName,
    /// `text` on a terminal, else `json`.
    LogFormat,
    /// Nothing; the words say what that means.
    Unset(&'static str),
}

/// A setting.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) flag: Option<&'static str>,
    pub(super) fallback: Fallback,
    pub(super) kind: Kind,
    pub(super) meaning: &'static str,
}

const fn value(name: &'static str, default: &'static str, meaning: &'static str) -> Definition {
    Definition {
        name,
        flag: None,
        fallback: Fallback::Text(default),
        kind: Kind::Value,
        meaning,
    }
}

impl Definition {
    const fn flag(self, flag: &'static str) -> Self {
        Self {
            flag: Some(flag),
            ..self
        }
    }

    const fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    const fn fallback(self, fallback: Fallback) -> Self {
        Self { fallback, ..self }
    }
}

/// Every setting, in the order in which tables show them.
pub(super) const DEFINITIONS: &[Definition] = &[
    value(
        "kafka.brokers",
        "127.0.0.1:9092",
        "`host:port` of one broker or several, separated by commas.",
    )
    .flag("brokers"),
    value(
        "kafka.group",
        "escalator",
        "Consumer group, shared by all replicas of one service.",
    )
    .flag("group"),
    value(
        "kafka.properties",
        "",
        "Properties handed to librdkafka as they stand (security and the like); each value a text, `{file: PATH}` or `{env: NAME}`. In a variable's name `_` stands for the dots of the property.",
    )
    .fallback(Fallback::Unset("empty"))
    .kind(Kind::Map),
    value(
        "kafka.session_timeout",
        "10s",
        "How long a replica may be silent before the others take over its partitions, and three times as long as a broker may take to answer; 6s to 30m, as brokers allow.",
    ),
    value(
        "kafka.transaction_timeout",
        "10s",
        "How long the open transaction of a dead replica may hold back its successor; 1s to 15m, as brokers allow.",
    ),
    value(
        "kafka.static_membership",
        "false",
        "Whether a replica is a static member of the group, by its `instance`: a restart within `kafka.session_timeout` moves no partition, and what a stopped replica had waits that long.",
    ),
    value(
        "instance",
        "",
        "Name of this replica, the same after every restart and different for each; names the transactional ids.",
    )
    .flag("instance")
    .fallback(Fallback::HostName),
    value(
        "plans",
        "plans",
        "Plan file, or directory of plan files; relative to the working directory.",
    )
    .flag("plans"),
    value(
        "mappings",
        "",
        "Mapping file, or directory of mapping files, by which records of ticketing systems are read that are no events of the service's own; relative to the working directory.",
    )
    .fallback(Fallback::Unset("none"))
    .flag("mappings"),
    value("topics.created", "ticket-created", "Created events in."),
    value("topics.updated", "ticket-updated", "Updated events in."),
    value(
        "topics.state",
        "escalation-state",
        "State of every ticket; compacted.",
    ),
    value("topics.escalated", "escalated", "`escalated` events out."),
    value("topics.notify", "notify", "`notify` events out."),
    value(
        "topics.dead_letters",
        "escalation-dead-letters",
        "Records that could not be read, unchanged.",
    ),
    value(
        "topics.plans",
        "escalation-plans",
        "Log of plan edits; one partition, never compacted or expired.",
    ),
    value(
        "topics.create",
        "false",
        "Whether missing topics are made at the start.",
    )
    .flag("create-topics")
    .kind(Kind::Switch),
    value(
        "topics.partitions",
        "12",
        "Partitions of each topic that is made; 1 to 10000.",
    )
    .flag("partitions"),
    value(
        "topics.replication",
        "",
        "Copies of each topic that is made; 1 to 32.",
    )
    .flag("replication")
    .fallback(Fallback::Unset("the broker's default")),
    value(
        "output.format",
        "avro",
        "Encoding of `escalated` and `notify` events: `avro` or `json`.",
    )
    .flag("output-format"),
    value(
        "output.framing",
        "single_object",
        "How a record of Avro names its schema: `single_object` by a fingerprint, `confluent` by the id that a schema registry gave it.",
    ),
    value(
        "output.cloud_events",
        "false",
        "Whether `escalated` and `notify` events carry the headers of CloudEvents 1.0 (binary).",
    )
    .kind(Kind::Switch),
    value(
        "registry.url",
        "",
        "Address of a schema registry, `http://host:port` or `https://host:port`, several separated by commas; without it records in Confluent framing become dead letters.",
    )
    .fallback(Fallback::Unset("none")),
    value(
        "registry.user",
        "",
        "User for the registry (HTTP basic authentication).",
    )
    .fallback(Fallback::Unset("none")),
    value(
        "registry.password",
        "",
        "Password for the registry, a text, `{file: PATH}` or `{env: NAME}`.",
    )
    .fallback(Fallback::Unset("none"))
    .kind(Kind::Secret),
    value(
        "registry.ca_file",
        "",
        "File of the certificates in PEM that the registry's is checked by.",
    )
    .fallback(Fallback::Unset("those of the system")),
    value(
        "registry.timeout",
        "5s",
        "How long the registry may take to answer; 100ms to 1m.",
    ),
    value(
        "registry.register",
        "true",
        "Whether the schemas of `escalated` and `notify` events are registered at the start; otherwise they must be there. Matters with `output.framing` `confluent` only.",
    ),
    value(
        "grace",
        "0s",
        "How far deciding stays behind the watermark, for producers that write out of order; 0s to 1d.",
    )
    .flag("grace"),
    value(
        "start.from",
        "earliest",
        "Where reading begins while the group has no committed offsets: `earliest`, `latest` or an instant.",
    ),
    value(
        "start.notify_from",
        "",
        "Instant before which what was due is decided but not told.",
    )
    .fallback(Fallback::Unset("the first start, kept in the state topic")),
    value(
        "http.listen",
        "127.0.0.1:9464",
        "Address and port of `/metrics`, `/livez`, `/readyz` and the admin routes.",
    )
    .flag("http"),
    value(
        "http.admin_token",
        "",
        "Bearer token of the admin routes, a text, `{file: PATH}` or `{env: NAME}`; while unset these routes answer 404.",
    )
    .fallback(Fallback::Unset("none"))
    .kind(Kind::Secret),
    value("log.format", "", "Form of a log line: `text` or `json`.")
        .flag("log-format")
        .fallback(Fallback::LogFormat),
    value(
        "log.level",
        "info",
        "Which lines are logged: `error`, `warn`, `info`, `debug`, `trace` or `off`, alone or per module as in `info,escalator::shard=debug`.",
    ),
    value(
        "standby.copies",
        "3",
        "How many replicas keep a warm copy of a partition beside the one that owns it, so that taking it over reads only what is new; 0 to 31, and 0 keeps none.",
    ),
    value(
        "standby.warm_up",
        "5m",
        "How long a replica that starts reads its warm copies before it joins others in the group; 0s to 1h.",
    ),
    value(
        "tuning.transaction_records",
        "10000",
        "Input records after which a transaction is committed while more are waiting; 1 to 100000.",
    ),
    value(
        "tuning.commit_interval",
        "100ms",
        "Time after which a transaction is committed while more records are coming; 1ms up to a quarter of `kafka.transaction_timeout`.",
    ),
];

/// The setting of this name.
pub(super) fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS
        .iter()
        .find(|definition| definition.name == name)
}

/// The environment variable of a dotted name.
pub(super) fn variable(name: &str) -> String {
    format!("ESCALATOR__{}", name.to_uppercase().replace('.', "__"))
}

/// Every setting with its flag, environment variable, default and meaning.
#[must_use]
pub fn documentation() -> Vec<Row> {
    DEFINITIONS
        .iter()
        .map(|definition| Row {
            name: definition.name,
            flag: definition.flag,
            environment: match definition.kind {
                Kind::Map => format!("{}__NAME", variable(definition.name)),
                Kind::Value | Kind::Switch | Kind::Secret => variable(definition.name),
            },
            default: match definition.fallback {
                Fallback::Text(text) | Fallback::Unset(text) => text,
                Fallback::HostName => "host name",
                Fallback::LogFormat => "`text` on a terminal, else `json`",
            },
            meaning: definition.meaning,
            kind: definition.kind,
        })
        .collect()
}
