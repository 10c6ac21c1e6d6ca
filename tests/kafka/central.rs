//! Exactly once: a real help desk's log through the service while it is killed again and again,
//! against what `simulate` makes of the same events.

#[path = "central/load.rs"]
mod load;
#[path = "central/rebuilt.rs"]
mod rebuilt;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Write};
use std::sync::Arc;
use std::time::Duration;

use escalator::offline::Recording;
use escalator::wire::decode_state;
use escalator_engine::rules::Rules;
use escalator_engine::simulate::simulate;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::Timestamp;

use crate::site::Site;
use crate::support::broker::{Broker, broker};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, pass, wait_until};
use crate::told::{self, Told, assert_corrected, assert_same, count, published};
use load::{Load, Random};

/// Clocks, triggers, holds and waits that all end within weeks; nothing is withheld for being late,
/// and no repeat has a successor that would make it stale. Nothing is forgotten, for the states of
/// all tickets are compared.
const PLAN: &str = r#"
version: 1
forget_after: 10000d
statuses:
  waiting_customer: ["Awaiting User Info"]
  waiting_vendor: ["Awaiting Vendor"]
  on_hold: ["Awaiting Problem", "Awaiting Evidence"]
targets:
  desk: { kind: team, channels: [chat] }
  lead: { kind: role, channels: [email, phone] }
  maker: { kind: vendor, channels: [email] }
plans:
  - name: urgent
    match: { priority: [critical, high] }
    stale_after: none
    notify_skipped: true
    timeframes:
      first_response:
        within: { by: priority, critical: 1h, default: 4h }
        marks: [ { at: 80%, warn: [desk] }, { at: 100%, level: 1 }, { at: +2h, level: 2 } ]
      resolution:
        within: { by: priority, critical: 1d, default: 2d }
        marks: [ { at: -2h, warn: [assignee] }, { at: 100%, level: 3 } ]
      vendor: { within: 8h, marks: [ { at: 100%, level: 3 } ] }
    triggers:
      - { name: bounced, when: { reassignment_count: { at_least: 3 } }, for: 10m, level: 2 }
      - { name: back, when: { reopen_count: { at_least: 1 } }, level: 2 }
    path:
      - { name: desk, notify: [desk], repeat: { every: 6h, times: 1 }, next_after: 1d }
      - { name: lead, kind: hierarchical, notify: [lead, queue], assign: { queue: second } }
      - { name: maker, kind: external, notify: [maker] }
  - name: others
    stale_after: none
    timeframes:
      first_response:
        within: 8h
        marks: [ { at: 100%, level: 1 } ]
      next_response: { within: 1d, marks: [ { at: 100%, level: 1 } ] }
      update: { within: 3d, marks: [ { at: 100%, warn: [desk] } ] }
      resolution: { within: 5d, on_reopen: restart, marks: [ { at: 100%, level: 2 } ] }
    triggers:
      - { name: back, when: { reopen_count: { at_least: 1 } }, level: 1 }
    path:
      - { name: desk, notify: [desk], next_after: 3d, pause: [waiting_customer] }
      - { name: lead, kind: hierarchical, notify: [lead, requester] }
"#;

/// All waits of the plan are over by then: the log ends in 2017.
const UNTIL: &str = "2020-01-01T00:00:00Z";

const PARTITIONS: i32 = 6;

/// The tickets that come after all others begin with this.
const LAST: &str = "last";
const INCIDENTS: usize = 3_000;

/// Kills that have to hit a process at work, in the story that has nothing else to it and in others.
const KILLS: usize = 10;
const KILLS_BESIDES: usize = 4;

/// Crashes of the broker; the second hits a service that went through one.
const CRASHES: usize = 2;

/// What was due years ago is told, too.
const NOTIFY_FROM: &str = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n";

/// The broker assigns the partitions, not the members.
const ASSIGNED_BY_BROKER: &str = "[kafka.properties]\n'group.protocol' = 'consumer'\n";

