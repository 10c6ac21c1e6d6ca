//! End-to-end latency at a fixed rate, from the instant at which an event was to be sent.
//!
//! The sender does not wait for answers: whatever is due by now is sent, and an event that is sent
//! late counts from when it should have been, so that a stall is seen by all who wait in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use hdrhistogram::Histogram;
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;

use crate::client::{ESCALATED, Sender, reader_at_the_end};
use crate::contender::Running;
use crate::drain::Lag;
use crate::event::{CREATED, UPDATED, created, now_ms, updated};
use crate::load::Escalation;
use crate::procfs::{cpu_seconds, others_seconds, resident_bytes};
use crate::random::Random;
use crate::results::Values;

/// Every so many events one escalates: 5 %.
const EVERY: usize = 20;
/// The tickets that the other events are about.
const ORDINARY: usize = 20_000;
/// What has not come this long after the last event was sent is lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for every contender: what a producer of events would use.
const LINGER_MS: u32 = 5;

/// How fast and how long.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Events per second.
    pub rate: usize,
    /// What is not measured, at the beginning.
    pub warm_up: Duration,
    /// What is measured.
    pub measured: Duration,
}

/// When the event with this number is to be sent, from the beginning.
fn intended(number: usize, rate: usize) -> Duration {
    Duration::from_secs_f64(number as f64 / rate as f64)
}

/// Measures a contender that is up. Answers with what must be escalated too.
pub fn measure(
    brokers: &str,
    broker: u32,
    contender: &mut Running,
    pace: Pace,
) -> Result<(Values, BTreeSet<Escalation>)> {
    let total = (pace.rate as f64 * (pace.warm_up + pace.measured).as_secs_f64()) as usize;
    let escalating = total.div_ceil(EVERY);
    let run = now_ms();
    let mut random = Random(run as u64);
    let sender = Sender::new(brokers, LINGER_MS)?;
    make_tickets(&sender, run, escalating, &mut random)?;
    Lag::new(brokers, &contender.group)?.wait(contender, Duration::from_secs(300))?;
    std::thread::sleep(Duration::from_secs(1));

    let process = contender.process.id();
    let client = reader_at_the_end(brokers, ESCALATED)?;
    let begin = Instant::now() + Duration::from_millis(100);
    let all_sent = Arc::new(AtomicBool::new(false));
    let reader = Reader {
        client,
        begin,
        pace,
        escalating,
        all_sent: Arc::clone(&all_sent),
    };
    let prefix = format!("E{run}-");
    let reader: JoinHandle<Received> = std::thread::spawn(move || reader.run(&prefix));

    let usage = || {
        let cpu = |process| cpu_seconds(process).unwrap_or_default();
        [
            cpu(process),
            cpu(broker),
            others_seconds(&[process, broker]),
        ]
    };
    let mut before = usage();
    let mut is_warm = false;
    let mut latest = Duration::ZERO;
    let mut number = 0;
    while number < total {
        std::thread::sleep(Duration::from_micros(500));
        let Some(now) = Instant::now().checked_duration_since(begin) else {
            continue;
        };
        if !is_warm && now >= pace.warm_up {
            is_warm = true;
            before = usage();
        }
        if is_warm && number < total {
            latest = latest.max(now.saturating_sub(intended(number, pace.rate)));
        }
        while number < total && intended(number, pace.rate) <= now {
            send(
                &sender,
                run,
                number,
                intended(number, pace.rate),
                &mut random,
            )?;
            number += 1;
        }
    }
    let took = begin.elapsed();
    let after = usage();
    sender.flush()?;
    all_sent.store(true, Ordering::Relaxed);
    let received = reader.join().map_err(|_| anyhow!("the reader panicked"))?;
    contender.process.check()?;
    if received.escalations != escalating || received.duplicates > 0 {
        bail!(
            "WRONG: {} of {escalating} came, {} twice",
            received.escalations,
            received.duplicates
        );
    }
    let mut values = received.values();
    values.put("sent_per_s", total as f64 / took.as_secs_f64());
    values.put("sender_late_max_ms", latest.as_secs_f64() * 1e3);
    let seconds = took.saturating_sub(pace.warm_up).as_secs_f64();
    for (at, name) in ["cpu_cores", "broker_cpu_cores", "others_cores"]
        .into_iter()
        .enumerate()
    {
        values.put(name, (after[at] - before[at]) / seconds);
    }
    values.put(
        "rss_mib",
        resident_bytes(process).unwrap_or_default() / f64::from(1 << 20),
    );
    let expected = (0..escalating).map(|number| (format!("E{run}-{number}"), 1));
    Ok((values, expected.collect()))
}

