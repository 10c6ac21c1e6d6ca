//! The files of `deploy/` and `docker-compose.yml` fit the code and each other.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use escalator::{metrics, settings};
use serde_json::Value;

use super::{read, root};

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text below a value, wherever it stands.
fn texts(value: &Value) -> Vec<&str> {
    if let Some(text) = value.as_str() {
        return vec![text];
    }
    let items = value.as_array().into_iter().flatten();
    let fields = value.as_object().into_iter().flatten().map(|(_, it)| it);
    items.chain(fields).flat_map(texts).collect()
}

/// Settings from a file and variables, with secrets that can always be read.
fn load(
    file: Option<&str>,
    environment: BTreeMap<String, String>,
) -> Result<settings::Loaded, settings::Error> {
    settings::load(&settings::Sources {
        file: file.map(|path| settings::SettingsFile {
            path: path.into(),
            text: read(path),
        }),
        environment,
        flags: Vec::new(),
        host_name: "escalator-1".to_owned(),
        terminal: false,
        read_file: &|path: &Path| {
            if path.starts_with("/run/secrets") {
                Ok("a-secret".to_owned())
            } else {
                Err(io::Error::from(io::ErrorKind::NotFound))
            }
        },
    })
}

/// The instructions of the image: each one's word, and what it is given.
fn image_instructions() -> Vec<(String, String)> {
    let text = read("deploy/Dockerfile");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            line.split_once(' ')
                .expect("an instruction is given something")
        })
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// The variables of an `ENV` of the image.
fn image_environment() -> BTreeMap<String, String> {
    let instructions = image_instructions();
    let given = instructions.iter().filter(|(word, _)| word == "ENV");
    let pairs = given.flat_map(|(_, rest)| rest.split_whitespace());
    pairs
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_production_settings_are_accepted() {
    let loaded = load(Some("deploy/escalator.toml"), BTreeMap::new()).unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.http.admin_token.unwrap().expose(), "a-secret");
    let secret = settings
        .kafka
        .properties
        .iter()
        .find(|(name, _)| *name == "sasl.password");
    assert_eq!(secret, Some(("sasl.password", "a-secret")));
    assert_eq!(settings.log.format, settings::LogFormat::Json);
}

