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

fn validate(arguments: &[&str]) -> Output {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut command = escalator();
    command.current_dir(root).arg("validate").args(arguments);
    command.output().unwrap()
}

#[test]
fn good_plans_are_summed_up() {
    let output = validate(&["plans/itil.yaml", "--deny-warnings"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let printed = stdout(&output);
    assert!(
        printed.starts_with("plans/itil.yaml: good, 2 plans\n"),
        "{printed}"
    );
    assert!(
        printed.contains("\n  incident: 4 levels, 4 timeframes, 6 triggers\n"),
        "{printed}"
    );
    let json = stdout(&validate(&["plans/itil.yaml", "--output", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["good"], true);
    assert_eq!(json["sets"][0]["plans"][1]["name"], "request");
    let revision = json["sets"][0]["plan_revision"].as_str().unwrap();
    assert!(
        printed.ends_with(&format!("plan revision {revision}\n")),
        "{printed}"
    );
}

#[test]
fn problems_of_plans_are_shown_in_every_form() {
    let bad = "src/plan_file/tests/problems/E0301.yaml";
    let output = validate(&[bad]);
    assert_eq!(code(&output), 1);
    let printed = stdout(&output);
    assert!(
        printed.starts_with("error[E0301]: there is no target `nock`\n"),
        "{printed}"
    );
    assert!(printed.ends_with("\n2 errors\n"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "colours are for terminals");
    let output = validate(&[bad, "--output", "github"]);
    assert_eq!(code(&output), 1);
    let first = format!(
        "::error file={bad},line=6,col=20,title=E0301::there is no target `nock`. did you mean `noc`?\n"
    );
    assert!(stdout(&output).starts_with(&first), "{}", stdout(&output));
    let output = validate(&[bad, "--output", "json"]);
    assert_eq!(code(&output), 1);
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(json["good"], false);
    let problem = &json["problems"][1];
    assert_eq!(
        (&problem["code"], &problem["line"]),
        (&"E0301".into(), &7.into())
    );
}

#[test]
fn warnings_are_bad_only_where_they_are_denied() {
    let path = "src/plan_file/tests/problems/W0302.yaml";
    let output = validate(&[path]);
    assert_eq!(code(&output), 0);
    assert!(
        stdout(&output).ends_with("\n1 warning\n"),
        "{}",
        stdout(&output)
    );
    assert_eq!(code(&validate(&[path, "--deny-warnings"])), 1);
}

#[test]
fn a_path_that_cannot_be_read_is_trouble() {
    let output = validate(&["plans", "nowhere"]);
    assert_eq!(code(&output), 2);
    assert_eq!(stdout(&output), "");
    assert!(
        stderr(&output).contains("caused by: reading nowhere"),
        "{}",
        stderr(&output)
    );
    assert_eq!(code(&validate(&[])), 2);
}

#[test]
fn a_schema_is_printed_as_its_file_stands() {
    let output = escalator()
        .args(["schema", "print", "Escalated"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), include_str!("../schemas/Escalated.avsc"));
}

#[test]
fn all_schemas_are_printed_as_json_with_their_fingerprints() {
    let output = escalator()
        .args(["schema", "print", "--all", "--output", "json"])
        .output()
        .unwrap();
    let listing: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let schemas = listing["schemas"].as_array().unwrap();
    assert_eq!(schemas.len(), 5);
    assert_eq!(schemas[0]["name"], "TicketCreated");
    assert_eq!(schemas[0]["schema"]["name"], "TicketCreated");
    assert_eq!(schemas[0]["fingerprint"], "d810b456a0783a9d");
}

#[test]
fn an_unknown_schema_is_a_usage_error() {
    for arguments in [&["schema", "print"][..], &["schema", "print", "Unknown"]] {
        let output = escalator().args(arguments).output().unwrap();
        assert_eq!(code(&output), 2);
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn topics_of_brokers_that_do_not_answer_are_trouble_and_not_bad() {
    for command in ["create", "check"] {
        let output = escalator()
            .args(["topics", command, "--brokers", "127.0.0.1:1"])
            .output()
            .unwrap();
        assert_eq!(code(&output), 2);
        assert_eq!(stdout(&output), "");
        let told = stderr(&output);
        let expected = "error: no broker answers at 127.0.0.1:1 (asking for the topics: ";
        assert!(told.starts_with(expected), "{told}");
        assert!(
            told.contains("Connection refused); check `kafka.brokers`"),
            "{told}"
        );
    }
    let rebuild = ["state", "rebuild", "--partition", "0"];
    let output = escalator()
        .args(rebuild)
        .args(["--brokers", "127.0.0.1:1"])
        .output();
    let output = output.unwrap();
    assert_eq!(code(&output), 2);
    let told = stderr(&output);
    assert!(
        told.contains("Connection refused); check `kafka.brokers`"),
        "{told}"
    );
    let output = escalator().args(["topics", "destroy"]).output().unwrap();
    assert_eq!(code(&output), 2);
}

#[test]
fn a_property_that_is_not_accepted_is_named_without_its_value() {
    // As people write it who know the clients in Java.
    for property in ["SASL_JAAS_CONFIG", "SSL_TRUSTSTORE_PASSWORD"] {
        let variable = format!("ESCALATOR__KAFKA__PROPERTIES__{property}");
        let output = escalator()
            .args(["topics", "check"])
            .env(variable, "hunter2")
            .output()
            .unwrap();
        assert_eq!(code(&output), 2);
        let told = stderr(&output);
        let name = property.to_lowercase().replace('_', ".");
        assert!(told.contains(&format!("caused by: `{name}`: ")), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = escalator().args(["completion", shell]).output().unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let script = stdout(&output);
        for word in ["escalator", "healthcheck", "create-topics"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let output = escalator().args(["completion", "abacus"]).output();
    assert_eq!(code(&output.unwrap()), 2);
}

#[test]
fn every_command_has_a_manual_page() {
    for (arguments, title) in [
        (&["man"][..], ".TH escalator 1 "),
        (&["man", "run"], ".TH escalator-run 1 "),
        (
            &["man", "topics", "create"],
            ".TH escalator-topics-create 1 ",
        ),
    ] {
        let output = escalator().args(arguments).output().unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let page = stdout(&output);
        assert!(page.contains(title), "{page}");
    }
    let output = escalator().args(["man", "topics", "destroy"]).output();
    let output = output.unwrap();
    assert_eq!((code(&output), &*stdout(&output)), (2, ""));
    let told = stderr(&output);
    assert!(
        told.contains("there is no command `topics destroy`"),
        "{told}"
    );
}

#[test]
fn schemas_are_checked_in_the_direction_in_which_they_are_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let good = escalator().args(["schema", "check", "schemas"]).output();
    let good = good.unwrap();
    assert_eq!(code(&good), 0, "{}", stderr(&good));
    assert_eq!(stdout(&good).matches(": same with ").count(), 5);

    let order = r#"{"type":"record","name":"Notify","fields":[{"name":"shade","type":"string"}]}"#;
    std::fs::write(path("Notify.avsc"), order).unwrap();
    std::fs::write(path("Order.avsc"), order.replace("Notify", "Order")).unwrap();
    let arguments = ["schema", "check", &path("."), "--output", "json"];
    let bad = escalator().args(arguments).output().unwrap();
    assert_eq!(code(&bad), 1, "{}", stderr(&bad));
    let report: serde_json::Value = serde_json::from_str(&stdout(&bad)).unwrap();
    let [notify, order] = &report["schemas"].as_array().unwrap()[..] else {
        panic!("{report}");
    };
    assert_eq!(
        (&notify["name"], &notify["fit"]),
        (&"Notify".into(), &"incompatible".into())
    );
    assert!(notify["because"].as_str().unwrap().contains("`shade`"));
    assert_eq!(order["fit"], "unknown");

    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().display().to_string();
    let output = escalator()
        .args(["schema", "check", &empty])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("ends in .avsc"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_topic_of_brokers_that_do_not_answer_is_trouble_with_its_reason() {
    for command in [&["dlq", "list"][..], &["state", "list"]] {
        let brokers = ["--brokers", "127.0.0.1:1"];
        let output = escalator().args(command).args(brokers).output().unwrap();
        assert_eq!((code(&output), &*stdout(&output)), (2, ""));
        let told = stderr(&output);
        assert!(
            told.contains("Connection refused); check `kafka.brokers`"),
            "{told}"
        );
    }
}

#[test]
fn an_option_with_a_value_that_can_match_nothing_is_a_usage_error() {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");
    let report = ["report", "--plans", plans, "--events", "/dev/null"];
    for (arguments, said) in [
        (
            &["state", "list", "--status-category", "bogus"][..],
            "possible values: new, open, waiting_customer,",
        ),
        (
            &["--from", "2026-10-31", "--to", "2026-10-01"],
            "--from is 2026-10-31T00:00:00Z, after --to, which is 2026-10-01T23:59:59.999Z",
        ),
    ] {
        let mut command = escalator();
        if arguments[0] == "--from" {
            command.args(report);
        }
        let output = command.args(arguments).output().unwrap();
        assert_eq!((code(&output), &*stdout(&output)), (2, ""), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    let one_day = ["--from", "2026-10-01", "--to", "2026-10-01"];
    let output = escalator().args(report).args(one_day).output().unwrap();
    assert_eq!(code(&output), 0);
}

#[test]
fn letters_are_replayed_by_one_choice_only() {
    for choice in [
        &[][..],
        &["--all", "3:1"],
        &["--all", "--reason", "empty"],
        &["3"],
    ] {
        let output = escalator().args(["dlq", "replay"]).args(choice).output();
        let output = output.unwrap();
        assert_eq!((code(&output), &*stdout(&output)), (2, ""), "{choice:?}");
    }
    let output = escalator().args(["dlq", "replay"]).output().unwrap();
    let told = stderr(&output);
    assert!(
        told.contains("<PARTITION:OFFSET|--reason <REASON>|--all>"),
        "{told}"
    );
}
