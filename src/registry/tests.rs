#[path = "../../tests/support/registry.rs"]
mod support;

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::settings::{Registry as Settings, Secret};
use support::Registry;

const RECORD: &str = r#"{"type":"record","name":"TicketCreated","fields":[]}"#;

fn settings(urls: &[String]) -> Settings {
    Settings {
        urls: urls.to_vec(),
        user: None,
        password: None,
        certificates: None,
        timeout: Duration::from_secs(10),
        register: true,
    }
}

fn client(registry: &Registry) -> Client {
    Client::new(&settings(&[registry.url()])).unwrap()
}

/// What asking for a schema fails with while everything is answered with this.
fn failure(registry: &Registry, status: u16, body: &str) -> (Kind, String) {
    registry.always(Some((status, body)));
    let error = client(registry).schema(1).unwrap_err();
    registry.always(None);
    (error.kind(), error.to_string())
}

#[test]
fn a_schema_is_found_by_its_id() {
    let registry = Registry::start();
    registry.put(7, RECORD);
    let found = client(&registry).schema(7).unwrap();
    assert_eq!(found.text, RECORD);
    assert_eq!(registry.asked(), ["GET /schemas/ids/7"]);
}

#[test]
fn what_says_nothing_of_the_schema_is_tried_again() {
    let registry = Registry::start();
    let told = r#"{"error_code":50001,"message":"the store\u001b is away"}"#;
    for (status, body, words) in [
        (500, told, "fails with 500 (the store  is away)"),
        (503, "", "fails with 503"),
        (429, "{}", "fails with 429"),
        (401, "{}", "refuses access with 401; check `registry.user`"),
        (403, "{}", "refuses access with 403"),
        // Somebody else than a registry.
        (404, "<html>", "check `registry.url`"),
        (
            404,
            r#"{"error_code":404,"message":"HTTP 404"}"#,
            "check `registry.url`",
        ),
        (302, "", "a redirect (302)"),
        (200, "<html>", "with something else"),
        (200, r#"{"schema":1}"#, "with something else"),
    ] {
        let (kind, text) = failure(&registry, status, body);
        assert_eq!(kind, Kind::Retry, "{text}");
        assert!(text.contains(words), "{text}");
    }
    let url = registry.url();
    let gone = client(&registry);
    drop(registry);
    let mut gone = gone;
    let error = gone.schema(1).unwrap_err();
    assert!(error.is_retriable());
    assert!(
        error
            .to_string()
            .contains(&format!("{url} does not answer")),
        "{error}"
    );
}

#[test]
fn what_is_said_of_the_schema_is_final() {
    let registry = Registry::start();
    let error = client(&registry).schema(1).unwrap_err();
    assert_eq!(error.kind(), Kind::Unknown);
    assert_eq!(error.to_string(), "there is none (Schema 1 not found)");
    // A replica of the registry may not have heard of it yet.
    assert_eq!(registry.asked().len(), 2);
    for (kind, words) in [
        ("PROTOBUF", "Protobuf"),
        ("JSON", "JSON Schema"),
        ("X", "not Avro"),
    ] {
        registry.put_answer(1, json!({ "schema": "{}", "schemaType": kind }));
        let error = client(&registry).schema(1).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.to_string().contains(words), "{error}");
    }
    let (kind, text) = failure(&registry, 200, &" ".repeat((1 << 20) + 1));
    assert_eq!(kind, Kind::Refused, "{text}");
}

#[test]
fn referenced_schemas_come_along_once_each_and_within_a_limit() {
    let registry = Registry::start();
    let reference = |subject| json!({ "name": "a.B", "subject": subject, "version": 1 });
    let outer = json!({
        "schema": RECORD, "schemaType": "AVRO",
        "references": [reference("one"), reference("two")],
    });
    registry.put_answer(1, outer);
    registry.put_version("one", 2, "\"int\"");
    registry.put_version("two", 3, "\"long\"");
    registry.put_answer(
        3,
        json!({ "schema": "\"long\"", "references": [reference("one")] }),
    );
    let mut references = client(&registry).schema(1).unwrap().references;
    references.sort();
    assert_eq!(references, ["\"int\"", "\"long\""]);
    // One that refers to itself in ever new versions would never end.
    registry.put_version("many", 4, "\"int\"");
    let many: Vec<_> = (1..=101)
        .map(|version| json!({ "name": "a.B", "subject": "many", "version": version }))
        .collect();
    for _ in 0..100 {
        registry.put_version("many", 4, "\"int\"");
    }
    registry.put_answer(5, json!({ "schema": RECORD, "references": many }));
    let error = client(&registry).schema(5).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
}

#[test]
fn credentials_are_shown_to_the_registry_and_to_nobody_else() {
    let registry = Registry::start();
    registry.put(1, RECORD);
    // `ann:s3same`, as HTTP writes it.
    registry.ask_for("Basic YW5uOnMzc2FtZQ==");
    let mut known = settings(&[registry.url()]);
    known.user = Some("ann".to_owned());
    known.password = Some(Secret::new("s3same".to_owned()));
    assert!(Client::new(&known).unwrap().schema(1).is_ok());
    assert!(!format!("{known:?}").contains("s3same"));
    let error = client(&registry).schema(1).unwrap_err();
    assert!(
        error.to_string().contains("refuses access with 401"),
        "{error}"
    );
}

#[test]
fn any_of_several_addresses_answers() {
    let (first, second) = (Registry::start(), Registry::start());
    second.put(1, RECORD);
    let mut client = Client::new(&settings(&[first.url(), second.url()])).unwrap();
    first.always(Some((503, "")));
    assert!(client.schema(1).is_ok());
    assert!(client.schema(1).is_ok());
    assert_eq!(
        first.asked().len(),
        1,
        "the one that answered is asked first"
    );
    drop(second);
    first.always(None);
    first.put(1, RECORD);
    assert!(client.schema(1).is_ok());
}

#[test]
fn schemas_are_registered_and_looked_up_under_a_subject() {
    let registry = Registry::start();
    let mut client = client(&registry);
    let missing = client.look_up("escalated-value", RECORD).unwrap_err();
    assert_eq!(missing.kind(), Kind::Unknown);
    let id = client.register("escalated-value", RECORD).unwrap();
    assert_eq!(client.register("escalated-value", RECORD), Ok(id));
    assert_eq!(client.look_up("escalated-value", RECORD), Ok(id));
    assert_eq!(client.latest("escalated-value").unwrap().text, RECORD);
    assert_eq!(registry.schema(id), RECORD);
    registry.always(Some((
        409,
        r#"{"error_code":409,"message":"incompatible with version 1"}"#,
    )));
    let refused = client.register("escalated-value", RECORD).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
    assert!(
        refused.to_string().contains("incompatible with version 1"),
        "{refused}"
    );
}

#[test]
fn certificates_that_are_none_are_refused() {
    let mut none = settings(&[]);
    none.certificates = Some("nothing".to_owned());
    let error = Client::new(&none).err().unwrap();
    assert!(error.to_string().contains("`registry.ca_file`"), "{error}");
}
