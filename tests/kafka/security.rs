//! Who may do what: TLS, a login by each mechanism or by a certificate, and just the rights that `docs/security.md`
//! names, at a broker that asks for all of it. And where something is refused: what is told, and
//! that no secret ever is.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::json;

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::broker::secured::{
    HALF_TRUSTED, PLAIN_PASSWORD, SCRAM_PASSWORD, Secured, USER, WRONG_PASSWORD,
};
use crate::support::client::{Sent, produce, unique};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const DOCUMENTATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md");

/// What is told by the events of the past too.
const NOTIFY_FROM: &str = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n";

fn secured() -> &'static Secured {
    static SECURED: OnceLock<Secured> = OnceLock::new();
    SECURED.get_or_init(Secured::start)
}

/// A login: how, as whom, by which certificate, and where the password stands.
struct Login<'a> {
    mechanism: &'a str,
    user: &'a str,
    trusted: &'a Path,
    password: &'a str,
}

impl Login<'_> {
    fn settings(&self) -> String {
        format!(
            "{NOTIFY_FROM}[kafka.properties]\n'security.protocol' = 'SASL_SSL'\n\
             'sasl.mechanisms' = '{}'\n'sasl.username' = '{}'\n\
             'ssl.ca.location' = '{}'\n'sasl.password' = {}\n",
            self.mechanism,
            self.user,
            self.trusted.display(),
            self.password,
        )
    }
}

/// A site whose topics are there, and a file with the password in it.
fn site() -> Site {
    let site = Site::at(&secured().broker.address, TELLS_OF_EVERY_TICKET, 2, "");
    let config = site.path().join("escalator.toml");
    let arguments = ["topics", "create", "--config", config.to_str().unwrap()];
    let mut made = Escalator::start(site.path(), "topics", &arguments);
    assert!(made.wait().success(), "{}", made.log());
    fs::write(site.path().join("password"), format!("{SCRAM_PASSWORD}\n")).unwrap();
    site
}

/// The rights of the table in the documentation, for the names of a site.
fn documented(site: &Site, user: &str) -> Vec<String> {
    let text = fs::read_to_string(DOCUMENTATION).unwrap();
    let (_, table) = text.split_once("<!-- rights:begin -->").unwrap();
    let (table, _) = table.split_once("<!-- rights:end -->").unwrap();
    let group = site.topic("").trim_end_matches('-').to_owned();
    let mut grants = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let row = row.replace('`', "").replace(", ", ",");
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for name in cells[2].split(',') {
            let name = match name {
                "ticket-created" => site.topic("created"),
                "ticket-updated" => site.topic("updated"),
                "escalation-state" => site.topic("state"),
                "escalation-plans" => site.topic("plans"),
                "escalation-dead-letters" => site.topic("dead"),
                "escalated" | "notify" => site.topic(name),
                name => name.replace("escalator", &group),
            };
            grants.push(format!("{user} {} {name} {}", cells[1], cells[3]));
        }
    }
    assert_eq!(grants.len(), 10, "{grants:?}");
    grants
}

/// The settings of whoever has a certificate instead of a password.
const CERTIFIED: &str = "certified";

/// Starts a command with the settings of that name, at the listener for its users.
fn start(site: &Site, settings: &str, command: &[&str]) -> Escalator {
    let config = site.path().join(format!("{settings}.toml"));
    let common = ["--config", config.to_str().unwrap(), "--brokers"];
    let address = match settings {
        CERTIFIED => &secured().certified_address,
        _ => &secured().address,
    };
    let arguments = [command, &common, &[address]].concat();
    let environment = [("PASSWORD_OF_KAFKA", PLAIN_PASSWORD)];
    Escalator::start_with(site.path(), &unique(command[0]), &arguments, &environment)
}

