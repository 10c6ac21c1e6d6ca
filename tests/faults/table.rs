//! The table of what was injected, what was seen, and what the oracle says.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use super::scenario::{Outcome, Scenario};

/// The table while it grows.
pub(crate) struct Table {
    played: usize,
    bad: Vec<&'static str>,
}

/// Prints the names as other test programs do.
pub(crate) fn list(scenarios: &[&Scenario]) {
    for scenario in scenarios {
        line(&format!("{}: test", scenario.name));
    }
}

impl Table {
    /// Prints its head.
    pub(crate) fn begin(count: usize) -> Self {
        line(&format!("\n{count} scenarios on three brokers"));
        line("| scenario | injected | seen | unserved | takeover | verdict |");
        line("|---|---|---|---|---|---|");
        Self {
            played: 0,
            bad: Vec::new(),
        }
    }

    /// Prints a line.
    pub(crate) fn add(&mut self, scenario: &Scenario, outcome: Result<Outcome, String>) {
        self.played += 1;
        let (seen, unserved, takeover, verdict) = match &outcome {
            Ok(outcome) => told(outcome),
            Err(error) => {
                let blank = String::new;
                (blank(), blank(), blank(), format!("FAILED: {error}"))
            }
        };
        if !outcome.is_ok_and(|outcome| outcome.is_good()) {
            self.bad.push(scenario.name);
        }
        let Scenario { name, injected, .. } = scenario;
        line(&format!(
            "| {name} | {injected} | {seen} | {unserved} | {takeover} | {verdict} |"
        ));
    }

    /// Prints its end, and says whether all was good.
    pub(crate) fn end(self, time: Duration) -> ExitCode {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        line(&format!(
            "\n{} scenarios in {} s, {} bad {:?}; load of the machine {}",
            self.played,
            time.as_secs(),
            self.bad.len(),
            self.bad,
            load.trim()
        ));
        if self.bad.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn told(outcome: &Outcome) -> (String, String, String, String) {
    let seconds = |ms: i64| format!("{:.1} s", ms as f64 / 1_000.0);
    let mut verdict = if outcome.is_good() { "good: " } else { "BAD: " }.to_owned();
    if let Some(late) = outcome.too_late {
        verdict += &format!("the load was written {late:?} too late; ");
    }
    verdict += &outcome.verdict.to_string();
    (
        outcome.seen.trim_start_matches("; ").to_owned(),
        seconds(outcome.unserved_ms),
        outcome.takeover_ms.map_or_else(|| "-".to_owned(), seconds),
        verdict,
    )
}

fn line(text: &str) {
    // Where nobody listens there is nobody to tell.
    drop(writeln!(stdout(), "{text}"));
}
