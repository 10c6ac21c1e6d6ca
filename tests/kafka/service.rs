//! The whole service against a real broker: restarts, crashes and poison.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use escalator_engine::time::Timestamp;
use rdkafka::producer::Producer;
use serde_json::Value;

use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{
    PlainProducer, Seen, Sent, create_topic, ends, producer, read_committed, read_uncommitted,
    send, stable_ends,
};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, pass, wait_until};

const PLAN: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    timeframes:
      first_response:
        within: 5s
        marks: [ { at: 100%, level: 1 } ]
    path: [ { notify: [noc] } ]
";

/// The time in the plan.
const WITHIN_MS: i64 = 5_000;

/// A site with the plan above, that tells of what is due since this year.
pub(crate) fn site(partitions: i32) -> Site {
    Site::new(
        PLAN,
        partitions,
        "[start]\nnotify_from = '2026-01-01T00:00:00Z'\n",
    )
}

impl Site {
    /// The tickets that were not answered within the plan's time, by the events' own word.
    fn unanswered(&self) -> BTreeMap<String, usize> {
        let instants = |input| -> BTreeMap<String, i64> {
            let records = self.read(input).into_iter();
            records
                .map(|record| {
                    let (ticket, value) = record.text();
                    let event: Value = serde_json::from_str(&value).unwrap();
                    let at = Timestamp::parse(event["occurred_at"].as_str().unwrap()).unwrap();
                    (ticket, at.as_millis())
                })
                .collect()
        };
        let answers = instants("updated");
        let created = instants("created").into_iter();
        created
            .filter(|(ticket, at)| {
                // A clock that is stopped exactly at its deadline is met.
                answers
                    .get(ticket)
                    .is_none_or(|answer| *answer > at + WITHIN_MS)
            })
            .map(|(ticket, _)| (ticket, 1))
            .collect()
    }

    /// How many records of state were written by transactions that were then aborted.
    fn cut_records(&self) -> usize {
        let (address, state) = (&broker().address, self.topic("state"));
        let committed: BTreeSet<(i32, i64)> = read_committed(address, &state)
            .iter()
            .map(|record| (record.partition, record.offset))
            .collect();
        // Below a committed record everything is decided; above, something may still be open.
        let is_decided = |record: &&Seen| {
            let last = committed
                .range((record.partition, 0)..=(record.partition, i64::MAX))
                .last();
            last.is_some_and(|(_, offset)| record.offset < *offset)
        };
        let all = read_uncommitted(address, &state);
        let decided = all.iter().filter(is_decided);
        decided
            .filter(|record| !committed.contains(&(record.partition, record.offset)))
            .count()
    }

    /// Whether a transaction with records of state is open and makes no progress.
    fn has_stuck_transaction(&self) -> bool {
        let (address, state) = (&broker().address, self.topic("state"));
        let before = stable_ends(address, &state);
        // Others commit in the meantime.
        pass(Duration::from_millis(100));
        let stable = stable_ends(address, &state);
        let ends = ends(address, &state);
        (0..ends.len()).any(|p| before[p] == stable[p] && stable[p] < ends[p])
    }

    /// Kills a process while it is in the middle of a transaction: it is stopped for a moment until
    /// that is seen of it.
    fn kill_in_a_transaction(&self, victim: &Escalator) {
        wait_until("a transaction of the victim", PATIENCE, || {
            victim.signal("-STOP");
            if self.has_stuck_transaction() {
                return Some(());
            }
            victim.signal("-CONT");
            // Long enough to be somewhere else when it is stopped the next time.
            pass(Duration::from_millis(150));
            None
        });
        victim.signal("-KILL");
    }

    /// Creates tickets and waits until the broker has them.
    fn create(&self, numbers: std::ops::Range<i32>) {
        let producer = producer(&broker().address, &[("acks", "all")]);
        self.send_created(&producer, numbers);
        producer.flush(PATIENCE).unwrap();
    }

    fn send_created(&self, producer: &PlainProducer, numbers: impl Iterator<Item = i32>) {
        self.send(
            producer,
            "created",
            numbers,
            r#""ticket":{"status":"open"}"#,
        );
    }

    fn send_replies(&self, producer: &PlainProducer, numbers: impl Iterator<Item = i32>) {
        let reply = r#""activities":[{"kind":"agent_reply"}]"#;
        self.send(producer, "updated", numbers, reply);
    }