#[test]
fn the_settings_of_image_and_composition_are_accepted() {
    let mut environment = image_environment();
    assert!(!environment.is_empty());
    let compose = yaml("docker-compose.yml");
    let service = compose["services"]["escalator"]["environment"].as_object();
    for (name, value) in service.unwrap() {
        environment.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    let settings = load(None, environment).unwrap().settings;
    assert_eq!(settings.kafka.brokers, "kafka:9092");
    assert_eq!(settings.http.listen.to_string(), "0.0.0.0:9464");
}

#[test]
fn the_flags_of_the_composition_exist() {
    let compose = yaml("docker-compose.yml");
    let command = texts(&compose["services"]["escalator"]["command"]);
    assert_eq!(command[0], "run");
    for flag in &command[1..] {
        let name = flag.strip_prefix("--").unwrap();
        let known = settings::documentation()
            .iter()
            .any(|row| row.flag == Some(name));
        assert!(known, "{flag}");
    }
}

#[test]
fn every_file_that_the_composition_names_exists() {
    let compose = yaml("docker-compose.yml");
    let mut count = 0;
    for service in compose["services"].as_object().unwrap().values() {
        let volumes = texts(&service["volumes"]);
        let sources = volumes.iter().filter_map(|volume| volume.split(':').next());
        for source in sources.chain(service["build"]["dockerfile"].as_str()) {
            assert!(root().join(source).exists(), "{source}");
            count += 1;
        }
    }
    assert!(count >= 4, "only {count} files are named");
}

#[test]
fn what_depends_on_a_service_names_one() {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_object().unwrap();
    let targets = &yaml("deploy/prometheus.yml")["scrape_configs"][0]["static_configs"][0];
    let target = targets["targets"][0].as_str().unwrap();
    let (host, port) = target.split_once(':').unwrap();
    assert!(services.contains_key(host), "{target}");
    let listen = &image_environment()["ESCALATOR__HTTP__LISTEN"];
    assert!(
        listen.ends_with(&format!(":{port}")),
        "{target} but {listen}"
    );
}

#[test]
fn the_image_is_made_of_instructions_and_of_stages_that_exist() {
    const KNOWN: [&str; 10] = [
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "RUN",
        "USER",
        "WORKDIR",
    ];
    let instructions = image_instructions();
    assert_eq!(instructions[0].0, "FROM");
    let mut stages = Vec::new();
    for (word, rest) in &instructions {
        assert!(KNOWN.contains(&word.as_str()), "{word} {rest}");
        if word == "FROM" {
            stages.extend(rest.split_once(" AS ").map(|(_, stage)| stage));
        }
        if let Some(stage) = rest.strip_prefix("--from=") {
            let stage = stage.split(' ').next().unwrap();
            assert!(stages.contains(&stage), "{word} {rest}");
        }
        // The forms with a list are JSON, and one that is not would be run by a shell.
        if word == "ENTRYPOINT" || word == "CMD" {
            assert!(serde_json::from_str::<Vec<String>>(rest).is_ok(), "{rest}");
        }
    }
    assert_eq!(stages, ["build"]);
}

#[test]
fn the_image_copies_what_exists_and_every_member_of_the_workspace() {
    let text = read("deploy/Dockerfile");
    let lines = text.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copied: Vec<&str> = lines
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| {
            let mut paths: Vec<&str> = line.split_whitespace().collect();
            paths.pop();
            paths
        })
        .collect();
    assert!(copied.contains(&"src"), "{copied:?}");
    let sent = read(".dockerignore");
    for path in &copied {
        assert!(
            root().join(path).exists(),
            "{path} is copied and does not exist"
        );
        let exception = format!("!{path}");
        assert!(
            sent.lines().any(|line| line == exception),
            "{path} is not sent to the builder"
        );
    }
    let manifest = read("Cargo.toml");
    let members = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = "));
    let members: Vec<String> = serde_json::from_str(members.unwrap()).unwrap();
    for member in members {
        assert!(copied.contains(&member.as_str()), "{member} is not copied");
    }
}

#[test]
fn the_image_has_the_pinned_toolchain_and_no_rights() {
    let dockerfile = read("deploy/Dockerfile");
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = \""));
    let minor = channel.unwrap().rsplit_once('.').unwrap().0;
    assert!(
        dockerfile.contains(&format!("FROM rust:{minor}-")),
        "{minor}"
    );
    for line in [
        "--no-default-features",
        "\nUSER 10001\n",
        "[\"escalator\", \"healthcheck\"]",
    ] {
        assert!(dockerfile.contains(line), "{line}");
    }
}

#[test]
fn alerts_ask_for_metrics_that_exist() {
    let known: Vec<&str> = metrics::documentation()
        .iter()
        .map(|row| row.name)
        .collect();
    let alerts = yaml("deploy/alerts.yaml");
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    let mut asked = 0;
    for rule in rules {
        for field in ["summary", "description"] {
            let text = rule["annotations"][field].as_str();
            assert!(text.is_some(), "{} has no {field}", rule["alert"]);
        }
        let severity = rule["labels"]["severity"].as_str();
        assert!(
            matches!(severity, Some("critical" | "warning")),
            "{}",
            rule["alert"]
        );
        for text in texts(rule) {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let words = text.split(|c: char| !is_part(c));
            for name in words.filter(|word| word.starts_with("escalator_")) {
                assert!(known.contains(&name), "{name} in {}", rule["alert"]);
                asked += 1;
            }
        }
    }
    assert!(asked >= 8, "only {asked} metrics are asked for");
}

#[test]
fn prometheus_reads_the_alerts() {
    let prometheus = yaml("deploy/prometheus.yml");
    for file in texts(&prometheus["rule_files"]) {
        assert!(root().join("deploy").join(file).is_file(), "{file}");
    }
}
