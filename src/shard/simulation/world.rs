//! The one thread on which everything happens in turn: processes, brokers and what goes wrong.
//!
//! A process that waits or sleeps inside a call lets the others go on above it, and goes on itself
//! when these have come to the instant at which it wakes.

mod flights;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::auditor::Auditor;
use super::cluster::Cluster;
use super::connection::Connection;
use super::dice::Dice;
use super::process::{Killed, Process};
use super::reached::{Path, Reached};
use super::restorer::Restorer;
use super::schedule::{At, Blow, CALM_MS, Config, END_MS, History, Mishap};
use super::workload::{self, START_MS};
use crate::edits::{self, EditLog};
use crate::metrics::Metrics;
use crate::shard::{Error, Shard, Slot};

/// So many processes may sleep inside of calls above each other; while one more does, no process goes
/// on.
const DEPTH_MAX: usize = 5;

/// Far more than a run takes: one that has so many does not come to rest.
const ACTIONS_MAX: u64 = 200_000;

/// A supervisor starts a process again this long after it has stopped by itself.
const SUPERVISOR_MS: i64 = 1_500;

/// Everything.
pub(super) struct World {
    pub(super) config: Config,
    pub(super) reached: Reached,
    pub(super) ahead: Vec<Arc<AtomicI64>>,
    /// When instances that are down come back.
    pub(super) returns: RefCell<BTreeMap<usize, i64>>,
    pub(super) processes: RefCell<BTreeMap<u64, Process>>,
    pub(super) seed: u64,
    pub(super) now: Arc<AtomicI64>,
    cluster: RefCell<Cluster>,
    schedule: RefCell<VecDeque<At>>,
    pub(super) is_calm: Cell<bool>,
    pub(super) edits: RefCell<EditLog>,
    auditor: RefCell<Auditor>,
    failure: RefCell<Option<String>>,
    /// What happened, if somebody wants to read it.
    timeline: Option<RefCell<Vec<String>>>,
    pub(super) metrics: Arc<Metrics>,
    dice: RefCell<Dice>,
    pub(super) started: Cell<u64>,
    depth: Cell<usize>,
    actions: Cell<u64>,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What does not hold.
    pub(super) failure: Option<String>,
    pub(super) counts: Vec<u64>,
    pub(super) timeline: Vec<String>,
}

thread_local! {
    /// Making them takes longer than a run; nothing reads them.
    static METRICS: Arc<Metrics> = Arc::default();
}

/// Runs a history; `is_told` keeps a timeline.
pub(super) fn run(history: &History, is_told: bool) -> Ended {
    let History {
        seed,
        config,
        schedule,
    } = history.clone();
    let reached = Reached::default();
    let mut log = EditLog::default();
    let mut cluster = Cluster::new(&config, seed, reached.clone());
    let first = workload::plan(config.family, 0);
    cluster.edit(edits::record("edits", &first, false), START_MS - 1_000);
    log.take(&cluster.edits[0]);
    let rules = Arc::new(log.rules().unwrap());
    let auditor = Auditor::new(&config, &schedule, &rules, reached.clone());
    let world = Rc::new(World {
        ahead: (0..config.instances).map(|_| Arc::default()).collect(),
        config,
        reached: reached.clone(),
        returns: RefCell::default(),
        processes: RefCell::default(),
        seed,
        now: Arc::new(AtomicI64::new(START_MS)),
        cluster: RefCell::new(cluster),
        schedule: RefCell::new(schedule.into()),
        is_calm: Cell::new(false),
        edits: RefCell::new(log),
        auditor: RefCell::new(auditor),
        failure: RefCell::default(),
        timeline: is_told.then(RefCell::default),
        metrics: METRICS.with(Arc::clone),
        dice: RefCell::new(Dice::new(seed, "world")),
        started: Cell::new(0),
        depth: Cell::new(0),
        actions: Cell::new(0),
    });
    world.run_until(START_MS + END_MS);
    world.let_land();
    world.finish();
    // The processes hold the world, and the world holds them.
    drop(world.processes.take());
    let timeline = world.timeline.as_ref().map(RefCell::take);
    Ended {
        failure: world.failure.take(),
        counts: reached.counts(),
        timeline: timeline.unwrap_or_default(),
    }
}

