use super::*;

mod files;

/// Layers for a test; nothing of the machine comes in.
struct Layers {
    file: Option<SettingsFile>,
    environment: BTreeMap<String, String>,
    flags: Vec<(&'static str, String)>,
    terminal: bool,
}

fn layers() -> Layers {
    Layers {
        file: None,
        environment: BTreeMap::new(),
        flags: Vec::new(),
        terminal: false,
    }
}

impl Layers {
    fn file(mut self, path: &str, text: &str) -> Self {
        self.file = Some(SettingsFile {
            path: path.into(),
            text: text.to_owned(),
        });
        self
    }

    fn toml(self, text: &str) -> Self {
        self.file("escalator.toml", text)
    }

    fn yaml(self, text: &str) -> Self {
        self.file("escalator.yaml", text)
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, name: &'static str, value: &str) -> Self {
        self.flags.push((name, value.to_owned()));
        self
    }

    fn load(self) -> Result<Loaded, Error> {
        load(&Sources {
            file: self.file,
            environment: self.environment,
            flags: self.flags,
            host_name: "replica-1".to_owned(),
            terminal: self.terminal,
            read_file: &|path| match path.to_str() {
                Some("/run/secrets/token") => Ok("from-a-file\n".to_owned()),
                _ => Err(io::Error::from(io::ErrorKind::NotFound)),
            },
        })
    }

    fn settings(self) -> Settings {
        self.load().unwrap().settings
    }

