//! A timeline as a service lives through it that hears of some things late.

use std::sync::Arc;

use escalator_engine::emission::{Emission, Emitted, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::fact::TicketFact;
use escalator_engine::rules::Rules;
use escalator_engine::time::Timestamp;

/// Facts that are heard at one instant, with the rules as they are known then.
type Arrival = (Timestamp, Vec<TicketFact>, Arc<Rules>);

/// Everything is decided at its instant, and what is heard late when it is heard.
pub(super) fn run(first: Rules, arrivals: Vec<Arrival>, until: Timestamp) -> Vec<Emitted> {
    let mut service = Service {
        engine: Engine::new(Arc::new(first)),
        events: Vec::new(),
    };
    for (at, facts, rules) in arrivals {
        service.live_until(at);
        service.engine.set_rules(rules);
        for fact in facts {
            service.engine.apply(fact);
        }
        service.decide(at, at);
    }
    service.live_until(until.plus_millis(1));
    service.events
}

struct Service {
    engine: Engine,
    events: Vec<Emitted>,
}

impl Service {
    /// Decides everything before an instant, each at its own.
    fn live_until(&mut self, at: Timestamp) {
        while let Some(wake) = self.engine.next_wake().filter(|wake| *wake <= at) {
            self.decide(wake, wake.plus_millis(-1));
        }
        self.decide(at, at);
    }

    /// Decides everything before an instant when it is `now`.
    fn decide(&mut self, to: Timestamp, now: Timestamp) {
        let emission = Emission {
            firing: Firing::At(now),
            ..Emission::on_virtual_clock()
        };
        let advanced = self.engine.advance(to, usize::MAX, &emission);
        self.engine.commit();
        self.events.extend(advanced.events);
    }
}