impl World {
    pub(super) fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn cluster(&self) -> RefMut<'_, Cluster> {
        self.cluster.borrow_mut()
    }

    /// Adds a line to the timeline.
    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        if let Some(timeline) = &self.timeline {
            let ms = self.now() - START_MS;
            timeline.borrow_mut().push(format!("{ms:>6} {}", text()));
        }
    }

    fn fail(&self, reason: String) {
        self.note(|| format!("FAILED: {reason}"));
        self.failure.borrow_mut().get_or_insert(reason);
    }

    /// Puts an edit into the log.
    pub(super) fn edit(&self, variant: usize) {
        let set = workload::plan(self.config.family, variant);
        let mut cluster = self.cluster();
        cluster.edit(edits::record("edits", &set, false), self.now());
        self.edits.borrow_mut().take(cluster.edits.last().unwrap());
        self.reached.count(Path::Edited);
    }

    /// Does something with the restores of a process.
    pub(super) fn restorer(&self, process: u64, what: impl FnOnce(&mut Restorer)) {
        if let Some(process) = self.processes.borrow_mut().get_mut(&process) {
            what(&mut process.restorer);
        }
    }

    pub(super) fn set_member(&self, process: u64, member: Option<u64>) {
        if let Some(process) = self.processes.borrow_mut().get_mut(&process) {
            process.member = member;
        }
    }

    pub(super) fn take_mishap(&self, process: u64) -> Option<Mishap> {
        self.processes.borrow_mut().get_mut(&process)?.take_mishap()
    }

    pub(super) fn is_reachable(&self, process: u64) -> bool {
        let processes = self.processes.borrow();
        let now = self.now();
        now >= self.cluster.borrow().away_until_ms
            && processes
                .get(&process)
                .is_some_and(|it| now >= it.cut_until_ms)
    }

    /// A process makes a step, which may be its last, or may take long.
    pub(super) fn step(self: &Rc<Self>, process: u64) {
        if self.failure.borrow().is_some() {
            resume_unwind(Box::new(Killed));
        }
        let (blow, slow_ms, is_inside) = {
            let mut processes = self.processes.borrow_mut();
            let Some(process) = processes.get_mut(&process) else {
                resume_unwind(Box::new(Killed));
            };
            let (slow_until, up_to) = process.slow;
            let slow_ms = if self.now() < slow_until { up_to } else { 0 };
            (process.take_blow(), slow_ms, process.is_flying())
        };
        match blow {
            Some(Blow::Kill { down_ms }) => {
                if is_inside {
                    self.reached.count(Path::KilledInTransaction);
                }
                self.die(process, down_ms);
                resume_unwind(Box::new(Killed));
            }
            Some(Blow::Sleep { for_ms }) => {
                if is_inside {
                    self.reached.count(Path::AsleepInTransaction);
                }
                self.note(|| format!("#{process} falls asleep for {for_ms}"));
                self.set_asleep(process, true);
                self.sleep(process, for_ms);
                self.set_asleep(process, false);
                self.note(|| format!("#{process} wakes"));
            }
            None if slow_ms > 0 => {
                let ms = self.dice.borrow_mut().between(0, slow_ms);
                self.sleep(process, ms);
            }
            None => {}
        }
    }

    fn set_asleep(&self, process: u64, is_asleep: bool) {
        if let Some(process) = self.processes.borrow_mut().get_mut(&process) {
            process.is_asleep = is_asleep;
        }
    }

    /// A process waits inside a call, and the others go on.
    pub(super) fn sleep(self: &Rc<Self>, process: u64, ms: i64) {
        let mut until = self.now() + ms;
        if !self.is_calm.get() {
            until = until.min(START_MS + CALM_MS);
        }
        self.depth.set(self.depth.get() + 1);
        self.run_until(until);
        self.depth.set(self.depth.get() - 1);
        let is_alive = self.processes.borrow().contains_key(&process);
        let is_over = self.now() > START_MS + 2 * END_MS;
        if is_over {
            self.fail(format!("#{process} does not come out of a call"));
        }
        if !is_alive || self.failure.borrow().is_some() {
            resume_unwind(Box::new(Killed));
        }
    }

    /// Lets happen what happens until an instant.
    fn run_until(self: &Rc<Self>, until: i64) {
        while self.failure.borrow().is_none() {
            let next = self.next_instant();
            if next > until {
                break;
            }
            self.pass_to(next);
            self.act();
            self.audit();
            self.actions.set(self.actions.get() + 1);
            if self.actions.get() > ACTIONS_MAX {
                self.fail("it does not come to rest".to_owned());
            }
        }
        self.pass_to(until);
    }

    /// When something happens next.
    fn next_instant(&self) -> i64 {
        let scheduled = self
            .schedule
            .borrow()
            .front()
            .map(|At(at, _)| START_MS + at);
        let calm = (!self.is_calm.get()).then_some(START_MS + CALM_MS);
        let flying = {
            let processes = self.processes.borrow();
            let awake = processes.values().filter(|process| !process.is_asleep);
            awake.filter_map(Process::flies).min()
        };
        if self.depth.get() > DEPTH_MAX {
            let cluster = self.cluster.borrow().next_event();
            let instants = scheduled.into_iter().chain(calm).chain(cluster);
            return instants.chain(flying).min().unwrap_or(i64::MAX);
        }
        let returning = self.returns.borrow().values().copied().min();
        let cluster = self.cluster.borrow().next_event();
        let processes = self.processes.borrow();
        let awake = processes.values().filter(|process| !process.is_asleep);
        let processes = awake.filter_map(|process| {
            let turn = process.shard.is_some().then_some(process.wakes_ms);
            let restore = process.restorer.is_busy().then_some(process.restores_ms);
            turn.into_iter().chain(restore).min()
        });
        let instants = scheduled.into_iter().chain(calm).chain(returning);
        instants
            .chain(cluster)
            .chain(processes)
            .chain(flying)
            .min()
            .unwrap_or(i64::MAX)
    }

    fn pass_to(&self, instant: i64) {
        let now = self.now().max(instant);
        self.now.store(now, Ordering::Relaxed);
        let mut cluster = self.cluster.borrow_mut();
        for process in self.processes.borrow().values() {
            let is_heard = !process.is_asleep && now >= process.cut_until_ms;
            if let Some(member) = process.member.filter(|_| is_heard) {
                cluster.group.hear(member, now);
            }
        }
        cluster.tick(now);
    }

    /// Does one thing whose time has come.
    fn act(self: &Rc<Self>) {
        let now = self.now();
        let is_due = |at: &At| START_MS + at.0 <= now;
        let event = {
            let mut schedule = self.schedule.borrow_mut();
            schedule
                .front()
                .is_some_and(is_due)
                .then(|| schedule.pop_front())
        };
        if let Some(At(_, event)) = event.flatten() {
            self.note(|| format!("{event:?}"));
            self.happen(event);
            return;
        }
        if !self.is_calm.get() && now >= START_MS + CALM_MS {
            self.calm();
            return;
        }
        let flying = self.due(|it| it.flies().is_some_and(|at_ms| at_ms <= now));
        if let Some(id) = flying {
            self.fly(id);
            return;
        }
        if self.depth.get() > DEPTH_MAX {
            return;
        }
        let returning = self
            .returns
            .borrow()
            .iter()
            .find(|(_, at)| **at <= now)
            .map(|it| *it.0);
        if let Some(instance) = returning {
            self.start(instance);
            return;
        }
        let restoring = self.due(|it| it.restorer.is_busy() && it.restores_ms <= now);
        if let Some(id) = restoring {
            let mut processes = self.processes.borrow_mut();
            let process = processes.get_mut(&id).unwrap();
            process.restores_ms = now + self.dice.borrow_mut().between(1, 60);
            if now >= process.cut_until_ms && now >= self.cluster.borrow().away_until_ms {
                process.restorer.step(&mut self.cluster.borrow_mut(), now);
            }
            return;
        }
        let turning = self.due(|it| it.shard.is_some() && it.wakes_ms <= now);
        if let Some(id) = turning {
            self.turn(id);
        }
    }

    fn due(&self, is_due: impl Fn(&Process) -> bool) -> Option<u64> {
        let processes = self.processes.borrow();
        let mut found = processes
            .iter()
            .filter(|(_, it)| !it.is_asleep && is_due(it));
        found.next().map(|(id, _)| *id)
    }

    /// Lets a process make one turn.
    fn turn(self: &Rc<Self>, id: u64) {
        let (mut shard, stop) = {
            let mut processes = self.processes.borrow_mut();
            let process = processes.get_mut(&id).unwrap();
            (process.shard.take().unwrap(), Arc::clone(&process.stop))
        };
        let is_stopping = stop.load(Ordering::Relaxed);
        let turned = catch_unwind(AssertUnwindSafe(|| {
            if is_stopping {
                shard.run(&stop).map(|()| Duration::ZERO)
            } else {
                shard.turn(Duration::ZERO, &stop)
            }
        }));
        match turned {
            Ok(Ok(wait)) if !is_stopping => self.put_back(id, shard, wait),
            Ok(Ok(_)) => {
                self.note(|| format!("#{id} has stopped"));
                self.processes.borrow_mut().remove(&id);
            }
            Ok(Err(error)) => self.stopped(id, &error),
            Err(payload) if payload.is::<Killed>() => {}
            Err(payload) => {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string));
                self.fail(format!("#{id} panics: {}", text.unwrap_or_default()));
            }
        }
    }

    fn put_back(&self, id: u64, shard: Box<Shard<Connection>>, wait: Duration) {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap();
        // Idle time is passed in larger steps; a poll may always take longer.
        let factor = if self.is_calm.get() { 8 } else { 4 };
        let wait_ms = self.dice.borrow_mut().between(wait_ms, wait_ms * factor);
        if let Some(process) = self.processes.borrow_mut().get_mut(&id) {
            process.shard = Some(shard);
            process.wakes_ms = self.now() + wait_ms;
        }
    }

    /// A process has ended by itself, and is started again.
    fn stopped(&self, id: u64, error: &Error) {
        self.note(|| format!("#{id} stops: {error}"));
        let is_replaced = matches!(error, Error::Kafka(crate::kafka::Error::InputGone { .. }));
        match error {
            Error::TwoInstances { .. } => self.reached.count(Path::TwinStopped),
            Error::Kafka(_) if is_replaced => self.reached.count(Path::TwinStopped),
            Error::Kafka(_) => self.fail(format!("#{id} stops: {error:?}")),
        }
        self.die(id, SUPERVISOR_MS);
    }

    /// A process is gone, and its instance comes back unless another process of it lives.
    pub(super) fn die(&self, id: u64, down_ms: i64) {
        self.note(|| format!("#{id} is gone"));
        let mut processes = self.processes.borrow_mut();
        let Some(process) = processes.remove(&id) else {
            return;
        };
        let instance = process.instance;
        if processes.values().all(|other| other.instance != instance) {
            let at = (self.now() + down_ms)
                .min(START_MS + CALM_MS)
                .max(self.now());
            self.returns.borrow_mut().insert(instance, at);
        }
    }

    fn audit(&self) {
        let mut cluster = self.cluster();
        for decided in std::mem::take(&mut cluster.decided) {
            let rules = Arc::new(self.edits.borrow().rules().unwrap());
            let mut auditor = self.auditor.borrow_mut();
            if let Err(reason) = auditor.take(&decided, &mut cluster, &rules, self.now()) {
                self.fail(reason);
            }
        }
    }

    /// Looks at what is left in the end.
    fn finish(&self) {
        self.audit();
        if self.failure.borrow().is_some() {
            return;
        }
        for number in 0..self.config.partitions {
            let processes = self.processes.borrow();
            let shards = processes
                .values()
                .filter_map(|process| process.shard.as_ref());
            let slots = shards.filter_map(|shard| shard.slots.get(&number));
            let live = slots.filter(|slot| matches!(slot, Slot::Live(_))).count();
            if live != 1 {
                self.fail(format!(
                    "partition {number} is processed by {live} processes"
                ));
                return;
            }
        }
        let finished = self.auditor.borrow().finish(&mut self.cluster());
        if let Err(reason) = finished {
            self.fail(reason);
        }
    }
}
