//! The commands as a person or a container runs them: exit codes, what is printed and where.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

fn escalator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
    // Whatever this machine has set must not reach the tests.
    command.env_clear();
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_settings_are_printed_with_their_sources() {
    let output = escalator()
        .args(["config", "print", "--brokers", "kafka:9092"])
        .env("ESCALATOR__GRACE", "5s")
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let printed = stdout(&output);
    let lines: Vec<String> = printed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for expected in [
        "kafka.brokers kafka:9092 (flag --brokers)",
        "grace 5s (environment variable ESCALATOR__GRACE)",
        "http.admin_token - (default)",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{printed}");
    }
}

#[test]
fn the_settings_are_printed_as_json_without_secrets() {
    let output = escalator()
        .args(["config", "print", "--output", "json"])
        .env("ESCALATOR__KAFKA__PROPERTIES__SASL_PASSWORD", "hunter2")
        .output()
        .unwrap();
    let printed = stdout(&output);
    assert!(!printed.contains("hunter2"), "{printed}");
    let listing: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let settings = listing["settings"].as_array().unwrap();
    let password = settings
        .iter()
        .find(|setting| setting["name"] == "kafka.properties.sasl.password")
        .unwrap();
    assert_eq!(password["value"], "[redacted]");
}

#[test]
fn refused_settings_exit_with_2_and_say_why_on_stderr() {
    let output = escalator()
        .args(["config", "print", "--grace", "soon"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert_eq!(stdout(&output), "");
    let told = stderr(&output);
    let expected = "error: a setting is refused: grace = \"soon\" (flag --grace)";
    assert!(told.starts_with(expected), "{told}");
    let coloured = told.contains('\u{1b}');
    assert!(!coloured, "colours where nobody sees them: {told}");
}

#[test]
fn a_missing_settings_file_is_told_with_cause_and_remedy() {
    let output = escalator()
        .args(["config", "print", "--config", "/nowhere/escalator.toml"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    let told = stderr(&output);
    for part in [
        "cannot read the settings file /nowhere/escalator.toml",
        "caused by: No such file",
        "help: name a readable file",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    assert_eq!(code(&escalator().arg("frobnicate").output().unwrap()), 2);
    assert_eq!(code(&escalator().output().unwrap()), 2);
    let help = escalator().arg("--help").output().unwrap();
    assert_eq!(code(&help), 0);
    assert!(stdout(&help).contains("healthcheck"));
}

#[test]
fn a_service_that_does_not_answer_is_not_healthy() {
    // A port that was free a moment ago and that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let output = escalator()
        .args(["healthcheck", "--http", &address.to_string()])
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    let expected = format!("no answer from {address}");
    assert!(stdout(&output).starts_with(&expected));
}

#[test]
fn health_is_what_readyz_says() {
    for (status, expected) in [("200 OK", 0), ("503 Service Unavailable", 1)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let service = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 7\r\n\r\n[+] all");
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let output = escalator()
            .arg("healthcheck")
            .env("ESCALATOR__HTTP__LISTEN", address.to_string())
            .output()
            .unwrap();
        assert_eq!(code(&output), expected);
        assert_eq!(stdout(&output), "[+] all\n");
        let request = service.join().unwrap();
        assert!(request.starts_with("GET /readyz HTTP/1.1\r\n"), "{request}");
    }
}
