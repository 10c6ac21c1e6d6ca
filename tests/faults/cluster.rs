//! Three brokers that are one cluster, and a way to each of them on which things can go wrong.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::metadata::Metadata;

use super::proxy::{Proxy, Trouble};
use crate::support::broker::Broker;
use crate::support::client::{admin, wait_for};
use crate::support::{pass, wait_until};

/// A broker that comes back reads its logs and copies what it lacks; on two busy cores that takes a
/// quarter of a minute.
const WHOLE_PATIENCE: Duration = Duration::from_secs(120);

/// Partitions of the topics of offsets and of transactions, as the brokers are told.
const COORDINATORS: i32 = 4;

/// Three brokers.
pub(crate) struct Cluster {
    pub(crate) brokers: [Broker; 3],
    pub(crate) proxies: [Proxy; 3],
}

impl Cluster {
    /// Starts them and waits until they are one.
    pub(crate) fn start() -> Self {
        let (proxies, doors): (Vec<_>, Vec<_>) = (0..3).map(|_| Proxy::open()).unzip();
        let proxies: [Proxy; 3] = proxies.try_into().unwrap_or_else(|_| unreachable!());
        let brokers = Broker::start_three(proxies.each_ref().map(|proxy| proxy.port));
        for ((proxy, door), broker) in proxies.iter().zip(doors).zip(&brokers) {
            proxy.lead_to(door, broker.behind_door);
        }
        let cluster = Self { brokers, proxies };
        cluster.wait_until_whole();
        cluster
    }

    /// Where clients find it that nothing is to happen to.
    pub(crate) fn address(&self) -> String {
        self.brokers
            .each_ref()
            .map(|broker| broker.address.clone())
            .join(",")
    }

    /// Where clients find it that go through the proxies.
    pub(crate) fn address_by_proxy(&self) -> String {
        self.proxies
            .each_ref()
            .map(|proxy| format!("127.0.0.1:{}", proxy.port))
            .join(",")
    }

    /// Makes the same thing go wrong on the way to every broker.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        for proxy in &self.proxies {
            proxy.set(trouble);
        }
    }

    /// How many requests and answers the proxies have held back or lost so far.
    pub(crate) fn met(&self) -> usize {
        self.proxies.iter().map(Proxy::met).sum()
    }

    /// Which broker leads a partition.
    pub(crate) fn leader(&self, topic: &str, partition: i32) -> usize {
        wait_until("a leader", WHOLE_PATIENCE, || {
            let metadata = self.metadata(Some(topic))?;
            let partitions = metadata.topics().first()?.partitions();
            let found = partitions.iter().find(|found| found.id() == partition)?;
            usize::try_from(found.leader() - 1).ok()
        })
    }

    /// Which broker coordinates a group.
    pub(crate) fn group_coordinator(&self, group: &str) -> usize {
        self.leader("__consumer_offsets", partition_of(group))
    }

    /// Which broker coordinates the transactions of an id.
    pub(crate) fn transaction_coordinator(&self, id: &str) -> usize {
        self.leader("__transaction_state", partition_of(id))
    }

    /// Waits until every copy of every partition is there and in sync.
    pub(crate) fn wait_until_whole(&self) {
        wait_until("a whole cluster", WHOLE_PATIENCE, || {
            pass(Duration::from_millis(100));
            let metadata = self.metadata(None)?;
            let mut partitions = metadata
                .topics()
                .iter()
                .flat_map(|topic| topic.partitions());
            let is_whole = metadata.brokers().len() == 3
                && partitions.all(|found| found.leader() > 0 && found.isr().len() == 3);
            is_whole.then_some(())
        });
    }

    /// Starts what does not run, wakes what sleeps, and waits until all of it is one again.
    pub(crate) fn mend(&mut self) {
        self.trouble(Trouble::None);
        for broker in &mut self.brokers {
            if broker.is_running() {
                broker.signal("-CONT");
            } else {
                broker.start_again();
            }
        }
        // What was muted stays so.
        for proxy in &self.proxies {
            proxy.cut();
        }
        self.wait_until_whole();
    }

    /// Removes topics, so that the cluster does not grow from one use to the next.
    pub(crate) fn remove(&self, topics: &[String]) {
        let admin = self.admin();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        // Those that were never made are no matter.
        drop(wait_for(admin.delete_topics(&topics, &AdminOptions::new())));
    }

    /// Its administrator.
    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        admin(&self.address())
    }

    fn metadata(&self, topic: Option<&str>) -> Option<Metadata> {
        let admin = self.admin();
        admin
            .inner()
            .fetch_metadata(topic, Duration::from_secs(5))
            .ok()
    }
}

/// The partition of the coordinators' topics that a name belongs to: by the hash that Java gives it.
fn partition_of(name: &str) -> i32 {
    let hash = name.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    (hash & i32::MAX) % COORDINATORS
}
