//! What a scenario is, and what comes of one.

use std::time::Duration;

use super::load::{self, Event};
use super::stage::Stage;
use super::verdict::Verdict;
use crate::site::Site;

/// Something that goes wrong.
pub(crate) struct Scenario {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What is done.
    pub(crate) injected: &'static str,
    /// Does it, and tells what else was seen.
    pub(crate) run: fn(&mut Stage<'_>) -> String,
    /// What is done before the service starts.
    pub(crate) prepare: fn(&Site),
    /// How many processes serve.
    pub(crate) replicas: usize,
    /// What is written, from this instant on and for so long.
    pub(crate) load: fn(i64, Duration) -> Vec<Event>,
    /// How long the load lasts.
    pub(crate) length: Duration,
    /// How long before its instant an event is written.
    pub(crate) lead: Duration,
    /// How much time there is to write what is there from the beginning.
    pub(crate) head: Duration,
    /// More settings.
    pub(crate) settings: &'static str,
    /// Whether the service goes through the proxies.
    pub(crate) by_proxy: bool,
    /// Whether it is one of those that are always run.
    pub(crate) is_short: bool,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) seen: String,
    pub(crate) unserved_ms: i64,
    pub(crate) takeover_ms: Option<i64>,
    /// How much too late the load itself was written, if it was.
    pub(crate) too_late: Option<Duration>,
    pub(crate) verdict: Verdict,
}

impl Scenario {
    /// Three replicas, and twenty seconds of load that is written as it happens.
    pub(crate) const fn new(
        name: &'static str,
        injected: &'static str,
        run: fn(&mut Stage<'_>) -> String,
    ) -> Self {
        Self {
            name,
            injected,
            run,
            prepare: |_| {},
            replicas: 3,
            load: load::steady,
            length: Duration::from_secs(20),
            lead: Duration::from_secs(4),
            head: Duration::ZERO,
            settings: "",
            by_proxy: false,
            is_short: false,
        }
    }

    /// With load that lasts so long, in seconds.
    pub(crate) const fn lasting(mut self, length_s: u64) -> Self {
        self.length = Duration::from_secs(length_s);
        self
    }

    /// With load that is written so long before its instants, in seconds: longer than the brokers are
    /// away.
    pub(crate) const fn ahead(mut self, lead_s: u64) -> Self {
        self.lead = Duration::from_secs(lead_s);
        self
    }

    /// On topics that are prepared.
    pub(crate) const fn on(mut self, prepare: fn(&Site)) -> Self {
        self.prepare = prepare;
        self
    }

    /// With so many replicas.
    pub(crate) const fn of(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// With more settings.
    pub(crate) const fn with(mut self, settings: &'static str) -> Self {
        self.settings = settings;
        self
    }

    /// With other load, and so many seconds to write it in.
    pub(crate) const fn loaded(
        mut self,
        load: fn(i64, Duration) -> Vec<Event>,
        head_s: u64,
    ) -> Self {
        self.load = load;
        self.head = Duration::from_secs(head_s);
        self
    }

    /// Through the proxies.
    pub(crate) const fn by_proxy(mut self) -> Self {
        self.by_proxy = true;
        self
    }

    /// One of those that are always run.
    pub(crate) const fn always(mut self) -> Self {
        self.is_short = true;
        self
    }
}

impl Outcome {
    /// Whether all is as it should be.
    pub(crate) fn is_good(&self) -> bool {
        self.verdict.is_good() && self.too_late.is_none()
    }
}
