//! What every client of this process has in common.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::error::Error;

/// The most that the library can be told of a producer's records. How large one may be is each topic's to
/// say: with a smaller limit here the stream would stop at a dead letter that its topic has room for, and
/// nobody could replay it.
pub(super) const RECORD_BYTES_MAX: &str = "1000000000";

/// How to reach the brokers, and who this process is to them.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// The consumer group; it also begins every transactional id.
    pub group: String,
    /// The stable name of this replica; two live processes must not share one.
    pub instance: String,
    /// Handed to librdkafka as they are: security and the like. What exactly-once rests on is set
    /// after them and cannot be changed by them.
    pub properties: BTreeMap<String, String>,
    /// How long a member may be silent before the others take over.
    pub session_timeout: Duration,
    /// How long the broker keeps a transaction of a silent producer open; whoever restores behind
    /// a dead owner waits for that.
    pub transaction_timeout: Duration,
    /// Whether the group knows this process by `instance` and keeps its partitions for it while it
    /// is restarted.
    pub is_static: bool,
}

impl ClientSettings {
    /// A configuration with `tunable` settings below the user's properties and `fixed` ones above.
    pub(super) fn config(&self, tunable: &[(&str, &str)], fixed: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        let patience_ms = self.answer_patience().as_millis().to_string();
        for step in [
            "socket.timeout.ms",
            "socket.connection.setup.timeout.ms",
            "api.version.request.timeout.ms",
        ] {
            config.set(step, &patience_ms);
        }
        // The library waits longer from one failed connection to the next, up to ten seconds, in which a
        // broker that is back is not asked. One attempt a second costs a broker that is away nothing.
        config.set("reconnect.backoff.max.ms", "1000");
        for (key, value) in tunable {
            config.set(*key, *value);
        }
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        for (key, value) in fixed {
            config.set(*key, *value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", self.client_id());
        config
    }

    /// How long a broker may take to answer, be it to the first question on a connection; then the
    /// connection is given up, and whoever leads its partitions by now is asked. A broker that hangs,
    /// and a connection that silently carries nothing any more, are noticed by nothing else. A third of
    /// a session, so that the group hears of this member in time; at most a minute, the library's own
    /// measure.
    pub(super) fn answer_patience(&self) -> Duration {
        (self.session_timeout / 3).min(Duration::from_secs(60))
    }

    /// The name by which brokers and the other members of the group know this process.
    pub(super) fn client_id(&self) -> String {
        format!("{}-{}", self.group, self.instance)
    }

    /// A consumer that reads what is committed and belongs to no group: it never joins and never
    /// commits.
    pub(super) fn onlooker(
        &self,
        client: &'static str,
        tunable: &[(&str, &str)],
    ) -> Result<BaseConsumer<Ear>, Error> {
        let group = format!("{}-reader", self.group);
        let fixed = [
            // Needed to assign.
            ("group.id", group.as_str()),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_committed"),
            // What expires or is deleted meanwhile is passed over.
            ("auto.offset.reset", "earliest"),
            ("enable.partition.eof", "true"),
        ];
        self.config(tunable, &fixed)
            .create_with_context(Ear::default())
            .map_err(|source| Error::Create {
                client,
                source: source.into(),
            })
    }

    /// Whether the broker, not the members, assigns the partitions.
    pub(super) fn has_consumer_protocol(&self) -> bool {
        self.properties
            .get("group.protocol")
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("consumer"))
    }
}

/// Passes one of the library's log lines on. What is an error to the library is mended by it or by
/// the cycle, so it is a warning here.
pub(super) fn log_line(level: i32, facility: &str, text: &str) {
    if level <= RDKafkaLogLevel::Error as i32 {
        tracing::warn!(target: "librdkafka", { librdkafka.facility = facility }, "{text}");
    } else {
        tracing::debug!(
            target: "librdkafka",
            { librdkafka.facility = facility, librdkafka.level = level },
            "{text}"
        );
    }
}

/// What the library says about a connection, without what differs from one attempt to the next.
pub(super) fn steady(reason: &str) -> &str {
    reason
        .split_once(" (after ")
        .map_or(reason, |(reason, _)| reason)
}

/// What the library has heard waits until somebody polls; it does not tell the same again and again,
/// so that within the time that a request may take it is less than this.
const HEARD_MAX: usize = 100;

/// The last that a consumer has heard about its connections; it must have nothing to hand out.
pub(super) fn heard(consumer: &BaseConsumer<Ear>) -> Option<(RDKafkaErrorCode, String)> {
    for _ in 0..HEARD_MAX {
        drop(consumer.poll(Duration::ZERO));
    }
    consumer.context().take_last()
}

/// Hears the library's log lines and errors.
#[derive(Debug, Default)]
pub(super) struct Ear {
    disturbed: AtomicBool,
    last: Mutex<Option<(RDKafkaErrorCode, String)>>,
}

impl Ear {
    /// Whether a connection broke since the last time this was asked.
    pub(super) fn take_disturbed(&self) -> bool {
        self.disturbed.swap(false, Ordering::AcqRel)
    }

    /// Forgets connections that broke before, between transactions.
    pub(super) fn settle(&self) {
        self.disturbed.store(false, Ordering::Release);
    }

    /// The last error heard, if any, and forgets it.
    pub(super) fn take_last(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.last
            .lock()
            .expect("nothing panics while it holds the last error")
            .take()
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log_line(level as i32, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.disturbed.store(true, Ordering::Release);
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        if let Some(code) = error.rdkafka_error_code() {
            let mut last = self
                .last
                .lock()
                .expect("nothing panics while it holds the last error");
            // That all are down follows from what was heard of each, which says more.
            if last.is_none() || code != RDKafkaErrorCode::AllBrokersDown {
                *last = Some((code, steady(reason).to_owned()));
            }
        }
    }
}

impl ConsumerContext for Ear {}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_patience_ms(properties: BTreeMap<String, String>) -> String {
        let settings = ClientSettings {
            brokers: String::new(),
            group: String::new(),
            instance: String::new(),
            properties,
            session_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(10),
            is_static: false,
        };
        let config = settings.config(&[], &[]);
        config.get("socket.timeout.ms").unwrap().to_owned()
    }

    #[test]
    fn a_broker_that_does_not_answer_is_given_up_within_the_session() {
        assert_eq!(answer_patience_ms(BTreeMap::new()), "3333");
    }

    #[test]
    fn how_long_an_answer_may_take_can_be_set() {
        let slow = ("socket.timeout.ms".to_owned(), "30000".to_owned());
        assert_eq!(answer_patience_ms([slow].into()), "30000");
    }

    #[test]
    fn what_differs_from_attempt_to_attempt_is_cut_off() {
        let told = "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused";
        let once = format!("{told} (after 0ms in state CONNECT)");
        let again =
            format!("{told} (after 1ms in state CONNECT, 30 identical error(s) suppressed)");
        assert_eq!(steady(&once), told);
        assert_eq!(steady(&again), told);
        assert_eq!(steady("1/1 brokers are down"), "1/1 brokers are down");
    }

    #[test]
    fn that_all_are_down_does_not_hide_why() {
        let ear = Ear::default();
        let hear = |code, reason| ear.error(KafkaError::Global(code), reason);
        hear(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        hear(
            RDKafkaErrorCode::BrokerTransportFailure,
            "refused (after 3ms)",
        );
        hear(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        let heard = ear.take_last().map(|(_, reason)| reason);
        assert_eq!(heard.as_deref(), Some("refused"));
    }
}
