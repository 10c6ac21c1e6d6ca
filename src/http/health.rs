//! Whether the service lives and whether it is ready, check by check, each with its reason.
//!
//! The service notes what it finds; the routes only tell. A check that nobody has made yet fails:
//! not knowing is not being ready.

use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Parts;

/// What must hold for the service to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The brokers answer.
    Broker,
    /// The state of every assigned partition has been read.
    Partitions,
    /// The plan files were loaded.
    Plans,
    /// The producers of both inputs place a ticket in the same partition.
    Partitioners,
    /// The schema registry answers, where it is needed.
    Registry,
}

impl Check {
    const ALL: [Self; 5] = [
        Self::Broker,
        Self::Partitions,
        Self::Plans,
        Self::Partitioners,
        Self::Registry,
    ];

    /// The name as it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker reachable",
            Self::Partitions => "partitions restored",
            Self::Plans => "plans loaded",
            Self::Partitioners => "partitioners agree",
            Self::Registry => "schema registry answers",
        }
    }

    /// The name as a label of its metric.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Partitions => "partitions",
            Self::Plans => "plans",
            Self::Partitioners => "partitioners",
            Self::Registry => "registry",
        }
    }
}

/// What the service has found out about itself; shared between its threads and the routes.
#[derive(Debug)]
pub struct Health(Mutex<Findings>);

/// Why each check fails, in the order of [`Check::ALL`]; none when it passes.
type Findings = [Option<String>; Check::ALL.len()];

impl Health {
    /// Nothing is known yet, so nothing is ready.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(
            Check::ALL.map(|_| Some("not checked yet".to_owned())),
        ))
    }

    /// Notes that a check passes.
    pub fn pass(&self, check: Check) {
        self.findings()[check as usize] = None;
    }

    /// Notes that a check fails, and why; the reason says what to do where that is known.
    pub fn fail(&self, check: Check, reason: impl Into<String>) {
        self.findings()[check as usize] = Some(reason.into());
    }

    /// Whether every check passes.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.findings().iter().all(Option::is_none)
    }

    /// Every check, and whether it passes.
    #[must_use]
    pub fn checks(&self) -> Vec<(Check, bool)> {
        let findings = self.findings();
        let passing = findings.iter().map(Option::is_none);
        Check::ALL.into_iter().zip(passing).collect()
    }

    fn findings(&self) -> std::sync::MutexGuard<'_, Findings> {
        // Each note is one assignment, so a panic elsewhere leaves nothing half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readiness(&self) -> Report {
        let findings = self.findings();
        let checks = Check::ALL.into_iter().zip(&*findings);
        let checks = checks.map(|(check, reason)| CheckReport::new(check.name(), reason.clone()));
        Report::new(checks.collect())
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// The answer of `/livez` and `/readyz`.
#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: Vec<CheckReport>,
}

#[derive(Serialize)]
struct CheckReport {
    name: &'static str,
    ok: bool,
    reason: Option<String>,
}

impl CheckReport {
    fn new(name: &'static str, reason: Option<String>) -> Self {
        Self {
            name,
            ok: reason.is_none(),
            reason,
        }
    }
}

impl Report {
    fn new(checks: Vec<CheckReport>) -> Self {
        Self {
            ok: checks.iter().all(|check| check.ok),
            checks,
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            match &check.reason {
                None => text.push_str(&format!("[+] {}\n", check.name)),
                Some(reason) => text.push_str(&format!("[-] {}: {reason}\n", check.name)),
            }
        }
        text
    }

    /// JSON for those who ask for it, else lines for people.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let status = if self.ok {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let wants_json = headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("application/json"));
        let (kind, body) = if wants_json {
            let body = serde_json::to_string(self)
                .expect("a report is made of texts and booleans, which JSON can hold");
            ("application/json", body)
        } else {
            ("text/plain; charset=utf-8", self.text())
        };
        (
            status,
            [(CONTENT_TYPE, HeaderValue::from_static(kind))],
            body,
        )
            .into_response()
    }
}

/// Whoever answers, lives: what is beyond repair ends the process.
pub(super) async fn live(headers: HeaderMap) -> Response {
    Report::new(vec![CheckReport::new("process", None)]).answer(&headers)
}

pub(super) async fn ready(State(parts): State<Parts>, headers: HeaderMap) -> Response {
    parts.health.readiness().answer(&headers)
}