    fn refusal(self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn source_of(loaded: &Loaded, name: &str) -> String {
    let value = loaded.values.iter().find(|value| value.name == name);
    value.unwrap().source.to_string()
}

#[test]
fn the_defaults_are_the_contracts() {
    let settings = layers().settings();
    assert_eq!(settings.kafka.brokers, "127.0.0.1:9092");
    assert_eq!(settings.kafka.group, "escalator");
    assert_eq!(settings.kafka.properties, Properties::default());
    assert_eq!(settings.instance, "replica-1");
    assert_eq!(settings.plans, PathBuf::from("plans"));
    assert_eq!(
        settings.topics.named().map(|(_, topic)| topic),
        [
            "ticket-created",
            "ticket-updated",
            "escalation-state",
            "escalated",
            "notify",
            "escalation-dead-letters",
            "escalation-plans"
        ]
    );
    assert!(!settings.topics.create);
    assert_eq!(settings.topics.partitions, 12);
    assert_eq!(settings.output.format, OutputFormat::Avro);
    assert!(!settings.output.cloud_events);
    assert_eq!(settings.grace.as_millis(), 0);
    assert_eq!(settings.start.from, StartFrom::Earliest);
    assert_eq!(settings.start.notify_from, None);
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(settings.http.admin_token, None);
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn log_lines_are_text_on_a_terminal() {
    let mut layers = layers();
    layers.terminal = true;
    assert_eq!(layers.settings().log.format, LogFormat::Text);
}

#[test]
fn a_later_layer_wins_and_is_named_as_the_source() {
    let variable = "ESCALATOR__KAFKA__BROKERS";
    let file = "[kafka]\nbrokers = \"file:1\"\ngroup = \"in-file\"";
    let loaded = layers().toml(file).load().unwrap();
    assert_eq!(loaded.settings.kafka.brokers, "file:1");
    assert_eq!(source_of(&loaded, "kafka.brokers"), "file escalator.toml");

    let both = || layers().toml(file).variable(variable, "env:2");
    let loaded = both().load().unwrap();
    assert_eq!(loaded.settings.kafka.brokers, "env:2");
    assert_eq!(
        source_of(&loaded, "kafka.brokers"),
        "environment variable ESCALATOR__KAFKA__BROKERS"
    );
    assert_eq!(loaded.settings.kafka.group, "in-file");

    let loaded = both().flag("kafka.brokers", "flag:3").load().unwrap();
    assert_eq!(loaded.settings.kafka.brokers, "flag:3");
    assert_eq!(source_of(&loaded, "kafka.brokers"), "flag --brokers");
    assert_eq!(source_of(&loaded, "grace"), "default");
}

#[test]
fn variables_of_others_are_left_alone() {
    let layers = layers().variable("ESCALATOR_PORT", "1");
    assert!(layers.variable("PATH", "/bin").load().is_ok());
}

#[test]
fn values_of_yaml_are_what_was_written_and_no_numbers() {
    for written in [
        "0123",
        "1.50",
        "1e3",
        "0x1F",
        "12345678901234567890",
        "true",
        "~x",
        "'007'",
    ] {
        let text = format!("instance: host\nhttp: {{ admin_token: {written} }}");
        let token = layers().yaml(&text).settings().http.admin_token.unwrap();
        assert_eq!(token.expose(), written.trim_matches('\''));
    }
    let settings = layers()
        .yaml("instance: 0123\nkafka: { brokers: [a:1, b:2] }")
        .settings();
    assert_eq!(
        (&*settings.instance, &*settings.kafka.brokers),
        ("0123", "a:1,b:2")
    );
}

#[test]
fn a_secret_may_stand_in_a_file_or_in_a_variable() {
    let in_file = layers().toml("[http]\nadmin_token = { file = \"/run/secrets/token\" }");
    let token = in_file.settings().http.admin_token;
    assert_eq!(token.unwrap().expose(), "from-a-file");

    let in_variable = layers()
        .yaml("http: { admin_token: { env: TOKEN } }")
        .variable("TOKEN", "from-a-variable");
    let token = in_variable.settings().http.admin_token;
    assert_eq!(token.unwrap().expose(), "from-a-variable");

    let variable = "ESCALATOR__KAFKA__PROPERTIES__SASL_PASSWORD__FILE";
    let settings = layers().variable(variable, "/run/secrets/token").settings();
    assert_eq!(
        settings.kafka.properties.iter().collect::<Vec<_>>(),
        [("sasl.password", "from-a-file")]
    );
}

#[test]
fn a_later_layer_replaces_a_secret_whatever_its_form() {
    let layers = layers().toml("[http]\nadmin_token = { file = \"/run/secrets/token\" }");
    let layers = layers.variable("ESCALATOR__HTTP__ADMIN_TOKEN", "plain");
    let token = layers.settings().http.admin_token;
    assert_eq!(token.unwrap().expose(), "plain");
}

#[test]
fn secrets_are_shown_nowhere() {
    let layers = || {
        layers().toml(
            "http.admin_token = \"hunter2\"
            [kafka.properties]
            \"sasl.password\" = \"hunter2\"
            \"sasl.username\" = \"escalator\"",
        )
    };
    let shown = format!("{:?}", layers().load().unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("[redacted]"), "{shown}");
    assert!(shown.contains("sasl.username"), "{shown}");

    let layers = layers().variable("ESCALATOR__HTTP__ADMIN_TOKEN", "hunter2 with blanks");
    let refused = layers.refusal();
    assert!(refused.contains("http.admin_token"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn a_refusal_names_setting_value_source_and_remedy() {
    assert_eq!(
        layers().variable("ESCALATOR__GRACE", "ten").refusal(),
        "a setting is refused: grace = \"ten\" (environment variable ESCALATOR__GRACE): \
         write a duration from 0s to 1d, as in 90s or 15m"
    );
    let layers = layers().toml("[http]\nadmin_token = { file = \"/nowhere\" }");
    assert_eq!(
        layers.refusal(),
        "a setting is refused: http.admin_token (file escalator.toml): \
         make /nowhere readable, which should hold the value and cannot be read: entity not found"
    );
}

#[test]
fn unknown_names_are_refused_with_what_was_probably_meant() {
    for (layers, expected) in [
        (
            layers().toml("[kafka]\nborkers = \"a:1\""),
            "did you mean kafka.brokers?",
        ),
        (
            layers().toml("brokers = \"a:1\""),
            "did you mean kafka.brokers?",
        ),
        (layers().toml("kafka = \"a:1\""), "there is no such setting"),
        (
            layers().variable("ESCALATOR__KAFKA__PROPERTIES", "x"),
            "write each by itself, as in ESCALATOR__KAFKA__PROPERTIES__SECURITY_PROTOCOL",
        ),
        (
            layers().variable("ESCALATOR__TOPICS__NOTFIY", "x"),
            "did you mean topics.notify?",
        ),
        (layers().yaml("grace: { a: 1 }"), "there is no such setting"),
    ] {
        let refused = layers.refusal();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let refused = layers()
        .variable("ESCALATOR__GRACE", "-5m")
        .variable("ESCALATOR__KAFKA__BROKERS", "kafka")
        .flag("http.listen", "localhost")
        .refusal();
    assert!(refused.starts_with("3 settings are refused:"), "{refused}");
    assert_eq!(refused.lines().count(), 4, "{refused}");
}

#[test]
fn nonsense_is_refused() {
    for (name, value) in [
        ("kafka.brokers", ""),
        ("kafka.brokers", "a:1,,b:2"),
        ("kafka.brokers", "kafka://a:1"),
        ("kafka.brokers", "a:0"),
        ("kafka.group", ""),
        ("kafka.session_timeout", "5s"),
        ("kafka.transaction_timeout", "16m"),
        ("kafka.static_membership", "yes"),
        ("instance", "two words"),
        ("plans", " "),
        ("topics.created", "ticket created"),
        ("topics.state", ".."),
        ("topics.create", "yes"),
        ("topics.partitions", "0"),
        ("topics.replication", "0"),
        ("output.format", "xml"),
        ("output.framing", "none"),
        ("output.framing", "confluent"),
        ("registry.url", "registry:8081"),
        ("registry.url", "http://a:1,,http://b:2"),
        ("registry.url", "http://ann:s3same@registry:8081"),
        ("registry.user", "ann:s3same"),
        ("registry.password", "s3same"),
        ("registry.ca_file", "nowhere.pem"),
        ("registry.timeout", "2m"),
        ("registry.register", "yes"),
        ("grace", "25h"),
        ("start.from", "yesterday"),
        ("start.notify_from", "now"),
        ("http.listen", "9464"),
        ("http.admin_token", "päss"),
        ("log.format", "xml"),
        ("log.level", "inof"),
        ("log.level", "escalator=loud"),
        ("standby.copies", "32"),
        ("standby.warm_up", "2h"),
        ("tuning.transaction_records", "0"),
        ("tuning.commit_interval", "0s"),
        ("topics.updated", "ticket-created"),
        ("tuning.commit_interval", "3s"),
    ] {
        let refused = layers().flag(name, value).refusal();
        let expected = format!("refused: {name}");
        assert!(refused.contains(&expected), "{name} = {value}: {refused}");
    }
}

#[test]
fn a_registry_has_addresses_and_what_it_asks_for_and_shows_no_secret() {
    let registry = layers()
        .toml(
            "[registry]\nurl = [\"https://a:1/\", \"http://b/registry\"]\nuser = \"ann\"\n\
             password = { file = \"/run/secrets/token\" }",
        )
        .load()
        .unwrap();
    let shown = format!("{:?} {:?}", registry.settings, registry.values);
    assert!(!shown.contains("from-a-file"), "{shown}");
    let registry = registry.settings.registry.unwrap();
    assert_eq!(registry.urls, ["https://a:1", "http://b/registry"]);
    assert_eq!(registry.password.unwrap().expose(), "from-a-file");
    assert!(registry.register);
    assert!(layers().load().unwrap().settings.registry.is_none());
    let refused = layers()
        .flag("registry.url", "http://ann:s3same@b")
        .refusal();
    assert!(!refused.contains("s3same"), "{refused}");
}

#[test]
fn confluent_framing_is_of_avro_with_a_registry() {
    let confluent = || layers().flag("output.framing", "confluent");
    let url = ("registry.url", "http://b");
    let good = confluent().flag(url.0, url.1).load().unwrap();
    assert_eq!(good.settings.output.framing, Framing::Confluent);
    assert!(confluent().refusal().contains("set registry.url"));
    let json = confluent().flag(url.0, url.1).flag("output.format", "json");
    assert!(json.refusal().contains("JSON has no framing"));
}

#[test]
fn properties_that_the_service_owns_are_refused() {
    let variable = "ESCALATOR__KAFKA__PROPERTIES__GROUP_ID";
    let refused = layers().variable(variable, "other").refusal();
    assert!(refused.contains("set kafka.group"), "{refused}");
    assert!(refused.contains(variable), "{refused}");
}

#[test]
fn static_members_are_of_the_classic_protocol() {
    let fixed = layers().flag("kafka.static_membership", "true");
    let protocol = "[kafka.properties]\n\"group.protocol\" = \"consumer\"";
    let refused = fixed.toml(protocol).refusal();
    assert!(refused.contains("kafka.static_membership"), "{refused}");
    assert!(refused.contains("leave `group.protocol` out"), "{refused}");
}

#[test]
fn only_secrets_may_stand_elsewhere() {
    let layers = layers().toml("[kafka]\nbrokers = { env = \"X\" }");
    let refused = layers.refusal();
    assert!(refused.contains("kafka.brokers"), "{refused}");
    assert_eq!(refused.lines().count(), 1, "{refused}");
}

#[test]
fn every_setting_is_documented_once_and_listed_with_its_value() {
    let rows = documentation();
    let loaded = layers().load().unwrap();
    for row in &rows {
        let namesakes = rows.iter().filter(|other| other.name == row.name);
        assert_eq!(namesakes.count(), 1);
        assert!(row.meaning.ends_with('.'), "{}", row.name);
        let listed = loaded.values.iter().any(|value| value.name == row.name);
        assert!(listed, "{}", row.name);
    }
}