/// So few records a transaction that the kills find the service at work.
const SLOW: &str = "[tuning]\ntransaction_records = 5\n";

/// The service over what lies in its inputs.
struct Story {
    site: Site,
    grace: &'static str,
    random: Random,
    seed: Random,
}

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = ["a", "b"].map(|name| self.site.log_tail(name));
            let [a, b] = logs;
            // Nobody is left to tell that it could not be told.
            drop(writeln!(
                std::io::stderr(),
                "{:?}; the logs end with\n{a}\n{b}",
                self.seed
            ));
        }
    }
}

impl Story {
    fn new(grace: &'static str) -> Self {
        Self::at(&broker().address, grace, "")
    }

    /// The same at another broker than the one that all share, or with more settings.
    fn at(broker: &str, grace: &'static str, more: &str) -> Self {
        let random = Random::new();
        let slow = format!("{NOTIFY_FROM}{SLOW}{more}");
        let site = Site::at(broker, PLAN, PARTITIONS, &slow);
        site.write_settings("fast", &format!("{NOTIFY_FROM}{more}"));
        Self {
            site,
            grace,
            random,
            seed: random,
        }
    }

    fn start(&self, instance: &str) -> Escalator {
        self.site
            .start_with(instance, "escalator", &["--grace", self.grace])
    }

    fn wait_for_work(&self, child: &Escalator) {
        wait_until("work of the process", PATIENCE, || {
            pass(Duration::from_millis(50));
            self.site.has_committed(child).then_some(())
        });
    }

    /// One instance is killed again and again while another joins and leaves.
    fn run_through_kills(&mut self, kills: usize) {
        let mut first = self.start("a");
        let mut second: Option<Escalator> = None;
        for round in 0..kills {
            match (round % 3, second.take()) {
                (1, None) => second = Some(self.start("b")),
                (2, Some(leaving)) => assert!(leaving.stop().success()),
                (_, other) => second = other,
            }
            self.wait_for_work(&first);
            pass(Duration::from_millis(self.random.below(300)));
            first.kill();
            first = self.start("a");
        }
        self.wait_for_work(&first);
        assert!(first.stop().success(), "an orderly end is a good one");
        assert!(second.is_none_or(|second| second.stop().success()));
    }

    /// The broker crashes again and again under a service that goes on.
    fn run_through_crashes(&mut self, broker: &mut Broker, crashes: usize) {
        let service = self.start("a");
        self.wait_for_work(&service);
        for _ in 0..crashes {
            pass(Duration::from_millis(self.random.below(300)));
            let written = self.site.read("state").len();
            broker.kill();
            broker.start_again();
            wait_until("work after the crash", 2 * PATIENCE, || {
                (self.site.read("state").len() > written).then_some(())
            });
        }
        assert!(service.stop().success());
    }

    /// Lets the service finish, in large transactions: until it has decided what comes after all
    /// the rest.
    fn finish(&self) {
        let service = self.site.start_with("a", "fast", &["--grace", self.grace]);
        wait_until("the end of all work", 5 * PATIENCE, || {
            pass(Duration::from_millis(200));
            let states = self.site.read("state").into_iter();
            let last: BTreeSet<_> = states
                .filter(|record| record.text().0.starts_with(LAST))
                .filter(|record| record.value.as_deref().is_some_and(is_decided))
                .map(|record| record.partition)
                .collect();
            (last.len() == PARTITIONS as usize).then_some(())
        });
        assert!(service.stop().success());
    }
}

/// What `simulate` gives.
fn simulated(site: &Site, load: &Load) -> Told {
    told::simulated(site.path(), &load.file(), UNTIL)
}

/// Whether evaluation has reached the one fact of a ticket.
fn is_decided(state: &[u8]) -> bool {
    decode_state(state).unwrap().evaluated == 1
}

