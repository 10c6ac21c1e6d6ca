//! The demonstration while it runs: a broker, the real service, somebody who writes the day and
//! somebody who reads what comes of it, in one process.
//!
//! ```text
//! opened ──► service ready ──► the day runs ──► all written ──► all decided ──► service stopped
//!                                   └─ asked to stop: the day ends now ─┘        └► all read: over
//! ```
//!
//! Who shows it asks for what is new, again and again; see [`Running::news`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use escalator_engine::effect::EscalatedType;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

use super::ending::Ending;
use super::error::{Error, READY_PATIENCE};
use super::pace::FastClock;
use super::site::{self, PARTITIONS};
use super::story::Story;
use super::summary::Summary;
use super::watcher::{self, Told, Watcher};
use super::writing::{self, Written};
use crate::clock::Clock;
use crate::kafka;
use crate::kafka::reader::Reader;
use crate::plan_file::PlanSet;
use crate::service::{self, Service};
use crate::settings::Settings;

/// Records are waited for this long at a time, so that the screen follows.
const STEP: Duration = Duration::from_millis(20);

/// Decisions that are still missing when nothing has come for so long will not come any more.
const DECISION_PATIENCE: Duration = Duration::from_secs(10);

/// When everything that should be decided is, what should not be still has this long to show.
const SURPRISE: Duration = Duration::from_millis(300);

/// What is played.
pub struct Play {
    /// The day.
    pub story: Story,
    /// The plans.
    pub plans: PlanSet,
    /// How many times faster than the world it passes.
    pub speed: u32,
    /// Where health and metrics are served.
    pub http: SocketAddr,
    /// Ends the day early when it becomes true.
    pub stop: Arc<AtomicBool>,
    /// A number that differs from run to run, such as the process id.
    pub run_number: u32,
}

/// What is new.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The service gets ready.
    Starting,
    /// Something was decided.
    Told(Box<Told>),
    /// Time has passed.
    Progress(Progress),
    /// That was all.
    Over(Box<Summary>),
}

/// How far the day is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// The time of the day.
    pub now: Timestamp,
    /// How much of it has passed, 0 to 1.
    pub share: f64,
    /// Tickets that are open.
    pub open: i64,
    /// Events sent.
    pub events: usize,
    /// Levels raised.
    pub raised: usize,
    /// Notifications.
    pub told: usize,
}

/// The demonstration while it runs.
pub struct Running {
    story: Arc<Story>,
    rules: Arc<Rules>,
    settings: Settings,
    clock: Arc<FastClock>,
    begun: Instant,
    address: SocketAddr,
    health: Arc<crate::http::Health>,
    stop: Arc<AtomicBool>,
    stop_service: Arc<AtomicBool>,
    service: Option<JoinHandle<Result<(), service::Error>>>,
    written: Arc<Written>,
    watcher: Option<Watcher>,
    raised: usize,
    phase: Phase,
}

enum Phase {
    /// The service gets ready. Becomes [`Phase::Day`].
    Starting,
    /// The day is being written. Becomes [`Phase::Deciding`].
    Day(JoinHandle<Result<Timestamp, kafka::Error>>),
    /// Everything is written. Becomes [`Phase::Reading`].
    Deciding(Box<Ending>),
    /// The service has stopped. Ends with the summary.
    Reading(Box<Ending>),
    /// The summary was given.
    Over,
}

impl Running {
    /// Starts the broker and the service.
    ///
    /// # Errors
    /// When one of them cannot be started.
    pub fn open(play: Play) -> Result<Self, Error> {
        let broker = crate::embedded::start().map_err(Error::Broker)?;
        let settings = site::settings(broker, play.http)?;
        let clock = Arc::new(FastClock::new(play.story.morning, play.speed));
        let rules = Arc::new(Rules::new(Arc::clone(play.plans.revision())));
        let stop_service = Arc::new(AtomicBool::new(false));
        let service = Service::open(service::Start {
            settings: settings.clone(),
            plans: play.plans,
            mappings: Arc::default(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            stop: Arc::clone(&stop_service),
            // What is compared with a simulation has one set of plans.
            follows_files: false,
            hang_up: Arc::default(),
            run_number: play.run_number,
        })?;
        let (address, health) = (service.address(), Arc::clone(service.health()));
        let service = std::thread::Builder::new()
            .name("service".to_owned())
            .spawn(move || service.run())
            .map_err(Error::Thread)?;
        Ok(Self {
            story: Arc::new(play.story),
            rules,
            settings,
            clock,
            begun: Instant::now(),
            address,
            health,
            stop: play.stop,
            stop_service,
            service: Some(service),
            written: Arc::default(),
            watcher: None,
            raised: 0,
            phase: Phase::Starting,
        })
    }

    /// Where health and metrics are served.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is new; waits a moment for it. After [`News::Over`] there is nothing more to ask for.
    ///
    /// # Errors
    /// When the demonstration cannot go on.
    pub fn news(&mut self) -> Result<News, Error> {
        let is_service_over = self.service.as_ref().is_some_and(JoinHandle::is_finished);
        if is_service_over {
            self.join_service()?;
            return Err(Error::Ended);
        }
        let is_end = matches!(self.phase, Phase::Reading(_));
        if let Some(watcher) = &mut self.watcher {
            let heard = watcher.poll(Duration::ZERO, &self.clock)?;
            if let Some(told) = watcher.ripe(is_end && heard == 0)? {
                let is_raised = |it: &super::Decision| it.kind == EscalatedType::Raised;
                self.raised += usize::from(told.decision.as_ref().is_some_and(is_raised));
                return Ok(News::Told(Box::new(told)));
            }
        }
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Starting => self.start_day(),
            Phase::Day(writing) => self.go_on(writing),
            Phase::Deciding(ending) => self.wait_for_decisions(ending),
            Phase::Reading(ending) => self.read_to_the_end(ending),
            Phase::Over => Ok(News::Over(Box::default())),
        }
    }

