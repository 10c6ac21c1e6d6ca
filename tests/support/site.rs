//! The topics, the plan and the settings of one service under test.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::broker::broker;
use crate::support::client::{Seen, Sent, create_topic, produce, read_committed, unique};
use crate::support::process::Escalator;

/// Every ticket is told of at once, however long ago it was.
pub(crate) const TELLS_OF_EVERY_TICKET: &str = "
version: 1
targets: { noc: { kind: team, channels: [chat] } }
plans:
  - name: p
    stale_after: none
    triggers: [ { name: any, when: { status: open }, level: 1 } ]
    path: [ { notify: [noc] } ]
";

/// What one service needs, apart from everybody else's.
pub(crate) struct Site {
    directory: TempDir,
    pub(crate) broker: String,
    prefix: String,
    pub(crate) partitions: i32,
}

impl Site {
    /// A site with these plans. `more` is appended to the settings.
    pub(crate) fn new(plan: &str, partitions: i32, more: &str) -> Self {
        Self::at(&broker().address, plan, partitions, more)
    }

    /// The same at another broker than the one that all share.
    pub(crate) fn at(broker: &str, plan: &str, partitions: i32, more: &str) -> Self {
        let site = Self {
            directory: TempDir::new().unwrap(),
            broker: broker.to_owned(),
            prefix: unique("site"),
            partitions,
        };
        std::fs::write(site.path().join("plan.yaml"), plan).unwrap();
        site.write_settings("escalator", more);
        for input in ["created", "updated"] {
            // Records of the past are not old records to throw away.
            let settings = [("retention.ms", "-1"), ("max.message.bytes", "20000000")];
            create_topic(broker, &site.topic(input), partitions, &settings);
        }
        site
    }

    /// Replaces the plans, as an editor does: whoever reads sees the old ones or the new ones.
    pub(crate) fn write_plan(&self, plan: &str) {
        let new = self.path().join("plan.new");
        std::fs::write(&new, plan).unwrap();
        std::fs::rename(&new, self.path().join("plan.yaml")).unwrap();
    }

    /// Writes settings under another name.
    pub(crate) fn write_settings(&self, name: &str, more: &str) {
        let topic = |name| self.topic(name);
        // As short as can be: a test waits for the transactions of the dead.
        let settings = format!(
            "plans = '{}'\n\
             [kafka]\nbrokers = '{}'\ngroup = '{}'\n\
             session_timeout = '6s'\ntransaction_timeout = '2s'\n\
             [topics]\ncreated = '{}'\nupdated = '{}'\nstate = '{}'\nescalated = '{}'\n\
             notify = '{}'\ndead_letters = '{}'\nplans = '{}'\ncreate = true\npartitions = {}\n\
             [output]\nformat = 'json'\ncloud_events = true\n\
             [http]\nlisten = '127.0.0.1:0'\n{more}",
            self.path().join("plan.yaml").display(),
            self.broker,
            self.prefix,
            topic("created"),
            topic("updated"),
            topic("state"),
            topic("escalated"),
            topic("notify"),
            topic("dead"),
            topic("plans"),
            self.partitions,
        );
        std::fs::write(self.path().join(format!("{name}.toml")), settings).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The consumer group of its service.
    pub(crate) fn group(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// The last lines that an instance has logged.
    pub(crate) fn log_tail(&self, instance: &str) -> String {
        let log = self.path().join(format!("{instance}.log"));
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    pub(crate) fn start(&self, instance: &str) -> Escalator {
        self.start_with(instance, "escalator", &[])
    }

    /// Starts an instance with the settings of that name and with flags above them.
    pub(crate) fn start_with(&self, instance: &str, settings: &str, flags: &[&str]) -> Escalator {
        let config = self.path().join(format!("{settings}.toml"));
        let config = config.to_str().unwrap();
        let mut arguments = vec!["run", "--config", config, "--instance", instance];
        arguments.extend(flags);
        Escalator::start(self.path(), instance, &arguments)
    }

    /// Runs a command with the settings of the site; answers with its exit code and what it told.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.begin(arguments);
        (command.wait().code(), command.log())
    }

    /// Begins to run such a command.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Escalator {
        let config = self.path().join("escalator.toml");
        let settings = ["--config", config.to_str().unwrap()];
        let arguments = [arguments, &settings].concat();
        Escalator::start(self.path(), &unique("command"), &arguments)
    }

    /// Whether this very process has committed a transaction.
    pub(crate) fn has_committed(&self, child: &Escalator) -> bool {
        let run = format!("-{}-", child.id());
        child.log().contains("goes on from")
            && self.read("state").iter().any(|record| {
                let (_, value) = record.text();
                record.key.as_ref().is_some_and(|key| key[0] == 0xFF) && value.contains(&run)
            })
    }

    /// Writes a created event to a partition, wherever a partitioner would have put it.
    pub(crate) fn create_in(&self, partition: i32, id: &str, ticket: &Value) {
        let event = json!({
            "ticket_id": id, "occurred_at": "2026-11-20T10:00:00Z", "ticket": ticket,
        });
        let event = event.to_string();
        self.write("created", partition, id.as_bytes(), Some(event.as_bytes()));
    }

    /// Writes a record to a topic, be it one that only the service should write to.
    pub(crate) fn write(&self, topic: &str, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let sent = Sent {
            partition,
            key: Some(key),
            value,
            ..Sent::default()
        };
        produce(&self.broker, &self.topic(topic), &[sent]);
    }

    pub(crate) fn read(&self, name: &str) -> Vec<Seen> {
        read_committed(&self.broker, &self.topic(name))
    }
}