#[test]
fn a_log_through_ten_kills_gives_what_simulate_gives() {
    let mut story = Story::new("0s");
    let mut load = Load::new();
    load.write(&story.site);
    let expected = simulated(&story.site, &load);
    assert!(count(&expected) > INCIDENTS, "the plan has much to say");
    story.run_through_kills(KILLS);
    story.finish();
    assert_same(&published(&story.site), &expected);
}

#[test]
fn a_log_through_kills_gives_the_same_when_the_broker_assigns() {
    let mut story = Story::at(&broker().address, "0s", ASSIGNED_BY_BROKER);
    let mut load = Load::new();
    load.write(&story.site);
    let expected = simulated(&story.site, &load);
    story.run_through_kills(KILLS_BESIDES);
    story.finish();
    assert_same(&published(&story.site), &expected);
}

#[test]
fn a_log_through_crashes_of_the_broker_gives_what_simulate_gives() {
    let mut broker = Broker::start();
    let mut story = Story::at(&broker.address, "0s", "");
    let mut load = Load::new();
    load.write(&story.site);
    let expected = simulated(&story.site, &load);
    story.run_through_crashes(&mut broker, CRASHES);
    story.finish();
    assert_same(&published(&story.site), &expected);
}

#[test]
fn duplicates_and_disorder_within_the_grace_change_nothing_through_kills() {
    let mut story = Story::new("2m");
    let mut load = Load::new().with_duplicates(&mut story.random);
    let delayed = load.delayed(2, &mut story.random);
    assert!(delayed.len() > INCIDENTS / 2);
    load.write(&story.site);
    let expected = simulated(&story.site, &load);
    story.run_through_kills(KILLS_BESIDES);
    story.finish();
    assert_same(&published(&story.site), &expected);
}

#[test]
fn disorder_without_grace_leaves_the_same_decisions_through_kills() {
    let mut story = Story::new("0s");
    let mut load = Load::new();
    let delayed = load.delayed(20, &mut story.random);
    load.write(&story.site);
    let expected = simulated(&story.site, &load);
    story.run_through_kills(KILLS_BESIDES);
    story.finish();
    assert_decided_alike(&story.site, &load);

    // Those whose records all came in time are told nothing else.
    let in_time = |told: Told| -> Told {
        let of_others = |key: &(String, String)| !delayed.contains(&key.1);
        told.into_iter().filter(|(key, _)| of_others(key)).collect()
    };
    let published = published(&story.site);
    assert_same(&in_time(published.clone()), &in_time(expected.clone()));
    for (key, told) in &expected {
        let actual = published.get(key).map_or(&[][..], Vec::as_slice);
        if key.0 == "escalated" {
            assert_corrected(&key.1, actual, told);
        }
    }
}

/// Compares the states of all tickets, whose facts and meaning may not depend on the way there.
fn assert_decided_alike(site: &Site, load: &Load) {
    let plans = escalator::plan_file::load(&site.path().join("plan.yaml")).unwrap();
    let rules = Arc::new(Rules::new(plans.revision().clone()));
    let recording = Recording::read(BufReader::new(load.file().as_bytes())).unwrap();
    let (_, engine) = simulate(&rules, recording.facts, Timestamp::parse(UNTIL).unwrap());
    let stored: BTreeMap<String, TicketState> = site
        .read("state")
        .into_iter()
        .filter(|record| record.key.as_ref().is_some_and(|key| key[0] != 0xFF))
        .filter(|record| !record.text().0.starts_with(LAST))
        .map(|record| {
            (
                record.text().0,
                decode_state(&record.value.unwrap()).unwrap(),
            )
        })
        .collect();
    assert_eq!(stored.len(), INCIDENTS);
    for (ticket, state) in engine.tickets() {
        let stored = &stored[&*ticket];
        assert_eq!(stored.machine, state.machine, "{ticket}");
        assert_eq!(stored.facts, state.facts, "{ticket}");
    }
}
