//! What each setting accepts, section by section, and what to write instead of what it does not.

use std::collections::BTreeMap;

use escalator_engine::time::{Duration, Timestamp};

use super::layer::PROPERTIES;
use super::reader::Reader;
use super::{
    Framing, Http, Kafka, Log, LogFormat, Output, OutputFormat, Properties, Registry, Secret,
    Settings, Standby, Start, StartFrom, Topics, Tuning,
};

/// Properties that the service needs to be as they are, and what to do instead.
const OWNED_PROPERTIES: &[(&str, &str)] = &[
    ("bootstrap.servers", "set kafka.brokers"),
    ("metadata.broker.list", "set kafka.brokers"),
    ("group.id", "set kafka.group"),
    (
        "group.instance.id",
        "set kafka.static_membership, which takes instance",
    ),
    ("transactional.id", "set instance"),
    ("session.timeout.ms", "set kafka.session_timeout"),
    ("transaction.timeout.ms", "set kafka.transaction_timeout"),
    ("auto.offset.reset", "set start.from"),
    (
        "enable.auto.commit",
        "leave it out: offsets are committed with the transaction",
    ),
    (
        "enable.auto.offset.store",
        "leave it out: offsets are committed with the transaction",
    ),
    (
        "enable.idempotence",
        "leave it out: exactly-once needs it to be true",
    ),
    (
        "isolation.level",
        "leave it out: exactly-once needs read_committed",
    ),
    (
        "message.max.bytes",
        "leave it out: the max.message.bytes of each topic is the limit",
    ),
    (
        "partition.assignment.strategy",
        "leave it out: the inputs' partitions must stay together, which only range does",
    ),
];

