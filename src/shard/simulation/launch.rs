//! Starts the processes of an instance, as `service.rs` puts a real one together, and brings calm.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use escalator_engine::rules::Rules;
use escalator_engine::time::{Duration as Span, Timestamp};

use super::connection::Connection;
use super::dice::Dice;
use super::process::{InstanceClock, Process};
use super::restorer::Restorer;
use super::topic_log::Topic;
use super::world::World;
use crate::edits::EditLog;
use crate::http::Health;
use crate::kafka::OffsetOf;
use crate::partition::{Names, Shared, Writing};
use crate::shard::model::LIMITS;
use crate::shard::{Pace, Parts, Shard, StartAt};
use crate::wire::{OutputFormat, WriterSchemas};

impl World {
    /// Starts a process of an instance.
    pub(super) fn start(self: &Rc<Self>, instance: usize) {
        self.returns.borrow_mut().remove(&instance);
        let id = self.started.get() + 1;
        self.started.set(id);
        self.note(|| format!("instance {instance} starts as #{id}"));
        let edits = self.edits.borrow().clone();
        let rules = Arc::new(edits.rules().unwrap());
        let restorer = Restorer::new(Arc::clone(&rules), self.reached.clone());
        let mut process = Process::new(instance, restorer, self.now());
        let dice = Dice::new(self.seed ^ id, "connection");
        let connection = Connection::new(Rc::clone(self), id, instance, dice);
        let shard = Shard::new(connection, self.parts(instance, id, rules, edits));
        process.shard = Some(Box::new(shard));
        self.processes.borrow_mut().insert(id, process);
    }

    fn parts(&self, instance: usize, id: u64, rules: Arc<Rules>, edits: EditLog) -> Parts {
        let names = Names {
            inputs: Topic::INPUTS.map(|topic| topic.name().to_owned()),
            state: Topic::State.name().into(),
            escalated: Topic::Escalated.name().into(),
            notify: Topic::Notify.name().into(),
            dead_letters: Topic::DeadLetters.name().into(),
        };
        Parts {
            shared: Shared {
                rules,
                edits_until: Timestamp::MIN,
                schemas: WriterSchemas::default(),
                mappings: Arc::default(),
                tz_version: "test".into(),
                grace: Span::from_millis(self.config.grace_ms),
                partitions: self.config.partitions,
                writing: Writing {
                    names,
                    format: OutputFormat::Json,
                    cloud_events: false,
                    limits: LIMITS,
                },
                instance: format!("i{instance}"),
            },
            edits,
            registry: None,
            start: StartAt {
                offsets: OffsetOf::Start,
                notify_from: Some(Timestamp::MIN),
            },
            pace: Pace {
                records_max: self.config.records_max,
                interval: Duration::from_millis(100),
                much: self.config.much,
            },
            run_id: format!("run{id}"),
            clock: Arc::new(InstanceClock {
                now_ms: Arc::clone(&self.now),
                ahead_ms: Arc::clone(&self.ahead[instance]),
            }),
            metrics: Arc::clone(&self.metrics),
            health: Arc::new(Health::new()),
        }
    }

    /// Ends everything that goes wrong, and starts what does not run.
    pub(super) fn calm(self: &Rc<Self>) {
        self.note(|| "from here on nothing goes wrong".to_owned());
        self.is_calm.set(true);
        for process in self.processes.borrow_mut().values_mut() {
            process.calm();
        }
        for ahead in &self.ahead {
            ahead.store(0, Ordering::Relaxed);
        }
        let mut cluster = self.cluster();
        cluster.marker_delay_ms = 0;
        cluster.group.forgetful_until_ms = i64::MIN;
        cluster.away_until_ms = cluster.away_until_ms.min(self.now());
        cluster.leaderless = None;
        drop(cluster);
        for instance in 0..self.config.instances {
            let mut processes = self.processes_of(instance);
            // Two processes of one name are something that goes wrong, too.
            if processes.pop().is_none() {
                self.start(instance);
            }
            for twin in processes {
                self.die(twin, 0);
            }
        }
    }

    /// The processes of an instance, the first of them at first.
    pub(super) fn processes_of(&self, instance: usize) -> Vec<u64> {
        let processes = self.processes.borrow();
        let found = processes.iter().filter(|(_, it)| it.instance == instance);
        found.map(|(id, _)| *id).collect()
    }
}
