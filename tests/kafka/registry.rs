//! A schema registry beside a real broker: what is read with its schemas, what waits while it is
//! away, and events out that are framed for it.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use rdkafka::producer::Producer;
use serde_json::{Value, json};

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::broker::{broker, free_port};
use crate::support::client::{Sent, producer, send};
use crate::support::process::Escalator;
use crate::support::registry::Registry;
use crate::support::{PATIENCE, wait_until};

/// What a producer wrote before most fields were there.
pub(crate) const OLDER: &str = r#"{"type":"record","name":"TicketCreated","namespace":"desk","fields":[
    {"name":"ticket_id","type":"string"},
    {"name":"occurred_at","type":"long"},
    {"name":"ticket","type":{"type":"record","name":"Ticket","fields":[
        {"name":"status","type":"string"}]}}]}"#;

/// What it writes now: fields that are not ours, one type named twice, another unit of time.
const EVOLVED: &str = r#"{"type":"record","name":"TicketCreated","namespace":"desk","fields":[
    {"name":"tenant","type":{"type":"record","name":"Party","fields":[{"name":"id","type":"int"}]}},
    {"name":"ticket_id","type":"string"},
    {"name":"occurred_at","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"ticket","type":{"type":"record","name":"Ticket","fields":[
        {"name":"status","type":["null","string"],"default":null},
        {"name":"owner","type":["null","Party"],"default":null}]}}]}"#;

const AT_MS: i64 = 1_795_424_400_000;

fn site(registry: &str) -> Site {
    let more =
        format!("[start]\nnotify_from = '1970-01-01T00:00:00Z'\n[registry]\nurl = '{registry}'\n");
    Site::new(TELLS_OF_EVERY_TICKET, 2, &more)
}

/// An event as the library writes it by a schema, in Confluent framing.
pub(crate) fn framed(id: u32, schema: &str, event: Value) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let value = Avro::try_from(event).unwrap().resolve(&schema).unwrap();
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    let datum = writer.write_value_to_vec(value).unwrap();
    [&[0][..], &id.to_be_bytes(), &datum].concat()
}

/// Sends a created event to a partition.
fn create(site: &Site, partition: i32, ticket: &str, value: &[u8]) {
    let producer = producer(&broker().address, &[("acks", "all")]);
    let sent = Sent {
        partition,
        key: Some(ticket.as_bytes()),
        value: Some(value),
        timestamp_ms: Some(AT_MS),
        ..Sent::default()
    };
    send(&producer, &site.topic("created"), &[sent]);
    producer.flush(PATIENCE).unwrap();
}

fn plain(ticket: &str) -> Vec<u8> {
    let value = json!({ "ticket_id": ticket, "occurred_at": "2026-11-23T09:00:00Z",
        "ticket": { "status": "open" } });
    value.to_string().into_bytes()
}

/// An instance that has made the topics.
fn started(site: &Site) -> Escalator {
    let service = site.start("one");
    wait_until("the start", PATIENCE, || {
        service.log().contains("goes on from").then_some(())
    });
    service
}

fn wait_for_escalated(site: &Site, tickets: &[&str]) {
    wait_until("the escalations", PATIENCE, || {
        let mut seen: Vec<String> = site
            .read("escalated")
            .iter()
            .map(|it| it.text().0)
            .collect();
        seen.sort();
        (seen == tickets).then_some(())
    });
}