impl Reader<'_> {
    pub(super) fn settings(&mut self) -> Settings {
        Settings {
            kafka: self.kafka(),
            instance: self.text("instance", is_identifier, "write 1 to 100 letters, digits, dots, underscores or hyphens; set it when the host's name is none"),
            plans: self.text("plans", |text| !text.trim().is_empty(), "write the path of a plan file or of a directory of them").into(),
            mappings: self.optional("mappings", "write the path of a mapping file or of a directory of them, or leave it out", |text| {
                (!text.is_empty()).then(|| text.into())
            }),
            topics: self.topics(),
            output: Output {
                format: self.parse("output.format", "write avro or json", |text| match text {
                    "avro" => Some(OutputFormat::Avro),
                    "json" => Some(OutputFormat::Json),
                    _ => None,
                }),
                framing: self.parse("output.framing", "write single_object or confluent", |text| match text {
                    "single_object" => Some(Framing::SingleObject),
                    "confluent" => Some(Framing::Confluent),
                    _ => None,
                }),
                cloud_events: self.parse("output.cloud_events", "write true or false", |text| {
                    text.parse().ok()
                }),
            },
            registry: self.registry(),
            grace: self.parse("grace", "write a duration from 0s to 1d, as in 90s or 15m", |text| {
                Duration::parse(text).ok().filter(|grace| grace.as_millis() <= 86_400_000)
            }),
            start: self.start(),
            http: self.http(),
            log: self.log(),
            standby: Standby {
                copies: self.parse("standby.copies", "write a whole number from 0 to 31", |text| {
                    text.parse().ok().filter(|copies| *copies <= 31)
                }),
                warm_up: self.duration("standby.warm_up", "write a duration from 0s to 1h, as in 5m", 0, 3_600_000),
            },
            tuning: Tuning {
                transaction_records: self.parse("tuning.transaction_records", "write a whole number from 1 to 100000", |text| {
                    text.parse().ok().filter(|count| (1..=100_000).contains(count))
                }),
                commit_interval: self.duration("tuning.commit_interval", "write a duration of at least 1ms, as in 100ms", 1, 900_000),
            },
        }
    }

    fn kafka(&mut self) -> Kafka {
        Kafka {
            brokers: self.text(
                "kafka.brokers",
                are_brokers,
                "write host:port, several separated by commas, as in kafka-1:9092,kafka-2:9092",
            ),
            group: self.text(
                "kafka.group",
                is_identifier,
                "write 1 to 100 letters, digits, dots, underscores or hyphens",
            ),
            properties: self.properties(),
            session_timeout: self.duration(
                "kafka.session_timeout",
                "write a duration from 6s to 30m, as brokers allow",
                6_000,
                1_800_000,
            ),
            transaction_timeout: self.duration(
                "kafka.transaction_timeout",
                "write a duration from 1s to 15m, as brokers allow",
                1_000,
                900_000,
            ),
            static_membership: self.parse(
                "kafka.static_membership",
                "write true or false",
                |text| text.parse().ok(),
            ),
        }
    }

    /// The registry, if it has an address.
    fn registry(&mut self) -> Option<Registry> {
        let urls = self.optional(
            "registry.url",
            "write http://host:port or https://host:port, several separated by commas; user and \
             password have settings of their own",
            urls,
        );
        let user = self.optional("registry.user", "write a name without colons", |text| {
            (!text.is_empty() && !text.contains(':')).then(|| text.to_owned())
        });
        let registry = Registry {
            urls: urls.unwrap_or_default(),
            user,
            password: self.secret("registry.password").map(Secret::new),
            certificates: self.content("registry.ca_file"),
            timeout: self.duration(
                "registry.timeout",
                "write a duration from 100ms to 1m, as in 5s",
                100,
                60_000,
            ),
            register: self.parse("registry.register", "write true or false", |text| {
                text.parse().ok()
            }),
        };
        (!registry.urls.is_empty()).then_some(registry)
    }

    fn topics(&mut self) -> Topics {
        const REMEDY: &str = "write 1 to 249 letters, digits, dots, underscores or hyphens";
        Topics {
            created: self.text("topics.created", is_topic, REMEDY),
            updated: self.text("topics.updated", is_topic, REMEDY),
            state: self.text("topics.state", is_topic, REMEDY),
            escalated: self.text("topics.escalated", is_topic, REMEDY),
            notify: self.text("topics.notify", is_topic, REMEDY),
            dead_letters: self.text("topics.dead_letters", is_topic, REMEDY),
            plans: self.text("topics.plans", is_topic, REMEDY),
            create: self.parse("topics.create", "write true or false", |text| {
                text.parse().ok()
            }),
            partitions: self.parse(
                "topics.partitions",
                "write a whole number from 1 to 10000",
                |text| text.parse().ok().filter(|n| (1..=10_000).contains(n)),
            ),
            replication: self.optional(
                "topics.replication",
                "write a whole number from 1 to 32, or leave it out for the broker's default",
                |text| text.parse().ok().filter(|n| (1..=32).contains(n)),
            ),
        }
    }

    fn start(&mut self) -> Start {
        Start {
            from: self.parse(
                "start.from",
                "write earliest, latest or an instant, as in 2026-11-23T09:00:00Z",
                |text| match text {
                    "earliest" => Some(StartFrom::Earliest),
                    "latest" => Some(StartFrom::Latest),
                    instant => Timestamp::parse(instant).ok().map(StartFrom::Instant),
                },
            ),
            notify_from: self.optional(
                "start.notify_from",
                "write an instant, as in 2026-11-23T09:00:00Z, or leave it out",
                |text| Timestamp::parse(text).ok(),
            ),
        }
    }

    fn http(&mut self) -> Http {
        let admin_token = self.secret("http.admin_token").filter(|token| {
            // What a header cannot carry could never be matched.
            let usable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
            if !usable {
                self.refuse(
                    "http.admin_token",
                    "write a token of visible ASCII characters without blanks, or leave it out",
                );
            }
            usable
        });
        Http {
            listen: self.parse(
                "http.listen",
                "write an IP address and a port, as in 127.0.0.1:9464 or 0.0.0.0:9464",
                |text| text.parse().ok(),
            ),
            admin_token: admin_token.map(Secret::new),
        }
    }

    fn log(&mut self) -> Log {
        Log {
            format: self.parse("log.format", "write text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            }),
            level: self.text(
                "log.level",
                is_log_filter,
                "write error, warn, info, debug, trace or off, alone or per module as in info,escalator::shard=debug",
            ),
        }
    }

    fn properties(&mut self) -> Properties {
        let names: Vec<String> = self
            .entries
            .keys()
            .filter(|name| name.starts_with(PROPERTIES))
            .cloned()
            .collect();
        let mut properties = BTreeMap::new();
        for name in names {
            let property = &name[PROPERTIES.len()..];
            if let Some((_, remedy)) = OWNED_PROPERTIES
                .iter()
                .find(|(owned, _)| *owned == property)
            {
                self.refuse(&name, remedy);
            } else if let Some(value) = self.secret(&name) {
                properties.insert(property.to_owned(), value);
            }
        }
        Properties::new(properties)
    }

    /// Combinations that make no sense though each value alone does.
    pub(super) fn check_together(&mut self, settings: &Settings) {
        let named = settings.topics.named();
        for (index, (name, topic)) in named.iter().enumerate() {
            if let Some((other, _)) = named[..index].iter().find(|(_, earlier)| earlier == topic) {
                self.refuse(
                    name,
                    &format!("write another name; {other} has this one already"),
                );
            }
        }
        let properties = settings.kafka.properties.iter();
        let mut protocols = properties.filter(|(name, _)| *name == "group.protocol");
        let is_new = protocols.any(|(_, protocol)| protocol.eq_ignore_ascii_case("consumer"));
        if settings.kafka.static_membership && is_new {
            self.refuse(
                "kafka.static_membership",
                "write false, or leave `group.protocol` out of kafka.properties: under the new \
                 protocol the brokers keep a member that crashed out until its former session is over",
            );
        }
        let has = |name| self.entries.contains_key(name);
        if has("registry.password") && !has("registry.user") {
            self.refuse("registry.password", "set registry.user, too");
        }
        if settings.output.framing == Framing::Confluent {
            if settings.registry.is_none() {
                self.refuse("output.framing", "set registry.url, or write single_object");
            }
            if settings.output.format == OutputFormat::Json {
                self.refuse("output.framing", "write single_object: JSON has no framing");
            }
        }
        // A transaction that fills three quarters of its time leaves none for a slow commit.
        if settings.tuning.commit_interval * 4 > settings.kafka.transaction_timeout {
            self.refuse(
                "tuning.commit_interval",
                "write at most a quarter of kafka.transaction_timeout",
            );
        }
    }
}

/// Addresses of a registry, as they are put before paths.
fn urls(text: &str) -> Option<Vec<String>> {
    let url = |text: &str| {
        let url = text.trim().trim_end_matches('/');
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"))?;
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\');
        (!rest.is_empty() && !rest.starts_with('/') && rest.chars().all(is_plain))
            .then(|| url.to_owned())
    };
    text.split(',').map(url).collect()
}

fn is_identifier(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(is_name_byte)
}

fn is_topic(text: &str) -> bool {
    (1..=249).contains(&text.len()) && text.bytes().all(is_name_byte) && text != "." && text != ".."
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn are_brokers(text: &str) -> bool {
    text.split(',').all(|broker| {
        broker.trim().rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty()
                && !host.contains(|c: char| c.is_whitespace() || c == '/')
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    })
}

/// Whether the text is a filter, and one that is meant: the filter's own parser takes a misspelt
/// level for the name of a module.
fn is_log_filter(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let meant = text.split(',').all(|directive| {
        directive.contains(['=', '[']) || LEVELS.contains(&directive.trim().to_lowercase().as_str())
    });
    meant && tracing_subscriber::EnvFilter::try_new(text).is_ok()
}
