//! What is written while things go wrong, and when.
//!
//! Every event is known before the first is written, so that `simulate` can tell what has to come of
//! them. They are written some seconds before their instants: a broker that is away for less than
//! that makes none of them late, and the answer stays the same whatever happens.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use escalator_engine::time::Timestamp;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::PARTITIONS;
use crate::site::Site;
use crate::support::pass;

/// Clocks, waits and triggers of seconds. Nothing is withheld for being late.
pub(crate) const PLAN: &str = "
version: 1
targets:
  desk: { kind: team, channels: [chat] }
  lead: { kind: role, channels: [email, phone] }
plans:
  - name: urgent
    match: { priority: critical }
    stale_after: none
    triggers: [ { name: at_once, when: { status: open }, level: 2 } ]
    path: [ { name: desk, notify: [desk] }, { name: lead, notify: [lead] } ]
  - name: quiet
    match: { priority: low }
    stale_after: none
    timeframes: { first_response: { within: 5s, marks: [ { at: 100%, level: 1 } ] } }
    path: [ { name: desk, notify: [desk] } ]
  - name: others
    stale_after: none
    timeframes:
      first_response:
        within: 2s
        marks: [ { at: 50%, warn: [desk] }, { at: 100%, level: 1 } ]
    path:
      - { name: desk, notify: [desk], next_after: 1s }
      - { name: lead, notify: [lead] }
";

/// One ticket every so often: ten a second in each of six partitions.
const SPACING_MS: i64 = 16;

/// One event.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) at_ms: i64,
    partition: i32,
    input: &'static str,
    ticket: String,
    content: String,
}

impl Event {
    /// An event of the ticket of this number, whose partition follows from the number.
    pub(crate) fn new(number: i32, at_ms: i64, input: &'static str, content: &str) -> Self {
        Self {
            at_ms,
            partition: number % PARTITIONS,
            input,
            ticket: format!("T{number:06}"),
            content: content.to_owned(),
        }
    }

    fn value(&self) -> String {
        let at = Timestamp::from_millis(self.at_ms);
        format!(
            r#"{{"ticket_id":"{}","occurred_at":"{at}",{}}}"#,
            self.ticket, self.content
        )
    }
}

/// A steady flow of tickets that begins at an instant: some are answered in time, some late, some
/// never, and some are urgent. All of them are resolved in the end.
pub(crate) fn steady(begin_ms: i64, length: Duration) -> Vec<Event> {
    let length_ms = i64::try_from(length.as_millis()).unwrap();
    let mut events = Vec::new();
    for (number, at) in (0..).zip((begin_ms..begin_ms + length_ms).step_by(SPACING_MS as usize)) {
        let kind = (number / PARTITIONS) % 4;
        let priority = if kind == 3 { "critical" } else { "normal" };
        let created = format!(r#""ticket":{{"status":"open","priority":"{priority}"}}"#);
        events.push(Event::new(number, at, "created", &created));
        let reply = r#""activities":[{"kind":"agent_reply"}]"#;
        let (reply_ms, resolved_ms) = match kind {
            0 => (None, 4_000),
            1 => (Some(500), 2_000),
            2 => (Some(2_500), 3_500),
            _ => (None, 1_500),
        };
        let reply_at = reply_ms.map(|ms| Event::new(number, at + ms, "updated", reply));
        events.extend(reply_at);
        let resolved = r#""changes":{"status":"resolved"}"#;
        events.push(Event::new(number, at + resolved_ms, "updated", resolved));
    }
    events.sort_by_key(|event| event.at_ms);
    events
}

/// The events as a file for `simulate`.
pub(crate) fn file(events: &[Event]) -> String {
    let mut file = String::new();
    for event in events {
        let (input, value) = (event.input, event.value());
        writeln!(file, r#"{{"topic":"ticket-{input}","value":{value}}}"#).unwrap();
    }
    file
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Notes when records arrive in relation to their instants.
struct Punctual {
    lead_ms_min: AtomicI64,
    failed: AtomicUsize,
}

impl ClientContext for Punctual {
    // What brokers that are killed make a client say is no news.
    fn error(&self, _: KafkaError, _: &str) {}
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ProducerContext for Punctual {
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, result: &DeliveryResult<'_>, at_ms: Box<i64>) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::AcqRel);
        }
        self.lead_ms_min
            .fetch_min(*at_ms - now_ms(), Ordering::AcqRel);
    }
}

/// Whoever writes the events.
pub(crate) struct Writer {
    thread: Option<JoinHandle<()>>,
    // It ends early when nobody holds this any more.
    _alive: mpsc::Sender<()>,
    punctual: Arc<ThreadedProducer<Punctual>>,
}

impl Writer {
    /// Begins to write, each event so long before its instant.
    pub(crate) fn start(site: &Site, events: Vec<Event>, lead: Duration) -> Self {
        let context = Punctual {
            lead_ms_min: AtomicI64::new(i64::MAX),
            failed: AtomicUsize::new(0),
        };
        let producer: ThreadedProducer<Punctual> = ClientConfig::new()
            .set("bootstrap.servers", &site.broker)
            .set("enable.idempotence", "true")
            // A broker that sleeps does not answer, and has no more partitions soon.
            .set("socket.timeout.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "1000")
            .set("reconnect.backoff.max.ms", "500")
            .create_with_context(context)
            .unwrap();
        let producer = Arc::new(producer);
        let topics = ["created", "updated"].map(|input| (input, site.topic(input)));
        let lead_ms = i64::try_from(lead.as_millis()).unwrap();
        let (alive, ended) = mpsc::channel();
        let punctual = Arc::clone(&producer);
        let thread = std::thread::spawn(move || {
            for event in events {
                while event.at_ms > now_ms() + lead_ms {
                    if ended.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                        return;
                    }
                    pass(Duration::from_millis(20));
                }
                let topic = topics.iter().find(|(input, _)| *input == event.input);
                send(&producer, &topic.unwrap().1, &event);
            }
        });
        Self {
            thread: Some(thread),
            _alive: alive,
            punctual,
        }
    }

    /// Waits until everything is written. None when each record was there before its instant; how
    /// much too late the worst of them was otherwise.
    pub(crate) fn finish(&mut self) -> Option<Duration> {
        self.thread.take().unwrap().join().unwrap();
        self.punctual.flush(Duration::from_secs(60)).unwrap();
        let context = self.punctual.context();
        assert_eq!(context.failed.load(Ordering::Acquire), 0, "all is written");
        let lead_ms = context.lead_ms_min.load(Ordering::Acquire);
        u64::try_from(-lead_ms).ok().map(Duration::from_millis)
    }
}

fn send(producer: &ThreadedProducer<Punctual>, topic: &str, event: &Event) {
    let value = event.value();
    let mut record = BaseRecord::with_opaque_to(topic, Box::new(event.at_ms))
        .partition(event.partition)
        .key(&event.ticket)
        .payload(&value);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                record = returned;
                pass(Duration::from_millis(5));
            }
            Err((error, _)) => panic!("a record was not accepted: {error}"),
        }
    }
}