#[test]
fn records_wait_for_a_registry_that_is_away_and_nothing_is_lost() {
    let port = free_port();
    let site = site(&format!("http://127.0.0.1:{port}"));
    let older = json!({ "ticket_id": "T1", "occurred_at": AT_MS, "ticket": { "status": "open" } });
    create(&site, 0, "T1", &framed(11, OLDER, older));
    create(&site, 0, "T2", &plain("T2"));
    create(&site, 1, "T3", &plain("T3"));
    let evolved = json!({ "tenant": { "id": 1 }, "ticket_id": "T4", "occurred_at": AT_MS * 1_000,
        "ticket": { "status": "open", "owner": { "id": 2 } } });
    create(&site, 0, "T4", &framed(12, EVOLVED, evolved));
    let service = started(&site);
    wait_for_escalated(&site, &["T3"]);
    let ready = wait_until("the finding", PATIENCE, || {
        let ready = service.ask("GET /readyz", "")?;
        ready
            .contains("[-] schema registry answers")
            .then_some(ready)
    });
    assert!(ready.contains("records wait for schema 11"), "{ready}");
    assert!(ready.contains("does not answer"), "{ready}");
    let metrics = service.ask("GET /metrics", "").unwrap();
    let waiting = "escalator_partitions{state=\"waiting_for_schema\"} 1";
    assert!(metrics.contains(waiting), "{metrics}");
    assert!(
        service
            .log()
            .contains("partitions wait for the schema registry")
    );

    let registry = Registry::start_at(port);
    registry.put(11, OLDER);
    registry.put(12, EVOLVED);
    wait_for_escalated(&site, &["T1", "T2", "T3", "T4"]);
    wait_until("being ready again", PATIENCE, || {
        let ready = service.ask("GET /readyz", "")?;
        ready.starts_with("HTTP/1.1 200").then_some(())
    });
    assert!(service.stop().success());
    assert!(site.read("dead").is_empty());
}

fn reasons(site: &Site, count: usize) -> Vec<String> {
    let letters = wait_until("the dead letters", PATIENCE, || {
        Some(site.read("dead")).filter(|letters| letters.len() == count)
    });
    let header = |name: &str, headers: &[(String, Option<Vec<u8>>)]| {
        let found = headers.iter().find(|(own, _)| own == name);
        String::from_utf8(found.unwrap().1.clone().unwrap()).unwrap()
    };
    let told = letters.iter().map(|letter| {
        let headers = &letter.headers;
        format!(
            "{}: {}",
            header("reason", headers),
            header("error", headers)
        )
    });
    told.collect()
}

#[test]
fn a_schema_that_does_not_exist_makes_a_dead_letter_and_the_stream_goes_on() {
    let registry = Registry::start();
    registry.put_answer(
        5,
        json!({ "schema": "message X {}", "schemaType": "PROTOBUF" }),
    );
    let site = site(&registry.url());
    let older = json!({ "ticket_id": "T1", "occurred_at": AT_MS, "ticket": { "status": "open" } });
    create(&site, 0, "T1", &framed(4, OLDER, older.clone()));
    create(&site, 0, "T1", &framed(5, OLDER, older));
    create(&site, 0, "T2", &plain("T2"));
    let service = started(&site);
    wait_for_escalated(&site, &["T2"]);
    let reasons = reasons(&site, 2);
    assert!(
        reasons[0].starts_with("unknown_schema: the registry has no schema 4"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].starts_with("unsupported_format: schema 5"),
        "{reasons:?}"
    );
    assert!(service.stop().success());
}

#[test]
fn without_a_registry_its_records_are_dead_letters_that_name_the_setting() {
    let site = Site::new(TELLS_OF_EVERY_TICKET, 1, "");
    create(&site, 0, "T1", &[0, 0, 0, 0, 1, 2, 65]);
    let service = started(&site);
    let reasons = reasons(&site, 1);
    assert!(reasons[0].contains("set `registry.url`"), "{reasons:?}");
    assert!(service.stop().success());
}

/// `ann:s3same`, as HTTP writes it.
const CREDENTIALS: &str = "Basic YW5uOnMzc2FtZQ==";

/// Starts an instance that writes in Confluent framing.
fn start_framing(site: &Site, instance: &str) -> Escalator {
    let config = site.path().join("escalator.toml");
    let config = config.to_str().unwrap();
    let arguments = [
        "run",
        "--config",
        config,
        "--instance",
        instance,
        "--output-format",
        "avro",
    ];
    let environment = [
        ("ESCALATOR__OUTPUT__FRAMING", "confluent"),
        ("ESCALATOR__REGISTRY__USER", "ann"),
        ("ESCALATOR__REGISTRY__PASSWORD__ENV", "REGISTRY_PASSWORD"),
        ("REGISTRY_PASSWORD", "s3same"),
    ];
    Escalator::start_with(site.path(), instance, &arguments, &environment)
}

