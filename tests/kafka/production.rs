//! The settings of production start the service: the very file, against a real broker.

use std::time::{SystemTime, UNIX_EPOCH};

use escalator_engine::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::broker::broker;
use crate::support::client::{Sent, produce, read_committed};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/escalator.toml");
const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");

/// What differs between production and a test: the way to the brokers, and secrets that are files
/// there.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "ESCALATOR__KAFKA__PROPERTIES__SECURITY_PROTOCOL",
        "PLAINTEXT",
    ),
    (
        "ESCALATOR__KAFKA__PROPERTIES__SASL_PASSWORD",
        "kafka-secret",
    ),
    ("ESCALATOR__HTTP__ADMIN_TOKEN", "admin-secret"),
];

/// Starts a command with the settings of production.
fn start(directory: &TempDir, name: &str, command: &[&str]) -> Escalator {
    let address = &broker().address;
    let common = ["--config", SETTINGS, "--brokers", address, "--plans", PLANS];
    let flags = ["--instance", name, "--http", "127.0.0.1:0"];
    let arguments = [command, &common, &flags].concat();
    Escalator::start_with(directory.path(), name, &arguments, ENVIRONMENT)
}

#[test]
fn the_settings_of_production_run_the_service() {
    let directory = TempDir::new().unwrap();
    let mut made = start(
        &directory,
        "topics",
        &["topics", "create", "--partitions", "2"],
    );
    assert!(made.wait().success(), "{}", made.log());

    let service = start(&directory, "escalator-1", &["run"]);
    wait_until("readiness", PATIENCE, || {
        let answer = service.ask("GET /readyz", "")?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    });
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap());
    let created = json!({
        "ticket_id": "INC1",
        "occurred_at": now.to_string(),
        "ticket": { "category": "incident", "tags": ["legal"], "subject": "sealed letter" },
    });
    let created = created.to_string().into_bytes();
    let sent = Sent {
        key: Some(b"INC1"),
        value: Some(&created),
        ..Sent::default()
    };
    produce(&broker().address, "ticket-created", &[sent]);
    let escalated = wait_until("the escalation", PATIENCE, || {
        read_committed(&broker().address, "escalated").pop()
    });
    assert_eq!(escalated.key.as_deref(), Some(&b"INC1"[..]));
    let value = escalated.value.unwrap();
    assert_eq!(value[..2], [0xC3, 0x01], "Avro, as the file says");

    let refused = service.ask("POST /-/reload", "").unwrap();
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let token = "Authorization: Bearer admin-secret\r\n";
    let reloaded = service.ask("POST /-/reload", token).unwrap();
    assert!(reloaded.starts_with("HTTP/1.1 200"), "{reloaded}");
    let log = directory.path().join("escalator-1.log");
    assert!(service.stop().success());

    let log = std::fs::read_to_string(log).unwrap();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("the log is JSON, as the file says");
        // The first service of a new cluster may come before its coordinator is ready.
        let reason = line["reason"].as_str().unwrap_or_default();
        let is_early = reason.contains("Coordinator load in progress");
        assert!(line["level"] == "INFO" || is_early, "{line}");
    }
    for secret in ["kafka-secret", "admin-secret", "sealed letter"] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("the service starts") && log.contains("the service has stopped"));
}