#[track_caller]
fn assert_no_secret(text: &str) {
    for secret in [PLAIN_PASSWORD, SCRAM_PASSWORD, WRONG_PASSWORD] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn every_login_works_with_the_rights_that_are_documented() {
    let site = site();
    secured().grant(&documented(&site, USER));
    let in_file = format!("{{ file = '{}' }}", site.path().join("password").display());
    let in_place = format!("'{SCRAM_PASSWORD}'");
    let logins = [
        ("PLAIN", "{ env = 'PASSWORD_OF_KAFKA' }"),
        ("SCRAM-SHA-256", in_file.as_str()),
        ("SCRAM-SHA-512", in_place.as_str()),
    ];
    for (number, (mechanism, password)) in logins.into_iter().enumerate() {
        let login = Login {
            mechanism,
            user: USER,
            trusted: &secured().trusted,
            password,
        };
        site.write_settings(mechanism, &login.settings());
        assert_serves(&site, mechanism, number);
        assert_commands_work(&site, mechanism);
    }
    let Secured {
        trusted,
        certificate,
        key,
        ..
    } = secured();
    let certified = format!(
        "{NOTIFY_FROM}[kafka.properties]\n'security.protocol' = 'SSL'\n\
         'ssl.ca.location' = '{}'\n'ssl.certificate.location' = '{}'\n\
         'ssl.key.location' = '{}'\n",
        trusted.display(),
        certificate.display(),
        key.display(),
    );
    site.write_settings(CERTIFIED, &certified);
    assert_serves(&site, CERTIFIED, logins.len());
    assert_commands_work(&site, CERTIFIED);
}

/// The service decides about a ticket, and shows no secret while it does.
fn assert_serves(site: &Site, settings: &str, number: usize) {
    let service = start(site, settings, &["run", "--instance", "one"]);
    let id = format!("T{number}");
    let event = json!({
        "ticket_id": id, "occurred_at": "2026-11-20T10:00:00Z", "ticket": { "status": "open" },
    });
    let value = event.to_string();
    let sent = Sent {
        key: Some(id.as_bytes()),
        value: Some(value.as_bytes()),
        ..Sent::default()
    };
    produce(&site.broker, &site.topic("created"), &[sent]);
    wait_until("the escalation", PATIENCE, || {
        (site.read("escalated").len() > number).then_some(())
    });
    let ready = wait_until("readiness", PATIENCE, || {
        let answer = service.ask("GET /readyz", "")?;
        answer.starts_with("HTTP/1.1 200").then_some(answer)
    });
    assert_no_secret(&ready);
    assert_no_secret(&service.ask("GET /metrics", "").unwrap());
    assert_no_secret(&service.log());
    assert!(service.stop().success());
}

fn assert_commands_work(site: &Site, settings: &str) {
    let commands: [&[&str]; 8] = [
        &["topics", "check"],
        &["state", "check"],
        &["state", "list"],
        &["state", "get", "T0"],
        &["dlq", "list"],
        &["plan", "list"],
        &["config", "print"],
        &["config", "print", "--output", "json"],
    ];
    let mut running = commands.map(|command| (command, start(site, settings, command)));
    for (command, running) in &mut running {
        assert!(running.wait().success(), "{command:?}: {}", running.log());
        assert_no_secret(&running.log());
    }
}

#[test]
fn a_refused_login_and_an_untrusted_certificate_are_told_with_a_remedy() {
    let site = site();
    let wrong = format!("'{WRONG_PASSWORD}'");
    let right = format!("'{SCRAM_PASSWORD}'");
    let of = |trusted, password| Login {
        mechanism: "SCRAM-SHA-512",
        user: USER,
        trusted,
        password,
    };
    let refused = [
        (
            "login",
            of(&secured().trusted, &wrong),
            "the brokers refuse the login at ",
            "check `sasl.mechanisms`, `sasl.username` and `sasl.password` in `kafka.properties`",
        ),
        (
            "certificate",
            of(&secured().stranger, &right),
            "no secure connection can be made to the brokers at ",
            "check `security.protocol` and `ssl.ca.location` in `kafka.properties`",
        ),
    ];
    let commands: [&[&str]; 4] = [
        &["topics", "check"],
        &["state", "check"],
        &["dlq", "list"],
        &["plan", "list"],
    ];
    let begun = refused.map(|(name, login, what, remedy)| {
        site.write_settings(name, &login.settings());
        let service = start(&site, name, &["run", "--instance", name]);
        let commands = commands.map(|command| start(&site, name, command));
        (service, commands, what, remedy)
    });
    for (service, commands, what, remedy) in begun {
        for mut command in commands {
            assert_eq!(command.wait().code(), Some(2), "{}", command.log());
            let told = command.log();
            assert!(told.starts_with(&format!("error: {what}")), "{told}");
            assert!(told.contains(remedy), "{told}");
            assert_no_secret(&told);
        }
        let told = wait_until("the reason", PATIENCE, || {
            let answer = service.ask("GET /readyz", "")?;
            (answer.contains(what) && answer.contains(remedy)).then_some(answer)
        });
        assert_no_secret(&told);
        assert_no_secret(&service.log());
        assert!(service.log().contains(what), "{}", service.log());
    }
}

#[test]
fn a_missing_right_is_told_and_ends_the_service() {
    let site = site();
    let mut grants = documented(&site, HALF_TRUSTED);
    grants.retain(|line| !line.contains("TransactionalId"));
    secured().grant(&grants);
    let login = Login {
        mechanism: "SCRAM-SHA-256",
        user: HALF_TRUSTED,
        trusted: &secured().trusted,
        password: &format!("'{SCRAM_PASSWORD}'"),
    };
    site.write_settings("half", &login.settings());
    let mut service = start(&site, "half", &["run", "--instance", "one"]);
    assert_eq!(service.wait().code(), Some(2));
    let told = service.log();
    for part in ["starting the transactions of ", "docs/security.md lists"] {
        assert!(told.contains(part), "{told}");
    }
    assert_no_secret(&told);
}