/// Reads a record as a subscriber does that knows the registry only.
fn unframed(registry: &Registry, value: &[u8]) -> Value {
    let (head, mut datum) = value.split_at(5);
    assert_eq!(head[0], 0);
    let id = u32::from_be_bytes(head[1..].try_into().unwrap());
    let schema = Schema::parse_str(&registry.schema(id)).unwrap();
    let reader = GenericDatumReader::builder(&schema).build().unwrap();
    let read = reader.read_value(&mut datum).unwrap();
    assert!(datum.is_empty());
    read.try_into().unwrap()
}

#[test]
fn events_out_are_framed_with_the_ids_of_the_registry() {
    let registry = Registry::start();
    registry.put(30, OLDER);
    registry.ask_for(CREDENTIALS);
    let site = site(&registry.url());
    create(&site, 0, "T1", &plain("T1"));
    registry.always(Some((503, "")));
    let service = start_framing(&site, "one");
    wait_until("the wait", PATIENCE, || {
        let log = service.log();
        log.contains("the service waits for the schema registry")
            .then_some(())
    });
    registry.always(None);
    wait_for_escalated(&site, &["T1"]);
    let escalated = site.read("escalated").remove(0);
    let event = unframed(&registry, escalated.value.as_deref().unwrap());
    assert_eq!(
        (&event["type"], &event["ticket_id"]),
        (&json!("raised"), &json!("T1"))
    );
    let notify = site.read("notify").remove(0);
    let told = unframed(&registry, notify.value.as_deref().unwrap());
    assert_eq!(
        (&told["to"], &told["escalation_event_id"]),
        (&json!("noc"), &event["id"])
    );
    // The state is ours alone.
    let state = site
        .read("state")
        .into_iter()
        .find(|it| it.text().0 == "T1");
    assert_eq!(state.unwrap().value.unwrap()[..2], [0xc3, 0x01]);
    assert!(!service.log().contains("s3same"));
    assert!(service.stop().success());
    let subjects = ["escalated", "notify"].map(|topic| site.topic(topic) + "-value");
    for subject in subjects {
        let asked = format!("POST /subjects/{subject}/versions");
        assert!(registry.asked().contains(&asked), "{asked}");
    }
}

#[test]
fn a_schema_that_the_registry_does_not_accept_ends_the_start_with_a_remedy() {
    let registry = Registry::start();
    let site = site(&registry.url());
    let told = r#"{"error_code":409,"message":"READER_FIELD_MISSING_DEFAULT_VALUE"}"#;
    registry.always(Some((409, told)));
    let mut service = start_framing(&site, "one");
    assert_eq!(service.wait().code(), Some(2));
    let log = service.log();
    for words in [
        "does not accept the schema `Escalated`",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        "compatibility level",
    ] {
        assert!(log.contains(words), "{log}");
    }
}

#[test]
fn what_the_registry_holds_is_checked_against_the_schemas_of_the_service() {
    let registry = Registry::start();
    let site = site(&registry.url());
    let subject = |topic| site.topic(topic) + "-value";
    registry.put_version(&subject("created"), 1, OLDER);
    registry.put_version(&subject("created"), 2, EVOLVED);
    let other = r#"{"type":"record","name":"Escalated","fields":[{"name":"id","type":"int"}]}"#;
    registry.put_version(&subject("escalated"), 3, other);
    let config = site.path().join("escalator.toml");
    let arguments = [
        "schema",
        "check",
        "--registry",
        "--config",
        config.to_str().unwrap(),
    ];
    let mut check = Escalator::start(site.path(), "check", &arguments);
    assert_eq!(check.wait().code(), Some(1));
    let log = check.log();
    for line in [
        format!(
            "good: {}: compatible with TicketCreated\n",
            subject("created")
        ),
        format!(
            "good: {}: absent for TicketUpdated: the registry has none yet, which is no obstacle\n",
            subject("updated")
        ),
        format!(
            "bad: {}: incompatible with Escalated: field `id`: ",
            subject("escalated")
        ),
    ] {
        assert!(log.contains(&line), "{line}: {log}");
    }
}