    /// Lets the day begin once the service is ready.
    fn start_day(&mut self) -> Result<News, Error> {
        let is_stopped = self.stop.load(Ordering::Acquire);
        if !self.health.is_ready() && !is_stopped {
            if self.begun.elapsed() > READY_PATIENCE {
                return Err(Error::NotReady);
            }
            self.phase = Phase::Starting;
            std::thread::sleep(STEP);
            return Ok(News::Starting);
        }
        let clients = service::client_settings(&self.settings);
        let topics = &self.settings.topics;
        let reader = Reader::open(&clients, &[&topics.escalated, &topics.notify], PARTITIONS);
        self.watcher = Some(Watcher::new(reader.map_err(watcher::Error::Kafka)?));
        let writing = writing::start(
            &clients,
            [&topics.created, &topics.updated],
            &self.story,
            &self.clock,
            &self.written,
            &self.stop,
        );
        self.phase = Phase::Day(writing.map_err(Error::Writing)?);
        Ok(News::Starting)
    }

    fn go_on(
        &mut self,
        writing: JoinHandle<Result<Timestamp, kafka::Error>>,
    ) -> Result<News, Error> {
        if !writing.is_finished() {
            self.phase = Phase::Day(writing);
            self.listen()?;
            return Ok(News::Progress(self.progress()));
        }
        // A panic of that thread has said what it was.
        let until = writing.join().map_err(|_| Error::Ended)?;
        let until = until.map_err(Error::Writing)?;
        let events = &self.story.events[..self.written.events()];
        let ending = Ending::new(events, self.story.morning, until, &self.rules);
        self.phase = Phase::Deciding(Box::new(ending));
        Ok(News::Progress(self.progress()))
    }

    fn wait_for_decisions(&mut self, mut ending: Box<Ending>) -> Result<News, Error> {
        let heard = self.listen()?;
        if let Some(watcher) = &self.watcher {
            ending.note(heard, watcher.account());
        }
        let is_complete = ending.complete_at.is_some_and(|at| at.elapsed() > SURPRISE);
        if is_complete || ending.heard_at.elapsed() > DECISION_PATIENCE {
            self.stop_service.store(true, Ordering::Release);
            self.join_service()?;
            ending.heard_at = Instant::now();
            self.phase = Phase::Reading(ending);
        } else {
            self.phase = Phase::Deciding(ending);
        }
        Ok(News::Progress(self.progress()))
    }

    fn read_to_the_end(&mut self, ending: Box<Ending>) -> Result<News, Error> {
        self.listen()?;
        let Some(watcher) = &self.watcher else {
            return Err(Error::Ended);
        };
        if !watcher.is_at_end()? && ending.heard_at.elapsed() < DECISION_PATIENCE {
            self.phase = Phase::Reading(ending);
            return Ok(News::Progress(self.progress()));
        }
        let summary = ending.sum_up(watcher.account(), self.begun);
        Ok(News::Over(Box::new(summary)))
    }

    /// Waits a moment for records.
    fn listen(&mut self) -> Result<usize, Error> {
        match &mut self.watcher {
            Some(watcher) => Ok(watcher.poll(STEP, &self.clock)?),
            None => Ok(0),
        }
    }

    fn join_service(&mut self) -> Result<(), Error> {
        match self.service.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => Ok(result?),
            // A panic has said what it was.
            Some(Err(_)) => Err(Error::Ended),
        }
    }

    fn progress(&self) -> Progress {
        let now = self.clock.now().min(self.story.end);
        let passed_ms = now.millis_since(self.story.morning) as f64;
        let all_ms = self.story.end.millis_since(self.story.morning) as f64;
        let watcher = self.watcher.as_ref();
        Progress {
            now,
            share: passed_ms / all_ms,
            open: self.written.open(),
            events: self.written.events(),
            raised: self.raised,
            told: watcher.map_or(0, |watcher| watcher.account().notifications.len()),
        }
    }
}