/// One ticket for each escalation, and those that the other events are about.
fn make_tickets(sender: &Sender, run: i64, escalating: usize, random: &mut Random) -> Result<()> {
    let mut value = String::new();
    for (kind, count) in [('E', escalating), ('O', ORDINARY)] {
        for number in 0..count {
            let id = format!("{kind}{run}-{number}");
            created(
                &mut value,
                &format!("c-{id}"),
                &id,
                run / 1000,
                "normal",
                random,
            );
            sender.send(CREATED, &id, &value)?;
        }
    }
    sender.flush()
}

fn send(sender: &Sender, run: i64, number: usize, at: Duration, random: &mut Random) -> Result<()> {
    let at_ms = run + at.as_millis() as i64;
    let (id, changes, activity) = if number.is_multiple_of(EVERY) {
        let id = format!("E{run}-{}", number / EVERY);
        (
            id,
            r#""status":"open","priority":"critical""#,
            "internal_note",
        )
    } else {
        let id = format!("O{run}-{}", random.below(ORDINARY as u64));
        (id, r#""status":"pending","assignee":"a7""#, "agent_reply")
    };
    let mut value = String::new();
    let event = format!("l{number:09}");
    updated(
        &mut value,
        (&event, &id),
        at_ms / 1000,
        changes,
        activity,
        random,
    );
    sender.send(UPDATED, &id, &value)
}

/// Reads the escalations beside the sender.
struct Reader {
    client: BaseConsumer,
    begin: Instant,
    pace: Pace,
    escalating: usize,
    all_sent: Arc<AtomicBool>,
}

struct Received {
    times: Histogram<u64>,
    escalations: usize,
    duplicates: usize,
}

impl Reader {
    fn run(self, prefix: &str) -> Received {
        let mut received = Received {
            // From a microsecond to ten minutes.
            times: Histogram::new_with_bounds(1, 600_000_000, 3).expect("the bounds are in order"),
            escalations: 0,
            duplicates: 0,
        };
        let mut seen = vec![false; self.escalating];
        let mut sent_at: Option<Instant> = None;
        while received.escalations < self.escalating {
            // Ends of partitions are told as errors; a broken connection is mended by the library.
            if let Some(Ok(message)) = self.client.poll(Duration::from_millis(50)) {
                let now = Instant::now();
                let key =
                    std::str::from_utf8(message.key().unwrap_or_default()).unwrap_or_default();
                let number = key
                    .strip_prefix(prefix)
                    .and_then(|it| it.parse::<usize>().ok());
                let Some(number) = number.filter(|number| *number < self.escalating) else {
                    continue;
                };
                if std::mem::replace(&mut seen[number], true) {
                    received.duplicates += 1;
                    continue;
                }
                received.escalations += 1;
                let at = intended(number * EVERY, self.pace.rate);
                if at >= self.pace.warm_up {
                    let time = now.saturating_duration_since(self.begin + at);
                    received.times.saturating_record(time.as_micros() as u64);
                }
            }
            if self.all_sent.load(Ordering::Relaxed)
                && sent_at.get_or_insert_with(Instant::now).elapsed() > PATIENCE
            {
                break;
            }
        }
        received
    }
}

impl Received {
    fn values(&self) -> Values {
        let ms = |share: f64| self.times.value_at_quantile(share) as f64 / 1e3;
        let mut values = Values::default();
        values.put("p50_ms", ms(0.5));
        values.put("p90_ms", ms(0.9));
        values.put("p99_ms", ms(0.99));
        values.put("max_ms", self.times.max() as f64 / 1e3);
        values
    }
}