    /// Sends one event of each ticket, dated now.
    fn send(
        &self,
        producer: &PlainProducer,
        input: &str,
        numbers: impl Iterator<Item = i32>,
        content: &str,
    ) {
        for number in numbers {
            let (ticket, at) = (ticket(number), now());
            let value = format!(r#"{{"ticket_id":"{ticket}","occurred_at":"{at}",{content}}}"#);
            let sent = Sent {
                partition: number % self.partitions,
                key: Some(ticket.as_bytes()),
                value: Some(value.as_bytes()),
                ..Sent::default()
            };
            send(producer, &self.topic(input), &[sent]);
        }
    }

    /// How often each ticket was raised.
    fn raised(&self) -> BTreeMap<String, usize> {
        let mut raised = BTreeMap::new();
        for record in self.read("escalated") {
            let event: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
            assert_eq!(event["type"], "raised", "{event}");
            let ticket = event["ticket_id"].as_str().unwrap().to_owned();
            assert_eq!(record.key.as_deref(), Some(ticket.as_bytes()));
            *raised.entry(ticket).or_insert(0) += 1;
        }
        raised
    }

    fn wait_for_raised(&self, count: usize, running: &[&Escalator]) {
        wait_until("the escalations", PATIENCE, || {
            // The topic is made by the service.
            let has_topic = running
                .iter()
                .any(|child| child.log().contains("goes on from"));
            (has_topic && self.raised().len() >= count).then_some(())
        });
    }
}

fn ticket(number: i32) -> String {
    format!("T{number:04}")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn once_each(numbers: impl Iterator<Item = i32>) -> BTreeMap<String, usize> {
    numbers.map(|number| (ticket(number), 1)).collect()
}

#[test]
fn deadlines_fire_without_input_and_after_a_restart() {
    let site = site(3);
    let first = site.start("one");
    site.create(0..6);
    site.wait_for_raised(6, &[&first]);
    site.create(6..9);
    wait_until("the state", PATIENCE, || {
        let keys: BTreeSet<_> = site
            .read("state")
            .into_iter()
            .filter_map(|r| r.key)
            .collect();
        keys.contains(ticket(8).as_bytes()).then_some(())
    });
    assert!(first.stop().success(), "an orderly end is a good one");

    let second = site.start("one");
    site.wait_for_raised(9, &[&second]);
    assert!(second.stop().success());
    assert_eq!(site.raised(), once_each(0..9));
    assert_eq!(site.read("notify").len(), 9);
}

/// How often a process at work is killed: each of the two twice.
const KILLS: usize = 4;

/// Tickets per portion and the pause behind it: some 400 a second, enough for one transaction to
/// follow the other.
const PORTION: i32 = 10;
const PAUSE: Duration = Duration::from_millis(25);

/// Ends [`keep_busy`] however the test that it is part of ends.
pub(crate) struct Ends<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Creates tickets until it is told to stop, and answers every other one a second later.
pub(crate) fn keep_busy(site: &Site, stop: &AtomicBool) {
    let producer = producer(&broker().address, &[("acks", "all")]);
    let mut next = 0;
    // A second is forty portions; the deadline is four more seconds away.
    let ago = 40 * PORTION;
    let mut is_over = false;
    while !is_over {
        is_over = stop.load(Ordering::Acquire);
        site.send_created(&producer, next..next + PORTION);
        next += PORTION;
        pass(PAUSE);
        let from = next - PORTION - ago;
        let answered = from..if is_over { next } else { from + PORTION };
        site.send_replies(
            &producer,
            answered.filter(|number| *number >= 0 && number % 2 == 0),
        );
    }
    producer.flush(PATIENCE).unwrap();
}

#[test]
fn kills_in_the_middle_of_transactions_lose_and_repeat_nothing() {
    let site = site(4);
    let stop = AtomicBool::new(false);
    let mut running = std::thread::scope(|scope| {
        let load = scope.spawn(|| keep_busy(&site, &stop));
        let ends = Ends(&stop);
        let mut running = [site.start("a"), site.start("b")];
        for kill in 0..KILLS {
            let victim = kill % 2;
            // Only a process that has committed work of its own since its start is worth a kill.
            wait_until("work of the victim", PATIENCE, || {
                pass(Duration::from_millis(200));
                site.has_committed(&running[victim]).then_some(())
            });
            site.kill_in_a_transaction(&running[victim]);
            running[victim] = site.start(["a", "b"][victim]);
        }
        drop(ends);
        load.join().unwrap();
        running
    });

    assert_once_each(&site, &mut running);
    assert!(site.cut_records() > 0, "no kill has cut a transaction");
}

/// Whether in the end each ticket that was not answered in time was raised once, and no other.
pub(crate) fn assert_once_each(site: &Site, running: &mut [Escalator; 2]) {
    let expected = site.unanswered();
    let created = site.read("created").len();
    assert!(expected.len() >= created / 2, "half of them have no answer");
    // Otherwise nothing would show that an answer in time stops the clock through all of this.
    assert!(
        expected.len() < created * 3 / 4,
        "too many answers were late"
    );
    site.wait_for_raised(expected.len(), &[&running[0], &running[1]]);
    for child in running {
        child.terminate();
        assert!(child.wait().success(), "{}", child.log());
    }
    let raised = site.raised();
    let wrong: Vec<_> = raised
        .iter()
        .filter(|(t, n)| expected.get(*t) != Some(n))
        .take(10)
        .collect();
    let missing: Vec<_> = expected
        .keys()
        .filter(|t| !raised.contains_key(*t))
        .take(10)
        .collect();
    assert!(raised == expected, "wrong {wrong:?}, missing {missing:?}");
    assert_eq!(site.read("notify").len(), expected.len());
    assert_eq!(site.read("dead").len(), 0);
}

#[test]
fn the_service_says_what_is_wrong_with_the_topics() {
    let site = site(2);
    create_topic(&broker().address, &site.topic("state"), 2, &[]);
    let mut service = site.start("one");
    assert_eq!(service.wait().code(), Some(2));
    let log = service.log();
    assert!(log.contains("cleanup.policy=compact"), "{log}");
}

#[test]
fn two_processes_of_one_instance_stop_with_that_message() {
    let site = site(2);
    let (mut first, mut second) = (site.start("same"), site.start("same"));
    let mut number = 0;
    wait_until("the end of one of them", PATIENCE, || {
        site.create(number..number + 2);
        number += 2;
        [&mut first, &mut second]
            .into_iter()
            .find_map(Escalator::ended)
    });
    let logs = format!("{}{}", first.log(), second.log());
    assert!(
        logs.contains("another live process runs as instance `same`"),
        "{logs}"
    );
}
