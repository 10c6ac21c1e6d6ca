//! What settings files can say, in either of their forms, and how.

use super::*;
use crate::yaml::many_aliases;

#[test]
fn toml_and_yaml_say_the_same() {
    let toml = layers().toml(
        "grace = \"90s\"
        topics = { create = true, partitions = 6 }
        start.from = 2026-11-23T09:00:00Z
        [kafka.properties]
        \"security.protocol\" = \"SASL_SSL\"",
    );
    let yaml = layers().yaml(
        "grace: 90s\ntopics: { create: true, partitions: 6 }\nstart: { from: 2026-11-23T09:00:00Z }\nkafka:\n  properties:\n    security.protocol: SASL_SSL",
    );
    let (toml, yaml) = (toml.settings(), yaml.settings());
    assert_eq!(format!("{toml:?}"), format!("{yaml:?}"));
    assert_eq!(toml.grace.as_millis(), 90_000);
    assert!(toml.topics.create);
    assert_eq!(
        toml.start.from,
        StartFrom::Instant(Timestamp::parse("2026-11-23T09:00:00Z").unwrap())
    );
    assert_eq!(
        toml.kafka.properties.iter().collect::<Vec<_>>(),
        [("security.protocol", "SASL_SSL")]
    );
}

#[test]
fn aliases_of_a_small_file_stand_for_no_more_than_settings_may_need() {
    let refusal = layers().yaml(&many_aliases()).refusal();
    assert!(refusal.contains("YAML"), "{refusal}");
    let few = "x: &x 90s\ngrace: *x\n";
    let refusal = layers().yaml(few).refusal();
    let name = "x (file escalator.yaml): there is no such setting";
    assert!(refusal.contains(name), "{refusal}");
}

#[test]
fn a_property_whose_name_ends_as_a_reference_does_is_none() {
    let key = "sasl.oauthbearer.assertion.private.key.file";
    let paths = [
        layers().toml(&format!("[kafka.properties]\n'{key}' = '/key'\n")),
        layers().yaml(&format!("kafka:\n  properties:\n    {key}: /key\n")),
        layers().variable(
            "ESCALATOR__KAFKA__PROPERTIES__SASL_OAUTHBEARER_ASSERTION_PRIVATE_KEY_FILE",
            "/key",
        ),
    ];
    for layers in paths {
        let properties = layers.settings().kafka.properties;
        assert_eq!(properties.iter().collect::<Vec<_>>(), [(key, "/key")]);
    }
    let elsewhere = [
        layers().yaml("kafka:\n  properties:\n    sasl.password: { file: /run/secrets/token }\n"),
        layers().variable(
            "ESCALATOR__KAFKA__PROPERTIES__SASL_PASSWORD__FILE",
            "/run/secrets/token",
        ),
    ];
    for layers in elsewhere {
        let properties = layers.settings().kafka.properties;
        let found: Vec<_> = properties.iter().collect();
        assert_eq!(found, [("sasl.password", "from-a-file")]);
    }
}

#[test]
fn a_list_has_nothing_but_values() {
    let refusal = layers()
        .toml("[kafka]\nbrokers = ['a:1', { host = 'b' }]\n")
        .refusal();
    assert!(refusal.contains("kafka.brokers.1.host"), "{refusal}");
}

#[test]
fn a_byte_order_mark_in_front_of_a_file_says_nothing() {
    for layers in [
        layers().yaml("\u{feff}grace: 90s\n"),
        layers().toml("\u{feff}grace = \"90s\"\n"),
    ] {
        assert_eq!(layers.settings().grace.as_millis(), 90_000);
    }
}

#[test]
fn a_section_without_lines_and_an_empty_variable_say_nothing() {
    let layers = layers().yaml("kafka:\ngrace:\n");
    let loaded = layers.variable("ESCALATOR__GRACE", "").load().unwrap();
    assert_eq!(source_of(&loaded, "grace"), "default");
}

#[test]
fn a_file_that_is_none_is_refused_with_its_path() {
    let error = layers().toml("grace = ").load().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("escalator.toml is not valid TOML"), "{text}");
    assert!(std::error::Error::source(&error).is_some());

    let named_wrongly = layers().file("escalator.conf", "").load();
    assert!(matches!(named_wrongly, Err(Error::Extension { .. })));
}

#[test]
fn a_list_of_brokers_is_as_good_as_commas() {
    let layers = layers().yaml("kafka: { brokers: [\"a:1\", \"b:2\"] }");
    assert_eq!(layers.settings().kafka.brokers, "a:1,b:2");
}

#[test]
fn a_file_that_cannot_be_read_shows_nothing_that_stands_in_it() {
    let toml = |text: &str| layers().toml(text);
    let yaml = |text: &str| layers().yaml(text);
    for (layers, said) in [
        (
            toml("grace = \"1s\"\n[http]\nadmin_token = \"hunter2\n"),
            "TOML parse error at line 3, column 23: invalid basic string, expected `\"` (at `admin_token`)",
        ),
        (
            toml("[http]\nadmin_token = hunter2"),
            "line 2, column 15: string values must be quoted, expected literal string (at `admin_token`)",
        ),
        (
            toml("[http]\nadmin_token = \"\"\"\nhunter2 = \\q\"\"\""),
            "line 3, column 12",
        ),
        (yaml("http:\n  admin_token: \"hunter2\n"), "line "),
        (
            yaml("http:\n  admin_token: hunter2: x\n"),
            "line 2 column 23 (at `admin_token`)",
        ),
        (yaml("hunter2\n"), "it has no names of settings"),
        (
            yaml("? [hunter2]\n: x\n"),
            "colons or quotes are not as they have to be at line 1",
        ),
        (
            toml("[http]\nadmin_tokn = \"hunter2\""),
            "http.admin_tokn (file escalator.toml): there is no such setting; did you mean http.admin_token?",
        ),
        (
            layers().variable("ESCALATOR__HTTP__ADMIN_TOKN", "hunter2"),
            "http.admin_tokn (environment variable ESCALATOR__HTTP__ADMIN_TOKN): there is no",
        ),
        (
            yaml("http: hunter2"),
            "http (file escalator.yaml): there is no",
        ),
    ] {
        let error = layers.load().unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let told = format!("{error}: {}", cause.unwrap_or_default());
        assert!(told.contains(said), "{told}");
        assert!(
            !format!("{told} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}
